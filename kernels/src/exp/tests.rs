use super::*;
use crate::isa::Isa;
use pulp::{Simd, WithSimd};
use std::primitive::{f32, f64};

/// An unevaluated sum of two numbers, 106 bits.
#[derive(Clone, Copy)]
struct Double(f64, f64);

impl Double {
    fn sum(a: f64, b: f64) -> Self {
        let s = a + b;
        let t = s - a;
        Self(s, (a - (s - t)) + (b - t))
    }

    fn plus(self, o: Self) -> Self {
        let s = Self::sum(self.0, o.0);
        Self::sum(s.0, s.1 + self.1 + o.1)
    }

    fn times(self, o: Self) -> Self {
        let p = self.0 * o.0;
        Self::sum(p, self.0.mul_add(o.0, -p) + self.0 * o.1 + self.1 * o.0)
    }
}

/// `e^x = 2^k·e^r` to about 100 bits: the Taylor series of e^r in double-double. Returns the factor
/// e^r and k.
fn exact(x: f64) -> (Double, i32) {
    let k = (x * std::f64::consts::LOG2_E).round();
    // ln 2 to 160 bits in three parts, of which k times the first is exact.
    let (high, middle, low) = (0.6931471805598903, 5.497923018708371e-14, 1.94704509238075e-31);
    let p = k * middle;
    let r = Double::sum(x, -k * high).plus(Double(-p, -k.mul_add(middle, -p))).plus(Double(-k * low, 0.0));
    let mut sum = Double(1.0, 0.0);
    for i in (1..=28).rev() {
        let inverse = Double(1.0 / i as f64, (-(i as f64)).mul_add(1.0 / i as f64, 1.0) / i as f64);
        sum = Double(1.0, 0.0).plus(sum.times(r).times(inverse));
    }
    (sum, k as i32)
}

/// Error of `got` as e^x in units of its last place.
fn ulps(x: f64, got: f64) -> f64 {
    let (exact, k) = exact(x);
    let power = |k: i32| 2f64.powi(k / 2) * 2f64.powi(k - k / 2);
    if got < f64::MIN_POSITIVE {
        // In units of the smallest number, 2^-1074.
        return (got * power(1074 / 2) * power(1074 / 2) - exact.0 * power(k + 1074)).abs();
    }
    let scaled = got * 2f64.powi(-k / 2) * 2f64.powi(-k - -k / 2);
    let unit = if exact.0 >= 1.0 { f64::EPSILON } else { f64::EPSILON / 2.0 };
    ((scaled - exact.0) - exact.1).abs() / unit
}

#[test]
fn f64_is_within_its_bound_over_a_dense_sweep() {
    let mut worst = (0.0, 0.0);
    let mut check = |x: f64| {
        let error = ulps(x, super::f64(x));
        if error > worst.0 {
            worst = (error, x);
        }
    };
    for i in 0..300_000u32 {
        check(-708.0 + f64::from(i) * 4.725e-3 + f64::from(i % 7) * 1e-5); // [-708, 709.5]
        check((f64::from(i) - 1.5e5) * 3.3e-6 * std::f64::consts::LN_2); // the interval of reduction
        check(-f64::from(i) * 1.3e-4 - f64::EPSILON); // margins of ordinary size
    }
    assert!(worst.0 <= MAX_ULP_F64, "{} ulp at {}", worst.0, worst.1);
}

#[test]
fn f64_below_the_normal_range_rounds_once_more() {
    for i in 0..100_000 {
        let x = -745.13 + f64::from(i) * 3.7e-4;
        let error = ulps(x, super::f64(x));
        assert!(error <= MAX_ULP_F64 + 0.5, "{error} ulp at {x}");
    }
}

#[test]
fn ends_of_the_range() {
    assert_eq!(super::f64(0.0), 1.0);
    assert_eq!(super::f64(-0.0), 1.0);
    assert_eq!(super::f64(709.782712893384), libm::exp(709.782712893384));
    assert_eq!(super::f64(709.782712893385), f64::INFINITY);
    assert_eq!(super::f64(f64::INFINITY), f64::INFINITY);
    assert_eq!(super::f64(f64::MAX), f64::INFINITY);
    assert_eq!(super::f64(-744.5), 5e-324);
    assert_eq!(super::f64(-745.14), 0.0);
    assert_eq!(super::f64(f64::NEG_INFINITY), 0.0);
    assert!(super::f64(f64::NAN).is_nan());
    assert_eq!(super::f32(0.0), 1.0);
    assert_eq!(super::f32(88.72284), f32::INFINITY);
    assert_eq!(super::f32(f32::NEG_INFINITY), 0.0);
    assert!(super::f32(f32::NAN).is_nan());
}

/// The largest error over all f32 with bits in a range, against f64.
struct Sweep(std::ops::Range<u32>);

impl WithSimd for Sweep {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut worst = 0.0f64;
        let mut block = [0.0f64; 64];
        for start in self.0.step_by(64) {
            for (i, error) in block.iter_mut().enumerate() {
                let x = f32::from_bits(start + i as u32);
                let exact = super::f64(f64::from(x));
                // One unit in the last place of an f32 near `exact`, at least the smallest f32.
                let unit = f64::from_bits(exact.to_bits() & 0x7ff0_0000_0000_0000) * f64::from(f32::EPSILON);
                let unit = if unit < 1.401298464324817e-45 { 1.401298464324817e-45 } else { unit };
                let apart = (f64::from(super::f32(x)) - exact) / unit;
                *error = if apart < 0.0 { -apart } else { apart };
            }
            worst = block.iter().fold(worst, |a, b| if *b > a { *b } else { a });
        }
        worst
    }
}

/// Every f32 whose exponential is neither 0, 1, nor infinite: 2^-25 ≤ |x| up to both ends.
#[test]
fn f32_is_within_its_bound_for_every_input() {
    let least = 2f32.powi(-25).to_bits();
    let negative = 1u32 << 31;
    let normal = |end: f32| least..end.to_bits() / 64 * 64;
    let mut ranges = vec![normal(88.722), normal(87.336)];
    ranges[1] = ranges[1].start + negative..ranges[1].end + negative;
    let worst = std::thread::scope(|scope| {
        let run = |range| scope.spawn(move || Isa::best().run(Sweep(range)));
        ranges.into_iter().map(run).map(|t| t.join().expect("a sweep")).fold(0.0, f64::max)
    });
    assert!(worst <= MAX_ULP_F32, "{worst} ulp");
    let below = Isa::best().run(Sweep((-87.336f32).to_bits() / 64 * 64..(-103.97f32).to_bits()));
    assert!(below <= MAX_ULP_F32 + 0.5, "{below} ulp below the normal range");
}

/// Rounding to 1 close to zero.
#[test]
fn f32_close_to_zero() {
    for bits in (0..2f32.powi(-25).to_bits()).step_by(997) {
        for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
            assert_eq!(super::f32(x), 1.0, "{x}");
        }
    }
}
