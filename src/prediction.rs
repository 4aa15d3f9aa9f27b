//! The limit that the theory predicts, without running gradient descent: that of the fully
//! activated pattern of \[H, Thm 4.8\].

use crate::config::Config;
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::input_error;
use crate::limit::{Limit, Prediction};
use crate::matrix::Matrix;
use crate::network::Pattern;
use crate::outcome::{Provenance, TestError};
use crate::problem::Problem;
use crate::record::Real;
use crate::summary;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// The content of the result.json of `farfield limit`.
#[derive(Serialize)]
pub struct Report {
    status: &'static str,
    max_margin: Option<Real>,
    limit_consistent: bool,
    inconsistent_pairs: Option<usize>,
    support: Option<usize>,
    rate_exponent: Option<Real>,
    kkt_residual: Option<Real>,
    /// `λᵀHλ` relative to the mean diagonal of H, for weights λ ≥ 0 with Σλ = 1: zero but for
    /// rounding where the data cannot be separated.
    farkas_value: Option<Real>,
    test_error: Option<TestError>,
    step_size: Real,
    lambda_max: Real,
    data_digest: String,
    provenance: Provenance,
    #[serde(skip)]
    limit: Option<Limit>,
    #[serde(skip)]
    weights: Vec<f64>,
}

impl Report {
    /// Solves for the limit of the activated pattern.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for more samples than a Gram matrix is formed for.
    pub fn new(config: &Config, problem: &Problem) -> Result<Self> {
        let Some(gram) = &problem.gram else {
            let n = problem.data.y.len();
            return Err(input_error!("n = {n}: the limit is solved for at most {LARGEST} samples"));
        };
        let pattern = Pattern::activated(&problem.network, &problem.data.y);
        let prediction = Limit::of_pattern(gram, &problem.data.y, &problem.network, &pattern, None);
        let (status, limit, weights, farkas, residual) = match prediction {
            Prediction::Limit(limit) => {
                let (weights, residual) = (limit.lambda.clone(), limit.kkt_residual);
                ("solved", Some(limit), weights, None, Some(residual))
            }
            Prediction::NotSeparable(farkas) => ("not_separable", None, farkas.lambda, Some(farkas.relative), None),
            Prediction::Unresolved(best) => ("unresolved", None, best.lambda, None, Some(best.kkt_residual)),
        };
        Ok(Self {
            status,
            max_margin: limit.as_ref().map(|l| Real(l.max_margin)),
            limit_consistent: limit.as_ref().is_some_and(Limit::consistent),
            inconsistent_pairs: limit.as_ref().map(|l| l.inconsistent.len()),
            support: limit.as_ref().map(|l| l.lambda.iter().filter(|v| **v > 0.0).count()),
            rate_exponent: limit.as_ref().map(|l| Real(l.nu)),
            kkt_residual: residual.map(Real),
            farkas_value: farkas.map(Real),
            test_error: limit.as_ref().and_then(|l| TestError::of_limit(l, problem, config.seed)),
            step_size: Real(problem.step_size),
            lambda_max: Real(problem.lambda_max),
            data_digest: problem.data_digest(),
            provenance: Provenance::new(config),
            limit,
            weights,
        })
    }

    /// λ of the limit, or the weights of the certificate that there is none.
    pub fn lambda(&self) -> &[f64] {
        &self.weights
    }

    /// w̄ (length d), where there is a limit.
    pub fn boundary(&self, x: &Matrix) -> Option<Vec<f64>> {
        self.limit.as_ref().map(|l| l.boundary(x))
    }

    /// Whether the data are separable in the activated pattern.
    pub fn separable(&self) -> bool {
        self.status != "not_separable"
    }

    /// The report in a few lines.
    pub fn summary(&self, problem: &Problem, config: &Config, folder: &Path) -> String {
        let mut out = String::new();
        let mut line = |name: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:>10}  {text}");
        };
        line("problem", summary::problem_line(problem, config));
        match (&self.limit, self.farkas_value) {
            (Some(limit), _) => line("limit", self.limit_text(limit)),
            (None, Some(Real(value))) => line(
                "limit",
                format!(
                    "none: NOT SEPARABLE in the activated pattern; weights λ ≥ 0, Σλ = 1 with λᵀHλ = {value:.1e} of the mean diagonal of H"
                ),
            ),
            _ => line("limit", "unresolved: the dual problem is too close to singular".into()),
        }
        if let Some(error) = &self.test_error {
            line("test error", summary::error_text(error));
        }
        line("files", folder.display().to_string());
        out
    }

    fn limit_text(&self, limit: &Limit) -> String {
        let consistent = match limit.inconsistent.len() {
            0 => "consistent with the activated pattern".to_string(),
            pairs => format!("NOT consistent: it shows another sign at {pairs} pairs (sample, neuron)"),
        };
        format!(
            "max margin γ* = {:.12}, {} of {} samples support it, {consistent}; rate exponent ν = {:.4}",
            limit.max_margin,
            self.support.unwrap_or(0),
            limit.lambda.len(),
            limit.nu
        )
    }
}
