//! The weights in f64, their update by sums of coefficients, and Z from them: one pass over X.
//!
//! ```text
//! for each block of columns (threads take groups of blocks)
//!   pack X[block] as a slab, which stays in cache
//!   W[block] += CᵀX[block]                   one chain per weight
//!   share += X[block] W[block]ᵀ              a vector of sums per element, added up over the group
//! Z = Σ shares, in the order of the groups, after their lanes
//! ```
//!
//! X is packed anew each time: kept in f64, it would take twice the memory that mixed steps save.

use super::core::each;
use crate::data::slabs::X;
use crate::matrix::View;
use farfield_kernels::buffer::Buffer;
use farfield_kernels::by_lanes;
use farfield_kernels::by_rows::{self, Strips};
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::{Lane, padded, reduce};
use farfield_kernels::slab::{SLIVER, Slab, position};

/// Columns of a block: 4 KiB of a row, which is a page of its own. Shorter pieces cost as much as whole pages.
const COLUMNS: usize = 512;

const LANES: usize = <f64 as Lane>::LANES;
/// Columns of a sliver.
const WIDE: usize = SLIVER * LANES;

/// W (m×d) over the samples X (n×d).
pub(super) struct Master {
    isa: Isa,
    x: X,
    m: usize,
    blocks: Vec<Buffer<f64>>, // slabs of m rows
}

/// Blocks of a group, which share their work space.
const GROUP: usize = 8;

/// Work space for a block.
struct Space {
    x: Buffer<f64>,
    sums: Buffer<f64>,
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
    pub fn new(isa: Isa, x: X, m: usize) -> Self {
        let d = x.cols();
        let cols = |b: usize| padded::<f64>(COLUMNS.min(d - b * COLUMNS));
        let blocks = (0..d.div_ceil(COLUMNS)).map(|b| Buffer::zeros(m * cols(b))).collect();
        Self { isa, x, m, blocks }
    }

    /// Adds `update(j, k)` to the weight of neuron j and column k.
    pub fn add(&mut self, update: impl Fn(usize, usize) -> f64 + Sync) {
        let (m, d) = (self.m, self.x.cols());
        each(&mut self.blocks, |b, block| {
            let cols = block.len() / m;
            for j in 0..m {
                for k in 0..COLUMNS.min(d - b * COLUMNS) {
                    block[position::<f64>(m, cols, j, k)] += update(j, b * COLUMNS + k);
                }
            }
        });
    }

    /// `W + CᵀX` (m×d, row-major) for coefficients `c`, one column of n per neuron.
    pub fn moved(&self, c: &[Vec<f64>]) -> Vec<f64> {
        let (m, d, strips) = (self.m, self.x.cols(), strips(c));
        let mut blocks = self.blocks.clone();
        let mut groups: Vec<_> = blocks.chunks_mut(GROUP).collect();
        each(&mut groups, |g, blocks| {
            let mut space = self.space();
            for (b, block) in blocks.iter_mut().enumerate() {
                self.pack(g * GROUP + b, &mut space.x);
                self.update(&mut space, &strips, block);
            }
        });
        unpacked(&blocks, m, d)
    }

    /// W (m×d, row-major).
    pub fn weights(&self) -> Vec<f64> {
        unpacked(&self.blocks, self.m, self.x.cols())
    }

    /// `W ← W + CᵀX` for coefficients `c`, one column of n per neuron (none: no update), and `Z = XWᵀ`.
    pub fn advance(&mut self, c: &[Vec<f64>]) -> Pass {
        let (n, m, strips) = (self.x.rows(), self.m, strips(c));
        let mut blocks = std::mem::take(&mut self.blocks);
        let mut work: Vec<_> = blocks.chunks_mut(GROUP).map(|blocks| (blocks, Vec::new(), 0)).collect();
        each(&mut work, |g, (blocks, share, lost)| {
            let (mut space, mut lanes) = (self.space(), Buffer::zeros(n * m * LANES));
            for (b, block) in blocks.iter_mut().enumerate() {
                self.pack(g * GROUP + b, &mut space.x);
                if !c.is_empty() {
                    *lost += self.update(&mut space, &strips, block);
                }
                let cols = block.len() / m;
                let x = Slab::new(&space.x[..n * cols], n, cols);
                by_lanes::product(self.isa, x, Slab::new(block, m, cols), b == 0, &mut lanes, &[]);
            }
            *share = lanes.chunks_exact(LANES).map(reduce).collect();
        });
        let mut pass = Pass { z: vec![0.0; n * m], lost: 0 };
        for (_, share, lost) in &work {
            pass.z.iter_mut().zip(share).for_each(|(z, share)| *z += share);
            pass.lost += lost;
        }
        self.blocks = blocks;
        pass
    }

    fn space(&self) -> Space {
        Space { x: Buffer::zeros(self.x.rows() * COLUMNS), sums: Buffer::zeros(self.m * COLUMNS) }
    }

    /// Block b of X as a slab, read row by row.
    fn pack(&self, b: usize, out: &mut [f64]) {
        let (n, d) = (self.x.rows(), self.x.cols());
        let used = COLUMNS.min(d - b * COLUMNS);
        let cols = padded::<f64>(used);
        if used < cols {
            out[..n * cols].fill(0.0);
        }
        match self.x.view().expect("samples of this process") {
            View::Double(x) => (0..n).for_each(|i| fill(&x.row(i)[b * COLUMNS..][..used], (n, cols, i), out)),
            View::Single(x) => (0..n).for_each(|i| fill(&x.row(i)[b * COLUMNS..][..used], (n, cols, i), out)),
        }
    }

    /// Adds `CᵀX` to a block of W; how many weights did not change although their update was not 0.
    fn update(&self, space: &mut Space, strips: &[f64], block: &mut [f64]) -> usize {
        let (n, m) = (self.x.rows(), self.m);
        let cols = block.len() / m;
        let sums = &mut space.sums[..block.len()];
        let c = Strips { values: strips, rows: m, cols: n, block: padded::<f64>(n) };
        by_rows::product(self.isa, c, Slab::new(&space.x[..n * cols], n, cols), true, sums, &[]);
        let mut lost = 0;
        for (w, sum) in block.iter_mut().zip(sums.iter()) {
            let moved = *w + sum;
            lost += usize::from(moved == *w && *sum != 0.0);
            *w = moved;
        }
        lost
    }
}

/// A row i of a slab of n rows.
fn fill<T: Copy + Into<f64>>(row: &[T], (n, cols, i): (usize, usize, usize), out: &mut [f64]) {
    for (s, part) in row.chunks(WIDE).enumerate() {
        let place = &mut out[position::<f64>(n, cols, i, s * WIDE)..][..part.len()];
        place.iter_mut().zip(part).for_each(|(out, x)| *out = (*x).into());
    }
}

/// Blocks of weights of m neurons as m×d numbers, row-major.
fn unpacked(blocks: &[Buffer<f64>], m: usize, d: usize) -> Vec<f64> {
    let mut out = vec![0.0; m * d];
    for (b, block) in blocks.iter().enumerate() {
        let cols = block.len() / m;
        for j in 0..m {
            for k in 0..COLUMNS.min(d - b * COLUMNS) {
                out[j * d + b * COLUMNS + k] = block[position::<f64>(m, cols, j, k)];
            }
        }
    }
    out
}

/// Columns of coefficients one after the other, each padded to whole vectors.
fn strips(c: &[Vec<f64>]) -> Vec<f64> {
    let column = |c: &Vec<f64>| c.iter().copied().chain(std::iter::repeat(0.0)).take(padded::<f64>(c.len())).collect();
    c.iter().map(column).collect::<Vec<Vec<f64>>>().concat()
}
