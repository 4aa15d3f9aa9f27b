//! Progress in log t: a bar on a terminal, a plain line every few seconds otherwise. On stderr.

use crate::summary::{remark_text, rest_text};
use farfield::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Seconds between plain lines.
const PLAIN: Duration = Duration::from_secs(5);
/// Seconds between updates of the bar.
const TICK: Duration = Duration::from_millis(100);
/// The bar has this many units over log(1 + t).
const UNITS: u64 = 10_000;

/// A display that lives until it is dropped.
pub struct Display {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// Shows how far an engine is on the way to the horizon, and why it is slow.
    pub fn start(progress: Progress, horizon: f64) -> Self {
        let (done, ended) = channel();
        let show = move || {
            if std::io::stderr().is_terminal() {
                bar(&progress, horizon, &ended)
            } else {
                lines(&progress, horizon, &ended)
            }
        };
        Self { done: Some(done), thread: Some(std::thread::spawn(show)) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            // A display that died must not take the result with it.
            let _ = thread.join();
        }
    }
}

fn bar(progress: &Progress, horizon: f64, ended: &Receiver<()>) {
    let style = ProgressStyle::with_template("{bar:40} {msg} · {elapsed}").expect("a valid template");
    let bar = ProgressBar::with_draw_target(Some(UNITS), ProgressDrawTarget::stderr()).with_style(style);
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let t = progress.t();
        bar.set_position((UNITS as f64 * t.ln_1p() / horizon.ln_1p()) as u64);
        let why = progress.remark().map(|remark| format!(" · {}", remark_text(&remark))).unwrap_or_default();
        bar.set_message(format!("t = {t:.3e} of {horizon:.0e}{why}"));
    }
    bar.finish_and_clear();
}

/// How long the rest of the steps takes at the rate since the last time.
fn rest(last: &mut (f64, f64), (seconds, t): (f64, f64), horizon: f64) -> String {
    let rate = (t - last.1) / (seconds - last.0);
    *last = (seconds, t);
    if rate > 0.0 { format!("; {}", rest_text(horizon - t, rate)) } else { String::new() }
}

fn lines(progress: &Progress, horizon: f64, ended: &Receiver<()>) {
    let start = Instant::now();
    let mut last = (0.0, progress.t());
    while ended.recv_timeout(PLAIN) == Err(RecvTimeoutError::Timeout) {
        let (t, seconds) = (progress.t(), start.elapsed().as_secs_f64());
        let why = progress.remark();
        let rest = rest(&mut last, (seconds, t), horizon);
        let why =
            why.map(|remark| format!("; every step is taken: {}{rest}", remark_text(&remark))).unwrap_or_default();
        eprintln!("farfield: t = {t:.3e} of {horizon:.0e} after {seconds:.0} s{why}");
    }
}
