//! Where gradient descent starts: W(0).

use crate::data::{initial_weights, rotated};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::problem::Problem;
use std::sync::Arc;

/// W(0).
#[derive(Clone, Debug)]
pub enum Start {
    /// Independent normal numbers of mean 0, each from its own stream of the seed, made as those of the samples are if they were drawn.
    Gaussian {
        /// Standard deviation.
        scale: f64,
        /// Seed of the streams.
        seed: u64,
    },
    /// As given (m×d).
    Weights(Arc<Matrix>),
}

const TOO_WIDE: Error = Error::Options("the network is wider than the rotated coordinates were drawn for");

impl Start {
    /// Normal numbers of this standard deviation.
    pub fn gaussian(scale: f64, seed: u64) -> Self {
        Self::Gaussian { scale, seed }
    }

    /// These weights (m×d).
    pub fn weights(weights: impl Into<Arc<Matrix>>) -> Self {
        Self::Weights(weights.into())
    }

    /// W(0) for a problem (m×d).
    ///
    /// # Errors
    /// [`Error::Shape`] for weights of another shape; [`Error::Range`] for a scale that is negative or not finite;
    /// [`Error::NotFinite`]; [`Error::Options`] for samples in rotated coordinates and weights that are given, or a
    /// network that is wider than they were drawn for.
    pub fn matrix(&self, problem: &Problem) -> Result<Arc<Matrix>> {
        let (m, d) = (problem.network.width, problem.data.d());
        let stream = problem.data.mixture().map(|mixture| mixture.stream).unwrap_or_default();
        match self {
            Self::Gaussian { scale, seed } if *scale >= 0.0 && scale.is_finite() => match problem.data.axes() {
                Some(axes) if axes.hidden < m && axes.hidden as u64 != axes.beyond => Err(TOO_WIDE),
                Some(axes) => Ok(rotated::initial_weights(m, axes, *scale, *seed, stream).into()),
                None => Ok(initial_weights(m, d, *scale, *seed, stream).into()),
            },
            Self::Gaussian { scale, .. } => {
                Err(Error::Range { name: "the scale of W(0)", value: *scale, expected: "0 or more" })
            }
            Self::Weights(_) if problem.data.axes().is_some() => Err(Error::Options(
                "weights are given in the original coordinates; these samples are held in rotated ones",
            )),
            Self::Weights(w) if (w.rows(), w.cols()) != (m, d) => {
                let found = format!("{} x {}", w.rows(), w.cols());
                Err(Error::Shape { what: "W(0)", found, expected: format!("width x d = {m} x {d}") })
            }
            Self::Weights(w) => match w.values().iter().position(|v| !v.is_finite()) {
                Some(at) => Err(Error::NotFinite { sample: at / d, feature: at % d, value: w.values()[at] }),
                None => Ok(w.clone()),
            },
        }
    }
}
