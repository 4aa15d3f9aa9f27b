//! Labels in a file of their own: an array of NumPy, or a text of one column.
//!
//! That a text has a header is told by the number of lines: one more than there are samples, the first of which
//! names none of the two classes.

use super::classes::{Labels, Names, Plus};
use super::csv::{self, Header};
use super::format::Format;
use super::npy;
use super::open::{self, Opened};
use super::text::{number, shown};
use crate::error::{Result, input_error};
use std::path::Path;

/// Labels, and what was decided on the way.
pub type Read = (Labels, Vec<String>);

/// Reads the labels of n samples; `key` names the file in the configuration.
///
/// # Errors
/// One line that names the file: another number of labels, no two classes, more than one column.
pub fn read<'a>(path: &Path, key: &str, n: usize, positive: impl Into<Plus<'a>>, header: Header) -> Result<Read> {
    let file = open::open(path).map_err(|e| input_error!("{key}: {e}"))?;
    parse(file, n, positive, header)
}

/// As [`read`], from a stream.
///
/// # Errors
/// As [`read`].
pub fn parse<'a>(file: Opened, n: usize, positive: impl Into<Plus<'a>>, header: Header) -> Result<Read> {
    let path = file.path;
    let refused = |e: String| input_error!("{}: {e}", path.display());
    if Format::Auto.of(&file) == Format::Npy {
        let (indices, names) = npy::parse_names(file, n)?;
        return Ok((names.labels(&indices, positive, path.display().to_string()).map_err(refused)?, Vec::new()));
    }
    let text = file.whole_text()?;
    let mut lines = csv::column(&text).map_err(refused)?;
    let notes = Vec::from_iter(lines.note.take());
    let named = has_header(&lines, n, header).map_err(refused)?;
    let column = if named { Some(lines.values.remove(0)) } else { None };
    let count = lines.values.len();
    if count != n {
        return Err(refused(format!("{count} labels for {n} samples")));
    }
    let mut names = Names::default();
    let index = |(line, value): &(usize, Vec<u8>)| match names.index(value) {
        Ok(k) => Ok(k as u8),
        Err(e) => Err(refused(format!("line {line}: {e}"))),
    };
    let indices = lines.values.iter().map(index).collect::<Result<Vec<u8>>>()?;
    let from = match column {
        Some((_, name)) => format!("column {} of {}", shown(&name), path.display()),
        None => path.display().to_string(),
    };
    Ok((names.labels(&indices, positive, from).map_err(refused)?, notes))
}

/// Whether the first line is a header.
fn has_header(lines: &csv::Column, n: usize, header: Header) -> std::result::Result<bool, String> {
    let [first, rest @ ..] = &lines.values[..] else { return Err("no labels".into()) };
    match header {
        Header::True => return Ok(true),
        Header::Auto if rest.len() == n && n > 0 => {}
        Header::Auto | Header::False => return Ok(false),
    }
    let mut names = Names::default();
    if rest.iter().any(|(_, value)| names.index(value).is_err()) {
        return Ok(true); // the labels are at fault, wherever they begin
    }
    let two = names.count() == 2;
    match names.index(&first.1) {
        Err(_) => Ok(true),
        // the rest is of one class, and this a name beside it
        Ok(1) if !two && number(&first.1).is_none() => Ok(true),
        Ok(_) => Err(format!("{} labels for {n} samples; data.header = true if the first line is a header", n + 1)),
    }
}
