//! `C += X·B` and `C += Xᵀ·B` with lanes along the columns of B: one chain per element, no sum
//! along lanes, and X is read one number at a time.
//!
//! B and C are *columns of vectors*: `[column][row][1 vector]`, so a tile of NV columns reads NV
//! streams. X is a slab. Register tiles on 32 registers are 8×NV, NV up to 2 forward (a third
//! column spills) and 3 backward:
//!
//! ```text
//! forward:  acc[r][v] += X[i + r][k]·B[v][k]     walks k, along the row of each sliver
//! backward: acc[r][v] += X[i][k + r]·B[v][i]     walks i, down the rows of one sliver
//! ```
//!
//! Each takes 8 broadcasts and NV loads for 8·NV multiply-adds. Chains start from zero and are
//! added to C once.

use crate::ahead::Ahead;
use crate::isa::{Isa, wide};
use crate::lane::Lane;
use crate::slab::Slab;
use pulp::{Simd, WithSimd};

/// `C += X·B` for a block of rows of X that starts at row `first`: B has `x.cols` rows, and C
/// has the rows of the block. C is overwritten if `fresh`. Fetches `next` meanwhile.
pub fn forward<T: Lane>(isa: Isa, x: Slab<T>, first: usize, b: &[T], fresh: bool, c: &mut [T], next: &[T]) {
    let rows = c.len() / (b.len() / x.cols);
    assert_eq!(b.len() * rows, c.len() * x.cols, "X·B");
    assert!(first + rows <= x.rows, "rows of X");
    isa.run(Forward { x, first, rows, b, fresh, c, next });
}

/// `C += Xᵀ·B` for a block of rows of X that starts at row `first`: B has the rows of the block, C
/// has `x.cols` rows. C is overwritten if `fresh`. Fetches `next` meanwhile.
pub fn backward<T: Lane>(isa: Isa, x: Slab<T>, first: usize, b: &[T], fresh: bool, c: &mut [T], next: &[T]) {
    let rows = b.len() / (c.len() / x.cols);
    assert_eq!(b.len() * x.cols, c.len() * rows, "Xᵀ·B");
    assert!(first + rows <= x.rows, "rows of X");
    isa.run(Backward { x, first, rows, b, fresh, c, next });
}

/// Rows of B between two ticks of the prefetch.
const TICK: usize = 8;

struct Forward<'a, T> {
    x: Slab<'a, T>,
    first: usize,
    rows: usize,
    b: &'a [T],
    fresh: bool,
    c: &'a mut [T],
    next: &'a [T],
}

impl<T: Lane> WithSimd for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, first, rows, b, fresh, c, next } = self;
        let (b, c) = (T::vectors::<S>(b), T::vectors_mut::<S>(c));
        let tile = if wide::<S>() { (8, 2) } else { (4, 1) };
        let tiles = (rows / tile.0).max(1) * (b.len() / x.cols).div_ceil(tile.1);
        let ahead = &mut Ahead::new(next, tiles * (x.cols / TICK));
        for (v, count) in crate::split(b.len() / x.cols, if wide::<S>() { 2 } else { 1 }) {
            match count {
                1 => forward_columns::<S, T, 1>(simd, x, first, rows, b, v, fresh, c, ahead),
                _ => forward_columns::<S, T, 2>(simd, x, first, rows, b, v, fresh, c, ahead),
            }
        }
    }
}

/// Columns `v..v + NV` of B, all rows of the block: tiles of 8 rows (4 on 16 registers), then 4, 2, 1.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn forward_columns<S: Simd, T: Lane, const NV: usize>(
    simd: S,
    x: Slab<T>,
    first: usize,
    rows: usize,
    b: &[T::V<S>],
    v: usize,
    fresh: bool,
    c: &mut [T::V<S>],
    ahead: &mut Ahead<T>,
) {
    let mut i = 0;
    if wide::<S>() {
        while i + 8 <= rows {
            forward_tile::<S, T, 8, NV>(simd, x, first + i, b, v, fresh, &mut c[i..], rows, ahead);
            i += 8;
        }
    }
    while i + 4 <= rows {
        forward_tile::<S, T, 4, NV>(simd, x, first + i, b, v, fresh, &mut c[i..], rows, ahead);
        i += 4;
    }
    while i < rows {
        forward_tile::<S, T, 1, NV>(simd, x, first + i, b, v, fresh, &mut c[i..], rows, ahead);
        i += 1;
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn forward_tile<S: Simd, T: Lane, const MR: usize, const NV: usize>(
    simd: S,
    x: Slab<T>,
    i: usize,
    b: &[T::V<S>],
    v: usize,
    fresh: bool,
    c: &mut [T::V<S>],
    stride: usize,
    ahead: &mut Ahead<T>,
) {
    let mut soon = *ahead;
    let mut acc = [[T::splat(simd, T::default()); NV]; MR];
    let mut k = 0;
    for (width, sliver) in x.slivers() {
        let width = width * T::LANES;
        let xs: [&[T]; MR] = std::array::from_fn(|r| &sliver[(i + r) * width..][..width]);
        let bs: [&[T::V<S>]; NV] = std::array::from_fn(|w| &b[(v + w) * x.cols + k..][..width]);
        for k in 0..width {
            if k % TICK == 0 {
                soon.tick();
            }
            for r in 0..MR {
                let factor = T::splat(simd, xs[r][k]);
                for w in 0..NV {
                    acc[r][w] = T::fma(simd, factor, bs[w][k], acc[r][w]);
                }
            }
        }
        k += width;
    }
    *ahead = soon;
    for w in 0..NV {
        for (c, acc) in c[(v + w) * stride..][..MR].iter_mut().zip(&acc) {
            *c = if fresh { acc[w] } else { T::plus(simd, *c, acc[w]) };
        }
    }
}

struct Backward<'a, T> {
    x: Slab<'a, T>,
    first: usize,
    rows: usize,
    b: &'a [T],
    fresh: bool,
    c: &'a mut [T],
    next: &'a [T],
}

impl<T: Lane> WithSimd for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, first, rows, b, fresh, c, next } = self;
        let (b, c) = (T::vectors::<S>(b), T::vectors_mut::<S>(c));
        let tile = if wide::<S>() { (8, 3) } else { (4, 1) };
        let tiles = x.cols / tile.0 * (b.len() / rows).div_ceil(tile.1);
        let ahead = &mut Ahead::new(next, tiles * (rows / TICK).max(1));
        for (v, count) in crate::split(b.len() / rows, if wide::<S>() { 3 } else { 1 }) {
            match count {
                1 => backward_columns::<S, T, 1>(simd, x, first, rows, b, v, fresh, c, ahead),
                2 => backward_columns::<S, T, 2>(simd, x, first, rows, b, v, fresh, c, ahead),
                _ => backward_columns::<S, T, 3>(simd, x, first, rows, b, v, fresh, c, ahead),
            }
        }
    }
}

/// Columns `v..v + NV` of B, all columns of X, 8 at a time (4 on 16 registers).
#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn backward_columns<S: Simd, T: Lane, const NV: usize>(
    simd: S,
    x: Slab<T>,
    first: usize,
    rows: usize,
    b: &[T::V<S>],
    v: usize,
    fresh: bool,
    c: &mut [T::V<S>],
    ahead: &mut Ahead<T>,
) {
    let mut k = 0;
    for (width, sliver) in x.slivers() {
        let width = width * T::LANES;
        let block = &sliver[first * width..(first + rows) * width];
        for tile in (0..width).step_by(if wide::<S>() { 8 } else { 4 }) {
            if wide::<S>() {
                backward_tile::<S, T, 8, NV>(simd, block, width, tile, b, v, fresh, &mut c[k + tile..], x.cols, ahead);
            } else {
                backward_tile::<S, T, 4, NV>(simd, block, width, tile, b, v, fresh, &mut c[k + tile..], x.cols, ahead);
            }
        }
        k += width;
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn backward_tile<S: Simd, T: Lane, const MR: usize, const NV: usize>(
    simd: S,
    block: &[T],
    width: usize,
    tile: usize,
    b: &[T::V<S>],
    v: usize,
    fresh: bool,
    c: &mut [T::V<S>],
    stride: usize,
    ahead: &mut Ahead<T>,
) {
    let mut soon = *ahead;
    let rows = block.len() / width;
    let mut acc = [[T::splat(simd, T::default()); NV]; MR];
    let bs: [&[T::V<S>]; NV] = std::array::from_fn(|w| &b[(v + w) * rows..][..rows]);
    for (i, row) in block.chunks_exact(width).take(rows).enumerate() {
        if i % TICK == 0 {
            soon.tick();
        }
        let row: &[T; MR] = row[tile..tile + MR].try_into().expect("MR columns");
        for r in 0..MR {
            let factor = T::splat(simd, row[r]);
            for w in 0..NV {
                acc[r][w] = T::fma(simd, factor, bs[w][i], acc[r][w]);
            }
        }
    }
    *ahead = soon;
    for w in 0..NV {
        for (c, acc) in c[(v + w) * stride..][..MR].iter_mut().zip(&acc) {
            *c = if fresh { acc[w] } else { T::plus(simd, *c, acc[w]) };
        }
    }
}
