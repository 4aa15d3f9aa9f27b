//! The configuration: every key with its default, read from TOML and from `-s KEY=VALUE`.
//!
//! A file and the settings are merged into one table, each key is checked against the table of the defaults (an
//! unknown one is an error that names the nearest), and the values are validated before any long work starts; a key
//! without effect is an error too (`effects`).

mod effects;
mod keys;
mod noise;
pub mod paths;
mod sections;
mod values;

use crate::error::{Result, input_error};
use farfield::{EngineChoice, Precision, StepSize};
pub use keys::nearest;
use keys::{Layers, check_keys, one_line};
pub use noise::NoiseName;
pub use sections::{Clusters, Config, Data, Descent, Flips, Monitor, Net, Output, Sampling, Source};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The largest counts: beyond, the numbers of a problem cannot be addressed, whatever the machine.
const MOST_SAMPLES: u64 = 1_000_000_000;
const MOST_FEATURES: u64 = 1_000_000_000_000;
const MOST_NEURONS: u64 = 1_000_000_000;
const MOST_ROWS: u64 = 1_000_000;

impl Config {
    /// Reads a TOML file (if any), applies the settings in order, and validates. Relative paths in the file begin in
    /// its folder, those in the settings in the working directory; here they become absolute.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with one line: a missing or broken file, an unknown key (the nearest known
    /// one is named), a value of the wrong type or outside its range, a key without effect.
    pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Self> {
        let mut layers = Layers::default();
        if let Some(path) = file {
            layers.file(path)?;
        }
        settings.iter().try_for_each(|setting| layers.setting(setting))?;
        Self::from_layers(layers)
    }

    /// As [`Config::load`], from a text that messages call `name`; relative paths begin in the working directory.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_text(text: &str, name: &str, settings: &[String]) -> Result<Self> {
        let mut layers = Layers::default();
        layers.text(text, name, Path::new(""))?;
        settings.iter().try_for_each(|setting| layers.setting(setting))?;
        Self::from_layers(layers)
    }

    /// As [`Config::from_text`], without settings.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_text(text, "configuration", &[])
    }

    fn from_layers(layers: Layers) -> Result<Self> {
        let known = Table::try_from(Self::default()).expect("the defaults are a table");
        check_keys(&layers.table, &known, "")?;
        let mut config: Self = Value::Table(layers.table.clone())
            .try_into()
            .map_err(|e: toml::de::Error| one_line("configuration", &e))?;
        config.validate()?;
        effects::check(&config, &layers)?;
        config.absolute_paths(&layers)?;
        Ok(config)
    }

    fn validate(&self) -> Result<()> {
        let (data, net, descent) = (&self.data, &self.network, &self.descent);
        between(data.n, 1, MOST_SAMPLES, "data.n")?;
        between(data.d, 1, MOST_FEATURES, "data.d")?;
        between(data.features, 0, MOST_FEATURES, "data.features")?;
        between(net.width, 1, MOST_NEURONS, "network.width")?;
        between(self.monitor.samples_per_decade, 1, MOST_ROWS, "monitor.samples_per_decade")?;
        real(data.signal, data.signal >= 0.0, "data.signal", "0 or more")?;
        real(data.dof, data.dof > 2.0, "data.dof", "above 2, so that the variance exists")?;
        real(data.label_noise, (0.0..=1.0).contains(&data.label_noise), "data.label_noise", "in [0, 1]")?;
        real(data.balance, (0.0..=1.0).contains(&data.balance), "data.balance", "in [0, 1]")?;
        let share = (0.0..1.0).contains(&data.holdout);
        real(data.holdout, share, "data.holdout", "from 0 to below 1, the share of the samples that is held out")?;
        real(net.leak, (0.0..=1.0).contains(&net.leak), "network.leak", "from 0 to 1")?;
        real(net.init_scale, net.init_scale >= 0.0, "network.init_scale", "0 or more")?;
        let flow = descent.step_size == StepSize::Flow;
        let whole = flow || descent.steps.fract() == 0.0;
        let steps = (0.0..=1e300).contains(&descent.steps) && whole;
        let kind = if flow { "between 0 and 1e300, a time" } else { "of steps, whole and between 0 and 1e300" };
        real(descent.steps, steps, "descent.steps", kind)?;
        if let StepSize::Fixed(v) = descent.step_size {
            real(v, v > 0.0, "descent.step_size", "above 0, or \"auto\"")?;
        }
        let sliding = descent.sliding_tolerance;
        real(sliding, sliding >= 0.0, "descent.sliding_tolerance", "0 or more")?;
        let seconds = descent.max_seconds;
        real(seconds, seconds >= 0.0, "descent.max_seconds", "of seconds, 0 or more; 0: no limit")?;
        let angle = self.monitor.angle_tolerance;
        real(angle, angle >= 0.0, "monitor.angle_tolerance", "0 or more, in radians")?;
        let minutes = self.output.checkpoint_minutes;
        real(minutes, minutes >= 0.0, "output.checkpoint_minutes", "of minutes, 0 or more; 0: only on signals")?;
        if net.positive < -1 || net.positive > net.width as i64 {
            let width = net.width;
            return Err(input_error!("network.positive = {}: expected -1 or 0 to the width, {width}", net.positive));
        }
        if descent.precision == Precision::F32 && descent.engine == EngineChoice::Gram {
            return Err(input_error!(
                "descent.precision = \"f32\" steps on X: use \"mixed\", or descent.engine = \"direct\""
            ));
        }
        self.validate_flow()?;
        self.validate_xor()?;
        self.validate_sampling()
    }

    /// Refuses what gradient flow has not.
    fn validate_flow(&self) -> Result<()> {
        let descent = &self.descent;
        if descent.step_size != StepSize::Flow {
            return Ok(());
        }
        let why = [
            (descent.engine == EngineChoice::Direct, "descent.engine \"auto\" or \"gram\": it is followed on K"),
            (descent.precision != Precision::F64, "descent.precision = \"f64\""),
            (!descent.warp, "descent.warp = true: there are no steps that could all be taken"),
            (
                self.network.init_scale == 0.0 && self.network.init.is_empty() && self.network.leak < 1.0,
                "network.init_scale above 0: W(0) = 0 is on every kink, from which the flow is not determined",
            ),
        ];
        match why.iter().find(|(refused, _)| *refused) {
            Some((_, why)) => Err(input_error!("descent.step_size = \"flow\" needs {why}")),
            None => Ok(()),
        }
    }

    /// Refuses what the four clusters of an xor have not.
    fn validate_xor(&self) -> Result<()> {
        let data = &self.data;
        if data.clusters != Clusters::Xor || data.source != Source::Mixture {
            return Ok(());
        }
        let why = [
            (data.d < 2, "data.d of 2 or more: its means are orthogonal"),
            (
                data.label_noise_kind == Flips::SmallestMargin,
                "data.label_noise_kind = \"random\": no direction sorts its samples by their margins",
            ),
            (
                data.sampling == Sampling::Gram,
                "data.sampling = \"rows\": rotated coordinates begin along one mean, and this has two",
            ),
        ];
        match why.iter().find(|(refused, _)| *refused) {
            Some((_, why)) => Err(input_error!("data.clusters = \"xor\" needs {why}")),
            None => Ok(()),
        }
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
            (data.rotated, "data.rotated = false: its coordinates turn with the samples, and nothing changes"),
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

    /// Makes the paths absolute, so that the configuration means the same wherever it is run again.
    fn absolute_paths(&mut self, layers: &Layers) -> Result<()> {
        let base = |key: &str| layers.bases.get(key).cloned().unwrap_or_default();
        let (format, of_test) = (self.data.format_by_name(), self.data.test_format_by_name());
        let mut paths: Vec<(&str, &mut String)> = vec![("network.init", &mut self.network.init)];
        if let Source::File(source) = &mut self.data.source {
            // a label column of a table has a name or an index, no path
            if sections::names_file(&self.data.labels, format, &base("data.labels")) {
                paths.push(("data.labels", &mut self.data.labels));
            }
            paths.push(("data.source", source));
            if sections::names_file(&self.data.test_labels, of_test, &base("data.test_labels")) {
                paths.push(("data.test_labels", &mut self.data.test_labels));
            }
            paths.push(("data.test", &mut self.data.test));
        }
        if self.data.spectrum.ends_with(".npy") {
            paths.push(("data.spectrum", &mut self.data.spectrum));
        }
        for (key, path) in paths.into_iter().filter(|(_, path)| !path.is_empty()) {
            *path = absolute(&base(key), path).map_err(|e| input_error!("{key} = {path:?}: {e}"))?;
        }
        Ok(())
    }

    /// The configuration with what `-1` stands for.
    ///
    /// # Errors
    /// None today.
    pub fn resolved(mut self) -> Result<Self> {
        if self.network.positive < 0 {
            self.network.positive = self.network.width.div_ceil(2) as i64;
        }
        Ok(self)
    }

    /// The keys that have an effect: what a run records.
    pub fn effective(&self) -> Table {
        effects::table(self)
    }

    /// The configuration as TOML, without the keys that have no effect.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.effective()).expect("a table is valid TOML")
    }

    /// The first 8 characters of the blake3 digest of the configuration.
    pub fn short_digest(&self) -> String {
        blake3::hash(self.to_toml().as_bytes()).to_hex()[..8].to_string()
    }
}

/// A path below `base`, itself below the working directory.
fn absolute(base: &Path, path: &str) -> std::io::Result<String> {
    let whole: PathBuf = std::path::absolute(base.join(paths::decode(path)))?;
    Ok(paths::encode(whole.as_os_str()))
}

fn between(value: u64, least: u64, most: u64, key: &str) -> Result<()> {
    match value {
        _ if value > most => Err(input_error!("{key}: expected at most {most}")),
        _ if value < least => Err(input_error!("{key} = {value}: expected {least} or more")),
        _ => Ok(()),
    }
}

fn real(value: f64, good: bool, key: &str, expected: &str) -> Result<()> {
    if good && value.is_finite() {
        return Ok(());
    }
    Err(input_error!("{key} = {}: expected a number {expected}", values::real(value)))
}

#[cfg(test)]
mod tests;
