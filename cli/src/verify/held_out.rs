//! Errors among the samples that are not trained on.
//!
//! A margin of which rounding hides the sign may count as an error or not: the number that is stated lies between those that
//! are errors for certain, and those that may be.

use super::{Case, Checked, number, plane, same};
use crate::claims::Claim;
use farfield::claims::Seen;
use farfield::matrix::norm;
use farfield::{Errors, HeldOut, Problem};

/// The counts of the claim, with their intervals.
pub fn held_out(case: &Case, claim: &Claim, problem: &Problem, seen: &Seen) -> Checked {
    let held_out = problem.data.held_out().ok_or("config.toml names no samples that are held out")?;
    let digest = held_out.digest();
    if claim.choices.get("held_out.data_digest") != Some(&digest) {
        return Err(format!("the samples that are held out have the digest {digest}"));
    }
    same("samples", number(claim, "held_out.samples")?, held_out.samples() as f64)?;
    let claims = |name: &str| claim.numbers.contains_key(&format!("held_out.{name}.errors"));
    let mut found = Vec::new();
    if claims("limit") {
        found.push(counted(claim, "limit", held_out, &of_limit(case, held_out, seen)?)?);
    }
    if claims("iterate") {
        found.push(counted(claim, "iterate", held_out, &of_iterate(case, claim, held_out, seen)?)?);
    }
    Ok(match &found[..] {
        [] => format!("read again, digest {}…", &digest[..12]),
        found => found.join(", "),
    })
}

/// Margins of the limit's boundary, each with what rounding may have left in it.
fn of_limit(case: &Case, held_out: &HeldOut, seen: &Seen) -> Result<Vec<(f64, f64)>, String> {
    let plane = plane::read(case, seen)?;
    let margin = |(i, y): (usize, &f64)| {
        let x = held_out.x().row(i);
        let side: f64 = x.iter().zip(&plane.boundary).map(|(x, w)| x * w).sum();
        (y * side, plane.error * norm(x))
    };
    Ok(held_out.y().iter().enumerate().map(margin).collect())
}

/// The same of W.
fn of_iterate(case: &Case, claim: &Claim, held_out: &HeldOut, seen: &Seen) -> Result<Vec<(f64, f64)>, String> {
    let others = Seen::new(held_out.x(), held_out.y(), seen.network);
    let image = others.weights(&case.matrix("weights.npy", (seen.network.width, seen.x.cols()))?);
    let error = number(claim, "rounding")? * number(claim, "magnitude")?;
    let margins = image.outputs(&others).into_iter().zip(&others.norms);
    Ok(margins.map(|(q, length)| (q.value(), error * length)).collect())
}

fn counted(claim: &Claim, name: &str, held_out: &HeldOut, margins: &[(f64, f64)]) -> Checked {
    let stated = |what: &str| number(claim, &format!("held_out.{name}.{what}"));
    let errors = stated("errors")?;
    let least = margins.iter().filter(|(q, error)| q + error <= 0.0).count();
    let most = margins.len() - margins.iter().filter(|(q, error)| q - error > 0.0).count();
    if !(least as f64..=most as f64).contains(&errors) || errors.fract() != 0.0 {
        return Err(format!("{least} to {most} errors of the {name}, stated {errors}"));
    }
    let again = Errors::new(errors as u64, held_out.samples());
    same(&format!("{name}.error"), stated("error")?, again.error)?;
    same(&format!("{name}.low"), stated("low")?, again.low)?;
    same(&format!("{name}.high"), stated("high")?, again.high)?;
    Ok(format!("{errors} errors of the {name} in {} samples", held_out.samples()))
}
