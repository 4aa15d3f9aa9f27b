//! Eigenvalues of the diagonal covariance Σ.

use super::npy;
use crate::error::Result;
use crate::input_error;
use std::path::Path;

/// The d eigenvalues named by `identity` (all 1), `power:EXPONENT` (`k^(−EXPONENT)`, k = 1..d),
/// `spiked:COUNT:VALUE` (VALUE for the first COUNT, 1 for the rest) or a .npy file with d values.
///
/// # Errors
/// [`crate::error::Error::Input`] for another form, a file of another length, or eigenvalues that are not positive.
pub fn parse(text: &str, d: usize) -> Result<Vec<f64>> {
    let parts: Vec<&str> = text.split(':').collect();
    let values = match parts[..] {
        ["identity"] => vec![1.0; d],
        ["power", exponent] => {
            let exponent = number(exponent, text)?;
            (1..=d).map(|k| libm::pow(k as f64, -exponent)).collect()
        }
        ["spiked", count, value] => {
            let (count, value) = (number(count, text)?, number(value, text)?);
            (0..d).map(|k| if (k as f64) < count { value } else { 1.0 }).collect()
        }
        _ if text.ends_with(".npy") => npy::vector(Path::new(text))?,
        _ => return Err(unknown(text)),
    };
    if values.len() != d {
        return Err(input_error!("{text}: {} eigenvalues, expected data.d = {d}", values.len()));
    }
    match values.iter().find(|v| !(**v > 0.0 && v.is_finite())) {
        Some(v) => Err(input_error!("data.spectrum = \"{text}\": eigenvalue {v}, expected positive numbers")),
        None => Ok(values),
    }
}

fn number(text: &str, whole: &str) -> Result<f64> {
    text.parse().map_err(|_| unknown(whole))
}

fn unknown(text: &str) -> crate::error::Error {
    input_error!("data.spectrum = \"{text}\": expected identity, power:EXPONENT, spiked:COUNT:VALUE or a .npy file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(parse("identity", 3).unwrap(), [1.0; 3]);
        assert_eq!(parse("power:1", 3).unwrap(), [1.0, 0.5, libm::pow(3.0, -1.0)]);
        assert_eq!(parse("spiked:2:9.5", 3).unwrap(), [9.5, 9.5, 1.0]);
        for bad in ["", "power", "power:x", "spiked:1", "spiked:1:-2", "flat", "none.npy"] {
            assert!(parse(bad, 3).is_err(), "{bad}");
        }
    }
}
