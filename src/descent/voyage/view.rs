//! What is shown of the voyage: the iterate at a requested t, which may lie before the end of its next step.
//!
//! ```text
//! in steps      the iterate of that very step, with all that is pending added to it
//! in a flight   read off the step ahead                                 (warp: dense output)
//! in averages   a copy that has taken a shorter step                    (sliding)
//! before a handover to averages, which takes its steps at once          a scout that steps there
//! ```
//!
//! Nothing of it moves the voyage.

use super::Voyage;
use super::mode::Mode;
use crate::data::HeldOut;
use crate::descent::anchored;
use crate::descent::sliding::Sliding;
use crate::descent::sliding::chatter::Chatter;
use crate::descent::span::Coefficients;
use crate::engine::{EngineKind, Iterate, Segment};
use crate::inner_products::Imaged;
use crate::matrix::Matrix;
use crate::rounding::AnchorJudge;
use std::sync::OnceLock;

/// The iterate at one t, with nothing pending.
#[derive(Debug)]
pub(super) struct View {
    pub state: Coefficients,
    /// What is at work there.
    pub kind: EngineKind,
    /// The averages, while neurons slide.
    pub sliding: Option<Box<Sliding>>,
    slopes: Option<Vec<f64>>,
    /// `αc t ℓ`, where the way there knows it.
    pub scaled: Option<Vec<f64>>,
    /// What mixed steps have seen of their rounding.
    pub judge: AnchorJudge,
    /// The error that averages claim.
    pub averaging: f64,
    /// What a scout has seen on its way.
    pub chatter: Option<Chatter>,
    /// From the voyage's own t.
    pub stretch: Option<Segment>,
    norm: OnceLock<f64>,      // ‖W‖, which a look asks for several times
    magnitude: OnceLock<f64>, // of what was summed for it
    cancels: OnceLock<bool>,  // whether that cancels
}

impl Voyage {
    /// The iterate with nothing pending at the voyage's own t, and what its rounding was seen to be.
    pub(super) fn present(&self) -> (Coefficients, AnchorJudge) {
        let (mut state, mut judge) = (self.state.clone(), self.judge);
        if let Some(settled) = self.mode.settled().filter(|settled| settled.pending()) {
            let (mut settled, t) = (settled.clone(), state.t());
            settled.sync(&mut state, t);
            judge = settled.rounding().unwrap_or(judge);
        }
        (state, judge)
    }

    /// The iterate at t: the voyage's own, or one within the step ahead or on the way of the scout.
    pub(super) fn view(&mut self, t: f64) -> View {
        let within = t > self.state.t();
        match &mut self.mode {
            Mode::Sliding(_) => self.averages(t),
            Mode::Flight { settled, .. } if within => {
                let within = self.warp.within(&self.state, settled, t).expect("a step is ahead");
                let (state, scaled) = (within.state, within.scaled);
                let stretch = self.stretch(EngineKind::Warp, t, 0, within.error);
                View { scaled: Some(scaled), kind: EngineKind::Warp, stretch: Some(stretch), ..self.plain(state) }
            }
            Mode::General | Mode::Settled(_) | Mode::March(_) if within => {
                let scout = self.scout.as_ref().expect("somebody went there");
                let (state, chatter) = (scout.state.clone(), scout.chatter.clone());
                let stretch = self.stretch(EngineKind::Gram, t, (t - self.state.t()) as u64, 0.0);
                View { chatter: Some(chatter), stretch: Some(stretch), ..self.plain(state) }
            }
            Mode::General | Mode::Settled(_) | Mode::March(_) | Mode::Flight { .. } => {
                let (state, judge) = self.present();
                View { judge, ..self.plain(state) }
            }
        }
    }

    fn averages(&self, t: f64) -> View {
        let problem = self.state.problem();
        let mut seen = Box::new(self.mode.sliding().expect("neurons slide").within(problem, t));
        let (state, averaging) = (seen.iterate(problem), seen.error_estimate());
        let (kind, averages) = (self.averaged(), self.options.flow.is_none() || seen.mode().sliding() > 0);
        View {
            kind,
            slopes: averages.then(|| seen.slopes(problem)),
            scaled: Some(seen.scaled_losses(problem)),
            sliding: Some(seen),
            averaging,
            stretch: Some(self.stretch(kind, t, 0, averaging)),
            ..self.plain(state)
        }
    }

    fn plain(&self, state: Coefficients) -> View {
        let (kind, judge, averaging) = (self.kind, self.judge, self.averaging);
        View {
            state,
            kind,
            sliding: None,
            slopes: None,
            scaled: None,
            judge,
            averaging,
            chatter: None,
            stretch: None,
            norm: OnceLock::new(),
            magnitude: OnceLock::new(),
            cancels: OnceLock::new(),
        }
    }

    /// `αc t ℓ` at the voyage's own t.
    pub(super) fn own_scaled_losses(&mut self) -> Vec<f64> {
        if let Mode::Sliding(sliding) = &mut self.mode {
            return sliding.clone().scaled_losses(self.state.problem());
        }
        match self.mode.settled() {
            Some(settled) => self.warp.scaled_losses(&self.state, settled.margins()),
            None => self.warp.scaled_losses(&self.state, &self.state.margins()),
        }
    }
}

impl View {
    fn cancels(&self) -> bool {
        *self.cancels.get_or_init(|| anchored::cancels_beside(&self.state, self.magnitude()))
    }
}

impl Iterate for View {
    fn preactivations(&self) -> &[f64] {
        self.state.preactivations()
    }

    fn weight_norm(&self) -> f64 {
        *self.norm.get_or_init(|| self.state.norm(self.cancels()))
    }

    fn combined_norm(&self, s: f64, e: &Imaged) -> f64 {
        self.state.combined(self.cancels(), s, e)
    }

    fn magnitude(&self) -> f64 {
        *self.magnitude.get_or_init(|| self.state.magnitude())
    }

    fn weights(&self) -> Matrix {
        self.state.weights()
    }

    fn neuron_products(&self) -> Option<Matrix> {
        self.state.neuron_products()
    }

    fn elsewhere(&self, held_out: &HeldOut) -> Vec<f64> {
        self.state.elsewhere(held_out)
    }

    fn slopes(&self) -> Option<&[f64]> {
        self.slopes.as_deref()
    }
}
