//! How long the present pattern is sure to stay: a lower bound of the first t at which a pre-activation can reach 0.
//!
//! In a fixed pattern the margins are linear and L is convex in W; what follows bounds the iterates of that linear
//! model, which are those of gradient descent up to and with the step that first changes a bit.
//! Write `S = αc Σ_τ Σ_k s_k(τ)` for the weights spent from t on, `θ = αλmax(K) L(t)`, which must be at most 1, and
//! γ̂ for any proved lower bound of γ* (the margin of W or of G, see [`super`]). With ρ and η, both 1 for the
//! exponential loss, the least s/ℓ and ℓe^q among all losses of at most L/c:
//!
//! ```text
//! time:   S(s steps) ≤ αL + log(1 + κ L s)/((1 − θ/2) (ργ̂)²),   κ = α (1 − θ/2) (ργ̂)²
//! pair:   z_ij moves inwards by at most S · max_k (−o_ij a_j y_k g_kj K_ik)₊,   o_ij the sign of z_ij
//! cone:   W = pU + r,   ‖r‖² ≤ ‖r₀‖² + D + B (p − p₀) + ε (p² − p₀²),   p − p₀ ≤ S max_i ⟨Φ_i, U⟩
//!         B = 2 (log(n_eff/η) − entropy(λ/Σλ))/γ_U,   D = αL/(1 − θ/2),   ε = N/γ_U − 1
//! ```
//!
//! U is the unit vector along `Σ λ_i Φ_i` for any λ ≥ 0, here those of the limit of this pattern; `N = ‖Σλ_iΦ_i‖/Σλ`,
//! `γ_U = min_i ⟨Φ_i, U⟩ ≤ N`, and `n_eff = Σ_i exp(−p₀(⟨Φ_i,U⟩ − γ_U))`.
//! Along U the pre-activations grow like p, across it like √p at most: if U shows the pattern the cone ends all
//! doubt once p₀ is large enough. The proofs are in docs/theory.md. A pair's way is at least the longer one
//! of its two bounds; the least of all ways gives the time, or is infinite, and then the pattern is final.
//!
//! *Groups.* Neurons of a group have equal increments, so r splits into the group's means and differences
//! that never change: z_ij has the part `⟨x_i, r_g⟩` with `‖r_g‖ ≤ ‖r‖/√m_g`, and its own constant.

use super::{Data, Gradient, least};
use crate::engine::Iterate;
use crate::inner_products::Gram;
use crate::limit::Limit;
use crate::problem::Problem;
use crate::slopes::Slopes;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Samples below which one thread is done before others have woken up.
const FEW: usize = 512;

/// What the bound is made from: an iterate with positive margins `q` in a fixed pattern, whose slopes these are.
pub struct Present<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Its inner products K.
    pub gram: &'a Gram,
    /// The iterate.
    pub view: &'a dyn Iterate,
    /// Its margins.
    pub q: &'a [f64],
    /// The slopes of its pattern, in groups.
    pub slopes: &'a Slopes,
    /// The direction of its negative gradient.
    pub gradient: &'a Gradient,
    /// `log L`.
    pub log_loss: f64,
    /// The limit of the present pattern, consistent or not, where it is known.
    pub limit: Option<&'a Limit>,
    /// The pulls of the present pattern.
    pub pulls: &'a Pulls,
}

impl Present<'_> {
    /// Every bit of the pattern is the same at all t below this one; infinite if the pattern is final. `t` is the
    /// present.
    pub fn final_until(&self, t: f64) -> f64 {
        let problem = self.problem;
        let data = Data::of(problem, self.gram);
        let loss = libm::exp(self.log_loss) * (1.0 + data.roundoff());
        let (alpha, share) = (problem.step_size, problem.step_size * problem.data.lambda_max() * loss);
        let Some(shares) = problem.loss.shares(loss / problem.loss_constant) else { return t };
        if share.is_nan() || share > 1.0 {
            return t;
        }
        let [of_weights, of_exponential] = shares.map(|s| s * (1.0 - data.roundoff()));
        let descent = 1.0 - 0.5 * share - f64::EPSILON; // the loss falls by at least α·this·‖∇L‖²
        let way = self.shortest_way(&data, alpha * loss / descent, -libm::log(of_exponential));
        if way == f64::INFINITY {
            return way;
        }
        let squared = (of_weights * self.margin_bound(&data)).powi(2) * descent;
        let steps = libm::expm1((way - alpha * loss).max(0.0) * squared) / (alpha * loss * squared);
        // Of no finite number it is known that the pattern is final.
        if steps >= 1.0 { (t + steps * (1.0 - 1e-9)).min(f64::MAX) } else { t }
    }

    /// A lower bound of γ* in the present pattern: the margin of W, or of G.
    fn margin_bound(&self, data: &Data) -> f64 {
        let (ku, magnitude, gradient) = (data.roundoff(), self.view.magnitude(), self.gradient);
        let of_weights = least(self.q.iter().zip(data.norms).map(|(q, x)| q - ku * x * magnitude));
        let rows = gradient.margins.iter().zip(data.norms);
        let of_gradient = least(rows.map(|(v, x)| v - ku * x * gradient.magnitude));
        let outward = 1.0 + 4.0 * ku * (1.0 + magnitude / self.view.weight_norm() + gradient.magnitude / gradient.norm);
        let better = (of_weights / self.view.weight_norm()).max(of_gradient / gradient.norm) / outward;
        if better > 0.0 { better } else { 0.0 }
    }

    /// The least S after which a pair may have come to 0; `steps` bounds `Σ‖step‖²`, `log_share` is −log η.
    fn shortest_way(&self, data: &Data, steps: f64, log_share: f64) -> f64 {
        let (n, m, z) = (self.q.len(), self.problem.network.width, self.view.preactivations());
        let (ku, magnitude, norms) = (data.roundoff(), self.view.magnitude(), data.norms);
        let cone = self.limit.and_then(|limit| Cone::new(self, data, limit, (steps, log_share)));
        let groups = &self.slopes.groups;
        let mut shortest = f64::INFINITY;
        for (g, &first) in groups.first.iter().enumerate() {
            let neurons: Vec<usize> = (0..m).filter(|&j| groups.of[j] == g).collect();
            let push = self.problem.network.output(first).abs();
            let way = |i: usize| {
                let row = || neurons.iter().map(|&j| z[i * m + j]);
                let side = if z[i * m + first] > 0.0 { 1.0 } else { -1.0 };
                let nearest = least(row().map(|z| side * z));
                let slack = ku * norms[i] * magnitude;
                let inward = push * self.pulls.0[g][i];
                let straight = if inward > 0.0 { (nearest - slack).max(0.0) / inward } else { f64::INFINITY };
                let within =
                    || cone.as_ref().map_or(0.0, |cone| cone.way((i, g), side, (nearest, row().sum()), norms[i]));
                if nearest <= slack { 0.0 } else { straight.max(within()) }
            };
            let of_group = match n < FEW {
                true => (0..n).map(way).fold(f64::INFINITY, f64::min),
                false => (0..n).into_par_iter().map(way).reduce(|| f64::INFINITY, f64::min),
            };
            shortest = shortest.min(of_group);
        }
        shortest
    }
}

/// By how much a unit of S pulls each pre-activation inwards at most, over |a_j|: `max_k (−o sgn(a_j) y_k g_kj K_ik)₊` for each group of
/// neurons and sample, rounded up. It follows from K and the pattern.
pub struct Pulls(Vec<Vec<f64>>);

impl Pulls {
    /// For the pattern of `z` (n×m, row-major), whose slopes these are.
    pub fn new(problem: &Problem, gram: &Gram, slopes: &Slopes, z: &[f64]) -> Self {
        let (data, m) = (Data::of(problem, gram), problem.network.width);
        let of_group = |&first: &usize| {
            let pull = Pull::new(problem, slopes, &data, first);
            let side = |i: usize| if z[i * m + first] > 0.0 { 1.0 } else { -1.0 };
            let inward = |i: usize| pull.inward(gram.0.row(i), data.norms[i], side(i));
            let n = data.y.len();
            if n < FEW { (0..n).map(inward).collect() } else { (0..n).into_par_iter().map(inward).collect() }
        };
        Self(slopes.groups.first.iter().map(of_group).collect())
    }
}

/// What the samples do to the pre-activations of neuron j, by unit weights.
struct Pull {
    along: Vec<f64>,    // sgn(a_j) y_k g_kj
    rounding: Vec<f64>, // of K_ik times this, for ‖x_i‖ = 1
}

impl Pull {
    fn new(problem: &Problem, slopes: &Slopes, data: &Data, j: usize) -> Self {
        let (sign, ku) = (problem.network.sign(j), data.roundoff());
        let slope = |k: usize| slopes.values[(k, j)];
        let n = data.y.len();
        Self {
            along: (0..n).map(|k| sign * data.y[k] * slope(k)).collect(),
            rounding: (0..n).map(|k| ku * data.norms[k] * slope(k)).collect(),
        }
    }

    /// `max_k (−o sgn(a_j) y_k g_kj K_ik)₊`, rounded up; `row` is row i of K.
    fn inward(&self, row: &[f64], norm: f64, side: f64) -> f64 {
        Isa::current().dispatch(Inward { pull: self, row, norm, side })
    }
}

struct Inward<'a> {
    pull: &'a Pull,
    row: &'a [f64],
    norm: f64,
    side: f64,
}

impl WithSimd for Inward<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        const LANES: usize = 32;
        let Self { pull, row, norm, side } = self;
        let n = row.len();
        let (along, rounding) = (&pull.along[..n], &pull.rounding[..n]);
        let of = |k: usize| norm * rounding[k] - side * along[k] * row[k];
        let larger = |most: &mut f64, v: f64| *most = if v > *most { v } else { *most };
        let (mut most, whole) = ([0.0f64; LANES], n - n % LANES);
        for block in (0..whole).step_by(LANES) {
            (0..LANES).for_each(|l| larger(&mut most[l], of(block + l)));
        }
        (whole..n).for_each(|k| larger(&mut most[k - whole], of(k)));
        let mut half = LANES / 2;
        while half > 0 {
            let (low, high) = most.split_at_mut(half);
            low.iter_mut().zip(high).for_each(|(low, high)| larger(low, *high));
            half /= 2;
        }
        most[0]
    }
}

/// The cone about the limit that W stays in.
struct Cone {
    image: Vec<Vec<f64>>, // X U, by groups of the pattern
    size: Vec<usize>,     // of the groups
    p: f64,
    across: f64,   // ‖r₀‖² + D
    slope: f64,    // B + 2 ε p₀
    excess: f64,   // ε
    fastest: f64,  // max_i ⟨Φ_i, U⟩
    rounding: f64, // of a pre-activation, for ‖x_i‖ = 1
}

impl Cone {
    /// None where the limit is of other groups, or does not separate beyond rounding.
    fn new(present: &Present, data: &Data, limit: &Limit, (steps, log_share): (f64, f64)) -> Option<Self> {
        let (ku, slopes) = (data.roundoff(), present.slopes);
        if limit.direction.groups != slopes.groups {
            return None;
        }
        let total: f64 = limit.lambda.iter().sum();
        let weights: Vec<f64> = limit.lambda.iter().map(|l| l / total).collect();
        let direction = limit.imaged(1.0 / total);
        let length = direction.norm(); // N
        let features = data.feature_margins(&direction, slopes);
        let sizes: f64 = weights.iter().zip(data.norms).map(|(p, x)| p * x).sum::<f64>() / length;
        let rounding = ku * sizes; // of ⟨x_i, U⟩, ‖x_i‖ = 1
        let along = |i: usize| features[i] / length;
        let (margin, fastest) = (0..features.len()).fold((f64::INFINITY, 0.0f64), |(low, high), i| {
            let slack = rounding * data.norms[i];
            (low.min(along(i) - slack), high.max(along(i) + slack))
        });
        let p = weights.iter().zip(present.q).map(|(w, q)| w * q).sum::<f64>() / length;
        if !(margin > 0.0 && p > 0.0 && length.is_finite()) {
            return None;
        }
        let entropy: f64 = weights.iter().filter(|w| **w > 0.0).map(|w| -w * libm::log(*w)).sum();
        let active = |i: usize| libm::exp(-p * (along(i) - rounding * data.norms[i] - margin));
        let count: f64 = (0..features.len()).map(active).sum();
        let spread = (libm::log(count) - entropy + log_share + ku).max(0.0);
        let excess = (length * (1.0 + ku * sizes * sizes) / margin - 1.0).max(0.0) + f64::EPSILON;
        let r = present.view.combined_norm(1.0, &direction.clone().scaled(-p / length));
        let terms = present.view.magnitude() + p * sizes;
        Some(Self {
            image: direction.scaled(1.0 / length).image,
            size: slopes.groups.size.clone(),
            p,
            across: r * r + 2.0 * ku * terms * terms + steps,
            slope: 2.0 * spread / margin + 2.0 * excess * p,
            excess,
            fastest,
            rounding: 4.0 * ku * terms,
        })
    }

    /// How far p may grow until `o z_ij` may be 0 for a neuron of group g, over the greatest growth of p by S: the sides o, the least `o z_ij` and
    /// the sum of the `z_ij` over the group, and `‖x_i‖`.
    fn way(&self, (i, g): (usize, usize), side: f64, (nearest, sum): (f64, f64), norm: f64) -> f64 {
        let mean = sum / self.size[g] as f64;
        let reach = norm / (self.size[g] as f64).sqrt();
        let rate = side * self.image[g][i];
        // o z at p₀ if r were 0: the growth along U, and what this neuron has beside the mean of its group
        let start = rate * self.p + (nearest - side * mean) - self.rounding * norm;
        if start <= 0.0 {
            return 0.0;
        }
        let squared = reach * reach;
        let (a, b) = (rate * rate - squared * self.excess, 2.0 * start * rate - squared * self.slope);
        let growth = first_root(a, b, start * start - squared * self.across);
        growth / self.fastest
    }
}

/// The least s ≥ 0 at which `as² + bs + c` is not positive; infinite if there is none.
fn first_root(a: f64, b: f64, c: f64) -> f64 {
    if c.is_nan() || c <= 0.0 {
        return 0.0;
    }
    let discriminant = b * b - 4.0 * a * c;
    if discriminant < 0.0 || (a >= 0.0 && b >= 0.0) {
        return f64::INFINITY;
    }
    let half = -0.5 * (b + b.signum() * discriminant.sqrt());
    let positive = |root: f64| if root > 0.0 { root } else { f64::INFINITY };
    positive(half / a).min(positive(c / half)) * (1.0 - 1e-12)
}

#[cfg(test)]
mod tests {
    use super::first_root;

    #[test]
    fn roots() {
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * b, "{a} instead of {b}");
        near(first_root(1.0, -3.0, 2.0), 1.0);
        near(first_root(-1.0, 1.0, 2.0), 2.0);
        near(first_root(0.0, -2.0, 3.0), 1.5);
        near(first_root(-1.0, 0.0, 4.0), 2.0);
        assert_eq!(first_root(1.0, 2.0, 1.0), f64::INFINITY);
        assert_eq!(first_root(1.0, -1.0, 1.0), f64::INFINITY);
        assert_eq!(first_root(1.0, 1.0, 0.0), 0.0);
        assert_eq!(first_root(1.0, 1.0, f64::NAN), 0.0);
    }
}
