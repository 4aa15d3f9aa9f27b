//! Warp: discrete gradient descent followed through decades of steps at the cost of a few.
//!
//! In a fixed pattern the iterates lie on the flow of the modified field F̃ ([`super::modified`]). In
//! `u = log t`
//!
//! ```text
//! dS/du = t F̃(S),    t F = exp(w),    w = log(αc) + u − q
//! ```
//!
//! is smooth and not stiff: near the limit `tF → λ`, and `diag(λ)H` has no eigenvalue above 1 for
//! `H ≥ 0`. The Runge–Kutta method of order 8 ([`super::runge_kutta`]) follows it, every step ending at an
//! integer t as long as integers can be told apart. Losses are never formed: w stays of order 1 where
//! `e^{-q}` is long below the smallest double, and u and q are pairs `hi + lo`, so that w keeps its
//! digits although u and q are large and nearly equal.
//!
//! *Steps of the integrator* are accepted when the estimated error of the margins is below
//! [`INTEGRATION`] of the largest one, and when no pre-activation can reach zero within them.
//!
//! *Clearance.* `dz_ij/du = Σ_k K_ik y_k a_j g_kj dS_k/du`. The twelve stages sample `dS_k/du` over the
//! whole step; the interval they span, doubled in width, encloses it, and with it the rate of every
//! z. A step is taken only if the enclosure keeps each z on its side; else it is shortened until it
//! does. So a flip is approached geometrically from before, and never stepped over; within
//! [`SHORTEST`] steps of a possible one the stretch ends, and exact steps cross.
//!
//! *Error estimate.* The order-5 term of the modified field, the first left out, integrated in the
//! margins over u without any decay, plus the integrator's own estimates, plus [`ROUNDING`].

use super::Stop;
use super::compensated::add;
use super::gram::Coefficients;
use super::modified::{Field, ORDER, order_needed};
use super::runge_kutta::{NODES, STAGES, change, combined_error, displacement, errors};
use super::settled::{Left, Settled};

/// Error allowed to one integration step, relative to the largest margin.
pub const INTEGRATION: f64 = 2e-15;

/// What rounding adds to the margins over a stretch, relative to the largest one.
pub const ROUNDING: f64 = 4e-15;

/// A stretch shorter than this number of GD steps is left to exact steps.
pub const SHORTEST: f64 = 64.0;

/// The largest t up to which steps can be counted one by one.
pub const COUNTABLE: f64 = 9_007_199_254_740_992.0; // 2^53

/// The finest relative distance in t at which an event is resolved.
const FINEST: f64 = 1e-12;

/// Above this contraction ρ per step the expansion of the field is not trusted.
const LARGEST_CONTRACTION: f64 = 0.05;

/// Room left in front of an event, as a part of the way to it.
const APPROACH: f64 = 0.9;

/// The integrator's memory between stretches, and its scratch space.
#[derive(Clone, Debug)]
pub struct Warp {
    field: Field,
    length: f64,
    clock: Clock,
    k: [Vec<f64>; STAGES],
    w: Vec<f64>,
    e: Vec<f64>,
    moved: Vec<f64>,
    image: Vec<f64>,
}

/// `u = log t` as a pair, valid at one t.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Clock {
    t: f64,
    u: (f64, f64),
}

impl Clock {
    fn at(t: f64) -> Self {
        Self { t, u: (libm::log(t), 0.0) }
    }
}

/// One trial step: where it leads and what it costs.
struct Trial {
    error: f64,
    clear: f64, // the part of the step after which a pre-activation might vanish
}

impl Warp {
    /// For n samples, with nothing travelled yet.
    pub fn new(n: usize) -> Self {
        let zeros = vec![0.0; n];
        Self {
            field: Field::new(n),
            length: 0.125,
            clock: Clock { t: 0.0, u: (0.0, 0.0) },
            k: std::array::from_fn(|_| zeros.clone()),
            w: zeros.clone(),
            e: zeros.clone(),
            moved: zeros.clone(),
            image: zeros,
        }
    }

    /// What later stretches depend on: the proposed length in u, and the clock.
    pub fn memory(&self) -> [f64; 4] {
        [self.length, self.clock.t, self.clock.u.0, self.clock.u.1]
    }

    /// Puts back what [`Warp::memory`] returned.
    pub fn remember(&mut self, [length, t, hi, lo]: [f64; 4]) {
        (self.length, self.clock) = (length, Clock { t, u: (hi, lo) });
    }

    /// `αc t ℓ_i` at the present t: near the limit, the dual variables λ. Keeps its digits at any t.
    pub fn scaled_losses(&mut self, state: &Coefficients, settled: &Settled) -> Vec<f64> {
        self.start_of_step(state, settled);
        self.e.clone()
    }

    /// Whether the flow of the modified field agrees with the steps to `tolerance` (relative, in the
    /// margins) from the present t on, for ever: the field's first dropped term falls at least like
    /// t⁻⁵, so what it adds from t on is a quarter of its present rate per unit of log t.
    pub fn ready(&mut self, state: &Coefficients, settled: &Settled, tolerance: f64) -> bool {
        self.start_of_step(state, settled);
        if self.contraction(state) > LARGEST_CONTRACTION {
            return false;
        }
        0.25 * self.dropped(settled) <= tolerance * largest(settled.margins().hi())
    }

    /// Follows the flow to `target`, or until a pre-activation comes too close to zero. C and Z are up
    /// to date before and after. Adds to `error` the estimated relative error of the margins.
    pub fn advance(
        &mut self,
        state: &mut Coefficients,
        settled: &mut Settled,
        target: f64,
        stop: &Stop,
        error: &mut f64,
    ) -> Left {
        while state.t() < target {
            if stop.raised() {
                return Left::Interrupted;
            }
            self.start_of_step(state, settled);
            if !self.e.iter().all(|e| e.is_finite()) {
                return Left::Diverged;
            }
            let order = order_needed(self.contraction(state));
            match self.step(state, settled, target, order) {
                Some((length, integration)) => {
                    let scale = largest(settled.margins().hi());
                    let neglected = if order == ORDER { self.dropped(settled) * decayed(length) / scale } else { 0.0 };
                    *error += neglected + integration;
                    self.apply(state, settled, length);
                }
                None => return Left::Near,
            }
            if state.pattern_changed() {
                return Left::Flip;
            }
        }
        Left::Target
    }

    /// Finds a step that is accurate and clear, with its stages left in `k`: its length in u and its
    /// estimated error. None if it would be too short.
    fn step(&mut self, state: &Coefficients, settled: &Settled, target: f64, order: usize) -> Option<(f64, f64)> {
        let t = state.t();
        let mut wanted = self.length;
        loop {
            let next = landing(t, wanted, target);
            if next < target && (next - t < SHORTEST || wanted < FINEST) {
                return None;
            }
            let length = libm::log1p((next - t) / t);
            let trial = self.attempt(state, settled, t, length, order);
            let growth = (0.9 * libm::pow(trial.error / INTEGRATION, -0.125)).clamp(0.2, 3.0);
            if trial.error > INTEGRATION || !trial.error.is_finite() {
                wanted = length * growth.min(0.9);
            } else if trial.clear < 1.0 {
                wanted = length * APPROACH * trial.clear;
            } else {
                self.length = if length < wanted { wanted.max(length * growth) } else { length * growth };
                return Some((length, trial.error));
            }
        }
    }
}
