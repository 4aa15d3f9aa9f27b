//! Where samples and labels come from.

pub mod classes;
pub mod csv;
pub mod npy;
pub mod standardize;
pub mod svmlight;
pub mod text;

use crate::matrix::Matrix;

/// Samples and training labels.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The samples X (n×d).
    pub x: Matrix,
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
