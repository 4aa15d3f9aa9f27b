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

use super::carried::Carried;
use super::in_order::{Cholesky, product};
use super::rows::{Overlaps, Rows};
use super::search::{self, Answer, Found};
use super::smallest::smallest_eigenvalue;
use super::{Farkas, Inseparable, Limit, Prediction};
use crate::data::slabs::Whole;
use crate::inner_products::{Gram, InnerProducts};
use crate::matrix::{Matrix, View};
use crate::network::{Groups, Network, Pattern};
use std::collections::HashMap;

/// The limit for given sides of the own-sign pairs, opposite-sign pairs free to slide.
#[derive(Clone, Debug)]
pub struct Sliding {
    /// λ (one per sample), the direction and its properties; `inconsistent` lists the own-sign pairs
    /// (sample, neuron) whose side in W* is not the given one.
    pub limit: Limit,
    /// The effective slopes θ_ip (n×P, row-major) of the groups of `limit.direction`; the assumed or γ
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
    /// The group of neurons, an index into the groups of `limit.direction`.
    pub group: usize,
    /// Sign of `a_j` of the group, `−y_i`.
    pub sign: f64,
    /// The effective slope θ.
    pub slope: f64,
    /// The predicted fraction of steps with `z > 0`.
    pub fraction: f64,
}

impl Sliding {
    /// The limit with every own-sign pair on its positive side, for K (n×n), X (n×d) if it is known, and n labels ±1.
    /// `warm` are estimates of λ (n), such as `α c t ℓ_i`.
    pub fn solve(
        k: &Gram,
        x: Option<&dyn Whole>,
        y: &[f64],
        network: &Network,
        warm: Option<&[f64]>,
    ) -> Prediction<Self> {
        Self::with_sides(k, x, y, network, &Pattern::activated(network, y), warm)
    }

    /// The limit with the own-sign pairs on the sides that `sides` (n×m) shows; its other bits do not
    /// matter. X is asked where the rounding of K hides the answer, as in [`Limit::of_pattern`].
    pub fn with_sides(
        k: &Gram,
        x: Option<&dyn Whole>,
        y: &[f64],
        network: &Network,
        sides: &Pattern,
        warm: Option<&[f64]>,
    ) -> Prediction<Self> {
        Self::begun_from(k, x, y, network, sides, warm, &Carried::default())
    }

    /// The same; the search begins with the rows that carry another limit, if there are any.
    pub(crate) fn begun_from(
        k: &Gram,
        x: Option<&dyn Whole>,
        y: &[f64],
        network: &Network,
        sides: &Pattern,
        warm: Option<&[f64]>,
        carried: &Carried,
    ) -> Prediction<Self> {
        let mut rows = least_slopes(y, network, sides);
        match search::search(k, x, &mut rows, warm, carried) {
            Found::Separable(answer) => Prediction::Limit(Self::assemble(k, rows, answer, sides)),
            Found::NotSeparable(weights, relative) => {
                let slopes = per_neuron(&rows.groups, &effective_slopes(&rows, &weights));
                let farkas = Farkas { lambda: rows.per_sample(&weights), relative };
                Prediction::NotSeparable(Inseparable { farkas, slopes, ray: None })
            }
            Found::Undecided(best) => Prediction::Undecided(best.of(&rows)),
        }
    }

    /// The same limit, refined and proved from X (n×d), as [`Limit::verify`]; `sides` as it was solved with.
    pub fn verify<'x>(&mut self, k: &Gram, x: impl Into<View<'x>>, sides: &Pattern) {
        let mut rows = self.limit.rows.clone();
        let answer = search::sharpen(k, x.into(), &mut rows, &self.limit.answer);
        *self = Self::assemble(k, rows, answer, sides);
    }

    /// From weights of the rows.
    fn assemble(k: &Gram, rows: Rows, answer: Answer, sides: &Pattern) -> Self {
        let (n, network, weights) = (rows.y.len(), rows.network, answer.weights.clone());
        let slopes = effective_slopes(&rows, &weights);
        let mut carried = vec![(false, false); slopes.values().len()]; // by a row with slope 1, with slope γ
        for (row, _) in rows.list.iter().zip(&weights).filter(|(_, l)| **l > 0.0) {
            let carried = &mut carried[row.sample * row.slopes.len()..];
            for (carried, c) in carried.iter_mut().zip(&row.slopes) {
                *carried = (carried.0 || *c == 1.0, carried.1 || *c == network.leak);
            }
        }
        let all = (0..n).flat_map(|i| (0..rows.groups.len()).map(move |p| (i, p)));
        let either = |i: usize, p: usize| carried[i * rows.groups.len() + p] == (true, true);
        let slides = |&(i, p): &(usize, usize)| !(network.linear() || rows.own(i, p)) && either(i, p);
        let pair = |(i, p): (usize, usize)| SlidingPair {
            sample: i,
            group: p,
            sign: -rows.y[i],
            slope: slopes[(i, p)],
            fraction: (slopes[(i, p)] - network.leak) / (1.0 - network.leak),
        };
        let pairs: Vec<SlidingPair> = all.filter(slides).map(pair).collect();
        let own = |i: usize, j: usize| network.sign(j) * rows.y[i] > 0.0;
        let every = (0..n).flat_map(|i| (0..network.width).map(move |j| (i, j)));
        let wrong = |&(i, j): &(usize, usize)| own(i, j) && !(sides.get(i, j) || network.linear());
        let wrong_side = every.filter(wrong).collect();
        let side = {
            let y = rows.y.clone();
            move |i: usize, j: usize| (network.sign(j) * y[i] > 0.0).then(|| sides.get(i, j))
        };
        let limit = Limit::assemble(k, rows, answer, side);
        Self { limit, slopes, pairs, wrong_side }
    }

    /// The effective slopes θ_ij (n×m), of every neuron: `W* = Σ_i λ_i y_i (a_j θ_ij x_i)_j`.
    pub fn slopes_of_neurons(&self) -> Matrix {
        per_neuron(&self.limit.direction.groups, &self.slopes)
    }

    /// The rate exponent ν with sliding pairs, where [`Limit::rate_exponent`] is that of a fixed pattern. It takes as long as the limit.
    pub fn rate_exponent(&self, k: &Gram) -> f64 {
        rate_exponent(k, &self.limit.rows, &self.limit.lambda, &self.slopes, &self.pairs)
    }

    /// The rows that carry the limit.
    pub(crate) fn carried(&self) -> Carried {
        Carried::new(&self.limit.rows, &self.limit.answer.weights)
    }

    /// Whether every own-sign pair is on its given side in W*.
    pub fn consistent(&self) -> bool {
        self.limit.consistent()
    }

    /// The number of bits of a pattern (n×m) that W* does not show; the pairs that slide, which have no
    /// lasting bit, are not counted.
    pub fn differing_bits(&self, k: &Gram, pattern: &Pattern) -> usize {
        let (image, groups) = (k.image(&self.limit.direction), &self.limit.direction.groups);
        let kinks = !self.limit.rows.network.linear();
        let slides = |i: usize, p: usize| self.pairs.iter().any(|s| (s.sample, s.group) == (i, p));
        let differs = |i: usize, j: usize| {
            let p = groups.of[j];
            kinks && (image[p][i] > 0.0) != pattern.get(i, j) && !slides(i, p)
        };
        (0..pattern.samples()).map(|i| (0..pattern.neurons()).filter(|&j| differs(i, j)).count()).sum()
    }

    /// Whether this is the limit of the activated pattern, \[H\], problem (5): no own-sign pair on the wrong
    /// side, and only the slope γ for the opposite sign.
    pub fn activated(&self, y: &[f64], network: &Network) -> bool {
        let opposite = |i: usize, p: usize| network.sign(self.limit.direction.groups.first[p]) * y[i] < 0.0;
        let flat = |i: usize| (0..self.slopes.cols()).all(|p| !opposite(i, p) || self.slopes[(i, p)] <= network.leak);
        self.wrong_side.is_empty() && (0..y.len()).all(flat)
    }
}

/// The columns of the groups (n×P) as columns of the neurons (n×m).
pub(super) fn per_neuron(groups: &Groups, grouped: &Matrix) -> Matrix {
    let rows = (0..grouped.rows()).flat_map(|i| groups.of.iter().map(move |p| grouped[(i, *p)]));
    Matrix::new(grouped.rows(), groups.of.len(), rows.collect())
}

/// Groups of neurons with equal sign and equal own-sign sides, and the row of each sample whose opposite-sign slopes are all γ.
pub(super) fn least_slopes(y: &[f64], network: &Network, sides: &Pattern) -> Rows {
    let mut seen = HashMap::new();
    let mut groups = Groups { first: Vec::new(), size: Vec::new(), of: Vec::new() };
    for j in 0..network.width {
        let side = |i: usize| sides.get(i, j) || network.linear();
        let mut own = vec![0u64; y.len().div_ceil(64)];
        (0..y.len()).filter(|&i| network.sign(j) * y[i] > 0.0 && side(i)).for_each(|i| own[i / 64] |= 1 << (i % 64));
        let p = *seen.entry((j < network.positive, own)).or_insert(groups.first.len());
        if p == groups.first.len() {
            groups.first.push(j);
            groups.size.push(0);
        }
        groups.size[p] += 1;
        groups.of.push(p);
    }
    let own = |i: usize, j: usize| network.sign(j) * y[i] > 0.0;
    let slope = |i: usize, j: usize| if own(i, j) { sides.slope(network, i, j) } else { network.leak };
    let mut rows = Rows::fixed(y, network, groups, slope);
    rows.sliding = true;
    rows
}

/// The effective slopes `θ_ip = ν_ip/λ_i` (n×P); the given ones and γ where `λ_i = 0`.
pub(super) fn effective_slopes(rows: &Rows, weights: &[f64]) -> Matrix {
    let (total, nu) = (rows.per_sample(weights), rows.by_group(weights));
    let mut slopes = Matrix::zeros(nu.rows(), nu.cols());
    for (i, total) in total.into_iter().enumerate() {
        for (p, resting) in rows.list[i].slopes.iter().enumerate() {
            slopes[(i, p)] = if total > 0.0 { nu[(i, p)] / total } else { *resting };
        }
    }
    // a quotient of rounded numbers stays among the slopes of the rows that carry weight
    let mut bounds = vec![(f64::INFINITY, 0.0f64); slopes.values().len()];
    for (row, _) in rows.list.iter().zip(weights).filter(|(_, l)| **l > 0.0) {
        let own = &mut bounds[row.sample * nu.cols()..];
        own.iter_mut().zip(&row.slopes).for_each(|(b, c)| *b = (b.0.min(*c), b.1.max(*c)));
    }
    for (slope, (least, most)) in slopes.values_mut().iter_mut().zip(bounds) {
        *slope = if least <= most { slope.clamp(least, most) } else { *slope };
    }
    slopes
}

/// The rate exponent. While pairs σ slide, their slopes follow so that z stays 0, which projects
/// every feature onto the complement of the kinks `δ_kp = y_k a_p (x_k in group p)`. With
/// `A_ik = y_i y_k K_ik Σ_p (m_p/m) θ_ip θ_kp`, `D = ⟨δ,δ⟩` and `B = ⟨Φ,δ⟩` on the support, it is the
/// smallest eigenvalue of `√λ (A − B D⁻¹ Bᵀ) √λ`.
fn rate_exponent(k: &Gram, rows: &Rows, lambda: &[f64], slopes: &Matrix, pairs: &[SlidingPair]) -> f64 {
    let support: Vec<usize> = (0..lambda.len()).filter(|&i| lambda[i] > 0.0).collect();
    let s = support.len();
    let overlaps = Overlaps::new(&rows.shares(), support.iter().map(|&i| slopes.row(i)));
    let root: Vec<f64> = support.iter().map(|&i| lambda[i].sqrt()).collect();
    // signs y_i turn rows and columns alike: no eigenvalue depends on them
    let along = if pairs.is_empty() {
        None
    } else {
        let d = faer::Mat::from_fn(pairs.len(), pairs.len(), |r, c| {
            let (a, b) = (pairs[r], pairs[c]);
            if a.group == b.group { rows.share(a.group) * k.0[(a.sample, b.sample)] } else { 0.0 }
        });
        let b = faer::Mat::from_fn(s, pairs.len(), |r, c| {
            let (i, q) = (support[r], pairs[c]);
            rows.share(q.group) * slopes[(i, q.group)] * k.0[(i, q.sample)]
        });
        let Some(factor) = Cholesky::new(d) else { return f64::NAN };
        Some(product(b.as_ref(), factor.solve(b.transpose().to_owned()).as_ref()))
    };
    let scaled = |of: &Vec<f64>| overlaps.class.iter().zip(&root).map(|(class, root)| of[*class] * root).collect();
    let scaled: Vec<Vec<f64>> = overlaps.table.iter().map(scaled).collect();
    smallest_eigenvalue(s, |r, row| {
        let products = k.0.row(support[r]);
        row.iter_mut().zip(&support).for_each(|(a, i)| *a = products[*i]);
        row.iter_mut().zip(&scaled[overlaps.class[r]]).for_each(|(a, scaled)| *a *= scaled * root[r]);
        if let Some(along) = &along {
            let part = |c: usize| along[(r.max(c), r.min(c))] * root[c] * root[r];
            row.iter_mut().enumerate().for_each(|(c, a)| *a -= part(c));
        }
    })
}
