//! A dense matrix of `f64`, row-major: rows are samples (or neurons), columns are features.

mod single;

pub use single::{Single, View};

/// An r×c matrix, row-major and without padding.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// Takes `values` (row-major) as an r×c matrix.
    ///
    /// # Panics
    /// If `values.len() != rows·cols`.
    pub fn new(rows: usize, cols: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), rows * cols, "a {rows}x{cols} matrix has rows·cols values");
        Self { rows, cols, values }
    }

    /// The r×c zero matrix, in huge pages where it is large.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self::new(rows, cols, zeros(rows * cols))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// Row `i`, mutable.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All values, row-major, mutable.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Gives up the values, row-major.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// The inner products of the rows (r×r).
    pub fn row_products(&self) -> Self {
        let mut out = Self::zeros(self.rows, self.rows);
        for i in 0..self.rows {
            let above = &self.values[..(i + 1) * self.cols];
            farfield_kernels::dense::dots(self.row(i), above, &mut out.row_mut(i)[..=i]);
            (0..i).for_each(|j| out[(j, i)] = out[(i, j)]);
        }
        out
    }

    /// The Frobenius norm, scaled so that no square overflows.
    pub fn norm(&self) -> f64 {
        norm(&self.values)
    }
}

impl std::ops::Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (i, k): (usize, usize)) -> &f64 {
        &self.values[i * self.cols + k]
    }
}

impl std::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, k): (usize, usize)) -> &mut f64 {
        &mut self.values[i * self.cols + k]
    }
}

/// Zeros that nothing has touched yet, in huge pages where they are many.
pub(crate) fn zeros(count: usize) -> Vec<f64> {
    let mut values = vec![0.0; count];
    farfield_kernels::hint::huge_pages(&mut values);
    values
}

/// `√Σ v²`, scaled by the largest entry so that no square over- or underflows.
pub fn norm(v: &[f64]) -> f64 {
    let top = v.iter().fold(0.0f64, |t, x| t.max(x.abs()));
    if top == 0.0 || !top.is_finite() {
        return top;
    }
    let scale = 1.0 / top;
    if !scale.is_finite() {
        return v.iter().map(|x| (x * 1e300) * (x * 1e300)).sum::<f64>().sqrt() / 1e300;
    }
    top * v.iter().map(|x| (x * scale) * (x * scale)).sum::<f64>().sqrt()
}
