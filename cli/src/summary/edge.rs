//! The edge of the step size in words.

use super::{count, small, steps};
use farfield::{Edge, EdgeTrial, Fate};
use std::fmt::Write;

/// Where nothing ends the trials, each so many-th of them is shown.
const EACH: usize = 4;

/// The edge, and a table of what happens above it.
pub fn report(edge: &Edge) -> String {
    let mut out = format!("      edge  {}\n\n", line(edge));
    let head = ["α", "α c λmax", "settles", "steps", "falls from t", "rises", "last flip", "log L", "errors"];
    row(&mut out, &head.map(String::from));
    let edges = [&edge.edge, &edge.beyond].into_iter().flatten().map(|trial| trial.step_size);
    let first = edges.clone().chain(edge.trials.first().map(|t| t.step_size)).fold(f64::INFINITY, f64::min);
    let listed = edge.trials.iter().enumerate().filter(|(k, trial)| match &edge.beyond {
        Some(_) if edge.edge.is_some() => {
            trial.step_size == first || edges.clone().any(|e| e == trial.step_size) || above(edge, trial)
        }
        _ => k % EACH == 0 || k + 1 == edge.trials.len(),
    });
    listed.for_each(|(_, trial)| row(&mut out, &cells(trial)));
    let again = edge.above().filter(|trial| trial.fate == Fate::Settles).count();
    if again > 0 {
        let sizes = count(again as u64, "step size");
        out += &format!("\n{sizes} above the edge settle all the same: what settles is no interval here.\n");
    }
    out
}

fn above(edge: &Edge, trial: &EdgeTrial) -> bool {
    edge.above().any(|other| other.step_size == trial.step_size)
}

/// The edge in a sentence.
fn line(edge: &Edge) -> String {
    let horizon = steps(edge.horizon as f64);
    match (&edge.edge, &edge.beyond) {
        (Some(last), Some(next)) => format!(
            "α = {}, {} of 1/(c λmax), settles: from t = {} on the loss only falls; α = {} {} ({horizon} steps, {} %)",
            number(last.step_size),
            number(last.multiple),
            last.falls_from,
            number(next.step_size),
            fate(next, edge),
            small(100.0 * edge.resolution, 3)
        ),
        (Some(last), None) => format!(
            "none: every step that was tried, up to α = {}, {} of 1/(c λmax), settles within {horizon} steps",
            number(last.step_size),
            number(last.multiple)
        ),
        (None, Some(least)) => format!(
            "none: no step settles within {horizon} steps; α = {}, {} of 1/(c λmax), {}",
            number(least.step_size),
            number(least.multiple),
            fate(least, edge)
        ),
        (None, None) => "none".into(), // something is always tried
    }
}

fn fate(trial: &EdgeTrial, edge: &Edge) -> String {
    match trial.fate {
        Fate::Settles => "settles".into(),
        Fate::Rises => format!("still rises at t = {}", trial.falls_from),
        Fate::Diverges if trial.steps < edge.horizon => format!("diverges at t = {}", trial.steps),
        Fate::Diverges => "diverges".into(),
    }
}

fn cells(trial: &EdgeTrial) -> [String; 9] {
    let settles = match trial.fate {
        Fate::Settles => "yes",
        Fate::Rises => "no",
        Fate::Diverges => "diverges",
    };
    [
        number(trial.step_size),
        number(trial.multiple),
        settles.into(),
        trial.steps.to_string(),
        trial.falls_from.to_string(),
        trial.rises.to_string(),
        steps(trial.last_flip),
        if trial.log_loss.abs() < 1e6 { format!("{:.4}", trial.log_loss) } else { format!("{:.4e}", trial.log_loss) },
        trial.errors.to_string(),
    ]
}

fn row(out: &mut String, cells: &[String]) {
    let cell = |cell: &String| format!("{cell:>12}");
    let cells: Vec<String> = cells.iter().map(cell).collect();
    let _ = writeln!(out, "{}", cells.join(" ")); // writing to a string cannot fail
}

/// Four digits, with an exponent where there would be many.
fn number(v: f64) -> String {
    if (1.0..1e4).contains(&v) { format!("{v:.3}") } else { format!("{v:.3e}") }
}
