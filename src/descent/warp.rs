//! Warp: discrete gradient descent followed through decades of steps at the cost of a few.
//!
//! In a fixed pattern the iterates lie on the flow of the modified field F̃ ([`super::modified`]). In
//! `u = log t`
//!
//! ```text
//! dS/du = t F̃(S),    t F = exp(w),    w = log(αc) + u + log s(q),    s the weight of the loss
//! ```
//!
//! is smooth and not stiff: near the limit `κ tF → λ` for a loss whose tail falls like `e^{−κq}`, and `diag(λ)H` has no
//! eigenvalue above 1 for `H ≥ 0`. The Runge–Kutta method of order 8 ([`super::runge_kutta`]) follows it, every step ending at an
//! integer t as long as integers can be told apart. Weights are never formed: w stays of order 1 where
//! `s(q)` is long below the smallest double, and u and q are pairs `hi + lo`, so that w keeps its
//! digits although u and `log s(q)` are large and nearly cancel.
//!
//! *Steps of the integrator* are accepted when the estimated error of the margins is below
//! [`INTEGRATION`], and when no pre-activation can reach zero within them. They are as long as that
//! allows, whatever is watched: an iterate between two of their ends is read off the step (`ahead`).
//!
//! *Clearance.* `dz_ij/du = Σ_k K_ik y_k a_j g_kj dS_k/du`. The twelve stages sample `dS_k/du` over the
//! whole step; the interval they span, doubled in width, encloses it, and with it the rate of every
//! z. A step is taken only if the enclosure keeps each z on its side; else it is shortened until it
//! does. So a flip is approached geometrically from before, and never stepped over; within
//! [`SHORTEST`] steps of a possible one the stretch ends, and exact steps cross (`trial`).
//!
//! *Error estimate.* An error δ of S made during a flight is carried along to first order,
//!
//! ```text
//! dδ/du = tF∘σ_1∘(Hδ) + t·(term of order 5, the first that F̃ leaves out) + (the integrator's estimate)
//! ```
//!
//! (`σ_1 = s'/s`) and `|Hδ|`, doubled, relative to the largest margin, plus [`ROUNDING`], is what a flight reports.

mod ahead;
mod trial;

use super::modified::{Field, ORDER, order_needed};
use super::runge_kutta::{EXTENDED, change};
use super::settled::Settled;
use super::span::Coefficients;
use crate::engine::{Progress, Reached, Stop};
use crate::number::{COUNTABLE, larger, largest};
use crate::state::{Reader, Result, Saver};
use ahead::Ahead;
use farfield_kernels::loss::Ratios;
use farfield_kernels::two_sum::add;

/// Error allowed to one integration step, relative to the largest margin, or to 8 if that is smaller: the error of
/// a margin is that of log ℓ, and αc t ℓ is to keep its digits however large margins are.
pub const INTEGRATION: f64 = 5e-16;

/// What rounding adds to the margins over a stretch, relative to the largest one.
pub const ROUNDING: f64 = 4e-15;

/// A stretch shorter than this number of GD steps is left to exact steps.
pub const SHORTEST: f64 = 64.0;

/// The finest relative distance in t at which an event is resolved.
const FINEST: f64 = 1e-12;

/// Above this contraction ρ per step the expansion of the field is not trusted.
const LARGEST_CONTRACTION: f64 = 0.05;

/// Room left in front of an event, as a part of the way to it.
const APPROACH: f64 = 0.9;

/// The longest step in log t: what a step adds to S is rounded in proportion to its length, and αc t ℓ keeps no more digits
/// than S has.
const LONGEST: f64 = 4.0;

/// The integrator's memory between stretches, and its scratch space.
#[derive(Clone, Debug)]
pub struct Warp {
    field: Field,
    length: f64,
    clock: Clock,
    k: Vec<Vec<f64>>, // of all stages
    w: Vec<f64>,
    e: Vec<f64>,
    sigma: Vec<Ratios>, // of the loss at the same margins as e
    moved: Vec<f64>,
    image: Vec<f64>,
    local: Vec<f64>, // the integrator's error of the last attempt
    drift: Vec<f64>, // δ, the estimated error of S
    ahead: Option<Ahead>,
    attempts: u64, // trial steps of the steps taken since they are counted
    most: u64,     // of them
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

impl Warp {
    /// For n samples, with nothing travelled yet.
    pub fn new(n: usize) -> Self {
        let zeros = vec![0.0; n];
        Self {
            field: Field::new(n),
            length: 0.125,
            clock: Clock { t: 0.0, u: (0.0, 0.0) },
            k: vec![zeros.clone(); EXTENDED],
            w: zeros.clone(),
            e: zeros.clone(),
            sigma: vec![Ratios::default(); n],
            moved: zeros.clone(),
            image: zeros.clone(),
            local: zeros.clone(),
            drift: zeros,
            ahead: None,
            attempts: 0,
            most: u64::MAX,
        }
    }

    /// Begins to count trial steps; [`Warp::advance`] takes no step after so many, and ends with [`Reached::Exhausted`]. On
    /// data that cannot be separated the flow is stiff, and a step of the integrator no longer than a few of the descent.
    pub fn allow(&mut self, most: u64) {
        (self.attempts, self.most) = (0, most);
    }

    /// Trial steps since [`Warp::allow`], of the steps that were taken.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The length in `log t` of the step that is tried next.
    pub fn stride(&self) -> f64 {
        self.length
    }

    /// Writes what later stretches depend on: the proposed length in u, the clock, and δ.
    pub fn save(&self, out: &mut Saver) {
        out.number("length", self.length);
        out.vector("clock", [self.clock.t, self.clock.u.0, self.clock.u.1]);
        out.vector("drift", &self.drift[..]);
    }

    /// Takes back what [`Warp::save`] wrote.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(&mut self, from: &Reader) -> Result<()> {
        self.length = from.number("length", |length| !(length > 0.0 && length.is_finite()))?;
        let [t, hi, lo] = from.numbers("clock")?;
        self.clock = Clock { t, u: (hi, lo) };
        self.drift = from.vector("drift", self.drift.len())?;
        Ok(())
    }

    /// `αc t s(q_i)` at the present t: near the limit, the dual variables λ (over κ). Keeps its digits at any t.
    pub fn scaled_losses(&self, state: &Coefficients, settled: &Settled) -> Vec<f64> {
        let u = if self.clock.t == state.t() { self.clock.u } else { Clock::at(state.t()).u };
        log_weights(state, settled, u).into_iter().map(libm::exp).collect()
    }

    /// Whether the flow of the modified field agrees with the steps to `tolerance` (relative, in the
    /// margins) from the present t on, for ever: the field's first dropped term falls at least like
    /// t⁻⁵, so what it adds from t on is a quarter of its present rate per unit of log t.
    pub fn ready(&mut self, state: &Coefficients, settled: &Settled, tolerance: f64) -> bool {
        self.start_of_step(state, settled);
        if self.contraction(state) > LARGEST_CONTRACTION {
            return false;
        }
        self.field.first_dropped(settled.product(), (&self.e, &self.sigma), state.t(), &mut self.moved);
        settled.product().multiply(&self.moved, &mut self.image);
        0.25 * largest(&self.image) <= tolerance * largest(settled.margins().hi())
    }

    /// Begins a flight: no step of another one is ahead.
    pub fn take_off(&mut self) {
        self.ahead = None;
    }

    /// Follows the flow until the next step would lead beyond `target`, or past `pause`, or until a pre-activation comes
    /// too close to zero. C and Z are up to date before and after.
    pub fn advance(
        &mut self,
        state: &mut Coefficients,
        settled: &mut Settled,
        (target, pause): (f64, f64),
        stop: &Stop,
        progress: &Progress,
    ) -> Reached {
        while state.t() < target.min(pause) {
            let ahead = match self.ahead.take().map_or_else(|| self.foresee(state, settled, stop), Ok) {
                Ok(ahead) => ahead,
                Err(reached) => return reached,
            };
            if ahead.next > target {
                self.ahead = Some(ahead);
                return Reached::Target;
            }
            progress.note(ahead.next);
            if self.take(state, settled, ahead) > 0 {
                return Reached::Flip;
            }
        }
        Reached::Target
    }

    /// Whether the step ahead leads beyond what was asked for.
    pub fn waits(&self) -> bool {
        self.ahead.is_some()
    }

    /// The next step, with its stages left in `k`; or why there is none.
    fn foresee(&mut self, state: &Coefficients, settled: &Settled, stop: &Stop) -> std::result::Result<Ahead, Reached> {
        if stop.raised() {
            return Err(Reached::Interrupted);
        }
        if self.attempts >= self.most {
            return Err(Reached::Exhausted);
        }
        self.start_of_step(state, settled);
        if !self.e.iter().all(|e| e.is_finite()) {
            return Err(Reached::Diverged);
        }
        let order = order_needed(self.contraction(state));
        let mut ahead = self.step(state, settled, order).ok_or(Reached::Event)?;
        ahead.drift = self.estimate(settled, ahead.length, order);
        ahead.error = larger(self.error_estimate(settled), self.error_of(settled, &ahead.drift));
        Ok(ahead)
    }

    /// Takes the step ahead; returns the number of changed bits.
    fn take(&mut self, state: &mut Coefficients, settled: &mut Settled, ahead: Ahead) -> u64 {
        (self.length, self.drift) = (ahead.proposal, ahead.drift);
        self.attempts += ahead.attempts;
        self.apply(state, settled, ahead.next, ahead.length)
    }

    /// Carries the flow of the present pattern over a possible flip that is nearer than `FINEST`,
    /// where t is too large for exact steps to cross it.
    pub fn cross(&mut self, state: &mut Coefficients, settled: &mut Settled) -> Reached {
        let length = 4.0 * FINEST;
        self.start_of_step(state, settled);
        self.attempt(state, settled, length, 1);
        let next = state.t() * libm::exp(length);
        if self.apply(state, settled, next, length) > 0 { Reached::Flip } else { Reached::Target }
    }

    /// Finds a step that is accurate and clear, with its stages left in `k`. None if it would be too short.
    fn step(&mut self, state: &Coefficients, settled: &Settled, order: usize) -> Option<Ahead> {
        let t = state.t();
        let mut wanted = self.length.min(LONGEST);
        for attempts in 1.. {
            let next = landing(t, wanted);
            if next - t < SHORTEST || wanted < FINEST {
                return None;
            }
            let length = libm::log1p((next - t) / t);
            let trial = self.attempt(state, settled, length, order);
            let growth = (0.9 * libm::pow(trial.error / INTEGRATION, -0.125)).clamp(0.2, 3.0);
            if !trial.error.is_finite() {
                wanted = 0.2 * length;
            } else if trial.error > INTEGRATION {
                wanted = length * growth.min(0.9);
            } else if trial.clear < 1.0 {
                wanted = length * APPROACH * trial.clear;
            } else {
                let proposal = if length < wanted { wanted.max(length * growth) } else { length * growth };
                return Some(Ahead {
                    next,
                    length,
                    order,
                    proposal,
                    attempts,
                    drift: Vec::new(),
                    error: 0.0,
                    dense: None,
                });
            }
        }
        None
    }

    /// `w = log(αc) + u + log s(q)`, `e = exp(w) = αc t s(q)` and the ratios of the loss at the present t.
    fn start_of_step(&mut self, state: &Coefficients, settled: &Settled) {
        if self.clock.t != state.t() {
            self.clock = Clock::at(state.t());
        }
        self.w = log_weights(state, settled, self.clock.u);
        self.at_start(state, settled);
    }

    /// e and the ratios where w was taken.
    fn at_start(&mut self, state: &Coefficients, settled: &Settled) {
        let (loss, q) = (state.problem().loss, settled.margins().hi());
        for k in 0..self.w.len() {
            self.e[k] = libm::exp(self.w[k]);
            self.sigma[k] = loss.ratios(q[k]);
        }
    }

    /// A bound of ρ, the spectral radius of `diag(F)H`, times that of `|s⁽ᵏ⁾/s|^{1/k}`: the smaller one of
    /// `max_i Σ_k |K_ik| F_k ≥ ‖H diag(F)‖_∞`, since `|H_ik| ≤ |K_ik|`, and the largest sum of a row of `√F |H| √F`, where
    /// samples on which no neuron is active count by their own H_ii.
    fn contraction(&mut self, state: &Coefficients) -> f64 {
        let problem = state.problem();
        problem.reach(&self.e, &mut self.image);
        let plain = largest(&self.image);
        let (n, mut column, mut rows) = (self.e.len(), vec![0.0; self.e.len()], vec![0.0; self.e.len()]);
        // all terms of H_ik have the sign of y_i y_k K_ik, so |H| v = Σ_g m_g |f_g| ∘ |K|(|f_g| ∘ v)
        for (feature, size) in state.features().iter().zip(&state.groups().size) {
            (0..n).for_each(|k| column[k] = feature[k].abs() * self.e[k].sqrt());
            problem.reach(&column, &mut self.image);
            (0..n).for_each(|k| rows[k] += *size as f64 * feature[k].abs() * self.image[k]);
        }
        (0..n).for_each(|k| rows[k] *= self.e[k].sqrt());
        problem.loss.steepness() * plain.min(largest(&rows)) / state.t()
    }

    /// The estimated relative error of the margins at the present t, since the first flight.
    pub fn error_estimate(&mut self, settled: &Settled) -> f64 {
        let drift = std::mem::take(&mut self.drift);
        let error = self.error_of(settled, &drift);
        self.drift = drift;
        error
    }

    /// What an error δ of S is in the margins.
    fn error_of(&mut self, settled: &Settled, drift: &[f64]) -> f64 {
        settled.product().multiply(drift, &mut self.image);
        2.0 * largest(&self.image) / largest(settled.margins().hi()) + ROUNDING
    }

    /// δ after the step left in `k`: it relaxes by Euler steps of the linear equation, short enough to be stable, and
    /// gains what this step adds.
    fn estimate(&mut self, settled: &Settled, length: f64, order: usize) -> Vec<f64> {
        let (h, mut drift) = (settled.product(), self.drift.clone());
        if order == ORDER {
            self.field.first_dropped(h, (&self.e, &self.sigma), self.clock.t, &mut self.moved);
            let weight = decayed(length);
            drift.iter_mut().zip(&self.moved).for_each(|(d, source)| *d = weight.mul_add(*source, *d));
        }
        let parts = (4.0 * length).ceil().max(1.0);
        for _ in 0..parts as usize {
            h.multiply(&drift, &mut self.image);
            for k in 0..drift.len() {
                drift[k] += self.sigma[k][0] * (length / parts * self.e[k] * self.image[k]);
            }
        }
        drift.iter_mut().zip(&self.local).for_each(|(d, e)| *d += e);
        drift
    }

    /// Moves the iterate to `next` over the step left in `k`; returns the number of changed bits.
    fn apply(&mut self, state: &mut Coefficients, settled: &mut Settled, next: f64, length: f64) -> u64 {
        change(length, &self.k, &mut self.moved);
        settled.add(&self.moved);
        self.clock = Clock { t: next, u: add(self.clock.u, length) };
        settled.sync(state, next)
    }
}

/// `log(αc) + u + log s(q)` of each sample at `u = log t`.
fn log_weights(state: &Coefficients, settled: &Settled, u: (f64, f64)) -> Vec<f64> {
    let (loss, rate, q) = (state.problem().loss, libm::log(state.problem().rate), settled.margins());
    q.hi().iter().zip(q.lo()).map(|(hi, lo)| loss.log_weight(u, (*hi, *lo)) + rate).collect()
}

/// Where a step of length `wanted` in u from t ends: at an integer if they can be told apart.
fn landing(t: f64, wanted: f64) -> f64 {
    let end = t * libm::exp(wanted);
    if end < COUNTABLE { end.floor() } else { end }
}

/// `∫ e^{-4x} dx` over the step, the part of a term that falls like t⁻⁴ per unit of u.
fn decayed(length: f64) -> f64 {
    -0.25 * libm::expm1(-4.0 * length)
}
