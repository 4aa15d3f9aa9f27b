//! Steps on X, handed over to the span of the data where that pays, and back: for more samples than features.
//!
//! A step on K costs n²P where one on X costs n·d·m, so for n ≫ d the long way is worth it only for what it leads to: a
//! settled pattern that can be warped, or chatter that has averages. W(t) goes from one engine to the other:
//!
//! ```text
//!          quiet since t/8, or chatter at t = 4096·4^k, if a trial is affordable
//! on X  ───────────────────────────────────────────────────────────────────────▶  in the span
//!   ◀─────── t has not grown fourfold for the price of a trial, or dearer than twice on X ──────
//! ```
//!
//! Without warp the span is for exact steps in a settled pattern alone, if they cost less there: quiet is what leads to it, and the price of a trial is
//! that of settled steps to fourfold t and of as many others as it was quiet.
//!
//! All of it is decided by t, the flips and prices ([`choose::price`]), so by the state alone.

mod past;

use super::choose::{self, Options, far, steps};
use super::direct::Direct;
use super::span::{self, SpanStart};
use super::voyage::Voyage;
use crate::engine::{Diary, Engine, EngineKind, Flips, Iterate, Progress, Reached, Stop, Work};
use crate::error::Result;
use crate::matrix::Matrix;
use crate::number::COUNTABLE;
use crate::problem::Problem;
use crate::state::{Class, State, StateError};
use past::Past;
use std::sync::Arc;

/// The first look at the flips, and the growth of t between two looks.
const FIRST: f64 = 64.0;
const GROWTH: f64 = 1.25;

/// The part of all steps without a flip that counts as quiet.
const QUIET: f64 = 0.125;

/// The first trial of averages, and the growth of t from one trial to the next.
const TRIAL: f64 = 4096.0;
const APART: f64 = 4.0;

/// Most steps of a trial: a window of the watch for chatter, and the handover.
const LONGEST: f64 = 20_480.0;

/// Most seconds that a trial may cost, and the part of the rest on X.
const SECONDS: f64 = 4.0;
const PART: f64 = 0.125;

/// How much dearer than on X the way to fourfold t may be in the span: exact steps in a pattern that will not settle may
/// take it there as well.
const DEAR: f64 = 2.0;

/// What a trial may cost, in the price of its steps.
const SLACK: f64 = 1.25;

/// From here on the iterate stays in the span.
const FAR: f64 = COUNTABLE / 1024.0;

/// Seconds of a step on K that do not matter with warp.
const CHEAP: f64 = 12e-6;

/// Who is at work.
enum Runner {
    Direct(Box<Direct>),
    /// With the W and the t that the span begins at.
    Voyage(Box<Voyage>, Arc<Matrix>),
}

/// Gradient descent that is handed over.
pub struct Relay {
    problem: Problem,
    options: Options,
    runner: Runner,
    look: f64,       // the next look at the flips
    trial: f64,      // the next trial of averages
    paid: f64,       // the t up to which the present trial has paid for itself
    leg: (f64, f64), // in the span: t and the seconds spent at the beginning of the present trial
    limit: f64,      // of what the present runner may spend in its trial
    past: Past,
    allowance: f64,
    diary: Diary,
    progress: Progress,
}

impl Relay {
    /// Whether a problem is one for a relay: a step on K costs more than twice one on X, and is not cheap where warp ends the stepping.
    pub fn pays(problem: &Problem, warp: bool) -> bool {
        let (n, d, m) = (problem.data.n(), problem.data.d(), problem.network.width);
        let on_k = choose::price_on_k(n, m, m);
        problem.data.gram().is_some() && (on_k > CHEAP || !warp) && on_k > 2.0 * choose::price(n, d, m)
    }

    /// On X from W(0).
    pub fn new(problem: &Problem, weights: &Matrix, options: &Options) -> Self {
        let progress = Progress::default();
        let direct = direct(problem, options, weights, (0, Flips::default()), &progress);
        Self::with(problem, options, Runner::Direct(Box::new(direct)), progress)
    }

    fn with(problem: &Problem, options: &Options, runner: Runner, progress: Progress) -> Self {
        let (problem, options) = (problem.clone(), options.clone());
        Self {
            problem,
            options,
            runner,
            look: FIRST,
            trial: TRIAL,
            paid: 0.0,
            leg: (0.0, 0.0),
            limit: f64::INFINITY,
            past: Past::default(),
            allowance: f64::INFINITY,
            diary: Diary::default(),
            progress,
        }
    }

    fn inner(&self) -> &dyn Engine {
        match &self.runner {
            Runner::Direct(direct) => &**direct,
            Runner::Voyage(span, _) => &**span,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Engine {
        match &mut self.runner {
            Runner::Direct(direct) => &mut **direct,
            Runner::Voyage(span, _) => &mut **span,
        }
    }

    /// Seconds of a trial that begins at t.
    fn price_of_trial(&self, t: f64) -> f64 {
        let (n, m) = (self.problem.data.n(), self.problem.network.width);
        let general = choose::price_on_k(n, m, m);
        if self.options.warp {
            return (0.5 * t + 2048.0).min(LONGEST) * SLACK * general;
        }
        (APART - 1.0) * t * SLACK * choose::price_on_k(n, m, 0) + (QUIET * t).max(FIRST) * general
    }

    /// On X: looks at the flips, and hands W over if that may pay.
    fn consider(&mut self) {
        let (t, flips) = (self.inner().t(), self.inner().flips());
        if t < self.look {
            return;
        }
        self.look = next_look(t);
        let price = self.price_of_trial(t);
        let rest = (self.options.planned - t).max(0.0) * self.inner().work().price;
        if self.options.warp && (price > SECONDS || price > PART * rest) {
            return;
        }
        let quiet = t - flips.last >= (QUIET * t).max(FIRST) && t >= self.paid;
        if quiet && self.settles() || self.options.warp && t >= self.trial {
            self.trial = self.trial.max(t) * APART;
            self.enter_span();
            (self.paid, self.leg, self.limit) = (APART * t, (t, 0.0), price);
        }
    }

    /// Whether steps in the present pattern lead further in the span: to warp, or for less than on X, where neurons share their work.
    fn settles(&mut self) -> bool {
        if self.options.warp {
            return true;
        }
        let Problem { data, network, .. } = self.problem.clone();
        let pattern = network.pattern(self.inner_mut().iterate().preactivations(), data.n());
        let on_x = choose::price(data.n(), data.d(), pattern.groups(&network).len());
        choose::price_on_k(data.n(), network.width, 0) < on_x
    }

    /// In the span: what a trial may spend is renewed each time that t has grown fourfold, if it was worth it.
    fn renew(&mut self) {
        let (t, spent) = (self.inner().t(), self.inner().work().spent);
        if t >= FAR {
            self.limit = f64::INFINITY;
        } else if t >= self.paid {
            let (n, d, m) = (self.problem.data.n(), self.problem.data.d(), self.problem.network.width);
            let stepped = self.inner().kind() == EngineKind::Gram; // not jumped
            let dear = if self.options.warp { DEAR } else { 1.0 };
            let dear = stepped && spent - self.leg.1 > dear * (t - self.leg.0) * choose::price(n, d, m);
            (self.paid, self.leg) = ((APART * t).max(FIRST), (t, spent));
            if dear {
                self.leave_span();
            } else {
                self.limit = spent + self.price_of_trial(t);
            }
        }
    }

    /// Leaves a runner, whose books are closed.
    fn close(&mut self) {
        let inner = self.inner();
        let (segments, decades, spent) = (inner.segments().to_vec(), inner.decades().to_vec(), inner.work().spent);
        self.past.segments.extend(segments.into_iter().filter(|s| s.to > s.from));
        self.past.decades.extend(decades);
        self.past.spent += spent;
    }

    fn enter_span(&mut self) {
        self.close();
        let (t, flips, weights) = (self.inner().t(), self.inner().flips(), self.inner_mut().iterate().weights());
        let weights = Arc::new(weights);
        let Some(span) = span(&self.problem, &weights) else { return };
        let horizon = Voyage::new(Arc::new(span), t, flips, far(&self.options)).telling(&self.progress);
        self.runner = Runner::Voyage(Box::new(horizon), weights);
    }

    fn leave_span(&mut self) {
        self.close();
        let (t, flips, weights) = (self.inner().t(), self.inner().flips(), self.inner_mut().iterate().weights());
        let direct = direct(&self.problem, &self.options, &weights, (t as u64, flips), &self.progress);
        self.runner = Runner::Direct(Box::new(direct));
        (self.limit, self.look) = (f64::INFINITY, next_look(t));
    }

    fn write_up(&mut self) {
        let inner = self.inner().diary().clone();
        let mut diary = Diary { segments: self.past.segments.clone(), ..inner };
        inner.segments.into_iter().filter(|s| s.to > s.from).for_each(|s| diary.travel(s));
        diary.decades.splice(0..0, self.past.decades.iter().cloned());
        self.diary = diary;
    }

    /// Goes on from a state that a relay has saved; none if it was another engine.
    ///
    /// # Errors
    /// As the engines' own.
    pub fn restore(problem: &Problem, options: &Options, state: &State) -> Option<Result<Self>> {
        state.get(MARKS)?;
        Some(Self::restored(problem, options, state.clone()))
    }

    fn restored(problem: &Problem, options: &Options, mut state: State) -> Result<Self> {
        let wrong = || StateError::Contradiction(MARKS);
        let marks = state.remove(MARKS).unwrap_or_default();
        let [look, trial, paid, limit, spent, leg_t, leg_spent] = marks[..] else { return Err(wrong().into()) };
        if marks.iter().any(|mark| mark.is_nan()) {
            return Err(wrong().into());
        }
        let past = Past::restore(&mut state, problem, spent)?;
        let progress = Progress::default();
        let runner = match state.remove("relay.weights") {
            None => Runner::Direct(Box::new(
                Direct::restore(
                    problem.data.samples().here().ok_or_else(wrong)?,
                    problem.data.y(),
                    &problem.network,
                    problem.law(),
                    &steps(options),
                    &state,
                )?
                .telling(&progress),
            )),
            Some(weights) => {
                let (m, d) = (problem.network.width, problem.data.d());
                if weights.len() != m * d {
                    return Err(wrong().into());
                }
                let weights = Arc::new(Matrix::new(m, d, weights));
                let span = span(problem, &weights).ok_or_else(wrong)?;
                let horizon = Voyage::restore(Arc::new(span), &state, far(options))?.telling(&progress);
                Runner::Voyage(Box::new(horizon), weights)
            }
        };
        let mut relay = Self::with(problem, options, runner, progress);
        (relay.look, relay.trial, relay.paid, relay.limit) = (look, trial, paid, limit);
        relay.leg = (leg_t, leg_spent);
        relay.past = past;
        relay.write_up();
        Ok(relay)
    }
}

/// The look at the flips after one at t.
fn next_look(t: f64) -> f64 {
    (t * GROWTH).ceil().max(FIRST)
}

/// The field that a relay's state is known by.
const MARKS: &str = "relay.marks";

fn direct(problem: &Problem, options: &Options, weights: &Matrix, from: (u64, Flips), progress: &Progress) -> Direct {
    let (data, network) = (&problem.data, &problem.network);
    let x = data.samples().here().expect("samples of this process");
    let direct = Direct::new(x, data.y(), network, problem.law(), weights, &steps(options));
    direct.from_step(from).telling(progress)
}

/// The problem as the span of the data sees it from W on; none without K.
fn span(problem: &Problem, weights: &Arc<Matrix>) -> Option<span::SpanProblem> {
    let data = &problem.data;
    let start = SpanStart::new(weights.clone(), data.samples().preactivations(weights));
    let (gram, y) = (data.gram()?.clone(), data.y().to_vec());
    let span = span::SpanProblem::new(gram, None, y, problem.network, problem.law(), start);
    Some(span.with_samples(data.samples().clone()))
}

impl Engine for Relay {
    fn kind(&self) -> EngineKind {
        self.inner().kind()
    }

    fn t(&self) -> f64 {
        self.inner().t()
    }

    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        let reached = loop {
            if matches!(self.runner, Runner::Direct(_)) {
                self.consider()
            } else {
                self.renew()
            }
            let on_x = matches!(self.runner, Runner::Direct(_));
            let until = if on_x {
                target.min(self.look)
            } else if self.t() < FAR {
                target.min(self.paid)
            } else {
                target
            };
            let allowance = self.limit.min(self.allowance - self.past.spent);
            let inner = self.inner_mut();
            inner.allow(allowance);
            let reached = inner.advance(until, stop);
            match reached {
                Reached::Target if until < target => {}
                // averages cannot be left for steps
                Reached::Exhausted if self.kind() == EngineKind::Sliding && self.limit < f64::INFINITY => {
                    self.limit = f64::INFINITY;
                }
                Reached::Exhausted if self.kind() == EngineKind::Sliding => break reached,
                Reached::Exhausted if self.work().spent < self.allowance && !on_x => self.leave_span(),
                other => break other,
            }
        };
        self.write_up();
        reached
    }

    fn iterate(&mut self) -> &dyn Iterate {
        self.inner_mut().iterate()
    }

    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn work(&self) -> Work {
        let work = self.inner().work();
        Work { spent: self.past.spent + work.spent, ..work }
    }

    /// Steps in the span wait for averages no longer than a trial.
    fn left(&self, horizon: f64) -> f64 {
        match self.kind() {
            EngineKind::Gram => (horizon - self.t()).max(0.0) * self.work().price,
            _ => self.inner().left(horizon),
        }
    }

    fn allow(&mut self, seconds: f64) {
        self.allowance = seconds;
    }

    fn save(&self) -> State {
        let mut state = self.inner().save();
        let marks = vec![self.look, self.trial, self.paid, self.limit, self.past.spent, self.leg.0, self.leg.1];
        state.insert(MARKS, Class::Path, marks);
        if let Runner::Voyage(_, weights) = &self.runner {
            state.insert("relay.weights", Class::Path, weights.values().to_vec());
        }
        self.past.save(&mut state);
        state
    }

    fn digest(&mut self) -> String {
        self.inner_mut().digest()
    }

    fn scaled_losses(&mut self) -> Option<Vec<f64>> {
        self.inner_mut().scaled_losses()
    }
}
