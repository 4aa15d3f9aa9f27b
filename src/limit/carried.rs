//! The rows that carry the weights of a limit, from which the search for the next one begins.
//!
//! From one look of a run to the next few sides of own-sign pairs change, and few rows of the limit with them. Kept by neurons, whose groups
//! change with those sides, a row is a sample, the opposite-sign neurons in which its slope is 1, and its weight. Whatever they are, its
//! half-space is one of those that bound the margins for any sides: they choose where the search begins, and the proof of its end knows nothing of them.

use super::rows::Rows;
use crate::state::{Reader, Result, Saver};

/// Rows by neurons, with their weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carried {
    samples: Vec<usize>,
    steep: Vec<bool>, // for each row all neurons: whether the slope is 1
    weights: Vec<f64>,
}

impl Carried {
    /// The rows with λ > 0.
    pub fn new(rows: &Rows, weights: &[f64]) -> Self {
        let mut carried = Self::default();
        for (row, weight) in rows.list.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            carried.samples.push(row.sample);
            carried.steep.extend(rows.groups.of.iter().map(|p| row.slopes[*p] == 1.0));
            carried.weights.push(*weight);
        }
        carried
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Adds those that `rows` does not have; the places of all among them, and their weights.
    pub fn place(&self, rows: &mut Rows) -> (Vec<usize>, Vec<f64>) {
        let (mut places, mut weights): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut place_of: Vec<Option<usize>> = vec![None; rows.len()];
        for ((k, &i), weight) in self.samples.iter().enumerate().zip(&self.weights) {
            let steep = &self.steep[k * rows.network.width..];
            let row = rows.least(i, |p| steep[rows.groups.first[p]]);
            let r = rows.place(row);
            place_of.resize(rows.len(), None);
            // rows of groups that have become one may have become one too
            let place = *place_of[r].get_or_insert(places.len());
            if place == places.len() {
                places.push(r);
                weights.push(0.0);
            }
            weights[place] += weight;
        }
        (places, weights)
    }

    /// As fields of a state; nothing if there are none.
    pub fn save(&self, out: &mut Saver) {
        if !self.is_empty() {
            out.vector("samples", self.samples.iter().map(|i| *i as f64).collect::<Vec<_>>());
            out.choices("steep", &[false, true], self.steep.iter().copied());
            out.vector("weights", &self.weights[..]);
        }
    }

    /// Reads what [`Carried::save`] wrote, for n samples and m neurons.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader, (n, m): (usize, usize)) -> Result<Self> {
        if !["samples", "steep", "weights"].iter().any(|name| from.has(name)) {
            return Ok(Self::default());
        }
        let samples: Vec<usize> = from.counts("samples", n as u64 - 1)?.iter().map(|i| *i as usize).collect();
        from.slice("steep", samples.len() * m)?;
        let weights = from.vector("weights", samples.len())?;
        match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            Some(weight) => Err(from.wrong("weights", *weight)),
            None => Ok(Self { samples, steep: from.choices("steep", &[false, true])?, weights }),
        }
    }
}
