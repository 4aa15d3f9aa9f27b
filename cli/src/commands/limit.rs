//! `farfield limit`.

use super::{LimitArgs, default_folder, print};
use crate::apart::apart;
use crate::arrays::{self, LimitArrays};
use crate::claims;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::classes::Classes;
use crate::files::pattern;
use crate::folder::{self, Entry, Folder, Kind};
use crate::json::to_json;
use crate::progress::of_watch;
use crate::provenance::{LimitReport, Provenance, Sourced};
use crate::setup::{self, Setup};
use crate::signals::Signals;
use crate::summary::{self, Subject};
use farfield::limit::sliding::Sliding;
use farfield::{
    Data, LimitOutcome, LimitStatus, Outcome, Pattern, Prediction, Problem, Start, Stationarity, Status, Watch,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A limit that is to be solved.
#[derive(Clone)]
struct Task {
    problem: Problem,
    start: Start,
    pattern: Option<Pattern>,
    classes: Option<Classes>,
    notes: Vec<String>,
}

pub fn execute(args: &LimitArgs, signals: &Signals) -> Result<u8> {
    // a file is a pattern by itself
    let run = args.pattern.as_deref().filter(|path| !path.is_file());
    let config = args.source.load_or(run.map(|r| r.join("config.toml")).as_deref())?.resolved()?;
    if let Some(run) = run {
        folder::verify(run, &["config.toml", "pattern.npy"])?;
    }
    let pattern = run.map(|r| r.join("pattern.npy")).or_else(|| args.pattern.clone());
    let entry = if args.overwrite { Entry::Overwrite } else { Entry::Fresh };
    let mut folder = Folder::claim(output(args, run, &config), Kind::Limit, &config, entry)?;
    let task = prepare(&config, signals, pattern)?;
    summary::say(&task.notes);
    folder.begin(&config)?;
    let (problem, classes) = (task.problem.clone(), task.classes.clone());
    let Some(solved) = solve(&config, signals, task)? else {
        return leave(args, signals, &config, &folder, &problem, classes.as_ref());
    };
    let (facts, prediction) = solved?;
    let stationarity = run.and_then(stationarity);
    let report = LimitReport { facts: &facts, stationarity };
    let written = LimitArrays::of(&prediction, &problem).write(&folder);
    let written = written.and_then(|()| claims::of_limit(&facts, &prediction, &problem, &folder));
    let json = to_json(&Sourced {
        facts: &report,
        complete: None,
        classes: classes.as_ref(),
        files: folder.digests(),
        provenance: Provenance::new(&config),
    });
    let result = folder.write("result.json", json.as_bytes());
    written.and(result)?;
    let text = match args.source.json {
        true => json,
        false => summary::limit::summary(
            &report,
            &Subject::of(&problem, &config),
            arrays::plane(&prediction, &problem),
            classes.as_ref(),
            folder.path(),
        ),
    };
    print(&text)?;
    Ok(match facts.status {
        _ if signals.defer().raised() => signals.code(),
        LimitStatus::Solved => 0,
        LimitStatus::Undecided => 4,
        LimitStatus::NotSeparable => 5,
    })
}

/// The folder of the limit: as asked for, or named after the configuration, or that of the run; below it where it
/// holds a run.
fn output(args: &LimitArgs, run: Option<&Path>, config: &Config) -> PathBuf {
    match &args.output {
        Some(output) if !folder::holds_run(output) => output.clone(),
        Some(output) => output.join("limit"),
        None => run.map_or_else(|| default_folder(config), Path::to_path_buf).join("limit"),
    }
}

/// Everything that can refuse the limit happens here, before its folder changes.
fn prepare(config: &Config, signals: &Signals, pattern: Option<PathBuf>) -> Result<Task> {
    let (own, watch) = (config.clone(), Watch::new(signals.defer()));
    let (seen, reading) = (watch.clone(), super::reading(config));
    let work = move || {
        let Setup { problem, start, classes, notes } = Setup::new(&own, &watch)?;
        if problem.data.gram().is_none() {
            let (n, most) = (problem.data.n(), Data::LARGEST);
            return Err(farfield::Error::TooManySamples { n, most, what: "the limit" }.into());
        }
        let read = |path: PathBuf| pattern::read(&path, problem.data.n(), problem.network.width);
        Ok(Task { pattern: pattern.map(read).transpose()?, problem, start, classes, notes })
    };
    apart(signals, move || of_watch(&seen, &reading), work)?.unwrap_or(Err(Error::Interrupted))
}

type Solved = farfield::Result<(LimitOutcome, Prediction<Sliding>)>;

/// Solves for the limit and samples test errors. None if it was left behind.
fn solve(config: &Config, signals: &Signals, task: Task) -> Result<Option<Solved>> {
    let watch = Watch::new(signals.defer());
    let (seen, sampling) = (watch.clone(), setup::sampling(config, watch));
    let work = move || LimitOutcome::sampled(&task.problem, &task.start, task.pattern.as_ref(), &sampling);
    apart(signals, move || of_watch(&seen, ""), work)
}

/// The result.json of a limit that was left behind.
#[derive(Serialize)]
struct Unfinished {
    status: Status,
    step_size: f64,
    lambda_max: f64,
}

/// Writes what is known of a limit that did not come back after a signal.
fn leave(
    args: &LimitArgs,
    signals: &Signals,
    config: &Config,
    folder: &Folder,
    problem: &Problem,
    classes: Option<&Classes>,
) -> Result<u8> {
    let (step_size, lambda_max) = (problem.step_size, problem.data.lambda_max());
    let facts = Unfinished { status: Status::Interrupted, step_size, lambda_max };
    let json = to_json(&Sourced {
        facts: &facts,
        complete: None,
        classes,
        files: folder.digests(),
        provenance: Provenance::new(config),
    });
    folder.write("result.json", json.as_bytes())?;
    let text = format!(
        "{:>10}  interrupted before the limit was solved\n{:>10}  {}\n",
        "limit",
        "files",
        folder.path().display()
    );
    print(if args.source.json { &json } else { &text })?;
    Ok(signals.code())
}

/// What a run's result.json says of its last iterate.
fn stationarity(run: &Path) -> Option<Stationarity> {
    let text = std::fs::read_to_string(run.join("result.json")).ok()?;
    serde_json::from_str::<Outcome>(&text).ok()?.stationarity
}
