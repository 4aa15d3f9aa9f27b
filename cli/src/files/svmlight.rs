//! The sparse text format of svmlight and libsvm: `label index:value index:value … # comment`.
//!
//! Indices count from 1; what is not named is zero. The result is dense.

use super::classes::{Classes, Names};
use super::text::{number, shown};
use crate::error::{Result, input_error};
use farfield::matrix::Matrix;
use std::path::Path;

/// Samples and labels read from a sparse file.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// The samples (n×d), d the largest index.
    pub x: Matrix,
    /// Labels ±1.
    pub y: Vec<f64>,
    /// What the labels were called.
    pub classes: Classes,
}

/// Reads a file. Empty lines and comments are skipped, `qid:…` is ignored.
///
/// # Errors
/// One line with file and line: a field that is not `index:value`, index 0 or repeated, a value that is
/// not finite, a third class, no samples, or a dense matrix too large for the memory.
pub fn read(path: &Path) -> Result<Sparse> {
    parse(&std::fs::read(path).map_err(|e| input_error!("{}: cannot read: {e}", path.display()))?, path)
}

/// As [`read`], from bytes; messages call them `path`.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &[u8], path: &Path) -> Result<Sparse> {
    let mut rows = Rows::default();
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        rows.parse_line(line).map_err(|e| input_error!("{}: line {}: {e}", path.display(), at + 1))?;
    }
    rows.dense().map_err(|e| input_error!("{}: {e}", path.display()))
}

#[derive(Default)]
struct Rows {
    labels: Vec<usize>,
    names: Names,
    /// (index from 0, value) of all rows, and where each row ends.
    entries: Vec<(usize, f64)>,
    ends: Vec<usize>,
    columns: usize,
}

impl Rows {
    fn parse_line(&mut self, line: &[u8]) -> std::result::Result<(), String> {
        let data = line.split(|b| *b == b'#').next().unwrap_or_default();
        let mut fields = data.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
        let Some(label) = fields.next() else { return Ok(()) };
        if label.contains(&b':') {
            return Err(format!("{} where the label should be", shown(label)));
        }
        let class = self.names.index(label);
        self.labels.push(class.ok_or_else(|| format!("label {} is a third class; expected two", shown(label)))?);
        let start = self.entries.len();
        for field in fields {
            if !field.starts_with(b"qid:") {
                self.entries.push(entry(field)?);
            }
        }
        let row = &mut self.entries[start..];
        row.sort_unstable_by_key(|(index, _)| *index);
        if let Some(pair) = row.windows(2).find(|p| p[0].0 == p[1].0) {
            return Err(format!("index {} appears twice", pair[0].0 + 1));
        }
        self.columns = self.columns.max(row.last().map_or(0, |(index, _)| index + 1));
        self.ends.push(self.entries.len());
        Ok(())
    }

    fn dense(self) -> std::result::Result<Sparse, String> {
        let (n, d) = (self.labels.len(), self.columns);
        if n == 0 {
            return Err("no samples".into());
        }
        if d == 0 {
            return Err("no features".into());
        }
        let fits = n.checked_mul(d).is_some_and(|count| Vec::<f64>::new().try_reserve_exact(count).is_ok());
        if !fits {
            return Err(format!("{n}×{d} numbers need {:.1} GiB of memory", n as f64 * d as f64 * 8.0 / 2f64.powi(30)));
        }
        let (signs, classes) = self.names.signs()?;
        let mut x = Matrix::zeros(n, d);
        let mut start = 0;
        for (i, end) in self.ends.iter().enumerate() {
            self.entries[start..*end].iter().for_each(|(index, value)| x[(i, *index)] = *value);
            start = *end;
        }
        Ok(Sparse { x, y: self.labels.iter().map(|k| signs[*k]).collect(), classes })
    }
}

/// `index:value`, the index from 1.
fn entry(field: &[u8]) -> std::result::Result<(usize, f64), String> {
    let expected = || format!("{}; expected index:value", shown(field));
    let at = field.iter().position(|b| *b == b':').ok_or_else(expected)?;
    let index = std::str::from_utf8(&field[..at]).ok().and_then(|t| t.parse::<usize>().ok()).ok_or_else(expected)?;
    let value = number(&field[at + 1..]).ok_or_else(expected)?;
    if !value.is_finite() {
        return Err(format!("{} is not finite", shown(field)));
    }
    Ok((index.checked_sub(1).ok_or("index 0; indices count from 1")?, value))
}
