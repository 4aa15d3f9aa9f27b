//! How far the shards of a folder have come, in words.

use super::plan::Plan;
use super::progress::duration;
use super::{State, shard, states};
use crate::error::Result;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The most failed problems that are listed.
const LISTED: usize = 10;

/// Done, failed and left; each shard with its process and rate; failed problems as commands.
///
/// # Errors
/// As [`states`].
pub fn report(plan: &Plan, dir: &Path) -> Result<String> {
    let states = states(plan, dir)?;
    let count = |state| states.iter().filter(|s| **s == state).count();
    let (done, failed, left) = (count(State::Done), count(State::Failed), count(State::Missing));
    let (cells, seeds) = (plan.cells(), plan.seeds);
    let mut out = format!("{cells} cells x {seeds} seeds: {done} done, {failed} failed, {left} left");
    let mut lines = String::new();
    let mut together = 0.0;
    for path in shard::list(dir)? {
        let scan = shard::scan(&path, |_, _, _| Ok(()))?;
        let (running, rate) = (shard::running(&path), rate(&path, &scan));
        together += if running { rate.unwrap_or(0.0) } else { 0.0 };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let who = scan.session.map_or("nobody".into(), |s| format!("process {} on {}", s.pid, s.host));
        let verb = if running { "being written by" } else { "last written by" };
        let rate = rate.map_or(String::new(), |r| format!(", {r:.1}/s"));
        let damaged = if scan.damaged > 0 { format!(", {} damaged lines", scan.damaged) } else { String::new() };
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{name}: {verb} {who}{rate}{damaged}");
    }
    if together > 0.0 && left > 0 {
        let _ = write!(out, ", {together:.1}/s, {} to go", duration(left as f64 / together));
    }
    out.push('\n');
    out.push_str(&lines);
    let failures = states.iter().enumerate().filter(|(_, s)| **s == State::Failed);
    for (problem, _) in failures.take(LISTED) {
        let command = plan.command(problem as u64).unwrap_or_else(|e| e.to_string());
        let _ = writeln!(out, "failed: {command}");
    }
    if failed > LISTED {
        let _ = writeln!(out, "and {} more failed", failed - LISTED);
    }
    Ok(out)
}

/// Problems a second of the last process.
fn rate(path: &Path, scan: &shard::Scan) -> Option<f64> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(scan.session.as_ref()?.started);
    let seconds = written.duration_since(begun).ok()?.as_secs_f64();
    (scan.since > 0 && seconds > 0.0).then(|| scan.since as f64 / seconds)
}
