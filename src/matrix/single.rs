//! A dense matrix of `f32`, and a view of the numbers of a matrix whichever type holds them.
//!
//! Every `f32` is an `f64`: what is computed from rows that are widened where they are used has the bits that it has
//! from the same numbers held in `f64`, at half the memory.

use super::Matrix;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// An r×c matrix of `f32`, row-major and without padding.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Single {
    rows: usize,
    cols: usize,
    values: Vec<f32>,
}

impl Single {
    /// Takes `values` (row-major) as an r×c matrix.
    ///
    /// # Panics
    /// If `values.len() != rows·cols`.
    pub fn new(rows: usize, cols: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), rows * cols, "a {rows}x{cols} matrix has rows·cols values");
        Self { rows, cols, values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// Some columns of row `i`, widened.
    pub fn part(&self, i: usize, columns: Range<usize>) -> impl Iterator<Item = f64> + '_ {
        self.row(i)[columns].iter().map(|v| f64::from(*v))
    }

    /// All of it, widened.
    pub fn widened(&self) -> Matrix {
        Matrix::new(self.rows, self.cols, self.values.iter().map(|v| f64::from(*v)).collect())
    }
}

/// The numbers of a matrix, whichever type holds them.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// In `f64`.
    Double(&'a Matrix),
    /// In `f32`.
    Single(&'a Single),
}

impl<'a> View<'a> {
    /// Number of rows.
    pub fn rows(self) -> usize {
        match self {
            Self::Double(x) => x.rows(),
            Self::Single(x) => x.rows(),
        }
    }

    /// Number of columns.
    pub fn cols(self) -> usize {
        match self {
            Self::Double(x) => x.cols(),
            Self::Single(x) => x.cols(),
        }
    }

    /// Some columns of row `i`.
    pub fn part(self, i: usize, columns: Range<usize>) -> Cow<'a, [f64]> {
        match self {
            Self::Double(x) => Cow::Borrowed(&x.row(i)[columns]),
            Self::Single(x) => Cow::Owned(x.part(i, columns).collect()),
        }
    }

    /// Row `i`.
    pub fn row(self, i: usize) -> Cow<'a, [f64]> {
        self.part(i, 0..self.cols())
    }

    /// The place (row, column) and value of the first number that is not finite.
    pub fn not_finite(self) -> Option<(usize, usize, f64)> {
        let (cols, found) = match self {
            Self::Double(x) => (x.cols(), x.values().iter().position(|v| !v.is_finite())),
            Self::Single(x) => (x.cols(), x.values().iter().position(|v| !v.is_finite())),
        };
        found.map(|at| (at / cols, at % cols, self.part(at / cols, at % cols..at % cols + 1)[0]))
    }
}

impl<'a> From<&'a Matrix> for View<'a> {
    fn from(x: &'a Matrix) -> Self {
        Self::Double(x)
    }
}

impl<'a> From<&'a Arc<Matrix>> for View<'a> {
    fn from(x: &'a Arc<Matrix>) -> Self {
        Self::Double(x)
    }
}
