//! One table from whatever shards are there: sweep.csv, a row a problem, and summary.csv, a row a cell.
//!
//! ```text
//! sweep.csv     keys of the axes, repetition, status, then every scalar in alphabetical order
//! summary.csv   keys of the axes, problems, status.NAME…, then count, mean, sd, se, median, q05, q95 of each number
//! ```
//!
//! Rows stand in the order of the plan. Lines are read twice: once for the columns and where each problem is, once to
//! write; no more than one cell is held in memory. Of two lines about a problem a result counts more than an
//! error, and otherwise the text that is first in alphabetical order.

use super::line::Record;
use super::plan::Plan;
use super::scalars::number;
use super::shard::{self, Reader};
use super::statistics::{NAMES, Statistics};
use crate::error::{Error, Result};
use crate::folder::failed;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The name of the table of problems.
const SWEEP: &str = "sweep.csv";
/// The name of the table of cells.
pub const SUMMARY: &str = "summary.csv";

/// What a merge found.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// Problems with a line.
    pub rows: u64,
    /// Problems without.
    pub missing: u64,
    /// Problems that ended in an error.
    pub failed: u64,
    /// Lines with a wrong checksum.
    pub damaged: u64,
}

/// Where the line of a problem is.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    length: u32,
    shard: u16,
    failed: bool,
}

/// Writes both tables.
///
/// # Errors
/// [`Error::Internal`] for a shard that cannot be read or a table that cannot be written.
pub fn merge(plan: &Plan, dir: &Path) -> Result<Merged> {
    let paths = shard::list(dir)?;
    let mut reader = Reader::open(&paths)?;
    let mut places: Vec<Option<Place>> = vec![None; plan.problems() as usize];
    let mut columns = Columns::default();
    let mut merged = Merged::default();
    for (number, path) in paths.iter().enumerate() {
        let scan = shard::scan(path, |head, offset, line| {
            let record = Record::parse(line).ok_or_else(|| unreadable(path))?;
            let known = places.get_mut(head.problem as usize).ok_or_else(|| shard::foreign(path, head.problem))?;
            columns.add(&record);
            let found = Place { offset, length: line.len() as u32, shard: number as u16, failed: head.failed };
            let better = match *known {
                None => true,
                Some(old) if old.failed != found.failed => old.failed,
                Some(old) => fact(line)? < fact(&reader.line(old.shard.into(), old.offset, old.length as usize)?)?,
            };
            if better {
                *known = Some(found);
            }
            Ok(())
        })?;
        merged.damaged += scan.damaged;
    }
    let mut tables = Tables::begin(plan, dir, columns.names())?;
    for (cell, repetitions) in places.chunks(plan.seeds as usize).enumerate() {
        let mut records = Vec::new();
        for place in repetitions.iter().flatten() {
            let line = reader.line(place.shard.into(), place.offset, place.length as usize)?;
            records.push(Record::parse(&line).ok_or_else(|| unreadable(&paths[usize::from(place.shard)]))?);
            merged.failed += u64::from(place.failed);
        }
        merged.rows += records.len() as u64;
        merged.missing += (repetitions.len() - records.len()) as u64;
        tables.cell(plan, cell as u64, &records)?;
    }
    tables.finish().map(|()| merged)
}

fn unreadable(path: &Path) -> Error {
    Error::Internal(format!("{}: a line has its checksum and is no record", path.display()))
}

/// What a line says, seconds aside.
fn fact(line: &[u8]) -> Result<String> {
    let record = Record::parse(line).ok_or_else(|| Error::Internal("a line is no record".into()))?;
    Ok(Record { seconds: 0.0, ..record }.line())
}

/// Names of the scalars, with whether each is a number, and of the statuses.
#[derive(Default)]
struct Columns {
    scalars: BTreeMap<String, bool>,
    statuses: BTreeSet<String>,
}

impl Columns {
    fn add(&mut self, record: &Record) {
        for (name, value) in &record.result {
            let numeric = number(value).is_some();
            match self.scalars.get_mut(name) {
                Some(known) => *known |= numeric,
                None => drop(self.scalars.insert(name.clone(), numeric)),
            }
        }
        if !self.statuses.contains(&record.status) {
            self.statuses.insert(record.status.clone());
        }
    }

    /// Without those that stand for a group of others where it is absent.
    fn names(mut self) -> Self {
        let all: Vec<String> = self.scalars.keys().cloned().collect();
        self.scalars.retain(|name, numeric| {
            let prefix = format!("{name}.");
            *numeric || !all.iter().any(|other| other.starts_with(&prefix))
        });
        self
    }
}

/// Both tables on their way.
struct Tables {
    rows: Table,
    cells: Table,
    columns: Columns,
}

impl Tables {
    fn begin(plan: &Plan, dir: &Path, columns: Columns) -> Result<Self> {
        let keys = || plan.keys().into_iter().map(String::from);
        let mut rows = Table::begin(dir, SWEEP)?;
        let fixed = ["repetition", "status", "seed"].map(String::from);
        rows.line(keys().chain(fixed).chain(columns.scalars.keys().cloned()))?;
        let mut cells = Table::begin(dir, SUMMARY)?;
        let statuses = columns.statuses.iter().map(|s| format!("status.{s}"));
        let numeric = columns.scalars.iter().filter(|(_, numeric)| **numeric);
        let numbers = numeric.flat_map(|(name, _)| NAMES.iter().map(move |s| format!("{name}.{s}")));
        cells.line(keys().chain(["problems".to_string()]).chain(statuses).chain(numbers))?;
        Ok(Self { rows, cells, columns })
    }

    fn cell(&mut self, plan: &Plan, cell: u64, records: &[Record]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = plan.cell(cell).into_iter().map(key).collect();
        for record in records {
            let fixed = [(record.problem % plan.seeds).to_string(), record.status.clone(), record.seed.to_string()];
            let scalars = self.columns.scalars.keys().map(|name| record.result.get(name).map_or(String::new(), field));
            self.rows.line(keys.iter().cloned().chain(fixed).chain(scalars))?;
        }
        let count = |status: &String| records.iter().filter(|r| r.status == *status).count().to_string();
        let statuses = self.columns.statuses.iter().map(count);
        let numeric = self.columns.scalars.iter().filter(|(_, numeric)| **numeric);
        let numbers = numeric.flat_map(|(name, _)| {
            let values: Vec<f64> = records.iter().filter_map(|r| r.result.get(name).and_then(number)).collect();
            let (count, rest) = Statistics::of(&values).map_or((0, [None; 6]), |s| s.fields());
            let rest = rest.map(|v| v.map_or(String::new(), float));
            [count.to_string()].into_iter().chain(rest)
        });
        let problems = [records.len().to_string()];
        self.cells.line(keys.into_iter().chain(problems).chain(statuses).chain(numbers))
    }

    fn finish(self) -> Result<()> {
        self.rows.finish()?;
        self.cells.finish()
    }
}

/// 17 significant digits.
fn float(v: f64) -> String {
    format!("{v:.16e}")
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Number(v) if v.is_f64() => v.as_f64().map_or(String::new(), float),
        Value::String(s) => quoted(s),
        other => other.to_string(),
    }
}

/// A value of an axis as both tables have it, before quotes.
pub fn key_text(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(v) => float(*v),
        toml::Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

fn key(value: &toml::Value) -> String {
    quoted(&key_text(value))
}

/// As RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

/// A table that takes its name when it is whole.
struct Table {
    out: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
}

impl Table {
    fn begin(dir: &Path, name: &str) -> Result<Self> {
        let (path, part) = (dir.join(name), dir.join(format!(".{name}.{}", std::process::id())));
        let file = File::create(&part).map_err(|e| failed(&part, e))?;
        Ok(Self { out: BufWriter::with_capacity(1 << 18, file), part, path })
    }

    fn line(&mut self, fields: impl Iterator<Item = String>) -> Result<()> {
        let mut line = fields.collect::<Vec<_>>().join(",");
        line.push('\n');
        self.out.write_all(line.as_bytes()).map_err(|e| failed(&self.path, e))
    }

    fn finish(mut self) -> Result<()> {
        let written = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        written.and_then(|()| std::fs::rename(&self.part, &self.path)).map_err(|e| failed(&self.path, e))
    }
}
