//! Sums that do not rot: vectors of pairs `hi + lo`, to which tiny increments are added without loss.
//!
//! After N additions of increments x_k the pair holds `Σ x_k` with an error of order
//! `2⁻¹⁰⁶ Σ|x_k| N` ([`farfield_kernels::two_sum`]), where a plain sum has `2⁻⁵³ Σ|x_k| N`: 10⁹ increments leave nothing behind.
//! Source of `dot`: Ogita, Rump, Oishi 2005.

use crate::state::{Reader, Result, Saver};
use farfield_kernels::isa::Isa;
use farfield_kernels::settled::Pair;
use farfield_kernels::two_sum::{add, add_product};
use pulp::{Simd, WithSimd};

/// `Σ a_j b_j` as a pair, as if computed in twice the precision. The terms run in the order of j.
pub fn dot(terms: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    terms.fold((0.0, 0.0), |sum, (a, b)| {
        let product = a * b;
        let (hi, lo) = add(sum, product);
        (hi, lo + a.mul_add(b, -product))
    })
}

/// A vector of pairs `hi + lo`; `hi` is the vector rounded to f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compensated {
    hi: Vec<f64>,
    lo: Vec<f64>,
}

impl Compensated {
    /// The vector with these values, exactly.
    pub fn new(values: Vec<f64>) -> Self {
        let lo = vec![0.0; values.len()];
        Self { hi: values, lo }
    }

    /// `n` zeros.
    pub fn zeros(n: usize) -> Self {
        Self::new(vec![0.0; n])
    }

    /// From its two parts, as [`Compensated::hi`] and [`Compensated::lo`] return them.
    pub fn from_parts(hi: Vec<f64>, lo: Vec<f64>) -> Self {
        assert_eq!(hi.len(), lo.len(), "parts of one length");
        Self { hi, lo }
    }

    /// Writes both parts.
    pub fn save(&self, out: &mut Saver, name: &str) {
        let mut out = out.within(name);
        out.vector("hi", &self.hi[..]);
        out.vector("lo", &self.lo[..]);
    }

    /// Reads what [`Self::save`] wrote, of n pairs.
    ///
    /// # Errors
    /// If a part is missing or has another length.
    pub fn restore(from: &Reader, name: &str, n: usize) -> Result<Self> {
        let from = from.within(name);
        Ok(Self { hi: from.vector("hi", n)?, lo: from.vector("lo", n)? })
    }

    /// The values, rounded to f64.
    pub fn hi(&self) -> &[f64] {
        &self.hi
    }

    /// What rounding left out.
    pub fn lo(&self) -> &[f64] {
        &self.lo
    }

    /// Both parts, for a kernel that adds to them.
    pub fn parts_mut(&mut self) -> Pair<'_> {
        Pair { hi: &mut self.hi, lo: &mut self.lo }
    }

    /// `self += x`.
    pub fn add(&mut self, x: &[f64]) {
        assert_eq!(x.len(), self.hi.len(), "vectors of one length");
        for ((hi, lo), x) in self.hi.iter_mut().zip(&mut self.lo).zip(x) {
            (*hi, *lo) = add((*hi, *lo), *x);
        }
    }

    /// `self += s·x` for a pair s, with the rounding errors of the products.
    pub fn add_scaled(&mut self, s: (f64, f64), x: &[f64]) {
        assert_eq!(x.len(), self.hi.len(), "vectors of one length");
        Isa::current().dispatch(AddScaled { s, x, sum: self });
    }

    /// One vector after the other.
    pub fn joined<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.hi.extend(&part.hi);
            all.lo.extend(&part.lo);
        }
        all
    }

    /// `self[k] += x`.
    pub fn add_at(&mut self, k: usize, x: f64) {
        (self.hi[k], self.lo[k]) = add((self.hi[k], self.lo[k]), x);
    }

    /// Sets value k to the pair `hi + lo`.
    pub fn set(&mut self, k: usize, (hi, lo): (f64, f64)) {
        (self.hi[k], self.lo[k]) = (hi, lo);
    }

    /// Sets all values to zero.
    pub fn clear(&mut self) {
        self.hi.fill(0.0);
        self.lo.fill(0.0);
    }
}

struct AddScaled<'a> {
    s: (f64, f64),
    x: &'a [f64],
    sum: &'a mut Compensated,
}

impl WithSimd for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { s, x, sum } = self;
        for k in 0..x.len().min(sum.hi.len()).min(sum.lo.len()) {
            (sum.hi[k], sum.lo[k]) = add_product((sum.hi[k], sum.lo[k]), s, x[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_increments_are_kept() {
        let mut sum = Compensated::new(vec![1.0]);
        (0..1 << 20).for_each(|_| sum.add(&[2f64.powi(-80)]));
        assert_eq!((sum.hi()[0], sum.lo()[0]), (1.0, 2f64.powi(-60)));
    }

    #[test]
    fn dot_survives_cancellation() {
        let terms = [(1e10, 1e10), (1.0, 1.0), (-1e10, 1e10)];
        assert_eq!(dot(terms.into_iter()).0, 1.0);
    }
}
