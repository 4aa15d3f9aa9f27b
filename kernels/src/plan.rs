//! How a problem is cut: loop nest, direction of the lanes, slabs, chunks. All of it depends on the
//! shape and the number type alone, never on the machine, so every sum has one shape everywhere.
//!
//! **Nests.** Reading X once per step means that a slab of X must stay in cache between its two
//! uses. In *panels* a slab is a group of columns: its part of W is updated with the coefficients
//! of the step, and the new W is multiplied with the slab at once, which begins the next forward;
//! beyond X it moves S and Z (n·m numbers) once per slab. In *rows* a slab is a group of samples,
//! forward, loss and gradient are done with it, and it moves W and its gradient (m·d numbers) once
//! per slab. Slabs of equal size being equally many, panels are better when n ≤ d.
//!
//! **Lanes.** A vector can hold neighbouring columns, samples or neurons. Along columns the forward
//! sums lanes, along samples the gradient does, along neurons nothing does, but m is padded to
//! whole vectors. [`Plan::new`] compares their vector operations per number of X.
//!
//! **Chunks.** Neighbouring slabs form chunks, each with partial sums of its own, which are added in
//! the order of the chunks. Threads take whole chunks.

use crate::lane::{Lane, padded};
use crate::slab::SLIVER;
use std::ops::Range;

/// The loop nest of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nest {
    /// Panels of columns with a delayed forward: for n ≤ d.
    Panels,
    /// Blocks of rows: for n > d.
    Rows,
}

/// What neighbouring lanes of a vector hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Columns of X.
    Columns,
    /// Samples, which are the rows of X.
    Samples,
    /// Neurons.
    Neurons,
}

/// Sizes of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of samples.
    pub n: usize,
    /// Number of features.
    pub d: usize,
    /// Number of neurons.
    pub m: usize,
}

/// Most bytes of one slab of X: a quarter of the 1 MiB L2 of current servers, half of a 512 KiB one,
/// leaving room for the slab's part of W and for S and Z. Half of it where the lanes hold neurons, which
/// need the room for S and Z (measured, n = 200, m = 16: 92 steps/s for 86).
const SLAB_BYTES: usize = 256 << 10;
/// Rows of S and Z that are kept together. 128 rows of two vectors are 16 KiB, half of L1.
pub const BLOCK: usize = 128;
/// Bytes of all partial sums together: more would be read from memory when they are added.
const PARTIAL_BYTES: usize = 4 << 20;
/// Chunks: a multiple of this (if there are as many slabs), so that 2, 4 or 8 threads get equally many ...
const LEAST_CHUNKS: usize = 8;
/// ... and at most so many.
const MOST_CHUNKS: usize = 64;

/// Neurons from which on prefetching during both uses of a slab was no slower (measured: m = 4 yes,
/// m = 2 no).
const STREAMED: usize = 4;

/// How a problem is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The sizes.
    pub shape: Shape,
    /// The loop nest.
    pub nest: Nest,
    /// The direction of the lanes.
    pub lanes: Lanes,
    /// Columns (panels) or samples (rows) of a slab.
    pub width: usize,
    /// The slabs of each chunk.
    pub chunks: Vec<Range<usize>>,
}

impl Plan {
    /// The plan for a shape, with the nest given or chosen.
    pub fn new<T: Lane>(shape: Shape, nest: Option<Nest>) -> Self {
        let nest = nest.unwrap_or(if shape.n <= shape.d { Nest::Panels } else { Nest::Rows });
        let choices: &[Lanes] = match nest {
            Nest::Panels => &[Lanes::Columns, Lanes::Samples, Lanes::Neurons],
            Nest::Rows => &[Lanes::Samples, Lanes::Neurons],
        };
        let cost = |lanes: &&Lanes| Self::cost::<T>(shape, nest, **lanes);
        let lanes = *choices.iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).expect("a choice");
        Self::with_lanes::<T>(shape, nest, lanes)
    }

    /// The plan with nest and lanes given.
    pub fn with_lanes<T: Lane>(shape: Shape, nest: Nest, lanes: Lanes) -> Self {
        let width = Self::width::<T>(shape, nest, lanes);
        let slabs = match nest {
            Nest::Panels => shape.d.div_ceil(width),
            Nest::Rows => shape.n.div_ceil(width),
        };
        let count = Self::chunks::<T>(shape, nest, lanes).min(slabs);
        let chunks = (0..count).map(|c| c * slabs / count..(c + 1) * slabs / count).collect();
        Self { shape, nest, lanes, width, chunks }
    }

    /// The same cut of X for another number of neurons.
    pub fn for_neurons<T: Lane>(&self, m: usize) -> Self {
        let shape = Shape { m, ..self.shape };
        let lanes = match (self.nest, self.lanes) {
            (Nest::Panels, Lanes::Columns | Lanes::Neurons) => {
                let cost = |lanes| Self::cost::<T>(shape, self.nest, lanes);
                let columns = cost(Lanes::Columns) <= cost(Lanes::Neurons);
                if columns { Lanes::Columns } else { Lanes::Neurons }
            }
            (_, lanes) => lanes,
        };
        Self { shape, lanes, ..self.clone() }
    }

    /// The columns of a chunk of panels.
    pub fn columns(&self, chunk: usize) -> Range<usize> {
        let Range { start, end } = self.chunks[chunk];
        (start * self.width).min(self.shape.d)..(end * self.width).min(self.shape.d)
    }

    /// Columns (panels) or samples (rows) of one slab: as many whole slivers, or groups of four rows
    /// of slivers, as fit the budget; not more than amortize the partial sums.
    fn width<T: Lane>(shape: Shape, nest: Nest, lanes: Lanes) -> usize {
        let sliver = SLIVER * T::LANES;
        let fit = |length: usize| SLAB_BYTES / size_of::<T>() / length;
        match (nest, lanes) {
            // Bound by memory: four columns, so that the first pass reads front to back.
            (Nest::Panels, Lanes::Samples) if shape.m < STREAMED => 4,
            (Nest::Panels, Lanes::Samples) => (fit(shape.n) / 4 * 4).clamp(4, 64),
            // With few neurons half a slab is faster (measured, n = 64, m = 4: 190 steps/s for 176).
            (Nest::Panels, Lanes::Columns) if shape.m <= STREAMED => (fit(2 * shape.n) / sliver).clamp(1, 4) * sliver,
            (Nest::Panels, Lanes::Columns) => (fit(shape.n) / sliver).clamp(1, 8) * sliver,
            (Nest::Panels, Lanes::Neurons) => (fit(2 * shape.n) / sliver).clamp(2, 8) * sliver,
            (Nest::Rows, Lanes::Samples) => (fit(shape.d) / sliver).clamp(1, 16) * sliver,
            (Nest::Rows, _) => (fit(shape.d) / 8 * 8).clamp(8, BLOCK),
        }
    }

    /// Number of chunks that the shape allows. Adding a partial sum takes about four vector operations
    /// (write, read, add, next), so a chunk with two multiply-adds per partial sum and vector of
    /// columns (panels) or samples (rows) should have 128 of them.
    fn chunks<T: Lane>(shape: Shape, nest: Nest, lanes: Lanes) -> usize {
        let summed = (nest, lanes) == (Nest::Panels, Lanes::Columns) || (nest, lanes) == (Nest::Rows, Lanes::Samples);
        let long = if summed { 128 * T::LANES } else { 128 };
        let along = if nest == Nest::Panels { shape.d } else { shape.n };
        let bytes = Self::partial::<T>(shape, nest, lanes) * size_of::<T>();
        (PARTIAL_BYTES / bytes).min(along / long).clamp(LEAST_CHUNKS, MOST_CHUNKS) / LEAST_CHUNKS * LEAST_CHUNKS
    }

    /// Numbers of partial sums of one chunk.
    fn partial<T: Lane>(shape: Shape, nest: Nest, lanes: Lanes) -> usize {
        let Shape { n, d, m } = shape;
        match (nest, lanes) {
            (Nest::Panels, Lanes::Columns) => n * m * T::LANES,
            (Nest::Panels, Lanes::Samples) => padded::<T>(n) * m,
            (Nest::Panels, Lanes::Neurons) => n * padded::<T>(m),
            (Nest::Rows, Lanes::Samples) => d * m * T::LANES,
            (Nest::Rows, _) => padded::<T>(d) * padded::<T>(m),
        }
    }

    /// Vector operations of a step, in units of n·d over the lanes of a vector. A multiply-add
    /// counts one; reading, adding and writing an accumulator three; summing the lanes of a vector
    /// and adding the sum to W twelve.
    fn cost<T: Lane>(shape: Shape, nest: Nest, lanes: Lanes) -> f64 {
        let (n, m, lane) = (shape.n as f64, shape.m as f64, T::LANES as f64);
        let width = Self::width::<T>(shape, nest, lanes) as f64;
        match (nest, lanes) {
            (_, Lanes::Neurons) => {
                let vectors = shape.m.div_ceil(T::LANES) as f64;
                // One vector of neurons takes nine loads for eight multiply-adds.
                2.0 * vectors * lane * if vectors > 1.0 { 1.02 } else { 1.06 }
            }
            (Nest::Panels, Lanes::Samples) => m * (2.0 + 3.0 / width + 12.0 * lane / n),
            (_, Lanes::Columns) => m * (2.0 + 3.0 * lane / width),
            (Nest::Rows, Lanes::Samples) => {
                // Accumulators of the gradient beyond half of L2 come from farther away.
                let far = if Self::partial::<T>(shape, nest, lanes) * size_of::<T>() > 512 << 10 { 3.0 } else { 1.0 };
                m * (2.0 + 3.0 * far * lane / width)
            }
        }
    }

    /// How many of `numbers` numbers of the next slab to prefetch during the first and the second use
    /// of the present one. A use takes about m cycles per cache line of X, and a core keeps some 24
    /// lines in flight from L1, one per 16 cycles: from m = 8 on everything arrives in time. With
    /// fewer neurons a step waits for memory either way; hardware prefetch, which follows the first
    /// use, is then the faster of the two, and the hints only fill the second use.
    ///
    /// This is what keeps few neurons (m ≤ 4) at two thirds of the bandwidth of reading alone: lines that
    /// come from L2 for the second use need the same 24 buffers as the hints. On Zen 4, 30 GB/s for reading
    /// alone against 20. Pieces of 4 KiB, with the forward one slab behind the gradient, gave no more: every line
    /// then comes from L2 twice, with S and Z beside it, and L2 delivers one line per two cycles.
    pub fn prefetch(&self, numbers: usize) -> (usize, usize) {
        let half = numbers / 2;
        if self.shape.m >= STREAMED { (half, numbers - half) } else { (0, half) }
    }

    /// Numbers of S and Z: neurons padded where they are the lanes, samples otherwise.
    pub fn coefficients<T: Lane>(&self) -> usize {
        match self.lanes {
            Lanes::Neurons => self.shape.n * padded::<T>(self.shape.m),
            _ => padded::<T>(self.shape.n) * self.shape.m,
        }
    }

    /// Samples of a full block of S and Z.
    pub fn block<T: Lane>(&self) -> usize {
        match (self.nest, self.lanes) {
            (_, Lanes::Samples) => SLIVER * T::LANES,
            (Nest::Rows, _) => self.width,
            _ => BLOCK,
        }
    }

    /// Numbers of S and Z of a full block.
    pub fn block_numbers<T: Lane>(&self) -> usize {
        self.block::<T>() * if self.lanes == Lanes::Neurons { padded::<T>(self.shape.m) } else { self.shape.m }
    }
}
