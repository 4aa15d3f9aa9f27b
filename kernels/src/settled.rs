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
//! *Parts.* From n = 768 on the strips are cut into 2, 4, … parts of about equal areas, more for a larger n, each with an
//! image of its own; the images are added in order. Parts may run on threads of the caller's: how many there are depends on n
//! alone, and so do the bits.
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
use std::ops::Range;

/// Rows of a strip that are multiplied at a time.
const ROWS: usize = 8;

/// Rows for each part, from twice as many on.
const PART: usize = 384;

/// Most parts.
const PARTS: usize = 16;

/// How many parts a matrix with n rows is multiplied in: a power of two.
fn parts(n: usize) -> usize {
    1 << (n / PART).clamp(1, PARTS).ilog2()
}

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

    /// `out = H·v`, the parts run by `spread`.
    ///
    /// # Panics
    /// If `v` or `out` is not of length n.
    pub fn multiply(&self, v: &[T], out: &mut [T], spread: &dyn Spread<T>) {
        assert_eq!((v.len(), out.len()), (self.n, self.n), "vectors of length n");
        let mut space = Space::new(self.n);
        let (increment, images) = space.split();
        increment[..self.n].copy_from_slice(v);
        self.image(increment, images, spread);
        out.copy_from_slice(&images[..self.n]);
    }

    /// The same for two vectors, one after the other in `v` and `out`, with the bits of one at a time: H is read once.
    ///
    /// # Panics
    /// If `v` or `out` is not of length 2n.
    pub fn multiply_two(&self, v: &[T], out: &mut [T], spread: &dyn Spread<T>) {
        let (n, length) = (self.n, padded::<T>(self.n));
        assert_eq!((v.len(), out.len()), (2 * n, 2 * n), "two vectors of length n");
        let mut vectors = Buffer::zeros(2 * (1 + parts(n)) * length);
        let (from, images) = vectors.split_at_mut(2 * length);
        (0..2).for_each(|k| from[k * length..][..n].copy_from_slice(&v[k * n..][..n]));
        self.image(from, images, spread);
        (0..2).for_each(|k| out[k * n..][..n].copy_from_slice(&images[k * length..][..n]));
    }

    fn check(&self, lengths: [usize; 5], space: &Space<T>) {
        assert_eq!(lengths, [self.n; 5], "vectors of length n");
        assert_eq!(space.length, padded::<T>(self.n), "space for n samples");
    }

    /// The image of v, or of two vectors, by each part, of which the first becomes that by all.
    fn image(&self, v: &[T], images: &mut [T], spread: &dyn Spread<T>) {
        if images.len() == v.len() {
            return self.part(0, v, images);
        }
        spread.each(images, v.len(), &|part, image| self.part(part, v, image));
        self.isa.run(Join { length: v.len(), images });
    }

    /// The image of v, or of two vectors, by the strips of one part; all are padded to whole strips.
    fn part(&self, part: usize, v: &[T], image: &mut [T]) {
        let Range { start, end } = self.strips_of(part);
        image.fill(T::default());
        let area = |strips: usize| strips * (strips + 1) / 2 * T::LANES * T::LANES;
        let strips = &self.strips[area(start)..area(end)];
        let (first, end) = (start * T::LANES, end * T::LANES);
        if image.len() == padded::<T>(self.n) {
            return self.isa.run(Multiply::<T, 1, ROWS> { first, strips, v: [&v[..end]], out: [image] });
        }
        let ((v, w), (image, other)) = (v.split_at(v.len() / 2), image.split_at_mut(image.len() / 2));
        self.isa.run(Multiply::<T, 2, { ROWS / 2 }> { first, strips, v: [&v[..end], &w[..end]], out: [image, other] });
    }

    /// Part k begins where k of all parts of the area are above.
    fn strips_of(&self, part: usize) -> Range<usize> {
        let (count, parts) = (self.n.div_ceil(T::LANES), parts(self.n));
        let above =
            |k: usize| if k == parts { count } else { (count as f64 * (k as f64 / parts as f64).sqrt()) as usize };
        above(part)..above(part + 1)
    }
}

/// Whoever runs the parts of a product.
pub trait Spread<T> {
    /// Calls the job for each of the images, which have this length, with its index, in any order, on any threads.
    fn each(&self, images: &mut [T], length: usize, job: &(dyn Fn(usize, &mut [T]) + Sync));
}

/// One part after the other.
#[derive(Clone, Copy, Debug)]
pub struct OneThread;

impl<T> Spread<T> for OneThread {
    fn each(&self, images: &mut [T], length: usize, job: &(dyn Fn(usize, &mut [T]) + Sync)) {
        images.chunks_exact_mut(length).enumerate().for_each(|(part, image)| job(part, image));
    }
}

/// The first of the images becomes the sum of all, in order.
struct Join<'a, T> {
    length: usize,
    images: &'a mut [T],
}

impl<T: Lane> WithSimd for Join<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (first, others) = self.images.split_at_mut(self.length);
        for other in others.chunks_exact(self.length) {
            for (sum, v) in T::vectors_mut::<S>(first).iter_mut().zip(T::vectors::<S>(other)) {
                *sum = T::plus(simd, *sum, *v);
            }
        }
    }
}

/// The images of C vectors by the strips from row `first` on, as far as the vectors go; `R = 8/C` rows at a time, so that their sums
/// stay in registers. The order of the sums is the same for any C.
struct Multiply<'a, T, const C: usize, const R: usize> {
    first: usize,
    strips: &'a [T],
    v: [&'a [T]; C],
    out: [&'a mut [T]; C],
}

impl<T: Lane, const C: usize, const R: usize> WithSimd for Multiply<'_, T, C, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { first, strips, v, mut out } = self;
        let mut rest = as_arrays::<ROWS, _>(T::vectors::<S>(strips)).0;
        let zeros = [[T::splat(simd, T::default()); R]; C];
        let vectors = v.map(T::vectors::<S>);
        for first in (first..v[0].len()).step_by(ROWS) {
            let strip = first / T::LANES;
            let (left, diagonal);
            (left, rest) = rest.split_at(strip);
            (diagonal, rest) = rest.split_at(1);
            for part in 0..C {
                let (from, mut rows, mut factors) = (part * R, zeros, zeros);
                for c in 0..C {
                    let mine: &[T; R] = v[c][first + from..][..R].try_into().expect("these rows");
                    for r in 0..R {
                        factors[c][r] = T::splat(simd, mine[r]);
                    }
                }
                let outs = out.each_mut().map(|out| &mut T::vectors_mut::<S>(out)[..strip]);
                let vectors = vectors.map(|v| &v[..strip]);
                for (at, h) in left.iter().enumerate() {
                    for c in 0..C {
                        let (v, mut sum) = (vectors[c][at], outs[c][at]);
                        for r in 0..R {
                            rows[c][r] = T::fma(simd, h[from + r], v, rows[c][r]);
                            sum = T::fma(simd, h[from + r], factors[c][r], sum);
                        }
                        outs[c][at] = sum;
                    }
                }
                for c in 0..C {
                    let v = T::vectors::<S>(v[c])[strip];
                    let mut lanes = [T::default(); ROWS * 16];
                    let lanes = &mut lanes[..R * T::LANES];
                    for (r, lanes) in T::vectors_mut::<S>(lanes).iter_mut().enumerate() {
                        *lanes = T::fma(simd, diagonal[0][from + r], v, rows[c][r]);
                    }
                    for (out, lanes) in out[c][first + from..][..R].iter_mut().zip(lanes.chunks_exact(T::LANES)) {
                        *out += reduce(lanes);
                    }
                }
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

/// Work space of a step: increments and their image by each part, in whole strips.
#[derive(Clone, Debug)]
pub struct Space<T: Lane = f64> {
    length: usize,
    vectors: Buffer<T>,
}

impl<T: Lane> Space<T> {
    /// For n samples.
    pub fn new(n: usize) -> Self {
        let length = padded::<T>(n);
        Self { length, vectors: Buffer::zeros((1 + parts(n)) * length) }
    }

    /// Increments, and images one after the other.
    fn split(&mut self) -> (&mut [T], &mut [T]) {
        self.vectors.split_at_mut(self.length)
    }
}

impl PackedSymmetric<f64> {
    /// One settled step: `s_i = rate·s(q_i)`, `q += H s`, `S += s`. Says whether `S ≤ limit` still holds
    /// everywhere (false also where S is not a number). Parts are run by `spread`.
    ///
    /// # Panics
    /// If a vector is not of length n.
    pub fn advance(
        &self,
        (loss, rate): (Loss, f64),
        q: Pair,
        sums: Pair,
        limit: &[f64],
        space: &mut Space,
        spread: &dyn Spread<f64>,
    ) -> bool {
        self.check([q.hi.len(), q.lo.len(), sums.hi.len(), sums.lo.len(), limit.len()], space);
        let (increment, images) = space.split();
        if increment.len() == images.len() {
            return self.isa.run(Advance { h: &self.strips, loss, rate, q, sums, limit, increment, image: images });
        }
        self.isa.run(Increments { loss, q: q.hi, rate, out: &mut increment[..self.n] });
        self.image(increment, images, spread);
        self.isa.run(Arrive { q, sums, limit, increment, image: images })
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
        mut sums: Pair,
        limit: &[f64],
        space: &mut Space<f32>,
        spread: &dyn Spread<f32>,
    ) -> bool {
        self.check([q.hi.len(), q.lo.len(), sums.hi.len(), sums.lo.len(), limit.len()], space);
        let (rounded, images) = space.split();
        let within =
            self.isa.run(Rounded { loss, round: Round { q: q.hi, rate, scale, sums: &mut sums, limit, rounded } });
        self.image(rounded, images, spread);
        self.isa.run(Back { q, image: images, back: 1.0 / scale });
        within
    }
}

/// `q += image·back`.
struct Back<'a> {
    q: Pair<'a>,
    image: &'a [f32],
    back: f64,
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { mut q, image, back } = self;
        for i in 0..q.hi.len() {
            q.add(i, f64::from(image[i]) * back);
        }
    }
}

/// [`Round`] for a loss that is known when it runs.
struct Rounded<'a, 'b> {
    loss: Loss,
    round: Round<'a, 'b>,
}

impl WithSimd for Rounded<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        self.loss.run(self.round)
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
    increment: &'a mut [f64],
    image: &'a mut [f64],
}

impl WithSimd for Advance<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { h, loss, rate, q, sums, limit, increment, image } = self;
        Increments { loss, q: q.hi, rate, out: &mut increment[..limit.len()] }.with_simd(simd);
        image.fill(0.0);
        Multiply::<f64, 1, ROWS> { first: 0, strips: h, v: [increment], out: [image] }.with_simd(simd);
        Arrive { q, sums, limit, increment, image }.with_simd(simd)
    }
}

/// `q += image`, `S += increment`; whether `S ≤ limit` still holds.
struct Arrive<'a> {
    q: Pair<'a>,
    sums: Pair<'a>,
    limit: &'a [f64],
    increment: &'a [f64],
    image: &'a [f64],
}

impl WithSimd for Arrive<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let Self { mut q, mut sums, limit, increment, image } = self;
        let mut within = true; // without a branch, so that the loop vectorizes
        for i in 0..limit.len() {
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
        for n in [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 767, 768, 1541] {
            let h = symmetric(n);
            let v: Vec<f64> = (0..n).map(|i| (i % 5) as f64 - 2.0).collect();
            let exact: Vec<f64> = h.chunks(n).map(|row| row.iter().zip(&v).map(|(h, v)| h * v).sum()).collect();
            for isa in Isa::all() {
                let mut out = vec![f64::NAN; n];
                let packed = PackedSymmetric::pack_for(isa, &h, n);
                packed.multiply(&v, &mut out, &OneThread);
                assert_eq!(out, exact, "{n} {}", isa.name());
                let single: Vec<f32> = v.iter().map(|v| *v as f32).collect();
                let mut out = vec![f32::NAN; n];
                PackedSymmetric::pack_for(isa, &h, n).multiply(&single, &mut out, &OneThread);
                assert!(out.iter().zip(&exact).all(|(o, e)| f64::from(*o) == *e), "{n} {}", isa.name());
            }
        }
    }

    #[test]
    fn two_products_at_once_have_the_bits_of_each() {
        for n in [1, 8, 21, 100, 767, 900] {
            let h: Vec<f64> = symmetric(n).iter().map(|h| (0.3 * h).sin()).collect();
            let v: Vec<f64> = (0..2 * n).map(|i| (1.7 * i as f64).cos()).collect();
            let mut all = Vec::new();
            for isa in Isa::all() {
                let (packed, mut both, mut each) =
                    (PackedSymmetric::pack_for(isa, &h, n), vec![0.0; 2 * n], vec![0.0; 2 * n]);
                packed.multiply_two(&v, &mut both, &OneThread);
                let halves = v.chunks_exact(n).zip(each.chunks_exact_mut(n));
                halves.for_each(|(v, out)| packed.multiply(v, out, &OneThread));
                assert_eq!(both, each, "{n} {}", isa.name());
                all.push(both);
            }
            assert!(all.windows(2).all(|w| w[0] == w[1]), "{n}");
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
                assert!(h.advance((loss, 0.125), q, sums, &limit, &mut space, &OneThread));
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
                assert!(h.advance_mixed((loss, 0.125, 8.0), q, sums, &limit, &mut space, &OneThread));
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
