//! Errors among samples that are not trained on, with the interval of Clopper and Pearson ([`Estimate`]).

use super::monte_carlo::Estimate;
use super::{boundary, weights};
use crate::inner_products::Direction;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};

/// How many of the held-out samples are on the wrong side: a margin `y'f(x')` that is not above 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// How many.
    pub errors: u64,
    /// Their share of the samples.
    pub error: f64,
    /// Lower end of the 95 % interval of the error of a fresh sample.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

impl Errors {
    /// So many errors among `samples ≥ 1`.
    pub fn new(errors: u64, samples: usize) -> Self {
        let Estimate { value, low, high, .. } = Estimate::new(errors, samples as u64);
        Self { errors, error: value, low, high }
    }

    /// Of a direction: by its boundary where that is a plane, else by the sign of the network. None where no samples are held
    /// out.
    pub fn of_direction(direction: &Direction, problem: &Problem) -> Option<Self> {
        let (held_out, network, x) = (problem.data.held_out()?, &problem.network, problem.data.samples());
        let errors = match boundary(direction, network, x) {
            Some(plane) => held_out.errors_of_plane(&plane),
            None => held_out.errors(&held_out.preactivations(&weights(direction, x)), network),
        };
        Some(Self::new(errors, held_out.samples()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (errors k, samples N, low, high): `beta.ppf(0.025, k, N - k + 1)` and `beta.ppf(0.975, k + 1, N - k)` of SciPy 1.17.1.
    #[rustfmt::skip]
    const INTERVALS: [(u64, usize, f64, f64); 12] = [
        (0, 1, 0.0, 0.975),
        (1, 1, 0.025, 1.0),
        (0, 34, 0.0, 0.10281792425901262),
        (1, 34, 0.0007443642346902602, 0.15326766956031768),
        (17, 34, 0.3242692700213209, 0.675730729978679),
        (34, 34, 0.8971820757409874, 1.0),
        (25, 1000, 0.016242535696882228, 0.03668482305192304),
        (0, 1000, 0.0, 0.003682083896865671),
        (1000, 1000, 0.9963179161031344, 1.0),
        (997, 1000, 0.9912579767615217, 0.9993809000683505),
        (12345, 100000, 0.12141710670798131, 0.12550476084867196),
        (3, 1000000, 6.186725501906401e-07, 8.767247788067677e-06),
    ];

    #[test]
    fn intervals_are_those_of_scipy() {
        for (errors, samples, low, high) in INTERVALS {
            let found = Errors::new(errors, samples);
            assert_eq!((found.errors, found.error), (errors, errors as f64 / samples as f64));
            // Logarithms of Γ of the size N log N, each rounded: I is off by δ of itself, at most 0.975. Without an error it has
            // the slope 0.025 N at its end 3.7/N, which so moves by at most 11 δ of itself, and others move by less.
            let delta = 4.0 * f64::EPSILON * (2.0 + samples as f64 * (1.0 + samples as f64).ln());
            for (found, scipy) in [(found.low, low), (found.high, high)] {
                assert!((found - scipy).abs() <= 11.0 * delta * scipy, "{errors} of {samples}: {found} {scipy}");
            }
        }
    }
}
