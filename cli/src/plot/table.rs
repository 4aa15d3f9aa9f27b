//! A table of a folder as text: trace.csv, sweep.csv, summary.csv, as this program writes them (RFC 4180, no line breaks in
//! fields).

use crate::error::{Error, Result, input_error};
use std::path::Path;

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The names of its columns.
    pub names: Vec<String>,
    /// Its rows, each with a field for every column.
    pub rows: Vec<Vec<String>>,
    /// blake3 of the file, 16 hexadecimal digits.
    pub digest: String,
}

impl Table {
    /// Reads a table. A last row that is not whole, of a run on its way or one that was killed, is left out.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot be read or a row has other fields than the first line.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| input_error!("cannot read {}: {e}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let mut lines = whole.lines();
        let names = fields(lines.next().unwrap_or_default());
        let rows: Vec<Vec<String>> = lines.map(fields).collect();
        if let Some(at) = rows.iter().position(|row| row.len() != names.len()) {
            let (path, line, found, expected) = (path.display(), at + 2, rows[at].len(), names.len());
            return Err(input_error!("{path}, line {line}: {found} fields; expected {expected}, as in line 1"));
        }
        Ok(Self { names, rows, digest: digest(&bytes) })
    }

    /// The place of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The numbers of a column; none where there is none, and everywhere if there is no such column.
    pub fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        let Some(at) = self.find(name) else { return vec![None; self.rows.len()] };
        self.rows.iter().map(|row| number(&row[at])).collect()
    }

    /// The fields of a column as text.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let at = self.find(name);
        self.rows.iter().map(|row| at.map_or("", |at| row[at].as_str())).collect()
    }
}

/// The first 16 digits of the blake3 of a file.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..16].to_string()
}

/// The number in a field; none for an empty one, a name and NaN.
fn number(field: &str) -> Option<f64> {
    match field {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => field.parse().ok().filter(|v: &f64| !v.is_nan()),
    }
}

/// A line as fields.
fn fields(line: &str) -> Vec<String> {
    let (mut out, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => field.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    out.push(field);
    out
}

/// The columns of a figure's data as a table of text: 17 digits, empty where there is no number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    names: Vec<String>,
    columns: Vec<Vec<String>>,
}

impl Data {
    /// Adds a column of numbers.
    pub fn numbers(mut self, name: &str, values: &[Option<f64>]) -> Self {
        let text = |v: &Option<f64>| v.map_or(String::new(), |v| format!("{v:.16e}"));
        self.names.push(name.into());
        self.columns.push(values.iter().map(text).collect());
        self
    }

    /// Adds a column of texts.
    pub fn texts(mut self, name: &str, values: &[&str]) -> Self {
        let quoted = |v: &&str| match v.contains([',', '"']) {
            true => format!("\"{}\"", v.replace('"', "\"\"")),
            false => v.to_string(),
        };
        self.names.push(name.into());
        self.columns.push(values.iter().map(quoted).collect());
        self
    }

    /// The table: the names, then a line a row.
    pub fn to_csv(&self) -> String {
        let rows = self.columns.first().map_or(0, Vec::len);
        let line = |row: usize| self.columns.iter().map(|c| c[row].as_str()).collect::<Vec<_>>().join(",");
        let lines = [self.names.join(",")].into_iter().chain((0..rows).map(line));
        lines.map(|line| line + "\n").collect()
    }
}

/// A file that cannot be read where it has to be.
pub fn unreadable(path: &Path, why: impl std::fmt::Display) -> Error {
    input_error!("cannot read {}: {why}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_line() {
        assert_eq!(fields("a,,\"b,\"\"c\"\"\",1"), ["a", "", "b,\"c\"", "1"]);
        assert_eq!(fields(""), [""]);
        assert_eq!(
            (number("NaN"), number(""), number("inf"), number("true")),
            (None, None, Some(f64::INFINITY), Some(1.0))
        );
    }

    #[test]
    fn data_in_columns() {
        let data = Data::default().numbers("x", &[Some(0.1), None]).texts("who", &["a", "b,c"]);
        assert_eq!(data.to_csv(), "x,who\n1.0000000000000001e-1,a\n,\"b,c\"\n");
    }
}
