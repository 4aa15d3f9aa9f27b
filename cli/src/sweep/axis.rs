//! Axes of a grid: keys of the configuration with the values they take together.
//!
//! ```text
//! key = [a, b, c]                                  as listed
//! key = { from, to, points, scale = "linear" }     from + (to − from)·k/(points − 1)
//! key = { from, to, points, scale = "log" }        from·(to/from)^(k/(points − 1))
//! ```
//!
//! Points between the ends are rounded to 12 significant digits, and to whole numbers where the key takes no others;
//! a point that rounding makes equal to the one before it is left out.

use crate::config::Config;
use crate::error::{Result, input_error};
use std::collections::{BTreeMap, HashSet};
use toml::{Table, Value};

/// Keys that go together, and one list of values for each, of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Dotted keys.
    pub keys: Vec<String>,
    /// `values[key][k]`.
    pub values: Vec<Vec<Value>>,
}

impl Axis {
    /// The number of points.
    pub fn points(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// The first point that is there before.
    pub fn twice(&self) -> Option<usize> {
        let mut seen = HashSet::new();
        let point = |k: usize| self.values.iter().map(|list| text(&list[k])).collect::<Vec<_>>();
        (0..self.points()).find(|&k| !seen.insert(point(k)))
    }
}

/// Every key of a configuration with its default, by dotted name.
pub fn defaults() -> BTreeMap<String, Value> {
    let table = Table::try_from(Config::default()).expect("the defaults are a table");
    flat(&table, |_| true)
}

/// A table by dotted names; `whole` says which inner tables are values.
pub fn flat(table: &Table, whole: impl Fn(&Table) -> bool + Copy) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if key.contains('.') && whole(inner) => drop(out.insert(key.clone(), value.clone())),
            Value::Table(inner) if !inner.is_empty() && !is_range(inner) => {
                out.extend(flat(inner, whole).into_iter().map(|(k, v)| (format!("{key}.{k}"), v)));
            }
            _ => drop(out.insert(key.clone(), value.clone())),
        }
    }
    out
}

/// Whether a table is a range and not a section.
pub fn is_range(table: &Table) -> bool {
    ["from", "to", "points"].iter().any(|key| table.contains_key(*key))
}

/// A number in the type that its key has, so that 100 and 1e2 are one value.
pub fn canonical(value: Value, default: Option<&Value>) -> Value {
    match (value, default) {
        (Value::Float(v), Some(Value::Integer(_))) if v.fract() == 0.0 && v.abs() < 9e18 => Value::Integer(v as i64),
        (Value::Integer(v), Some(Value::Float(_))) => Value::Float(v as f64),
        (value, _) => value,
    }
}

/// A value in the shortest text that stands for it alone.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Float(v) => format!("{v:?}"),
        other => other.to_string(),
    }
}

/// The values of one key, from a list or a range.
///
/// # Errors
/// [`crate::error::Error::Input`] with the key.
pub fn values(key: &str, given: &Value, default: Option<&Value>) -> Result<Vec<Value>> {
    let values = match given {
        Value::Array(list) => list.iter().map(|v| canonical(v.clone(), default)).collect(),
        Value::Table(range) if is_range(range) => points(key, range, default)?,
        _ => return Err(input_error!("{key}: expected a list, or {{ from, to, points, scale }}")),
    };
    if values.is_empty() {
        return Err(input_error!("{key}: the list is empty"));
    }
    Ok(values)
}

/// Keys of real numbers that must be whole.
const WHOLE: [&str; 1] = ["descent.steps"];

fn points(key: &str, range: &Table, default: Option<&Value>) -> Result<Vec<Value>> {
    if let Some(unknown) = range.keys().find(|k| !["from", "to", "points", "scale"].contains(&k.as_str())) {
        return Err(input_error!("{key}: unknown {unknown}; a range has from, to, points and scale"));
    }
    let number = |name: &str| match range.get(name) {
        Some(Value::Float(v)) if v.is_finite() => Ok(*v),
        Some(Value::Integer(v)) => Ok(*v as f64),
        _ => Err(input_error!("{key}: {name} must be a number")),
    };
    let (from, to, count) = (number("from")?, number("to")?, number("points")?);
    if !(count.fract() == 0.0 && (2.0..=1e6).contains(&count)) {
        return Err(input_error!("{key}: points = {count}: expected 2 to 1000000"));
    }
    let log = match range.get("scale").map(|s| s.as_str()) {
        None | Some(Some("linear")) => false,
        Some(Some("log")) if from > 0.0 && to > 0.0 => true,
        Some(Some("log")) => return Err(input_error!("{key}: scale = \"log\" needs from and to above 0")),
        _ => return Err(input_error!("{key}: scale must be \"log\" or \"linear\"")),
    };
    let whole = matches!(default, Some(Value::Integer(_))) || WHOLE.contains(&key);
    let last = count as usize - 1;
    let at = |k: usize| {
        let part = k as f64 / last as f64;
        let v = match k {
            0 => from,
            k if k == last => to,
            _ if log => digits(from * libm::pow(to / from, part)),
            _ => digits(part.mul_add(to - from, from)),
        };
        canonical(Value::Float(if whole { v.round() } else { v }), default)
    };
    let mut values: Vec<Value> = (0..=last).map(at).collect();
    values.dedup();
    Ok(values)
}

/// Rounded to 12 significant digits.
fn digits(v: f64) -> f64 {
    format!("{v:.11e}").parse().unwrap_or(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str, text: &str) -> Result<Vec<Value>> {
        let table: Table = format!("v = {text}").parse().unwrap();
        values(key, &table["v"], defaults().get(key))
    }

    #[test]
    fn lists_and_ranges() {
        let whole = |list: &[i64]| list.iter().map(|v| Value::Integer(*v)).collect::<Vec<_>>();
        let real = |list: &[f64]| list.iter().map(|v| Value::Float(*v)).collect::<Vec<_>>();
        assert_eq!(of("data.n", "[10, 1e2]").unwrap(), whole(&[10, 100]));
        assert_eq!(of("data.signal", "[1, 2.5]").unwrap(), real(&[1.0, 2.5]));
        let decades = "{ from = 1e2, to = 1e5, points = 4, scale = \"log\" }";
        assert_eq!(of("data.d", decades).unwrap(), whole(&[100, 1000, 10_000, 100_000]));
        assert_eq!(of("data.signal", decades).unwrap(), real(&[1e2, 1e3, 1e4, 1e5]));
        assert_eq!(of("data.n", "{ from = 1, to = 3, points = 9 }").unwrap(), whole(&[1, 2, 3]));
        assert_eq!(of("descent.steps", "{ from = 1, to = 2, points = 5 }").unwrap(), real(&[1.0, 2.0]));
        assert_eq!(of("network.leak", "{ from = 0.1, to = 0.5, points = 3 }").unwrap(), real(&[0.1, 0.3, 0.5]));
        for (bad, expected) in [
            ("[]", "empty"),
            ("3", "a list"),
            ("{ from = 0, to = 1, points = 3, scale = \"log\" }", "above 0"),
            ("{ from = 0, to = 1, points = 1 }", "points"),
            ("{ from = 0, to = 1, points = 3, step = 1 }", "step"),
            ("{ from = 0, to = 1 }", "points"),
            ("{ from = 0, to = 1, points = 2, scale = \"cubic\" }", "scale"),
        ] {
            let message = of("data.signal", bad).expect_err(bad).to_string();
            assert!(message.contains(expected) && message.starts_with("data.signal"), "{bad}: {message}");
        }
    }
}
