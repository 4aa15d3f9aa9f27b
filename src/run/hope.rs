//! Whether the data cannot be separated, and could not for most of the steps.
//!
//! A run that could only step ends early with a proof of that. There are two kinds: for the own-sign sides that have been
//! the same for most of the steps; and, at once, for any sides: two samples of different labels, one a positive
//! multiple of the other, whose margins are never both positive, or a sample that is 0.

use crate::data::Data;
use crate::engine::Engine;
use crate::matrix::View;
use crate::monitor::{Monitor, Row};
use crate::network::Pattern;
use crate::state::{Reader, Result, Saver, StateError};

/// First t at which a run may end for want of separability.
const FIRST: f64 = 1e6;

/// The same where no sides separate.
const AT_ONCE: f64 = 1e4;

/// The part of all steps during which the own-sign pairs must have kept their sides.
const PART: f64 = 0.9;

/// Seconds that the rest of the steps must cost ([`super::patience`]): a run that is nearly over is not cut short.
pub const WORTH: f64 = 2.0;

/// What is known against the data.
#[derive(Clone, Default)]
pub struct Hope {
    sides: Option<(Pattern, f64)>, // of the own-sign pairs, and the first monitored t that showed them
    contradiction: Option<bool>,   // whether two samples contradict each other
}

impl Hope {
    /// The bits and since when they are as they are; the rest the data say again.
    pub fn save(&self, out: &mut Saver) {
        if let Some((sides, since)) = &self.sides {
            out.pattern("sides", sides);
            out.number("since", *since);
        }
    }

    /// Reads what [`Hope::save`] wrote, for n samples and m neurons.
    ///
    /// # Errors
    /// If the fields contradict each other.
    pub fn restore(from: &Reader, shape: (usize, usize)) -> Result<Self> {
        let sides = match from.has("sides") {
            true => Some((from.pattern("sides", shape)?, from.time("since")?)),
            false if from.has("since") => return Err(StateError::Contradiction("run.since")),
            false => None,
        };
        Ok(Self { sides, contradiction: None })
    }

    /// Whether a run ends at this row, with `left` seconds to its horizon, or with its patience spent.
    pub fn lost(&mut self, monitor: &mut Monitor, engine: &mut dyn Engine, row: &Row, left: f64, spent: bool) -> bool {
        if row.t < AT_ONCE || row.min_margin > 0.0 || (left < WORTH && !spent) {
            return false;
        }
        let sides = monitor.own_sides(&monitor.pattern(engine.iterate()));
        let data = &monitor.problem().data;
        if *self.contradiction.get_or_insert_with(|| contradict(data)) {
            return monitor.hopeless(&sides);
        }
        match &self.sides {
            Some((known, since)) if *known == sides => {
                (row.t >= FIRST || spent) && *since <= (1.0 - PART) * row.t && monitor.hopeless(&sides)
            }
            _ => {
                self.sides = Some((sides, row.t));
                false
            }
        }
    }
}

/// What K may differ by from the product of the lengths of parallel samples, relative to it.
const PARALLEL: f64 = 1e-10;

/// Whether a sample is 0, or two samples of different labels are positive multiples of each other, exactly.
fn contradict(data: &Data) -> bool {
    let Some(k) = data.gram() else { return false };
    let (y, norms) = (data.y(), data.norms());
    let near = |i: usize, j: usize| k.0[(i, j)] >= norms[i] * norms[j] * (1.0 - PARALLEL);
    let pairs = |i: usize| {
        (0..i).any(|j| y[i] != y[j] && near(i, j) && data.samples().view().is_some_and(|x| multiples(x, i, j)))
    };
    (0..y.len()).any(|i| norms[i] == 0.0 || pairs(i))
}

/// Whether samples i and j are multiples of each other, by products that are exact.
fn multiples(x: View, i: usize, j: usize) -> bool {
    let (a, b) = (x.row(i), x.row(j));
    let top = (0..a.len()).fold(0, |top, p| if a[p].abs() > a[top].abs() { p } else { top });
    let exact = |u: f64, v: f64| (u * v, u.mul_add(v, -(u * v)));
    (0..a.len()).all(|p| exact(a[p], b[top]) == exact(b[p], a[top]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(rows: &[&[f64]], y: &[f64]) -> Data {
        let x = crate::matrix::Matrix::new(rows.len(), rows[0].len(), rows.concat());
        Data::new(x, y.to_vec()).expect("data")
    }

    #[test]
    fn contradictions_are_exact() {
        assert!(contradict(&data(&[&[1.0, 3.0], &[0.5, 1.5]], &[1.0, -1.0])));
        assert!(contradict(&data(&[&[1.0, 3.0], &[0.0, 0.0]], &[1.0, 1.0])));
        assert!(!contradict(&data(&[&[1.0, 3.0], &[0.5, 1.5]], &[1.0, 1.0])), "labels agree");
        assert!(!contradict(&data(&[&[1.0, 3.0], &[-0.5, -1.5]], &[1.0, -1.0])), "opposite sides");
        assert!(!contradict(&data(&[&[1.0, 3.0], &[0.5, 1.5 + f64::EPSILON]], &[1.0, -1.0])), "nearly");
    }
}
