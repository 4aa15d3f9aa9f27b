//! Steps of the reduced problem in a settled pattern, and the product they need.
//!
//! ```text
//! s_i = αc exp(-q_i),   q ← q + H·s,   S ← S + s
//! ```
//!
//! H is symmetric, and a step costs as long as it takes to read it, so only one half is kept:
//! `n²/2` numbers. They lie in strips of 8 rows, from the first column to the diagonal:
//!
//! ```text
//! for each strip I of 8 rows
//!   for each vector J of 8 columns left of the diagonal       512 bytes, read once:
//!     row[r] += H[r][J]·v[J]      for the 8 rows r             8 multiply-adds into 8 accumulators
//!     out[J] += Σ_r H[r][J]·v[r]                               8 multiply-adds into one vector
//!   the 8×8 block on the diagonal is kept whole; then out[r] += Σ lanes of row[r]
//! ```

use crate::buffer::Buffer;
use crate::isa::Isa;
use crate::lane::{Lane, reduce};
use pulp::{Simd, WithSimd, as_arrays};

/// Rows of a strip, and lanes of a vector.
const ROWS: usize = 8;

/// A symmetric n×n matrix of which one half is kept.
#[derive(Debug)]
pub struct PackedSymmetric {
    n: usize,
    isa: Isa,
    strips: Buffer<f64>,
}

impl PackedSymmetric {
    /// Packs `h` (n×n, row-major), of which the lower triangle is read.
    ///
    /// # Panics
    /// If `h.len() != n²`.
    pub fn pack(h: &[f64], n: usize) -> Self {
        Self::pack_for(Isa::best(), h, n)
    }

    /// [`Self::pack`], to be multiplied with a given instruction set of this machine.
    pub fn pack_for(isa: Isa, h: &[f64], n: usize) -> Self {
        assert_eq!(h.len(), n * n, "H is n x n");
        let count = n.div_ceil(ROWS);
        let mut strips = Buffer::zeros(count * (count + 1) / 2 * ROWS * ROWS);
        let mut at = 0;
        for strip in 0..count {
            for col in 0..(strip + 1) * ROWS {
                for row in strip * ROWS..((strip + 1) * ROWS).min(n) {
                    if col < n {
                        let value = if col <= row { h[row * n + col] } else { h[col * n + row] };
                        strips[at + col / ROWS * ROWS * ROWS + row % ROWS * ROWS + col % ROWS] = value;
                    }
                }
            }
            at += (strip + 1) * ROWS * ROWS;
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
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        assert_eq!((v.len(), out.len()), (self.n, self.n), "vectors of length n");
        let mut padded = Buffer::zeros(self.n.next_multiple_of(ROWS) * 2);
        let (from, to) = padded.split_at_mut(self.n.next_multiple_of(ROWS));
        from[..self.n].copy_from_slice(v);
        self.multiply_padded(from, to);
        out.copy_from_slice(&to[..self.n]);
    }

    /// `out = H·v` for vectors padded with zeros to whole strips.
    fn multiply_padded(&self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        self.isa.run(Multiply { strips: &self.strips, v, out });
    }
}

struct Multiply<'a> {
    strips: &'a [f64],
    v: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { strips, v, out } = self;
        let mut rest = as_arrays::<ROWS, _>(f64::vectors::<S>(strips)).0;
        for strip in 0..v.len() / ROWS {
            let (left, diagonal);
            (left, rest) = rest.split_at(strip);
            (diagonal, rest) = rest.split_at(1);
            let mut rows = [f64::splat(simd, 0.0); ROWS];
            let mine: &[f64; ROWS] = v[strip * ROWS..][..ROWS].try_into().expect("a strip");
            let mut factors = rows;
            for r in 0..ROWS {
                factors[r] = f64::splat(simd, mine[r]);
            }
            for ((h, v), out) in left.iter().zip(f64::vectors::<S>(v)).zip(f64::vectors_mut::<S>(out)) {
                let mut sum = *out;
                for r in 0..ROWS {
                    rows[r] = f64::fma(simd, h[r], *v, rows[r]);
                    sum = f64::fma(simd, h[r], factors[r], sum);
                }
                *out = sum;
            }
            let v = f64::vectors::<S>(v)[strip];
            let mut lanes = [0.0; ROWS * ROWS];
            for (r, lanes) in f64::vectors_mut::<S>(&mut lanes).iter_mut().enumerate() {
                *lanes = f64::fma(simd, diagonal[0][r], v, rows[r]);
            }
            for (out, lanes) in out[strip * ROWS..][..ROWS].iter_mut().zip(lanes.chunks_exact(ROWS)) {
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
        let (hi, lo) = (self.hi[i], self.lo[i]);
        let sum = hi + x;
        let part = sum - hi;
        let tail = lo + ((hi - (sum - part)) + (x - part));
        self.hi[i] = sum + tail;
        self.lo[i] = tail - (self.hi[i] - sum);
    }
}

/// Work space of [`PackedSymmetric::advance`]: increments and their image, in whole strips.
#[derive(Clone, Debug)]
pub struct Space {
    increment: Buffer<f64>,
    image: Buffer<f64>,
}

impl Space {
    /// For n samples.
    pub fn new(n: usize) -> Self {
        let zeros = || Buffer::zeros(n.next_multiple_of(ROWS));
        Self { increment: zeros(), image: zeros() }
    }
}

impl PackedSymmetric {
    /// One settled step: `s = rate·e^(-q)`, `q += H s`, `S += s`. Says whether `S ≤ limit` still holds
    /// everywhere (false also where S is not a number).
    ///
    /// # Panics
    /// If a vector is not of length n.
    pub fn advance(&self, rate: f64, q: Pair, sums: Pair, limit: &[f64], space: &mut Space) -> bool {
        let lengths = [q.hi.len(), q.lo.len(), sums.hi.len(), sums.lo.len(), limit.len()];
        assert_eq!(lengths, [self.n; 5], "vectors of length n");
        assert_eq!(space.image.len(), self.n.next_multiple_of(ROWS), "space for n samples");
        self.isa.run(Advance { h: &self.strips, rate, q, sums, limit, space })
    }
}

struct Advance<'a> {
    h: &'a [f64],
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
        let Self { h, rate, mut q, mut sums, limit, space } = self;
        let n = limit.len();
        let (increment, image) = (&mut space.increment[..], &mut space.image[..]);
        for i in 0..n {
            increment[i] = rate * crate::exp::f64(-q.hi[i]);
        }
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
            }
        }
    }

    #[test]
    fn steps_follow_the_recursion_with_the_same_bits_everywhere() {
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
                assert!(h.advance(0.125, q, sums, &limit, &mut space));
            }
            s
        };
        let all: Vec<_> = Isa::all().into_iter().map(run).collect();
        assert!(all.windows(2).all(|w| w[0] == w[1]));
        let mut s = vec![0.0; n];
        for _ in 0..50 {
            let q: Vec<f64> = (0..n).map(|i| q0[i] + (0..n).map(|k| h[i * n + k] * s[k]).sum::<f64>()).collect();
            s.iter_mut().zip(q).for_each(|(s, q)| *s += 0.125 * libm::exp(-q));
        }
        // 50 steps, each with sums of n terms of size O(1): 50·(n + 4)·ε, relative to S of order 1.
        let bound = 50.0 * (n + 4) as f64 * f64::EPSILON;
        s.iter().zip(&all[0]).for_each(|(a, b)| assert!((a - b).abs() < bound * a.abs().max(1.0)));
    }
}
