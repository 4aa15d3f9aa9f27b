//! Where samples and labels come from.

pub mod mixture;
pub mod npy;
pub mod random;
pub mod spectrum;

use crate::error::Result;
use crate::input_error;
use crate::matrix::Matrix;
use std::path::Path;
use std::sync::Arc;

/// Samples and training labels.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The samples X (n×d).
    pub x: Arc<Matrix>,
    /// Training labels ±1, length n.
    pub y: Vec<f64>,
    /// Labels before label noise, where they are known.
    pub clean: Option<Vec<f64>>,
    /// The distribution, where it is known.
    pub mixture: Option<Mixture>,
}

/// The distribution `x = yμ + Σ^{1/2} ξ` of a mixture: `μ = signal·(1,…,1)/√d`, Σ diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The mean μ of class +1, length d.
    pub mean: Vec<f64>,
    /// The eigenvalues of Σ, which is diagonal, length d.
    pub spectrum: Vec<f64>,
    /// The distribution of the coordinates of ξ.
    pub noise: Noise,
}

/// The distribution of one noise coordinate ξ: mean 0, variance 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Standard normal.
    Gaussian,
    /// ±1 with equal probability.
    Rademacher,
    /// Uniform on [-√3, √3].
    Uniform,
    /// Student-t with `dof > 2` degrees of freedom, divided by its standard deviation.
    StudentT {
        /// Degrees of freedom.
        dof: f64,
    },
}

/// The noise that a (validated) configuration names.
pub fn noise(config: &crate::config::Data) -> Noise {
    match config.noise.as_str() {
        "rademacher" => Noise::Rademacher,
        "uniform" => Noise::Uniform,
        "student-t" => Noise::StudentT { dof: config.dof },
        _ => Noise::Gaussian,
    }
}

/// Reads samples and labels from files, by the name of the source.
///
/// # Errors
/// [`crate::error::Error::Input`] for an unknown format, a file that cannot be read, or labels that do not fit.
pub fn read(config: &crate::config::Data) -> Result<Dataset> {
    let path = Path::new(&config.source);
    if path.extension().is_none_or(|e| e != "npy") {
        return Err(input_error!("data.source = \"{}\": expected \"mixture\" or a .npy file", config.source));
    }
    if config.labels.is_empty() {
        return Err(input_error!("data.source is a file: set data.labels to a .npy file with its labels"));
    }
    let x = npy::matrix(path)?;
    let y = npy::labels(Path::new(&config.labels), x.rows())?;
    Ok(Dataset { x: x.into(), y, clean: None, mixture: None })
}
