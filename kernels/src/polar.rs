//! Normal numbers by the polar method, with the bits of `libm::log`.
//!
//! A uniform point (u, v) of the unit disc with `s = u² + v²` makes two independent ones, `r u` and `r v`,
//!
//! ```text
//! r = √(−2 ln(s)/s)        (Marsaglia and Bray 1964)
//! ```
//!
//! Points are drawn one by one, radii many at a time. The logarithm is FreeBSD's as libm has it, the same operations in the same order
//! without a fused multiply-add, in straight-line code: `s = 2^k x` with x from √½ to √2, `f = x − 1`, `t = f/(2 + f)`, `ln x = 2 artanh t`
//! by a polynomial in t².

use crate::isa::Isa;
use pulp::{Simd, WithSimd};

/// Pairs of numbers at a time.
const PAIRS: usize = 128;

/// Fills `out` with normal numbers, two for each point of the disc; the second of a last odd pair is dropped. `next` gives 64 random
/// bits, of which a coordinate takes the first 53, u before v.
pub fn normals(next: impl FnMut() -> u64, out: &mut [f64]) {
    Isa::current().dispatch(Normals { next, out });
}

struct Normals<'a, F> {
    next: F,
    out: &'a mut [f64],
}

impl<F: FnMut() -> u64> WithSimd for Normals<'_, F> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        fill(self.next, self.out);
    }
}

/// [`normals`], inside of what is compiled for an instruction set.
#[inline(always)]
pub fn fill(mut next: impl FnMut() -> u64, out: &mut [f64]) {
    let mut s = [0.0; PAIRS];
    for part in out.chunks_mut(2 * PAIRS) {
        let (pairs, mut k) = (part.len().div_ceil(2), 0);
        while k < pairs {
            let (u, v) = (coordinate(next()), coordinate(next()));
            let square = u.mul_add(u, v * v);
            // written at once, and kept if the point is in the disc: as a branch it is guessed wrong too often
            (part[2 * k], s[k]) = (u, square);
            if let Some(second) = part.get_mut(2 * k + 1) {
                *second = v;
            }
            k += usize::from(square < 1.0 && square > 0.0);
        }
        radii(&mut s[..pairs]);
        for (k, x) in part.iter_mut().enumerate() {
            *x *= s[k / 2];
        }
    }
}

/// A number from −1 to 1 by the first 53 of 64 bits.
#[inline(always)]
fn coordinate(bits: u64) -> f64 {
    2.0 * ((bits >> 11) as i64 as f64 * (0.5 / (1u64 << 52) as f64)) - 1.0 // twice is exact
}

/// `s ← √(−2 ln(s)/s)` for numbers from the normal range that are below 1.
#[inline(always)]
fn radii(s: &mut [f64]) {
    for s in s {
        *s = (-2.0 * log(*s) / *s).sqrt();
    }
}

/// `libm::log` of a normal positive number other than 1.
#[inline(always)]
#[allow(clippy::excessive_precision)] // as libm writes them
fn log(s: f64) -> f64 {
    const LN2_HIGH: f64 = 6.93147180369123816490e-01;
    const LN2_LOW: f64 = 1.90821492927058770002e-10;
    const ODD: [f64; 4] =
        [6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01];
    const EVEN: [f64; 3] = [3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01];
    /// The upper half of √½, and how far that of 1 is above it.
    const ROOT: u64 = 0x3fe6_a09e << 32;
    const UP: u64 = (0x3ff0_0000 << 32) - ROOT;
    /// 2^52 + 2^51, whose last bits are those of a whole number that is added.
    const SHIFT: f64 = 6755399441055744.0;
    let bits = s.to_bits().wrapping_add(UP);
    let k = f64::from_bits(SHIFT.to_bits().wrapping_add(bits >> 52).wrapping_sub(1023)) - SHIFT;
    let x = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(ROOT));
    let f = x - 1.0;
    let half = 0.5 * f * f;
    let t = f / (2.0 + f);
    let z = t * t;
    let w = z * z;
    let even = w * (EVEN[0] + w * (EVEN[1] + w * EVEN[2]));
    let odd = z * (ODD[0] + w * (ODD[1] + w * (ODD[2] + w * ODD[3])));
    t * (half + (odd + even)) + k * LN2_LOW - half + f + k * LN2_HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All<'a> {
        s: &'a mut [f64],
    }

    impl WithSimd for All<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            radii(self.s);
        }
    }

    /// Pairs drawn one after the other as one reads it, for every length around the size of a part.
    #[test]
    fn numbers_come_in_order() {
        let bits = |seed: u64| {
            let mut x = seed;
            move || {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                x ^ (x >> 29)
            }
        };
        for length in [0, 1, 2, 3, 2 * PAIRS - 1, 2 * PAIRS, 2 * PAIRS + 1, 1001] {
            let (mut plain, mut next) = (Vec::new(), bits(length as u64));
            while plain.len() < length {
                let mut coordinate = || 2.0 * ((next() >> 11) as f64 / (1u64 << 53) as f64) - 1.0;
                let (u, v): (f64, f64) = (coordinate(), coordinate());
                let s = u.mul_add(u, v * v);
                if s < 1.0 && s > 0.0 {
                    let r = (-2.0 * libm::log(s) / s).sqrt();
                    plain.extend([r * u, r * v]);
                }
            }
            let after = next();
            for isa in Isa::all() {
                let (mut found, mut next) = (vec![0.0; length], bits(length as u64));
                isa.dispatch(Normals { next: &mut next, out: &mut found });
                assert_eq!(found, plain[..length], "{} {length}", isa.name());
                assert_eq!(next(), after, "as many bits are used");
            }
        }
    }

    /// The bits of libm, on every instruction set: a million numbers of (0, 1), powers of two, both ends of each octave of x.
    #[test]
    fn as_libm_has_it() {
        let mut all: Vec<f64> = (1..1_000_000u64).map(|i| (i as f64 * 0.618_033_988_749_894_9) % 1.0).collect();
        let octaves = (1..=104).map(|k| 0.5f64.powi(k));
        for v in octaves.flat_map(|v| [v, v * std::f64::consts::SQRT_2, v * 1.999_999_999_999_9]) {
            all.extend([v.next_down(), v, v.next_up()]);
            all.extend((1..9).map(|j| f64::from_bits(v.to_bits() + (j << 32)))); // where the upper half decides
            all.extend((1..9).map(|j| f64::from_bits(v.to_bits() - (j << 32))));
        }
        all.retain(|v| *v < 1.0);
        let expected: Vec<u64> = all.iter().map(|s| (-2.0 * libm::log(*s) / s).sqrt().to_bits()).collect();
        for isa in Isa::all() {
            let mut found = all.clone();
            isa.dispatch(All { s: &mut found });
            let wrong = found.iter().zip(&expected).position(|(a, b)| a.to_bits() != *b);
            assert!(wrong.is_none(), "{}: {:?}", isa.name(), wrong.map(|i| (all[i], found[i])));
        }
    }
}
