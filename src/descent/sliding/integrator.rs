//! Steps of the averaged flow that end where the mode does.
//!
//! The Runge–Kutta method of order 8 ([`crate::descent::runge_kutta`]) in `u = log t`. With the *gap* the
//! least of the distances `|z|` (relative to the largest) and of `θ − γ`, `1 − θ` at the end of a step,
//! negative beyond, a step is taken if the gap is above −[`TINY`] and no stage and no enclosure of the
//! pre-activations shows a crossing within; otherwise its length is found by regula falsi (Illinois) such
//! that the gap is [`TINY`] below zero: the events of this moment have then happened, and only they.

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

pub(super) struct Trial {
    error: f64,
    gap: f64,
    inside: bool, // whether something may have happened within the step
}

impl Sliding {
    /// Finds a step towards `until`, with its stages left in `k`.
    pub(super) fn step(&mut self, problem: &SpanProblem, until: f64) -> Option<Ahead> {
        let whole = libm::log1p((until - self.t) / self.clock());
        let mut wanted = self.length.min(LONGEST);
        for _ in 0..ITERATIONS {
            let length = wanted.min(whole);
            let trial = self.attempt(problem, length);
            let growth = (0.9 * libm::pow(trial.error / INTEGRATION, -0.125)).clamp(0.2, 3.0);
            if !trial.error.is_finite() || !trial.gap.is_finite() {
                wanted = 0.2 * length;
            } else if trial.error > INTEGRATION {
                wanted = length * growth.min(0.9);
            } else if trial.gap < -TINY {
                let length = self.locate(problem, length, trial.gap);
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

    /// The length, below `beyond`, at which the gap is between −½ and −2 times [`TINY`].
    fn locate(&mut self, problem: &SpanProblem, mut beyond: f64, gap: f64) -> f64 {
        let (mut before, mut low, mut high) = (0.0, TINY, gap + TINY);
        let (mut found, mut side) = (gap, 0);
        for _ in 0..ITERATIONS {
            if (-2.0 * TINY..=-0.5 * TINY).contains(&found) || beyond - before < self.finest(beyond) {
                break;
            }
            let length = (before * high - beyond * low) / (high - low);
            let length = if length > before && length < beyond { length } else { 0.5 * (before + beyond) };
            let value = self.attempt(problem, length).gap + TINY;
            if value < 0.0 || value - TINY < -0.5 * TINY {
                (beyond, high, found) = (length, value.min(-f64::MIN_POSITIVE), value - TINY);
                low *= if side == 1 { 0.5 } else { 1.0 };
                side = 1;
            } else {
                (before, low) = (length, value);
                high *= if side == -1 { 0.5 } else { 1.0 };
                side = -1;
            }
        }
        self.attempt(problem, beyond);
        beyond
    }

    /// The stages of a step over `length` with its error, its gap, and whether its inside is clear.
    pub(super) fn attempt(&mut self, problem: &SpanProblem, length: f64) -> Trial {
        // slopes at every stage, and enclosures of the rest, cost as much again
        self.spent += 2.0 * price_of_attempt(problem.n(), problem.network.width);
        let mut stages_clear = true;
        for (i, node) in NODES[..STAGES].iter().enumerate() {
            let ahead = node * length;
            if i > 0 {
                displacement(i, length, &self.k, &mut self.moved);
                self.weights_ahead(problem, ahead);
                stages_clear &= self.slopes_gap(problem) > -TINY;
            }
            let (at, order) = (self.clock() * libm::exp(ahead), if self.flow.is_some() { 1 } else { 2 });
            let (field, h) = (&mut self.field, self.mode.product());
            field.evaluate(h, (&self.e, &self.sigma), at, order, &mut self.k[i]);
        }
        let error = self.error(length);
        change(length, &self.k, &mut self.moved);
        self.weights_ahead(problem, length);
        let (distance, clear) = self.distances(problem, length);
        let gap = distance.min(self.slopes_gap(problem));
        self.at_start(problem);
        Trial { error, gap, inside: !(stages_clear && clear) }
    }

    /// `e` and the ratios of the loss at `u + ahead`, where S has grown by `moved`.
    fn weights_ahead(&mut self, problem: &SpanProblem, ahead: f64) {
        let loss = problem.loss;
        self.mode.product().multiply(&self.moved, &mut self.image);
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

    /// The least of `θ − γ` and `1 − θ` over all sliding pairs, at the weights `e`.
    fn slopes_gap(&self, problem: &SpanProblem) -> f64 {
        let leak = problem.network.leak;
        let gap = |theta: f64| (theta - leak).min(1.0 - theta);
        let parts = self.mode.parts.iter().filter(|p| !p.kinks.is_empty());
        parts.flat_map(|p| p.slopes_on_kinks(&self.e)).map(gap).fold(f64::INFINITY, f64::min)
    }

    /// The least distance of the others to zero after S has grown by `moved`, relative to the largest z,
    /// and whether the enclosure of the rates by the stages keeps all of them on their sides.
    fn distances(&mut self, problem: &SpanProblem, length: f64) -> (f64, bool) {
        let (n, m) = (problem.n(), problem.network.width);
        if problem.network.linear() {
            return (f64::MAX, true); // no side matters
        }
        let scale = largest(self.z.hi());
        let (mut center, mut spread) = (vec![0.0; n], vec![0.0; n]);
        for k in 0..n {
            let rates = self.k.iter().map(|stage| stage[k]);
            let (low, high) = rates.fold((f64::INFINITY, 0.0f64), |(low, high), r| (low.min(r), high.max(r)));
            (center[k], spread[k]) = (0.5 * (low + high), high - low);
        }
        let (mut least, mut clear) = (f64::INFINITY, true);
        let mut change = vec![0.0; n];
        for (g, part) in self.mode.parts.iter().enumerate() {
            problem.multiply(&part.column(problem, &self.moved), &mut change);
            let spread: Vec<f64> = part.column(problem, &spread).iter().map(|b| b.abs()).collect();
            problem.reach(&spread, &mut self.image);
            for j in (0..m).filter(|&j| self.mode.groups.of[j] == g) {
                for i in 0..n {
                    let outward = match self.mode.places[i * m + j] {
                        Place::Below => -1.0,
                        Place::Kink => continue,
                        Place::Above => 1.0,
                    };
                    let z = outward * self.z.hi()[i * m + j];
                    let end = z + outward * change[i];
                    least = least.min(end / scale);
                    clear &= z.min(end) >= 0.25 * length * self.image[i] || z.min(end) <= TINY * scale;
                }
            }
        }
        (least, clear)
    }
}
