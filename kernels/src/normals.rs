//! Normal numbers in bulk: eight generators side by side, and Box and Muller's transformation without a branch.
//!
//! Each lane is a xoshiro256++ (Blackman and Vigna 2021). Two of its words u, v make two independent normal numbers,
//!
//! ```text
//! r = √(−2 ln U),   U = (u + ½)/2⁶⁴,      (x, y) = r (±cos(πf/2), sin(πf/2))  or the two exchanged,   f from −½ to ½
//! ```
//!
//! the sign, the exchange and f from the first 54 bits of v: the point is uniform on the circle. The numbers of a group of 16 are the eight x,
//! then the eight y. Only `+ − × ÷ √` and fused multiply-adds are used, in an order that is written out: the same bits everywhere.
//!
//! ```text
//! ln m = 2 artanh t = 2t + t z L(z),   t = (m − 1)/(m + 1), z = t²,   √½ ≤ m < √2:     L, and the series of sin and cos, by polynomials
//! ```
//!
//! that interpolate at Chebyshev's points (60 digits, then rounded). r, x and y have relative errors below 1e-15.
//!
//! *The tail goes on.* A u of 32 leading zeros says no more than that U is below 2⁻³²: then `−2 ln U = 64 ln 2 − 2 ln U'` for another U',
//! of a ninth generator. So `P(r > ρ) = e^(−ρ²/2)` to a part in 2³², however far out. It happens once in 4·10⁹ pairs, and is looked for once a call.
//!
//! *What limits it.* With AVX-512 16 numbers are some 95 instructions on vectors, two a cycle, and a division and a root, which take a unit of their
//! own about as long.

use crate::isa::Isa;
use pulp::{Simd, WithSimd};

/// Generators side by side.
const LANES: usize = 8;
/// Numbers that are made at once: two a lane.
pub const GROUP: usize = 2 * LANES;
/// The least `u + ½` whose leading bits are not all zero.
const SMALL: f64 = 4294967296.5;

/// A stream of standard normal numbers.
#[derive(Clone, Debug)]
pub struct Normals {
    /// Word k of the state of each lane.
    lanes: [[u64; LANES]; 4],
    /// The generator that goes on where u is small.
    far: [u64; 4],
}

impl Normals {
    /// The stream of a key: word k of the state of lane j, the ninth of which is the one for small u, is output j of a SplitMix64
    /// (Steele, Lea and Flood 2014) that starts from word k of the key. Lanes differ in each word.
    pub fn new(key: [u64; 4]) -> Self {
        let mut words = [[0; LANES]; 4];
        Isa::current().dispatch(Spread { key, words: &mut words });
        Self { lanes: words, far: key.map(|word| scattered(word, LANES as u64)) }
    }

    /// Fills `out` with the next numbers. They are made in groups of [`GROUP`]; the rest of a last group is dropped.
    pub fn fill(&mut self, out: &mut [f64]) {
        self.fill_on(Isa::current(), out);
    }

    /// [`Normals::fill`] on a given instruction set of this machine.
    pub fn fill_on(&mut self, isa: Isa, out: &mut [f64]) {
        let before = self.lanes;
        if isa.dispatch(Fill { lanes: &mut self.lanes, out }) < SMALL {
            self.go_on(before, out);
        }
    }

    /// Takes another U' for each small u of what was filled from the lanes as they were before.
    #[cold]
    fn go_on(&mut self, mut lanes: [[u64; LANES]; 4], out: &mut [f64]) {
        for group in out.chunks_mut(GROUP) {
            for lane in 0..LANES {
                let mut state = lanes.map(|word| word[lane]);
                let (u, v) = (next(&mut state), next(&mut state));
                (0..4).for_each(|k| lanes[k][lane] = state[k]);
                if centred(u) < SMALL {
                    let (x, y) = pair(self.beyond().sqrt(), v);
                    group.get_mut(lane).into_iter().for_each(|out| *out = x);
                    group.get_mut(LANES + lane).into_iter().for_each(|out| *out = y);
                }
            }
        }
    }

    /// `−2 ln U` where U is known to be below 2⁻³².
    fn beyond(&mut self) -> f64 {
        let u = centred(next(&mut self.far));
        let rest = if u < SMALL { self.beyond() } else { energy(u) };
        rest + 64.0 * std::f64::consts::LN_2
    }
}

/// Output `lane` of a SplitMix64.
#[inline(always)]
fn scattered(start: u64, lane: u64) -> u64 {
    let z = start.wrapping_add((lane + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The states of all lanes from a key.
struct Spread<'a> {
    key: [u64; 4],
    words: &'a mut [[u64; LANES]; 4],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for k in 0..4 {
            for lane in 0..LANES {
                self.words[k][lane] = scattered(self.key[k], lane as u64);
            }
        }
    }
}

/// Fills `out`; returns the least of all `u + ½`.
struct Fill<'a> {
    lanes: &'a mut [[u64; LANES]; 4],
    out: &'a mut [f64],
}

impl WithSimd for Fill<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { lanes, out } = self;
        let mut least = [f64::INFINITY; LANES];
        let mut groups = out.chunks_exact_mut(GROUP);
        for out in &mut groups {
            group(lanes, &mut least, out.try_into().expect("a group"));
        }
        let rest = groups.into_remainder();
        if !rest.is_empty() {
            let mut whole = [0.0; GROUP];
            group(lanes, &mut least, &mut whole);
            rest.copy_from_slice(&whole[..rest.len()]);
        }
        least.into_iter().fold(f64::INFINITY, f64::min)
    }
}

/// The numbers of one group, a loop over lanes that becomes vectors.
#[inline(always)]
fn group(lanes: &mut [[u64; LANES]; 4], least: &mut [f64; LANES], out: &mut [f64; GROUP]) {
    let (first, second) = out.split_at_mut(LANES);
    for lane in 0..LANES {
        let mut state = [lanes[0][lane], lanes[1][lane], lanes[2][lane], lanes[3][lane]];
        let (u, v) = (next(&mut state), next(&mut state));
        for k in 0..4 {
            lanes[k][lane] = state[k];
        }
        let u = centred(u);
        least[lane] = if u < least[lane] { u } else { least[lane] };
        (first[lane], second[lane]) = pair(energy(u).sqrt(), v);
    }
}

/// The next 64 bits of a xoshiro256++.
#[inline(always)]
fn next(s: &mut [u64; 4]) -> u64 {
    let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
    let t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(45);
    out
}

/// `u + ½`, to the nearest number.
#[inline(always)]
fn centred(u: u64) -> f64 {
    u as f64 + 0.5
}

/// `−2 ln(u/2⁶⁴)` for u from ½ to 2⁶⁴.
#[inline(always)]
fn energy(u: f64) -> f64 {
    /// 2^52 + 2^51, whose last bits are those of a whole number that is added.
    const SHIFT: f64 = 6755399441055744.0;
    /// The upper half of √½, and how far that of 1 is above it.
    const ROOT: u64 = 0x3fe6_a09e << 32;
    const UP: u64 = (0x3ff0_0000 << 32) - ROOT;
    const MINUS_TWO_LN_2: f64 = -2.0 * std::f64::consts::LN_2;
    let bits = u.to_bits().wrapping_add(UP);
    let k = f64::from_bits(SHIFT.to_bits().wrapping_add(bits >> 52).wrapping_sub(1023 + 64)) - SHIFT;
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(ROOT));
    let f = m - 1.0;
    let t = f / (f + 2.0);
    let z = t * t;
    let log = (z * polynomial(&ARTANH, z)).mul_add(t, t + t);
    k.mul_add(MINUS_TWO_LN_2, -2.0 * log)
}

/// The point of radius r in the direction that v says.
#[inline(always)]
fn pair(r: f64, v: u64) -> (f64, f64) {
    // the fraction of a number from 1 to 2
    let f = f64::from_bits((v << 2 >> 12) | 0x3ff0_0000_0000_0000) - 1.5;
    let z = f * f;
    let sin = polynomial(&SIN, z).mul_add(z, std::f64::consts::FRAC_PI_2) * f;
    let cos = polynomial(&COS, z).mul_add(z, 1.0);
    let cos = f64::from_bits(cos.to_bits() | (v & (1 << 63)));
    let (x, y) = if v & (1 << 62) == 0 { (cos, sin) } else { (sin, cos) };
    (r * x, r * y)
}

/// A polynomial by Horner's rule, the highest power first.
#[inline(always)]
fn polynomial<const N: usize>(c: &[f64; N], x: f64) -> f64 {
    let mut p = c[0];
    for c in &c[1..] {
        p = p.mul_add(x, *c);
    }
    p
}

/// `(2 artanh t − 2t)/t³` in z = t² up to (3 − 2√2)²; relative to 2 artanh t the error is 5e-18.
const ARTANH: [f64; 7] = [
    0.14616449685043406,
    0.15331721600556042,
    0.18182889125261723,
    0.2222221113479508,
    0.28571428625975487,
    0.39999999999899505,
    0.666666666666667,
];

/// `(sin(πf/2)/f − π/2)/z` in z = f² up to ¼; relative to the sine the error is 1.3e-17.
const SIN: [f64; 6] = [
    5.642225369163528e-08,
    -3.5987029509735105e-06,
    0.00016044116661409423,
    -0.004681754134254207,
    0.07969262624614423,
    -0.6459640975062462,
];

/// `(cos(πf/2) − 1)/z`; the error of the cosine is 1.8e-17.
const COS: [f64; 7] = [
    -6.329396344967424e-09,
    4.710678405505227e-07,
    -2.5202039028029178e-05,
    0.0009192602745468447,
    -0.020863480763340773,
    0.2536695079010478,
    -1.2337005501361697,
];

#[cfg(test)]
mod tests;
