//! The certificate of any W, whoever trained it: `p_i = s(q_i)/Σs` in the pattern of W (see [`super`]).

use super::{Data, Gradient, cosine_gap};
use crate::engine::{Iterate, Weights};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::network::Pattern;
use crate::number::smaller;
use crate::problem::Problem;
use crate::slopes::Slopes;
use crate::start::Start;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A bound on the angle between W and Ŵ, the max-margin direction of the problem in the activation pattern of W, with
/// the numbers that prove it. Nothing is assumed of how W was found: it may come from another program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// `1 − cos(W, Ŵ)` is at most this, rounding included.
    pub cosine_gap: f64,
    /// The part of it that makes up for rounding.
    pub rounding: f64,
    /// `min_i q_i` of W: positive.
    pub min_margin: f64,
    /// `‖W‖_F`.
    pub weight_norm: f64,
    /// p (length n), nonnegative with sum 1: `‖Σ_i p_i Φ_i‖` is an upper bound of the max margin γ* by weak duality.
    pub weights: Vec<f64>,
    /// `‖Σ_i p_i Φ_i‖`, as computed.
    pub margin_bound: f64,
}

impl Certificate {
    /// The certificate of a W (m×d); none where a margin is not positive, or where no bound below 90° is found.
    ///
    /// # Errors
    /// If W has another shape than the problem's network and data, or numbers that are not finite.
    pub fn of_weights(problem: &Problem, weights: impl Into<Arc<Matrix>>) -> Result<Option<Self>> {
        // the same demands as on a W(0): shape, finite numbers, original coordinates
        let weights = Start::weights(weights).matrix(problem).map_err(|error| match error {
            Error::Shape { found, expected, .. } => Error::Shape { what: "W", found, expected },
            other => other,
        })?;
        Ok(Self::of(problem, &Weights::new(problem.data.samples(), weights)))
    }

    /// The certificate of an iterate, such as [`crate::Descent::iterate`] shows; where neurons chatter, in its
    /// effective slopes.
    pub fn of(problem: &Problem, iterate: &dyn Iterate) -> Option<Self> {
        let (data, network) = (&problem.data, &problem.network);
        let q = network.margins(iterate.preactivations(), data.y());
        let min_margin = q.iter().copied().fold(f64::INFINITY, smaller);
        if !(min_margin > 0.0 && min_margin < f64::INFINITY) {
            return None;
        }
        let pattern = || Pattern::of(iterate.preactivations(), data.n(), network.width);
        let slopes = match iterate.slopes() {
            Some(values) => Slopes::averaged(values, network),
            None => Slopes::of_pattern(&pattern(), network),
        };
        let products = data.inner_products();
        let seen = Data::of(problem, &*products);
        let gradient = Gradient::new(&seen, problem.loss, &q, &slopes);
        let bound = cosine_gap(&seen, iterate, &q, &slopes, &gradient)?;
        Some(Self {
            cosine_gap: bound.gap,
            rounding: bound.rounding,
            min_margin,
            weight_norm: iterate.weight_norm(),
            margin_bound: gradient.norm,
            weights: gradient.weights,
        })
    }

    /// The bound as an angle (radians).
    pub fn angle(&self) -> f64 {
        2.0 * libm::asin((0.5 * self.cosine_gap).sqrt().min(1.0))
    }
}
