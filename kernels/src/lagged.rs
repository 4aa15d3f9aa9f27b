//! The two products of a step on neighbouring panels at once, for few neurons.
//!
//! With few neurons a step is bound by memory, and memory must never wait: while a panel is used for the second
//! time nothing is read from it, and prefetching a whole panel meanwhile keeps fewer cache lines in flight
//! than memory allows. So the forward lags one panel behind the gradient, and both go in small pieces:
//!
//! ```text
//! for each panel p
//!   for each piece, 64 cache lines of X
//!     G += Sᵀ X_p                on the piece of p         from memory, asked for 16 KiB ahead
//!     Z += X_(p-1) W_(p-1)ᵀ      on the piece of p - 1     from L2
//!   W_p += G
//! ```
//!
//! Lines of X are then asked for in the order of their addresses, evenly in time. The caller walks over the
//! panels ([`crate::panels`]); here is one of them. Register tiles, with lanes along columns (a panel is
//! one sliver, a piece 16 of its rows) and along samples (a panel is four columns, a piece four slivers):
//!
//! | lanes | product | in registers | for each | loads per multiply-add, m = 4 |
//! |---|---|---|---|---|
//! | columns | gradient | G, m × 4 vectors | row: 4 of X, m numbers of S | 8/16 |
//! | columns | forward | W, m × 4 vectors | row: 4 of X, m of Z | 8/16 |
//! | samples | gradient | G, 4 × m vectors | vector of samples: 4 of X, m of S | 8/16 |
//! | samples | forward | Z, m × 4 vectors | column: 4 of X, m numbers of W | 8/16 |

use crate::hint::fetch;
use crate::isa::{Isa, wide};
use crate::lane::{Lane, padded};
use crate::plan::Lanes;
use crate::slab::{SLIVER, Slab};
use pulp::{Simd, WithSimd, as_arrays, as_arrays_mut};

/// Most neurons.
pub const MOST: usize = 4;
/// Rows of a piece where the lanes hold columns, and samples of a block of S.
pub const ROWS: usize = 16;
const PAIR: usize = 4;
/// Columns of a panel where the lanes hold samples.
pub const COLUMNS: usize = 8;
/// Columns of a register tile there.
const TILE: usize = 4;
/// Slivers of a piece there.
const SLIVERS: usize = 1;
/// Cache lines from the one in use to the one asked for: 16 KiB take half a microsecond at 30 GB/s.
const DISTANCE: usize = 256;

/// A panel that the forward has still to see.
#[derive(Clone, Copy, Debug)]
pub struct Behind<'a, T> {
    /// The panel of X.
    pub x: Slab<'a, T>,
    /// Its weights.
    pub w: &'a [T],
    /// Whether it is the first one of the share.
    pub fresh: bool,
}

/// `G = Sᵀ X` for a full panel, which `stream` begins with, and `Z += X Wᵀ` for the one behind.
pub fn products<T: Lane>(
    isa: Isa,
    lanes: Lanes,
    (x, s, gradient): (Slab<T>, &[T], &mut [T]),
    behind: Option<Behind<T>>,
    share: &mut [T],
    stream: &[T],
) {
    let m = match lanes {
        Lanes::Samples => gradient.len() / (x.rows * T::LANES),
        _ => gradient.len() / x.cols,
    };
    assert!(behind.is_none_or(|b| (b.x.rows, b.x.cols) == (x.rows, x.cols)), "panels of one shape");
    let of = Products { lanes, x, s, gradient, behind, share, stream };
    match m {
        1 => isa.run(Width::<_, 1>(of)),
        2 => isa.run(Width::<_, 2>(of)),
        3 => isa.run(Width::<_, 3>(of)),
        _ => isa.run(Width::<_, MOST>(of)),
    }
}

struct Products<'a, T> {
    lanes: Lanes,
    x: Slab<'a, T>,
    s: &'a [T],
    gradient: &'a mut [T],
    behind: Option<Behind<'a, T>>,
    share: &'a mut [T],
    stream: &'a [T],
}

/// The products for M neurons.
struct Width<'a, T, const M: usize>(Products<'a, T>);

impl<T: Lane, const M: usize> WithSimd for Width<'_, T, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.0.lanes {
            Lanes::Samples => self.by_samples(simd),
            _ => self.by_columns(simd),
        }
    }
}

/// A row of a sliver.
type Row<S, T> = [<T as Lane>::V<S>; SLIVER];

#[inline(always)]
fn rows_of<S: Simd, T: Lane>(x: &[T]) -> &[Row<S, T>] {
    as_arrays(T::vectors::<S>(x)).0
}

impl<T: Lane, const M: usize> Width<'_, T, M> {
    #[inline(always)]
    fn by_columns<S: Simd>(self, simd: S) {
        let Products { x, s, gradient, behind, share, stream, .. } = self.0;
        let (n, all) = (x.rows, rows_of::<S, T>(x.values));
        let far = rows_of::<S, T>(&stream[stream.len().min(DISTANCE * T::LANES)..]);
        let g: &mut [Row<S, T>] = as_arrays_mut(T::vectors_mut::<S>(gradient)).0;
        g.fill([T::splat(simd, T::default()); SLIVER]);
        let z: &mut [[T::V<S>; M]] = as_arrays_mut(T::vectors_mut::<S>(share)).0;
        let pieces = n.div_ceil(ROWS) * (all.len() / n);
        let mut piece = 0;
        let _ = pieces;
        if let (true, Some(Behind { x: before, w, fresh }), true) = (wide::<S>(), behind, all.len() == n) {
            let before = rows_of::<S, T>(before.values);
            let w: &[Row<S, T>; M] = rows_of::<S, T>(w).try_into().expect("M");
            let mut acc = [[T::splat(simd, T::default()); SLIVER]; M];
            for (b, s) in s.chunks(ROWS * M).enumerate() {
                let rows = ROWS.min(n - b * ROWS);
                let width = padded::<T>(rows);
                let mut factors = [&s[..0]; M];
                for q in 0..M {
                    factors[q] = &s[q * width..][..rows];
                }
                let at = b * ROWS;
                let x = &all[at..at + rows];
                let before = &before[at..at + rows];
                let z = &mut z[at..at + rows];
                let far = &far[at.min(far.len())..(at + rows).min(far.len())];
                let mut i = 0;
                while i + PAIR <= rows {
                    for r in 0..PAIR {
                        for v in 0..SLIVER {
                            let xv = x[i + r][v];
                            for q in 0..M {
                                acc[q][v] = T::fma(simd, T::splat(simd, factors[q][i + r]), xv, acc[q][v]);
                            }
                        }
                    }
                    let mut zs = [[T::splat(simd, T::default()); M]; PAIR];
                    if !fresh {
                        for r in 0..PAIR {
                            zs[r] = z[i + r];
                        }
                    }
                    for r in 0..PAIR {
                        if let Some(row) = far.get(i + r) {
                            row.iter().for_each(fetch);
                        }
                    }
                    for v in 0..SLIVER {
                        for r in 0..PAIR {
                            let xv = before[i + r][v];
                            for q in 0..M {
                                zs[r][q] = T::fma(simd, xv, w[q][v], zs[r][q]);
                            }
                        }
                    }
                    for r in 0..PAIR {
                        z[i + r] = zs[r];
                    }
                    i += PAIR;
                }
            }
            g.copy_from_slice(&acc);
        }
    }

    #[inline(always)]
    fn by_samples<S: Simd>(self, simd: S) {
        let Products { x, s, gradient, behind, share, stream, .. } = self.0;
        let (sliver, piece) = (SLIVER * T::LANES, SLIVERS * SLIVER * T::LANES);
        let far = &stream[stream.len().min(DISTANCE * T::LANES)..];
        let g: &mut [[T::V<S>; M]] = as_arrays_mut(T::vectors_mut::<S>(gradient)).0;
        g.fill([T::splat(simd, T::default()); M]);
        let mut shares = share.chunks_mut(sliver * M);
        let mut far = far.chunks(TILE * sliver);
        let mut start = 0;
        {
            for (x, s) in x.values.chunks(sliver * COLUMNS).zip(s.chunks(sliver * M)) {
                let (x, s) = (T::vectors::<S>(x), T::vectors::<S>(s));
                let z = shares.next().expect("a share like S");
                let before = behind.map(|b| (T::vectors::<S>(&b.x.values[start..start + x.len() * T::LANES]), b.w, b.fresh));
                let z = T::vectors_mut::<S>(z);
                let tile = x.len() * TILE / COLUMNS;
                for (k, g) in as_arrays_mut::<TILE, _>(g).0.iter_mut().enumerate() {
                    gradient_sliver::<S, T, M>(simd, &x[k * tile..][..tile], s, g);
                    if let Some((x, w, fresh)) = before {
                        let far = T::vectors::<S>(far.next().unwrap_or_default());
                        forward_sliver::<S, T, M>(simd, &x[k * tile..][..tile], w, k * TILE, fresh && k == 0, z, far);
                    }
                }
                start += x.len() * T::LANES;
            }
        }
    }
}

/// `G_kj += Σ_v x_k[v] s_j[v]`, lanes not summed, over the vectors of a sliver, for four of its columns.
#[inline(always)]
fn gradient_sliver<S: Simd, T: Lane, const M: usize>(
    simd: S,
    x: &[T::V<S>],
    s: &[T::V<S>],
    g: &mut [[T::V<S>; M]; TILE],
) {
    let width = s.len() / M;
    if width == SLIVER && wide::<S>() {
        let x: &[Row<S, T>; TILE] = as_arrays(x).0[..TILE].try_into().expect("four columns");
        let s: &[Row<S, T>; M] = as_arrays(s).0.try_into().expect("M neurons");
        let mut acc = *g;
        for k in 0..TILE {
            for v in 0..SLIVER {
                for j in 0..M {
                    acc[k][j] = T::fma(simd, x[k][v], s[j][v], acc[k][j]);
                }
            }
        }
        *g = acc;
        return;
    }
    for k in 0..TILE {
        let mut acc = g[k];
        for v in 0..width {
            for j in 0..M {
                acc[j] = T::fma(simd, x[k * width + v], s[j * width + v], acc[j]);
            }
        }
        g[k] = acc;
    }
}

/// `z_j += Σ_k w_jk x_k` on the vectors of a sliver, for four of its columns; one chain an element.
#[inline(always)]
fn forward_sliver<S: Simd, T: Lane, const M: usize>(
    simd: S,
    x: &[T::V<S>],
    w: &[T],
    first: usize,
    fresh: bool,
    z: &mut [T::V<S>],
    far: &[T::V<S>],
) {
    let (width, stride) = (z.len() / M, w.len() / M);
    let mut factors = [[T::default(); TILE]; M];
    for j in 0..M {
        factors[j].copy_from_slice(&w[j * stride + first..][..TILE]);
    }
    if width == SLIVER {
        let x: &[Row<S, T>; TILE] = as_arrays(x).0.try_into().expect("four columns");
        let z: &mut [Row<S, T>; M] = as_arrays_mut(z).0.try_into().expect("M neurons");
        let mut acc = if fresh { [[T::splat(simd, T::default()); SLIVER]; M] } else { *z };
        for k in 0..TILE {
            far.iter().skip(k * SLIVER).take(SLIVER).for_each(fetch);
            for j in 0..M {
                let factor = T::splat(simd, factors[j][k]);
                for v in 0..SLIVER {
                    acc[j][v] = T::fma(simd, factor, x[k][v], acc[j][v]);
                }
            }
        }
        *z = acc;
        return;
    }
    for j in 0..M {
        for v in 0..width {
            let mut acc = if fresh { T::splat(simd, T::default()) } else { z[j * width + v] };
            for k in 0..TILE {
                acc = T::fma(simd, T::splat(simd, factors[j][k]), x[k * width + v], acc);
            }
            z[j * width + v] = acc;
        }
    }
}

/// `G_r += Σ_i s_ri x_i` for neurons `r..r + MR` and vectors `v..v + NV` of a sliver; one chain an element.
#[inline(always)]
fn gradient_rows<S: Simd, T: Lane, const MR: usize, const NV: usize>(
    simd: S,
    x: &[Row<S, T>],
    s: &[T],
    r: usize,
    v: usize,
    g: &mut [Row<S, T>],
    far: &[Row<S, T>],
) {
    let width = padded::<T>(x.len());
    let mut acc = [[T::splat(simd, T::default()); NV]; MR];
    let mut factors = [&s[..0]; MR];
    for q in 0..MR {
        factors[q] = &s[(r + q) * width..][..x.len()];
    }
    for i in 0..x.len() {
        if let Some(row) = far.get(i) {
            row.iter().for_each(fetch);
        }
        for q in 0..MR {
            let factor = T::splat(simd, factors[q][i]);
            for w in 0..NV {
                acc[q][w] = T::fma(simd, factor, x[i][v + w], acc[q][w]);
            }
        }
    }
    for q in 0..MR {
        for w in 0..NV {
            g[r + q][v + w] = T::plus(simd, g[r + q][v + w], acc[q][w]);
        }
    }
}

/// `Z_ij += Σ_v x_i[v] w_j[v]`, lanes not summed, for neurons `j..j + NJ` of M.
#[inline(always)]
fn forward_rows<S: Simd, T: Lane, const NJ: usize, const M: usize>(
    simd: S,
    x: &[Row<S, T>],
    w: &[Row<S, T>],
    j: usize,
    fresh: bool,
    z: &mut [[T::V<S>; M]],
) {
    let mut weights = [[T::splat(simd, T::default()); SLIVER]; NJ];
    weights.copy_from_slice(&w[j..j + NJ]);
    for (x, z) in x.iter().zip(z) {
        let mut acc = [T::splat(simd, T::default()); NJ];
        if !fresh {
            acc.copy_from_slice(&z[j..j + NJ]);
        }
        for v in 0..SLIVER {
            for q in 0..NJ {
                acc[q] = T::fma(simd, x[v], weights[q][v], acc[q]);
            }
        }
        z[j..j + NJ].copy_from_slice(&acc);
    }
}
