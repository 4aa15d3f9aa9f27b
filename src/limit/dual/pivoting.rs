//! Block principal pivoting (Júdice and Pires 1992; Kim and Park, SIAM J. Sci. Comput. 2011).
//!
//! A guess S of the support determines `λ_S = H_SS⁻¹ 1` and `w = Hλ − 1`. The violated indices are
//! those with `λ_i < 0` in S and with `w_i < 0` outside. As long as their number falls, all of them
//! change sides at once; after a few rounds without progress only the one of largest index does
//! (Murty), which ends after finitely many rounds for positive definite H. A handful of rounds is
//! typical, each with one Cholesky factor or an update of it.

use super::accurate::{accurate_excess, excess};
use super::factor::Factor;
use crate::matrix::Matrix;

/// Rounds without progress before single pivots.
const PATIENCE: usize = 4;

/// Rounds altogether; beyond them the caller's active set does better.
const ROUNDS: usize = 60;

/// Why there is no solution from pivoting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The matrix of some support is singular to working precision.
    Singular,
    /// Too many rounds.
    Slow,
}

/// A complementary pair found by pivoting.
#[derive(Clone, Debug)]
pub struct Found {
    /// λ ≥ 0, length n.
    pub lambda: Vec<f64>,
    /// Number of indices that changed sides.
    pub pivots: usize,
}

/// Solves the problem for `H + shift·diag(H)` from the support `start`. An excess within `tie` of its terms
/// is no violation.
pub fn solve(h: &Matrix, shift: f64, tie: f64, start: Vec<bool>) -> Result<Found, Failure> {
    let n = h.rows();
    let mut inside = start;
    let (mut fewest, mut patience, mut pivots) = (n + 1, PATIENCE, 0);
    let mut factor: Option<Factor> = None;
    for round in 0..ROUNDS {
        let support: Vec<usize> = (0..n).filter(|&i| inside[i]).collect();
        if !factor.as_mut().is_some_and(|f| f.reduce_to(&support)) {
            factor = Some(Factor::new(h, shift, support).ok_or(Failure::Singular)?);
        }
        let Some(factor) = &factor else { return Err(Failure::Singular) };
        let mut lambda = factor.solve_ones(n);
        let mut violated = violations(h, tie, &inside, &lambda, round >= 20);
        if violated.is_empty() {
            factor.refine(h, &mut lambda);
            violated = violations(h, tie, &inside, &lambda, true);
        }
        if violated.is_empty() {
            return Ok(Found { lambda, pivots });
        }
        if violated.len() < fewest {
            (fewest, patience) = (violated.len(), PATIENCE);
        } else if patience > 0 {
            patience -= 1;
        } else {
            violated.drain(..violated.len() - 1);
        }
        pivots += violated.len();
        violated.iter().for_each(|&i| inside[i] = !inside[i]);
    }
    Err(Failure::Slow)
}

/// Indices on the wrong side.
fn violations(h: &Matrix, tie: f64, inside: &[bool], lambda: &[f64], accurate: bool) -> Vec<usize> {
    let n = inside.len();
    let outside: Vec<usize> = (0..n).filter(|&i| !inside[i]).collect();
    let mut wrong: Vec<bool> = (0..n).map(|i| inside[i] && lambda[i] < 0.0).collect();
    if accurate {
        for (i, e) in outside.iter().zip(accurate_excess(h, &outside, lambda)) {
            wrong[*i] = e.value < -tie * e.scale;
        }
    } else {
        let w = excess(h, &outside, lambda);
        let tie = tie * (1.0 + w.iter().fold(0.0f64, |t, w| t.max(w.abs())));
        outside.iter().zip(w).for_each(|(&i, w)| wrong[i] = w < -tie);
    }
    (0..n).filter(|&i| wrong[i]).collect()
}
