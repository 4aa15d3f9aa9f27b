//! Tables of numbers in text: comma, semicolon or tab separated, with or without a header, one column
//! of which may hold the labels.
//!
//! The file is read in blocks of whole lines; each block is cut into chunks of lines that all threads
//! parse at once. The values do not depend on how it is cut.

use super::classes::{Classes, Names};
use super::text::{number, shown, trim};
use crate::error::{Result, input_error};
use farfield::matrix::Matrix;
use rayon::prelude::*;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read at a time, and the size of the chunk that one thread parses, which with its numbers fits L2.
const BLOCK: usize = 16 << 20;
const CHUNK: usize = BLOCK / 32;

/// A table read from text.
#[derive(Clone, Debug)]
pub struct Table {
    /// The numbers, without the label column.
    pub x: Matrix,
    /// Labels ±1, if a label column was asked for.
    pub y: Option<Vec<f64>>,
    /// What the labels were called.
    pub classes: Option<Classes>,
    /// The names of the columns of `x`, if the file has a header.
    pub names: Option<Vec<String>>,
}

/// Reads a table. `label` names the label column: a name of the header, or an index from 0, or from the
/// end if negative (−1 is the last).
///
/// Line 1 is a header if it contains `label` as a name, or if no field outside the label column is a number;
/// one that mixes names and numbers is refused, since it may be a sample with a missing value. Empty
/// lines and lines that begin with `#` are skipped. Fields may be quoted.
///
/// # Errors
/// One line with file, line and column: no number, not finite, another number of fields, a third
/// class, no such column, no samples.
pub fn read(path: &Path, label: Option<&str>) -> Result<Table> {
    let file = File::open(path).map_err(|e| input_error!("{}: cannot read: {e}", path.display()))?;
    parse(file, path, label)
}

/// As [`read`], from any stream of bytes; messages call it `path`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: impl Read, path: &Path, label: Option<&str>) -> Result<Table> {
    let mut source = Source { path, bytes, buffer: Vec::with_capacity(BLOCK), handed: 0 };
    let (mut body, mut line) = (None, 0);
    while let Some(mut block) = source.next_block()? {
        if line == 0 {
            block = block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block); // byte order mark
        }
        if body.is_none() {
            let skipped = block.split_inclusive(|b| *b == b'\n').take_while(|l| !is_data(l));
            let (lines, bytes) = skipped.fold((0, 0), |(lines, bytes), l| (lines + 1, bytes + l.len()));
            line += lines;
            block = &block[bytes..];
            let Some(first) = block.split_inclusive(|b| *b == b'\n').next() else { continue };
            let layout = Layout::new(trim(first), label)
                .map_err(|e| input_error!("{}: line {}: {e}", path.display(), line + 1))?;
            if layout.header.is_some() {
                line += 1;
                block = &block[first.len()..];
            }
            body = Some(Body { layout, values: Vec::new(), labels: Vec::new(), names: Names::default(), rows: 0 });
        }
        if let Some(body) = &mut body {
            line = body.append(block, line, path)?;
        }
    }
    body.ok_or_else(|| input_error!("{}: no samples", path.display()))?.finish(path)
}

/// Reads the labels of n samples from a file of one column without header: ±1, 0/1 or two class names.
///
/// # Errors
/// As [`read`]; another number of columns or labels.
pub fn labels(path: &Path, n: usize) -> Result<(Vec<f64>, Classes)> {
    let table = read(path, Some("-1"))?;
    if table.x.cols() > 0 {
        return Err(input_error!("{}: {} columns; expected one column of labels", path.display(), table.x.cols() + 1));
    }
    match (table.y, table.classes) {
        (Some(y), Some(classes)) if y.len() == n => Ok((y, classes)),
        (y, _) => Err(input_error!("{}: {} labels for {n} samples", path.display(), y.map_or(0, |y| y.len()))),
    }
}

/// The separator, the number of fields, the place of the label and the header.
#[derive(Clone, Debug)]
struct Layout {
    separator: u8,
    fields: usize,
    label: Option<usize>,
    header: Option<Vec<String>>,
}

impl Layout {
    fn new(first: &[u8], label: Option<&str>) -> std::result::Result<Self, String> {
        let separator = b",;\t".iter().copied().find(|s| first.contains(s)).unwrap_or(b',');
        let fields: Vec<&[u8]> = Fields { rest: Some(first), separator }.collect();
        let named = label.and_then(|l| fields.iter().position(|f| *f == l.as_bytes() && number(f).is_none()));
        let label = match (label, named) {
            (Some(l), None) => Some(column(l, fields.len())?),
            (_, named) => named,
        };
        let header = named.is_some() || only_names(&fields, label)?;
        let header = header.then(|| fields.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect());
        Ok(Self { separator, fields: fields.len(), label, header })
    }
}

/// The index of a column, from 0 or from the end.
fn column(label: &str, count: usize) -> std::result::Result<usize, String> {
    let at = label.parse::<i64>().ok().map(|k| if k < 0 { k.saturating_add_unsigned(count as u64) } else { k });
    let inside = at.and_then(|k| usize::try_from(k).ok()).filter(|k| *k < count);
    inside.ok_or_else(|| format!("no label column {label:?} among its {count} columns"))
}

/// Whether the fields outside the label column are names rather than numbers; empty ones are neither.
fn only_names(fields: &[&[u8]], label: Option<usize>) -> std::result::Result<bool, String> {
    let others = || fields.iter().enumerate().filter(|(at, f)| Some(*at) != label && !f.is_empty());
    match others().find(|(_, f)| number(f).is_none()) {
        None => Ok(false),
        Some((at, name)) if others().any(|(_, f)| number(f).is_some()) => Err(format!(
            "column {}: {}; expected a number (a header has names only, or names the label column)",
            at + 1,
            shown(name)
        )),
        Some(_) => Ok(true),
    }
}

/// The fields of a line, trimmed and unquoted.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let start = rest.iter().position(|b| *b != b' ').unwrap_or(0);
        if rest.get(start) == Some(&b'"')
            && let Some(length) = rest[start + 1..].iter().position(|b| *b == b'"')
        {
            let field = &rest[start + 1..][..length];
            let after = &rest[start + length + 2..];
            self.rest = after.iter().position(|b| *b == self.separator).map(|at| &after[at + 1..]);
            return Some(trim(field));
        }
        let end = rest.iter().position(|b| *b == self.separator);
        self.rest = end.map(|at| &rest[at + 1..]);
        Some(trim(&rest[..end.unwrap_or(rest.len())]))
    }
}

/// What one chunk of lines holds.
#[derive(Default)]
struct Part {
    values: Vec<f64>,
    labels: Vec<u8>,
    names: Names,
    rows: usize,
    lines: usize,
}

impl Layout {
    /// Parses whole lines; an error is the line within the chunk and what is wrong.
    fn parse(&self, chunk: &[u8]) -> std::result::Result<Part, (usize, String)> {
        let mut part = Part::default();
        part.values.reserve(chunk.len() / 8);
        for line in chunk.split(|b| *b == b'\n') {
            part.lines += 1;
            if !is_data(line) {
                continue;
            }
            part.rows += 1;
            self.parse_line(trim(line), &mut part).map_err(|e| (part.lines - 1, e))?;
        }
        part.lines -= usize::from(chunk.last() == Some(&b'\n')); // nothing follows the last newline
        Ok(part)
    }

    fn parse_line(&self, line: &[u8], part: &mut Part) -> std::result::Result<(), String> {
        let mut count = 0;
        for field in (Fields { rest: Some(line), separator: self.separator }) {
            if Some(count) == self.label {
                let known = part.names.names().len();
                let Some(class) = part.names.index(field).filter(|_| !field.is_empty()) else {
                    return Err(third_class(field, &part.names.names()[..known]));
                };
                part.labels.push(class as u8);
            } else if count < self.fields {
                match number(field) {
                    Some(v) if v.is_finite() => part.values.push(v),
                    Some(_) => return Err(format!("column {}: {} is not finite", count + 1, shown(field))),
                    None => return Err(format!("column {}: {}; expected a number", count + 1, shown(field))),
                }
            }
            count += 1;
        }
        if count == self.fields { Ok(()) } else { Err(format!("{count} fields; expected {}", self.fields)) }
    }
}

fn third_class(label: &[u8], known: &[String]) -> String {
    let names: Vec<String> = known.iter().map(|n| shown(n.as_bytes())).collect();
    format!("label {}; expected one of two classes ({})", shown(label), names.join(", "))
}

fn is_data(line: &[u8]) -> bool {
    !matches!(trim(line), [] | [b'#', ..])
}

/// The table so far.
struct Body {
    layout: Layout,
    values: Vec<f64>,
    labels: Vec<u8>,
    names: Names,
    rows: usize,
}

impl Body {
    /// Adds whole lines, the first of which is line `line` of the file (from 0); returns the next line.
    fn append(&mut self, block: &[u8], mut line: usize, path: &Path) -> Result<usize> {
        let chunks = chunks(block);
        let parts: Vec<_> = chunks.par_iter().map(|chunk| self.layout.parse(chunk)).collect();
        for (part, chunk) in parts.into_iter().zip(chunks) {
            let refuse = |at: usize, e: String| input_error!("{}: line {}: {e}", path.display(), line + at + 1);
            let part = part.map_err(|(at, e)| refuse(at, e))?;
            let mut renamed = [0; 2];
            for (class, name) in part.names.names().iter().enumerate() {
                let known = self.names.clone();
                renamed[class] = self.names.index(name.as_bytes()).ok_or_else(|| {
                    let row = part.labels.iter().position(|k| usize::from(*k) == class).unwrap_or_default();
                    let lines = chunk.split(|b| *b == b'\n').enumerate().filter(|(_, l)| is_data(l));
                    let at = lines.map(|(at, _)| at).nth(row).unwrap_or_default();
                    refuse(at, third_class(name.as_bytes(), known.names()))
                })? as u8;
            }
            self.labels.extend(part.labels.iter().map(|k| renamed[usize::from(*k)]));
            self.values.extend(part.values);
            self.rows += part.rows;
            line += part.lines;
        }
        Ok(line)
    }

    fn finish(self, path: &Path) -> Result<Table> {
        if self.rows == 0 {
            return Err(input_error!("{}: no samples", path.display()));
        }
        let layout = self.layout;
        let x = Matrix::new(self.rows, layout.fields - usize::from(layout.label.is_some()), self.values);
        let names = layout.header.map(|h| {
            h.into_iter().enumerate().filter(|(at, _)| Some(*at) != layout.label).map(|(_, name)| name).collect()
        });
        if layout.label.is_none() {
            return Ok(Table { x, y: None, classes: None, names });
        }
        let (signs, classes) = self.names.signs().map_err(|e| input_error!("{}: {e}", path.display()))?;
        let y = self.labels.iter().map(|k| signs[usize::from(*k)]).collect();
        Ok(Table { x, y: Some(y), classes: Some(classes), names })
    }
}

/// Cuts a block behind newlines.
fn chunks(mut block: &[u8]) -> Vec<&[u8]> {
    let mut cut = Vec::new();
    while block.len() > CHUNK {
        let Some(end) = block[CHUNK..].iter().position(|b| *b == b'\n') else { break };
        let (head, tail) = block.split_at(CHUNK + end + 1);
        cut.push(head);
        block = tail;
    }
    if !block.is_empty() {
        cut.push(block);
    }
    cut
}

/// A stream as blocks of whole lines.
struct Source<'a, R> {
    path: &'a Path,
    bytes: R,
    buffer: Vec<u8>,
    handed: usize,
}

impl<R: Read> Source<'_, R> {
    /// The next whole lines; the last ones may lack their newline.
    fn next_block(&mut self) -> Result<Option<&[u8]>> {
        self.buffer.drain(..self.handed);
        self.handed = 0;
        loop {
            let had = self.buffer.len();
            let read = self.bytes.by_ref().take(BLOCK as u64).read_to_end(&mut self.buffer);
            let read = read.map_err(|e| input_error!("{}: cannot read: {e}", self.path.display()))?;
            let newline = self.buffer[had..].iter().rposition(|b| *b == b'\n').map(|at| had + at + 1);
            if let Some(end) = newline.or((read == 0).then_some(self.buffer.len())) {
                self.handed = end;
                return Ok((end > 0).then_some(&self.buffer[..end]));
            }
        }
    }
}
