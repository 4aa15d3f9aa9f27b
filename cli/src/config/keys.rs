//! Configuration as a table: `KEY=VALUE` settings, unknown keys, errors of one line.

use super::Config;
use crate::error::{Result, input_error};
use toml::{Table, Value};

pub(super) fn parse(text: &str, name: &str) -> Result<Table> {
    text.parse::<Table>().map_err(|e| one_line(name, &e))
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

/// Applies one `KEY=VALUE`; a value that is not TOML is taken as a string.
pub(super) fn apply(table: &mut Table, setting: &str) -> Result<()> {
    let Some((key, text)) = setting.split_once('=') else {
        return Err(input_error!("-s {setting}: expected KEY=VALUE, for instance data.n=200"));
    };
    let (key, text) = (key.trim(), text.trim());
    let value = match format!("v = {text}").parse::<Table>() {
        // 10:30 is a time in TOML, and a range of rows here.
        Ok(parsed) if parsed.get("v").is_some_and(Value::is_datetime) => Value::String(text.to_string()),
        Ok(mut parsed) if parsed.len() == 1 => parsed.remove("v").expect("the only key"),
        // Whole numbers beyond 64 bits are no TOML, but steps may be that many.
        _ => text.parse().map_or_else(|_| Value::String(text.to_string()), Value::Float),
    };
    let mut place = table;
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            place.insert(part.to_string(), value);
            return Ok(());
        }
        place = match place.entry(part).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => inner,
            _ => return Err(input_error!("-s {key}: {part} is a value, not a section")),
        };
    }
    Ok(())
}

pub(super) fn check_keys(table: &Table, known: &Table, prefix: &str) -> Result<()> {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match (known.get(key), value) {
            (None, value) => {
                let inner = value.as_table().and_then(|t| t.keys().next());
                let name = inner.map_or(name.clone(), |k| format!("{name}.{k}"));
                let nearest = nearest_key(&name);
                return Err(input_error!("unknown key {name}; did you mean {nearest}?"));
            }
            (Some(Value::Table(known)), Value::Table(inner)) => check_keys(inner, known, &format!("{name}."))?,
            (Some(Value::Table(_)), _) => return Err(input_error!("{name} is a section, not a value")),
            (Some(_), Value::Table(_)) => return Err(input_error!("{name} is a value, not a section")),
            (Some(_), _) => {}
        }
    }
    Ok(())
}

fn nearest_key(name: &str) -> String {
    let known = Table::try_from(Config::default()).expect("the defaults are a table");
    let mut names = vec!["seed".to_string()];
    for (section, keys) in known.iter().filter_map(|(s, v)| v.as_table().map(|t| (s, t))) {
        names.extend(keys.keys().map(|k| format!("{section}.{k}")));
    }
    let distance = |known: &String| {
        let bare = known.rsplit('.').next().unwrap_or(known);
        strsim::damerau_levenshtein(known, name).min(1 + strsim::damerau_levenshtein(bare, name))
    };
    names.into_iter().min_by_key(distance).expect("there are keys")
}
