//! The conditions under which the theory speaks, and what happens at t = 1.
//!
//! \[H, Thm 4.8\] promises that every neuron is activated from t = 1 on if the initialization is small
//! against the first step and the data are either positively correlated or nearly orthogonal. These
//! conditions are sufficient, not necessary: one step of gradient descent is taken to see. Asymptotic statements
//! (`≫`) come without constants: where a source has none the threshold here is 1, and a verdict says on which side
//! of it the data are, no more.

mod terms;

use crate::data::Noise;
use crate::descent::{self, Options};
use crate::engine::Stop;
use crate::error::Result;
use crate::limit::test_error::{self, Probability, Regime};
use crate::limit::{Limit, Prediction};
use crate::network::Pattern;
use crate::problem::Problem;
use crate::real;
use crate::start::Start;
use serde::{Deserialize, Serialize};
pub use terms::Moments;

/// What is asked of the data, the step, or the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionKind {
    /// The maximal margin of a unit W in the activated pattern is positive (0: not separable there). \[H, (5)\]
    SeparableWhenActivated,
    /// `min_{i≠k} ⟨y_i x_i, y_k x_k⟩ ≥ 0`: an activated pattern stays activated for ever. \[H, Thm 4.8\]
    PositiveCorrelation,
    /// `min ‖x_i‖² / (n max_{i≠k} |⟨x_i,x_k⟩|)` against the squared norm ratio R². \[H, Thm 4.8\]; Frei et al. 2023
    NearOrthogonality,
    /// `R² = max ‖x_i‖² / min ‖x_i‖²`; nothing is asked of it alone.
    NormRatio,
    /// `αcλmax(K)` times the largest ℓ'' at positive margins (exponential: 1, logistic: ¼): below 2 every step in a
    /// fixed pattern lowers the loss once all margins are positive.
    StepSize,
    /// `αcλmax(K)` times the largest ℓ'' at W(0).
    StepSizeAtStart,
    /// Least ratio of the first step's contribution to z_ij and `|z_ij(0)|`. \[H, Thm 4.8\]
    InitializationAgainstStep,
    /// Fraction of pairs with `a_j y_i z_ij > 0` after one step. \[H, Thm 4.8\]
    ActivatedAtOne,
    /// `n‖μ‖²/tr Σ`: the side of the phase transition. \[H, Thm 5.1\]
    SignalAgainstNoise,
    /// `n‖μ‖⁴/(‖Σ‖ tr Σ)`: far above 1 the test error of the limit vanishes. \[H, Thm 5.1\]
    Benign,
    /// `d/n²`: near orthogonality of pure noise.
    DimensionAgainstSamples,
    /// `d/(n‖μ‖²)`: above 1 the signal does not spoil near orthogonality.
    DimensionAgainstSignal,
}

/// How a value has to stand to its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// `value ≥ threshold`.
    AtLeast,
    /// `value > threshold`.
    Above,
    /// `value < threshold`.
    Below,
}

/// One condition and how the data stand to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked.
    pub kind: ConditionKind,
    /// The number found; none if it cannot be known.
    #[serde(with = "real::maybe")]
    pub value: Option<f64>,
    /// How the value has to stand to the threshold.
    pub relation: Relation,
    /// What it is compared with; none where nothing is asked.
    #[serde(with = "real::maybe")]
    pub threshold: Option<f64>,
    /// Whether the condition holds; none if it cannot be known, or the value is an estimate.
    pub holds: Option<bool>,
}

/// All conditions, in the order in which the theory uses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// One by one.
    pub conditions: Vec<Condition>,
    /// `‖μ‖²` and `tr Σ` where they are estimates, from samples whose distribution is not known.
    pub moments: Option<Moments>,
    /// weak or strong; none where the distribution is not known, and for an xor.
    pub regime: Option<Regime>,
    /// The test error of the limit of the activated pattern, in closed form: for Gaussian noise, where it is a plane.
    #[serde(with = "real::maybe")]
    pub limit_error: Option<f64>,
    /// Its decimal logarithm.
    #[serde(with = "real::maybe")]
    pub log10_limit_error: Option<f64>,
    /// The scaling of the paper's bound with constants 1: [`test_error::scaling`].
    #[serde(with = "real::maybe")]
    pub scaling: Option<f64>,
    /// Its decimal logarithm.
    #[serde(with = "real::maybe")]
    pub log10_scaling: Option<f64>,
    /// Whether the conditions of \[H, Thm 4.8\] hold, constants aside; the theorem is proved for the exponential loss,
    /// and for another one it is the geometry of the data and the start that is meant. It asks for a leak strictly between 0 and 1.
    pub theorem_applies: bool,
    /// Whether all neurons are in fact activated at t = 1.
    pub activated: bool,
    /// The step size α.
    #[serde(with = "real")]
    pub step_size: f64,
    /// `λmax(XXᵀ)`.
    #[serde(with = "real")]
    pub lambda_max: f64,
}

impl Conditions {
    /// Examines a problem and its start; takes one step of gradient descent, of the automatic size where the problem is one of
    /// gradient flow.
    ///
    /// # Errors
    /// [`crate::Error::TooManySamples`]; [`crate::Error::Shape`] for a start of another shape.
    pub fn of(problem: &Problem, start: &Start) -> Result<Self> {
        let problem = &problem.stepping();
        let (data, network) = (&problem.data, &problem.network);
        let gram = data.gram_for("the conditions")?;
        let mut engine = descent::engine(problem, start, &Options { planned: 1.0, ..Options::default() })?;
        let initial = engine.iterate().preactivations().to_vec();
        engine.advance(1.0, &Stop::default());
        let after_one = engine.iterate().preactivations().to_vec();
        let pattern = Pattern::activated(network, data.y());
        let limit = match Limit::of_pattern(gram, Some(data.samples()), data.y(), network, &pattern, None) {
            Prediction::Limit(limit) => Some(limit),
            _ => None,
        };
        let activated_margin = limit.as_ref().map(|limit| limit.max_margin);
        let (error, scaling) = errors(problem, limit.as_ref());
        let subject = terms::Subject { problem, gram, initial: &initial, after_one: &after_one, activated_margin };
        let conditions = subject.check();
        let holds = |kind| conditions.iter().any(|c| c.kind == kind && c.holds == Some(true));
        let geometry = holds(ConditionKind::PositiveCorrelation) || holds(ConditionKind::NearOrthogonality);
        Ok(Self {
            moments: data.mixture().is_none().then(|| terms::moments(&gram.0, data.y())),
            regime: data.mixture().filter(|m| m.second.is_none()).map(|m| test_error::regime(m, data.n())),
            theorem_applies: problem.network.leaky() && geometry && holds(ConditionKind::InitializationAgainstStep),
            activated: holds(ConditionKind::ActivatedAtOne),
            limit_error: error.map(|p| p.value),
            log10_limit_error: error.map(|p| p.log10),
            scaling: scaling.map(|p| p.value),
            log10_scaling: scaling.map(|p| p.log10),
            step_size: problem.step_size,
            lambda_max: data.lambda_max(),
            conditions,
        })
    }

    /// The condition of this kind.
    pub fn get(&self, kind: ConditionKind) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.kind == kind)
    }
}

/// The error of the limit, and what the bounds scale like.
fn errors(problem: &Problem, limit: Option<&Limit>) -> (Option<Probability>, Option<Probability>) {
    let (data, network) = (&problem.data, &problem.network);
    let Some(mixture) = data.mixture() else { return (None, None) };
    let plane = limit.filter(|limit| mixture.noise == Noise::Gaussian && limit.linear(network) && limit.consistent());
    let error = plane.map(|limit| test_error::of_boundary(&limit.boundary_on(data.samples()), mixture));
    (error, test_error::scaling(mixture, data.n()))
}
