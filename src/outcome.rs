//! What a run found: the facts that follow from its last iterate.

use crate::data::Noise;
use crate::data::random::{Purpose, generator};
use crate::engine::{Engine, EngineKind, Fractions, Precision, Remark, Segment};
use crate::inner_products::Direction;
use crate::limit::Limit;
use crate::limit::iterate::{self, Shares, Stationarity};
use crate::limit::monte_carlo::{self, Estimate, Sampling};
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::limit::test_error::{self, Regime};
use crate::matrix::Matrix;
use crate::monitor::{CertifiedFor, Monitor, PatternState, Row};
use crate::problem::Problem;
use crate::real;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use std::time::Instant;

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
    /// The activation pattern.
    pub pattern: PatternOutcome,
    /// The probability of misclassifying a fresh sample, where the distribution is known.
    pub test_error: Option<TestError>,
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

/// The activation pattern at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternOutcome {
    /// Fraction of pairs with `a_j y_i z_ij > 0`.
    #[serde(with = "real")]
    pub sign_agreement: f64,
    /// Changes of single bits since t = 0.
    pub flips: u64,
    /// The t up to which `flips` counts every one of them: there averages over chattering neurons began, in which only
    /// pairs that change their place for good are counted. None where all are.
    #[serde(with = "real::maybe")]
    pub flips_until: Option<f64>,
    /// The first t that shows the last of them.
    #[serde(with = "real")]
    pub last_flip: f64,
    /// The most pairs seen on their kink up to rounding, at a monitored t: bits that exact arithmetic may find different.
    pub ties: u64,
    /// The first monitored t that showed as many; 0 if none did.
    #[serde(with = "real")]
    pub ties_at: f64,
    /// Whether the pattern is final, as far as is known.
    pub state: PatternState,
    /// No bit changes before this t, proved; infinite if the pattern is final. None where nothing is proved.
    #[serde(with = "real::maybe")]
    pub final_until: Option<f64>,
    /// Whether a consistent limit is known.
    pub limit_consistent: bool,
    /// The pairs that slide in the limit for the present sides of the own-sign pairs.
    pub sliding: Vec<SlidingSample>,
}

/// A sample and neurons of one sign that chatter across its kink, in the limit for the present sides of the own-sign
/// pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlidingSample {
    /// Index of the sample.
    pub sample: usize,
    /// Sign of the neurons.
    pub sign: i8,
    /// Number of neurons.
    pub neurons: usize,
    /// The effective slope θ, between the leak and 1.
    #[serde(with = "real")]
    pub slope: f64,
    /// The fraction of steps with `z > 0` that θ predicts.
    #[serde(with = "real")]
    pub fraction_predicted: f64,
    /// Over the last decade of t of which a good part was stepped, the mean over the neurons.
    #[serde(with = "real::maybe")]
    pub fraction_observed: Option<f64>,
    /// The same in each decade, as far as it was stepped.
    pub decades: Vec<Decade>,
    /// λ of the sample in the limit.
    #[serde(with = "real")]
    pub dual: f64,
    /// `α c t ℓ` of the sample, which tends to λ.
    #[serde(with = "real")]
    pub scaled_loss: f64,
}

/// Fraction of the steps from one t to another that neurons spent on their positive side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decade {
    /// First t.
    #[serde(with = "real")]
    pub from: f64,
    /// Last t.
    #[serde(with = "real")]
    pub to: f64,
    /// The fraction.
    #[serde(with = "real")]
    pub fraction: f64,
}

/// A decade counts as observed if steps were taken in this part of it, in terms of its last t.
const OBSERVED: f64 = 0.5;

impl SlidingSample {
    fn all(limit: &Sliding, decades: &[Fractions], scaled: &[f64]) -> Vec<Self> {
        let groups = &limit.limit.direction.groups;
        let report = |pair: &SlidingPair| {
            let m = groups.of.len();
            let fraction = |decade: &Fractions| {
                let neurons = (0..m).filter(|&j| groups.of[j] == pair.group);
                let sum: f64 = neurons.map(|j| decade.values[pair.sample * m + j]).sum();
                sum / groups.size[pair.group] as f64
            };
            let whole = |d: &&Fractions| d.to - d.from >= OBSERVED * d.to;
            Self {
                sample: pair.sample,
                sign: if pair.sign > 0.0 { 1 } else { -1 },
                neurons: groups.size[pair.group],
                slope: pair.slope,
                fraction_predicted: pair.fraction,
                fraction_observed: decades.iter().rfind(whole).map(fraction),
                decades: decades.iter().map(|d| Decade { from: d.from, to: d.to, fraction: fraction(d) }).collect(),
                dual: limit.limit.lambda[pair.sample],
                scaled_loss: scaled[pair.sample],
            }
        };
        limit.pairs.iter().map(report).collect()
    }
}

/// What is known of rounding at the end of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionOutcome {
    /// As asked for.
    pub requested: Precision,
    /// Of the last stretch.
    pub present: Precision,
    /// Error of the running margins against those of W in f64, at the end.
    #[serde(with = "real::maybe")]
    pub drift: Option<f64>,
    /// The same at its largest.
    #[serde(with = "real::maybe")]
    pub largest_drift: Option<f64>,
    /// Times that the running margins were replaced by those of W in f64.
    pub anchors: u64,
    /// Steps from the last anchor to the next; 0 where there are none.
    pub interval: u64,
    /// Wall-clock seconds spent in anchors.
    #[serde(with = "real")]
    pub anchor_seconds: f64,
    /// Fraction of the weights whose update rounded to nothing, at the last look.
    #[serde(with = "real::maybe")]
    pub lost_fraction: Option<f64>,
    /// The first t at which a lost update was seen.
    #[serde(with = "real::maybe")]
    pub first_lost: Option<f64>,
    /// The first t at which half of the updates were seen lost.
    #[serde(with = "real::maybe")]
    pub half_lost: Option<f64>,
    /// Where the steps went over to f64 because of their drift.
    #[serde(with = "real::maybe")]
    pub escalated_at: Option<f64>,
    /// The part of the certified gap that makes up for the rounding of the certificate itself.
    #[serde(with = "real::maybe")]
    pub certificate_rounding: Option<f64>,
}

impl PrecisionOutcome {
    fn new(requested: Precision, row: &Row) -> Self {
        let rounding = row.rounding.unwrap_or_default();
        let watched = row.rounding.is_some();
        Self {
            requested,
            present: row.precision,
            drift: rounding.drift,
            largest_drift: watched.then_some(rounding.largest_drift),
            anchors: rounding.anchors,
            interval: rounding.interval,
            anchor_seconds: rounding.anchor_seconds,
            lost_fraction: watched.then_some(rounding.lost),
            first_lost: rounding.first_lost,
            half_lost: rounding.half_lost,
            escalated_at: rounding.escalated,
            certificate_rounding: row.certificate_rounding,
        }
    }
}

/// The probability of misclassifying a fresh, clean sample of the mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestError {
    /// Of the limit, in closed form; none for noise that is not Gaussian, or a boundary that is no plane.
    #[serde(with = "real::maybe")]
    pub limit: Option<f64>,
    /// Its decimal logarithm, which survives where the value underflows.
    #[serde(with = "real::maybe")]
    pub log10_limit: Option<f64>,
    /// The best possible, for Gaussian noise.
    #[serde(with = "real::maybe")]
    pub bayes: Option<f64>,
    /// Its decimal logarithm.
    #[serde(with = "real::maybe")]
    pub log10_bayes: Option<f64>,
    /// The leading-order prediction for clean labels.
    #[serde(with = "real")]
    pub predicted: f64,
    /// Its decimal logarithm.
    #[serde(with = "real")]
    pub log10_predicted: f64,
    /// The limit by sampling, with its 95 % interval, where there is no closed form.
    pub sampled: Option<Estimate>,
    /// The final weights by sampling, with their 95 % interval.
    pub iterate: Option<Estimate>,
    /// Wall-clock seconds spent on sampling.
    #[serde(with = "real")]
    pub sampling_seconds: f64,
    /// The side of the phase transition.
    pub regime: Regime,
    /// `n‖μ‖²/tr Σ`, which is 1 at the phase transition.
    #[serde(with = "real")]
    pub signal_ratio: f64,
}

impl TestError {
    /// Of the limit; none for data whose distribution is unknown. Closed forms are for Gaussian noise, that of the
    /// limit for a boundary that is a plane; the rest is sampled, with generators that depend on its seed.
    pub fn of_limit(limit: &Limit, problem: &Problem, sampling: &Sampling) -> Option<Self> {
        let (data, mixture) = (&problem.data, problem.data.mixture()?);
        let n = data.n();
        let gaussian = mixture.noise == Noise::Gaussian;
        let boundary = limit.boundary(data.x());
        let linear = limit.linear(&problem.network);
        let exact = (gaussian && linear).then(|| test_error::of_boundary(&boundary, mixture));
        let begun = Instant::now();
        let draws = |batch| generator(sampling.seed, Purpose::Test, batch, 0);
        let sampled = match (linear, gaussian) {
            (true, true) => None,
            (true, false) => monte_carlo::of_boundary(&boundary, mixture, sampling, draws),
            (false, _) => of_weights(problem, &limit.weights(data.x()), sampling, draws),
        };
        let bayes = gaussian.then(|| test_error::bayes(mixture));
        let predicted = test_error::predicted(mixture, n);
        Some(Self {
            limit: exact.map(|p| p.value),
            log10_limit: exact.map(|p| p.log10),
            bayes: bayes.map(|p| p.value),
            log10_bayes: bayes.map(|p| p.log10),
            predicted: predicted.value,
            log10_predicted: predicted.log10,
            sampling_seconds: if sampled.is_some() { begun.elapsed().as_secs_f64() } else { 0.0 },
            sampled,
            iterate: None,
            regime: test_error::regime(mixture, n),
            signal_ratio: test_error::signal_ratio(mixture, n),
        })
    }

    /// Adds the error of weights W (m×d) by sampling.
    fn of_iterate(mut self, weights: &Matrix, problem: &Problem, sampling: &Sampling) -> Self {
        let begun = Instant::now();
        self.iterate =
            of_weights(problem, weights, sampling, |batch| generator(sampling.seed, Purpose::Test, batch, 1));
        self.sampling_seconds += begun.elapsed().as_secs_f64();
        self
    }
}

/// The test error of weights by sampling, for the generators of the batches.
fn of_weights(
    problem: &Problem,
    weights: &Matrix,
    sampling: &Sampling,
    draws: impl Fn(u64) -> Xoshiro256PlusPlus + Sync,
) -> Option<Estimate> {
    let mixture = problem.data.mixture()?;
    monte_carlo::of_network(weights, &problem.network, mixture, sampling, draws)
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
        let digest = engine.save().digest();
        let scaled = engine.scaled_losses();
        let iterate = engine.iterate();
        let q = problem.network.margins(iterate.preactivations(), data.y());
        let scaled = scaled.unwrap_or_else(|| monitor.scaled_losses(row.t, &q));
        let sliding = monitor.present_sliding().map(|limit| SlidingSample::all(limit, &decades, &scaled));
        let limit = row.cosine_gap.and_then(|_| monitor.limit());
        let distance = |s: f64, e: &Direction| iterate.combined_norm(s, e);
        let (z, norm) = (iterate.preactivations(), row.weight_norm);
        let stationarity =
            iterate::stationarity(&*data.inner_products(), z, data.y(), &problem.network, problem.loss, norm, distance);
        let lambda = limit.map(|l| &l.lambda[..]);
        let test_error = limit.and_then(|limit| TestError::of_limit(limit, problem, sampling));
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
            rate_exponent: limit.map(|l| l.nu),
            next_decimal_at: limit.map(|l| next_decimal(row.t, norm, l.max_margin, problem.loss.tail())),
            farkas_value: monitor
                .inseparable()
                .filter(|_| ended.status == Status::NotSeparable)
                .map(|proof| proof.farkas.relative),
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
                sliding: sliding.unwrap_or_default(),
            },
            test_error: test_error.map(|error| error.of_iterate(&iterate.weights(), problem, sampling)),
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
