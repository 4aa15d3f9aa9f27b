//! How far an iterate W is from the conditions that a limit fulfils, and how it treats clean and
//! flipped samples.
//!
//! Gradient flow on a homogeneous network converges in direction to a KKT point of
//! `min ½‖W‖² s.t. q_i(W) ≥ 1` (Lyu and Li 2020). W scaled to `W/q_min` (for a homogeneous network of
//! degree 1 in W) is an (ε, δ)-approximate KKT point if multipliers λ ≥ 0 exist with
//!
//! ```text
//! ‖W − Σ λ_i ∇q_i‖ ≤ ε,      Σ λ_i (q_i − 1) ≤ δ
//! ```
//!
//! With the multipliers that gradient descent itself supplies, proportional to its weights
//! `s_i = −ℓ'(q_i)` and normalized so that `Σ λ_i ∇q_i` has the length of W, both numbers follow from
//! what a step already has. They need no fixed pattern, so they say how settled an unsettled run is.

use crate::inner_products::{Direction, Imaged, InnerProducts};
use crate::network::{Network, Pattern};
use crate::real;
use farfield_kernels::loss::Loss;
use serde::{Deserialize, Serialize};

/// KKT residuals of an iterate in the sense of Lyu and Li, relative to the scaled weights' norm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stationarity {
    /// `ε = ‖Ŵ − G/‖G‖‖` for the unit directions of W and `G = Σ s_i ∇q_i`: the ε above divided by
    /// the norm of the scaled weights.
    #[serde(with = "real")]
    pub epsilon: f64,
    /// `δ = Σ λ_i (q_i/q_min − 1)` divided by the squared norm of the scaled weights, which is `Σ λ_i q_i/q_min`
    /// at a KKT point.
    #[serde(with = "real")]
    pub delta: f64,
}

/// The residuals of the iterate with pre-activations Z (n×m, row-major) and labels y (n).
///
/// `distance(s, E)` is `‖s·W + E‖_F`, `norm` is `‖W‖_F`. None unless every margin is positive.
pub fn stationarity(
    products: &(impl InnerProducts + ?Sized),
    z: &[f64],
    y: &[f64],
    network: &Network,
    loss: Loss,
    norm: f64,
    distance: impl Fn(f64, &Imaged) -> f64,
) -> Option<Stationarity> {
    let margins = network.margins(z, y);
    let least = margins.iter().copied().fold(f64::INFINITY, f64::min);
    if !(least > 0.0 && least.is_finite()) {
        return None;
    }
    // weights relative to the largest: no margin is too large for them
    let (weights, _) = loss.relative_weights(&margins);
    let pattern = Pattern::of(z, y.len(), network.width);
    let gradient = Imaged::new(products, Direction::of_features(&weights, y, network, &pattern));
    let length = gradient.norm();
    // λ_i = scale·s_i with ‖Σ λ_i ∇q_i‖ = ‖W‖/q_min
    let scale = norm / (least * length);
    let slack: f64 = weights.iter().zip(&margins).map(|(l, q)| l * (q / least - 1.0)).sum();
    Some(Stationarity {
        epsilon: distance(-1.0 / norm, &gradient.scaled(1.0 / length)),
        delta: scale * slack * (least / norm) * (least / norm),
    })
}

/// What a group of training samples looks like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Number of samples.
    pub samples: usize,
    /// Least margin `q_i`; none without samples.
    #[serde(with = "real::maybe")]
    pub min_margin: Option<f64>,
    /// Mean margin; none without samples.
    #[serde(with = "real::maybe")]
    pub mean_margin: Option<f64>,
    /// Sum of λ_i of the limit, where there is one.
    #[serde(with = "real::maybe")]
    pub dual: Option<f64>,
    /// Fraction with `q_i ≤ 0`; none without samples.
    #[serde(with = "real::maybe")]
    pub train_error: Option<f64>,
}

/// The samples whose training label is the clean one, and those whose label was flipped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Labels as drawn.
    pub clean: Share,
    /// Labels flipped by label noise.
    pub flipped: Share,
}

/// Reports clean and flipped samples apart: margins q (n), training labels y, labels before noise, and λ
/// of the limit if it is known.
pub fn shares(margins: &[f64], y: &[f64], clean: &[f64], lambda: Option<&[f64]>) -> Shares {
    let share = |flipped: bool| {
        let members: Vec<usize> = (0..y.len()).filter(|&i| (y[i] != clean[i]) == flipped).collect();
        let count = members.len() as f64;
        let margin = members.iter().map(|&i| margins[i]);
        let some = |value: f64| (!members.is_empty()).then_some(value);
        Share {
            samples: members.len(),
            min_margin: some(margin.clone().fold(f64::NAN, f64::min)),
            mean_margin: some(margin.clone().sum::<f64>() / count),
            dual: lambda.map(|l| members.iter().map(|&i| l[i]).sum()),
            train_error: some(margin.clone().filter(|q| *q <= 0.0).count() as f64 / count),
        }
    };
    Shares { clean: share(false), flipped: share(true) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inner_products::Gram;
    use crate::matrix::Matrix;

    /// Orthogonal samples: Φ_1 and Φ_2 are orthogonal and of equal norm √h, and `W = b_1 Φ_1 + b_2 Φ_2` has
    /// margins `h b`.
    fn residuals(b: [f64; 2]) -> Option<Stationarity> {
        let k = Gram(Matrix::new(2, 2, vec![2.0, 0.0, 0.0, 2.0]));
        let (y, network) = ([1.0, -1.0], Network { width: 2, positive: 1, leak: 0.5 });
        let w = Direction::of_features(&b, &y, &network, &Pattern::activated(&network, &y));
        let image = k.image(&w);
        let z: Vec<f64> = (0..4).map(|p| image[w.groups.of[p % 2]][p / 2]).collect();
        let sum = |s: f64, e: &Imaged| {
            let mut sum = e.direction.clone();
            for (e, w) in sum.columns.iter_mut().flatten().zip(w.columns.iter().flatten()) {
                *e += s * w;
            }
            k.norm(&sum)
        };
        stationarity(&k, &z, &y, &network, Loss::Exponential, k.norm(&w), sum)
    }

    #[test]
    fn residuals_of_orthogonal_samples() {
        let limit = residuals([3.0, 3.0]).unwrap();
        assert!(limit.epsilon < 1e-15 && limit.delta == 0.0, "{limit:?}");
        // h = 2·(1 + 1/4)/2; ℓ = (e^{−h}, 1) relative to the largest
        let h = 1.25f64;
        let (l, found) = ((-h).exp(), residuals([2.0, 1.0]).unwrap());
        let length = (l * l + 1.0).sqrt();
        let epsilon = (2.0 / 5f64.sqrt() - l / length).hypot(1.0 / 5f64.sqrt() - 1.0 / length);
        assert!((found.epsilon / epsilon - 1.0).abs() < 1e-14, "{found:?}");
        // λ_1 (q_1/q_min − 1) with λ = ℓ/‖G‖ · ‖W‖/q_min, over (‖W‖/q_min)²
        let delta = l / (length * h.sqrt()) / ((5.0 * h).sqrt() / h);
        assert!((found.delta / delta - 1.0).abs() < 1e-14, "{found:?} {delta}");
        assert_eq!(residuals([1.0, 0.0]), None);
    }

    #[test]
    fn clean_and_flipped_samples() {
        let s = shares(&[1.0, -2.0, 3.0], &[1.0, 1.0, -1.0], &[1.0, -1.0, -1.0], Some(&[0.5, 0.25, 0.0]));
        assert_eq!((s.clean.samples, s.clean.min_margin, s.clean.mean_margin), (2, Some(1.0), Some(2.0)));
        assert_eq!((s.clean.train_error, s.clean.dual), (Some(0.0), Some(0.5)));
        assert_eq!((s.flipped.samples, s.flipped.train_error, s.flipped.dual), (1, Some(1.0), Some(0.25)));
        let none = shares(&[1.0], &[1.0], &[1.0], None);
        assert_eq!((none.flipped.samples, none.flipped.min_margin, none.flipped.train_error), (0, None, None));
    }
}
