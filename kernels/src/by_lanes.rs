//! `C += X·Bᵀ` for two slabs with the same columns: lanes along the columns, which are summed.
//!
//! Each element of C is a vector of partial sums, one per lane; [`crate::lane::reduce`] adds them
//! when all columns are done, so the cost of summing along lanes is paid once per step and element.
//! A register tile is four rows of X by up to five rows of B:
//!
//! ```text
//! for each 4 rows of X
//!   for each NB rows of B
//!     acc[r][j] = C[r][j]
//!     for each sliver, for each of its 4 vectors v
//!       acc[r][j] += X[r][v]·B[j][v]         4 + NB loads for 4·NB multiply-adds
//!     C[r][j] = acc[r][j]
//! ```

use crate::ahead::Ahead;
use crate::isa::{Isa, wide};
use crate::lane::Lane;
use crate::slab::{SLIVER, Slab};
use pulp::{Simd, WithSimd, as_arrays};

/// `C += X·Bᵀ`, or `C = X·Bᵀ` if `fresh`; C holds `x.rows`×`b.rows` vectors, row-major. Fetches
/// `next` meanwhile.
pub fn product<T: Lane>(isa: Isa, x: Slab<T>, b: Slab<T>, fresh: bool, c: &mut [T], next: &[T]) {
    assert_eq!(x.cols, b.cols, "X·Bᵀ");
    assert_eq!(c.len(), x.rows * b.rows * T::LANES, "a vector per element");
    isa.run(Product { x, b, fresh, c, next });
}

struct Product<'a, T> {
    x: Slab<'a, T>,
    b: Slab<'a, T>,
    fresh: bool,
    c: &'a mut [T],
    next: &'a [T],
}

impl<T: Lane> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, b, fresh, c, next } = self;
        let slivers = x.cols.div_ceil(SLIVER * T::LANES);
        let ahead = &mut if wide::<S>() {
            Ahead::new(next, x.rows / 4 * b.rows.div_ceil(5) * slivers)
        } else {
            Ahead::new(next, x.rows / 4 * b.rows.div_ceil(2) * slivers * 2)
        };
        let c = T::vectors_mut::<S>(c);
        if wide::<S>() {
            rows::<S, T, 4>(simd, x, b, 0..x.rows / 4 * 4, 5, fresh, c, ahead);
        } else {
            rows::<S, T, 2>(simd, x, b, 0..x.rows / 4 * 4, 2, fresh, c, ahead);
        }
        rows::<S, T, 1>(simd, x, b, x.rows / 4 * 4..x.rows, 5, fresh, c, ahead);
    }
}

/// Rows `range` of X, MR at a time, by all rows of B, up to `most` at a time.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn rows<S: Simd, T: Lane, const MR: usize>(
    simd: S,
    x: Slab<T>,
    b: Slab<T>,
    range: std::ops::Range<usize>,
    most: usize,
    fresh: bool,
    c: &mut [T::V<S>],
    ahead: &mut Ahead<T>,
) {
    for i in range.step_by(MR) {
        for (j, count) in crate::split(b.rows, most) {
            match count {
                1 => tile::<S, T, MR, 1>(simd, x, b, i, j, fresh, c, ahead),
                2 => tile::<S, T, MR, 2>(simd, x, b, i, j, fresh, c, ahead),
                3 => tile::<S, T, MR, 3>(simd, x, b, i, j, fresh, c, ahead),
                4 => tile::<S, T, MR, 4>(simd, x, b, i, j, fresh, c, ahead),
                _ => tile::<S, T, MR, 5>(simd, x, b, i, j, fresh, c, ahead),
            }
        }
    }
}

/// Rows `i..i + MR` of X by rows `j..j + NB` of B.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // the sizes and strides of a tile; a struct would hide them
fn tile<S: Simd, T: Lane, const MR: usize, const NB: usize>(
    simd: S,
    x: Slab<T>,
    b: Slab<T>,
    i: usize,
    j: usize,
    fresh: bool,
    c: &mut [T::V<S>],
    ahead: &mut Ahead<T>,
) {
    let mut soon = *ahead;
    let mut acc = [[T::splat(simd, T::default()); NB]; MR];
    if !fresh {
        for r in 0..MR {
            acc[r].copy_from_slice(&c[(i + r) * b.rows + j..][..NB]);
        }
    }
    for ((width, xs), (_, bs)) in x.slivers().zip(b.slivers()) {
        let (xs, bs) = (T::vectors::<S>(xs), T::vectors::<S>(bs));
        soon.tick();
        if width == SLIVER {
            let xs: &[[T::V<S>; SLIVER]; MR] = as_arrays(xs).0[i..i + MR].try_into().expect("MR rows");
            let bs: &[[T::V<S>; SLIVER]; NB] = as_arrays(bs).0[j..j + NB].try_into().expect("NB rows");
            for v in 0..SLIVER {
                for r in 0..MR {
                    for s in 0..NB {
                        acc[r][s] = T::fma(simd, xs[r][v], bs[s][v], acc[r][s]);
                    }
                }
            }
        } else {
            for v in 0..width {
                for r in 0..MR {
                    for s in 0..NB {
                        acc[r][s] = T::fma(simd, xs[(i + r) * width + v], bs[(j + s) * width + v], acc[r][s]);
                    }
                }
            }
        }
    }
    *ahead = soon;
    for r in 0..MR {
        c[(i + r) * b.rows + j..][..NB].copy_from_slice(&acc[r]);
    }
}
