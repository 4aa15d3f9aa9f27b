//! What is found on samples that are not trained on.

use crate::inner_products::Direction;
use crate::limit::held_out::Errors;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};

/// Errors among samples that are not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutOutcome {
    /// Number of samples that were held out.
    pub samples: u64,
    /// Of the limit, or of the ray where nothing separates; none where neither is known.
    pub limit: Option<Errors>,
    /// Of the final weights; none without a run, or where they are not finite.
    pub iterate: Option<Errors>,
    /// blake3 of their shape, samples and labels.
    pub data_digest: String,
}

impl HeldOutOutcome {
    /// For the direction of the limit, if it is known, and the errors of the final weights; none where no samples are held out.
    pub fn new(direction: Option<&Direction>, iterate: Option<Errors>, problem: &Problem) -> Option<Self> {
        let held_out = problem.data.held_out()?;
        let limit = direction.and_then(|goal| Errors::of_direction(goal, problem));
        Some(Self { samples: held_out.samples() as u64, limit, iterate, data_digest: held_out.digest() })
    }
}
