//! Progress on stderr: a bar on a terminal, elsewhere a plain line once something has taken a second, and every few
//! seconds from then on. Each says what is being done and how far it is.

use crate::say;
use crate::summary::{remark_text, rest_text};
use farfield::{Hold, Phase, Progress, Remark, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::RefCell;
use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Before the first plain line of something.
const FIRST: Duration = Duration::from_secs(1);
/// Between its plain lines.
const PLAIN: Duration = Duration::from_secs(5);
/// Between two looks.
const TICK: Duration = Duration::from_millis(100);
/// Units of the bar.
const UNITS: u64 = 10_000;

/// What is shown at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What is being done; another name begins another phase.
    pub what: String,
    /// How far, in words; may be empty.
    pub how_far: String,
    /// How far, between 0 and 1, where it is known.
    pub share: Option<f64>,
}

/// A display that lives until it is dropped.
pub struct Display {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// Shows what `look` says; nothing where it says nothing. Where no thread can be started there is no display.
    pub fn start(look: impl Fn() -> Option<Shown> + Send + 'static) -> Self {
        let (done, ended) = channel();
        let show = move || {
            if std::io::stderr().is_terminal() { bar(&look, &ended) } else { lines(&look, &ended) }
        };
        Self { done: Some(done), thread: std::thread::Builder::new().name("display".into()).spawn(show).ok() }
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

fn bar(look: &impl Fn() -> Option<Shown>, ended: &Receiver<()>) {
    let style = ProgressStyle::with_template("{bar:40} {msg} · {elapsed}").expect("a valid template");
    let bar = ProgressBar::with_draw_target(Some(UNITS), ProgressDrawTarget::stderr()).with_style(style);
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let Some(shown) = look() else { continue };
        bar.set_position((UNITS as f64 * shown.share.unwrap_or(0.0)) as u64);
        bar.set_message(format!("{}{}", shown.what, shown.how_far));
    }
    bar.finish_and_clear();
}

fn lines(look: &impl Fn() -> Option<Shown>, ended: &Receiver<()>) {
    let mut phase = (String::new(), Instant::now());
    let mut next = FIRST;
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let Some(shown) = look() else { continue };
        if shown.what != phase.0 {
            (phase, next) = ((shown.what.clone(), Instant::now()), FIRST);
        }
        let spent = phase.1.elapsed();
        if spent >= next {
            say::line(&format!("{}{} after {:.0} s", shown.what, shown.how_far, spent.as_secs_f64()));
            next = spent + PLAIN;
        }
    }
}

/// How far the work of a watch is; `before` while it has not begun (a file is being read).
pub fn of_watch(watch: &Watch, before: &str) -> Option<Shown> {
    let Some(seen) = watch.seen() else {
        let what = before.to_string();
        return (!before.is_empty()).then_some(Shown { what, how_far: String::new(), share: None });
    };
    let what = match seen.phase {
        Phase::Drawing => "drawing samples",
        Phase::Gram => "K = XXᵀ",
        Phase::Eigenvalue => "λmax(K)",
        Phase::Limit => "the dual problem of the limit",
        Phase::TestError => "sampling test errors",
        Phase::Trial => "steps with a step size that is tried",
    };
    let (done, total) = (seen.done.min(seen.total), seen.total);
    let counted = |units: &str| format!(": {done} of {total} {units}");
    let how_far = match seen.phase {
        Phase::Drawing => counted("rows"),
        Phase::Gram => counted("blocks"),
        Phase::Eigenvalue => format!(": step {done} of at most {total}"),
        Phase::Limit => format!(" of {total} samples"),
        Phase::TestError => counted("points"),
        Phase::Trial => counted("steps"),
    };
    let known = !matches!(seen.phase, Phase::Limit | Phase::Eigenvalue) && total > 0;
    Some(Shown { what: what.into(), how_far, share: known.then(|| done as f64 / total as f64) })
}

/// The rate of steps between two looks.
pub struct Pace {
    since: Instant,
    t: f64,
    rest: String,
}

impl Pace {
    /// From t on.
    pub fn new(t: f64) -> Self {
        Self { since: Instant::now(), t, rest: String::new() }
    }

    /// How long the rest of the steps takes, at the rate of the last second or more.
    fn rest(&mut self, t: f64, horizon: f64) -> &str {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds >= 1.0 {
            let rate = (t - self.t) / seconds;
            self.rest = if rate > 0.0 { format!("; {}", rest_text(horizon - t, rate)) } else { String::new() };
            (self.since, self.t) = (Instant::now(), t);
        }
        &self.rest
    }
}

/// How far an engine is on the way to the horizon in log t; where every step is taken, why, and how long the rest takes.
pub fn of_steps(progress: &Progress, horizon: f64, pace: &RefCell<Pace>) -> Shown {
    let (t, why) = (progress.t(), progress.remark());
    let mut pace = pace.borrow_mut();
    let rest = pace.rest(t, horizon);
    // Who waits for the warp does not wait for all of the steps.
    let rest = if why == Some(Remark::Held(Hold::Early)) { "" } else { rest };
    let why = match why {
        _ if progress.looking() => "; the dual problem of the limit, and the certificate".into(),
        Some(remark @ Remark::Held(_)) => format!("; every step is taken: {}{rest}", remark_text(&remark)),
        Some(remark) => format!("; {}{rest}", remark_text(&remark)),
        None => String::new(),
    };
    // The name of a phase stays: "t" begins the line.
    let how_far = format!(" = {t:.3e} of {horizon:.0e}{why};");
    Shown { what: "t".into(), how_far, share: Some(t.ln_1p() / horizon.ln_1p().max(f64::MIN_POSITIVE)) }
}
