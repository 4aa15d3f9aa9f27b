//! Signals. SIGINT, SIGTERM and SIGHUP end the program at once while it reads its arguments; afterwards the first one
//! asks for an orderly end, and a SIGINT after it ends the program. A second SIGTERM or SIGHUP does not: some send it twice, such as `timeout`, to the
//! program and to its group, and what was computed would be lost by chance. SIGINT is a person who wants to see what there is; SIGTERM
//! and SIGHUP are a system that takes the machine away: the exit codes tell them apart. SIGUSR1 asks for a checkpoint, and
//! does nothing where there is none to make. A SIGHUP that is ignored already, as by nohup, stays so.
//!
//! Two more become plain errors: SIGXFSZ (a file beyond the limit of the shell; the write then fails with EFBIG) and
//! SIGABRT, which the allocator of Rust raises after its one line when the system has no memory left: exit 1.

use farfield::Stop;
use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a command that a person interrupted.
pub const INTERRUPTED: u8 = 130;

/// The exit code of a command that goes on when it is run again.
pub const AGAIN: u8 = 75;

/// The handlers, and what they share with a run.
#[derive(Clone)]
pub struct Signals {
    stop: Stop,
    saves: Stop,
    person: Arc<AtomicBool>,
    system: Arc<AtomicBool>,
    early: Arc<AtomicBool>,  // before the first signal is one for an orderly end
    deadly: Arc<AtomicBool>, // a SIGINT ends the program
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// Where the system refuses one.
    pub fn install() -> std::io::Result<Self> {
        let signals = Self {
            stop: Stop::default(),
            saves: Stop::default(),
            person: Arc::default(),
            system: Arc::default(),
            early: Arc::new(AtomicBool::new(true)),
            deadly: Arc::new(AtomicBool::new(true)),
        };
        register(SIGUSR1, signals.saves.flag())?;
        for (signal, code, who) in [
            (SIGINT, INTERRUPTED, &signals.person),
            (SIGTERM, AGAIN, &signals.system),
            (SIGHUP, AGAIN, &signals.system),
        ] {
            if signal == SIGHUP && ignored(SIGHUP) {
                continue; // nohup: a closed terminal is to change nothing
            }
            let ends = if signal == SIGINT { &signals.deadly } else { &signals.early };
            register_conditional_shutdown(signal, code.into(), ends.clone())?;
            register(signal, who.clone())?;
            register(signal, signals.stop.flag())?;
            register(signal, signals.deadly.clone())?;
        }
        register(SIGXFSZ, Arc::default())?;
        register_conditional_shutdown(SIGABRT, 1, Arc::new(AtomicBool::new(true)))?;
        Ok(signals)
    }

    /// From here on the first signal asks for an orderly end.
    pub fn defer(&self) -> &Stop {
        self.early.store(false, Ordering::SeqCst);
        self.deadly.store(false, Ordering::SeqCst);
        &self.stop
    }

    /// Raised when a checkpoint is asked for.
    pub fn saves(&self) -> &Stop {
        &self.saves
    }

    /// Asks for the end as the system would: the time is over.
    pub fn expire(&self) {
        self.system.store(true, Ordering::SeqCst);
        self.stop.raise();
    }

    /// Whether the system asks for the end, and no person.
    pub fn by_the_system(&self) -> bool {
        self.system.load(Ordering::SeqCst) && !self.person.load(Ordering::SeqCst)
    }

    /// The exit code of a command that a signal ended.
    pub fn code(&self) -> u8 {
        if self.by_the_system() { AGAIN } else { INTERRUPTED }
    }
}

/// Whether a signal was ignored when the program started, where the system tells: a bit of `SigIgn`.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;

    /// As from `timeout`, which sends SIGTERM to the program and to its group: an orderly end is asked for, and none comes at once.
    #[test]
    fn a_second_sigterm_is_not_deadly() {
        let signals = Signals::install().expect("handlers");
        let stop = signals.defer();
        assert!(!stop.raised());
        for signal in [SIGTERM, SIGTERM, SIGHUP, SIGHUP] {
            raise(signal).expect("a signal to this process");
        }
        assert!(stop.raised() && signals.by_the_system());
        assert_eq!(signals.code(), AGAIN);
    }
}
