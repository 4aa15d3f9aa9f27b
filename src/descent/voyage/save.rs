//! The state of the engine, from which it goes on in the same bits.

use super::mode::Mode;
use super::{Options, Voyage};
use crate::descent::settled::Settled;
use crate::descent::sliding::Sliding;
use crate::descent::sliding::chatter::Chatter;
use crate::descent::span::{Coefficients, SpanProblem};
use crate::engine::{Diary, EngineKind, Hold};
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver, State, StateError};
use std::sync::Arc;

/// What a state may have been saved in, by its number.
#[derive(Clone, Copy, PartialEq)]
enum Saved {
    General,
    Settled,
    March,
    Flight,
    Sliding,
}

/// In the order of their numbers.
const SAVED: [Saved; 5] = [Saved::General, Saved::Settled, Saved::March, Saved::Flight, Saved::Sliding];

impl Voyage {
    /// Goes on from a state that [`crate::engine::Engine::save`] made on the same problem with the same options, in the
    /// same bits.
    ///
    /// # Errors
    /// If it is the state of another engine, problem or options, or if a field is missing or cannot be.
    pub fn restore(problem: Arc<SpanProblem>, state: &State, options: Options) -> Result<Self> {
        let steps = [EngineKind::Gram, EngineKind::Warp, EngineKind::Sliding];
        let engines = if options.flow.is_some() { &[EngineKind::Flow][..] } else { &steps[..] };
        state.check(engines, problem.fingerprint())?;
        let (n, m, from) = (problem.n(), problem.network.width, state.reader());
        numbered(&options).into_iter().try_for_each(|(name, value)| from.unchanged(name, value))?;
        let mut horizon = Self::at(Coefficients::restore(problem, &from)?, options);
        horizon.mode = Mode::restore(&horizon.state, &from, &options)?;
        horizon.kind = state.engine();
        let flight = horizon.mode.settled().filter(|_| matches!(horizon.mode, Mode::Flight { .. }));
        horizon.warp.restore(&from.within("warp"), flight)?;
        horizon.attempt = from.number("attempt", f64::is_nan)?;
        horizon.patience = from.time("patience")?;
        horizon.crossings = from.small_count("crossings")?;
        horizon.chatter = Chatter::restore(&from.within("chatter"), n, m)?;
        horizon.smooth = from.number("smooth", f64::is_nan)?;
        horizon.anchor = from.time("anchor")?;
        horizon.cancelling = from.flag("cancelling")?;
        horizon.averaging = from.number("averaging", |_| false)?;
        horizon.judge = AnchorJudge::restore(&from.within("judge"))?;
        horizon.escalated = from.maybe("escalated")?;
        horizon.hold = Hold::restore(&from)?;
        horizon.travelled = Diary::restore(&from)?;
        (horizon.spent, horizon.slid) = (from.time("work")?, from.time("slid")?);
        if horizon.travelled.rounding.is_some() != options.mixed {
            return Err(StateError::Contradiction("rounding.largest_drift"));
        }
        from.finish()?;
        horizon.write_up();
        Ok(horizon)
    }

    /// Everything that later steps depend on, and what is told.
    pub(super) fn saved(&self) -> State {
        let mut state = State::new(self.kind, *self.state.problem().fingerprint());
        let mut out = state.saver();
        self.state.save(&mut out);
        self.mode.save(&mut out);
        self.warp.save(&mut out.within("warp"), matches!(self.mode, Mode::Flight { .. }));
        out.number("attempt", self.attempt);
        out.number("patience", self.patience);
        out.count("crossings", u64::from(self.crossings));
        self.chatter.save(&mut out.within("chatter"));
        out.number("smooth", self.smooth);
        out.number("anchor", self.anchor);
        out.flag("cancelling", self.cancelling);
        self.judge.save(&mut out.within("judge"));
        self.own_diary().save(&mut out);
        let mut out = out.beside();
        out.number("averaging", self.averaging);
        out.maybe("escalated", self.escalated);
        out.number("work", self.spent);
        out.number("slid", self.slid);
        self.hold.save(&mut out);
        numbered(&self.options).into_iter().for_each(|(name, value)| out.within("options").number(name, value));
        state
    }
}

/// Options as numbers, by name.
fn numbered(options: &Options) -> Vec<(&'static str, f64)> {
    let Options { warp, tolerance, sliding, mixed, flow } = *options;
    let flag = |flag: bool| f64::from(u8::from(flag));
    let steps = [("warp", flag(warp)), ("tolerance", tolerance), ("sliding", sliding), ("mixed", flag(mixed))];
    steps.into_iter().chain(flow.map(|unit| ("flow", unit))).collect()
}

impl Mode {
    fn save(&self, out: &mut Saver) {
        let saved = match self {
            Self::General => Saved::General,
            Self::Settled(_) => Saved::Settled,
            Self::March(_) => Saved::March,
            Self::Flight { .. } => Saved::Flight,
            Self::Sliding(_) => Saved::Sliding,
        };
        out.choice("mode", &SAVED, &saved);
        if let Some(settled) = self.settled() {
            settled.save(&mut out.within("settled"));
        }
        match self {
            Self::Flight { from, .. } => out.number("takeoff", *from),
            Self::Sliding(sliding) => sliding.save(&mut out.within("sliding")),
            Self::General | Self::Settled(_) | Self::March(_) => {}
        }
    }

    fn restore(state: &Coefficients, from: &Reader, options: &Options) -> Result<Self> {
        let settled = || {
            let settled = Settled::restore(state, &from.within("settled"))?;
            let fits = settled.rounding().is_some() == options.mixed;
            if fits { Ok(settled) } else { Err(StateError::Contradiction("settled.judge")) }
        };
        Ok(match from.choice("mode", &SAVED)? {
            saved if options.flow.is_some() && saved != Saved::Sliding => {
                return Err(StateError::Contradiction("mode"));
            }
            Saved::General => Self::General,
            Saved::Settled => Self::Settled(settled()?),
            Saved::March => Self::March(settled()?),
            Saved::Flight => Self::Flight { settled: settled()?, from: from.time("takeoff")? },
            Saved::Sliding => {
                let sliding = Sliding::restore(state.problem(), &from.within("sliding"), options.flow)?;
                if sliding.t() != state.t() {
                    return Err(StateError::Contradiction("sliding.t"));
                }
                Self::Sliding(Box::new(sliding))
            }
        })
    }
}

impl Hold {
    fn save(self, out: &mut Saver) {
        let (code, t) = match self {
            Self::Off => (0.0, 0.0),
            Self::Flips => (1.0, 0.0),
            Self::Early => (2.0, 0.0),
            Self::Near => (3.0, 0.0),
            Self::Rough(t) => (4.0, t),
        };
        out.vector("hold", [code, t]);
    }

    fn restore(from: &Reader) -> Result<Self> {
        let [code, t] = from.numbers("hold")?;
        match code {
            0.0 => Ok(Self::Off),
            1.0 => Ok(Self::Flips),
            2.0 => Ok(Self::Early),
            3.0 => Ok(Self::Near),
            4.0 => Ok(Self::Rough(t)),
            other => Err(from.wrong("hold", other)),
        }
    }
}
