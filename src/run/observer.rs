//! Who is shown a run while it goes.

use crate::monitor::Row;
use crate::state::State;
use std::ops::ControlFlow;

/// Why a state is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One was asked for ([`Descent::saves`](crate::Descent::saves)); the run goes on.
    Asked,
    /// The stop flag is raised, or the time is over: this is as far as it came.
    Stopping,
    /// The run has ended by itself. The state is the one before its last row, which a run that is resumed shows again; so
    /// it ends again as it did, or goes on to a farther horizon.
    Ended,
}

/// A moment at which a state is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Steps taken.
    pub t: f64,
    /// Rows shown by then.
    pub rows: u64,
    /// Why.
    pub cause: Cause,
}

/// Who is shown a run while it goes.
pub trait Observer {
    /// A row, as soon as it is known; whether the run goes on.
    fn row(&mut self, row: &Row) -> ControlFlow<()>;

    /// Whether states are wanted at all.
    fn saves(&self) -> bool {
        true
    }

    /// A state to go on from. `Break` ends the run here, without another row.
    fn state(&mut self, state: State, moment: Moment) -> ControlFlow<()>;
}

/// Rows alone.
pub(super) struct Rows<F>(pub F);

impl<F: FnMut(&Row) -> ControlFlow<()>> Observer for Rows<F> {
    fn row(&mut self, row: &Row) -> ControlFlow<()> {
        (self.0)(row)
    }

    fn saves(&self) -> bool {
        false
    }

    fn state(&mut self, _: State, _: Moment) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
