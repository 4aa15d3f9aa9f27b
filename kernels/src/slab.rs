//! How matrices lie in memory: slabs of slivers.
//!
//! A *slab* is a block of r rows by c columns. Its columns are cut into *slivers* of four vectors
//! (256 bytes a row; the last sliver may be narrower), and each sliver holds its rows one after the
//! other:
//!
//! ```text
//! values = [sliver][row][4 vectors]
//! ```
//!
//! A product that walks down the rows of a sliver reads memory front to back, four cache lines at a
//! time, whatever r and c are: no two rows fight for a cache set, and hardware prefetch follows.

use crate::lane::Lane;

/// Vectors in a row of a full sliver. Four: with six rows of the other factor they make the 24
/// accumulators that 32 registers hold, and 256 bytes are a streak that prefetchers follow.
pub const SLIVER: usize = 4;

/// A block of `rows` × `cols` numbers in slivers; `cols` counts the padding to whole vectors.
#[derive(Clone, Copy, Debug)]
pub struct Slab<'a, T> {
    /// `rows·cols` numbers.
    pub values: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns, a multiple of the lanes.
    pub cols: usize,
}

impl<'a, T: Lane> Slab<'a, T> {
    /// Takes `values` as a slab.
    ///
    /// # Panics
    /// If there are not `rows·cols` values or `cols` is not a whole number of vectors.
    pub fn new(values: &'a [T], rows: usize, cols: usize) -> Self {
        assert_eq!(values.len(), rows * cols, "a slab of {rows}x{cols}");
        assert_eq!(cols % T::LANES, 0, "whole vectors");
        Self { values, rows, cols }
    }

    /// The slivers: width in vectors, and values.
    #[inline(always)]
    pub fn slivers(self) -> impl Iterator<Item = (usize, &'a [T])> {
        self.values.chunks(self.rows * SLIVER * T::LANES).map(
            #[inline(always)]
            move |sliver| (sliver.len() / (self.rows * T::LANES), sliver),
        )
    }
}

/// Where element (row, col) of a slab lies.
pub fn position<T: Lane>(rows: usize, cols: usize, row: usize, col: usize) -> usize {
    let sliver = col / (SLIVER * T::LANES);
    let first = sliver * SLIVER * T::LANES;
    let width = (cols - first).min(SLIVER * T::LANES);
    first * rows + row * width + (col - first)
}

/// Writes the block `[row, row + rows) × [col, col + used)` of a row-major matrix with `stride`
/// numbers a row into `out` as a slab of `rows` × `cols`, zero beyond `used` columns. `transposed`
/// reads the matrix as its transpose.
pub fn pack<T: Lane, X: Copy + Into<f64>>(x: &[X], stride: usize, block: Block, transposed: bool, out: &mut [T]) {
    let Block { row, rows, col, used, cols } = block;
    assert_eq!(out.len(), rows * cols, "a slab of {rows}x{cols}");
    let lanes = SLIVER * T::LANES;
    for (s, sliver) in out.chunks_mut(rows * lanes).enumerate() {
        let width = sliver.len() / rows;
        for (r, out) in sliver.chunks_exact_mut(width).enumerate() {
            for (c, out) in out.iter_mut().enumerate() {
                let (r, c) = (row + r, s * lanes + c);
                let at = if transposed { (col + c) * stride + r } else { r * stride + col + c };
                *out = if c < used { T::from_f64(x[at].into()) } else { T::default() };
            }
        }
    }
}

/// A block of a matrix and the number of columns it is padded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First row.
    pub row: usize,
    /// Number of rows.
    pub rows: usize,
    /// First column.
    pub col: usize,
    /// Number of columns.
    pub used: usize,
    /// Number of columns after padding.
    pub cols: usize,
}
