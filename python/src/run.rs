//! Gradient descent, and what it found.

use crate::arrays;
use crate::errors::exception;
use crate::float_environment::Standard;
use crate::problem::{Call, place};
use crate::settings::over;
use crate::work::apart;
use farfield::{Descent, Ended, Moment, Observer, Outcome, Progress, Row, State, Status, Stop, Watch};
use farfield_cli::checkpoint::{self, Checkpoint};
use farfield_cli::config::Config;
use farfield_cli::error::{Error, Result};
use farfield_cli::folder::{self, Entry, Folder, Kind};
use farfield_cli::json::to_json;
use farfield_cli::progress::{Pace, of_steps, of_watch};
use farfield_cli::provenance::{Provenance, Sourced};
use farfield_cli::trace::{self, HELD_OUT, Kinds, PRECISION, Traces};
use farfield_cli::{arrays as files, claims, setup, summary};
use numpy::{PyArray1, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::RefCell;
use std::ops::ControlFlow::{self, Continue};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// A run that is about to begin, or to go on.
pub struct Travel {
    call: Call,
    from: Option<State>,
    rows: Arc<Mutex<Vec<Row>>>,
    progress: Arc<OnceLock<Progress>>,
}

/// Keeps every row, and the last state to go on from.
struct Scribe {
    rows: Arc<Mutex<Vec<Row>>>,
    last: Option<(State, Moment)>,
}

impl Observer for Scribe {
    fn row(&mut self, row: &Row) -> ControlFlow<()> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(row.clone());
        Continue(())
    }

    fn state(&mut self, state: State, moment: Moment) -> ControlFlow<()> {
        self.last = Some((state, moment));
        Continue(())
    }
}

/// What is known at the end of a run.
struct Whole {
    descent: Arc<Mutex<Descent>>,
    problem: farfield::Problem,
    ended: Ended,
    outcome: Arc<Outcome>,
    json: String,
    plane: Option<bool>,
    last: Option<(State, Moment)>, // what a longer run goes on from
}

impl Travel {
    /// From a call.
    pub fn new(call: Call) -> Self {
        Self { call, from: None, rows: Arc::default(), progress: Arc::default() }
    }

    /// From a state, with the rows before it.
    fn after(call: Call, state: State, rows: Vec<Row>) -> Self {
        Self { call, from: Some(state), rows: Arc::new(Mutex::new(rows)), progress: Arc::default() }
    }

    /// Runs it; the run, and the exception that interrupted it.
    pub fn run(self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<(Run, Option<PyErr>)> {
        let begun = Instant::now();
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        let call = self.call.clone();
        let (horizon, seen, steps) = (call.config.descent.steps, watch.clone(), self.progress.clone());
        let begun_at = self.rows.lock().unwrap_or_else(PoisonError::into_inner).last().map_or(0.0, |row| row.t);
        let pace = RefCell::new(Pace::new(begun_at));
        let show = || of_watch(&seen, "").or_else(|| steps.get().map(|p| of_steps(p, horizon, &pace)));
        let (rows, own) = (self.rows.clone(), stop.clone());
        let done = apart(py, &stop, progress, show, move || self.travel(&own, watch))?;
        let whole = done.result.transpose().map_err(exception)?;
        let seconds = begun.elapsed().as_secs_f64();
        let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((Run { call, rows, whole, seconds }, done.interrupt))
    }

    fn travel(self, stop: &Stop, watch: Watch) -> Result<Whole> {
        let Self { call, from, rows, progress } = self;
        let config = &call.config;
        let (problem, start) = call.setup()?;
        let options = setup::options(config);
        let mut descent = match from {
            Some(state) => Descent::resume(&problem, &start, &options, &state)?,
            None => {
                let mut descent = Descent::with(&problem, &start, &options)?;
                setup::starts_in_range(&mut descent)?;
                descent
            }
        };
        descent.listen(stop);
        // set once: this is the only descent of the call
        let _ = progress.set(descent.progress());
        let mut scribe = Scribe { rows, last: None };
        let ended = descent.run_saving(config.descent.steps, &mut scribe).cloned();
        let ended = ended.expect("this observer leaves no run before its end");
        let last = scribe.last;
        let outcome = descent.outcome_sampled(&setup::sampling(config, watch));
        let classes = call.samples.classes.as_ref();
        let provenance = Provenance::new(config);
        let json = to_json(&Sourced {
            facts: &outcome,
            complete: Some(complete(&ended)),
            classes,
            files: Default::default(),
            provenance,
        });
        let plane = files::plane_of_run(&descent);
        let (descent, outcome) = (Arc::new(Mutex::new(descent)), Arc::new(outcome));
        Ok(Whole { descent, problem, ended, outcome, json, plane, last })
    }
}

/// What a run found.
#[pyclass(frozen, module = "farfield._farfield")]
pub struct Run {
    call: Call,
    rows: Vec<Row>,
    whole: Option<Whole>,
    seconds: f64,
}

#[pymethods]
impl Run {
    /// result.json; none if the run was left behind after an interrupt.
    fn json(&self) -> Option<&str> {
        self.whole.as_ref().map(|whole| whole.json.as_str())
    }

    /// The summary of the command line.
    fn summary(&self) -> String {
        let Some(whole) = &self.whole else {
            return summary::run::left(self.rows.last(), Path::new("")).lines().next().unwrap_or_default().to_string();
        };
        let facts = summary::run::Facts {
            problem: &whole.problem,
            classes: self.call.samples.classes.as_ref(),
            config: &self.call.config,
            outcome: &whole.outcome,
            first: self.rows.first().cloned(),
            plane: whole.plane,
            folder: Path::new(""),
            seconds: self.seconds,
        };
        Standard::within(|| summary::run::summary(&facts))
    }

    /// The columns of trace.csv.
    fn trace<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arrays::columns(py, &trace::columns(&self.call.config), &self.rows)
    }

    /// The columns of precision.csv.
    fn precision<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arrays::columns(py, &PRECISION, &self.rows)
    }

    /// The columns of held_out.csv; none where no samples are held out.
    fn held_out_trace<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let held_out = self.call.samples.data.held_out().is_some();
        held_out.then(|| arrays::columns(py, &HELD_OUT, &self.rows)).transpose()
    }

    /// The margins (n) of W(t).
    fn margins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(arrays::vector(py, self.of_descent(py, Descent::margins)?))
    }

    /// The bits `z_ij > 0` (n×m).
    fn pattern<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<bool>>> {
        Ok(arrays::pattern(py, &self.of_descent(py, Descent::pattern)?))
    }

    /// W(t) (m×d).
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let weights = self
            .of_descent(py, |descent| descent.problem().data.axes().is_none().then(|| descent.iterate().weights()))?;
        let none = || PyValueError::new_err("sampling = \"gram\" has no original coordinates, so W has none");
        Ok(arrays::matrix(py, weights.ok_or_else(none)?))
    }

    /// λ (n) of the limit or the ray, where one is known.
    fn dual<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let lambda = self.of_descent(py, |descent| files::dual_of_run(descent))?;
        Ok(lambda.map(|lambda| arrays::vector(py, lambda)))
    }

    /// w̄ (d) of the limit or the ray, where its boundary is a plane.
    fn boundary<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let boundary = self.of_descent(py, |descent| files::boundary_of_run(descent))?;
        Ok(boundary.map(|boundary| arrays::vector(py, boundary)))
    }

    /// Weights (n) of features that cancel, where nothing separates the samples.
    fn farkas<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let whole = self.whole()?;
        let proved = whole.ended.status == Status::NotSeparable;
        let proof = self.of_descent(py, |descent| descent.monitor().inseparable().map(|p| p.farkas.lambda.clone()))?;
        Ok(proof.filter(|_| proved).map(|lambda| arrays::vector(py, lambda)))
    }

    /// Goes on with other `settings`, which may change how far the run goes, and for how long; the longer run, and the
    /// exception that interrupted it.
    #[pyo3(signature = (settings, progress=None))]
    fn resume(
        &self,
        py: Python<'_>,
        settings: &str,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Run, Option<PyErr>)> {
        let whole = self.whole()?;
        let config = over(&self.call.config, settings).map_err(exception)?;
        let Some((state, moment)) = whole.last.clone() else {
            let ended = to_json(&whole.ended.status).trim().trim_matches('"').to_string();
            return Err(PyValueError::new_err(format!("a run that ended as {ended} cannot be resumed")));
        };
        farther(&config, moment.t, "the run").map_err(exception)?;
        let rows = self.rows.iter().take(moment.rows as usize).cloned().collect();
        Travel::after(Call { config, ..self.call.clone() }, state, rows).run(py, progress)
    }

    /// Goes on with the run that a folder holds, from its checkpoint, as [`Run::resume`].
    #[staticmethod]
    #[pyo3(signature = (folder, settings, progress=None))]
    fn resume_folder(
        py: Python<'_>,
        folder: PathBuf,
        settings: &str,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Run, Option<PyErr>)> {
        let config =
            Standard::within(|| Config::load(Some(&folder.join("config.toml")), &[]).and_then(Config::resolved));
        let config = config.and_then(|config| over(&config, settings)).map_err(exception)?;
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        let seen = watch.clone();
        let work = move || found(&folder, config, &watch);
        let travel = apart(py, &stop, progress, || of_watch(&seen, "reading"), work)?.whole()?.map_err(exception)?;
        travel.run(py, progress)
    }

    /// Writes the folder that `farfield run` writes; samples from arrays go into its folder `inputs`.
    fn save(&self, py: Python<'_>, path: PathBuf, overwrite: bool, weights: bool) -> PyResult<()> {
        let whole = self.whole()?;
        let (mut config, place) = (self.call.config.clone(), place(&self.call));
        config.output.weights |= weights;
        let (classes, data, last) =
            (self.call.samples.classes.clone(), self.call.samples.data.clone(), whole.last.clone());
        let (rows, status, untouched) = (self.rows.clone(), whole.ended.status, complete(&whole.ended));
        let (outcome, descent) = (whole.outcome.clone(), whole.descent.clone());
        let kinds = Kinds::of(&whole.problem, &config);
        let work = move || {
            let config = place.configured(&path, config)?;
            let entry = if overwrite { Entry::Overwrite } else { Entry::Fresh };
            let mut folder = Folder::claim(path, Kind::Run, &config, entry)?;
            place.write(folder.path())?;
            folder.begin(&config)?;
            let mut traces = Traces::begin(&folder, kinds)?;
            rows.iter().try_for_each(|row| traces.append(row))?;
            if let Some(last) = last.filter(|_| config.output.checkpoint_minutes > 0.0) {
                checkpoint::last(&folder, config.to_toml(), &data, last, rows.first().cloned(), &traces)?;
            }
            files::of_run(&config, &mut lock(&descent), status, &folder)?;
            claims::of_run(&mut lock(&descent), &outcome, &folder)?;
            let (files, provenance) = (folder.digests(), Provenance::new(&config));
            let json = to_json(&Sourced {
                facts: &*outcome,
                complete: Some(untouched),
                classes: classes.as_ref(),
                files,
                provenance,
            });
            folder.write("result.json", json.as_bytes())
        };
        apart(py, &Stop::default(), None, || None, work)?.whole()?.map_err(exception)
    }
}

impl Run {
    fn whole(&self) -> PyResult<&Whole> {
        let left = || PyValueError::new_err("the run was interrupted in something long: only its trace is known");
        self.whole.as_ref().ok_or_else(left)
    }

    /// Asks the descent, on a thread that computes.
    fn of_descent<T: Send + 'static>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&mut Descent) -> T + Send + 'static,
    ) -> PyResult<T> {
        let descent = self.whole()?.descent.clone();
        apart(py, &Stop::default(), None, || None, move || ask(&mut lock(&descent)))?.whole()
    }
}

/// What a folder holds to go on from, with its samples and rows.
fn found(folder: &Path, config: Config, watch: &Watch) -> Result<Travel> {
    let place = format!("the checkpoint in {}", folder.display());
    let Some((Checkpoint { about, state }, _)) = checkpoint::newest(folder)? else {
        return Err(Error::Input(format!("{} has no checkpoint to go on from", folder.display())));
    };
    folder::may_resume(&about.config, &config, &place)?;
    farther(&config, about.t, &place)?;
    trace::fit(folder, &about.tables)?;
    let mut rows = trace::rows(folder, &about.tables)?;
    // it alone has what the tables do not
    rows.iter_mut().zip(about.first.clone()).for_each(|(row, first)| *row = first);
    let call = Call { samples: setup::samples(&config, watch)?, config, init: None, inputs: false };
    let (problem, start) = call.setup()?;
    checkpoint::descent(&problem, &start, &setup::options(&call.config), &about, &state)?;
    Ok(Travel::after(call, state, rows))
}

/// Refuses a horizon that a run is beyond.
fn farther(config: &Config, t: f64, whose: &str) -> Result<()> {
    match config.descent.steps < t {
        true => Err(Error::Input(format!("descent.steps = {}: {whose} is at t = {t} already", config.descent.steps))),
        false => Ok(()),
    }
}

fn lock(descent: &Mutex<Descent>) -> MutexGuard<'_, Descent> {
    descent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nothing cut the run short.
fn complete(ended: &Ended) -> bool {
    let clock = ended.time.is_some_and(|time| time.clock);
    !clock && !matches!(ended.status, Status::Interrupted | Status::Stopped)
}
