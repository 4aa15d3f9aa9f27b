//! The step ahead: known, and not taken while what is asked for lies within it.
//!
//! A step ends where accuracy and clearance let it, and the next one begins there. A t between is read off its polynomial, summed up to
//! there, without any evaluation more:
//!
//! ```text
//! S(t) = S + Σ_j w_j(t) e_j,   q(t) = q + Σ_j w_j(t) He_j        j over the end of the step and the nodes before it
//! ```
//!
//! Its error is no larger than that of the whole step: what a node more would add is the sum of
//! `(x − x_0)…(x − x_{k−1}) (x − h)`, which has one sign from 0 to h. Nothing that later steps depend on is touched: the iterates of a run
//! are the same however often it is watched.

use super::history::{Node, Plan, combined};
use super::sums::Span;
use super::trial::Trial;
use super::{Warp, error_of, scaled};
use crate::descent::settled::Settled;
use crate::descent::span::Coefficients;
use crate::number::larger;
use farfield_kernels::two_sum::add;

/// A step that was found.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    /// Where it leads.
    pub end: f64,
    pub span: Span,
    /// e at its predicted end, and the number of nodes before it.
    node: Node,
    order: usize,
    /// What it adds to S and to q.
    pub sums: Vec<f64>,
    pub change: Vec<f64>,
    /// What it adds to δ.
    pub local: Vec<f64>,
    /// The estimated relative error of the margins on the way, the larger one of both ends.
    error: f64,
    /// The step to try after it.
    pub proposal: Plan,
    /// Trials until it was found.
    pub attempts: u64,
}

/// What is read off a step.
pub struct Within {
    /// The iterate.
    pub state: Coefficients,
    /// `αc t s(q_i)`.
    pub scaled: Vec<f64>,
    /// The estimated relative error of the margins.
    pub error: f64,
}

impl Warp {
    /// The step over this span, by its trial.
    pub(super) fn ahead(
        &self,
        settled: &Settled,
        span: Span,
        (node, trial): (Node, Trial),
        order: usize,
        (proposal, attempts): (Plan, u64),
    ) -> Ahead {
        let [sums, change] = self.summed(&trial.weights, &node);
        let drift: Vec<f64> = self.drift.iter().zip(&trial.local).map(|(d, local)| d + local).collect();
        let error = larger(self.error_estimate(settled), error_of(settled, &drift));
        Ahead { end: span.to, span, node, order, sums, change, local: trial.local, error, proposal, attempts }
    }

    /// What S and q gain, by weights of an end and the nodes before it.
    fn summed(&self, weights: &[f64], end: &Node) -> [Vec<f64>; 2] {
        let of = |vector: fn(&Node) -> &Vec<f64>| combined(weights, [end].into_iter().chain(&self.history).map(vector));
        [of(|node| &node.e), of(|node| &node.image)]
    }

    /// What is found at t within the step ahead; None if no step is ahead.
    pub fn within(&self, state: &Coefficients, settled: &Settled, t: f64) -> Option<Within> {
        let Ahead { node, order, error, .. } = self.ahead.as_ref()?;
        let span = Span::new(state.t(), t);
        let places: Vec<f64> = [node.x].into_iter().chain(self.places()).take(order + 1).collect();
        let [sums, change] = self.summed(&span.weights(&places), node);
        let (mut state, mut settled) = (state.clone(), settled.clone());
        settled.shift(&sums, &change);
        settled.sync(&mut state, t);
        let scaled = scaled(&state, settled.margins(), add(self.clock.u, span.length));
        Some(Within { state, scaled, error: *error })
    }
}
