//! Parts of a two-dimensional array, and no other bytes of its file.
//!
//! ```text
//! rows first:     for each row its columns, one piece of the file
//! columns first:  for each column its rows; short pieces together, with what lies between them
//! ```

use super::element::Element;
use super::header::Header;
use super::open;
use crate::error::{Result, input_error};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes between two pieces that are read rather than skipped.
const GAP: usize = 4096;

/// Most bytes at a time, unless one piece is longer.
const MOST: usize = 1 << 20;

/// A file that is not compressed, and stays open.
#[derive(Debug)]
pub struct Parts {
    file: Mutex<File>,
    header: Header,
    shape: (usize, usize),
}

impl Parts {
    /// Of the array in a file.
    ///
    /// # Errors
    /// As [`super::matrix`]; a compressed file.
    pub fn open(path: &Path) -> Result<Self> {
        let shape = super::shape(path)?;
        let mut opened = open::open(path)?;
        opened.length.ok_or_else(|| input_error!("{}: unpack it, to read parts of it", path.display()))?;
        let header = Header::read(&mut &std::mem::take(&mut opened.start)[..]).map_err(|e| input_error!("{e}"))?;
        if !header.element.is_number() {
            return Err(input_error!("{}: its elements are text; expected numbers", path.display()));
        }
        let file = File::open(path).map_err(|e| input_error!("{}: cannot read: {e}", path.display()))?;
        Ok(Self { file: Mutex::new(file), header, shape })
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// The numbers of some rows and columns (row-major).
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) -> std::io::Result<()> {
        let (size, fortran, width) = (self.header.element.size, self.header.fortran, columns.len());
        let (strips, along) = if fortran { (columns, rows) } else { (rows, columns) };
        let length = if fortran { self.shape.0 } else { self.shape.1 };
        // strips that are read together
        let near = (length - along.len()) * size <= GAP;
        let together = if near { (MOST / (length * size).max(1)).max(1) } else { 1 };
        let mut bytes = Vec::new();
        for first in strips.clone().step_by(together) {
            let group = first..strips.end.min(first + together);
            let count = (group.len() - 1) * length + along.len();
            bytes.resize(count * size, 0);
            self.bytes((group.start * length + along.start) * size, &mut bytes)?;
            for strip in group.clone() {
                let piece = &bytes[(strip - group.start) * length * size..][..along.len() * size];
                let strip = strip - strips.start;
                match fortran {
                    true => values(self.header.element, piece, |at, value| out[at * width + strip] = value),
                    false => {
                        let row = &mut out[strip * width..][..width];
                        values(self.header.element, piece, |at, value| row[at] = value);
                    }
                }
            }
        }
        Ok(())
    }

    fn bytes(&self, at: usize, bytes: &mut [u8]) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start((self.header.length + at) as u64))?;
        file.read_exact(bytes)
    }
}

/// Shows the numbers of a piece, with their places in it.
fn values(element: Element, bytes: &[u8], mut show: impl FnMut(usize, f64)) {
    if element == Element::named(b"<f8").expect("a type of NumPy") {
        let (numbers, _) = bytes.as_chunks::<8>();
        numbers.iter().enumerate().for_each(|(at, bytes)| show(at, f64::from_le_bytes(*bytes)));
        return;
    }
    bytes.chunks_exact(element.size).enumerate().for_each(|(at, bytes)| show(at, element.value(bytes)));
}
