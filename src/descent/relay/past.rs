//! What the runners of a relay leave behind: their segments, which pairs were on which side in each decade, and the price of their steps.

use crate::engine::{Diary, Fractions, Segment};
use crate::error::Result;
use crate::problem::Problem;
use crate::state::State;

/// Where the past is in a state.
const PAST: &str = "relay.past";

/// What the runners before the present one leave behind.
#[derive(Default)]
pub(super) struct Past {
    pub segments: Vec<Segment>,
    pub decades: Vec<Fractions>,
    pub spent: f64,
}

impl Past {
    /// Beside what moves the iterate; the price is in the marks.
    pub fn save(&self, state: &mut State) {
        let diary = Diary { segments: self.segments.clone(), ..Diary::default() };
        let mut out = state.saver();
        let mut out = out.beside();
        let mut out = out.within(PAST);
        diary.save(&mut out);
        let numbers = |number: &dyn Fn(&Fractions) -> f64| self.decades.iter().map(number).collect::<Vec<f64>>();
        out.vector("decades.from", numbers(&|d| d.from));
        out.vector("decades.to", numbers(&|d| d.to));
        out.vector("decades.values", self.decades.iter().flat_map(|d| &d.values).copied().collect::<Vec<f64>>());
    }

    /// Takes the fields that [`Past::save`] wrote out of a state.
    pub fn restore(state: &mut State, problem: &Problem, spent: f64) -> Result<Self> {
        let pairs = problem.data.n() * problem.network.width;
        let past = {
            let reader = state.reader();
            let from = reader.within(PAST);
            let segments = Diary::restore(&from)?.segments;
            let starts = from.any("decades.from")?;
            let ends = from.slice("decades.to", starts.len())?;
            let values = from.slice("decades.values", starts.len() * pairs)?;
            let decade = |k: usize| {
                let values = values[k * pairs..(k + 1) * pairs].to_vec();
                Fractions { from: starts[k], to: ends[k], values }
            };
            Self { segments, decades: (0..starts.len()).map(decade).collect(), spent }
        };
        let prefix = format!("{PAST}.");
        let names: Vec<String> =
            state.fields().map(|(name, ..)| name.to_owned()).filter(|n| n.starts_with(&prefix)).collect();
        names.iter().for_each(|name| {
            state.remove(name);
        });
        Ok(past)
    }
}
