//! Gradient flow: what it does otherwise than averages.
//!
//! ```text
//! dW/dt = −∇L(W),   dS/dt = c s(q),   q = q₀ + HS in a mode,   u = log(t + τ)
//! ```
//!
//! Where φ has a kink the right-hand side jumps, and the flow is Filippov's: what happens at a kink is what [`super::events`] says, a
//! crossing, or a sliding with the slope that keeps the pair there. From W(0) near 0 most pairs change their sides within a time of
//! order ‖W(0)‖, one after the other; every one of these is an event, and steps are as short as they are apart.
//!
//! *Error.* A step of the integrator is taken if its estimated error in the margins is below [`INTEGRATION`] of the largest one, or
//! of [`FLOOR`] where all are smaller. An event is located within 2 [`TINY`] of the largest pre-activation: the pair is late by so
//! much, and a group of neurons moves a margin by at most √m times that. The sum of both, relative to the largest margin, is what is
//! reported: an estimate, as no bound is known for what an early error becomes.

use super::integrator::{INTEGRATION, SHORT, TINY};
use super::mode::{Mode, Place};
use super::{Ahead, Distance, FIRST, ROUNDING, Ripple, Sliding};
use crate::descent::span::{Coefficients, SpanProblem};
use crate::number::largest;

/// Below this the largest margin counts as so large.
const FLOOR: f64 = 1.0 / 64.0;

/// Steps of the flow shorter than this are taken without enclosing what happens within: all of them begin where the pairs that
/// are close to their kinks have just been looked at.
const SHORT_OF_FLOW: f64 = 1.0 / 65536.0;

/// Growth of the step after an event, which others may follow.
const GROWTH: f64 = 4.0;

impl Sliding {
    /// Gradient flow from an iterate, with the unit of time `unit`.
    pub fn flow(state: &Coefficients, unit: f64) -> Self {
        let (problem, t, pattern) = (state.problem(), state.t(), state.pattern());
        let (n, m) = (problem.n(), problem.network.width);
        let place = |pair: usize| if pattern.get(pair / m, pair % m) { Place::Above } else { Place::Below };
        let mode = Mode::new(problem, (0..n * m).map(place).collect()).expect("without a kink all slopes are given");
        let (c, z) = (state.coefficients().clone(), state.compensated_preactivations().clone());
        let distance = Distance::new(t, vec![0.0; n], m);
        let mut flow = Self::assemble(c, z, mode, Ripple::none(n), distance, state.flips());
        let log = libm::log(t + unit);
        (flow.t, flow.u, flow.origin, flow.flow) = (t, (log, 0.0), log, Some(unit));
        flow.read_margins(problem);
        flow
    }

    /// Takes the step ahead.
    pub(super) fn flow_on(&mut self, problem: &SpanProblem, ahead: Ahead) {
        self.distance.bound += INTEGRATION * self.scale();
        self.apply(problem, ahead.next, ahead.length);
        self.start_of_step(problem);
    }

    /// What the place of an event is not known by.
    pub(super) fn flow_slips(&mut self, problem: &SpanProblem) {
        self.distance.bound += 2.0 * TINY * largest(self.z.hi()) * (problem.network.width as f64).sqrt();
    }

    /// The estimated relative error of the margins.
    pub(super) fn flow_error(&self) -> f64 {
        self.distance.bound / self.scale() + ROUNDING
    }

    /// What errors of margins are relative to.
    pub(super) fn scale(&self) -> f64 {
        let top = largest(self.q.hi());
        if self.flow.is_some() { top.max(FLOOR) } else { top }
    }

    /// The t at the end of a step of this length.
    pub(super) fn after(&self, length: f64) -> f64 {
        match self.flow {
            Some(unit) => self.t + (self.t + unit) * libm::expm1(length),
            None => self.t * libm::exp(length),
        }
    }

    /// The length to try after a step that ends at an event.
    pub(super) fn proposal_after_event(&self, length: f64) -> f64 {
        if self.flow.is_some() {
            self.length.min((GROWTH * length).max(f64::MIN_POSITIVE)).min(FIRST)
        } else {
            self.length
        }
    }

    /// Steps shorter than this are taken without enclosing what happens within.
    pub(super) fn short(&self) -> f64 {
        if self.flow.is_some() { SHORT_OF_FLOW } else { SHORT }
    }

    /// The finest part of a length that ends at `beyond` in which an event is looked for.
    pub(super) fn finest(&self, beyond: f64) -> f64 {
        if self.flow.is_some() { 2.0 * f64::EPSILON * beyond } else { 1e-15 }
    }
}
