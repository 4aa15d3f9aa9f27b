//! What a dual point (λ, θ) proves: bounds of γ*, the KKT conditions, and that nothing separates.
//!
//! ```text
//! W* = Σ_i λ_i y_i (a_j θ_ij x_i)_j,     min_r ⟨Φ_r, W*⟩/‖W*‖ ≤ γ* ≤ ‖W*‖/Σλ
//! ```
//!
//! the minimum over the samples with the given slopes, or over all slopes in [γ, 1] of the opposite-sign pairs: these enter
//! the margin as `−|a_j| φ(z)`, so W*'s own slopes make it least.

use super::image::{Image, Seen};
use crate::limit::Limit;
use crate::limit::precise::double::{Double, UNIT};
use crate::matrix::Matrix;
use crate::network::Groups;

/// Weights λ ≥ 0 of the samples and slopes θ (n×m), each in two parts.
pub struct Dual<'a> {
    /// λ (n) as f64.
    pub lambda: &'a [f64],
    /// θ (n×m) as f64.
    pub slopes: &'a Matrix,
    /// What they lack, n×(m + 1).
    pub remainders: Option<&'a Matrix>,
    /// Whether opposite-sign pairs may take either slope.
    pub free: bool,
}

/// What a dual point proves.
pub struct Bracket {
    /// λ.
    pub lambda: Vec<Double>,
    /// W*.
    pub image: Image,
    /// The margins of W*, in the slopes that count.
    pub margins: Vec<Double>,
    /// A lower bound of γ*.
    pub low: Double,
    /// An upper bound.
    pub high: Double,
    /// A bound of the distance of the unit direction of λ and θ as f64 from the limit's.
    pub direction_error: f64,
    slopes: Vec<Double>,
}

impl Bracket {
    /// θ_ij.
    pub fn slope(&self, i: usize, j: usize) -> Double {
        let m = self.image.groups.of.len();
        self.slopes[i * m + j]
    }
}

impl Dual<'_> {
    fn lambda(&self, i: usize) -> Double {
        Double::sum(self.lambda[i], self.remainders.map_or(0.0, |r| r[(i, 0)]))
    }

    fn slope(&self, i: usize, j: usize) -> Double {
        Double::sum(self.slopes[(i, j)], self.remainders.map_or(0.0, |r| r[(i, j + 1)]))
    }

    /// Why it is no dual point for the given slopes (`given`, by sample and neuron): the first reason found.
    pub fn fault(&self, seen: &Seen, given: impl Fn(usize, usize) -> f64) -> Option<String> {
        let (n, m) = (self.lambda.len(), seen.network.width);
        let leak = Double::from(seen.network.leak);
        for i in 0..n {
            if !(self.lambda(i).hi >= 0.0 && self.lambda(i).is_finite()) {
                return Some(format!("lambda of sample {i} is not a number from 0 on"));
            }
            for j in 0..m {
                let theta = self.slope(i, j);
                let fits = match self.free && !seen.own(i, j) {
                    true => theta >= leak && theta <= Double::ONE,
                    false => theta == Double::from(given(i, j)),
                };
                if self.lambda(i) != Double::ZERO && !fits {
                    return Some(format!("the slope of sample {i} and neuron {j} is none that it may have"));
                }
            }
        }
        None
    }

    /// W* and the sizes of what was summed; Σλ.
    fn sum(&self, seen: &Seen, given: impl Fn(usize, usize) -> f64) -> (Vec<Double>, Vec<Double>, Image, Double) {
        let (n, m) = (self.lambda.len(), seen.network.width);
        let lambda: Vec<Double> = (0..n).map(|i| self.lambda(i)).collect();
        let slopes: Vec<Double> =
            (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| self.slope(i, j)).collect();
        let bits = |i: usize, j: usize| {
            let Double { hi, lo } = slopes[i * m + j];
            [hi, lo, given(i, j)].map(f64::to_bits)
        };
        let groups = Groups::by(&seen.network, |j| (0..n).map(|i| bits(i, j)).collect::<Vec<_>>());
        let image = seen.features(&lambda, |i, j| slopes[i * m + j], groups);
        let total = lambda.iter().fold(Double::ZERO, |s, l| s + *l);
        (lambda, slopes, image, total)
    }

    /// The bounds that it proves.
    pub fn bracket(&self, seen: &Seen, given: impl Fn(usize, usize) -> f64) -> Bracket {
        let (lambda, slopes, image, total) = self.sum(seen, &given);
        let least = |i: usize, j: usize| match self.free && !seen.own(i, j) {
            true => image.slope(seen, i, j),
            false => given(i, j),
        };
        let margins = image.margins(seen, |i, j| Double::from(least(i, j)));
        let long = image.longest();
        // the W that is held proves the lower bound, whether it is W* or not
        let low = image.least_held(seen, &margins, least) / image.norm * Double::sum(1.0, -16.0 * UNIT);
        let high = long / total * Double::sum(1.0, 16.0 * UNIT);
        let gap = ((high - low) / high).hi;
        let moved = 2.0 * self.rounded_away(seen) / image.norm.hi;
        let direction_error = ((2.0 * gap.max(0.0)).sqrt() + moved) * (1.0 + 1e-12);
        Bracket { lambda, image, margins, low, high, direction_error, slopes }
    }

    /// Whether the bounds of a limit, its direction_error and its residual follow: what `farfield verify` asks.
    pub fn proves(&self, seen: &Seen, given: impl Fn(usize, usize) -> f64, limit: &Limit, residual: f64) -> bool {
        let (bracket, (low, high)) = (self.bracket(seen, &given), limit.margin_interval);
        let bounds = bracket.low >= low.into() && bracket.high <= high.into();
        bounds && bracket.direction_error <= limit.direction_error && self.residual(seen, &bracket) <= residual
    }

    /// How far `Σ λ_i Φ_i` moves when λ and θ lose their remainders.
    fn rounded_away(&self, seen: &Seen) -> f64 {
        let (n, m) = (self.lambda.len(), seen.network.width);
        let moved = |i: usize, j: usize| {
            let plain = Double::from(self.lambda[i]) * Double::from(self.slopes[(i, j)]);
            (self.lambda(i) * self.slope(i, j) - plain).hi.abs() * seen.norms[i]
        };
        let of_neuron = |j: usize| (0..n).map(|i| moved(i, j)).sum::<f64>();
        ((0..m).map(|j| of_neuron(j).powi(2)).sum::<f64>() / m as f64).sqrt()
    }

    /// `‖Σ λ_i Φ_i‖ / Σ λ_i ‖Φ_i‖`, rounded up: features changed by this part of their lengths cancel exactly.
    pub fn cancellation(&self, seen: &Seen) -> f64 {
        let (lambda, slopes, image, _) = self.sum(seen, |_, _| 0.0);
        let m = seen.network.width;
        let stretch = |i: usize| (0..m).map(|j| slopes[i * m + j].hi.powi(2)).sum::<f64>() / m as f64;
        let down = 1.0 - 16.0 * (seen.x.cols() + m + 16) as f64 * f64::EPSILON; // the norms were rounded up
        let sizes: f64 = (0..lambda.len()).map(|i| lambda[i].hi * seen.norms[i] * down * stretch(i).sqrt()).sum();
        if sizes > 0.0 { image.longest().above() / sizes } else { 0.0 }
    }

    /// How far W* is from the KKT conditions: `|q_i − 1|` where `λ_i > 0`, `1 − q_i` elsewhere, rounded up.
    pub fn residual(&self, seen: &Seen, proved: &Bracket) -> f64 {
        let off = |i: usize| {
            let (q, doubt) = (proved.margins[i], 2.0 * proved.image.error * seen.norms[i] * proved.image.size);
            let below = (Double::ONE - q).above();
            let away = if self.lambda(i).hi > 0.0 { below.abs() } else { below.max(0.0) };
            away + doubt
        };
        (0..self.lambda.len()).map(off).fold(0.0, f64::max)
    }
}
