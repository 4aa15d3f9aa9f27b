//! Floats that survive JSON: NaN and infinities as the strings `"NaN"`, `"inf"`, `"-inf"`, for
//! `#[serde(with = "crate::real")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A float that survives JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(pub f64);

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            v if v.is_finite() => s.serialize_f64(v),
            v if v.is_nan() => s.serialize_str("NaN"),
            v if v > 0.0 => s.serialize_str("inf"),
            _ => s.serialize_str("-inf"),
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = f64;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a number, \"NaN\", \"inf\" or \"-inf\"")
            }
            fn visit_f64<E>(self, v: f64) -> Result<f64, E> {
                Ok(v)
            }
            fn visit_u64<E>(self, v: u64) -> Result<f64, E> {
                Ok(v as f64)
            }
            fn visit_i64<E>(self, v: i64) -> Result<f64, E> {
                Ok(v as f64)
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<f64, E> {
                match v {
                    "NaN" => Ok(f64::NAN),
                    "inf" => Ok(f64::INFINITY),
                    "-inf" => Ok(f64::NEG_INFINITY),
                    other => Err(E::custom(format!("{other:?} is no number"))),
                }
            }
        }
        d.deserialize_any(Visitor).map(Real)
    }
}

/// Serializes as [`Real`].
pub fn serialize<S: Serializer>(v: &f64, s: S) -> Result<S::Ok, S::Error> {
    Real(*v).serialize(s)
}

/// Deserializes as [`Real`].
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    Real::deserialize(d).map(|v| v.0)
}

/// The same for a float that may be unknown.
pub mod maybe {
    use super::*;

    /// Serializes as `Option<Real>`.
    pub fn serialize<S: Serializer>(v: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
        v.map(Real).serialize(s)
    }

    /// Deserializes as `Option<Real>`.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
        Option::<Real>::deserialize(d).map(|v| v.map(|v| v.0))
    }
}

/// The same for two numbers that may be unknown.
pub mod pair {
    use super::*;

    /// Serializes as `Option<[Real; 2]>`.
    pub fn serialize<S: Serializer>(v: &Option<(f64, f64)>, s: S) -> Result<S::Ok, S::Error> {
        v.map(|(a, b)| [Real(a), Real(b)]).serialize(s)
    }

    /// Deserializes as `Option<[Real; 2]>`.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<(f64, f64)>, D::Error> {
        Option::<[Real; 2]>::deserialize(d).map(|v| v.map(|[a, b]| (a.0, b.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for v in [0.1, -2.0 / 3.0, 1e300, 5e-324, 0.0, -0.0, 3.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let json = serde_json::to_string(&Real(v)).expect("a number or a string");
            let back: Real = serde_json::from_str(&json).expect("what was written");
            assert!(back.0.to_bits() == v.to_bits() || (v.is_nan() && back.0.is_nan()), "{json}");
        }
        assert!(serde_json::from_str::<Real>("\"many\"").is_err());
    }
}
