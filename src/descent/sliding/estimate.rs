//! What the distance to steps takes note of over a step of the averages, and when κ is measured again.
//!
//! ```text
//! over a step:   bound += source (1/t − 1/t'),  and what its kicks become          ([`super::distance`])
//! after it:      κ anew, by an average over so many steps, where the weights e have changed
//! ```

use super::mode::Mode;
use super::ripple::{Orbits, Ripple};
use super::{ACCURACY, NEGLIGIBLE, Sliding};
use crate::descent::choose::price_on_k;
use crate::descent::runge_kutta::change;
use crate::descent::span::SpanProblem;
use crate::number::largest;

impl Sliding {
    /// Lets the bound grow over a step, before it is applied.
    pub(super) fn estimate(&mut self, problem: &SpanProblem, next: f64, length: f64) {
        let steepness = problem.loss.steepness();
        let source = self.distance.source(&self.mode, &self.ripple, &self.e, self.t, steepness);
        self.distance.bound += source * (1.0 / self.t - 1.0 / next);
        self.distance.spread(&self.mode, &self.e, libm::log(next / self.t), steepness);
        change(length, &self.k, &mut self.moved);
        let pull: Vec<f64> = self.moved.iter().zip(&self.sigma).map(|(s, ratios)| -ratios[0] * s / length).collect();
        let products = self.distance.kicks.follow(&self.mode, &pull, length);
        self.spent += products as f64 * price_on_k(problem.n(), problem.network.width, 0);
    }

    /// Measures κ again where the weights have changed.
    pub(super) fn follow_ripple(&mut self, problem: &SpanProblem) {
        self.start_of_step(problem);
        if self.distance.outdated(&self.mode, &self.e) {
            self.renew(problem);
        }
    }

    /// κ at the present weights, in the same mode.
    pub(super) fn renew(&mut self, problem: &SpanProblem) {
        if let Some(fresh) = self.end_ripple(problem) {
            self.ripple = Ripple::of(problem, &self.mode, &fresh);
            self.distance.weights.copy_from_slice(&self.e);
        }
    }

    /// Ends the use of the present κ, and says what its neurons would do now; none where it hardly matters.
    pub(super) fn end_ripple(&mut self, problem: &SpanProblem) -> Option<Orbits> {
        if self.flow.is_some() {
            return None;
        }
        let steps = self.ripple.largest() / (ACCURACY * self.t * largest(self.q.hi()));
        if steps < NEGLIGIBLE {
            return None;
        }
        let orbits = self.orbits(problem, steps, None);
        let fresh = Ripple::of(problem, &self.mode, &orbits);
        self.distance.renew(&self.mode, [&self.ripple, &fresh], &self.e, self.t, problem.loss.steepness());
        Some(orbits)
    }

    /// κ of the present mode at the weights `e`, by an average over so many steps; what is known of neurons at these weights in
    /// another mode is not found again.
    pub(super) fn measure(&mut self, problem: &SpanProblem, steps: f64, known: Option<(&Mode, &Orbits)>) {
        let orbits = self.orbits(problem, steps, known);
        self.ripple = Ripple::of(problem, &self.mode, &orbits);
        self.distance.since = self.t;
        self.distance.weights.copy_from_slice(&self.e);
    }

    fn orbits(&mut self, problem: &SpanProblem, steps: f64, known: Option<(&Mode, &Orbits)>) -> Orbits {
        let orbits = Orbits::find(problem, &self.mode, &self.e, steps, known);
        self.spent += orbits.price(problem.n(), &self.mode, steps);
        orbits
    }
}
