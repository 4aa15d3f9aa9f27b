//! The product `H·v` of a symmetric matrix and a vector.

use crate::matrix::Matrix;

/// A symmetric n×n matrix, prepared for many products with vectors.
#[derive(Clone, Debug)]
pub struct Symmetric(Matrix);

impl Symmetric {
    /// Prepares `h` (n×n, symmetric).
    pub fn new(h: &Matrix) -> Self {
        assert_eq!(h.rows(), h.cols(), "a symmetric matrix is square");
        Self(h.clone())
    }

    /// `out = H·v`, each element one chain of fused multiply-adds in the order of the columns.
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        farfield_kernels::dense::combine(v, self.0.values(), self.0.cols(), out);
    }
}
