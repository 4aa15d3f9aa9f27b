//! The compiled part of the Python package `farfield`: problems, runs, limits and sweeps as calls that release the
//! interpreter, with arrays in and out.
//!
//! ```text
//! configuration (TOML) + arrays  →  Problem  →  run, limit, check, certificate  →  JSON, text, arrays
//!     settings                      problem      run limit                         arrays
//! a call: its own threads with the standard floating-point environment            work float_environment
//! ```
//!
//! What people see (names, defaults, tables, exceptions) is in Python, in `farfield/`; the numbers, the words of a
//! summary and the files of a folder are those of the command line.
#![deny(unsafe_code)]

mod arrays;
mod errors;
mod float_environment;
mod limit;
mod margin;
mod problem;
mod run;
mod settings;
mod sweep;
mod work;

/// The compiled part of farfield; use the package `farfield`.
#[pyo3::pymodule(gil_used = false)] // nothing here relies on the lock of the interpreter: every class is frozen
mod _farfield {
    #[pymodule_export]
    use crate::errors::Diverging;
    #[pymodule_export]
    use crate::limit::{Limit, summary_of_limit};
    #[pymodule_export]
    use crate::margin::{Margin, max_margin};
    #[pymodule_export]
    use crate::problem::Problem;
    #[pymodule_export]
    use crate::run::Run;
    #[pymodule_export]
    use crate::settings::{Config, version};
    #[pymodule_export]
    use crate::sweep::{merge, sweep, verify};
}
