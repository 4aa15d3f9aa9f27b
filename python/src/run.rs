//! Gradient descent, and what it found.

use crate::arrays;
use crate::errors::exception;
use crate::float_environment::Standard;
use crate::limit::Place;
use crate::problem::{Call, place};
use crate::work::apart;
use farfield::{Descent, Ended, Outcome, Progress, Row, Status, Stop, Watch};
use farfield_cli::config::Config;
use farfield_cli::error::Result;
use farfield_cli::files::classes::Classes;
use farfield_cli::folder::{Entry, Folder, Kind};
use farfield_cli::json::to_json;
use farfield_cli::progress::{Pace, of_steps, of_watch};
use farfield_cli::provenance::{Provenance, Sourced};
use farfield_cli::trace::{PRECISION, TRACE, Traces};
use farfield_cli::{arrays as files, claims, setup, summary};
use numpy::{PyArray1, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::RefCell;
use std::ops::ControlFlow::Continue;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// A run that is about to begin.
pub struct Travel {
    call: Call,
    rows: Arc<Mutex<Vec<Row>>>,
    progress: Arc<OnceLock<Progress>>,
}

/// What is known at the end of a run.
struct Whole {
    descent: Arc<Mutex<Descent>>,
    problem: farfield::Problem,
    ended: Ended,
    outcome: Arc<Outcome>,
    json: String,
    plane: Option<bool>,
}

impl Travel {
    /// From a call.
    pub fn new(call: Call) -> Self {
        Self { call, rows: Arc::default(), progress: Arc::default() }
    }

    /// Runs it; the run, and the exception that interrupted it.
    pub fn run(self, py: Python<'_>, progress: Option<&Bound<'_, PyAny>>) -> PyResult<(Run, Option<PyErr>)> {
        let begun = Instant::now();
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        let (config, classes, place) = (self.call.config.clone(), self.call.samples.classes.clone(), place(&self.call));
        let (horizon, seen, steps) = (config.descent.steps, watch.clone(), self.progress.clone());
        let pace = RefCell::new(Pace::new(0.0));
        let show = || of_watch(&seen, "").or_else(|| steps.get().map(|p| of_steps(p, horizon, &pace)));
        let (rows, own) = (self.rows.clone(), stop.clone());
        let done = apart(py, &stop, progress, show, move || self.travel(&own, watch))?;
        let whole = done.result.transpose().map_err(exception)?;
        let seconds = begun.elapsed().as_secs_f64();
        let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((Run { config, classes, place, rows, whole, seconds }, done.interrupt))
    }

    fn travel(self, stop: &Stop, watch: Watch) -> Result<Whole> {
        let Self { call, rows, progress } = self;
        let config = &call.config;
        let (problem, start) = call.setup()?;
        let mut descent = Descent::with(&problem, &start, &setup::options(config))?;
        setup::starts_in_range(&mut descent)?;
        descent.listen(stop);
        // set once: this is the only descent of the call
        let _ = progress.set(descent.progress());
        let ended = descent.run(config.descent.steps, |row| {
            rows.lock().unwrap_or_else(PoisonError::into_inner).push(row.clone());
            Continue(())
        });
        let ended = ended.clone();
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
        let plane = descent.monitor().limit().map(|limit| limit.linear(&problem.network));
        Ok(Whole { descent: Arc::new(Mutex::new(descent)), problem, ended, outcome: Arc::new(outcome), json, plane })
    }
}

/// What a run found.
#[pyclass(frozen, module = "farfield._farfield")]
pub struct Run {
    config: Config,
    classes: Option<Classes>,
    place: Place,
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
            classes: self.classes.as_ref(),
            config: &self.config,
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
        arrays::columns(py, &TRACE, &self.rows)
    }

    /// The columns of precision.csv.
    fn precision<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arrays::columns(py, &PRECISION, &self.rows)
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

    /// λ (n) of the limit, where one is known.
    fn dual<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let lambda = self.of_descent(py, |descent| descent.monitor().limit().map(|limit| limit.lambda.clone()))?;
        Ok(lambda.map(|lambda| arrays::vector(py, lambda)))
    }

    /// w̄ (d) of the limit, where its boundary is a plane.
    fn boundary<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let boundary = self.of_descent(py, |descent| {
            let (problem, limit) = (descent.problem(), descent.monitor().limit()?);
            let plane = limit.linear(&problem.network) && problem.data.axes().is_none();
            plane.then(|| limit.boundary(problem.data.x()))
        })?;
        Ok(boundary.map(|boundary| arrays::vector(py, boundary)))
    }

    /// Weights (n) of features that cancel, where nothing separates the samples.
    fn farkas<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let whole = self.whole()?;
        let proved = whole.ended.status == Status::NotSeparable;
        let proof = self.of_descent(py, |descent| descent.monitor().inseparable().map(|p| p.farkas.lambda.clone()))?;
        Ok(proof.filter(|_| proved).map(|lambda| arrays::vector(py, lambda)))
    }

    /// Writes the folder that `farfield run` writes; samples from arrays go into its folder `inputs`.
    fn save(&self, py: Python<'_>, path: PathBuf, overwrite: bool, weights: bool) -> PyResult<()> {
        let whole = self.whole()?;
        let (mut config, place, classes) = (self.config.clone(), self.place.clone(), self.classes.clone());
        config.output.weights |= weights;
        let (rows, status, untouched) = (self.rows.clone(), whole.ended.status, complete(&whole.ended));
        let (outcome, descent) = (whole.outcome.clone(), whole.descent.clone());
        let work = move || {
            let config = place.configured(&path, config)?;
            let entry = if overwrite { Entry::Overwrite } else { Entry::Fresh };
            let mut folder = Folder::claim(path, Kind::Run, &config, entry)?;
            place.write(folder.path())?;
            folder.begin(&config)?;
            let mut traces = Traces::begin(&folder, config.descent.precision)?;
            rows.iter().try_for_each(|row| traces.append(row))?;
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

fn lock(descent: &Mutex<Descent>) -> MutexGuard<'_, Descent> {
    descent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nothing cut the run short.
fn complete(ended: &Ended) -> bool {
    let clock = ended.time.is_some_and(|time| time.clock);
    !clock && !matches!(ended.status, Status::Interrupted | Status::Stopped)
}
