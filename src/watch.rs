//! Long computations seen from another thread: what is being done, how far it is, and a flag that asks it to end.
//!
//! A computation that is asked to end returns [`Error::Stopped`](crate::Error::Stopped), or what it has so far where
//! that means something (a smaller sample). Nothing in a [`Watch`] changes a bit of a result that is finished.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// A flag that asks whatever is at work to return soon, and maybe a time of day that does. The flag is shared between threads by
/// cloning.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    other: Option<Arc<AtomicBool>>,
    deadline: Option<Instant>,
}

impl Stop {
    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }

    /// Raises the flag.
    pub fn raise(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Lowers the flag; whether it was up.
    pub fn lower(&self) -> bool {
        self.flag.swap(false, Ordering::Relaxed)
    }

    /// The same flag, with an end at this time of day.
    pub fn by(&self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// Raised by another flag, too.
    pub fn or(&self, other: &Self) -> Self {
        Self { other: Some(other.flag()), ..self.clone() }
    }

    /// Whether a flag is up, or the time has come.
    pub fn raised(&self) -> bool {
        let other = || self.other.as_ref().is_some_and(|other| other.load(Ordering::Relaxed));
        self.flagged() || other() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the flag itself is up, not another one that it listens to.
    pub fn flagged(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

/// What is being done, apart from the steps of gradient descent (see [`Progress`](crate::Progress) for these).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Samples are drawn, counted in rows.
    Drawing,
    /// `K = XXᵀ`, counted in blocks.
    Gram,
    /// `λmax(XXᵀ)`, counted in Lanczos steps of which there may be fewer.
    Eigenvalue,
    /// The dual problem of the limit and its rate exponent, for so many samples.
    Limit,
    /// Fresh points for a test error.
    TestError,
    /// Steps of gradient descent with a step size that is tried.
    Trial,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Drawing, Self::Gram, Self::Eigenvalue, Self::Limit, Self::TestError, Self::Trial];
}

/// A phase and how far it is. Shared between threads by cloning.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    stop: Stop,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    phase: AtomicUsize, // 1 + its index; 0 before the first
    done: AtomicU64,
    total: AtomicU64,
}

/// What a [`Watch`] shows at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The phase.
    pub phase: Phase,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do; 0 where it is not known.
    pub total: u64,
}

impl Watch {
    /// Listens to a flag of the caller's.
    pub fn new(stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..Self::default() }
    }

    /// Begins a phase; `total` may be 0 where it is not known.
    pub fn begin(&self, phase: Phase, total: u64) {
        let at = Phase::ALL.iter().position(|known| *known == phase).expect("ALL has every phase");
        self.shared.done.store(0, Ordering::Relaxed);
        self.shared.total.store(total, Ordering::Relaxed);
        self.shared.phase.store(at + 1, Ordering::Relaxed);
    }

    /// Counts what has been done.
    pub fn advance(&self, by: u64) {
        self.shared.done.fetch_add(by, Ordering::Relaxed);
    }

    /// What asks the computation to end.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether the computation is asked to end.
    pub fn stopped(&self) -> bool {
        self.stop.raised()
    }

    /// An error if the computation is asked to end.
    pub(crate) fn check(&self) -> Result<()> {
        if self.stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// What is being done; none before the first phase. A moment that falls between two phases may show the numbers
    /// of the other: good enough for a display.
    pub fn seen(&self) -> Option<Seen> {
        let at = self.shared.phase.load(Ordering::Relaxed).checked_sub(1)?;
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Some(Seen { phase: Phase::ALL[at], done: load(&self.shared.done), total: load(&self.shared.total) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_seen_and_stopped() {
        let stop = Stop::default();
        let watch = Watch::new(&stop);
        assert_eq!(watch.seen(), None);
        for phase in Phase::ALL {
            watch.begin(phase, 7);
            watch.clone().advance(3);
            assert_eq!(watch.seen(), Some(Seen { phase, done: 3, total: 7 }));
        }
        assert_eq!(watch.check(), Ok(()));
        stop.raise();
        assert!(watch.stopped() && watch.check() == Err(Error::Stopped));
    }

    #[test]
    fn flags_are_told_apart() {
        let (stop, other) = (Stop::default(), Stop::default());
        let both = stop.or(&other);
        other.raise();
        assert!(both.raised() && !both.flagged() && !stop.raised());
        assert!(other.lower() && !other.lower() && !both.raised());
        stop.raise();
        assert!(both.raised() && both.flagged() && !other.raised());
    }
}
