//! A Cholesky factor of `H_FF` that also solves with the matrix of a slightly different support.
//!
//! After R has left the basis F, the solution on `S = F∖R` is that of the bordered system
//! `H_FF u + E_R μ = b`, `u_R = 0`. With `H_FF = LLᵀ` and `G = L⁻¹E_R` it is a projection,
//!
//! ```text
//! t = L⁻¹b,   t ← t − G (GᵀG)⁻¹ Gᵀ t,   u = L⁻ᵀ t
//! ```
//!
//! which costs |F|² for each index that leaves instead of |S|³/3 for a new factor; the columns of G
//! are kept, so that an index that comes back is free. Before that, indices A that are not in F have become
//! its last ones,
//!
//! ```text
//! [ L   0 ]      W = L⁻¹H_FA,
//! [ Wᵀ  C ]      CCᵀ = H_AA − WᵀW
//! ```
//!
//! for |F|² each.

use super::accurate::{Excess, accurate_excess};
use crate::limit::in_order::{cholesky_in_place, par, product};
use crate::matrix::Matrix;
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Most steps of iterative refinement; two are typical.
const REFINEMENTS: usize = 6;

/// The factor of `H_FF + shift·diag(H)` and the indices that have entered and left since.
pub struct Factor {
    /// F, then A.
    basis: Vec<usize>,
    shift: f64,
    /// The columns of L, one after the other; zeros above the diagonal.
    lower: Matrix,
    /// W and C.
    border: Mat<f64>,
    corner: Mat<f64>,
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
        let mut lower = gathered(h, shift, &support);
        cholesky_in_place(MatMut::from_column_major_slice_mut(lower.values_mut(), s, s))?;
        let regular = |(c, &k): (usize, &usize)| regular(lower[(c, c)], s, shift, h[(k, k)]);
        support.iter().enumerate().all(regular).then(|| Self {
            basis: support.clone(),
            shift,
            lower,
            border: Mat::zeros(s, 0),
            corner: Mat::zeros(0, 0),
            columns: Mat::zeros(s, 0),
            positions: Vec::new(),
            support,
            removed: Vec::new(),
            gone: Mat::zeros(s, 0),
            gone_lower: Mat::zeros(0, 0),
        })
    }

    fn lower(&self) -> MatRef<'_, f64> {
        let f = self.lower.rows();
        MatRef::from_column_major_slice(self.lower.values(), f, f)
    }

    /// The rows of the factor of `H_FF`, as far as the diagonal.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        (0..self.basis.len()).map(|r| (0..=r).map(|c| self.lower[(c, r)]).collect()).collect()
    }

    /// Goes over to another support if that is cheaper than a new factor; false if it is not, or if the matrix
    /// with what enters is singular: the factor is then of no use any more.
    pub fn change_to(&mut self, h: &Matrix, support: &[usize]) -> bool {
        let mut wanted = vec![false; h.rows()];
        support.iter().for_each(|&i| wanted[i] = true);
        let removed: Vec<usize> = (0..self.basis.len()).filter(|&p| !wanted[self.basis[p]]).collect();
        self.basis.iter().for_each(|&i| wanted[i] = false);
        let entered: Vec<usize> = support.iter().copied().filter(|&i| wanted[i]).collect();
        let known = |p: &usize| entered.is_empty() && self.positions.contains(p);
        let new: Vec<usize> = removed.iter().copied().filter(|p| !known(p)).collect();
        let (f, a) =
            (self.lower.rows() as f64, if entered.is_empty() { 0 } else { self.corner.nrows() + entered.len() } as f64);
        let (s, r) = (support.len() as f64, removed.len() as f64);
        if 1.5 * f * f * (new.len() as f64 + a) + f * (r * r + a * a) > s * s * s / 3.0 {
            return false;
        }
        if !entered.is_empty() && !self.enclose(h, entered) {
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
        cholesky_in_place(self.gone_lower.as_mut()).is_some()
    }

    /// Takes these indices into the basis; false if its matrix becomes singular.
    fn enclose(&mut self, h: &Matrix, entered: Vec<usize>) -> bool {
        self.basis.extend(entered);
        let (f, size) = (self.lower.rows(), self.basis.len());
        let (inner, outer) = self.basis.split_at(f);
        let mut border = Mat::from_fn(f, outer.len(), |r, c| h[(outer[c], inner[r])]);
        solve_lower_triangular_in_place(self.lower(), border.as_mut(), par(f));
        let mut corner = Mat::from_fn(outer.len(), outer.len(), |r, c| h[(outer[c], outer[r])]);
        outer.iter().enumerate().for_each(|(c, &k)| corner[(c, c)] += self.shift * h[(k, k)]);
        matmul(corner.as_mut(), Accum::Add, border.transpose(), border.as_ref(), -1.0, par(f));
        let definite = cholesky_in_place(corner.as_mut()).is_some();
        let regular = |(c, &k): (usize, &usize)| regular(corner[(c, c)], size, self.shift, h[(k, k)]);
        let definite = definite && outer.iter().enumerate().all(regular);
        (self.border, self.corner) = (border, corner);
        (self.columns, self.positions) = (Mat::zeros(size, 0), Vec::new());
        definite
    }

    /// `L⁻¹ b` over the whole basis.
    fn forward(&self, b: &mut Mat<f64>, par: Par) {
        let (mut top, mut bottom) = b.as_mut().split_at_row_mut(self.lower.rows());
        solve_lower_triangular_in_place(self.lower(), top.as_mut(), par);
        if bottom.nrows() > 0 {
            matmul(bottom.as_mut(), Accum::Add, self.border.transpose(), top.as_ref(), -1.0, par);
            solve_lower_triangular_in_place(self.corner.as_ref(), bottom, par);
        }
    }

    /// `L⁻ᵀ b` over the whole basis.
    fn backward(&self, b: &mut Mat<f64>) {
        let (mut top, mut bottom) = b.as_mut().split_at_row_mut(self.lower.rows());
        if bottom.nrows() > 0 {
            solve_upper_triangular_in_place(self.corner.transpose(), bottom.as_mut(), Par::Seq);
            matmul(top.as_mut(), Accum::Add, self.border.as_ref(), bottom.as_ref(), -1.0, Par::Seq);
        }
        solve_upper_triangular_in_place(self.lower().transpose(), top, Par::Seq);
    }

    /// Adds the columns `L⁻¹ e_p` of new positions p.
    fn extend(&mut self, new: &[usize]) {
        let (f, old) = (self.basis.len(), self.columns.ncols());
        let mut fresh = Mat::zeros(f, new.len());
        new.iter().enumerate().for_each(|(c, &p)| fresh[(p, c)] = 1.0);
        self.forward(&mut fresh, par(f));
        self.columns.resize_with(f, old + new.len(), |r, c| fresh[(r, c - old)]);
        self.positions.extend(new);
    }

    /// `u` with `(H_SS + shift·I) u_S = b_S`, over the basis; b is given over the basis too.
    fn solve(&self, mut b: Mat<f64>) -> Mat<f64> {
        self.forward(&mut b, Par::Seq);
        if !self.removed.is_empty() {
            let mut coefficients = product(self.gone.transpose(), b.as_ref());
            solve_lower_triangular_in_place(self.gone_lower.as_ref(), coefficients.as_mut(), Par::Seq);
            solve_upper_triangular_in_place(self.gone_lower.transpose(), coefficients.as_mut(), Par::Seq);
            matmul(b.as_mut(), Accum::Add, self.gone.as_ref(), coefficients.as_ref(), -1.0, Par::Seq);
        }
        self.backward(&mut b);
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

/// The columns of `H_SS + shift·diag(H)` from the diagonal on.
fn gathered(h: &Matrix, shift: f64, support: &[usize]) -> Matrix {
    let s = support.len();
    let mut columns = Matrix::zeros(s, s);
    let gather = |(c, column): (usize, &mut [f64])| {
        let row = h.row(support[c]);
        for (value, &i) in column[c..].iter_mut().zip(&support[c..]) {
            *value = row[i];
        }
        column[c] += shift * row[support[c]];
    };
    if let Par::Seq = par(s) {
        columns.values_mut().chunks_mut(s.max(1)).enumerate().for_each(gather);
    } else {
        columns.values_mut().par_chunks_mut(s).enumerate().for_each(gather);
    }
    columns
}

/// Whether a pivot, the square of an entry of the diagonal of L, is more than rounding of that of H.
fn regular(entry: f64, size: usize, shift: f64, diagonal: f64) -> bool {
    entry * entry > super::SINGULAR * (size + 10) as f64 * (1.0 + shift) * diagonal
}
