//! What a run found: the facts that follow from its last iterate.

mod held_out;
mod pattern;
mod precision;
mod ray;
mod test_error;

use crate::engine::{Engine, EngineKind, Precision, Remark, Segment};
use crate::inner_products::Imaged;
use crate::limit::iterate::{self, Shares, Stationarity};
use crate::limit::monte_carlo::Sampling;
use crate::monitor::{CertifiedFor, Monitor, Row};
use crate::problem::Problem;
use crate::real;
use crate::slopes::Slopes;
pub use held_out::HeldOutOutcome;
pub use pattern::{Decade, PatternOutcome, SlidingSample};
pub use precision::PrecisionOutcome;
pub use ray::RayOutcome;
use serde::{Deserialize, Serialize};
pub use test_error::{Bounded, TestError};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At the horizon.
    Horizon,
    /// The certified angle fell below the tolerance.
    Tolerance,
    /// Margins or weights are no longer finite.
    Diverged,
    /// At the horizon, with margins that are not positive and a pattern in which they cannot be; or long before it,
    /// where they have had no chance for most of the steps and the rest could only be taken one by one.
    NotSeparable,
    /// The stop flag was raised.
    Interrupted,
    /// The observer of the rows said so.
    Stopped,
    /// The time allowed is over, or the rest could only be taken step by step, which would take too long ([`TimeEnd`]).
    Time,
    /// W itself has converged: steps no longer change it beyond rounding.
    Converged,
}

/// Why a run ended before its horizon for want of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeEnd {
    /// Whether the time allowed was over; else the rest of the steps would have taken too long.
    pub clock: bool,
    /// Steps left to the horizon.
    #[serde(with = "real")]
    pub steps_left: f64,
    /// Steps per second of the last stretch that was stepped; not a number if none was.
    #[serde(with = "real")]
    pub steps_per_second: f64,
}

/// How a run ended, and its last row.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub status: Status,
    /// What was seen at the last monitored t.
    pub row: Row,
    /// More of it, where it ended for want of time.
    pub time: Option<TimeEnd>,
}

/// The facts of a run at its last iterate W(t). Every number is a plain f64; NaN and infinities survive
/// serialization as strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the run ended.
    pub status: Status,
    /// More of it, where it ended for want of time.
    pub time: Option<TimeEnd>,
    /// Steps t.
    #[serde(with = "real")]
    pub steps: f64,
    /// `log L`.
    #[serde(with = "real")]
    pub log_loss: f64,
    /// `min_i q_i`.
    #[serde(with = "real")]
    pub min_margin: f64,
    /// `‖W‖_F`.
    #[serde(with = "real")]
    pub weight_norm: f64,
    /// `‖∇L‖_F`.
    #[serde(with = "real")]
    pub gradient_norm: f64,
    /// `min_i q_i/‖W‖`.
    #[serde(with = "real")]
    pub normalized_margin: f64,
    /// γ* of the limit, where a consistent one is known.
    #[serde(with = "real::maybe")]
    pub max_margin: Option<f64>,
    /// Proved bounds of γ*, rounded outward.
    #[serde(with = "real::pair")]
    pub margin_interval: Option<(f64, f64)>,
    /// A proved bound of the distance between the unit direction of λ and the limit's.
    #[serde(with = "real::maybe")]
    pub direction_error: Option<f64>,
    /// `1 − cos(W, Ŵ)`.
    #[serde(with = "real::maybe")]
    pub cosine_gap: Option<f64>,
    /// A proved upper bound of the same, found without the limit.
    #[serde(with = "real::maybe")]
    pub certified_cosine_gap: Option<f64>,
    /// What limit that bound is for.
    pub certified_for: Option<CertifiedFor>,
    /// `1 − cos(−∇L, Ŵ)`.
    #[serde(with = "real::maybe")]
    pub gradient_cosine_gap: Option<f64>,
    /// `max_i |α c t ℓ_i − λ_i| / max λ`.
    #[serde(with = "real::maybe")]
    pub dual_gap: Option<f64>,
    /// The rate exponent ν.
    #[serde(with = "real::maybe")]
    pub rate_exponent: Option<f64>,
    /// The t at which `1 − cos(W, Ŵ)` will have fallen to a tenth.
    #[serde(with = "real::maybe")]
    pub next_decimal_at: Option<f64>,
    /// Where the final pattern does not separate the data: the relative change of the features, at most 2⁻⁵¹, with
    /// which they cancel exactly under the weights of the proof.
    #[serde(with = "real::maybe")]
    pub farkas_value: Option<f64>,
    /// Where nothing separates the data in the reached pattern: where gradient descent goes in it.
    pub ray: Option<RayOutcome>,
    /// `L/L∞ − 1`, L∞ the floor of the loss.
    #[serde(with = "real::maybe")]
    pub loss_above_floor: Option<f64>,
    /// The activation pattern.
    pub pattern: PatternOutcome,
    /// The probability of misclassifying a fresh sample, where the distribution is known.
    pub test_error: Option<TestError>,
    /// Errors among samples that are not trained on, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutOutcome>,
    /// Fraction of the samples with `q_i ≤ 0`.
    #[serde(with = "real")]
    pub train_error: f64,
    /// KKT residuals of the final iterate, where every margin is positive.
    pub stationarity: Option<Stationarity>,
    /// Clean and flipped samples apart, where the clean labels are known.
    pub training: Option<Shares>,
    /// The step size α.
    #[serde(with = "real")]
    pub step_size: f64,
    /// `λmax(XXᵀ)`.
    #[serde(with = "real")]
    pub lambda_max: f64,
    /// Why steps were still taken one by one at the end, or why no limit is known.
    pub remark: Option<Remark>,
    /// The stretches travelled, in order.
    pub segments: Vec<Segment>,
    /// What is known of rounding.
    pub precision: PrecisionOutcome,
    /// blake3 of the final state's bits.
    pub digest: String,
    /// blake3 of shape, samples and labels.
    pub data_digest: String,
}

/// The t at which `1 − cos(W, Ŵ)` will have fallen to a tenth: the part of W across Ŵ stays bounded
/// while `‖W‖ ≈ (log t + const)/(κγ*)` grows, so the norm must grow by √10. This is the law of a loss with the tail
/// `e^{−κq}`, whatever the loss is before.
fn next_decimal(t: f64, weight_norm: f64, max_margin: f64, tail: f64) -> f64 {
    t * libm::exp(tail * max_margin * weight_norm * (10f64.sqrt() - 1.0))
}

impl Outcome {
    /// Gathers what is known at the end of a run.
    pub(crate) fn new(
        problem: &Problem,
        requested: Precision,
        monitor: &Monitor,
        engine: &mut dyn Engine,
        ended: &Ended,
        sampling: &Sampling,
    ) -> Self {
        let (row, data) = (&ended.row, &problem.data);
        let (segments, remark, decades) = (engine.segments().to_vec(), engine.remark(), engine.decades().to_vec());
        let digest = engine.digest();
        let scaled = engine.scaled_losses();
        let iterate = engine.iterate();
        let q = problem.network.margins(iterate.preactivations(), data.y());
        let scaled = scaled.unwrap_or_else(|| monitor.scaled_losses(row.t, &q));
        let sliding = monitor.present_sliding().map(|limit| SlidingSample::all(limit, &decades, &scaled));
        let limit = row.cosine_gap.filter(|_| row.min_margin > 0.0).and_then(|_| monitor.limit());
        let ray = monitor.ray();
        let distance = |s: f64, e: &Imaged| iterate.combined_norm(s, e);
        let (z, norm) = (iterate.preactivations(), row.weight_norm);
        let dead = (!problem.network.increasing()).then(|| match iterate.slopes() {
            Some(values) => pattern::dead(&Slopes::averaged(values, &problem.network).values),
            None => pattern::dead(&Slopes::of_pattern(&problem.network.pattern(z, data.n()), &problem.network).values),
        });
        let (dead_samples, dead_neurons) = dead.unzip();
        let stationarity =
            iterate::stationarity(&*data.inner_products(), z, data.y(), &problem.network, problem.loss, norm, distance);
        let lambda = limit.map(|l| &l.lambda[..]);
        let along = limit.map(|limit| limit.direction.clone()).or_else(|| ray?.along(&problem.network));
        let test_error = match limit {
            Some(limit) => TestError::of_limit(limit, problem, sampling),
            None => TestError::of_ray(along.as_ref(), problem, sampling),
        };
        let held_out = HeldOutOutcome::new(along.as_ref(), row.held_out, problem);
        Self {
            status: ended.status,
            time: ended.time,
            steps: row.t,
            log_loss: row.log_loss,
            min_margin: row.min_margin,
            weight_norm: norm,
            gradient_norm: row.gradient_norm,
            normalized_margin: row.min_margin / norm,
            max_margin: limit.map(|l| l.max_margin),
            margin_interval: limit.map(|l| l.margin_interval),
            direction_error: limit.map(|l| l.direction_error),
            cosine_gap: row.cosine_gap,
            certified_cosine_gap: row.certified_cosine_gap,
            certified_for: row.certified_for,
            gradient_cosine_gap: row.gradient_cosine_gap,
            dual_gap: row.dual_gap,
            rate_exponent: limit.and_then(|_| monitor.rate_exponent()),
            next_decimal_at: limit.map(|l| next_decimal(row.t, norm, l.max_margin, problem.loss.tail())),
            farkas_value: monitor
                .inseparable()
                .filter(|_| ended.status == Status::NotSeparable)
                .map(|proof| proof.farkas.relative),
            ray: ray.map(|ray| RayOutcome::new(ray, problem, monitor.pairs_off_the_ray())),
            loss_above_floor: row.loss_above_floor,
            pattern: PatternOutcome {
                sign_agreement: row.sign_agreement,
                flips: row.flips.count,
                flips_until: segments.iter().find(|s| s.engine == EngineKind::Sliding).map(|s| s.from),
                ties: monitor.ties().0,
                ties_at: monitor.ties().1,
                last_flip: row.flips.last,
                state: monitor.pattern_state(row),
                final_until: row.final_until,
                limit_consistent: limit.is_some(),
                dead_samples,
                dead_neurons,
                sliding: sliding.unwrap_or_default(),
            },
            test_error: test_error.map(|error| match row.finite {
                true => error.of_iterate(&iterate.weights(), problem, sampling),
                false => error,
            }),
            held_out,
            train_error: 1.0 - q.iter().filter(|q| **q > 0.0).count() as f64 / q.len() as f64,
            stationarity: stationarity.filter(|_| row.finite),
            training: data.clean().map(|clean| iterate::shares(&q, data.y(), clean, lambda)),
            step_size: problem.step_size,
            lambda_max: data.lambda_max(),
            remark: remark.or_else(|| monitor.remark()),
            segments,
            precision: PrecisionOutcome::new(requested, row),
            digest,
            data_digest: data.digest(),
        }
    }
}
