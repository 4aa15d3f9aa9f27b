//! What is told of the way.

use super::Voyage;
use crate::engine::{Diary, EngineKind, Hold, Precision, Remark, Segment};
use crate::rounding::{AnchorJudge, Rounding};

/// A claim of so many times the tolerance is called void.
const VOID: f64 = 10.0;

impl Voyage {
    /// Notes a stretch up to the present t.
    pub(super) fn note_stretch(&mut self, from: f64, steps_taken: u64, seconds: f64) {
        if self.state.t() == from {
            self.idle += seconds;
            return;
        }
        let seconds = seconds + std::mem::take(&mut self.idle);
        let error_estimate = match (self.kind, self.mode.settled()) {
            (EngineKind::Warp, Some(settled)) => self.warp.error_estimate(settled),
            (EngineKind::Sliding | EngineKind::Flow, _) => self.averaging,
            _ => 0.0,
        };
        let stretch = self.stretch(self.kind, self.state.t(), steps_taken, error_estimate);
        self.travelled.travel(Segment { from, seconds, ..stretch });
    }

    /// A stretch from the present t.
    pub(super) fn stretch(&self, engine: EngineKind, to: f64, steps_taken: u64, error_estimate: f64) -> Segment {
        let mixed = self.options.mixed && engine == EngineKind::Gram && self.escalated.is_none_or(|t| t >= to);
        let precision = if mixed { Precision::Mixed } else { Precision::F64 };
        Segment { engine, precision, from: self.state.t(), to, steps_taken, seconds: self.idle, error_estimate }
    }

    /// The diary at the t that is shown.
    pub(super) fn write_up(&mut self) {
        let mut diary = self.travelled.clone();
        let (view, state) = (self.view.as_ref(), self.coefficients());
        view.and_then(|view| view.stretch).into_iter().for_each(|stretch| diary.travel(stretch));
        let stepped = if self.mode.sliding().is_some() { 0.0 } else { state.t() };
        let chatter = view.and_then(|view| view.chatter.as_ref()).unwrap_or(&self.chatter);
        diary.flips = state.flips();
        diary.decades = chatter.decades(stepped);
        diary.rounding = self.seen_rounding(view.map_or(&self.judge, |view| &view.judge), state.t());
        diary.remark = self.present_remark();
        self.diary = diary;
    }

    /// The diary at the voyage's own t.
    pub(super) fn own_diary(&self) -> Diary {
        let (flips, rounding) = (self.state.flips(), self.seen_rounding(&self.judge, self.state.t()));
        Diary { flips, rounding, ..self.travelled.clone() }
    }

    fn seen_rounding(&self, judge: &AnchorJudge, t: f64) -> Option<Rounding> {
        let mut rounding = Rounding { escalated: self.escalated, ..Rounding::default() };
        rounding.judged(judge, t);
        if judge.anchors > 0 {
            rounding.drifted(judge.drift);
        }
        self.options.mixed.then_some(rounding)
    }

    /// Whether averages claim an error so large that they claim nothing.
    pub(super) fn void(&self, claim: f64) -> bool {
        self.options.sliding > 0.0 && claim > VOID * self.options.sliding
    }

    /// Why the descent is not as fast, or not as exact, as was asked for.
    pub(super) fn present_remark(&self) -> Option<Remark> {
        let held = || self.hold().filter(|hold| *hold != Hold::Off).map(Remark::Held);
        if self.stuck {
            return Some(Remark::Undetermined);
        }
        let view = self.view.as_ref();
        let (judge, error) = view.map_or((&self.judge, self.averaging), |view| (&view.judge, view.averaging));
        let void = || self.void(error).then_some(Remark::Void { error });
        self.seen_rounding(judge, self.coefficients().t()).as_ref().and_then(Remark::of).or_else(void).or_else(held)
    }
}
