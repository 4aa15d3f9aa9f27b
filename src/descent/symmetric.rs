//! The product `H·v` of a symmetric matrix and a vector, ready for many of them.

use super::compensated::Compensated;
use crate::matrix::Matrix;
use farfield_kernels::loss::Loss;
use farfield_kernels::settled::{PackedSymmetric, Space};
use std::sync::Arc;

/// A symmetric n×n matrix, of which one half is kept; cheap to clone.
#[derive(Clone, Debug)]
pub struct Symmetric(Arc<PackedSymmetric>);

impl Symmetric {
    /// Prepares `h` (n×n, symmetric).
    pub fn new(h: &Matrix) -> Self {
        assert_eq!(h.rows(), h.cols(), "a symmetric matrix is square");
        Self(Arc::new(PackedSymmetric::pack(h.values(), h.rows())))
    }

    /// One settled step of a loss, `s_i = rate·s(q_i)`, `q += H s`, `S += s`; whether `S ≤ limit` still holds.
    pub fn advance(
        &self,
        law: (Loss, f64),
        q: &mut Compensated,
        sums: &mut Compensated,
        limit: &[f64],
        space: &mut Space,
    ) -> bool {
        self.0.advance(law, q.parts_mut(), sums.parts_mut(), limit, space)
    }

    /// `out = H·v`; the order of the sums depends on n alone.
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        self.0.multiply(v, out);
    }
}
