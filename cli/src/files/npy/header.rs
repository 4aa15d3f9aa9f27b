//! The header of a `.npy` file: magic bytes, version, length, and a literal of Python,
//!
//! ```text
//! {'descr': '<f8', 'fortran_order': False, 'shape': (20, 30), }
//! ```
//!
//! with its keys in any order, single or double quotes, any padding, and `20L` as Python 2 wrote it: what
//! `numpy.load` reads of plain arrays (NumPy, `numpy/lib/format.py`).

use super::element::Element;
use std::io::Read;

/// Longest header that is read: version 1 has at most 64 KiB.
const LONGEST: usize = 1 << 20;

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The sizes of the array.
    pub shape: Vec<usize>,
    /// The first index runs fastest.
    pub fortran: bool,
    /// The type of its elements.
    pub element: Element,
    /// Bytes up to the first element.
    pub length: usize,
}

impl Header {
    /// Reads the header of a stream, up to the first element.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(bytes: &mut impl Read) -> Result<Self, String> {
        let start = exact(bytes, 8)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err("it does not begin with the magic bytes of one (name the format with data.format)".into());
        }
        let (size, width) = match start[6..] {
            [1, 0] => (exact(bytes, 2)?, 2),
            [2 | 3, 0] => (exact(bytes, 4)?, 4),
            _ => return Err(format!("version {}.{} of the format; known are 1.0, 2.0 and 3.0", start[6], start[7])),
        };
        let length = size.iter().rev().fold(0, |sum, b| sum << 8 | usize::from(*b));
        if length > LONGEST {
            return Err(format!("a header of {length} bytes; expected at most {LONGEST}"));
        }
        let text = exact(bytes, length)?;
        let (shape, fortran, element) = Literal { rest: &text }.dictionary().map_err(|e| format!("its header: {e}"))?;
        Ok(Self { shape, fortran, element, length: 8 + width + length })
    }
}

fn exact(bytes: &mut impl Read, count: usize) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    bytes.take(count as u64).read_to_end(&mut read).map_err(|e| e.to_string())?;
    if read.len() < count { Err("the header is truncated: the file ends in it".into()) } else { Ok(read) }
}

/// A literal of Python, as far as it has been read.
struct Literal<'a> {
    rest: &'a [u8],
}

impl<'a> Literal<'a> {
    fn dictionary(mut self) -> Result<(Vec<usize>, bool, Element), String> {
        let (mut shape, mut fortran, mut element) = (None, None, None);
        self.expect(b'{')?;
        while !self.accept(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            match key {
                b"descr" => element = Some(self.descr()?),
                b"fortran_order" => fortran = Some(self.boolean()?),
                b"shape" => shape = Some(self.shape()?),
                _ => return Err(format!("an unknown key, {}", shown(key))),
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        if let Some(more) = self.peek() {
            return Err(format!("{} behind its end", shown(&[more])));
        }
        let missing = |key: &str| format!("no '{key}'");
        Ok((
            shape.ok_or_else(|| missing("shape"))?,
            fortran.ok_or_else(|| missing("fortran_order"))?,
            element.ok_or_else(|| missing("descr"))?,
        ))
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.accept(byte) { Ok(()) } else { Err(self.expected(&format!("'{}'", char::from(byte)))) }
    }

    fn expected(&self, what: &str) -> String {
        format!("expected {what} before {}", shown(self.rest))
    }

    fn string(&mut self) -> Result<&'a [u8], String> {
        self.peek();
        // u'descr', b'descr' of Python 2 and 3
        self.rest = self.rest.strip_prefix(b"u").or_else(|| self.rest.strip_prefix(b"b")).unwrap_or(self.rest);
        let quote = self.rest.first().copied().filter(|q| matches!(q, b'\'' | b'"'));
        let quote = quote.ok_or_else(|| self.expected("a string"))?;
        let body = &self.rest[1..];
        let end = body.iter().position(|b| *b == quote).ok_or_else(|| self.expected("a string that ends"))?;
        self.rest = &body[end + 1..];
        Ok(&body[..end])
    }

    fn descr(&mut self) -> Result<Element, String> {
        if matches!(self.peek(), Some(b'[' | b'(' | b'{')) {
            return Err("a structured type; expected plain numbers (save one field of it)".into());
        }
        let name = self.string()?;
        Element::named(name).ok_or_else(|| {
            let objects = matches!(name, b"O" | b"|O");
            let mend = if objects { " (Python objects; save y.astype(str), or numbers)" } else { "" };
            format!("elements of type {}{mend}; expected numbers, booleans or text", shown(name))
        })
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.peek();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.expected("True or False"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.expect(b'(')?;
        let mut sizes = Vec::new();
        while !self.accept(b')') {
            sizes.push(self.size()?);
            if self.accept(b')') {
                // (3) is a number in Python, and no shape
                return if sizes.len() == 1 { Err("a shape of one size ends in a comma".into()) } else { Ok(sizes) };
            }
            self.expect(b',')?;
            if sizes.len() > 32 {
                return Err("more than 32 dimensions".into());
            }
        }
        Ok(sizes)
    }

    fn size(&mut self) -> Result<usize, String> {
        self.peek();
        let end = self.rest.iter().position(|b| !b.is_ascii_digit() && *b != b'_').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let tidy = digits.first().is_some_and(u8::is_ascii_digit)
            && digits.last().is_some_and(u8::is_ascii_digit)
            && !digits.windows(2).any(|p| p == b"__")
            && (digits[0] != b'0' || digits.iter().all(|b| matches!(b, b'0' | b'_')));
        let text: String = digits.iter().filter(|b| **b != b'_').map(|b| char::from(*b)).collect();
        let size = text.parse().ok().filter(|_| tidy).ok_or_else(|| self.expected("a size"))?;
        self.rest = rest.strip_prefix(b"L").unwrap_or(rest); // a long of Python 2
        Ok(size)
    }
}

fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() { "its end".into() } else { crate::files::text::shown(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(literal: &str, version: u8) -> Result<Header, String> {
        let mut bytes = vec![0x93];
        bytes.extend(b"NUMPY");
        bytes.extend([version, 0]);
        let length = literal.len() as u32;
        bytes.extend(&length.to_le_bytes()[..if version == 1 { 2 } else { 4 }]);
        bytes.extend(literal.as_bytes());
        Header::read(&mut &bytes[..])
    }

    #[test]
    fn what_numpy_reads() {
        let long = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': (20, 30), }}{:60000}\n", "");
        for literal in [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 30), }\n",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (20L, 30L), }  \n",
            "{\"shape\":(20,30),\"fortran_order\":False,\"descr\":\"<f8\"}",
            "{'shape': (20, 30,), 'descr': u'float64',\n 'fortran_order': False}",
            "  { 'descr' : 'd' , 'fortran_order' : False , 'shape' : ( 2_0 , 30 ) , } ",
            &long,
        ] {
            for version in [1, 2, 3] {
                let header = header(literal, version).unwrap();
                assert_eq!((&header.shape[..], header.fortran), (&[20, 30][..], false), "{literal}");
                assert_eq!(header.length, literal.len() + if version == 1 { 10 } else { 12 });
            }
        }
        let column = header("{'descr': '|b1', 'fortran_order': True, 'shape': (3,)}", 1).unwrap();
        assert_eq!((column.shape, column.fortran), (vec![3], true));
        assert!(header("{'descr': '|b1', 'fortran_order': True, 'shape': ()}", 1).unwrap().shape.is_empty());
    }

    #[test]
    fn what_it_does_not() {
        for (literal, expected) in [
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (20Q, 30), }", "expected ',' before \"Q, 30), }\""),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (20), }", "ends in a comma"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': 20, }", "expected '('"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 3)}", "expected a size"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (02, 3)}", "expected a size"),
            ("{'descr': '<f8', 'fortran_order': False}", "no 'shape'"),
            ("{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}", "True or False"),
            ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,)}", "structured"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "objects"),
            ("{'descr': '<c16', 'fortran_order': False, 'shape': (2,)}", "elements of type \"<c16\""),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x': 1}", "unknown key"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} 3", "behind its end"),
            ("{'descr': '<f8', 'fortran", "a string that ends"),
            ("", "expected '{' before its end"),
        ] {
            let message = header(literal, 1).unwrap_err();
            assert!(message.contains(expected), "{literal}: {message}");
        }
        assert!(header("{}", 4).unwrap_err().contains("version 4.0"));
        assert!(Header::read(&mut &b"\x93NUMPY\x01\0v\0{'de"[..]).unwrap_err().contains("truncated"));
        assert!(Header::read(&mut &b"\x93NUMPY\x02\0\xff\xff\xff\xff"[..]).unwrap_err().contains("at most"));
    }
}
