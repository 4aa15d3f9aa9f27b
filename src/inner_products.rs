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
        self.squared_norm(e, &self.image(e)).sqrt()
    }

    /// `‖E‖²_F` from a direction and its image.
    fn squared_norm(&self, e: &Direction, image: &[Vec<f64>]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let terms = e.columns.iter().zip(image).zip(&e.groups.size).map(|((c, v), m)| *m as f64 * dot(c, v));
        terms.sum::<f64>().max(0.0)
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
    const COLUMNS: usize = 1024; // a row's share of 8 KB: long enough to stream, short enough to share
    let mut sums = vec![0.0; x.cols()];
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(block, sums)| {
        dense::combine(v, &x.values()[block * COLUMNS..], x.cols(), sums);
    });
    sums
}

/// Pre-activations `Z = XWᵀ` (n×m, row-major) of the weights W (m×d).
pub fn preactivations(x: &Matrix, w: &Matrix) -> Vec<f64> {
    const FEW: usize = 1 << 21; // multiply-adds that one thread has done before others have woken up
    let mut z = vec![0.0; x.rows() * w.rows()];
    let row = |(i, z): (usize, &mut [f64])| dense::dots(x.row(i), w.values(), z);
    if x.values().len() * w.rows() < FEW {
        z.chunks_mut(w.rows()).enumerate().for_each(row);
    } else {
        z.par_chunks_mut(w.rows()).enumerate().for_each(row);
    }
    z
}
