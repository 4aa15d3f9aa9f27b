//! What is seen of the rounding of a descent whose products are not in f64.
//!
//! *Drift* is the error of the running margins against those of the same W in f64,
//! `max_i Σ_j |a_j| |Δz_ij| ≥ max_i |Δq_i|`: differences of numbers of size q, each computed with an error of
//! about `d u ‖x‖‖W‖`, u the roundoff of f64, so a drift is known to about 1e-12.
//!
//! *Lost updates* (stagnation) are weights that a step leaves as they were although their update is not 0: it is
//! below half a unit in the last place. In f32, with 24 bits, a weight of size `λ log t` and an update of size `λ/t`, that
//! begins near `t log t = 2²⁴`; from there W, and with it the loss, stands still while exact GD goes on.
//!
//! *Anchors* (residual replacement) are steps of mixed precision at which the running Z is replaced by that of W in
//! f64. The error of Z since the last one is relative to how far Z has moved ([`farfield_kernels::mixed`]), and
//! margins move like log t. So intervals that grow in proportion to t keep the error constant, and anchors become
//! rare: intervals grow by 2, or by 4 while the drift is far below its bound, up to a cap. The drift that an anchor
//! finds is an error of margins, and so the relative error of the losses that the steps before it used. A drift
//! above [`ALLOWED`] shortens the interval. Twice in a row in intervals as short as anchors may be, and
//! mixed steps have failed: the descent must go on in f64. (Once is what a leap of the first steps can do.)

use crate::number::larger;
use crate::real;
use crate::state::{Reader, Result, Saver};
use serde::{Deserialize, Serialize};

/// Steps before the first anchor: margins move fastest at the start.
const FIRST: u64 = 8;
/// Intervals that are short: below, anchors cost more than a tenth of the steps.
const SHORT: u64 = 32;
/// The longest: by then anchors cost nothing any more.
const LONGEST: u64 = 1 << 16;
/// A drift that is allowed: with margins off by this much, losses and dual weights are by as much.
pub const ALLOWED: f64 = 1e-6;
/// Drifts in a row that mean failure.
const STRIKES: u32 = 2;

/// The rounding of a descent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rounding {
    /// Drift of the margins at the present t, where it is known.
    #[serde(with = "real::maybe")]
    pub drift: Option<f64>,
    /// The largest drift found at any anchor, or at any t that was looked at.
    #[serde(with = "real")]
    pub largest_drift: f64,
    /// Times that the running margins were replaced by those of W in f64.
    pub anchors: u64,
    /// Steps from the last anchor to the next; 0 where there are none.
    pub interval: u64,
    /// Wall-clock seconds spent in anchors.
    #[serde(with = "real")]
    pub anchor_seconds: f64,
    /// Fraction of the weights whose update was lost at the last look.
    #[serde(with = "real")]
    pub lost: f64,
    /// The first t at which a lost update was seen.
    #[serde(with = "real::maybe")]
    pub first_lost: Option<f64>,
    /// The first t at which half of them were seen lost.
    #[serde(with = "real::maybe")]
    pub half_lost: Option<f64>,
    /// The t at which the steps went over to f64, because the drift passed its bound.
    #[serde(with = "real::maybe")]
    pub escalated: Option<f64>,
}

impl Rounding {
    /// Takes note of what the judge of the anchors has seen by step t.
    pub fn judged(&mut self, judge: &AnchorJudge, t: f64) {
        (self.anchors, self.interval, self.anchor_seconds) = (judge.anchors, judge.interval, judge.seconds);
        self.largest_drift = larger(self.largest_drift, judge.largest);
        self.lose(judge.lost, t);
    }

    /// Writes all of it, beside the path.
    pub fn save(&self, out: &mut Saver) {
        let mut out = out.beside();
        out.maybe("drift", self.drift);
        out.number("largest_drift", self.largest_drift);
        out.count("anchors", self.anchors);
        out.count("interval", self.interval);
        out.number("anchor_seconds", self.anchor_seconds);
        out.number("lost", self.lost);
        out.maybe("first_lost", self.first_lost);
        out.maybe("half_lost", self.half_lost);
        out.maybe("escalated", self.escalated);
    }

    /// Reads what [`Self::save`] wrote.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader) -> Result<Self> {
        Ok(Self {
            drift: from.maybe("drift")?,
            largest_drift: from.number("largest_drift", |_| false)?,
            anchors: from.count("anchors")?,
            interval: from.count("interval")?,
            anchor_seconds: from.number("anchor_seconds", |_| false)?,
            lost: from.number("lost", |_| false)?,
            first_lost: from.maybe("first_lost")?,
            half_lost: from.maybe("half_lost")?,
            escalated: from.maybe("escalated")?,
        })
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
}

/// The rounding of a mixed descent so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnchorJudge {
    /// Anchors behind it.
    pub anchors: u64,
    /// Steps from the last anchor to the next.
    pub interval: u64,
    /// The drift found by the last anchor.
    pub drift: f64,
    /// The largest drift.
    pub largest: f64,
    /// The fraction of weights (in f64) that did not change at the last anchor although their update was not 0.
    pub lost: f64,
    /// Drifts above the bound in a row, in short intervals.
    pub strikes: u32,
    /// Whether these were too many.
    pub failed: bool,
    /// Wall-clock seconds spent in anchors on X.
    pub seconds: f64,
}

impl Default for AnchorJudge {
    fn default() -> Self {
        Self::new()
    }
}

impl AnchorJudge {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self {
            anchors: 0,
            interval: FIRST,
            drift: 0.0,
            largest: 0.0,
            lost: 0.0,
            strikes: 0,
            failed: false,
            seconds: 0.0,
        }
    }

    /// Takes note of what an anchor found after some steps. A drift that is not a number is too large.
    pub fn judge(&mut self, steps: u64, drift: f64, lost: f64) {
        self.anchors += 1;
        self.largest = larger(self.largest, drift);
        (self.drift, self.lost) = (drift, lost);
        if drift <= ALLOWED {
            let whole = steps >= self.interval;
            let growth = match drift / ALLOWED {
                _ if !whole => 1,
                share if share <= 0.125 => 4,
                share if share <= 0.25 => 2,
                _ => 1,
            };
            self.interval = (self.interval * growth).min(LONGEST);
            self.strikes = 0;
        } else if self.interval <= SHORT {
            self.strikes += 1;
            self.failed |= self.strikes >= STRIKES;
        } else {
            self.interval = (self.interval / 4).max(SHORT);
        }
    }

    /// Writes all of it.
    pub fn save(&self, out: &mut Saver) {
        out.count("anchors", self.anchors);
        out.count("interval", self.interval);
        out.number("drift", self.drift);
        out.number("largest", self.largest);
        out.number("lost", self.lost);
        out.count("strikes", u64::from(self.strikes));
        out.flag("failed", self.failed);
        out.beside().number("seconds", self.seconds);
    }

    /// Reads what [`Self::save`] wrote.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader) -> Result<Self> {
        let interval = from.count("interval")?;
        if !(1..=LONGEST).contains(&interval) {
            return Err(from.wrong("interval", interval as f64));
        }
        Ok(Self {
            anchors: from.count("anchors")?,
            interval,
            drift: from.number("drift", |_| false)?,
            largest: from.number("largest", |_| false)?,
            lost: from.number("lost", |_| false)?,
            strikes: from.small_count("strikes")?,
            failed: from.flag("failed")?,
            seconds: from.number("seconds", |_| false)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_while_the_drift_is_small() {
        let mut judge = AnchorJudge::new();
        (0..20).for_each(|_| judge.judge(judge.interval, 1e-8, 0.0));
        assert_eq!((judge.interval, judge.anchors, judge.failed), (LONGEST, 20, false));
        judge.judge(judge.interval - 1, 1e-8, 0.0);
        let mut early = AnchorJudge::new();
        early.judge(FIRST - 1, 1e-8, 0.0);
        assert_eq!(early.interval, FIRST, "an interval that was cut short proves nothing");
    }

    #[test]
    fn a_large_drift_shortens_and_then_fails() {
        for drift in [2.0 * ALLOWED, f64::NAN, f64::INFINITY] {
            let mut judge = AnchorJudge::new();
            (0..2).for_each(|_| judge.judge(judge.interval, 1e-8, 0.0));
            judge.judge(judge.interval, drift, 0.0);
            assert_eq!((judge.interval, judge.failed), (SHORT, false), "shortened");
            judge.judge(judge.interval, drift, 0.0);
            assert!(!judge.failed, "once is forgiven");
            let mut calm = judge;
            calm.judge(calm.interval, 0.5 * ALLOWED, 0.0);
            calm.judge(calm.interval, drift, 0.0);
            assert!(!calm.failed, "not in a row");
            judge.judge(judge.interval, drift, 0.0);
            assert!(judge.failed);
        }
    }
}
