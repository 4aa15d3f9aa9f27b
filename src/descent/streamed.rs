//! The settled step with H in f32: half the bytes and twice the lanes of f64.
//!
//! ```text
//! steps:    q ← q + b⁻¹ H₃₂ fl₃₂(b s),   S ← S + s       q and S in f64, b a power of two near 1/αc
//! anchor:   q ← q(t₀) + H (S − S(t₀))                      in f64, t₀ the last time that S was handed over
//! ```
//!
//! Since t₀ q is off by at most `(n + 2) 2⁻²⁴ Σ_k |H_ik| S_k` ([`farfield_kernels::settled`]); anchors measure it
//! and end it ([`crate::rounding`]).

use super::compensated::Compensated;
use super::symmetric::{Symmetric, Threads};
use crate::matrix::Matrix;
use crate::number::larger;
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver};
use farfield_kernels::loss::Loss;
use farfield_kernels::settled::{PackedSymmetric, Space};
use std::sync::Arc;

/// H in f32, and what an anchor needs.
#[derive(Clone, Debug)]
pub struct Streamed {
    h: Arc<PackedSymmetric<f32>>,
    scale: f64,
    space: Space<f32>,
    base: Compensated, // q(t₀)
    since: u64,
    judge: AnchorJudge,
}

impl Streamed {
    /// For `h` (n×n, symmetric) and `rate = αc`, from margins `q`.
    pub fn new(h: &Matrix, rate: f64, q: &Compensated, judge: AnchorJudge) -> Self {
        let n = h.rows();
        let scale = libm::scalbn(1.0, -libm::ilogb(rate).clamp(-1000, 1000));
        let h = Arc::new(PackedSymmetric::pack(h.values(), n));
        Self { h, scale, space: Space::new(n), base: q.clone(), since: 0, judge }
    }

    /// What the steps have seen of their rounding.
    pub fn judge(&self) -> AnchorJudge {
        self.judge
    }

    /// Whether it is time for an anchor.
    pub fn due(&self) -> bool {
        self.since >= self.judge.interval
    }

    /// One step; whether `S ≤ limit` still holds.
    pub fn advance(
        &mut self,
        (loss, rate): (Loss, f64),
        q: &mut Compensated,
        sums: &mut Compensated,
        limit: &[f64],
    ) -> bool {
        self.since += 1;
        let law = (loss, rate, self.scale);
        self.h.advance_mixed(law, q.parts_mut(), sums.parts_mut(), limit, &mut self.space, &Threads)
    }

    /// Sets `q = q(t₀) + H·sums`, the sums since t₀, and takes note of how far it was off.
    pub fn anchor(&mut self, h: &Symmetric, q: &mut Compensated, sums: &Compensated) {
        if self.since == 0 {
            return;
        }
        let mut change = vec![0.0; sums.hi().len()];
        h.multiply(sums.hi(), &mut change);
        let mut exact = self.base.clone();
        exact.add(&change);
        let off = |(a, b): (&f64, &f64)| (a - b).abs();
        self.judge.judge(self.since, exact.hi().iter().zip(q.hi()).map(off).fold(0.0, larger), 0.0);
        *q = exact;
        self.since = 0;
    }

    /// S is handed over: the present margins are the new q(t₀).
    pub fn hand_over(&mut self, q: &Compensated) {
        self.base = q.clone();
    }

    /// Writes `q(t₀)` and the steps since the anchor.
    pub fn save(&self, out: &mut Saver) {
        self.base.save(out, "base");
        out.count("since", self.since);
    }

    /// Takes back what [`Self::save`] wrote.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(&mut self, from: &Reader) -> Result<()> {
        self.base = Compensated::restore(from, "base", self.base.hi().len())?;
        self.since = from.count("since")?;
        Ok(())
    }
}
