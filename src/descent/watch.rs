//! What mixed steps see of their own rounding, and when they anchor next.
//!
//! The error of Z since the last anchor is relative to how far Z has moved
//! ([`farfield_kernels::mixed`]), and margins move like log t. So intervals that grow in proportion to t
//! keep the error constant, and anchors become rare: intervals grow by 2, or by 4 while the drift is far below
//! its bound, up to a cap.
//!
//! An anchor computes Z from W in f64 and compares. The *drift* is
//!
//! ```text
//! max_i Σ_j |a_j| |z_ij(anchored) − z_ij(running)|  ≥  max_i |q_i(anchored) − q_i(running)|
//! ```
//!
//! an error of margins, and so the relative error of the losses that the steps before it used. A drift
//! above [`ALLOWED`] shortens the interval. Twice in a row in intervals as short as anchors may be, and
//! mixed steps have failed: the descent must go on in f64. (Once is what a leap of the first steps can do.)

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

/// Numbers in [`Watch::memory`].
pub const WATCH: usize = 7;

/// The rounding of a mixed descent so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
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
    /// Wall-clock seconds spent in anchors on X; not part of the memory.
    pub seconds: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
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
        self.largest = if drift <= self.largest { self.largest } else { drift };
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

    /// All of it, as numbers.
    pub fn memory(&self) -> [f64; WATCH] {
        let failed = if self.failed { 1.0 } else { 0.0 };
        [
            self.anchors as f64,
            self.interval as f64,
            self.drift,
            self.largest,
            self.lost,
            f64::from(self.strikes),
            failed,
        ]
    }

    /// Takes back what [`Self::memory`] returned.
    ///
    /// # Panics
    /// If there are fewer than [`WATCH`] numbers.
    pub fn remember(memory: &[f64]) -> Self {
        Self {
            anchors: memory[0] as u64,
            interval: memory[1] as u64,
            drift: memory[2],
            largest: memory[3],
            lost: memory[4],
            strikes: memory[5] as u32,
            failed: memory[6] == 1.0,
            seconds: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_while_the_drift_is_small() {
        let mut watch = Watch::new();
        (0..20).for_each(|_| watch.judge(watch.interval, 1e-8, 0.0));
        assert_eq!((watch.interval, watch.anchors, watch.failed), (LONGEST, 20, false));
        watch.judge(watch.interval - 1, 1e-8, 0.0);
        let mut early = Watch::new();
        early.judge(FIRST - 1, 1e-8, 0.0);
        assert_eq!(early.interval, FIRST, "an interval that was cut short proves nothing");
    }

    #[test]
    fn a_large_drift_shortens_and_then_fails() {
        for drift in [2.0 * ALLOWED, f64::NAN, f64::INFINITY] {
            let mut watch = Watch::new();
            (0..2).for_each(|_| watch.judge(watch.interval, 1e-8, 0.0));
            watch.judge(watch.interval, drift, 0.0);
            assert_eq!((watch.interval, watch.failed), (SHORT, false), "shortened");
            watch.judge(watch.interval, drift, 0.0);
            assert!(!watch.failed, "once is forgiven");
            let mut calm = watch;
            calm.judge(calm.interval, 0.5 * ALLOWED, 0.0);
            calm.judge(calm.interval, drift, 0.0);
            assert!(!calm.failed, "not in a row");
            watch.judge(watch.interval, drift, 0.0);
            assert!(watch.failed);
            assert_eq!(Watch::remember(&watch.memory()).memory()[5..], [2.0, 1.0]);
        }
    }
}
