//! Warp: discrete gradient descent followed through decades of steps at the cost of a few.
//!
//! In a fixed pattern a step adds `F(τ) = αc s(q(τ))` to S, s the weight of the loss, and HF to the margins. In `u = log τ` the sequence
//!
//! ```text
//! e = τF = exp(w),    w = log(αc) + u + log s(q),        S(t₁) = S(t₀) + Σ_{τ=t₀}^{t₁−1} e(τ)/τ,    q(t₁) = q(t₀) + Σ (He)(τ)/τ
//! ```
//!
//! is smooth: near the limit `κe → λ` for a loss whose tail falls like `e^{−κq}`. So e is interpolated in u between a few of the steps,
//! and the polynomial is summed over all (`sums`): the method of Adams for sums in place of integrals. What it follows is
//! descent itself, at any step size; beyond 2⁵³, where steps cannot be told apart, the sums are integrals.
//!
//! ```text
//! predict     q(t₁) by the polynomial on the last k nodes          no product: the images He are kept
//! evaluate    e there, and He                                      one product with H
//! correct     q(t₁) and S(t₁) by that on t₁ and the k nodes        no product
//! evaluate    e there, and He: the new node                        one product
//! ```
//!
//! Weights are never formed: w stays of order 1 where
//! `s(q)` is long below the smallest double, and u and q are pairs `hi + lo`, so that w keeps its
//! digits although u and `log s(q)` are large and nearly cancel. A flight begins on the trail of the exact steps before it
//! ([`crate::descent::trail`]), or beyond 2⁵³ with a short step on one node.
//!
//! *Steps of the method* are accepted when the estimated error of the margins is below
//! [`INTEGRATION`], and when no pre-activation can reach zero within them (`clear`); so a flip is approached geometrically from
//! before, and never stepped over; within 8 steps of a possible one the stretch ends, and exact steps cross. They are as long as that
//! allows, on as many nodes as make them longest (`history`), whatever is watched: an iterate between two of their ends is
//! read off the polynomial (`ahead`).
//!
//! *Error estimate.* The error of a sum on k nodes and the end is about what one node more would add to it, and what is left of the
//! error of the prediction; the larger one of the former and of what its last node has added is counted (`history`). An error δ of q made
//! during a flight is carried along to first order,
//!
//! ```text
//! dδ/du = H(e∘σ_1∘δ) + (the estimates),    σ_1 = s'/s
//! ```
//!
//! and `|δ|`, doubled, relative to the largest margin, plus [`ROUNDING`], is what a flight reports.

mod ahead;
mod clear;
mod history;
mod save;
mod sums;
mod trial;

use super::compensated::Compensated;
use super::settled::Settled;
use super::span::Coefficients;
use crate::engine::{Progress, Reached, Stop};
use crate::number::{COUNTABLE, largest};
use ahead::Ahead;
use clear::{Window, finite};
use farfield_kernels::two_sum::add;
use history::{Differences, KEPT, Node, Plan};

/// Error allowed to one step, relative to the largest margin, or to 8 if that is smaller: the error of
/// a margin is that of log ℓ, and αc t ℓ is to keep its digits however large margins are.
pub const INTEGRATION: f64 = 5e-16;

/// The largest margin that the error of a step is relative to.
const ABSOLUTE: f64 = 8.0;

/// What rounding adds to the margins over a stretch, relative to the largest one.
pub const ROUNDING: f64 = 4e-15;

/// A stretch shorter than this number of GD steps is left to exact steps.
pub const SHORTEST: f64 = 64.0;

/// A step shorter than this number of GD steps is left to them.
const LEAST: f64 = 8.0;

/// The finest relative distance in t at which an event is resolved.
const FINEST: f64 = 1e-12;

/// Above this contraction ρ per step, e is not taken to be smooth.
const LARGEST_CONTRACTION: f64 = 0.05;

/// Room left in front of an event, as a part of the way to it.
const APPROACH: f64 = 0.9;

/// The longest step in log t: what a step adds to S is rounded in proportion to its length, and αc t ℓ keeps no more digits
/// than S has.
const LONGEST: f64 = 4.0;

/// The first step on one node alone, in log t.
const FIRST: f64 = 1e-7;

/// Nodes of a trail that a flight can begin on.
const FEWEST: usize = 8;

/// Growth of t between two looks at whether e is smooth enough.
const RECHECK: f64 = 1.0 / 16.0;

/// Most steps between two such looks, where it is not for the contraction.
const LONGER: f64 = 1024.0;

/// The method's memory between stretches.
#[derive(Clone, Debug)]
pub struct Warp {
    n: usize,
    plan: Plan,
    clock: Clock,
    history: Vec<Node>, // the present first
    window: Window,
    drift: Vec<f64>, // δ, the estimated error of the margins
    lag: f64,        // the length in log t over which δ has not been carried along
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
        Self {
            n,
            plan: Plan { length: 0.125, order: 1 },
            clock: Clock { t: 0.0, u: (0.0, 0.0) },
            history: Vec::new(),
            window: Window::default(),
            drift: vec![0.0; n],
            lag: 0.0,
            ahead: None,
            attempts: 0,
            most: u64::MAX,
        }
    }

    /// Begins to count trial steps; [`Warp::advance`] takes no step after so many, and ends with [`Reached::Exhausted`]. On
    /// data that cannot be separated e is stiff, and a step of the method no longer than a few of the descent.
    pub fn allow(&mut self, most: u64) {
        (self.attempts, self.most) = (0, most);
    }

    /// Trial steps since [`Warp::allow`], of the steps that were taken.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The length in `log t` of the step that is tried next.
    pub fn stride(&self) -> f64 {
        self.plan.length
    }

    /// `αc t s(q_i)` at the present t: near the limit, the dual variables λ (over κ). Keeps its digits at any t.
    pub fn scaled_losses(&self, state: &Coefficients, margins: &Compensated) -> Vec<f64> {
        let u = if self.clock.t == state.t() { self.clock.u } else { Clock::at(state.t()).u };
        scaled(state, margins, u)
    }

    /// Whether a flight can begin at the present t: e must be smooth, its next step of more than 8 steps within
    /// `tolerance` (relative, in the margins), and the trail long enough to tell. If not, the steps to wait; steps in mixed precision
    /// that leave no trail are exact from then on.
    pub fn ready(&mut self, state: &Coefficients, settled: &mut Settled, tolerance: f64) -> Option<f64> {
        let t = state.t();
        self.clock = if self.clock.t == t { self.clock } else { Clock::at(t) };
        let mut nodes = vec![(0.0, scaled(state, settled.margins(), self.clock.u))];
        if t >= COUNTABLE {
            self.plan = Plan { length: FIRST, order: 1 };
            self.history = with_images(settled, nodes);
            return None;
        }
        if !finite(&nodes[0].1) || contraction(state, &nodes[0].1) > LARGEST_CONTRACTION {
            return Some((t * RECHECK).max(SHORTEST));
        }
        if settled.trail().nodes().len() < FEWEST {
            settled.leave_trail(t);
            return Some(SHORTEST);
        }
        for (before, q) in settled.trail().nodes().iter().rev().filter(|(before, _)| *before < t).take(KEPT - 1) {
            let x = libm::log1p((before - t) / t);
            nodes.push((x, scaled(state, q, add(self.clock.u, x))));
        }
        self.history = with_images(settled, nodes);
        let x: Vec<f64> = self.history.iter().map(|node| node.x).collect();
        let sizes = Differences::new(&x, self.history.iter().map(|node| &node.image), 0).sizes;
        let allowed = INTEGRATION.min(tolerance) * largest(settled.margins().hi()).min(ABSOLUTE);
        self.plan = history::plan(&sizes, &x, (4.0 * LEAST / t).max(-x[2]), allowed);
        let fits = history::error(&sizes, &x, self.plan) <= allowed && self.plan.length * t > LEAST + 1.0;
        if fits { None } else { Some((t * RECHECK).clamp(SHORTEST, LONGER)) }
    }

    /// Begins a flight where it was found [`Warp::ready`].
    pub fn take_off(&mut self) {
        (self.ahead, self.window) = (None, Window::default());
    }

    /// Follows the descent until the next step would lead beyond `target`, or past `pause`, or until a pre-activation comes
    /// too close to zero. C and Z are up to date before, and after what ends the flight; what they lack between is pending.
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
                Err(reached) => return self.end(state, settled, reached),
            };
            if ahead.end > target {
                self.ahead = Some(ahead);
                return Reached::Target;
            }
            progress.note(ahead.end);
            self.take(state, settled, ahead);
        }
        Reached::Target
    }

    /// Whether the step ahead leads beyond what was asked for.
    pub fn waits(&self) -> bool {
        self.ahead.is_some()
    }

    /// What is left behind where advancing has stopped for this reason.
    fn end(&mut self, state: &mut Coefficients, settled: &mut Settled, reached: Reached) -> Reached {
        if matches!(reached, Reached::Target | Reached::Interrupted | Reached::Exhausted) {
            return reached;
        }
        self.history.clear();
        self.window = Window::default();
        settled.leave_trail(state.t());
        let t = state.t();
        if settled.pending() && settled.sync(state, t) > 0 { Reached::Flip } else { reached }
    }

    /// Takes the step ahead.
    fn take(&mut self, state: &mut Coefficients, settled: &mut Settled, ahead: Ahead) {
        let length = ahead.span.length;
        (self.plan, self.clock) = (ahead.proposal, Clock { t: ahead.end, u: add(self.clock.u, length) });
        self.attempts += ahead.attempts;
        settled.shift(&ahead.sums, &ahead.change);
        state.stand(ahead.end);
        let e = scaled(state, settled.margins(), self.clock.u);
        let image = self.carry(state, settled, (&e, &ahead.local), length);
        self.history.iter_mut().for_each(|node| node.x -= length);
        self.history.insert(0, Node { x: 0.0, e, image });
        self.history.truncate(KEPT);
    }

    /// δ after a step with this error of its own: carried along at every second one, by a step of Euler. Returns He, for which H
    /// is read all the same.
    fn carry(
        &mut self,
        state: &Coefficients,
        settled: &Settled,
        (e, local): (&[f64], &[f64]),
        length: f64,
    ) -> Vec<f64> {
        let (n, due) = (self.n, self.lag > 0.0);
        self.drift.iter_mut().zip(local).for_each(|(d, local)| *d += local);
        let mut columns = e.to_vec();
        if due {
            let (loss, q) = (state.problem().loss, settled.margins().hi());
            columns.extend((0..n).map(|k| e[k] * loss.ratios(q[k])[0] * self.drift[k]));
        }
        let mut images = vec![0.0; columns.len()];
        settled.product().multiply_all(&columns, &mut images);
        let span = self.lag + length;
        self.drift.iter_mut().zip(&images[n..]).for_each(|(d, image)| *d += span * image);
        self.lag = if due { 0.0 } else { length };
        images.truncate(n);
        images
    }

    /// Carries the flow of the present pattern over a possible flip that is nearer than `FINEST`,
    /// where t is too large for exact steps to cross it: e does not change on so short a way.
    pub fn cross(&mut self, state: &mut Coefficients, settled: &mut Settled) -> Reached {
        let length = 4.0 * FINEST;
        let e = self.scaled_losses(state, settled.margins());
        let end = state.t() * libm::exp(length);
        settled.add(&e.into_iter().map(|e| length * e).collect::<Vec<f64>>());
        settled.leave_trail(end);
        self.clock = Clock { t: end, u: add(Clock::at(state.t()).u, length) };
        if settled.sync(state, end) > 0 { Reached::Flip } else { Reached::Target }
    }

    /// The estimated relative error of the margins at the present t, since the first flight.
    pub fn error_estimate(&self, settled: &Settled) -> f64 {
        error_of(settled, &self.drift)
    }
}

/// What an error δ of the margins is, relative to the largest one; all of them are 0 where no neuron sees a sample.
fn error_of(settled: &Settled, drift: &[f64]) -> f64 {
    let off = 2.0 * largest(drift);
    if off == 0.0 { ROUNDING } else { off / largest(settled.margins().hi()) + ROUNDING }
}

/// Nodes with their images.
fn with_images(settled: &Settled, nodes: Vec<(f64, Vec<f64>)>) -> Vec<Node> {
    let columns: Vec<f64> = nodes.iter().flat_map(|(_, e)| e).copied().collect();
    let mut images = vec![0.0; columns.len()];
    settled.product().multiply_all(&columns, &mut images);
    let n = settled.margins().hi().len();
    nodes.into_iter().zip(images.chunks_exact(n)).map(|((x, e), image)| Node { x, e, image: image.to_vec() }).collect()
}

/// `αct s(q)` of each sample at `u = log t`.
fn scaled(state: &Coefficients, q: &Compensated, u: (f64, f64)) -> Vec<f64> {
    let (loss, rate) = (state.problem().loss, libm::log(state.problem().rate));
    q.hi().iter().zip(q.lo()).map(|(hi, lo)| libm::exp(loss.log_weight(u, (*hi, *lo)) + rate)).collect()
}

/// A bound of ρ, the spectral radius of `diag(F)H`, times that of `|s⁽ᵏ⁾/s|^{1/k}`, by e = tF: the smaller one of
/// `max_i Σ_k |K_ik| F_k ≥ ‖H diag(F)‖_∞`, since `|H_ik| ≤ |K_ik|`, and the largest sum of a row of `√F |H| √F`, where
/// samples on which no neuron is active count by their own H_ii.
fn contraction(state: &Coefficients, e: &[f64]) -> f64 {
    let problem = state.problem();
    let (n, mut image, mut column, mut rows) = (e.len(), vec![0.0; e.len()], vec![0.0; e.len()], vec![0.0; e.len()]);
    problem.reach(e, &mut image);
    let plain = largest(&image);
    // all terms of H_ik have the sign of y_i y_k K_ik, so |H| v = Σ_g m_g |f_g| ∘ |K|(|f_g| ∘ v)
    for (feature, size) in state.features().iter().zip(&state.groups().size) {
        (0..n).for_each(|k| column[k] = feature[k].abs() * e[k].sqrt());
        problem.reach(&column, &mut image);
        (0..n).for_each(|k| rows[k] += *size as f64 * feature[k].abs() * image[k]);
    }
    (0..n).for_each(|k| rows[k] *= e[k].sqrt());
    problem.loss.steepness() * plain.min(largest(&rows)) / state.t()
}
