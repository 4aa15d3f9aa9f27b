//! A trial step: its twelve stages, its error, and how far it is clear of a flip.
//!
//! ```text
//! stage i:    k_i = tF̃ at u + c_i h and S + h Σ_j a_ij k_j            one product with H, and one for each order of the field beyond 1
//! error:      |H e|, e the combined estimate of orders 5 and 3        two products with H
//! clearance:  z_ij + rates of the stages, doubled in width            one product with |K|, one with K for each group of neurons
//! ```

use super::Warp;
use crate::descent::runge_kutta::{NODES, STAGES, combined_error, displacement, errors};
use crate::descent::settled::Settled;
use crate::descent::span::Coefficients;
use crate::number::largest;

/// Factor on the integrator's estimates in the error of a flight: its combination of two orders was
/// seen to fall short of the true error by a factor of 4.
const CAUTION: f64 = 4.0;

/// The largest margin that the error of a step is relative to.
const ABSOLUTE: f64 = 8.0;

/// One trial step: where it leads and what it costs.
pub(super) struct Trial {
    pub error: f64,
    pub clear: f64, // the part of the step after which a pre-activation might vanish
}

impl Warp {
    /// The stages of a step from the present t over `length`, its error and its clearance.
    pub(super) fn attempt(&mut self, state: &Coefficients, settled: &Settled, length: f64, order: usize) -> Trial {
        (0..STAGES).for_each(|i| self.stage(i, state, settled, length, order));
        self.at_start(state, settled);
        Trial { error: self.error(settled, length), clear: self.clearance(state, length) }
    }

    /// Stage i of a step over `length`, after those before it.
    pub(super) fn stage(&mut self, i: usize, state: &Coefficients, settled: &Settled, length: f64, order: usize) {
        let (h, loss, q) = (settled.product(), state.problem().loss, settled.margins().hi());
        let ahead = NODES[i] * length;
        if i > 0 {
            displacement(i, length, &self.k, &mut self.moved);
            h.multiply(&self.moved, &mut self.image);
            for k in 0..self.w.len() {
                self.e[k] = libm::exp(self.w[k] + (ahead + loss.log_change(q[k], self.image[k])));
                self.sigma[k] = loss.ratios(q[k] + self.image[k]);
            }
        }
        let at = state.t() * libm::exp(ahead);
        self.field.evaluate(h, (&self.e, &self.sigma), at, order, &mut self.k[i]);
    }

    /// The estimated error of the margins, relative to the largest one; not a number where a stage is not finite.
    fn error(&mut self, settled: &Settled, length: f64) -> f64 {
        let n = self.w.len();
        let mut third = vec![0.0; n];
        errors(length, &self.k, &mut self.local, &mut third);
        let mut size = |e: &[f64]| {
            settled.product().multiply(e, &mut self.image);
            largest(&self.image)
        };
        let (fifth, third) = (size(&self.local), size(&third));
        let error = combined_error(fifth, third);
        if fifth > 0.0 {
            self.local.iter_mut().for_each(|e| *e *= CAUTION * error / fifth);
        }
        error / largest(settled.margins().hi()).min(ABSOLUTE)
    }

    /// The part of the step during which no pre-activation can reach zero; ≥ 1 if that is all of it.
    fn clearance(&mut self, state: &Coefficients, length: f64) -> f64 {
        let (problem, n) = (state.problem(), self.w.len());
        if problem.network.linear() {
            return f64::INFINITY; // no side matters
        }
        let m = problem.network.width;
        let (mut center, mut spread) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            let rates = self.k[..STAGES].iter().map(|k| k[i]);
            let (low, high) = rates.fold((f64::INFINITY, 0.0f64), |(low, high), k| (low.min(k), high.max(k)));
            (center[i], self.moved[i]) = (0.5 * (low + high), high - low);
        }
        problem.reach(&self.moved, &mut spread);
        let size = problem.network.output(0).abs();
        let (groups, z) = (state.groups(), state.compensated_preactivations().hi());
        let mut clear = f64::INFINITY;
        for (g, feature) in state.features().iter().enumerate() {
            self.moved.iter_mut().zip(feature).zip(&center).for_each(|((c, f), rate)| *c = f * rate);
            problem.multiply(&self.moved, &mut self.image);
            for j in (0..m).filter(|&j| groups.of[j] == g) {
                for i in 0..n {
                    let z = z[i * m + j];
                    let outward = if z > 0.0 { self.image[i] } else { -self.image[i] };
                    let inward = length * (size * spread[i] - outward);
                    if inward > 0.0 {
                        clear = clear.min(z.abs() / inward);
                    }
                }
            }
        }
        clear
    }
}
