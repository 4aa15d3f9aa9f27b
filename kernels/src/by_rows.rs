//! `C += A·X`: lanes along the columns of X, one chain of fused multiply-adds per element of C.
//!
//! X is a slab of s rows, A (R×s) is read one number at a time and broadcast. A register tile is
//! MR rows of A by one sliver of X:
//!
//! ```text
//! for each sliver of X                       ┐ stays in L1 or L2 while the tiles pass over it
//!   for each MR rows of A                    │
//!     for each row k of the sliver           │ MR broadcasts and 4 loads ...
//!       acc[r][v] += A[r][k]·X[k][v]         ┘ ... for 4·MR multiply-adds
//!     C[r][v] += acc[r][v]
//! ```
//!
//! The chain starts from zero and is added to C once, so C is rounded once per call.

use crate::ahead::Ahead;
use crate::isa::{Isa, wide};
use crate::lane::{Lane, padded};
use crate::slab::{SLIVER, Slab};
use pulp::{Simd, WithSimd, as_arrays, as_arrays_mut};

/// A factor with R rows of `cols` numbers, cut into blocks of columns: `[block][row][width]`, where
/// the width is `block` (a multiple of the lanes), and in the last block what is left, padded.
#[derive(Clone, Copy, Debug)]
pub struct Strips<'a, T> {
    /// The numbers of all blocks.
    pub values: &'a [T],
    /// Number of rows R.
    pub rows: usize,
    /// Number of columns in use.
    pub cols: usize,
    /// Columns of a block.
    pub block: usize,
}

impl<'a, T: Lane> Strips<'a, T> {
    /// For each block: its first column, and rows `first..first + MR` cut to the columns in use.
    #[inline(always)]
    fn strips<const MR: usize>(self, first: usize) -> impl Iterator<Item = (usize, [&'a [T]; MR])> {
        (0..self.cols.div_ceil(self.block)).map(
            #[inline(always)]
            move |b| {
                let used = self.block.min(self.cols - b * self.block);
                let width = padded::<T>(used);
                let start = b * self.block * self.rows + first * width;
                (b * self.block, std::array::from_fn(|r| &self.values[start + r * width..][..used]))
            },
        )
    }
}

/// `C += A·X`, or `C = A·X` if `fresh`; C has the layout of a slab of R rows. Fetches `next` meanwhile.
pub fn product<T: Lane>(isa: Isa, a: Strips<T>, x: Slab<T>, fresh: bool, c: &mut [T], next: &[T]) {
    assert_eq!(a.cols, x.rows, "A·X");
    assert_eq!(c.len(), a.rows * x.cols, "C is a slab like X");
    isa.run(Product { a, x, fresh, c, next });
}

/// Rows of X between two ticks of the prefetch.
const TICK: usize = 4;

struct Product<'a, T> {
    a: Strips<'a, T>,
    x: Slab<'a, T>,
    fresh: bool,
    c: &'a mut [T],
    next: &'a [T],
}

impl<T: Lane> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, x, fresh, c, next } = self;
        let tiles = a.rows.div_ceil(if wide::<S>() { 6 } else { 2 }) * x.cols.div_ceil(SLIVER * T::LANES);
        let ahead = &mut Ahead::new(next, tiles * (x.rows / TICK).max(1));
        let mut rest = c;
        for (width, sliver) in x.slivers() {
            let c;
            (c, rest) = rest.split_at_mut(width * T::LANES * a.rows);
            if fresh {
                c.fill(T::default()); // a few cache lines, about to be used
            }
            let most = match (width == SLIVER, wide::<S>()) {
                (true, true) => 6,
                (true, false) => 2,
                (false, true) => 8,
                (false, false) => 6,
            };
            for (first, rows) in crate::split(a.rows, most) {
                if width == SLIVER {
                    match rows {
                        1 => full::<_, _, 1>(simd, a, first, sliver, c, ahead),
                        2 => full::<_, _, 2>(simd, a, first, sliver, c, ahead),
                        3 => full::<_, _, 3>(simd, a, first, sliver, c, ahead),
                        4 => full::<_, _, 4>(simd, a, first, sliver, c, ahead),
                        5 => full::<_, _, 5>(simd, a, first, sliver, c, ahead),
                        _ => full::<_, _, 6>(simd, a, first, sliver, c, ahead),
                    }
                } else {
                    match rows {
                        1 => narrow::<_, _, 1>(simd, a, first, width, sliver, c),
                        2 => narrow::<_, _, 2>(simd, a, first, width, sliver, c),
                        3 => narrow::<_, _, 3>(simd, a, first, width, sliver, c),
                        4 => narrow::<_, _, 4>(simd, a, first, width, sliver, c),
                        5 => narrow::<_, _, 5>(simd, a, first, width, sliver, c),
                        6 => narrow::<_, _, 6>(simd, a, first, width, sliver, c),
                        7 => narrow::<_, _, 7>(simd, a, first, width, sliver, c),
                        _ => narrow::<_, _, 8>(simd, a, first, width, sliver, c),
                    }
                }
            }
        }
    }
}

/// MR rows by a full sliver: in one pass with 32 registers, in two halves otherwise.
#[inline(always)]
fn full<S: Simd, T: Lane, const MR: usize>(
    simd: S,
    a: Strips<T>,
    first: usize,
    x: &[T],
    c: &mut [T],
    ahead: &mut Ahead<T>,
) {
    if wide::<S>() {
        part::<S, T, MR, SLIVER>(simd, a, first, 0, x, c, ahead);
    } else {
        part::<S, T, MR, 2>(simd, a, first, 0, x, c, ahead);
        part::<S, T, MR, 2>(simd, a, first, 2, x, c, ahead);
    }
}

/// MR rows by vectors `v..v + NV` of a full sliver.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn part<S: Simd, T: Lane, const MR: usize, const NV: usize>(
    simd: S,
    a: Strips<T>,
    first: usize,
    v: usize,
    x: &[T],
    c: &mut [T],
    ahead: &mut Ahead<T>,
) {
    let mut soon = *ahead;
    assert!(v + NV <= SLIVER);
    let x = as_arrays::<SLIVER, _>(T::vectors::<S>(x)).0;
    let mut acc = [[T::splat(simd, T::default()); NV]; MR];
    for (k, a) in a.strips::<MR>(first) {
        let x = &x[k..k + a[0].len()];
        for k in 0..x.len() {
            if k % TICK == 0 {
                soon.tick();
            }
            for r in 0..MR {
                let factor = T::splat(simd, a[r][k]);
                for w in 0..NV {
                    acc[r][w] = T::fma(simd, factor, x[k][v + w], acc[r][w]);
                }
            }
        }
    }
    *ahead = soon;
    let c = as_arrays_mut::<SLIVER, _>(T::vectors_mut::<S>(c)).0;
    for (c, acc) in c[first..first + MR].iter_mut().zip(acc) {
        for w in 0..NV {
            c[v + w] = T::plus(simd, c[v + w], acc[w]);
        }
    }
}

/// MR rows by each vector of a sliver of fewer than four.
#[inline(always)]
fn narrow<S: Simd, T: Lane, const MR: usize>(simd: S, a: Strips<T>, first: usize, width: usize, x: &[T], c: &mut [T]) {
    let (x, c) = (T::vectors::<S>(x), T::vectors_mut::<S>(c));
    for v in 0..width {
        let mut acc = [T::splat(simd, T::default()); MR];
        for (k, a) in a.strips::<MR>(first) {
            for (k, x) in x[k * width..][..a[0].len() * width].chunks_exact(width).enumerate() {
                for r in 0..MR {
                    acc[r] = T::fma(simd, T::splat(simd, a[r][k]), x[v], acc[r]);
                }
            }
        }
        for r in 0..MR {
            let c = &mut c[(first + r) * width + v];
            *c = T::plus(simd, *c, acc[r]);
        }
    }
}
