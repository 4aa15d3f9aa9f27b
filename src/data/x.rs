//! The samples X, wherever they are: in this process, in slabs of columns in several, or in a file that is larger than memory.

use super::slabs::Slabs;
use super::streamed::Streamed;
use crate::inner_products::InnerProducts;
use crate::matrix::{Matrix, Single, View};
use farfield_kernels::dense;
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Samples X, wherever they are.
#[derive(Clone, Debug)]
pub enum X {
    /// All of them (n×d).
    Here(Arc<Matrix>),
    /// All of them, in `f32`.
    Single(Arc<Narrow>),
    /// Shared out.
    Apart(Arc<Slabs>),
    /// Read or drawn anew for every pass.
    Streamed(Arc<Streamed>),
}

/// Samples in `f32`, and the same in `f64` from when somebody asks for them so.
#[derive(Debug)]
pub struct Narrow {
    x: Single,
    wide: OnceLock<Arc<Matrix>>,
}

impl Narrow {
    fn wide(&self) -> &Arc<Matrix> {
        self.wide.get_or_init(|| Arc::new(self.x.widened()))
    }
}

/// Samples of which all may be had.
pub trait Whole: Sync {
    /// Number of columns d.
    fn columns(&self) -> usize;
    /// All of them (n×d); none where this process may not hold them.
    fn view(&self) -> Option<View<'_>>;
}

impl Whole for Matrix {
    fn columns(&self) -> usize {
        self.cols()
    }
    fn view(&self) -> Option<View<'_>> {
        Some(View::Double(self))
    }
}

impl Whole for Arc<Matrix> {
    fn columns(&self) -> usize {
        self.cols()
    }
    fn view(&self) -> Option<View<'_>> {
        Some(View::Double(self))
    }
}

impl Whole for X {
    fn columns(&self) -> usize {
        self.cols()
    }
    fn view(&self) -> Option<View<'_>> {
        X::view(self)
    }
}

/// `K·v = X(Xᵀv)`, two passes over X, for data with more samples than a Gram matrix is worth.
impl InnerProducts for X {
    fn apply(&self, v: &[f64]) -> Vec<f64> {
        self.preactivations(&Matrix::new(1, self.cols(), self.combinations(&[v]).concat()))
    }
}

impl From<Single> for X {
    fn from(x: Single) -> Self {
        Self::Single(Arc::new(Narrow { x, wide: OnceLock::new() }))
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
            Self::Single(narrow) => narrow.x.rows(),
            Self::Apart(slabs) => slabs.shape().0,
            Self::Streamed(stream) => stream.shape().0,
        }
    }

    /// Number of columns d.
    pub fn cols(&self) -> usize {
        match self {
            Self::Here(x) => x.cols(),
            Self::Single(narrow) => narrow.x.cols(),
            Self::Apart(slabs) => slabs.shape().1,
            Self::Streamed(stream) => stream.shape().1,
        }
    }

    /// All of X, row by row: gathered once where it is shared out, and in the type that holds it; none where this process may
    /// not hold it.
    pub fn view(&self) -> Option<View<'_>> {
        match self {
            Self::Here(x) => Some(View::Double(x)),
            Self::Single(narrow) => Some(View::Single(&narrow.x)),
            Self::Apart(slabs) => slabs.whole().map(View::from),
            Self::Streamed(_) => None,
        }
    }

    /// All of X, if this process holds it without asking others.
    pub(crate) fn held(&self) -> Option<View<'_>> {
        match self {
            Self::Apart(_) | Self::Streamed(_) => None,
            held => held.view(),
        }
    }

    /// X in this process: gathered once where it is shared out; none where this process may not hold it.
    pub fn here(&self) -> Option<Self> {
        match self {
            Self::Apart(slabs) => slabs.whole().cloned().map(Self::Here),
            Self::Streamed(_) => None,
            held => Some(held.clone()),
        }
    }

    /// The size of the largest number, of samples in this process.
    pub(crate) fn largest(&self) -> f64 {
        let mut largest = 0.0f64;
        self.each_row(|_, row| largest = row.iter().fold(largest, |top, x| top.max(x.abs())));
        largest
    }

    /// All of X in `f64`, gathered or widened once where it is shared out or in `f32`, and kept; none where this process may
    /// not hold it.
    pub fn whole(&self) -> Option<&Arc<Matrix>> {
        match self {
            Self::Here(x) => Some(x),
            Self::Single(narrow) => Some(narrow.wide()),
            Self::Apart(slabs) => slabs.whole(),
            Self::Streamed(_) => None,
        }
    }

    /// `Z = XWᵀ` (n×m, row-major) of W (m×d).
    pub fn preactivations(&self, w: &Matrix) -> Vec<f64> {
        match self {
            Self::Here(x) => crate::inner_products::preactivations(x, w),
            Self::Single(narrow) => preactivations(&narrow.x, w),
            Self::Apart(slabs) => slabs.preactivations(w),
            Self::Streamed(stream) => stream.preactivations(w),
        }
    }

    /// `Σ_i c_i x_i` (length d) for each column c of n coefficients.
    pub fn combinations(&self, c: &[&[f64]]) -> Vec<Vec<f64>> {
        match self {
            Self::Here(x) => crate::inner_products::transposed_products(x, c),
            Self::Single(narrow) => c.iter().map(|c| transposed_product(&narrow.x, c)).collect(),
            Self::Apart(slabs) => slabs.combinations(c),
            Self::Streamed(stream) => stream.combinations(c),
        }
    }

    /// Shows each row.
    pub(crate) fn each_row(&self, mut show: impl FnMut(usize, &[f64])) {
        match self {
            Self::Here(x) => (0..x.rows()).for_each(|i| show(i, x.row(i))),
            Self::Single(narrow) => (0..narrow.x.rows()).for_each(|i| show(i, &View::Single(&narrow.x).row(i))),
            Self::Apart(slabs) => slabs.rows(show),
            Self::Streamed(stream) => stream.rows(show),
        }
    }
}

/// `Z = XWᵀ` (n×m, row-major), a row of X widened at a time: the bits of [`crate::inner_products::preactivations`].
fn preactivations(x: &Single, w: &Matrix) -> Vec<f64> {
    let mut z = vec![0.0; x.rows() * w.rows()];
    let row = |row: &mut Vec<f64>, (i, z): (usize, &mut [f64])| {
        row.clear();
        row.extend(x.part(i, 0..x.cols()));
        dense::dots(row, w.values(), z);
    };
    z.par_chunks_mut(w.rows()).enumerate().for_each_init(Vec::new, row);
    z
}

/// `Xᵀv` (length d), one chain over the samples per column: the bits of [`crate::inner_products::transposed_product`].
fn transposed_product(x: &Single, v: &[f64]) -> Vec<f64> {
    const COLUMNS: usize = 1024;
    let mut sums = vec![0.0; x.cols()];
    let block = |part: &mut Vec<f64>, (block, sums): (usize, &mut [f64])| {
        for (i, v) in v.iter().enumerate() {
            part.clear();
            part.extend(x.part(i, block * COLUMNS..block * COLUMNS + sums.len()));
            dense::add_scaled(*v, part, sums);
        }
    };
    sums.par_chunks_mut(COLUMNS).enumerate().for_each_init(Vec::new, block);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_in_f32_give_the_bits_of_the_same_in_f64() {
        for (n, d, m) in [(1, 1, 1), (7, 300, 3), (130, 2500, 8), (300, 40, 2)] {
            let number = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 37.0 - 13.0;
            let single = Single::new(n, d, (0..n * d).map(number).collect());
            let x = X::from(Arc::new(single.widened()));
            let (wide, narrow) = (x.whole().expect("here").clone(), X::from(single));
            let w = Matrix::new(m, d, (0..m * d).map(|i| f64::from(number(3 * i)) * 1e-3).collect());
            let v: Vec<f64> = (0..n).map(|i| 1.0 / (1.0 + i as f64)).collect();
            assert_eq!(narrow.preactivations(&w), x.preactivations(&w));
            assert_eq!(narrow.combinations(&[&v]), x.combinations(&[&v]));
            let view = narrow.view().expect("here");
            assert!((0..n).all(|i| *view.row(i) == *wide.row(i)));
            narrow.each_row(|i, row| assert_eq!(row, wide.row(i)));
            assert_eq!(narrow.whole(), Some(&wide));
            let (one, other) = (crate::gram::gram(&wide), crate::gram::gram_of(view, &crate::watch::Watch::default()));
            assert_eq!(other.as_ref(), Some(&one), "{n} {d}");
        }
    }
}
