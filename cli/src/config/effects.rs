//! Keys that do nothing beside the others as they are.
//!
//! Whoever sets one expects something of it, so it is an error that names the key which takes its effect away. Empty
//! texts, `none`, `auto`, 0 features and `false` ask for nothing, and may always be set.

use super::keys::Layers;
use super::{Config, NoiseName, Source};
use crate::error::{Result, input_error};
use crate::files::csv::Header;
use crate::files::format::Format;
use crate::files::svmlight::IndexBase;
use farfield::{EngineChoice, StepSize};
use toml::{Table, Value};

/// Keys, when they have no effect, and why not.
struct Rule {
    keys: &'static [&'static str],
    idle: fn(&Config) -> bool,
    why: &'static str,
}

const RULES: [Rule; 12] = [
    Rule {
        keys: &[
            "data.n",
            "data.d",
            "data.signal",
            "data.clusters",
            "data.noise",
            "data.dof",
            "data.spectrum",
            "data.rotated",
            "data.label_noise",
            "data.label_noise_kind",
            "data.balance",
            "data.sampling",
            "data.stream",
        ],
        idle: |c| c.data.source != Source::Mixture,
        why: "data.source is a file; it belongs to data.source = \"mixture\"",
    },
    Rule {
        keys: &[
            "data.labels",
            "data.positive_class",
            "data.format",
            "data.header",
            "data.index_base",
            "data.features",
            "data.rows",
            "data.columns",
            "data.standardize",
        ],
        idle: |c| c.data.source == Source::Mixture,
        why: "data.source = \"mixture\"; it belongs to a file as data.source",
    },
    Rule {
        keys: &["data.test", "data.test_labels", "data.holdout"],
        idle: |c| c.data.source == Source::Mixture,
        why: "the test error of data.source = \"mixture\" is exact, or sampled from the mixture itself; samples are held \
              out from a file as data.source",
    },
    Rule {
        keys: &["data.holdout"],
        idle: |c| !c.data.test.is_empty(),
        why: "the samples that are held out are those of data.test",
    },
    Rule {
        keys: &["data.test_labels"],
        idle: |c| c.data.test.is_empty(),
        why: "data.test is empty; there are no test samples",
    },
    Rule {
        keys: &["data.label_noise_kind"],
        idle: |c| c.data.label_noise == 0.0,
        why: "data.label_noise is 0; no label is flipped",
    },
    Rule { keys: &["data.dof"], idle: |c| c.data.noise != NoiseName::StudentT, why: "data.noise is not \"student-t\"" },
    Rule {
        keys: &["network.init_scale"],
        idle: |c| !c.network.init.is_empty(),
        why: "the initial weights are those of network.init",
    },
    Rule {
        keys: &["seed"],
        idle: |c| !c.network.init.is_empty() && c.data.source != Source::Mixture && c.data.holdout == 0.0,
        why: "nothing is drawn where data.source and network.init are files, and data.holdout is 0",
    },
    Rule {
        keys: &["descent.sliding_tolerance"],
        idle: |c| {
            let flow = c.descent.step_size == StepSize::Flow;
            flow || !c.descent.warp || c.descent.engine == EngineChoice::Direct || c.network.leak == 1.0
        },
        why: "averages need steps (descent.step_size is not \"flow\"), descent.warp = true, steps on K (descent.engine is not \
              \"direct\") and network.leak below 1",
    },
    Rule {
        keys: &["monitor.test_error"],
        idle: |c| c.data.source != Source::Mixture,
        why: "the distribution of a file as data.source is not known; hold samples out with data.holdout or data.test: their errors \
              at the same t are in held_out.csv",
    },
    Rule {
        keys: &["monitor.require"],
        idle: |c| c.monitor.angle_tolerance == 0.0,
        why: "monitor.angle_tolerance is 0; there is nothing to require",
    },
];

/// Keys that are written only where they ask for something: of files, and what a configuration of an earlier version did
/// without.
const OPTIONAL: [&str; 19] = [
    "data.labels",
    "data.test",
    "data.test_labels",
    "data.holdout",
    "data.positive_class",
    "data.format",
    "data.header",
    "data.index_base",
    "data.features",
    "data.rows",
    "data.columns",
    "data.clusters",
    "data.rotated",
    "data.label_noise_kind",
    "data.stream",
    "network.init",
    "monitor.columns",
    "monitor.test_error",
    "output.checkpoint_minutes",
];

/// Whether a value asks for nothing.
fn neutral(key: &str, value: &Value) -> bool {
    match value {
        Value::String(s) => matches!(s.as_str(), "" | "none" | "auto"),
        Value::Boolean(b) => !b,
        Value::Array(list) => list.is_empty(),
        Value::Integer(0) => key == "data.holdout",
        Value::Float(v) => key == "data.holdout" && *v == 0.0,
        _ => false,
    }
}

/// Refuses a key that was set and has no effect.
pub(super) fn check(config: &Config, set: &Layers) -> Result<()> {
    for rule in RULES.iter().filter(|rule| (rule.idle)(config)) {
        // a header that is denied asks for something
        let asks =
            |key: &&&str| set.get(key).is_some_and(|v| !neutral(key, v) || **key == "data.header" && v.is_bool());
        if let Some(key) = rule.keys.iter().find(asks) {
            return Err(input_error!("{key} has no effect: {}", rule.why));
        }
    }
    Ok(())
}

/// The configuration as a table of the keys that have an effect.
pub(super) fn table(config: &Config) -> Table {
    let mut table = Table::try_from(config).expect("a configuration is a table");
    let defaults = Table::try_from(Config::default()).expect("a configuration is a table");
    for key in RULES.iter().filter(|rule| (rule.idle)(config)).flat_map(|rule| rule.keys) {
        remove(&mut table, key, |_| true);
    }
    for key in OPTIONAL {
        let (section, name) = key.split_once('.').expect("a key of a section");
        remove(&mut table, key, |v| defaults[section].get(name) == Some(v));
    }
    table
}

fn remove(table: &mut Table, key: &str, unless: impl Fn(&Value) -> bool) {
    match key.split_once('.') {
        None => drop(table.remove(key)),
        Some((section, name)) => {
            if let Some(Value::Table(section)) = table.get_mut(section)
                && section.get(name).is_some_and(unless)
            {
                section.remove(name);
            }
        }
    }
}

impl super::Data {
    /// Refuses the keys that say how another format than this is read.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with the key and the format.
    pub fn only_of(&self, format: Format) -> Result<()> {
        let table = format == Format::Csv || self.label_file().is_some_and(|f| Format::of_name(&f) != Format::Npy);
        let sparse = format == Format::Svmlight;
        let name = match format {
            Format::Npy => "an array (npy)",
            Format::Svmlight => "svmlight",
            Format::Csv | Format::Auto => "a table (csv)",
        };
        for (key, asks, serves, whose) in [
            ("data.header", self.header != Header::Auto, table, "tables"),
            ("data.index_base", self.index_base != IndexBase::Auto, sparse, "svmlight"),
            ("data.features", self.features != 0, sparse, "svmlight"),
        ] {
            if asks && !serves {
                let source = "data.source is read as";
                return Err(input_error!("{key} has no effect: {source} {name}; it belongs to {whose} (data.format)"));
            }
        }
        Ok(())
    }
}
