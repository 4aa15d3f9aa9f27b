//! The hard-margin problem, through its dual, to the last digits.
//!
//! Rows Φ_1…Φ_N of which only `H_ik = ⟨Φ_i, Φ_k⟩` is known; the direction of maximal margin solves
//!
//! ```text
//! min ½‖W‖²  s.t. ⟨Φ_i, W⟩ ≥ 1        ([H], problem (5); Soudry et al. 2018)
//! dual:  min_{λ ≥ 0} ½ λᵀHλ − 1ᵀλ,     W* = Σ λ_i Φ_i,   max margin 1/‖W*‖ = 1/√(Σ λ_i)
//! KKT:   w = Hλ − 1 ≥ 0,  w_i = 0 where λ_i > 0
//! ```
//!
//! A few sweeps of coordinate descent guess the support ([`coordinate`]), block principal pivoting corrects it
//! in a few Cholesky factorizations ([`pivoting`]); a singular or cycling problem is for a primal active set that needs no positive
//! definiteness ([`active_set`]), from the solution of fewer rows where that is known, else from the support of one with a small
//! shift of the diagonal. λ is
//! refined with compensated residuals ([`accurate`]).
//!
//! **Residual.** The reported number is the componentwise backward error
//!
//! ```text
//! r = max_i |min(H_ii λ_i, w_i)| / (1 + Σ_k |H_ik λ_k|)
//! ```
//!
//! with w computed to twice the working precision: λ is the exact solution of a problem whose
//! entries differ from the given ones by r relative. It vanishes exactly at solutions and does not
//! change when H is scaled.
//!
//! **Separable or not.** If no direction separates the rows, the convex hull of the Φ_i contains 0:
//! `λ ≥ 0, λ ≠ 0, λᵀHλ = 0`. Rows count by their directions, whatever their lengths `h_i = √H_ii`: rounding of
//! `H_ik` by `ε h_i h_k` moves `λᵀHλ` by up to `ε (Σ λ_i h_i)²`. Where the quotient of the two is below
//! [`INSEPARABLE`], H cannot tell the rows from inseparable ones, and λ is returned with it. This is no proof: H, which squares
//! the rows, has lost half of their digits, and the rows themselves decide (`decide.rs`).

pub mod accurate;
pub mod active_set;
pub mod coordinate;
mod factor;
pub mod pivoting;

use crate::matrix::Matrix;
use accurate::{Excess, accurate_excess, largest, quadratic_form};
use std::borrow::Cow;

/// The residual that a solution has to reach.
pub const RESIDUAL: f64 = 1e-13;

/// Margin² of rows of unit length below which H cannot tell them from inseparable ones: 512 roundings.
pub const INSEPARABLE: f64 = 512.0 * f64::EPSILON;

/// An excess `w_i` within this fraction of its terms counts as zero: a few roundings of λ.
const TIE: f64 = 32.0 * f64::EPSILON;

/// A Cholesky pivot below `SINGULAR·(s + 10)` of its diagonal entry, s the size, counts as zero: it
/// is the rounding error of its own computation.
const SINGULAR: f64 = 4.0 * f64::EPSILON;

/// The shifts of a singular problem, relative to each diagonal entry, one after the other: λ of the last
/// is within about 1e-8 of a solution, enough to name the support, and far above rounding; the
/// others, better conditioned, lead there.
const SHIFTS: [f64; 3] = [1e-2, 1e-5, 1e-8];

/// How the problem was solved.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// λ to a residual of at most [`RESIDUAL`].
    Separable(Dual),
    /// No direction has a positive margin on all rows, as far as the precision of H can tell.
    NotSeparable(Farkas),
    /// The residual [`RESIDUAL`] could not be met; the best λ and its residual.
    Unresolved(Dual),
}

/// A solution of the dual problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Dual {
    /// λ ≥ 0, length N.
    pub lambda: Vec<f64>,
    /// The maximal margin `1/√(Σ λ_i)` of a unit direction.
    pub max_margin: f64,
    /// Componentwise backward error of the KKT conditions (see the module).
    pub kkt_residual: f64,
    /// Number of indices that entered or left the support on the way.
    pub pivots: usize,
}

/// Weights for which 0 lies in the convex hull of the rows, up to the precision of H.
#[derive(Clone, Debug, PartialEq)]
pub struct Farkas {
    /// λ ≥ 0 with Σλ = 1, length N.
    pub lambda: Vec<f64>,
    /// `λᵀHλ = ‖Σ λ_i Φ_i‖²`: zero but for rounding. No unit direction has a margin above its root.
    pub value: f64,
    /// `value` divided by `(Σ λ_i √H_ii)²`.
    pub relative: f64,
}

/// Solves `min_{λ≥0} ½ λᵀHλ − 1ᵀλ` for a positive semidefinite H (N×N, both halves filled).
///
/// `warm` are estimates of λ (length N), such as gradient descent's weights `α c t ℓ_i`; they cost a product
/// Hλ and save sweeps of coordinate descent. Without rows the margin is infinite; entries of H that are not
/// finite leave the problem unresolved.
///
/// # Panics
/// If H is not square, or `warm` has another length.
pub fn solve(h: &Matrix, warm: Option<&[f64]>) -> Outcome {
    assert_eq!(h.rows(), h.cols(), "H is square");
    assert!(warm.is_none_or(|w| w.len() == h.rows()), "one estimate per row");
    if h.rows() == 0 {
        let dual = Dual { lambda: Vec::new(), max_margin: f64::INFINITY, kkt_residual: 0.0, pivots: 0 };
        return Outcome::Separable(dual);
    }
    let top = largest(h.values());
    if !top.is_finite() {
        let lambda = vec![0.0; h.rows()];
        return Outcome::Unresolved(Dual { lambda, max_margin: f64::NAN, kkt_residual: f64::INFINITY, pivots: 0 });
    }
    if let Some(i) = (0..h.rows()).find(|&i| h[(i, i)] == 0.0) {
        let mut lambda = vec![0.0; h.rows()];
        lambda[i] = 1.0;
        return Outcome::NotSeparable(Farkas { lambda, value: 0.0, relative: 0.0 });
    }
    let (h, unit) = in_range(h, top);
    let warm: Option<Vec<f64>> = warm.map(|w| w.iter().map(|l| l / unit).collect());
    match search(&h, warm.as_deref()) {
        Search::Hull(weights) => Outcome::NotSeparable(farkas(&h, unit, &weights)),
        Search::Weights(lambda, pivots, excess) => {
            // λᵀHλ = Σλ at a solution; well above the bound it is trusted
            let size: f64 = (0..h.rows()).map(|i| lambda[i] * h[(i, i)].sqrt()).sum();
            if lambda.iter().sum::<f64>() <= 1e3 * INSEPARABLE * size * size {
                let certificate = farkas(&h, unit, &lambda);
                if certificate.relative <= INSEPARABLE {
                    return Outcome::NotSeparable(certificate);
                }
            }
            let kkt_residual = match excess {
                Some(excess) => residual(&h, &lambda, &excess),
                None => kkt_residual(&h, &lambda),
            };
            let lambda: Vec<f64> = lambda.iter().map(|l| l * unit).collect();
            let max_margin = 1.0 / lambda.iter().sum::<f64>().sqrt();
            let dual = Dual { lambda, max_margin, kkt_residual, pivots };
            if kkt_residual <= RESIDUAL { Outcome::Separable(dual) } else { Outcome::Unresolved(dual) }
        }
    }
}

/// The componentwise backward error `max_i |min(H_ii λ_i, w_i)| / (1 + Σ_k |H_ik λ_k|)`, `w = Hλ − 1`;
/// infinite if it is not a number.
pub fn kkt_residual(h: &Matrix, lambda: &[f64]) -> f64 {
    let all: Vec<usize> = (0..h.rows()).collect();
    residual(h, lambda, &accurate_excess(h, &all, lambda))
}

/// [`kkt_residual`] from the excess of all rows.
fn residual(h: &Matrix, lambda: &[f64], w: &[Excess]) -> f64 {
    let worst = |t: f64, i: usize| {
        let r = (h[(i, i)] * lambda[i]).min(w[i].value).abs() / w[i].scale;
        if r.is_nan() { f64::INFINITY } else { t.max(r) }
    };
    (0..h.rows()).fold(0.0, worst)
}

enum Search {
    /// λ, the pivots, and the excess of all rows, where it is known.
    Weights(Vec<f64>, usize, Option<Vec<Excess>>),
    Hull(Vec<f64>),
}

fn search(h: &Matrix, warm: Option<&[f64]>) -> Search {
    let n = h.rows();
    if let Ok(found) = pivoting::solve(h, 0.0, TIE, coordinate::support(h, warm)) {
        return Search::Weights(found.lambda, found.pivots, Some(found.excess));
    }
    if let Some(found) = warm.and_then(|warm| active_set::resume(h, warm)) {
        return Search::Weights(found.lambda, found.pivots, None);
    }
    let mut guess = vec![1.0; n];
    for shift in SHIFTS {
        let start = guess.iter().map(|l| *l > 0.0).collect();
        match pivoting::solve(h, shift, SHIFTS[2], start) {
            Ok(found) => guess = found.lambda,
            Err(_) => break,
        }
    }
    if guess.iter().sum::<f64>() > 0.0 && relative_value(h, &guess) <= INSEPARABLE {
        return Search::Hull(guess);
    }
    let solved = active_set::solve(h, &guess);
    match solved.end {
        active_set::End::Unbounded(direction) if relative_value(h, &direction) <= INSEPARABLE => {
            Search::Hull(direction)
        }
        _ => Search::Weights(solved.lambda, solved.pivots, None),
    }
}

/// `u·H` for a power of two u that keeps every product in range, and u; `top` is its largest entry.
fn in_range(h: &Matrix, top: f64) -> (Cow<'_, Matrix>, f64) {
    if (1e-60..1e60).contains(&top) {
        return (Cow::Borrowed(h), 1.0);
    }
    let unit = libm::exp2(-libm::floor(libm::log2(top)).clamp(-1000.0, 1000.0));
    let values = h.values().iter().map(|v| v * unit).collect();
    (Cow::Owned(Matrix::new(h.rows(), h.cols(), values)), unit)
}

/// `λᵀHλ/(Σ λ_i √H_ii)²` for the positive part of the weights.
fn relative_value(h: &Matrix, weights: &[f64]) -> f64 {
    let lambda: Vec<f64> = weights.iter().map(|l| l.max(0.0)).collect();
    let size: f64 = (0..h.rows()).map(|i| lambda[i] * h[(i, i)].sqrt()).sum();
    quadratic_form(h, &lambda.iter().map(|l| l / size).collect::<Vec<_>>())
}

fn farkas(h: &Matrix, unit: f64, weights: &[f64]) -> Farkas {
    let total: f64 = weights.iter().map(|l| l.max(0.0)).sum();
    let lambda: Vec<f64> = weights.iter().map(|l| l.max(0.0) / total).collect();
    Farkas { value: quadratic_form(h, &lambda) / unit, relative: relative_value(h, &lambda), lambda }
}

#[cfg(test)]
mod tests;
