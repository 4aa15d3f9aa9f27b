//! A scout: exact steps from the voyage's own t, for an iterate that is asked for within the steps of a handover.
//!
//! A handover to averages ([`crate::descent::sliding::handover`]) takes its steps at once, and the voyage is where it
//! began until it is over. Steps are the same whoever takes them.

use super::Voyage;
use crate::descent::sliding::chatter::Chatter;
use crate::descent::span::Coefficients;
use crate::engine::{Reached, Stop};

/// Who steps ahead.
#[derive(Debug)]
pub(super) struct Scout {
    from: f64,
    pub state: Coefficients,
    pub chatter: Chatter,
}

impl Voyage {
    /// Sends the scout to `target`, on from where it is if it has left from here.
    pub(super) fn scout_to(&mut self, target: f64, stop: &Stop) -> Reached {
        let from = self.state.t();
        if self.scout.as_ref().is_none_or(|scout| scout.from != from || scout.state.t() > target) {
            self.scout = Some(Scout { from, state: self.present().0, chatter: self.chatter.clone() });
        }
        let scout = self.scout.as_mut().expect("sent just now");
        while scout.state.t() < target {
            if stop.raised() {
                return Reached::Interrupted;
            }
            if !scout.state.step() || !scout.state.finite() {
                return Reached::Diverged;
            }
            scout.chatter.observe(&scout.state);
        }
        Reached::Target
    }
}
