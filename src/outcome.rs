//! What a run found: the content of result.json, and the summary that people read.

use crate::config::Config;
use crate::data::random::{Purpose, generator};
use crate::data::{Mixture, Noise};
use crate::descent::run::Status;
use crate::descent::sliding::visits::Fractions;
use crate::descent::{Engine, Segment};
use crate::geometry::Span;
use crate::limit::Limit;
use crate::limit::iterate::{self, Shares, Stationarity};
use crate::limit::monte_carlo::{self, Estimate};
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::limit::test_error::{self, Probability, Regime};
use crate::matrix::Matrix;
use crate::monitor::{Monitor, PatternState, Row};
use crate::problem::Problem;
use crate::record::{Real, digest};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

/// The content of result.json.
#[derive(Serialize)]
pub struct Outcome {
    pub(crate) status: &'static str,
    pub(crate) steps: Real,
    pub(crate) log_loss: Real,
    pub(crate) min_margin: Real,
    pub(crate) weight_norm: Real,
    pub(crate) gradient_norm: Real,
    pub(crate) normalized_margin: Real,
    pub(crate) max_margin: Option<Real>,
    /// Proved bounds of the maximal margin, from the samples.
    pub(crate) margin_interval: Option<(Real, Real)>,
    /// A proved bound of the distance between the unit direction of the weights λ and the limit's.
    pub(crate) direction_error: Option<Real>,
    pub(crate) cosine_gap: Option<Real>,
    pub(crate) certified_cosine_gap: Option<Real>,
    pub(crate) gradient_cosine_gap: Option<Real>,
    pub(crate) dual_gap: Option<Real>,
    pub(crate) rate_exponent: Option<Real>,
    pub(crate) next_decimal_at: Option<Real>,
    /// Where the final pattern does not separate the data: the relative change of the features with which they cancel
    /// exactly, with the weights λ of farkas.npy.
    pub(crate) farkas_value: Option<Real>,
    pub(crate) pattern: PatternReport,
    pub(crate) test_error: Option<TestError>,
    pub(crate) train_error: Real,
    /// KKT residuals of the final iterate, where every margin is positive.
    pub(crate) stationarity: Option<Stationarity>,
    /// Clean and flipped samples apart, where the clean labels are known.
    pub(crate) training: Option<Shares>,
    pub(crate) step_size: Real,
    pub(crate) lambda_max: Real,
    /// Why steps were still taken one by one at the end, or why no limit is known.
    pub(crate) remark: Option<String>,
    pub(crate) segments: Vec<SegmentReport>,
    pub(crate) precision: PrecisionReport,
    pub(crate) digest: String,
    pub(crate) data_digest: String,
    pub(crate) provenance: Provenance,
}

#[derive(Serialize)]
pub(crate) struct PatternReport {
    pub(crate) sign_agreement: Real,
    pub(crate) flips: u64,
    pub(crate) last_flip: Real,
    pub(crate) state: &'static str,
    pub(crate) limit_consistent: bool,
    pub(crate) sliding: Vec<SlidingReport>,
}

/// A sample and neurons of one sign that chatter across its kink, in the limit for the present sides of the own-sign
/// pairs.
#[derive(Serialize)]
pub(crate) struct SlidingReport {
    pub(crate) sample: usize,
    pub(crate) sign: i8,
    /// Number of neurons.
    pub(crate) neurons: usize,
    pub(crate) slope: Real,
    pub(crate) fraction_predicted: Real,
    /// Over the last decade of t of which a good part was stepped, the mean over the neurons.
    pub(crate) fraction_observed: Option<Real>,
    /// The same in each decade, as far as it was stepped.
    pub(crate) decades: Vec<DecadeReport>,
    /// λ of the sample in the limit.
    pub(crate) dual: Real,
    /// `α c t ℓ` of the sample, which tends to λ.
    pub(crate) scaled_loss: Real,
}

/// Fraction of the steps from one t to another that neurons spent on their positive side.
#[derive(Serialize)]
pub(crate) struct DecadeReport {
    pub(crate) from: Real,
    pub(crate) to: Real,
    pub(crate) fraction: Real,
}

/// A decade counts as observed if steps were taken in this part of it, in terms of its last t.
const OBSERVED: f64 = 0.5;

impl SlidingReport {
    fn all(limit: &Sliding, decades: &[Fractions], scaled: &[f64]) -> Vec<Self> {
        let groups = &limit.limit.span.groups;
        let report = |pair: &SlidingPair| {
            let m = groups.of.len();
            let fraction = |decade: &Fractions| {
                let neurons = (0..m).filter(|&j| groups.of[j] == pair.group);
                let sum: f64 = neurons.map(|j| decade.values[pair.sample * m + j]).sum();
                Real(sum / groups.size[pair.group] as f64)
            };
            let whole = |d: &&Fractions| d.to - d.from >= OBSERVED * d.to;
            let decade = |d: &Fractions| DecadeReport { from: Real(d.from), to: Real(d.to), fraction: fraction(d) };
            Self {
                sample: pair.sample,
                sign: if pair.sign > 0.0 { 1 } else { -1 },
                neurons: groups.size[pair.group],
                slope: Real(pair.slope),
                fraction_predicted: Real(pair.fraction),
                fraction_observed: decades.iter().rfind(whole).map(fraction),
                decades: decades.iter().map(decade).collect(),
                dual: Real(limit.limit.lambda[pair.sample]),
                scaled_loss: Real(scaled[pair.sample]),
            }
        };
        limit.pairs.iter().map(report).collect()
    }
}

#[derive(Serialize)]
pub(crate) struct SegmentReport {
    pub(crate) engine: &'static str,
    pub(crate) precision: &'static str,
    pub(crate) from: Real,
    pub(crate) to: Real,
    pub(crate) steps_taken: u64,
    pub(crate) seconds: Real,
    pub(crate) error_estimate: Real,
}

impl From<Segment> for SegmentReport {
    fn from(s: Segment) -> Self {
        Self {
            engine: s.engine,
            precision: s.precision.name(),
            from: Real(s.from),
            to: Real(s.to),
            steps_taken: s.steps_taken,
            seconds: Real(s.seconds),
            error_estimate: Real(s.error_estimate),
        }
    }
}

/// What is known of rounding at the end of a run.
#[derive(Serialize)]
pub(crate) struct PrecisionReport {
    /// As configured.
    pub(crate) requested: String,
    /// Of the last stretch.
    pub(crate) present: &'static str,
    /// Error of the running margins against those of W in f64, at the end and at its largest.
    pub(crate) drift: Option<Real>,
    pub(crate) largest_drift: Option<Real>,
    pub(crate) anchors: u64,
    pub(crate) interval: u64,
    pub(crate) anchor_seconds: Real,
    /// Fraction of the weights whose update rounded to nothing, at the last look.
    pub(crate) lost_fraction: Option<Real>,
    /// The first t at which a lost update was seen, and half of them.
    pub(crate) first_lost: Option<Real>,
    pub(crate) half_lost: Option<Real>,
    /// Where the steps went over to f64 because of their drift.
    pub(crate) escalated_at: Option<Real>,
    /// The part of the certified gap that makes up for the rounding of the certificate itself.
    pub(crate) certificate_rounding: Option<Real>,
}

impl PrecisionReport {
    fn new(config: &Config, row: &Row) -> Self {
        let rounding = row.rounding.unwrap_or_default();
        let watched = row.rounding.is_some();
        Self {
            requested: config.descent.precision.clone(),
            present: row.precision.name(),
            drift: rounding.drift.map(Real),
            largest_drift: watched.then_some(Real(rounding.largest_drift)),
            anchors: rounding.anchors,
            interval: rounding.interval,
            anchor_seconds: Real(rounding.anchor_seconds),
            lost_fraction: watched.then_some(Real(rounding.lost)),
            first_lost: rounding.first_lost.map(Real),
            half_lost: rounding.half_lost.map(Real),
            escalated_at: rounding.escalated.map(Real),
            certificate_rounding: row.certificate_rounding.map(Real),
        }
    }
}

/// The probability of misclassifying a fresh, clean sample of the mixture.
#[derive(Serialize)]
pub struct TestError {
    pub(crate) limit: Option<Real>,
    pub(crate) log10_limit: Option<Real>,
    pub(crate) bayes: Option<Real>,
    pub(crate) log10_bayes: Option<Real>,
    pub(crate) predicted: Real,
    pub(crate) log10_predicted: Real,
    /// The limit by sampling, with its 95 % interval, where there is no closed form.
    pub(crate) sampled: Option<Estimate>,
    /// The final weights by sampling, with their 95 % interval.
    pub(crate) iterate: Option<Estimate>,
    pub(crate) regime: Regime,
    pub(crate) signal_ratio: Real,
}

impl TestError {
    /// Of the limit; none for data from files, whose distribution is unknown. Closed forms are for
    /// Gaussian noise, that of the limit for a boundary that is a plane; the rest is sampled.
    pub fn of_limit(limit: &Limit, problem: &Problem, seed: u64) -> Option<Self> {
        let mixture = problem.data.mixture.as_ref()?;
        let n = problem.data.y.len();
        let gaussian = mixture.noise == Noise::Gaussian;
        let boundary = limit.boundary(&problem.data.x);
        let linear = limit.linear(&problem.network);
        let exact = (gaussian && linear).then(|| test_error::of_boundary(&boundary, mixture));
        let draws = |batch| generator(seed, Purpose::Test, batch, 0);
        let sampled = match (linear, gaussian) {
            (true, true) => None,
            (true, false) => Some(monte_carlo::of_boundary(&boundary, mixture, points(mixture), draws)),
            (false, _) => of_weights(problem, &limit.weights(&problem.data.x), draws),
        };
        let bayes = gaussian.then(|| test_error::bayes(mixture));
        let predicted = test_error::predicted(mixture, n);
        let value = |p: &Probability| Real(p.value);
        let log10 = |p: &Probability| Real(p.log10);
        Some(Self {
            limit: exact.as_ref().map(value),
            log10_limit: exact.as_ref().map(log10),
            bayes: bayes.as_ref().map(value),
            log10_bayes: bayes.as_ref().map(log10),
            predicted: value(&predicted),
            log10_predicted: log10(&predicted),
            sampled,
            iterate: None,
            regime: test_error::regime(mixture, n),
            signal_ratio: Real(test_error::signal_ratio(mixture, n)),
        })
    }
}

/// Fresh points for a sampled test error: for Gaussian noise a point costs m numbers, else d.
fn points(mixture: &Mixture) -> u64 {
    let affordable = if mixture.noise == Noise::Gaussian { POINTS } else { NUMBERS / mixture.mean.len() as u64 };
    affordable.clamp(MANY, POINTS)
}

/// The most points, the fewest, and the random numbers that may be spent on points with d of them.
const POINTS: u64 = 100_000;
const MANY: u64 = 2_000;
const NUMBERS: u64 = 20_000_000;

/// The test error of weights by sampling, for the generators of the batches.
fn of_weights(
    problem: &Problem,
    weights: &Matrix,
    draws: impl Fn(u64) -> Xoshiro256PlusPlus + Sync,
) -> Option<Estimate> {
    let mixture = problem.data.mixture.as_ref()?;
    Some(monte_carlo::of_network(weights, &problem.network, mixture, points(mixture), draws))
}

/// Where a result comes from.
#[derive(Serialize)]
pub struct Provenance {
    version: &'static str,
    commit: &'static str,
    isa: &'static str,
    threads: usize,
    config: Config,
}

impl Provenance {
    /// Of this program, on this machine, with this configuration.
    pub fn new(config: &Config) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("FARFIELD_COMMIT"),
            isa: farfield_kernels::isa::Isa::best().name(),
            threads: rayon::current_num_threads(),
            config: config.clone(),
        }
    }
}

impl PatternState {
    /// The name in result.json.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Observed => "observed",
            Self::Sliding => "sliding",
            Self::Unsettled => "unsettled",
        }
    }
}

/// The t at which `1 − cos(W, Ŵ)` will have fallen to a tenth: the part of W across Ŵ stays bounded
/// while `‖W‖ ≈ (log t + const)/γ*` grows, so the norm must grow by √10.
fn next_decimal(t: f64, weight_norm: f64, max_margin: f64) -> f64 {
    t * libm::exp(max_margin * weight_norm * (10f64.sqrt() - 1.0))
}

impl Outcome {
    /// Gathers what is known at the end of a run.
    pub fn new(
        config: &Config,
        problem: &Problem,
        monitor: &mut Monitor,
        engine: &mut dyn Engine,
        row: &Row,
        status: Status,
    ) -> Self {
        let segments = engine.segments().into_iter().map(SegmentReport::from).collect();
        let engine_remark = engine.remark();
        monitor.verify();
        let (decades, scaled) = (engine.decades(), engine.scaled_losses());
        let view = engine.view();
        let q = monitor.margins(view);
        let scaled = scaled.unwrap_or_else(|| monitor.scaled_losses(row.t, &q));
        let sliding = monitor.present_sliding().map(|limit| SlidingReport::all(limit, &decades, &scaled));
        let state = monitor.pattern_state(row);
        let limit = row.cosine_gap.and_then(|_| monitor.limit());
        let norm = row.weight_norm;
        let (data, geometry) = (&problem.data, problem.geometry());
        let distance = |s: f64, e: &Span| view.combined_norm(s, e);
        let z = view.preactivations();
        let stationarity = iterate::stationarity(&*geometry, z, &data.y, &problem.network, norm, distance);
        let stationarity = stationarity.filter(|_| row.finite);
        let lambda = limit.map(|l| &l.lambda[..]);
        let training = data.clean.as_ref().map(|clean| iterate::shares(&q, &data.y, clean, lambda));
        let mut test_error = limit.and_then(|limit| TestError::of_limit(limit, problem, config.seed));
        if let Some(error) = &mut test_error {
            error.iterate =
                of_weights(problem, &view.weights(), |batch| generator(config.seed, Purpose::Test, batch, 1));
        }
        Self {
            status: status.name(),
            steps: Real(row.t),
            log_loss: Real(row.log_loss),
            min_margin: Real(row.min_margin),
            weight_norm: Real(norm),
            gradient_norm: Real(row.gradient_norm),
            normalized_margin: Real(row.min_margin / norm),
            max_margin: limit.map(|l| Real(l.max_margin)),
            margin_interval: limit.map(|l| (Real(l.margin_interval.0), Real(l.margin_interval.1))),
            direction_error: limit.map(|l| Real(l.direction_error)),
            cosine_gap: row.cosine_gap.map(Real),
            certified_cosine_gap: row.certified_cosine_gap.map(Real),
            gradient_cosine_gap: row.gradient_cosine_gap.map(Real),
            dual_gap: row.dual_gap.map(Real),
            rate_exponent: limit.map(|l| Real(l.nu)),
            next_decimal_at: limit.map(|l| Real(next_decimal(row.t, norm, l.max_margin))),
            farkas_value: monitor
                .inseparable()
                .filter(|_| status == Status::NotSeparable)
                .map(|proof| Real(proof.farkas.relative)),
            pattern: PatternReport {
                sign_agreement: Real(row.sign_agreement),
                flips: row.flips.count,
                last_flip: Real(row.flips.last),
                state: state.name(),
                limit_consistent: limit.is_some(),
                sliding: sliding.unwrap_or_default(),
            },
            test_error,
            train_error: Real(1.0 - q.iter().filter(|q| **q > 0.0).count() as f64 / q.len() as f64),
            stationarity,
            training,
            step_size: Real(problem.step_size),
            lambda_max: Real(problem.lambda_max),
            remark: engine_remark.or_else(|| monitor.remark()),
            segments,
            precision: PrecisionReport::new(config, row),
            digest: digest([&view.state()[..]]),
            data_digest: problem.data_digest(),
            provenance: Provenance::new(config),
        }
    }
}
