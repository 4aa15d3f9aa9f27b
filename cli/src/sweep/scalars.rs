//! A result as scalars by dotted name.
//!
//! Of a list there is its length (`sliding.count`), of an interval its ends (`margin_interval.low`, `.high`). Wall-clock
//! seconds are left out: they are no property of a problem.

use serde_json::{Map, Value};

/// Flattens a result; `status` is left out, it stands by itself.
pub fn of(result: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    flatten(result, "", &mut out);
    out.remove("status");
    out
}

fn flatten(value: &Value, name: &str, out: &mut Map<String, Value>) {
    let below = |key: &str| if name.is_empty() { key.to_string() } else { format!("{name}.{key}") };
    match value {
        Value::Object(fields) => fields.iter().filter(|(k, _)| !k.ends_with("seconds")).for_each(|(k, v)| {
            flatten(v, &below(k), out);
        }),
        Value::Array(list) => match &list[..] {
            [low, high] if number(low).is_some() && number(high).is_some() => {
                out.insert(below("low"), low.clone());
                out.insert(below("high"), high.clone());
            }
            _ => drop(out.insert(below("count"), Value::from(list.len()))),
        },
        scalar => drop(out.insert(name.to_string(), scalar.clone())),
    }
}

/// The number that a scalar stands for: true is 1, and NaN and infinities are texts.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(v) => v.as_f64(),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::String(s) => match s.as_str() {
            "NaN" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names() {
        let result = json!({
            "status": "solved", "max_margin": 0.5, "solve_seconds": 1.0, "margin_interval": [0.4, "inf"],
            "test_error": {"limit": null, "sampled": {"value": 0.1}}, "sliding": [{"slope": 1}], "pairs": [[0, 1], [2, 3]],
        });
        let expected = json!({
            "max_margin": 0.5, "margin_interval.low": 0.4, "margin_interval.high": "inf", "test_error.limit": null,
            "test_error.sampled.value": 0.1, "sliding.count": 1, "pairs.count": 2,
        });
        assert_eq!(Value::Object(of(&result)), expected);
    }
}
