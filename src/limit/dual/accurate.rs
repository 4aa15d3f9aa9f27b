//! Products `Hλ` with the accuracy of twice the working precision.
//!
//! A residual `Hλ − 1` that is a thousand times smaller than its terms cannot be summed plainly.
//! Dot2 (Ogita, Rump, Oishi, *Accurate sum and dot product*, SIAM J. Sci. Comput. 2005) carries the
//! rounding error of every product (one fused multiply-add) and of every sum (TwoSum) along:
//!
//! ```text
//! |Dot2(a,b) − aᵀb| ≤ ε |aᵀb| + (nε)² |a|ᵀ|b|
//! ```
//!
//! The loops over rows are plain ones in a `with_simd` that is always inlined: a closure or an iterator adaptor
//! that is not would leave the region compiled for the instruction set, and every fused multiply-add in it
//! would become a call.
//!
//! Every sum runs in eight lanes, which fit the vector registers of any instruction set, and the
//! lanes are joined in a fixed order: the same bits everywhere. Rows are independent, so they are
//! shared out over threads.

use crate::matrix::Matrix;
use farfield_kernels::isa::Isa;
use farfield_kernels::two_sum::{product_lanes, two_sum, two_sum_lanes};
use pulp::{Simd, WithSimd, bytemuck};
use rayon::prelude::*;

const LANES: usize = 8;

/// Rows that are summed side by side, so that the sums of one need not wait for each other.
const TOGETHER: usize = 4;

/// Rows per task: 16 rows of 1000 numbers are 128 KB, enough to pay for handing them over.
const ROWS: usize = 16;

/// Below this many numbers, about 0.1 ms of work, threads cost more than they bring.
const PARALLEL: usize = 1 << 17;

/// The excess `(Hλ)_i − 1` of one constraint, and the size of its terms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Excess {
    /// `(Hλ)_i − 1`.
    pub value: f64,
    /// `1 + Σ_k |H_ik λ_k|`.
    pub scale: f64,
}

/// `aᵀb` in working precision.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    Isa::current().dispatch(Dot { a, b })
}

/// `y ← y + s·x`.
pub fn add_scaled(s: f64, x: &[f64], y: &mut [f64]) {
    Isa::current().dispatch(AddScaled { s, x, y });
}

/// `(Hλ)_i − 1` for the given rows, in working precision.
pub fn excess(h: &Matrix, rows: &[usize], lambda: &[f64]) -> Vec<f64> {
    by_blocks(h, rows, |rows: &[usize]| {
        let mut out = vec![0.0; rows.len()];
        Isa::current().dispatch(Plain { h, rows, lambda, out: &mut out });
        out
    })
}

/// `(Hλ)_i − 1` and its scale for the given rows, compensated.
pub fn accurate_excess(h: &Matrix, rows: &[usize], lambda: &[f64]) -> Vec<Excess> {
    accurate_sums(h, rows, lambda, -1.0)
}

/// `start + (Hλ)_i` and its scale for the given rows, compensated.
fn accurate_sums(h: &Matrix, rows: &[usize], lambda: &[f64], start: f64) -> Vec<Excess> {
    by_blocks(h, rows, |rows: &[usize]| {
        let mut out = vec![Excess::default(); rows.len()];
        Isa::current().run(Compensated { h, rows, lambda, start, out: &mut out });
        out
    })
}

struct Dot<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        dot_lanes(self.a, self.b)
    }
}

struct AddScaled<'a> {
    s: f64,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl WithSimd for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { s, x, y } = self;
        for k in 0..x.len().min(y.len()) {
            y[k] = x[k].mul_add(s, y[k]);
        }
    }
}

struct Plain<'a> {
    h: &'a Matrix,
    rows: &'a [usize],
    lambda: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Plain<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, &i) in self.out.iter_mut().zip(self.rows) {
            *out = dot_lanes(self.h.row(i), self.lambda) - 1.0;
        }
    }
}

struct Compensated<'a> {
    h: &'a Matrix,
    rows: &'a [usize],
    lambda: &'a [f64],
    start: f64,
    out: &'a mut [Excess],
}

impl WithSimd for Compensated<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { h, rows, lambda, start, out } = self;
        let (fours, rest) = rows.as_chunks::<TOGETHER>();
        let (out_fours, out_rest) = out.as_chunks_mut::<TOGETHER>();
        for (out, four) in out_fours.iter_mut().zip(fours) {
            let mut a = [h.row(four[0]); TOGETHER];
            for r in 0..TOGETHER {
                a[r] = h.row(four[r]);
            }
            *out = compensated(simd, a, lambda, start);
        }
        for (out, &i) in out_rest.iter_mut().zip(rest) {
            [*out] = compensated(simd, [h.row(i)], lambda, start);
        }
    }
}

/// The largest size of numbers; not finite where one of them is not.
pub fn largest(values: &[f64]) -> f64 {
    let of = |values: &[f64]| Isa::current().run(Largest { values });
    if values.len() < PARALLEL { of(values) } else { values.par_chunks(PARALLEL).map(of).reduce(|| 0.0, f64::max) }
}

struct Largest<'a> {
    values: &'a [f64],
}

impl WithSimd for Largest<'_> {
    type Output = f64;

    /// Zero times a number is not 0 where that is not finite.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (vectors, rest) = S::as_simd_f64s(self.values);
        let zero = simd.splat_f64s(0.0);
        let (mut top, mut nothing) = (zero, zero);
        for v in vectors {
            let size = simd.abs_f64s(*v);
            top = simd.select_f64s(simd.greater_than_f64s(size, top), size, top);
            nothing = simd.mul_add_f64s(zero, *v, nothing);
        }
        let [top, nothing]: [[f64; LANES]; 2] = [top, nothing].map(bytemuck::cast);
        let rest = rest.iter().fold((0.0f64, 0.0), |(top, nothing), v| (top.max(v.abs()), nothing + 0.0 * v));
        let (top, nothing) = top.iter().zip(nothing).fold(rest, |(t, z), (top, zero)| (t.max(*top), z + zero));
        if nothing == 0.0 { top } else { f64::INFINITY }
    }
}

/// Runs `block` over blocks of rows, on all threads if there is work for them.
fn by_blocks<T: Send>(h: &Matrix, rows: &[usize], block: impl Fn(&[usize]) -> Vec<T> + Sync + Send) -> Vec<T> {
    if rows.len() * h.cols() < PARALLEL { block(rows) } else { rows.par_chunks(ROWS).flat_map_iter(block).collect() }
}

/// `λᵀHλ`, compensated.
pub fn quadratic_form(h: &Matrix, lambda: &[f64]) -> f64 {
    let support: Vec<usize> = (0..lambda.len()).filter(|&i| lambda[i] != 0.0).collect();
    let products = accurate_sums(h, &support, lambda, 0.0);
    support.iter().zip(products).map(|(&i, product)| lambda[i] * product.value).sum()
}

#[inline(always)]
fn dot_lanes(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "a dot product of equal lengths");
    let mut sum = [[0.0f64; LANES]; 2];
    let (a2, a_tail) = a.as_chunks::<{ 2 * LANES }>();
    let (b2, b_tail) = b.as_chunks::<{ 2 * LANES }>();
    for (a, b) in a2.iter().zip(b2) {
        for l in 0..LANES {
            sum[0][l] = a[l].mul_add(b[l], sum[0][l]);
            sum[1][l] = a[l + LANES].mul_add(b[l + LANES], sum[1][l]);
        }
    }
    let mut total = 0.0;
    for (a, b) in a_tail.iter().zip(b_tail) {
        total = a.mul_add(*b, total);
    }
    for l in 0..LANES {
        total += sum[0][l] + sum[1][l];
    }
    total
}

/// Adds `ab` to `high`, what rounding took from it to `low`, and its size to `size`.
#[inline(always)]
fn accumulate(a: f64, b: f64, high: &mut f64, low: &mut f64, size: &mut f64) {
    let p = a * b;
    let rounding = a.mul_add(b, -p);
    let (s, e) = two_sum(*high, p);
    *high = s;
    *low += e + rounding;
    *size += p.abs();
}

#[inline(always)]
fn compensated<S: Simd, const R: usize>(simd: S, a: [&[f64]; R], b: &[f64], start: f64) -> [Excess; R] {
    let whole = b.len() - b.len() % LANES;
    let vectors = a.map(|a| S::as_simd_f64s(&a[..whole]).0);
    let mut sums = [[simd.splat_f64s(0.0); 3]; R];
    for (k, b) in S::as_simd_f64s(&b[..whole]).0.iter().enumerate() {
        for r in 0..R {
            let [high, low, size] = sums[r];
            let [p, rounding] = product_lanes(simd, vectors[r][k], *b);
            let [s, e] = two_sum_lanes(simd, high, p);
            let low = simd.add_f64s(low, simd.add_f64s(e, rounding));
            sums[r] = [s, low, simd.add_f64s(size, simd.abs_f64s(p))];
        }
    }
    let mut lanes = [[[0.0; LANES]; 3]; R];
    for r in 0..R {
        lanes[r] = sums[r].map(bytemuck::cast);
        let [high, low, size] = &mut lanes[r];
        for (l, (a, b)) in a[r][whole..].iter().zip(&b[whole..]).enumerate() {
            accumulate(*a, *b, &mut high[l], &mut low[l], &mut size[l]);
        }
    }
    let mut out = [Excess::default(); R];
    let (mut value, mut error, mut scale) = ([start; R], [0.0; R], [start.abs(); R]);
    for l in 0..LANES {
        for r in 0..R {
            let [high, low, size] = &lanes[r];
            let (s, e) = two_sum(value[r], high[l]);
            value[r] = s;
            error[r] += e + low[l];
            scale[r] += size[l];
        }
    }
    for r in 0..R {
        out[r] = Excess { value: value[r] + error[r], scale: scale[r] };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_survive_cancellation() {
        // 2^60 + 1 - 2^60 with the one far below the last bit of the partial sums
        for gap in [0, 1, 3, 8, 20] {
            let mut a = vec![2f64.powi(60)];
            a.extend(vec![0.0; gap]);
            a.extend([1.5, -2f64.powi(60)]);
            let b = vec![1.0; a.len()];
            let h = Matrix::new(1, a.len(), a);
            let got = accurate_excess(&h, &[0], &b)[0];
            assert_eq!(got.value, 0.5);
            assert_eq!(got.scale, 2f64.powi(61) + 2.5);
        }
    }

    #[test]
    fn largest_sizes() {
        for n in [1, 7, 8, 20, 300_000] {
            let mut values: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { -(i as f64) } else { 0.5 }).collect();
            values[n / 2] = -1e300;
            for isa in Isa::all() {
                assert_eq!(isa.run(Largest { values: &values }), 1e300, "{n} {}", isa.name());
            }
            assert_eq!(largest(&values), 1e300);
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                values[n - 1] = bad;
                assert!(!largest(&values).is_finite(), "{n} {bad}");
            }
        }
        assert_eq!(largest(&[]), 0.0);
    }

    #[test]
    fn plain_products_of_integers_are_exact_at_every_length() {
        for n in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100] {
            let a: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let b: Vec<f64> = (0..n).map(|i| (i % 5) as f64 - 2.0).collect();
            let expected: f64 = (0..n).map(|i| a[i] * b[i]).sum();
            assert_eq!(dot(&a, &b), expected);
            let h = Matrix::new(1, n, a.clone());
            assert_eq!(accurate_excess(&h, &[0], &b)[0].value, expected - 1.0);
            if n > 0 {
                assert_eq!(excess(&h, &[0], &b), [expected - 1.0]);
            }
        }
    }
}
