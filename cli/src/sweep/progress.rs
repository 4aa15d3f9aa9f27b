//! Progress of a sweep with its rate and the time that is left: a bar on a terminal, a plain line every few seconds
//! otherwise, or where the terminal cannot move its cursor. On stderr.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time between plain lines.
const PLAIN: Duration = Duration::from_secs(5);
/// Time between updates of the bar.
const TICK: Duration = Duration::from_millis(100);

/// What is done of so many problems; counted by one thread, seen by any.
#[derive(Debug)]
pub struct Tally {
    begun: Instant,
    total: u64,
    done: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    /// Of so many problems, none of them done.
    pub fn new(total: u64) -> Self {
        Self { begun: Instant::now(), total, done: AtomicU64::default(), failed: AtomicU64::default() }
    }

    /// A problem is done.
    pub fn note(&self, failed: bool) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// The part that is done, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.done.load(Ordering::Relaxed) as f64 / self.total.max(1) as f64
    }

    /// How many are done and failed, and how many a second.
    pub fn text(&self) -> String {
        let (done, failed) = (self.done.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        let rate = done as f64 / self.begun.elapsed().as_secs_f64();
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        format!("{done} of {} done{failed}, {rate:.1}/s", self.total)
    }

    /// How long the rest takes.
    fn left(&self) -> String {
        let share = self.share();
        let seconds = self.begun.elapsed().as_secs_f64() * (1.0 - share) / share;
        if share > 0.0 { duration(seconds) } else { "unknown time".into() }
    }
}

/// Shows a tally.
pub struct Display {
    bar: Option<ProgressBar>,
    shown: Instant,
}

impl Display {
    /// Of a tally.
    pub fn new(tally: &Tally) -> Self {
        let moves = std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|t| t != "dumb");
        let style = ProgressStyle::with_template("{bar:40} {msg}").expect("a valid template");
        let target = || ProgressBar::with_draw_target(Some(tally.total), ProgressDrawTarget::stderr());
        Self { bar: moves.then(|| target().with_style(style)), shown: Instant::now() }
    }

    /// Shows what is done, if it is time to.
    pub fn show(&mut self, tally: &Tally) {
        let period = if self.bar.is_some() { TICK } else { PLAIN };
        if self.shown.elapsed() < period {
            return;
        }
        self.shown = Instant::now();
        let text = format!("{}, {} left", tally.text(), tally.left());
        match &self.bar {
            Some(bar) => {
                bar.set_position(tally.done.load(Ordering::Relaxed));
                bar.set_message(text);
            }
            None => eprintln!("farfield: {text}"),
        }
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
