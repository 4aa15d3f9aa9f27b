//! A steeper exponential, `ℓ(q) = e^{−2q}`, for tests: it shows what takes a loss for `e^{−q}`.
//!
//! `s = 2ℓ`, `s⁽ᵏ⁾/s = (−2)ᵏ`. Descent on it at rate r is descent on `e^{−q}` at rate 4r, with all weights halved:
//! `2q` moves by `2r·2e^{−2q}`.

use super::{LossFunction, Parts, Ratios};
use crate::lane::Lane;

/// `ℓ(q) = e^{−2q}`.
#[derive(Clone, Copy, Debug)]
pub struct Steep;

impl LossFunction for Steep {
    const NAME: &'static str = "steep";
    const TAIL: f64 = 2.0;
    const STEEPNESS: f64 = 2.0;
    const CURVATURE: f64 = 4.0;
    const BOUNDED: bool = false;

    #[inline(always)]
    fn weight<T: Lane>(q: T) -> T {
        T::from_f64(2.0) * (-(q + q)).exp()
    }

    #[inline(always)]
    fn log_weight(offset: Parts, q: Parts) -> f64 {
        (offset.0 - 2.0 * q.0) + (offset.1 - 2.0 * q.1) + std::f64::consts::LN_2
    }

    #[inline(always)]
    fn log_change(_: f64, by: f64) -> f64 {
        -2.0 * by
    }

    #[inline(always)]
    fn log_value(q: f64) -> f64 {
        -2.0 * q
    }

    #[inline(always)]
    fn ratios(_: f64) -> Ratios {
        [-2.0, 4.0, -8.0, 16.0]
    }

    #[inline(always)]
    fn least_tilted(p: f64) -> f64 {
        0.5 * p * (1.0 - libm::log(0.5 * p)) // at s(q) = p
    }

    #[inline(always)]
    fn shares(_: f64) -> Option<[f64; 2]> {
        None // s = 2ℓ
    }
}
