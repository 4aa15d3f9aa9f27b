//! Inner products in the span of the data: everything the monitor and the limit need of X.
//!
//! Directions of the parameter space that matter all have the form `E = (Xᵀe_j)_j`, one column of n
//! coefficients per neuron, equal within groups. With `K = XXᵀ`
//!
//! ```text
//! ⟨E, F⟩ = Σ_j e_jᵀ K f_j,      (X E)_ij = (K e_j)_i
//! ```

use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};
use farfield_kernels::dense;
use rayon::prelude::*;

/// A direction `(Xᵀe_j)_j` of the parameter space: one column of n coefficients per group of neurons.
#[derive(Clone, Debug)]
pub struct Direction {
    /// P columns of n coefficients.
    pub columns: Vec<Vec<f64>>,
    /// The group of each neuron.
    pub groups: Groups,
}

impl Direction {
    /// `Σ_i p_i Φ_i`, `Φ_i = y_i (a_j g_ij x_i)_j`: column j is `p_i y_i a_j g_ij`.
    pub fn of_features(p: &[f64], y: &[f64], network: &Network, pattern: &Pattern) -> Self {
        let groups = pattern.groups(network);
        let column =
            |&j: &usize| (0..p.len()).map(|i| p[i] * y[i] * network.output(j) * pattern.slope(network, i, j)).collect();
        Self { columns: groups.first.iter().map(column).collect(), groups }
    }

    /// `s·self`.
    pub fn scaled(mut self, s: f64) -> Self {
        self.columns.iter_mut().flatten().for_each(|v| *v *= s);
        self
    }
}

/// A direction E with its image X E, by which norms of sums with it need no product with the data.
#[derive(Clone, Debug)]
pub struct Imaged {
    /// E.
    pub direction: Direction,
    /// `X·(Xᵀe)` of each of its columns: P columns of n numbers.
    pub image: Vec<Vec<f64>>,
}

impl Imaged {
    /// One product with the data for each column.
    pub fn new(products: &(impl InnerProducts + ?Sized), direction: Direction) -> Self {
        Self { image: products.image(&direction), direction }
    }

    /// `s·self`.
    pub fn scaled(mut self, s: f64) -> Self {
        self.direction = self.direction.scaled(s);
        self.image.iter_mut().flatten().for_each(|v| *v *= s);
        self
    }

    /// `‖E‖_F`.
    pub fn norm(&self) -> f64 {
        self.squared_norm().sqrt()
    }

    /// `‖E‖²_F`.
    pub fn squared_norm(&self) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let Direction { columns, groups } = &self.direction;
        let terms = columns.iter().zip(&self.image).zip(&groups.size).map(|((c, v), m)| *m as f64 * dot(c, v));
        terms.sum::<f64>().max(0.0)
    }
}

/// What is known of the data's inner products.
pub trait InnerProducts: Sync {
    /// `K·v` for a column v of n numbers.
    fn apply(&self, v: &[f64]) -> Vec<f64>;

    /// `K·v` for each of several columns.
    fn apply_all(&self, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        columns.iter().map(|c| self.apply(c)).collect()
    }

    /// The images `X·(Xᵀe)` of each column of a direction: P columns of n numbers.
    fn image(&self, e: &Direction) -> Vec<Vec<f64>> {
        self.apply_all(&e.columns)
    }

    /// `‖E‖_F` of a direction.
    fn norm(&self, e: &Direction) -> f64 {
        Imaged::new(self, e.clone()).norm()
    }
}

/// The Gram matrix `K = XXᵀ` held in memory (n×n, symmetric, row-major).
#[derive(Clone, Debug)]
pub struct Gram(pub Matrix);

impl InnerProducts for Gram {
    fn apply(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.0.rows()];
        dense::combine(v, self.0.values(), self.0.cols(), &mut out);
        out
    }

    /// One pass over K on all threads, a dot product of its row with each column.
    fn apply_all(&self, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let n = self.0.rows();
        if columns.is_empty() {
            return Vec::new();
        }
        let images = preactivations(&self.0, &Matrix::new(columns.len(), n, columns.concat()));
        (0..columns.len()).map(|p| images.iter().skip(p).step_by(columns.len()).copied().collect()).collect()
    }
}

/// `Xᵀv` (length d) for n coefficients, one chain over the samples per column.
pub fn transposed_product(x: &Matrix, v: &[f64]) -> Vec<f64> {
    transposed_products(x, &[v]).remove(0)
}

/// `Xᵀv` for each of several columns of n coefficients, in one pass over X: blocks of columns over threads; 32 samples at a time;
/// v; one chain over the samples per column.
pub fn transposed_products(x: &Matrix, vectors: &[&[f64]]) -> Vec<Vec<f64>> {
    const COLUMNS: usize = 1024; // a row's share of 8 KB: long enough to stream, short enough to share
    const ROWS: usize = 32; // stay in the cache for the next v
    let (n, d) = (x.rows(), x.cols());
    let block = |first: usize| {
        let width = COLUMNS.min(d - first);
        let mut sums = vec![0.0; vectors.len() * width];
        for rows in (0..n).step_by(ROWS).map(|row| row..n.min(row + ROWS)) {
            let values = &x.values()[rows.start * d + first..];
            for (v, sums) in vectors.iter().zip(sums.chunks_exact_mut(width)) {
                dense::carry_combine(&v[rows.clone()], values, d, sums);
            }
        }
        sums
    };
    let firsts: Vec<usize> = (0..d).step_by(COLUMNS).collect();
    let blocks: Vec<Vec<f64>> = firsts.into_par_iter().map(block).collect();
    let whole = |v: usize| {
        let parts = blocks.iter().flat_map(|block| block.chunks_exact(block.len() / vectors.len()).nth(v));
        parts.flatten().copied().collect()
    };
    (0..vectors.len()).map(whole).collect()
}

/// Pre-activations `Z = XWᵀ` (n×m, row-major) of the weights W (m×d).
pub fn preactivations(x: &Matrix, w: &Matrix) -> Vec<f64> {
    const FEW: usize = 1 << 21; // multiply-adds that one thread has done before others have woken up
    const ROWS: usize = 8; // of X, which threads take
    let (d, m) = (x.cols(), w.rows());
    let mut z = vec![0.0; x.rows() * m];
    if x.values().len() * m < FEW {
        dense::products(x.values(), w.values(), d, &mut z);
    } else {
        let rows = x.values().par_chunks(ROWS * d).zip(z.par_chunks_mut(ROWS * m));
        rows.for_each(|(x, z)| dense::products(x, w.values(), d, z));
    }
    z
}
