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
use rayon::prelude::*;
use std::sync::Arc;

/// A direction `(Xᵀe_j)_j` of the parameter space: one column of n coefficients per group of neurons.
#[derive(Clone, Debug)]
pub struct Span {
    /// P columns of n coefficients.
    pub columns: Vec<Vec<f64>>,
    /// The group of each neuron.
    pub groups: Groups,
}

impl Span {
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
pub trait Geometry: Sync {
    /// `K·v` for a column v of n numbers.
    fn apply(&self, v: &[f64]) -> Vec<f64>;

    /// The images `X·(Xᵀe)` of each column of a span: P columns of n numbers.
    fn image(&self, e: &Span) -> Vec<Vec<f64>> {
        e.columns.iter().map(|c| self.apply(c)).collect()
    }

    /// `‖E‖_F` of a span.
    fn norm(&self, e: &Span) -> f64 {
        self.squared_norm(e, &self.image(e)).sqrt()
    }

    /// `‖E‖²_F` from a span and its image.
    fn squared_norm(&self, e: &Span, image: &[Vec<f64>]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let terms = e.columns.iter().zip(image).zip(&e.groups.size).map(|((c, v), m)| *m as f64 * dot(c, v));
        terms.sum::<f64>().max(0.0)
    }
}

/// The Gram matrix `K = XXᵀ` held in memory (n×n, symmetric, row-major).
#[derive(Clone, Debug)]
pub struct Gram(pub Matrix);

impl Geometry for Gram {
    fn apply(&self, v: &[f64]) -> Vec<f64> {
        (0..self.0.rows()).map(|i| self.0.row(i).iter().zip(v).fold(0.0, |s, (k, v)| k.mul_add(*v, s))).collect()
    }
}

/// The samples themselves, for data with more samples than a Gram matrix is worth: `K·v = X(Xᵀv)`,
/// two passes over X. Sums over samples run in index order, one chain per column; sums over columns
/// run in index order, one chain per sample: the same bits for any number of threads.
#[derive(Clone, Debug)]
pub struct Samples(pub Arc<Matrix>);

impl Geometry for Samples {
    fn apply(&self, v: &[f64]) -> Vec<f64> {
        let direction = transposed_product(&self.0, v);
        let along = |row: &[f64]| row.iter().zip(&direction).fold(0.0, |s, (x, w)| x.mul_add(*w, s));
        self.0.values().par_chunks(self.0.cols()).map(along).collect()
    }
}

/// `Xᵀv` (length d) for n coefficients, one chain over the samples per column.
pub fn transposed_product(x: &Matrix, v: &[f64]) -> Vec<f64> {
    const COLUMNS: usize = 1024; // 8 KB of sums, kept in L1 while the samples stream by
    let mut sums = vec![0.0; x.cols()];
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(block, sums)| {
        let first = block * COLUMNS;
        for (i, v) in v.iter().enumerate() {
            let row = &x.row(i)[first..first + sums.len()];
            sums.iter_mut().zip(row).for_each(|(s, x)| *s = x.mul_add(*v, *s));
        }
    });
    sums
}

/// Pre-activations `Z = XWᵀ` (n×m, row-major) of the weights W (m×d): one chain per output.
pub fn preactivations(x: &Matrix, w: &Matrix) -> Vec<f64> {
    const CHAINS: usize = 8; // enough to hide the latency of a fused multiply-add
    let m = w.rows();
    let mut z = vec![0.0; x.rows() * m];
    z.par_chunks_mut(m).enumerate().for_each(|(i, z)| {
        let x = x.row(i);
        for (block, z) in z.chunks_mut(CHAINS).enumerate() {
            let rows: [&[f64]; CHAINS] = std::array::from_fn(|j| w.row((block * CHAINS + j).min(m - 1)));
            let mut sums = [0.0f64; CHAINS];
            for (k, x) in x.iter().enumerate() {
                sums.iter_mut().zip(&rows).for_each(|(s, w)| *s = x.mul_add(w[k], *s));
            }
            z.copy_from_slice(&sums[..z.len()]);
        }
    });
    z
}
