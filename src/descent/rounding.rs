//! What is seen of the rounding of a descent whose products are not in f64.
//!
//! *Drift* is the error of the running margins against those of the same W in f64,
//! `max_i Σ_j |a_j| |Δz_ij| ≥ max_i |Δq_i|`: differences of numbers of size q, each computed with an error of
//! about `d u ‖x‖‖W‖`, u the roundoff of f64, so a drift is known to about 1e-12.
//!
//! *Lost updates* are weights that a step leaves as they were although their update is not 0: it is below half
//! a unit in the last place. In f32, with 24 bits, a weight of size `λ log t` and an update of size `λ/t`, that
//! begins near `t log t = 2²⁴`; from there W, and with it the loss, stands still while exact GD goes on.

use super::fused::{Fused, Watch};
use crate::matrix::Matrix;

/// Growth of t between two looks at lost updates.
const GROWTH: f64 = 1.125;

/// The rounding of a descent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rounding {
    /// Drift of the margins at the present t, where it is known.
    pub drift: Option<f64>,
    /// The largest drift found at any anchor, or at any t that was looked at.
    pub largest_drift: f64,
    /// Times that the running margins were replaced by those of W in f64.
    pub anchors: u64,
    /// Steps from the last anchor to the next; 0 where there are none.
    pub interval: u64,
    /// Wall-clock seconds spent in anchors.
    pub anchor_seconds: f64,
    /// Fraction of the weights whose update was lost at the last look.
    pub lost: f64,
    /// The first t at which a lost update was seen.
    pub first_lost: Option<f64>,
    /// The first t at which half of them were seen lost.
    pub half_lost: Option<f64>,
    /// The t at which the steps went over to f64, because the drift passed its bound.
    pub escalated: Option<f64>,
}

impl Rounding {
    /// Takes note of what mixed steps have seen by step t.
    pub fn watched(&mut self, watch: &Watch, t: f64) {
        (self.anchors, self.interval, self.anchor_seconds) = (watch.anchors, watch.interval, watch.seconds);
        self.largest_drift = larger(self.largest_drift, watch.largest);
        self.lose(watch.lost, t);
    }

    /// Takes note of a drift.
    pub fn drifted(&mut self, drift: f64) {
        self.drift = Some(drift);
        self.largest_drift = larger(self.largest_drift, drift);
    }

    /// Takes note of a fraction of lost updates at step t.
    pub fn lose(&mut self, fraction: f64, t: f64) {
        self.lost = fraction;
        if fraction > 0.0 {
            self.first_lost.get_or_insert(t);
        }
        if fraction >= 0.5 {
            self.half_lost.get_or_insert(t);
        }
    }

    /// Why this descent is not, or no longer, what was asked for.
    pub fn remark(&self) -> Option<String> {
        if let Some(t) = self.escalated {
            let drift = self.largest_drift;
            return Some(format!("f64 from t = {t}: in mixed precision the margins drifted by {drift:.1e}"));
        }
        let t = self.first_lost?;
        let half = self.half_lost.map(|t| format!(", half of them from t = {t} on")).unwrap_or_default();
        Some(format!("updates are lost in rounding, the first at t = {t}{half}"))
    }
}

/// The larger; a number that is none counts as the largest.
fn larger(a: f64, b: f64) -> f64 {
    if b <= a { a } else { b }
}

/// Looks for lost updates at t = 1, 2, 3, … and, from 9 on, at t that grow by an eighth.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    next: u64,
    seen: Vec<bool>, // columns of X that are not all zero
}

impl Looks {
    /// On samples X (n×d).
    pub fn new(x: &Matrix) -> Self {
        let mut seen = vec![false; x.cols()];
        for i in 0..x.rows() {
            seen.iter_mut().zip(x.row(i)).for_each(|(seen, x)| *seen |= *x != 0.0);
        }
        Self { next: 1, seen }
    }

    /// W before step t, if that step is to be looked at.
    pub fn before(&mut self, fused: &Fused, t: u64) -> Option<Matrix> {
        if t < self.next {
            return None;
        }
        self.next = ((t as f64 * GROWTH) as u64).max(t + 1);
        Some(fused.weights())
    }

    /// The fraction of weights with an update that has changed nothing.
    pub fn lost(&self, before: &Matrix, after: &Matrix) -> f64 {
        let d = self.seen.len();
        let updates = self.seen.iter().filter(|seen| **seen).count() * before.rows();
        let pairs = before.values().iter().zip(after.values()).enumerate();
        let lost = pairs.filter(|(at, (a, b))| a == b && self.seen[at % d]).count();
        lost as f64 / updates.max(1) as f64
    }
}
