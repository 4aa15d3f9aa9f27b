//! The arrays that a command leaves, as .npy files of its folder.

use crate::error::Result;
use crate::folder::Folder;
use farfield::{Matrix, Pattern};
use ndarray::{Array2, ArrayView, ArrayView1, ArrayView2, Dimension};
use ndarray_npy::{WritableElement, WriteNpyError, WriteNpyExt};
use std::io;

/// Writes a vector as f64.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn vector(folder: &Folder, name: &str, v: &[f64]) -> Result<()> {
    put(folder, name, &ArrayView1::from(v))
}

/// Writes a matrix as f64, C order.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn matrix(folder: &Folder, name: &str, m: &Matrix) -> Result<()> {
    put(folder, name, &ArrayView2::from_shape((m.rows(), m.cols()), m.values()).expect("rows·cols values"))
}

/// Writes a pattern (n×m) as int8, 0 or 1, C order.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn pattern(folder: &Folder, name: &str, pattern: &Pattern) -> Result<()> {
    let shape = (pattern.samples(), pattern.neurons());
    put(folder, name, &Array2::from_shape_fn(shape, |(i, j)| i8::from(pattern.get(i, j))).view())
}

fn put<A: WritableElement, D: Dimension>(folder: &Folder, name: &str, view: &ArrayView<A, D>) -> Result<()> {
    folder.put(name, |out| {
        view.write_npy(out).map_err(|e| match e {
            WriteNpyError::Io(e) => e,
            other => io::Error::other(other),
        })
    })
}
