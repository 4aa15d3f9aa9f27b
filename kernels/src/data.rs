//! X in the order in which a step reads it.

use crate::buffer::Buffer;
use crate::lane::{Lane, padded};
use crate::plan::{Lanes, Nest, Plan};
use crate::slab::{Block, Slab, pack};

/// The slabs of one chunk.
#[derive(Debug)]
pub struct Data<T> {
    values: Buffer<T>,
    cuts: Vec<Cut>,
}

/// One slab: a group of columns (panels) or samples (rows).
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    start: usize,
    /// First column, or first sample.
    pub first: usize,
    /// Number of columns, or of samples.
    pub count: usize,
    /// Rows of the slab.
    pub rows: usize,
    /// Columns of the slab, padding included.
    pub cols: usize,
}

impl<T: Lane> Data<T> {
    /// Packs chunk `chunk` of X (n×d, row-major).
    pub fn pack(x: &[f64], plan: &Plan, chunk: usize) -> Self {
        let (n, d) = (plan.shape.n, plan.shape.d);
        assert_eq!(x.len(), n * d, "X is n x d");
        let transposed = plan.lanes == Lanes::Samples;
        let (mut cuts, mut start) = (Vec::new(), 0);
        for slab in plan.chunks[chunk].clone() {
            let first = slab * plan.width;
            let along = if plan.nest == Nest::Panels { d } else { n };
            let count = plan.width.min(along - first);
            let (rows, cols) = match (plan.nest, transposed) {
                (Nest::Panels, false) => (n, padded::<T>(count)),
                (Nest::Panels, true) => (count, padded::<T>(n)),
                (Nest::Rows, false) => (count, padded::<T>(d)),
                (Nest::Rows, true) => (d, padded::<T>(count)),
            };
            cuts.push(Cut { start, first, count, rows, cols });
            start += rows * cols;
        }
        let mut values = Buffer::zeros(start);
        for cut in &cuts {
            let (row, col, used) = match (plan.nest, transposed) {
                (Nest::Panels, false) => (0, cut.first, cut.count),
                (Nest::Panels, true) => (cut.first, 0, n),
                (Nest::Rows, false) => (cut.first, 0, d),
                (Nest::Rows, true) => (0, cut.first, cut.count),
            };
            let block = Block { row, rows: cut.rows, col, used, cols: cut.cols };
            pack(x, d, block, transposed, &mut values[cut.start..cut.start + cut.rows * cut.cols]);
        }
        Self { values, cuts }
    }

    /// The slabs, in order.
    pub fn slabs(&self) -> impl Iterator<Item = (Cut, Slab<'_, T>)> {
        self.cuts
            .iter()
            .map(|&cut| (cut, Slab::new(&self.values[cut.start..cut.start + cut.rows * cut.cols], cut.rows, cut.cols)))
    }
}
