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

mod steps;

use crate::buffer::Buffer;
use crate::isa::Isa;
use crate::lane::{Lane, padded, reduce};
use pulp::{Simd, WithSimd, as_arrays};
use std::ops::Range;
pub use steps::Pair;

/// Rows of a strip that are multiplied at a time.
const ROWS: usize = 8;

/// Rows for each part, from twice as many on.
const PART: usize = 384;

/// Most parts.
const PARTS: usize = 16;

/// Vectors that share the reading of a matrix.
pub const TOGETHER: usize = 32;

/// Numbers in strips that meet all of them, one pair after the other: half a megabyte in f64.
const BLOCK: usize = 1 << 16;

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

    /// The same for any number of vectors, one after the other in `v` and `out`, with the bits of one at a time: H is read once for
    /// [`TOGETHER`] of them.
    ///
    /// # Panics
    /// If `v` and `out` are not of the same number of vectors of length n.
    pub fn multiply_all(&self, v: &[T], out: &mut [T], spread: &dyn Spread<T>) {
        let (n, length) = (self.n, padded::<T>(self.n));
        assert!(v.len() == out.len() && v.len().is_multiple_of(n.max(1)), "vectors of length n");
        for (v, out) in v.chunks(TOGETHER * n.max(1)).zip(out.chunks_mut(TOGETHER * n.max(1))) {
            let count = v.len() / n;
            let mut vectors = Buffer::zeros(count * (1 + parts(n)) * length);
            let (from, images) = vectors.split_at_mut(count * length);
            from.chunks_exact_mut(length).zip(v.chunks_exact(n)).for_each(|(from, v)| from[..n].copy_from_slice(v));
            self.image(from, images, spread);
            out.chunks_exact_mut(n).zip(images.chunks_exact(length)).for_each(|(out, v)| out.copy_from_slice(&v[..n]));
        }
    }

    fn check(&self, lengths: [usize; 5], space: &Space<T>) {
        assert_eq!(lengths, [self.n; 5], "vectors of length n");
        assert_eq!(space.length, padded::<T>(self.n), "space for n samples");
    }

    /// The images of vectors by each part, of which the first become those by all.
    fn image(&self, v: &[T], images: &mut [T], spread: &dyn Spread<T>) {
        if images.len() == v.len() {
            return self.part(0, v, images);
        }
        spread.each(images, v.len(), &|part, image| self.part(part, v, image));
        self.isa.run(Join { length: v.len(), images });
    }

    /// The images of vectors by the strips of one part; all are padded to whole strips. Strips that stay in the cache meet
    /// all vectors, two at a time, before the next ones do.
    fn part(&self, part: usize, v: &[T], image: &mut [T]) {
        let (Range { mut start, end }, two) = (self.strips_of(part), 2 * padded::<T>(self.n));
        let area = |strips: usize| strips * (strips + 1) / 2 * T::LANES * T::LANES;
        image.fill(T::default());
        while start < end {
            let fits = |last: &usize| v.len() <= two || area(*last) - area(start) <= BLOCK;
            let last = (start + 1..=end).take_while(fits).last().unwrap_or(start + 1);
            let strips = &self.strips[area(start)..area(last)];
            for (v, image) in v.chunks(two).zip(image.chunks_mut(two)) {
                self.strips(start * T::LANES..last * T::LANES, strips, v, image);
            }
            start = last;
        }
    }

    /// Adds the image of one or two vectors by strips of these rows.
    fn strips(&self, rows: Range<usize>, strips: &[T], v: &[T], image: &mut [T]) {
        let Range { start: first, end } = rows;
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

/// Adds the images of C vectors by the strips from row `first` on, as far as the vectors go; `R = 8/C` rows at a time, so that their sums
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

#[cfg(test)]
mod tests;
