//! Numbers of 106 bits: unevaluated sums of two f64 (Dekker 1971; Hida, Li and Bailey 2001).
//!
//! Every operation has a relative error of a few times 2⁻¹⁰⁴, which [`UNIT`] bounds, as long as nothing leaves
//! the range of f64.

use farfield_kernels::two_sum::two_sum;
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// Bounds the relative error of one operation.
pub const UNIT: f64 = 1.0 / (1u128 << 100) as f64;

/// `hi + lo`, `|lo|` at most half a unit in the last place of `hi`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Double {
    /// The number as f64.
    pub hi: f64,
    /// What it lacks.
    pub lo: f64,
}

/// [`two_sum`] for `|a| ≥ |b|` (Dekker).
#[inline(always)]
pub fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

impl Double {
    /// 0.
    pub const ZERO: Self = Self { hi: 0.0, lo: 0.0 };
    /// 1.
    pub const ONE: Self = Self { hi: 1.0, lo: 0.0 };

    /// The sum of two f64.
    pub fn sum(a: f64, b: f64) -> Self {
        let (hi, lo) = two_sum(a, b);
        Self { hi, lo }
    }

    /// `√self`; 0 for what is not positive.
    pub fn sqrt(self) -> Self {
        if self.hi <= 0.0 {
            return Self::ZERO;
        }
        // one step of Newton's doubles the 53 bits of the f64 root
        let root = Self::from(self.hi.sqrt());
        (root + self / root).scaled(0.5)
    }

    /// Times a power of two.
    pub fn scaled(self, power: f64) -> Self {
        Self { hi: self.hi * power, lo: self.lo * power }
    }

    /// The nearest f64.
    pub fn value(self) -> f64 {
        self.hi + self.lo
    }

    /// The largest f64 below or at it.
    pub fn below(self) -> f64 {
        if self.lo < 0.0 { self.hi.next_down() } else { self.hi }
    }

    /// The smallest f64 above or at it.
    pub fn above(self) -> f64 {
        if self.lo > 0.0 { self.hi.next_up() } else { self.hi }
    }

    /// Whether both parts are finite.
    pub fn is_finite(self) -> bool {
        self.hi.is_finite() && self.lo.is_finite()
    }
}

impl From<f64> for Double {
    fn from(a: f64) -> Self {
        Self { hi: a, lo: 0.0 }
    }
}

impl Add for Double {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        let ((s, e), (t, f)) = (two_sum(self.hi, b.hi), two_sum(self.lo, b.lo));
        let (s, e) = fast_two_sum(s, e + t);
        let (hi, lo) = fast_two_sum(s, e + f);
        Self { hi, lo }
    }
}

impl AddAssign for Double {
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}

impl Neg for Double {
    type Output = Self;
    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}

impl Sub for Double {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self + -b
    }
}

impl Mul for Double {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let p = self.hi * b.hi;
        let e = self.hi.mul_add(b.hi, -p) + self.hi.mul_add(b.lo, self.lo * b.hi);
        let (hi, lo) = fast_two_sum(p, e);
        Self { hi, lo }
    }
}

impl Div for Double {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let first = Self::from(self.hi / b.hi);
        let rest = self - first * b;
        let second = Self::from(rest.hi / b.hi);
        let third = Self::from((rest - second * b).hi / b.hi);
        first + second + third
    }
}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.hi.partial_cmp(&other.hi) {
            Some(Ordering::Equal) => self.lo.partial_cmp(&other.lo),
            order => order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_keep_a_hundred_bits() {
        let third = Double::ONE / Double::from(3.0);
        let rest = third + third + third - Double::ONE;
        assert!(rest.hi.abs() <= UNIT, "{rest:?}");
        for v in [2.0, 3.0, 1e-30, 7e40] {
            let root = Double::from(v).sqrt();
            assert!(((root * root - Double::from(v)).hi / v).abs() <= UNIT);
            assert!(((Double::from(v) / third / Double::from(3.0) - Double::from(v)).hi / v).abs() <= UNIT);
        }
        // (1 + ε)(1 − ε) = 1 − ε²
        let (a, b) = (Double::from(1.0 + f64::EPSILON), Double::from(1.0 - f64::EPSILON));
        assert_eq!(Double::ONE - a * b, Double::from(f64::EPSILON * f64::EPSILON));
    }

    #[test]
    fn roundings_enclose() {
        let a = Double::sum(1.0, 1e-20);
        assert!(a.below() == 1.0 && a.above() == 1.0f64.next_up());
        let b = Double::sum(1.0, -1e-20);
        assert!(b.above() == 1.0 && b.below() == 1.0f64.next_down());
        assert!(b < a && a > Double::ONE && Double::ZERO.sqrt() == Double::ZERO);
    }
}
