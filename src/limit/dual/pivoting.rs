//! Block principal pivoting (Júdice and Pires 1992; Kim and Park, SIAM J. Sci. Comput. 2011).
//!
//! A guess S of the support determines `λ_S = H_SS⁻¹ 1` and `w = Hλ − 1`. The violated indices are
//! those with `λ_i < 0` in S and with `w_i < 0` outside. As long as their number falls, all of them
//! change sides at once; after a few rounds without progress only the one of largest index does
//! (Murty), which ends after finitely many rounds for positive definite H. A handful of rounds is
//! typical, each with one Cholesky factor or an update of it.

use super::accurate::{Excess, accurate_excess, excess};
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
    /// The excess of each row, compensated, without the shift.
    pub excess: Vec<Excess>,
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
        if !factor.as_mut().is_some_and(|f| f.change_to(h, &support)) {
            factor = Some(Factor::new(h, shift, support).ok_or(Failure::Singular)?);
        }
        let Some(factor) = &factor else { return Err(Failure::Singular) };
        let mut lambda = factor.solve_ones(n);
        let mut violated = violations(h, tie, &inside, &lambda, round >= 20);
        if violated.is_empty() {
            let known = factor.refine(h, &mut lambda);
            let excess = all_excess(h, &inside, &lambda, known);
            violated = (0..n).filter(|&i| wrong(tie, inside[i], lambda[i], &excess[i])).collect();
            if violated.is_empty() {
                return Ok(Found { lambda, excess, pivots });
            }
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

/// The excess of each row, compensated; of the rows inside it may be known.
fn all_excess(h: &Matrix, inside: &[bool], lambda: &[f64], known: Option<Vec<Excess>>) -> Vec<Excess> {
    let n = inside.len();
    let Some(known) = known else { return accurate_excess(h, &(0..n).collect::<Vec<_>>(), lambda) };
    let outside: Vec<usize> = (0..n).filter(|&i| !inside[i]).collect();
    let (mut known, mut others) = (known.into_iter(), accurate_excess(h, &outside, lambda).into_iter());
    inside.iter().map(|inside| if *inside { known.next() } else { others.next() }.expect("one a row")).collect()
}

/// Whether an index is on the wrong side.
fn wrong(tie: f64, inside: bool, lambda: f64, excess: &Excess) -> bool {
    if inside { lambda < 0.0 } else { excess.value < -tie * excess.scale }
}

/// Indices on the wrong side.
fn violations(h: &Matrix, tie: f64, inside: &[bool], lambda: &[f64], accurate: bool) -> Vec<usize> {
    let n = inside.len();
    let outside: Vec<usize> = (0..n).filter(|&i| !inside[i]).collect();
    let mut off: Vec<bool> = (0..n).map(|i| inside[i] && lambda[i] < 0.0).collect();
    if accurate {
        for (&i, e) in outside.iter().zip(accurate_excess(h, &outside, lambda)) {
            off[i] = wrong(tie, false, lambda[i], &e);
        }
    } else {
        let w = excess(h, &outside, lambda);
        let tie = tie * (1.0 + w.iter().fold(0.0f64, |t, w| t.max(w.abs())));
        outside.iter().zip(w).for_each(|(&i, w)| off[i] = w < -tie);
    }
    (0..n).filter(|&i| off[i]).collect()
}
