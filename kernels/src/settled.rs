//! Steps of the reduced problem in a settled pattern, and the product they need.
//!
//! ```text
//! s_i = αc s(q_i),   q ← q + H·s,   S ← S + s           s(q) = −ℓ'(q), the weight of the loss
//! ```
//!
//! H is symmetric, and a step costs as long as it takes to read it, so only one half is kept:
//! `n²/2` numbers. They lie in strips of as many rows as a vector has lanes, 8 rows at a time, from the
//! first column to the diagonal:
//!
//! ```text
//! for each strip I, for each 8 of its rows
//!   for each vector J of columns left of the diagonal block   512 bytes, read once:
//!     row[r] += H[r][J]·v[J]      for the 8 rows r             8 multiply-adds into 8 accumulators
//!     out[J] += Σ_r H[r][J]·v[r]                               8 multiply-adds into one vector
//!   the block on the diagonal is kept whole; then out[r] += Σ lanes of row[r]
//! ```
//!
//! *Mixed.* H can be kept in f32, half the bytes and twice the lanes. Then s is rounded once to f32 for the product,
//! and q and S stay pairs of f64. With `u = 2⁻²⁴` a step moves q_i by `Σ_k H_ik s_k` with an error of at most
//! `(n + 2) u Σ_k |H_ik| s_k`: relative to the motion of q, not to q.

use crate::buffer::Buffer;
use crate::isa::Isa;
use crate::lane::{Lane, padded, reduce};
use crate::loss::{Increments, Loss, LossFunction, WithLoss};
use crate::two_sum;
use pulp::{Simd, WithSimd, as_arrays};

/// Rows of a strip that are multiplied at a time.
const ROWS: usize = 8;

/// A symmetric n×n matrix of which one half is kept.
#[derive(Debug)]
pub struct PackedSymmetric<T = f64> {
    n: usize,
    isa: Isa,
    strips: Buffer<T>,
}

impl<T: Lane> PackedSymmetric<T> {
    /// Packs `h` (n×n, row-major), of which the lower triangle is read.
    ///
    /// # Panics
    /// If `h.len() != n²`.
    pub fn pack(h: &[f64], n: usize) -> Self {
        Self::pack_for(Isa::current(), h, n)
    }

    /// [`Self::pack`], to be multiplied with a given instruction set of this machine.
    pub fn pack_for(isa: Isa, h: &[f64], n: usize) -> Self {
        assert_eq!(h.len(), n * n, "H is n x n");
        let lanes = T::LANES;
        let count = n.div_ceil(lanes);
        let mut strips = Buffer::zeros(count * (count + 1) / 2 * lanes * lanes);
        let mut at = 0;
        for strip in 0..count {
            for row in strip * lanes..((strip + 1) * lanes).min(n) {
                let start = at + row % lanes / ROWS * (strip + 1) * ROWS * lanes;
                for col in 0..((strip + 1) * lanes).min(n) {
                    let value = if col <= row { h[row * n + col] } else { h[col * n + row] };
                    let place = start + col / lanes * ROWS * lanes + row % ROWS * lanes + col % lanes;
                    strips[place] = T::from_f64(value);
                }
            }
            at += (strip + 1) * lanes * lanes;
        }
        Self { n, isa, strips }
    }

    /// Number of rows n.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether n = 0.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// `out = H·v`.
    ///
    /// # Panics
    /// If `v` or `out` is not of length n.
    pub fn multiply(&self, v: &[T], out: &mut [T]) {
        assert_eq!((v.len(), out.len()), (self.n, self.n), "vectors of length n");
        let whole = padded::<T>(self.n);
        let mut both = Buffer::zeros(2 * whole);
        let (from, to) = both.split_at_mut(whole);
        from[..self.n].copy_from_slice(v);
        self.multiply_padded(from, to);
        out.copy_from_slice(&to[..self.n]);
    }

    /// `out = H·v` for vectors padded with zeros to whole strips.
    fn multiply_padded(&self, v: &[T], out: &mut [T]) {
        out.fill(T::default());
        self.isa.run(Multiply { strips: &self.strips, v, out });
    }
}

struct Multiply<'a, T> {
    strips: &'a [T],
    v: &'a [T],
    out: &'a mut [T],
}

impl<T: Lane> WithSimd for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { strips, v, out } = self;
        let mut rest = as_arrays::<ROWS, _>(T::vectors::<S>(strips)).0;
        for first in (0..v.len()).step_by(ROWS) {
            let strip = first / T::LANES;
            let (left, diagonal);
            (left, rest) = rest.split_at(strip);
            (diagonal, rest) = rest.split_at(1);
            let mut rows = [T::splat(simd, T::default()); ROWS];
            let mine: &[T; ROWS] = v[first..][..ROWS].try_into().expect("eight rows");
            let mut factors = rows;
            for r in 0..ROWS {
                factors[r] = T::splat(simd, mine[r]);
            }
            for ((h, v), out) in left.iter().zip(T::vectors::<S>(v)).zip(T::vectors_mut::<S>(out)) {
                let mut sum = *out;
                for r in 0..ROWS {
                    rows[r] = T::fma(simd, h[r], *v, rows[r]);
                    sum = T::fma(simd, h[r], factors[r], sum);
                }
                *out = sum;
            }
            let v = T::vectors::<S>(v)[strip];
            let mut lanes = [T::default(); ROWS * 16];
            let lanes = &mut lanes[..ROWS * T::LANES];
            for (r, lanes) in T::vectors_mut::<S>(lanes).iter_mut().enumerate() {
                *lanes = T::fma(simd, diagonal[0][r], v, rows[r]);
            }
            for (out, lanes) in out[first..][..ROWS].iter_mut().zip(lanes.chunks_exact(T::LANES)) {
                *out += reduce(lanes);
            }
        }
    }
}

/// A vector of unevaluated sums `hi + lo` (Knuth's two-sum): increments far below the last bit of `hi`
/// are not lost.
#[derive(Debug)]
pub struct Pair<'a> {
    /// The values rounded to f64, length n.
    pub hi: &'a mut [f64],
    /// What rounding left out, length n.
    pub lo: &'a mut [f64],
}

impl Pair<'_> {
    #[inline(always)]
    fn add(&mut self, i: usize, x: f64) {
        (self.hi[i], self.lo[i]) = two_sum::add((self.hi[i], self.lo[i]), x);
    }
}

/// Work space of a step: increments and their image, in whole strips.
#[derive(Clone, Debug)]
pub struct Space<T: Lane = f64> {
    increment: Buffer<T>,
    image: Buffer<T>,
}

impl<T: Lane> Space<T> {
    /// For n samples.
    pub fn new(n: usize) -> Self {
        let zeros = || Buffer::zeros(padded::<T>(n));
        Self { increment: zeros(), image: zeros() }
    }
}

impl PackedSymmetric<f64> {
    /// One settled step: `s_i = rate·s(q_i)`, `q += H s`, `S += s`. Says whether `S ≤ limit` still holds
    /// everywhere (false also where S is not a number).
    ///
    /// # Panics
    /// If a vector is not of length n.
    pub fn advance(&self, (loss, rate): (Loss, f64), q: Pair, sums: Pair, limit: &[f64], space: &mut Space) -> bool {
        let lengths = [q.hi.len(), q.lo.len(), sums.hi.len(), sums.lo.len(), limit.len()];
        assert_eq!(lengths, [self.n; 5], "vectors of length n");
        assert_eq!(space.image.len(), padded::<f64>(self.n), "space for n samples");
        self.isa.run(Advance { h: &self.strips, loss, rate, q, sums, limit, space })
    }
}

impl PackedSymmetric<f32> {
    /// [`PackedSymmetric::advance`] with the product in f32, of increments times `scale`, a power of two that
    /// brings them near 1.
    ///
    /// # Panics
    /// If a vector is not of length n.
    pub fn advance_mixed(
        &self,
        (loss, rate, scale): (Loss, f64, f64),
        q: Pair,
        sums: Pair,
        limit: &[f64],
        space: &mut Space<f32>,
    ) -> bool {
        let lengths = [q.hi.len(), q.lo.len(), sums.hi.len(), sums.lo.len(), limit.len()];
        assert_eq!(lengths, [self.n; 5], "vectors of length n");
        assert_eq!(space.image.len(), padded::<f32>(self.n), "space for n samples");
        self.isa.run(AdvanceMixed { h: &self.strips, loss, rate, scale, q, sums, limit, space })
    }
}

struct AdvanceMixed<'a> {
    h: &'a [f32],
    loss: Loss,
    rate: f64,
    scale: f64,
    q: Pair<'a>,
    sums: Pair<'a>,
    limit: &'a [f64],
    space: &'a mut Space<f32>,
}

impl WithSimd for AdvanceMixed<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { h, loss, rate, scale, mut q, mut sums, limit, space } = self;
        let (rounded, image) = (&mut space.increment[..], &mut space.image[..]);
        let within = loss.run(Round { q: q.hi, rate, scale, sums: &mut sums, limit, rounded });
        image.fill(0.0);
        Multiply { strips: h, v: rounded, out: image }.with_simd(simd);
        let back = 1.0 / scale;
        for i in 0..limit.len() {
            q.add(i, f64::from(image[i]) * back);
        }
        within
    }
}

/// The increments, `S += s`, and `b·s` in f32; whether `S ≤ limit` still holds.
struct Round<'a, 'b> {
    q: &'a [f64],
    rate: f64,
    scale: f64,
    sums: &'a mut Pair<'b>,
    limit: &'a [f64],
    rounded: &'a mut [f32],
}

impl WithLoss for Round<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_loss<L: LossFunction>(self) -> bool {
        let Self { q, rate, scale, sums, limit, rounded } = self;
        let mut within = true;
        for i in 0..limit.len() {
            let increment = rate * L::weight(q[i]);
            rounded[i] = (increment * scale) as f32;
            sums.add(i, increment);
            within &= sums.hi[i] <= limit[i];
        }
        within
    }
}

struct Advance<'a> {
    h: &'a [f64],
    loss: Loss,
    rate: f64,
    q: Pair<'a>,
    sums: Pair<'a>,
    limit: &'a [f64],
    space: &'a mut Space,
}

impl WithSimd for Advance<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { h, loss, rate, mut q, mut sums, limit, space } = self;
        let n = limit.len();
        let (increment, image) = (&mut space.increment[..], &mut space.image[..]);
        Increments { loss, q: q.hi, rate, out: &mut increment[..n] }.with_simd(simd);
        image.fill(0.0);
        Multiply { strips: h, v: increment, out: image }.with_simd(simd);
        let mut within = true; // without a branch, so that the loop vectorizes
        for i in 0..n {
            q.add(i, image[i]);
            sums.add(i, increment[i]);
            within &= sums.hi[i] <= limit[i];
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symmetric(n: usize) -> Vec<f64> {
        let at = |i: usize, j: usize| ((i.max(j) * 7 + i.min(j) * 3) % 11) as f64 - 5.0;
        (0..n * n).map(|k| at(k / n, k % n)).collect()
    }

    #[test]
    fn products_of_integers_are_exact_on_every_instruction_set() {
        for n in [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100] {
            let h = symmetric(n);
            let v: Vec<f64> = (0..n).map(|i| (i % 5) as f64 - 2.0).collect();
            let exact: Vec<f64> = h.chunks(n).map(|row| row.iter().zip(&v).map(|(h, v)| h * v).sum()).collect();
            for isa in Isa::all() {
                let mut out = vec![f64::NAN; n];
                PackedSymmetric::pack_for(isa, &h, n).multiply(&v, &mut out);
                assert_eq!(out, exact, "{n} {}", isa.name());
                let single: Vec<f32> = v.iter().map(|v| *v as f32).collect();
                let mut out = vec![f32::NAN; n];
                PackedSymmetric::pack_for(isa, &h, n).multiply(&single, &mut out);
                assert!(out.iter().zip(&exact).all(|(o, e)| f64::from(*o) == *e), "{n} {}", isa.name());
            }
        }
    }

    #[test]
    fn steps_follow_the_recursion_with_the_same_bits_everywhere() {
        Loss::ALL.iter().for_each(|loss| follow(*loss));
    }

    fn follow(loss: Loss) {
        let n = 21;
        let mut h: Vec<f64> = symmetric(n).iter().map(|h| h * 0.01).collect();
        (0..n).for_each(|i| h[i * n + i] = 1.0);
        let q0: Vec<f64> = (0..n).map(|i| 0.1 * i as f64).collect();
        let run = |isa| {
            let h = PackedSymmetric::pack_for(isa, &h, n);
            let (mut q, mut q_low, mut s, mut s_low) = (q0.clone(), vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            let (limit, mut space) = (vec![f64::INFINITY; n], Space::new(n));
            for _ in 0..50 {
                let (q, sums) = (Pair { hi: &mut q, lo: &mut q_low }, Pair { hi: &mut s, lo: &mut s_low });
                assert!(h.advance((loss, 0.125), q, sums, &limit, &mut space));
            }
            s
        };
        let all: Vec<_> = Isa::all().into_iter().map(run).collect();
        assert!(all.windows(2).all(|w| w[0] == w[1]));
        let mut s = vec![0.0; n];
        for _ in 0..50 {
            let q: Vec<f64> = (0..n).map(|i| q0[i] + (0..n).map(|k| h[i * n + k] * s[k]).sum::<f64>()).collect();
            s.iter_mut().zip(q).for_each(|(s, q)| *s += 0.125 * loss.weight(q));
        }
        // 50 steps, each with sums of n terms of size O(1): 50·(n + 4)·ε, relative to S of order 1.
        let bound = 50.0 * (n + 4) as f64 * f64::EPSILON;
        s.iter().zip(&all[0]).for_each(|(a, b)| assert!((a - b).abs() < bound * a.abs().max(1.0)));
        // H in f32: every step moves q with an error of (n + 2)·2⁻²⁴ of a motion of order 1.
        let mixed = |isa| {
            let h = PackedSymmetric::pack_for(isa, &h, n);
            let (mut q, mut q_low, mut s, mut s_low) = (q0.clone(), vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            let (limit, mut space) = (vec![f64::INFINITY; n], Space::new(n));
            for _ in 0..50 {
                let (q, sums) = (Pair { hi: &mut q, lo: &mut q_low }, Pair { hi: &mut s, lo: &mut s_low });
                assert!(h.advance_mixed((loss, 0.125, 8.0), q, sums, &limit, &mut space));
            }
            s
        };
        let all: Vec<_> = Isa::all().into_iter().map(mixed).collect();
        assert!(all.windows(2).all(|w| w[0] == w[1]));
        let bound = 50.0 * (n + 2) as f64 * 2f64.powi(-24);
        s.iter().zip(&all[0]).for_each(|(a, b)| assert!((a - b).abs() < bound * a.abs().max(1.0)));
        assert!(s.iter().zip(&all[0]).any(|(a, b)| (a - b).abs() > 1e-12), "it does round");
    }
}
