//! Errors as exceptions. Bad input is a `ValueError`, a file that cannot be written an `OSError`, an interrupt a
//! `KeyboardInterrupt`; the messages are those of the command line, and the package names arguments instead of keys.

use farfield_cli::error::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyArithmeticError, PyKeyboardInterrupt, PyOSError, PyValueError};
use pyo3::prelude::*;

create_exception!(_farfield, Diverging, PyArithmeticError, "Numbers overflow before the first step.");

/// An error of the command line's library as an exception.
pub fn exception(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Input(_) => PyValueError::new_err(text),
        Error::Internal(_) | Error::Fault => PyOSError::new_err(text),
        Error::Numerical(_) => Diverging::new_err(text),
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
    }
}

/// An error of the library as an exception; where it speaks of a place in an array, the array is named.
pub fn refused(error: farfield::Error) -> PyErr {
    match &error {
        farfield::Error::NotFinite { .. } | farfield::Error::Length { .. } => {
            PyValueError::new_err(format!("X: {error}"))
        }
        _ => exception(error.into()),
    }
}
