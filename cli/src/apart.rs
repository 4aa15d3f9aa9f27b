//! Work in a thread of its own, while this one shows how far it is and listens to signals.
//!
//! The first signal raises the stop flag; work that looks at it returns early with what it has. Work that does not
//! look for `GRACE` (a large Cholesky factor, a slow disk) is left behind: the caller writes what is known
//! and ends the process. So every command reacts to Ctrl-C within a second, whatever it is doing; but for work that says,
//! by [`Tended`], that it is not to be left.

use crate::error::{Error, Result};
use crate::progress::{Display, Shown};
use crate::signals::Signals;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long most work may go on after the first signal.
pub const GRACE: Duration = Duration::from_millis(600);
/// Between two looks at the flag.
const TICK: Duration = Duration::from_millis(20);
/// Stack of the thread: that of a main thread.
const STACK: usize = 8 << 20;

/// Runs `work`, and shows what `show` says. None if it was left behind after a signal.
///
/// # Errors
/// [`Error::Input`] if no thread can be started; [`Error::Fault`] if the work panicked, which has been reported.
pub fn apart<T: Send + 'static>(
    signals: &Signals,
    show: impl Fn() -> Option<Shown> + Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    tended(signals, show, work, || Tended::Leave(GRACE))
}

/// What becomes of work after a signal.
pub enum Tended {
    /// It is left behind so long after the signal.
    Leave(Duration),
    /// It is waited for, and its time begins afterwards.
    Wait,
}

/// [`apart`], with something that is asked every few milliseconds what becomes of the work.
///
/// # Errors
/// As [`apart`].
pub fn tended<T: Send + 'static>(
    signals: &Signals,
    show: impl Fn() -> Option<Shown> + Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
    mut tend: impl FnMut() -> Tended,
) -> Result<Option<T>> {
    let stop = signals.defer();
    let (send, receive) = channel();
    let work = move || {
        // The receiver is gone only if the process is about to end.
        let _ = send.send(work());
    };
    let started = std::thread::Builder::new().name("work".into()).stack_size(STACK).spawn(work);
    started.map_err(|e| Error::Input(format!("cannot start a thread: {e}; raise the limits of the shell (ulimit)")))?;
    let _display = Display::start(show);
    let mut since = None;
    loop {
        match receive.recv_timeout(TICK) {
            Ok(done) => return Ok(Some(done)),
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Fault),
            Err(RecvTimeoutError::Timeout) => match tend() {
                Tended::Leave(grace) if stop.raised() => {
                    if since.get_or_insert_with(Instant::now).elapsed() > grace {
                        return Ok(None);
                    }
                }
                Tended::Leave(_) | Tended::Wait => since = None,
            },
        }
    }
}
