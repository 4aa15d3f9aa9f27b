//! The state as others see it: for the monitor, and as a record from which the engine goes on in the same bits.

use super::super::compensated::Compensated;
use super::super::gram::{Coefficients, Problem};
use super::super::settled::Settled;
use super::super::sliding::Sliding;
use super::super::sliding::chatter::Chatter;
use super::{Horizon, Options};
use crate::engine::{EngineKind, Flips, Iterate};
use crate::geometry::Span;
use crate::matrix::Matrix;
use crate::rounding::{AnchorJudge, JUDGE};
use std::sync::Arc;

/// Numbers in front of the matrices in a record of the state.
const HEAD: usize = 11;

impl Horizon {
    /// Continues from what [`Iterate::state`] returned for an engine on the same problem with the same
    /// options, in the same bits. None if `record` has another shape.
    pub fn restore(problem: Arc<Problem>, record: &[f64], options: Options) -> Option<Self> {
        let (n, nm) = (problem.n(), problem.n() * problem.network.width);
        let (head, rest) = record.split_at_checked(HEAD)?;
        let (settled, slides) = (head[3] == 1.0, head[9] == 1.0);
        let watched = Chatter::memory_length(nm, rest.get(n + 4 + 4 * nm..)?);
        let extra =
            if settled { 5 * n } else { 0 } + if slides { Sliding::record_length(n, problem.network.width) } else { 0 };
        let (rest, rounding) = rest.split_at_checked(n + 4 + 4 * nm + watched + extra)?;
        let (memory, rest) = rest.split_at(n + 4);
        let (matrices, rest) = rest.split_at(4 * nm);
        let (watch, rest) = rest.split_at(watched);
        let (vectors, averages) = rest.split_at(if settled { 5 * n } else { 0 });
        let pair = |v: &[f64], at: usize, n: usize| {
            Compensated::from_parts(v[at..at + n].to_vec(), v[at + n..at + 2 * n].to_vec())
        };
        let flips = Flips { count: head[1] as u64, last: head[2] };
        let (c, z) = (pair(matrices, 0, nm), pair(matrices, 2 * nm, nm));
        let mut engine = Self::from_state(Coefficients::from_parts(problem, head[0], flips, c, z), options);
        if settled {
            let (q, pending) = (pair(vectors, 0, n), pair(vectors, 2 * n, n));
            engine.settled = Some(Settled::from_parts(&engine.state, q, pending, vectors[4 * n..].to_vec()));
        }
        if slides {
            engine.sliding = Some(Box::new(Sliding::restore(&engine.state, averages)?));
        }
        engine.chatter.remember(watch);
        engine.remember_rounding(rounding)?;
        engine.smooth = head[10];
        engine.engine = *EngineKind::ALL[1..].get(head[4] as usize)?;
        (engine.attempt, engine.patience, engine.crossings) = (head[5], head[6], head[7] as u32);
        engine.takeoff = Some(head[8]).filter(|t| *t >= 0.0);
        engine.warp.remember(memory);
        engine.write_up();
        Some(engine)
    }

    /// What mixed steps depend on, from the end of a record. None if it has another shape.
    fn remember_rounding(&mut self, record: &[f64]) -> Option<()> {
        if !self.options.mixed {
            return record.is_empty().then_some(());
        }
        let (head, rest) = record.split_at_checked(JUDGE + 1)?;
        self.judge = AnchorJudge::remember(head);
        self.escalated = Some(head[JUDGE]).filter(|t| *t >= 0.0);
        let streamed = rest.len() == 2 * self.state.problem().n() + 1 + JUDGE;
        if let Some(settled) = self.settled.take() {
            let mut settled = if streamed { settled.mixed(&self.state, self.judge) } else { settled };
            if let Some(single) = settled.streamed_mut().filter(|_| streamed) {
                single.remember(rest);
            }
            self.settled = Some(settled);
        }
        (streamed || rest.is_empty()).then_some(())
    }

    /// Everything that later steps depend on; [`Horizon::restore`] reads it.
    pub(super) fn complete_state(&self) -> Vec<f64> {
        let flips = self.state.flips();
        let flag = |b: bool| if b { 1.0 } else { 0.0 };
        let mut record = vec![self.state.t(), flips.count as f64, flips.last];
        let engine = EngineKind::ALL[1..].iter().position(|kind| *kind == self.engine).unwrap_or(0);
        record.extend([flag(self.settled.is_some()), engine as f64]);
        record.extend([self.attempt, self.patience, f64::from(self.crossings), self.takeoff.unwrap_or(-1.0)]);
        record.extend([flag(self.sliding.is_some()), self.smooth]);
        record.extend(self.warp.memory());
        for part in [self.state.coefficients(), self.state.compensated_preactivations()] {
            record.extend(part.hi().iter().chain(part.lo()));
        }
        record.extend(self.chatter.memory());
        if let Some(settled) = &self.settled {
            let (q, pending, limit) = settled.parts();
            record.extend(q.hi().iter().chain(q.lo()).chain(pending.hi()).chain(pending.lo()).chain(limit));
        }
        if let Some(sliding) = &self.sliding {
            record.extend(sliding.memory());
        }
        if self.options.mixed {
            record.extend(self.judge.memory());
            record.push(self.escalated.unwrap_or(-1.0));
            if let Some(streamed) = self.settled.as_ref().and_then(Settled::streamed) {
                record.extend(streamed.memory());
            }
        }
        record
    }
}

/// The iterate as the monitor sees it, and the record from which the engine can continue.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub state: Coefficients,
    pub slopes: Option<Vec<f64>>,
    pub record: Vec<f64>,
}

impl Iterate for Snapshot {
    fn preactivations(&self) -> &[f64] {
        self.state.preactivations()
    }

    fn weight_norm(&self) -> f64 {
        self.state.weight_norm()
    }

    fn combined_norm(&self, s: f64, e: &Span) -> f64 {
        self.state.combined_norm(s, e)
    }

    fn magnitude(&self) -> f64 {
        self.state.magnitude()
    }

    fn weights(&self) -> Matrix {
        self.state.weights()
    }

    fn slopes(&self) -> Option<&[f64]> {
        self.slopes.as_deref()
    }

    fn state(&self) -> Vec<f64> {
        self.record.clone()
    }
}
