//! Files as streams of bytes: gzip is unpacked, and what cannot be read as text is called by its name.

use crate::error::{Result, input_error};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

/// Bytes at the start of a file that are looked at before it is read.
const START: u64 = 1 << 16;

/// A stream whose first bytes are known.
pub struct Opened<'a> {
    /// What messages call it.
    pub path: &'a Path,
    /// The first bytes, at most 64 KiB.
    pub start: Vec<u8>,
    /// The length in bytes, where it is known before reading: that of a plain file.
    pub length: Option<u64>,
    rest: Box<dyn Read + 'a>,
}

/// Opens a file.
///
/// # Errors
/// [`crate::error::Error::Input`] if it cannot be read.
pub fn open(path: &Path) -> Result<Opened<'_>> {
    let file = File::open(path).map_err(|e| input_error!("{}: cannot read: {e}", path.display()))?;
    let length = file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len());
    stream(file, path, length)
}

/// As [`open`], any stream of bytes that messages call `path`.
///
/// # Errors
/// As [`open`].
pub fn stream<'a>(bytes: impl Read + 'a, path: &'a Path, length: Option<u64>) -> Result<Opened<'a>> {
    let opened = Opened { path, start: Vec::new(), length, rest: Box::new(bytes) }.begin()?;
    if !opened.start.starts_with(b"\x1f\x8b") {
        return Ok(opened);
    }
    let packed = Cursor::new(opened.start).chain(opened.rest);
    Opened { path, start: Vec::new(), length: None, rest: Box::new(MultiGzDecoder::new(packed)) }.begin()
}

impl<'a> Opened<'a> {
    fn begin(mut self) -> Result<Self> {
        let read = self.rest.by_ref().take(START).read_to_end(&mut self.start);
        read.map_err(|e| input_error!("{}: cannot read: {e}", self.path.display()))?;
        Ok(self)
    }

    /// All bytes, the first ones included.
    pub fn bytes(self) -> impl Read + 'a {
        Cursor::new(self.start).chain(self.rest)
    }

    /// All bytes of a text, without its byte order mark.
    ///
    /// # Errors
    /// What it is if it is no text in lines: see [`not_text`].
    pub fn text(mut self) -> Result<impl Read + 'a> {
        if let Some(what) = not_text(&self.start) {
            return Err(input_error!("{}: {what}", self.path.display()));
        }
        if self.start.starts_with(b"\xef\xbb\xbf") {
            self.start.drain(..3);
        }
        Ok(self.bytes())
    }

    /// All of a text, in memory.
    ///
    /// # Errors
    /// As [`Opened::text`]; a file that cannot be read to its end.
    pub fn whole_text(self) -> Result<Vec<u8>> {
        let (path, mut text) = (self.path, Vec::new());
        let read = self.text()?.read_to_end(&mut text);
        read.map_err(|e| input_error!("{}: cannot read: {e}", path.display()))?;
        Ok(text)
    }
}

/// Why these first bytes of a file are not those of a text in lines, if so.
pub fn not_text(start: &[u8]) -> Option<String> {
    const KNOWN: [(&[u8], &str); 12] = [
        (b"\x93NUMPY", "a NumPy array; name it .npy, or set data.format = \"npy\""),
        (b"PK\x03\x04", "a zip archive (.npz, .xlsx); save one table as text, or one array with numpy.save"),
        (b"BZh", "compressed with bzip2; unpack it (gzip is read as it is)"),
        (b"\xfd7zXZ", "compressed with xz; unpack it (gzip is read as it is)"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it (gzip is read as it is)"),
        (b"\x89HDF", "an HDF5 file; save one array with numpy.save, or a table as text"),
        (b"PAR1", "a Parquet file; save it as CSV, or one array with numpy.save"),
        (b"\xff\xfe\0\0", "text in UTF-32; save it as UTF-8"),
        (b"\0\0\xfe\xff", "text in UTF-32; save it as UTF-8"),
        (b"\xff\xfe", "text in UTF-16; save it as UTF-8"),
        (b"\xfe\xff", "text in UTF-16; save it as UTF-8"),
        (b"\x80\x04\x95", "a Python pickle; save one array with numpy.save, or a table as text"),
    ];
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(what.to_string());
    }
    if start.contains(&0) {
        let half = start.iter().skip(1).step_by(2).take(100).filter(|b| **b == 0).count();
        let what = if half > 40 { "text in UTF-16 without its mark; save it as UTF-8" } else { "binary, no text" };
        return Some(what.into());
    }
    let returned = start.iter().position(|b| *b == b'\r').is_some_and(|at| at + 1 < start.len());
    let lone = returned && !start.contains(&b'\n');
    lone.then(|| "its lines end in carriage returns (CR) alone; save it with LF or CR LF".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn text(bytes: &[u8]) -> Result<Vec<u8>> {
        stream(bytes, Path::new("t"), None)?.whole_text()
    }

    #[test]
    fn gzip_is_unpacked_and_marks_are_dropped() {
        let pack = |bytes: &[u8]| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        };
        assert_eq!(text(b"\xef\xbb\xbf1,2\n").unwrap(), b"1,2\n");
        let packed = pack(b"\xef\xbb\xbf1,2\n");
        assert_eq!(text(&packed).unwrap(), b"1,2\n");
        assert_eq!(text(&[pack(b"1\n"), pack(b"2\n")].concat()).unwrap(), b"1\n2\n");
        assert!(text(&packed[..packed.len() - 6]).unwrap_err().to_string().starts_with("t: cannot read"));
        assert_eq!(text(b"1,2\r").unwrap(), b"1,2\r");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let wide: Vec<u8> = "1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, word) in [
            (&[&b"\xff\xfe"[..], &wide].concat()[..], "UTF-16"),
            (&wide.repeat(60), "UTF-16"),
            (b"1,2\r3,4\r", "carriage returns"),
            (b"1,2\n\0\0\0", "binary"),
            (b"PK\x03\x04...", "zip"),
            (b"\x93NUMPY", "data.format"),
        ] {
            let message = text(bytes).unwrap_err().to_string();
            assert!(message.contains(word) && message.lines().count() == 1, "{message}");
        }
    }
}
