//! Blocks of `K = XXᵀ`, the Gram matrix of n samples, for a group of columns at a time.
//!
//! ```text
//! for each group of COLUMNS columns of X, in order
//!   pack it twice: as a slab (read one number at a time) and with lanes along the samples
//!   for each block of rows I (threads take blocks)
//!     for each pair of vectors of columns j ≤ last row of I
//!       K[I][j] += Σ_k X[I][k] X[j][k]          one chain per element and group of columns
//! ```
//!
//! Only the lower triangle is computed, in whole vectors of columns. `n²·d` flops; per group and block, 128 rows
//! of 256 columns (256 KiB) stay in L2 while 32 KiB of the other factor pass through L1.

use crate::by_neurons;
use crate::isa::Isa;
use crate::lane::{Lane, padded};
use crate::slab::{Block, Slab, pack};

/// Columns of a group.
pub const COLUMNS: usize = 256;
/// Rows of a block of K.
pub const ROWS: usize = 128;

const LANES: usize = <f64 as Lane>::LANES;

/// A group of columns of X, packed.
#[derive(Debug)]
pub struct Panel {
    n: usize,
    cols: usize,
    slab: Vec<f64>,
    lanes: Vec<f64>, // [vector of samples][column][lane]
}

impl Panel {
    /// Columns `first..first + count` of X (n×d, row-major).
    pub fn pack(x: &[f64], n: usize, first: usize, count: usize) -> Self {
        let (d, cols) = (x.len() / n, padded::<f64>(count));
        let mut slab = vec![0.0; n * cols];
        let block = Block { row: 0, rows: n, col: first, used: count, cols };
        pack(x, d, block, false, &mut slab);
        let mut lanes = vec![0.0; padded::<f64>(n) * cols];
        for (v, group) in lanes.chunks_exact_mut(cols * LANES).enumerate() {
            for lane in 0..LANES.min(n - v * LANES) {
                let row = &x[(v * LANES + lane) * d + first..][..count];
                for (out, x) in group.chunks_exact_mut(LANES).zip(row) {
                    out[lane] = *x;
                }
            }
        }
        Self { n, cols, slab, lanes }
    }

    /// Adds this group's share to block `block` of K, whose layout is `[vector of columns][row][lane]`
    /// and which has [`numbers`] numbers.
    pub fn accumulate(&self, isa: Isa, block: usize, k: &mut [f64]) {
        assert_eq!(k.len(), numbers(self.n, block), "a block of K");
        let (first, rows) = rows(self.n, block);
        let slab = Slab::new(&self.slab, self.n, self.cols);
        let (vector, out) = (self.cols * LANES, rows * LANES);
        // Left of the diagonal block, whole columns of the block, two vectors at a time.
        let left = first / LANES;
        let (before, diagonal) = k.split_at_mut(left * out);
        for (lanes, k) in self.lanes.chunks(2 * vector).zip(before.chunks_mut(2 * out)) {
            by_neurons::forward(isa, slab, first, lanes, false, k, &[]);
        }
        // In it, each vector of columns from the row where it meets the diagonal.
        let lanes = self.lanes[left * vector..].chunks(vector);
        for (v, (lanes, k)) in lanes.zip(diagonal.chunks_mut(out)).enumerate() {
            let above = v * LANES;
            by_neurons::forward(isa, slab, first + above, lanes, false, &mut k[above * LANES..], &[]);
        }
    }
}

/// First row and number of rows of a block of K.
fn rows(n: usize, block: usize) -> (usize, usize) {
    (block * ROWS, ROWS.min(n - block * ROWS))
}

/// Numbers of block `block` of the lower triangle of K: its rows times the columns up to its last
/// row, in whole vectors.
pub fn numbers(n: usize, block: usize) -> usize {
    let (first, rows) = rows(n, block);
    rows * padded::<f64>(first + rows)
}

/// Writes a block into both triangles of K (n×n, row-major).
pub fn unpack(n: usize, block: usize, values: &[f64], k: &mut [f64]) {
    let (first, rows) = rows(n, block);
    for (v, group) in values.chunks_exact(rows * LANES).enumerate() {
        for (r, lanes) in group.chunks_exact(LANES).enumerate() {
            for (lane, value) in lanes.iter().enumerate() {
                let (i, j) = (first + r, v * LANES + lane);
                if j <= i {
                    k[i * n + j] = *value;
                    k[j * n + i] = *value;
                }
            }
        }
    }
}
