//! The summary of `farfield limit`.

use super::{classes_line, count, error_text, margin_text, problem_line, small, stationarity_text};
use crate::config::Config;
use crate::files::classes::Classes;
use farfield::limit::sliding::Sliding;
use farfield::limit::{Undecided, plane};
use farfield::{LimitOutcome, Prediction, Problem, Slider, Stationarity};
use std::fmt::Write;
use std::path::Path;

/// What was found of a limit, and where its files are (an empty path: nowhere); `stationarity` is that of a run's last iterate.
pub fn summary(
    facts: &LimitOutcome,
    prediction: &Prediction<Sliding>,
    stationarity: Option<&Stationarity>,
    problem: &Problem,
    classes: Option<&Classes>,
    config: &Config,
    folder: &Path,
) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:>10}  {text}");
    };
    line("problem", problem_line(problem, config));
    if classes.is_some() {
        line("classes", classes_line(classes));
    }
    match prediction {
        Prediction::Limit(solved) => {
            line("limit", limit_text(facts, solved));
            line("sliding", sliding_text(facts, solved));
            if !solved.limit.linear(&problem.network) {
                line("boundary", super::NO_PLANE.into());
            }
            if let Some(bits) = facts.differing_bits {
                line("pattern", pattern_text(solved, bits));
            }
        }
        Prediction::NotSeparable(proof) => {
            line("limit", inseparable_text(facts, proof.farkas.relative));
            let why = facts.no_ray.map(super::no_ray_text).unwrap_or_default().to_string();
            line("ray", facts.ray.as_ref().map_or(why, |ray| super::ray_text(ray, problem.data.n(), "")));
            if proof.ray.as_ref().is_some_and(|ray| !plane(&ray.goal(&problem.network), &problem.network)) {
                line("boundary", super::NO_PLANE.into());
            }
        }
        Prediction::Undecided(best) => line("limit", undecided_text(best)),
    }
    if let Some(inactive @ 1..) = facts.inactive_after_one {
        let what = "and a run decides whether they stay so: `farfield run`, then `farfield limit --pattern`";
        line("caution", format!("GD's first step leaves {} inactive, {what}", pairs(inactive)));
    }
    if let Some(stationarity) = stationarity {
        line("KKT", stationarity_text(stationarity));
    }
    if let Some(error) = &facts.test_error {
        line("test error", error_text(error));
    }
    if !folder.as_os_str().is_empty() {
        line("files", folder.display().to_string());
    }
    out
}

fn inseparable_text(facts: &LimitOutcome, value: f64) -> String {
    let sides = if facts.inactive_after_one.is_some() { "every pair of one sign activated" } else { "these sides" };
    format!(
        "none: NOT SEPARABLE with {sides}: moved by {value:.1e} of their lengths the features cancel exactly, with \
         weights λ ≥ 0, Σλ = 1 (farkas.npy)"
    )
}

fn undecided_text(best: &Undecided) -> String {
    let (low, high) = best.margin_interval;
    format!("undecided: the maximal margin is between {low:.3e} and {high:.3e}, and rounding hides whether it is 0")
}

fn sliding_text(facts: &LimitOutcome, solved: &Sliding) -> String {
    let pair = |p: &Slider| {
        let whose = match facts.wrong_side {
            Some(_) => format!(", {}", count(p.neurons as u64, "neuron")),
            None => String::new(),
        };
        format!(
            "sample {} (sign {:+.0}{whose}): slope {:.4}, fraction {:.4}",
            p.sample, p.sign, p.slope, p.fraction_predicted
        )
    };
    match &facts.sliding[..] {
        [] if solved.wrong_side.is_empty() => "none: this is the limit of the fully activated pattern".into(),
        [] => "none".into(),
        pairs => pairs.iter().map(pair).collect::<Vec<_>>().join("\n            "),
    }
}

fn limit_text(facts: &LimitOutcome, solved: &Sliding) -> String {
    let limit = &solved.limit;
    let consistent = match (limit.inconsistent.len(), solved.wrong_side.len()) {
        (0, 0) => "consistent: it activates every pair of one sign".to_string(),
        (0, _) => "consistent: every pair of one sign is on the side it was assumed on".to_string(),
        (count, 0) => format!("NOT consistent: {} on the wrong side, so GD goes elsewhere", pairs(count)),
        (count, _) => format!("NOT consistent: {} on another side, so GD goes elsewhere", pairs(count)),
    };
    format!(
        "max margin γ* = {}, {} of {} samples support it, {consistent}; rate exponent ν = {}",
        margin_text(limit.max_margin, limit.margin_interval),
        facts.support.unwrap_or(0),
        limit.lambda.len(),
        small(limit.nu, 4)
    )
}

/// A count of pairs (sample, neuron) with `a_j y_i > 0`.
fn pairs(number: usize) -> String {
    super::pairs(number) + " of one sign"
}

/// What the limit says of the pattern that a run ended in.
fn pattern_text(solved: &Sliding, differing: usize) -> String {
    let limit = &solved.limit;
    let wrong = match solved.wrong_side.len() {
        0 => "every pair of one sign is activated".to_string(),
        count => format!("{} on the wrong side", pairs(count)),
    };
    let bits = limit.lambda.len() * limit.direction.groups.of.len();
    let verdict = match (limit.consistent(), differing) {
        (true, 0) => "the limit is consistent with the run's pattern and shows every bit that does not slide".into(),
        (true, d) => {
            format!("the limit is consistent with the run's sides, but of {bits} bits {d} must still change")
        }
        (false, d) => {
            format!("the limit is NOT consistent with the run's pattern: of {bits} bits {d} must still change")
        }
    };
    format!("from the run: {wrong}; {verdict}")
}
