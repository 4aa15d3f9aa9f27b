//! The voyage as an engine.

use super::Voyage;
use super::mode::Mode;
use super::view::View;
use crate::descent::choose::{UNTIL_AVERAGES, UNTIL_WARP};
use crate::engine::{Diary, Engine, EngineKind, Hold, Iterate, Progress, Reached, Stop, Work};
use crate::state::State;

/// A pattern has stood still if it last changed before this part of all steps.
const QUIET: f64 = 0.1;

impl Engine for Voyage {
    fn kind(&self) -> EngineKind {
        self.view.as_ref().map_or(self.kind, |view| view.kind)
    }

    fn t(&self) -> f64 {
        self.coefficients().t()
    }

    /// What ends before the target shows the voyage's own iterate, but no earlier one than was shown before.
    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        let shown = self.view.take();
        let reached = self.go(target, stop);
        self.view = match reached {
            Reached::Target => Some(self.view(target.max(self.state.t()))),
            _ => shown.filter(|view| view.state.t() > self.state.t()),
        };
        self.write_up();
        self.progress.note(self.t());
        reached
    }

    fn iterate(&mut self) -> &dyn Iterate {
        let view = self.view.take().unwrap_or_else(|| self.view(self.state.t()));
        self.view.insert(view)
    }

    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn work(&self) -> Work {
        Work { spent: self.spent, price: self.price(), averaged: self.slid }
    }

    /// Steps among chattering neurons go on until averages have usually taken over. Where the pattern has stood still, a
    /// flight goes on at its present stride, and no faster in `log t` than all that was spent has brought, and steps that
    /// only wait for the flow to be exact enough do so for a few thousand. Averages go on at their pace so far, unless their
    /// claim is void.
    fn left(&self, horizon: f64) -> f64 {
        let (t, work) = (self.t(), self.work());
        let stepped = (horizon - t).max(0.0) * work.price;
        let quiet = self.options.warp && self.state.flips().last <= QUIET * t;
        let unit = self.options.flow.unwrap_or(0.0);
        let way = (libm::log(horizon + unit) - libm::log(t + unit)).max(0.0);
        let flown = way * self.price_of_leap() / self.warp.stride();
        match &self.mode {
            Mode::Sliding(_) if self.void(self.averaging) => f64::INFINITY,
            Mode::Sliding(sliding) => way * sliding.pace(),
            Mode::General | Mode::Settled(_) | Mode::March(_)
                if self.options.warp && self.options.sliding > 0.0 && t < UNTIL_AVERAGES && !quiet =>
            {
                stepped.min((UNTIL_AVERAGES - t) * work.price)
            }
            Mode::Flight { .. } if quiet => stepped.min(flown.max(way / libm::log(t) * self.spent)),
            Mode::March(_) | Mode::Settled(_) if quiet && self.hold == Hold::Early && t < UNTIL_WARP => {
                stepped.min((UNTIL_WARP - t) * work.price + flown)
            }
            _ => stepped,
        }
    }

    fn allow(&mut self, seconds: f64) {
        self.allowance = seconds;
    }

    fn save(&self) -> State {
        self.saved()
    }

    fn digest(&mut self) -> String {
        let mut state = self.saved();
        if let Some(view) = &self.view {
            view.state.save(&mut state.saver().within("shown"));
        }
        state.digest()
    }

    fn scaled_losses(&mut self) -> Option<Vec<f64>> {
        Some(match &self.view {
            Some(View { scaled: Some(scaled), .. }) => scaled.clone(),
            Some(view) if view.state.t() > self.state.t() => {
                self.warp.scaled_losses(&view.state, &view.state.margins())
            }
            _ => self.own_scaled_losses(),
        })
    }
}
