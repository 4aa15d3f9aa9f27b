//! Arrays of NumPy in and out. Incoming ones are copied once, row by row, whatever their layout. Samples in f32 stay so; where
//! f32 is widened, it is by the threads that compute, since the caller's may flush subnormal numbers.

use crate::float_environment::Standard;
use farfield::{Data, Matrix, Pattern, Single, View, Watch};
use farfield_cli::trace::{Column, Value};
use numpy::ndarray::Array2;
use numpy::{PyArray1, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// The numbers of an array, copied.
pub enum Numbers {
    /// As they are.
    F64(usize, usize, Vec<f64>),
    /// In single precision.
    F32(usize, usize, Vec<f32>),
}

impl Numbers {
    /// Of a two-dimensional array of f64 or f32.
    ///
    /// # Errors
    /// `TypeError` for any other.
    pub fn of(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(array) = array.extract::<PyReadonlyArray2<'_, f64>>() {
            let (values, [rows, cols]) = copied(&array)?;
            return Ok(Self::F64(rows, cols, values));
        }
        match array.extract::<PyReadonlyArray2<'_, f32>>() {
            Ok(array) => {
                let (values, [rows, cols]) = copied(&array)?;
                Ok(Self::F32(rows, cols, values))
            }
            Err(_) => Err(PyTypeError::new_err("expected a two-dimensional array of float64 or float32")),
        }
    }

    /// As samples with labels ±1.
    ///
    /// # Errors
    /// As [`Data::watched`].
    pub fn data(self, y: Vec<f64>, watch: &Watch) -> farfield::Result<Data> {
        match self {
            Self::F64(rows, cols, values) => Data::watched(Matrix::new(rows, cols, values), y, watch),
            Self::F32(rows, cols, values) => Data::single(Single::new(rows, cols, values), y, watch),
        }
    }

    /// As a matrix; on a thread with the standard floating-point environment.
    pub fn matrix(self) -> Matrix {
        match self {
            Self::F64(rows, cols, values) => Matrix::new(rows, cols, values),
            Self::F32(rows, cols, values) => Matrix::new(rows, cols, values.into_iter().map(f64::from).collect()),
        }
    }
}

fn copied<T: numpy::Element + Copy>(array: &PyReadonlyArray2<'_, T>) -> PyResult<(Vec<T>, [usize; 2])> {
    let shape = [array.shape()[0], array.shape()[1]];
    // as_slice alone would take Fortran order too
    let values = match array.is_c_contiguous() {
        true => array.as_slice()?.to_vec(),
        false => array.as_array().iter().copied().collect(),
    };
    Ok((values, shape))
}

/// A vector as an array.
pub fn vector(py: Python<'_>, values: Vec<f64>) -> Bound<'_, PyArray1<f64>> {
    PyArray1::from_vec(py, values)
}

/// A matrix as an array in C order.
pub fn matrix(py: Python<'_>, matrix: Matrix) -> Bound<'_, PyArray2<f64>> {
    let shape = (matrix.rows(), matrix.cols());
    let array = Array2::from_shape_vec(shape, matrix.into_values()).expect("rows·cols values");
    PyArray2::from_owned_array(py, array)
}

/// Samples as an array of f64 in C order; a copy.
pub fn widened<'py>(py: Python<'py>, x: View) -> Bound<'py, PyArray2<f64>> {
    let copy = match x {
        View::Double(x) => x.clone(),
        View::Single(x) => Standard::within(|| x.widened()),
    };
    matrix(py, copy)
}

/// The bits of a pattern (n×m) as an array.
pub fn pattern<'py>(py: Python<'py>, pattern: &Pattern) -> Bound<'py, PyArray2<bool>> {
    let shape = (pattern.samples(), pattern.neurons());
    PyArray2::from_owned_array(py, Array2::from_shape_fn(shape, |(i, j)| pattern.get(i, j)))
}

fn count(value: &Value) -> Option<i64> {
    match value {
        Value::Count(k) | Value::MaybeCount(Some(k)) => Some(*k as i64),
        _ => None,
    }
}

/// Columns of rows by name: numbers (not a number where undefined), counts as integers where all are defined, names as a list
/// of texts.
pub fn columns<'py>(py: Python<'py>, columns: &[Column], rows: &[farfield::Row]) -> PyResult<Bound<'py, PyDict>> {
    let table = PyDict::new(py);
    for (name, field) in columns {
        let values: Vec<Value> = rows.iter().map(field).collect();
        match values.first() {
            Some(Value::Name(_)) => {
                let names = values.iter().map(Value::to_string);
                table.set_item(name, PyList::new(py, names.collect::<Vec<_>>())?)?;
            }
            Some(_) if values.iter().all(|v| count(v).is_some()) => {
                let counts = values.iter().filter_map(count).collect();
                table.set_item(name, PyArray1::from_vec(py, counts))?;
            }
            _ => {
                let number = |v: &Value| match v {
                    Value::Number(v) | Value::Maybe(Some(v)) => *v,
                    Value::MaybeCount(Some(k)) => *k as f64,
                    _ => f64::NAN,
                };
                table.set_item(name, vector(py, values.iter().map(number).collect()))?;
            }
        }
    }
    Ok(table)
}
