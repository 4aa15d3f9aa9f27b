//! SIGINT and SIGTERM: before the run they end the program, during it they ask for an orderly end,
//! and a second one ends the program.

use farfield::Stop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, signals.deadly.clone())?;
            signal_hook::flag::register(signal, signals.stop.flag())?;
            signal_hook::flag::register(signal, signals.deadly.clone())?;
        }
        Ok(signals)
    }

    /// From here on the first signal asks for an orderly end.
    pub fn defer(&self) -> &Stop {
        self.deadly.store(false, Ordering::SeqCst);
        &self.stop
    }
}
