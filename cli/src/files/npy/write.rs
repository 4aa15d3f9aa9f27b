//! Arrays that runs leave: f64, f32 and int8, C order, version 1.0.

use crate::error::{Error, Result};
use farfield::{Matrix, View};
use ndarray_npy::{WritableElement, WriteNpyExt};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes a matrix as f64, C order.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_matrix(path: &Path, m: &Matrix) -> Result<()> {
    let view = ndarray::ArrayView2::from_shape((m.rows(), m.cols()), m.values()).expect("rows·cols values");
    write(path, &view)
}

/// Writes samples in the type that holds them, C order.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_samples(path: &Path, x: View) -> Result<()> {
    match x {
        View::Double(x) => write_matrix(path, x),
        View::Single(x) => {
            let view = ndarray::ArrayView2::from_shape((x.rows(), x.cols()), x.values()).expect("rows·cols values");
            write(path, &view)
        }
    }
}

/// Writes a vector as f64.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_vector(path: &Path, v: &[f64]) -> Result<()> {
    write(path, &ndarray::ArrayView1::from(v))
}

/// Writes an r×c matrix of bits as int8, 0 or 1, C order.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_bits(path: &Path, rows: usize, cols: usize, bit: impl Fn(usize, usize) -> bool) -> Result<()> {
    let bits = ndarray::Array2::from_shape_fn((rows, cols), |(i, j)| i8::from(bit(i, j)));
    write(path, &bits.view())
}

fn write<A: WritableElement, D: ndarray::Dimension>(path: &Path, view: &ndarray::ArrayView<A, D>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| Error::Internal(format!("{}: cannot write: {e}", path.display()));
    let mut file = BufWriter::new(File::create(path).map_err(|e| failed(&e))?);
    view.write_npy(&mut file).map_err(|e| failed(&e))?;
    file.flush().map_err(|e| failed(&e))
}
