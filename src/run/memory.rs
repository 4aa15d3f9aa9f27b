//! What a run decides with beside its engine, as fields of a state that begin with `run.`: what the monitor remembers, what is
//! known against the data, since when nothing moves, how many rows were shown, and what was granted beyond patience.

use super::hope::Hope;
use super::rest::Rest;
use crate::monitor;
use crate::problem::Problem;
use crate::state::{Class, Result, State};

/// Where the fields are in a state.
const PREFIX: &str = "run.";

/// What a run decides with, as of the rows that it has shown.
#[derive(Clone, Default)]
pub struct Memory {
    /// What is known against the data.
    pub hope: Hope,
    /// Since when nothing moves.
    pub rest: Rest,
    /// Rows shown.
    pub rows: u64,
    /// The t of the last one.
    pub shown: Option<f64>,
    /// Seconds of [`Work`](crate::engine::Work) up to which the run may go on beyond patience.
    pub granted: f64,
}

impl Memory {
    /// Adds the fields, none of which moves the iterate.
    pub fn save(&self, monitor: &monitor::Memory, state: &mut State) {
        let mut out = state.saver();
        let mut out = out.beside();
        let mut out = out.within("run");
        out.count("rows", self.rows);
        out.maybe("shown", self.shown);
        out.number("granted", self.granted);
        self.rest.save(&mut out);
        self.hope.save(&mut out);
        monitor.save(&mut out.within("monitor"));
    }

    /// Takes the fields out of a state.
    ///
    /// # Errors
    /// If one is missing, unknown, or cannot be.
    pub fn restore(state: &mut State, problem: &Problem) -> Result<(Self, monitor::Memory)> {
        let mut own = State::new(state.engine(), *state.problem());
        let names: Vec<String> =
            state.fields().map(|(name, ..)| name.to_owned()).filter(|name| name.starts_with(PREFIX)).collect();
        for name in names {
            let values = state.remove(&name).unwrap_or_default();
            own.insert(name, Class::Beside, values);
        }
        let (whole, shape) = (own.reader(), (problem.data.n(), problem.network.width));
        let from = whole.within("run");
        let shown = from.maybe("shown")?;
        if let Some(t) = shown.filter(|t| !(t.is_finite() && *t >= 0.0)) {
            return Err(from.wrong("shown", t));
        }
        let memory = Self {
            hope: Hope::restore(&from, shape)?,
            rest: Rest::restore(&from)?,
            rows: from.count("rows")?,
            shown,
            granted: from.number("granted", |v| v.is_nan() || v < 0.0)?,
        };
        let monitor = monitor::Memory::restore(&from.within("monitor"), shape)?;
        whole.finish()?;
        Ok((memory, monitor))
    }
}
