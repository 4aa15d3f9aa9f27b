//! The limit when neurons may slide along their kinks.
//!
//! On real data neurons often cross a kink at every few steps, for ever: there is no final pattern,
//! yet there is a limit, and it is one convex problem. Call a pair (i,j) *own-sign* if `a_j y_i > 0`.
//! Let the sides of the own-sign pairs be given (all positive, or as a run shows them), and let the
//! neurons fall into groups p of `m_p` neurons with equal sign and equal own-sign sides. An own-sign
//! pair then has a slope `c_ip ∈ {1, γ}` that is known. The other pairs enter the margin `q_i` as
//! `−|a_j| φ(z_ip)`, which is concave, `−φ(u) = min(−u, −γu)`: the set `q_i ≥ 1` is convex, the
//! intersection of one half-space for every choice of the opposite-sign slopes in `{1, γ}`,
//!
//! ```text
//! ⟨Φ_r, W⟩ ≥ 1,   Φ_r = y_i (a_p c_rp x_i)_p,   r = (i, slopes)
//! H_rs = ⟨Φ_r, Φ_s⟩ = y_i y_k K_ik Σ_p (m_p/m) c_rp c_sp
//! ```
//!
//! The limit is the hard-margin solution; by symmetry it is equal within each group. `λ_i` is the sum
//! over the rows of sample i, and `ν_ip = Σ_r λ_r c_rp = λ_i θ_ip` its weight in group p. If every θ of
//! an opposite-sign pair is γ and no own-sign pair is on the wrong side, this is problem (5) of \[H\]. If
//! `γ < θ_ip < 1`, W* lies *on* the kink, `z_ip = 0`: the pair slides, gradient descent chatters across
//! it and spends the fraction `(θ_ip − γ)/(1 − γ)` of its steps on the positive side.
//!
//! Rows are generated as they are needed: start with the row of each sample whose slopes are all γ, those
//! of \[H\], problem (5), solve, and add the row that the solution's own margins use wherever it falls
//! below 1. There are finitely many rows (2n with one group of each sign), and few more than n are needed.
//! This is the dual over λ_i ≥ 0 and `ν_ip` in the box `[γλ_i, λ_i]` for each opposite-sign pair in other
//! words: a box is the convex hull of its corners, the rows. Every round adds a row that is violated and none is
//! dropped, so it ends; each is an exact solve that starts from the support of the one before, the first from
//! the weights of a run. An active set over λ and the boxes would be a second solver, for matrices just as
//! singular, next to one that reaches 1e-13 on them.
//!
//! The solution is consistent if W* shows the own-sign sides it was computed from. With own-sign pairs
//! on the wrong side the problem in W is not convex as a whole: the limit is then one of several, and
//! which one is reached depends on the initialization.

use super::dual::{self, Dual, Farkas, Outcome};
use super::{Inseparable, Limit, Prediction, smallest_eigenvalue};
use crate::geometry::{Geometry, Gram, Span};
use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};
use faer::linalg::solvers::Solve;
use std::collections::HashMap;

/// A margin below 1 by more than this asks for another row: a few hundred roundings.
const SHORTFALL: f64 = 1e-13;

/// Rounds of row generation; a handful is typical.
const ROUNDS: usize = 100;

/// The limit for given sides of the own-sign pairs, opposite-sign pairs free to slide.
#[derive(Clone, Debug)]
pub struct Sliding {
    /// λ (one per sample), the direction and its properties; `inconsistent` lists the own-sign pairs
    /// (sample, neuron) whose side in W* is not the given one.
    pub limit: Limit,
    /// The effective slopes θ_ip (n×P, row-major) of the groups of `limit.span`; the assumed or γ
    /// where `λ_i = 0`.
    pub slopes: Matrix,
    /// The pairs that slide.
    pub pairs: Vec<SlidingPair>,
    /// The own-sign pairs (sample, neuron) that were given on the wrong side, `z ≤ 0`.
    pub wrong_side: Vec<(usize, usize)>,
}

/// A sample and a group of neurons of the opposite sign that lie on the sample's kink in the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlidingPair {
    /// Index of the sample.
    pub sample: usize,
    /// The group of neurons, an index into the groups of `limit.span`.
    pub group: usize,
    /// Sign of `a_j` of the group, `−y_i`.
    pub sign: f64,
    /// The effective slope θ.
    pub slope: f64,
    /// The predicted fraction of steps with `z > 0`.
    pub fraction: f64,
}

impl Sliding {
    /// The limit with every own-sign pair on its positive side, for K (n×n) and n labels ±1. `warm` are
    /// estimates of λ (n), such as `α c t ℓ_i`.
    pub fn solve(k: &Gram, y: &[f64], network: &Network, warm: Option<&[f64]>) -> Prediction<Self> {
        Self::with_sides(k, y, network, &Pattern::activated(network, y), warm)
    }

    /// The limit with the own-sign pairs on the sides that `sides` (n×m) shows; its other bits do not
    /// matter.
    pub fn with_sides(
        k: &Gram,
        y: &[f64],
        network: &Network,
        sides: &Pattern,
        warm: Option<&[f64]>,
    ) -> Prediction<Self> {
        let problem = Problem::new(k, y, network, sides);
        let mut rows: Vec<Row> = (0..y.len()).map(|i| problem.row(i, |_| network.leak)).collect();
        let mut warm = warm.map(<[f64]>::to_vec);
        for _ in 0..ROUNDS {
            let solved = match dual::solve(&problem.row_gram(&rows), warm.as_deref()) {
                Outcome::Separable(solved) => solved,
                Outcome::NotSeparable(f) => {
                    let slopes = per_neuron(&problem.groups, &problem.slopes(&rows, &f.lambda));
                    let farkas = Farkas { lambda: problem.per_sample(&rows, &f.lambda), ..f };
                    return Prediction::NotSeparable(Inseparable { farkas, slopes });
                }
                Outcome::Unresolved(d) => {
                    return Prediction::Unresolved(Dual { lambda: problem.per_sample(&rows, &d.lambda), ..d });
                }
            };
            let new = problem.missing_rows(&rows, &solved.lambda);
            if new.is_empty() {
                return Prediction::Limit(problem.assemble(&rows, &solved));
            }
            warm = Some(solved.lambda.iter().copied().chain(vec![0.0; new.len()]).collect());
            rows.extend(new);
        }
        Prediction::Unresolved(Dual {
            lambda: warm.map_or_else(Vec::new, |w| problem.per_sample(&rows, &w)),
            max_margin: f64::NAN,
            kkt_residual: f64::INFINITY,
            pivots: 0,
        })
    }

    /// The effective slopes θ_ij (n×m), of every neuron: `W* = Σ_i λ_i y_i (a_j θ_ij x_i)_j`.
    pub fn slopes_of_neurons(&self) -> Matrix {
        per_neuron(&self.limit.span.groups, &self.slopes)
    }

    /// Whether every own-sign pair is on its given side in W*.
    pub fn consistent(&self) -> bool {
        self.limit.consistent()
    }

    /// The number of bits of a pattern (n×m) that W* does not show; the pairs that slide, which have no
    /// lasting bit, are not counted.
    pub fn differing_bits(&self, k: &Gram, pattern: &Pattern) -> usize {
        let (image, groups) = (k.image(&self.limit.span), &self.limit.span.groups);
        let slides = |i: usize, p: usize| self.pairs.iter().any(|s| (s.sample, s.group) == (i, p));
        let differs = |i: usize, j: usize| {
            let p = groups.of[j];
            (image[p][i] > 0.0) != pattern.get(i, j) && !slides(i, p)
        };
        (0..pattern.samples()).map(|i| (0..pattern.neurons()).filter(|&j| differs(i, j)).count()).sum()
    }

    /// Whether this is the limit of the activated pattern, \[H\], problem (5): no own-sign pair on the wrong
    /// side, and only the slope γ for the opposite sign.
    pub fn activated(&self, y: &[f64], network: &Network) -> bool {
        let opposite = |i: usize, p: usize| network.sign(self.limit.span.groups.first[p]) * y[i] < 0.0;
        let flat = |i: usize| (0..self.slopes.cols()).all(|p| !opposite(i, p) || self.slopes[(i, p)] <= network.leak);
        self.wrong_side.is_empty() && (0..y.len()).all(flat)
    }
}

/// The columns of the groups (n×P) as columns of the neurons (n×m).
fn per_neuron(groups: &Groups, grouped: &Matrix) -> Matrix {
    let rows = (0..grouped.rows()).flat_map(|i| groups.of.iter().map(move |p| grouped[(i, *p)]));
    Matrix::new(grouped.rows(), groups.of.len(), rows.collect())
}

/// One half-space: a sample and its slope in every group.
#[derive(Clone)]
struct Row {
    sample: usize,
    slopes: Vec<f64>,
}

struct Problem<'a> {
    k: &'a Gram,
    y: &'a [f64],
    network: &'a Network,
    sides: &'a Pattern,
    groups: Groups,
}

impl<'a> Problem<'a> {
    fn new(k: &'a Gram, y: &'a [f64], network: &'a Network, sides: &'a Pattern) -> Self {
        let mut seen = HashMap::new();
        let mut groups = Groups { first: Vec::new(), size: Vec::new(), of: Vec::new() };
        for j in 0..network.width {
            let own: Vec<bool> = (0..y.len()).map(|i| network.sign(j) * y[i] > 0.0 && sides.get(i, j)).collect();
            let p = *seen.entry((j < network.positive, own)).or_insert(groups.first.len());
            if p == groups.first.len() {
                groups.first.push(j);
                groups.size.push(0);
            }
            groups.size[p] += 1;
            groups.of.push(p);
        }
        Self { k, y, network, sides, groups }
    }

    fn own(&self, i: usize, p: usize) -> bool {
        self.network.sign(self.groups.first[p]) * self.y[i] > 0.0
    }

    fn share(&self, p: usize) -> f64 {
        self.groups.size[p] as f64 / self.network.width as f64
    }

    /// The row of sample i with the given slopes where the sign is opposite.
    fn row(&self, i: usize, opposite: impl Fn(usize) -> f64) -> Row {
        let slope = |p: usize| {
            if self.own(i, p) { self.sides.slope(self.network, i, self.groups.first[p]) } else { opposite(p) }
        };
        Row { sample: i, slopes: (0..self.groups.len()).map(slope).collect() }
    }

    fn row_gram(&self, rows: &[Row]) -> Matrix {
        let weighted =
            |row: &Row| -> Vec<f64> { row.slopes.iter().enumerate().map(|(p, c)| self.share(p) * c).collect() };
        let mut h = Matrix::zeros(rows.len(), rows.len());
        for r in 0..rows.len() {
            let (a, scaled) = (rows[r].sample, weighted(&rows[r]));
            for s in 0..=r {
                let b = rows[s].sample;
                let overlap: f64 = scaled.iter().zip(&rows[s].slopes).map(|(c, d)| c * d).sum();
                let value = self.y[a] * self.y[b] * self.k.0[(a, b)] * overlap;
                h[(r, s)] = value;
                h[(s, r)] = value;
            }
        }
        h
    }

    fn per_sample(&self, rows: &[Row], weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.y.len()];
        rows.iter().zip(weights).for_each(|(r, l)| sum[r.sample] += l);
        sum
    }

    /// `ν_ip = Σ_r λ_r c_rp` (n×P).
    fn weights(&self, rows: &[Row], lambda: &[f64]) -> Matrix {
        let mut nu = Matrix::zeros(self.y.len(), self.groups.len());
        for (row, l) in rows.iter().zip(lambda) {
            nu.row_mut(row.sample).iter_mut().zip(&row.slopes).for_each(|(nu, c)| *nu = l.mul_add(*c, *nu));
        }
        nu
    }

    /// The effective slopes `θ_ip = ν_ip/λ_i` (n×P); the given ones and γ where `λ_i = 0`.
    fn slopes(&self, rows: &[Row], lambda: &[f64]) -> Matrix {
        let (total, nu) = (self.per_sample(rows, lambda), self.weights(rows, lambda));
        let mut slopes = Matrix::zeros(nu.rows(), nu.cols());
        for (i, total) in total.into_iter().enumerate() {
            let resting = self.row(i, |_| self.network.leak).slopes;
            for (p, resting) in resting.into_iter().enumerate() {
                slopes[(i, p)] = if total > 0.0 { nu[(i, p)] / total } else { resting };
            }
        }
        // a quotient of rounded numbers stays among the slopes of the rows that carry weight
        let mut bounds = vec![(f64::INFINITY, 0.0f64); slopes.values().len()];
        for (row, _) in rows.iter().zip(lambda).filter(|(_, l)| **l > 0.0) {
            let own = &mut bounds[row.sample * nu.cols()..];
            own.iter_mut().zip(&row.slopes).for_each(|(b, c)| *b = (b.0.min(*c), b.1.max(*c)));
        }
        for (slope, (least, most)) in slopes.values_mut().iter_mut().zip(bounds) {
            *slope = if least <= most { slope.clamp(least, most) } else { *slope };
        }
        slopes
    }

    /// `W* = Σ_r λ_r Φ_r`: column p is `a_p y_i ν_ip`.
    fn span(&self, nu: &Matrix) -> Span {
        let column = |p: usize| {
            let a = self.network.output(self.groups.first[p]);
            (0..self.y.len()).map(|i| a * self.y[i] * nu[(i, p)]).collect()
        };
        Span { columns: (0..self.groups.len()).map(column).collect(), groups: self.groups.clone() }
    }

    /// The rows that the margins of the solution use and the problem does not have yet.
    fn missing_rows(&self, rows: &[Row], lambda: &[f64]) -> Vec<Row> {
        let span = self.span(&self.weights(rows, lambda));
        let image = self.k.image(&span);
        let row = |i: usize| self.row(i, |p| if image[p][i] > 0.0 { 1.0 } else { self.network.leak });
        let short = |r: &Row| {
            let i = r.sample;
            let term = |p: usize| {
                let a = self.network.output(self.groups.first[p]);
                self.y[i] * a * r.slopes[p] * image[p][i] * self.groups.size[p] as f64
            };
            let (q, scale) = (0..self.groups.len()).map(term).fold((0.0, 1.0), |(q, s), t| (q + t, s + t.abs()));
            q < 1.0 - SHORTFALL * scale
        };
        let known = |r: &Row| rows.iter().any(|s| s.sample == r.sample && s.slopes == r.slopes);
        (0..self.y.len()).map(row).filter(|r| short(r) && !known(r)).collect()
    }

    fn assemble(&self, rows: &[Row], solved: &Dual) -> Sliding {
        let (n, leak) = (self.y.len(), self.network.leak);
        let lambda = self.per_sample(rows, &solved.lambda);
        let nu = self.weights(rows, &solved.lambda);
        let slopes = self.slopes(rows, &solved.lambda);
        let carries = |i: usize, p: usize, c: f64| {
            let carrying = |(r, l): (&Row, &f64)| r.sample == i && *l > 0.0 && r.slopes[p] == c;
            rows.iter().zip(&solved.lambda).any(carrying)
        };
        let all = (0..n).flat_map(|i| (0..self.groups.len()).map(move |p| (i, p)));
        let slides = |&(i, p): &(usize, usize)| !self.own(i, p) && carries(i, p, 1.0) && carries(i, p, leak);
        let pair = |(i, p): (usize, usize)| SlidingPair {
            sample: i,
            group: p,
            sign: -self.y[i],
            slope: slopes[(i, p)],
            fraction: (slopes[(i, p)] - leak) / (1.0 - leak),
        };
        let pairs: Vec<SlidingPair> = all.filter(slides).map(pair).collect();
        let span = self.span(&nu);
        let share = |i: usize| (0..self.groups.len()).map(|p| self.y[i] * self.share(p) * nu[(i, p)]).sum();
        let image = self.k.image(&span);
        let limit = Limit {
            max_margin: solved.max_margin,
            norm: solved.lambda.iter().sum::<f64>().sqrt(),
            kkt_residual: solved.kkt_residual,
            pivots: solved.pivots,
            inconsistent: self.own_pairs(|i, j| (image[self.groups.of[j]][i] > 0.0) != self.sides.get(i, j)),
            nu: self.rate_exponent(&lambda, &slopes, &pairs),
            boundary_coefficients: (0..n).map(share).collect(),
            span,
            lambda,
        };
        Sliding { limit, slopes, pairs, wrong_side: self.own_pairs(|i, j| !self.sides.get(i, j)) }
    }

    fn own_pairs(&self, condition: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
        let pairs = (0..self.y.len()).flat_map(|i| (0..self.network.width).map(move |j| (i, j)));
        pairs.filter(|&(i, j)| self.own(i, self.groups.of[j]) && condition(i, j)).collect()
    }

    /// The rate exponent. While pairs σ slide, their slopes follow so that z stays 0, which projects
    /// every feature onto the complement of the kinks `δ_kp = y_k a_p (x_k in group p)`. With
    /// `A_ik = y_i y_k K_ik Σ_p (m_p/m) θ_ip θ_kp`, `D = ⟨δ,δ⟩` and `B = ⟨Φ,δ⟩` on the support, it is the
    /// smallest eigenvalue of `√λ (A − B D⁻¹ Bᵀ) √λ`.
    fn rate_exponent(&self, lambda: &[f64], slopes: &Matrix, pairs: &[SlidingPair]) -> f64 {
        let support: Vec<usize> = (0..lambda.len()).filter(|&i| lambda[i] > 0.0).collect();
        let s = support.len();
        let signed = |i: usize, k: usize| self.y[i] * self.y[k] * self.k.0[(i, k)];
        let overlap = |i: usize, k: usize| {
            (0..self.groups.len()).map(|p| self.share(p) * slopes[(i, p)] * slopes[(k, p)]).sum::<f64>()
        };
        let mut effective =
            faer::Mat::from_fn(s, s, |r, c| signed(support[r], support[c]) * overlap(support[r], support[c]));
        if !pairs.is_empty() {
            let d = faer::Mat::from_fn(pairs.len(), pairs.len(), |r, c| {
                let (a, b) = (pairs[r], pairs[c]);
                if a.group == b.group { self.share(a.group) * signed(a.sample, b.sample) } else { 0.0 }
            });
            let b = faer::Mat::from_fn(s, pairs.len(), |r, c| {
                let (i, q) = (support[r], pairs[c]);
                self.share(q.group) * slopes[(i, q.group)] * signed(i, q.sample)
            });
            let Ok(factor) = d.llt(faer::Side::Lower) else { return f64::NAN };
            effective -= &b * factor.solve(b.transpose());
        }
        let root = |r: usize| lambda[support[r]].sqrt();
        smallest_eigenvalue(&faer::Mat::from_fn(s, s, |r, c| root(r) * effective[(r, c)] * root(c)))
    }
}
