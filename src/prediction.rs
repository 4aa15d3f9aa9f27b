//! The limit that the theory predicts, without running gradient descent.
//!
//! Every own-sign pair (`a_j y_i > 0`) is taken to be activated; the other pairs may slide along their
//! kinks ([`crate::limit::sliding`]). Where none does, this is the limit of the fully activated pattern
//! of \[H, Thm 4.8\].

use crate::config::Config;
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::input_error;
use crate::limit::Prediction;
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::matrix::Matrix;
use crate::outcome::{Provenance, TestError};
use crate::problem::Problem;
use crate::record::Real;
use crate::summary;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// A sample and the neurons of the opposite sign that stay on its kink.
#[derive(Serialize)]
struct Slider {
    sample: usize,
    sign: f64,
    slope: f64,
    fraction_predicted: f64,
}

impl From<&SlidingPair> for Slider {
    fn from(p: &SlidingPair) -> Self {
        Self { sample: p.sample, sign: p.sign, slope: p.slope, fraction_predicted: p.fraction }
    }
}

/// The content of the result.json of `farfield limit`.
#[derive(Serialize)]
pub struct Report {
    status: &'static str,
    max_margin: Option<Real>,
    limit_consistent: bool,
    /// Pairs (sample, neuron) of one sign that the limit does not activate.
    inconsistent_pairs: Option<Vec<(usize, usize)>>,
    /// Pairs that stay on their kink, with the fraction of steps on its positive side.
    sliding: Vec<Slider>,
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
    solved: Option<Sliding>,
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
        let prediction = Sliding::solve(gram, &problem.data.y, &problem.network, None);
        let (status, solved, weights, farkas, residual) = match prediction {
            Prediction::Limit(solved) => {
                let (weights, residual) = (solved.limit.lambda.clone(), solved.limit.kkt_residual);
                ("solved", Some(solved), weights, None, Some(residual))
            }
            Prediction::NotSeparable(farkas) => ("not_separable", None, farkas.lambda, Some(farkas.relative), None),
            Prediction::Unresolved(best) => ("unresolved", None, best.lambda, None, Some(best.kkt_residual)),
        };
        let limit = solved.as_ref().map(|s| &s.limit);
        Ok(Self {
            status,
            max_margin: limit.map(|l| Real(l.max_margin)),
            limit_consistent: limit.is_some_and(|l| l.consistent()),
            inconsistent_pairs: limit.map(|l| l.inconsistent.clone()),
            sliding: solved.iter().flat_map(|s| &s.pairs).map(Slider::from).collect(),
            support: limit.map(|l| l.lambda.iter().filter(|v| **v > 0.0).count()),
            rate_exponent: limit.map(|l| Real(l.nu)),
            kkt_residual: residual.map(Real),
            farkas_value: farkas.map(Real),
            test_error: limit.and_then(|l| TestError::of_limit(l, problem, config.seed)),
            step_size: Real(problem.step_size),
            lambda_max: Real(problem.lambda_max),
            data_digest: problem.data_digest(),
            provenance: Provenance::new(config),
            solved,
            weights,
        })
    }

    /// λ of the limit, or the weights of the certificate that there is none.
    pub fn lambda(&self) -> &[f64] {
        &self.weights
    }

    /// w̄ (length d), where there is a limit.
    pub fn boundary(&self, x: &Matrix) -> Option<Vec<f64>> {
        self.solved.as_ref().map(|s| s.limit.boundary(x))
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
        match (&self.solved, self.farkas_value) {
            (Some(solved), _) => {
                line("limit", self.limit_text(solved));
                line("sliding", sliding_text(solved));
            }
            (None, Some(Real(value))) => line(
                "limit",
                format!("none: NOT SEPARABLE; weights λ ≥ 0, Σλ = 1 with λᵀHλ = {value:.1e} of the mean diagonal of H"),
            ),
            _ => line("limit", "unresolved: the dual problem is too close to singular".into()),
        }
        if let Some(error) = &self.test_error {
            line("test error", summary::error_text(error));
        }
        line("files", folder.display().to_string());
        out
    }

    fn limit_text(&self, solved: &Sliding) -> String {
        let limit = &solved.limit;
        let consistent = match limit.inconsistent.len() {
            0 => "consistent: it activates every pair of one sign".to_string(),
            pairs => format!("NOT consistent: {pairs} pairs of one sign are on the wrong side, so GD goes elsewhere"),
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

fn sliding_text(solved: &Sliding) -> String {
    let pair = |p: &SlidingPair| {
        format!("sample {} (sign {:+.0}): slope {:.4}, fraction {:.4}", p.sample, p.sign, p.slope, p.fraction)
    };
    match &solved.pairs[..] {
        [] => "none: this is the limit of the fully activated pattern".into(),
        pairs => pairs.iter().map(pair).collect::<Vec<_>>().join("\n            "),
    }
}
