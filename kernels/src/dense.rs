//! Products of a row-major f64 matrix with a vector, for diagnostics and set-up.
//!
//! ```text
//! combine:  out_k = Σ_i c_i a_ik        for blocks of columns: for i: one chain per output
//! dots:     out_j = Σ_k x_k w_jk        for j: 32 chains over k (k mod 32), then a fixed tree
//! products: z_ij = Σ_k x_ik w_jk        the same for two rows of X and three of W at a time, where registers hold their chains
//! ```
//!
//! Plain loops over arrays of fixed length, compiled for the instruction set of this machine: the
//! arrays, not the registers, fix the order of the sums. (Outside such a region a fused multiply-add
//! is a call into the C library, ten times slower.)

use crate::isa::{Isa, wide};
use pulp::{Simd, WithSimd};

/// Outputs in registers at once: 8 vectors of 256 bits,
const COLUMNS: usize = 32;
/// or 12 of 512 bits where there are registers for them: chains enough to hide the latency of each.
const WIDE: usize = 96;
/// Combinations that share the reading of a matrix,
pub const TOGETHER: usize = 4;
/// and their outputs in registers at once: two vectors of 512 bits each.
const NARROW: usize = 16;
/// Chains of a dot product: 512 bits.
const LANES: usize = 8;

/// `out_k = Σ_i c_i a[i·stride + k]` for `k < out.len()`: one chain per output, in the order of i. For a
/// symmetric matrix this is the matrix–vector product.
///
/// # Panics
/// If `a` ends before the last row does.
pub fn combine(c: &[f64], a: &[f64], stride: usize, out: &mut [f64]) {
    out.fill(0.0);
    carry_combine(c, a, stride, out);
}

/// [`combine`] for further rows, from the sums over those before.
///
/// # Panics
/// If `a` ends before the last row does.
pub fn carry_combine(c: &[f64], a: &[f64], stride: usize, sums: &mut [f64]) {
    assert!(c.is_empty() || a.len() >= (c.len() - 1) * stride + sums.len(), "a row per coefficient");
    Isa::current().dispatch(Combine { c, a, stride, sums });
}

/// [`combine`] for several c, one after the other, with the bits of each by itself; `a` is read once for [`TOGETHER`] of them.
///
/// # Panics
/// If `c` and `out` are not of equally many, or `a` ends before the last row does.
pub fn combine_all(c: &[f64], rows: usize, a: &[f64], stride: usize, out: &mut [f64]) {
    let columns = stride;
    assert!(rows > 0 && columns > 0 && a.len() >= rows * stride, "a row per coefficient");
    assert_eq!((c.len() / rows, c.len() % rows), (out.len() / columns, out.len() % columns), "an output for each c");
    Isa::current().dispatch(CombineAll { c, rows, a, columns, out });
}

/// `out_k ← out_k + c a_k`: one term of [`combine`], with the bits of it where the terms come in the order of i.
///
/// # Panics
/// If the lengths differ.
pub fn add_scaled(c: f64, a: &[f64], out: &mut [f64]) {
    assert_eq!(a.len(), out.len(), "a number for each output");
    Isa::current().dispatch(AddScaled { c, a, out });
}

struct AddScaled<'a> {
    c: f64,
    a: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for AddScaled<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { c, a, out } = self;
        for k in 0..out.len() {
            out[k] = a[k].mul_add(c, out[k]);
        }
    }
}

struct Combine<'a> {
    c: &'a [f64],
    a: &'a [f64],
    stride: usize,
    sums: &'a mut [f64],
}

impl WithSimd for Combine<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { c, a, stride, sums } = self;
        let mut at = 0;
        if wide::<S>() {
            at = blocks_of_columns::<WIDE>(c, a, stride, sums, at);
        }
        at = blocks_of_columns::<COLUMNS>(c, a, stride, sums, at);
        at = blocks_of_columns::<16>(c, a, stride, sums, at);
        at = blocks_of_columns::<8>(c, a, stride, sums, at);
        at = blocks_of_columns::<4>(c, a, stride, sums, at);
        blocks_of_columns::<1>(c, a, stride, sums, at);
    }
}

struct CombineAll<'a> {
    c: &'a [f64],
    rows: usize,
    a: &'a [f64],
    columns: usize,
    out: &'a mut [f64],
}

impl WithSimd for CombineAll<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { c, rows, a, columns, out } = self;
        let (cs, outs) = (c.chunks_exact(TOGETHER * rows), out.chunks_exact_mut(TOGETHER * columns));
        let alone = cs.len();
        for (c, out) in cs.zip(outs) {
            for at in (0..columns).step_by(NARROW) {
                if at + NARROW <= columns {
                    columns_of_all::<NARROW>(c, rows, &a[at..], columns, &mut out[at..]);
                } else {
                    (at..columns).for_each(|at| columns_of_all::<1>(c, rows, &a[at..], columns, &mut out[at..]));
                }
            }
        }
        let (c, out) = (&c[alone * TOGETHER * rows..], &mut out[alone * TOGETHER * columns..]);
        for (c, sums) in c.chunks_exact(rows).zip(out.chunks_exact_mut(columns)) {
            sums.fill(0.0);
            Combine { c, a, stride: columns, sums }.with_simd(simd);
        }
    }
}

/// N columns of the sums for [`TOGETHER`] c.
#[inline(always)]
fn columns_of_all<const N: usize>(c: &[f64], rows: usize, a: &[f64], columns: usize, out: &mut [f64]) {
    let mut sums = [[0.0f64; N]; TOGETHER];
    for i in 0..rows {
        let row = a[i * columns..].first_chunk::<N>().expect("a whole block");
        for (of, sums) in sums.iter_mut().enumerate() {
            let c = c[of * rows + i];
            for k in 0..N {
                sums[k] = row[k].mul_add(c, sums[k]);
            }
        }
    }
    for (of, sums) in sums.iter().enumerate() {
        out[of * columns..][..N].copy_from_slice(sums);
    }
}

/// Blocks of N columns from number `at` on, as long as there are N; where they end.
#[inline(always)]
fn blocks_of_columns<const N: usize>(c: &[f64], a: &[f64], stride: usize, sums: &mut [f64], mut at: usize) -> usize {
    for block in sums[at..].as_chunks_mut::<N>().0 {
        let mut chains = *block;
        for i in 0..c.len() {
            let row = a[i * stride + at..].first_chunk::<N>().expect("a whole block");
            for k in 0..N {
                chains[k] = row[k].mul_add(c[i], chains[k]);
            }
        }
        *block = chains;
        at += N;
    }
    at
}

/// `out_j = Σ_k x_k w[j·d + k]`, d = `x.len()`.
///
/// # Panics
/// If `w` has not `out.len()` rows of d values.
pub fn dots(x: &[f64], w: &[f64], out: &mut [f64]) {
    assert_eq!(w.len(), out.len() * x.len(), "w is out.len() x d");
    Isa::current().dispatch(Dots { x, w, out });
}

/// `z_ij = Σ_k x[i·d + k] w[j·d + k]` for the n rows of X and m rows of W, row-major n×m, with the bits of [`dots`].
///
/// # Panics
/// If X, W and Z are not n×d, m×d and n×m.
pub fn products(x: &[f64], w: &[f64], d: usize, z: &mut [f64]) {
    assert!(d > 0 && x.len().is_multiple_of(d) && w.len().is_multiple_of(d), "whole rows");
    assert_eq!(z.len(), x.len() / d * (w.len() / d), "a product for each pair of rows");
    Isa::current().dispatch(Products { x, w, d, z });
}

struct Products<'a> {
    x: &'a [f64],
    w: &'a [f64],
    d: usize,
    z: &'a mut [f64],
}

impl WithSimd for Products<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, w, d, z } = self;
        let m = w.len() / d;
        for (x, z) in x.chunks(2 * d).zip(z.chunks_mut(2 * m)) {
            for (t, w) in w.chunks(3 * d).enumerate() {
                match (x.len() / d, w.len() / d) {
                    (2, 3) if wide::<S>() => tile::<2, 3>(x, w, d, &mut z[3 * t..], m),
                    (2, 2) if wide::<S>() => tile::<2, 2>(x, w, d, &mut z[3 * t..], m),
                    (rows, columns) => {
                        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                            tile::<1, 1>(&x[i * d..], &w[j * d..], d, &mut z[i * m + 3 * t + j..], m);
                        }
                    }
                }
            }
        }
    }
}

/// The products of R rows of X and C rows of W of d numbers, into rows of m.
#[inline(always)]
fn tile<const R: usize, const C: usize>(x: &[f64], w: &[f64], d: usize, z: &mut [f64], m: usize) {
    let (mut xs, mut ws) = ([&x[..d]; R], [&w[..d]; C]);
    for r in 0..R {
        xs[r] = &x[r * d..][..d];
    }
    for c in 0..C {
        ws[c] = &w[c * d..][..d];
    }
    let sums = carried(xs, ws, [[[[0.0; LANES]; 4]; C]; R]);
    for r in 0..R {
        for c in 0..C {
            z[r * m + c] = end(sums[r][c]);
        }
    }
}

/// Numbers of the sums that a dot product is carried on in.
pub const SUMS: usize = 4 * LANES;

/// Carries the sums of `out_j = Σ_k x_k w[j·d + k]` on over further columns, [`SUMS`] numbers a product, zero at first.
/// Columns that come piece by piece, in order and in pieces of multiples of [`SUMS`] but the last, give the same bits as
/// [`dots`].
///
/// # Panics
/// If `w` has not a row of `x.len()` values for each product.
pub fn carry_dots(x: &[f64], w: &[f64], sums: &mut [f64]) {
    let sums = sums.as_chunks_mut::<SUMS>().0;
    assert_eq!(w.len(), sums.len() * x.len(), "a row of w for each product");
    Isa::current().dispatch(CarryDots { x, w, sums });
}

/// The dot product of its sums.
pub fn end_of_dot(sums: &[f64]) -> f64 {
    let mut parts = [[0.0; LANES]; 4];
    parts.as_flattened_mut().copy_from_slice(sums);
    end(parts)
}

struct CarryDots<'a> {
    x: &'a [f64],
    w: &'a [f64],
    sums: &'a mut [[f64; SUMS]],
}

impl WithSimd for CarryDots<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let d = self.x.len();
        for (j, sums) in self.sums.iter_mut().enumerate() {
            let mut parts = [[0.0; LANES]; 4];
            parts.as_flattened_mut().copy_from_slice(sums);
            let [[parts]] = carried([self.x], [&self.w[j * d..][..d]], [[parts]]);
            sums.copy_from_slice(parts.as_flattened());
        }
    }
}

struct Dots<'a> {
    x: &'a [f64],
    w: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Dots<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let d = self.x.len();
        for j in 0..self.out.len() {
            self.out[j] = dot(self.x, &self.w[j * d..][..d]);
        }
    }
}

#[inline(always)]
fn dot(x: &[f64], w: &[f64]) -> f64 {
    let [[sums]] = carried([x], [w], [[[[0.0; LANES]; 4]]]);
    end(sums)
}

/// The sums of a dot product: four groups of lanes hide the latency; each is a chain of its own, and the order is fixed.
type Sums = [[f64; LANES]; 4];

/// Carries the sums of R by C dot products of rows of equal lengths on over all of their numbers.
#[inline(always)]
fn carried<const R: usize, const C: usize>(x: [&[f64]; R], w: [&[f64]; C], mut sums: [[Sums; C]; R]) -> [[Sums; C]; R] {
    const BLOCK: usize = 4 * LANES;
    let (d, blocks) = (x[0].len(), x[0].len() / BLOCK);
    let (mut xs, mut ws) = ([x[0].as_chunks::<BLOCK>().0; R], [w[0].as_chunks::<BLOCK>().0; C]);
    for r in 0..R {
        xs[r] = &x[r].as_chunks::<BLOCK>().0[..blocks];
    }
    for c in 0..C {
        ws[c] = &w[c].as_chunks::<BLOCK>().0[..blocks];
    }
    for b in 0..blocks {
        for g in 0..4 {
            for r in 0..R {
                for c in 0..C {
                    for l in 0..LANES {
                        sums[r][c][g][l] = xs[r][b][g * LANES + l].mul_add(ws[c][b][g * LANES + l], sums[r][c][g][l]);
                    }
                }
            }
        }
    }
    let (mut xs, mut ws) = ([x[0]; R], [w[0]; C]);
    for r in 0..R {
        xs[r] = &x[r][blocks * BLOCK..];
    }
    for c in 0..C {
        ws[c] = &w[c][blocks * BLOCK..];
    }
    for g in 0..4 {
        if g * LANES < d - blocks * BLOCK {
            let (mut x, mut w) = ([[0.0; LANES]; R], [[0.0; LANES]; C]);
            for r in 0..R {
                x[r] = padded(&xs[r][g * LANES..]);
            }
            for c in 0..C {
                w[c] = padded(&ws[c][g * LANES..]);
            }
            for r in 0..R {
                for c in 0..C {
                    for l in 0..LANES {
                        sums[r][c][g][l] = x[r][l].mul_add(w[c][l], sums[r][c][g][l]);
                    }
                }
            }
        }
    }
    sums
}

/// The first numbers, and zeros where there are no more: `0·0` leaves a sum as it is.
#[inline(always)]
fn padded(x: &[f64]) -> [f64; LANES] {
    let mut out = [0.0; LANES];
    if let Some(whole) = x.first_chunk() {
        return *whole;
    }
    for (l, x) in x.iter().enumerate() {
        out[l] = *x;
    }
    out
}

#[inline(always)]
fn end([a, b, c, d]: [[f64; LANES]; 4]) -> f64 {
    let mut s = [0.0; LANES];
    for l in 0..LANES {
        s[l] = (a[l] + b[l]) + (c[l] + d[l]);
    }
    ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}

#[cfg(test)]
mod tests;
