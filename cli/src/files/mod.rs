//! Files that people bring, and arrays that runs leave: samples, labels, patterns.

pub mod classes;
pub mod csv;
pub mod format;
pub mod held_out;
pub mod labels;
pub mod npy;
pub mod open;
pub mod pattern;
mod raw;
pub mod selection;
pub mod svmlight;
pub mod text;

use crate::config;
use crate::error::{Result, input_error};
use classes::{Classes, Plus};
use farfield::Matrix;
use raw::{Input, Raw};
use std::path::Path;

/// Whether n samples with d features fit into memory; the error says what they need.
pub type Room<'a> = &'a dyn Fn(usize, usize) -> Result<()>;

/// How a file is read: what the configuration says of it.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The label column of a table: a name, an index from 0 or one from the end; None for no labels.
    pub label: Option<&'a str>,
    /// The class of +1; empty: the larger number, or the later name.
    pub positive_class: Plus<'a>,
    /// Whether the first line of a table is its header.
    pub header: csv::Header,
    /// The index of the first feature of a sparse file.
    pub index_base: svmlight::IndexBase,
    /// The number of features of a sparse file; 0: the largest index.
    pub features: u64,
    /// The labels of a sparse file are in another file.
    pub foreign_labels: bool,
    /// Whether there is memory for it.
    pub room: Room<'a>,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self {
            label: None,
            positive_class: Plus::Named(""),
            header: csv::Header::Auto,
            index_base: svmlight::IndexBase::Auto,
            features: 0,
            foreign_labels: false,
            room: &|_, _| Ok(()),
        }
    }
}

/// Samples as they were read.
#[derive(Clone, Debug)]
pub struct Samples {
    /// X (n×d).
    pub x: Matrix,
    /// Labels ±1 (length n).
    pub y: Vec<f64>,
    /// Which class is which.
    pub classes: Classes,
    /// What was decided in reading that the reader of the result should know: a sentence each.
    pub notes: Vec<String>,
}

/// Reads samples X (n×d) and labels ±1 from files: the labels from a file of their own, a column of the table (by
/// name or index), or the lines of a sparse file; then takes the chosen rows and columns (of the features: a label
/// column is none) and standardizes these. `room` says whether n×d numbers fit into memory. Nothing is held out
/// ([`held_out::read`]).
///
/// # Errors
/// [`crate::error::Error::Input`] for a file that cannot be read, labels that do not fit, or a choice of rows or
/// columns that are not there.
pub fn read(source: &Path, config: &config::Data, room: Room) -> Result<Samples> {
    let mut samples = chosen(config, Input::source(source, config).read(config, room)?)?;
    config.standardize.apply(&mut samples.x).map_err(|e| input_error!("data.standardize: {e}"))?;
    Ok(samples)
}

/// The rows and columns that the configuration names.
fn chosen(config: &config::Data, raw: Raw) -> Result<Samples> {
    let Raw { mut x, labels, notes, .. } = raw;
    let (mut y, mut classes) = (labels.y, labels.classes);
    if !(config.rows.is_empty() && config.columns.is_empty()) {
        let rows = selection::indices(&config.rows, x.rows()).map_err(|e| input_error!("data.rows: {e}"))?;
        let columns = selection::indices(&config.columns, x.cols()).map_err(|e| input_error!("data.columns: {e}"))?;
        x = selection::submatrix(&x, &rows, &columns);
        y = rows.iter().map(|i| y[*i]).collect();
        classes.count(&y);
    }
    Ok(Samples { x, y, classes, notes })
}
