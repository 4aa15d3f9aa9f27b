//! Block principal pivoting (Júdice and Pires 1992; Kim and Park, SIAM J. Sci. Comput. 2011).
//!
//! A guess S of the support determines `λ_S = H_SS⁻¹ 1` and `w = Hλ − 1`. The violated indices are
//! those with `λ_i < 0` in S and with `w_i < 0` outside. As long as their number falls, all of them
//! change sides at once; after a few rounds without progress only the one of largest index does
//! (Murty), which ends after finitely many rounds for positive definite H. A handful of rounds is
//! typical, each with one Cholesky factor.

use super::accurate::{accurate_excess, excess};
use crate::matrix::Matrix;
use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;

/// Rounds without progress before single pivots.
const PATIENCE: usize = 4;

/// Rounds altogether; beyond them the caller's active set does better.
const ROUNDS: usize = 200;

/// Below this size threads cost more than they bring.
const PARALLEL: usize = 384;

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

/// Solves the problem for `H + shift·I` from the support `start`.
pub fn solve(h: &Matrix, shift: f64, start: Vec<bool>) -> Result<Found, Failure> {
    let n = h.rows();
    let mut inside = start;
    let (mut fewest, mut patience, mut pivots) = (n + 1, PATIENCE, 0);
    for round in 0..ROUNDS {
        let support: Vec<usize> = (0..n).filter(|&i| inside[i]).collect();
        let factor = Factor::new(h, shift, &support).ok_or(Failure::Singular)?;
        let mut lambda = factor.solve_ones(n);
        let mut violated = violations(h, shift, &inside, &lambda, round >= 20);
        if violated.is_empty() {
            factor.refine(h, &mut lambda);
            violated = violations(h, shift, &inside, &lambda, true);
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

/// Indices on the wrong side. An excess within the rounding of its own terms is no violation.
fn violations(h: &Matrix, shift: f64, inside: &[bool], lambda: &[f64], accurate: bool) -> Vec<usize> {
    let n = inside.len();
    let wrong: Vec<bool> = if accurate {
        let outside: Vec<usize> = (0..n).filter(|&i| !inside[i]).collect();
        let mut wrong: Vec<bool> = (0..n).map(|i| inside[i] && lambda[i] < 0.0).collect();
        for (i, e) in outside.iter().zip(accurate_excess(h, &outside, lambda)) {
            wrong[*i] = e.value < -super::TIE * e.scale;
        }
        wrong
    } else {
        let w = excess(h, lambda);
        let tie = super::TIE * (1.0 + w.iter().fold(0.0f64, |t, w| t.max(w.abs())));
        (0..n).map(|i| if inside[i] { lambda[i] < 0.0 } else { w[i] + shift * lambda[i] < -tie }).collect()
    };
    (0..n).filter(|&i| wrong[i]).collect()
}

/// The Cholesky factor of `H_SS + shift·I`.
struct Factor<'a> {
    support: &'a [usize],
    shift: f64,
    lower: faer::Mat<f64>,
}

impl<'a> Factor<'a> {
    /// None if a pivot vanishes against its diagonal entry.
    fn new(h: &Matrix, shift: f64, support: &'a [usize]) -> Option<Self> {
        let s = support.len();
        let mut lower = faer::Mat::zeros(s, s);
        for (c, &k) in support.iter().enumerate() {
            let row = h.row(k);
            let column = lower.col_as_slice_mut(c);
            for (r, &i) in support.iter().enumerate().skip(c) {
                column[r] = row[i];
            }
            column[c] += shift;
        }
        let mut buffer = MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(s, par(s), Default::default()));
        let stack = MemStack::new(&mut buffer);
        llt::factor::cholesky_in_place(lower.as_mut(), Default::default(), par(s), stack, Default::default()).ok()?;
        let least = super::SINGULAR * (s + 10) as f64;
        let regular = |(c, &k): (usize, &usize)| lower[(c, c)] * lower[(c, c)] > least * (h[(k, k)] + shift);
        support.iter().enumerate().all(regular).then_some(Self { support, shift, lower })
    }

    fn solve(&self, mut right: faer::Mat<f64>) -> faer::Mat<f64> {
        let mut buffer = MemBuffer::new(llt::solve::solve_in_place_scratch::<f64>(right.nrows(), 1, Par::Seq));
        llt::solve::solve_in_place(self.lower.as_ref(), right.as_mut(), Par::Seq, MemStack::new(&mut buffer));
        right
    }

    /// `λ_S = (H_SS + shift·I)⁻¹ 1`, zero elsewhere.
    fn solve_ones(&self, n: usize) -> Vec<f64> {
        let x = self.solve(faer::Mat::full(self.support.len(), 1, 1.0));
        let mut lambda = vec![0.0; n];
        self.support.iter().enumerate().for_each(|(r, &i)| lambda[i] = x[(r, 0)]);
        lambda
    }

    /// Iterative refinement with compensated residuals, while they fall.
    fn refine(&self, h: &Matrix, lambda: &mut [f64]) {
        let mut last = f64::INFINITY;
        for _ in 0..6 {
            let residual = accurate_excess(h, self.support, lambda);
            let value = |r: usize| residual[r].value + self.shift * lambda[self.support[r]];
            let largest = (0..residual.len()).fold(0.0f64, |t, r| t.max(value(r).abs() / residual[r].scale));
            if largest <= f64::EPSILON || largest > 0.5 * last {
                return;
            }
            last = largest;
            let step = self.solve(faer::Mat::from_fn(residual.len(), 1, |r, _| value(r)));
            self.support.iter().enumerate().for_each(|(r, &i)| lambda[i] -= step[(r, 0)]);
        }
    }
}

fn par(s: usize) -> Par {
    if s < PARALLEL { Par::Seq } else { Par::rayon(0) }
}
