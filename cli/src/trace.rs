//! Tables that grow by a row at every monitored t: trace.csv, and precision.csv where products are not all in f64.
//!
//! A table is a list of columns, each a name and how a row writes it; a new table is a list, and its line in
//! [`Traces::begin`].

use crate::error::Result;
use crate::folder::{Folder, failed};
use farfield::{Precision, Row};
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// A column: its name, and its field in a row.
pub type Column = (&'static str, fn(&Row) -> Value);

/// What a row has in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A number, where it is defined.
    Maybe(Option<f64>),
    /// A count.
    Count(u64),
    /// A name.
    Name(&'static str),
}

impl fmt::Display for Value {
    /// 17 significant digits; empty where a number is not defined.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(v) | Self::Maybe(Some(v)) => write!(f, "{v:.16e}"),
            Self::Maybe(None) => Ok(()),
            Self::Count(k) => write!(f, "{k}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The columns of trace.csv.
pub const TRACE: [Column; 12] = [
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
    ("flips", |r| Value::Count(r.flips.count)),
    ("segment", |r| Value::Name(r.segment.name())),
];

/// The columns of precision.csv.
pub const PRECISION: [Column; 7] = [
    ("t", |r| number(r.t)),
    ("precision", |r| Value::Name(r.precision.name())),
    ("drift", |r| maybe(r.rounding.unwrap_or_default().drift)),
    ("lost_fraction", |r| number(r.rounding.unwrap_or_default().lost)),
    ("anchors", |r| Value::Count(r.rounding.unwrap_or_default().anchors)),
    ("interval", |r| Value::Count(r.rounding.unwrap_or_default().interval)),
    ("certificate_rounding", |r| maybe(r.certificate_rounding)),
];

fn number(v: f64) -> Value {
    Value::Number(v)
}

fn maybe(v: Option<f64>) -> Value {
    Value::Maybe(v)
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
        let fields: Vec<String> = self.columns.iter().map(|(_, field)| field(row).to_string()).collect();
        // One call a row: it is in the file, or, where the disk is full, a part of the last row is.
        self.out.write_all(format!("{}\n", fields.join(",")).as_bytes()).map_err(|e| failed(&self.path, e))
    }
}
