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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::slabs::Whole;
    use crate::data::{Data, Draw, Mixture, Noise};
    use crate::inner_products::{Gram, InnerProducts};
    use crate::limit::Prediction;
    use crate::limit::sliding::{Sliding, least_slopes};
    use crate::network::{Network, Pattern};

    /// The sides with every so-manieth own-sign pair on the other one.
    fn flipped(sides: &Pattern, network: &Network, y: &[f64], every: usize) -> Pattern {
        let mut sides = sides.clone();
        let pairs = (0..y.len()).flat_map(|i| (0..network.width).map(move |j| (i, j)));
        pairs.filter(|&(i, j)| network.sign(j) * y[i] > 0.0).step_by(every).for_each(|(i, j)| sides.flip(i, j));
        sides
    }

    /// From the rows that carried the limit for other sides, and from rows that carried nothing, the search ends at the same limit as
    /// without them: W* and γ* are one, whatever the samples' number is beside their dimension.
    #[test]
    fn where_the_search_begins_does_not_show() {
        let mut slid = 0;
        for seed in 0..12 {
            let (n, d) = (30, [12, 40, 200][seed as usize % 3]);
            let draw = Draw { n, balance: 0.5, label_noise: 0.2, seed };
            let data = Data::draw(Mixture::new(3.0, vec![1.0; d], Noise::Gaussian), &draw).unwrap();
            let (k, y): (&Gram, _) = (data.gram().unwrap(), data.y());
            let network = Network::balanced(6, 0.1).unwrap();
            let before = flipped(&Pattern::activated(&network, y), &network, y, 7);
            let now = flipped(&before, &network, y, 11);
            let x: Option<&dyn Whole> = Some(data.samples());
            let fresh = |sides: &Pattern| match Sliding::with_sides(k, x, y, &network, sides, None) {
                Prediction::Limit(limit) => limit,
                other => panic!("{seed}: {other:?}"),
            };
            let (old, expected) = (fresh(&before), fresh(&now));
            let mut rows = least_slopes(y, &network, &before);
            let (places, weights) = old.carried().place(&mut rows);
            let mut all = vec![0.0; rows.len()];
            places.iter().zip(weights).for_each(|(&r, weight)| all[r] = weight);
            assert_eq!(rows.per_sample(&all), old.limit.lambda, "{seed}");
            assert_eq!(rows.by_group(&all), old.limit.rows.by_group(&old.limit.answer.weights), "{seed}");
            let every = n * network.width;
            let odd = Carried {
                samples: (0..n).collect(),
                steep: (0..every).map(|pair| pair % 3 == 0).collect(),
                weights: (0..n).map(|i| 1e-3 * i as f64 + 1e-9).collect(),
            };
            for from in [old.carried(), odd] {
                let found = Sliding::begun_from(k, x, y, &network, &now, None, &from);
                let Prediction::Limit(found) = found else { panic!("{seed}") };
                assert!((found.limit.max_margin / expected.limit.max_margin - 1.0).abs() < 1e-11, "{seed}");
                let (low, high) = found.limit.margin_interval;
                assert!(low <= expected.limit.margin_interval.1 && expected.limit.margin_interval.0 <= high, "{seed}");
                let (a, b) = (k.image(&found.limit.direction), k.image(&expected.limit.direction));
                let size = b.iter().flatten().fold(0.0f64, |t, z| t.max(z.abs()));
                let near = a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-9 * size);
                assert!(near, "{seed}");
                assert_eq!(found.limit.inconsistent, expected.limit.inconsistent, "{seed}");
            }
            slid += expected.pairs.len();
        }
        assert!(slid > 50, "{slid}");
    }
}
