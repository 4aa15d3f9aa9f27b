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

use super::factor::Factor;
use crate::descent::span::SpanProblem;
use crate::descent::symmetric::Symmetric;
use crate::matrix::Matrix;
use crate::network::Groups;
use farfield_kernels::dense;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
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
        Self::with(problem, places, &[])
    }

    /// The mode with these places after this one: groups that stay as they are are not worked out again.
    pub fn then(&self, problem: &Arc<SpanProblem>, places: Vec<Place>) -> Option<Self> {
        Self::with(problem, places, &self.parts)
    }

    fn with(problem: &Arc<SpanProblem>, places: Vec<Place>, known: &[Part]) -> Option<Self> {
        let groups = groups(problem, &places);
        let part = |&j: &usize| {
            let (slopes, kinks) = sides(problem, &places, j);
            match known.iter().find(|part| part.slopes == slopes && part.kinks == kinks) {
                Some(part) => Some(Part { first: j, ..part.clone() }),
                None => Part::new(problem, j, slopes, kinks),
            }
        };
        let parts: Vec<Part> = groups.first.iter().map(part).collect::<Option<_>>()?;
        let h = reduced(problem, &groups, &parts);
        let diagonal = (0..problem.n()).map(|i| h[(i, i)].max(0.0)).collect();
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

    /// [`Part::column`] of each part, one after the other.
    pub fn columns(&self, problem: &SpanProblem, e: &[f64]) -> Vec<f64> {
        self.parts.iter().flat_map(|part| part.column(problem, e)).collect()
    }

    /// The part of neuron j.
    pub fn part_of(&self, j: usize) -> &Part {
        &self.parts[self.groups.of[j]]
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
    fn new(problem: &SpanProblem, first: usize, slopes: Vec<f64>, kinks: Vec<usize>) -> Option<Self> {
        let (n, m, k, y) = (problem.n(), problem.network.width, &problem.gram.0, &problem.labels);
        let factor = Factor::new(kinks.len(), |r, c| k[(kinks[r], kinks[c])])?;
        let mut half = factor.half(problem, &kinks);
        let mut coupling = (n * n * m <= COUPLED).then(|| Matrix::zeros(n, n));
        if let Some(coupling) = &mut coupling {
            let rows = |first: usize, out: &mut [f64]| across(&half, first, &k.values()[first * n..][..out.len()], out);
            each(coupling.values_mut(), n, dense::TOGETHER, &rows);
        }
        factor.backward(&mut half);
        for (r, kink) in kinks.iter().enumerate() {
            let row = half.row_mut(r).iter_mut().zip(y).zip(&slopes);
            row.for_each(|((w, y_l), s)| *w *= -(y[*kink] * y_l * s));
        }
        Some(Self { first, kinks, slopes, factor, weights: half, coupling: coupling.map(Arc::new) })
    }

    /// The inner products of the samples across the kinks, K̃ (n×n); none where these are too many numbers.
    pub fn coupling(&self) -> Option<&Matrix> {
        self.coupling.as_deref()
    }

    /// Whether it is the same reduced problem as another part.
    pub fn same(&self, other: &Self) -> bool {
        self.slopes == other.slopes && self.kinks == other.kinks
    }

    /// The slope of the side of sample i; 0 on σ.
    pub fn slope(&self, i: usize) -> f64 {
        self.slopes[i]
    }

    /// The samples off σ.
    pub fn outside(&self) -> impl Iterator<Item = usize> {
        (0..self.slopes.len()).filter(|i| self.slopes[*i] != 0.0)
    }

    /// All samples but σ.
    pub fn off_kinks(&self) -> impl Iterator<Item = usize> {
        let mut kinks = self.kinks.iter().peekable();
        (0..self.slopes.len()).filter(move |i| kinks.next_if_eq(&i).is_none())
    }

    /// Row i of K̃ (length n), 0 on σ.
    pub fn across_row(&self, problem: &SpanProblem, i: usize) -> Vec<f64> {
        let row = problem.gram.0.row(i);
        let along = self.excess(self.kinks.iter().map(|k| row[*k]).collect());
        self.across_kinks(problem, row.to_vec(), &along)
    }

    /// The coefficient that keeps a neuron on the kink of sample k of σ, as a row for those off σ: `−(K_σσ⁻¹ K_σ·)_k`, 0 on σ.
    pub fn keeping_row(&self, problem: &SpanProblem, k: usize) -> Vec<f64> {
        let along = self.excess(self.kinks.iter().map(|kink| f64::from(u8::from(*kink == k))).collect());
        self.across_kinks(problem, vec![0.0; self.slopes.len()], &along)
    }

    /// `row − Σ_σ along_σ K_σ·`, 0 on σ.
    fn across_kinks(&self, problem: &SpanProblem, mut row: Vec<f64>, along: &[f64]) -> Vec<f64> {
        self.kinks.iter().zip(along).for_each(|(k, c)| dense::add_scaled(-c, problem.gram.0.row(*k), &mut row));
        self.kinks.iter().for_each(|k| row[*k] = 0.0);
        row
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
        let mut nu = vec![0.0; self.kinks.len()];
        dense::dots(e, self.weights.values(), &mut nu);
        self.kinks.iter().zip(nu).for_each(|(kink, nu)| weighted[*kink] = nu);
        weighted
    }

    /// θ on σ at weights e.
    pub fn slopes_on_kinks(&self, e: &[f64]) -> Vec<f64> {
        let nu = self.weights(e);
        self.kinks.iter().map(|k| nu[*k] / e[*k]).collect()
    }

    /// θ on one of the kinks, by its place among them.
    pub fn slope_on_kink(&self, r: usize, e: &[f64]) -> f64 {
        let mut nu = [0.0];
        dense::dots(e, self.weights.row(r), &mut nu);
        nu[0] / e[self.kinks[r]]
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

/// The slopes of the sides of neuron j (length n), 0 on its kinks, and these.
fn sides(problem: &SpanProblem, places: &[Place], j: usize) -> (Vec<f64>, Vec<usize>) {
    let (n, m) = (problem.n(), problem.network.width);
    let slope = |i: usize| match places[i * m + j] {
        Place::Below => problem.network.leak,
        Place::Kink => 0.0,
        Place::Above => 1.0,
    };
    ((0..n).map(slope).collect(), (0..n).filter(|i| places[i * m + j] == Place::Kink).collect())
}

/// Rows from the first one on of `K − K_·σ K_σσ⁻¹ K_σ·` from those of K and `L⁻¹K_σ·`.
fn across(half: &Matrix, first: usize, k: &[f64], out: &mut [f64]) {
    let (n, s) = (half.cols(), half.rows());
    if s == 0 {
        return out.copy_from_slice(k);
    }
    let columns: Vec<f64> = (first..first + k.len() / n).flat_map(|i| (0..s).map(move |r| half[(r, i)])).collect();
    dense::combine_all(&columns, s, half.values(), n, out);
    out.iter_mut().zip(k).for_each(|(along, k)| *along = k - *along);
}

/// H of these parts, its lower half: `H_ik = Σ_g (m_g/m) y_i s_i K̃_ik y_k s_k`, a row after the other.
fn reduced(problem: &SpanProblem, groups: &Groups, parts: &[Part]) -> Matrix {
    let n = problem.n();
    let signed = |part: &Part| problem.labels.iter().zip(&part.slopes).map(|(y, s)| y * s).collect::<Vec<f64>>();
    let signed: Vec<Vec<f64>> = parts.iter().map(signed).collect();
    let half = |part: &Part| part.coupling.is_none().then(|| part.factor.half(problem, &part.kinks));
    let halves: Vec<Option<Matrix>> = parts.iter().map(half).collect();
    let row = |i: usize, out: &mut [f64]| {
        let mut found = vec![0.0; if halves.iter().all(Option::is_none) { 0 } else { n }];
        for (g, part) in parts.iter().enumerate() {
            let row = match (&part.coupling, &halves[g]) {
                (None, Some(half)) => {
                    across(half, i, problem.gram.0.row(i), &mut found);
                    &found
                }
                (coupling, _) => coupling.as_ref().expect("one of both").row(i),
            };
            let scale = groups.size[g] as f64 / problem.network.width as f64 * signed[g][i];
            let (signed, across, out) = (&signed[g][..=i], &row[..=i], &mut out[..=i]);
            Isa::current().dispatch(AddRow { scale, signed, across, out });
        }
    };
    let mut h = Matrix::zeros(n, n);
    each(h.values_mut(), n, 1, &row);
    h
}

/// Samples from which on rows are worked out on all threads.
const MANY: usize = 256;

/// Works out rows of n numbers, so many at a time.
fn each(values: &mut [f64], n: usize, rows: usize, work: &(dyn Fn(usize, &mut [f64]) + Sync)) {
    if n < MANY {
        values.chunks_mut(rows * n.max(1)).enumerate().for_each(|(at, out)| work(at * rows, out));
    } else {
        values.par_chunks_mut(rows * n).with_min_len(16).enumerate().for_each(|(at, out)| work(at * rows, out));
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

/// `h_l ← h_l + scale·y_l s_l K̃_il`, a row of H.
struct AddRow<'a> {
    scale: f64,
    signed: &'a [f64], // y_l s_l
    across: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for AddRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { scale, signed, across, out } = self;
        for ((h, signed), across) in out.iter_mut().zip(signed).zip(across) {
            *h = (scale * signed).mul_add(*across, *h);
        }
    }
}
