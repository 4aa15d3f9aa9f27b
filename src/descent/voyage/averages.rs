//! The way over averages: when chattering neurons are handed to [`crate::descent::sliding`], and when they come back.

use super::super::settled::Settled;
use super::super::sliding::Sliding;
use super::super::sliding::handover::{self, Handover};
use super::super::sliding::mode::Place;
use super::super::span::Coefficients;
use super::super::warp::SHORTEST;
use super::mode::Mode;
use super::{CROSSINGS, Voyage};
use crate::engine::{EngineKind, Hold, Reached, Stop};
use crate::number::COUNTABLE;

impl Voyage {
    /// At the end of a window of the watch: the handover to averages, if sliding explains the chatter.
    /// Returns the steps taken; or, where these would lead beyond the target, how a scout fared on the way to it.
    pub(super) fn weigh_chatter(&mut self, target: f64, stop: &Stop) -> Result<u64, Reached> {
        let t = self.state.t();
        let busy = matches!(self.mode, Mode::March(_) | Mode::Flight { .. } | Mode::Sliding(_));
        let watching = self.options.warp && self.options.sliding > 0.0 && !busy;
        if !watching || !self.chatter.complete(t) {
            return Ok(0);
        }
        if target - t < handover::STEPS as f64 {
            return Err(self.scout_to(target, stop));
        }
        self.scout = None;
        if self.mode.settled().is_some_and(Settled::pending) {
            self.land();
        }
        let scaled = self.own_scaled_losses();
        let Some(places) = self.chatter.judge(&self.state, &scaled).filter(|_| t >= self.smooth) else { return Ok(0) };
        self.mode = Mode::General;
        let Self { state, chatter, .. } = self;
        let mut step = |state: &mut Coefficients| {
            let finite = state.step();
            chatter.observe(state);
            finite
        };
        match handover::hand_over(state, places, self.options.sliding, &mut step) {
            Handover::Sliding(sliding) => {
                self.chatter.pause(self.state.t());
                self.mode = Mode::Sliding(sliding);
            }
            Handover::Rough(error) => {
                self.smooth = t * (error / self.options.sliding).clamp(1.0, 2.0);
                self.hold = Hold::Rough(t * error / self.options.sliding);
            }
            Handover::Failed => self.smooth = 2.0 * t,
        }
        Ok((self.state.t() - t) as u64)
    }

    /// The t at which steps in a settled pattern have to ask whether something chatters.
    pub(super) fn watched_until(&self) -> f64 {
        let watching = self.options.warp && self.options.sliding > 0.0;
        if watching { self.chatter.complete_at() } else { f64::INFINITY }
    }

    /// The averages, until nothing slides any more or they cannot go on.
    pub(super) fn slide(&mut self, target: f64, stop: &Stop) -> Reached {
        let Mode::Sliding(sliding) = &mut self.mode else { return Reached::Target };
        let problem = self.state.problem().clone();
        let spent = sliding.spent();
        let left = sliding.advance(&problem, target, spent + (self.allowance - self.slid), stop);
        self.slid += sliding.spent() - spent;
        self.state = sliding.iterate(&problem);
        self.averaging = sliding.error_estimate();
        if self.options.flow.is_none() && matches!(left, Reached::Flip | Reached::Event) {
            self.end_sliding(left);
        }
        left
    }

    /// What is at work while `Mode::Sliding` is.
    pub(super) fn averaged(&self) -> EngineKind {
        if self.options.flow.is_some() { EngineKind::Flow } else { EngineKind::Sliding }
    }

    /// Begins gradient flow, if that is asked for.
    pub(super) fn begin_flow(&mut self) {
        if let Some(unit) = self.options.flow {
            self.mode = Mode::Sliding(Box::new(Sliding::flow(&self.state, unit)));
            self.kind = EngineKind::Flow;
            self.hold = Hold::Off;
        }
    }

    /// Back to steps and warp.
    pub(super) fn end_sliding(&mut self, left: Reached) {
        let t = self.state.t();
        self.mode = Mode::General;
        self.chatter.resume(&self.state);
        self.patience = SHORTEST;
        self.attempt = if t < COUNTABLE { t + self.patience } else { t };
        if left == Reached::Event {
            self.smooth = 2.0 * t;
            self.crossings += 1;
        }
        if self.crossings > CROSSINGS && t >= COUNTABLE {
            self.attempt = f64::INFINITY;
        }
    }

    /// Averages from the present iterate, whose ripple is of order 1/t and nothing beyond 2⁵³.
    pub(super) fn slide_at_once(&mut self) -> bool {
        let (n, m, pattern) = (self.state.problem().n(), self.state.problem().network.width, self.state.pattern());
        let place = |pair: usize| if pattern.get(pair / m, pair % m) { Place::Above } else { Place::Below };
        let sliding = Sliding::new(&self.state, (0..n * m).map(place).collect());
        self.mode = sliding.map_or(Mode::General, |sliding| Mode::Sliding(Box::new(sliding)));
        self.mode.sliding().is_some()
    }
}
