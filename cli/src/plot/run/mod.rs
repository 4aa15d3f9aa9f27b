//! The figures of a run, from the files that it left: nothing is run again.
//!
//! ```text
//! margin     min margin/‖W‖ below the maximal margin                     trace.csv, result.json
//! gaps       of W, of the gradient, of the weights, and the bound        trace.csv
//! loss       loss, gradient, norm                                        trace.csv
//! signs      agreement, flips, and which engine was at work              trace.csv
//! sliding    where neurons slide: fractions predicted and observed       result.json
//! dual       λ predicted and α c t s(q) observed                         result.json, dual.npy, margins.npy
//! held_out   errors on samples that are not trained on                   held_out.csv, result.json
//! test_error the test error of the weights                               trace.csv, result.json
//! ```
//!
//! and of a limit alone `weights`, λ in decreasing order, from result.json and dual.npy.
//!
//! The axis of t is that of log₁₀ t, to 10³⁰⁰; t = 0 has no place on it and is in the tables alone.

mod dual;
mod gaps;
mod held_out;
mod loss;
mod margin;
mod signs;
mod sliding;
mod test_error;
mod weights;

use super::axis::{Axis, Scale};
use super::chart::Point;
use super::figure::{Figure, Outcome};
use super::table::{Data, Table, digest, unreadable};
use crate::error::{Result, input_error};
use crate::files::npy;
use crate::folder::plots::FIGURES;
use crate::sweep::scalars::number;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a run left.
pub struct Run {
    dir: PathBuf,
    trace: Table,
    /// log₁₀ t of each row; none for t = 0.
    x: Vec<Option<f64>>,
    result: Option<Value>,
    sources: Vec<String>,
}

/// Every figure of the run in a folder, or why there is none.
///
/// # Errors
/// [`crate::error::Error::Input`] for files that cannot be read or do not belong together.
pub fn figures(dir: &Path) -> Result<Vec<Outcome>> {
    let run = Run::read(dir)?;
    let mut outcomes = Vec::new();
    for (name, figure) in FIGURES.into_iter().zip([
        margin::figure,
        gaps::figure,
        loss::figure,
        signs::figure,
        sliding::figure,
        dual::figure,
        held_out::figure,
        test_error::figure,
    ]) {
        outcomes.push(match figure(&run)? {
            Ok(figure) => Outcome::Drawn(Box::new(figure.named(name, &run.sources))),
            Err(why) => Outcome::Nothing { name: name.into(), why },
        });
    }
    Ok(outcomes)
}

/// The figure of a limit in a folder, or why there is none.
///
/// # Errors
/// As [`figures`].
pub fn of_limit(dir: &Path) -> Result<Vec<Outcome>> {
    let (mut sources, name) = (Vec::new(), "weights");
    let result = result(dir, &mut sources)?;
    let run = Run { dir: dir.into(), trace: Table::default(), x: Vec::new(), result, sources };
    Ok(vec![match weights::figure(&run)? {
        Ok(figure) => Outcome::Drawn(Box::new(figure.named(name, &run.sources))),
        Err(why) => Outcome::Nothing { name: name.into(), why },
    }])
}

/// The content of result.json, if there is one; its digest goes to the sources.
fn result(dir: &Path, sources: &mut Vec<String>) -> Result<Option<Value>> {
    let path = dir.join("result.json");
    match std::fs::read(&path) {
        Ok(bytes) => {
            sources.push(format!("result.json (blake3 {})", digest(&bytes)));
            serde_json::from_slice(&bytes).map(Some).map_err(|e| unreadable(&path, e))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(&path, e)),
    }
}

/// A figure without its name, or why there is none.
type Drawn = Result<std::result::Result<Figure, String>>;

impl Run {
    fn read(dir: &Path) -> Result<Self> {
        let trace = Table::read(&dir.join("trace.csv"))?;
        if trace.find("t").is_none() {
            return Err(input_error!("{}: no column t; it is no trace of a run", dir.join("trace.csv").display()));
        }
        let mut sources = vec![format!("trace.csv ({} rows, blake3 {})", trace.rows.len(), trace.digest)];
        let result = result(dir, &mut sources)?;
        let x = trace.numbers("t").into_iter().map(logarithm).collect();
        Ok(Self { dir: dir.into(), trace, x, result, sources })
    }

    /// A field of result.json by its dotted name.
    fn field(&self, name: &str) -> Option<&Value> {
        name.split('.').try_fold(self.result.as_ref()?, |value, key| value.get(key))
    }

    /// A number of result.json; none for NaN.
    fn number(&self, name: &str) -> Option<f64> {
        self.field(name).and_then(number).filter(|v| !v.is_nan())
    }

    /// An array beside result.json, if it is the one that belongs to it.
    fn array(&self, name: &str) -> Result<Option<Vec<f64>>> {
        let path = self.dir.join(name);
        let listed = self.field("files").and_then(|files| files.get(name)).and_then(Value::as_str);
        let Some(listed) = listed else { return Ok(None) };
        let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, e))?;
        if blake3::hash(&bytes).to_hex().as_str() != listed {
            let path = path.display();
            return Err(input_error!("{path}: not the one that belongs to result.json (another digest); run again"));
        }
        npy::vector(&path).map(Some)
    }

    /// The axis of t, for all rows.
    fn axis(&self) -> Axis {
        let flow = self.trace.texts("segment").contains(&"flow");
        let name = if flow { "t, time of gradient flow" } else { "t, steps of gradient descent" };
        Axis::around(name, Scale::Decades, self.x.iter().copied().flatten())
    }

    /// The last row with t > 0; none: there is nothing on the axis.
    fn last(&self) -> Option<(usize, f64)> {
        self.x.iter().enumerate().rev().find_map(|(k, x)| x.map(|x| (k, x)))
    }

    /// Why there is nothing on the axis of t.
    fn nothing(&self) -> String {
        match self.trace.rows.len() {
            0 => "trace.csv has no row yet".into(),
            _ => "trace.csv has no row with t > 0".into(),
        }
    }

    /// A column against log₁₀ t.
    fn points(&self, values: &[Option<f64>]) -> Vec<Point> {
        let finite = |v: &Option<f64>| v.filter(|v| v.is_finite());
        self.x.iter().zip(values).filter_map(|(x, v)| Some(((*x)?, finite(v)))).collect()
    }

    /// A table that begins with t and log₁₀ t.
    fn data(&self) -> Data {
        Data::default().numbers("t", &self.trace.numbers("t")).numbers("log10_t", &self.x)
    }
}

/// log₁₀ of a positive number.
fn logarithm(v: Option<f64>) -> Option<f64> {
    v.filter(|v| *v > 0.0 && v.is_finite()).map(f64::log10)
}

/// log₁₀ of each positive number.
fn logarithms(values: &[Option<f64>]) -> Vec<Option<f64>> {
    values.iter().map(|v| logarithm(*v)).collect()
}

/// The numbers of points.
fn values<'a>(points: impl IntoIterator<Item = &'a Vec<Point>>) -> Vec<f64> {
    points.into_iter().flatten().filter_map(|(_, y)| *y).collect()
}
