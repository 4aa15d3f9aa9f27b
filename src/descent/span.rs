//! Gradient descent in the span of the data: the general step on `K = XXᵀ`, for any pattern.
//!
//! Every iterate is `w_j(t) = w_j(0) + Xᵀc_j(t)`, so n coefficients per neuron are the whole state:
//!
//! ```text
//! q_i = y_i Σ_j a_j φ(z_ij)                       margins
//! s_g = (αc s(q_k) y_k a_j g_kj)_k                s = −ℓ', one column for each of the P groups of neurons
//! C_j ← C_j + s_g,   Z_j ← Z_j + K s_g            for every neuron j of group g
//! ```
//!
//! A group shares the sign of `a_j` and the column of bits `z_ij > 0`, hence the update: P products
//! with K a step, whatever m and d. C and Z are compensated sums. The pattern is read off Z after
//! every step.

use super::compensated::{Compensated, dot};
use super::symmetric::Symmetric;
use super::{anchored, elsewhere};
use crate::data::{HeldOut, slabs::X};
use crate::digest::{Digest, Hasher};
use crate::engine::{Flips, Iterate};
use crate::inner_products::{Direction, Gram, InnerProducts};
use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};
use crate::state::{Reader, Result, Saver};
use farfield_kernels::loss::Loss;
use std::sync::{Arc, OnceLock};

/// The starting point W(0), as far as the span of the data sees it.
#[derive(Clone, Debug)]
pub struct SpanStart {
    /// `Z(0) = X W(0)ᵀ` (n×m, row-major).
    pub preactivations: Vec<f64>,
    /// `‖w_j(0)‖²`, length m.
    pub squared_norms: Vec<f64>,
    /// W(0) (m×d), where it exists.
    pub weights: Option<Arc<Matrix>>,
}

impl SpanStart {
    /// From W(0) (m×d) and `Z(0) = X W(0)ᵀ` (n×m, row-major).
    pub fn new(weights: impl Into<Arc<Matrix>>, preactivations: Vec<f64>) -> Self {
        let weights = weights.into();
        let squared_norms = (0..weights.rows()).map(|j| crate::matrix::norm(weights.row(j)).powi(2)).collect();
        Self { preactivations, squared_norms, weights: Some(weights) }
    }
}

/// What stays fixed during descent in the span of the data.
#[derive(Debug)]
pub struct SpanProblem {
    /// `K = XXᵀ` (n×n).
    pub gram: Arc<Gram>,
    /// The samples (n×d), where they exist in this process: K may be sampled without them.
    pub samples: Option<Arc<Matrix>>,
    /// Labels ±1, length n.
    pub labels: Vec<f64>,
    /// The network.
    pub network: Network,
    /// The loss.
    pub loss: Loss,
    /// `αc`, step size times the factor of the loss (1 or 1/n).
    pub rate: f64,
    /// W at the t where this description begins.
    pub start: SpanStart,
    x: Option<X>,
    product: Symmetric,
    bound: Symmetric,
    fingerprint: OnceLock<Digest>,
    /// `X'W(0)ᵀ` of the samples that are not trained on, once it was asked for.
    pub elsewhere: OnceLock<Vec<f64>>,
    neurons: OnceLock<Option<Matrix>>, // W(0) W(0)ᵀ, once it was asked for
}

impl SpanProblem {
    /// Gathers the parts and prepares the products with `K` and `|K|`.
    ///
    /// # Panics
    /// If the shapes of the parts do not fit together.
    pub fn new(
        gram: Arc<Gram>,
        samples: Option<Arc<Matrix>>,
        labels: Vec<f64>,
        network: Network,
        (loss, rate): (Loss, f64),
        start: SpanStart,
    ) -> Self {
        let n = labels.len();
        assert_eq!((gram.0.rows(), gram.0.cols()), (n, n), "K is n x n");
        assert_eq!(start.preactivations.len(), n * network.width, "Z is n x m");
        assert_eq!(start.squared_norms.len(), network.width, "one norm per neuron");
        let product = Symmetric::new(&gram.0);
        let bound = Symmetric::new(&Matrix::new(n, n, gram.0.values().iter().map(|k| k.abs()).collect()));
        let (fingerprint, elsewhere, neurons) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let x = samples.clone().map(X::from);
        Self { gram, samples, x, labels, network, loss, rate, start, product, bound, fingerprint, elsewhere, neurons }
    }

    /// The same with these samples, which may be shared out.
    pub fn with_samples(self, x: X) -> Self {
        let samples = if let X::Here(x) = &x { Some(x.clone()) } else { None };
        Self { samples, x: Some(x), ..self }
    }

    /// The samples, wherever they are.
    pub fn x(&self) -> Option<&X> {
        self.x.as_ref()
    }

    /// Number of samples n.
    pub fn n(&self) -> usize {
        self.labels.len()
    }

    /// `out = K·v`.
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        self.product.multiply(v, out);
    }

    /// The digest of all of it.
    pub fn fingerprint(&self) -> &Digest {
        self.fingerprint.get_or_init(|| {
            let Network { width, positive, leak } = self.network;
            let start = &self.start;
            let mut hasher = Hasher::default();
            hasher.bytes(self.loss.name().as_bytes());
            hasher.numbers(&[self.n() as f64, width as f64, positive as f64, leak, self.rate]).numbers(&self.labels);
            hasher.numbers(&start.preactivations).numbers(&start.squared_norms).numbers(self.gram.0.values()).finish()
        })
    }

    /// `W(0) W(0)ᵀ` (m×m), where W(0) is held.
    fn neurons(&self) -> Option<&Matrix> {
        self.neurons.get_or_init(|| self.start.weights.as_ref().map(|w| w.row_products())).as_ref()
    }

    /// `out = |K|·v` for `v ≥ 0`: how far `K·u` can reach when `|u| ≤ v`.
    pub fn reach(&self, v: &[f64], out: &mut [f64]) {
        self.bound.multiply(v, out);
    }
}

/// The iterate `W(t) = W(0) + CᵀX` with its pattern.
#[derive(Clone, Debug)]
pub struct Coefficients {
    problem: Arc<SpanProblem>,
    t: f64,
    c: Compensated, // n×m, row-major
    z: Compensated, // n×m, row-major
    pattern: Pattern,
    groups: Groups,
    features: Vec<Vec<f64>>, // of each group: y_k a_j g_kj
    flips: Flips,
}

impl Coefficients {
    /// The problem's starting point, reached at `t` with `flips` behind it.
    pub fn new(problem: Arc<SpanProblem>, t: f64, flips: Flips) -> Self {
        let z = Compensated::new(problem.start.preactivations.clone());
        let c = Compensated::zeros(z.hi().len());
        Self::from_parts(problem, t, flips, c, z)
    }

    /// The iterate with coefficients `c` and pre-activations `z` (n×m, row-major).
    pub fn from_parts(problem: Arc<SpanProblem>, t: f64, flips: Flips, c: Compensated, z: Compensated) -> Self {
        let pattern = problem.network.pattern(z.hi(), problem.n());
        let groups = pattern.groups(&problem.network);
        let mut state = Self { problem, t, c, z, pattern, groups, features: Vec::new(), flips };
        state.regroup();
        state
    }

    /// Writes t, C and Z; the flips are in the diary.
    pub fn save(&self, out: &mut Saver) {
        out.number("t", self.t);
        self.c.save(out, "coefficients");
        self.z.save(out, "preactivations");
    }

    /// Reads what [`Coefficients::save`] wrote, and the flips.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(problem: Arc<SpanProblem>, from: &Reader) -> Result<Self> {
        let pairs = problem.n() * problem.network.width;
        let c = Compensated::restore(from, "coefficients", pairs)?;
        let z = Compensated::restore(from, "preactivations", pairs)?;
        Ok(Self::from_parts(problem, from.time("t")?, Flips::restore(from)?, c, z))
    }

    /// What stays fixed.
    pub fn problem(&self) -> &Arc<SpanProblem> {
        &self.problem
    }

    /// Steps taken so far.
    pub fn t(&self) -> f64 {
        self.t
    }

    /// Changes of bits so far.
    pub fn flips(&self) -> Flips {
        self.flips
    }

    /// The current pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Groups of neurons with equal updates in the current pattern.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The coefficients C (n×m, row-major).
    pub fn coefficients(&self) -> &Compensated {
        &self.c
    }

    /// The pre-activations Z (n×m, row-major).
    pub fn compensated_preactivations(&self) -> &Compensated {
        &self.z
    }

    /// For each group the column `(y_k a_j g_kj)_k`, so that `Φ_k` has the component
    /// `features[g][k]·x_k` in the weights of a neuron of group g.
    pub fn features(&self) -> &[Vec<f64>] {
        &self.features
    }

    /// The margins as pairs `hi + lo`, from both parts of Z.
    pub fn margins(&self) -> Compensated {
        let m = self.problem.network.width;
        let mut margins = Compensated::zeros(self.problem.n());
        for i in 0..self.problem.n() {
            let terms = (0..m).flat_map(|j| {
                let feature = self.features[self.groups.of[j]][i];
                [(feature, self.z.hi()[i * m + j]), (feature, self.z.lo()[i * m + j])]
            });
            margins.set(i, dot(terms));
        }
        margins
    }

    /// The matrix `H_ik = ⟨Φ_i, Φ_k⟩ = K_ik Σ_g m_g features[g][i] features[g][k]` of the current pattern.
    pub fn reduced(&self) -> Matrix {
        let (n, k) = (self.problem.n(), &self.problem.gram.0);
        let mut h = Matrix::zeros(n, n);
        for i in 0..n {
            let row = h.row_mut(i);
            for (feature, size) in self.features.iter().zip(&self.groups.size) {
                row.iter_mut().zip(feature).for_each(|(h, f)| *h = (feature[i] * f).mul_add(*size as f64, *h));
            }
            row.iter_mut().zip(k.row(i)).for_each(|(h, k)| *h *= k);
        }
        h
    }

    /// One GD step. Returns false, and changes nothing, if a weight of the loss is not finite.
    pub fn step(&mut self) -> bool {
        let q = self.problem.network.margins(self.z.hi(), &self.problem.labels);
        let mut s = vec![0.0; q.len()];
        self.problem.loss.increments(&q, self.problem.rate, &mut s);
        if !s.iter().all(|s| s.is_finite()) {
            return false;
        }
        self.add(&s);
        self.arrive(self.t + 1.0);
        true
    }

    /// Adds `Σ_k s_k Φ_k` of the current pattern to W.
    pub fn add(&mut self, s: &[f64]) {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        let (mut column, mut image) = (vec![0.0; n], vec![0.0; n]);
        for (g, feature) in self.features.iter().enumerate() {
            column.iter_mut().zip(feature).zip(s).for_each(|((c, f), s)| *c = f * s);
            self.problem.multiply(&column, &mut image);
            for j in (0..m).filter(|&j| self.groups.of[j] == g) {
                for i in 0..n {
                    self.c.add_at(i * m + j, column[i]);
                    self.z.add_at(i * m + j, image[i]);
                }
            }
        }
    }

    /// Replaces Z by that of W, where X is held; whether it is.
    pub fn replace_preactivations(&mut self) -> bool {
        let fresh = anchored::preactivations(self);
        let held = fresh.is_some();
        fresh.into_iter().for_each(|z| self.z = z);
        held
    }

    /// Declares the present Z to be that of step `t`, and reads the pattern off it. Returns the
    /// number of bits that changed.
    pub fn arrive(&mut self, t: f64) -> u64 {
        self.t = t;
        let pattern = self.problem.network.pattern(self.z.hi(), self.problem.n());
        let changes = pattern.changes(&self.pattern);
        if changes > 0 {
            self.flips.note(changes, t);
            self.pattern = pattern;
            self.groups = self.pattern.groups(&self.problem.network);
            self.regroup();
        }
        changes
    }

    /// Lets `steps` steps pass whose effect on C and Z is added later.
    pub fn pass(&mut self, steps: f64) {
        self.t += steps;
    }

    /// Whether every pre-activation is finite.
    pub fn finite(&self) -> bool {
        self.z.hi().iter().all(|z| z.is_finite())
    }

    fn regroup(&mut self) {
        let (network, y) = (&self.problem.network, &self.problem.labels);
        let feature = |&j: &usize| {
            (0..y.len()).map(|k| y[k] * network.output(j) * self.pattern.slope(network, k, j)).collect::<Vec<f64>>()
        };
        self.features = self.groups.first.iter().map(feature).collect();
    }
}

impl Iterate for Coefficients {
    fn preactivations(&self) -> &[f64] {
        self.z.hi()
    }

    fn weight_norm(&self) -> f64 {
        let nothing = Direction { columns: vec![vec![0.0; self.problem.n()]], groups: one_group(self.groups.of.len()) };
        self.combined_norm(1.0, &nothing)
    }

    /// `‖s w_j(0) + Xᵀe_j‖² = s²‖w_j(0)‖² + 2s⟨z_j(0), e_j⟩ + e_jᵀKe_j` with `e_j = s c_j + E_j`, summed over j.
    /// From X where that cancels ([`anchored`]).
    fn combined_norm(&self, s: f64, e: &Direction) -> f64 {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        let start = &self.problem.start;
        let other = |j: usize| &e.columns[e.groups.of[j]][..];
        if anchored::cancels(self)
            && let Some(norm) = anchored::combined_norm(self, s, other)
        {
            return norm;
        }
        let column = |j: usize| -> Vec<f64> {
            self.c.hi().iter().skip(j).step_by(m).zip(other(j)).map(|(c, e)| s.mul_add(*c, *e)).collect()
        };
        let columns: Vec<Vec<f64>> = (0..m).map(column).collect();
        let images = self.problem.gram.apply_all(&columns);
        let of_neuron = |j: usize| {
            let cross = (0..n).map(|i| start.preactivations[i * m + j] * columns[j][i]).sum::<f64>();
            let square = columns[j].iter().zip(&images[j]).map(|(c, v)| c * v).sum::<f64>();
            s * s * start.squared_norms[j] + 2.0 * s * cross + square
        };
        (0..m).map(of_neuron).sum::<f64>().max(0.0).sqrt()
    }

    /// `√Σ_j T_j²`, `T_j = ‖w_j(0)‖ + Σ_k |c_kj| ‖x_k‖` the sizes that were summed to make `w_j`; by Cauchy and Schwarz
    /// `Σ_j |a_j| T_j` is no larger, since `Σ_j a_j² = 1`.
    fn magnitude(&self) -> f64 {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        let norms: Vec<f64> = (0..n).map(|k| self.problem.gram.0[(k, k)].sqrt()).collect();
        let of_neuron = |j: usize| {
            let sum: f64 = (0..n).map(|k| self.c.hi()[k * m + j].abs() * norms[k]).sum();
            self.problem.start.squared_norms[j].sqrt() + sum
        };
        crate::matrix::norm(&(0..m).map(of_neuron).collect::<Vec<f64>>())
    }

    /// `W = W(0) + CᵀX`, m passes over X; m×0 where X or W(0) is not held.
    fn weights(&self) -> Matrix {
        let m = self.problem.network.width;
        let (Some(x), Some(start)) = (self.problem.x(), &self.problem.start.weights) else {
            return Matrix::zeros(m, 0);
        };
        let mut w = Matrix::clone(start);
        if anchored::cancels(self)
            && let Some(exact) = anchored::weights(self, 1.0, None)
        {
            exact.iter().enumerate().for_each(|(j, column)| w.row_mut(j).copy_from_slice(column.hi()));
            return w;
        }
        for j in 0..m {
            let column: Vec<f64> = (0..x.rows()).map(|i| self.c.hi()[i * m + j]).collect();
            let sums = x.combinations(&[&column]);
            w.row_mut(j).iter_mut().zip(&sums[0]).for_each(|(w, sum)| *w += sum);
        }
        w
    }

    /// `⟨w_j, w_k⟩ = ⟨w_j(0), w_k(0)⟩ + z_j(0)ᵀc_k + c_jᵀz_k`. From X where that cancels ([`anchored`]).
    fn neuron_products(&self) -> Option<Matrix> {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        if anchored::cancels(self)
            && let Some(exact) = anchored::weights(self, 1.0, None)
        {
            let rows: Vec<f64> = exact.iter().flat_map(|row| row.hi().iter().copied()).collect();
            return Some(Matrix::new(m, rows.len() / m, rows).row_products());
        }
        let start = &self.problem.start.preactivations;
        let mut products = self.problem.neurons()?.clone();
        let column = |values: &[f64], j: usize| values.iter().skip(j).step_by(m).copied().collect::<Vec<f64>>();
        let columns: Vec<[Vec<f64>; 3]> =
            (0..m).map(|j| [column(start, j), column(self.c.hi(), j), column(self.z.hi(), j)]).collect();
        let dot = |a: &[f64], b: &[f64]| (0..n).map(|i| a[i] * b[i]).sum::<f64>();
        for j in 0..m {
            for k in 0..=j {
                products[(j, k)] += dot(&columns[j][0], &columns[k][1]) + dot(&columns[j][1], &columns[k][2]);
                products[(k, j)] = products[(j, k)];
            }
        }
        Some(products)
    }

    fn elsewhere(&self, held_out: &HeldOut) -> Vec<f64> {
        elsewhere::of_coefficients(self, held_out)
    }
}

fn one_group(m: usize) -> Groups {
    Groups { first: vec![0], size: vec![m], of: vec![0; m] }
}
