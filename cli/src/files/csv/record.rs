//! Records and fields by RFC 4180.
//!
//! A record is a line, or several where a quoted field runs over the end of one. A field is quoted if it begins
//! with `"`; in it `""` is a quote; behind its end only blanks may follow. Elsewhere there are no quotes.
//!
//! In a text that keeps these rules a line ends a record if the quotes up to there are even in number. Where they are
//! broken, everything before is cut as it should be, so that the first fault is found where it is.

use super::super::text::{shown, trim};
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

/// What stands between two fields: a byte, or a run of blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// A comma, a semicolon or a tab.
    Byte(u8),
    /// Spaces and tabs, any number.
    Blanks,
}

impl Separator {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Byte(b';') => "semicolons",
            Self::Byte(b'\t') => "tabs",
            Self::Byte(_) => "commas",
            Self::Blanks => "blanks",
        }
    }
}

/// Longest quoted field.
const LONGEST: usize = 1 << 20;

/// Whether a line holds data: it is not empty, and no comment.
pub fn is_data(line: &[u8]) -> bool {
    !matches!(trim(line), [] | [b'#', ..])
}

/// Bytes up to the end of the first record of `text`, its newline included; None if it does not end there.
///
/// A quote that is open for longer than a field may be ends the record too, so that a lost one costs no memory.
pub fn record_end(text: &[u8]) -> Option<usize> {
    let mut end = memchr(b'\n', text)? + 1;
    if !is_data(&text[..end]) {
        return Some(end);
    }
    let mut open = memchr_iter(b'"', &text[..end]).count() % 2 == 1;
    let first = end;
    while open {
        if end - first > LONGEST {
            return Some(end);
        }
        let next = memchr(b'\n', &text[end..])? + 1;
        open ^= memchr_iter(b'"', &text[end..end + next]).count() % 2 == 1;
        end += next;
    }
    Some(end)
}

/// The records of a text that are data, each with the line, from 0, that it begins in.
pub struct Records<'a> {
    rest: &'a [u8],
    quotes: bool,
    /// The line that the rest begins in.
    pub line: usize,
}

impl<'a> Records<'a> {
    /// Of whole records.
    pub fn new(text: &'a [u8]) -> Self {
        Self { rest: text, quotes: memchr(b'"', text).is_some(), line: 0 }
    }

    /// What follows the records so far.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether a quote occurs anywhere.
    pub fn quotes(&self) -> bool {
        self.quotes
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = if self.quotes { record_end(self.rest) } else { memchr(b'\n', self.rest).map(|at| at + 1) };
            let (record, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            let line = self.line;
            self.line += if self.quotes { memchr_iter(b'\n', record).count() } else { 1 };
            self.rest = rest;
            if is_data(record) {
                return Some((line, trim_record(record)));
            }
        }
        None
    }
}

/// Without its end of line; blanks may belong to an empty field, if tabs separate.
fn trim_record(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let end = record.iter().rposition(|b| *b != b'\r').map_or(0, |at| at + 1);
    &record[..end]
}

/// A field without the blanks around it. A carriage return inside a line stays: some end lines there.
#[inline]
fn trim_blanks(mut field: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = field {
        field = rest;
    }
    field
}

/// A field, trimmed, without its quotes.
pub type Field<'a> = Cow<'a, [u8]>;

/// The fields of a record; a fault ends them.
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: Separator,
    quotes: bool,
}

impl<'a> Fields<'a> {
    /// Of a record; `quotes`: whether there may be any.
    #[inline]
    pub fn new(record: &'a [u8], separator: Separator, quotes: bool) -> Self {
        let record = if separator == Separator::Blanks { trim_blanks(record) } else { record };
        Self { rest: Some(record), separator, quotes }
    }

    /// The next field of a record without quotes.
    #[inline]
    pub fn plain(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        Some(match self.separator {
            Separator::Byte(byte) => match rest.iter().position(|b| *b == byte) {
                Some(at) => {
                    self.rest = Some(&rest[at + 1..]);
                    trim_blanks(&rest[..at])
                }
                None => {
                    self.rest = None;
                    trim_blanks(rest)
                }
            },
            Separator::Blanks => {
                let end = rest.iter().position(|b| is_blank(*b));
                self.rest = end.map(|at| after_blanks(&rest[at..]));
                &rest[..end.unwrap_or(rest.len())]
            }
        })
    }

    /// A field that begins behind this quote.
    #[cold]
    fn quoted(&mut self, body: &'a [u8]) -> Result<Field<'a>, String> {
        let (mut field, mut from) = (Cow::Borrowed(&body[..0]), 0);
        let end = loop {
            let Some(at) = memchr(b'"', &body[from..]).map(|at| from + at).filter(|at| *at <= LONGEST) else {
                return Err(format!("a quote that is not closed: {}", shown(&[b"\"", body].concat())));
            };
            if body.get(at + 1) != Some(&b'"') {
                break at;
            }
            field.to_mut().extend(&body[from..=at]);
            from = at + 2;
        };
        if from == 0 {
            field = Cow::Borrowed(&body[..end]);
        } else {
            field.to_mut().extend(&body[from..end]);
        }
        let behind = &body[end + 1..];
        let (text, rest) = match self.separator {
            Separator::Byte(byte) => {
                let at = behind.iter().position(|b| *b == byte);
                (&behind[..at.unwrap_or(behind.len())], at.map(|at| &behind[at + 1..]))
            }
            Separator::Blanks if behind.first().is_none_or(|b| is_blank(*b)) => {
                (&behind[..0], (!behind.is_empty()).then(|| after_blanks(behind)))
            }
            Separator::Blanks => (behind, None),
        };
        if !trim_blanks(text).is_empty() {
            let field = shown(&[b"\"", &body[..end + 1], text].concat());
            return Err(format!("text behind a closing quote: {field}; a quote in a field is written twice"));
        }
        self.rest = rest;
        Ok(match field {
            Cow::Borrowed(field) => Cow::Borrowed(trim(field)),
            Cow::Owned(field) => Cow::Owned(trim(&field).to_vec()),
        })
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

fn after_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().position(|b| !is_blank(*b)).unwrap_or(text.len())..]
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, String>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        if self.quotes {
            let start = rest.iter().position(|b| *b != b' ').unwrap_or(0);
            if rest.get(start) == Some(&b'"') {
                self.rest = None; // unless the field is good
                return Some(self.quoted(&rest[start + 1..]));
            }
        }
        let field = self.plain()?;
        if self.quotes && field.contains(&b'"') {
            self.rest = None;
            let rule = "a quote inside a field; such a field is quoted, and the quote in it written twice";
            return Some(Err(format!("{}: {rule}", shown(field))));
        }
        Some(Ok(Cow::Borrowed(field)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(record: &str, separator: Separator) -> Result<Vec<String>, String> {
        let fields = Fields::new(record.as_bytes(), separator, true);
        fields.map(|f| f.map(|f| String::from_utf8_lossy(&f).into_owned())).collect()
    }

    #[test]
    fn quotes_by_the_rules() {
        let comma = Separator::Byte(b',');
        assert_eq!(fields("a, \"b\" ,\"c,\"\"d\"\"\n e\",", comma).unwrap(), ["a", "b", "c,\"d\"\n e", ""]);
        assert_eq!(fields("\"\",\"\"\"\"", comma).unwrap(), ["", "\""]);
        assert_eq!(fields("1  \"2 3\"\t 4 ", Separator::Blanks).unwrap(), ["1", "2 3", "4"]);
        for (record, separator, expected) in [
            ("\"1\"23,2", comma, "text behind a closing quote: \"\\\"1\\\"23\""),
            ("1,\"2", comma, "a quote that is not closed: \"\\\"2\""),
            ("5\" pipe,2", comma, "a quote inside a field"),
            ("\"1\"2 3", Separator::Blanks, "text behind a closing quote"),
            ("\"a\"\"", comma, "not closed"),
        ] {
            let message = fields(record, separator).unwrap_err();
            assert!(message.contains(expected), "{record}: {message}");
        }
    }

    #[test]
    fn records_over_lines() {
        let text = b"# it's 5\" wide\n\"a\nb\",1\r\n\n2,\"x\"\n3";
        let records: Vec<_> = Records::new(text).collect();
        assert_eq!(records, [(1, &b"\"a\nb\",1"[..]), (4, b"2,\"x\""), (5, b"3")]);
        assert_eq!(Records::new(b"1,\"2\n3\n").collect::<Vec<_>>(), [(0, &b"1,\"2\n3"[..])]);
    }

    proptest! {
        /// What is written by the rules is read back.
        #[test]
        fn there_and_back(rows in prop::collection::vec(prop::collection::vec("[a \",;\\n]{0,6}", 2..4), 1..6)) {
            let quoted = |f: &String| format!("\"{}\"", f.replace('"', "\"\""));
            let text: String = rows.iter().map(|r| r.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect();
            let read: Vec<Vec<String>> = Records::new(text.as_bytes())
                .map(|(_, r)| fields(std::str::from_utf8(r).unwrap(), Separator::Byte(b',')).unwrap())
                .collect();
            let trimmed = |r: &Vec<String>| r.iter().map(|f| f.trim().to_string()).collect::<Vec<_>>();
            prop_assert_eq!(read, rows.iter().map(trimmed).collect::<Vec<_>>());
        }
    }
}
