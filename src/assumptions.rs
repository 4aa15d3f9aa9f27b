//! `farfield check`: the assumptions of the theory for given data, and what happens at t = 1.
//!
//! \[H, Thm 4.8\] promises that every neuron is activated from t = 1 on if the initialization is small
//! against the first step and the data are either positively correlated or nearly orthogonal. These
//! conditions are sufficient, not necessary: one step of gradient descent is taken to see.

use crate::config::Config;
use crate::descent::Stop;
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::limit::assumptions::{self, Condition, Subject};
use crate::limit::test_error::{self, Regime};
use crate::limit::{Limit, Prediction};
use crate::network::Pattern;
use crate::problem::Problem;
use crate::record::Real;
use crate::{input_error, start};
use serde::Serialize;

/// The content of `farfield check --json`.
#[derive(Serialize)]
pub struct Assumptions {
    /// All conditions, in the order in which the theory uses them.
    pub conditions: Vec<Condition>,
    /// weak or strong; none for data from files.
    pub regime: Option<Regime>,
    /// Whether the conditions of \[H, Thm 4.8\] hold, constants aside.
    pub theorem_applies: bool,
    /// Whether all neurons are in fact activated at t = 1.
    pub activated: bool,
    step_size: Real,
    lambda_max: Real,
}

impl Assumptions {
    /// Examines a problem; takes one step of gradient descent.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for more samples than a Gram matrix is formed for.
    pub fn check(config: &Config, problem: &Problem) -> Result<Self> {
        let (y, network) = (&problem.data.y, &problem.network);
        let Some(gram) = &problem.gram else {
            return Err(input_error!("n = {}: check works for at most {LARGEST} samples", y.len()));
        };
        let mut engine = start::engine(config, problem)?;
        let initial = engine.view().preactivations().to_vec();
        engine.advance(1.0, &Stop::default());
        let after_one = engine.view().preactivations();
        let pattern = Pattern::activated(network, y);
        let activated_margin = match Limit::of_pattern(gram, Some(&problem.data.x), y, network, &pattern, None) {
            Prediction::Limit(limit) => Some(limit.max_margin),
            _ => None,
        };
        let conditions = assumptions::check(&Subject {
            k: gram,
            y,
            d: problem.data.x.cols() as f64,
            network,
            step_size: problem.step_size,
            reduction: problem.loss_constant,
            lambda_max: problem.lambda_max,
            initial: &initial,
            after_one: Some(after_one),
            activated_margin,
            mixture: problem.data.mixture.as_ref(),
        });
        let holds = |name: &str| conditions.iter().any(|c| c.name == name && c.holds == Some(true));
        let geometry = holds("positive correlation") || holds("near orthogonality");
        Ok(Self {
            regime: problem.data.mixture.as_ref().map(|m| test_error::regime(m, y.len())),
            theorem_applies: geometry && holds("initialization against step"),
            activated: holds("activated at t = 1"),
            step_size: Real(problem.step_size),
            lambda_max: Real(problem.lambda_max),
            conditions,
        })
    }
}
