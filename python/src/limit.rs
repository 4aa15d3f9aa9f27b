//! The limit that the theory predicts, without running gradient descent; and the files that a folder needs beside its
//! configuration.

use crate::arrays;
use crate::errors::exception;
use crate::float_environment::Standard;
use crate::problem::{Call, place};
use crate::work::apart;
use farfield::limit::sliding::Sliding;
use farfield::{Data, LimitOutcome, Matrix, Pattern, Prediction, Problem, Stationarity, Stop, Watch};
use farfield_cli::arrays::{self as files, LimitArrays};
use farfield_cli::config::{Config, Source, paths};
use farfield_cli::error::{Error, Result};
use farfield_cli::files::classes::Classes;
use farfield_cli::files::npy;
use farfield_cli::folder::{Digests, Entry, Folder, Kind};
use farfield_cli::json::to_json;
use farfield_cli::progress::of_watch;
use farfield_cli::provenance::{LimitReport, Provenance, Sourced};
use farfield_cli::summary::Subject;
use farfield_cli::{claims, setup, summary};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples and a start that no configuration names.
#[derive(Clone)]
pub struct Place {
    pub data: Option<Data>,
    pub init: Option<Arc<Matrix>>,
}

impl Place {
    /// The configuration that names the files below `folder`.
    pub fn configured(&self, folder: &Path, mut config: Config) -> Result<Config> {
        let file = |name: &str| {
            let path = std::path::absolute(folder.join(INPUTS).join(name));
            path.map(|path| paths::encode(path.as_os_str())).map_err(|e| Error::Input(format!("{name}: {e}")))
        };
        if let Some(data) = &self.data {
            if data.axes().is_some() {
                let why = "sampling = \"gram\" has no original coordinates: run with the seed of the problem";
                return Err(Error::Input(why.into()));
            }
            // as they are by now: chosen and standardized
            let (source, labels) = (Source::File(file("X.npy")?), file("y.npy")?);
            config.data = farfield_cli::config::Data { source, labels, ..Default::default() };
            if data.held_out().is_some() {
                (config.data.test, config.data.test_labels) = (file("test.npy")?, file("test_labels.npy")?);
            }
        }
        if self.init.is_some() {
            config.network.init = file("init.npy")?;
        }
        Ok(config)
    }

    /// Writes the files.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let inputs = folder.join(INPUTS);
        if self.data.is_some() || self.init.is_some() {
            let failed = |e| Error::Internal(format!("cannot make {}: {e}", inputs.display()));
            std::fs::create_dir_all(&inputs).map_err(failed)?;
        }
        if let Some(data) = &self.data {
            let x = data.samples().view().expect("samples of this process");
            npy::write_samples(&inputs.join("X.npy"), x)?;
            npy::write_vector(&inputs.join("y.npy"), data.y())?;
            if let Some(held_out) = data.held_out() {
                npy::write_matrix(&inputs.join("test.npy"), held_out.x())?;
                npy::write_vector(&inputs.join("test_labels.npy"), held_out.y())?;
            }
        }
        self.init.iter().try_for_each(|init| npy::write_matrix(&inputs.join("init.npy"), init))
    }
}

/// The folder for samples in that of a result.
const INPUTS: &str = "inputs";

/// What is known of a limit.
#[pyclass(frozen, module = "farfield._farfield")]
pub struct Limit {
    config: Config,
    classes: Option<Classes>,
    place: Place,
    solved: Arc<Solved>,
}

struct Solved {
    problem: Problem,
    facts: LimitOutcome,
    stationarity: Option<Stationarity>, // of the run whose sides it is for
    prediction: Prediction<Sliding>,
    json: String,
    arrays: LimitArrays,
}

impl Solved {
    fn report(&self) -> LimitReport<'_> {
        LimitReport { facts: &self.facts, stationarity: self.stationarity }
    }
}

/// The summary of the limit in a folder, as it was when it was solved.
#[pyfunction]
pub fn summary_of_limit(py: Python<'_>, folder: PathBuf) -> PyResult<String> {
    apart(py, &Stop::default(), None, || None, move || summary::again::of_limit(&folder))?.whole()?.map_err(exception)
}

/// Solves for the limit, for the sides of `pattern` and what the run that ended on them says of its last iterate (ε and δ).
pub fn solve(
    py: Python<'_>,
    call: Call,
    pattern: Option<Pattern>,
    stationarity: Option<(f64, f64)>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Limit> {
    let stop = Stop::default();
    let watch = Watch::new(&stop);
    let seen = watch.clone();
    let (config, classes, place) = (call.config.clone(), call.samples.classes.clone(), place(&call));
    let work = move || -> Result<Solved> {
        let (problem, start) = call.setup()?;
        let sampling = setup::sampling(&call.config, watch);
        let (facts, prediction) = LimitOutcome::sampled(&problem, &start, pattern.as_ref(), &sampling)?;
        let stationarity = stationarity.map(|(epsilon, delta)| Stationarity { epsilon, delta });
        let report = LimitReport { facts: &facts, stationarity };
        let json = result(&report, call.samples.classes.as_ref(), Digests::default(), &call.config);
        let arrays = LimitArrays::of(&prediction, &problem);
        Ok(Solved { problem, facts, stationarity, prediction, json, arrays })
    };
    let solved = apart(py, &stop, progress, || of_watch(&seen, ""), work)?.whole()?.map_err(exception)?;
    Ok(Limit { config, classes, place, solved: Arc::new(solved) })
}

/// The content of result.json.
fn result(report: &LimitReport<'_>, classes: Option<&Classes>, files: Digests, config: &Config) -> String {
    to_json(&Sourced { facts: report, complete: None, classes, files, provenance: Provenance::new(config) })
}

#[pymethods]
impl Limit {
    /// result.json.
    fn json(&self) -> &str {
        &self.solved.json
    }

    /// The summary of the command line.
    fn summary(&self) -> String {
        let Solved { problem, prediction, .. } = &*self.solved;
        let (classes, report) = (self.classes.as_ref(), self.solved.report());
        Standard::within(|| {
            let plane = files::plane(prediction, problem);
            summary::limit::summary(&report, &Subject::of(problem, &self.config), plane, classes, Path::new(""))
        })
    }

    /// λ (n): of the limit, of the ray where nothing separates, or the best known.
    fn dual<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.solved.arrays.dual.clone().map(|lambda| arrays::vector(py, lambda))
    }

    /// Weights (n) of features that cancel, where nothing separates the samples.
    fn farkas<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.solved.arrays.farkas.clone().map(|lambda| arrays::vector(py, lambda))
    }

    /// The effective slopes (n×m).
    fn slopes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray2<f64>>> {
        self.solved.arrays.slopes.clone().map(|slopes| arrays::matrix(py, slopes))
    }

    /// w̄ (d), where the boundary is a plane.
    fn boundary<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.solved.arrays.boundary.clone().map(|boundary| arrays::vector(py, boundary))
    }

    /// W* (m×d), where there is one in the original coordinates.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
        let solved = self.solved.clone();
        let work = move || match &solved.prediction {
            Prediction::Limit(found) if solved.problem.data.axes().is_none() => {
                Some(found.limit.weights_on(solved.problem.data.samples()))
            }
            _ => None,
        };
        let weights = apart(py, &Stop::default(), None, || None, work)?.whole()?;
        Ok(weights.map(|weights| arrays::matrix(py, weights)))
    }

    /// Writes the folder that `farfield limit` writes; samples from arrays go into its folder `inputs`.
    fn save(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        let (config, place, classes) = (self.config.clone(), self.place.clone(), self.classes.clone());
        let solved = self.solved.clone();
        let work = move || {
            let config = place.configured(&path, config)?;
            let entry = if overwrite { Entry::Overwrite } else { Entry::Fresh };
            let mut folder = Folder::claim(path, Kind::Limit, &config, entry)?;
            place.write(folder.path())?;
            folder.begin(&config)?;
            solved.arrays.write(&folder)?;
            claims::of_limit(&solved.facts, &solved.prediction, &solved.problem, &folder)?;
            let json = result(&solved.report(), classes.as_ref(), folder.digests(), &config);
            folder.write("result.json", json.as_bytes())
        };
        apart(py, &Stop::default(), None, || None, work)?.whole()?.map_err(exception)
    }
}
