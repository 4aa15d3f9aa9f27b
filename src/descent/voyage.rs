//! The engine for long horizons: it owns the iterate in the span of the data, and hands it from one
//! way of travelling to the next.
//!
//! ```text
//!              8 steps without a flip           sums are exact to tolerance
//! general step ───────────────────────▶ settled ─────────────────────────────▶ warp
//!      ▲                                │     ▲                                  │
//!      └───────────── a flip ───────────┘     └───── a pre-activation nears 0 ───┘
//! ```
//!
//! Neurons that chatter, crossing the kinks of some samples every few steps, are counted
//! ([`super::sliding::chatter`]). Where sliding explains what they do, and averages are exact enough, the
//! averaged iterate goes on in place of the steps ([`super::sliding`]), until nothing slides any more.
//!
//! *When warp waits.* It needs a settled pattern; a trail of steps in f64 that promises sums within the
//! tolerance ([`super::warp`]); and patience: 64 steps since the last flip or the last
//! event, twice as many after each stretch that gained less than 16 times its patience. So neurons
//! that chatter are stepped, and an isolated late flip costs a few dozen exact steps.
//!
//! *What is watched.* The voyage has its own way: a stretch ends where its accuracy, an event or a look of its own ends
//! it, never because an iterate is asked for. Where the next step of the flow or of the averages leads beyond what is asked
//! for, it waits, and what is shown is read off it (`view`); so its bits are the same however often it is watched, and
//! however far it is to go.
//!
//! *Gradient flow* has no steps: it is the mode of sliding from the beginning to the end, with nothing to average
//! ([`super::sliding`]).
//!
//! Beyond 2⁵³ steps cannot be told apart. There the flow itself carries the iterate over an isolated flip
//! within 10⁻¹¹ of its log t; neurons that chatter there slide after a few crossings.

mod averages;
mod contract;
mod diary;
mod flight;
mod mode;
mod options;
mod save;
mod scout;
mod view;

use super::anchored::{self, INTERVAL};
use super::choose::{price_of_leap, price_of_settling, price_on_k};
use super::settled::Settled;
use super::sliding::Sliding;
use super::sliding::chatter::Chatter;
use super::span::{Coefficients, SpanProblem};
use super::warp::{SHORTEST, Warp};
use crate::engine::{Diary, EngineKind, Flips, Hold, Progress, Reached, Stop};
use crate::number::COUNTABLE;
use crate::rounding::AnchorJudge;
use mode::Mode;
pub use options::Options;
use scout::Scout;
use std::sync::Arc;
use std::time::Instant;
use view::View;

/// Steps without a flip after which the reduced problem is built: it costs about two general steps.
const QUIET: f64 = 8.0;

/// A warp stretch that covers this multiple of its patience has paid for itself.
const PAID: f64 = 16.0;

/// Most patience where chatter is watched: what keeps crossing is left to averages.
const WATCHED: f64 = 1024.0;

/// Most patience where it is not.
const UNWATCHED: f64 = 1048576.0;

/// Growth of t between two looks at whether coefficients cancel.
const ANCHORS: f64 = 1.0 / 8.0;

/// Relative growth of t that counts as progress between two crossings.
const PROGRESS: f64 = 1e-9;

/// Crossings without progress, beyond 2⁵³, after which neurons are said to chatter.
const CROSSINGS: u32 = 8;

/// Gradient descent in the span of the data.
#[derive(Debug)]
pub struct Voyage {
    options: Options,
    state: Coefficients,
    mode: Mode,
    kind: EngineKind, // what was at work last
    warp: Warp,
    attempt: f64,  // no warp before this t
    patience: f64, // steps after an event until the next attempt
    crossings: u32,
    chatter: Chatter,
    smooth: f64,        // no averages before this t
    averaging: f64,     // the error that the averages claim
    judge: AnchorJudge, // of mixed steps
    escalated: Option<f64>,
    hold: Hold,
    noted: Option<Hold>, // what progress displays were told
    travelled: Diary,    // up to the present t
    diary: Diary,        // up to the t that is shown
    progress: Progress,
    scout: Option<Scout>,
    view: Option<View>,
    anchor: f64,      // the next look at whether C cancels in W
    cancelling: bool, // whether it did at the last
    idle: f64,        // seconds on a step that waits
    spent: f64,       // on steps taken one by one, by the cost model
    slid: f64,        // on averages, by the same
    allowance: f64,   // for either
    stuck: bool,      // gradient flow has come to where it is not determined
}

impl Voyage {
    /// Takes over at step `t` from an iterate W(t), the problem's starting point, with `flips` behind it.
    pub fn new(problem: Arc<SpanProblem>, t: f64, flips: Flips, options: Options) -> Self {
        let mut horizon = Self::at(Coefficients::new(problem, t, flips), options);
        horizon.begin_flow();
        horizon.write_up();
        horizon
    }

    fn at(state: Coefficients, options: Options) -> Self {
        Self {
            options,
            mode: Mode::General,
            kind: EngineKind::Gram,
            warp: Warp::new(state.problem().n()),
            attempt: 0.0,
            patience: SHORTEST,
            crossings: 0,
            chatter: Chatter::new(&state),
            smooth: 0.0,
            averaging: 0.0,
            judge: AnchorJudge::new(),
            escalated: None,
            hold: if options.warp { Hold::Flips } else { Hold::Off },
            noted: None,
            travelled: Diary::default(),
            diary: Diary::default(),
            progress: Progress::default(),
            scout: None,
            view: None,
            anchor: INTERVAL,
            cancelling: false,
            idle: 0.0,
            spent: 0.0,
            slid: 0.0,
            allowance: f64::INFINITY,
            stuck: false,
            state,
        }
    }

    /// The same, with its progress told here.
    pub fn telling(mut self, progress: &Progress) -> Self {
        self.progress = progress.clone();
        self
    }

    /// Why steps are taken one by one; None while warp is at work.
    pub fn hold(&self) -> Option<Hold> {
        (self.kind == EngineKind::Gram).then_some(self.hold)
    }

    /// The iterate in the span of the data; up to date whenever [`Engine::advance`] has reached its target.
    pub fn coefficients(&self) -> &Coefficients {
        self.view.as_ref().map_or(&self.state, |view| &view.state)
    }

    /// The averaged iterate, while neurons slide.
    pub fn sliding(&self) -> Option<&Sliding> {
        self.view.as_ref().and_then(|view| view.sliding.as_deref()).or_else(|| self.mode.sliding())
    }

    /// Seconds of one more step, by the cost model.
    fn price(&self) -> f64 {
        let groups = if self.mode.settled().is_some() { 0 } else { self.state.groups().len() };
        price_on_k(self.state.problem().n(), self.state.problem().network.width, groups)
    }

    /// Seconds of a trial step of the warp.
    fn price_of_leap(&self) -> f64 {
        price_of_leap(self.state.problem().n(), self.state.problem().network.width)
    }

    /// On its own way, as far as it does not lead beyond `target`.
    fn go(&mut self, target: f64, stop: &Stop) -> Reached {
        while self.state.t() < target {
            if stop.raised() {
                return Reached::Interrupted;
            }
            match self.travel(target, stop) {
                None => {}
                Some(Reached::Target) => break,
                Some(reached) => return reached,
            }
            self.progress.note(self.state.t());
            self.explain();
        }
        Reached::Target
    }

    /// Tells progress displays why steps are taken one by one, or that none are.
    fn explain(&mut self) {
        if self.hold() != self.noted {
            self.noted = self.hold();
            self.progress.explain(self.present_remark());
        }
    }

    /// One stretch: some steps of one kind, or one flight of the warp. None: go on; `Target`: what is next leads beyond it.
    fn travel(&mut self, target: f64, stop: &Stop) -> Option<Reached> {
        let (t, start) = (self.state.t(), Instant::now());
        let countable = t < COUNTABLE;
        if countable {
            self.keep_anchored();
        }
        if self.spent >= self.allowance && self.mode.sliding().is_none() {
            return Some(Reached::Exhausted);
        }
        let price = self.price();
        self.kind = EngineKind::Gram;
        let handed_over = if countable {
            match self.weigh_chatter(target, stop) {
                Ok(steps) => steps,
                Err(reached) => return Some(reached),
            }
        } else {
            0
        };
        let (steps, reached) = match self.mode {
            _ if handed_over > 0 => (handed_over, Reached::Target),
            Mode::Sliding(_) => {
                self.kind = self.averaged();
                self.explain(); // what slides may take as long as steps
                (0, self.slide(target, stop))
            }
            Mode::General if countable => (1, self.general_step()),
            Mode::March(_) => self.march(target, stop),
            Mode::General | Mode::Settled(_) | Mode::Flight { .. } => {
                if self.takes_off() {
                    self.kind = EngineKind::Warp;
                    (0, self.fly(target, stop))
                } else if countable {
                    self.march(target, stop)
                } else {
                    return Some(Reached::Event);
                }
            }
        };
        if self.mode.sliding().is_none() {
            self.chatter.observe(&self.state);
        }
        self.spent += steps as f64 * price;
        self.note_stretch(t, steps, start.elapsed().as_secs_f64());
        match reached {
            Reached::Target if self.waits() => Some(Reached::Target),
            Reached::Event if self.options.flow.is_some() => {
                self.stuck = true;
                Some(Reached::Event)
            }
            Reached::Target | Reached::Event => None,
            Reached::Flip => {
                if self.kind != EngineKind::Sliding {
                    self.flipped();
                }
                None
            }
            Reached::Diverged | Reached::Interrupted | Reached::Exhausted => Some(reached),
        }
    }

    /// Whether a step is known that leads beyond what was asked for.
    fn waits(&self) -> bool {
        match &self.mode {
            Mode::Flight { .. } => self.warp.waits(),
            Mode::Sliding(sliding) => sliding.waits(),
            Mode::General | Mode::Settled(_) | Mode::March(_) => false,
        }
    }

    /// Replaces Z by that of W where the coefficients cancel in W ([`anchored`]).
    fn keep_anchored(&mut self) {
        let t = self.state.t();
        if t < self.anchor || !matches!(self.mode, Mode::General | Mode::Settled(_) | Mode::Flight { .. }) {
            return;
        }
        self.cancelling = match self.mode {
            Mode::Flight { .. } => anchored::outdated(&self.state), // what is pending since Z was last looked at is little
            _ => anchored::outdated(&self.present().0),
        };
        self.anchor = (t + (t * ANCHORS).max(INTERVAL)).ceil();
        if self.cancelling {
            self.anchor = t + INTERVAL;
            self.land();
            if self.state.replace_preactivations() && self.state.arrive(t) > 0 {
                self.flipped();
            }
            if self.mode.settled().is_some() {
                self.mode = Mode::Settled(self.settle());
            }
        }
    }

    fn general_step(&mut self) -> Reached {
        if !self.state.step() || !self.state.finite() {
            return Reached::Diverged;
        }
        if self.state.t() - self.state.flips().last >= QUIET {
            self.spent += price_of_settling(self.state.problem().n());
            self.mode = Mode::Settled(self.settle());
        }
        Reached::Target
    }

    /// The reduced problem of the present pattern.
    fn settle(&self) -> Settled {
        let settled = Settled::new(&self.state);
        if self.options.mixed { settled.mixed(&self.state, self.judge) } else { settled }
    }

    /// Exact steps in the present pattern, up to the next attempt at warp or the next look at what cancels. A march that
    /// was interrupted, or that has come to the target before, is the same march when it goes on.
    fn march(&mut self, target: f64, stop: &Stop) -> (u64, Reached) {
        let t = self.state.t();
        let warped = if self.options.warp { self.attempt.max(t + 1.0) } else { f64::INFINITY };
        let until = warped.min(self.anchor.max(t + 1.0)).min(self.watched_until().max(t + 1.0));
        let steps = (until.min(target).min(COUNTABLE) - t).ceil() as u64;
        let left = (self.allowance - self.spent).max(0.0);
        let look = price_on_k(self.state.problem().n(), self.state.problem().network.width, self.state.groups().len());
        let (affordable, looks) = ((left / self.price()).ceil() as u64, (left / look).ceil().max(1.0) as u64);
        let (whole, steps) = (steps, steps.min(affordable));
        let mut settled = match std::mem::replace(&mut self.mode, Mode::General) {
            Mode::Settled(settled) | Mode::March(settled) => settled,
            Mode::General | Mode::Flight { .. } | Mode::Sliding(_) => unreachable!("a march is in a settled pattern"),
        };
        let (taken, looked, reached) = settled.advance(&mut self.state, (steps, looks), stop, &self.progress);
        self.spent += looked as f64 * look;
        let reached = if reached == Reached::Target && steps < whole { Reached::Exhausted } else { reached };
        let before = reached == Reached::Target && self.state.t() < until;
        let interrupted = before || matches!(reached, Reached::Interrupted | Reached::Exhausted);
        self.mode = if interrupted { Mode::March(settled) } else { Mode::Settled(settled) };
        self.note_rounding();
        (taken, reached)
    }

    /// Takes note of what mixed steps have seen of their rounding.
    fn note_rounding(&mut self) {
        let Some(judge) = self.mode.settled().and_then(Settled::rounding) else { return };
        self.judge = judge;
        if judge.failed {
            self.escalated.get_or_insert(self.state.t());
        }
    }

    /// The reduced problem is void; warp waits.
    fn flipped(&mut self) {
        self.mode = Mode::General;
        if self.state.t() < COUNTABLE {
            self.attempt = self.state.t() + self.patience;
            self.hold = if self.options.warp { Hold::Flips } else { Hold::Off };
        }
    }

    /// Brings C and Z up to date.
    fn land(&mut self) {
        let Some(settled) = self.mode.settled_mut() else { return };
        let t = self.state.t();
        if settled.pending() && settled.sync(&mut self.state, t) > 0 {
            self.flipped();
        } else {
            settled.guard(&self.state);
        }
        self.note_rounding();
    }
}
