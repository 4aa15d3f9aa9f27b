//! From steps to averages.
//!
//! With σ given, the iterate projected onto its kinks moves smoothly, and the margins of the iterate
//! itself ripple about its margins with an amplitude of order 1/t. Over [`STEPS`] steps the mean of that ripple
//! is measured and compared with the one that the chatter's own dynamics have ([`super::ripple`]).

use super::Sliding;
use super::mode::{Mode, Place};
use crate::descent::compensated::Compensated;
use crate::descent::span::Coefficients;
use farfield_kernels::dense;

/// Steps over which the ripple is measured.
pub const STEPS: u64 = 2048;

/// The part of the tolerance that the present mode may use up; the rest is for later events.
const SHARE: f64 = 0.5;

/// What the handover found.
pub enum Handover {
    /// The averages, good to the tolerance.
    Sliding(Box<Sliding>),
    /// The averages would be in error by this, relative to the largest margin.
    Rough(f64),
    /// Slopes are not determined, or a step diverged.
    Failed,
}

/// Takes [`STEPS`] steps with the given places in mind and starts the averages, if the error that they
/// leave behind in the margins stays below `tolerance`.
pub fn hand_over(
    state: &mut Coefficients,
    mut places: Vec<Place>,
    tolerance: f64,
    step: &mut dyn FnMut(&mut Coefficients) -> bool,
) -> Handover {
    let problem = state.problem().clone();
    let Some(start) = Sliding::new(state, places.clone()) else { return Handover::Failed };
    let mut sum = Compensated::zeros(problem.n());
    for _ in 0..STEPS {
        if !step(state) {
            return Handover::Failed;
        }
        sum.add(&ripple(state, start.mode()));
    }
    let observed: Vec<f64> = sum.hi().iter().map(|s| s / STEPS as f64).collect();
    let m = problem.network.width;
    for (pair, place) in places.iter_mut().enumerate() {
        if *place != Place::Kink {
            *place = if state.pattern().get(pair / m, pair % m) { Place::Above } else { Place::Below };
        }
    }
    let Some(mut sliding) = Sliding::new(state, places) else { return Handover::Failed };
    sliding.compare(&observed, start.ripple());
    let left = sliding.error_ahead(&problem) / SHARE;
    if left > tolerance { Handover::Rough(left) } else { Handover::Sliding(Box::new(sliding)) }
}

/// `t (q − q of the projected iterate)`, length n.
fn ripple(state: &Coefficients, mode: &Mode) -> Vec<f64> {
    let problem = state.problem();
    let (n, m, k) = (problem.n(), problem.network.width, &problem.gram.0);
    let z = state.compensated_preactivations().hi();
    let mut ripple = vec![0.0; n];
    for j in 0..m {
        let part = &mode.parts[mode.groups.of[j]];
        if part.kinks.is_empty() {
            continue;
        }
        let excess = part.excess(part.kinks.iter().map(|i| z[i * m + j]).collect());
        let (factor, mut off) = (state.t() * problem.network.output(j), vec![0.0; n]);
        part.kinks.iter().zip(&excess).for_each(|(r, c)| dense::add_scaled(*c, k.row(*r), &mut off));
        for i in 0..n {
            let slope = state.pattern().slope(&problem.network, i, j);
            ripple[i] += factor * slope * problem.labels[i] * off[i];
        }
    }
    ripple
}
