//! Sliding: gradient descent whose neurons chatter, followed through its averages.
//!
//! A pair (sample i, neuron j) with `a_j y_i < 0` whose pre-activation is driven to 0 from both sides
//! crosses its kink every few steps, for ever. Over many steps it has a slope between γ and 1, the one
//! that keeps it on the kink ([`mode`]). While the set σ of such pairs and the sides of all others stay,
//! the margins obey a reduced problem with the matrix H of the mode, as in a fixed pattern,
//!
//! ```text
//! dS/du = t F̃(S),   t F = exp(w),   w = log(αc) + u + log s(q + κ/t),   q = q₀ + HS,   u = log t
//! ```
//!
//! *What is exact, and what is averaged.* The part of the weights across the kinks does not depend on
//! the slopes: each step adds to it the losses of the moment times fixed features. Projecting the
//! iterate onto its kinks at t₀ therefore loses nothing of it. The losses are those of the
//! instantaneous margins, which differ from the projected ones by a ripple of order 1/t. Its mean κ/t
//! follows from the chatter's own dynamics ([`ripple`]), again whenever the weights e have changed by
//! three percent or the mode has. F̃ is the modified field of order 2, the discrete steps' own correction of order 1/t.
//!
//! *Error estimate.* What is left grows no further than is added to it on the way: the flow is a
//! contraction ([`distance`]). That bound for the margins and the ripple at the present t, relative to
//! the largest margin, are what a stretch reports.
//!
//! *Events* ([`events`]) end a step: a pre-activation reaches zero, or a slope leaves [γ, 1].
//!
//! *Gradient flow*, `dW/dt = −∇L`, is the same without any steps to be averaged, from t = 0 on: the field of order 1, no ripple and
//! no distance to anything, in `u = log(t + τ)` with the natural unit of time τ in which the first weights change, for the flow
//! does not depend on t itself (`flow`).
//!
//! *What is watched* moves nothing: steps are as long as accuracy and events let them, and the iterate at a t within one
//! is a copy that has taken a shorter step.

pub mod chatter;
pub mod distance;
mod estimate;
pub mod events;
mod factor;
mod flow;
pub mod handover;
mod integrator;
pub mod kicks;
mod locate;
pub mod mode;
mod motion;
pub mod ripple;
mod save;
pub mod visits;

use super::compensated::Compensated;
use super::modified::Field;
use super::runge_kutta::STAGES;
use super::span::{Coefficients, SpanProblem};
use crate::engine::{Flips, Reached, Stop};
use crate::number::{COUNTABLE, largest};
use distance::Distance;
use events::Event;
use farfield_kernels::loss::Ratios;
use integrator::Look;
use mode::{Mode, Place};
use ripple::Ripple;
use std::sync::Arc;

/// First proposed length of a step in log t.
const FIRST: f64 = 1.0 / 16.0;

/// Growth of t over which the averaged flow goes on after the last pair has left its kink: pairs leave slowly,
/// and warp shortens its steps near a kink.
const DEPARTURE: f64 = 1.0 + 1.0 / 16.0;

/// An average shorter than this is not worth its steps.
const NEGLIGIBLE: f64 = 1e-4;

/// What integration and rounding add to the margins, relative to the largest one.
const ROUNDING: f64 = 1e-12;

/// Accuracy of κ/t, relative to the largest margin, that averages are made long enough for; where all of the ripple
/// is a tenth of a thousandth of that, κ stays as it is.
const ACCURACY: f64 = 1e-10;

/// The averaged iterate.
#[derive(Clone, Debug)]
pub struct Sliding {
    c: Compensated, // n×m
    z: Compensated, // n×m, 0 on the kinks
    q: Compensated,
    mode: Arc<Mode>,
    t: f64,
    u: (f64, f64), // log t
    length: f64,   // proposed length of a step in u
    ripple: Ripple,
    distance: Distance,
    flips: Flips,
    emptied: f64,      // t since which nothing slides, or 0
    origin: f64,       // log t where the averages began
    spent: f64,        // seconds since then, by the cost model
    flow: Option<f64>, // gradient flow: its unit of time τ
    events: Vec<Event>,
    ahead: Option<Ahead>,
    field: Field,
    k: [Vec<f64>; STAGES],
    w: Vec<f64>,
    e: Vec<f64>,
    sigma: Vec<Ratios>, // of the loss at the same margins as e
    moved: Vec<f64>,
    image: Vec<f64>,
}

/// A step that was found and not taken, while what is asked for lies within it; its stages are in `k`.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    next: f64,
    length: f64,
    proposal: f64, // length of the step to try after it
    spent: f64,    // on finding it
}

impl Sliding {
    /// From an iterate with the given places: pairs on kinks are projected onto them. None if the slopes
    /// are not determined.
    pub fn new(state: &Coefficients, places: Vec<Place>) -> Option<Self> {
        let (problem, t) = (state.problem(), state.t());
        let (n, mode) = (problem.n(), Mode::new(problem, places)?);
        let (c, z) = (state.coefficients().clone(), state.compensated_preactivations().clone());
        let distance = Distance::new(t, vec![0.0; n], problem.network.width);
        let mut sliding = Self::assemble(c, z, mode, Ripple::none(n), distance, state.flips());
        (sliding.t, sliding.u, sliding.origin) = (t, (libm::log(t), 0.0), libm::log(t));
        sliding.project(problem);
        if t < COUNTABLE {
            sliding.start_of_step(problem);
            sliding.measure(problem, f64::INFINITY, None);
        }
        Some(sliding)
    }

    fn assemble(c: Compensated, z: Compensated, mode: Mode, ripple: Ripple, distance: Distance, flips: Flips) -> Self {
        let n = ripple.mean.len();
        let zeros = vec![0.0; n];
        Self {
            c,
            z,
            q: Compensated::zeros(n),
            mode: Arc::new(mode),
            t: 0.0,
            u: (0.0, 0.0),
            length: FIRST,
            ripple,
            distance,
            flips,
            emptied: 0.0,
            origin: 0.0,
            spent: 0.0,
            flow: None,
            events: Vec::new(),
            ahead: None,
            field: Field::new(n),
            k: std::array::from_fn(|_| zeros.clone()),
            w: zeros.clone(),
            e: zeros.clone(),
            sigma: vec![Ratios::default(); n],
            moved: zeros.clone(),
            image: zeros,
        }
    }

    /// What u is the logarithm of: t, or `t + τ`.
    fn clock(&self) -> f64 {
        self.flow.map_or(self.t, |unit| self.t + unit)
    }

    /// Steps taken so far, as a real: events lie between steps.
    pub fn t(&self) -> f64 {
        self.t
    }

    /// The present mode.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Seconds of the cost model since the averages began.
    pub fn spent(&self) -> f64 {
        self.spent
    }

    /// Seconds of the cost model that a unit of log t has taken so far.
    pub fn pace(&self) -> f64 {
        self.spent / (self.u.0 - self.origin)
    }

    /// The changes of mode since the averages began.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The iterate, on its kinks.
    pub fn iterate(&self, problem: &Arc<SpanProblem>) -> Coefficients {
        Coefficients::from_parts(problem.clone(), self.t, self.flips, self.c.clone(), self.z.clone())
    }

    /// The effective slopes (n×m, row-major).
    pub fn slopes(&mut self, problem: &SpanProblem) -> Vec<f64> {
        self.start_of_step(problem);
        self.mode.slopes(problem, &self.e)
    }

    /// `αc t s(q_i)` of the projected margins.
    pub fn scaled_losses(&mut self, problem: &SpanProblem) -> Vec<f64> {
        self.start_of_step(problem);
        let part = self.flow.map_or(1.0, |_| self.t / self.clock());
        self.e.iter().map(|e| part * e).collect()
    }

    /// The ripple's mean and size as it is expected at this moment.
    pub fn ripple(&self) -> &Ripple {
        &self.ripple
    }

    /// A bound of what the averages have left behind in the margins, relative to the largest one.
    pub fn bound(&self) -> f64 {
        self.distance.of_each_margin(&self.mode) / largest(self.q.hi()) + ROUNDING
    }

    /// A bound of the relative error of the margins: that, and the ripple.
    pub fn error_estimate(&self) -> f64 {
        if self.flow.is_some() {
            return self.flow_error();
        }
        self.bound() + self.ripple.largest() / (self.t * largest(self.q.hi()))
    }

    /// What the averages would leave behind in the margins if they went on from here in this mode, relative to
    /// the largest one.
    pub fn error_ahead(&mut self, problem: &SpanProblem) -> f64 {
        self.start_of_step(problem);
        let mut ahead = self.distance.clone();
        ahead.bound += ahead.source(&self.mode, &self.ripple, &self.e, self.t, problem.loss.steepness()) / self.t;
        ahead.of_margins(&self.mode) / largest(self.q.hi())
    }

    /// Compares κ with the mean ripple that steps have shown up to the present t; `before` is what was expected when
    /// they began.
    pub fn compare(&mut self, observed: &[f64], before: &Ripple) {
        let expected: Vec<f64> = before.mean.iter().zip(&self.ripple.mean).map(|(a, b)| 0.5 * (a + b)).collect();
        self.distance.disagree(&self.mode, &self.e, observed, &expected);
    }

    /// Follows the averages until the next step would lead beyond `target`. `Flip`: nothing slides any more, at a
    /// t where steps can be counted; `Event`: the modes change
    /// without end, or slopes are not determined; `Exhausted`: `most` seconds of the cost model are spent, all in all.
    pub fn advance(&mut self, problem: &Arc<SpanProblem>, target: f64, most: f64, stop: &Stop) -> Reached {
        while self.t < target {
            let ahead = match self.ahead.take().map_or_else(|| self.foresee(problem, most, stop), Ok) {
                Ok(ahead) => ahead,
                Err(reached) => return reached,
            };
            if ahead.next > target {
                self.ahead = Some(ahead);
                return Reached::Target;
            }
            self.take(problem, ahead);
        }
        Reached::Target
    }

    /// The next step, with its stages left in `k`; or why there is none.
    fn foresee(&mut self, problem: &Arc<SpanProblem>, most: f64, stop: &Stop) -> Result<Ahead, Reached> {
        if stop.raised() {
            return Err(Reached::Interrupted);
        }
        if self.spent >= most {
            return Err(Reached::Exhausted);
        }
        if !self.settle(problem) {
            return Err(Reached::Event);
        }
        let Some(until) = self.horizon() else { return Err(Reached::Flip) };
        self.start_of_step(problem);
        if !self.e.iter().all(|e| e.is_finite()) {
            return Err(Reached::Diverged);
        }
        let spent = self.spent;
        let found = self.step(problem, until);
        let found = found.map(|ahead| Ahead { spent: self.spent - spent, ..ahead });
        self.spent = spent;
        found.ok_or(Reached::Event)
    }

    /// Takes the step ahead.
    fn take(&mut self, problem: &SpanProblem, ahead: Ahead) {
        self.spent += ahead.spent;
        self.length = ahead.proposal;
        if self.flow.is_some() {
            return self.flow_on(problem, ahead);
        }
        self.estimate(problem, ahead.next, ahead.length);
        self.apply(problem, ahead.next, ahead.length);
        self.follow_ripple(problem);
    }

    /// Whether the step ahead leads beyond what was asked for.
    pub fn waits(&self) -> bool {
        self.ahead.is_some()
    }

    /// The averages at a t that is not beyond the step ahead, with the bound that holds there.
    pub fn within(&self, problem: &SpanProblem, t: f64) -> Self {
        let mut seen = Self { ahead: None, ..self.clone() };
        seen.start_of_step(problem);
        if t > seen.t {
            let length = libm::log1p((t - seen.t) / seen.clock());
            seen.attempt(problem, length, Look::End);
            if self.flow.is_none() {
                seen.estimate(problem, t, length);
            }
            seen.apply(problem, t, length);
            seen.start_of_step(problem);
        }
        seen.end_ripple(problem);
        seen
    }

    /// How far to go in this mode: where nothing slides and steps can be counted, to a whole t at which the
    /// pairs have left their kinks behind; none if it is reached.
    fn horizon(&mut self) -> Option<f64> {
        if self.flow.is_some() || self.mode.sliding() > 0 || self.t >= COUNTABLE {
            self.emptied = 0.0;
            return Some(f64::INFINITY);
        }
        if self.emptied == 0.0 {
            self.emptied = self.t;
        }
        let clear = (self.emptied * DEPARTURE).ceil();
        (self.t < clear).then_some(clear)
    }

    /// `w = log(αc) + u + log s(q + κ/t)`, `e = exp(w)` and the ratios of the loss at the present t.
    fn start_of_step(&mut self, problem: &SpanProblem) {
        let (loss, rate) = (problem.loss, libm::log(problem.rate));
        for k in 0..self.w.len() {
            let (q, shift) = ((self.q.hi()[k], self.q.lo()[k]), self.ripple.mean[k] / self.clock());
            self.w[k] = loss.log_weight(self.u, q) + rate + loss.log_change(q.0, shift);
        }
        self.at_start(problem);
    }

    /// e and the ratios where w was taken.
    fn at_start(&mut self, problem: &SpanProblem) {
        for k in 0..self.w.len() {
            self.e[k] = libm::exp(self.w[k]);
            self.sigma[k] = problem.loss.ratios(self.q.hi()[k] + self.ripple.mean[k] / self.clock());
        }
    }
}
