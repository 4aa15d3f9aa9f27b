//! How far the averages may be from the projected iterate: a bound.
//!
//! As long as no own-sign pair changes sides every margin is concave in W and the loss convex. Its
//! gradient flow, in the sense of Filippov, is then a contraction: two solutions never come further apart,
//! whatever pairs slide, enter, leave or cross. So a bound D of the distance between the averaged and the true
//! projected weights grows only by what is added on the way,
//!
//! ```text
//! dD/du = ‖Σ_k e_k η_k Φ_k‖ / t = √((eη)ᵀH(eη)) / t,        |Δq_i| ≤ ‖Φ_i‖ D = √H_ii D
//! ```
//!
//! with η what is not known of the ripple's mean κ (Φ and H those of the mode):
//!
//! - the difference of two averages ([`Ripple::doubt`]);
//! - what κ was seen to change until it was measured again;
//! - the part by which steps disagreed with κ before the averages began, as a fraction of κ;
//! - the next order in 1/t: `½ρ²` from the weights' second derivative, κ times the change of the weights by the
//!   ripple, and the field's term of order 3, at most `½ p²`, `p = He`.
//!
//! These are for weights with `|s'| ≤ s`, `|s''| ≤ s`. With `|s⁽ʲ⁾| ≤ kʲ s` ([`farfield_kernels::loss`]) the first
//! three take a factor k, the last k².
//!
//! At an event steps act with the other slope for some time. A pair that *leaves* its kink does so from a place
//! within one kick, `a e (1 − γ)`, of where its last visit threw it. One that *crosses* is a step late, or as many
//! as the ripple can carry it beyond zero. Both displace W along `x_i` (across the other kinks), whose length
//! there is √s, s the Schur complement. A pair that *enters* is projected onto its kink afterwards. An own-sign pair
//! that crosses at a speed v parts neighbours by at most `1 + a e (1 − γ) √(sK_ii) / v`.

use super::mode::Mode;
use super::ripple::Ripple;

/// Relative change of a weight e after which κ is measured again.
const CHANGE: f64 = 1.0 / 32.0;

/// Weights below this part of the largest are not watched, but for those of kinks.
const NOTABLE: f64 = 1e-2;

/// The bound, and since when the present κ is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// D.
    pub bound: f64,
    /// Disagreement of steps with κ, relative to κ.
    pub disagreement: f64,
    /// The t at which κ was measured.
    pub since: f64,
    /// The weights e at which it was (length n).
    pub weights: Vec<f64>,
}

impl Distance {
    /// Nothing yet.
    pub fn new(t: f64, weights: Vec<f64>) -> Self {
        Self { bound: 0.0, disagreement: 0.0, since: t, weights }
    }

    /// `‖Σ_k e_k η_k Φ_k‖` at t: D grows by this times `∫du/t`. `steepness` is that of the loss.
    pub fn source(&self, mode: &Mode, ripple: &Ripple, e: &[f64], t: f64, steepness: f64) -> f64 {
        let n = e.len();
        let mut p = vec![0.0; n];
        mode.product().multiply(e, &mut p);
        let top = ripple.largest();
        let eta = |k: usize| {
            let (mean, size) = (ripple.mean[k].abs(), ripple.size[k]);
            let second = 0.5 * size * size + mean * top + 0.5 * p[k] * p[k];
            steepness * (ripple.doubt[k] + steepness * second / t)
        };
        let doubt: Vec<f64> = (0..n).map(|k| e[k] * eta(k)).collect();
        length(mode, &doubt) + steepness * self.disagreement * length(mode, &weighted(e, &ripple.mean))
    }

    /// The disagreement of an `observed` mean ripple with the `expected` one.
    pub fn disagree(&mut self, mode: &Mode, e: &[f64], observed: &[f64], expected: &[f64]) {
        let off: Vec<f64> = observed.iter().zip(expected).map(|(o, x)| o - x).collect();
        let whole = length(mode, &weighted(e, expected));
        self.disagreement = if whole > 0.0 { length(mode, &weighted(e, &off)) / whole } else { 0.0 };
    }

    /// Whether the weights have changed so much since the last measurement that κ may have, too.
    pub fn outdated(&self, mode: &Mode, e: &[f64]) -> bool {
        let top = e.iter().fold(0.0f64, |top, e| top.max(*e));
        let changed = |k: usize| (e[k] - self.weights[k]).abs() > CHANGE * self.weights[k];
        let notable = |k: usize| e[k] > NOTABLE * top;
        (0..e.len()).any(|k| notable(k) && changed(k)) || mode.parts.iter().flat_map(|p| &p.kinks).any(|k| changed(*k))
    }

    /// Ends the use of a κ at t, where `fresh` is found in the same mode.
    pub fn renew(&mut self, mode: &Mode, [old, fresh]: [&Ripple; 2], e: &[f64], t: f64, steepness: f64) {
        let change: Vec<f64> = old.mean.iter().zip(&fresh.mean).map(|(o, f)| o - f).collect();
        self.bound += steepness * length(mode, &weighted(e, &change)) * (1.0 / self.since - 1.0 / t);
        self.since = t;
    }

    /// The bound of the error that it means for the margins, largest `√H_ii D`.
    pub fn of_margins(&self, mode: &Mode) -> f64 {
        mode.diagonal().iter().fold(0.0f64, |top, h| top.max(h.sqrt())) * self.bound
    }
}

fn weighted(e: &[f64], v: &[f64]) -> Vec<f64> {
    e.iter().zip(v).map(|(e, v)| e * v).collect()
}

/// `√(vᵀHv)`.
pub fn length(mode: &Mode, v: &[f64]) -> f64 {
    let mut image = vec![0.0; v.len()];
    mode.product().multiply(v, &mut image);
    image.iter().zip(v).fold(0.0f64, |sum, (a, b)| a.mul_add(*b, sum)).max(0.0).sqrt()
}
