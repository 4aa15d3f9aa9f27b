//! The arrays that a command leaves, as .npy files of its folder.

use crate::config::Config;
use crate::error::Result;
use crate::folder::Folder;
use farfield::limit::sliding::Sliding;
use farfield::limit::{self, boundary};
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
    let (dual, boundary) = (dual_of_run(descent), boundary_of_run(descent));
    results.extend(dual.map(|dual| vector(folder, "dual.npy", &dual)));
    results.extend(boundary.map(|boundary| vector(folder, "boundary.npy", &boundary)));
    if let Some(limit) = descent.monitor().limit() {
        results.extend(of_proof(limit, folder));
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

/// λ (n) of the limit of a run, or of its ray; none where neither is known.
pub fn dual_of_run(descent: &Descent) -> Option<Vec<f64>> {
    let monitor = descent.monitor();
    let limit = monitor.limit().map(|limit| limit.lambda.clone());
    limit.or_else(|| monitor.ray().map(|ray| ray.lambda.clone()))
}

/// The boundary (d) of the limit of a run, or of its ray, where it is a plane in the original coordinates.
pub fn boundary_of_run(descent: &Descent) -> Option<Vec<f64>> {
    let (monitor, problem) = (descent.monitor(), descent.problem());
    if problem.data.axes().is_some() {
        return None;
    }
    let (network, x) = (&problem.network, problem.data.samples());
    match monitor.limit() {
        Some(limit) => limit.linear(network).then(|| limit.boundary_on(x)),
        None => boundary(&monitor.ray()?.along(network)?, network, x),
    }
}

/// Whether the boundary of the limit of a run, or of its ray, is a plane; none where neither is known.
pub fn plane_of_run(descent: &Descent) -> Option<bool> {
    let (monitor, network) = (descent.monitor(), &descent.problem().network);
    let limit = monitor.limit().map(|limit| limit.linear(network));
    limit.or_else(|| monitor.ray()?.along(network).map(|along| limit::plane(&along, network)))
}

/// The arrays of a limit: each where there is one.
pub struct LimitArrays {
    /// λ (n): of the limit; of the ray, where nothing separates; the best known, where that is undecided.
    pub dual: Option<Vec<f64>>,
    /// Weights (n) of features that cancel, where nothing separates.
    pub farkas: Option<Vec<f64>>,
    /// The boundary (d) of the limit or the ray, where it is a plane in the original coordinates.
    pub boundary: Option<Vec<f64>>,
    /// Effective slopes (n×m) of the limit, or of the proof that nothing separates.
    pub slopes: Option<Matrix>,
    /// What λ and the slopes of the limit lack of 106 bits (n×(m + 1)).
    pub remainders: Option<Matrix>,
}

impl LimitArrays {
    /// Of what was found for a problem.
    pub fn of(prediction: &Prediction<Sliding>, problem: &Problem) -> Self {
        let (x, network, original) = (problem.data.samples(), &problem.network, problem.data.axes().is_none());
        match prediction {
            Prediction::Limit(solved) => Self {
                dual: Some(solved.limit.lambda.clone()),
                farkas: None,
                boundary: (original && solved.limit.linear(network)).then(|| solved.limit.boundary_on(x)),
                slopes: Some(solved.slopes_of_neurons()),
                remainders: Some(solved.limit.proof().remainders),
            },
            Prediction::NotSeparable(proof) => {
                let ray = proof.ray.as_ref();
                let along = ray.filter(|_| original);
                Self {
                    dual: ray.map(|ray| ray.lambda.clone()),
                    farkas: Some(proof.farkas.lambda.clone()),
                    boundary: along.and_then(|ray| boundary(&ray.goal(network), network, x)),
                    slopes: Some(proof.slopes.clone()),
                    remainders: None,
                }
            }
            Prediction::Undecided(best) => Self {
                dual: Some(best.lambda.clone()),
                farkas: None,
                boundary: None,
                slopes: best.proof.as_ref().map(|proof| proof.slopes.clone()),
                remainders: best.proof.as_ref().map(|proof| proof.remainders.clone()),
            },
        }
    }

    /// Writes each that there is and that can be written.
    ///
    /// # Errors
    /// The first failure.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        let vectors = [("dual.npy", &self.dual), ("farkas.npy", &self.farkas), ("boundary.npy", &self.boundary)];
        let written = vectors.into_iter().filter_map(|(name, values)| Some(vector(folder, name, values.as_ref()?)));
        let mut results: Vec<Result<()>> = written.collect();
        results.extend(self.slopes.as_ref().map(|slopes| matrix(folder, "slopes.npy", slopes)));
        results.extend(self.remainders.as_ref().map(|remainders| matrix(folder, "remainders.npy", remainders)));
        results.into_iter().collect()
    }
}

/// Whether the boundary of a limit, or of a ray, is a plane; none where there is neither.
pub fn plane(prediction: &Prediction<Sliding>, problem: &Problem) -> Option<bool> {
    let network = &problem.network;
    match prediction {
        Prediction::Limit(solved) => Some(solved.limit.linear(network)),
        Prediction::NotSeparable(proof) => proof.ray.as_ref().map(|ray| limit::plane(&ray.goal(network), network)),
        Prediction::Undecided(_) => None,
    }
}

fn put<A: WritableElement, D: Dimension>(folder: &Folder, name: &str, view: &ArrayView<A, D>) -> Result<()> {
    folder.put(name, |out| {
        view.write_npy(out).map_err(|e| match e {
            WriteNpyError::Io(e) => e,
            other => io::Error::other(other),
        })
    })
}
