//! Whether a problem fits into memory, before anything large is allocated.
//!
//! What there is: `MemAvailable` of the machine, what the memory limits of this process's control groups (versions
//! 1 and 2, up to the root) leave, and what `ulimit -v` and `ulimit -d` leave.

use crate::config::{Config, Sampling, Source};
use crate::error::{Result, input_error};
use farfield::{Axes, Data, Precision};
use std::fs::read_to_string;
use std::sync::OnceLock;

/// Refuses a problem that would not fit: X twice (as read and packed) with so many bytes a number, W and Z with their copies, and K with
/// its factor.
///
/// # Errors
/// [`crate::error::Error::Input`] with what is needed and what there is.
pub fn fits(n: usize, d: usize, m: usize, bytes: f64) -> Result<()> {
    let (samples, features, width) = (n as f64, d as f64, m as f64);
    let needed = 2.0 * bytes * samples * features + 8.0 * gram(n) + 8.0 * weights(samples, features, width);
    room(needed, &format!("n = {n}, d = {d}, width = {m}"))
}

/// Refuses a network that would not fit beside data that are there already: X packed in the precision of the steps, W, Z and K's factor.
///
/// # Errors
/// As [`fits`].
pub fn network_fits(n: usize, d: usize, m: usize, precision: Precision) -> Result<()> {
    let packed = if precision == Precision::F64 { 8.0 } else { 4.0 } * n as f64 * d as f64;
    let needed = packed + 8.0 * (gram(n) / 2.0 + weights(n as f64, d as f64, m as f64));
    room(needed, &format!("n = {n}, d = {d}, width = {m}"))
}

/// Refuses p samples that are not trained on, and would not fit beside n that are and are there already: X packed, K, the
/// network, and of the others themselves (as read and chosen), their products with X and their pre-activations.
///
/// # Errors
/// As [`fits`].
pub fn held_out_fits(p: usize, n: usize, d: usize, m: usize) -> Result<()> {
    let (others, samples, features, width) = (p as f64, n as f64, d as f64, m as f64);
    let products = others * samples;
    let most = (Data::LARGEST as f64).powi(2);
    let cross = if n <= Data::LARGEST && products <= most { products } else { 0.0 };
    let own = 2.0 * others * features + cross + 2.0 * others * width;
    let needed = 8.0 * (samples * features + gram(n) + weights(samples, features, width) + own);
    room(needed, &format!("n = {n}, d = {d}, width = {m} with {p} samples that are held out"))
}

/// Refuses a configuration that cannot fit, before its data are read or drawn. Of data from a file only that there
/// is a sample and a feature is known.
///
/// # Errors
/// As [`fits`].
pub fn plausible(config: &Config) -> Result<()> {
    let size = |v: u64| usize::try_from(v).unwrap_or(usize::MAX);
    let (n, d) = match config.data.source {
        Source::Mixture if config.data.sampling == Sampling::Gram => {
            let n = size(config.data.n);
            (n, Axes::new(n, config.data.d, size(config.network.width)).columns())
        }
        Source::Mixture => (size(config.data.n), size(config.data.d)),
        Source::File(_) => (1, 1),
    };
    fits(n, d, size(config.network.width), 8.0)
}

/// How many bytes may be used, where that was said.
static ALLOWED: OnceLock<f64> = OnceLock::new();

/// Says how many bytes may be used, once.
pub fn allow(bytes: f64) {
    // The first word counts, and it is the only one.
    let _ = ALLOWED.set(bytes);
}

/// How many bytes may be used; none where nothing was said.
pub fn allowed() -> Option<f64> {
    ALLOWED.get().copied()
}

/// Bytes of a process that has not begun with anything.
const PROCESS: f64 = (64u64 << 20) as f64;

/// Bytes for samples of which not all fit the memory allowed; none if they fit.
///
/// # Errors
/// As [`fits`], for what is needed besides, and room for two blocks of 256 columns and two rows.
pub fn for_blocks(n: usize, d: usize, m: usize) -> Result<Option<f64>> {
    if fits(n, d, m, 8.0).is_ok() {
        return Ok(None);
    }
    let (samples, features) = (n as f64, d as f64);
    let besides = 8.0 * (2.0 * gram(n) + weights(samples, features, m as f64) + 8.0 * features) + PROCESS;
    let least = 8.0 * 2.0 * (256.0 * samples).max(features);
    room(besides + least, &format!("n = {n}, d = {d}, width = {m}, a block of X at a time,"))?;
    let available = available().unwrap_or(f64::INFINITY).min(allowed().unwrap_or(f64::INFINITY));
    Ok(Some(available - besides))
}

/// A size in bytes: `2GiB`, `500 MB`, `1e9`.
///
/// # Errors
/// What is expected.
pub fn size(text: &str) -> std::result::Result<f64, String> {
    let unit = text.trim_end().trim_start_matches(|c: char| c.is_ascii_digit() || ".+e".contains(c)).trim();
    let number = text.trim_end().strip_suffix(unit).unwrap_or(text).trim().parse::<f64>().ok();
    let power = |base: f64, letter: char| Some(base.powi("kmgt".find(letter.to_ascii_lowercase())? as i32 + 1));
    let letters: Vec<char> = unit.chars().collect();
    let factor = match letters[..] {
        [] | ['B'] => Some(1.0),
        [letter, 'B'] => power(1000.0, letter),
        [letter] | [letter, 'i', 'B'] => power(1024.0, letter),
        _ => None,
    };
    let bytes = number.zip(factor).map(|(number, factor)| number * factor);
    bytes.filter(|v| *v > 0.0 && v.is_finite()).ok_or_else(|| "expected a size such as 2GiB, 500MB or 1e9".into())
}

/// Refuses `needed` bytes for `what` if there are not as many.
///
/// # Errors
/// [`crate::error::Error::Input`] with what is needed and what there is.
pub fn room(needed: f64, what: &str) -> Result<()> {
    if needed <= LITTLE {
        return Ok(());
    }
    let Some(available) = available().into_iter().chain(allowed()).reduce(f64::min) else { return Ok(()) };
    if needed <= available {
        return Ok(());
    }
    let gib = |bytes: f64| {
        let v = bytes / (1u64 << 30) as f64;
        if v < 1e6 { format!("{v:.1}") } else { format!("{v:.1e}") }
    };
    let hint = match allowed() {
        Some(_) => "",
        None => "; --memory SIZE holds less of X",
    };
    Err(input_error!("{what} needs {} GiB of memory, and {} GiB are available{hint}", gib(needed), gib(available)))
}

/// Bytes that are not worth asking for: a sweep has thousands of problems of this size.
const LITTLE: f64 = (64u64 << 20) as f64;

/// Addresses that a product of matrices in the limit reserves, most of which it never touches.
const WORKSPACE: f64 = (960u64 << 20) as f64;

/// Numbers in K and its factor.
fn gram(n: usize) -> f64 {
    if n <= Data::LARGEST { 4.0 * n as f64 * n as f64 } else { 0.0 }
}

/// Numbers in W and its copies, those of a checkpoint among them, and in Z, C, their low parts, patterns and checkpoints.
fn weights(n: f64, d: f64, m: f64) -> f64 {
    5.0 * m * d + 14.0 * n * m
}

/// Bytes of memory that this process may still use.
fn available() -> Option<f64> {
    let file = read_to_string("/proc/meminfo").ok()?;
    let line = file.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let free = line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? * 1024.0;
    Some(limits().into_iter().chain(groups()).fold(free, f64::min).max(0.0))
}

/// What `ulimit -v` and `ulimit -d` leave.
fn limits() -> Vec<f64> {
    let (Ok(limits), Ok(status)) = (read_to_string("/proc/self/limits"), read_to_string("/proc/self/status")) else {
        return Vec::new();
    };
    let first = |text: &str, name: &str| {
        text.lines().find_map(|l| l.strip_prefix(name))?.split_whitespace().next()?.parse::<f64>().ok() // or "unlimited"
    };
    let left = |limit: &str, used: &str| Some(first(&limits, limit)? - 1024.0 * first(&status, used)?);
    let address = left("Max address space", "VmSize:").map(|left| left - WORKSPACE);
    [address, left("Max data size", "VmData:")].into_iter().flatten().collect()
}

/// What the control groups leave, from that of the process up to the root.
fn groups() -> Vec<f64> {
    let Ok(text) = read_to_string("/proc/self/cgroup") else { return Vec::new() };
    let mut left = Vec::new();
    for line in text.lines() {
        // hierarchy:controllers:path, with no controllers in version 2
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, most, used, cached) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "),
            c if c.split(',').any(|c| c == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
            }
            _ => continue,
        };
        for group in std::path::Path::new(path.trim_start_matches('/')).ancestors() {
            let file = |name: &str| read_to_string(std::path::Path::new(root).join(group).join(name)).ok();
            let number = |name: &str| file(name)?.trim().parse::<f64>().ok(); // "max" is no number
            let Some((most, used)) = number(most).zip(number(used)) else { continue };
            // Pages of files that nobody has asked for lately count as used, but are given back.
            let cached = file("memory.stat").and_then(|text| {
                text.lines().find_map(|l| l.strip_prefix(cached)).and_then(|v| v.trim().parse::<f64>().ok())
            });
            left.push(most - (used - cached.unwrap_or(0.0)));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_sizes_are_refused_in_one_line() {
        assert!(fits(10, 10, 4, 8.0).is_ok());
        let most = usize::MAX;
        for (n, d, m) in [(10_000_000, 10_000_000, 8), (1, 1, 1_000_000_000_000), (1, 1, most), (most, most, most)] {
            let text = fits(n, d, m, 8.0).expect_err("too large").to_string();
            assert!(text.contains("GiB") && text.lines().count() == 1 && text.len() < 200, "{text}");
            assert!(network_fits(n, d, m, Precision::F64).is_err());
            let text = held_out_fits(n, 10, d, m).expect_err("too large").to_string();
            assert!(text.contains("GiB") && text.lines().count() == 1 && text.len() < 250, "{text}");
        }
    }
}
