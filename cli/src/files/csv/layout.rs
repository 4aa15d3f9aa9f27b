//! What the first two records of a table tell: its separator, its header, the place of the label.

use super::super::text::{number, shown};
use super::record::{Fields, Separator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether the first line of a table is its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// As its content tells.
    #[default]
    Auto,
    /// It is.
    True,
    /// It is a sample.
    False,
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => s.serialize_str("auto"),
            Self::True => s.serialize_bool(true),
            Self::False => s.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let given = toml::Value::deserialize(d)?;
        match given.as_str().map(str::to_string).unwrap_or_else(|| given.to_string()).as_str() {
            "auto" => Ok(Self::Auto),
            "true" => Ok(Self::True),
            "false" => Ok(Self::False),
            _ => Err(serde::de::Error::custom(format!("expected true, false or \"auto\", not {given}"))),
        }
    }
}

/// The separator, the number of fields, the place of the label, the header.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Between fields.
    pub separator: Separator,
    /// Fields of a record.
    pub fields: usize,
    /// The label column.
    pub label: Option<usize>,
    /// Names of all columns.
    pub header: Option<Vec<String>>,
    /// Column 0 has no name: it may count the rows.
    pub unnamed: bool,
    /// The header lacks a name for it altogether, as R writes tables: it has to count or name the rows.
    pub short: bool,
    /// What was decided that may be wrong.
    pub note: Option<String>,
}

/// What is wrong with a carriage return that ends no line.
pub const RETURN: &str = "a carriage return (CR) inside a line; save the file with LF or CR LF";

/// Whether a carriage return stands alone.
pub fn returns(field: &[u8]) -> bool {
    memchr::memchr(b'\r', field).is_some()
        && field.iter().enumerate().any(|(at, b)| *b == b'\r' && field.get(at + 1) != Some(&b'\n'))
}

/// Columns from which on a line that counts them is no sample by chance.
const LONG: usize = 5;

/// The fields of a record, without faults.
fn split(record: &[u8], separator: Separator) -> Option<Vec<Vec<u8>>> {
    Fields::new(record, separator, true).map(|f| f.map(|f| f.into_owned()).ok()).collect()
}

impl Layout {
    /// From the first record and, where there is one, the second.
    ///
    /// # Errors
    /// What is wrong, in words: quotes, no such label column, a name twice, a line of names and numbers.
    pub fn new(first: &[u8], second: Option<&[u8]>, label: Option<&str>, header: Header) -> Result<Self, String> {
        let separator = separator(first, second);
        let below = second.and_then(|s| split(s, separator));
        let mut names = Vec::new();
        for (at, field) in Fields::new(first, separator, true).enumerate() {
            let field = field.and_then(|f| if returns(&f) { Err(RETURN.into()) } else { Ok(f) });
            names.push(field.map_err(|e| format!("column {}: {e}", at + 1))?.into_owned());
        }
        let label = label.map(|l| l.trim_start_matches('\u{feff}'));
        let wordless = header != Header::False && names.iter().all(|f| number(f).is_none());
        let short = wordless && below.as_ref().is_some_and(|b| b.len() == names.len() + 1);
        if short {
            names.insert(0, Vec::new());
        }
        let named = label.and_then(|l| place(&names, l)).filter(|_| header != Header::False);
        let outside = |at: &usize| named != Some(*at) && label.and_then(|l| index(l, names.len())) != Some(*at);
        let others: Vec<usize> = (0..names.len()).filter(outside).collect();
        let (is_header, note) = match header {
            Header::True => (true, None),
            Header::False => (false, None),
            Header::Auto if named.is_some_and(|at| number(&names[at]).is_none()) => (true, None),
            Header::Auto if only_names(&names, &others)? => (true, None),
            Header::Auto => counted(&names, &others, below.as_deref()),
        };
        let mut layout =
            Self { separator, fields: names.len(), label: None, header: None, unnamed: false, short, note };
        if is_header {
            duplicates(&names)?;
            layout.unnamed = names.len() > 1 && matches!(&names[0][..], b"" | b"Unnamed: 0");
        }
        layout.label = match label {
            None => None,
            Some(l) => Some(column(l, &names, is_header)?),
        };
        layout.unnamed &= layout.label != Some(0);
        layout.header = is_header.then(|| names.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect());
        Ok(layout)
    }
}

/// What separates: of semicolons, tabs and commas the first that cuts both records into as many fields; else blanks,
/// if they do; else whatever occurs, blanks between numbers last.
fn separator(first: &[u8], second: Option<&[u8]>) -> Separator {
    const BYTES: [Separator; 3] = [Separator::Byte(b';'), Separator::Byte(b'\t'), Separator::Byte(b',')];
    let count = |record: &[u8], separator| Fields::new(record, separator, true).filter(|f| f.is_ok()).count();
    // numbers with blanks between them are not one field, whatever else stands in the line
    let several = |field: &[u8]| {
        let mut parts = field.split(u8::is_ascii_whitespace).filter(|p| !p.is_empty()).peekable();
        parts.next().is_some() && parts.peek().is_some() && parts.all(|p| number(p).is_some())
    };
    let whole = |record: &[u8], s: Separator| {
        let mut fields = Fields::new(record, s, true).filter_map(|f| f.ok());
        !matches!(s, Separator::Byte(b'\t')) || !fields.any(|f| several(&f))
    };
    let both = |s: &Separator| {
        let fields = count(first, *s);
        fields > 1 && second.is_none_or(|b| count(b, *s) == fields && whole(b, *s))
    };
    let rows_are_named = |s: &Separator| second.is_some_and(|b| count(b, *s) == count(first, *s) + 1);
    let all = || BYTES.into_iter().chain([Separator::Blanks]);
    let found = all().find(both).or_else(|| all().find(rows_are_named));
    let blanks = if several(first) { Separator::Blanks } else { Separator::Byte(b',') };
    let fallback = || BYTES.into_iter().find(|s| count(first, *s) > 1).unwrap_or(blanks);
    found.unwrap_or_else(fallback)
}

/// The column of this name.
fn place(names: &[Vec<u8>], label: &str) -> Option<usize> {
    names.iter().position(|f| f == label.as_bytes())
}

/// The index of a column, from 0 or from the end.
fn index(label: &str, count: usize) -> Option<usize> {
    let at = label.parse::<i64>().ok().map(|k| if k < 0 { k.saturating_add_unsigned(count as u64) } else { k });
    at.and_then(|k| usize::try_from(k).ok()).filter(|k| *k < count)
}

/// The label column: a name of the header, or an index.
fn column(label: &str, names: &[Vec<u8>], header: bool) -> Result<usize, String> {
    let named = if header { place(names, label) } else { None };
    match (named, index(label, names.len())) {
        (Some(name), Some(at)) if name != at => Err(format!(
            "data.labels = {label:?} is the name of column {} and the index of column {}; rename one, or count from \
             the end: {}",
            name + 1,
            at + 1,
            name as i64 - names.len() as i64
        )),
        (Some(at), _) | (None, Some(at)) => Ok(at),
        (None, None) => {
            let hint = if header { "" } else { "; data.header = true if the first line is a header" };
            Err(format!("no label column {label:?} among its {} columns{hint}", names.len()))
        }
    }
}

/// Whether these fields are names rather than numbers; empty ones are neither.
fn only_names(fields: &[Vec<u8>], others: &[usize]) -> Result<bool, String> {
    let others = || others.iter().filter(|at| !fields[**at].is_empty());
    match others().find(|at| number(&fields[**at]).is_none()) {
        None => Ok(false),
        Some(at) if others().any(|at| number(&fields[*at]).is_some()) => Err(format!(
            "column {}: {}; expected a number (if this line is a header, set data.header = true)",
            at + 1,
            shown(&fields[*at])
        )),
        Some(_) => Ok(true),
    }
}

/// Whether these fields count the columns, 0, 1, 2, … or 1, 2, 3, …, and the values below are no whole numbers: a
/// header, if they are many. Where they may be either, they are a sample, and a note says so.
fn counted(fields: &[Vec<u8>], others: &[usize], below: Option<&[Vec<u8>]>) -> (bool, Option<String>) {
    let whole = |f: &Vec<u8>| std::str::from_utf8(f).ok().and_then(|t| t.parse::<usize>().ok());
    let counts = |from: usize| others.iter().zip(from..).all(|(at, k)| whole(&fields[*at]) == Some(k));
    if others.len() < 3 || !(counts(0) || counts(1)) {
        return (false, None);
    }
    // a sample of few features may count by chance
    let differs = others.len() >= LONG
        && below.is_some_and(|b| b.len() == fields.len() && others.iter().any(|at| whole(&b[*at]).is_none()));
    let taken = if differs { "a header" } else { "a sample" };
    let other = if differs { "false reads it as a sample" } else { "true reads it as a header" };
    (differs, Some(format!("the first line counts its columns; it is taken as {taken} (data.header = {other})")))
}

fn duplicates(names: &[Vec<u8>]) -> Result<(), String> {
    let mut sorted: Vec<usize> = (0..names.len()).filter(|at| !names[*at].is_empty()).collect();
    sorted.sort_by_key(|at| (&names[*at], *at));
    match sorted.windows(2).find(|p| names[p[0]] == names[p[1]]) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "columns {} and {} have the same name, {}; rename one (data.header = false if the line is a sample)",
            pair[0] + 1,
            pair[1] + 1,
            shown(&names[pair[0]])
        )),
    }
}
