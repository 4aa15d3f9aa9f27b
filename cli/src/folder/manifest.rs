//! What belongs together: the digests of the files beside a result.json, and the keys in which configurations differ.

use crate::error::{Result, input_error};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use toml::{Table, Value};

/// blake3 of files, as hexadecimal digits, by their names.
pub type Digests = BTreeMap<String, String>;

/// A writer that hashes what goes through it.
pub struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Hashing<W> {
    /// Hashes what goes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, hasher: blake3::Hasher::new() }
    }

    /// Writes what is left; the digest.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<String> {
        self.out.flush()?;
        Ok(self.hasher.finalize().to_hex().to_string())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The part of a result.json that is needed here.
#[derive(Deserialize)]
struct Listed {
    files: Option<Digests>,
}

/// Checks that a folder's result.json is there and lists the files that are there, among them `needed`.
///
/// # Errors
/// [`crate::error::Error::Input`] for a run that has not ended, a file that is not listed, missing, or of another
/// digest.
pub fn verify(folder: &Path, needed: &[&str]) -> Result<()> {
    let place = folder.display();
    let refused =
        |why: &str| input_error!("{place}: {why}; give a configuration and the pattern.npy itself, or run again");
    let text = std::fs::read_to_string(folder.join("result.json"))
        .map_err(|_| refused("no result.json: the run has not ended"))?;
    let listed: Listed =
        serde_json::from_str(&text).map_err(|e| refused(&format!("result.json cannot be read ({e})")))?;
    let listed = listed.files.ok_or_else(|| refused("result.json does not list the digests of its files"))?;
    if let Some(name) = needed.iter().find(|name| !listed.contains_key(**name)) {
        return Err(refused(&format!("{name} is not listed in result.json")));
    }
    for (name, digest) in &listed {
        let mut hasher = blake3::Hasher::new();
        let hashed = File::open(folder.join(name)).and_then(|file| hasher.update_reader(file).map(|_| ()));
        hashed.map_err(|e| refused(&format!("{name}: {e}")))?;
        if hasher.finalize().to_hex().as_str() != digest {
            return Err(refused(&format!("{name} is not the one that belongs to result.json (another digest)")));
        }
    }
    Ok(())
}

/// The keys in which two configurations differ, as ` (data.n, …)`; empty if either is no TOML.
pub fn differing_keys(a: &str, b: &str) -> String {
    const NAMED: usize = 3;
    let (Ok(a), Ok(b)) = (a.parse::<Table>(), b.parse::<Table>()) else { return String::new() };
    let (a, b) = (flat(&a), flat(&b));
    let all: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differing: Vec<&str> = all.into_iter().filter(|key| a.get(*key) != b.get(*key)).map(String::as_str).collect();
    let named = differing.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match differing.len() {
        0 => String::new(),
        count if count > NAMED => format!(" ({named} and {} more keys differ)", count - NAMED),
        1 => format!(" ({named} differs)"),
        _ => format!(" ({named} differ)"),
    }
}

/// A configuration without the keys that may change while a run goes on: how far it goes, for how long, and what is
/// written of it.
pub fn lasting(config: &str) -> String {
    let Ok(mut table) = config.parse::<Table>() else { return config.to_string() };
    table.remove("output");
    if let Some(Value::Table(descent)) = table.get_mut("descent") {
        descent.remove("steps");
        descent.remove("max_seconds");
    }
    table.to_string()
}

/// Keys by their dotted names.
fn flat(table: &Table) -> BTreeMap<String, &Value> {
    let mut out = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => out.extend(flat(inner).into_iter().map(|(k, v)| (format!("{key}.{k}"), v))),
            value => {
                out.insert(key.clone(), value);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_keys_are_named() {
        let of = |text: &str| text.to_string();
        let a = of("seed = 1\n[data]\nn = 3\nd = 4\n");
        assert_eq!(differing_keys(&a, &a), "");
        assert_eq!(differing_keys(&a, &of("seed = 1\n[data]\nn = 4\nd = 4\n")), " (data.n differs)");
        assert_eq!(differing_keys(&a, &of("seed = 2\n[data]\nn = 4\n")), " (data.d, data.n, seed differ)");
        let other = of("seed = 2\n[data]\nn = 4\nm = 2\n");
        assert_eq!(differing_keys(&a, &other), " (data.d, data.m, data.n and 1 more keys differ)");
        assert_eq!(differing_keys(&a, "no toml"), "");
    }

    #[test]
    fn a_run_may_go_farther_and_write_more() {
        let of = |steps: &str, leak: &str| {
            format!("[network]\nleak = {leak}\n[descent]\nsteps = {steps}\n[output]\nweights = {}\n", leak == "0.1")
        };
        assert_eq!(lasting(&of("1e3", "0.1")), lasting(&of("1e6", "0.1")));
        let keys = differing_keys(&lasting(&of("1e3", "0.1")), &lasting(&of("1e6", "0.2")));
        assert_eq!(keys, " (network.leak differs)");
    }

    #[test]
    fn digests_of_what_was_written() {
        let mut out = Hashing::new(Vec::new());
        out.write_all(b"some ").unwrap();
        out.write_all(b"bytes").unwrap();
        assert_eq!(out.finish().unwrap(), blake3::hash(b"some bytes").to_hex().to_string());
    }
}
