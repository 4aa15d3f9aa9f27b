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
use super::kicks::{Crossing, Turn};
use super::mode::{Mode, Place};
use super::ripple::Orbits;
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
        let (mut before, mut ended): (Option<Arc<Mode>>, _) = (None, None);
        for _ in 0..EXCHANGES {
            self.start_of_step(problem);
            let Some(exchange) = self.violation(problem) else {
                if let Some(mode) = before {
                    self.log(&mode.places, problem.network.width);
                    self.after_event(problem, &mode, ended);
                }
                return true;
            };
            let places = self.exchanged(&exchange, problem.network.width);
            if before.is_none() {
                ended = self.end_ripple(problem);
                before = Some(self.mode.clone());
            }
            if !self.change_mode(problem, places) {
                return false;
            }
        }
        false
    }

    /// What a change of mode leaves behind.
    fn after_event(&mut self, problem: &SpanProblem, before: &Mode, ended: Option<Orbits>) {
        if self.flow.is_some() { self.flow_slips(problem) } else { self.depart(problem, before, ended) }
    }

    /// What steps do otherwise than the averages while places change: see [`super::distance`].
    fn depart(&mut self, problem: &SpanProblem, before: &Mode, ended: Option<Orbits>) {
        let (n, m, mode) = (problem.n(), problem.network.width, self.mode.clone());
        for (group, part) in mode.parts.iter().enumerate() {
            let neurons: Vec<usize> = (0..m).filter(|&j| mode.groups.of[j] == group).collect();
            for j in neurons.iter().copied() {
                let changed = (0..n).filter(|i| before.places[i * m + j] != mode.places[i * m + j]);
                let (left, came): (Vec<_>, Vec<_>) = changed.partition(|i| before.places[i * m + j] == Place::Kink);
                if !left.is_empty() || !came.is_empty() {
                    self.turn(problem, [before, &mode], j, &came);
                }
            }
            for i in 0..n {
                let to = mode.places[i * m + part.first];
                let left = |j: &usize| before.places[i * m + j] == Place::Kink && to != Place::Kink;
                let left: Vec<usize> = neurons.iter().copied().filter(left).collect();
                self.leave(problem, &mode, &left, (i, to));
            }
        }
        self.read_margins(problem);
        self.start_of_step(problem);
        self.measure(problem, f64::INFINITY, ended.as_ref().map(|orbits| (before, orbits)));
    }

    /// What a step adds to a neuron along the sample of a pair with the other slope, `β/t`.
    fn kick(&self, problem: &SpanProblem, i: usize) -> f64 {
        problem.network.output(0).abs() * self.e[i] * (1.0 - problem.network.leak) / self.t
    }

    /// Neurons of a group leave the kink of sample i: by half a kick, up to another half.
    fn leave(&mut self, problem: &SpanProblem, mode: &Mode, neurons: &[usize], (i, to): (usize, Place)) {
        let Some(first) = neurons.first() else { return };
        let (n, m, part) = (problem.n(), problem.network.width, mode.part_of(*first));
        let size = 0.5 * self.kick(problem, i);
        let half = if to == Place::Above { size } else { -size };
        let (direction, squared) = part.across(problem, i);
        let mut change = vec![0.0; n];
        problem.multiply(&direction, &mut change);
        for &j in neurons {
            for k in part.outside() {
                self.z.add_at(k * m + j, half * change[k]);
            }
            (0..n).for_each(|k| self.c.add_at(k * m + j, half * direction[k]));
        }
        let by: Vec<(usize, f64)> = neurons.iter().map(|&j| (j, size)).collect();
        self.distance.kick(problem, mode, &by, (&direction, &change, squared));
    }

    /// The places of neuron j change, and with them its velocity: some pairs have come to zero, where they cross or are
    /// caught on their kinks.
    fn turn(&mut self, problem: &SpanProblem, [before, after]: [&Mode; 2], j: usize, came: &[usize]) {
        let (n, m) = (problem.n(), problem.network.width);
        let [old, new] = [before, after].map(|mode| mode.part_of(j));
        let (was, is) = (old.column(problem, &self.e), new.column(problem, &self.e));
        let jump: Vec<f64> = is.iter().zip(&was).map(|(is, was)| is - was).collect();
        let (mut rates, mut image) = (vec![0.0; n], vec![0.0; n]);
        problem.multiply(&was, &mut rates);
        problem.multiply(&jump, &mut image);
        let squared = jump.iter().zip(&image).fold(0.0f64, |sum, (a, b)| a.mul_add(*b, sum)).max(0.0);
        let own = |i: usize| problem.network.sign(j) * problem.labels[i] > 0.0;
        let ways: Vec<Crossing> =
            came.iter().map(|&sample| Crossing { sample, rate: rates[sample], own: own(sample) }).collect();
        let off: Vec<f64> = came.iter().map(|&i| self.distance.of_pair(i * m + j, old.across(problem, i).1)).collect();
        self.distance.turn(problem, &Turn { neuron: j, parts: [old, new], jump: &jump, image: &image, squared }, &ways);
        for (way, off) in ways.iter().zip(off).filter(|(way, _)| after.places[way.sample * m + j] != Place::Kink) {
            let ripple = old.ripple_size(problem, &self.e)[way.sample] / self.t;
            let late = 1.0 / self.t + (ripple + if way.own { off } else { 0.0 }) / way.rate.abs();
            self.distance.kick(problem, after, &[(j, late)], (&jump, &image, squared));
        }
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
    fn violation(&self, problem: &SpanProblem) -> Option<Exchange> {
        let (n, m, leak) = (problem.n(), problem.network.width, problem.network.leak);
        if problem.network.linear() {
            return None; // no side matters
        }
        let (near, a) = (4.0 * TINY * largest(self.z.hi()), problem.network.output(0).abs());
        let mut worst: Option<Exchange> = None;
        let mut propose = |exchange: Exchange| {
            if worst.as_ref().is_none_or(|w| exchange.size > w.size) {
                worst = Some(exchange);
            }
        };
        let mut images = vec![0.0; n * self.mode.parts.len()];
        problem.multiply_all(&self.mode.columns(problem, &self.e), &mut images);
        for ((group, part), image) in self.mode.parts.iter().enumerate().zip(images.chunks_exact(n)) {
            for (&sample, theta) in part.kinks.iter().zip(part.slopes_on_kinks(&self.e)) {
                let (size, to) = if theta > 1.0 { (theta - 1.0, Place::Above) } else { (leak - theta, Place::Below) };
                if size > 0.25 * TINY {
                    propose(Exchange { size, sample, group, at_zero: false, to });
                }
            }
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
                    let inward = -outward * image[sample] / push;
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
