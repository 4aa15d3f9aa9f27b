//! What can be measured at a monitored t beyond what always is, by name.

use serde::{Deserialize, Serialize};

/// What can be measured at every monitored t. Each may be asked for by itself ([`Options::measures`](crate::Options)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// `‖W‖_F²/‖W‖₂²`.
    StableRank,
    /// `max q/min q`; none unless every margin is positive.
    MarginRatio,
    /// `log(1/L)/‖W‖` (Lyu and Li 2020), of L as it is, with its constant c.
    SmoothedMargin,
    /// `max/min` of `κ α c t s(q_i)` over the samples with `λ_i > 0` in the limit, or in the ray; none where no limit is known.
    SupportRatio,
    /// The number of these samples.
    SupportCount,
    /// The cosine between `Σ_j a_j w_j` and `Σ_i y_i x_i` (Frei et al. 2023).
    MeanCosine,
    /// `α λmax` of the Hessian of L, for the present slopes.
    Sharpness,
}

impl Measure {
    /// All of them, in the order of their columns.
    pub const ALL: [Self; 7] = [
        Self::StableRank,
        Self::MarginRatio,
        Self::SmoothedMargin,
        Self::SupportRatio,
        Self::SupportCount,
        Self::MeanCosine,
        Self::Sharpness,
    ];

    /// Its name, that of its column.
    pub fn name(self) -> &'static str {
        match self {
            Self::StableRank => "stable_rank",
            Self::MarginRatio => "margin_ratio",
            Self::SmoothedMargin => "smoothed_margin",
            Self::SupportRatio => "support_ratio",
            Self::SupportCount => "support_count",
            Self::MeanCosine => "mean_cosine",
            Self::Sharpness => "sharpness",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

/// The points that test errors on the way are sampled with, where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// Seed of the generators.
    pub seed: u64,
    /// Number of points; none: as many as about a second allows, a function of the problem alone.
    pub points: Option<u64>,
}
