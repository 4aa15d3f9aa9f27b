//! Tables that grow by a row at every monitored t: trace.csv, and precision.csv where products are not all in f64.
//!
//! A table is a list of columns, each a name and how a row writes it; a new table is a list, and its line in
//! [`Traces::begin`].

use crate::error::Result;
use crate::folder::{Folder, failed};
use farfield::{Precision, Row};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// A column: its name, and its field in a row.
type Column = (&'static str, fn(&Row) -> String);

const TRACE: [Column; 12] = [
    ("t", |r| number(r.t)),
    ("log_loss", |r| number(r.log_loss)),
    ("min_margin", |r| number(r.min_margin)),
    ("weight_norm", |r| number(r.weight_norm)),
    ("gradient_norm", |r| number(r.gradient_norm)),
    ("cosine_gap", |r| maybe(r.cosine_gap)),
    ("certified_cosine_gap", |r| maybe(r.certified_cosine_gap)),
    ("gradient_cosine_gap", |r| maybe(r.gradient_cosine_gap)),
    ("dual_gap", |r| maybe(r.dual_gap)),
    ("sign_agreement", |r| number(r.sign_agreement)),
    ("flips", |r| r.flips.count.to_string()),
    ("segment", |r| r.segment.to_string()),
];

const PRECISION: [Column; 7] = [
    ("t", |r| number(r.t)),
    ("precision", |r| r.precision.to_string()),
    ("drift", |r| maybe(r.rounding.unwrap_or_default().drift)),
    ("lost_fraction", |r| number(r.rounding.unwrap_or_default().lost)),
    ("anchors", |r| r.rounding.unwrap_or_default().anchors.to_string()),
    ("interval", |r| r.rounding.unwrap_or_default().interval.to_string()),
    ("certificate_rounding", |r| maybe(r.certificate_rounding)),
];

/// 17 significant digits.
fn number(v: f64) -> String {
    format!("{v:.16e}")
}

/// Empty where it is not defined.
fn maybe(v: Option<f64>) -> String {
    v.map(number).unwrap_or_default()
}

/// The tables of a run.
pub struct Traces(Vec<Table>);

impl Traces {
    /// Begins trace.csv, and precision.csv unless all products are in f64.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if one cannot be written.
    pub fn begin(folder: &Folder, precision: Precision) -> Result<Self> {
        let mut tables = vec![Table::begin(folder, "trace.csv", &TRACE)?];
        if precision != Precision::F64 {
            tables.push(Table::begin(folder, "precision.csv", &PRECISION)?);
        }
        Ok(Self(tables))
    }

    /// Appends a row to each.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for the first that cannot be written.
    pub fn append(&mut self, row: &Row) -> Result<()> {
        self.0.iter_mut().try_for_each(|table| table.append(row))
    }
}

/// One table, complete up to the last row at every moment.
struct Table {
    path: PathBuf,
    out: File,
    columns: &'static [Column],
}

impl Table {
    fn begin(folder: &Folder, name: &str, columns: &'static [Column]) -> Result<Self> {
        let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let out = folder.grow(name, format!("{}\n", head.join(",")).as_bytes())?;
        Ok(Self { path: folder.path().join(name), out, columns })
    }

    fn append(&mut self, row: &Row) -> Result<()> {
        let fields: Vec<String> = self.columns.iter().map(|(_, field)| field(row)).collect();
        // One call a row: it is in the file, or, where the disk is full, a part of the last row is.
        self.out.write_all(format!("{}\n", fields.join(",")).as_bytes()).map_err(|e| failed(&self.path, e))
    }
}
