//! The step ahead: known, and not taken while what is asked for lies within it.
//!
//! A step ends where accuracy and clearance let it, and the next one begins there. A t between is read off the dense output
//! of order 7 ([`crate::descent::runge_kutta`]), four evaluations of the field more for all t of a step:
//!
//! ```text
//! S(t) = S + Y(x),   q(t) = q + H Y(x),   x = log(t/t₀) / length
//! ```
//!
//! Nothing that later steps depend on is touched: the iterates of a run are the same however often it is watched.

use super::{Warp, log_weights};
use crate::descent::runge_kutta::{EXTENDED, STAGES, TERMS, dense, dense_change};
use crate::descent::settled::Settled;
use crate::descent::span::Coefficients;
use farfield_kernels::two_sum::add;

/// A step that was found; its stages are in the integrator's `k`.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    /// Where it leads.
    pub next: f64,
    /// Its length in log t.
    pub length: f64,
    /// Order of the field.
    pub order: usize,
    /// The length to try after it.
    pub proposal: f64,
    /// Trials until it was found.
    pub attempts: u64,
    /// δ after it.
    pub drift: Vec<f64>,
    /// The estimated relative error of the margins on the way, the larger one of both ends.
    pub error: f64,
    /// The terms of its dense output, once they were asked for.
    pub dense: Option<[Vec<f64>; TERMS]>,
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
    /// What is found at t within the step ahead; None if no step is ahead.
    pub fn within(&mut self, state: &Coefficients, settled: &Settled, t: f64) -> Option<Within> {
        let mut ahead = self.ahead.take()?;
        if ahead.dense.is_none() {
            (STAGES..EXTENDED).for_each(|i| self.stage(i, state, settled, ahead.length, ahead.order));
            self.at_start(state, settled);
        }
        let terms = ahead.dense.get_or_insert_with(|| dense(ahead.length, &self.k));
        let since = libm::log1p((t - state.t()) / state.t());
        dense_change(terms, since / ahead.length, &mut self.moved);
        let error = ahead.error;
        self.ahead = Some(ahead);
        let (mut state, mut settled) = (state.clone(), settled.clone());
        settled.add(&self.moved);
        settled.sync(&mut state, t);
        let weights = log_weights(&state, &settled, add(self.clock.u, since));
        Some(Within { state, scaled: weights.into_iter().map(libm::exp).collect(), error })
    }
}
