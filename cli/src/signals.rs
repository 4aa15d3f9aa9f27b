//! Signals. SIGINT, SIGTERM and SIGHUP end the program at once while it reads its arguments; afterwards the first one
//! asks for an orderly end, and a second one ends the program.
//!
//! Two more become plain errors: SIGXFSZ (a file beyond the limit of the shell; the write then fails with EFBIG) and
//! SIGABRT, which the allocator of Rust raises after its one line when the system has no memory left: exit 1.

use farfield::Stop;
use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of an interrupted command.
pub const INTERRUPTED: u8 = 130;

/// The handlers, and what they share with a run.
pub struct Signals {
    stop: Stop,
    deadly: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// Where the system refuses one.
    pub fn install() -> std::io::Result<Self> {
        let signals = Self { stop: Stop::default(), deadly: Arc::new(AtomicBool::new(true)) };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            register_conditional_shutdown(signal, INTERRUPTED.into(), signals.deadly.clone())?;
            register(signal, signals.stop.flag())?;
            register(signal, signals.deadly.clone())?;
        }
        register(SIGXFSZ, Arc::default())?;
        register_conditional_shutdown(SIGABRT, 1, Arc::new(AtomicBool::new(true)))?;
        Ok(signals)
    }

    /// From here on the first signal asks for an orderly end.
    pub fn defer(&self) -> &Stop {
        self.deadly.store(false, Ordering::SeqCst);
        &self.stop
    }
}
