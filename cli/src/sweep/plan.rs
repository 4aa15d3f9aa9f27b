//! The plan of a sweep: a base configuration, axes, repetitions; and from it each problem with its seed.
//!
//! ```text
//! problem p = cell·seeds + repetition;   cell = mixed-radix number over the axes, the last one fastest:
//! the grid's keys in alphabetical order, then what is zipped
//! seed(p) = blake3("farfield sweep 1" ‖ base seed ‖ repetition ‖ "key=value" of every axis), 63 bits
//! ```
//!
//! With `noise = "common"` the keys are left out of the hash: all cells share their random numbers. Where a cell
//! stands in the grid enters nowhere, so that a larger grid holds the results of a smaller one.

use super::axis::{Axis, canonical, defaults, flat, is_range, text, values};
use crate::config::Config;
use crate::error::{Result, input_error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// What is asked of each problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Its limit.
    #[default]
    Limit,
    /// A run to the horizon.
    Run,
    /// The conditions of the theory.
    Check,
}

impl Mode {
    /// The command that answers the same for one problem.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Limit => "limit",
            Mode::Run => "run",
            Mode::Check => "check",
        }
    }
}

/// Whether cells share their random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// Each cell has its own.
    #[default]
    Fresh,
    /// Repetition r of every cell has the same.
    Common,
}

/// A plan as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    mode: Mode,
    #[serde(default = "one")]
    seeds: u64,
    #[serde(default)]
    noise: Numbers,
    #[serde(default)]
    base: Table,
    #[serde(default)]
    grid: Table,
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    zip: Table,
}

fn one() -> u64 {
    1
}

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is asked of each problem.
    pub mode: Mode,
    /// Repetitions of each cell.
    pub seeds: u64,
    /// Whether cells share their random numbers.
    pub noise: Numbers,
    /// The keys that the base sets, by dotted name.
    base: BTreeMap<String, Value>,
    /// The grid's keys one by one, then those that go together.
    axes: Vec<Axis>,
    seed: u64,
    base_text: String,
}

/// The most problems of a plan.
const MOST: u64 = 100_000_000;
/// Keys whose values may be paths.
const PATHS: [&str; 6] =
    ["data.source", "data.labels", "data.test", "data.test_labels", "data.spectrum", "network.init"];

impl Plan {
    /// Reads a plan; relative paths in it are relative to its file.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with one line: a broken file, an unknown key, an axis that is none.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| input_error!("cannot read the plan {name}: {e}"))?;
        Self::parse(&text, &name, path.parent().unwrap_or(Path::new("")))
    }

    /// A plan from TOML; messages call it `name`, and relative paths begin in `folder`.
    ///
    /// # Errors
    /// As [`Plan::read`].
    pub fn parse(toml: &str, name: &str, folder: &Path) -> Result<Self> {
        let written: Written = toml::from_str(toml).map_err(|e| {
            let place = e.span().map(|s| format!(", line {}", 1 + toml[..s.start].matches('\n').count()));
            input_error!("{name}{}: {}", place.unwrap_or_default(), e.message().replace('\n', " "))
        })?;
        let known = defaults();
        let fixed = |(key, v): (String, Value)| {
            let value = rooted(&key, canonical(v, known.get(&key)), folder);
            (key, value)
        };
        let base: BTreeMap<_, _> = flat(&written.base, |_| false).into_iter().map(fixed).collect();
        let listed = |table: &Table| -> Result<Vec<(String, Vec<Value>)>> {
            let list = |(key, given): (String, Value)| {
                let values = values(&key, &given, known.get(&key)).map_err(|e| input_error!("{name}: {e}"))?;
                let values = values.into_iter().map(|v| rooted(&key, v, folder)).collect();
                Ok((key, values))
            };
            flat(table, is_range).into_iter().map(list).collect()
        };
        let axes = axes(name, listed(&written.grid)?, listed(&written.zip)?)?;
        let seed = base.iter().filter(|(k, _)| *k == "seed").map(|(k, v)| (k.clone(), v.clone())).collect();
        let seed = Config::from_text(&nested(&seed).to_string(), name, &[])?.seed;
        let base_text = nested(&base).to_string();
        let plan = Self { mode: written.mode, seeds: written.seeds, noise: written.noise, base, axes, seed, base_text };
        plan.check_size(name)?;
        Ok(plan)
    }

    fn check_size(&self, name: &str) -> Result<()> {
        let lengths = self.axes.iter().map(|a| a.points() as u64).chain([self.seeds]);
        match lengths.fold(1u64, |p, n| p.saturating_mul(n)) {
            0 => Err(input_error!("{name}: seeds = 0: expected 1 or more")),
            p if p > MOST => Err(input_error!("{name}: {p} problems; expected at most {MOST}")),
            _ => Ok(()),
        }
    }

    /// The number of cells.
    pub fn cells(&self) -> u64 {
        self.axes.iter().map(|a| a.points() as u64).product()
    }

    /// The number of problems: cells times repetitions.
    pub fn problems(&self) -> u64 {
        self.cells() * self.seeds
    }

    /// The keys of all axes, in the order of [`Plan::cell`].
    pub fn keys(&self) -> Vec<&str> {
        self.axes.iter().flat_map(|a| a.keys.iter().map(String::as_str)).collect()
    }

    /// The axes, each with the keys that go together.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The values of a cell, in the order of [`Plan::keys`].
    pub fn cell(&self, cell: u64) -> Vec<&Value> {
        let mut places = vec![0; self.axes.len()];
        let mut left = cell as usize;
        for (axis, place) in self.axes.iter().zip(&mut places).rev() {
            *place = left % axis.points();
            left /= axis.points();
        }
        self.axes.iter().zip(places).flat_map(|(axis, place)| axis.values.iter().map(move |v| &v[place])).collect()
    }

    /// A cell in words: `key=value` for each key.
    pub fn describe(&self, cell: u64) -> String {
        let pair = |(k, v): (&str, &Value)| format!("{k}={}", text(v));
        self.keys().into_iter().zip(self.cell(cell)).map(pair).collect::<Vec<_>>().join(" ")
    }

    /// The seed of a problem.
    pub fn seed(&self, problem: u64) -> u64 {
        let mut hash = blake3::Hasher::new();
        hash.update(b"farfield sweep 1");
        hash.update(&self.seed.to_le_bytes());
        hash.update(&(problem % self.seeds).to_le_bytes());
        if self.noise == Numbers::Fresh {
            let mut pairs: Vec<_> = self.keys().into_iter().zip(self.cell(problem / self.seeds)).collect();
            pairs.sort_by_key(|(key, _)| *key);
            absorb(&mut hash, &pairs);
        }
        first_word(&hash) >> 1
    }

    /// The configuration of a problem, validated.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with the cell and what is wrong.
    pub fn config(&self, problem: u64) -> Result<Config> {
        self.config_again(problem, &mut None)
    }

    /// [`Plan::config`], with that of the last cell at hand.
    ///
    /// # Errors
    /// As there.
    pub fn config_again(&self, problem: u64, last: &mut Option<(u64, Config)>) -> Result<Config> {
        let cell = problem / self.seeds;
        let known = last.take().filter(|(of, _)| *of == cell);
        let (_, config) = last.insert(match known {
            Some(known) => known,
            None => (cell, self.config_of(cell)?),
        });
        Ok(Config { seed: self.seed(problem), ..config.clone() })
    }

    fn config_of(&self, cell: u64) -> Result<Config> {
        let setting = |(k, v): (&str, &Value)| match v {
            Value::String(_) => format!("{k}={v}"),
            _ => format!("{k}={}", text(v)),
        };
        let settings: Vec<String> = self.keys().into_iter().zip(self.cell(cell)).map(setting).collect();
        let named = |e| match &settings[..] {
            [] => e,
            _ => input_error!("cell {}: {e}", self.describe(cell)),
        };
        Config::from_text(&self.base_text, "base", &settings).and_then(Config::resolved).map_err(named)
    }

    /// A number that problems of the same data share, and others (but for a collision of 64 bits) do not.
    pub fn data_group(&self, problem: u64) -> u64 {
        let pairs: Vec<_> = self.keys().into_iter().zip(self.cell(problem / self.seeds)).collect();
        let value = |key: &str| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v).or(self.base.get(key));
        let is = |key: &str, name: &str| value(key).map(|v| v.as_str() == Some(name));
        // rotated coordinates have room for the neurons
        let width = is("data.sampling", "gram") == Some(true);
        let of_data = |k: &str| k.starts_with("data.") || width && k == "network.width";
        let mut hash = blake3::Hasher::new();
        absorb(&mut hash, &pairs.iter().copied().filter(|(k, _)| of_data(k)).collect::<Vec<_>>());
        let drawn = is("data.source", "mixture").unwrap_or(true);
        if drawn || value("data.holdout").is_some_and(|v| v.as_float() != Some(0.0)) {
            hash.update(&self.seed(problem).to_le_bytes());
        }
        first_word(&hash)
    }

    /// The plan as TOML, with every list written out.
    pub fn to_toml(&self) -> String {
        let list = |axis: &Axis| -> Vec<(String, Value)> {
            axis.keys.iter().cloned().zip(axis.values.iter().map(|v| Value::Array(v.clone()))).collect()
        };
        let (grid, zip): (Vec<&Axis>, Vec<&Axis>) = self.axes.iter().partition(|a| a.keys.len() == 1);
        let written = Written {
            mode: self.mode,
            seeds: self.seeds,
            noise: self.noise,
            base: nested(&self.base),
            grid: grid.into_iter().flat_map(list).collect(),
            zip: zip.into_iter().flat_map(list).collect(),
        };
        toml::to_string(&written).expect("a plan is valid TOML")
    }

    /// Everything that the plan says by name, defaults included.
    fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::from([
            ("mode".to_string(), self.mode.name().to_string()),
            ("seeds".to_string(), self.seeds.to_string()),
            ("noise".to_string(), format!("{:?}", self.noise).to_lowercase()),
        ]);
        let mut base = defaults();
        base.extend(self.base.clone());
        for axis in &self.axes {
            let kind = if axis.keys.len() == 1 { "grid" } else { "zip" };
            for (key, values) in axis.keys.iter().zip(&axis.values) {
                base.remove(key);
                let list: Vec<String> = values.iter().map(text).collect();
                facts.insert(format!("{kind}.{key}"), list.join(", "));
            }
        }
        facts.extend(base.iter().map(|(k, v)| (format!("base.{k}"), text(v))));
        facts
    }

    /// The names of everything in which two plans differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (a, b) = (self.facts(), other.facts());
        let mut names: Vec<String> = a.keys().chain(b.keys()).filter(|k| a.get(*k) != b.get(*k)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// A command that answers for one problem alone.
    ///
    /// # Errors
    /// As [`Plan::config`].
    pub fn command(&self, problem: u64) -> Result<String> {
        let config = self.config(problem)?;
        let set = flat(&Table::try_from(&config).expect("a configuration is a table"), |_| false);
        let known = defaults();
        let quoted = |(k, v): (&String, &Value)| match v {
            Value::String(s) => format!("-s {k}='{}'", s.replace('\'', "'\\''")),
            _ => format!("-s {k}={}", text(v)),
        };
        let differs = set.iter().filter(|(k, v)| known.get(*k) != Some(v));
        Ok(format!("farfield {} {}", self.mode.name(), differs.map(quoted).collect::<Vec<_>>().join(" ")))
    }
}

/// The absolute path of a file that a value names relative to the plan's folder; any other value as it is.
fn rooted(key: &str, value: Value, folder: &Path) -> Value {
    match &value {
        Value::String(s) if PATHS.contains(&key) && folder.join(s).is_file() => {
            std::path::absolute(folder.join(s)).map_or(value, |p| Value::String(p.display().to_string()))
        }
        _ => value,
    }
}

/// A key with its values.
type Listed = (String, Vec<Value>);

/// The axes of a grid, and of what goes together.
fn axes(name: &str, grid: Vec<Listed>, zip: Vec<Listed>) -> Result<Vec<Axis>> {
    check(name, &grid, &zip)?;
    let mut axes: Vec<Axis> = grid.into_iter().map(|(k, v)| Axis { keys: vec![k], values: vec![v] }).collect();
    if !zip.is_empty() {
        let (keys, values) = zip.into_iter().unzip();
        axes.push(Axis { keys, values });
    }
    match axes.iter().find_map(|axis| axis.twice().map(|k| (axis, k))) {
        None => Ok(axes),
        Some((axis, k)) => {
            let pair = |(key, list): (&String, &Vec<Value>)| format!("{key} = {}", text(&list[k]));
            let point: Vec<String> = axis.keys.iter().zip(&axis.values).map(pair).collect();
            Err(input_error!("{name}: {} is listed twice", point.join(", ")))
        }
    }
}

/// Refuses axes that contradict each other.
fn check(name: &str, grid: &[Listed], zip: &[Listed]) -> Result<()> {
    if let Some((key, _)) = grid.iter().chain(zip).find(|(k, _)| k == "seed") {
        return Err(input_error!("{name}: {key} is no axis; repetitions are asked for by seeds = COUNT"));
    }
    if let Some((key, _)) = zip.iter().find(|(k, _)| grid.iter().any(|(g, _)| g == k)) {
        return Err(input_error!("{name}: {key} is both in [grid] and in [zip]"));
    }
    if let Some(((first, a), (key, b))) =
        zip.first().and_then(|f| zip.iter().find(|z| z.1.len() != f.1.len()).map(|z| (f, z)))
    {
        let (a, b) = (a.len(), b.len());
        return Err(input_error!("{name}: in [zip], {first} has {a} values and {key} has {b}; expected as many"));
    }
    if zip.len() == 1 {
        return Err(input_error!("{name}: [zip] has only {}; one key belongs in [grid]", zip[0].0));
    }
    Ok(())
}

/// Hashes `key=value` of each pair.
fn absorb(hash: &mut blake3::Hasher, pairs: &[(&str, &Value)]) {
    for (key, value) in pairs {
        hash.update(format!("{key}={}\n", text(value)).as_bytes());
    }
}

fn first_word(hash: &blake3::Hasher) -> u64 {
    let digest = hash.finalize();
    u64::from_le_bytes(std::array::from_fn(|i| digest.as_bytes()[i]))
}

/// Dotted names as sections.
fn nested(flat: &BTreeMap<String, Value>) -> Table {
    let mut table = Table::new();
    for (key, value) in flat {
        match key.split_once('.') {
            None => drop(table.insert(key.clone(), value.clone())),
            Some((section, name)) => {
                if let Value::Table(inner) = table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
                    inner.insert(name.to_string(), value.clone());
                }
            }
        }
    }
    table
}
