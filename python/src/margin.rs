//! The hard-margin support vector machine through the origin: the limit of one neuron that every sample activates.
//!
//! ```text
//! max over ‖w‖ = 1 of min_i y_i ⟨x_i, w⟩  =  γ*,      w* = Σ_i λ_i y_i x_i,  λ ≥ 0,  ‖w*‖ = 1/γ*
//! ```
//!
//! Where nothing separates the samples, `Σ_i λ_i y_i x_i = 0` with λ ≥ 0, Σλ = 1 proves it; gradient descent on the
//! exponential loss then goes along a ray V∞ + τU ([`farfield::limit::ray`]).

use crate::arrays;
use crate::errors::refused;
use crate::problem::Problem;
use crate::work::apart;
use farfield::limit::combination;
use farfield::limit::ray::Ray;
use farfield::{Data, Error, Limit, Network, Pattern, Phase, Prediction, Stop, Watch};
use farfield_cli::progress::of_watch;
use numpy::PyArray1;
use pyo3::prelude::*;

/// A vector of Python's.
type Array = Py<PyArray1<f64>>;

/// What is known of the maximal margin.
#[pyclass(frozen, get_all, module = "farfield._farfield")]
pub struct Margin {
    /// solved, not_separable or undecided.
    status: &'static str,
    max_margin: Option<f64>,
    margin_interval: Option<(f64, f64)>,
    direction_error: Option<f64>,
    kkt_residual: Option<f64>,
    /// The relative change of the samples with which they cancel exactly.
    farkas_value: Option<f64>,
    /// λ (n).
    dual: Array,
    /// w* (d).
    weights: Option<Array>,
    /// U (d) and V∞ (d), where the samples are not separable, and the ray was asked for and found.
    ray: Option<(Array, Array)>,
}

#[derive(Default)]
struct Found {
    status: &'static str,
    max_margin: Option<f64>,
    margin_interval: Option<(f64, f64)>,
    direction_error: Option<f64>,
    kkt_residual: Option<f64>,
    farkas_value: Option<f64>,
    dual: Vec<f64>,
    weights: Option<Vec<f64>>,
    ray: Option<(Vec<f64>, Vec<f64>)>,
}

/// The maximal margin of a problem's samples, whatever its network; with the ray where they are not separable, if asked.
#[pyfunction]
#[pyo3(signature = (problem, ray=false, progress=None))]
pub fn max_margin(
    py: Python<'_>,
    problem: &Problem,
    ray: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Margin> {
    let data = problem.samples.data.clone();
    let stop = Stop::default();
    let watch = Watch::new(&stop);
    let seen = watch.clone();
    let work = move || {
        watch.begin(Phase::Limit, data.n() as u64);
        find(&data, ray)
    };
    let found = apart(py, &stop, progress, || of_watch(&seen, ""), work)?.whole()?.map_err(refused)?;
    let vector = |values: Vec<f64>| arrays::vector(py, values).unbind();
    Ok(Margin {
        status: found.status,
        max_margin: found.max_margin,
        margin_interval: found.margin_interval,
        direction_error: found.direction_error,
        kkt_residual: found.kkt_residual,
        farkas_value: found.farkas_value,
        dual: vector(found.dual),
        weights: found.weights.map(vector),
        ray: found.ray.map(|(u, v)| (vector(u), vector(v))),
    })
}

fn find(data: &Data, ray: bool) -> farfield::Result<Found> {
    let (n, x, y) = (data.n(), data.samples().view().expect("samples of this process"), data.y());
    let many = Error::TooManySamples { n, most: Data::LARGEST, what: "the maximal margin" };
    let gram = data.gram().ok_or(many)?;
    // the leak is that of a side on which no sample is
    let (network, pattern) = (Network::new(1, 1, 0.5)?, Pattern::of(&vec![1.0; n], n, 1));
    Ok(match Limit::of_pattern(gram, Some(data.samples()), y, &network, &pattern, None) {
        Prediction::Limit(mut limit) => {
            limit.verify(gram, x, &pattern);
            Found {
                status: "solved",
                max_margin: Some(limit.max_margin),
                margin_interval: Some(limit.margin_interval),
                direction_error: Some(limit.direction_error),
                kkt_residual: Some(limit.kkt_residual),
                weights: Some(limit.boundary_on(data.samples())),
                dual: limit.lambda,
                ..Found::default()
            }
        }
        Prediction::NotSeparable(proof) => Found {
            status: "not_separable",
            farkas_value: Some(proof.farkas.relative),
            dual: proof.farkas.lambda,
            ray: ray
                .then(|| Ray::of_pattern(x, y, &network, &pattern, farfield::Loss::Exponential))
                .and_then(Result::ok)
                .map(|ray| {
                    let of = |rows: &[Vec<f64>]| {
                        let coefficients: Vec<f64> = rows.iter().map(|row| row[0]).collect();
                        let padded = if coefficients.is_empty() { vec![0.0; n] } else { coefficients };
                        combination(&padded, x)
                    };
                    (of(&ray.direction), of(&ray.offset))
                }),
            ..Found::default()
        },
        Prediction::Undecided(best) => Found {
            status: "undecided",
            margin_interval: Some(best.margin_interval),
            kkt_residual: Some(best.kkt_residual),
            dual: best.lambda,
            ..Found::default()
        },
    })
}
