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
//! A group shares the sign of `a_j` and the column of bits `z_ij > 0`, hence the update: at most P products
//! with K a step, whatever m and d, and two while few pairs chatter (`near`). C and Z are compensated sums. The pattern is
//! read off Z after every step.

mod iterate;
mod near;
mod vectors;

use self::near::Near;
use self::vectors::{Columns, Row, Scatter};
use super::anchored;
use super::compensated::{Compensated, dot};
use super::symmetric::Symmetric;
use crate::data::slabs::X;
use crate::digest::{Digest, Hasher};
use crate::engine::Flips;
use crate::inner_products::Gram;
use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};
use crate::state::{Reader, Result, Saver};
use farfield_kernels::dense;
use farfield_kernels::isa::Isa;
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
    norms: Vec<f64>, // √K_kk
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
        let norms = (0..n).map(|k| gram.0[(k, k)].sqrt()).collect();
        Self {
            gram,
            samples,
            labels,
            network,
            loss,
            rate,
            start,
            x,
            norms,
            product,
            bound,
            fingerprint,
            elsewhere,
            neurons,
        }
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

    /// The products of K with columns of n numbers, one after the other.
    pub fn multiply_all(&self, columns: &[f64], out: &mut [f64]) {
        self.product.multiply_all(columns, out);
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

    /// The same of columns of n numbers, one after the other.
    pub fn reach_all(&self, columns: &[f64], out: &mut [f64]) {
        self.bound.multiply_all(columns, out);
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
    near: Vec<Option<Near>>, // of each group, where one before it is near
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
        let features = groups.first.iter().map(|&j| feature(&problem, &pattern, j)).collect();
        let near = Near::all(&pattern, &groups, &problem.network);
        Self { problem, t, c, z, pattern, groups, features, near, flips }
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
            Isa::current().dispatch(Row { i, features: &self.features, sizes: &self.groups.size, row });
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

    /// Adds `Σ_k s_k Φ_k` of the current pattern to W: a product with K for each group that is not [`Near`] another, and a
    /// row of K for each sample in which one that is differs.
    pub fn add(&mut self, s: &[f64]) {
        let (n, groups) = (self.problem.n(), self.features.len());
        let (mut columns, mut images) = (vec![0.0; n * groups], vec![0.0; n * groups]);
        Isa::current().dispatch(Columns { features: &self.features, s, out: &mut columns });
        let far: Vec<usize> = (0..groups).filter(|&g| self.near[g].is_none()).collect();
        let of_far: Vec<f64> = far.iter().flat_map(|g| &columns[g * n..][..n]).copied().collect();
        let mut found = vec![0.0; of_far.len()];
        self.problem.product.multiply_all(&of_far, &mut found);
        far.iter().zip(found.chunks_exact(n)).for_each(|(g, image)| images[g * n..][..n].copy_from_slice(image));
        for (g, near) in self.near.iter().enumerate() {
            let Some(Near { group, differs }) = near else { continue };
            let (before, image) = images.split_at_mut(g * n);
            let image = &mut image[..n];
            image.copy_from_slice(&before[group * n..][..n]);
            for &k in differs {
                let more = columns[g * n + k] - columns[group * n + k];
                dense::add_scaled(more, self.problem.gram.0.row(k), image);
            }
        }
        for (sums, added) in [(&mut self.c, columns), (&mut self.z, images)] {
            Isa::current().dispatch(Scatter { of: &self.groups.of, added: &added, sums: sums.parts_mut() });
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
            self.regroup(pattern);
        }
        changes
    }

    /// Declares the present t to be this one, where C and Z are brought up to date later.
    pub fn stand(&mut self, t: f64) {
        self.t = t;
    }

    /// Lets `steps` steps pass whose effect on C and Z is added later.
    pub fn pass(&mut self, steps: f64) {
        self.t += steps;
    }

    /// Whether every pre-activation is finite.
    pub fn finite(&self) -> bool {
        self.z.hi().iter().all(|z| z.is_finite())
    }

    /// The groups of another pattern, whose features are those of the old groups but where a bit has changed.
    fn regroup(&mut self, pattern: Pattern) {
        let network = &self.problem.network;
        let groups = pattern.groups(network);
        let feature = |&j: &usize| {
            let old = self.groups.of[j];
            let mut feature = self.features[old].clone();
            for k in pattern.differences(j, &self.pattern, self.groups.first[old]) {
                feature[k] = self.problem.labels[k] * network.output(j) * pattern.slope(network, k, j);
            }
            feature
        };
        self.features = groups.first.iter().map(feature).collect();
        self.near = Near::all(&pattern, &groups, network);
        (self.pattern, self.groups) = (pattern, groups);
    }
}

/// `(y_k a_j g_kj)_k` of neuron j.
fn feature(problem: &SpanProblem, pattern: &Pattern, j: usize) -> Vec<f64> {
    let (network, a) = (&problem.network, problem.network.output(j));
    problem.labels.iter().enumerate().map(|(k, y)| y * a * pattern.slope(network, k, j)).collect()
}
