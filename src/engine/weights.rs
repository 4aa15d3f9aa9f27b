//! The iterate as W itself: `‖sW + E‖` row by row, `s·w_j + Xᵀe_j`.

use super::Iterate;
use crate::data::slabs::X;
use crate::inner_products::Imaged;
use crate::matrix::{Matrix, norm};
use std::sync::Arc;

/// W (m×d) and its pre-activations on samples X (n×d).
pub struct Weights {
    z: Vec<f64>,
    weights: Arc<Matrix>,
    length: f64,
    samples: X,
}

impl Weights {
    /// Of a W: one pass over X.
    pub fn new(samples: &X, weights: Arc<Matrix>) -> Self {
        let z = samples.preactivations(&weights);
        Self::known(samples, weights, z)
    }

    /// Of a W whose pre-activations (n×m) are known.
    pub fn known(samples: &X, weights: Arc<Matrix>, z: Vec<f64>) -> Self {
        Self { z, length: weights.norm(), weights, samples: samples.clone() }
    }
}

impl Iterate for Weights {
    fn preactivations(&self) -> &[f64] {
        &self.z
    }

    fn weight_norm(&self) -> f64 {
        self.length
    }

    fn combined_norm(&self, s: f64, e: &Imaged) -> f64 {
        let e = &e.direction;
        let directions: Vec<Vec<f64>> =
            self.samples.combinations(&e.columns.iter().map(|c| &c[..]).collect::<Vec<_>>());
        let row = |(j, g): (usize, &usize)| {
            let sum: Vec<f64> =
                self.weights.row(j).iter().zip(&directions[*g]).map(|(w, v)| s.mul_add(*w, *v)).collect();
            norm(&sum)
        };
        norm(&e.groups.of.iter().enumerate().map(row).collect::<Vec<f64>>())
    }

    fn weights(&self) -> Matrix {
        Matrix::clone(&self.weights)
    }

    fn neuron_products(&self) -> Option<Matrix> {
        Some(self.weights.row_products())
    }
}
