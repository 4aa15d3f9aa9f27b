//! `farfield check`.

use super::{CheckArgs, print};
use farfield::assumptions::{Assumptions, Condition};
use farfield::error::Result;
use farfield::problem::Problem;
use farfield::record::to_json;
use farfield::summary;
use std::fmt::Write;

pub fn execute(args: &CheckArgs) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    let problem = Problem::build(&config)?;
    let checked = Assumptions::check(&config, &problem)?;
    if args.source.json {
        return print(&to_json(&checked)).map(|()| 0);
    }
    let mut out = format!("{}\n\n", summary::problem_line(&problem, &config));
    for condition in &checked.conditions {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", line(condition));
    }
    let theorem = match (checked.theorem_applies, checked.activated) {
        (true, true) => "The conditions of [H, Thm 4.8] hold, and all neurons are activated at t = 1.",
        (true, false) => {
            "The conditions of [H, Thm 4.8] hold up to their constants, but not all neurons are activated at t = 1."
        }
        (false, true) => "The conditions of [H, Thm 4.8] do not hold, yet all neurons are activated at t = 1.",
        (false, false) => "The conditions of [H, Thm 4.8] do not hold, and not all neurons are activated at t = 1.",
    };
    let _ = writeln!(out, "\n{theorem}");
    print(&out).map(|()| 0)
}

fn line(c: &Condition) -> String {
    let value = c.value.map_or("unknown".into(), |v| format!("{:.4e}", v.0));
    let verdict = match c.holds {
        Some(true) => "holds",
        Some(false) => "fails",
        None => "unknown: μ and Σ of data from files are not known",
    };
    let relation = if c.at_least { "≥" } else { "≤" };
    let threshold =
        if c.threshold.0 == f64::MIN_POSITIVE { "> 0".into() } else { format!("{relation} {}", c.threshold.0) };
    format!("{:<26} {:<44} {value:>12} {threshold:>5}  {verdict:<8} {}", c.name, c.quantity, c.source)
}
