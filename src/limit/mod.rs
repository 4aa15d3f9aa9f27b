//! The direction that gradient descent converges to, computed without running it.
//!
//! While the activation pattern is fixed, every margin is linear in W: `q_i = ⟨Φ_i, W⟩` with
//! `Φ_i = y_i (a_j g_ij x_i)_j`, and gradient descent on a loss with an exponential tail converges in direction
//! to the maximal-margin solution of `⟨Φ_i, W⟩ ≥ 1` (Soudry et al. 2018; \[H\], problem (5)). Only
//! the n×n matrix
//!
//! ```text
//! H_ik = ⟨Φ_i, Φ_k⟩ = y_i y_k K_ik (1/m) Σ_j g_ij g_kj,    K = XXᵀ
//! ```
//!
//! enters, and X where K, which squares it, has too few digits left ([`Limit::of_pattern`]). The solution is an answer only if it is *consistent*: if W* itself shows the pattern
//! that it was computed from. Otherwise that pattern must still change.

pub mod along;
pub(crate) mod carried;
mod decide;
pub mod dual;
mod estimate;
mod few;
mod floor;
pub mod held_out;
mod in_order;
pub mod iterate;
pub mod label_noise;
pub mod monte_carlo;
pub(crate) mod precise;
mod proof;
pub mod ray;
mod rows;
mod search;
pub mod second_order;
pub mod sliding;
mod smallest;
pub mod tail;
pub mod test_error;

use crate::data::slabs::{Whole, X};
use crate::inner_products::{Direction, Gram, Imaged, InnerProducts};
use crate::matrix::{Matrix, View};
use crate::network::{Network, Pattern};
use carried::Carried;
use ray::Ray;
use rows::Rows;
use search::{Answer, Found};

pub use decide::PROOF;
pub use proof::{NEGLIGIBLE, Proof};

/// The maximal-margin solution in a fixed pattern.
#[derive(Clone, Debug)]
pub struct Limit {
    /// λ, length n, `λ ≥ 0`.
    pub lambda: Vec<f64>,
    /// The maximal margin `γ* = 1/√Σλ` of a unit direction.
    pub max_margin: f64,
    /// Proved bounds of γ*, rounded outward: from K where it was enough to find λ, from X after [`Limit::verify`].
    pub margin_interval: (f64, f64),
    /// A proved bound of `‖Ŵ − Ŵ*‖`, Ŵ the direction of `Σ λ_i Φ_i` and Ŵ* the limit's; at most 2.
    pub direction_error: f64,
    /// `W* = Σ λ_i Φ_i` as coefficients on the samples.
    pub direction: Direction,
    /// `‖W*‖ = √Σλ`.
    pub norm: f64,
    /// Backward error of the KKT conditions for K as it is rounded ([`dual`]).
    pub kkt_residual: f64,
    /// Number of pivots of the solvers.
    pub pivots: usize,
    /// The pairs (sample, neuron) where W* does not show the pattern it was computed from.
    pub inconsistent: Vec<(usize, usize)>,
    /// Coefficients of the decision boundary on the samples, `w̄ = Σ_i b_i x_i`, length n: for a
    /// fixed pattern `b_i = λ_i y_i ḡ_i`, `ḡ_i = (1/m) Σ_j g_ij`. With one group of neurons per sign and leak > 0,
    /// `f(x;W*) = 0` exactly where `⟨x, w̄⟩ = 0`, since φ is increasing and positively homogeneous.
    pub boundary_coefficients: Vec<f64>,
    /// The least `√m_p |z_ip|/(‖x_i‖‖W*‖)` of the pairs whose sides are compared, group p of `m_p` neurons; infinite without such pairs.
    clearance: f64,
    image: Vec<Vec<f64>>, // X W*, a column of n for each group of `direction`
    rows: Rows,
    answer: Answer,
}

/// Weights that show that 0 lies in the convex hull of the features.
#[derive(Clone, Debug, PartialEq)]
pub struct Farkas {
    /// λ ≥ 0 with Σλ = 1, length n.
    pub lambda: Vec<f64>,
    /// The relative change of each feature with which they cancel exactly, at most [`PROOF`]: features Φ'_i with
    /// `‖Φ'_i − Φ_i‖ ≤ relative·‖Φ_i‖` exist for which `Σ λ_i Φ'_i = 0` (`decide.rs`).
    pub relative: f64,
}

/// The proof that no weights separate the samples: the features with these slopes cancel,
/// `Σ_i λ_i y_i θ_ij x_i = 0` for every neuron j.
#[derive(Clone, Debug)]
pub struct Inseparable {
    /// The weights.
    pub farkas: Farkas,
    /// The slopes θ (n×m), from γ to 1.
    pub slopes: Matrix,
    /// Where gradient descent goes with these sides, where that was asked for.
    pub ray: Option<Box<Ray>>,
}

/// What is known where neither a separating direction nor a proof that there is none was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Undecided {
    /// Proved bounds of the maximal margin, from 0; infinite if nothing is known.
    pub margin_interval: (f64, f64),
    /// The best weights λ ≥ 0 (n).
    pub lambda: Vec<f64>,
    /// The residual of the dual problem of K; not a number where it has no solution.
    pub kkt_residual: f64,
    /// The slopes and remainders with which these λ prove the bounds; none without X.
    pub proof: Option<Proof>,
}

/// What is known of a limit.
#[derive(Clone, Debug)]
pub enum Prediction<T = Limit> {
    /// The limit: a direction with positive margins is proved, and γ* is within `margin_interval`.
    Limit(T),
    /// The network cannot separate the data in this pattern, proved from X.
    NotSeparable(Inseparable),
    /// Neither is proved.
    Undecided(Undecided),
}

impl Limit {
    /// The limit of gradient descent in a fixed pattern. `warm` are estimates of λ, such as `α c t ℓ_i`.
    ///
    /// K is n×n, y holds n labels ±1, and the pattern is n×m. X (n×d) is asked where the rounding of K hides the answer;
    /// without it such problems are undecided, and none is called not separable.
    pub fn of_pattern(
        k: &Gram,
        x: Option<&dyn Whole>,
        y: &[f64],
        network: &Network,
        pattern: &Pattern,
        warm: Option<&[f64]>,
    ) -> Prediction {
        let mut rows = Rows::fixed(y, network, pattern.groups(network), |i, j| pattern.slope(network, i, j));
        match search::search(k, x, &mut rows, warm, &Carried::default()) {
            Found::Separable(answer) => {
                Prediction::Limit(Self::assemble(k, rows, answer, |i, j| Some(pattern.get(i, j))))
            }
            Found::NotSeparable(lambda, relative) => {
                let (n, m) = (y.len(), network.width);
                let slopes = (0..n * m).map(|at| pattern.slope(network, at / m, at % m)).collect();
                let slopes = Matrix::new(n, m, slopes);
                Prediction::NotSeparable(Inseparable { farkas: Farkas { lambda, relative }, slopes, ray: None })
            }
            Found::Undecided(best) => Prediction::Undecided(best.of(&rows)),
        }
    }

    /// From weights of the rows; `side` is the side of z that a pair (sample, neuron) is assumed on, if on any.
    fn assemble(k: &Gram, rows: Rows, answer: Answer, side: impl Fn(usize, usize) -> Option<bool>) -> Self {
        let lambda = rows.per_sample(&answer.weights);
        let nu = rows.by_group(&answer.weights);
        let direction = rows.direction(&nu);
        let image = answer.images.clone().unwrap_or_else(|| k.image(&direction));
        let kinks = !rows.network.linear(); // else every side is right
        let wrong = |&(i, j): &(usize, usize)| {
            side(i, j).is_some_and(|s| kinks && s != (image[direction.groups.of[j]][i] > 0.0))
        };
        let pairs = (0..lambda.len()).flat_map(|i| (0..rows.network.width).map(move |j| (i, j)));
        let norm = lambda.iter().sum::<f64>().sqrt();
        let roots: Vec<f64> = direction.groups.size.iter().map(|m| (*m as f64).sqrt()).collect();
        let mut clearance = f64::INFINITY;
        for i in (0..lambda.len()).filter(|_| kinks) {
            let least = |least: f64, j: usize| {
                let p = direction.groups.of[j];
                side(i, j).map_or(least, |_| least.min(roots[p] * image[p][i].abs()))
            };
            let least = (0..rows.network.width).fold(f64::INFINITY, least);
            clearance = clearance.min(least / (k.0[(i, i)].sqrt() * norm));
        }
        Self {
            clearance,
            max_margin: answer.max_margin,
            margin_interval: answer.interval,
            direction_error: answer.direction_error,
            norm,
            kkt_residual: answer.kkt_residual,
            pivots: answer.pivots,
            inconsistent: pairs.filter(wrong).collect(),
            boundary_coefficients: rows.boundary(&nu),
            direction,
            image,
            lambda,
            rows,
            answer,
        }
    }

    /// `s·W*` with its image.
    pub(crate) fn imaged(&self, s: f64) -> Imaged {
        Imaged { direction: self.direction.clone(), image: self.image.clone() }.scaled(s)
    }

    /// The same limit with λ refined against X (n×d) in twice the working precision, and with the bounds that X proves: for
    /// every limit that is published. The search itself goes by K where that is enough.
    pub fn verify<'x>(&mut self, k: &Gram, x: impl Into<View<'x>>, pattern: &Pattern) {
        let answer = search::sharpen(k, x.into(), &mut self.rows, &self.answer);
        *self = Self::assemble(k, self.rows.clone(), answer, |i, j| Some(pattern.get(i, j)));
    }

    /// The rate exponent ν of a fixed pattern: the smallest eigenvalue of `diag(λ)H` on the support, in (0, 1]. The
    /// direction of the gradient and `α c t ℓ_i → λ_i` close like `t^(−ν)`. It takes as long as the limit.
    pub fn rate_exponent(&self, k: &Gram) -> f64 {
        rate_exponent(&self.rows.gram(&k.0), &self.lambda)
    }

    /// Whether what is proved leaves γ* at most `gap` of itself, and no doubt of a side that is compared. A neuron of group p of the unit direction is
    /// off by at most `1/√m_p` of the error of the direction, and the product with K that gives z_ip by less than as much again: that error is in the
    /// gap g as well, relative to a margin, and the error of the direction is `√(2g)`.
    pub fn known_within(&self, gap: f64) -> bool {
        let (low, high) = self.margin_interval;
        high - low <= gap * high && self.clearance > 2.0 * self.direction_error
    }

    /// Whether W* shows the pattern it was computed from.
    pub fn consistent(&self) -> bool {
        self.inconsistent.is_empty()
    }

    /// Whether there is at most one group of neurons of each sign, so that the decision boundary is a plane (see [`plane`]).
    pub fn linear(&self, network: &Network) -> bool {
        plane(&self.direction, network)
    }

    /// W* (m×d) for the samples X (n×d).
    pub fn weights(&self, x: &Matrix) -> Matrix {
        of_groups(&self.direction, self.direction.columns.iter().map(|c| combination(c, x)).collect())
    }

    /// [`Limit::weights`] for samples that may be shared out.
    pub fn weights_on(&self, x: &X) -> Matrix {
        weights(&self.direction, x)
    }

    /// [`Limit::boundary`] for samples that may be shared out.
    pub fn boundary_on(&self, x: &X) -> Vec<f64> {
        combinations(&[&self.boundary_coefficients], x).remove(0)
    }

    /// The decision boundary `w̄ = Σ_i b_i x_i` (length d) for the samples X (n×d).
    pub fn boundary(&self, x: &Matrix) -> Vec<f64> {
        combination(&self.boundary_coefficients, x)
    }
}

/// Whether a direction has at most one group of neurons of each sign, so that its decision boundary is a plane; not for the
/// ReLU, whose output is 0 on the samples that no neuron sees.
pub fn plane(direction: &Direction, network: &Network) -> bool {
    if !network.increasing() {
        return false;
    }
    let positive = direction.groups.first.iter().filter(|&&j| j < network.positive).count();
    positive <= 1 && direction.groups.len() - positive <= 1
}

/// The decision boundary (length d) of a direction, where it is a plane, for the samples X (n×d).
pub fn boundary(direction: &Direction, network: &Network, x: &X) -> Option<Vec<f64>> {
    let groups = &direction.groups;
    let weight = |p: usize| groups.size[p] as f64 * network.output(groups.first[p]);
    let term = |i: usize| (0..groups.len()).map(|p| weight(p) * direction.columns[p][i]).sum();
    plane(direction, network).then(|| combinations(&[&(0..x.rows()).map(term).collect::<Vec<f64>>()], x).remove(0))
}

/// The weights (m×d) of a direction for the samples X (n×d).
pub fn weights(direction: &Direction, x: &X) -> Matrix {
    let columns: Vec<&[f64]> = direction.columns.iter().map(|c| &c[..]).collect();
    of_groups(direction, combinations(&columns, x))
}

/// The weights (m×d) whose neurons have the vector (length d) of their group.
fn of_groups(direction: &Direction, groups: Vec<Vec<f64>>) -> Matrix {
    let d = groups.first().map_or(0, Vec::len);
    let rows = direction.groups.of.iter().flat_map(|g| groups[*g].iter().copied());
    Matrix::new(direction.groups.of.len(), d, rows.collect())
}

/// `Σ_i b_i x_i` (length d) for each of several b, wherever the samples are.
fn combinations(b: &[&[f64]], x: &X) -> Vec<Vec<f64>> {
    match x {
        X::Apart(_) | X::Streamed(_) => x.combinations(b),
        held => {
            let x = held.view().expect("samples of this process");
            b.iter().map(|b| combination(b, x)).collect()
        }
    }
}

/// `Σ_i b_i x_i`, length d.
pub fn combination<'x>(b: &[f64], x: impl Into<View<'x>>) -> Vec<f64> {
    let x = x.into();
    let mut sum = vec![0.0; x.cols()];
    for (i, b) in b.iter().enumerate().filter(|(_, b)| **b != 0.0) {
        dual::accurate::add_scaled(*b, &x.row(i), &mut sum);
    }
    sum
}

/// The smallest eigenvalue of `diag(λ)H` on the support of λ, from the symmetric `√λ H √λ`. It is at
/// most 1: `diag(λ)Hλ = λ` on the support.
pub fn rate_exponent(h: &Matrix, lambda: &[f64]) -> f64 {
    let support: Vec<usize> = (0..lambda.len()).filter(|&i| lambda[i] > 0.0).collect();
    let root: Vec<f64> = support.iter().map(|&i| lambda[i].sqrt()).collect();
    smallest::smallest_eigenvalue(support.len(), |r, row| {
        let h = h.row(support[r]);
        for (c, a) in row.iter_mut().enumerate() {
            *a = h[support[c]] * (root[r] * root[c]);
        }
    })
}
