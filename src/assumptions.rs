//! Which assumptions of the theory hold for given data: each with its number, its threshold and its
//! source.
//!
//! \[H, Thm 4.8\] promises that every neuron is activated from t = 1 on, and the limit of problem (5),
//! if the initialization is small against the first step and the data are either *positively
//! correlated*, `⟨y_i x_i, y_k x_k⟩ ≥ 0`, or *nearly orthogonal*,
//! `min_i ‖x_i‖² ≥ C R² n max_{i≠k} |⟨x_i, x_k⟩|` with `R = max‖x_i‖/min‖x_i‖` (Frei et al. 2023, with
//! constants C that depend on the leak; the number shown is the ratio of the two sides without C).
//! What happens at t = 1 is computed as well: the theorem's conditions are sufficient, not necessary.

use crate::descent::Stop;
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::geometry::Gram;
use crate::limit::{Limit, Prediction};
use crate::network::Pattern;
use crate::problem::Problem;
use crate::record::Real;
use crate::{config::Config, input_error, start};
use serde::Serialize;

/// One assumption.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    /// What is asked.
    pub name: &'static str,
    /// The quantity, as a formula.
    pub quantity: &'static str,
    /// Its value for these data; none where it cannot be known.
    pub value: Option<Real>,
    /// The value that it must reach, or stay at or below.
    pub threshold: Real,
    /// Whether the value must be at least the threshold (or else at most).
    pub at_least: bool,
    /// The verdict; none where the value is unknown.
    pub holds: Option<bool>,
    /// Where the condition comes from.
    pub source: &'static str,
}

/// The content of `farfield check --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Assumptions {
    /// All conditions, in the order in which the theory uses them.
    pub conditions: Vec<Condition>,
    /// weak or strong; none for data from files.
    pub regime: Option<crate::limit::test_error::Regime>,
    /// Whether the conditions of \[H, Thm 4.8\] hold.
    pub theorem_applies: bool,
    /// Whether all neurons are in fact activated at t = 1.
    pub activated: bool,
    step_size: Real,
    lambda_max: Real,
}

fn condition(
    (name, quantity, source): (&'static str, &'static str, &'static str),
    value: Option<f64>,
    at_least: bool,
    threshold: f64,
) -> Condition {
    let verdict = |v: f64| if at_least { v >= threshold } else { v <= threshold };
    let (value, threshold, holds) = (value.map(Real), Real(threshold), value.map(verdict));
    Condition { name, quantity, value, threshold, at_least, holds, source }
}

impl Assumptions {
    /// Examines a problem; takes one step of gradient descent.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for more samples than a Gram matrix is formed for.
    pub fn check(config: &Config, problem: &Problem) -> Result<Self> {
        let Some(gram) = &problem.gram else {
            let n = problem.data.y.len();
            return Err(input_error!("n = {n}: check works for at most {LARGEST} samples"));
        };
        let (correlation, orthogonality) = correlations(gram, problem);
        let start = first_step(config, problem)?;
        let mut conditions = vec![
            separable(gram, problem),
            condition(POSITIVE, Some(correlation), true, 0.0),
            condition(ORTHOGONAL, Some(orthogonality), true, 1.0),
            condition(STEP, Some(problem.rate() * problem.lambda_max), false, 1.0),
            condition(LOSS, Some(start.loss_step), false, 2.0),
            condition(SMALL, Some(start.ratio), false, 1.0),
            condition(ACTIVATED, Some(start.agreement), true, 1.0),
        ];
        let holds = |c: &Condition| c.holds == Some(true);
        let theorem_applies = (holds(&conditions[1]) || holds(&conditions[2])) && holds(&conditions[5]);
        conditions.extend(distribution(problem));
        Ok(Self {
            conditions,
            regime: problem.data.mixture.as_ref().map(|m| crate::limit::test_error::regime(m, problem.data.y.len())),
            theorem_applies,
            activated: start.agreement == 1.0,
            step_size: Real(problem.step_size),
            lambda_max: Real(problem.lambda_max),
        })
    }
}

type Text = (&'static str, &'static str, &'static str);
const SEPARABLE: Text = ("separable when activated", "max margin γ* of problem (5)", "[H] problem (5)");
const POSITIVE: Text = ("positive correlation", "min over i≠k of y_i y_k ⟨x_i,x_k⟩", "[H] Thm 4.8");
const ORTHOGONAL: Text = ("near orthogonality", "min ‖x_i‖² / (R² n max |⟨x_i,x_k⟩|)", "[H] Thm 4.8, Frei et al. 2023");
const STEP: Text = ("step against curvature", "α c λmax(XXᵀ)", "descent while the losses are at most 1");
const LOSS: Text = ("step against loss", "α L(W(0)) max ‖x_i‖²", "descent lemma for the exponential loss");
const SMALL: Text = ("small initialization", "max |z_ij(0)| / min |z_ij(1) − z_ij(0)|", "[H] Thm 4.8");
const ACTIVATED: Text = ("activated at t = 1", "fraction of a_j y_i z_ij > 0", "[H] Thm 4.8, conclusion");
const STRONG: Text = ("strong signal", "n‖μ‖² / tr Σ", "[H] Thm 5.1, phase transition");
const BENIGN: Text = ("benign if weak", "n‖μ‖⁴ / (‖Σ‖ tr Σ)", "[H] Thm 5.1");
const SQUARE: Text = ("dimension against samples", "d / n²", "near orthogonality of the noise");
const SIGNAL: Text = ("dimension against signal", "d / (n‖μ‖²)", "near orthogonality with a signal");

fn separable(gram: &Gram, problem: &Problem) -> Condition {
    let pattern = Pattern::activated(&problem.network, &problem.data.y);
    let margin = match Limit::of_pattern(gram, &problem.data.y, &problem.network, &pattern, None) {
        Prediction::Limit(limit) => Some(limit.max_margin),
        Prediction::NotSeparable(_) => Some(0.0),
        Prediction::Unresolved(_) => None,
    };
    condition(SEPARABLE, margin, true, f64::MIN_POSITIVE)
}

/// The least correlation, and the ratio of near orthogonality.
fn correlations(gram: &Gram, problem: &Problem) -> (f64, f64) {
    let (y, k, n) = (&problem.data.y, &gram.0, problem.data.y.len());
    let (mut least, mut largest) = (f64::INFINITY, 0.0f64);
    for i in 0..n {
        for j in 0..i {
            least = least.min(y[i] * y[j] * k[(i, j)]);
            largest = largest.max(k[(i, j)].abs());
        }
    }
    let squares = || (0..n).map(|i| k[(i, i)]);
    let (low, high) = (squares().fold(f64::INFINITY, f64::min), squares().fold(0.0, f64::max));
    (least, low / (high / low * n as f64 * largest))
}

struct FirstStep {
    ratio: f64,
    agreement: f64,
    loss_step: f64,
}

fn first_step(config: &Config, problem: &Problem) -> Result<FirstStep> {
    let mut engine = start::engine(config, problem)?;
    let before = engine.view().preactivations().to_vec();
    engine.advance(1.0, &Stop::default());
    let after = engine.view().preactivations();
    let size = before.iter().fold(0.0f64, |s, z| s.max(z.abs()));
    let moved = before.iter().zip(after).map(|(a, b)| (b - a).abs()).fold(f64::INFINITY, f64::min);
    let q = problem.network.margins(&before, &problem.data.y);
    let loss = problem.loss_constant * q.iter().map(|q| libm::exp(-q)).sum::<f64>();
    let largest = problem.norms.iter().fold(0.0f64, |s, x| s.max(x * x));
    Ok(FirstStep {
        ratio: size / moved,
        agreement: Pattern::sign_agreement(after, &problem.data.y, &problem.network),
        loss_step: problem.step_size * loss * largest,
    })
}

/// What needs μ and Σ: unknown for data from files.
fn distribution(problem: &Problem) -> Vec<Condition> {
    let n = problem.data.y.len() as f64;
    let d = problem.data.x.cols() as f64;
    let known = problem.data.mixture.as_ref().map(|mixture| {
        let signal: f64 = mixture.mean.iter().map(|m| m * m).sum();
        let trace: f64 = mixture.spectrum.iter().sum();
        let top = mixture.spectrum.iter().copied().fold(0.0, f64::max);
        (n * signal / trace, n * signal * signal / (top * trace), d / (n * signal))
    });
    vec![
        condition(STRONG, known.map(|k| k.0), true, 1.0),
        condition(BENIGN, known.map(|k| k.1), true, 1.0),
        condition(SQUARE, Some(d / (n * n)), true, 1.0),
        condition(SIGNAL, known.map(|k| k.2), true, 1.0),
    ]
}
