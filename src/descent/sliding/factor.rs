//! The Cholesky factor of `K_σσ`, the inner products of the samples that a group of neurons slides on.
//!
//! ```text
//! K_σσ = LLᵀ      columns c, rows r ≥ c:   l_rc = (k_rc − Σ_{k<c} l_rk l_ck)/l_cc
//! B ← L⁻¹B, L⁻ᵀB  rows of B, one after the other, each in vector code
//! ```
//!
//! A group has few kinks: s³/6 multiply-adds beside the n² s of what is solved with them.

use crate::descent::span::SpanProblem;
use crate::matrix::Matrix;
use farfield_kernels::dense;

/// The Cholesky factor `LLᵀ` of a small symmetric positive definite matrix.
#[derive(Clone, Debug)]
pub(super) struct Factor(Matrix);

/// A pivot below this part of its diagonal entry is the rounding error of its own computation.
const SINGULAR: f64 = 64.0 * f64::EPSILON;

impl Factor {
    /// Of the matrix with these entries (s×s); none if it is singular.
    pub fn new(s: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let mut l = Matrix::zeros(s, s);
        for c in 0..s {
            for r in c..s {
                let rest = (0..c).fold(entry(r, c), |sum, k| (-l[(r, k)]).mul_add(l[(c, k)], sum));
                if r == c {
                    if rest.is_nan() || rest <= SINGULAR * (s as f64 + 10.0) * entry(c, c) {
                        return None;
                    }
                    l[(c, c)] = rest.sqrt();
                } else {
                    l[(r, c)] = rest / l[(c, c)];
                }
            }
        }
        Some(Self(l))
    }

    /// `L⁻¹K_σ·` (s×n) of the kinks σ that it is the factor of.
    pub fn half(&self, problem: &SpanProblem, kinks: &[usize]) -> Matrix {
        let k = &problem.gram.0;
        let mut half = Matrix::new(kinks.len(), problem.n(), kinks.iter().flat_map(|i| k.row(*i)).copied().collect());
        self.forward(&mut half);
        half
    }

    /// `B ← L⁻¹B` for B (s×k).
    pub fn forward(&self, b: &mut Matrix) {
        let cols = b.cols();
        for r in 0..b.rows() {
            let (done, rest) = b.values_mut().split_at_mut(r * cols);
            let row = &mut rest[..cols];
            (0..r).for_each(|k| dense::add_scaled(-self.0[(r, k)], &done[k * cols..][..cols], row));
            row.iter_mut().for_each(|v| *v /= self.0[(r, r)]);
        }
    }

    /// `B ← L⁻ᵀB` for B (s×k).
    pub fn backward(&self, b: &mut Matrix) {
        let (rows, cols) = (b.rows(), b.cols());
        for r in (0..rows).rev() {
            let (before, done) = b.values_mut().split_at_mut((r + 1) * cols);
            let row = &mut before[r * cols..];
            (r + 1..rows).for_each(|k| dense::add_scaled(-self.0[(k, r)], &done[(k - r - 1) * cols..][..cols], row));
            row.iter_mut().for_each(|v| *v /= self.0[(r, r)]);
        }
    }
}
