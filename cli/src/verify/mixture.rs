//! Test errors in closed form, and between bounds.
//!
//! An argument τ of the normal distribution that is off by δ moves `log Φ(−τ)` by at most `(|τ| + 1) δ`.

use super::{Case, Checked, near, number, plane, same};
use crate::claims::Claim;
use farfield::Problem;
use farfield::claims::{ROUNDOFF, Seen};
use farfield::limit::label_noise;
use farfield::limit::tail;
use farfield::limit::test_error::{self, Probability};
use std::f64::consts::{LN_10, LOG10_E};

/// What a library function leaves in a logarithm, relatively.
const LOGARITHM: f64 = 2e-14;

/// The closed forms of the claim.
pub fn test_error(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let mixture = problem.data.mixture().ok_or("the distribution of the samples is not known")?;
    let n = problem.data.n();
    let plain = 4.0 * (mixture.mean.len() + n + 16) as f64 * ROUNDOFF;
    predicted(claim, problem, plain)?;
    let ratio = test_error::signal_ratio(mixture, n);
    near("signal_ratio", number(claim, "test_error.signal_ratio")?, ratio, plain * ratio)?;
    if claim.numbers.contains_key("test_error.bayes") {
        let best = test_error::bayes(mixture).ok_or("the best possible error has no closed form")?;
        probability(claim, "bayes", best, plain)?;
    }
    if !claim.numbers.contains_key("test_error.limit") {
        return Ok("best and predicted error".into());
    }
    if !problem.network.increasing() {
        return Err("the error of a plane for a network with leak 0, whose boundary is none".into());
    }
    let plane = plane::read(case, seen)?;
    if mixture.second.is_some() {
        probability(claim, "limit", test_error::normal_tail(0.0), 0.0)?;
        return Ok("error of the limit, a plane, 1/2 by symmetry".into());
    }
    let signal: f64 = plane.boundary.iter().zip(&mixture.mean).map(|(w, v)| w * v).sum();
    let variance: f64 = plane.boundary.iter().zip(&mixture.spectrum).map(|(w, s)| w * w * s).sum();
    let (mu, top) = (farfield::matrix::norm(&mixture.mean), mixture.spectrum.iter().copied().fold(0.0, f64::max));
    let error = plane.error * (mu / signal.abs() + (top / variance).sqrt());
    let found = test_error::of_boundary(&plane.boundary, mixture);
    probability(claim, "limit", found, error + plain)?;
    Ok(format!("error of the limit {:.4e}", found.value))
}

/// The bounds of the claim: those of boundary.npy, which is near the w̄ of λ and θ, but for as much as these are apart.
pub fn bounded(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let mixture = problem.data.mixture().ok_or("the distribution of the samples is not known")?;
    let plane = plane::read(case, seen)?;
    let found = tail::of_boundary(&plane.boundary, mixture).ok_or("no bounds are known for this noise and plane")?;
    let apart = found.high.log10 - found.low.log10;
    for (name, found) in [("low", found.low), ("high", found.high)] {
        let tolerance = apart + LOGARITHM * (1.0 + found.log10.abs());
        near(name, number(claim, &format!("test_error.bounded.log10_{name}"))?, found.log10, tolerance)?;
        let value = found.value * (LN_10 * tolerance).exp_m1();
        near(name, number(claim, &format!("test_error.bounded.{name}"))?, found.value, value + f64::MIN_POSITIVE)?;
    }
    Ok(format!("error of the limit from {:.6e} to {:.6e}", found.low.value, found.high.value))
}

/// The prediction by the law that is named; a claim that names none is older than the other law.
fn predicted(claim: &Claim, problem: &Problem, plain: f64) -> Result<(), String> {
    let xor = problem.data.mixture().is_some_and(|mixture| mixture.second.is_some());
    if problem.data.flips_are_placed() || xor {
        return match claim.numbers.contains_key("test_error.predicted") {
            true => Err("a prediction for labels that an adversary has flipped, or for an xor".into()),
            false => Ok(()),
        };
    }
    match (problem.network.increasing(), claim.numbers.contains_key("test_error.predicted")) {
        (true, _) => {}
        (false, true) => return Err("a prediction for a network with leak 0, whose boundary is no plane".into()),
        (false, false) => return Ok(()),
    }
    let mixture = problem.data.mixture().ok_or("the distribution of the samples is not known")?;
    let n = problem.data.n();
    let Some(stated) = claim.choices.get("test_error.predicted_by") else {
        return probability(claim, "predicted", test_error::predicted(mixture, n), plain);
    };
    let flipped = problem.data.flipped();
    same("flipped_labels", number(claim, "test_error.flipped_labels")?, flipped as f64)?;
    let (found, by) = label_noise::predicted(mixture, &problem.network, (flipped, n));
    if stated != by.name() {
        return Err(format!("predicted_by is {}, stated {stated}", by.name()));
    }
    probability(claim, "predicted", found, plain)
}

/// A probability and its logarithm, whose τ has this relative error.
fn probability(claim: &Claim, name: &str, found: Probability, relative: f64) -> Result<(), String> {
    // τ² ≤ 2 |log Φ(−τ)|
    let squared = 2.0 * (found.log10 * LN_10).abs();
    let logarithm = (squared + squared.sqrt() + 1.0) * relative;
    let tolerance = LOG10_E * logarithm + LOGARITHM * found.log10.abs() + 4.0 * ROUNDOFF;
    near(name, number(claim, &format!("test_error.log10_{name}"))?, found.log10, tolerance)?;
    let value = found.value * (logarithm + LOGARITHM * (1.0 + squared)).exp_m1();
    near(name, number(claim, &format!("test_error.{name}"))?, found.value, value + f64::MIN_POSITIVE)
}
