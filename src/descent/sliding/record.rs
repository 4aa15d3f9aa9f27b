//! A record of the averaged iterate, from which it goes on in the same bits.

use super::Sliding;
use super::distance::Distance;
use super::mode::{Mode, Place};
use super::ripple::Ripple;
use crate::descent::compensated::Compensated;
use crate::descent::gram::Coefficients;
use crate::engine::Flips;

/// Numbers in front of the vectors.
const HEAD: usize = 10;

impl Sliding {
    /// Length of a record for n samples and m neurons.
    pub fn record_length(n: usize, m: usize) -> usize {
        HEAD + 6 * n + n * m
    }

    /// Everything that later steps depend on but C and Z.
    pub fn memory(&self) -> Vec<f64> {
        let place = |p: &Place| match p {
            Place::Below => -1.0,
            Place::Kink => 0.0,
            Place::Above => 1.0,
        };
        let (d, r) = (&self.distance, &self.ripple);
        let mut memory = vec![self.t, self.u.0, self.u.1, self.length, self.flips.count as f64, self.flips.last];
        memory.extend([self.emptied, d.bound, d.disagreement, d.since]);
        for vector in [&r.mean, &r.size, &r.doubt, &d.weights, self.q.hi(), self.q.lo()] {
            memory.extend(vector);
        }
        memory.extend(self.mode.places.iter().map(place));
        memory
    }

    /// From what [`Sliding::memory`] returned and the iterate of that moment.
    pub fn restore(state: &Coefficients, memory: &[f64]) -> Option<Self> {
        let n = state.problem().n();
        let (head, rest) = memory.split_at_checked(HEAD)?;
        let (vectors, places) = rest.split_at_checked(6 * n)?;
        let place = |p: &f64| match *p {
            -1.0 => Place::Below,
            0.0 => Place::Kink,
            _ => Place::Above,
        };
        let mode = Mode::new(state.problem(), places.iter().map(place).collect())?;
        let (c, z) = (state.coefficients().clone(), state.compensated_preactivations().clone());
        let part = |k: usize| vectors[k * n..(k + 1) * n].to_vec();
        let ripple = Ripple { mean: part(0), size: part(1), doubt: part(2) };
        let distance = Distance { bound: head[7], disagreement: head[8], since: head[9], weights: part(3) };
        let flips = Flips { count: head[4] as u64, last: head[5] };
        let mut sliding = Self::assemble(c, z, mode, ripple, distance, flips);
        (sliding.t, sliding.u, sliding.length, sliding.emptied) = (head[0], (head[1], head[2]), head[3], head[6]);
        sliding.q = Compensated::from_parts(part(4), part(5));
        Some(sliding)
    }
}
