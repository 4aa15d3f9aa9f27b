//! The weights in f64, their update by sums of coefficients, and Z from them: one pass over X.
//!
//! ```text
//! for each block of columns (threads take blocks)
//!   w_j[block] += Σ_i c_ij x_i[block]        for each neuron j: one chain per weight
//!   share_ij = ⟨x_i[block], w_j[block]⟩      for each sample i
//! Z = Σ shares, in the order of the blocks
//! ```
//!
//! The block of X stays in cache for all neurons and both uses.

use super::core::each;
use crate::matrix::Matrix;
use farfield_kernels::dense;
use std::sync::Arc;

/// Columns of a block: with 100 samples 400 KiB of X.
const COLUMNS: usize = 512;

/// W (m×d) over the samples X (n×d).
pub(super) struct Master {
    x: Arc<Matrix>,
    m: usize,
    blocks: Vec<Vec<f64>>, // m rows of the block's columns each
}

/// What a pass found.
pub(super) struct Pass {
    /// `Z = XWᵀ` (n×m, row-major).
    pub z: Vec<f64>,
    /// Weights that did not change although their update was not 0.
    pub lost: usize,
}

impl Master {
    /// Zero weights of m neurons.
    pub fn new(x: Arc<Matrix>, m: usize) -> Self {
        let d = x.cols();
        let width = |b: usize| COLUMNS.min(d - b * COLUMNS);
        let blocks = (0..d.div_ceil(COLUMNS)).map(|b| vec![0.0; m * width(b)]).collect();
        Self { x, m, blocks }
    }

    /// Adds `update(j, k)` to the weight of neuron j and column k.
    pub fn add(&mut self, update: impl Fn(usize, usize) -> f64 + Sync) {
        let m = self.m;
        each(&mut self.blocks, |b, block| {
            let width = block.len() / m;
            for (at, w) in block.iter_mut().enumerate() {
                *w += update(at / width, b * COLUMNS + at % width);
            }
        });
    }

    /// `W + CᵀX` (m×d, row-major) for coefficients `c`, one column of n per neuron.
    pub fn moved(&self, c: &[Vec<f64>]) -> Vec<f64> {
        let (x, d) = (&self.x, self.x.cols());
        let mut blocks = self.blocks.clone();
        each(&mut blocks, |b, block| {
            update(x, b, c, block);
        });
        let mut out = vec![0.0; self.m * d];
        for (b, block) in blocks.iter().enumerate() {
            for (j, row) in block.chunks_exact(block.len() / self.m).enumerate() {
                out[j * d + b * COLUMNS..][..row.len()].copy_from_slice(row);
            }
        }
        out
    }

    /// `W ← W + CᵀX` for coefficients `c`, one column of n per neuron, and `Z = XWᵀ`.
    pub fn advance(&mut self, c: &[Vec<f64>]) -> Pass {
        let (x, n, m) = (&self.x, self.x.rows(), self.m);
        let mut work: Vec<_> = self.blocks.iter_mut().map(|block| (block, Vec::new(), 0)).collect();
        each(&mut work, |b, (block, share, lost)| {
            *lost = update(x, b, c, block);
            *share = vec![0.0; n * m];
            let width = block.len() / m;
            for (i, share) in share.chunks_exact_mut(m).enumerate() {
                dense::dots(&x.row(i)[b * COLUMNS..][..width], block, share);
            }
        });
        let mut pass = Pass { z: vec![0.0; n * m], lost: 0 };
        for (_, share, lost) in &work {
            pass.z.iter_mut().zip(share).for_each(|(z, share)| *z += share);
            pass.lost += lost;
        }
        pass
    }
}

/// Adds `CᵀX` to block b of W; how many weights did not change although their update was not 0.
fn update(x: &Matrix, b: usize, c: &[Vec<f64>], block: &mut [f64]) -> usize {
    let mut lost = 0;
    if c.is_empty() {
        return lost;
    }
    let width = block.len() / c.len();
    let mut sum = vec![0.0; width];
    for (row, c) in block.chunks_exact_mut(width).zip(c) {
        dense::combine(c, &x.values()[b * COLUMNS..], x.cols(), &mut sum);
        for (w, sum) in row.iter_mut().zip(&sum) {
            let moved = *w + sum;
            lost += usize::from(moved == *w && *sum != 0.0);
            *w = moved;
        }
    }
    lost
}
