//! Whether a problem fits into memory, before anything large is allocated.

use crate::error::{Result, input_error};
use farfield::Data;

/// Refuses a problem that would not fit: X twice (as read and packed), W twice, and K with its factor.
///
/// # Errors
/// [`crate::error::Error::Input`] with what is needed and what there is.
pub fn fits(n: usize, d: usize, m: usize) -> Result<()> {
    let (n, d, m) = (n as f64, d as f64, m as f64);
    let gram = if n <= Data::LARGEST as f64 { 4.0 * n * n } else { 0.0 };
    let needed = 8.0 * (2.0 * n * d + 3.0 * m * d + 6.0 * n * m + gram);
    let Some(available) = available() else { return Ok(()) };
    if needed <= available {
        return Ok(());
    }
    const GIB: f64 = (1u64 << 30) as f64;
    let (needed, available) = (needed / GIB, available / GIB);
    Err(input_error!(
        "n = {n}, d = {d}, width = {m} needs {needed:.1} GiB of memory, and {available:.1} GiB are available"
    ))
}

/// Bytes of memory that this process may still use: MemAvailable, or what a cgroup leaves of it.
fn available() -> Option<f64> {
    let file = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = file.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let free = line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? * 1024.0;
    let number =
        |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<f64>().ok();
    match (number("memory.max"), number("memory.current")) {
        (Some(max), Some(current)) => Some(free.min(max - current)),
        _ => Some(free),
    }
}
