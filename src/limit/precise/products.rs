//! Products of several rows of X with vectors of 106 bits, which read each number of X once for all vectors.
//!
//! ```text
//! add_rows:  for 8 columns: for p: (S_p in registers) for i: S_p += b_ip·x_i        one chain over the rows per column
//! dots:      for 1024 columns: for p: for 8 columns: for i: D_ip += x_i·w_p          8 chains per product, joined in a fixed order
//! ```
//!
//! The terms are those of [`super::vector`]: 15 operations for a number of [`add_rows`], 12 for one of [`dots`], so that with two
//! vectors some 27 operations are done for each number that is read: the machine's arithmetic is the limit, not its memory.

use super::double::Double;
use super::vector::Vector;
use farfield_kernels::isa::Isa;
use farfield_kernels::two_sum::{add_product, add_product_lanes, product_lanes, two_sum, two_sum_lanes};
use pulp::{Simd, WithSimd, bytemuck};

/// Lanes of a vector of 512 bits: chains of a product.
pub const LANES: usize = 8;

/// Rows of X in a product at once, where there are 32 registers: two sums each.
const ROWS: usize = 4;

/// Columns for which all vectors are multiplied before the next ones: 32 KB of X, 16 KB of a vector.
const COLUMNS: usize = 1024;

/// `sums_p ← sums_p + Σ_i b_ip x_i` for rows x_i of equal length, in their order; `b` is row-major, a number for each of the sums.
///
/// # Panics
/// If the lengths differ.
pub fn add_rows(x: &[&[f64]], b: &[Double], sums: &mut [Vector]) {
    assert_eq!(b.len(), x.len() * sums.len(), "a coefficient for each row and sum");
    let width = sums.first().map_or(0, Vector::len);
    assert!(sums.iter().all(|sum| sum.len() == width) && x.iter().all(|x| x.len() == width), "equal lengths");
    Isa::current().run(AddRows { x, b, sums, width });
}

/// `⟨x_i, w_p⟩` for rows x_i and vectors w_p of equal length; row-major, a number for each of the vectors.
///
/// # Panics
/// If the lengths differ.
pub fn dots(x: &[&[f64]], w: &[Vector]) -> Vec<Double> {
    let width = w.first().map_or(0, Vector::len);
    assert!(w.iter().all(|w| w.len() == width) && x.iter().all(|x| x.len() == width), "equal lengths");
    Isa::current().run(Dots { x, w, width })
}

struct AddRows<'a> {
    x: &'a [&'a [f64]],
    b: &'a [Double],
    sums: &'a mut [Vector],
    width: usize,
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, b, sums, width } = self;
        let groups = sums.len();
        let whole = width - width % LANES;
        for (rows, b) in x.chunks(ROWS).zip(b.chunks(ROWS * groups)) {
            match rows {
                [p, q, r, s] => add_block(simd, [p, q, r, s], b, sums, whole),
                rows => rows.iter().zip(b.chunks(groups)).for_each(|(x, b)| add_block(simd, [x], b, sums, whole)),
            }
            for (x, b) in rows.iter().zip(b.chunks(groups)) {
                for (sum, b) in sums.iter_mut().zip(b) {
                    for k in whole..width {
                        (sum.hi[k], sum.lo[k]) = add_product((sum.hi[k], sum.lo[k]), (b.hi, b.lo), x[k]);
                    }
                }
            }
        }
    }
}

/// R rows, over the whole vectors of their columns.
#[inline(always)]
fn add_block<S: Simd, const R: usize>(simd: S, x: [&[f64]; R], b: &[Double], sums: &mut [Vector], whole: usize) {
    let groups = sums.len();
    let x = x.map(|x| S::as_simd_f64s(&x[..whole]).0);
    for (p, sum) in sums.iter_mut().enumerate() {
        let b: [[S::f64s; 2]; R] = std::array::from_fn(|r| {
            let b = b[r * groups + p];
            [simd.splat_f64s(b.hi), simd.splat_f64s(b.lo)]
        });
        let (hi, lo) = (S::as_mut_simd_f64s(&mut sum.hi[..whole]).0, S::as_mut_simd_f64s(&mut sum.lo[..whole]).0);
        for (k, (hi, lo)) in hi.iter_mut().zip(lo).enumerate() {
            let mut of = [*hi, *lo];
            for r in 0..R {
                of = add_product_lanes(simd, of, b[r], x[r][k]);
            }
            [*hi, *lo] = of;
        }
    }
}

struct Dots<'a> {
    x: &'a [&'a [f64]],
    w: &'a [Vector],
    width: usize,
}

impl WithSimd for Dots<'_> {
    type Output = Vec<Double>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Double> {
        let Self { x, w, width } = self;
        let mut out = Vec::with_capacity(x.len() * w.len());
        for rows in x.chunks(ROWS) {
            match rows {
                [p, q, r, s] if S::REGISTER_COUNT >= 32 => dots_of(simd, [p, q, r, s], w, width, &mut out),
                rows => rows.iter().for_each(|x| dots_of(simd, [x], w, width, &mut out)),
            }
        }
        out
    }
}

/// The products of R rows.
#[inline(always)]
fn dots_of<S: Simd, const R: usize>(simd: S, x: [&[f64]; R], w: &[Vector], width: usize, out: &mut Vec<Double>) {
    let whole = width - width % LANES;
    let mut sums = vec![[[simd.splat_f64s(0.0); 2]; R]; w.len()];
    for first in (0..whole).step_by(COLUMNS) {
        let columns = first..whole.min(first + COLUMNS);
        let x = x.map(|x| S::as_simd_f64s(&x[columns.clone()]).0);
        for (w, sums) in w.iter().zip(&mut sums) {
            let (hi, lo) = (S::as_simd_f64s(&w.hi[columns.clone()]).0, S::as_simd_f64s(&w.lo[columns.clone()]).0);
            let mut of = *sums;
            for (k, (hi, lo)) in hi.iter().zip(lo).enumerate() {
                for r in 0..R {
                    of[r] = term(simd, of[r], x[r][k], [*hi, *lo]);
                }
            }
            *sums = of;
        }
    }
    for r in 0..R {
        for (w, sums) in w.iter().zip(&sums) {
            let [mut high, mut low]: [[f64; LANES]; 2] = sums[r].map(bytemuck::cast);
            for (l, k) in (whole..width).enumerate() {
                lane(x[r][k], w.hi[k], x[r][k] * w.lo[k], &mut high[l], &mut low[l]);
            }
            out.push(joined(&high, &low));
        }
    }
}

/// [`lane`] in each lane.
#[inline(always)]
fn term<S: Simd>(simd: S, [high, low]: [S::f64s; 2], x: S::f64s, w: [S::f64s; 2]) -> [S::f64s; 2] {
    let [product, error] = product_lanes(simd, x, w[0]);
    let rounding = simd.add_f64s(error, simd.mul_f64s(x, w[1]));
    let [s, e] = two_sum_lanes(simd, high, product);
    [s, simd.add_f64s(low, simd.add_f64s(e, rounding))]
}

/// A term `a·b + cross` of one of the chains of a product.
#[inline(always)]
pub(super) fn lane(a: f64, b: f64, cross: f64, high: &mut f64, low: &mut f64) {
    let p = a * b;
    let rounding = a.mul_add(b, -p) + cross;
    let (s, e) = two_sum(*high, p);
    *high = s;
    *low += e + rounding;
}

/// The sum of the chains.
#[inline(always)]
pub(super) fn joined(high: &[f64; LANES], low: &[f64; LANES]) -> Double {
    let (mut hi, mut lo) = (0.0, 0.0);
    for l in 0..LANES {
        let (s, e) = two_sum(hi, high[l]);
        hi = s;
        lo += e + low[l];
    }
    let (hi, lo) = two_sum(hi, lo);
    Double { hi, lo }
}

#[cfg(test)]
mod tests {
    use super::super::vector::dot_error;
    use super::*;

    /// The sums of the scalar operations, up to their errors, and the same bits on every instruction set.
    #[test]
    fn rows_agree_with_scalar_operations() {
        for (n, d, groups) in [(1, 1, 1), (3, 7, 2), (4, 8, 1), (9, 31, 3), (6, 2050, 2), (5, 0, 1)] {
            let number = |k: usize, s: f64| Double::from(s + k as f64) / Double::from(7.0 + (k % 5) as f64);
            let x: Vec<Vec<f64>> =
                (0..n).map(|i| (0..d).map(|k| number(k * 3 + i, -20.0).hi / (1.0 + k as f64)).collect()).collect();
            let rows: Vec<&[f64]> = x.iter().map(|x| &x[..]).collect();
            let w: Vec<Vector> =
                (0..groups).map(|p| Vector::from_numbers((0..d).map(|k| number(k + p, -3.0)))).collect();
            let b: Vec<Double> = (0..n * groups).map(|k| number(k, -2.0)).collect();
            let (found, mut sums) = (dots(&rows, &w), w.clone());
            add_rows(&rows, &b, &mut sums);
            for p in 0..groups {
                for i in 0..n {
                    let terms = |k: usize| Double::from(x[i][k]) * w[p].get(k);
                    let expected = (0..d).fold(Double::ZERO, |s, k| s + terms(k));
                    let size: f64 = (0..d).map(|k| terms(k).hi.abs()).sum();
                    assert!((found[i * groups + p] - expected).hi.abs() <= dot_error(d) * size, "{n} {d} {groups}");
                }
                for k in 0..d {
                    let terms = |i: usize| b[i * groups + p] * Double::from(x[i][k]);
                    let expected = (0..n).fold(w[p].get(k), |s, i| s + terms(i));
                    let size = w[p].hi[k].abs() + (0..n).map(|i| terms(i).hi.abs()).sum::<f64>();
                    assert!((sums[p].get(k) - expected).hi.abs() <= dot_error(n) * size, "{n} {d} {groups}");
                }
            }
            for isa in Isa::all() {
                let mut other = w.clone();
                isa.run(AddRows { x: &rows, b: &b, sums: &mut other, width: d });
                assert!(other == sums && isa.run(Dots { x: &rows, w: &w, width: d }) == found, "{}", isa.name());
            }
        }
    }
}
