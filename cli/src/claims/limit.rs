//! The claims of a limit, and those that a run makes of its own.

use super::words::{OF_LIMIT, OF_NETWORK};
use super::{Claim, data, has, put};
use crate::error::Result;
use crate::folder::Folder;
use farfield::claims::{Dual, Seen};
use farfield::limit::sliding::Sliding;
use farfield::limit::{NEGLIGIBLE, Proof, Undecided};
use farfield::{Errors, HeldOutOutcome, Limit, LimitOutcome, Prediction, Problem, TestError};

/// Writes the claims of a limit about the files that its folder has by now.
///
/// # Errors
/// [`crate::error::Error::Internal`] if the file cannot be written.
pub fn of_limit(
    facts: &LimitOutcome,
    prediction: &Prediction<Sliding>,
    problem: &Problem,
    folder: &Folder,
) -> Result<()> {
    let mut claims = vec![data(folder, &facts.data_digest)];
    let mut open = None;
    match prediction {
        Prediction::Limit(solved) => {
            let of_dual = of_dual(&solved.limit, "slopes.npy", problem, folder);
            open = of_dual.is_empty().then_some(OF_LIMIT);
            claims.extend(of_dual);
        }
        Prediction::NotSeparable(proof) => {
            let claim = Claim::new("inseparable", folder, &["farkas.npy", "slopes.npy"]);
            claims.push(claim.number("farkas_value", proof.farkas.relative));
        }
        Prediction::Undecided(best) => match &best.proof {
            Some(proof) if best.margin_interval.1.is_finite() => claims.push(of_interval(best, proof, folder)),
            _ => open = Some(OF_LIMIT),
        },
    }
    claims.extend(facts.test_error.as_ref().map(|error| of_test_error(error, folder)));
    claims.extend(facts.test_error.as_ref().and_then(|error| of_bounded(error, folder)));
    claims.extend(facts.held_out.as_ref().map(|found| of_held_out(found, None, problem, folder)));
    let open: Vec<&str> = open.into_iter().chain(open_of_held_out(facts.held_out.as_ref(), folder)).collect();
    put(folder, problem, None, claims, &open)
}

/// What is claimed of λ that leaves it undecided.
fn of_interval(best: &Undecided, proof: &Proof, folder: &Folder) -> Claim {
    let rows = if proof.free { "free" } else { "fixed" };
    Claim::new("undecided", folder, &["dual.npy", "remainders.npy", "slopes.npy"])
        .choice("rows", rows)
        .number("margin_interval.low", best.margin_interval.0)
        .number("margin_interval.high", best.margin_interval.1)
}

/// Whether the bounds of a limit follow from the arrays that are written; it is tried where much of them may be lost.
fn follows(limit: &Limit, proof: &Proof, residual: f64, problem: &Problem) -> bool {
    if proof.loss <= NEGLIGIBLE {
        return true;
    }
    let Some(x) = problem.data.samples().whole() else { return false };
    let seen = Seen::new(x, problem.data.y(), problem.network);
    let (lambda, slopes, remainders) = (&limit.lambda[..], &proof.slopes, Some(&proof.remainders));
    let dual = Dual { lambda, slopes, remainders, free: proof.free };
    dual.proves(&seen, |i, j| slopes[(i, j)], limit, residual)
}

/// What is claimed of λ, with the slopes in a file.
pub fn of_dual(limit: &Limit, slopes: &str, problem: &Problem, folder: &Folder) -> Vec<Claim> {
    let (proof, files) = (limit.proof(), ["dual.npy", "remainders.npy", slopes, "pattern.npy"]);
    let Some(residual) = proof.residual.filter(|residual| follows(limit, &proof, *residual, problem)) else {
        return Vec::new();
    };
    let rows = if proof.free { "free" } else { "fixed" };
    let which = match proof.free {
        true => "Opposite-sign pairs may take either slope; own-sign pairs have those of these sides.",
        false => "Every pair has the slope of this pattern.",
    };
    let support = limit.lambda.iter().filter(|l| **l > 0.0).count();
    let sides = match limit.consistent() {
        true => "W* shows the sides that it was computed for.",
        false => "W* does not show the sides that it was computed for.",
    };
    let margin = Claim::new("margin", folder, &files)
        .choice("rows", rows)
        .number("max_margin", limit.max_margin)
        .number("margin_interval.low", limit.margin_interval.0)
        .number("margin_interval.high", limit.margin_interval.1)
        .number("direction_error", limit.direction_error)
        .also(which);
    let kkt = Claim::new("kkt", folder, &files)
        .choice("rows", rows)
        .choice("limit_consistent", if limit.consistent() { "true" } else { "false" })
        .number("residual", residual)
        .number("support", support as f64)
        .number("inconsistent", limit.inconsistent.len() as f64)
        .also(sides);
    vec![margin, kkt]
}

/// What is claimed of the samples that are not trained on: of the limit where the folder has its boundary, of W where it has W
/// with sums of this size.
pub fn of_held_out(found: &HeldOutOutcome, magnitude: Option<f64>, problem: &Problem, folder: &Folder) -> Claim {
    let files = ["config.toml", "boundary.npy", "dual.npy", "weights.npy"];
    let claim = Claim::new("held_out", folder, &files)
        .choice("held_out.data_digest", &found.data_digest)
        .number("held_out.samples", found.samples as f64);
    let with = |claim: Claim, name: &str, e: &Errors| {
        claim
            .number(&format!("held_out.{name}.errors"), e.errors as f64)
            .number(&format!("held_out.{name}.error"), e.error)
            .number(&format!("held_out.{name}.low"), e.low)
            .number(&format!("held_out.{name}.high"), e.high)
    };
    let claim = match &found.limit {
        Some(limit) if has(folder, "boundary.npy") => with(claim, "limit", limit),
        _ => claim,
    };
    match (&found.iterate, magnitude) {
        (Some(iterate), Some(size)) => with(claim, "iterate", iterate).rounded(problem).number("magnitude", size),
        _ => claim,
    }
}

/// What is stated without a claim: the errors of a limit whose boundary is no plane.
pub fn open_of_held_out(found: Option<&HeldOutOutcome>, folder: &Folder) -> Option<&'static str> {
    found.filter(|found| found.limit.is_some() && !has(folder, "boundary.npy")).map(|_| OF_NETWORK)
}

/// What is claimed of a test error between bounds.
pub fn of_bounded(error: &TestError, folder: &Folder) -> Option<Claim> {
    let bounded = error.bounded?;
    let claim = Claim::new("bounded_error", folder, &["config.toml", "boundary.npy", "dual.npy"])
        .number("test_error.bounded.low", bounded.low)
        .number("test_error.bounded.high", bounded.high)
        .number("test_error.bounded.log10_low", bounded.log10_low)
        .number("test_error.bounded.log10_high", bounded.log10_high);
    Some(claim)
}

/// What is claimed of test errors in closed form.
pub fn of_test_error(error: &TestError, folder: &Folder) -> Claim {
    let claim = Claim::new("test_error", folder, &["config.toml", "boundary.npy", "dual.npy"])
        .number("test_error.limit", error.limit)
        .number("test_error.log10_limit", error.log10_limit)
        .number("test_error.bayes", error.bayes)
        .number("test_error.log10_bayes", error.log10_bayes)
        .number("test_error.predicted", error.predicted)
        .number("test_error.log10_predicted", error.log10_predicted)
        .number("test_error.flipped_labels", error.flipped_labels as f64)
        .number("test_error.signal_ratio", error.signal_ratio);
    match error.predicted_by {
        Some(by) => claim.choice("test_error.predicted_by", by.name()),
        None => claim,
    }
}
