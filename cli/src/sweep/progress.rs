//! Progress of a sweep with its rate and the time that is left: a bar on a terminal, a plain line every few seconds
//! otherwise, or where the terminal cannot move its cursor. On stderr.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between plain lines.
const PLAIN: Duration = Duration::from_secs(5);
/// Time between updates of the bar.
const TICK: Duration = Duration::from_millis(100);

/// Counts problems and shows them.
pub struct Display {
    bar: Option<ProgressBar>,
    begun: Instant,
    shown: Instant,
    total: u64,
    done: u64,
    failed: u64,
}

impl Display {
    /// For so many problems.
    pub fn new(total: u64) -> Self {
        let moves = std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|t| t != "dumb");
        let style = ProgressStyle::with_template("{bar:40} {msg}").expect("a valid template");
        let bar =
            moves.then(|| ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style));
        let now = Instant::now();
        Self { bar, begun: now, shown: now, total, done: 0, failed: 0 }
    }

    /// A problem is done.
    pub fn note(&mut self, failed: bool) {
        self.done += 1;
        self.failed += u64::from(failed);
    }

    /// Shows what is done, if it is time to.
    pub fn show(&mut self) {
        let period = if self.bar.is_some() { TICK } else { PLAIN };
        if self.shown.elapsed() < period {
            return;
        }
        self.shown = Instant::now();
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done);
                bar.set_message(self.text());
            }
            None => eprintln!("farfield: {}", self.text()),
        }
    }

    fn text(&self) -> String {
        let Self { total, done, failed, .. } = self;
        let rate = *done as f64 / self.begun.elapsed().as_secs_f64();
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        let left = if *done > 0 { duration((total - done) as f64 / rate) } else { "unknown time".into() };
        format!("{done} of {total} done{failed}, {rate:.1}/s, {left} left")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds in the unit that suits them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.995 => format!("{s:.2} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}
