//! JSON as files and stdout carry it: indented, every float with 17 significant digits, so that it reads back to
//! the same bits. NaN and infinities are strings ([`farfield::real`]).

use serde::Serialize;
use std::io::{self, Write};

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

#[cfg(test)]
mod tests {
    use super::*;
    use farfield::real::Real;

    #[test]
    fn floats_survive() {
        let values = [0.1, -2.0 / 3.0, 1e300, 5e-324, 0.0];
        let json = to_json(&values.map(Real));
        assert_eq!(serde_json::from_str::<Vec<f64>>(&json).unwrap(), values);
        assert_eq!(to_json(&Real(f64::NAN)), "\"NaN\"\n");
        assert_eq!(to_json(&Real(f64::NEG_INFINITY)), "\"-inf\"\n");
    }
}
