//! One file of samples with its labels, before rows and columns are chosen.

use super::classes::{Labels, Plus};
use super::format::Format;
use super::svmlight::IndexBase;
use super::{Reading, Room, csv, labels, npy, open, svmlight};
use crate::config;
use crate::error::{Error, Result, input_error};
use farfield::Matrix;
use std::path::{Path, PathBuf};

/// A file of samples, and where its labels are.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The keys that name the file and the labels.
    pub keys: (&'static str, &'static str),
    /// The file.
    pub path: &'a Path,
    /// Its labels: a column, or nothing.
    pub labels: &'a str,
    /// The file of its labels, where they have one.
    pub own_file: Option<PathBuf>,
    /// What its format is by `data.format` or its name.
    pub by_name: Format,
    /// Which class is +1.
    pub positive_class: Plus<'a>,
    /// The index of the first feature of a sparse file.
    pub index_base: IndexBase,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The samples.
    pub x: Matrix,
    /// Their labels.
    pub labels: Labels,
    /// The names of the columns, where it has a header.
    pub names: Option<Vec<String>>,
    /// Of a sparse file: the index of its first feature.
    pub base: Option<u64>,
    /// What was decided in reading it.
    pub notes: Vec<String>,
}

impl<'a> Input<'a> {
    /// The samples that are trained on.
    pub fn source(path: &'a Path, config: &'a config::Data) -> Self {
        Self {
            keys: ("data.source", "data.labels"),
            path,
            labels: &config.labels,
            own_file: config.label_file(),
            by_name: config.format_by_name(),
            positive_class: Plus::Named(&config.positive_class),
            index_base: config.index_base,
        }
    }

    /// Reads it. `room` says whether n×d numbers fit into memory.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read, or labels that do not fit.
    pub fn read(&self, config: &config::Data, room: Room) -> Result<Raw> {
        let Self { keys: (key, label_key), labels: label, own_file, .. } = self;
        if label.is_empty() && own_file.is_none() && matches!(self.by_name, Format::Npy | Format::Csv) {
            return Err(self.no_labels(self.by_name));
        }
        let file = open::open(self.path).map_err(|e| input_error!("{key}: {e}"))?;
        let format = config.format.of(&file);
        let how = Reading {
            label: (own_file.is_none() && !label.is_empty()).then_some(label),
            positive_class: self.positive_class,
            header: config.header,
            index_base: self.index_base,
            features: config.features,
            foreign_labels: own_file.is_some(),
            room,
        };
        if *key == "data.source" {
            config.only_of(format)?;
        }
        let (mut base, mut names) = (None, None);
        let (x, labels, mut notes) = match format {
            Format::Npy if own_file.is_none() => return Err(self.no_labels(format)),
            Format::Npy => (npy::parse_matrix(file, room)?, None, Vec::new()),
            Format::Svmlight if !matches!(how.label, None | Some("0")) => {
                let begin = "the lines of a sparse file begin with their labels; leave it empty, or name a file";
                return Err(input_error!("{label_key} = {label:?}: {begin}"));
            }
            Format::Svmlight => {
                let sparse = svmlight::parse(file, &how)?;
                base = Some(sparse.base);
                (sparse.x, Some(sparse.labels), Vec::new())
            }
            Format::Csv | Format::Auto => {
                if label.is_empty() && own_file.is_none() {
                    return Err(self.no_labels(format));
                }
                let table = csv::parse(file, &how)?;
                names = table.names;
                (table.x, table.labels, table.notes)
            }
        };
        if x.rows() == 0 || x.cols() == 0 {
            let (rows, cols) = (x.rows(), x.cols());
            return Err(input_error!("{}: {rows} samples with {cols} features; expected some", self.path.display()));
        }
        let labels = match own_file {
            None => labels.expect("a label column or the lines were asked for"),
            Some(path) => {
                let header = if format == Format::Csv { csv::Header::Auto } else { config.header };
                let read = labels::read(path, label_key, x.rows(), self.positive_class, header)?;
                notes.extend(read.1);
                read.0
            }
        };
        Ok(Raw { x, labels, names, base, notes })
    }

    fn no_labels(&self, format: Format) -> Error {
        let ((key, label_key), path) = (self.keys, self.path.display());
        let column = if format == Format::Npy { "" } else { ", or to a column of it by name or index (-1: the last)" };
        input_error!("{key} is a file, {path}: set {label_key} to a .npy or .csv file{column}")
    }
}
