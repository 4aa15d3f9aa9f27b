//! The exponential loss, `ℓ(q) = e^{−q}`.
//!
//! It is its own weight, and its own derivative but for the sign: `s = ℓ`, `s⁽ᵏ⁾/s = (−1)ᵏ`, `log s = −q` without any
//! correction. So all that depends on the loss below is exact, but for the weight's one exponential.

use super::{LossFunction, Parts, Ratios};
use crate::lane::Lane;

/// `ℓ(q) = e^{−q}`.
#[derive(Clone, Copy, Debug)]
pub struct Exponential;

impl LossFunction for Exponential {
    const NAME: &'static str = "exponential";
    const TAIL: f64 = 1.0;
    const STEEPNESS: f64 = 1.0;
    const CURVATURE: f64 = 1.0;
    const BOUNDED: bool = false;

    #[inline(always)]
    fn weight<T: Lane>(q: T) -> T {
        (-q).exp()
    }

    #[inline(always)]
    fn log_weight(offset: Parts, q: Parts) -> f64 {
        (offset.0 - q.0) + (offset.1 - q.1)
    }

    #[inline(always)]
    fn log_change(_: f64, by: f64) -> f64 {
        -by
    }

    #[inline(always)]
    fn log_value(q: f64) -> f64 {
        -q
    }

    #[inline(always)]
    fn ratios(_: f64) -> Ratios {
        [-1.0, 1.0, -1.0, 1.0]
    }

    #[inline(always)]
    fn least_tilted(p: f64) -> f64 {
        p * (1.0 - libm::log(p)) // at s(q) = p
    }

    #[inline(always)]
    fn shares(_: f64) -> Option<[f64; 2]> {
        Some([1.0; 2])
    }
}
