//! The limit that the theory predicts, without running gradient descent.
//!
//! Every own-sign pair (`a_j y_i > 0`) is taken to be activated, or to be on the side that a finished run
//! shows; the other pairs may slide along their kinks ([`crate::limit::sliding`]). Where none does and
//! all are activated, this is the limit of the fully activated pattern of \[H, Thm 4.8\].

use crate::config::Config;
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::geometry::{Geometry, Gram, preactivations};
use crate::input_error;
use crate::limit::iterate::Stationarity;
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::limit::{Prediction, Undecided};
use crate::matrix::Matrix;
use crate::network::Pattern;
use crate::outcome::{Provenance, TestError};
use crate::problem::Problem;
use crate::record::Real;
use crate::summary;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

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

/// What came of the search for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// λ is known.
    Solved,
    /// No weights separate the data with the assumed sides; the certificate is known.
    NotSeparable,
    /// Neither a separating direction nor a proof that there is none; the bounds of the margin are known.
    Undecided,
}

/// The content of the result.json of `farfield limit`.
#[derive(Serialize)]
pub struct Report {
    status: State,
    max_margin: Option<Real>,
    /// Proved bounds of the maximal margin.
    margin_interval: Option<(Real, Real)>,
    /// A proved bound of the distance of the unit directions.
    direction_error: Option<Real>,
    limit_consistent: bool,
    /// Pairs (sample, neuron) of one sign whose side in the limit is not the assumed one.
    inconsistent_pairs: Option<Vec<(usize, usize)>>,
    /// Pairs (sample, neuron) of one sign that a run's pattern has on the wrong side, `z ≤ 0`.
    wrong_side: Option<Vec<(usize, usize)>>,
    /// Bits of a run's pattern, sliding pairs aside, that the limit does not show.
    differing_bits: Option<usize>,
    /// Without a run's pattern: pairs of one sign that the first step of gradient descent leaves inactive.
    inactive_after_one: Option<usize>,
    /// The KKT residuals of the iterate that a run ended with.
    stationarity: Option<Stationarity>,
    /// Pairs that stay on their kink, with the fraction of steps on its positive side.
    sliding: Vec<Slider>,
    support: Option<usize>,
    rate_exponent: Option<Real>,
    kkt_residual: Option<Real>,
    /// Seconds for the dual problem, K given.
    solve_seconds: Real,
    /// Where the data cannot be separated: the relative change of the features, at most 2⁻⁵², with which they cancel exactly
    /// under weights λ ≥ 0 with Σλ = 1.
    farkas_value: Option<Real>,
    test_error: Option<TestError>,
    step_size: Real,
    lambda_max: Real,
    data_digest: String,
    provenance: Provenance,
    #[serde(skip)]
    prediction: Prediction<Sliding>,
}

/// The pattern that a run ended in, and what it reported of its iterate.
pub struct Ended {
    /// The final bits (n×m).
    pub pattern: Pattern,
    /// The KKT residuals of the final iterate, if every margin was positive.
    pub stationarity: Option<Stationarity>,
}

impl Report {
    /// Solves for the limit with every own-sign pair activated, or on the sides that a run ended with.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for more samples than a Gram matrix is formed for.
    pub fn new(config: &Config, problem: &Problem, run: Option<&Ended>) -> Result<Self> {
        let Some(gram) = &problem.gram else {
            let n = problem.data.y.len();
            return Err(input_error!("n = {n}: the limit is solved for at most {LARGEST} samples"));
        };
        let (y, network) = (&problem.data.y, &problem.network);
        let pattern = run.map(|r| &r.pattern);
        let start = Instant::now();
        let mut prediction = match pattern {
            Some(sides) => Sliding::with_sides(gram, Some(&problem.data.x), y, network, sides, None),
            None => Sliding::solve(gram, Some(&problem.data.x), y, network, None),
        };
        if let Prediction::Limit(solved) = &mut prediction {
            let activated = || Pattern::activated(network, y);
            solved.verify(gram, &problem.data.x, &pattern.cloned().unwrap_or_else(activated));
        }
        let solve_seconds = Real(start.elapsed().as_secs_f64());
        let (status, solved, farkas, residual) = match &prediction {
            Prediction::Limit(solved) => (State::Solved, Some(solved), None, Some(solved.limit.kkt_residual)),
            Prediction::NotSeparable(proof) => (State::NotSeparable, None, Some(proof.farkas.relative), None),
            Prediction::Undecided(best) => (State::Undecided, None, None, Some(best.kkt_residual)),
        };
        let limit = solved.map(|s| &s.limit);
        let interval = match &prediction {
            Prediction::Limit(solved) => Some(solved.limit.margin_interval),
            Prediction::Undecided(best) => Some(best.margin_interval),
            Prediction::NotSeparable(_) => None,
        };
        Ok(Self {
            status,
            max_margin: limit.map(|l| Real(l.max_margin)),
            margin_interval: interval.map(|(low, high)| (Real(low), Real(high))),
            direction_error: limit.map(|l| Real(l.direction_error)),
            limit_consistent: limit.is_some_and(|l| l.consistent()),
            inconsistent_pairs: limit.map(|l| l.inconsistent.clone()),
            wrong_side: solved.filter(|_| run.is_some()).map(|s| s.wrong_side.clone()),
            differing_bits: solved.zip(pattern).map(|(s, p)| s.differing_bits(gram, p)),
            inactive_after_one: run.is_none().then(|| inactive_after_one(problem, gram)),
            stationarity: run.and_then(|r| r.stationarity),
            sliding: solved.iter().flat_map(|s| &s.pairs).map(Slider::from).collect(),
            support: limit.map(|l| l.lambda.iter().filter(|v| **v > 0.0).count()),
            rate_exponent: limit.map(|l| Real(l.nu)),
            kkt_residual: residual.map(Real),
            solve_seconds,
            farkas_value: farkas.map(Real),
            test_error: limit.and_then(|l| TestError::of_limit(l, problem, config.seed)),
            step_size: Real(problem.step_size),
            lambda_max: Real(problem.lambda_max),
            data_digest: problem.data_digest(),
            provenance: Provenance::new(config),
            prediction,
        })
    }

    /// λ of the limit, or the weights of the certificate that there is none.
    pub fn lambda(&self) -> &[f64] {
        match &self.prediction {
            Prediction::Limit(solved) => &solved.limit.lambda,
            Prediction::NotSeparable(proof) => &proof.farkas.lambda,
            Prediction::Undecided(best) => &best.lambda,
        }
    }

    /// The slopes θ (n×m) that go with λ; none if the problem is unresolved.
    pub fn slopes(&self) -> Option<Matrix> {
        match &self.prediction {
            Prediction::Limit(solved) => Some(solved.slopes_of_neurons()),
            Prediction::NotSeparable(proof) => Some(proof.slopes.clone()),
            Prediction::Undecided(_) => None,
        }
    }

    /// w̄ (length d), where there is a limit.
    pub fn boundary(&self, x: &Matrix) -> Option<Vec<f64>> {
        self.solved().map(|s| s.limit.boundary(x))
    }

    /// What came of the search.
    pub fn state(&self) -> State {
        self.status
    }

    fn solved(&self) -> Option<&Sliding> {
        match &self.prediction {
            Prediction::Limit(solved) => Some(solved),
            _ => None,
        }
    }

    /// The report in a few lines.
    pub fn summary(&self, problem: &Problem, config: &Config, folder: &Path) -> String {
        let mut out = String::new();
        let mut line = |name: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:>10}  {text}");
        };
        line("problem", summary::problem_line(problem, config));
        match &self.prediction {
            Prediction::Limit(solved) => {
                line("limit", self.limit_text(solved));
                line("sliding", self.sliding_text(solved));
                if let Some(bits) = self.differing_bits {
                    line("pattern", pattern_text(solved, bits));
                }
            }
            Prediction::NotSeparable(proof) => line("limit", self.inseparable_text(proof.farkas.relative)),
            Prediction::Undecided(best) => line("limit", undecided_text(best)),
        }
        if let Some(inactive @ 1..) = self.inactive_after_one {
            let what = "and a run decides whether they stay so: `farfield run`, then `farfield limit --pattern`";
            line("caution", format!("GD's first step leaves {} inactive, {what}", pairs(inactive)));
        }
        if let Some(stationarity) = &self.stationarity {
            line("KKT", summary::stationarity_text(stationarity));
        }
        if let Some(error) = &self.test_error {
            line("test error", summary::error_text(error));
        }
        line("files", folder.display().to_string());
        out
    }

    fn inseparable_text(&self, value: f64) -> String {
        let sides = if self.inactive_after_one.is_some() { "every pair of one sign activated" } else { "these sides" };
        format!(
            "none: NOT SEPARABLE with {sides}: moved by {value:.1e} of their lengths the features cancel exactly, with weights \
             λ ≥ 0, Σλ = 1 (farkas.npy)"
        )
    }

    fn sliding_text(&self, solved: &Sliding) -> String {
        let groups = &solved.limit.span.groups;
        let pair = |p: &SlidingPair| {
            let members = groups.of.iter().filter(|g| **g == p.group).count();
            let plural = if members == 1 { "" } else { "s" };
            let whose = if self.wrong_side.is_some() { format!(", {members} neuron{plural}") } else { String::new() };
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
            (count, 0) => format!("NOT consistent: {} on the wrong side, so GD goes elsewhere", pairs(count)),
            (count, _) => format!("NOT consistent: {} on another side, so GD goes elsewhere", pairs(count)),
        };
        format!(
            "max margin γ* = {}, {} of {} samples support it, {consistent}; rate exponent ν = {:.4}",
            margin_text(limit.max_margin, limit.margin_interval),
            self.support.unwrap_or(0),
            limit.lambda.len(),
            limit.nu
        )
    }
}

/// As many digits of γ* as its bounds leave no doubt of, 16 at most.
pub fn margin_text(value: f64, (low, high): (f64, f64)) -> String {
    let width = (high - low) / value;
    let digits = if width > 0.0 { (-libm::log10(width)).floor().clamp(1.0, 16.0) as usize } else { 16 };
    format!("{value:.*e}", digits - 1)
}

fn undecided_text(best: &Undecided) -> String {
    let (low, high) = best.margin_interval;
    format!("undecided: the maximal margin is between {low:.3e} and {high:.3e}, and rounding hides whether it is 0")
}

/// A count of pairs (sample, neuron) with `a_j y_i > 0`.
fn pairs(count: usize) -> String {
    format!("{count} pair{} of one sign", if count == 1 { "" } else { "s" })
}

/// The number of own-sign pairs with `a_j y_i z_ij ≤ 0` after the first step of gradient descent,
/// `z_j ← z_j + α c a_j K (ℓ_i y_i g_ij)_i`.
fn inactive_after_one(problem: &Problem, gram: &Gram) -> usize {
    let (y, network) = (&problem.data.y, &problem.network);
    let (n, m) = (y.len(), network.width);
    let z = preactivations(&problem.data.x, &problem.weights);
    let pattern = Pattern::of(&z, n, m);
    let losses: Vec<f64> = network.margins(&z, y).iter().map(|q| libm::exp(-q)).collect();
    let inactive = |j: usize| {
        let column: Vec<f64> = (0..n).map(|i| losses[i] * y[i] * pattern.slope(network, i, j)).collect();
        let push = gram.apply(&column);
        let after = |i: usize| (problem.rate() * network.output(j)).mul_add(push[i], z[i * m + j]);
        (0..n).filter(|&i| network.sign(j) * y[i] > 0.0 && network.sign(j) * y[i] * after(i) <= 0.0).count()
    };
    (0..m).map(inactive).sum()
}

/// What the limit says of the pattern that a run ended in.
fn pattern_text(solved: &Sliding, differing: usize) -> String {
    let limit = &solved.limit;
    let wrong = match solved.wrong_side.len() {
        0 => "every pair of one sign is activated".to_string(),
        count => format!("{} on the wrong side", pairs(count)),
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
