//! The limit that the theory predicts, without running gradient descent.
//!
//! Every own-sign pair (`a_j y_i > 0`) is taken to be activated, or to be on the side that a finished run
//! shows; the other pairs may slide along their kinks ([`crate::limit::sliding`]). Where none does and
//! all are activated, this is the limit of the fully activated pattern of \[H, Thm 4.8\].

use crate::config::Config;
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::input_error;
use crate::limit::Prediction;
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::matrix::Matrix;
use crate::network::Pattern;
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
    /// Pairs (sample, neuron) of one sign whose side in the limit is not the assumed one.
    inconsistent_pairs: Option<Vec<(usize, usize)>>,
    /// Pairs (sample, neuron) of one sign that a run's pattern has on the wrong side, `z ≤ 0`.
    wrong_side: Option<Vec<(usize, usize)>>,
    /// Bits of a run's pattern, sliding pairs aside, that the limit does not show.
    differing_bits: Option<usize>,
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
    /// Solves for the limit with every own-sign pair activated, or on the sides of a run's `pattern` (n×m).
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for more samples than a Gram matrix is formed for.
    pub fn new(config: &Config, problem: &Problem, pattern: Option<&Pattern>) -> Result<Self> {
        let Some(gram) = &problem.gram else {
            let n = problem.data.y.len();
            return Err(input_error!("n = {n}: the limit is solved for at most {LARGEST} samples"));
        };
        let (y, network) = (&problem.data.y, &problem.network);
        let prediction = match pattern {
            Some(sides) => Sliding::with_sides(gram, y, network, sides, None),
            None => Sliding::solve(gram, y, network, None),
        };
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
            wrong_side: solved.as_ref().filter(|_| pattern.is_some()).map(|s| s.wrong_side.clone()),
            differing_bits: solved.as_ref().zip(pattern).map(|(s, p)| s.differing_bits(gram, p)),
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
                line("sliding", self.sliding_text(solved));
                if let Some(bits) = self.differing_bits {
                    line("pattern", pattern_text(solved, bits));
                }
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

    fn sliding_text(&self, solved: &Sliding) -> String {
        let groups = &solved.limit.span.groups;
        let pair = |p: &SlidingPair| {
            let members = groups.of.iter().filter(|g| **g == p.group).count();
            let whose = if self.wrong_side.is_some() { format!(", {members} neurons") } else { String::new() };
            format!(
                "sample {} (sign {:+.0}{whose}): slope {:.4}, fraction {:.4}",
                p.sample, p.sign, p.slope, p.fraction
            )
        };
        match &solved.pairs[..] {
            [] if solved.wrong_side.is_empty() => "none: this is the limit of the fully activated pattern".into(),
            [] => "none".into(),
            pairs => pairs.iter().map(pair).collect::<Vec<_>>().join("\n            "),
        }
    }

    fn limit_text(&self, solved: &Sliding) -> String {
        let limit = &solved.limit;
        let consistent = match (limit.inconsistent.len(), solved.wrong_side.len()) {
            (0, 0) => "consistent: it activates every pair of one sign".to_string(),
            (0, _) => "consistent: every pair of one sign is on the side it was assumed on".to_string(),
            (pairs, 0) => {
                format!("NOT consistent: {pairs} pairs of one sign are on the wrong side, so GD goes elsewhere")
            }
            (pairs, _) => format!("NOT consistent: {pairs} pairs of one sign change sides, so GD goes elsewhere"),
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

/// What the limit says of the pattern that a run ended in.
fn pattern_text(solved: &Sliding, differing: usize) -> String {
    let limit = &solved.limit;
    let wrong = match solved.wrong_side.len() {
        0 => "every pair of one sign is activated".to_string(),
        pairs => format!("{pairs} pairs of one sign are on the wrong side"),
    };
    let bits = limit.lambda.len() * limit.span.groups.of.len();
    let verdict = match (limit.consistent(), differing) {
        (true, 0) => "the limit is consistent with the run's pattern and shows every bit that does not slide".into(),
        (true, d) => format!("the limit is consistent with the run's sides, but {d} of {bits} bits must still change"),
        (false, d) => {
            format!("the limit is NOT consistent with the run's pattern: {d} of {bits} bits must still change")
        }
    };
    format!("from the run: {wrong}; {verdict}")
}
