//! The distribution of the noise coordinates, by its name.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What `data.noise` says; `data.dof` goes with student-t.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)] // the names say it
pub enum NoiseName {
    Gaussian,
    Rademacher,
    Uniform,
    StudentT,
    Laplace,
    /// `pareto:R`.
    Pareto(f64),
    /// `weibull:A`.
    Weibull(f64),
}

/// What is expected, in messages.
const EXPECTED: &str = "gaussian, rademacher, uniform, student-t, laplace, pareto:R or weibull:A";

impl NoiseName {
    fn text(self) -> String {
        match self {
            Self::Gaussian => "gaussian".into(),
            Self::Rademacher => "rademacher".into(),
            Self::Uniform => "uniform".into(),
            Self::StudentT => "student-t".into(),
            Self::Laplace => "laplace".into(),
            Self::Pareto(index) => format!("pareto:{index}"),
            Self::Weibull(shape) => format!("weibull:{shape}"),
        }
    }

    fn named(text: &str) -> Result<Self, String> {
        let plain = [Self::Gaussian, Self::Rademacher, Self::Uniform, Self::StudentT, Self::Laplace];
        if let Some(name) = plain.into_iter().find(|name| name.text() == text) {
            return Ok(name);
        }
        let unknown = || format!("{:?}: expected {EXPECTED}", text.chars().take(60).collect::<String>());
        let (name, number) = text.split_once(':').ok_or_else(unknown)?;
        let number: f64 = number.parse().map_err(|_| unknown())?;
        match name {
            "pareto" if number > 2.0 && number <= MOST_INDEX => Ok(Self::Pareto(number)),
            "pareto" => Err(format!("{text:?}: expected pareto:R with R above 2, so that the variance exists, to 1e6")),
            "weibull" if (LEAST_SHAPE..=MOST_SHAPE).contains(&number) => Ok(Self::Weibull(number)),
            "weibull" => Err(format!("{text:?}: expected weibull:A with A from {LEAST_SHAPE} to {MOST_SHAPE}")),
            _ => Err(unknown()),
        }
    }
}

/// Beyond, the law is that of Laplace but for a millionth.
const MOST_INDEX: f64 = 1e6;
/// Below, the variance is in values that no sample shows: half of it in one of 10¹³.
const LEAST_SHAPE: f64 = 0.1;
/// Beyond, the sizes are all 1 but for a hundredth.
const MOST_SHAPE: f64 = 100.0;

impl Serialize for NoiseName {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for NoiseName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::named(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_there_and_back() {
        for text in
            ["gaussian", "rademacher", "uniform", "student-t", "laplace", "pareto:2.5", "weibull:0.5", "weibull:2"]
        {
            assert_eq!(NoiseName::named(text).unwrap().text(), text);
        }
        for bad in [
            "",
            "normal",
            "pareto",
            "pareto:",
            "pareto:2",
            "pareto:nan",
            "pareto:inf",
            "weibull:0",
            "weibull:1e9",
            "laplace:1",
        ] {
            let message = NoiseName::named(bad).expect_err(bad);
            assert!(message.contains("expected") && message.lines().count() == 1, "{message}");
        }
    }
}
