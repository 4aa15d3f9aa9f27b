//! `farfield plot`.

use super::print;
use crate::error::Result;
use crate::plot;
use crate::plot::figure::Outcome;
use crate::plot::sweep::{Band, Request};
use clap::{Args, ValueHint};
use std::path::PathBuf;

#[derive(Args)]
pub struct PlotArgs {
    /// The folder of a run, of a limit, or of a merged sweep; figures go to DIR/plots
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: PathBuf,
    /// Of a sweep: the key along x [default: the first that varies]
    #[arg(long, value_name = "KEY")]
    x: Option<String>,
    /// Of a sweep: the key along y, for a map [default: the second that varies, if two do]
    #[arg(long, value_name = "KEY")]
    y: Option<String>,
    /// Of a sweep: the column that is drawn, such as max_margin, or status.NAME for the share of a status [default: the
    /// test error of the limit, or the first of a few others that is there]
    #[arg(long, value_name = "COLUMN")]
    value: Option<String>,
    /// Of a sweep: the column of a prediction beside a curve, or none [default: that of the test error of the limit for clean labels]
    #[arg(long, value_name = "COLUMN", conflicts_with = "y")]
    against: Option<String>,
    /// Of a sweep: only cells where a key has this value; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    at: Vec<String>,
    /// Of a sweep: what a curve and its band are, over repetitions: median and quantiles 0.05 to 0.95, or mean and standard
    /// error
    #[arg(long, value_enum, default_value = "quantiles")]
    band: Band,
}

pub fn execute(args: &PlotArgs) -> Result<u8> {
    let request = Request {
        x: args.x.clone(),
        y: args.y.clone(),
        value: args.value.clone(),
        against: args.against.clone(),
        at: args.at.clone(),
        band: args.band,
    };
    let outcomes = plot::draw(&args.dir, &request, &command(args))?;
    let plots = args.dir.join("plots");
    let line = |outcome: &Outcome| match outcome {
        Outcome::Drawn(figure) => {
            format!("{:>10}  {} (.svg, .csv, .txt)\n", "figure", plots.join(format!("{}.png", figure.name)).display())
        }
        Outcome::Nothing { name, why } => format!("{:>10}  {name}: {why}\n", "left out"),
    };
    print(&outcomes.iter().map(line).collect::<String>())?;
    Ok(0)
}

/// The command as it can be given again.
fn command(args: &PlotArgs) -> String {
    let quoted = |text: &str| match text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/=:+,@".contains(c))
        && !text.is_empty()
    {
        true => text.to_string(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    };
    let mut out = format!("farfield plot {}", quoted(&args.dir.display().to_string()));
    let options = [("x", &args.x), ("y", &args.y), ("value", &args.value), ("against", &args.against)];
    for (name, value) in options {
        out += &value.as_ref().map_or(String::new(), |v| format!(" --{name} {}", quoted(v)));
    }
    out += &args.at.iter().map(|at| format!(" --at {}", quoted(at))).collect::<String>();
    if args.band != Band::default() { out + " --band error" } else { out }
}
