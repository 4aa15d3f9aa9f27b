//! A mode: which pairs slide, on which side the others are, and the reduced problem that follows.
//!
//! Group g of neurons has equal sign, equal sides and an equal set σ of samples on whose kink it
//! slides. Its coefficients grow by `b_k = a_g y_k e_k s_k` off σ (s the slope of the side), and on σ by
//! whatever keeps `z_σ = 0` (Filippov 1988, *Differential Equations with Discontinuous Righthand Sides*):
//!
//! ```text
//! K_σσ b_σ + K_σN b_N = 0,    b_k = a_g y_k ν_k on σ,    θ_k = ν_k/e_k ∈ [γ, 1]
//! ```
//!
//! So ν is linear in the weights e, `ν = Te`, and so are the rates of all pre-activations. The margins
//! lose the part of every feature along the kinks:
//!
//! ```text
//! dq/du = He,   H_ik = Σ_g (m_g/m) y_i s_i (K_ik − K_iσ K_σσ⁻¹ K_σk) y_k s_k     (s = 0 on σ)
//! ```
//!
//! symmetric and positive semidefinite: a mode is a reduced problem like that of a fixed pattern.

use crate::descent::span::SpanProblem;
use crate::descent::symmetric::Symmetric;
use crate::matrix::Matrix;
use crate::network::Groups;
use farfield_kernels::dense;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};
use std::collections::HashMap;
use std::sync::Arc;

/// Where a pair (sample, neuron) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `z < 0`, slope γ.
    Below,
    /// On the kink, `z = 0`, slope θ.
    Kink,
    /// `z > 0`, slope 1.
    Above,
}

impl Place {
    /// All of them, from below.
    pub const ALL: [Self; 3] = [Self::Below, Self::Kink, Self::Above];
}

/// Most numbers in the couplings of all neurons, 256 MB of them.
pub const COUPLED: usize = 1 << 25;

/// The samples a group slides on, and what keeps it there.
#[derive(Clone, Debug)]
pub struct Part {
    /// A neuron of the group.
    pub first: usize,
    /// The samples σ, ascending.
    pub kinks: Vec<usize>,
    slopes: Vec<f64>,              // of the sides; 0 on σ
    factor: Factor,                // of K_σσ
    weights: Matrix,               // T, |σ|×n
    coupling: Option<Arc<Matrix>>, // K − K_·σ K_σσ⁻¹ K_σ·, n×n
}

/// The places of all pairs with the reduced problem.
#[derive(Clone, Debug)]
pub struct Mode {
    /// Places (n×m, row-major).
    pub places: Vec<Place>,
    /// Neurons with equal sign and equal places.
    pub groups: Groups,
    /// One part per group.
    pub parts: Vec<Part>,
    h: Symmetric,
    diagonal: Vec<f64>, // of H
}

impl Mode {
    /// The mode with these places; none if some K_σσ is singular, so that slopes are not determined.
    pub fn new(problem: &Arc<SpanProblem>, places: Vec<Place>) -> Option<Self> {
        let n = problem.n();
        let groups = groups(problem, &places);
        let mut h = Matrix::zeros(n, n);
        let mut parts = Vec::new();
        for (&j, &size) in groups.first.iter().zip(&groups.size) {
            let share = size as f64 / problem.network.width as f64;
            parts.push(Part::new(problem, &places, j, share, &mut h)?);
        }
        let diagonal = (0..n).map(|i| h[(i, i)].max(0.0)).collect();
        Some(Self { h: Symmetric::new(&h), diagonal, places, groups, parts })
    }

    /// The product with H.
    pub fn product(&self) -> &Symmetric {
        &self.h
    }

    /// The diagonal of H (length n), `‖Φ_i‖²`.
    pub fn diagonal(&self) -> &[f64] {
        &self.diagonal
    }

    /// Number of sliding pairs (sample, neuron).
    pub fn sliding(&self) -> usize {
        self.places.iter().filter(|p| **p == Place::Kink).count()
    }

    /// The effective slopes (n×m, row-major) at weights e: 1, γ, or θ.
    pub fn slopes(&self, problem: &SpanProblem, e: &[f64]) -> Vec<f64> {
        let (n, m) = (problem.n(), problem.network.width);
        let mut slopes = vec![0.0; n * m];
        for j in 0..m {
            let part = &self.parts[self.groups.of[j]];
            (0..n).for_each(|i| slopes[i * m + j] = part.slopes[i]);
            part.kinks.iter().zip(part.slopes_on_kinks(e)).for_each(|(i, theta)| slopes[i * m + j] = theta);
        }
        slopes
    }
}

impl Part {
    fn new(problem: &SpanProblem, places: &[Place], j: usize, share: f64, h: &mut Matrix) -> Option<Self> {
        let (n, m, k, y) = (problem.n(), problem.network.width, &problem.gram.0, &problem.labels);
        let slope = |i: usize| match places[i * m + j] {
            Place::Below => problem.network.leak,
            Place::Kink => 0.0,
            Place::Above => 1.0,
        };
        let slopes: Vec<f64> = (0..n).map(slope).collect();
        let kinks: Vec<usize> = (0..n).filter(|i| places[i * m + j] == Place::Kink).collect();
        let factor = Factor::new(kinks.len(), |r, c| k[(kinks[r], kinks[c])])?;
        let mut half = Matrix::new(kinks.len(), n, kinks.iter().flat_map(|i| k.row(*i)).copied().collect());
        factor.forward(&mut half);
        let mut coupling = (n * n * m <= COUPLED).then(|| Matrix::zeros(n, n));
        let mut across = vec![0.0; n];
        for i in 0..n {
            let column: Vec<f64> = (0..kinks.len()).map(|r| half[(r, i)]).collect();
            dense::combine(&column, half.values(), n, &mut across);
            across.iter_mut().zip(k.row(i)).for_each(|(along, k)| *along = k - *along);
            let scale = share * y[i] * slopes[i];
            for l in 0..n {
                h[(i, l)] = (scale * y[l] * slopes[l]).mul_add(across[l], h[(i, l)]);
            }
            if let Some(coupling) = &mut coupling {
                coupling.row_mut(i).copy_from_slice(&across);
            }
        }
        factor.backward(&mut half);
        for (r, kink) in kinks.iter().enumerate() {
            let row = half.row_mut(r).iter_mut().zip(y).zip(&slopes);
            row.for_each(|((w, y_l), s)| *w *= -(y[*kink] * y_l * s));
        }
        Some(Self { first: j, kinks, slopes, factor, weights: half, coupling: coupling.map(Arc::new) })
    }

    /// The inner products of the samples across the kinks, K̃ (n×n); none where these are too many numbers.
    pub fn coupling(&self) -> Option<&Matrix> {
        self.coupling.as_deref()
    }

    /// The slope of the side of sample i; 0 on σ.
    pub fn slope(&self, i: usize) -> f64 {
        self.slopes[i]
    }

    /// The samples off σ.
    pub fn outside(&self) -> impl Iterator<Item = usize> {
        (0..self.slopes.len()).filter(|i| self.slopes[*i] != 0.0)
    }

    /// The direction `x_i − X_σᵀ K_σσ⁻¹ K_σi` of sample i across the kinks, as coefficients on the samples (length
    /// n), and its squared length, the Schur complement of K_σσ.
    pub fn across(&self, problem: &SpanProblem, i: usize) -> (Vec<f64>, f64) {
        let row = problem.gram.0.row(i);
        let along = self.excess(self.kinks.iter().map(|k| row[*k]).collect());
        let mut direction = vec![0.0; row.len()];
        direction[i] = 1.0;
        self.kinks.iter().zip(&along).for_each(|(k, c)| direction[*k] -= c);
        let squared = direction.iter().zip(row).fold(0.0f64, |sum, (c, k)| c.mul_add(*k, sum));
        (direction, squared.max(0.0))
    }

    /// The slope-weighted weights: `s_k e_k` off σ, `ν_k = θ_k e_k` on σ (length n).
    pub fn weights(&self, e: &[f64]) -> Vec<f64> {
        let mut weighted: Vec<f64> = self.slopes.iter().zip(e).map(|(s, e)| s * e).collect();
        for (r, kink) in self.kinks.iter().enumerate() {
            weighted[*kink] = Isa::current().dispatch(Chain { a: self.weights.row(r), b: e });
        }
        weighted
    }

    /// θ on σ at weights e.
    pub fn slopes_on_kinks(&self, e: &[f64]) -> Vec<f64> {
        let nu = self.weights(e);
        self.kinks.iter().map(|k| nu[*k] / e[*k]).collect()
    }

    /// The growth of the coefficients, `a y_k ×` [`Part::weights`].
    pub fn column(&self, problem: &SpanProblem, e: &[f64]) -> Vec<f64> {
        let a = problem.network.output(self.first);
        self.weights(e).iter().zip(&problem.labels).map(|(w, y)| a * y * w).collect()
    }

    /// The coefficients `K_σσ⁻¹ z_σ` whose removal puts a neuron with pre-activations `z_σ` on its kinks.
    pub fn excess(&self, mut z: Vec<f64>) -> Vec<f64> {
        let mut column = Matrix::new(z.len(), 1, std::mem::take(&mut z));
        self.factor.forward(&mut column);
        self.factor.backward(&mut column);
        column.into_values()
    }
}

/// Neurons with equal sign and equal places, in the order of their first.
fn groups(problem: &SpanProblem, places: &[Place]) -> Groups {
    let (n, m) = (problem.n(), problem.network.width);
    let mut seen = HashMap::new();
    let mut groups = Groups { first: Vec::new(), size: Vec::new(), of: Vec::with_capacity(m) };
    for j in 0..m {
        let column: Vec<Place> = (0..n).map(|i| places[i * m + j]).collect();
        let g = *seen.entry((j < problem.network.positive, column)).or_insert(groups.first.len());
        if g == groups.first.len() {
            groups.first.push(j);
            groups.size.push(0);
        }
        groups.size[g] += 1;
        groups.of.push(g);
    }
    groups
}

/// The Cholesky factor `LLᵀ` of a small symmetric positive definite matrix.
#[derive(Clone, Debug)]
pub struct Factor(Matrix);

/// A pivot below this part of its diagonal entry is the rounding error of its own computation.
const SINGULAR: f64 = 64.0 * f64::EPSILON;

impl Factor {
    /// Of the matrix with these entries (s×s); none if it is singular.
    pub fn new(s: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let mut l = Matrix::zeros(s, s);
        for c in 0..s {
            for r in c..s {
                let rest = (0..c).fold(entry(r, c), |sum, k| (-l[(r, k)]).mul_add(l[(c, k)], sum));
                if r == c {
                    if rest.is_nan() || rest <= SINGULAR * (s as f64 + 10.0) * entry(c, c) {
                        return None;
                    }
                    l[(c, c)] = rest.sqrt();
                } else {
                    l[(r, c)] = rest / l[(c, c)];
                }
            }
        }
        Some(Self(l))
    }

    /// `B ← L⁻¹B` for B (s×k).
    pub fn forward(&self, b: &mut Matrix) {
        let cols = b.cols();
        for r in 0..b.rows() {
            let (done, rest) = b.values_mut().split_at_mut(r * cols);
            let row = &mut rest[..cols];
            (0..r).for_each(|k| dense::add_scaled(-self.0[(r, k)], &done[k * cols..][..cols], row));
            row.iter_mut().for_each(|v| *v /= self.0[(r, r)]);
        }
    }

    /// `B ← L⁻ᵀB` for B (s×k).
    pub fn backward(&self, b: &mut Matrix) {
        let (rows, cols) = (b.rows(), b.cols());
        for r in (0..rows).rev() {
            let (before, done) = b.values_mut().split_at_mut((r + 1) * cols);
            let row = &mut before[r * cols..];
            (r + 1..rows).for_each(|k| dense::add_scaled(-self.0[(k, r)], &done[(k - r - 1) * cols..][..cols], row));
            row.iter_mut().for_each(|v| *v /= self.0[(r, r)]);
        }
    }
}

/// `Σ a_k b_k` as one chain, compiled for an instruction set: elsewhere a multiply-add is a call.
struct Chain<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl WithSimd for Chain<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut sum = 0.0f64;
        for k in 0..self.a.len().min(self.b.len()) {
            sum = self.a[k].mul_add(self.b[k], sum);
        }
        sum
    }
}
