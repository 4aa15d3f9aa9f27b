//! Weights of rows that nearly cancel, made to cancel to 106 bits.
//!
//! Rows φ_r of about unit length, D numbers each, and weights u > 0 whose sum `Σ u_r φ_r` is small but not zero, as the dual
//! problem of K leaves them. With the columns `a_r = (φ_r, 1)` of A and the target `e = (0, 1)` the shortest correction is
//!
//! ```text
//! u ← u + Aᵀ (A Aᵀ)⁻¹ (e − A u)        residual from X in 106 bits, A Aᵀ and its factor in f64
//! ```
//!
//! Each round brings as many digits as `A Aᵀ` has left of its 16. Where rows cancel in many ways, all weights are well inside and the
//! correction keeps them positive; a row whose weight it makes negative is left out, and the rest starts again. It costs
//! `s·D²` plain multiply-adds for s rows, against a thousand times as many in [`super::hull`], which needs no such luck.

use super::double::Double;
use super::features::Features;
use super::vector::Vector;
use crate::limit::in_order::{Cholesky, product};
use crate::limit::rows::{Row, Rows};
use faer::Mat;

/// The sum relative to its terms at which it has come to rounding.
const SMALL: f64 = 1.0 / (1u128 << 84) as f64;

/// Rounds in which rows may be left out, and rounds of correction in each.
const ROUNDS: (usize, usize) = (8, 12);

/// Weights of the rows times `scales` (powers of two that bring them to lengths from 1 to 2), from a guess; none if this way
/// does not lead to rows that cancel.
pub fn cancel(features: &Features, rows: &Rows, scales: &[f64], guess: &[f64]) -> Option<Vec<Double>> {
    let mut support: Vec<usize> = (0..guess.len()).filter(|&r| guess[r] > 0.0 && guess[r].is_finite()).collect();
    let size = rows.groups.len() * features.x.cols() + 1;
    for _ in 0..ROUNDS.0 {
        if support.len() < size {
            return None;
        }
        let total: f64 = support.iter().map(|&r| guess[r]).sum();
        let start: Vec<f64> = support.iter().map(|&r| guess[r] / total).collect();
        let columns = columns(features, rows, scales, &support);
        let factor = Cholesky::new(product(columns.as_ref(), columns.transpose()))?;
        let part = Rows { list: support.iter().map(|&r| rows.list[r].clone()).collect(), ..rows.clone() };
        let mut weights: Vec<Double> = start.into_iter().map(Double::from).collect();
        let mut last = f64::INFINITY;
        for _ in 0..ROUNDS.1 {
            let rest = residual(features, &part, &support, scales, &weights);
            let length = rest.dot(&rest).sqrt().hi;
            if length <= SMALL || length > 0.25 * last {
                break;
            }
            last = length;
            let along = factor.solve(Mat::from_fn(size, 1, |k, _| rest.hi[k]));
            let step = product(columns.transpose(), along.as_ref());
            weights.iter_mut().enumerate().for_each(|(r, u)| *u += Double::from(step[(r, 0)]));
        }
        let positive: Vec<bool> = weights.iter().map(|u| u.hi > 0.0).collect();
        if positive.iter().all(|p| *p) {
            let mut full = vec![Double::ZERO; rows.len()];
            support.iter().zip(weights).for_each(|(&r, u)| full[r] = u);
            return Some(full);
        }
        support = support.iter().zip(positive).filter(|(_, p)| *p).map(|(r, _)| *r).collect();
    }
    None
}

/// A: (D + 1) × s, in f64.
fn columns(features: &Features, rows: &Rows, scales: &[f64], support: &[usize]) -> Mat<f64> {
    let (d, groups) = (features.x.cols(), rows.groups.len());
    let mut columns = Mat::zeros(groups * d + 1, support.len());
    for (c, &r) in support.iter().enumerate() {
        let (row, column): (&Row, &mut [f64]) = (&rows.list[r], columns.col_as_slice_mut(c));
        let x = features.x.row(row.sample);
        for p in 0..groups {
            let b = features.coefficient(row, p).value() * scales[r];
            column[p * d..][..d].iter_mut().zip(&*x).for_each(|(v, x)| *v = b * x);
        }
        column[groups * d] = 1.0;
    }
    columns
}

/// `e − A u`.
fn residual(features: &Features, part: &Rows, support: &[usize], scales: &[f64], weights: &[Double]) -> Vector {
    let scaled: Vec<Double> = weights.iter().zip(support).map(|(u, &r)| u.scaled(scales[r])).collect();
    let mut rest = Vector::default();
    for v in features.combine(part, &scaled) {
        rest.hi.extend(v.hi.iter().map(|v| -v));
        rest.lo.extend(v.lo.iter().map(|v| -v));
    }
    let left = weights.iter().fold(Double::ONE, |s, u| s + -*u);
    rest.hi.push(left.hi);
    rest.lo.push(left.lo);
    rest
}
