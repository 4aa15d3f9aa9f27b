//! What is claimed of W: its margins, its length, and how far its direction is at most from the limit's.
//!
//! The bound of [`crate::certificate`] again, without angles: with `p ≥ 0` from the margins, `G = Σ p_i Φ_i`, v the least
//! `⟨Φ_i, G⟩` over all slopes of the opposite-sign pairs,
//!
//! ```text
//! simple:    1 − min_i q_i/(‖W‖ ‖G‖)
//! two-step:  1 − cos(A + B),   cos A = ⟨W,G⟩/(‖W‖‖G‖),   cos² B = v/‖G‖²
//! ```

use super::dual::Bracket;
use super::image::{Image, Seen};
use crate::limit::precise::double::Double;
use crate::slopes::Slopes;
use farfield_kernels::loss::Loss;

/// What is left of 1 when numbers of 106 bits are subtracted from it.
const LEFT: f64 = 1e-26;

/// W, with the direction of its negative gradient.
pub struct Present<'a> {
    seen: &'a Seen<'a>,
    w: &'a Image,
    g: Image, // Σ e_i Φ_i
    slopes: &'a Slopes,
    total: Double,   // Σ e_i
    aligned: Double, // ⟨W, G⟩
    sizes: f64,      // Σ e_i ‖x_i‖ ≥ Σ e_i ‖Φ_i‖
    log_sum: f64,
}

/// W against a limit.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// `1 − cos(W, Ŵ)`.
    pub gap: f64,
    /// `1 − cos(G, Ŵ)`.
    pub gradient_gap: f64,
}

impl<'a> Present<'a> {
    /// W with the weights that a loss gives its margins, in these slopes; the weights are exact by definition.
    pub fn new(seen: &'a Seen<'a>, w: &'a Image, margins: &[f64], loss: Loss, slopes: &'a Slopes) -> Self {
        let (weights, largest) = loss.relative_weights(margins);
        let exact: Vec<Double> = weights.iter().map(|e| Double::from(*e)).collect();
        let slope = |i: usize, j: usize| Double::from(slopes.values[(i, j)]);
        let g = seen.features(&exact, slope, slopes.groups.clone());
        let along = w.margins(seen, slope);
        let total = exact.iter().fold(Double::ZERO, |s, e| s + *e);
        let aligned = exact.iter().zip(&along).fold(Double::ZERO, |s, (e, q)| s + *e * *q);
        let sizes = weights.iter().zip(&seen.norms).map(|(e, x)| e * x).sum::<f64>() * (1.0 + 1e-10);
        let log_sum = libm::log(total.hi) + largest;
        Self { seen, w, g, slopes, total, aligned, sizes, log_sum }
    }

    /// `‖G‖` for Σp = 1, and the sizes A that were summed.
    pub fn gradient(&self) -> (f64, f64) {
        ((self.g.norm / self.total).value(), self.sizes / self.total.hi)
    }

    /// `log Σ_i s(q_i)`.
    pub fn log_sum(&self) -> f64 {
        self.log_sum
    }

    /// An upper bound of `1 − cos(W, Ŵ)`; none where no bound below 90° follows.
    pub fn distance(&self) -> Option<f64> {
        let (seen, w, g) = (self.seen, self.w, &self.g);
        let lowest = w.least(seen, &w.outputs(seen));
        let (lengths, size) = (w.longest() * g.longest(), Double::from(LEFT));
        let simple = (lowest.hi > 0.0).then(|| Double::ONE - lowest * self.total / lengths + size);
        let below = |cos: Double| if cos.hi < 1.0 { cos } else { Double::ONE };
        let two_step = || {
            let v = g.least(seen, &self.worst());
            let aligned = self.aligned - Double::from(4.0 * w.error * seen.longest() * w.size * self.total.hi);
            if !(v.hi > 0.0 && aligned.hi > 0.0) {
                return None;
            }
            let cos_a = below(aligned / lengths - size);
            let squared = below(v * self.total / (g.longest() * g.longest()) - size);
            let sine = |squared: Double| (Double::ONE - squared + size).sqrt();
            let cos = cos_a * squared.sqrt() - sine(cos_a * cos_a) * sine(squared);
            Some(Double::ONE - cos + size)
        };
        let bounds = [simple, two_step()].into_iter().flatten().map(Double::above);
        bounds.filter(|gap| *gap < 1.0).reduce(f64::min)
    }

    /// `⟨Φ_i, G⟩` with the slopes of opposite-sign pairs that make it least.
    fn worst(&self) -> Vec<Double> {
        let slope = |i: usize, j: usize| match self.seen.own(i, j) {
            true => self.slopes.values[(i, j)],
            false => self.g.slope(self.seen, i, j),
        };
        self.g.margins(self.seen, |i, j| Double::from(slope(i, j)))
    }

    /// Against the direction of a dual point.
    pub fn compared(&self, limit: &Bracket) -> Compared {
        let (seen, w) = (self.seen, &limit.image);
        let with = |image: &Image| {
            let of_rows = image.margins(seen, |i, j| limit.slope(i, j));
            let sum = limit.lambda.iter().zip(of_rows).fold(Double::ZERO, |s, (l, q)| s + *l * q);
            (Double::ONE - sum / (image.norm * w.norm)).value()
        };
        Compared { gap: with(self.w), gradient_gap: with(&self.g) }
    }
}
