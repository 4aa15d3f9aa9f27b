//! How values are written in TOML.

use farfield::{Loss, Measure, StepSize};
use serde::{Deserialize, Deserializer, Serializer};
use toml::Value;

/// A value in a message: long numbers short.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(v) => real(*v),
        Value::String(s) => format!("{:?}", s.chars().take(60).collect::<String>()),
        other => other.to_string().chars().take(60).collect::<String>().replace('\n', " "),
    }
}

/// A number in a message, with as few digits as tell it.
pub fn real(v: f64) -> String {
    if v != 0.0 && v.is_finite() && !(1e-5..1e9).contains(&v.abs()) { format!("{v:e}") } else { format!("{v}") }
}

/// A step size in TOML: a number, `auto` or `flow`.
pub mod step_size {
    use super::*;

    pub fn serialize<S: Serializer>(size: &StepSize, s: S) -> std::result::Result<S::Ok, S::Error> {
        match size {
            StepSize::Auto => s.serialize_str("auto"),
            StepSize::Fixed(v) => s.serialize_f64(*v),
            StepSize::Flow => s.serialize_str("flow"),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<StepSize, D::Error> {
        match Value::deserialize(d)? {
            Value::String(s) if s == "auto" => Ok(StepSize::Auto),
            Value::String(s) if s == "flow" => Ok(StepSize::Flow),
            Value::Float(v) => Ok(StepSize::Fixed(v)),
            Value::Integer(v) => Ok(StepSize::Fixed(v as f64)),
            other => Err(serde::de::Error::custom(format!("expected a number, \"auto\" or \"flow\", not {other}"))),
        }
    }
}

/// A loss by its name.
pub mod loss {
    use super::*;

    pub fn serialize<S: Serializer>(loss: &Loss, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(loss.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Loss, D::Error> {
        let value = Value::deserialize(d)?;
        value.as_str().and_then(Loss::named).ok_or_else(|| {
            let names: Vec<String> = Loss::ALL.iter().map(|loss| format!("\"{loss}\"")).collect();
            serde::de::Error::custom(format!("expected {}, not {}", names.join(" or "), shown(&value)))
        })
    }
}

/// Measures: a list of names, the same in one text with commas, or `all`; none of them is an empty list. In the order of their
/// columns, each once.
pub mod measures {
    use super::*;

    pub fn serialize<S: Serializer>(measures: &[Measure], s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_seq(measures.iter().map(|measure| measure.name()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<Measure>, D::Error> {
        let value = Value::deserialize(d)?;
        let unknown = |given: String| {
            let names: Vec<&str> = Measure::ALL.iter().map(|measure| measure.name()).collect();
            serde::de::Error::custom(format!("expected \"all\", or some of {}, not {given}", names.join(", ")))
        };
        let names: Vec<&str> = match &value {
            Value::String(text) if matches!(text.trim(), "" | "none") => Vec::new(),
            Value::String(text) if text.trim() == "all" => return Ok(Measure::ALL.to_vec()),
            Value::String(text) => text.split(',').map(str::trim).collect(),
            Value::Array(names) => names
                .iter()
                .map(|name| name.as_str().ok_or_else(|| unknown(shown(name))))
                .collect::<std::result::Result<_, _>>()?,
            other => return Err(unknown(shown(other))),
        };
        let named = |name: &&str| Measure::named(name).ok_or_else(|| unknown(shown(&Value::String(name.to_string()))));
        let asked: Vec<Measure> = names.iter().map(named).collect::<std::result::Result<_, _>>()?;
        Ok(Measure::ALL.into_iter().filter(|measure| asked.contains(measure)).collect())
    }
}

/// A seed: any u64; TOML's integers end at 2⁶³ − 1, beyond it is written as a text of digits.
pub mod seed {
    use super::*;

    pub fn serialize<S: Serializer>(seed: &u64, s: S) -> std::result::Result<S::Ok, S::Error> {
        match i64::try_from(*seed) {
            Ok(seed) => s.serialize_i64(seed),
            Err(_) => s.serialize_str(&seed.to_string()),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<u64, D::Error> {
        let expected = |given: &Value| {
            let limit = format!("0 to {} (2^64 - 1)", u64::MAX);
            serde::de::Error::custom(format!("seed: expected a whole number, {limit}, not {}", shown(given)))
        };
        let value = Value::deserialize(d)?;
        match &value {
            Value::Integer(v) => u64::try_from(*v).map_err(|_| expected(&value)),
            Value::String(s) => s.parse().map_err(|_| expected(&value)),
            // beyond 2^53 a float does not tell which whole number is meant
            Value::Float(v) if *v >= 0.0 && v.fract() == 0.0 && *v <= 2f64.powi(53) => Ok(*v as u64),
            _ => Err(expected(&value)),
        }
    }
}

/// The version of the stream, a whole number.
pub mod stream {
    use super::*;
    use farfield::Stream;

    /// As the number.
    pub fn serialize<S: Serializer>(stream: &Stream, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_u64((*stream).into())
    }

    /// From the number.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Stream, D::Error> {
        Stream::try_from(count(d)?).map_err(serde::de::Error::custom)
    }
}

/// A whole number that may be written as 1e6.
pub fn count<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<u64, D::Error> {
    match Value::deserialize(d)? {
        Value::Integer(v) if v >= 0 => Ok(v as u64),
        Value::Float(v) if v >= 0.0 && v.fract() == 0.0 => Ok(v as u64), // beyond all limits: u64::MAX
        other => Err(serde::de::Error::custom(format!("expected a whole number, 0 or more, not {}", shown(&other)))),
    }
}

/// A text that may be written as a number: an index.
pub fn text<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    match Value::deserialize(d)? {
        Value::String(s) => Ok(s),
        Value::Integer(v) => Ok(v.to_string()),
        Value::Float(v) => Ok(v.to_string()),
        other => Err(serde::de::Error::custom(format!("expected a text, not {}", shown(&other)))),
    }
}

/// The name of a class, which may be a truth value.
pub fn class<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    match Value::deserialize(d)? {
        Value::Boolean(v) => Ok(v.to_string()),
        other => text(other).map_err(serde::de::Error::custom),
    }
}
