//! The configuration: every key with its default, read from TOML and from `-s KEY=VALUE`.
//!
//! A file and the settings are merged into one table, each key is checked against the table of the
//! defaults (an unknown one is an error that names the nearest), and the values are validated
//! before any long work starts.

mod keys;

use crate::error::{Result, input_error};
use farfield::{EngineChoice, Noise, Precision, Reduction, Standardize, StepSize};
use keys::{apply, check_keys, one_line, parse};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;
use toml::{Table, Value};

/// Everything that determines a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Seed of all random numbers.
    #[serde(deserialize_with = "count")]
    pub seed: u64,
    /// Where the samples come from.
    pub data: Data,
    /// The network and its initialization.
    pub network: Net,
    /// How gradient descent is run.
    pub descent: Descent,
    /// What is watched.
    pub monitor: Monitor,
    /// What is written.
    pub output: Output,
}

/// `[data]`: a mixture to draw from, or files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    /// `mixture`, or the path of a data file.
    pub source: Source,
    /// Labels of a data file: a path, or a column of it.
    #[serde(deserialize_with = "text")]
    pub labels: String,
    /// For data from files: the rows (samples) to take, such as `0:100,150`; empty: all.
    #[serde(deserialize_with = "text")]
    pub rows: String,
    /// For data from files: the columns (features) to take, such as `0:100,150`; empty: all.
    #[serde(deserialize_with = "text")]
    pub columns: String,
    /// For data from files: none, columns (mean 0, variance 1) or rows (unit norm).
    pub standardize: Standardize,
    /// Number of samples n.
    #[serde(deserialize_with = "count")]
    pub n: u64,
    /// Number of features d.
    #[serde(deserialize_with = "count")]
    pub d: u64,
    /// `‖μ‖₂`.
    pub signal: f64,
    /// Distribution of the noise coordinates: gaussian, rademacher, uniform, student-t.
    pub noise: NoiseName,
    /// Degrees of freedom of student-t noise.
    pub dof: f64,
    /// Eigenvalues of the covariance: identity, power:EXPONENT, spiked:COUNT:VALUE or a .npy file.
    pub spectrum: String,
    /// Probability that a training label is flipped.
    pub label_noise: f64,
    /// Probability of the label +1.
    pub balance: f64,
    /// How samples are drawn: rows, or gram (Gaussian, identity only: K directly, d up to 1e12).
    pub sampling: Sampling,
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Net {
    /// Number of neurons m.
    #[serde(deserialize_with = "count")]
    pub width: u64,
    /// Number of neurons with `a_j > 0`; -1 means half, rounded up.
    pub positive: i64,
    /// Slope γ of the leaky ReLU.
    pub leak: f64,
    /// Standard deviation of the initial weights.
    pub init_scale: f64,
    /// A .npy file with the initial weights (m×d), or empty.
    pub init: String,
}

/// `[descent]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Descent {
    /// Step size α, or auto.
    #[serde(with = "step_size")]
    pub step_size: StepSize,
    /// `sum` or `mean` of the losses.
    pub reduction: Reduction,
    /// Horizon: number of steps, up to 1e300.
    pub steps: f64,
    /// auto, direct or gram.
    pub engine: EngineChoice,
    /// Jump once the pattern has settled.
    pub warp: bool,
    /// Share work between neurons that provably get the same update.
    pub tied: bool,
    /// Of the products: f64, f32, or mixed: f32 with the state in f64.
    pub precision: Precision,
    /// Relative error that averages over chattering neurons may leave in the margins; 0: no averages.
    pub sliding_tolerance: f64,
}

/// `[monitor]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Monitor {
    /// Monitored t per decade.
    #[serde(deserialize_with = "count")]
    pub samples_per_decade: u64,
    /// Stop when the certified angle (radians) is below; 0: never.
    pub angle_tolerance: f64,
    /// Missing the tolerance is exit code 4.
    pub require: bool,
}

/// `[output]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// Also write weights.npy.
    pub weights: bool,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            source: Source::Mixture,
            labels: String::new(),
            rows: String::new(),
            columns: String::new(),
            standardize: Standardize::None,
            n: 100,
            d: 5000,
            signal: 10.0,
            noise: NoiseName::Gaussian,
            dof: 3.0,
            spectrum: "identity".into(),
            label_noise: 0.0,
            balance: 0.5,
            sampling: Sampling::Rows,
        }
    }
}

impl Default for Net {
    fn default() -> Self {
        Self { width: 8, positive: -1, leak: 0.1, init_scale: 1e-6, init: String::new() }
    }
}

impl Default for Descent {
    fn default() -> Self {
        Self {
            step_size: StepSize::Auto,
            reduction: Reduction::Sum,
            steps: 1e6,
            engine: EngineChoice::Auto,
            warp: true,
            tied: true,
            precision: Precision::F64,
            sliding_tolerance: 1e-6,
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self { samples_per_decade: 4, angle_tolerance: 0.0, require: false }
    }
}

/// Where the samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Drawn from a mixture.
    Mixture,
    /// Read from the file of this path.
    File(String),
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(match self {
            Self::Mixture => "mixture",
            Self::File(path) => path,
        })
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Ok(if text == "mixture" { Self::Mixture } else { Self::File(text) })
    }
}

/// The distribution of the noise coordinates; `data.dof` goes with student-t.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the names say it
pub enum NoiseName {
    Gaussian,
    Rademacher,
    Uniform,
    StudentT,
}

/// How samples of a mixture are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Row by row.
    Rows,
    /// In coordinates that turn with the samples: any d at the cost of d = n, for Gaussian noise and Σ = I.
    Gram,
}

impl Data {
    /// The distribution of the noise coordinates.
    pub fn noise(&self) -> Noise {
        match self.noise {
            NoiseName::Gaussian => Noise::Gaussian,
            NoiseName::Rademacher => Noise::Rademacher,
            NoiseName::Uniform => Noise::Uniform,
            NoiseName::StudentT => Noise::StudentT { dof: self.dof },
        }
    }
}

/// A step size in TOML: a number or `auto`.
mod step_size {
    use super::*;

    pub fn serialize<S: Serializer>(size: &StepSize, s: S) -> std::result::Result<S::Ok, S::Error> {
        match size {
            StepSize::Auto => s.serialize_str("auto"),
            StepSize::Fixed(v) => s.serialize_f64(*v),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<StepSize, D::Error> {
        match Value::deserialize(d)? {
            Value::String(s) if s == "auto" => Ok(StepSize::Auto),
            Value::Float(v) => Ok(StepSize::Fixed(v)),
            Value::Integer(v) => Ok(StepSize::Fixed(v as f64)),
            other => Err(serde::de::Error::custom(format!("expected a number or \"auto\", not {other}"))),
        }
    }
}

/// A whole number that may be written as 1e6.
fn count<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<u64, D::Error> {
    match Value::deserialize(d)? {
        Value::Integer(v) if v >= 0 => Ok(v as u64),
        Value::Float(v) if v >= 0.0 && v.fract() == 0.0 && v < 9e18 => Ok(v as u64),
        other => Err(serde::de::Error::custom(format!("expected a whole number, 0 or more, not {other}"))),
    }
}

/// A text that may be written as a whole number: an index.
fn text<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    match Value::deserialize(d)? {
        Value::String(s) => Ok(s),
        Value::Integer(v) => Ok(v.to_string()),
        other => Err(serde::de::Error::custom(format!("expected a text, not {other}"))),
    }
}

impl Config {
    /// Reads a TOML file (if any), applies the settings in order, and validates.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with one line: a missing or broken file, an unknown key (the nearest known
    /// one is named), a value of the wrong type or outside its range.
    pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Self> {
        let Some(path) = file else { return Self::from_text("", "", settings) };
        let text = std::fs::read_to_string(path)
            .map_err(|e| input_error!("cannot read the configuration {}: {e}", path.display()))?;
        Self::from_text(&text, &path.display().to_string(), settings)
    }

    /// As [`Config::load`], from a text in TOML; messages call it `name`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_text(text: &str, name: &str, settings: &[String]) -> Result<Self> {
        let mut table = parse(text, name)?;
        for setting in settings {
            apply(&mut table, setting)?;
        }
        Self::from_table(table)
    }

    fn from_table(table: Table) -> Result<Self> {
        let known = Table::try_from(Self::default()).expect("the defaults are a table");
        check_keys(&table, &known, "")?;
        let config: Self =
            Value::Table(table).try_into().map_err(|e: toml::de::Error| one_line("configuration", &e))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<()> {
        let (data, net, descent) = (&self.data, &self.network, &self.descent);
        at_least(data.n, 1, "data.n")?;
        at_least(data.d, 1, "data.d")?;
        at_least(net.width, 1, "network.width")?;
        at_least(self.monitor.samples_per_decade, 1, "monitor.samples_per_decade")?;
        real(data.signal, data.signal >= 0.0, "data.signal", "0 or more")?;
        real(data.dof, data.dof > 2.0, "data.dof", "above 2, so that the variance exists")?;
        real(data.label_noise, (0.0..=1.0).contains(&data.label_noise), "data.label_noise", "in [0, 1]")?;
        real(data.balance, (0.0..=1.0).contains(&data.balance), "data.balance", "in [0, 1]")?;
        real(net.leak, net.leak > 0.0 && net.leak < 1.0, "network.leak", "strictly between 0 and 1")?;
        real(net.init_scale, net.init_scale >= 0.0, "network.init_scale", "0 or more")?;
        let whole = descent.steps.fract() == 0.0;
        let steps = (0.0..=1e300).contains(&descent.steps) && whole;
        real(descent.steps, steps, "descent.steps", "of steps, whole and between 0 and 1e300")?;
        if let StepSize::Fixed(v) = descent.step_size {
            real(v, v > 0.0, "descent.step_size", "above 0, or \"auto\"")?;
        }
        let sliding = descent.sliding_tolerance;
        real(sliding, sliding >= 0.0, "descent.sliding_tolerance", "0 or more")?;
        let angle = self.monitor.angle_tolerance;
        real(angle, angle >= 0.0, "monitor.angle_tolerance", "0 or more, in radians")?;
        if net.positive < -1 || net.positive > net.width as i64 {
            let width = net.width;
            return Err(input_error!("network.positive = {}: expected -1 or 0 to the width, {width}", net.positive));
        }
        if data.source == Source::Mixture && !(data.rows.is_empty() && data.columns.is_empty()) {
            return Err(input_error!(
                "data.rows and data.columns choose from a file; set data.source, or data.n and d"
            ));
        }
        self.validate_sampling()?;
        if descent.precision == Precision::F32 && descent.engine == EngineChoice::Gram {
            return Err(input_error!(
                "descent.precision = \"f32\" steps on X: use \"mixed\", or descent.engine = \"direct\""
            ));
        }
        Ok(())
    }

    /// Refuses to sample K where it does not have its distribution, or where the original coordinates are asked for.
    fn validate_sampling(&self) -> Result<()> {
        let data = &self.data;
        if data.sampling != Sampling::Gram || data.source != Source::Mixture {
            return Ok(());
        }
        let why = [
            (data.noise != NoiseName::Gaussian, "data.noise = \"gaussian\": other noise changes when it is rotated"),
            (data.spectrum != "identity", "data.spectrum = \"identity\": another one changes when it is rotated"),
            (self.descent.engine == EngineChoice::Direct, "steps on K: descent.engine \"auto\" or \"gram\""),
            (self.descent.precision == Precision::F32, "steps on K: descent.precision \"f64\" or \"mixed\""),
            (self.output.weights, "output.weights = false: there are no original coordinates"),
            (!self.network.init.is_empty(), "network.init = \"\": there are no original coordinates"),
            (data.d > farfield::Data::WIDEST, "data.d of at most 1e12"),
        ];
        match why.iter().find(|(refused, _)| *refused) {
            Some((_, why)) => Err(input_error!("data.sampling = \"gram\" needs {why}")),
            None => Ok(()),
        }
    }

    /// The configuration with absolute paths, so that it means the same wherever it is run again.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] if a path cannot be made absolute.
    pub fn resolved(mut self) -> Result<Self> {
        if self.network.positive < 0 {
            self.network.positive = self.network.width.div_ceil(2) as i64;
        }
        let mut paths = vec![&mut self.network.init];
        if let Source::File(source) = &mut self.data.source {
            paths.push(source);
            // A label column of a table has a name or an index, no path.
            if [".npy", ".csv"].iter().any(|e| self.data.labels.ends_with(e)) {
                paths.push(&mut self.data.labels);
            }
        }
        if self.data.spectrum.ends_with(".npy") {
            paths.push(&mut self.data.spectrum);
        }
        for path in paths.into_iter().filter(|p| !p.is_empty()) {
            let whole = std::path::absolute(&*path).map_err(|e| input_error!("{path}: {e}"))?;
            *path = whole.display().to_string();
        }
        Ok(self)
    }

    /// The configuration as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is valid TOML")
    }

    /// The first 8 characters of the blake3 digest of the configuration.
    pub fn short_digest(&self) -> String {
        blake3::hash(self.to_toml().as_bytes()).to_hex()[..8].to_string()
    }
}

fn at_least(value: u64, least: u64, key: &str) -> Result<()> {
    if value < least { Err(input_error!("{key} = {value}: expected {least} or more")) } else { Ok(()) }
}

fn real(value: f64, good: bool, key: &str, expected: &str) -> Result<()> {
    if good && value.is_finite() { Ok(()) } else { Err(input_error!("{key} = {value}: expected a number {expected}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(settings: &[&str]) -> Result<Config> {
        Config::load(None, &settings.iter().map(|s| s.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn defaults_survive_a_round_trip() {
        let config = Config::default();
        let again = Config::from_table(config.to_toml().parse().unwrap()).unwrap();
        assert_eq!(config, again);
    }

    #[test]
    fn settings_override_in_order() {
        let c = load(&["data.n=3", "data.n=1e3", "descent.step_size=0.5", "data.source=a.npy", "descent.steps=1e300"]);
        let c = c.unwrap();
        assert_eq!((c.data.n, c.descent.step_size), (1000, StepSize::Fixed(0.5)));
        assert_eq!((c.data.source, c.descent.steps), (Source::File("a.npy".into()), 1e300));
        for rows in ["7", "10:30", "0:100,150", "5:", "-2:"] {
            let c = load(&["data.source=a.csv", "data.labels=-1", &format!("data.rows={rows}")]).unwrap();
            assert_eq!((c.data.labels.as_str(), c.data.rows.as_str()), ("-1", rows));
        }
    }

    #[test]
    fn errors_are_one_line_and_name_the_key() {
        let cases = [
            ("network.widht=4", "network.width"),
            ("widht=4", "network.width"),
            ("dta.n=4", "data.n"),
            ("data=4", "section"),
            ("data.n.k=4", "data.n"),
            ("data.n=0", "data.n"),
            ("data.n=1.5", "whole number"),
            ("data.n=many", "whole number"),
            ("network.leak=1", "network.leak"),
            ("network.leak=nan", "network.leak"),
            ("network.positive=9", "network.positive"),
            ("descent.steps=-1", "descent.steps"),
            ("descent.steps=soon", "descent.steps"),
            ("descent.step_size=fast", "step_size"),
            ("descent.step_size=-1", "descent.step_size"),
            ("descent.engine=gpu", "direct"),
            ("descent.precision=f16", "mixed"),
            ("data.n", "KEY=VALUE"),
            ("data.rows=0:10", "data.source"),
            ("data.columns=true", "data.columns"),
        ];
        for (setting, expected) in cases {
            let message = load(&[setting]).expect_err(setting).to_string();
            assert!(message.contains(expected), "{setting}: {message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
