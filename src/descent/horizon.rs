//! The engine for long horizons: it owns the iterate in the span of the data, and hands it from one
//! way of travelling to the next.
//!
//! ```text
//!              8 steps without a flip           the flow is exact to tolerance
//! general step ───────────────────────▶ settled ─────────────────────────────▶ warp
//!      ▲                                │     ▲                                  │
//!      └───────────── a flip ───────────┘     └───── a pre-activation nears 0 ───┘
//! ```
//!
//! Neurons that chatter, crossing the kinks of some samples every few steps, are counted
//! ([`super::sliding::chatter`]). Where sliding explains what they do, and averages are exact enough, the
//! averaged iterate goes on in place of the steps ([`super::sliding`]), until nothing slides any more.
//!
//! *When warp waits.* It needs a settled pattern; a field whose neglected terms stay below the
//! tolerance for ever; at least 64 steps to go; and patience: 64 steps since the last flip or the last
//! event, twice as many after each stretch that gained less than 16 times its patience. So neurons
//! that chatter are stepped, and an isolated late flip costs a few dozen exact steps.
//!
//! Beyond 2⁵³ steps cannot be told apart. There the flow itself carries the iterate over an isolated flip
//! within 10⁻¹¹ of its log t; neurons that chatter there slide after a few crossings.

mod averages;
mod options;
mod record;

use super::gram::{Coefficients, Problem};
use super::settled::Settled;
use super::sliding::Sliding;
use super::sliding::chatter::Chatter;
use super::warp::{SHORTEST, Warp};
use crate::engine::{
    Diary, Engine, EngineKind, Flips, Hold, Iterate, Precision, Progress, Reached, Remark, Segment, Stop,
};
use crate::number::COUNTABLE;
use crate::rounding::{AnchorJudge, Rounding};
pub use options::Options;
use record::Snapshot;
use std::sync::Arc;
use std::time::Instant;

/// Steps without a flip after which the reduced problem is built: it costs about two general steps.
const QUIET: f64 = 8.0;

/// A warp stretch that covers this multiple of its patience has paid for itself.
const PAID: f64 = 16.0;

/// Most patience where chatter is watched: what keeps crossing is left to averages.
const WATCHED: f64 = 1024.0;

/// Most patience where it is not.
const UNWATCHED: f64 = 1048576.0;

/// Growth of t between two looks at whether the flow is exact enough.
const RECHECK: f64 = 1.0 / 16.0;

/// Relative growth of t that counts as progress between two crossings.
const PROGRESS: f64 = 1e-9;

/// Crossings without progress, beyond 2⁵³, after which neurons are said to chatter.
const CROSSINGS: u32 = 8;

/// Gradient descent in the span of the data.
#[derive(Debug)]
pub struct Horizon {
    options: Options,
    state: Coefficients,
    settled: Option<Settled>,
    warp: Warp,
    hold: Hold,
    noted: Option<Hold>, // what progress displays were told
    engine: EngineKind,
    attempt: f64,  // no warp before this t
    patience: f64, // steps after an event until the next attempt
    crossings: u32,
    takeoff: Option<f64>, // where the present flight of the warp began
    chatter: Chatter,
    smooth: f64, // no averages before this t
    sliding: Option<Box<Sliding>>,
    averaging: f64,     // the error that the averages claim
    judge: AnchorJudge, // of mixed steps
    escalated: Option<f64>,
    diary: Diary,
    progress: Progress,
    snapshot: Option<Snapshot>,
}

impl Horizon {
    /// Takes over at step `t` from an iterate W(t), the problem's starting point, with `flips` behind it.
    pub fn new(problem: Arc<Problem>, t: f64, flips: Flips, options: Options) -> Self {
        Self::from_state(Coefficients::new(problem, t, flips), options)
    }

    fn from_state(state: Coefficients, options: Options) -> Self {
        let warp = Warp::new(state.problem().n());
        let hold = if options.warp { Hold::Flips } else { Hold::Off };
        let mut horizon = Self {
            options,
            chatter: Chatter::new(&state),
            smooth: 0.0,
            sliding: None,
            averaging: 0.0,
            judge: AnchorJudge::new(),
            escalated: None,
            state,
            settled: None,
            warp,
            hold,
            noted: None,
            engine: EngineKind::Gram,
            attempt: 0.0,
            patience: SHORTEST,
            crossings: 0,
            takeoff: None,
            diary: Diary::default(),
            progress: Progress::default(),
            snapshot: None,
        };
        horizon.write_up();
        horizon
    }

    /// Why steps are taken one by one; None while warp is at work.
    pub fn hold(&self) -> Option<Hold> {
        (self.engine == EngineKind::Gram).then_some(self.hold)
    }

    /// The iterate in the span of the data; up to date whenever [`Engine::advance`] has reached its target.
    pub fn coefficients(&self) -> &Coefficients {
        &self.state
    }

    /// The averaged iterate, while neurons slide.
    pub fn sliding(&self) -> Option<&Sliding> {
        self.sliding.as_deref()
    }

    /// One stretch: some steps of one kind, or one flight of the warp. None: go on.
    fn travel(&mut self, target: f64, stop: &Stop) -> Option<Reached> {
        let (t, start) = (self.state.t(), Instant::now());
        let mut steps = 0;
        let countable = t < COUNTABLE;
        self.engine = EngineKind::Gram;
        if self.sliding.is_none() && countable {
            steps = self.weigh_chatter(target);
        }
        let left = if self.sliding.is_some() {
            if steps > 0 {
                self.book(t, steps, start.elapsed().as_secs_f64());
                return None;
            }
            self.engine = EngineKind::Sliding;
            self.slide(target, stop)
        } else if steps > 0 {
            Reached::Target
        } else if self.settled.is_none() && countable {
            steps = 1;
            self.general_step()
        } else if self.warps(target) {
            self.engine = EngineKind::Warp;
            self.fly(target, stop)
        } else if countable {
            let left;
            (steps, left) = self.march(target, stop);
            left
        } else {
            return Some(Reached::Event);
        };
        if self.sliding.is_none() {
            self.chatter.observe(&self.state);
        }
        self.book(t, steps, start.elapsed().as_secs_f64());
        match left {
            Reached::Target | Reached::Event => None,
            Reached::Flip if self.engine == EngineKind::Sliding => None,
            Reached::Flip => {
                self.flipped();
                None
            }
            Reached::Diverged => Some(Reached::Diverged),
            Reached::Interrupted => Some(Reached::Interrupted),
        }
    }

    fn general_step(&mut self) -> Reached {
        if !self.state.step() || !self.state.finite() {
            return Reached::Diverged;
        }
        if self.state.t() - self.state.flips().last >= QUIET {
            self.settled = Some(self.settle());
        }
        Reached::Target
    }

    /// The reduced problem of the present pattern.
    fn settle(&self) -> Settled {
        let settled = Settled::new(&self.state);
        if self.options.mixed { settled.mixed(&self.state, self.judge) } else { settled }
    }

    /// Exact steps in the present pattern, up to the target or to the next attempt at warp.
    fn march(&mut self, target: f64, stop: &Stop) -> (u64, Reached) {
        let until = if self.options.warp { target.min(self.attempt.max(self.state.t() + 1.0)) } else { target };
        let steps = (until.min(COUNTABLE) - self.state.t()).ceil() as u64;
        let settled = self.settled.as_mut().expect("a settled pattern");
        let ended = settled.advance(&mut self.state, steps, stop, &self.progress);
        self.note_rounding();
        ended
    }

    /// Takes note of what mixed steps have seen of their rounding.
    fn note_rounding(&mut self) {
        let Some(judge) = self.settled.as_ref().and_then(Settled::rounding) else { return };
        self.judge = judge;
        if judge.failed {
            self.escalated.get_or_insert(self.state.t());
        }
    }

    /// Whether to warp now; if not, says why and when to ask again.
    fn warps(&mut self, target: f64) -> bool {
        let t = self.state.t();
        if self.takeoff.is_some() {
            return true;
        }
        if !self.options.warp || t < self.attempt || target - t < SHORTEST {
            return false;
        }
        if self.settled.is_none() {
            self.settled = Some(self.settle());
        }
        let settled = self.settled.as_ref().expect("just built");
        if !self.warp.ready(&self.state, settled, self.options.tolerance) {
            self.hold = Hold::Early;
            self.attempt = (t + (t * RECHECK).max(SHORTEST)).ceil();
            return false;
        }
        true
    }

    /// A flight of the warp, from a state with nothing pending to one with nothing pending. An
    /// interrupted flight is the same flight when it goes on.
    fn fly(&mut self, target: f64, stop: &Stop) -> Reached {
        let settled = self.settled.as_mut().expect("a settled pattern");
        let from = *self.takeoff.get_or_insert(self.state.t());
        if settled.pending() {
            settled.sync(&mut self.state, from);
        }
        let left = self.warp.advance(&mut self.state, settled, target, stop, &self.progress);
        settled.watch(&self.state);
        if left == Reached::Interrupted {
            return left;
        }
        self.takeoff = None;
        if self.state.t() > from * (1.0 + PROGRESS) {
            self.crossings = 0;
        }
        if left == Reached::Event { self.near(from) } else { left }
    }

    /// What follows when a pre-activation nears zero: exact steps, or the crossing of a flip by flow.
    fn near(&mut self, from: f64) -> Reached {
        let t = self.state.t();
        self.hold = Hold::Near;
        let most = if self.options.sliding > 0.0 { WATCHED } else { UNWATCHED };
        self.patience = if t - from < PAID * self.patience { (2.0 * self.patience).min(most) } else { SHORTEST };
        self.attempt = t + self.patience;
        if t < COUNTABLE {
            return Reached::Event;
        }
        self.crossings += 1;
        if self.crossings > CROSSINGS && self.slide_at_once() {
            return Reached::Event;
        }
        self.attempt = if self.crossings > 2 * CROSSINGS { f64::INFINITY } else { t };
        let settled = self.settled.as_mut().expect("a settled pattern");
        self.warp.cross(&mut self.state, settled)
    }

    /// The reduced problem is void; warp waits.
    fn flipped(&mut self) {
        self.settled = None;
        if self.state.t() < COUNTABLE {
            self.attempt = self.state.t() + self.patience;
            self.hold = if self.options.warp { Hold::Flips } else { Hold::Off };
        }
    }

    /// Brings C and Z up to date at a requested t.
    fn land(&mut self) {
        let Some(settled) = &mut self.settled else { return };
        let t = self.state.t();
        if settled.pending() && settled.sync(&mut self.state, t) > 0 {
            self.flipped();
        } else {
            settled.watch(&self.state);
        }
        self.note_rounding();
    }

    /// Books a stretch.
    fn book(&mut self, from: f64, steps_taken: u64, seconds: f64) {
        let (engine, to) = (self.engine, self.state.t());
        let mixed = self.options.mixed && engine == EngineKind::Gram && self.escalated.is_none_or(|t| t >= to);
        let precision = if mixed { Precision::Mixed } else { Precision::F64 };
        if to == from {
            return;
        }
        let error_estimate = match &self.settled {
            Some(settled) if engine == EngineKind::Warp => self.warp.error_estimate(settled),
            _ if engine == EngineKind::Sliding => self.averaging,
            _ => 0.0,
        };
        self.diary.travel(Segment { engine, precision, from, to, steps_taken, seconds, error_estimate });
    }

    /// The diary at the present t.
    fn write_up(&mut self) {
        let (rounding, remark) = (self.seen_rounding(), self.present_remark());
        let stepped = if self.sliding.is_some() { 0.0 } else { self.state.t() };
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

    fn present_remark(&self) -> Option<Remark> {
        let held = || self.hold().filter(|hold| *hold != Hold::Off).map(Remark::Held);
        self.seen_rounding().and_then(|rounding| rounding.remark()).or_else(held)
    }

    /// [`Engine::advance`], without the diary.
    fn go(&mut self, target: f64, stop: &Stop) -> Reached {
        while self.state.t() < target {
            if stop.raised() {
                return Reached::Interrupted;
            }
            if let Some(reached) = self.travel(target, stop) {
                return reached;
            }
            self.progress.note(self.state.t());
            if self.hold() != self.noted {
                self.noted = self.hold();
                self.progress.explain(self.present_remark());
            }
        }
        self.land();
        Reached::Target
    }
}

impl Engine for Horizon {
    fn kind(&self) -> EngineKind {
        self.engine
    }

    fn t(&self) -> f64 {
        self.state.t()
    }

    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        self.snapshot = None;
        let reached = self.go(target, stop);
        self.write_up();
        self.progress.note(self.state.t());
        reached
    }

    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn scaled_losses(&mut self) -> Option<Vec<f64>> {
        if let Some(sliding) = &mut self.sliding {
            return Some(sliding.scaled_losses(self.state.problem()));
        }
        let fresh;
        let settled = match &self.settled {
            Some(settled) => settled,
            None => {
                fresh = Settled::new(&self.state);
                &fresh
            }
        };
        Some(self.warp.scaled_losses(&self.state, settled))
    }

    fn iterate(&mut self) -> &dyn Iterate {
        let mut state = self.state.clone();
        if let Some(settled) = self.settled.as_ref().filter(|settled| settled.pending()) {
            let t = state.t();
            settled.clone().sync(&mut state, t);
        }
        let slopes = self.sliding.as_mut().map(|sliding| sliding.slopes(state.problem()));
        let record = self.complete_state();
        self.snapshot.insert(Snapshot { state, slopes, record })
    }
}
