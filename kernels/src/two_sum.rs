//! Sums with their rounding errors.
//!
//! ```text
//! two_sum(a, b):  s = a ⊕ b,  e = (a ⊖ (s ⊖ b')) ⊕ (b ⊖ b'),  b' = s ⊖ a;   a + b = s + e exactly
//! ```
//!
//! Source: Knuth, *The Art of Computer Programming* 2, 4.2.2.

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
