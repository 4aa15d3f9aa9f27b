//! `farfield run`.

use super::{RunArgs, default_folder, print, resume};
use crate::apart::{GRACE, Tended, tended};
use crate::arrays;
use crate::checkpoint::{self, About, Checkpoint, Keeper, Shared};
use crate::claims;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::classes::Classes;
use crate::folder::{Entry, Folder, Kind};
use crate::json::to_json;
use crate::progress::{Pace, of_steps, of_watch};
use crate::provenance::{Provenance, Sourced};
use crate::say;
use crate::setup::{self, Setup};
use crate::signals::{INTERRUPTED, Signals};
use crate::summary;
use crate::trace::{Kinds, Traces};
use farfield::{Cause, Descent, Ended, Moment, Observer, Options, Outcome, Problem, Row, State, Status, Watch};
use serde::Serialize;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a run may take to come to a checkpoint when the system asks for its end: queues kill after 30 s or more.
const PATIENT: Duration = Duration::from_secs(10);

/// The part of `--max-hours` after which a run comes to its end.
const IN_TIME: f64 = 0.99;

/// One start of the command.
struct Task<'a> {
    args: &'a RunArgs,
    signals: &'a Signals,
    config: Config,
    begun: Instant,
}

pub fn execute(args: &RunArgs, signals: &Signals) -> Result<u8> {
    let begun = Instant::now();
    let (file, output) = resume::place(args)?;
    let config = args.source.load_file(file.as_deref())?.resolved()?;
    if args.dry_run {
        return print(&config.to_toml()).map(|()| 0);
    }
    let task = Task { args, signals, config, begun };
    let output = output.unwrap_or_else(|| default_folder(&task.config));
    let mut folder = Folder::claim(output, Kind::Run, &task.config, entry(args))?;
    let found = if args.resume { resume::find(args, &task.config, folder.path())? } else { resume::Found::Nothing };
    let (about, state) = match found {
        resume::Found::Finished(code) => return Ok(code),
        resume::Found::Checkpoint(checkpoint) => {
            let Checkpoint { about, state } = *checkpoint;
            (Some(about), Some(state))
        }
        resume::Found::Nothing => (None, None),
    };
    let Prepared { descent, classes, notes } = prepare(&task, about.as_ref(), state)?;
    summary::say(&notes);
    match &about {
        Some(about) => {
            folder.resume(&task.config)?;
            say::line(&format!("going on from the checkpoint at t = {}", about.t));
        }
        None => folder.begin(&task.config)?,
    }
    let (folder, rows, problem) = (Arc::new(folder), Rows::of(classes, about.as_ref()), descent.problem().clone());
    match travel(&task, &folder, descent, &rows, about)? {
        Some(Journey::Ended(travelled)) => finish(&task, &folder, &rows, *travelled),
        Some(Journey::Left { t, written }) => {
            written?;
            say::line(&format!("ended with a checkpoint at t = {t}; the same command with --resume goes on"));
            Ok(signals.code())
        }
        None => leave(&task, &folder, &rows, &problem),
    }
}

/// What may be in the folder.
fn entry(args: &RunArgs) -> Entry {
    match (args.resume, args.overwrite) {
        (true, _) => Entry::Resume,
        (_, true) => Entry::Overwrite,
        _ => Entry::Fresh,
    }
}

impl Task<'_> {
    /// The seconds that are left to the descent; 0: no limit.
    fn seconds(&self) -> f64 {
        let hours = self.args.max_hours.map(|hours| 3600.0 * hours);
        let limits = hours.into_iter().chain(Some(self.config.descent.max_seconds).filter(|seconds| *seconds > 0.0));
        // What goes before the descent uses some of the time.
        let left = |seconds: f64| (seconds - self.begun.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
        limits.reduce(f64::min).map_or(0.0, left)
    }

    /// Ends the run as the system would where `--max-hours` are nearly over; asked every few milliseconds.
    fn watch_the_clock(&self) -> impl Fn() + use<> {
        let (signals, begun) = (self.signals.clone(), self.begun);
        let most = self.args.max_hours.map_or(f64::INFINITY, |hours| 3600.0 * IN_TIME * hours);
        move || {
            if begun.elapsed().as_secs_f64() >= most && !signals.defer().flagged() {
                signals.expire();
            }
        }
    }
}

/// A run that can begin.
struct Prepared {
    descent: Descent,
    classes: Option<Classes>,
    notes: Vec<String>,
}

/// Everything that can refuse the run happens here, before its folder changes.
fn prepare(task: &Task, about: Option<&About>, state: Option<State>) -> Result<Prepared> {
    let (own, watch) = (task.config.clone(), Watch::new(task.signals.defer()));
    let (seen, reading) = (watch.clone(), super::reading(&task.config));
    let (about, max_seconds, prepared) = (about.cloned(), task.seconds(), Instant::now());
    let work = move || {
        let Setup { problem, start, classes, notes } = Setup::new(&own, &watch)?;
        let left = (max_seconds - prepared.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
        let max_seconds = if max_seconds > 0.0 { left } else { 0.0 };
        let options = Options { max_seconds, ..setup::options(&own) };
        let descent = match (&about, state) {
            (Some(about), Some(state)) => checkpoint::descent(&problem, &start, &options, about, &state)?,
            _ => {
                let mut descent = Descent::with(&problem, &start, &options)?;
                setup::starts_in_range(&mut descent)?;
                descent
            }
        };
        Ok(Prepared { descent, classes, notes })
    };
    let clock = task.watch_the_clock();
    let tend = || {
        clock();
        Tended::Leave(GRACE)
    };
    tended(task.signals, move || of_watch(&seen, &reading), work, tend)?.unwrap_or(Err(Error::Interrupted))
}

/// What is known of a run whoever ends it: which class is +1, the first row and the last one.
#[derive(Clone)]
struct Rows {
    classes: Option<Classes>,
    ends: Arc<Mutex<(Option<Row>, Option<Row>)>>,
}

impl Rows {
    /// With the first row of a run that goes on.
    fn of(classes: Option<Classes>, about: Option<&About>) -> Self {
        let first = about.and_then(|about| about.first.clone());
        Self { classes, ends: Arc::new(Mutex::new((first.clone(), first))) }
    }

    fn note(&self, row: &Row) {
        let mut rows = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        rows.0.get_or_insert_with(|| row.clone());
        rows.1 = Some(row.clone());
    }

    fn seen(&self) -> (Option<Row>, Option<Row>) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How a run came back.
enum Journey {
    /// With what it found.
    Ended(Box<Travelled>),
    /// With a checkpoint at this t alone, if that could be written.
    Left { t: f64, written: Result<()> },
}

/// A run at its end.
struct Travelled {
    descent: Descent,
    ended: Ended,
    outcome: Outcome,
    written: Result<()>,
}

/// Writes rows and checkpoints; the first failure ends the run, unless it is one of a checkpoint on the way.
struct Scribe {
    rows: Rows,
    traces: Option<Traces>,
    keeper: Keeper,
    signals: Signals,
    written: Result<()>,
    t: f64, // of the last state shown
}

impl Observer for Scribe {
    fn row(&mut self, row: &Row) -> ControlFlow<()> {
        self.rows.note(row);
        let Some(traces) = &mut self.traces else { return ControlFlow::Break(()) };
        self.written = traces.append(row);
        if self.written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn state(&mut self, state: State, moment: Moment) -> ControlFlow<()> {
        self.t = moment.t;
        if let Some(traces) = &mut self.traces {
            self.written = self.keeper.keep(state, moment, self.rows.seen().0, traces);
        }
        match moment.cause == Cause::Stopping && self.signals.by_the_system() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Follows gradient descent; a row that cannot be written ends it there. None if it was left behind.
fn travel(
    task: &Task,
    folder: &Arc<Folder>,
    mut descent: Descent,
    rows: &Rows,
    about: Option<About>,
) -> Result<Option<Journey>> {
    let (config, signals) = (&task.config, task.signals.clone());
    descent.listen(signals.defer());
    descent.saves(signals.saves());
    let (progress, horizon) = (descent.progress(), config.descent.steps);
    let watch = Watch::new(signals.defer());
    let seen = watch.clone();
    let pace = RefCell::new(Pace::new(progress.t()));
    let show = move || of_watch(&seen, "").or_else(|| Some(of_steps(&progress, horizon, &pace)));
    let shared = Shared::every(config.output.checkpoint_minutes);
    let keeper = Keeper::new(folder, &shared, config.to_toml(), &descent.problem().data);
    let (folder, rows, kinds) = (folder.clone(), rows.clone(), Kinds::of(descent.problem(), config));
    let (sampling, own) = (setup::sampling(config, watch), signals.clone());
    let work = move || {
        let traces = match &about {
            Some(about) => Traces::resume(&folder, kinds, &about.tables, about.rows),
            None => Traces::begin(&folder, kinds),
        };
        let (traces, written) = traces.map_or_else(|e| (None, Err(e)), |traces| (Some(traces), Ok(())));
        let mut scribe = Scribe { rows, traces, keeper, signals: own, written, t: 0.0 };
        let ended = descent.run_saving(horizon, &mut scribe).cloned();
        let Scribe { written, t, .. } = scribe;
        let Some(ended) = ended else { return Journey::Left { t, written } };
        let outcome = descent.outcome_sampled(&sampling);
        Journey::Ended(Box::new(Travelled { descent, ended, outcome, written }))
    };
    let clock = task.watch_the_clock();
    tended(task.signals, show, work, move || {
        clock();
        shared.tick(&signals);
        match shared.busy() {
            true => Tended::Wait,
            false => Tended::Leave(if signals.by_the_system() { PATIENT } else { GRACE }),
        }
    })
}

/// Writes what can be written, whatever failed before; the first failure is what the command ends with.
fn finish(task: &Task, folder: &Folder, rows: &Rows, travelled: Travelled) -> Result<u8> {
    let Travelled { mut descent, ended, outcome, written } = travelled;
    let (config, signals) = (&task.config, task.signals);
    let arrays = arrays::of_run(config, &mut descent, ended.status, folder);
    let arrays = arrays.and_then(|()| claims::of_run(&mut descent, &outcome, folder));
    let cut_short = ended.time.is_some_and(|time| time.clock) || ended.status == Status::Stopped;
    let json = to_json(&Sourced {
        facts: &outcome,
        complete: Some(!cut_short && !signals.defer().raised() && written.is_ok() && arrays.is_ok()),
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
        plane: arrays::plane_of_run(&descent),
        folder: folder.path(),
        seconds: task.begun.elapsed().as_secs_f64(),
    };
    let text = if task.args.source.json { json } else { summary::run::summary(&facts) };
    print(&text)?;
    Ok(if signals.defer().raised() { signals.code() } else { exit_code(config, ended.status, &ended.row) })
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

/// Ends a run that did not come back after a signal: for a person with what is known, its rows; for the system with what
/// was saved before.
fn leave(task: &Task, folder: &Folder, rows: &Rows, problem: &Problem) -> Result<u8> {
    if task.signals.by_the_system() {
        say::line("ended in something long, without a checkpoint of now; the same command with --resume goes on");
        return Ok(task.signals.code());
    }
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
        complete: Some(false),
        classes: rows.classes.as_ref(),
        files: folder.digests(),
        provenance: Provenance::new(&task.config),
    });
    folder.write("result.json", json.as_bytes())?;
    let text = if task.args.source.json { json } else { summary::run::left(facts.row.as_ref(), folder.path()) };
    print(&text)?;
    Ok(INTERRUPTED)
}

/// The exit code of a run that ended like this, with this last row.
pub(super) fn exit_code(config: &Config, status: Status, row: &Row) -> u8 {
    let tolerance = config.monitor.angle_tolerance;
    let missed = config.monitor.require && !row.meets(tolerance);
    match status {
        Status::Diverged => 3,
        Status::NotSeparable => 5,
        Status::Interrupted => INTERRUPTED,
        Status::Stopped => 1,
        Status::Time => 4,
        Status::Horizon | Status::Converged if missed => 4,
        Status::Horizon | Status::Converged | Status::Tolerance => 0,
    }
}
