//! What a run leaves behind: trace.csv, result.json, arrays, digests.
//!
//! Floats have 17 significant digits in every file, so that they read back to the same bits; NaN and
//! infinities are written as the strings "NaN", "inf", "-inf" in JSON.

use crate::error::{Error, Result};
use crate::monitor::Row;
use serde::{Serialize, Serializer};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A float that survives JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(pub f64);

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            v if v.is_finite() => s.serialize_f64(v),
            v if v.is_nan() => s.serialize_str("NaN"),
            v if v > 0.0 => s.serialize_str("inf"),
            _ => s.serialize_str("-inf"),
        }
    }
}

/// Serializes a float as [`Real`] does, for `#[serde(serialize_with)]`.
pub fn real<S: Serializer>(v: &f64, s: S) -> std::result::Result<S::Ok, S::Error> {
    Real(*v).serialize(s)
}

/// As [`real`], for a float that may be unknown.
pub fn maybe_real<S: Serializer>(v: &Option<f64>, s: S) -> std::result::Result<S::Ok, S::Error> {
    v.map(Real).serialize(s)
}

/// Pretty JSON with 17 significant digits.
struct Digits(serde_json::ser::PrettyFormatter<'static>);

impl serde_json::ser::Formatter for Digits {
    fn write_f64<W: ?Sized + Write>(&mut self, w: &mut W, v: f64) -> io::Result<()> {
        write!(w, "{v:.16e}")
    }
    fn begin_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_array(w)
    }
    fn end_array<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array(w)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array_value(w)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object(w)
    }
    fn end_object<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object(w)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object_value(w)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_value(w)
    }
}

/// A value as JSON text, ending in a newline.
pub fn to_json(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    let format = Digits(serde_json::ser::PrettyFormatter::new());
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, format);
    value.serialize(&mut serializer).expect("plain structures serialize");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// A folder of results.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder and proves that it can be written.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot.
    pub fn create(path: PathBuf) -> Result<Self> {
        let fail = |e: io::Error| {
            Error::Input(format!("cannot write to the output folder {}: {e}; choose another with -o", path.display()))
        };
        std::fs::create_dir_all(&path).map_err(fail)?;
        let probe = path.join(".writable");
        File::create(&probe).map_err(fail)?;
        std::fs::remove_file(&probe).map_err(fail)?;
        Ok(Self(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a whole file by renaming a finished one into place.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let (part, whole) = (self.0.join(format!(".{name}.part")), self.0.join(name));
        std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, &whole)).map_err(|e| failed(&whole, e))
    }

    /// Begins trace.csv.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn trace(&self) -> Result<Trace> {
        let path = self.0.join("trace.csv");
        let file = File::create(&path).map_err(|e| failed(&path, e))?;
        let mut trace = Trace { path, out: BufWriter::new(file) };
        trace.line(&COLUMNS.join(","))?;
        Ok(trace)
    }
}

impl Folder {
    /// Begins precision.csv.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn precision_trace(&self) -> Result<PrecisionTrace> {
        let path = self.0.join("precision.csv");
        let file = File::create(&path).map_err(|e| failed(&path, e))?;
        let mut trace = PrecisionTrace(Trace { path, out: BufWriter::new(file) });
        trace.0.line(&PRECISION_COLUMNS.join(","))?;
        Ok(trace)
    }
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::Internal(format!("cannot write {}: {error}", path.display()))
}

const COLUMNS: [&str; 12] = [
    "t",
    "log_loss",
    "min_margin",
    "weight_norm",
    "gradient_norm",
    "cosine_gap",
    "certified_cosine_gap",
    "gradient_cosine_gap",
    "dual_gap",
    "sign_agreement",
    "flips",
    "segment",
];

/// trace.csv, complete up to the last row at every moment.
pub struct Trace {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Trace {
    /// Appends a row.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn append(&mut self, row: &Row) -> Result<()> {
        let text = |v: f64| format!("{v:.16e}");
        let maybe = |v: Option<f64>| v.map(text).unwrap_or_default();
        self.line(
            &[
                text(row.t),
                text(row.log_loss),
                text(row.min_margin),
                text(row.weight_norm),
                text(row.gradient_norm),
                maybe(row.cosine_gap),
                maybe(row.certified_cosine_gap),
                maybe(row.gradient_cosine_gap),
                maybe(row.dual_gap),
                text(row.sign_agreement),
                row.flips.count.to_string(),
                row.segment.to_string(),
            ]
            .join(","),
        )
    }

    fn line(&mut self, line: &str) -> Result<()> {
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).map_err(|e| failed(&self.path, e))
    }
}

const PRECISION_COLUMNS: [&str; 7] =
    ["t", "precision", "drift", "lost_fraction", "anchors", "interval", "certificate_rounding"];

/// precision.csv: the rounding of the steps at the monitored t.
pub struct PrecisionTrace(Trace);

impl PrecisionTrace {
    /// Appends what a row knows of rounding.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn append(&mut self, row: &Row) -> Result<()> {
        let rounding = row.rounding.unwrap_or_default();
        let maybe = |v: Option<f64>| v.map(|v| format!("{v:.16e}")).unwrap_or_default();
        self.0.line(
            &[
                maybe(Some(row.t)),
                row.precision.name().to_string(),
                maybe(rounding.drift),
                maybe(Some(rounding.lost)),
                rounding.anchors.to_string(),
                rounding.interval.to_string(),
                maybe(row.certificate_rounding),
            ]
            .join(","),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_survive() {
        let values = [0.1, -2.0 / 3.0, 1e300, 5e-324, 0.0];
        let json = to_json(&values.map(Real));
        assert_eq!(serde_json::from_str::<Vec<f64>>(&json).unwrap(), values);
        assert_eq!(to_json(&Real(f64::NAN)), "\"NaN\"\n");
        assert_eq!(to_json(&Real(f64::NEG_INFINITY)), "\"-inf\"\n");
    }
}
