//! The test error of a linear boundary on a Gaussian mixture, in closed form.
//!
//! For `x = yμ + z`, `z ~ N(0,Σ)`, the boundary `⟨x, w̄⟩ = 0` errs with probability exactly
//!
//! ```text
//! Φ(−⟨μ,w̄⟩/√(w̄ᵀΣw̄)),         the best possible (Bayes) is Φ(−√(μᵀΣ⁻¹μ))
//! ```
//!
//! for balanced classes. With nearly equal λ the limit of n samples has `w̄ ∝ nμ + Σ y_i z_i`, hence
//! to leading order
//!
//! ```text
//! Φ(−n‖μ‖² / √(n² μᵀΣμ + n tr Σ²))
//! ```
//!
//! *Weak signal*, `n‖μ‖² ≪ tr Σ`: the error is about `Φ(−√n‖μ‖²/√(tr Σ²))`; *strong signal*, `n‖μ‖² ≫ tr Σ`:
//! within a constant of Bayes in the exponent. The switch is the phase transition of \[H, Thm 5.1\].
//!
//! With flipped labels another law holds: [`super::label_noise`].
//!
//! *Of an xor* a plane through the origin errs with probability ½, whatever w̄: x and −x are equally likely in either class, and the plane judges
//! them differently. With Σ = σ²I the best possible compares |⟨μ,x⟩| with |⟨μ₂,x⟩|. By their sum and difference, which are independent with
//! means ±‖μ‖/√2 in units of σ‖μ‖√2, it errs with probability
//!
//! ```text
//! 2q(1 − q),     q = Φ(−‖μ‖/(σ√2))
//! ```
//!
//! Such errors are as small as 1e-100000, so each comes with its log10. For `z ≥ 5` it is taken from
//! Mills' ratio by its continued fraction (Laplace),
//!
//! ```text
//! log Φ(−z) = −z²/2 − ½ log 2π − log(z + 1/(z + 2/(z + 3/(z + …))))
//! ```

use crate::data::{Mixture, Noise};
use serde::{Deserialize, Serialize};
use std::f64::consts::{LOG10_2, LOG10_E};

/// A probability and its decimal logarithm, which survives where the value underflows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// The probability; 0 below 1e-323.
    pub value: f64,
    /// Its log10.
    pub log10: f64,
}

/// On which side of the phase transition `n‖μ‖² = tr Σ` a mixture lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// `n‖μ‖² < tr Σ`.
    Weak,
    /// `n‖μ‖² ≥ tr Σ`.
    Strong,
}

/// `Φ(−z)` for the standard normal distribution function Φ and any real z.
pub fn normal_tail(z: f64) -> Probability {
    let value = 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
    let log = if z >= 5.0 {
        -0.5 * z * z - 0.5 * libm::log(2.0 * std::f64::consts::PI) - libm::log(inverse_mills_ratio(z))
    } else if z >= 0.0 {
        libm::log(value)
    } else {
        libm::log1p(-normal_tail(-z).value)
    };
    Probability { value, log10: log * LOG10_E }
}

/// `φ(z)/Φ(−z) = z + 1/(z + 2/(z + 3/(z + …)))`; for `z ≥ 5`, 64 levels leave less than 1e-16.
fn inverse_mills_ratio(z: f64) -> f64 {
    (1..=64).rev().fold(z, |tail, k| z + f64::from(k) / tail)
}

/// The error `Φ(−⟨μ,w̄⟩/√(w̄ᵀΣw̄))` of the boundary w̄ (length d) for Gaussian noise, ½ for an xor. A zero boundary decides
/// nothing: ½.
pub fn of_boundary(boundary: &[f64], mixture: &Mixture) -> Probability {
    assert_eq!(boundary.len(), mixture.mean.len(), "the boundary has the dimension of the mixture");
    let top = boundary.iter().fold(0.0f64, |t, w| t.max(w.abs()));
    if top == 0.0 || mixture.second.is_some() {
        return normal_tail(0.0);
    }
    let (mut signal, mut variance) = (0.0f64, 0.0f64);
    for ((w, m), s) in boundary.iter().zip(&mixture.mean).zip(&mixture.spectrum) {
        let w = w / top;
        signal = w.mul_add(*m, signal);
        variance = (w * w).mul_add(*s, variance);
    }
    normal_tail(if signal == 0.0 { 0.0 } else { signal / variance.sqrt() })
}

/// The least possible error `Φ(−√(μᵀΣ⁻¹μ))` for Gaussian noise and balanced classes, that of an xor where Σ is a multiple of the identity;
/// none where it has no closed form.
pub fn bayes(mixture: &Mixture) -> Option<Probability> {
    if mixture.second.is_some() {
        let variance = mixture.spectrum[0];
        let q = normal_tail((0.5 * squared(&mixture.mean) / variance).sqrt());
        let log10 = LOG10_2 + q.log10 + libm::log1p(-q.value) * LOG10_E;
        let even = mixture.spectrum.iter().all(|v| *v == variance);
        return even.then_some(Probability { value: 2.0 * q.value * (1.0 - q.value), log10 });
    }
    let term = |(m, s): (&f64, &f64)| if *m == 0.0 { 0.0 } else { m * m / s };
    Some(normal_tail(mixture.mean.iter().zip(&mixture.spectrum).map(term).sum::<f64>().sqrt()))
}

/// The leading-order error `Φ(−n‖μ‖²/√(n² μᵀΣμ + n tr Σ²))` of the limit of n samples with clean labels.
pub fn predicted(mixture: &Mixture, n: usize) -> Probability {
    let n = n as f64;
    let energy = |(m, s): (&f64, &f64)| m * m * s;
    let spread: f64 = mixture.mean.iter().zip(&mixture.spectrum).map(energy).sum();
    let variance = n * n * spread + n * (mixture.spectrum.iter().map(|s| s * s).sum::<f64>() + mixture.further as f64);
    let signal = n * squared(&mixture.mean);
    normal_tail(if signal == 0.0 { 0.0 } else { signal / variance.sqrt() })
}

/// The scaling of the bounds of \[H, Thm 5.1 and 6.2\] with every constant 1: `exp(−n‖μ‖⁴/(‖Σ‖ tr Σ))` for weak signal, `exp(−‖μ‖²/‖Σ‖)` for strong.
/// A form, no bound: constants are not known. None for noise that is not sub-Gaussian, and for an xor.
pub fn scaling(mixture: &Mixture, n: usize) -> Option<Probability> {
    let light = matches!(mixture.noise, Noise::Gaussian | Noise::Rademacher | Noise::Uniform);
    if !light || mixture.second.is_some() {
        return None;
    }
    let top = mixture.spectrum.iter().fold(if mixture.further > 0 { 1.0f64 } else { 0.0 }, |top, v| top.max(*v));
    let energy = squared(&mixture.mean);
    let exponent = match regime(mixture, n) {
        Regime::Weak => n as f64 * energy / mixture.trace() * (energy / top),
        Regime::Strong => energy / top,
    };
    Some(Probability { value: libm::exp(-exponent), log10: -exponent * LOG10_E })
}

/// `n‖μ‖²/tr Σ`, which is 1 at the phase transition.
pub fn signal_ratio(mixture: &Mixture, n: usize) -> f64 {
    n as f64 * squared(&mixture.mean) / mixture.trace()
}

/// The side of the phase transition.
pub fn regime(mixture: &Mixture, n: usize) -> Regime {
    if signal_ratio(mixture, n) >= 1.0 { Regime::Strong } else { Regime::Weak }
}

fn squared(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Noise, Stream};

    /// (z, Φ(−z), log10 Φ(−z)), computed with 60 digits and rounded (mpmath).
    #[rustfmt::skip]
    const TAILS: [(f64, f64, f64); 26] = [
        (0.0, 0.5, -std::f64::consts::LOG10_2),
        (1e-08, 0.4999999960105772, -0.30102999912914985),
        (0.1, 0.460172162722971, -0.3370796567266235),
        (0.5, 0.3085375387259869, -0.5106919892652407),
        (1.0, 0.15865525393145705, -0.7995455414919705),
        (2.0, 0.02275013194817921, -1.643016080140937),
        (3.5, 0.00023262907903552504, -3.6333359986560665),
        (4.999, 2.8814201414641365e-07, -6.540393412383878),
        (5.0, 2.866515718791939e-07, -6.5426456723906545),
        (5.001, 2.851685632231761e-07, -6.544898352492031),
        (6.0, 9.86587645037698e-10, -9.005864327476704),
        (8.0, 6.220960574271784e-16, -15.206142551017155),
        (12.5, 3.732564298877713e-36, -35.42799270218103),
        (20.0, 2.7536241186062337e-89, -88.56009534307559),
        (37.5, 4.605353009581955e-308, -307.33673707464465),
        (38.6, 0.0, -325.526671360304),
        (100.0, 0.0, -2173.8715428690343),
        (214.5, 0.0, -9993.729369663813),
        (678.6, 0.0, -99999.09218258478),
        (1000.0, 0.0, -217150.6400419944),
        (100000.0, 0.0, -2171472414.915349),
        (100000000.0, 0.0, -2171472409516267.5),
        (-0.3, 0.6179114221889527, -0.2090737767100302),
        (-2.0, 0.9772498680518208, -0.009994379534108708),
        (-7.0, 0.9999999999987201, -5.558155256805371e-13),
        (-20.0, 1.0, -1.1958837599463928e-89),
    ];

    #[test]
    fn tails_agree_with_many_digits() {
        for (z, value, log10) in TAILS {
            let p = normal_tail(z);
            // z²ε of the argument's own rounding, in the value; a few roundings in the logarithm
            assert!((p.value - value).abs() <= 4e-16 * value * (2.0 + z * z), "{z}: {p:?}");
            let bound = if z < 0.0 { 4e-16 * (2.0 + z * z) } else { 1e-14 };
            assert!((p.log10 - log10).abs() <= bound * log10.abs(), "{z}: {p:?}");
        }
        assert_eq!(normal_tail(f64::INFINITY), Probability { value: 0.0, log10: f64::NEG_INFINITY });
    }

    fn mixture(mean: Vec<f64>, spectrum: Vec<f64>) -> Mixture {
        Mixture { mean, spectrum, noise: Noise::Gaussian, further: 0, second: None, stream: Stream::default() }
    }

    #[test]
    fn errors_of_boundaries() {
        let m = mixture(vec![3.0, 0.0, 4.0], vec![1.0, 4.0, 0.25]);
        assert_eq!(of_boundary(&[1.0, 0.0, 0.0], &m), normal_tail(3.0));
        assert_eq!(of_boundary(&[0.0, 0.0, -1e200], &m), normal_tail(-8.0));
        assert_eq!(of_boundary(&[0.0, 1e-200, 0.0], &m), normal_tail(0.0));
        assert_eq!(of_boundary(&[0.0; 3], &m), normal_tail(0.0));
        // w̄ = Σ⁻¹μ is Bayes' boundary
        let (best, least) = (of_boundary(&[3.0, 0.0, 16.0], &m), bayes(&m).unwrap());
        assert!((best.log10 - least.log10).abs() <= 1e-14 * least.log10.abs());
        assert_eq!(bayes(&mixture(vec![1.0], vec![0.0])).unwrap().value, 0.0);
    }

    #[test]
    fn leading_order_and_regimes() {
        // Σ = I: Φ(−‖μ‖/√(1 + d/(n‖μ‖²)))
        let m = mixture(vec![1.0; 100], vec![1.0; 100]);
        let expected = normal_tail(10.0 / (1.0 + 100.0 / (4.0 * 100.0f64)).sqrt());
        assert!((predicted(&m, 4).log10 - expected.log10).abs() < 1e-13 * expected.log10.abs());
        assert_eq!((signal_ratio(&m, 4), regime(&m, 4)), (4.0, Regime::Strong));
        // n = 4, ‖μ‖² = 100, d = 100: strong; n = 4, ‖μ‖² = 4, tr Σ = 5, ‖Σ‖ = 3: n‖μ‖²/tr Σ = 3.2; of two samples fewer: weak with ‖μ‖² = 1
        assert!((scaling(&m, 4).unwrap().value.ln() + 100.0).abs() < 1e-12);
        let uneven = |mean: f64, noise| Mixture { noise, ..mixture(vec![mean, 0.0], vec![2.0, 3.0]) };
        assert!((scaling(&uneven(2.0, Noise::Uniform), 4).unwrap().value.ln() + 4.0 / 3.0).abs() < 1e-14);
        let weak = scaling(&uneven(1.0, Noise::Gaussian), 2).unwrap();
        assert!((weak.value.ln() + 2.0 / 15.0).abs() < 1e-15 && (weak.log10 - weak.value.log10()).abs() < 1e-15);
        assert_eq!(scaling(&uneven(1.0, Noise::Laplace), 2), None);
        assert_eq!(regime(&mixture(vec![0.0; 3], vec![1.0; 3]), 5), Regime::Weak);
        assert_eq!(predicted(&mixture(vec![0.0; 3], vec![1.0; 3]), 5).value, 0.5);
    }
}
