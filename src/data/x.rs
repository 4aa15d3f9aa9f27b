//! The samples X, wherever they are: in this process, or in slabs of columns in several.

use super::slabs::Slabs;
use crate::matrix::Matrix;
use std::sync::Arc;

/// Samples X, in this process or in slabs of columns.
#[derive(Clone, Debug)]
pub enum X {
    /// All of them (n×d).
    Here(Arc<Matrix>),
    /// Shared out.
    Apart(Arc<Slabs>),
}

/// Samples of which all may be had.
pub trait Whole: Sync {
    /// Number of columns d.
    fn columns(&self) -> usize;
    /// All of them (n×d); none where this process may not hold them.
    fn whole(&self) -> Option<&Matrix>;
}

impl Whole for Matrix {
    fn columns(&self) -> usize {
        self.cols()
    }
    fn whole(&self) -> Option<&Matrix> {
        Some(self)
    }
}

impl Whole for Arc<Matrix> {
    fn columns(&self) -> usize {
        self.cols()
    }
    fn whole(&self) -> Option<&Matrix> {
        Some(self)
    }
}

impl Whole for X {
    fn columns(&self) -> usize {
        self.cols()
    }
    fn whole(&self) -> Option<&Matrix> {
        X::whole(self).map(|x| &**x)
    }
}

impl From<Arc<Matrix>> for X {
    fn from(x: Arc<Matrix>) -> Self {
        Self::Here(x)
    }
}

impl X {
    /// Number of samples n.
    pub fn rows(&self) -> usize {
        match self {
            Self::Here(x) => x.rows(),
            Self::Apart(slabs) => slabs.shape().0,
        }
    }

    /// Number of columns d.
    pub fn cols(&self) -> usize {
        match self {
            Self::Here(x) => x.cols(),
            Self::Apart(slabs) => slabs.shape().1,
        }
    }

    /// All of X, gathered once where it is shared out; none where this process may not hold it.
    pub fn whole(&self) -> Option<&Arc<Matrix>> {
        match self {
            Self::Here(x) => Some(x),
            Self::Apart(slabs) => slabs.whole(),
        }
    }

    /// `Z = XWᵀ` (n×m, row-major) of W (m×d).
    pub fn preactivations(&self, w: &Matrix) -> Vec<f64> {
        match self {
            Self::Here(x) => crate::inner_products::preactivations(x, w),
            Self::Apart(slabs) => slabs.preactivations(w),
        }
    }

    /// `Σ_i c_i x_i` (length d) for each column c of n coefficients.
    pub fn combinations(&self, c: &[&[f64]]) -> Vec<Vec<f64>> {
        match self {
            Self::Here(x) => c.iter().map(|c| crate::inner_products::transposed_product(x, c)).collect(),
            Self::Apart(slabs) => slabs.combinations(c),
        }
    }

    /// Shows each row.
    pub(crate) fn each_row(&self, mut show: impl FnMut(usize, &[f64])) {
        match self {
            Self::Here(x) => (0..x.rows()).for_each(|i| show(i, x.row(i))),
            Self::Apart(slabs) => slabs.rows(show),
        }
    }
}
