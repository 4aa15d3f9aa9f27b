//! Steps of the averaged flow that end where the mode does.
//!
//! The Runge–Kutta method of order 8 ([`crate::descent::runge_kutta`]) in `u = log t`. With the *gap* the
//! least of the distances `|z|` (relative to the largest) and of `θ − γ`, `1 − θ` at the end of a step,
//! negative beyond, a step is taken if the gap is above −[`TINY`] and no stage and no enclosure of the
//! pre-activations shows a crossing within; otherwise its length is found ([`super::locate`]) such
//! that the gap is [`TINY`] below zero: the events of this moment have then happened, and only they.

use super::locate::Beyond;
use super::mode::Place;
use super::{Ahead, Sliding};
use crate::descent::choose::price_of_attempt;
use crate::descent::runge_kutta::{NODES, STAGES, change, combined_error, displacement, errors};
use crate::descent::span::SpanProblem;
use crate::number::largest;

/// Error allowed to one integration step, relative to the largest margin.
pub(super) const INTEGRATION: f64 = 1e-14;

/// How far beyond zero an event is located: relative for pre-activations, absolute for slopes.
pub const TINY: f64 = 1e-11;

/// Steps shorter than this are taken without enclosing what happens within.
pub(super) const SHORT: f64 = 1.0 / 256.0;

/// Longest step in log t.
const LONGEST: f64 = 2.0;

/// Iterations of the search for an event.
const ITERATIONS: usize = 80;

/// Trials whose length is foretold; beyond these the bracket is halved.
const FORETOLD: usize = 8;

pub(super) struct Trial {
    error: f64,
    gap: f64,
    beyond: Vec<Beyond>, // what is below half of −TINY at the end
    inside: bool,        // whether something may have happened within the step
}

/// What a trial step looks at besides its end.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Look {
    /// Its error, and whether something may have happened within.
    Whole,
    /// Nothing.
    End,
}

impl Sliding {
    /// Finds a step towards `until`, with its stages left in `k`.
    pub(super) fn step(&mut self, problem: &SpanProblem, until: f64) -> Option<Ahead> {
        let whole = libm::log1p((until - self.t) / self.clock());
        let mut wanted = self.length.min(LONGEST);
        for _ in 0..ITERATIONS {
            let length = wanted.min(whole);
            let trial = self.attempt(problem, length, Look::Whole);
            let growth = (0.9 * libm::pow(trial.error / INTEGRATION, -0.125)).clamp(0.2, 3.0);
            if !trial.error.is_finite() || !trial.gap.is_finite() {
                wanted = 0.2 * length;
            } else if trial.error > INTEGRATION {
                wanted = length * growth.min(0.9);
            } else if trial.gap < -TINY {
                let length = self.locate(problem, length, trial.beyond);
                let (next, proposal) = (self.after(length), self.proposal_after_event(length));
                return Some(Ahead { next, length, proposal, spent: 0.0 });
            } else if trial.inside && length > self.short() {
                wanted = 0.5 * length;
            } else {
                let proposal = if length < wanted { wanted.max(length * growth) } else { length * growth };
                let next = if length == whole { until } else { self.after(length) };
                return Some(Ahead { next, length, proposal, spent: 0.0 });
            }
        }
        None
    }

    /// The length, below `beyond`, at which the gap is between −½ and −2 times [`TINY`]; these places are beyond at that of the
    /// last trial.
    fn locate(&mut self, problem: &SpanProblem, mut beyond: f64, mut places: Vec<Beyond>) -> f64 {
        let (mut before, mut last) = (0.0, beyond);
        for trial in 0..ITERATIONS {
            let foretold = match trial < FORETOLD {
                true => self.foretell(problem, last, (before, beyond), &places),
                false => 0.5 * (before + beyond),
            };
            last = if foretold > before && foretold < beyond { foretold } else { 0.5 * (before + beyond) };
            let found = self.attempt(problem, last, Look::End);
            if found.gap < -0.5 * TINY {
                (beyond, places) = (last, found.beyond);
            } else {
                before = last;
            }
            let near = last == beyond && found.gap >= -2.0 * TINY;
            if near || beyond - before < self.finest(beyond) {
                break;
            }
        }
        if last != beyond {
            self.attempt(problem, beyond, Look::End);
        }
        beyond
    }

    /// The stages of a step over `length` with its gap, and as far as it is asked for its error, and whether its inside is clear.
    pub(super) fn attempt(&mut self, problem: &SpanProblem, length: f64, look: Look) -> Trial {
        // slopes at every stage, and enclosures of the rest, cost as much again
        let parts = if look == Look::Whole { 2.0 } else { 1.0 };
        self.spent += parts * price_of_attempt(problem.n(), problem.network.width);
        let (mut stages_clear, mut nothing) = (true, Vec::new());
        for (i, node) in NODES[..STAGES].iter().enumerate() {
            let ahead = node * length;
            if i > 0 {
                displacement(i, length, &self.k, &mut self.moved);
                self.weights_ahead(problem, ahead);
                if look == Look::Whole && stages_clear && length > self.short() {
                    stages_clear = self.slopes_gap(problem, &mut nothing) > -TINY;
                }
            }
            let (at, order) = (self.clock() * libm::exp(ahead), if self.flow.is_some() { 1 } else { 2 });
            let (field, h) = (&mut self.field, self.mode.product());
            field.evaluate(h, (&self.e, &self.sigma), at, order, &mut self.k[i]);
        }
        let error = if look == Look::Whole { self.error(length) } else { 0.0 };
        change(length, &self.k, &mut self.moved);
        self.weights_ahead(problem, length);
        let mut beyond = Vec::new();
        let (distance, clear) = self.distances(problem, length, look, &mut beyond);
        let gap = distance.min(self.slopes_gap(problem, &mut beyond));
        self.at_start(problem);
        Trial { error, gap, beyond, inside: !(stages_clear && clear) }
    }

    /// `e` and the ratios of the loss at `u + ahead`, where S has grown by `moved`.
    pub(super) fn weights_ahead(&mut self, problem: &SpanProblem, ahead: f64) {
        self.mode.product().multiply(&self.moved, &mut self.image);
        self.weights_at(problem, ahead);
    }

    /// The same where the margins have grown by `image`.
    pub(super) fn weights_at(&mut self, problem: &SpanProblem, ahead: f64) {
        let loss = problem.loss;
        let fading = -libm::expm1(-ahead) / self.clock(); // 1/t − 1/t'
        for k in 0..self.e.len() {
            let (q, calmer) = (self.q.hi()[k] + self.ripple.mean[k] / self.clock(), self.ripple.mean[k] * fading);
            let moved = loss.log_change(q, self.image[k]);
            let q = q + self.image[k];
            self.e[k] = libm::exp(self.w[k] + (ahead + moved) + loss.log_change(q, -calmer));
            self.sigma[k] = loss.ratios(q - calmer);
        }
    }

    fn error(&mut self, length: f64) -> f64 {
        let n = self.w.len();
        let (mut estimates, mut images) = (vec![0.0; 2 * n], vec![0.0; 2 * n]);
        let (fifth, third) = estimates.split_at_mut(n);
        errors(length, &self.k, fifth, third);
        self.mode.product().multiply_all(&estimates, &mut images);
        combined_error(largest(&images[..n]), largest(&images[n..])) / self.scale()
    }

    /// The least of `θ − γ` and `1 − θ` over all sliding pairs, at the weights `e`; those below half of −[`TINY`] are told.
    fn slopes_gap(&self, problem: &SpanProblem, beyond: &mut Vec<Beyond>) -> f64 {
        let (leak, mut least) = (problem.network.leak, f64::INFINITY);
        for (part, of) in self.mode.parts.iter().enumerate().filter(|(_, of)| !of.kinks.is_empty()) {
            for (kink, theta) in of.slopes_on_kinks(&self.e).into_iter().enumerate() {
                let gap = (theta - leak).min(1.0 - theta);
                least = least.min(gap);
                if gap < -0.5 * TINY {
                    beyond.push(Beyond::Slope(part, kink));
                }
            }
        }
        least
    }

    /// The least distance of the others to zero after S has grown by `moved`, relative to the largest z,
    /// and whether the enclosure of the rates by the stages keeps all of them on their sides, if that is looked at. What is below
    /// half of −[`TINY`] is told.
    fn distances(&self, problem: &SpanProblem, length: f64, look: Look, beyond: &mut Vec<Beyond>) -> (f64, bool) {
        let (n, m) = (problem.n(), problem.network.width);
        if problem.network.linear() {
            return (f64::MAX, true); // no side matters
        }
        let scale = largest(self.z.hi());
        let mut changes = vec![0.0; n * self.mode.parts.len()];
        problem.multiply_all(&self.mode.columns(problem, &self.moved), &mut changes);
        let reach = (look == Look::Whole).then(|| {
            let spread = |k: usize| {
                let rates = self.k.iter().map(|stage| stage[k]);
                let (low, high) = rates.fold((f64::INFINITY, 0.0f64), |(low, high), r| (low.min(r), high.max(r)));
                high - low
            };
            let spread: Vec<f64> = (0..n).map(spread).collect();
            let spread: Vec<f64> = self.mode.columns(problem, &spread).iter().map(|b| b.abs()).collect();
            let mut reach = vec![0.0; spread.len()];
            problem.reach_all(&spread, &mut reach);
            reach
        });
        let (mut least, mut clear) = (f64::INFINITY, true);
        for j in 0..m {
            let first = n * self.mode.groups.of[j];
            for i in 0..n {
                let outward = match self.mode.places[i * m + j] {
                    Place::Below => -1.0,
                    Place::Kink => continue,
                    Place::Above => 1.0,
                };
                let z = outward * self.z.hi()[i * m + j];
                let end = z + outward * changes[first + i];
                least = least.min(end / scale);
                if end / scale < -0.5 * TINY {
                    beyond.push(Beyond::Pair(i, j));
                }
                if let Some(reach) = &reach {
                    clear &= z.min(end) >= 0.25 * length * reach[first + i] || z.min(end) <= TINY * scale;
                }
            }
        }
        (least, clear)
    }
}
