//! The next step: how long it is, on how many nodes, and what its error is.

use super::ahead::Ahead;
use super::clear::finite;
use super::history::{self, Differences, KEPT, Node, Plan, combined};
use super::sums::Span;
use super::{ABSOLUTE, APPROACH, FINEST, INTEGRATION, LEAST, LONGEST, Warp};
use crate::descent::settled::Settled;
use crate::descent::span::Coefficients;
use crate::engine::{Reached, Stop};
use crate::number::{COUNTABLE, largest};

/// What a trial step shows of its error.
pub(super) struct Trial {
    pub error: f64,
    pub sizes: Vec<f64>,   // of the differences of He on its end and the nodes
    pub local: Vec<f64>,   // the error, sample by sample
    pub weights: Vec<f64>, // of its end and the nodes in what is corrected
}

/// What rounding may leave of each He, relative to the largest: `|log e|` of some units, and a product.
const ROUNDED: f64 = 2.0 * f64::EPSILON;

impl Warp {
    /// The next step; or why there is none.
    pub(super) fn foresee(
        &mut self,
        state: &mut Coefficients,
        settled: &mut Settled,
        stop: &Stop,
    ) -> std::result::Result<Ahead, Reached> {
        if stop.raised() {
            return Err(Reached::Interrupted);
        }
        if self.attempts >= self.most {
            return Err(Reached::Exhausted);
        }
        if !finite(&self.history[0].e) {
            return Err(Reached::Diverged);
        }
        let allowed = INTEGRATION * largest(settled.margins().hi()).min(ABSOLUTE);
        let (t, mut plan) = (state.t(), self.plan);
        for attempts in 1.. {
            let end = landing(t, plan.length.min(LONGEST));
            if end - t < LEAST || plan.length < FINEST {
                break;
            }
            let span = Span::new(t, end);
            let (node, trial) = self.attempt(state, settled, &span, plan.order);
            let length = span.length;
            if !trial.error.is_finite() {
                plan = Plan { length: 0.2 * length, order: plan.order.div_ceil(2) };
                continue;
            }
            if trial.error > allowed {
                let shorter = history::plan(&trial.sizes, &self.places(), length, allowed);
                plan = Plan { length: shorter.length.min(0.9 * length), ..shorter };
                continue;
            }
            let Some(clear) = self.clear((state, settled), (&span, plan.order), &node) else {
                return Err(Reached::Flip);
            };
            if clear < 1.0 {
                plan.length = length * APPROACH * clear;
                continue;
            }
            let after: Vec<f64> =
                [0.0].into_iter().chain(self.places().iter().map(|x| x - length)).take(KEPT).collect();
            let proposal = history::plan(&trial.sizes, &after, plan.length.min(LONGEST), allowed);
            return Ok(self.ahead(settled, span, (node, trial), plan.order, (proposal, attempts)));
        }
        Err(Reached::Event)
    }

    /// Where the nodes are.
    pub(super) fn places(&self) -> Vec<f64> {
        self.history.iter().map(|node| node.x).collect()
    }

    /// e at the predicted end of a step, and how far that is to be trusted.
    fn attempt(&mut self, state: &Coefficients, settled: &Settled, span: &Span, order: usize) -> (Node, Trial) {
        let (loss, q, nodes) = (state.problem().loss, settled.margins().hi(), &self.history[..order]);
        let places = self.places();
        let change = combined(&span.weights(&places[..order]), nodes.iter().map(|node| &node.image));
        let moved = |k: usize| nodes[0].e[k] * libm::exp(span.length + loss.log_change(q[k], change[k]));
        let e: Vec<f64> = (0..self.n).map(moved).collect();
        let mut image = vec![0.0; self.n];
        settled.product().multiply(&e, &mut image);
        let all: Vec<f64> = [span.length].into_iter().chain(places.iter().copied()).collect();
        let images = [&image].into_iter().chain(self.history.iter().map(|node| &node.image));
        let found = Differences::new(&all, images, order);
        let weights = span.weights(&all[..=order]);
        let error = if finite(&image) {
            let rounding = ROUNDED * found.sizes[0] * weights.iter().map(|w| w.abs()).sum::<f64>();
            history::error(&found.sizes, &places, Plan { length: span.length, order }) + rounding
        } else {
            f64::NAN
        };
        let top = found.sizes[order];
        let share = if top > 0.0 { error / top } else { 0.0 };
        let local = found.asked.iter().map(|d| share * d).collect();
        (Node { x: span.length, e, image }, Trial { error, sizes: found.sizes, local, weights })
    }
}

/// Where a step of length `wanted` in u from t ends: at an integer if they can be told apart.
fn landing(t: f64, wanted: f64) -> f64 {
    let end = t * libm::exp(wanted);
    if end < COUNTABLE { end.floor() } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descent::span::{SpanProblem, SpanStart};
    use crate::engine::{Flips, Progress};
    use crate::gram::gram;
    use crate::inner_products::{Gram, preactivations};
    use crate::matrix::Matrix;
    use crate::network::Network;
    use farfield_kernels::loss::Loss;
    use std::sync::Arc;

    /// Random samples with one label, or with the sign of their first feature; small weights.
    fn problem(n: usize, d: usize, loss: Loss, seed: u64) -> Arc<SpanProblem> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let x = Matrix::new(n, d, (0..n * d).map(|_| next()).collect());
        let labels: Vec<f64> = (0..n).map(|i| if seed.is_multiple_of(2) { 1.0 } else { x[(i, 0)].signum() }).collect();
        let weights = Matrix::new(4, d, (0..4 * d).map(|_| 1e-4 * next()).collect());
        let gram = gram(&x);
        let rate = 1.0 / (0..n).map(|i| gram.row(i).iter().map(|k| k.abs()).sum::<f64>()).fold(0.0, f64::max);
        let start = SpanStart::new(weights.clone(), preactivations(&x, &weights));
        let network = Network::new(4, 2, 0.3).expect("a network");
        Arc::new(SpanProblem::new(Arc::new(Gram(gram)), Some(x.into()), labels, network, (loss, rate), start))
    }

    /// The estimate of a corrected step against exact steps, on problems, from t, on numbers of nodes and over lengths: it is
    /// never below half of the true error, but for what rounds; a flight reports it doubled.
    #[test]
    fn estimates_are_above_the_truth() {
        let (mut compared, mut ratios) = (0, Vec::new());
        for (seed, loss) in (0..8).zip([Loss::Exponential, Loss::Logistic].into_iter().cycle()) {
            let (n, d) = ([6, 20, 40][seed as usize % 3], [60, 30][seed as usize / 3 % 2]);
            let mut state = Coefficients::new(problem(n, d, loss, seed), 0.0, Flips::default());
            for from in [150.0, 400.0, 1100.0, 4000.0, 20_000.0f64] {
                while state.t() < from.min(state.flips().last + 8.0) || state.t() < 20.0 {
                    assert!(state.step());
                }
                let mut settled = Settled::new(&state);
                let exact = |settled: &mut Settled, state: &mut Coefficients, to: f64| {
                    let steps = (to - state.t()).max(0.0) as u64;
                    settled.advance(state, (steps, u64::MAX), &Stop::default(), &Progress::default()).2
                        == Reached::Target
                };
                if !exact(&mut settled, &mut state, from) {
                    continue;
                }
                let mut warp = Warp::new(n);
                if warp.ready(&state, &mut settled, 1e-14).is_some() {
                    continue;
                }
                let (t, nodes) = (state.t(), warp.history.len());
                for length in [0.03, 0.1, 0.2, 0.4, 0.7] {
                    let span = Span::new(t, landing(t, length));
                    let (mut ahead, mut there) = (settled.clone(), state.clone());
                    if span.to < t + LEAST || !exact(&mut ahead, &mut there, span.to) {
                        continue;
                    }
                    for order in [1, 2, 3, 5, 7, 9, 11].into_iter().filter(|order| *order < nodes) {
                        let (node, trial) = warp.attempt(&state, &settled, &span, order);
                        let images = [&node].into_iter().chain(&warp.history).map(|node| &node.image);
                        let change = combined(&trial.weights, images);
                        let off = (0..n).map(|k| {
                            let (from, to) = (settled.margins(), ahead.margins());
                            ((to.hi()[k] - from.hi()[k] - change[k]) + (to.lo()[k] - from.lo()[k])).abs()
                        });
                        let off = off.fold(0.0, f64::max);
                        let rounding = 4e-15 * largest(ahead.margins().hi());
                        let case = format!("seed {seed}, t = {t}, length {length}, {order} nodes");
                        assert!(off <= 2.0 * trial.error + rounding, "{case}: {off:e}, estimated {:e}", trial.error);
                        assert!((largest(&trial.local) / trial.error - 1.0).abs() < 1e-12, "{case}");
                        compared += 1;
                        if off > rounding {
                            ratios.push(trial.error / off);
                        }
                    }
                }
            }
        }
        ratios.sort_by(f64::total_cmp);
        assert!(compared > 300 && ratios[ratios.len() / 2] < 100.0, "{compared}, {:?}", &ratios);
    }
}
