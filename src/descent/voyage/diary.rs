//! What is told of the way.

use super::Voyage;
use crate::engine::{EngineKind, Hold, Precision, Remark, Segment};
use crate::rounding::Rounding;

/// A claim of so many times the tolerance is called void.
const VOID: f64 = 10.0;

impl Voyage {
    /// Books a stretch.
    pub(super) fn book(&mut self, from: f64, steps_taken: u64, seconds: f64) {
        let (engine, to) = (self.kind, self.state.t());
        let mixed = self.options.mixed && engine == EngineKind::Gram && self.escalated.is_none_or(|t| t >= to);
        let precision = if mixed { Precision::Mixed } else { Precision::F64 };
        if to == from {
            return;
        }
        let error_estimate = match (engine, self.mode.settled()) {
            (EngineKind::Warp, Some(settled)) => self.warp.error_estimate(settled),
            (EngineKind::Sliding, _) => self.averaging,
            _ => 0.0,
        };
        self.diary.travel(Segment { engine, precision, from, to, steps_taken, seconds, error_estimate });
    }

    /// The diary at the present t.
    pub(super) fn write_up(&mut self) {
        let (rounding, remark) = (self.seen_rounding(), self.present_remark());
        let stepped = if self.mode.sliding().is_some() { 0.0 } else { self.state.t() };
        self.diary.flips = self.state.flips();
        self.diary.decades = self.chatter.decades(stepped);
        (self.diary.rounding, self.diary.remark) = (rounding, remark);
    }

    fn seen_rounding(&self) -> Option<Rounding> {
        let mut rounding = Rounding { escalated: self.escalated, ..Rounding::default() };
        rounding.judged(&self.judge, self.state.t());
        if self.judge.anchors > 0 {
            rounding.drifted(self.judge.drift);
        }
        self.options.mixed.then_some(rounding)
    }

    /// Whether the averages claim an error so large that they claim nothing.
    pub(super) fn void(&self) -> bool {
        self.options.sliding > 0.0 && self.averaging > VOID * self.options.sliding
    }

    /// Why the descent is not as fast, or not as exact, as was asked for.
    pub(super) fn present_remark(&self) -> Option<Remark> {
        let held = || self.hold().filter(|hold| *hold != Hold::Off).map(Remark::Held);
        let void = || self.void().then_some(Remark::Void { error: self.averaging });
        self.seen_rounding().as_ref().and_then(Remark::of).or_else(void).or_else(held)
    }
}
