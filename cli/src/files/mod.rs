//! Files that people bring, and arrays that runs leave: samples, labels, patterns.

pub mod classes;
pub mod csv;
pub mod npy;
pub mod pattern;
pub mod selection;
pub mod svmlight;
pub mod text;

use crate::config;
use crate::error::{Error, Result, input_error};
use farfield::Matrix;
use std::path::Path;

/// Reads samples X (n×d) and labels ±1 from files: the source by the ending of its name, the labels from a file
/// of their own, a column of the table (by name or index), or the lines of a sparse file; then takes the chosen
/// rows and columns (of the features: a label column is none) and standardizes these.
///
/// # Errors
/// [`Error::Input`] for an unknown format, a file that cannot be read, labels that do not fit, or a choice of rows
/// or columns that are not there.
pub fn read(source: &str, config: &config::Data) -> Result<(Matrix, Vec<f64>)> {
    let path = Path::new(source);
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
            return Err(input_error!("data.source = \"{source}\": expected {known}"));
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
    config.standardize.apply(&mut x).map_err(|e| input_error!("data.standardize: {e}"))?;
    Ok((x, y))
}

/// The rows and columns that the configuration names, of X (n×d) and n labels.
fn chosen(config: &config::Data, x: Matrix, y: Vec<f64>) -> Result<(Matrix, Vec<f64>)> {
    if config.rows.is_empty() && config.columns.is_empty() {
        return Ok((x, y));
    }
    let rows = selection::indices(&config.rows, x.rows()).map_err(|e| input_error!("data.rows: {e}"))?;
    let columns = selection::indices(&config.columns, x.cols()).map_err(|e| input_error!("data.columns: {e}"))?;
    Ok((selection::submatrix(&x, &rows, &columns), rows.iter().map(|i| y[*i]).collect()))
}
