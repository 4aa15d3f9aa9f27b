//! Files that people bring, and arrays that runs leave: samples, labels, patterns.

pub mod classes;
pub mod csv;
pub mod format;
pub mod labels;
pub mod npy;
pub mod open;
pub mod pattern;
pub mod selection;
pub mod svmlight;
pub mod text;

use crate::config;
use crate::error::{Result, input_error};
use classes::{Classes, Labels};
use farfield::Matrix;
use format::Format;
use std::path::Path;

/// Whether n samples with d features fit into memory; the error says what they need.
pub type Room<'a> = &'a dyn Fn(usize, usize) -> Result<()>;

/// How a file is read: what the configuration says of it.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The label column of a table: a name, an index from 0 or one from the end; None for no labels.
    pub label: Option<&'a str>,
    /// The class of +1; empty: the larger number, or the later name.
    pub positive_class: &'a str,
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
            positive_class: "",
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
/// column is none) and standardizes these. `room` says whether n×d numbers fit into memory.
///
/// # Errors
/// [`crate::error::Error::Input`] for a file that cannot be read, labels that do not fit, or a choice of rows or
/// columns that are not there.
pub fn read(source: &Path, config: &config::Data, room: Room) -> Result<Samples> {
    let label = config.labels.as_str();
    let own_file = config.label_file();
    if label.is_empty() && matches!(config.format_by_name(), Format::Npy | Format::Csv) {
        return Err(no_labels(source, config.format_by_name()));
    }
    let file = open::open(source).map_err(|e| input_error!("data.source: {e}"))?;
    let format = config.format.of(&file);
    let how = Reading {
        label: (own_file.is_none() && !label.is_empty()).then_some(label),
        positive_class: &config.positive_class,
        header: config.header,
        index_base: config.index_base,
        features: config.features,
        foreign_labels: own_file.is_some(),
        room,
    };
    config.only_of(format)?;
    let (x, labels, mut notes) = match format {
        Format::Npy if own_file.is_none() => return Err(no_labels(source, format)),
        Format::Npy => (npy::parse_matrix(file, room)?, None, Vec::new()),
        Format::Svmlight if !matches!(how.label, None | Some("0")) => {
            let begin = "the lines of a sparse file begin with their labels; leave it empty, or name a file";
            return Err(input_error!("data.labels = {label:?}: {begin}"));
        }
        Format::Svmlight => {
            let sparse = svmlight::parse(file, &how)?;
            (sparse.x, Some(sparse.labels), Vec::new())
        }
        Format::Csv | Format::Auto => {
            if label.is_empty() {
                return Err(no_labels(source, format));
            }
            let table = csv::parse(file, &how)?;
            (table.x, table.labels, table.notes)
        }
    };
    if x.rows() == 0 || x.cols() == 0 {
        return Err(input_error!(
            "{}: {} samples with {} features; expected some",
            source.display(),
            x.rows(),
            x.cols()
        ));
    }
    let labels = match own_file {
        None => labels.expect("a label column or the lines were asked for"),
        Some(path) => {
            let header = if format == Format::Csv { csv::Header::Auto } else { config.header };
            let read = labels::read(&path, x.rows(), &config.positive_class, header)?;
            notes.extend(read.1);
            read.0
        }
    };
    chosen(config, x, labels, notes)
}

fn no_labels(source: &Path, format: Format) -> crate::error::Error {
    let column = if format == Format::Npy { "" } else { ", or to a column of it by name or index (-1: the last)" };
    input_error!("data.source is a file, {}: set data.labels to a .npy or .csv file{column}", source.display())
}

/// The rows and columns that the configuration names, standardized.
fn chosen(config: &config::Data, mut x: Matrix, labels: Labels, notes: Vec<String>) -> Result<Samples> {
    let Labels { mut y, mut classes } = labels;
    if !(config.rows.is_empty() && config.columns.is_empty()) {
        let rows = selection::indices(&config.rows, x.rows()).map_err(|e| input_error!("data.rows: {e}"))?;
        let columns = selection::indices(&config.columns, x.cols()).map_err(|e| input_error!("data.columns: {e}"))?;
        x = selection::submatrix(&x, &rows, &columns);
        y = rows.iter().map(|i| y[*i]).collect();
        classes.positive.samples = y.iter().filter(|y| **y > 0.0).count();
        classes.negative.samples = y.len() - classes.positive.samples;
    }
    config.standardize.apply(&mut x).map_err(|e| input_error!("data.standardize: {e}"))?;
    Ok(Samples { x, y, classes, notes })
}
