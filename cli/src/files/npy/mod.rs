//! NumPy's `.npy` files: matrices, labels and vectors of any float or integer type and order; labels also of
//! booleans and text.
//!
//! A header ([`header`]) is followed by the elements ([`element`]). The file is read once, a block at a time, and
//! every number must be finite.

pub mod element;
pub mod header;
mod part;
mod write;

use super::Room;
use super::classes::Names;
use super::open::{self, Opened};
use crate::error::{Result, input_error};
use element::{Element, Kind};
use farfield::Matrix;
use header::Header;
pub use part::Parts;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
pub use write::{write_bits, write_matrix, write_samples, write_vector};

/// Elements per block: 64 K numbers of 8 bytes.
const BLOCK: usize = 1 << 16;

/// Reads a two-dimensional array.
///
/// # Errors
/// One line that names the file if it is missing, truncated, of another type or dimension, or holds
/// a number that is not finite.
pub fn matrix(path: &Path) -> Result<Matrix> {
    parse_matrix(open::open(path)?, &|_, _| Ok(()))
}

/// As [`matrix`], from a stream, if there is `room` for it.
///
/// # Errors
/// As [`matrix`]; an array too large for the memory.
pub fn parse_matrix(file: Opened, room: Room) -> Result<Matrix> {
    let mut file = Array::new(file)?;
    let [rows, cols] = file.header.shape[..] else {
        return Err(
            file.wrong(&format!("expected an array of 2 dimensions (samples × features), found {}", file.describe()))
        );
    };
    room(rows, cols)?;
    let mut values = file.buffer()?;
    if file.header.fortran {
        values.resize(rows * cols, 0.0);
        file.read(|at, v| values[at % rows * cols + at / rows] = v)?;
    } else {
        file.read(|_, v| values.push(v))?;
    }
    Ok(Matrix::new(rows, cols, values))
}

/// The sizes of a two-dimensional array.
///
/// # Errors
/// As [`matrix`].
pub fn shape(path: &Path) -> Result<(usize, usize)> {
    let file = Array::new(open::open(path)?)?;
    match file.header.shape[..] {
        [rows, cols] => Ok((rows, cols)),
        _ => {
            Err(file
                .wrong(&format!("expected an array of 2 dimensions (samples × features), found {}", file.describe())))
        }
    }
}

/// Reads some columns of a two-dimensional array, and no other bytes of a file that is not compressed.
///
/// # Errors
/// As [`matrix`]; a compressed file.
pub fn columns(path: &Path, columns: Range<usize>) -> Result<Matrix> {
    let parts = Parts::open(path)?;
    let rows = parts.shape().0;
    let mut x = Matrix::zeros(rows, columns.len());
    let failed = |e: std::io::Error| input_error!("{}: cannot read: {e}", path.display());
    parts.read(0..rows, columns, x.values_mut()).map_err(failed)?;
    Ok(x)
}

/// Reads an array of one dimension, or of two of which one is 1.
///
/// # Errors
/// As [`matrix`].
pub fn vector(path: &Path) -> Result<Vec<f64>> {
    let mut file = Array::new(open::open(path)?)?;
    file.one_dimension()?;
    let mut values = file.buffer()?;
    file.read(|_, v| values.push(v))?;
    Ok(values)
}

/// Reads the labels of n samples, of any type: the class of each, and what the classes are called.
///
/// # Errors
/// As [`matrix`]; another number of labels, more than two classes.
pub fn parse_names(file: Opened, n: usize) -> Result<(Vec<u8>, Names)> {
    let mut file = Array::new(file)?;
    file.one_dimension()?;
    let count = file.count();
    if count != n {
        return Err(file.wrong(&format!("{count} labels for {n} samples")));
    }
    let (element, mut names, mut indices) = (file.header.element, Names::default(), Vec::with_capacity(count));
    let mut last: Option<(Vec<u8>, u8)> = None;
    file.elements(|at, bytes| {
        if let Some((same, k)) = &last
            && same == bytes
        {
            indices.push(*k);
            return Ok(());
        }
        let class = element.label(bytes).and_then(|label| match element.kind {
            Kind::Bool => names.index_of_number(&label, element.value(bytes)),
            _ => names.index(&label),
        });
        let k = class.map_err(|e| format!("entry {at}: {e}"))? as u8;
        last = Some((bytes.to_vec(), k));
        indices.push(k);
        Ok(())
    })?;
    Ok((indices, names))
}

/// A file whose header has been read and checked against its length.
struct Array<'a> {
    path: &'a Path,
    bytes: Box<dyn Read + 'a>,
    header: Header,
}

impl<'a> Array<'a> {
    fn new(file: Opened<'a>) -> Result<Self> {
        let (path, length) = (file.path, file.length);
        let mut bytes: Box<dyn Read + 'a> = Box::new(file.bytes());
        let header = Header::read(&mut bytes);
        let header = header.map_err(|e| input_error!("{}: not a .npy file that can be read: {e}", path.display()))?;
        let array = Self { path, bytes, header };
        let count = array.header.shape.iter().try_fold(1usize, |c, s| c.checked_mul(*s));
        let needed = count.and_then(|c| c.checked_mul(array.header.element.size.max(1)));
        let present = length.map(|l| l.saturating_sub(array.header.length as u64));
        match (needed.and_then(|n| u64::try_from(n).ok()), present) {
            (Some(needed), Some(present)) if needed > present && array.header.element.size > 0 => {
                Err(array.truncated(present))
            }
            (None, present) => Err(array.truncated(present.unwrap_or(0))),
            _ => Ok(array),
        }
    }

    fn wrong(&self, what: &str) -> crate::error::Error {
        input_error!("{}: {what}", self.path.display())
    }

    fn truncated(&self, present: u64) -> crate::error::Error {
        self.wrong(&format!("truncated: {} needs more than the {present} bytes present", self.describe()))
    }

    fn describe(&self) -> String {
        let sizes: Vec<String> = self.header.shape.iter().map(usize::to_string).collect();
        if sizes.is_empty() { "a single number".into() } else { format!("shape {}", sizes.join("×")) }
    }

    /// The number of elements; its product with their size has been checked.
    fn count(&self) -> usize {
        self.header.shape.iter().product()
    }

    fn one_dimension(&self) -> Result<()> {
        match self.header.shape[..] {
            [_] | [_, 1] | [1, _] => Ok(()),
            _ => Err(self.wrong(&format!("expected an array of 1 dimension, found {}", self.describe()))),
        }
    }

    /// Room for every number.
    fn buffer(&self) -> Result<Vec<f64>> {
        let (count, mut values) = (self.count(), Vec::new());
        let gib = count as f64 * 8.0 / 2f64.powi(30);
        let large = |_| self.wrong(&format!("{} needs {gib:.1} GiB of memory", self.describe()));
        values.try_reserve_exact(count).map_err(large)?;
        Ok(values)
    }

    /// Gives the bytes of every element, with its position in the file, to `take`.
    fn elements(&mut self, mut take: impl FnMut(usize, &[u8]) -> std::result::Result<(), String>) -> Result<()> {
        let (count, size) = (self.count(), self.header.element.size);
        if size == 0 {
            return if count == 0 { Ok(()) } else { Err(self.wrong("its texts are all empty")) };
        }
        let per_block = (BLOCK * 8 / size).max(1);
        let mut block = vec![0; per_block.min(count) * size];
        let mut at = 0;
        while at < count {
            let bytes = &mut block[..per_block.min(count - at) * size];
            self.bytes.read_exact(bytes).map_err(|e| input_error!("{}: cannot read: {e}", self.path.display()))?;
            for element in bytes.chunks_exact(size) {
                take(at, element).map_err(|e| input_error!("{}: {e}", self.path.display()))?;
                at += 1;
            }
        }
        Ok(())
    }

    /// Gives every number, with its position in the file, to `take`.
    fn read(&mut self, mut take: impl FnMut(usize, f64)) -> Result<()> {
        let (element, shape, fortran) = (self.header.element, self.header.shape.clone(), self.header.fortran);
        if !element.is_number() {
            return Err(self.wrong("its elements are text; expected numbers"));
        }
        let mut finite = |at: usize, v: f64| {
            if !v.is_finite() {
                return Err(format!("{v} at {}; every number must be finite", position(at, &shape, fortran)));
            }
            take(at, v);
            Ok(())
        };
        if element == Element::named(b"<f8").expect("a type of NumPy") {
            return self.elements(|at, bytes| finite(at, f64::from_le_bytes(bytes.try_into().expect("8 bytes"))));
        }
        self.elements(|at, bytes| finite(at, element.value(bytes)))
    }
}

fn position(at: usize, shape: &[usize], fortran: bool) -> String {
    match (shape, fortran) {
        ([_, cols], false) => format!("row {}, column {}", at / cols, at % cols),
        ([rows, _], true) => format!("row {}, column {}", at % rows, at / rows),
        _ => format!("entry {at}"),
    }
}

#[cfg(test)]
mod tests;
