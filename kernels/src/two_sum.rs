//! Sums with their rounding errors.
//!
//! ```text
//! two_sum(a, b):  s = a ⊕ b,  e = (a ⊖ (s ⊖ b')) ⊕ (b ⊖ b'),  b' = s ⊖ a;   a + b = s + e exactly
//! ```
//!
//! The same in each lane of a vector, where a name ends in `_lanes`: the bits of the scalar ones. Source: Knuth, *The Art of Computer
//! Programming* 2, 4.2.2.

use pulp::Simd;

/// `a + b` as a rounded sum and its exact error.
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let b_part = s - a;
    (s, (a - (s - b_part)) + (b - b_part))
}

/// `(hi + lo) + x`, renormalized.
#[inline(always)]
pub fn add((hi, lo): (f64, f64), x: f64) -> (f64, f64) {
    let (s, e) = two_sum(hi, x);
    let tail = lo + e;
    let hi = s + tail;
    (hi, tail - (hi - s))
}

/// `(hi + lo) + s·x` for a pair s, renormalized.
#[inline(always)]
pub fn add_product((hi, lo): (f64, f64), s: (f64, f64), x: f64) -> (f64, f64) {
    let product = s.0 * x;
    let rest = s.0.mul_add(x, -product) + s.1 * x;
    let (sum, e) = two_sum(hi, product);
    let tail = lo + (e + rest);
    let hi = sum + tail;
    (hi, tail - (hi - sum))
}

/// [`two_sum`] in each lane.
#[inline(always)]
pub fn two_sum_lanes<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> [S::f64s; 2] {
    let s = simd.add_f64s(a, b);
    let b_part = simd.sub_f64s(s, a);
    [s, simd.add_f64s(simd.sub_f64s(a, simd.sub_f64s(s, b_part)), simd.sub_f64s(b, b_part))]
}

/// [`add_product`] in each lane.
#[inline(always)]
pub fn add_product_lanes<S: Simd>(simd: S, [hi, lo]: [S::f64s; 2], s: [S::f64s; 2], x: S::f64s) -> [S::f64s; 2] {
    let [product, error] = product_lanes(simd, s[0], x);
    let rest = simd.add_f64s(error, simd.mul_f64s(s[1], x));
    let [sum, e] = two_sum_lanes(simd, hi, product);
    let tail = simd.add_f64s(lo, simd.add_f64s(e, rest));
    let hi = simd.add_f64s(sum, tail);
    [hi, simd.sub_f64s(tail, simd.sub_f64s(hi, sum))]
}

/// `a·b` as a rounded product and its exact error, in each lane.
#[inline(always)]
pub fn product_lanes<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> [S::f64s; 2] {
    let product = simd.mul_f64s(a, b);
    [product, simd.mul_add_f64s(a, b, simd.neg_f64s(product))]
}
