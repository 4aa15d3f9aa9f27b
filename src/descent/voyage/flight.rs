//! The way by warp: when a flight begins, and what follows when it ends.
//!
//! ```text
//! settled ──ready──▶ flight ──target, interrupted──▶ the same flight goes on
//!                      └── a pre-activation nears 0 ──▶ exact steps; beyond 2⁵³ the flow crosses, or averages begin
//! ```

use super::mode::Mode;
use super::{CROSSINGS, PAID, PROGRESS, UNWATCHED, Voyage, WATCHED};
use crate::descent::warp::SHORTEST;
use crate::engine::{Hold, Reached, Stop};
use crate::number::COUNTABLE;

impl Voyage {
    /// Whether to warp now, from a settled pattern; if not, says why and when to ask again.
    pub(super) fn takes_off(&mut self) -> bool {
        let t = self.state.t();
        if let Mode::Flight { .. } = self.mode {
            return true;
        }
        if !self.options.warp || t < self.attempt {
            return false;
        }
        if let Mode::General = self.mode {
            self.mode = Mode::Settled(self.settle());
        }
        let settled = self.mode.settled_mut().expect("settled just now");
        let wait = self.warp.ready(&self.state, settled, self.options.tolerance);
        if let Some(steps) = wait {
            self.hold = Hold::Early;
            self.attempt = (t + steps).ceil();
        }
        wait.is_none()
    }

    /// A flight of the warp, from a state with nothing pending to one with nothing pending. A flight that was
    /// interrupted, that waits, or that pauses for a look at what cancels is the same flight when it goes on.
    pub(super) fn fly(&mut self, target: f64, stop: &Stop) -> Reached {
        let (mut settled, from) = match std::mem::replace(&mut self.mode, Mode::General) {
            Mode::Flight { settled, from } => (settled, from),
            Mode::Settled(mut settled) => {
                let from = self.state.t();
                if settled.pending() {
                    settled.sync(&mut self.state, from);
                }
                self.warp.take_off();
                (settled, from)
            }
            Mode::General | Mode::March(_) | Mode::Sliding(_) => unreachable!("a flight begins in a settled pattern"),
        };
        let pause = if self.state.t() < COUNTABLE { self.anchor } else { f64::INFINITY };
        let price = self.price_of_leap();
        self.warp.allow(((self.allowance - self.spent) / price).ceil().max(0.0) as u64);
        let reached = self.warp.advance(&mut self.state, &mut settled, (target, pause), stop, &self.progress);
        self.spent += self.warp.attempts() as f64 * price;
        if matches!(reached, Reached::Target | Reached::Interrupted | Reached::Exhausted) {
            self.mode = Mode::Flight { settled, from };
            return reached;
        }
        settled.guard(&self.state);
        self.mode = Mode::Settled(settled);
        if self.state.t() > from * (1.0 + PROGRESS) {
            self.crossings = 0;
        }
        if reached == Reached::Event { self.near(from) } else { reached }
    }

    /// What follows when a pre-activation nears zero: exact steps, or the crossing of a flip by flow.
    fn near(&mut self, from: f64) -> Reached {
        let t = self.state.t();
        self.hold = Hold::Near;
        let most = if self.options.sliding > 0.0 { WATCHED } else { UNWATCHED };
        self.patience = if t - from < PAID * self.patience { (2.0 * self.patience).min(most) } else { SHORTEST };
        self.attempt = t + self.patience;
        if t < COUNTABLE {
            return Reached::Event;
        }
        self.crossings += 1;
        if self.crossings > CROSSINGS && self.slide_at_once() {
            return Reached::Event;
        }
        self.attempt = if self.crossings > 2 * CROSSINGS { f64::INFINITY } else { t };
        if let Mode::General = self.mode {
            self.mode = Mode::Settled(self.settle());
        }
        let settled = self.mode.settled_mut().expect("settled just now");
        self.warp.cross(&mut self.state, settled)
    }
}
