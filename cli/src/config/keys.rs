//! Configuration as a table: files and `KEY=VALUE` settings in layers, unknown keys, errors of one line.

use super::Config;
use crate::error::{Result, input_error};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::{DeInteger, DeTable, DeValue};
use toml::{Table, Value};

/// What was set, and the folder that a relative path in it begins in.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub table: Table,
    /// By dotted key.
    pub bases: BTreeMap<String, PathBuf>,
}

impl Layers {
    /// A whole file.
    pub fn file(&mut self, path: &Path) -> Result<()> {
        let name = path.display();
        let bytes = std::fs::read(path).map_err(|e| input_error!("cannot read the configuration {name}: {e}"))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            input_error!("the configuration {name} is no UTF-8 at byte {}", e.utf8_error().valid_up_to())
        })?;
        self.text(&text, &name.to_string(), path.parent().unwrap_or(Path::new("")))
    }

    /// A text in TOML; messages call it `name`.
    pub fn text(&mut self, text: &str, name: &str, base: &Path) -> Result<()> {
        self.table = parse(text.trim_start_matches('\u{feff}')).map_err(|e| one_line(name, &e))?;
        for (key, value) in &self.table {
            match value {
                Value::Table(section) => {
                    self.bases.extend(section.keys().map(|k| (format!("{key}.{k}"), base.to_path_buf())));
                }
                _ => drop(self.bases.insert(key.clone(), base.to_path_buf())),
            }
        }
        Ok(())
    }

    /// One `KEY=VALUE`, over what is there.
    pub fn setting(&mut self, setting: &str) -> Result<()> {
        let Some((key, text)) = setting.split_once('=') else {
            return Err(input_error!("-s {}: expected KEY=VALUE, for instance data.n=200", short(setting)));
        };
        let (key, text) = (key.trim(), text.trim());
        let (place, name) = match key.split_once('.') {
            None => (&mut self.table, key),
            // deeper ones are no keys, whatever they begin with
            Some((section, name)) if !name.contains('.') => {
                let place = self.table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                let no_section = || input_error!("-s {}: {} is a value, not a section", short(key), short(section));
                (place.as_table_mut().ok_or_else(no_section)?, name)
            }
            Some(_) => return Err(unknown(key)),
        };
        let value = value(key, text);
        if matches!(place.get(name), Some(Value::Table(_))) && !value.is_table() {
            return Err(input_error!("{key} is a section, not a value"));
        }
        place.insert(name.to_string(), value);
        self.bases.insert(key.to_string(), PathBuf::new());
        Ok(())
    }

    /// What a key was set to.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match key.split_once('.') {
            None => self.table.get(key),
            Some((section, name)) => self.table.get(section)?.get(name),
        }
    }
}

/// The value of a setting; what is not TOML is taken as a text.
fn value(key: &str, text: &str) -> Value {
    if key == "seed"
        && let Ok(seed) = text.parse::<u64>()
    {
        return i64::try_from(seed).map_or_else(|_| Value::String(text.to_string()), Value::Integer);
    }
    match parse(&format!("v = {text}")) {
        // 10:30 is a time in TOML, and a range of rows here.
        Ok(parsed) if parsed.get("v").is_some_and(Value::is_datetime) => Value::String(text.to_string()),
        Ok(mut parsed) if parsed.len() == 1 => parsed.remove("v").expect("the only key"),
        _ => bare_point(text).map_or_else(|| Value::String(text.to_string()), Value::Float),
    }
}

/// `.5` and `5.`, numbers everywhere but in TOML.
fn bare_point(text: &str) -> Option<f64> {
    let bare = text.trim_start_matches(['-', '+']).starts_with('.') || text.ends_with('.');
    bare.then(|| text.parse().ok()).flatten()
}

/// A text in TOML. Whole numbers beyond 64 bits are floats, a seed up to 2⁶⁴ − 1 its digits.
pub(super) fn parse(text: &str) -> std::result::Result<Table, toml::de::Error> {
    let read = DeTable::parse(text)?;
    let mut table = table(read.get_ref());
    if let Some(DeValue::Integer(seed)) = read.get_ref().get("seed").map(|v| v.get_ref())
        && let Ok(seed) = u64::from_str_radix(seed.as_str(), seed.radix())
        && i64::try_from(seed).is_err()
    {
        table.insert("seed".into(), Value::String(seed.to_string()));
    }
    Ok(table)
}

fn table(read: &DeTable) -> Table {
    read.iter().map(|(k, v)| (k.get_ref().to_string(), plain(v.get_ref()))).collect()
}

fn plain(read: &DeValue) -> Value {
    match read {
        DeValue::String(s) => Value::String(s.to_string()),
        DeValue::Integer(i) => integer(i),
        DeValue::Float(f) => Value::Float(f.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Boolean(*b),
        DeValue::Datetime(d) => Value::Datetime(*d),
        DeValue::Array(a) => Value::Array(a.iter().map(|v| plain(v.get_ref())).collect()),
        DeValue::Table(t) => Value::Table(table(t)),
    }
}

fn integer(read: &DeInteger) -> Value {
    let digits = read.as_str();
    match i64::from_str_radix(digits, read.radix()) {
        Ok(v) => Value::Integer(v),
        Err(_) if read.radix() == 10 => Value::Float(digits.parse().unwrap_or(f64::NAN)),
        Err(_) => Value::Float(u128::from_str_radix(digits, read.radix()).map_or(f64::INFINITY, |v| v as f64)),
    }
}

/// A TOML error as one line, with the line number where there is one.
pub(super) fn one_line(name: &str, error: &toml::de::Error) -> crate::error::Error {
    let message = error.message().replace('\n', " ");
    let whole = error.to_string();
    let place = whole.lines().next().and_then(|l| l.strip_prefix("TOML parse error at ")).unwrap_or("");
    let key = whole.lines().find_map(|l| l.strip_prefix("in `")).map(|k| k.trim_end_matches('`')).unwrap_or("");
    match (place, key) {
        ("", "") => input_error!("{name}: {message}"),
        ("", key) => input_error!("{name}: {key}: {message}"),
        (place, _) => input_error!("{name}, {place}: {message}"),
    }
}

pub(super) fn check_keys(table: &Table, known: &Table, prefix: &str) -> Result<()> {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match (known.get(key), value) {
            (None, value) => {
                let inner = value.as_table().and_then(|t| t.keys().next());
                return Err(unknown(&inner.map_or(name.clone(), |k| format!("{name}.{k}"))));
            }
            (Some(Value::Table(known)), Value::Table(inner)) => check_keys(inner, known, &format!("{name}."))?,
            (Some(Value::Table(_)), _) => return Err(input_error!("{name} is a section, not a value")),
            (Some(_), Value::Table(_)) => return Err(input_error!("{name} is a value, not a section")),
            (Some(_), _) => {}
        }
    }
    Ok(())
}

fn unknown(name: &str) -> crate::error::Error {
    let name: String = short(name);
    input_error!("unknown key {name}; did you mean {}?", nearest_key(&name))
}

/// A key as it may be shown: one line of at most 60 characters.
fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

/// The known key that a misspelt one is nearest to.
fn nearest_key(name: &str) -> String {
    let known = Table::try_from(Config::default()).expect("the defaults are a table");
    let mut names = vec!["seed".to_string()];
    for (section, keys) in known.iter().filter_map(|(s, v)| v.as_table().map(|t| (s, t))) {
        names.extend(keys.keys().map(|k| format!("{section}.{k}")));
    }
    nearest(name, names).expect("there are keys")
}

/// The dotted name that a misspelt one is nearest to: in its own section if one there is near. None if there are none.
pub fn nearest(name: &str, names: Vec<String>) -> Option<String> {
    let bare = |name: &str| name.rsplit('.').next().unwrap_or(name).to_string();
    if let Some((section, key)) = name.split_once('.') {
        let inside = names.iter().filter(|n| n.starts_with(&format!("{section}.")));
        let of_section = inside.map(|n| (strsim::osa_distance(&bare(n), key), n)).min();
        let elsewhere = names.iter().any(|n| bare(n) == key);
        if let Some((distance, near)) = of_section
            && !elsewhere
            && distance <= 2.max(key.len() / 2)
        {
            return Some(near.clone());
        }
    }
    let distance = |known: &String| {
        let same_name = bare(known) == bare(name);
        let apart = strsim::osa_distance(known, name);
        if same_name { apart.min(1) } else { apart.min(1 + strsim::osa_distance(&bare(known), name)) }
    };
    names.into_iter().min_by_key(distance)
}
