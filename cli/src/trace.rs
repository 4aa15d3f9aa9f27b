//! Tables that grow by a row at every monitored t: trace.csv, precision.csv where products are not all in f64, and
//! held_out.csv where some samples are not trained on.
//!
//! A table is a list of columns, each a name and how a row writes it; a new table is a list, and its line in `names`.

use crate::checkpoint::Place;
use crate::config::Config;
use crate::error::{Result, input_error};
use crate::folder::{Folder, failed};
use farfield::{EngineKind, Errors, Estimate, Measure, Precision, Problem, Row};
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

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
    /// A count, where it is defined.
    MaybeCount(Option<u64>),
    /// A name.
    Name(&'static str),
}

impl fmt::Display for Value {
    /// 17 significant digits; empty where a number is not defined.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(v) | Self::Maybe(Some(v)) => write!(f, "{v:.16e}"),
            Self::Maybe(None) | Self::MaybeCount(None) => Ok(()),
            Self::Count(k) | Self::MaybeCount(Some(k)) => write!(f, "{k}"),
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

/// The columns of trace.csv after these, where they are asked for: one for each measure.
pub const MEASURES: [Column; Measure::ALL.len()] = [
    ("stable_rank", |r| measured(r, Measure::StableRank)),
    ("margin_ratio", |r| measured(r, Measure::MarginRatio)),
    ("smoothed_margin", |r| measured(r, Measure::SmoothedMargin)),
    ("support_ratio", |r| measured(r, Measure::SupportRatio)),
    ("support_count", |r| Value::MaybeCount(r.measures.get(&Measure::SupportCount).map(|count| *count as u64))),
    ("mean_cosine", |r| measured(r, Measure::MeanCosine)),
    ("sharpness", |r| measured(r, Measure::Sharpness)),
];

/// The last columns of trace.csv, where they are asked for.
pub const TEST_ERROR: [Column; 3] = [
    ("test_error", |r| maybe(r.test_error.map(|e| e.value))),
    ("test_error_low", |r| maybe(r.test_error.map(|e| e.low))),
    ("test_error_high", |r| maybe(r.test_error.map(|e| e.high))),
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

/// The columns of held_out.csv.
pub const HELD_OUT: [Column; 5] = [
    ("t", |r| number(r.t)),
    ("errors", |r| Value::MaybeCount(r.held_out.map(|e| e.errors))),
    ("error", |r| maybe(r.held_out.map(|e| e.error))),
    ("low", |r| maybe(r.held_out.map(|e| e.low))),
    ("high", |r| maybe(r.held_out.map(|e| e.high))),
];

fn number(v: f64) -> Value {
    Value::Number(v)
}

fn maybe(v: Option<f64>) -> Value {
    Value::Maybe(v)
}

fn measured(row: &Row, measure: Measure) -> Value {
    maybe(row.measures.get(&measure).copied())
}

/// The columns of trace.csv in a configuration.
pub fn columns(config: &Config) -> Vec<Column> {
    let asked = |(name, _): &Column| config.monitor.columns.iter().any(|measure| measure.name() == *name);
    let test_error = if config.monitor.test_error { &TEST_ERROR[..] } else { &[] };
    TRACE.into_iter().chain(MEASURES.into_iter().filter(asked)).chain(test_error.iter().copied()).collect()
}

/// The rows of a folder's tables up to these places, as far as the columns tell them.
///
/// # Errors
/// [`crate::error::Error::Input`] for a table that is missing, or whose numbers are none.
pub fn rows(folder: &Path, places: &[Place]) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for place in places {
        let path = folder.join(&place.name);
        let wrong = |why: &str| input_error!("{}: {why}", path.display());
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(place.bytes).read_to_string(&mut text));
        read.map_err(|e| wrong(&e.to_string()))?;
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        for (at, line) in lines.enumerate() {
            if rows.len() <= at {
                rows.push(Row { finite: true, ..Row::default() });
            }
            let known =
                names.iter().zip(line.split(',')).try_for_each(|(name, field)| take(&mut rows[at], name, field));
            known.ok_or_else(|| wrong(&format!("line {} is not one of this table", at + 2)))?;
        }
    }
    Ok(rows)
}

/// Puts a field of a line where its column takes it from.
fn take(row: &mut Row, name: &str, field: &str) -> Option<()> {
    let number = || field.parse::<f64>().ok();
    let maybe = || if field.is_empty() { Some(None) } else { number().map(Some) };
    let count = || field.parse::<u64>().ok();
    let mut rounding = row.rounding.unwrap_or_default();
    match name {
        "t" => row.t = number()?,
        "log_loss" => row.log_loss = number()?,
        "min_margin" => row.min_margin = number()?,
        "weight_norm" => row.weight_norm = number()?,
        "gradient_norm" => row.gradient_norm = number()?,
        "cosine_gap" => row.cosine_gap = maybe()?,
        "certified_cosine_gap" => row.certified_cosine_gap = maybe()?,
        "gradient_cosine_gap" => row.gradient_cosine_gap = maybe()?,
        "dual_gap" => row.dual_gap = maybe()?,
        "sign_agreement" => row.sign_agreement = number()?,
        "flips" => row.flips.count = count()?,
        "segment" => row.segment = EngineKind::ALL.into_iter().find(|kind| kind.name() == field)?,
        "precision" => row.precision = Precision::named(field)?,
        "drift" => rounding.drift = maybe()?,
        "lost_fraction" => rounding.lost = number()?,
        "anchors" => rounding.anchors = count()?,
        "interval" => rounding.interval = count()?,
        "certificate_rounding" => row.certificate_rounding = maybe()?,
        "errors" if field.is_empty() => row.held_out = None,
        "errors" => row.held_out = Some(Errors { errors: count()?, ..Errors::default() }),
        "error" => row.held_out.iter_mut().zip(maybe()?).for_each(|(e, v)| e.error = v),
        "low" => row.held_out.iter_mut().zip(maybe()?).for_each(|(e, v)| e.low = v),
        "high" => row.held_out.iter_mut().zip(maybe()?).for_each(|(e, v)| e.high = v),
        "test_error" => row.test_error = maybe()?.map(|value| Estimate { value, low: 0.0, high: 1.0, samples: 0 }),
        "test_error_low" => row.test_error.iter_mut().zip(maybe()?).for_each(|(e, v)| e.low = v),
        "test_error_high" => row.test_error.iter_mut().zip(maybe()?).for_each(|(e, v)| e.high = v),
        _ => {
            let measure = Measure::named(name)?;
            row.measures.extend(maybe()?.map(|value| (measure, value)));
        }
    }
    if matches!(name, "drift" | "lost_fraction" | "anchors" | "interval") {
        row.rounding = Some(rounding);
    }
    Some(())
}

/// The tables of a run.
pub struct Traces {
    tables: Vec<Table>,
    rows: u64,
}

/// What decides which tables a run has.
#[derive(Clone, Debug)]
pub struct Kinds {
    /// Those of trace.csv.
    pub trace: Vec<Column>,
    /// Of the products.
    pub precision: Precision,
    /// Whether some samples are not trained on.
    pub held_out: bool,
}

impl Kinds {
    /// Of a problem in its configuration.
    pub fn of(problem: &Problem, config: &Config) -> Self {
        let (precision, held_out) = (config.descent.precision, problem.data.held_out().is_some());
        Self { trace: columns(config), precision, held_out }
    }

    fn names(self) -> impl Iterator<Item = (&'static str, Vec<Column>)> {
        let tables = [
            ("trace.csv", self.trace, true),
            ("precision.csv", PRECISION.to_vec(), self.precision != Precision::F64),
            ("held_out.csv", HELD_OUT.to_vec(), self.held_out),
        ];
        tables.into_iter().filter(|(.., asked)| *asked).map(|(name, columns, _)| (name, columns))
    }
}

impl Traces {
    /// Begins the tables.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if one cannot be written.
    pub fn begin(folder: &Folder, kinds: Kinds) -> Result<Self> {
        let begin = |(name, columns)| Table::begin(folder, name, columns);
        Ok(Self { tables: kinds.names().map(begin).collect::<Result<_>>()?, rows: 0 })
    }

    /// Goes on with tables that had come to these places, after so many rows; what follows there is cut off.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if one cannot be written.
    pub fn resume(folder: &Folder, kinds: Kinds, places: &[Place], rows: u64) -> Result<Self> {
        let resume = |(name, columns): (&'static str, _)| {
            let place = places.iter().find(|place| place.name == name);
            match place {
                Some(place) => Table::resume(folder, place, columns),
                None => Table::begin(folder, name, columns),
            }
        };
        Ok(Self { tables: kinds.names().map(resume).collect::<Result<_>>()?, rows })
    }

    /// Appends a row to each.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] for the first that cannot be written.
    pub fn append(&mut self, row: &Row) -> Result<()> {
        self.rows += 1;
        self.tables.iter_mut().try_for_each(|table| table.append(row))
    }

    /// How far they are, or were before the last row.
    pub fn places(&self, rows: u64) -> Vec<Place> {
        self.tables.iter().map(|table| table.place(rows < self.rows)).collect()
    }

    /// Returns when all rows are on the disk.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if one cannot be written.
    pub fn sync(&self) -> Result<()> {
        self.tables.iter().try_for_each(|table| table.out.sync_data().map_err(|e| failed(&table.path, e)))
    }
}

/// Whether the tables of a folder begin as they had been written.
///
/// # Errors
/// [`crate::error::Error::Input`] with the one that does not.
pub fn fit(folder: &Path, places: &[Place]) -> Result<()> {
    for place in places {
        let path = folder.join(&place.name);
        let (mut hasher, beginning) = (blake3::Hasher::new(), |file: File| file.take(place.bytes));
        let hashed = File::open(&path).and_then(|file| hasher.update_reader(beginning(file)).map(|h| h.finalize()));
        let why = match hashed {
            Ok(digest) if digest == blake3::Hash::from_bytes(place.digest) => continue,
            Ok(_) => "it is not the one that the checkpoint goes on with".to_string(),
            Err(e) => e.to_string(),
        };
        return Err(input_error!("{}: {why}; start again with --overwrite", path.display()));
    }
    Ok(())
}

/// One table, complete up to the last row at every moment.
struct Table {
    path: PathBuf,
    out: File,
    columns: Vec<Column>,
    now: Written,
    before: Written, // the last row
}

/// What a table holds.
#[derive(Clone, Default)]
struct Written {
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Written {
    fn add(&mut self, text: &[u8]) {
        self.bytes += text.len() as u64;
        self.hasher.update(text);
    }
}

impl Table {
    fn begin(folder: &Folder, name: &str, columns: Vec<Column>) -> Result<Self> {
        let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let head = format!("{}\n", head.join(","));
        let out = folder.grow(name, head.as_bytes())?;
        let mut now = Written::default();
        now.add(head.as_bytes());
        Ok(Self { path: folder.path().join(name), out, columns, before: now.clone(), now })
    }

    fn resume(folder: &Folder, place: &Place, columns: Vec<Column>) -> Result<Self> {
        let (path, out) = (folder.path().join(&place.name), folder.cut(&place.name, place.bytes)?);
        let mut now = Written { bytes: place.bytes, ..Written::default() };
        let hashed = File::open(&path).and_then(|file| now.hasher.update_reader(file).map(|_| ()));
        hashed.map_err(|e| failed(&path, e))?;
        Ok(Self { path, out, columns, before: now.clone(), now })
    }

    fn append(&mut self, row: &Row) -> Result<()> {
        let fields: Vec<String> = self.columns.iter().map(|(_, field)| field(row).to_string()).collect();
        let line = format!("{}\n", fields.join(","));
        self.before = self.now.clone();
        // One call a row: it is in the file, or, where the disk is full, a part of the last row is.
        self.out.write_all(line.as_bytes()).map_err(|e| failed(&self.path, e))?;
        self.now.add(line.as_bytes());
        Ok(())
    }

    fn place(&self, before: bool) -> Place {
        let Written { bytes, hasher } = if before { &self.before } else { &self.now };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Place { name, bytes: *bytes, digest: *hasher.finalize().as_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_read_as_it_was_written() {
        let field = |(at, (name, _)): (usize, &Column)| match *name {
            "segment" => "sliding".to_string(),
            "precision" => "mixed".to_string(),
            "flips" | "anchors" | "interval" | "errors" | "support_count" => format!("{}", 3 + at),
            "cosine_gap" => String::new(),
            _ => format!("{:.16e}", 1.0 / (3 + at) as f64),
        };
        for columns in [&TRACE[..], &MEASURES[..], &TEST_ERROR[..], &PRECISION[..], &HELD_OUT[..]] {
            let mut row = Row::default();
            let fields: Vec<String> = columns.iter().enumerate().map(field).collect();
            for ((name, _), field) in columns.iter().zip(&fields) {
                take(&mut row, name, field).expect(name);
            }
            let again: Vec<String> = columns.iter().map(|(_, write)| write(&row).to_string()).collect();
            assert_eq!(again, fields);
        }
        let mut row = Row::default();
        HELD_OUT[1..].iter().for_each(|(name, _)| take(&mut row, name, "").expect("empty where W is not finite"));
        assert_eq!(row.held_out, None);
        let names: Vec<&str> = MEASURES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, Measure::ALL.map(Measure::name));
        MEASURES.iter().for_each(|(name, _)| take(&mut row, name, "").expect("empty where it is not defined"));
        assert!(row.measures.is_empty());
        assert_eq!(take(&mut Row::default(), "t", ""), None);
        assert_eq!(take(&mut Row::default(), "no column", "1"), None);
    }
}
