//! How far the iterate's direction still is from its limit, proved without knowing the limit.
//!
//! In a fixed pattern `q_i = ⟨Φ_i, W⟩`; Ŵ is the direction of maximal margin γ*. For *any* weights
//! `p ≥ 0`, `Σp = 1`, and `G = Σ p_i Φ_i`, weak duality gives `γ* ≤ ‖G‖`; here `p = s/Σs`, s the weights of the
//! loss, so G is the direction of the negative gradient. Two bounds follow.
//!
//! ```text
//! simple:    cos(W, Ŵ) ≥ γ(W)/‖G‖,                  γ(W) = min_i q_i/‖W‖ > 0
//! two-step:  angle(W, Ŵ) ≤ angle(W, G) + arcsin √(1 − γ_low/‖G‖),   γ_low = min_i ⟨Φ_i, G⟩/‖G‖ > 0
//! ```
//!
//! The second holds since Ŵ is the direction of the shortest point G* of conv{Φ_i} and
//! `‖G−G*‖² ≤ ⟨G, G−G*⟩ ≤ ‖G‖² − min_i ⟨Φ_i, G⟩`; its excess over the true angle vanishes as t grows.
//! The better one is reported.
//!
//! *Chatter.* A neuron whose sign is opposite to a sample's label enters its margin through a concave
//! function, the least of two linear ones. With the sides of the other pairs given, the data set
//! half-spaces for every choice of these slopes, Ŵ is the direction of maximal margin over all of them, and the
//! bounds hold with any slopes between γ and 1 in G, if `⟨Φ_i, G⟩` under the minimum is taken with the
//! worst slopes: those that G itself shows. Where the limit has a pattern, it is the same limit.
//!
//! *Rounding.* The weights p are exact by definition, up to their sum: any p ≥ 0 with Σp = 1 proves a bound, and
//! theirs is within 2nu of 1. What is rounded are the inner products. With unit roundoff u and
//! `k = 4(n + d + m + 16)`, which covers both, standard bounds on sums (Higham,
//! *Accuracy and Stability of Numerical Algorithms*, ch. 3) give, from `A = Σ_i p_i‖Φ_i‖ ≥ ‖G‖` and a
//! magnitude M of W (see [`Iterate::magnitude`]),
//!
//! ```text
//! |δ⟨Φ_i, G⟩| ≤ k u ‖Φ_i‖ A,   |δ‖G‖²| ≤ k u A²,   |δq_i| ≤ k u ‖x_i‖ M,   |δ‖sW + E‖²| ≤ k u (sM + ‖E‖_A)²
//! ```
//!
//! and every bound is moved outward by these amounts. In the span of the data the last one takes `Kc_j` from Z: that Z is off by no more
//! than `k u ‖x_i‖ T_j`, T_j the sizes that are summed to make w_j, is tested (tests/sliding_engine.rs), and what it does to the
//! norm is at most `k u Σ_j s T_j (s T_j + ‖E_j‖_A)`. They hold for a W and its Z in f64, of the samples as
//! given: whatever the precision of the steps, it is W that is certified, not how it was found. Norms so large or
//! small that products leave the range of f64 get no certificate.

pub mod any;
pub mod permanence;

pub use any::Certificate;

use crate::engine::Iterate;
use crate::inner_products::{Imaged, InnerProducts};
use crate::network::Network;
use crate::number::smaller;
use crate::problem::Problem;
use crate::slopes::Slopes;
use farfield_kernels::loss::Loss;

/// Unit roundoff of f64.
const ROUNDOFF: f64 = f64::EPSILON / 2.0;

/// Norms of samples between which no product of two loses digits to the range of f64; a sample may also be 0.
const RANGE: std::ops::RangeInclusive<f64> = 1e-140..=1e140;

/// The data as the certificate sees them.
pub struct Data<'a> {
    /// Inner products.
    pub products: &'a dyn InnerProducts,
    /// `‖x_i‖`, length n.
    pub norms: &'a [f64],
    /// Number of features, which bounds the rounding of inner products.
    pub d: usize,
    /// Labels ±1.
    pub y: &'a [f64],
    /// The network.
    pub network: &'a Network,
}

impl<'a> Data<'a> {
    /// Of a problem.
    pub fn of(problem: &'a Problem, products: &'a dyn InnerProducts) -> Self {
        let (data, network) = (&problem.data, &problem.network);
        Self { products, norms: data.norms(), d: data.d(), y: data.y(), network }
    }
}

/// The direction of the negative gradient, `G = Σ p_i Φ_i`, and what is known of it.
pub struct Gradient {
    /// `p = s/Σs`.
    pub weights: Vec<f64>,
    /// `log Σ_i s(q_i)`.
    pub log_sum: f64,
    /// G.
    pub direction: Imaged,
    /// `‖G‖`, and `‖∇L‖ = c ‖G‖ Σs`.
    pub norm: f64,
    /// `⟨Φ_i, G⟩`.
    pub margins: Vec<f64>,
    /// The same with the worst slopes of the opposite-sign neurons.
    pub worst: Vec<f64>,
    magnitude: f64,
    /// `max_ij |⟨x_i, G_j⟩| / max_i ‖x_i‖²`: how far a step moves pre-activations, relative to the sizes that are summed.
    pub motion: f64,
}

impl Gradient {
    /// The gradient at margins q with these slopes; weights stay in the log domain.
    pub fn new(data: &Data, loss: Loss, q: &[f64], slopes: &Slopes) -> Self {
        let (shifted, largest) = loss.relative_weights(q);
        let sum: f64 = shifted.iter().sum();
        let weights: Vec<f64> = shifted.iter().map(|v| v / sum).collect();
        let direction = Imaged::new(data.products, slopes.direction(&weights, data.y, data.network));
        let (norm, image) = (direction.norm(), &direction.image);
        let margins = data.feature_margins(&direction, slopes);
        let worst = data.feature_products(&direction, |i, g| data.worst_slope(slopes, image, i, g));
        let magnitude = weights.iter().enumerate().map(|(i, p)| p * data.feature_norm(i, slopes)).sum();
        let longest = data.norms.iter().copied().fold(0.0, f64::max);
        let motion = image.iter().flatten().fold(0.0f64, |top, v| top.max(v.abs())) / (longest * longest);
        Self { weights, log_sum: libm::log(sum) + largest, direction, norm, margins, worst, magnitude, motion }
    }
}

impl Data<'_> {
    /// `⟨Φ_i, E⟩` for a direction of the groups of these slopes.
    pub(crate) fn feature_margins(&self, e: &Imaged, slopes: &Slopes) -> Vec<f64> {
        self.feature_products(e, |i, g| slopes.values[(i, slopes.groups.first[g])])
    }

    /// `⟨Φ_i, E⟩ = y_i Σ_j a_j s_ij (X e_j)_i` from the image, the slopes by sample and group.
    fn feature_products(&self, e: &Imaged, slope: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let (groups, image) = (&e.direction.groups, &e.image);
        let weight = |i, g: usize| {
            let j = groups.first[g];
            groups.size[g] as f64 * self.network.output(j) * slope(i, g)
        };
        let row = |i: usize| (0..groups.len()).fold(0.0, |sum, g| image[g][i].mul_add(weight(i, g), sum));
        (0..self.y.len()).map(|i| self.y[i] * row(i)).collect()
    }

    /// The slope that makes `⟨Φ_i, E⟩` least where the sign is opposite; the given one elsewhere.
    fn worst_slope(&self, slopes: &Slopes, image: &[Vec<f64>], i: usize, g: usize) -> f64 {
        let j = slopes.groups.first[g];
        match self.network.sign(j) * self.y[i] {
            own if own > 0.0 => slopes.values[(i, j)],
            _ if image[g][i] > 0.0 => 1.0,
            _ => self.network.leak,
        }
    }

    /// `‖Φ_i‖`.
    fn feature_norm(&self, i: usize, slopes: &Slopes) -> f64 {
        self.norms[i] * slopes.lengths[i]
    }

    /// The pairs whose pre-activation is 0 up to its rounding, `|z_ij| ≤ k u ‖x_i‖ M`; those of W = 0 are exact, and there is
    /// no kink in the linear model.
    pub fn ties(&self, view: &dyn Iterate) -> u64 {
        let bound = self.roundoff() * view.magnitude();
        let rows = view.preactivations().chunks_exact(self.network.width).zip(self.norms);
        let tied = |(row, x): (&[f64], &f64)| row.iter().filter(|z| bound * x > 0.0 && z.abs() <= bound * x).count();
        if view.slopes().is_some() || self.network.linear() { 0 } else { rows.map(tied).sum::<usize>() as u64 }
    }

    fn roundoff(&self) -> f64 {
        4.0 * (self.y.len() + self.d + self.network.width + 16) as f64 * ROUNDOFF
    }
}

/// An upper bound on `1 − cos(W, Ŵ)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certified {
    /// The bound.
    pub gap: f64,
    /// The part of it that makes up for rounding.
    pub rounding: f64,
}

/// The certificate of W, or none where neither bound applies.
///
/// `q` are the margins of W, `gradient` its negative gradient direction, both with these slopes.
pub fn cosine_gap(
    data: &Data,
    view: &dyn Iterate,
    q: &[f64],
    slopes: &Slopes,
    gradient: &Gradient,
) -> Option<Certified> {
    if !data.norms.iter().all(|norm| *norm == 0.0 || RANGE.contains(norm)) {
        return None;
    }
    let chord = Chord::new(view, gradient);
    let bound = |ku: f64| {
        let angles = [simple(data, view, q, ku, gradient), two_step(data, slopes, ku, gradient, &chord)];
        let gap = |angle: f64| 2.0 * libm::sin(0.5 * angle).powi(2) * (1.0 + 8.0 * f64::EPSILON);
        angles.into_iter().flatten().filter(|a| *a < std::f64::consts::FRAC_PI_2).map(gap).reduce(f64::min)
    };
    let gap = bound(data.roundoff())?;
    Some(Certified { gap, rounding: bound(0.0).map_or(0.0, |exact| gap - exact) })
}

/// `arccos(γ(W)/‖G‖)`, outward.
fn simple(data: &Data, view: &dyn Iterate, q: &[f64], ku: f64, gradient: &Gradient) -> Option<f64> {
    let gradient_norm = (gradient.norm * gradient.norm + ku * gradient.magnitude * gradient.magnitude).sqrt();
    let magnitude = view.magnitude();
    let lowest = least(q.iter().zip(data.norms).map(|(q, x)| q - ku * x * magnitude));
    let squared = view.weight_norm().powi(2) + ku * magnitude * magnitude;
    let cosine = lowest / (squared.sqrt() * gradient_norm) * (1.0 - 8.0 * f64::EPSILON);
    (lowest > 0.0 && cosine <= 1.0).then(|| libm::acos(cosine) * (1.0 + 4.0 * f64::EPSILON))
}

/// `‖W/‖W‖ − G/‖G‖‖`, from the difference itself.
struct Chord {
    length: f64,
    scale: f64, // of the terms of the difference
}

impl Chord {
    fn new(view: &dyn Iterate, gradient: &Gradient) -> Self {
        let (norm, length) = (gradient.norm, view.weight_norm());
        Self {
            length: view.combined_norm(1.0 / length, &gradient.direction.clone().scaled(-1.0 / norm)),
            scale: view.magnitude() / length + gradient.magnitude / norm,
        }
    }

    /// The angle over the chord, outward.
    fn angle(&self, ku: f64) -> f64 {
        let chord = (self.length * self.length + 2.0 * ku * self.scale * self.scale).sqrt();
        2.0 * libm::asin((0.5 * chord).min(1.0))
    }
}

/// `angle(W, G) + arcsin √(1 − γ_low/‖G‖)`, outward. The second term uses
/// `‖G‖² − min_i v_i = Σ_k p_k (⟨Φ_k, G⟩ − min_i v_i)`, v with the worst slopes, which does not cancel.
fn two_step(data: &Data, slopes: &Slopes, ku: f64, gradient: &Gradient, chord: &Chord) -> Option<f64> {
    let (norm, magnitude) = (gradient.norm, gradient.magnitude);
    let error = |i: usize| ku * data.feature_norm(i, slopes) * magnitude;
    let (v, worst) = (&gradient.margins, &gradient.worst);
    let low = least((0..v.len()).map(|i| worst[i] - ku * data.norms[i] * magnitude));
    let gap: f64 = (0..v.len()).map(|i| gradient.weights[i] * (v[i] + error(i) - low)).sum();
    let squared = norm * norm - ku * magnitude * magnitude;
    let gap = if gap < 0.0 { 0.0 } else { gap }; // not a number stays one
    let sine_squared = gap / squared * (1.0 + ku);
    if !(low > 0.0 && squared > 0.0 && sine_squared < 1.0) {
        return None;
    }
    Some((chord.angle(ku) + libm::asin(sine_squared.sqrt())) * (1.0 + 8.0 * f64::EPSILON))
}

/// The least number; one that is none counts as the least.
fn least(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(f64::INFINITY, smaller)
}
