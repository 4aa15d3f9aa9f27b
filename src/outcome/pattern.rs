//! The activation pattern at the end of a run, and the pairs that slide.

use crate::engine::Fractions;
use crate::limit::sliding::{Sliding, SlidingPair};
use crate::matrix::Matrix;
use crate::monitor::PatternState;
use crate::real;
use serde::{Deserialize, Serialize};

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
    /// Samples on which every slope is 0: they have no gradient, and the margin 0. None where the leak is positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_samples: Option<usize>,
    /// Neurons with slope 0 on every sample: they stand still. None where the leak is positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_neurons: Option<usize>,
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

/// How many samples and how many neurons have no slope (n×m) but 0.
pub(super) fn dead(slopes: &Matrix) -> (usize, usize) {
    let (n, m) = (slopes.rows(), slopes.cols());
    let samples = (0..n).filter(|&i| slopes.row(i).iter().all(|s| *s == 0.0)).count();
    (samples, (0..m).filter(|&j| (0..n).all(|i| slopes[(i, j)] == 0.0)).count())
}

impl SlidingSample {
    pub(super) fn all(limit: &Sliding, decades: &[Fractions], scaled: &[f64]) -> Vec<Self> {
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
