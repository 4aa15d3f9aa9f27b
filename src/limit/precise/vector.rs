//! Vectors of 106 bits, the high and the low parts apart, and their products.
//!
//! ```text
//! a·b + Σ:   p = a_hi b_hi,  (s, e) = TwoSum(Σ_hi, p),  Σ_lo += e + (fma(a_hi, b_hi, −p) + a_hi b_lo + a_lo b_hi)
//! ```
//!
//! The errors of the products and of the sums are exact; only the low parts are rounded, as in Dot2 (Ogita, Rump
//! and Oishi 2005), so that a sum of N terms is within [`dot_error`]`(N)·Σ|a b|` of the true one. Sums run in eight lanes, joined in a
//! fixed order. As in [`super::super::dual::accurate`], the loops are plain ones in a `with_simd` that is always inlined:
//! in a closure every fused multiply-add may become a call.

use super::double::{Double, fast_two_sum};
use super::products::{LANES, joined, lane};
use farfield_kernels::isa::Isa;
use farfield_kernels::two_sum::two_sum;
use pulp::{Simd, WithSimd};

/// A vector of [`Double`]s.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vector {
    /// High parts.
    pub hi: Vec<f64>,
    /// Low parts.
    pub lo: Vec<f64>,
}

/// Bounds the error of a product of N numbers, relative to the sum of the sizes of its terms: `2·(N + 32)²·2⁻¹⁰⁶`,
/// twice Dot2's `γ_N²` with room for the operands' own low parts.
pub fn dot_error(n: usize) -> f64 {
    let n = (n + 32) as f64;
    2.0 * n * n * (f64::EPSILON * 0.5) * (f64::EPSILON * 0.5)
}

impl Vector {
    /// N zeros.
    pub fn zeros(n: usize) -> Self {
        Self { hi: vec![0.0; n], lo: vec![0.0; n] }
    }

    /// From its numbers.
    pub fn from_numbers(numbers: impl Iterator<Item = Double>) -> Self {
        let (hi, lo) = numbers.map(|v| (v.hi, v.lo)).unzip();
        Self { hi, lo }
    }

    /// Number k.
    pub fn get(&self, k: usize) -> Double {
        Double { hi: self.hi[k], lo: self.lo[k] }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.hi.len()
    }

    /// `⟨self, b⟩`.
    pub fn dot(&self, b: &Self) -> Double {
        assert_eq!(self.len(), b.len(), "a product of equal lengths");
        Isa::current().dispatch(Dot { a: self, b })
    }

    /// `self ← self + s·x`.
    pub fn add_scaled(&mut self, s: Double, x: &Self) {
        assert_eq!(self.len(), x.len(), "a sum of equal lengths");
        Isa::current().dispatch(AddScaled { s, x, sum: self });
    }

    /// `self ← s·self`.
    pub fn scale(&mut self, s: Double) {
        for k in 0..self.len() {
            let v = self.get(k) * s;
            (self.hi[k], self.lo[k]) = (v.hi, v.lo);
        }
    }

    /// `(a, b) ← (c·a + s·b, c·b − s·a)`.
    pub fn rotate(c: Double, s: Double, a: &mut Self, b: &mut Self) {
        let old = a.clone();
        a.scale(c);
        a.add_scaled(s, b);
        b.scale(c);
        b.add_scaled(-s, &old);
    }
}

struct Dot<'a> {
    a: &'a Vector,
    b: &'a Vector,
}

impl WithSimd for Dot<'_> {
    type Output = Double;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Double {
        dot_lanes(&self.a.hi, &self.a.lo, &self.b.hi, &self.b.lo)
    }
}

struct AddScaled<'a> {
    s: Double,
    x: &'a Vector,
    sum: &'a mut Vector,
}

impl WithSimd for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { s, x, sum } = self;
        for k in 0..sum.hi.len().min(sum.lo.len()).min(x.hi.len()).min(x.lo.len()) {
            let low = s.hi.mul_add(x.lo[k], s.lo * x.hi[k]);
            (sum.hi[k], sum.lo[k]) = accumulate(s.hi, x.hi[k], low, sum.hi[k], sum.lo[k]);
        }
    }
}

/// `(hi, lo) + a·b + low`, renormalized.
#[inline(always)]
fn accumulate(a: f64, b: f64, low: f64, hi: f64, lo: f64) -> (f64, f64) {
    let p = a * b;
    let rounding = a.mul_add(b, -p) + low;
    let (s, e) = two_sum(hi, p);
    fast_two_sum(s, lo + (e + rounding))
}

#[inline(always)]
fn dot_lanes(ah: &[f64], al: &[f64], bh: &[f64], bl: &[f64]) -> Double {
    let n = ah.len();
    let (mut high, mut low) = ([0.0f64; LANES], [0.0f64; LANES]);
    let ((ah8, at), (al8, _), (bh8, bt), (bl8, _)) =
        (ah.as_chunks::<LANES>(), al.as_chunks::<LANES>(), bh.as_chunks::<LANES>(), bl.as_chunks::<LANES>());
    for (((ah, al), bh), bl) in ah8.iter().zip(al8).zip(bh8).zip(bl8) {
        for l in 0..LANES {
            let cross = ah[l].mul_add(bl[l], al[l] * bh[l]);
            lane(ah[l], bh[l], cross, &mut high[l], &mut low[l]);
        }
    }
    let done = n - at.len();
    for l in 0..at.len() {
        let cross = at[l].mul_add(bl[done + l], al[done + l] * bt[l]);
        lane(at[l], bt[l], cross, &mut high[l], &mut low[l]);
    }
    joined(&high, &low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of 106 bits around 1, and their product by the scalar operations.
    #[test]
    fn products_agree_with_scalar_operations() {
        for n in [0, 1, 5, 8, 9, 16, 31, 100] {
            let number = |k: usize, s: f64| Double::from(s + k as f64) / Double::from(7.0 + (k % 5) as f64);
            let a = Vector::from_numbers((0..n).map(|k| number(k, 1.0)));
            let b = Vector::from_numbers((0..n).map(|k| number(k, -50.0)));
            let size = (0..n).map(|k| (a.get(k) * b.get(k)).hi.abs()).sum::<f64>();
            let expected = (0..n).fold(Double::ZERO, |s, k| s + a.get(k) * b.get(k));
            assert!((a.dot(&b) - expected).hi.abs() <= dot_error(n) * size, "{n}");
            let mut sum = b.clone();
            sum.add_scaled(number(3, 2.0), &a);
            for k in 0..n {
                let expected = b.get(k) + number(3, 2.0) * a.get(k);
                assert!((sum.get(k) - expected).hi.abs() <= dot_error(1) * (b.hi[k].abs() + 9.0 * a.hi[k].abs()));
            }
        }
    }
}
