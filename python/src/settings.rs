//! Configurations, and settings over them.

use crate::errors::exception;
use crate::float_environment::Standard;
use farfield_cli::config;
use farfield_cli::error::{Error, Result};
use farfield_cli::json::to_json;
use pyo3::prelude::*;
use std::path::PathBuf;
use toml::{Table, Value};

/// A configuration: every key with its value, as `farfield run` reads it.
#[pyclass(frozen, module = "farfield._farfield")]
#[derive(Clone)]
pub struct Config(pub config::Config);

#[pymethods]
impl Config {
    /// From a text in TOML; relative paths in it begin in the working directory.
    #[staticmethod]
    fn from_text(text: &str) -> PyResult<Self> {
        Standard::within(|| config::Config::from_text(text, "the configuration", &[])).map(Self).map_err(exception)
    }

    /// From a file in TOML; relative paths in it begin in its folder.
    #[staticmethod]
    fn from_file(path: PathBuf) -> PyResult<Self> {
        Standard::within(|| config::Config::load(Some(&path), &[])).map(Self).map_err(exception)
    }

    /// With the keys of a text in TOML over it.
    #[pyo3(name = "over")]
    fn with(&self, settings: &str) -> PyResult<Self> {
        over(&self.0, settings).map(Self).map_err(exception)
    }

    /// The keys that have an effect, as TOML.
    fn to_toml(&self) -> String {
        Standard::within(|| self.0.to_toml())
    }

    /// The same as JSON.
    fn to_json(&self) -> String {
        Standard::within(|| to_json(&self.0.effective()))
    }
}

/// The version of the package, and the instruction set that it uses here.
#[pyfunction]
pub fn version() -> (&'static str, &'static str) {
    (env!("CARGO_PKG_VERSION"), farfield_kernels::isa::Isa::current().name())
}

/// A configuration with the keys of `settings` (TOML) over it. What it had by default and has no effect beside these
/// falls away; a key of the settings that has no effect is an error, as in a file.
pub fn over(config: &config::Config, settings: &str) -> Result<config::Config> {
    Standard::within(|| laid_over(config, settings))
}

fn laid_over(config: &config::Config, settings: &str) -> Result<config::Config> {
    let settings: Table = settings.parse().map_err(|e| Error::Input(format!("settings: {e}")))?;
    let all = merged(Table::try_from(config).expect("a configuration is a table"), &settings);
    let effective = Value::Table(all.clone()).try_into::<config::Config>().map(|next| next.effective());
    let text = merged(effective.unwrap_or(all), &settings).to_string();
    config::Config::from_text(&text, "the configuration", &[])
}

fn merged(mut table: Table, over: &Table) -> Table {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(section)), Value::Table(inner)) => {
                *section = merged(std::mem::take(section), inner);
            }
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
    table
}
