//! X in the order in which a step reads it.

use crate::buffer::Buffer;
use crate::lane::{Lane, padded};
use crate::plan::{Lanes, Nest, Plan};
use crate::slab::{Block, Slab, pack};
use std::ops::Range;
use std::sync::Arc;

/// The slabs of one chunk. All chunks share one piece of memory, so that it can be in huge pages.
#[derive(Clone, Debug)]
pub struct Data<T> {
    values: Arc<Buffer<T>>,
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
    /// Packs X (n×d, row-major, in `f64` or `f32`) into the chunks of a plan.
    pub fn pack<X: Copy + Into<f64>>(x: &[X], plan: &Plan) -> Vec<Self> {
        Self::pack_part(x, 0..plan.shape.d, plan, 0..plan.chunks.len())
    }

    /// Packs some chunks of a plan of panels from `x` (n rows), which holds these columns of X: all that the chunks have.
    pub fn pack_part<X: Copy + Into<f64>>(
        x: &[X],
        columns: Range<usize>,
        plan: &Plan,
        chunks: Range<usize>,
    ) -> Vec<Self> {
        let (n, d) = (plan.shape.n, columns.len());
        assert_eq!(x.len(), n * d, "X is n x d");
        assert!(plan.nest == Nest::Panels || d == plan.shape.d, "rows have all columns");
        let mut start = 0;
        let chunks = plan.chunks[chunks].iter();
        let cuts: Vec<Vec<Cut>> = chunks.map(|slabs| cuts::<T>(plan, slabs.clone(), &mut start)).collect();
        let mut values = Buffer::zeros(start);
        let transposed = plan.lanes == Lanes::Samples;
        for cut in cuts.iter().flatten() {
            let (row, col, used) = match (plan.nest, transposed) {
                (Nest::Panels, false) => (0, cut.first - columns.start, cut.count),
                (Nest::Panels, true) => (cut.first - columns.start, 0, n),
                (Nest::Rows, false) => (cut.first, 0, d),
                (Nest::Rows, true) => (0, cut.first, cut.count),
            };
            let block = Block { row, rows: cut.rows, col, used, cols: cut.cols };
            pack(x, d, block, transposed, &mut values[cut.start..cut.start + cut.rows * cut.cols]);
        }
        let values = Arc::new(values);
        cuts.into_iter().map(|cuts| Self { values: values.clone(), cuts }).collect()
    }

    /// The slabs, in order.
    pub fn slabs(&self) -> impl Iterator<Item = (Cut, Slab<'_, T>)> {
        self.cuts
            .iter()
            .map(|&cut| (cut, Slab::new(&self.values[cut.start..cut.start + cut.rows * cut.cols], cut.rows, cut.cols)))
    }
}

/// The cuts of some slabs, whose numbers start at `start`, which moves behind them.
fn cuts<T: Lane>(plan: &Plan, slabs: Range<usize>, start: &mut usize) -> Vec<Cut> {
    let (n, d) = (plan.shape.n, plan.shape.d);
    let cut = |slab| {
        let first = slab * plan.width;
        let along = if plan.nest == Nest::Panels { d } else { n };
        let count = plan.width.min(along - first);
        let (rows, cols) = match (plan.nest, plan.lanes == Lanes::Samples) {
            (Nest::Panels, false) => (n, padded::<T>(count)),
            (Nest::Panels, true) => (count, padded::<T>(n)),
            (Nest::Rows, false) => (count, padded::<T>(d)),
            (Nest::Rows, true) => (d, padded::<T>(count)),
        };
        let cut = Cut { start: *start, first, count, rows, cols };
        *start += rows * cols;
        cut
    };
    slabs.map(cut).collect()
}
