//! A Cholesky factor of `H_FF` that also solves with the matrix of a slightly smaller support.
//!
//! After R has left the basis F, the solution on `S = F∖R` is that of the bordered system
//! `H_FF u + E_R μ = b`, `u_R = 0`. With `H_FF = LLᵀ` and `G = L⁻¹E_R` it is a projection,
//!
//! ```text
//! t = L⁻¹b,   t ← t − G (GᵀG)⁻¹ Gᵀ t,   u = L⁻ᵀ t
//! ```
//!
//! which costs |F|² for each index that leaves instead of |S|³/3 for a new factor; the columns of G
//! are kept, so that an index that comes back is free.

use super::accurate::{Excess, accurate_excess};
use crate::matrix::Matrix;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, Par};

/// Below this size threads cost more than they bring.
const PARALLEL: usize = 384;

/// Most steps of iterative refinement; two are typical.
const REFINEMENTS: usize = 6;

/// The factor of `H_FF + shift·diag(H)` and the indices that have left F since.
pub struct Factor {
    basis: Vec<usize>,
    shift: f64,
    lower: Mat<f64>,
    /// Columns of `L⁻¹` of indices that have left at some time, and their positions in the basis.
    columns: Mat<f64>,
    positions: Vec<usize>,
    /// The present S, R (positions), G and the factor of GᵀG.
    support: Vec<usize>,
    removed: Vec<usize>,
    gone: Mat<f64>,
    gone_lower: Mat<f64>,
}

impl Factor {
    /// Factors `H_SS + shift·diag(H)`; None if a pivot vanishes against its diagonal entry.
    pub fn new(h: &Matrix, shift: f64, support: Vec<usize>) -> Option<Self> {
        let s = support.len();
        let mut lower = Mat::zeros(s, s);
        for (c, &k) in support.iter().enumerate() {
            let row = h.row(k);
            let column = lower.col_as_slice_mut(c);
            for (r, &i) in support.iter().enumerate().skip(c) {
                column[r] = row[i];
            }
            column[c] += shift * row[k];
        }
        cholesky(&mut lower)?;
        let least = super::SINGULAR * (s + 10) as f64;
        let regular = |(c, &k): (usize, &usize)| lower[(c, c)] * lower[(c, c)] > least * (1.0 + shift) * h[(k, k)];
        support.iter().enumerate().all(regular).then(|| Self {
            basis: support.clone(),
            shift,
            lower,
            columns: Mat::zeros(s, 0),
            positions: Vec::new(),
            support,
            removed: Vec::new(),
            gone: Mat::zeros(s, 0),
            gone_lower: Mat::zeros(0, 0),
        })
    }

    /// The rows of the factor, as far as the diagonal.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        (0..self.basis.len()).map(|r| (0..=r).map(|c| self.lower[(r, c)]).collect()).collect()
    }

    /// Goes over to another support if that is cheaper than a new factor; false if it is not, or if it
    /// is no part of the basis.
    pub fn reduce_to(&mut self, support: &[usize]) -> bool {
        let mut next = support.iter().peekable();
        let mut removed = Vec::new();
        for (p, i) in self.basis.iter().enumerate() {
            if next.next_if_eq(&i).is_none() {
                removed.push(p);
            }
        }
        if next.peek().is_some() {
            return false;
        }
        let new: Vec<usize> = removed.iter().copied().filter(|p| !self.positions.contains(p)).collect();
        let (f, s, r) = (self.basis.len() as f64, support.len() as f64, removed.len() as f64);
        if 1.5 * f * f * new.len() as f64 + f * r * r > s * s * s / 3.0 {
            return false;
        }
        self.extend(&new);
        let (f, r) = (self.basis.len(), removed.len());
        let index = |p: &usize| self.positions.iter().position(|q| q == p).expect("its column is known");
        let chosen: Vec<usize> = removed.iter().map(index).collect();
        self.gone = Mat::zeros(f, r);
        for (c, &k) in chosen.iter().enumerate() {
            self.gone.col_as_slice_mut(c).copy_from_slice(self.columns.col_as_slice(k));
        }
        self.gone_lower = Mat::zeros(r, r);
        matmul(self.gone_lower.as_mut(), Accum::Replace, self.gone.transpose(), self.gone.as_ref(), 1.0, par(f));
        self.support = support.to_vec();
        self.removed = removed;
        cholesky(&mut self.gone_lower).is_some()
    }

    /// Adds the columns `L⁻¹ e_p` of new positions p.
    fn extend(&mut self, new: &[usize]) {
        let (f, old) = (self.basis.len(), self.columns.ncols());
        let mut fresh = Mat::zeros(f, new.len());
        new.iter().enumerate().for_each(|(c, &p)| fresh[(p, c)] = 1.0);
        solve_lower_triangular_in_place(self.lower.as_ref(), fresh.as_mut(), par(f));
        self.columns.resize_with(f, old + new.len(), |r, c| fresh[(r, c - old)]);
        self.positions.extend(new);
    }

    /// `u` with `(H_SS + shift·I) u_S = b_S`, over the basis; b is given over the basis too.
    fn solve(&self, mut b: Mat<f64>) -> Mat<f64> {
        solve_lower_triangular_in_place(self.lower.as_ref(), b.as_mut(), Par::Seq);
        if !self.removed.is_empty() {
            let mut coefficients = self.gone.transpose() * &b;
            solve_lower_triangular_in_place(self.gone_lower.as_ref(), coefficients.as_mut(), Par::Seq);
            solve_upper_triangular_in_place(self.gone_lower.transpose(), coefficients.as_mut(), Par::Seq);
            matmul(b.as_mut(), Accum::Add, self.gone.as_ref(), coefficients.as_ref(), -1.0, Par::Seq);
        }
        solve_upper_triangular_in_place(self.lower.transpose(), b.as_mut(), Par::Seq);
        self.removed.iter().for_each(|&p| b[(p, 0)] = 0.0);
        b
    }

    /// `λ_S = (H_SS + shift·diag(H))⁻¹ 1`, zero elsewhere; n numbers.
    pub fn solve_ones(&self, n: usize) -> Vec<f64> {
        let x = self.solve(Mat::full(self.basis.len(), 1, 1.0));
        let mut lambda = vec![0.0; n];
        self.basis.iter().enumerate().for_each(|(r, &i)| lambda[i] = x[(r, 0)]);
        lambda
    }

    /// Iterative refinement of `λ_S` with compensated residuals, while they fall. The excess of the rows of S at the end, where it is known.
    pub fn refine(&self, h: &Matrix, lambda: &mut [f64]) -> Option<Vec<Excess>> {
        let mut last = f64::INFINITY;
        let mut right = vec![0.0; h.rows()];
        for _ in 0..REFINEMENTS {
            let residual = accurate_excess(h, &self.support, lambda);
            let mut largest = 0.0f64;
            for (e, &i) in residual.iter().zip(&self.support) {
                right[i] = e.value + self.shift * h[(i, i)] * lambda[i];
                largest = largest.max(right[i].abs() / e.scale);
            }
            if largest <= f64::EPSILON || largest > 0.5 * last {
                return Some(residual);
            }
            last = largest;
            let step = self.solve(Mat::from_fn(self.basis.len(), 1, |r, _| right[self.basis[r]]));
            self.basis.iter().enumerate().for_each(|(r, &i)| lambda[i] -= step[(r, 0)]);
        }
        None
    }
}

/// The lower factor in place; None if a pivot is not positive.
fn cholesky(a: &mut Mat<f64>) -> Option<()> {
    let s = a.nrows();
    let mut buffer = MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(s, par(s), Default::default()));
    let stack = MemStack::new(&mut buffer);
    llt::factor::cholesky_in_place(a.as_mut(), Default::default(), par(s), stack, Default::default()).ok()?;
    Some(())
}

fn par(s: usize) -> Par {
    if s < PARALLEL { Par::Seq } else { Par::rayon(0) }
}
