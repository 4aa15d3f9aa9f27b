//! Test errors of limits, rays and weights: in closed form where there is one, between bounds where they are known, and by sampling.

use crate::data::Noise;
use crate::data::random::{Purpose, generator};
use crate::inner_products::Direction;
use crate::limit::label_noise::{self, PredictedBy};
use crate::limit::monte_carlo::{self, Estimate, Sampling};
use crate::limit::second_order;
use crate::limit::tail::{self, Bounds};
use crate::limit::test_error::{self, Regime};
use crate::limit::{self, Limit};
use crate::matrix::Matrix;
use crate::problem::Problem;
use crate::real;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A test error between two bounds that hold: [`tail::of_boundary`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// Between both bounds, in the middle of their logarithms.
    #[serde(with = "real")]
    pub value: f64,
    /// Not above the error.
    #[serde(with = "real")]
    pub low: f64,
    /// Not below the error.
    #[serde(with = "real")]
    pub high: f64,
    /// log10 of the value, which survives where it underflows.
    #[serde(with = "real")]
    pub log10_value: f64,
    /// log10 of the lower bound.
    #[serde(with = "real")]
    pub log10_low: f64,
    /// log10 of the upper bound.
    #[serde(with = "real")]
    pub log10_high: f64,
}

impl From<Bounds> for Bounded {
    fn from(bounds: Bounds) -> Self {
        let (middle, Bounds { low, high }) = (bounds.middle(), bounds);
        Self {
            value: middle.value,
            low: low.value,
            high: high.value,
            log10_value: middle.log10,
            log10_low: low.log10,
            log10_high: high.log10,
        }
    }
}

/// The probability of misclassifying a fresh, clean sample of the mixture; an output of 0, which the ReLU gives to samples that no
/// neuron sees, counts as an error.
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
    /// The leading-order prediction, by the law that `predicted_by` names; none for the ReLU, whose boundary is no plane,
    /// for labels that an adversary has flipped, and for an xor.
    #[serde(with = "real::maybe")]
    pub predicted: Option<f64>,
    /// Its decimal logarithm.
    #[serde(with = "real::maybe")]
    pub log10_predicted: Option<f64>,
    /// The law of the prediction: [`label_noise::predicted`].
    pub predicted_by: Option<PredictedBy>,
    /// The prediction beyond leading order, for clean labels: [`second_order::predicted`]; none where it is not derived.
    #[serde(default, with = "real::maybe")]
    pub predicted_second_order: Option<f64>,
    /// Its decimal logarithm.
    #[serde(default, with = "real::maybe")]
    pub log10_predicted_second_order: Option<f64>,
    /// Number of training labels that are flipped, on which it depends.
    pub flipped_labels: usize,
    /// Whether an adversary has placed them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub placed: bool,
    /// Whether the mixture is an xor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub xor: bool,
    /// Of the limit where there is no closed form, between bounds that hold; none where these are not known.
    #[serde(default)]
    pub bounded: Option<Bounded>,
    /// The limit by sampling, with its 95 % interval, where there is no closed form.
    pub sampled: Option<Estimate>,
    /// The final weights by sampling, with their 95 % interval.
    pub iterate: Option<Estimate>,
    /// Wall-clock seconds spent on sampling.
    #[serde(with = "real")]
    pub sampling_seconds: f64,
    /// The scaling of the paper's bound on this side of the transition, with constants 1: [`test_error::scaling`].
    #[serde(default, with = "real::maybe")]
    pub scaling: Option<f64>,
    /// Its decimal logarithm.
    #[serde(default, with = "real::maybe")]
    pub log10_scaling: Option<f64>,
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
        let boundary = || limit.linear(&problem.network).then(|| limit.boundary_on(problem.data.samples()));
        Self::of_direction(Some(&limit.direction), boundary, problem, sampling)
    }

    /// Of where W goes if nothing separates the samples; else as [`TestError::of_limit`]. Without a direction there is
    /// only what the distribution says.
    pub fn of_ray(direction: Option<&Direction>, problem: &Problem, sampling: &Sampling) -> Option<Self> {
        let boundary = || limit::boundary(direction?, &problem.network, problem.data.samples());
        Self::of_direction(direction, boundary, problem, sampling)
    }

    fn of_direction(
        direction: Option<&Direction>,
        boundary: impl Fn() -> Option<Vec<f64>>,
        problem: &Problem,
        sampling: &Sampling,
    ) -> Option<Self> {
        let (data, mixture) = (&problem.data, problem.data.mixture()?);
        let n = data.n();
        let gaussian = mixture.noise == Noise::Gaussian;
        let boundary = boundary();
        let exact = boundary.as_ref().filter(|_| gaussian).map(|b| test_error::of_boundary(b, mixture));
        let bounded = boundary
            .as_ref()
            .filter(|_| !gaussian)
            .and_then(|b| tail::of_boundary_watched(b, mixture, &sampling.watch));
        let begun = Instant::now();
        let draws = |batch| generator(sampling.seed, Purpose::Test, batch, 0);
        let sampled = match (&boundary, direction) {
            (Some(_), _) if gaussian => None,
            (Some(boundary), _) => monte_carlo::of_boundary(boundary, mixture, sampling, draws),
            (None, Some(goal)) => of_weights(problem, &limit::weights(goal, data.samples()), sampling, draws),
            (None, None) => None,
        };
        let bayes = if gaussian { test_error::bayes(mixture) } else { None };
        let flipped_labels = data.flipped();
        let law = || label_noise::predicted(mixture, &problem.network, (flipped_labels, n));
        let xor = mixture.second.is_some();
        let predicted = (problem.network.increasing() && !data.flips_are_placed() && !xor).then(law);
        let positive = data.y().iter().filter(|y| **y > 0.0).count();
        let second = || second_order::predicted(mixture, &problem.network, (positive, n - positive));
        let second = if flipped_labels == 0 { second() } else { None };
        let scaling = test_error::scaling(mixture, n);
        Some(Self {
            limit: exact.map(|p| p.value),
            log10_limit: exact.map(|p| p.log10),
            bayes: bayes.map(|p| p.value),
            log10_bayes: bayes.map(|p| p.log10),
            predicted: predicted.map(|(p, _)| p.value),
            log10_predicted: predicted.map(|(p, _)| p.log10),
            predicted_by: predicted.map(|(_, by)| by),
            predicted_second_order: second.map(|p| p.value),
            log10_predicted_second_order: second.map(|p| p.log10),
            flipped_labels,
            placed: data.flips_are_placed(),
            xor,
            bounded: bounded.map(Bounded::from),
            sampling_seconds: if sampled.is_some() { begun.elapsed().as_secs_f64() } else { 0.0 },
            sampled,
            iterate: None,
            scaling: scaling.map(|p| p.value),
            log10_scaling: scaling.map(|p| p.log10),
            regime: test_error::regime(mixture, n),
            signal_ratio: test_error::signal_ratio(mixture, n),
        })
    }

    /// Adds the error of weights W (m×d) by sampling.
    pub(super) fn of_iterate(mut self, weights: &Matrix, problem: &Problem, sampling: &Sampling) -> Self {
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
