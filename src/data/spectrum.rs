//! Eigenvalues of the diagonal covariance Σ.

use crate::error::{Error, Result};

/// How the d eigenvalues of Σ are given.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Spectrum {
    /// All 1.
    #[default]
    Identity,
    /// `k^(−exponent)`, k = 1..d.
    Power {
        /// The exponent, any finite number.
        exponent: f64,
    },
    /// `value` for the first `count`, 1 for the rest.
    Spiked {
        /// How many.
        count: usize,
        /// Their value, above 0.
        value: f64,
    },
    /// As listed.
    Listed(Vec<f64>),
}

impl Spectrum {
    /// The d eigenvalues.
    ///
    /// # Errors
    /// [`Error::Range`] for one that is not positive and finite, or more spikes than d; [`Error::Shape`] for a list
    /// of another length.
    pub fn eigenvalues(&self, d: usize) -> Result<Vec<f64>> {
        let values = match self {
            Self::Identity => vec![1.0; d],
            Self::Power { exponent } => (1..=d).map(|k| libm::pow(k as f64, -exponent)).collect(),
            Self::Spiked { count, .. } if *count > d => {
                let expected = "at most d of them";
                return Err(Error::Range { name: "spiked eigenvalues", value: *count as f64, expected });
            }
            Self::Spiked { count, value } => (0..d).map(|k| if k < *count { *value } else { 1.0 }).collect(),
            Self::Listed(values) => values.clone(),
        };
        if values.len() != d {
            let (found, expected) = (format!("{} eigenvalues", values.len()), format!("d = {d}"));
            return Err(Error::Shape { what: "the spectrum", found, expected });
        }
        match values.iter().find(|v| !(**v > 0.0 && v.is_finite())) {
            Some(v) => Err(Error::Range { name: "an eigenvalue", value: *v, expected: "a positive, finite number" }),
            None => Ok(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let of = |s: Spectrum| s.eigenvalues(3);
        assert_eq!(of(Spectrum::Identity).unwrap(), [1.0; 3]);
        assert_eq!(of(Spectrum::Power { exponent: 1.0 }).unwrap(), [1.0, 0.5, libm::pow(3.0, -1.0)]);
        assert_eq!(of(Spectrum::Spiked { count: 2, value: 9.5 }).unwrap(), [9.5, 9.5, 1.0]);
        assert_eq!(of(Spectrum::Listed(vec![3.0, 2.0, 1.0])).unwrap(), [3.0, 2.0, 1.0]);
        for bad in [
            Spectrum::Power { exponent: f64::NAN },
            Spectrum::Spiked { count: 1, value: -2.0 },
            Spectrum::Spiked { count: 4, value: 2.0 },
            Spectrum::Listed(vec![1.0; 2]),
            Spectrum::Listed(vec![1.0, 0.0, 1.0]),
        ] {
            assert!(of(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
