//! The test error of the limit with flipped labels, to leading order.
//!
//! For `x = ±μ + ξ`, `ξ ~ N(0, σ²I)` in d dimensions, n samples of which the share p has a flipped label, as many neurons of each
//! sign and leak γ. Lengths are in units of σ, `ρ = n‖μ‖²/(dσ²)`, and margins in units that make them 1. With noise that is nearly
//! orthogonal, `w₊ = Aμ/‖μ‖² + Σ c⁺_i ξ_i`, w₋ likewise with −A. Each sample takes what its margin needs at the least cost
//! `d(c⁺² + c⁻²)`, and what it adds to the boundary is `d(c⁺ − c⁻)`:
//!
//! ```text
//! clean                     r = max(0, 1 − (1+γ)A)     cost r²/(1+γ²)       part s = kr,       k = (1+γ)/(1+γ²)
//! flipped, A ≤ γ/(1−γ)      v = 1 + (1+γ)A             cost v²/(1+γ²)       part δ = kv        beyond the kink of the others
//! flipped, A > γ/(1−γ)                                 cost (1+A)² + A²     part δ = 1 + 2A    on it: they slide
//! ```
//!
//! A minimizes `A²/ρ + ½[(1−p)·cost + p·cost]`. This is convex with the derivative `2A/ρ − (1−p)s + pδ`, which is continuous and linear
//! on each side of the threshold, so that its zero is one of two quotients. It lies where r > 0, since the derivative is positive
//! elsewhere. The boundary errs with probability
//!
//! ```text
//! Φ(−τ),     τ = 2A √(d/n) / √(4A²/ρ + (1−p)s² + pδ²)
//! ```
//!
//! p = 0 gives the formula of [`super::test_error`] for every γ. A share above ½ is that of `1 − p` with the labels exchanged: −τ.

use super::test_error::{self, Probability, normal_tail};
use crate::data::{Mixture, Noise};
use crate::network::Network;
use serde::{Deserialize, Serialize};

/// The law that a predicted test error follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PredictedBy {
    /// [`test_error::predicted`], which takes every label for clean.
    #[serde(rename = "leading order")]
    LeadingOrder,
    /// [`law`], for flipped labels.
    #[serde(rename = "label noise, leading order")]
    LabelNoise,
}

impl PredictedBy {
    /// As in result.json.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeadingOrder => "leading order",
            Self::LabelNoise => "label noise, leading order",
        }
    }
}

/// What the law says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// A, the part of a positive neuron along the signal, in units of the margin.
    pub part: f64,
    /// τ: the error is Φ(−τ).
    pub argument: f64,
    /// Whether flipped samples lie on the kink of the neurons of the sign that is not theirs.
    pub slides: bool,
}

/// The law for `ρ = n‖μ‖²/tr Σ`, `d/n`, (flipped labels, n) and a leak in (0, 1].
pub fn law(ratio: f64, dimensions: f64, (flipped, n): (usize, usize), leak: f64) -> Law {
    if 2 * flipped > n {
        let exchanged = law(ratio, dimensions, (n - flipped, n), leak);
        return Law { part: -exchanged.part, argument: -exchanged.argument, ..exchanged };
    }
    let (p, excess) = (flipped as f64 / n as f64, (n - 2 * flipped) as f64 / n as f64); // 1 − 2p, without cancellation
    let (k, sum) = ((1.0 + leak) / (1.0 + leak * leak), 1.0 + leak);
    // A/ρ, a quotient without differences: (1−p)k − p = 1 − 2p + (1−p)(k − 1)
    let beyond = k * excess / (2.0 + ratio * k * sum);
    let more = leak * (1.0 - leak) / (1.0 + leak * leak);
    let on = (excess + (1.0 - p) * more) / (2.0 + ratio * ((1.0 - p) * k * sum + 2.0 * p));
    let slides = ratio * beyond * (1.0 - leak) > leak;
    let quotient = if slides { on } else { beyond };
    let part = ratio * quotient;
    let (s, delta) = (k * (1.0 - sum * part), if slides { 1.0 + 2.0 * part } else { k * (1.0 + sum * part) });
    let spread = 4.0 * part * quotient + (1.0 - p) * s * s + p * delta * delta;
    Law { part, argument: 2.0 * part * (dimensions / spread).sqrt(), slides }
}

/// The leading-order test error of the limit of n samples, and the law that gives it: [`law`] if labels are flipped, Σ is a
/// multiple of the identity, the noise Gaussian and as many neurons of each sign; else [`test_error::predicted`].
pub fn predicted(mixture: &Mixture, network: &Network, (flipped, n): (usize, usize)) -> (Probability, PredictedBy) {
    let even = 2 * network.positive == network.width;
    if flipped == 0 || !even || mixture.noise != Noise::Gaussian || !isotropic(mixture) {
        return (test_error::predicted(mixture, n), PredictedBy::LeadingOrder);
    }
    let dimensions = (mixture.spectrum.len() as f64 + mixture.further as f64) / n as f64;
    let law = law(test_error::signal_ratio(mixture, n), dimensions, (flipped, n), network.leak);
    (normal_tail(law.argument), PredictedBy::LabelNoise)
}

/// Whether Σ is a positive multiple of the identity.
fn isotropic(mixture: &Mixture) -> bool {
    let first = mixture.spectrum.first().copied().unwrap_or(1.0);
    first > 0.0 && mixture.spectrum.iter().all(|v| *v == first) && (mixture.further == 0 || first == 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The convex function of A, from its definition: both branches of a sample, whatever the sign of A.
    fn cost(a: f64, ratio: f64, p: f64, leak: f64) -> f64 {
        let (sum, squares) = (1.0 + leak, 1.0 + leak * leak);
        // a margin that the signal lowers by A
        let against = |a: f64| match a * (1.0 - leak) > leak {
            true => (1.0 + a) * (1.0 + a) + a * a,
            false => (1.0 + sum * a).max(0.0).powi(2) / squares,
        };
        a * a / ratio + 0.5 * ((1.0 - p) * against(-a) + p * against(a))
    }

    /// Its minimum on [−1, 1] by golden sections.
    fn brute(ratio: f64, p: f64, leak: f64) -> f64 {
        let golden = 0.5 * (5f64.sqrt() - 1.0);
        let (mut low, mut high) = (-1.0, 1.0);
        for _ in 0..100 {
            let (x, y) = (high - golden * (high - low), low + golden * (high - low));
            if cost(x, ratio, p, leak) < cost(y, ratio, p, leak) { high = y } else { low = x }
        }
        0.5 * (low + high)
    }

    /// A function with curvature ½ or more around its minimum, below which it lies by less than `8ε` in its last digits, gives A to
    /// `√(32 ε)`.
    #[test]
    fn the_part_along_the_signal_is_the_minimum() {
        let mut slid = 0;
        for leak in [1e-3, 0.02, 0.1, 0.3, 0.45, 0.6, 0.9, 1.0] {
            for flipped in [0, 1, 10, 20, 37, 49, 50, 51, 80, 99, 100] {
                for ratio in [1e-2, 0.3, 1.0, 4.0, 30.0, 1e6] {
                    let found = law(ratio, 1.0, (flipped, 100), leak);
                    let least = brute(ratio, flipped as f64 / 100.0, leak);
                    let bound = (32.0 * f64::EPSILON).sqrt();
                    assert!((found.part - least).abs() <= bound, "{leak} {flipped} {ratio}: {found:?}, {least}");
                    slid += usize::from(found.slides);
                }
            }
        }
        assert!(slid > 50, "{slid}");
    }

    #[test]
    fn a_linear_network() {
        for (flipped, ratio, dimensions) in [(10, 0.5, 20.0), (30, 7.0, 100.0), (60, 2.0, 5.0)] {
            let (x, r) = (1.0 - 2.0 * flipped as f64 / 100.0, ratio / (1.0 + ratio));
            let expected = x * r * (dimensions / (1.0 - x * x * r)).sqrt();
            let found = law(ratio, dimensions, (flipped, 100), 1.0).argument;
            assert!((found - expected).abs() < 1e-14 * expected.abs(), "{found} {expected}");
        }
    }

    /// Digits of the floor as the signal grows: those of the linear network in closed form, 4/3 of it as the leak vanishes.
    #[test]
    fn floors() {
        let floor = |flipped, leak| law(1e15, 1.0, (flipped, 100), leak).argument;
        for (flipped, leak, expected) in [
            (10, 1.0, 1.333),
            (10, 0.5, 1.482),
            (10, 0.1, 1.738),
            (10, 1e-9, 1.778),
            (40, 1.0, 0.204),
            (40, 1e-9, 0.272),
            (40, 0.1, 0.307),
        ] {
            assert!((floor(flipped, leak) - expected).abs() < 6e-4, "{flipped} {leak}: {}", floor(flipped, leak));
        }
        for (flipped, p) in [(10, 0.1f64), (40, 0.4)] {
            let linear = (1.0 - 2.0 * p) / (2.0 * (p * (1.0 - p)).sqrt());
            assert!((floor(flipped, 1.0) / linear - 1.0).abs() < 1e-13);
            assert!((floor(flipped, 1e-9) / linear - 4.0 / 3.0).abs() < 1e-8);
            let apart = 2.0 * (1.0 + 0.7f64 * 0.7) / (1.7 * 1.7); // not sliding
            assert!((floor(flipped, 0.7) / linear / apart - 1.0).abs() < 1e-13);
        }
    }

    fn mixture(spectrum: Vec<f64>, noise: Noise) -> Mixture {
        Mixture::new(3.0, spectrum, noise)
    }

    #[test]
    fn without_flipped_labels_every_leak_gives_the_same() {
        for leak in [0.01, 0.1, 0.5, 0.9] {
            let (m, network) = (mixture(vec![1.0; 500], Noise::Gaussian), Network::balanced(8, leak).unwrap());
            let plain = test_error::predicted(&m, 20);
            assert_eq!(predicted(&m, &network, (0, 20)), (plain, PredictedBy::LeadingOrder));
            let ratio = test_error::signal_ratio(&m, 20);
            let found = normal_tail(law(ratio, 25.0, (0, 20), leak).argument);
            assert!((found.log10 / plain.log10 - 1.0).abs() < 1e-13, "{found:?} {plain:?}");
            // all of them: the boundary of the other labels
            let turned = normal_tail(law(ratio, 25.0, (20, 20), leak).argument);
            assert!((turned.value - (1.0 - plain.value)).abs() < 1e-15);
        }
    }

    #[test]
    fn where_the_law_applies() {
        let even = Network::balanced(8, 0.1).unwrap();
        let by = |m: &Mixture, network: &Network| predicted(m, network, (4, 20)).1;
        let plain = mixture(vec![1.0; 50], Noise::Gaussian);
        assert_eq!(by(&plain, &even), PredictedBy::LabelNoise);
        assert_eq!(by(&plain, &Network::new(8, 3, 0.1).unwrap()), PredictedBy::LeadingOrder);
        assert_eq!(by(&mixture(vec![1.0; 50], Noise::Rademacher), &even), PredictedBy::LeadingOrder);
        let mut spiked = vec![1.0; 50];
        spiked[7] = 2.0;
        assert_eq!(by(&mixture(spiked, Noise::Gaussian), &even), PredictedBy::LeadingOrder);
        // lengths in other units are the same problem
        let (scaled, once) = (Mixture::new(6.0, vec![4.0; 50], Noise::Gaussian), predicted(&plain, &even, (4, 20)));
        let twice = predicted(&scaled, &even, (4, 20));
        assert!((twice.0.log10 / once.0.log10 - 1.0).abs() < 1e-14 && twice.1 == once.1);
        let none = predicted(&mixture(vec![1.0; 50], Noise::Gaussian), &even, (10, 20));
        assert_eq!(none.0.value, 0.5);
        assert_eq!(predicted(&Mixture::new(0.0, vec![1.0; 50], Noise::Gaussian), &even, (4, 20)).0.value, 0.5);
    }
}
