//! Tables of numbers in text: separated by commas, semicolons, tabs or blanks, with or without a header, one column
//! of which may hold the labels. Quotes are those of RFC 4180 ([`record`]).
//!
//! The file is read in blocks of whole records; each block is cut into chunks that all threads parse at once. The
//! values do not depend on how it is cut. The `csv` crate is not used: it takes `"1"23` for 123, and an open quote for
//! a field, where this must refuse; and one thread of it reads less than two of these.

mod layout;
pub mod record;

use super::classes::{Labels, Names, Plus};
use super::open::{self, Opened};
use super::text::{number, shown};
use super::{Reading, Room};
use crate::error::{Result, input_error};
use farfield::Matrix;
pub use layout::Header;
use layout::{Layout, RETURN, returns};
use memchr::memchr;
use rayon::prelude::*;
use record::{Fields, Records, record_end};
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
    /// Labels ±1 with their classes, if a label column was asked for.
    pub labels: Option<Labels>,
    /// The names of the columns of `x`, if the file has a header.
    pub names: Option<Vec<String>>,
    /// What was decided on the way.
    pub notes: Vec<String>,
}

/// Reads a table. The label column is a name of the header, or an index from 0, or from the end if negative (−1 is
/// the last).
///
/// Line 1 is a header if it contains the label as a name, if no field outside the label column is a number, or if
/// they count the columns over values that do not; one that mixes names and numbers is refused, since it may be a
/// sample with a missing value. A first column without a name that numbers or names the rows is left out, with a
/// note. Empty lines and lines that begin with `#` are skipped.
///
/// # Errors
/// One line with file, line and column: no number, not finite, quotes that break the rules, another number of fields,
/// a third class, a name twice, no such column, no samples.
pub fn read(path: &Path, how: &Reading) -> Result<Table> {
    parse(open::open(path)?, how)
}

/// As [`read`], from a stream.
///
/// # Errors
/// As [`read`].
pub fn parse(file: Opened, how: &Reading) -> Result<Table> {
    let (path, length) = (file.path, file.length);
    let mut source = Source { path, bytes: file.text()?, buffer: Vec::with_capacity(BLOCK), handed: 0 };
    let (mut body, mut line) = (None, 0);
    while let Some(mut block) = source.next_block()? {
        let whole = block.len();
        if body.is_none() {
            let mut records = Records::new(block);
            let Some((at, first)) = records.next() else {
                line += records.line;
                continue;
            };
            let behind = (records.rest(), records.line);
            let second = records.next().map(|(_, record)| record);
            let layout = Layout::new(first, second, how.label, how.header)
                .map_err(|e| input_error!("{}: line {}: {e}", path.display(), line + at + 1))?;
            if layout.header.is_some() {
                block = behind.0;
                line += behind.1;
            }
            body = Some(Body::new(layout, line + at + 1));
        }
        if let Some(body) = &mut body {
            line = body.append(block, line, path)?;
            body.reserve(whole, length, how.room)?;
        }
    }
    body.ok_or_else(|| input_error!("{}: no samples", path.display()))?.finish(path, how.positive_class)
}

/// A text of one column, for labels.
pub struct Column {
    /// The fields, each with its line from 1.
    pub values: Vec<(usize, Vec<u8>)>,
    /// What was decided on the way.
    pub note: Option<String>,
}

/// The fields of a text of one column; a second one that counts the rows, in front, is left out.
///
/// # Errors
/// What is wrong, in words.
pub fn column(text: &[u8]) -> std::result::Result<Column, String> {
    let records = Records::new(text);
    let quotes = records.quotes();
    let (mut values, mut front) = (Vec::new(), Vec::new());
    for (at, record) in records {
        let byte = b",;\t".iter().find(|b| record.contains(b)).unwrap_or(&b',');
        let mut fields = Vec::new();
        for (k, field) in Fields::new(record, record::Separator::Byte(*byte), quotes).enumerate() {
            fields.push(field.map_err(|e| format!("line {}: column {}: {e}", at + 1, k + 1))?.into_owned());
        }
        let value = fields.pop().unwrap_or_default();
        if fields.len() > 1 {
            return Err(format!("{} columns; expected one column of labels", fields.len() + 1));
        }
        front.extend(fields.pop());
        values.push((at + 1, value));
    }
    if front.is_empty() {
        return Ok(Column { values, note: None });
    }
    let counts = |fields: &[Vec<u8>], from: usize| {
        fields.iter().zip(from..).all(|(f, k)| std::str::from_utf8(f).ok().and_then(|t| t.parse().ok()) == Some(k))
    };
    let named = front.first().is_some_and(|f| matches!(&f[..], b"" | b"Unnamed: 0"));
    let below = &front[usize::from(named)..];
    let distinct = || std::collections::HashSet::<&Vec<u8>>::from_iter(below).len() == below.len();
    if front.len() != values.len() || !(counts(below, 0) || counts(below, 1) || named && distinct()) {
        return Err("2 columns; expected one column of labels".into());
    }
    Ok(Column { values, note: Some("the first column of the labels numbers the rows; it is left out".into()) })
}

/// What one chunk of records holds.
#[derive(Default)]
struct Part {
    values: Vec<f64>,
    labels: Vec<u8>,
    names: Names,
    /// The values of a column without a name; NaN where they are no numbers.
    unnamed: Vec<f64>,
    rows: usize,
    lines: usize,
}

impl Layout {
    /// Parses whole records; an error is the line within the chunk and what is wrong.
    fn parse(&self, chunk: &[u8]) -> std::result::Result<Part, (usize, String)> {
        let mut part = Part::default();
        part.values.reserve(chunk.len() / 8);
        let mut records = Records::new(chunk);
        let quotes = records.quotes();
        for (line, record) in records.by_ref() {
            part.rows += 1;
            let mut fields = Fields::new(record, self.separator, quotes);
            self.parse_record(&mut fields, quotes, &mut part).map_err(|e| (line, e))?;
        }
        part.lines = records.line;
        Ok(part)
    }

    #[inline]
    fn parse_record(&self, fields: &mut Fields, quotes: bool, part: &mut Part) -> std::result::Result<(), String> {
        let mut count = 0;
        if quotes {
            for field in fields {
                let field = field.map_err(|e| format!("column {}: {e}", count + 1))?;
                self.parse_field(count, &field, part)?;
                count += 1;
            }
        } else {
            while let Some(field) = fields.plain() {
                self.parse_field(count, field, part)?;
                count += 1;
            }
        }
        if count == self.fields { Ok(()) } else { Err(self.other_count(count)) }
    }

    #[inline]
    fn parse_field(&self, at: usize, field: &[u8], part: &mut Part) -> std::result::Result<(), String> {
        if Some(at) == self.label {
            if returns(field) {
                return Err(format!("column {}: {RETURN}", at + 1));
            }
            part.labels.push(part.names.index(field).map_err(|e| self.hinted(e))? as u8);
        } else if self.unnamed && at == 0 {
            part.unnamed.push(number(field).unwrap_or(f64::NAN));
        } else if at < self.fields {
            match number(field) {
                Some(v) if v.is_finite() => part.values.push(v),
                found => return Err(self.no_number(at, field, found.is_some())),
            }
        }
        Ok(())
    }

    /// A third class may be a header that was taken as a sample.
    fn hinted(&self, error: String) -> String {
        let hint = if self.header.is_none() { "; data.header = true if the first line is a header" } else { "" };
        format!("{error}{hint}")
    }

    #[cold]
    fn no_number(&self, at: usize, field: &[u8], infinite: bool) -> String {
        if infinite {
            return format!("column {}: {} is not finite", at + 1, shown(field));
        }
        let text = String::from_utf8_lossy(field).replace(',', ".");
        let comma = field.contains(&b',') && text.parse::<f64>().is_ok();
        let hint = if comma { "; decimals are written with a point" } else { "" };
        format!("column {}: {}; expected a number ({} separate{hint})", at + 1, shown(field), self.separator.name())
    }

    #[cold]
    fn other_count(&self, count: usize) -> String {
        format!("{count} fields; expected {} ({} separate)", self.fields, self.separator.name())
    }
}

/// The table so far.
struct Body {
    layout: Layout,
    /// The line of the first record, from 1.
    first: usize,
    values: Vec<f64>,
    labels: Vec<u8>,
    names: Names,
    unnamed: Vec<f64>,
    rows: usize,
    /// Room for the whole file has been made.
    reserved: bool,
}

impl Body {
    fn new(layout: Layout, first: usize) -> Self {
        let (values, labels, unnamed) = (Vec::new(), Vec::new(), Vec::new());
        Self { layout, first, values, labels, names: Names::default(), unnamed, rows: 0, reserved: false }
    }

    /// Adds whole records, the first of which begins in line `line` of the file (from 0); returns the next line.
    fn append(&mut self, block: &[u8], mut line: usize, path: &Path) -> Result<usize> {
        let chunks = chunks(block);
        let parts: Vec<_> = chunks.par_iter().map(|chunk| self.layout.parse(chunk)).collect();
        for (part, chunk) in parts.into_iter().zip(chunks) {
            let refuse = |at: usize, e: String| input_error!("{}: line {}: {e}", path.display(), line + at + 1);
            let part = part.map_err(|(at, e)| refuse(at, e))?;
            let renamed = self.names.merge(&part.names).map_err(|(class, e)| {
                let row = part.labels.iter().position(|k| usize::from(*k) == class).unwrap_or_default();
                let at = Records::new(chunk).nth(row).map_or(0, |(at, _)| at);
                refuse(at, self.layout.hinted(e))
            })?;
            self.labels.extend(part.labels.iter().map(|k| renamed[usize::from(*k)]));
            self.values.extend(part.values);
            self.unnamed.extend(part.unnamed);
            self.rows += part.rows;
            line += part.lines;
        }
        Ok(line)
    }

    /// Refuses what memory cannot hold. The first block of a file of known length, of `read` bytes, tells how many
    /// rows to expect, for which room is made at once.
    fn reserve(&mut self, read: usize, length: Option<u64>, room: Room) -> Result<()> {
        let width = self.values.len().checked_div(self.rows).unwrap_or(0);
        let Some(length) = length else { return room(self.rows, width) };
        if std::mem::replace(&mut self.reserved, self.rows > 0) || self.rows == 0 {
            return Ok(());
        }
        let rows = (self.rows as f64 * (length as f64 / read as f64).max(1.0)).ceil() as usize;
        room(rows, width)?;
        // what is not granted here is asked for again when it is needed
        let _ = self.values.try_reserve((rows - self.rows).saturating_mul(width));
        Ok(())
    }

    fn finish(self, path: &Path, positive: Plus) -> Result<Table> {
        if self.rows == 0 {
            return Err(input_error!("{}: no samples", path.display()));
        }
        let layout = &self.layout;
        let named = |note: &String| format!("{}: line {}: {note}", path.display(), self.first);
        let mut notes: Vec<String> = layout.note.iter().map(named).collect();
        let labels = layout.label.map(|at| {
            let name = layout.header.as_ref().map(|h| format!(" ({})", shown(h[at].as_bytes()))).unwrap_or_default();
            let from = format!("column {}{name} of {}", at + 1, path.display());
            self.names.labels(&self.labels, positive, from).map_err(|e| input_error!("{}: {e}", path.display()))
        });
        let labels = labels.transpose()?;
        let mut names: Option<Vec<String>> = layout.header.as_ref().map(|header| {
            let (label, unnamed) = (layout.label, layout.unnamed.then_some(0));
            let kept = header.iter().enumerate().filter(|(at, _)| Some(*at) != label && Some(*at) != unnamed);
            kept.map(|(_, name)| name.clone()).collect()
        });
        let width = layout.fields - usize::from(layout.label.is_some()) - usize::from(layout.unnamed);
        let mut x = Matrix::new(self.rows, width, self.values);
        if layout.unnamed {
            let (kept, note) = unnamed(&self.unnamed, layout).map_err(|e| input_error!("{}: {e}", path.display()))?;
            notes.push(format!("{}: {note}", path.display()));
            if kept {
                x = with_front(&self.unnamed, &x);
                names.iter_mut().for_each(|n| n.insert(0, String::new()));
            }
        }
        Ok(Table { x, labels, names, notes })
    }
}

/// Whether a first column without a name is a feature, and what to say of it.
fn unnamed(values: &[f64], layout: &Layout) -> std::result::Result<(bool, &'static str), String> {
    if values.iter().all(|v| v.is_nan()) {
        return Ok((false, "column 1 has no name and holds names of the rows; it is left out"));
    }
    let counts = |from: f64| values.iter().zip(0u32..).all(|(v, k)| *v == from + f64::from(k));
    if layout.short && !(counts(0.0) || counts(1.0)) {
        let (names, fields) = (layout.fields - 1, layout.fields);
        return Err(format!("a header of {names} names over {fields} columns, the first of which counts no rows"));
    }
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        return Err(format!("column 1, which has no name: sample {} is no finite number, others are", at + 1));
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let numbers_rows = values.iter().all(|v| v.fract() == 0.0) && sorted.windows(2).all(|p| p[0] < p[1]);
    Ok(match numbers_rows {
        true => (false, "column 1 has no name and numbers the rows (an index); it is left out, unless it gets a name"),
        false => (true, "column 1 has no name; it is taken as a feature"),
    })
}

/// X with a column in front.
fn with_front(front: &[f64], x: &Matrix) -> Matrix {
    let rows = front.iter().enumerate().flat_map(|(i, v)| std::iter::once(*v).chain(x.row(i).iter().copied()));
    Matrix::new(x.rows(), x.cols() + 1, rows.collect())
}

/// Cuts a block behind records.
fn chunks(mut block: &[u8]) -> Vec<&[u8]> {
    let mut cut = Vec::new();
    let quotes = memchr(b'"', block).is_some();
    while !block.is_empty() {
        let (head, tail) = block.split_at(chunk_end(block, quotes));
        cut.push(head);
        block = tail;
    }
    cut
}

/// Where the first record ends that reaches beyond the size of a chunk.
fn chunk_end(block: &[u8], quotes: bool) -> usize {
    if block.len() <= CHUNK {
        return block.len();
    }
    if !quotes {
        return memchr(b'\n', &block[CHUNK..]).map_or(block.len(), |at| CHUNK + at + 1);
    }
    let mut end = 0;
    while end < CHUNK {
        end = record_end(&block[end..]).map_or(block.len(), |next| end + next);
    }
    end
}

/// A stream as blocks of whole records.
struct Source<'a, R> {
    path: &'a Path,
    bytes: R,
    buffer: Vec<u8>,
    handed: usize,
}

impl<R: Read> Source<'_, R> {
    /// The next whole records; the last one may lack its newline.
    fn next_block(&mut self) -> Result<Option<&[u8]>> {
        self.buffer.drain(..self.handed);
        self.handed = 0;
        loop {
            let had = self.buffer.len();
            let read = self.bytes.by_ref().take(BLOCK as u64).read_to_end(&mut self.buffer);
            let read = read.map_err(|e| input_error!("{}: cannot read: {e}", self.path.display()))?;
            let end = if read == 0 { Some(self.buffer.len()) } else { whole_records(&self.buffer, had) };
            if let Some(end) = end {
                self.handed = end;
                return Ok((end > 0).then_some(&self.buffer[..end]));
            }
        }
    }
}

/// Where the last whole record of a buffer ends; there is none before `had`.
fn whole_records(buffer: &[u8], had: usize) -> Option<usize> {
    if memchr(b'"', buffer).is_none() {
        return memchr::memrchr(b'\n', &buffer[had..]).map(|at| had + at + 1);
    }
    let mut end = 0;
    while let Some(next) = record_end(&buffer[end..]) {
        end += next;
    }
    (end > 0).then_some(end)
}
