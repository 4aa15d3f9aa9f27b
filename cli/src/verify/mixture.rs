//! Test errors in closed form.
//!
//! An argument τ of the normal distribution that is off by δ moves `log Φ(−τ)` by at most `(|τ| + 1) δ`.

use super::dual::read;
use super::{Case, Checked, near, number};
use crate::claims::Claim;
use farfield::claims::{ROUNDOFF, Seen, roundings};
use farfield::limit::test_error::{self, Probability};
use farfield::{Mixture, Problem};
use std::f64::consts::{LN_10, LOG10_E};

/// What a library function leaves in a logarithm, relatively.
const LOGARITHM: f64 = 2e-14;

/// The closed forms of the claim.
pub fn test_error(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let mixture = problem.data.mixture().ok_or("the distribution of the samples is not known")?;
    let n = problem.data.n();
    let plain = 4.0 * (mixture.mean.len() + n + 16) as f64 * ROUNDOFF;
    match (problem.network.increasing(), claim.numbers.contains_key("test_error.predicted")) {
        (true, _) => probability(claim, "predicted", test_error::predicted(mixture, n), plain)?,
        (false, true) => return Err("a prediction for a network with leak 0, whose boundary is no plane".into()),
        (false, false) => {}
    }
    let ratio = test_error::signal_ratio(mixture, n);
    near("signal_ratio", number(claim, "test_error.signal_ratio")?, ratio, plain * ratio)?;
    if claim.numbers.contains_key("test_error.bayes") {
        probability(claim, "bayes", test_error::bayes(mixture), plain)?;
    }
    if !claim.numbers.contains_key("test_error.limit") {
        return Ok("best and predicted error".into());
    }
    if !problem.network.increasing() {
        return Err("the error of a plane for a network with leak 0, whose boundary is none".into());
    }
    let (boundary, error) = boundary(case, seen, mixture)?;
    let found = test_error::of_boundary(&boundary, mixture);
    probability(claim, "limit", found, error + plain)?;
    Ok(format!("error of the limit {:.4e}", found.value))
}

/// w̄ (d), and the relative error that its rounding, and that of a sum with it, leaves in τ.
fn boundary(case: &Case, seen: &Seen, mixture: &Mixture) -> Result<(Vec<f64>, f64), String> {
    let (n, d, m) = (seen.y.len(), seen.x.cols(), seen.network.width);
    let ku = roundings(n, d, m) * ROUNDOFF;
    let (b, found) = match case.rows("margin") {
        Ok(free) => {
            let stored = read(case, free, seen)?;
            let mean = |i: usize| (0..m).map(|j| stored.bracket.slope(i, j).hi).sum::<f64>() / m as f64;
            let b: Vec<f64> = (0..n).map(|i| stored.dual[i] * seen.y[i] * mean(i)).collect();
            let found = farfield::limit::combination(&b, seen.x);
            (Some(b), found)
        }
        Err(_) => (None, case.vector("boundary.npy", d)?),
    };
    let length = farfield::matrix::norm(&found);
    let sizes = b.map_or(length, |b| b.iter().zip(&seen.norms).map(|(b, x)| b.abs() * x).sum());
    if case.has("boundary.npy") {
        let written = case.vector("boundary.npy", d)?;
        let apart: Vec<f64> = written.iter().zip(&found).map(|(a, b)| a - b).collect();
        let distance = farfield::matrix::norm(&apart);
        if distance.is_nan() || distance > ku * sizes {
            return Err(format!("boundary.npy is {distance:.1e} away from the boundary of λ"));
        }
    }
    let signal: f64 = found.iter().zip(&mixture.mean).map(|(w, v)| w * v).sum();
    let variance: f64 = found.iter().zip(&mixture.spectrum).map(|(w, s)| w * w * s).sum();
    let (mu, top) = (farfield::matrix::norm(&mixture.mean), mixture.spectrum.iter().copied().fold(0.0, f64::max));
    let relative = ku * sizes * (mu / signal.abs() + (top / variance).sqrt());
    Ok((found, relative))
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
