//! Gradient descent in a fixed pattern: n unknowns, one symmetric product a step.
//!
//! While no bit changes, the margins are linear in the weights and
//!
//! ```text
//! s = αc s(q),   S ← S + s,   q ← q + H s,     H_ik = ⟨Φ_i, Φ_k⟩
//! ```
//!
//! is the same recursion as the general step (Soudry et al. 2018 for the linear model with features
//! Φ). S and q are compensated sums of the increments: `q = q(t₀) + H S` holds to rounding at any t.
//!
//! *The guard.* Each `z_ij` is linear in S, and S grows. Since Z was last brought up to date, sample
//! k has contributed `S_k`, so `|Δz_ij| ≤ |a_j| Σ_k |K_ik| S_k`. At that moment the guard finds the
//! largest τ such that `S ≤ τ s` (s the increments of that moment) keeps every z on its side, and then
//! compares `S_k` with `τ s_k` after every step: n comparisons instead of n·m·n products. As soon as
//! one of them fails, Z is brought up to date at that very t and its signs are read. No flip can
//! happen unseen, and each is found at its step.
//!
//! *Mixed.* The steps may read H in f32, anchored to f64 ([`super::streamed`]).

use super::compensated::Compensated;
use super::span::Coefficients;
use super::streamed::Streamed;
use super::symmetric::Symmetric;
use super::trail::Trail;
use crate::engine::{Progress, Reached, Stop};
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver, StateError};
use farfield_kernels::loss::Loss;
use farfield_kernels::settled::Space;

/// Relative room left for rounding in the bounds of the guard.
const ROOM: f64 = 1e-6;

/// Steps between two notes of the t reached.
const NOTE: u64 = 1024;

/// The reduced problem of one pattern: H, the margins, and the part of S not yet in C and Z.
#[derive(Clone, Debug)]
pub struct Settled {
    h: Symmetric,
    streamed: Option<Streamed>, // H in f32, until its drift is too large
    rounding: Option<AnchorJudge>,
    q: Compensated,
    pending: Compensated,
    trail: Trail, // of steps in f64
    limit: Vec<f64>,
    space: Space,
    increment: Vec<f64>,
    change: Vec<f64>,
}

impl Settled {
    /// The reduced problem of the present pattern, at the present t.
    pub fn new(state: &Coefficients) -> Self {
        let n = state.problem().n();
        let mut settled = Self {
            h: Symmetric::new(&state.reduced()),
            streamed: None,
            rounding: None,
            q: state.margins(),
            pending: Compensated::zeros(n),
            trail: Trail::from(state.t()),
            limit: vec![0.0; n],
            space: Space::new(n),
            increment: vec![0.0; n],
            change: vec![0.0; n],
        };
        settled.guard(state);
        settled
    }

    /// Writes all that does not follow from the iterate.
    pub fn save(&self, out: &mut Saver) {
        self.q.save(out, "margins");
        self.pending.save(out, "pending");
        self.trail.save(&mut out.within("trail"));
        out.vector("limit", &self.limit[..]);
        if let Some(judge) = &self.rounding {
            judge.save(&mut out.within("judge"));
        }
        if let Some(streamed) = &self.streamed {
            streamed.save(&mut out.within("streamed"));
        }
    }

    /// Reads what [`Settled::save`] wrote; `state` as it was then.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(state: &Coefficients, from: &Reader) -> Result<Self> {
        let n = state.problem().n();
        let mut settled = Self::new(state);
        settled.q = Compensated::restore(from, "margins", n)?;
        settled.pending = Compensated::restore(from, "pending", n)?;
        settled.limit = from.vector("limit", n)?;
        if from.has("judge.interval") {
            settled = settled.mixed(state, AnchorJudge::restore(&from.within("judge"))?);
        }
        match &mut settled.streamed {
            Some(streamed) if from.has("streamed.since") => streamed.restore(&from.within("streamed"))?,
            None if from.has("streamed.since") => return Err(StateError::Contradiction("settled.streamed")),
            _ => settled.streamed = None,
        }
        settled.trail = Trail::restore(&from.within("trail"), n)?;
        Ok(settled)
    }

    /// The same with steps in mixed precision, if these have not failed yet.
    pub fn mixed(mut self, state: &Coefficients, judge: AnchorJudge) -> Self {
        self.streamed = (!judge.failed).then(|| Streamed::new(&state.reduced(), state.problem().rate, &self.q, judge));
        self.rounding = Some(judge);
        if self.streamed.is_some() {
            self.trail = Trail::none();
        }
        self
    }

    /// What mixed steps have seen of their rounding, if any were asked for.
    pub fn rounding(&self) -> Option<AnchorJudge> {
        self.rounding
    }

    /// Whether C and Z lag behind.
    pub fn pending(&self) -> bool {
        self.pending.hi().iter().any(|s| *s != 0.0)
    }

    /// The product with H.
    pub fn product(&self) -> &Symmetric {
        &self.h
    }

    /// The margins `q = q(t₀) + H S`.
    pub fn margins(&self) -> &Compensated {
        &self.q
    }

    /// Where the steps in f64 have been since the trail began.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Begins a trail at step t, with all steps in f64 from here on.
    pub fn leave_trail(&mut self, t: f64) {
        self.anchor();
        self.streamed = None;
        self.trail = Trail::from(t);
    }

    /// Moves on by `s`, of which the image is known: `S ← S + s`, `q ← q + H s`, without any guard.
    pub fn shift(&mut self, s: &[f64], image: &[f64]) {
        self.q.add(image);
        self.pending.add(s);
    }

    /// The same by a product.
    pub fn add(&mut self, s: &[f64]) {
        self.h.multiply(s, &mut self.change);
        self.q.add(&self.change);
        self.pending.add(s);
    }

    /// Takes `steps` steps, or fewer if the pattern changes, or if that many `looks` at it were needed (where a
    /// pre-activation stays close to its kink a guard may last for a step); returns the numbers taken of both.
    pub fn advance(
        &mut self,
        state: &mut Coefficients,
        (steps, looks): (u64, u64),
        stop: &Stop,
        progress: &Progress,
    ) -> (u64, u64, Reached) {
        let mut looked = 0;
        for taken in 1..=steps {
            if stop.raised() {
                return (taken - 1, looked, Reached::Interrupted);
            }
            if taken % NOTE == 0 {
                progress.note(state.t());
            }
            self.trail.pass(state.t(), &self.q);
            let within = self.step((state.problem().loss, state.problem().rate));
            state.pass(1.0);
            if !within {
                let changes = self.sync(state, state.t());
                if !state.finite() {
                    return (taken, looked, Reached::Diverged);
                }
                if changes > 0 {
                    return (taken, looked, Reached::Flip);
                }
                self.guard(state);
                looked += 1;
                if looked >= looks && taken < steps {
                    return (taken, looked, Reached::Exhausted);
                }
            }
        }
        (steps, looked, Reached::Target)
    }

    /// One step; whether `S ≤ limit` still holds.
    fn step(&mut self, law: (Loss, f64)) -> bool {
        let Self { h, streamed, q, pending, limit, space, .. } = self;
        let Some(single) = streamed else { return h.advance(law, q, pending, limit, space) };
        let within = single.advance(law, q, pending, limit);
        if single.due() {
            self.anchor();
        }
        within
    }

    /// Margins in f64 from here on, if steps have been mixed.
    fn anchor(&mut self) {
        let Some(single) = &mut self.streamed else { return };
        single.anchor(&self.h, &mut self.q, &self.pending);
        let judge = single.judge();
        self.rounding = Some(judge);
        if judge.failed {
            self.streamed = None;
        }
    }

    /// Brings C and Z up to date, which are those of step `t`, and reads the pattern; returns the
    /// number of changed bits.
    pub fn sync(&mut self, state: &mut Coefficients, t: f64) -> u64 {
        self.anchor();
        if let Some(single) = &mut self.streamed {
            single.hand_over(&self.q);
        }
        state.add(self.pending.hi());
        self.pending.clear();
        state.arrive(t)
    }

    /// Sets the limits of S from the present Z and the increments of the next step.
    pub fn guard(&mut self, state: &Coefficients) {
        let (problem, m) = (state.problem(), state.problem().network.width);
        if problem.network.linear() {
            return self.limit.fill(f64::MAX); // no side matters
        }
        problem.loss.increments(self.q.hi(), problem.rate, &mut self.increment);
        problem.reach(&self.increment, &mut self.change);
        let size = problem.network.output(0).abs();
        let steps = |(z, reach): (&[f64], &f64)| {
            let nearest = z.iter().fold(f64::INFINITY, |d, z| d.min(z.abs()));
            nearest / (size * reach)
        };
        let z = state.compensated_preactivations().hi();
        let tau = z.chunks_exact(m).zip(&self.change).map(steps).fold(f64::MAX, f64::min) * (1.0 - ROOM);
        for (limit, s) in self.limit.iter_mut().zip(&self.increment) {
            *limit = tau * s;
        }
    }
}
