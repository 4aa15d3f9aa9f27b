//! The test error of an iterate W on its way.
//!
//! With `s_j = <x, w_j>`, A and B the sums of s_j over the neurons with `a_j > 0` and `a_j < 0`, and r the sum of the distances
//! of the s_j to the mean of those of their sign, φ being a contraction,
//!
//! ```text
//! |√m f(x) − (φ(A) − φ(B))| ≤ r,     |φ(A) − φ(B)| ≥ γ|A − B| with the sign of A − B = √m ⟨x, w̄⟩,   w̄ = Σ_j a_j w_j
//! ```
//!
//! so that f has the sign of `⟨x, w̄⟩` wherever `γ√m |⟨x, w̄⟩| > r`. If all neurons of a sign are equal, or γ = 1, the boundary *is*
//! the plane w̄, and the error that of a plane. Else, for Gaussian noise, `x = yμ + z`, and any κ > 0: every distance is a normal
//! number with mean `±⟨μ, δ_j⟩` and deviation `σ_j = √(δ_jᵀΣδ_j)`, δ_j the distance of w_j to the mean of its sign, and all but
//! a part `2mΦ(−κ)` of the points have `r ≤ Σ_j |⟨μ, δ_j⟩| + κ Σ_j σ_j = γτ`. Hence for either class
//!
//! ```text
//! Φ(−(s + τ)/v) − 2mΦ(−κ) ≤ error ≤ Φ(−(s − τ)/v) + 2mΦ(−κ),    s = √m ⟨μ, w̄⟩,   v = √(m w̄ᵀΣw̄)
//! ```
//!
//! which weights that began small, and neurons that move together, make narrow: it resolves what no sample can. κ is such that the
//! part left out is about a thousandth of `Φ(−s/v)`. It is shown where its ends are within a factor of 2, or it lies below what
//! the largest sample could see; elsewhere, and for an xor, the error is sampled, with the same points at every t.

use super::monte_carlo::{self, Estimate, POINTS, Sampling};
use super::test_error::{self, normal_tail};
use crate::data::random::{Purpose, generator};
use crate::data::{Mixture, Noise};
use crate::matrix::Matrix;
use crate::measure::Fresh;
use crate::network::Network;
use crate::problem::Problem;

/// The ratio of the ends of an interval that is as good as its middle.
const NARROW: f64 = 2.0;

/// The part of the error that may be left out of the interval.
const LEFT_OUT: f64 = 1e-3;

/// The probability that weights W (m×d) misclassify a fresh, clean sample; none for data whose distribution is unknown.
/// Its interval is proved up to rounding, and `samples` is 0, where it is computed; else it covers with 95 %.
pub fn test_error(w: &Matrix, problem: &Problem, fresh: &Fresh) -> Option<Estimate> {
    let (network, mixture) = (&problem.network, problem.data.mixture()?);
    let sampling = Sampling { seed: fresh.seed, points: fresh.points, ..Sampling::default() };
    // the generators of the final weights' error
    let draws = |batch| generator(fresh.seed, Purpose::Test, batch, 1);
    let gaussian = mixture.noise == Noise::Gaussian;
    if plane(w, network) {
        let boundary = boundary(w, network);
        if !gaussian {
            return monte_carlo::of_boundary(&boundary, mixture, &sampling, draws);
        }
        let value = test_error::of_boundary(&boundary, mixture).value;
        return Some(Estimate { value, low: value, high: value, samples: 0 });
    }
    let computed =
        if gaussian && network.increasing() && mixture.second.is_none() { interval(w, network, mixture) } else { None };
    computed.or_else(|| monte_carlo::of_network(w, network, mixture, &sampling, draws))
}

/// Whether the boundary is a plane at sight: the model is linear, or the neurons of each sign are equal, and φ increases.
fn plane(w: &Matrix, network: &Network) -> bool {
    let equal = |j: usize| w.row(j) == w.row(if j < network.positive { 0 } else { network.positive });
    network.linear() || (network.increasing() && (0..network.width).all(equal))
}

/// `w̄ = Σ_j a_j w_j`.
fn boundary(w: &Matrix, network: &Network) -> Vec<f64> {
    let mut sum = vec![0.0; w.cols()];
    (0..network.width).for_each(|j| sum.iter_mut().zip(w.row(j)).for_each(|(s, w)| *s += network.output(j) * w));
    sum
}

/// The interval around the plane w̄ for Gaussian noise and γ > 0, where it is narrow.
fn interval(w: &Matrix, network: &Network, mixture: &Mixture) -> Option<Estimate> {
    let m = network.width as f64;
    let (mean, deviation) = moments(&boundary(w, network), mixture);
    let (s, v) = (m.sqrt() * mean, m.sqrt() * deviation);
    let (mut offset, mut spread) = (0.0, 0.0);
    for sign in [0..network.positive, network.positive..network.width] {
        let mut middle = vec![0.0; w.cols()];
        sign.clone().for_each(|j| middle.iter_mut().zip(w.row(j)).for_each(|(c, w)| *c += w / sign.len() as f64));
        for j in sign {
            let apart: Vec<f64> = w.row(j).iter().zip(&middle).map(|(w, c)| w - c).collect();
            let (mean, deviation) = moments(&apart, mixture);
            (offset, spread) = (offset + mean.abs(), spread + deviation);
        }
    }
    let value = normal_tail(s / v).value;
    // 2mΦ(−κ) ≤ m e^{−κ²/2}, and Φ(−z) is near e^{−z²/2}
    let kappa = ((s / v).max(0.0).powi(2) + 2.0 * libm::log(m / LEFT_OUT)).sqrt();
    let left_out = 2.0 * m * normal_tail(kappa).value;
    let tau = (offset + kappa * spread) / network.leak;
    let low = (normal_tail((s + tau) / v).value - left_out).max(0.0);
    let high = (normal_tail((s - tau) / v).value + left_out).min(1.0);
    (high <= NARROW * low || high * POINTS as f64 <= 1.0).then_some(Estimate { value, low, high, samples: 0 })
}

/// `⟨μ, u⟩` and `√(uᵀΣu)`.
fn moments(u: &[f64], mixture: &Mixture) -> (f64, f64) {
    let terms = u.iter().zip(&mixture.mean).zip(&mixture.spectrum);
    let (mean, variance) = terms.fold((0.0, 0.0), |(mean, variance), ((u, m), s)| (mean + u * m, variance + u * u * s));
    (mean, f64::sqrt(variance))
}
