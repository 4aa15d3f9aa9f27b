//! Rounding of the steps, where they are not all in f64.

use crate::engine::Precision;
use crate::monitor::Row;
use crate::real;
use serde::{Deserialize, Serialize};

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
    pub(super) fn new(requested: Precision, row: &Row) -> Self {
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
