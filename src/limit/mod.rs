//! The direction that gradient descent converges to, computed without running it.
//!
//! While the activation pattern is fixed, every margin is linear in W: `q_i = ⟨Φ_i, W⟩` with
//! `Φ_i = y_i (a_j g_ij x_i)_j`, and gradient descent on the exponential loss converges in direction
//! to the maximal-margin solution of `⟨Φ_i, W⟩ ≥ 1` (Soudry et al. 2018; \[H\], problem (5)). Only
//! the n×n matrix
//!
//! ```text
//! H_ik = ⟨Φ_i, Φ_k⟩ = y_i y_k K_ik (1/m) Σ_j g_ij g_kj,    K = XXᵀ
//! ```
//!
//! enters. The solution is an answer only if it is *consistent*: if W* itself shows the pattern
//! that it was computed from. Otherwise that pattern must still change.

pub mod dual;
pub mod iterate;
pub mod monte_carlo;
pub mod sliding;
pub mod test_error;

use crate::geometry::{Geometry, Gram, Span};
use crate::matrix::Matrix;
use crate::network::{Network, Pattern};
use dual::{Dual, Farkas, Outcome};

/// The maximal-margin solution in a fixed pattern.
#[derive(Clone, Debug)]
pub struct Limit {
    /// λ, length n, `λ ≥ 0`.
    pub lambda: Vec<f64>,
    /// The maximal margin `1/√Σλ` of a unit direction.
    pub max_margin: f64,
    /// `W* = Σ λ_i Φ_i` as coefficients on the samples.
    pub span: Span,
    /// `‖W*‖ = √Σλ`.
    pub norm: f64,
    /// Backward error of the KKT conditions ([`dual`]).
    pub kkt_residual: f64,
    /// Number of pivots of the solver.
    pub pivots: usize,
    /// The pairs (sample, neuron) where W* does not show the pattern it was computed from.
    pub inconsistent: Vec<(usize, usize)>,
    /// The rate exponent ν: the smallest eigenvalue of `diag(λ)H` on the support, in (0, 1]. The
    /// direction of the gradient and `α c t ℓ_i → λ_i` close like `t^(−ν)`.
    pub nu: f64,
    /// Coefficients of the decision boundary on the samples, `w̄ = Σ_i b_i x_i`, length n: for a
    /// fixed pattern `b_i = λ_i y_i ḡ_i`, `ḡ_i = (1/m) Σ_j g_ij`. With one group of neurons per sign,
    /// `f(x;W*) = 0` exactly where `⟨x, w̄⟩ = 0`, since φ is increasing and positively homogeneous.
    pub boundary_coefficients: Vec<f64>,
}

/// The proof that no weights separate the samples: the features with these slopes cancel,
/// `Σ_i λ_i y_i θ_ij x_i = 0` for every neuron j.
#[derive(Clone, Debug)]
pub struct Inseparable {
    /// λ ≥ 0 with Σλ = 1, one per sample, and `λᵀHλ`, the squared norm of the sum of the features.
    pub farkas: Farkas,
    /// The slopes θ (n×m), from γ to 1.
    pub slopes: Matrix,
}

/// What is known of a limit.
#[derive(Clone, Debug)]
pub enum Prediction<T = Limit> {
    /// The limit, solved to [`dual::RESIDUAL`].
    Limit(T),
    /// The network cannot separate the data in this pattern.
    NotSeparable(Inseparable),
    /// The solver fell short of its residual; the best it has.
    Unresolved(Dual),
}

impl Limit {
    /// The limit of gradient descent in a fixed pattern. `warm` are estimates of λ, such as `α c t ℓ_i`.
    ///
    /// K is n×n, y holds n labels ±1, and the pattern is n×m.
    pub fn of_pattern(k: &Gram, y: &[f64], network: &Network, pattern: &Pattern, warm: Option<&[f64]>) -> Prediction {
        let h = feature_gram(&k.0, y, network, pattern);
        let solved = match dual::solve(&h, warm) {
            Outcome::Separable(solved) => solved,
            Outcome::NotSeparable(farkas) => {
                let (n, m) = (y.len(), network.width);
                let slopes = (0..n * m).map(|at| pattern.slope(network, at / m, at % m)).collect();
                return Prediction::NotSeparable(Inseparable { farkas, slopes: Matrix::new(n, m, slopes) });
            }
            Outcome::Unresolved(best) => return Prediction::Unresolved(best),
        };
        let span = Span::of_features(&solved.lambda, y, network, pattern);
        let groups = &span.groups;
        let mean_slope = |i: usize| {
            let slope = |(&j, &size): (&usize, &usize)| size as f64 * pattern.slope(network, i, j);
            groups.first.iter().zip(&groups.size).map(slope).sum::<f64>() / network.width as f64
        };
        Prediction::Limit(Limit {
            max_margin: solved.max_margin,
            norm: solved.lambda.iter().sum::<f64>().sqrt(),
            kkt_residual: solved.kkt_residual,
            pivots: solved.pivots,
            inconsistent: inconsistent_pairs(k, &span, pattern),
            nu: rate_exponent(&h, &solved.lambda),
            boundary_coefficients: (0..y.len()).map(|i| solved.lambda[i] * y[i] * mean_slope(i)).collect(),
            span,
            lambda: solved.lambda,
        })
    }

    /// Whether W* shows the pattern it was computed from.
    pub fn consistent(&self) -> bool {
        self.inconsistent.is_empty()
    }

    /// Whether there is at most one group of neurons of each sign, so that the decision boundary is a plane.
    pub fn linear(&self, network: &Network) -> bool {
        let positive = self.span.groups.first.iter().filter(|&&j| j < network.positive).count();
        positive <= 1 && self.span.groups.len() - positive <= 1
    }

    /// W* (m×d) for the samples X (n×d).
    pub fn weights(&self, x: &Matrix) -> Matrix {
        let groups: Vec<Vec<f64>> = self.span.columns.iter().map(|c| combination(c, x)).collect();
        let rows = self.span.groups.of.iter().flat_map(|g| groups[*g].iter().copied());
        Matrix::new(self.span.groups.of.len(), x.cols(), rows.collect())
    }

    /// The decision boundary `w̄ = Σ_i b_i x_i` (length d) for the samples X (n×d).
    pub fn boundary(&self, x: &Matrix) -> Vec<f64> {
        combination(&self.boundary_coefficients, x)
    }
}

/// `Σ_i b_i x_i`, length d.
pub fn combination(b: &[f64], x: &Matrix) -> Vec<f64> {
    let mut sum = vec![0.0; x.cols()];
    for (i, b) in b.iter().enumerate().filter(|(_, b)| **b != 0.0) {
        dual::accurate::add_scaled(*b, x.row(i), &mut sum);
    }
    sum
}

/// `H_ik = y_i y_k K_ik (1/m) Σ_j g_ij g_kj` (n×n), summed over groups of equal columns of bits: with
/// `c` the number of neurons where both slopes are 1, and so on, `Σ_j g_ij g_kj` is a sum of P terms.
pub fn feature_gram(k: &Matrix, y: &[f64], network: &Network, pattern: &Pattern) -> Matrix {
    let n = y.len();
    let groups = pattern.groups(network);
    let slopes: Vec<Vec<f64>> =
        (0..n).map(|i| groups.first.iter().map(|&j| pattern.slope(network, i, j)).collect()).collect();
    let weighted: Vec<Vec<f64>> = slopes
        .iter()
        .map(|row| row.iter().zip(&groups.size).map(|(g, s)| g * *s as f64 / network.width as f64).collect())
        .collect();
    let mut h = Matrix::zeros(n, n);
    for i in 0..n {
        for l in 0..=i {
            let overlap: f64 = weighted[i].iter().zip(&slopes[l]).map(|(a, b)| a * b).sum();
            let value = y[i] * y[l] * k[(i, l)] * overlap;
            h[(i, l)] = value;
            h[(l, i)] = value;
        }
    }
    h
}

/// The pairs where `sign ⟨x_i, w*_j⟩` differs from the bits.
fn inconsistent_pairs(k: &Gram, span: &Span, pattern: &Pattern) -> Vec<(usize, usize)> {
    let image = k.image(span);
    let wrong = |&(i, j): &(usize, usize)| (image[span.groups.of[j]][i] > 0.0) != pattern.get(i, j);
    let pairs = (0..pattern.samples()).flat_map(|i| (0..pattern.neurons()).map(move |j| (i, j)));
    pairs.filter(wrong).collect()
}

/// The smallest eigenvalue of `diag(λ)H` on the support of λ, from the symmetric `√λ H √λ`. It is at
/// most 1: `diag(λ)Hλ = λ` on the support.
pub fn rate_exponent(h: &Matrix, lambda: &[f64]) -> f64 {
    let support: Vec<usize> = (0..lambda.len()).filter(|&i| lambda[i] > 0.0).collect();
    let root: Vec<f64> = support.iter().map(|&i| lambda[i].sqrt()).collect();
    let a = faer::Mat::from_fn(support.len(), support.len(), |r, c| root[r] * h[(support[r], support[c])] * root[c]);
    smallest_eigenvalue(&a)
}

/// The smallest eigenvalue of `√λ H √λ`, which lies in [0, 1]; not a number if it cannot be found.
fn smallest_eigenvalue(a: &faer::Mat<f64>) -> f64 {
    match a.self_adjoint_eigenvalues(faer::Side::Lower) {
        Ok(values) => values.first().map_or(f64::NAN, |v| v.clamp(0.0, 1.0)),
        Err(_) => f64::NAN,
    }
}
