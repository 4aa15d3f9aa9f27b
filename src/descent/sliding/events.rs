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

use super::integrator::TINY;
use super::mode::Place;
use super::{Sliding, largest};
use crate::descent::gram::Problem;
use std::sync::Arc;

/// Exchanges at one moment after which no consistent mode is expected any more.
const EXCHANGES: usize = 1000;

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
    pub(super) fn settle(&mut self, problem: &Arc<Problem>) -> bool {
        let mut before: Option<Vec<Place>> = None;
        for _ in 0..EXCHANGES {
            self.start_of_step(problem);
            let Some(exchange) = self.violation(problem) else {
                before.iter().for_each(|places| self.log(places, problem.network.width));
                return true;
            };
            let places = self.exchanged(&exchange, problem.network.width);
            before.get_or_insert_with(|| self.mode.places.clone());
            if !self.change_mode(problem, places) {
                return false;
            }
        }
        false
    }

    /// The places after an exchange.
    fn exchanged(&self, exchange: &Exchange, m: usize) -> Vec<Place> {
        let near = 4.0 * TINY * largest(self.z.hi());
        let mut places = self.mode.places.clone();
        for j in (0..m).filter(|&j| self.mode.groups.of[j] == exchange.group) {
            let pair = exchange.sample * m + j;
            if !exchange.at_zero || self.z.hi()[pair].abs() <= near {
                places[pair] = exchange.to;
            }
        }
        places
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
    fn violation(&mut self, problem: &Problem) -> Option<Exchange> {
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
                    if outward * self.z.hi()[sample * m + j] > near {
                        continue;
                    }
                    let push = a * self.e[sample] * problem.gram.0[(sample, sample)];
                    let size = -outward * self.image[sample] / push;
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
