//! Where gradient descent goes on data that cannot be separated.

use crate::limit::ray::Ray;
use crate::problem::Problem;
use crate::real;
use serde::{Deserialize, Serialize};

/// The facts of a ray with an offset: `W ≈ V∞ + U log t`, U across the samples that cancel, up to what W has across all
/// features, which stays as it is while the pattern does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RayOutcome {
    /// The floor of the loss, `L∞ = c Σ_S exp(−q_i)` at V∞.
    #[serde(with = "real")]
    pub floor: f64,
    /// The floor is not lower by more than this.
    #[serde(with = "real")]
    pub floor_gap: f64,
    /// The samples whose margins stay bounded, S, in order.
    pub bounded: Vec<usize>,
    /// `‖V∞‖`.
    #[serde(with = "real")]
    pub offset_norm: f64,
    /// The maximal margin of the other samples across those; none if there are no others.
    #[serde(with = "real::maybe")]
    pub max_margin: Option<f64>,
    /// Bounds of it.
    #[serde(with = "real::pair")]
    pub margin_interval: Option<(f64, f64)>,
    /// The number of samples with λ > 0.
    pub support: usize,
    /// Pairs (sample, neuron) that are on another side along the ray than the one it was computed for: if there are any,
    /// gradient descent goes elsewhere. At the end of a run along U alone, which what W has across all features does not outweigh.
    pub inconsistent_pairs: usize,
}

impl RayOutcome {
    /// Of a ray of a problem, with so many pairs on another side.
    pub fn new(ray: &Ray, problem: &Problem, inconsistent_pairs: usize) -> Self {
        let c = problem.loss_constant;
        Self {
            floor: c * ray.floor,
            floor_gap: c * ray.floor_gap,
            bounded: ray.bounded.clone(),
            offset_norm: problem.data.inner_products().norm(&ray.aside(&problem.network)),
            max_margin: ray.max_margin,
            margin_interval: ray.margin_interval,
            support: ray.support,
            inconsistent_pairs,
        }
    }
}
