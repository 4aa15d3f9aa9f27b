//! The voyage as an engine.

use super::Voyage;
use super::mode::Mode;
use super::save::Snapshot;
use crate::descent::settled::Settled;
use crate::engine::{Diary, Engine, EngineKind, Iterate, Progress, Reached, Stop, Work};
use crate::state::State;

impl Engine for Voyage {
    fn kind(&self) -> EngineKind {
        self.kind
    }

    fn t(&self) -> f64 {
        self.state.t()
    }

    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        self.snapshot = None;
        let reached = self.go(target, stop);
        self.write_up();
        self.progress.note(self.state.t());
        reached
    }

    fn iterate(&mut self) -> &dyn Iterate {
        let state = self.present();
        let slopes = self.mode.sliding_mut().map(|sliding| sliding.slopes(state.problem()));
        self.snapshot.insert(Snapshot { state, slopes })
    }

    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn work(&self) -> Work {
        Work { spent: self.spent, price: self.price() }
    }

    fn allow(&mut self, seconds: f64) {
        self.allowance = seconds;
    }

    fn save(&self) -> State {
        self.saved()
    }

    fn scaled_losses(&mut self) -> Option<Vec<f64>> {
        if let Mode::Sliding(sliding) = &mut self.mode {
            return Some(sliding.scaled_losses(self.state.problem()));
        }
        let fresh;
        let settled = match self.mode.settled() {
            Some(settled) => settled,
            None => {
                fresh = Settled::new(&self.state);
                &fresh
            }
        };
        Some(self.warp.scaled_losses(&self.state, settled))
    }
}
