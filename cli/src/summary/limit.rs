//! The summary of `farfield limit`.

use super::{Subject, classes_line, count, error_text, margin_text, small, stationarity_text};
use crate::files::classes::Classes;
use crate::provenance::LimitReport;
use farfield::{LimitOutcome, LimitStatus, Slider};
use std::fmt::Write;
use std::path::Path;

/// What was found of a limit, and where its files are (an empty path: nowhere). `plane`: whether the boundary of the limit, or
/// of the ray, is one, where that is known.
pub fn summary(
    report: &LimitReport,
    subject: &Subject,
    plane: Option<bool>,
    classes: Option<&Classes>,
    folder: &Path,
) -> String {
    let LimitReport { facts, stationarity } = *report;
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name:>10}  {text}");
    };
    line("problem", subject.line());
    if classes.is_some() {
        line("classes", classes_line(classes));
    }
    match facts.status {
        LimitStatus::Solved => {
            line("limit", limit_text(facts, subject.samples));
            line("sliding", sliding_text(facts));
        }
        LimitStatus::NotSeparable => {
            line("limit", inseparable_text(facts));
            let why = facts.no_ray.map(super::no_ray_text).unwrap_or_default().to_string();
            line("ray", facts.ray.as_ref().map_or(why, |ray| super::ray_text(ray, subject.samples, "")));
        }
        LimitStatus::Undecided => line("limit", undecided_text(facts)),
    }
    if plane == Some(false) {
        line("boundary", super::no_plane(&subject.network));
    }
    if let Some(bits) = facts.differing_bits {
        let text = match subject.network.linear() {
            true => "the model is linear: every pattern is the same".into(),
            false => pattern_text(facts, subject.samples * subject.network.width, bits),
        };
        line("pattern", text);
    }
    if let Some(inactive @ 1..) = facts.inactive_after_one {
        let what = "and a run decides whether they stay so: `farfield run`, then `farfield limit --pattern`";
        line("caution", format!("GD's first step leaves {} inactive, {what}", pairs(inactive)));
    }
    if let Some(stationarity) = &stationarity {
        line("KKT", stationarity_text(stationarity));
    }
    if let Some(error) = &facts.test_error {
        line("test error", error_text(error));
    }
    if let Some(found) = &facts.held_out {
        line("held out", super::held_out_text(found, false));
    }
    if !folder.as_os_str().is_empty() {
        line("files", folder.display().to_string());
    }
    out
}

fn inseparable_text(facts: &LimitOutcome) -> String {
    let sides = if facts.inactive_after_one.is_some() { "every pair of one sign activated" } else { "these sides" };
    format!(
        "none: NOT SEPARABLE with {sides}: moved by {:.1e} of their lengths the features cancel exactly, with \
         weights λ ≥ 0, Σλ = 1 (farkas.npy)",
        facts.farkas_value.unwrap_or(f64::NAN)
    )
}

fn undecided_text(facts: &LimitOutcome) -> String {
    let (low, high) = facts.margin_interval.unwrap_or((0.0, f64::INFINITY));
    format!("undecided: the maximal margin is between {low:.3e} and {high:.3e}, and rounding hides whether it is 0")
}

/// The number of own-sign pairs that were given on the wrong side.
fn wrong(facts: &LimitOutcome) -> usize {
    facts.wrong_side.as_ref().map_or(0, Vec::len)
}

/// The number of own-sign pairs that the limit has on another side.
fn other(facts: &LimitOutcome) -> usize {
    facts.inconsistent_pairs.as_ref().map_or(0, Vec::len)
}

fn sliding_text(facts: &LimitOutcome) -> String {
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
        [] if wrong(facts) == 0 => "none: this is the limit of the fully activated pattern".into(),
        [] => "none".into(),
        pairs => pairs.iter().map(pair).collect::<Vec<_>>().join("\n            "),
    }
}

fn limit_text(facts: &LimitOutcome, samples: usize) -> String {
    let consistent = match (other(facts), wrong(facts)) {
        (0, 0) => "consistent: it activates every pair of one sign".to_string(),
        (0, _) => "consistent: every pair of one sign is on the side it was assumed on".to_string(),
        (count, 0) => format!("NOT consistent: {} on the wrong side, so GD goes elsewhere", pairs(count)),
        (count, _) => format!("NOT consistent: {} on another side, so GD goes elsewhere", pairs(count)),
    };
    let margin = facts.max_margin.unwrap_or(f64::NAN);
    format!(
        "max margin γ* = {}, {} of {samples} samples support it, {consistent}; rate exponent ν = {}",
        margin_text(margin, facts.margin_interval.unwrap_or((margin, margin))),
        facts.support.unwrap_or(0),
        small(facts.rate_exponent.unwrap_or(f64::NAN), 4)
    )
}

/// A count of pairs (sample, neuron) with `a_j y_i > 0`.
fn pairs(number: usize) -> String {
    super::pairs(number) + " of one sign"
}

/// What the limit says of the pattern (of so many bits) that a run ended in.
fn pattern_text(facts: &LimitOutcome, bits: usize, differing: usize) -> String {
    let wrong = match wrong(facts) {
        0 => "every pair of one sign is activated".to_string(),
        count => format!("{} on the wrong side", pairs(count)),
    };
    let verdict = match (other(facts) == 0, differing) {
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
