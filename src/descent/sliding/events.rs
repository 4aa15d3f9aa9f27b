//! What happens at an event: the mode that is consistent at this moment.
//!
//! Of the pairs at zero, each neuron's slopes are the solution of a small convex problem: with
//! `b_k = a y_k e_k θ_k`, `dz = r + Kb`, an opposite-sign pair at zero has
//!
//! ```text
//! θ = γ and dz ≤ 0 (it goes below),   γ ≤ θ ≤ 1 and dz = 0 (it slides),   θ = 1 and dz ≥ 0 (it goes above),
//! ```
//!
//! the conditions of `min ½bᵀKb + rᵀb` over a box, which is strictly convex where K is positive definite:
//! there is exactly one consistent mode. It is found by exchanges, the worst violation first: a pair at
//! zero that moves inward is put on its kink, a pair whose slope is outside [γ, 1] is let go to that side.
//! An own-sign pair is pushed harder on its positive side: reaching zero it always crosses.

use super::Sliding;
use super::integrator::TINY;
use super::mode::{Mode, Place};
use crate::descent::span::SpanProblem;
use crate::number::largest;
use std::sync::Arc;

/// Exchanges at one moment after which no consistent mode is expected any more.
const EXCHANGES: usize = 1000;

/// More than any speed relative to a pair's own push: what is on the wrong side goes first.
const BEYOND: f64 = 1e6;

/// A pair that changed its place for good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When, in steps.
    pub t: f64,
    /// Index of the sample.
    pub sample: usize,
    /// Index of the neuron.
    pub neuron: usize,
    /// Where the pair was.
    pub from: Place,
    /// Where it went: onto its kink, off it, or across it.
    pub to: Place,
}

/// One change of place.
struct Exchange {
    size: f64,
    sample: usize,
    group: usize,
    at_zero: bool, // only the neurons of the group that are at zero
    to: Place,
}

impl Sliding {
    /// Finds the consistent mode of this moment. False if there is none.
    pub(super) fn settle(&mut self, problem: &Arc<SpanProblem>) -> bool {
        let mut before: Option<Mode> = None;
        for _ in 0..EXCHANGES {
            self.start_of_step(problem);
            let Some(exchange) = self.violation(problem) else {
                if let Some(mode) = before {
                    self.log(&mode.places, problem.network.width);
                    self.depart(problem, &mode);
                }
                return true;
            };
            let places = self.exchanged(&exchange, problem.network.width);
            if before.is_none() {
                self.end_ripple(problem);
                before = Some(self.mode.clone());
            }
            if !self.change_mode(problem, places) {
                return false;
            }
        }
        false
    }

    /// What steps do otherwise than the averages while places change: see [`super::distance`].
    fn depart(&mut self, problem: &SpanProblem, before: &Mode) {
        let (n, m, mode) = (problem.n(), problem.network.width, self.mode.clone());
        let mut change = vec![0.0; n];
        for (group, part) in mode.parts.iter().enumerate() {
            let neurons: Vec<usize> = (0..m).filter(|&j| mode.groups.of[j] == group).collect();
            for i in 0..n {
                let (from, to) = (before.places[i * m + part.first], mode.places[i * m + part.first]);
                let changed: Vec<usize> = neurons.iter().copied().filter(|&j| before.places[i * m + j] != to).collect();
                if changed.is_empty() {
                    continue;
                }
                if to == Place::Kink {
                    changed.iter().for_each(|&j| self.caught(problem, before, (i, j)));
                    continue;
                }
                let kick = problem.network.output(part.first).abs() * self.e[i] * (1.0 - problem.network.leak) / self.t;
                let (direction, squared) = part.across(problem, i);
                problem.multiply(&direction, &mut change);
                let by: Vec<(usize, f64)> = if from == Place::Kink {
                    let half = if to == Place::Above { 0.5 * kick } else { -0.5 * kick };
                    for &j in &neurons {
                        for k in part.outside() {
                            self.z.add_at(k * m + j, half * change[k]);
                        }
                        (0..n).for_each(|k| self.c.add_at(k * m + j, half * direction[k]));
                    }
                    neurons.iter().map(|&j| (j, 0.5 * kick)).collect()
                } else {
                    changed.into_iter().map(|j| (j, self.lag(problem, before, (i, j), kick))).collect()
                };
                self.distance.kick(&by, &change, squared, m);
            }
        }
        self.read_margins(problem);
        self.start_of_step(problem);
        self.measure(problem, f64::INFINITY);
    }

    /// How far pair (i, j) is displaced along its sample by crossing late or early; `kick` is what a step
    /// adds.
    fn lag(&mut self, problem: &SpanProblem, before: &Mode, (i, j): (usize, usize), kick: f64) -> f64 {
        let (n, m) = (problem.n(), problem.network.width);
        let old = &before.parts[before.groups.of[j]];
        if old.slope(i) == 0.0 {
            return kick; // it left its kink, and its group was not displaced
        }
        let mut rates = vec![0.0; n];
        problem.multiply(&old.column(problem, &self.e), &mut rates);
        let (speed, (direction, squared)) = (rates[i].abs(), old.across(problem, i));
        let ripple = old.ripple_size(problem, &self.e)[i];
        let mut change = vec![0.0; n];
        problem.multiply(&direction, &mut change);
        let force = kick * self.t / speed;
        if problem.network.sign(j) * problem.labels[i] > 0.0 {
            let off = self.distance.of_pair(i * m + j, squared);
            let jump = kick * self.t * squared;
            self.distance.kicks.cross((i, j), force, &change, squared, m);
            return kick * (1.0 + ripple / (speed + jump)) + force * off;
        }
        self.distance.absorb((i, j), false, &change, squared, m);
        self.distance.kicks.cross((i, j), -force, &change, squared, m);
        kick * (1.0 + ripple / speed)
    }

    /// Pair (i, j) has come onto its kink.
    fn caught(&mut self, problem: &SpanProblem, before: &Mode, (i, j): (usize, usize)) {
        let (direction, squared) = before.parts[before.groups.of[j]].across(problem, i);
        let mut change = vec![0.0; problem.n()];
        problem.multiply(&direction, &mut change);
        self.distance.absorb((i, j), true, &change, squared, problem.network.width);
        self.distance.kicks.catch((i, j), &change, squared, problem.network.width);
    }

    /// The places after an exchange.
    fn exchanged(&self, exchange: &Exchange, m: usize) -> Vec<Place> {
        let near = 4.0 * TINY * largest(self.z.hi());
        let mut places = self.mode.places.clone();
        for j in (0..m).filter(|&j| self.mode.groups.of[j] == exchange.group) {
            let pair = exchange.sample * m + j;
            if !exchange.at_zero || self.outward(pair) <= near {
                places[pair] = exchange.to;
            }
        }
        places
    }

    /// How far a pair is on its own side.
    fn outward(&self, pair: usize) -> f64 {
        match self.mode.places[pair] {
            Place::Below => -self.z.hi()[pair],
            Place::Kink => 0.0,
            Place::Above => self.z.hi()[pair],
        }
    }

    /// Notes what has changed; a pair on its kink has the bit 0.
    fn log(&mut self, before: &[Place], m: usize) {
        for (pair, (&from, &to)) in before.iter().zip(&self.mode.places).enumerate().filter(|(_, (a, b))| a != b) {
            self.events.push(Event { t: self.t, sample: pair / m, neuron: pair % m, from, to });
            self.flips.count += u64::from((from == Place::Above) != (to == Place::Above));
            self.flips.last = self.t;
        }
    }

    /// The worst violation, relative to the pair's own push; none if the mode is consistent.
    fn violation(&mut self, problem: &SpanProblem) -> Option<Exchange> {
        let (n, m, leak) = (problem.n(), problem.network.width, problem.network.leak);
        let (near, a) = (4.0 * TINY * largest(self.z.hi()), problem.network.output(0).abs());
        let mut worst: Option<Exchange> = None;
        let mut propose = |exchange: Exchange| {
            if worst.as_ref().is_none_or(|w| exchange.size > w.size) {
                worst = Some(exchange);
            }
        };
        for (group, part) in self.mode.parts.iter().enumerate() {
            for (&sample, theta) in part.kinks.iter().zip(part.slopes_on_kinks(&self.e)) {
                let (size, to) = if theta > 1.0 { (theta - 1.0, Place::Above) } else { (leak - theta, Place::Below) };
                if size > 0.25 * TINY {
                    propose(Exchange { size, sample, group, at_zero: false, to });
                }
            }
            problem.multiply(&part.column(problem, &self.e), &mut self.image);
            let own_sign = problem.network.sign(part.first);
            for j in (0..m).filter(|&j| self.mode.groups.of[j] == group) {
                for sample in 0..n {
                    let (outward, across) = match self.mode.places[sample * m + j] {
                        Place::Below => (-1.0, Place::Above),
                        Place::Kink => continue,
                        Place::Above => (1.0, Place::Below),
                    };
                    let distance = self.outward(sample * m + j);
                    if distance > near {
                        continue;
                    }
                    let push = a * self.e[sample] * problem.gram.0[(sample, sample)];
                    let inward = -outward * self.image[sample] / push;
                    // a displacement has carried it beyond
                    let size = if distance < -near { BEYOND + inward.abs() } else { inward };
                    if size > TINY {
                        let to = if own_sign * problem.labels[sample] > 0.0 { across } else { Place::Kink };
                        propose(Exchange { size, sample, group, at_zero: true, to });
                    }
                }
            }
        }
        worst
    }
}
