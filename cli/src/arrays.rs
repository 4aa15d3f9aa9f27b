//! The arrays that a command leaves, as .npy files of its folder.

use crate::config::Config;
use crate::error::Result;
use crate::folder::Folder;
use farfield::limit::boundary;
use farfield::limit::sliding::Sliding;
use farfield::{Descent, Limit, Matrix, Pattern, Prediction, Problem, Status};
use ndarray::{Array2, ArrayView, ArrayView1, ArrayView2, Dimension};
use ndarray_npy::{WritableElement, WriteNpyError, WriteNpyExt};
use std::io;

/// Writes a vector as f64.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn vector(folder: &Folder, name: &str, v: &[f64]) -> Result<()> {
    put(folder, name, &ArrayView1::from(v))
}

/// Writes a matrix as f64, C order.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn matrix(folder: &Folder, name: &str, m: &Matrix) -> Result<()> {
    put(folder, name, &ArrayView2::from_shape((m.rows(), m.cols()), m.values()).expect("rows·cols values"))
}

/// Writes a pattern (n×m) as int8, 0 or 1, C order.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn pattern(folder: &Folder, name: &str, pattern: &Pattern) -> Result<()> {
    let shape = (pattern.samples(), pattern.neurons());
    put(folder, name, &Array2::from_shape_fn(shape, |(i, j)| i8::from(pattern.get(i, j))).view())
}

/// Weights up to this many numbers, 4 MB, are written with every run: what is claimed of W can be checked then.
const SMALL: usize = 1 << 19;

/// λ's and θ's digits beyond f64, and the slopes where the pattern does not show them.
fn of_proof(limit: &Limit, folder: &Folder) -> Vec<Result<()>> {
    let proof = limit.proof();
    let slopes = proof.free.then(|| matrix(folder, "slopes.npy", &proof.slopes));
    let mut results = vec![matrix(folder, "remainders.npy", &proof.remainders)];
    results.extend(slopes);
    results
}

/// The arrays of a run: each that can be written.
///
/// # Errors
/// The first failure.
pub fn of_run(config: &Config, descent: &mut Descent, status: Status, folder: &Folder) -> Result<()> {
    let mut results: Vec<Result<()>> =
        vec![vector(folder, "margins.npy", &descent.margins()), pattern(folder, "pattern.npy", &descent.pattern())];
    if let Some(proof) = descent.monitor().inseparable().filter(|_| status == Status::NotSeparable) {
        results.push(vector(folder, "farkas.npy", &proof.farkas.lambda));
        results.push(matrix(folder, "slopes.npy", &proof.slopes));
    }
    if let Some(limit) = descent.monitor().limit() {
        results.push(vector(folder, "dual.npy", &limit.lambda));
        results.extend(of_proof(limit, folder));
        let problem = descent.problem();
        if limit.linear(&problem.network) && problem.data.axes().is_none() {
            let boundary = limit.boundary_on(problem.data.samples());
            results.push(vector(folder, "boundary.npy", &boundary));
        }
    } else if let Some(ray) = descent.monitor().ray() {
        results.push(vector(folder, "dual.npy", &ray.lambda));
        let problem = descent.problem();
        let along = ray.along(&problem.network).filter(|_| problem.data.axes().is_none());
        let boundary = along.and_then(|along| boundary(&along, &problem.network, problem.data.samples()));
        results.extend(boundary.map(|boundary| vector(folder, "boundary.npy", &boundary)));
    }
    let data = &descent.problem().data;
    let (small, original) = (data.d() * descent.problem().network.width <= SMALL, data.axes().is_none());
    if config.output.weights || (small && original) {
        results.push(matrix(folder, "weights.npy", &descent.iterate().weights()));
    }
    let m = descent.problem().network.width;
    let averages = descent.iterate().slopes().map(|values| Matrix::new(values.len() / m, m, values.to_vec()));
    results.extend(averages.map(|slopes| matrix(folder, "averages.npy", &slopes)));
    results.into_iter().collect()
}

/// The arrays of a limit: λ or the proof that nothing separates, with its slopes; where nothing does, λ of the ray; the
/// boundary where it is a plane.
///
/// # Errors
/// The first failure.
pub fn of_limit(prediction: &Prediction<Sliding>, problem: &Problem, folder: &Folder) -> Result<()> {
    let (x, network) = (problem.data.samples(), &problem.network);
    let (dual, farkas, slopes, boundary) = match prediction {
        Prediction::Limit(solved) => {
            let boundary = solved.limit.linear(network).then(|| solved.limit.boundary_on(x));
            (Some(&solved.limit.lambda), None, Some(solved.slopes_of_neurons()), boundary)
        }
        Prediction::NotSeparable(proof) => {
            let ray = proof.ray.as_ref();
            let boundary = ray.and_then(|ray| boundary(&ray.goal(network), network, x));
            (ray.map(|ray| &ray.lambda), Some(&proof.farkas.lambda), Some(proof.slopes.clone()), boundary)
        }
        Prediction::Undecided(best) => (Some(&best.lambda), None, None, None),
    };
    let boundary = boundary.filter(|_| problem.data.axes().is_none());
    let vectors = [("dual.npy", dual), ("farkas.npy", farkas), ("boundary.npy", boundary.as_ref())];
    let written = vectors.into_iter().filter_map(|(name, values)| Some(vector(folder, name, values?)));
    let mut results: Vec<Result<()>> = written.collect();
    results.extend(slopes.map(|slopes| matrix(folder, "slopes.npy", &slopes)));
    if let Prediction::Limit(solved) = prediction {
        results.push(matrix(folder, "remainders.npy", &solved.limit.proof().remainders));
    }
    results.into_iter().collect()
}

fn put<A: WritableElement, D: Dimension>(folder: &Folder, name: &str, view: &ArrayView<A, D>) -> Result<()> {
    folder.put(name, |out| {
        view.write_npy(out).map_err(|e| match e {
            WriteNpyError::Io(e) => e,
            other => io::Error::other(other),
        })
    })
}
