//! The diagram of [`super`]: where the iterate is on its way, with all that this way needs.

use crate::descent::settled::Settled;
use crate::descent::sliding::Sliding;

/// How the iterate travels.
#[derive(Debug)]
pub(super) enum Mode {
    /// By steps in a pattern that may change at each of them.
    General,
    /// In a settled pattern: by steps of the reduced problem, or ready for a flight.
    Settled(Settled),
    /// In steps of the reduced problem that were interrupted: they go on to where they were to end, and nothing else
    /// is asked before.
    March(Settled),
    /// In a flight of the warp that began at `from` and was interrupted.
    Flight { settled: Settled, from: f64 },
    /// By averages.
    Sliding(Box<Sliding>),
}

impl Mode {
    /// The reduced problem of the pattern, if it is settled.
    pub fn settled(&self) -> Option<&Settled> {
        match self {
            Self::Settled(settled) | Self::March(settled) | Self::Flight { settled, .. } => Some(settled),
            Self::General | Self::Sliding(_) => None,
        }
    }

    /// [`Self::settled`], to move on.
    pub fn settled_mut(&mut self) -> Option<&mut Settled> {
        match self {
            Self::Settled(settled) | Self::March(settled) | Self::Flight { settled, .. } => Some(settled),
            Self::General | Self::Sliding(_) => None,
        }
    }

    /// The averages, while neurons slide.
    pub fn sliding(&self) -> Option<&Sliding> {
        match self {
            Self::Sliding(sliding) => Some(sliding),
            _ => None,
        }
    }
}
