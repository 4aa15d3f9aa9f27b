//! The arrays that a command leaves, as .npy files of its folder.

use crate::config::Config;
use crate::error::Result;
use crate::folder::Folder;
use farfield::limit::sliding::Sliding;
use farfield::{Descent, Matrix, Pattern, Prediction, Problem, Status};
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

/// The arrays of a run: each that can be written.
///
/// # Errors
/// The first failure.
pub fn of_run(config: &Config, descent: &mut Descent, status: Status, folder: &Folder) -> Result<()> {
    let mut results: Vec<Result<()>> =
        vec![vector(folder, "margins.npy", &descent.margins()), pattern(folder, "pattern.npy", &descent.pattern())];
    if let Some(proof) = descent.monitor().inseparable().filter(|_| status == Status::NotSeparable) {
        results.push(vector(folder, "farkas.npy", &proof.farkas.lambda));
    }
    if let Some(limit) = descent.monitor().limit() {
        results.push(vector(folder, "dual.npy", &limit.lambda));
        let problem = descent.problem();
        if limit.linear(&problem.network) && problem.data.axes().is_none() {
            let boundary = limit.boundary_on(problem.data.samples());
            results.push(vector(folder, "boundary.npy", &boundary));
        }
    }
    if config.output.weights {
        results.push(matrix(folder, "weights.npy", &descent.iterate().weights()));
    }
    results.into_iter().collect()
}

/// The arrays of a limit: λ and its slopes, and the boundary where it is a plane.
///
/// # Errors
/// The first failure.
pub fn of_limit(prediction: &Prediction<Sliding>, problem: &Problem, folder: &Folder) -> Result<()> {
    let (lambda, slopes) = match prediction {
        Prediction::Limit(solved) => (&solved.limit.lambda, Some(solved.slopes_of_neurons())),
        Prediction::NotSeparable(proof) => (&proof.farkas.lambda, Some(proof.slopes.clone())),
        Prediction::Undecided(best) => (&best.lambda, None),
    };
    let weights = if matches!(prediction, Prediction::NotSeparable(_)) { "farkas.npy" } else { "dual.npy" };
    let mut results: Vec<Result<()>> = vec![vector(folder, weights, lambda)];
    if let Some(slopes) = slopes {
        results.push(matrix(folder, "slopes.npy", &slopes));
    }
    if let Prediction::Limit(solved) = prediction
        && solved.limit.linear(&problem.network)
        && problem.data.axes().is_none()
    {
        results.push(vector(folder, "boundary.npy", &solved.limit.boundary_on(problem.data.samples())));
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
