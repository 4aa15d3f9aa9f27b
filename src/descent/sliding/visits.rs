//! Time on the positive side: of each pair, over a span of t.

use crate::engine::Fractions;
use crate::state::{Reader, Result, Saver};

/// Counts of all pairs (n×m) since a span began.
#[derive(Clone, Debug, PartialEq)]
pub struct Visits {
    /// First t of the span.
    pub start: f64,
    since: Vec<f64>,   // t of the last change of side, or the start
    above: Vec<f64>,   // steps on the positive side, up to `since`
    changes: Vec<f64>, // of side
}

impl Visits {
    /// A span that begins at `start`, for that many pairs.
    pub fn new(start: f64, pairs: usize) -> Self {
        Self { start, since: vec![start; pairs], above: vec![0.0; pairs], changes: vec![0.0; pairs] }
    }

    /// A pair changes its side at t.
    pub fn note(&mut self, pair: usize, was_above: bool, t: f64) {
        if was_above {
            self.above[pair] += t - self.since[pair];
        }
        self.since[pair] = t;
        self.changes[pair] += 1.0;
    }

    /// Number of changes of side.
    pub fn changes(&self, pair: usize) -> f64 {
        self.changes[pair]
    }

    /// The t of the last change of side, or the start.
    pub fn since(&self, pair: usize) -> f64 {
        self.since[pair]
    }

    /// The span up to t; `above` says which pairs are on their positive side since their last change.
    pub fn fractions(&self, above: impl Fn(usize) -> bool, t: f64) -> Fractions {
        let value = |pair: usize| {
            let last = if above(pair) { t - self.since[pair] } else { 0.0 };
            (self.above[pair] + last) / (t - self.start)
        };
        Fractions { from: self.start, to: t, values: (0..self.above.len()).map(value).collect() }
    }

    /// Writes all of it.
    pub fn save(&self, out: &mut Saver) {
        out.number("start", self.start);
        out.vector("since", &self.since[..]);
        out.vector("above", &self.above[..]);
        out.vector("changes", &self.changes[..]);
    }

    /// Reads what [`Visits::save`] wrote for so many pairs.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader, pairs: usize) -> Result<Self> {
        let vector = |name| from.vector(name, pairs);
        Ok(Self {
            start: from.time("start")?,
            since: vector("since")?,
            above: vector("above")?,
            changes: vector("changes")?,
        })
    }
}
