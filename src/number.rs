//! Small questions about numbers that many rooms ask.

/// The largest t up to which steps can be counted one by one: 2⁵³.
pub const COUNTABLE: f64 = 9_007_199_254_740_992.0;

/// The larger of two; a NaN counts as the largest.
#[inline]
pub fn larger(a: f64, b: f64) -> f64 {
    if a >= b || a.is_nan() { a } else { b }
}

/// The smaller of two; a NaN counts as the smallest.
#[inline]
pub fn smaller(a: f64, b: f64) -> f64 {
    if a <= b || a.is_nan() { a } else { b }
}

/// `max |v_k|`, 0 for no numbers; a NaN counts as the largest.
pub fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |top, x| larger(top, x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_a_number_wins() {
        for (a, b) in [(1.0, f64::NAN), (f64::INFINITY, f64::NAN)] {
            assert!(larger(a, b).is_nan() && smaller(a, b).is_nan());
            assert!(larger(b, a).is_nan() && smaller(b, a).is_nan());
        }
        assert_eq!((larger(1.0, 2.0), larger(2.0, 1.0), smaller(1.0, 2.0), smaller(2.0, 1.0)), (2.0, 2.0, 1.0, 1.0));
        assert_eq!((largest(&[]), largest(&[1.0, -3.0, 2.0])), (0.0, 3.0));
        assert!(largest(&[f64::NAN, 1.0]).is_nan() && largest(&[1.0, f64::NAN, 2.0]).is_nan());
    }
}
