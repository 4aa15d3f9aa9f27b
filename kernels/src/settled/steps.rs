//! Steps of the reduced problem: the losses of the moment, a product, compensated sums.
//!
//! ```text
//! s_i = αc s(q_i)      whole vectors, or n numbers rounded to f32 where H is
//! y = H s              by parts
//! q ← q + y,  S ← S + s,  whether S ≤ limit      n pairs hi + lo
//! ```

use super::{Multiply, PackedSymmetric, ROWS, Space, Spread};
use crate::loss::{Increments, Loss, LossFunction, WithLoss};
use crate::two_sum;
use pulp::{Simd, WithSimd};

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
