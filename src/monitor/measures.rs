//! What is measured besides, where it is asked for: numbers that papers on the implicit bias speak of.
//!
//! ```text
//! stable_rank      ‖W‖_F²/‖W‖₂²                                from W Wᵀ (m×m)
//! margin_ratio     max_i q_i / min_i q_i                       if every margin is positive
//! smoothed_margin  log(1/L)/‖W‖                                Lyu and Li (2020)
//! support_ratio    max λ/min λ, support_count |{λ_i > 0}|      λ = κ α c t s(q) where the limit has λ_i > 0
//! mean_cosine      cos(w̄, Σ_i y_i x_i), w̄ = Σ_j a_j w_j       Frei et al. (2023)
//! sharpness        α λmax(∇²L) = α c λmax(D^{1/2} H D^{1/2})   D = diag ℓ''(q_i), H_ik = ⟨Φ_i, Φ_k⟩
//! ```
//!
//! All of it from Z, products with K and `W Wᵀ`, which is read off the coefficients of W where these are what is held:
//! `‖w̄‖² = aᵀ W Wᵀ a`, `⟨w̄, Σ y_i x_i⟩ = Σ_ij y_i a_j z_ij`, `‖Σ y_i x_i‖² = yᵀKy`. With one direction for the neurons of each
//! sign and leak > 0, or leak 1, `f(x) = 0` exactly where `⟨x, w̄⟩ = 0`. The second derivative of φ vanishes where it exists, so
//! that the Hessian is that of the present slopes, and of the averaged ones while neurons slide: `Σ_i c ℓ''(q_i) Φ_iΦ_iᵀ`, whose
//! eigenvalues but 0 are those of the n×n matrix. It takes one product with K for each group of neurons in each of some
//! tens of Lanczos steps ([`crate::lanczos`]); everything else, at most one.

use super::Monitor;
use super::row::Row;
use crate::certificate;
use crate::engine::Iterate;
use crate::inner_products::Imaged;
use crate::lanczos::largest_eigenvalue;
use crate::matrix::Matrix;
use crate::measure::Measure;
use crate::slopes::Slopes;
use std::collections::BTreeMap;

/// The iterate as it is measured.
pub(super) struct At<'a> {
    /// The iterate.
    pub view: &'a dyn Iterate,
    /// Its margins.
    pub q: &'a [f64],
    /// The slopes in which they are taken.
    pub slopes: &'a Slopes,
    /// `α c t s(q_i)`.
    pub scaled: &'a [f64],
}

impl Monitor {
    /// What is asked for and defined at a row that is known but for it.
    pub(super) fn measure(&mut self, row: &Row, at: &At) -> BTreeMap<Measure, f64> {
        let asked = self.measures.clone();
        let any = |some: &[Measure]| some.iter().any(|measure| asked.contains(measure));
        let products = any(&[Measure::StableRank, Measure::MeanCosine]).then(|| at.view.neuron_products()).flatten();
        let support = any(&[Measure::SupportRatio, Measure::SupportCount]).then(|| self.support(row)).flatten();
        let values = asked.iter().filter_map(|measure| {
            let value = match measure {
                Measure::StableRank => stable_rank(products.as_ref()?),
                Measure::MarginRatio => margin_ratio(at.q),
                Measure::SmoothedMargin => -row.log_loss / row.weight_norm,
                Measure::SupportRatio => support_ratio(support.as_ref()?, at.scaled),
                Measure::SupportCount => support.as_ref()?.len() as f64,
                Measure::MeanCosine => self.mean_cosine(products.as_ref()?, at.view),
                Measure::Sharpness => self.sharpness(at),
            };
            value.is_finite().then_some((*measure, value))
        });
        values.collect()
    }

    /// The samples with `λ_i > 0` in the limit that the row was compared with, or in the ray.
    fn support(&self, row: &Row) -> Option<Vec<usize>> {
        let positive = |lambda: &[f64]| (0..lambda.len()).filter(|&i| lambda[i] > 0.0).collect::<Vec<usize>>();
        if row.min_margin > 0.0 {
            return self.limit().map(|limit| positive(&limit.lambda));
        }
        let ray = self.ray()?;
        let mut support = positive(&ray.lambda);
        support.retain(|i| ray.bounded.binary_search(i).is_err());
        Some(support)
    }

    fn mean_cosine(&self, products: &Matrix, view: &dyn Iterate) -> f64 {
        let (y, a) = (self.problem.data.y(), self.problem.network.outputs());
        let z = view.preactivations().chunks_exact(a.len());
        let along: f64 = z.zip(y).map(|(z, y)| y * dot(z, &a)).sum();
        let squared: f64 = (0..a.len()).map(|j| a[j] * dot(products.row(j), &a)).sum();
        let pull = self.pull.get_or_init(|| dot(&self.products.apply(y), y).sqrt());
        along / (squared.sqrt() * pull)
    }

    fn sharpness(&self, at: &At) -> f64 {
        let (problem, network) = (&self.problem, &self.problem.network);
        let data = certificate::Data::of(problem, &*self.products);
        // relative to the largest weight: no margin is too large for them
        let (weights, largest) = problem.loss.relative_weights(at.q);
        let curvature = |(s, q): (&f64, &f64)| (-problem.loss.ratios(*q)[0] * s).max(0.0).sqrt();
        let root: Vec<f64> = weights.iter().zip(at.q).map(curvature).collect();
        let scaled = |v: &[f64]| root.iter().zip(v).map(|(r, v)| r * v).collect::<Vec<f64>>();
        let top = largest_eigenvalue(root.len(), |v| {
            let direction = Imaged::new(data.products, at.slopes.direction(&scaled(v), data.y, network));
            scaled(&data.feature_margins(&direction, at.slopes))
        });
        top * libm::exp(libm::log(problem.rate()) + largest)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// From `W Wᵀ`: its trace over its largest eigenvalue.
fn stable_rank(products: &Matrix) -> f64 {
    let m = products.rows();
    let trace: f64 = (0..m).map(|j| products[(j, j)]).sum();
    trace / largest_eigenvalue(m, |v| (0..m).map(|j| dot(products.row(j), v)).collect())
}

fn margin_ratio(q: &[f64]) -> f64 {
    let (least, most) = q.iter().fold((f64::INFINITY, 0.0f64), |(low, high), q| (low.min(*q), high.max(*q)));
    if least > 0.0 { most / least } else { f64::NAN }
}

fn support_ratio(support: &[usize], scaled: &[f64]) -> f64 {
    let (least, most) =
        support.iter().fold((f64::INFINITY, 0.0f64), |(low, high), &i| (low.min(scaled[i]), high.max(scaled[i])));
    most / least
}
