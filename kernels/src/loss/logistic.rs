//! The logistic loss, `ℓ(q) = log(1 + e^{−q})`.
//!
//! Its weights are bounded, `s = σ(−q)` with `σ(x) = 1/(1 + e^{−x})`, and have the tail of the exponential loss. With
//! `u = σ(q) = 1 − s` all ratios are products:
//!
//! ```text
//! s'/s = −u,   s''/s = u(u − s),   s'''/s = −u(1 − 6us),   s''''/s = u(u − s)(1 − 12us)
//! ```
//!
//! `s ≤ ℓ` as `x/(1 + x) ≤ log(1 + x)`, so `ℓ'' = us ≤ s ≤ ℓ ≤ e^{−q}`.
//!
//! *Range.* Everything goes through `e = e^{−|q|} ≤ 1`, which cannot overflow:
//!
//! ```text
//! s = e/(1 + e) for q ≥ 0, 1/(1 + e) below        log s = −max(q, 0) − r,   r = log(1 + e)
//! log ℓ = −q + log(r/e) for q ≥ 0,  log(r − q) below
//! ```
//!
//! Where e is 0, beyond 745, so is r, and r/e is 1. A weight has the error of e and of two more roundings; division
//! is rounded exactly on every instruction set, so its bits are the same on each.

use super::{LossFunction, Parts, Ratios};
use crate::lane::Lane;

/// `ℓ(q) = log(1 + e^{−q})`.
#[derive(Clone, Copy, Debug)]
pub struct Logistic;

impl LossFunction for Logistic {
    const NAME: &'static str = "logistic";
    const TAIL: f64 = 1.0;
    const STEEPNESS: f64 = 1.0;
    const CURVATURE: f64 = 0.25;
    const BOUNDED: bool = true;

    #[inline(always)]
    fn weight<T: Lane>(q: T) -> T {
        let wrong = q < T::default();
        let e = (if wrong { q } else { -q }).exp();
        (if wrong { T::ONE } else { e }) / (T::ONE + e)
    }

    #[inline(always)]
    fn log_weight(offset: Parts, q: Parts) -> f64 {
        let rest = remainder(q.0);
        if q.0 < 0.0 { offset.0 + (offset.1 - rest) } else { (offset.0 - q.0) + ((offset.1 - q.1) - rest) }
    }

    #[inline(always)]
    fn log_change(q: f64, by: f64) -> f64 {
        let moved = q + by;
        let of_rests = remainder(q) - remainder(moved);
        match (q < 0.0, moved < 0.0) {
            (false, false) => of_rests - by,
            (false, true) => q + of_rests,
            (true, false) => of_rests - moved,
            (true, true) => of_rests,
        }
    }

    #[inline(always)]
    fn log_value(q: f64) -> f64 {
        let rest = remainder(q);
        let e = libm::exp(-q.abs());
        match (q < 0.0, e > 0.0) {
            (true, _) => libm::log(rest - q),
            (false, true) => libm::log(rest / e) - q,
            (false, false) => -q,
        }
    }

    #[inline(always)]
    fn ratios(q: f64) -> Ratios {
        let e = libm::exp(-q.abs());
        let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
        let (s, u) = if q < 0.0 { (large, small) } else { (small, large) };
        let (apart, product) = (u - s, u * s);
        [-u, u * apart, -u * (1.0 - 6.0 * product), u * apart * (1.0 - 12.0 * product)]
    }

    #[inline(always)]
    fn least_tilted(p: f64) -> f64 {
        // at s(q) = p: the entropy of (p, 1 − p)
        if p < 1.0 { -p * libm::log(p) - (1.0 - p) * libm::log1p(-p) } else { f64::NAN }
    }

    #[inline(always)]
    fn shares(value: f64) -> Option<[f64; 2]> {
        // with x = ℓ: s = 1 − e^{−x}, e^{−q} = e^x − 1, and both ratios fall as x grows
        let both = if value > 0.0 { [-libm::expm1(-value) / value, value / libm::expm1(value)] } else { [1.0; 2] };
        Some(both)
    }
}

/// `r = log(1 + e^{−|q|})`.
#[inline(always)]
fn remainder(q: f64) -> f64 {
    libm::log1p(libm::exp(-q.abs()))
}

#[cfg(test)]
mod tests;
