//! A problem: samples that every call shares, and the configuration of everything else.

use crate::arrays::Numbers;
use crate::errors::{exception, refused};
use crate::float_environment::Standard;
use crate::limit::{Limit, Place};
use crate::run::{Run, Travel};
use crate::settings::{Config, over};
use crate::work::apart;
use crate::{arrays, limit};
use farfield::{Certificate, Conditions, Pattern, Phase, Start, Stop, Watch};
use farfield_cli::config;
use farfield_cli::files::classes::{Classes, Names, Plus};
use farfield_cli::json::to_json;
use farfield_cli::progress::of_watch;
use farfield_cli::setup::{self, Samples, Setup};
use farfield_cli::summary::{check, classes_line, problem_line};
use farfield_cli::{error, memory};
use numpy::{PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::sync::Arc;

/// The configuration that samples from arrays begin with.
const ARRAYS: &str = "[data]\nsource = \"\"\n";

/// Data, network, loss and step.
#[pyclass(frozen, module = "farfield._farfield")]
pub struct Problem {
    pub samples: Samples,
    pub config: config::Config,
    pub problem: farfield::Problem,
    /// Whether the samples are arrays of the caller's.
    given: bool,
}

/// What a call works on: a start in a configuration.
#[derive(Clone)]
pub struct Call {
    pub config: config::Config,
    pub samples: Samples,
    pub init: Option<Arc<farfield::Matrix>>,
    /// The samples, as files that a folder needs beside its configuration.
    pub inputs: bool,
}

impl Call {
    /// The problem and its start.
    pub fn setup(&self) -> error::Result<(farfield::Problem, Start)> {
        let Setup { problem, start, .. } = Setup::of(&self.config, self.samples.clone())?;
        Ok((problem, self.init.clone().map_or(start, Start::Weights)))
    }
}

#[pymethods]
impl Problem {
    /// From X (n×d, float64 or float32) and labels: `names` are the classes in the order of their first appearance, each
    /// with its value if it is a number, `indices` (n) say which sample is of which. `test` are samples that are not trained on.
    #[staticmethod]
    #[pyo3(signature = (x, names, indices, positive_class, settings, progress=None, test=None))]
    #[allow(clippy::too_many_arguments)] // those of a call in Python
    fn of_arrays(
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        names: Vec<(String, Option<f64>)>,
        indices: PyReadonlyArray1<'_, u8>,
        positive_class: &str,
        settings: &str,
        progress: Option<&Bound<'_, PyAny>>,
        test: Option<Test<'_>>,
    ) -> PyResult<Self> {
        let base = config::Config::from_text(ARRAYS, "the configuration", &[]).map_err(exception)?;
        let config = over(&base, settings).and_then(config::Config::resolved).map_err(exception)?;
        let labels = labels("y", &names, indices.as_slice()?, positive_class)?;
        let shape = x.getattr("shape")?.extract::<(usize, usize)>();
        let (n, d) = shape.map_err(|_| PyTypeError::new_err("X: expected a two-dimensional array"))?;
        let bytes = x.getattr("dtype")?.getattr("itemsize")?.extract::<f64>()?; // of float64 or float32
        let width = config.network.width as usize;
        memory::fits(n, d, width, bytes).map_err(exception)?;
        let held_out = test.map(|test| test.read((n, d), width, &labels.classes)).transpose()?;
        let numbers = Numbers::of(x)?;
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        let seen = watch.clone();
        let work = move || {
            let data = numbers.data(labels.y, &watch)?;
            match held_out {
                Some((numbers, y)) => data.with_held_out(numbers.matrix(), y, &watch),
                None => Ok(data),
            }
        };
        let data = apart(py, &stop, progress, || of_watch(&seen, ""), work)?.whole()?.map_err(refused)?;
        let samples = Samples { data, classes: Some(labels.classes), notes: Vec::new() };
        Self::new(py, config, samples, true)
    }

    /// From a configuration: drawn, or read from its files.
    #[staticmethod]
    #[pyo3(signature = (config, progress=None))]
    fn of_config(py: Python<'_>, config: &Config, progress: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let config = config.0.clone().resolved().map_err(exception)?;
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        let (own, seen) = (config.clone(), watch.clone());
        let work = move || setup::samples(&own, &watch);
        let samples = apart(py, &stop, progress, || of_watch(&seen, "reading"), work)?.whole()?.map_err(exception)?;
        Self::new(py, config, samples, false)
    }

    /// A line that says what it is, and one with the classes.
    fn summary(&self) -> String {
        let line = Standard::within(|| problem_line(&self.problem, &self.config));
        let classes = classes_line(self.samples.classes.as_ref());
        let classes = if classes.is_empty() { classes } else { format!("\n{:>10}  {classes}", "classes") };
        format!("{:>10}  {line}{classes}", "problem")
    }

    /// The configuration.
    fn config(&self) -> Config {
        Config(self.config.clone())
    }

    /// What was decided in reading files.
    fn notes(&self) -> Vec<String> {
        self.samples.notes.clone()
    }

    /// n, d (of the distribution) and the columns of X.
    fn shape(&self) -> (usize, u64, usize) {
        let data = &self.samples.data;
        (data.n(), data.dimensions(), data.d())
    }

    /// α, λmax(XXᵀ), width and the number of neurons with a positive output weight.
    fn numbers(&self) -> (f64, f64, usize, usize) {
        let network = &self.problem.network;
        (self.problem.step_size, self.samples.data.lambda_max(), network.width, network.positive)
    }

    /// blake3 of shape, samples and labels.
    fn data_digest(&self) -> String {
        // in f32 samples are widened for it, on this thread
        Standard::within(|| self.samples.data.digest())
    }

    /// X (n×d), copied.
    fn x<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        arrays::widened(py, self.samples.data.samples().view().expect("samples of this process"))
    }

    /// Labels ±1 (n).
    fn y<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        arrays::vector(py, self.samples.data.y().to_vec())
    }

    /// Labels before label noise (n), where they are known.
    fn clean<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        self.samples.data.clean().map(|clean| arrays::vector(py, clean.to_vec()))
    }

    /// The names of the classes of +1 and of −1, as text.
    fn classes(&self) -> Option<(String, String)> {
        self.samples.classes.as_ref().map(|c| (c.positive.name.clone(), c.negative.name.clone()))
    }

    /// Runs gradient descent; the run, and the exception that interrupted it.
    #[pyo3(signature = (settings, init=None, progress=None))]
    fn run(
        &self,
        py: Python<'_>,
        settings: &str,
        init: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Run, Option<PyErr>)> {
        Travel::new(self.call(settings, init)?).run(py, progress)
    }

    /// Solves for the limit, with every pair of one sign activated or on the sides that `pattern` (n×m) shows.
    /// `stationarity` is what the run that ended on them says of its last iterate: ε and δ.
    #[pyo3(signature = (settings, pattern=None, stationarity=None, init=None, progress=None))]
    fn limit(
        &self,
        py: Python<'_>,
        settings: &str,
        pattern: Option<PyReadonlyArray2<'_, f64>>,
        stationarity: Option<(f64, f64)>,
        init: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Limit> {
        let pattern = pattern.map(|bits| self.pattern(&bits)).transpose()?;
        limit::solve(py, self.call(settings, init)?, pattern, stationarity, progress)
    }

    /// The conditions of the theory: as JSON, and in words.
    #[pyo3(signature = (settings, init=None, progress=None))]
    fn check(
        &self,
        py: Python<'_>,
        settings: &str,
        init: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(String, String)> {
        let call = self.call(settings, init)?;
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        let seen = watch.clone();
        let work = move || {
            let (problem, start) = call.setup()?;
            watch.begin(Phase::Limit, problem.data.n() as u64);
            let checked = Conditions::of(&problem, &start)?;
            let loss = problem.loss;
            let xor = problem.data.mixture().is_some_and(|mixture| mixture.second.is_some());
            Ok((to_json(&check::described(&checked, loss)), check::report(&checked, loss, &problem.network, xor)))
        };
        apart(py, &stop, progress, || of_watch(&seen, ""), work)?.whole()?.map_err(exception)
    }

    /// The certificate of weights W (m×d), as JSON; none where there is none.
    fn certificate(&self, py: Python<'_>, weights: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
        let numbers = Numbers::of(weights)?;
        let problem = self.problem.clone();
        let work = move || {
            let found = Certificate::of_weights(&problem, numbers.matrix())?;
            Ok(found.map(|certificate| to_json(&certificate)))
        };
        apart(py, &Stop::default(), None, || None, work)?.whole()?.map_err(exception)
    }
}

impl Problem {
    fn new(py: Python<'_>, config: config::Config, samples: Samples, given: bool) -> PyResult<Self> {
        let (own, shared) = (config.clone(), samples.clone());
        let work = move || Setup::of(&own, shared).map(|setup| setup.problem);
        let problem = apart(py, &Stop::default(), None, || None, work)?.whole()?.map_err(exception)?;
        Ok(Self { samples, config, problem, given })
    }

    fn call(&self, settings: &str, init: Option<&Bound<'_, PyAny>>) -> PyResult<Call> {
        let config = over(&self.config, settings).map_err(exception)?;
        let init = init.map(Numbers::of).transpose()?.map(|numbers| Arc::new(Standard::within(|| numbers.matrix())));
        let drawn = self.samples.data.mixture().is_some() || self.config.data.holdout > 0.0;
        let inputs = self.given || config.seed != self.config.seed && drawn;
        Ok(Call { config, samples: self.samples.clone(), init, inputs })
    }

    fn pattern(&self, bits: &PyReadonlyArray2<'_, f64>) -> PyResult<Pattern> {
        let (n, m) = (self.samples.data.n(), self.problem.network.width);
        let bits = bits.as_array();
        if bits.dim() != (n, m) {
            let (r, c) = bits.dim();
            return Err(PyValueError::new_err(format!("pattern is {r} x {c}, expected n x width = {n} x {m}")));
        }
        Ok(Pattern::of(&bits.iter().copied().collect::<Vec<_>>(), n, m))
    }
}

/// Samples that are not trained on: X' (p×d), and their labels as those of X.
#[derive(FromPyObject)]
struct Test<'py>(Bound<'py, PyAny>, Vec<(String, Option<f64>)>, PyReadonlyArray1<'py, u8>);

impl Test<'_> {
    /// The numbers and labels ±1, beside n samples with d features of these classes.
    fn read(&self, (n, d): (usize, usize), width: usize, classes: &Classes) -> PyResult<(Numbers, Vec<f64>)> {
        let Self(x, names, indices) = self;
        let shape = x.getattr("shape")?.extract::<(usize, usize)>();
        let (p, columns) = shape.map_err(|_| PyTypeError::new_err("test: expected a two-dimensional array"))?;
        if columns != d {
            return Err(PyValueError::new_err(format!("test is {p} x {columns}, expected p x d, d = {d}")));
        }
        memory::held_out_fits(p, n, d, width).map_err(exception)?;
        let labels = labels("test_labels", names, indices.as_slice()?, Plus::As(classes))?;
        Ok((Numbers::of(x)?, labels.y))
    }
}

/// Labels as ±1 with their classes, by the one rule for labels from anywhere; `name` is that of the argument.
fn labels<'a>(
    name: &str,
    names: &[(String, Option<f64>)],
    indices: &[u8],
    positive: impl Into<Plus<'a>>,
) -> PyResult<farfield_cli::files::classes::Labels> {
    let refused = |e: String| PyValueError::new_err(format!("{name}: {e}"));
    let mut list = Names::default();
    let place = |(name, value): &(String, Option<f64>)| match value {
        Some(value) => list.index_of_number(name.as_bytes(), *value),
        None => list.index(name.as_bytes()),
    };
    let places = names.iter().map(place).collect::<Result<Vec<usize>, _>>().map_err(refused)?;
    let of = |k: &u8| places.get(usize::from(*k)).map(|p| *p as u8);
    let indices: Option<Vec<u8>> = indices.iter().map(of).collect();
    let indices = indices.ok_or_else(|| PyTypeError::new_err(format!("{name}: an index without a name")))?;
    list.labels(&indices, positive, name.into()).map_err(refused)
}

/// Where the files of a folder of this call are: the samples beside it where the configuration does not name them.
pub fn place(call: &Call) -> Place {
    Place { data: call.inputs.then(|| call.samples.data.clone()), init: call.init.clone() }
}
