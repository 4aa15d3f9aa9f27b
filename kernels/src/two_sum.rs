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
