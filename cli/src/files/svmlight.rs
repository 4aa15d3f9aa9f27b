//! The sparse text format of svmlight and libsvm: `label index:value index:value … # comment`.
//!
//! Indices count from 1, or from 0 as scikit-learn writes them by default; what is not named is zero. The result
//! is dense.

use super::classes::{Labels, Names};
use super::open::{self, Opened};
use super::text::{number, shown};
use super::{Reading, Room};
use crate::error::{Result, input_error};
use farfield::Matrix;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;

/// What the first feature is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexBase {
    /// 0 if an index 0 occurs, 1 otherwise.
    #[default]
    Auto,
    /// Features 0, 1, …
    Zero,
    /// Features 1, 2, …
    One,
}

impl Serialize for IndexBase {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Auto => s.serialize_str("auto"),
            Self::Zero => s.serialize_u64(0),
            Self::One => s.serialize_u64(1),
        }
    }
}

impl<'de> Deserialize<'de> for IndexBase {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let given = toml::Value::deserialize(d)?;
        match given.as_str().map(str::to_string).unwrap_or_else(|| given.to_string()).as_str() {
            "auto" => Ok(Self::Auto),
            "0" => Ok(Self::Zero),
            "1" => Ok(Self::One),
            _ => Err(serde::de::Error::custom(format!("expected 0, 1 or \"auto\", not {given}"))),
        }
    }
}

/// Samples and labels read from a sparse file.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// The samples (n×d), d the largest index, or as asked.
    pub x: Matrix,
    /// Labels ±1 and their classes; none where the labels are in another file.
    pub labels: Labels,
    /// The index of the first feature.
    pub base: u64,
}

/// Reads a file. Empty lines and comments are skipped, `qid:…` is ignored.
///
/// # Errors
/// One line with file and line: a field that is not `index:value`, an index that is repeated, below the base or
/// beyond the width, a value that is not finite, several labels or a third class, no samples, or a dense matrix too
/// large for the memory.
pub fn read(path: &Path, how: &Reading) -> Result<Sparse> {
    parse(open::open(path)?, how)
}

/// As [`read`], from a stream.
///
/// # Errors
/// As [`read`].
pub fn parse(file: Opened, how: &Reading) -> Result<Sparse> {
    let path = file.path;
    let text = file.whole_text()?;
    let mut rows = Rows { foreign: how.foreign_labels, ..Rows::default() };
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        rows.parse_line(line).map_err(|e| input_error!("{}: line {}: {e}", path.display(), at + 1))?;
    }
    drop(text);
    let base = rows.base(how.index_base).map_err(|e| input_error!("{}: {e}", path.display()))?;
    let d = rows.width(base, how.features).map_err(|e| input_error!("{}: {e}", path.display()))?;
    let x = rows.dense(base, d, how.room).map_err(|e| input_error!("{}: {e}", path.display()))?;
    let from = format!("the lines of {}", path.display());
    let labels = match how.foreign_labels {
        true => Ok(Labels::default()),
        false => rows.names.labels(&rows.labels, how.positive_class, from),
    };
    Ok(Sparse { x, labels: labels.map_err(|e| input_error!("{}: {e}", path.display()))?, base })
}

#[derive(Default)]
struct Rows {
    /// The labels are in a file of their own; those here may be anything.
    foreign: bool,
    labels: Vec<u8>,
    names: Names,
    /// (index as written, value) of all rows, and where each row ends.
    entries: Vec<(u64, f64)>,
    ends: Vec<usize>,
    largest: Option<u64>,
    /// The line, from 1, that names index 0 first.
    zero: Option<usize>,
    line: usize,
}

impl Rows {
    fn parse_line(&mut self, line: &[u8]) -> std::result::Result<(), String> {
        self.line += 1;
        let data = line.split(|b| *b == b'#').next().unwrap_or_default();
        let mut fields = data.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
        let Some(label) = fields.next() else { return Ok(()) };
        if label.contains(&b':') {
            return Err(format!("{} where the label should be", shown(label)));
        }
        if !self.foreign {
            if label.contains(&b',') {
                return Err(format!("{}: several labels in one line; expected one of two classes", shown(label)));
            }
            self.labels.push(self.names.index(label)? as u8);
        }
        let start = self.entries.len();
        for field in fields.filter(|f| !f.starts_with(b"qid:")) {
            self.entries.push(entry(field)?);
        }
        let row = &mut self.entries[start..];
        row.sort_unstable_by_key(|(index, _)| *index);
        if let Some(pair) = row.windows(2).find(|p| p[0].0 == p[1].0) {
            return Err(format!("index {} appears twice", pair[0].0));
        }
        if self.zero.is_none() && row.first().is_some_and(|(index, _)| *index == 0) {
            self.zero = Some(self.line);
        }
        self.largest = self.largest.max(row.last().map(|(index, _)| *index));
        self.ends.push(self.entries.len());
        Ok(())
    }

    /// The index of the first feature.
    fn base(&self, asked: IndexBase) -> std::result::Result<u64, String> {
        match (asked, self.zero) {
            (IndexBase::Zero, _) | (IndexBase::Auto, Some(_)) => Ok(0),
            (IndexBase::Auto, None) | (IndexBase::One, None) => Ok(1),
            (IndexBase::One, Some(line)) => Err(format!("line {line}: index 0, and data.index_base = 1")),
        }
    }

    /// The number of features: as asked, or the largest index.
    fn width(&self, base: u64, asked: u64) -> std::result::Result<u64, String> {
        let used = self.largest.map_or(0, |largest| largest - base + 1);
        match asked {
            _ if self.ends.is_empty() => Err("no samples".into()),
            0 if used == 0 => Err("no features".into()),
            0 => Ok(used),
            asked if asked < used => {
                let largest = used + base - 1;
                Err(format!("index {largest} is beyond data.features = {asked} (indices count from {base})"))
            }
            asked => Ok(asked),
        }
    }

    fn dense(&self, base: u64, d: u64, room: Room) -> std::result::Result<Matrix, String> {
        let n = self.ends.len();
        let large = || format!("{n}×{d} numbers need {:.1} GiB of memory", n as f64 * d as f64 * 8.0 / 2f64.powi(30));
        let d = usize::try_from(d).map_err(|_| large())?;
        room(n, d).map_err(|e| e.to_string())?;
        let mut values = Vec::new();
        let count = n.checked_mul(d).filter(|count| values.try_reserve_exact(*count).is_ok()).ok_or_else(large)?;
        values.resize(count, 0.0);
        let mut x = Matrix::new(n, d, values);
        let mut start = 0;
        for (i, end) in self.ends.iter().enumerate() {
            self.entries[start..*end].iter().for_each(|(index, value)| x[(i, (index - base) as usize)] = *value);
            start = *end;
        }
        Ok(x)
    }
}

/// `index:value`.
fn entry(field: &[u8]) -> std::result::Result<(u64, f64), String> {
    let expected = || format!("{}; expected index:value", shown(field));
    let at = field.iter().position(|b| *b == b':').ok_or_else(expected)?;
    let digits = field[..at].iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(&field[..at]).ok()).flatten();
    // the largest index is below the largest number, so that a width can count it
    let index = digits.and_then(|t| t.parse::<u64>().ok()).filter(|k| *k < u64::MAX).ok_or_else(expected)?;
    let value = number(&field[at + 1..]).ok_or_else(expected)?;
    if !value.is_finite() {
        return Err(format!("{} is not finite", shown(field)));
    }
    Ok((index, value))
}
