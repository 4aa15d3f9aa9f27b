//! `farfield check`.

use super::{CheckArgs, print};
use farfield::assumptions::Assumptions;
use farfield::error::Result;
use farfield::limit::assumptions::Condition;
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
    let value = c.value.map_or("unknown".into(), |v| format!("{v:.4e}"));
    let relation = if c.at_least { "≥" } else { "<" };
    let threshold = match c.threshold {
        None => String::new(),
        Some(f64::MIN_POSITIVE) => "> 0".into(),
        Some(t) => format!("{relation} {t:.4}"),
    };
    let verdict = match (c.holds, c.threshold) {
        (Some(true), _) => "holds",
        (Some(false), _) => "FAILS",
        (None, None) if c.value.is_some() => "-",
        (None, _) => "unknown",
    };
    format!("{verdict:>7}  {:<32} {value:>12} {threshold:<10} {}\n{:>9}{}", c.name, c.source, "", c.note)
}
