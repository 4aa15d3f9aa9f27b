//! Sliding: gradient descent whose neurons chatter, followed through its averages.
//!
//! A pair (sample i, neuron j) with `a_j y_i < 0` whose pre-activation is driven to 0 from both sides
//! crosses its kink every few steps, for ever. Over many steps it has a slope between γ and 1, the one
//! that keeps it on the kink ([`mode`]). While the set σ of such pairs and the sides of all others stay,
//! the margins obey a reduced problem with the matrix H of the mode, as in a fixed pattern,
//!
//! ```text
//! dS/du = t F̃(S),   t F = exp(w),   w = log(αc) + u − q − κ/t,   q = q₀ + HS,   u = log t
//! ```
//!
//! *What is exact, and what is averaged.* The part of the weights across the kinks does not depend on
//! the slopes: each step adds to it the losses of the moment times fixed features. Projecting the
//! iterate onto its kinks at t₀ therefore loses nothing of it. The losses are those of the
//! instantaneous margins, which differ from the projected ones by a ripple of order 1/t; its mean κ/t is
//! measured by stepping before the start ([`handover`]). F̃ is the modified field of order 2, the discrete steps'
//! own correction of order 1/t. What remains is the part of κ that changes later.
//!
//! *Error estimate.* An error δ of S is carried along to first order, `dδ/du = −tF∘(Hδ) + tF∘η/t`, with η
//! the part of κ in doubt. `2|Hδ|` and the ripple at the present t, relative to the largest margin, are
//! what a stretch reports.
//!
//! *Events* ([`events`]) end a step: a pre-activation reaches zero, or a slope leaves [γ, 1].

pub mod chatter;
pub mod events;
pub mod handover;
mod integrator;
pub mod mode;

use super::compensated::{Compensated, add, dot};
use super::gram::{Coefficients, Problem};
use super::modified::Field;
use super::runge_kutta::{STAGES, change};
use super::settled::Left;
use super::warp::COUNTABLE;
use super::{Flips, Stop};
use events::Event;
use mode::{Mode, Place};
use std::sync::Arc;

/// The part of κ in doubt while the mode of the handover lasts, and after it has changed.
const DOUBT: [f64; 2] = [0.25, 1.0];

/// First proposed length of a step in log t.
const FIRST: f64 = 1.0 / 16.0;

/// Growth of t over which the averaged flow goes on after the last pair has left its kink: pairs leave slowly,
/// and warp shortens its steps near a kink.
const DEPARTURE: f64 = 1.0 + 1.0 / 16.0;

/// What integration and rounding add to the margins, relative to the largest one.
const ROUNDING: f64 = 1e-12;

/// What stepping tells of the ripple of the margins about those of the projected iterate.
#[derive(Clone, Debug, PartialEq)]
pub struct Ripple {
    /// κ, the mean of `t (q − projected q)`, length n.
    pub mean: Vec<f64>,
    /// The largest `t |q − projected q|`.
    pub size: f64,
}

/// The averaged iterate.
#[derive(Clone, Debug)]
pub struct Sliding {
    c: Compensated, // n×m
    z: Compensated, // n×m, 0 on the kinks
    q: Compensated,
    mode: Mode,
    t: f64,
    u: (f64, f64), // log t
    length: f64,   // proposed length of a step in u
    ripple: Ripple,
    doubt: f64,
    drift: Vec<f64>,
    flips: Flips,
    emptied: f64, // t since which nothing slides, or 0
    events: Vec<Event>,
    field: Field,
    k: [Vec<f64>; STAGES],
    w: Vec<f64>,
    e: Vec<f64>,
    moved: Vec<f64>,
    image: Vec<f64>,
}

impl Sliding {
    /// From an iterate with the given places: pairs on kinks are projected onto them. None if the slopes
    /// are not determined.
    pub fn new(state: &Coefficients, places: Vec<Place>, ripple: Ripple) -> Option<Self> {
        let mode = Mode::new(state.problem(), places)?;
        let (c, z) = (state.coefficients().clone(), state.compensated_preactivations().clone());
        let u = (libm::log(state.t()), 0.0);
        let memory = [state.t(), u.0, u.1, FIRST, DOUBT[0], ripple.size];
        let drift = vec![0.0; state.problem().n()];
        let mut sliding = Self::assemble(c, z, mode, &memory, ripple.mean, drift, state.flips());
        sliding.project(state.problem());
        Some(sliding)
    }

    fn assemble(
        c: Compensated,
        z: Compensated,
        mode: Mode,
        memory: &[f64],
        mean: Vec<f64>,
        drift: Vec<f64>,
        flips: Flips,
    ) -> Self {
        let n = drift.len();
        let zeros = vec![0.0; n];
        Self {
            c,
            z,
            q: Compensated::zeros(n),
            mode,
            t: memory[0],
            u: (memory[1], memory[2]),
            length: memory[3],
            ripple: Ripple { mean, size: memory[5] },
            doubt: memory[4],
            drift,
            flips,
            emptied: 0.0,
            events: Vec::new(),
            field: Field::new(n),
            k: std::array::from_fn(|_| zeros.clone()),
            w: zeros.clone(),
            e: zeros.clone(),
            moved: zeros.clone(),
            image: zeros,
        }
    }

    /// Steps taken so far, as a real: events lie between steps.
    pub fn t(&self) -> f64 {
        self.t
    }

    /// The present mode.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// The changes of mode since the averages began.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The iterate, on its kinks.
    pub fn iterate(&self, problem: &Arc<Problem>) -> Coefficients {
        Coefficients::from_parts(problem.clone(), self.t, self.flips, self.c.clone(), self.z.clone())
    }

    /// The effective slopes (n×m, row-major).
    pub fn slopes(&mut self, problem: &Problem) -> Vec<f64> {
        self.start_of_step(problem);
        self.mode.slopes(problem, &self.e)
    }

    /// `αc t ℓ_i` of the projected margins.
    pub fn scaled_losses(&mut self, problem: &Problem) -> Vec<f64> {
        self.start_of_step(problem);
        self.e.clone()
    }

    /// The estimated relative error of the margins: what the averages have left behind, and the ripple.
    pub fn error_estimate(&mut self) -> f64 {
        self.mode.product().multiply(&self.drift, &mut self.image);
        (2.0 * largest(&self.image) + self.ripple.size / self.t) / largest(self.q.hi()) + ROUNDING
    }

    /// Follows the averages to `target`. `Flip`: nothing slides any more, at a
    /// t where steps can be counted; `Near`: the modes change
    /// without end, or slopes are not determined.
    pub fn advance(&mut self, problem: &Arc<Problem>, target: f64, stop: &Stop) -> Left {
        while self.t < target {
            if stop.raised() {
                return Left::Interrupted;
            }
            if !self.settle(problem) {
                return Left::Near;
            }
            let Some(until) = self.horizon(target) else { return Left::Flip };
            self.start_of_step(problem);
            if !self.e.iter().all(|e| e.is_finite()) {
                return Left::Diverged;
            }
            let Some((next, length)) = self.step(problem, until) else { return Left::Near };
            self.estimate(length);
            self.apply(problem, next, length);
        }
        Left::Target
    }

    /// How far to go in this mode: where nothing slides and steps can be counted, to a whole t at which the
    /// pairs have left their kinks behind; none if it is reached.
    fn horizon(&mut self, target: f64) -> Option<f64> {
        if self.mode.sliding() > 0 || self.t >= COUNTABLE {
            self.emptied = 0.0;
            return Some(target);
        }
        if self.emptied == 0.0 {
            self.emptied = self.t;
        }
        let clear = (self.emptied * DEPARTURE).ceil();
        (self.t < clear).then_some(target.min(clear))
    }

    /// `w = log(αc) + u − q − κ/t` and `e = exp(w)` at the present t.
    fn start_of_step(&mut self, problem: &Problem) {
        let (rate, (hi, lo)) = (libm::log(problem.rate), self.u);
        for k in 0..self.w.len() {
            let shift = self.ripple.mean[k] / self.t;
            self.w[k] = ((hi - self.q.hi()[k]) + (lo - self.q.lo()[k])) + rate - shift;
            self.e[k] = libm::exp(self.w[k]);
        }
    }

    /// Carries δ over a step, before it is applied.
    fn estimate(&mut self, length: f64) {
        let weight = -libm::expm1(-length) / self.t * self.doubt;
        let floor = 0.25 * largest(&self.ripple.mean);
        for k in 0..self.drift.len() {
            let mean = self.ripple.mean[k];
            self.drift[k] -= weight * self.e[k] * mean.abs().max(floor).copysign(mean);
        }
        let parts = (4.0 * length).ceil().max(1.0);
        for _ in 0..parts as usize {
            self.mode.product().multiply(&self.drift, &mut self.image);
            for k in 0..self.drift.len() {
                self.drift[k] -= length / parts * self.e[k] * self.image[k];
            }
        }
    }

    /// Moves the iterate to `next` over the step left in `k`.
    fn apply(&mut self, problem: &Problem, next: f64, length: f64) {
        change(length, &self.k, &mut self.moved);
        let (n, m) = (problem.n(), problem.network.width);
        for (g, part) in self.mode.parts.iter().enumerate() {
            let column = part.column(problem, &self.moved);
            problem.multiply(&column, &mut self.image);
            part.kinks.iter().for_each(|i| self.image[*i] = 0.0);
            for j in (0..m).filter(|&j| self.mode.groups.of[j] == g) {
                for i in 0..n {
                    self.c.add_at(i * m + j, column[i]);
                    self.z.add_at(i * m + j, self.image[i]);
                }
            }
        }
        self.mode.product().multiply(&self.moved, &mut self.image);
        self.q.add(&self.image);
        self.t = next;
        self.u = add(self.u, length);
    }

    /// Another mode at the present t. False, and nothing changed, if its slopes are not determined.
    fn change_mode(&mut self, problem: &Arc<Problem>, places: Vec<Place>) -> bool {
        let Some(mode) = Mode::new(problem, places) else { return false };
        self.mode = mode;
        self.project(problem);
        self.doubt = DOUBT[1];
        true
    }

    /// Puts the pairs that slide onto their kinks, by the smallest change of W, and reads the margins.
    fn project(&mut self, problem: &Problem) {
        let (n, m) = (problem.n(), problem.network.width);
        for j in 0..m {
            let part = &self.mode.parts[self.mode.groups.of[j]];
            let off: Vec<f64> = part.kinks.iter().map(|i| self.z.hi()[i * m + j]).collect();
            if off.iter().any(|z| *z != 0.0) {
                let mut column = vec![0.0; n];
                part.kinks.iter().zip(part.excess(off)).for_each(|(i, c)| column[*i] = -c);
                problem.multiply(&column, &mut self.image);
                for i in 0..n {
                    self.c.add_at(i * m + j, column[i]);
                    self.z.add_at(i * m + j, self.image[i]);
                }
            }
            part.kinks.iter().for_each(|i| self.z.set(i * m + j, (0.0, 0.0)));
        }
        for i in 0..n {
            let slope = |j: usize| match self.mode.places[i * m + j] {
                Place::Below => problem.network.leak,
                Place::Kink => 0.0,
                Place::Above => 1.0,
            };
            let feature = |j: usize| problem.labels[i] * problem.network.output(j) * slope(j);
            let (hi, lo) = (self.z.hi(), self.z.lo());
            let terms = (0..m).flat_map(|j| [(feature(j), hi[i * m + j]), (feature(j), lo[i * m + j])]);
            self.q.set(i, dot(terms));
        }
    }

    /// Everything that later steps depend on but C and Z: 9 + 4n + nm numbers.
    pub fn memory(&self) -> Vec<f64> {
        let place = |p: &Place| match p {
            Place::Below => -1.0,
            Place::Kink => 0.0,
            Place::Above => 1.0,
        };
        let mut memory = vec![self.t, self.u.0, self.u.1, self.length, self.doubt, self.ripple.size];
        memory.extend([self.flips.count as f64, self.flips.last, self.emptied]);
        memory.extend(self.ripple.mean.iter().chain(&self.drift).chain(self.q.hi()).chain(self.q.lo()));
        memory.extend(self.mode.places.iter().map(place));
        memory
    }

    /// From what [`Sliding::memory`] returned and the iterate of that moment.
    pub fn restore(state: &Coefficients, memory: &[f64]) -> Option<Self> {
        let n = state.problem().n();
        let (head, rest) = memory.split_at_checked(9)?;
        let (vectors, places) = rest.split_at_checked(4 * n)?;
        let place = |p: &f64| match *p {
            -1.0 => Place::Below,
            0.0 => Place::Kink,
            _ => Place::Above,
        };
        let mode = Mode::new(state.problem(), places.iter().map(place).collect())?;
        let (c, z) = (state.coefficients().clone(), state.compensated_preactivations().clone());
        let part = |k: usize| vectors[k * n..(k + 1) * n].to_vec();
        let flips = Flips { count: head[6] as u64, last: head[7] };
        let mut sliding = Self::assemble(c, z, mode, head, part(0), part(1), flips);
        sliding.q = Compensated::from_parts(part(2), part(3));
        sliding.emptied = head[8];
        Some(sliding)
    }
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |top, x| top.max(x.abs()))
}
