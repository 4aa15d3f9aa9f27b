//! Digests, and numbers that stand in two places.

use super::iterate::final_by;
use super::{Case, Checked};
use crate::claims::words::{OF_LIMIT, OF_NETWORK, OF_RIPPLE, OF_WEIGHTS};
use crate::claims::{About, Certificate, Claim, VERSION};
use crate::folder::Digests;
use farfield::Problem;
use serde_json::Value;
use std::fs::File;
use std::path::Path;

/// Numbers of result.json that mean nothing without a claim of this kind.
const NEEDED: [(&str, &str); 18] = [
    ("certified_cosine_gap", "distance"),
    ("max_margin", "margin"),
    ("margin_interval.low", "margin"),
    ("margin_interval.high", "margin"),
    ("direction_error", "margin"),
    ("cosine_gap", "gaps"),
    ("gradient_cosine_gap", "gaps"),
    ("dual_gap", "gaps"),
    ("farkas_value", "inseparable"),
    ("test_error.limit", "test_error"),
    ("test_error.log10_limit", "test_error"),
    ("test_error.bounded.low", "bounded_error"),
    ("test_error.bounded.high", "bounded_error"),
    ("test_error.bounded.log10_low", "bounded_error"),
    ("test_error.bounded.log10_high", "bounded_error"),
    ("held_out.samples", "held_out"),
    ("held_out.limit.errors", "held_out"),
    ("held_out.iterate.errors", "held_out"),
];

/// Words of result.json that stand for claims.
const WORDS: [(&str, &str, &str); 2] =
    [("status", "not_separable", "inseparable"), ("status", "undecided", "undecided")];

/// blake3 of every file that is named.
pub fn digests(path: &Path, result: &Value, certificate: &Certificate) -> Checked {
    let listed: Digests = serde_json::from_value(result.get("files").cloned().unwrap_or_default())
        .map_err(|_| "result.json does not list its files")?;
    for name in ["config.toml", crate::claims::CERTIFICATE] {
        if !listed.contains_key(name) {
            return Err(format!("result.json does not list {name}"));
        }
    }
    for (name, digest) in &listed {
        let mut hasher = blake3::Hasher::new();
        let hashed = File::open(path.join(name)).and_then(|file| hasher.update_reader(file).map(|_| ()));
        hashed.map_err(|e| format!("{name}: {e}"))?;
        if hasher.finalize().to_hex().as_str() != digest {
            return Err(format!("{name} is not the one that result.json lists (another digest)"));
        }
    }
    let claimed = certificate.claims.iter().flat_map(|claim| claim.files.iter().map(move |file| (claim, file)));
    for (claim, (name, digest)) in claimed {
        if listed.get(name) != Some(digest) {
            return Err(format!("the claim {} is about another {name} than result.json lists", claim.kind));
        }
    }
    Ok(format!("{} files", listed.len()))
}

/// What certificate.json states as result.json does, and what only result.json states.
pub fn numbers(case: &Case, certificate: &Certificate) -> Checked {
    if certificate.version != VERSION {
        return Err(format!("version {} of certificate.json; this is {VERSION}", certificate.version));
    }
    let mut count = 0;
    for claim in &certificate.claims {
        for (name, value) in &claim.numbers {
            let Some(stated) = case.stated(name) else { continue };
            if stated.to_bits() != value.0.to_bits() && !(stated.is_nan() && value.0.is_nan()) {
                return Err(format!("{name} is {:.16e} in certificate.json, {stated:.16e} in result.json", value.0));
            }
            count += 1;
        }
        for name in ["data_digest", "certified_for", "held_out.data_digest", "test_error.predicted_by"] {
            if claim.choices.get(name).is_some_and(|value| case.text(name) != Some(value)) {
                return Err(format!("{name} is another in certificate.json than in result.json"));
            }
        }
    }
    let to_a_ray = case.result.get("ray").is_some_and(|ray| !ray.is_null());
    let open = |what: &str| certificate.only_by_rerunning.iter().any(|o| o == what);
    let asked = |kind: &str| match kind {
        "distance" | "correlated" => !open(OF_WEIGHTS),
        "margin" | "undecided" => !open(OF_LIMIT),
        "gaps" => !(to_a_ray || open(OF_WEIGHTS) || open(OF_LIMIT)),
        _ => true,
    };
    let counted = |name: &str| match name {
        "dual_gap" => !open(OF_RIPPLE),
        "held_out.limit.errors" => !open(OF_NETWORK),
        "held_out.iterate.errors" => !open(OF_WEIGHTS),
        _ => true,
    };
    for (name, kind) in NEEDED.into_iter().filter(|(name, kind)| asked(kind) && counted(name)) {
        let same = |other: &str| other == kind || (kind, other) == ("margin", "undecided");
        let proved = |claim: &Claim| same(&claim.kind) && claim.numbers.contains_key(name);
        if case.stated(name).is_some() && !certificate.claims.iter().any(proved) {
            return Err(format!("result.json states {name}, and no claim proves it"));
        }
    }
    let lasts = ("pattern.state", "proved", final_by(certificate.problem.leak));
    for (name, value, kind) in WORDS.into_iter().chain([lasts]).filter(|(_, _, kind)| asked(kind)) {
        let claimed = certificate.claims.iter().any(|claim| claim.kind == kind);
        if (case.text(name) == Some(value)) != claimed {
            return Err(format!("the claim {kind} and {name} = {value} belong together, and one of them is not there"));
        }
    }
    let t = certificate.problem.steps.map(|t| t.0);
    if case.stated("steps") != t || case.stated("step_size") != Some(certificate.problem.step_size) {
        return Err("steps or step_size is another in certificate.json than in result.json".into());
    }
    Ok(format!("{count} numbers stand in both files"))
}

/// Whether a certificate is about a problem.
pub fn about(about: &About, problem: &Problem) -> std::result::Result<(), String> {
    let (data, network) = (&problem.data, &problem.network);
    let found = (data.n(), data.d(), network.width, network.positive, problem.loss.name());
    let same = (about.n, about.d, about.width, about.positive, about.loss.as_str()) == found
        && (about.leak, about.loss_constant) == (network.leak, problem.loss_constant)
        && about.step_size == problem.step_size;
    if same { Ok(()) } else { Err("certificate.json is about another problem than config.toml".into()) }
}

/// The data.
pub fn data(claim: &Claim, problem: &Problem) -> Checked {
    let digest = problem.data.digest();
    match claim.choices.get("data_digest") == Some(&digest) {
        true => Ok(format!("read or drawn again, digest {}…", &digest[..12])),
        false => Err(format!("the data have the digest {digest}")),
    }
}
