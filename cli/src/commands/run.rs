//! `farfield run`.

use super::{RunArgs, default_folder, print};
use crate::apart::apart;
use crate::arrays;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::classes::Classes;
use crate::folder::{Folder, Kind};
use crate::json::to_json;
use crate::progress::{Pace, of_steps, of_watch};
use crate::provenance::{Provenance, Sourced};
use crate::setup::{self, Setup};
use crate::signals::{INTERRUPTED, Signals};
use crate::summary;
use crate::trace::Traces;
use farfield::{Descent, Ended, Options, Outcome, Problem, Row, Status, Watch};
use serde::Serialize;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub fn execute(args: &RunArgs, signals: &Signals) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    if args.dry_run {
        return print(&config.to_toml()).map(|()| 0);
    }
    let begun = Instant::now();
    let output = args.output.clone().unwrap_or_else(|| default_folder(&config));
    let mut folder = Folder::claim(output, Kind::Run, &config, args.overwrite)?;
    let Prepared { descent, classes, notes } = prepare(&config, signals, allowed(&config, args), begun)?;
    summary::say(&notes);
    folder.begin(&config)?;
    let (folder, rows) = (Arc::new(folder), Rows { classes, ..Rows::default() });
    let problem = descent.problem().clone();
    match travel(&config, signals, &folder, descent, &rows)? {
        Some(travelled) => finish(args, signals, &config, &folder, &rows, travelled, begun),
        None => leave(args, &config, &folder, &rows, &problem),
    }
}

/// The seconds that the command may take; infinite: no limit.
fn allowed(config: &Config, args: &RunArgs) -> f64 {
    let hours = args.max_hours.map(|hours| 3600.0 * hours);
    let limits = hours.into_iter().chain(Some(config.descent.max_seconds).filter(|seconds| *seconds > 0.0));
    limits.fold(f64::INFINITY, f64::min)
}

/// A run that can begin.
struct Prepared {
    descent: Descent,
    classes: Option<Classes>,
    notes: Vec<String>,
}

/// Everything that can refuse the run happens here, before its folder changes.
fn prepare(config: &Config, signals: &Signals, allowed: f64, begun: Instant) -> Result<Prepared> {
    let (own, watch) = (config.clone(), Watch::new(signals.defer()));
    let (seen, reading) = (watch.clone(), super::reading(config));
    let work = move || {
        let Setup { problem, start, classes, notes } = Setup::new(&own, &watch)?;
        // What went before the descent has used some of the time.
        let left = (allowed - begun.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
        let max_seconds = if allowed.is_finite() { left } else { 0.0 };
        let options = Options { max_seconds, ..setup::options(&own) };
        let mut descent = Descent::with(&problem, &start, &options)?;
        setup::starts_in_range(&mut descent)?;
        Ok(Prepared { descent, classes, notes })
    };
    apart(signals, move || of_watch(&seen, &reading), work)?.unwrap_or(Err(Error::Interrupted))
}

/// What is known of a run whoever ends it: which class is +1, the first row and the last one.
#[derive(Clone, Default)]
struct Rows {
    classes: Option<Classes>,
    ends: Arc<Mutex<(Option<Row>, Option<Row>)>>,
}

impl Rows {
    fn note(&self, row: &Row) {
        let mut rows = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        rows.0.get_or_insert_with(|| row.clone());
        rows.1 = Some(row.clone());
    }

    fn seen(&self) -> (Option<Row>, Option<Row>) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A run at its end.
struct Travelled {
    descent: Descent,
    ended: Ended,
    outcome: Outcome,
    written: Result<()>,
}

/// Follows gradient descent; a row that cannot be written ends it there. None if it was left behind.
fn travel(
    config: &Config,
    signals: &Signals,
    folder: &Arc<Folder>,
    mut descent: Descent,
    rows: &Rows,
) -> Result<Option<Travelled>> {
    let stop = signals.defer().clone();
    descent.listen(&stop);
    let (progress, horizon) = (descent.progress(), config.descent.steps);
    let watch = Watch::new(&stop);
    let seen = watch.clone();
    let pace = RefCell::new(Pace::new(progress.t()));
    let show = move || of_watch(&seen, "").or_else(|| Some(of_steps(&progress, horizon, &pace)));
    let (folder, rows, precision) = (folder.clone(), rows.clone(), config.descent.precision);
    let sampling = setup::sampling(config, watch);
    let work = move || {
        let mut traces = Traces::begin(&folder, precision);
        let mut written = Ok(());
        let ended = descent.run(horizon, |row| {
            rows.note(row);
            if let Ok(traces) = &mut traces {
                written = traces.append(row);
            }
            if traces.is_err() || written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let ended = ended.clone();
        let outcome = descent.outcome_sampled(&sampling);
        Travelled { descent, ended, outcome, written: traces.map(|_| ()).and(written) }
    };
    apart(signals, show, work)
}

/// Writes what can be written, whatever failed before; the first failure is what the command ends with.
fn finish(
    args: &RunArgs,
    signals: &Signals,
    config: &Config,
    folder: &Folder,
    rows: &Rows,
    travelled: Travelled,
    begun: Instant,
) -> Result<u8> {
    let Travelled { mut descent, ended, outcome, written } = travelled;
    let arrays = arrays::of_run(config, &mut descent, ended.status, folder);
    let json = to_json(&Sourced {
        facts: &outcome,
        classes: rows.classes.as_ref(),
        files: folder.digests(),
        provenance: Provenance::new(config),
    });
    let result = folder.write("result.json", json.as_bytes());
    written.and(arrays).and(result)?;
    let facts = summary::run::Facts {
        problem: descent.problem(),
        classes: rows.classes.as_ref(),
        config,
        outcome: &outcome,
        first: rows.seen().0,
        plane: descent.monitor().limit().map(|limit| limit.linear(&descent.problem().network)),
        folder: folder.path(),
        seconds: begun.elapsed().as_secs_f64(),
    };
    let text = if args.source.json { json } else { summary::run::summary(&facts) };
    print(&text)?;
    Ok(if signals.defer().raised() { INTERRUPTED } else { exit_code(config, &ended) })
}

/// The result.json of a run that was left behind in something long after its last row.
#[derive(Serialize)]
struct Unfinished {
    status: Status,
    steps: f64,
    #[serde(flatten)]
    row: Option<Row>,
    step_size: f64,
    lambda_max: f64,
}

/// Writes what is known of a run that did not come back after a signal: its rows.
fn leave(args: &RunArgs, config: &Config, folder: &Folder, rows: &Rows, problem: &Problem) -> Result<u8> {
    let row = rows.seen().1;
    let facts = Unfinished {
        status: Status::Interrupted,
        steps: row.as_ref().map_or(0.0, |row| row.t),
        row,
        step_size: problem.step_size,
        lambda_max: problem.data.lambda_max(),
    };
    let json = to_json(&Sourced {
        facts: &facts,
        classes: rows.classes.as_ref(),
        files: folder.digests(),
        provenance: Provenance::new(config),
    });
    folder.write("result.json", json.as_bytes())?;
    let text = if args.source.json { json } else { summary::run::left(facts.row.as_ref(), folder.path()) };
    print(&text)?;
    Ok(INTERRUPTED)
}

fn exit_code(config: &Config, ended: &Ended) -> u8 {
    let tolerance = config.monitor.angle_tolerance;
    let missed = config.monitor.require && !ended.row.meets(tolerance);
    match ended.status {
        Status::Diverged => 3,
        Status::NotSeparable => 5,
        Status::Interrupted => INTERRUPTED,
        Status::Stopped => 1,
        Status::Time => 4,
        Status::Horizon | Status::Converged if missed => 4,
        Status::Horizon | Status::Converged | Status::Tolerance => 0,
    }
}
