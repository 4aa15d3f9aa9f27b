//! `farfield verify`.

use super::print;
use crate::apart::apart;
use crate::checkpoint::{self, Checkpoint};
use crate::error::{Error, Result, input_error};
use crate::files::npy;
use crate::folder;
use crate::json::to_json;
use crate::progress::of_watch;
use crate::setup::{self, Setup};
use crate::signals::Signals;
use crate::threads;
use crate::verify::{Case, Line, Verdict};
use clap::{Args, ValueHint};
use farfield::{Descent, Stop, Watch};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;

#[derive(Args)]
pub struct VerifyArgs {
    /// The folder of a finished run or limit
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// Of a run: also run gradient descent again, and compare the digest of its final state; from its last checkpoint but one,
    /// where there is one
    #[arg(long)]
    rerun: bool,
    /// With --rerun: from W(0) in any case
    #[arg(long, requires = "rerun")]
    from_start: bool,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
    /// Write the samples as OUT.npy (f64, n x d) and the labels as OUT.labels.npy, for verify/verify.py
    #[arg(long, value_name = "OUT.npy", value_hint = ValueHint::FilePath)]
    data: Option<PathBuf>,
    /// Number of threads [default: as for run]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(threads::MOST)))]
    threads: Option<u16>,
}

/// The content of `farfield verify --json`.
#[derive(Serialize)]
struct Report {
    verified: bool,
    claims: Vec<Line>,
}

pub fn execute(args: &VerifyArgs, signals: &Signals) -> Result<u8> {
    if args.data.as_ref().is_some_and(|path| path.extension().is_none_or(|e| e != "npy")) {
        return Err(input_error!("--data: expected a name that ends in .npy"));
    }
    threads::start(threads::count(args.threads.unwrap_or(0).into())?)?;
    let case = Case::read(&args.folder)?;
    let watch = Watch::new(signals.defer());
    let (seen, reading) = (watch.clone(), super::reading(&case.config));
    let (data, rerun, from_start) = (args.data.clone(), args.rerun, args.from_start);
    let stop = signals.defer().clone();
    let work = move || -> Result<Vec<Line>> {
        let setup = match Setup::new(&case.config, &watch) {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            other => other.map_err(|e| e.to_string()),
        };
        if let (Some(path), Ok(setup)) = (&data, &setup) {
            let x = setup.problem.data.samples().whole().ok_or(Error::Fault)?;
            npy::write_matrix(path, x)?;
            npy::write_vector(&path.with_extension("labels.npy"), setup.problem.data.y())?;
            if let Some(held_out) = setup.problem.data.held_out() {
                npy::write_matrix(&path.with_extension("test.npy"), held_out.x())?;
                npy::write_vector(&path.with_extension("test.labels.npy"), held_out.y())?;
            }
        }
        let mut lines = case.bookkeeping();
        lines.extend(case.claims(&setup));
        if let (true, Ok(setup)) = (rerun, &setup) {
            again(&case, setup, from_start, (&stop, &watch), &mut lines)?;
        }
        Ok(lines)
    };
    let claims = apart(signals, move || of_watch(&seen, &reading), work)?.unwrap_or(Err(Error::Interrupted))?;
    let verified = claims.iter().all(|line| line.verdict != Verdict::NotVerified);
    let text = match args.json {
        true => to_json(&Report { verified, claims }),
        false => claims.iter().map(line).collect(),
    };
    print(&text)?;
    Ok(u8::from(!verified))
}

fn line(line: &Line) -> String {
    let Line { claim, verdict, why } = line;
    match verdict {
        Verdict::Verified => format!("{claim:>12}  verified: {why}\n"),
        Verdict::NotVerified => format!("{claim:>12}  not verified: {why}\n"),
        Verdict::OnlyByRerunning => format!("{claim:>12}  cannot be verified without rerunning: {why}\n"),
    }
}

/// The checkpoint from which a rerun may begin: the last but one of the same run.
fn predecessor(case: &Case) -> Option<Checkpoint> {
    let earlier = |found: &Checkpoint| case.stated("steps").is_some_and(|t| found.about.t < t);
    let same = |found: &Checkpoint| folder::may_resume(&found.about.config, &case.config, "").is_ok();
    checkpoint::before(case.path()).filter(|found| earlier(found) && same(found))
}

/// Runs gradient descent again to where the run ended.
fn again(
    case: &Case,
    setup: &Setup,
    from_start: bool,
    (stop, watch): (&Stop, &Watch),
    lines: &mut Vec<Line>,
) -> Result<()> {
    let Some(digest) = case.text("digest") else { return Ok(()) };
    let mut options = setup::options(&case.config);
    options.max_seconds = 0.0;
    let checkpoint = if from_start { None } else { predecessor(case) };
    let (mut descent, from) = match &checkpoint {
        Some(Checkpoint { about, state }) => (
            checkpoint::descent(&setup.problem, &setup.start, &options, about, state)?,
            format!("from its checkpoint at t = {} (--from-start: from W(0))", about.t),
        ),
        None => (Descent::with(&setup.problem, &setup.start, &options)?, "from W(0)".into()),
    };
    descent.listen(stop);
    let horizon = match case.text("status") {
        Some("time" | "interrupted" | "stopped") => case.stated("steps").unwrap_or(0.0),
        _ => case.config.descent.steps,
    };
    descent.run(horizon, |_| ControlFlow::Continue(()));
    if stop.flagged() {
        return Err(Error::Interrupted);
    }
    let outcome = descent
        .outcome_sampled(&farfield::Sampling { points: Some(1), ..setup::sampling(&case.config, watch.clone()) });
    lines.retain(|line| line.verdict != Verdict::OnlyByRerunning || checkpoint.is_some());
    let steps = case.stated("steps");
    lines.push(Line::of(
        "rerun",
        match outcome.digest == digest && steps == Some(outcome.steps) {
            true => Ok(format!("gradient descent {from} ends in the same bits at t = {}", outcome.steps)),
            false => {
                Err(format!("gradient descent {from} ends at t = {} with the digest {}", outcome.steps, outcome.digest))
            }
        },
    ));
    Ok(())
}
