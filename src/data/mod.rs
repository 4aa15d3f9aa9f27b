//! Where samples and labels come from.

pub mod classes;
pub mod csv;
pub mod mixture;
pub mod npy;
pub mod random;
pub mod selection;
pub mod spectrum;
pub mod standardize;
pub mod svmlight;
pub mod text;

use crate::error::{Error, Result};
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

/// Reads samples and labels from files: the source by the ending of its name, the labels from a file of
/// their own, a column of the table (by name or index), or the lines of a sparse file; then takes the chosen
/// rows and columns (of the features: a label column is none) and standardizes these.
///
/// # Errors
/// [`crate::error::Error::Input`] for an unknown format, a file that cannot be read, labels that do not fit,
/// or a choice of rows or columns that are not there.
pub fn read(config: &crate::config::Data) -> Result<Dataset> {
    let path = Path::new(&config.source);
    let labels = config.labels.as_str();
    let own_file = labels.ends_with(".npy") || labels.ends_with(".csv");
    let kind = path.extension().and_then(|e| e.to_str());
    if labels.is_empty() && matches!(kind, Some("npy" | "csv")) || kind == Some("npy") && !own_file {
        let expected = if kind == Some("npy") { "" } else { ", or to a column of it" };
        return Err(input_error!("data.source is a file: set data.labels to a .npy or .csv file{expected}"));
    }
    let (x, y) = match kind {
        Some("npy") => (npy::matrix(path)?, None),
        Some("csv") => {
            let table = csv::read(path, (!own_file && !labels.is_empty()).then_some(labels))?;
            (table.x, table.y)
        }
        Some("svm" | "libsvm") => {
            if !own_file && !matches!(labels, "" | "0") {
                let begin = "the lines of a sparse file begin with their labels; leave it empty, or name a file";
                return Err(input_error!("data.labels = {labels:?}: {begin}"));
            }
            let sparse = svmlight::read(path)?;
            (sparse.x, Some(sparse.y))
        }
        _ => {
            let known = "\"mixture\" or a file named .npy, .csv, .svm or .libsvm";
            return Err(input_error!("data.source = \"{}\": expected {known}", config.source));
        }
    };
    if x.rows() == 0 || x.cols() == 0 {
        return Err(input_error!("{}: {} samples with {} features; expected some", path.display(), x.rows(), x.cols()));
    }
    let y = match y {
        _ if labels.ends_with(".npy") => npy::labels(Path::new(labels), x.rows())?,
        _ if labels.ends_with(".csv") => csv::labels(Path::new(labels), x.rows())?.0,
        Some(y) => y,
        None => return Err(Error::Internal("a table was read without its label column".into())),
    };
    let (mut x, y) = chosen(config, x, y)?;
    let how = match config.standardize.as_str() {
        "columns" => standardize::Standardize::Columns,
        "rows" => standardize::Standardize::Rows,
        _ => standardize::Standardize::None,
    };
    standardize::standardize(&mut x, how)?;
    Ok(Dataset { x: x.into(), y, clean: None, mixture: None })
}

/// The rows and columns that the configuration names, of X (n×d) and n labels.
fn chosen(config: &crate::config::Data, x: Matrix, y: Vec<f64>) -> Result<(Matrix, Vec<f64>)> {
    if config.rows.is_empty() && config.columns.is_empty() {
        return Ok((x, y));
    }
    let rows = selection::indices(&config.rows, x.rows()).map_err(|e| input_error!("data.rows: {e}"))?;
    let columns = selection::indices(&config.columns, x.cols()).map_err(|e| input_error!("data.columns: {e}"))?;
    Ok((selection::submatrix(&x, &rows, &columns), rows.iter().map(|i| y[*i]).collect()))
}
