//! What a monitor says of one t: a line of the trace.

use crate::engine::{EngineKind, Flips, Precision};
use crate::limit::held_out::Errors;
use crate::limit::monte_carlo::Estimate;
use crate::measure::Measure;
use crate::real;
use crate::rounding::Rounding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line of the trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Steps taken.
    #[serde(with = "real")]
    pub t: f64,
    /// `log L = log(c Σ ℓ(q_i))`.
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
    /// `1 − cos(W, Ŵ)`.
    #[serde(with = "real::maybe")]
    pub cosine_gap: Option<f64>,
    /// A proved upper bound of the same, found without the limit.
    #[serde(with = "real::maybe")]
    pub certified_cosine_gap: Option<f64>,
    /// What limit the certificate is for; none where there is no certificate.
    pub certified_for: Option<CertifiedFor>,
    /// No bit of the pattern changes before this t, proved; infinite if it is final. None where nothing is proved.
    #[serde(with = "real::maybe")]
    pub final_until: Option<f64>,
    /// `1 − cos(−∇L, Ŵ)`.
    #[serde(with = "real::maybe")]
    pub gradient_cosine_gap: Option<f64>,
    /// `max_i |κ α c t s(q_i) − λ_i| / max λ`, κ the tail of the loss ([`farfield_kernels::loss`]).
    #[serde(with = "real::maybe")]
    pub dual_gap: Option<f64>,
    /// Fraction of pairs with `a_j y_i z_ij > 0`.
    #[serde(with = "real")]
    pub sign_agreement: f64,
    /// Pairs on their kink up to the rounding of z: exact arithmetic might find them on the other side.
    pub ties: u64,
    /// Changes of single bits of the pattern since t = 0.
    pub flips: Flips,
    /// The engine that produced the state.
    pub segment: EngineKind,
    /// Precision of the products of the steps that led here.
    pub precision: Precision,
    /// `max_ij |⟨x_i, G_j⟩| / max_i ‖x_i‖²`, G the mean of the features with the weights of the loss: how far a step moves
    /// pre-activations, relative to the sizes that are summed. Not a number where that is not known.
    #[serde(with = "real")]
    pub motion: f64,
    /// Whether every number of the state is finite.
    pub finite: bool,
    /// The part of the certified gap that makes up for the rounding of the certificate itself.
    #[serde(with = "real::maybe")]
    pub certificate_rounding: Option<f64>,
    /// Rounding of the steps, where they are not all in f64.
    pub rounding: Option<Rounding>,
    /// `L/L∞ − 1`, where nothing separates the data in a pattern that stays and its ray is known: L∞ is the floor of the
    /// loss. The gaps are then those to the ray ([`crate::limit::ray`]), if it goes anywhere.
    #[serde(with = "real::maybe")]
    pub loss_above_floor: Option<f64>,
    /// Errors among the samples that are not trained on; none where there are none, or W is not finite.
    pub held_out: Option<Errors>,
    /// The probability that W misclassifies a fresh sample of the mixture, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_error: Option<Estimate>,
    /// What is measured besides, where it was asked for and is defined.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<Measure, f64>,
}

impl Row {
    /// The certified angle (radians).
    pub fn certified_angle(&self) -> Option<f64> {
        self.certified_cosine_gap.map(|gap| 2.0 * libm::asin((0.5 * gap).sqrt().min(1.0)))
    }

    /// Whether the certified angle is below a tolerance, to a limit that is not only that of the present sides.
    pub fn meets(&self, tolerance: f64) -> bool {
        let lasting = self.certified_for.is_some_and(|limit| limit != CertifiedFor::PresentSides);
        lasting && self.certified_angle().is_some_and(|angle| angle < tolerance)
    }
}

/// What is known about whether the pattern is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatternState {
    /// Activated, and the data are positively correlated: every `a_j y_i z_ij` grows for ever. Or the model is linear (leak 1),
    /// and every pattern is the same.
    Proved,
    /// No change during most of the run, and the limit of this pattern is consistent with it.
    Observed,
    /// Neurons chatter, and the limit with sliding pairs has the present own-sign sides.
    Sliding,
    /// Otherwise.
    Unsettled,
}

/// What limit a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertifiedFor {
    /// Of a pattern that is final: no pre-activation can reach 0 any more ([`crate::certificate::permanence`]).
    Final,
    /// Of a pattern that is final by [`PatternState::Proved`].
    Proved,
    /// Of a pattern that was observed to stay, or of sides that the limit with sliding pairs has, too.
    Observed,
    /// Of the present sides of the own-sign pairs, which may still change.
    PresentSides,
}
