//! Work apart from the interpreter: on threads of its own, while the caller's thread listens to Ctrl-C and shows how far
//! it is.
//!
//! ```text
//! caller   every 50 ms: signals → stop flag;  progress → Python      (attached only then)
//! pool     work, and whatever it shares out
//! ```
//!
//! Every call has a pool of its own, so that two calls at once never wait for each other; pools are kept for later calls.
//! Work that does not look at the stop flag for [`GRACE`] is left behind with its pool, and ends there by itself.

use crate::float_environment;
use farfield::Stop;
use farfield_cli::progress::Shown;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long work may go on after an interrupt.
const GRACE: Duration = Duration::from_millis(600);
/// Between two looks at signals and progress.
const TICK: Duration = Duration::from_millis(50);
/// Stack of a thread: that of a main thread.
const STACK: usize = 8 << 20;

/// Pools that no call uses, with the process that they belong to: a forked one has none of their threads.
static FREE: Mutex<Vec<(u32, ThreadPool)>> = Mutex::new(Vec::new());

/// What came of a call.
pub struct Done<T> {
    /// Its result; none if it was left behind.
    pub result: Option<T>,
    /// What interrupted it: Ctrl-C, or an exception of the progress display.
    pub interrupt: Option<PyErr>,
}

impl<T> Done<T> {
    /// The result, or the interrupt, for work of which a part is worth nothing.
    pub fn whole(self) -> PyResult<T> {
        match (self.interrupt, self.result) {
            (None, Some(result)) => Ok(result),
            (Some(interrupt), _) => Err(interrupt),
            (None, None) => Err(fault("unknown")), // only an interrupt leaves work behind
        }
    }
}

/// Runs `work` on a pool. An interrupt raises `stop`, which work has to look at; `show` says how far it is, to be told
/// to `progress(text, share)`.
///
/// # Errors
/// `RuntimeError` if no thread can be started, or if the work panicked.
pub fn apart<T: Send + 'static>(
    py: Python<'_>,
    stop: &Stop,
    progress: Option<&Bound<'_, PyAny>>,
    show: impl Fn() -> Option<Shown>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<Done<T>> {
    let pool = pool()?;
    let (send, mut receive) = channel();
    pool.spawn(move || {
        // The receiver is gone only if the work was left behind.
        let _ = send.send(catch_unwind(AssertUnwindSafe(work)));
    });
    let (mut interrupt, mut since) = (None, Instant::now());
    loop {
        let found;
        (receive, found) = py.detach(move || {
            let found = receive.recv_timeout(TICK);
            (receive, found)
        });
        match found {
            Ok(done) => {
                keep(pool);
                let result = done.map_err(|payload| fault(&said(&*payload)))?;
                return Ok(Done { result: Some(result), interrupt });
            }
            Err(RecvTimeoutError::Disconnected) => return Err(fault("a thread ended")),
            Err(RecvTimeoutError::Timeout) if interrupt.is_none() => {
                if let Err(error) = py.check_signals().and_then(|()| tell(progress, show())) {
                    stop.raise();
                    (interrupt, since) = (Some(error), Instant::now());
                }
            }
            Err(RecvTimeoutError::Timeout) if since.elapsed() > GRACE => return Ok(Done { result: None, interrupt }),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn tell(progress: Option<&Bound<'_, PyAny>>, shown: Option<Shown>) -> PyResult<()> {
    let (Some(progress), Some(shown)) = (progress, shown) else { return Ok(()) };
    progress.call1((format!("{}{}", shown.what, shown.how_far), shown.share)).map(drop)
}

/// A pool that no other call uses, of as many threads as RAYON_NUM_THREADS says, or as there are cores.
fn pool() -> PyResult<ThreadPool> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some((process, pool)) = free.pop() {
        if process == std::process::id() {
            return Ok(pool);
        }
        std::mem::forget(pool); // its threads live in the process that this one was forked from
    }
    drop(free);
    let builder = ThreadPoolBuilder::new().stack_size(STACK).start_handler(|_| float_environment::standard());
    builder.build().map_err(|e| PyRuntimeError::new_err(format!("cannot start threads: {e}")))
}

fn keep(pool: ThreadPool) {
    FREE.lock().unwrap_or_else(PoisonError::into_inner).push((std::process::id(), pool));
}

fn fault(what: &str) -> PyErr {
    PyRuntimeError::new_err(format!("a fault of this program: {what}"))
}

/// A panic in words.
fn said(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown").to_string()
}
