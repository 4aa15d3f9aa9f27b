//! The engine for long horizons: it owns the iterate in the span of the data, and hands it from the
//! general step to the reduced one and back.
//!
//! ```text
//! general step ──(8 steps without a flip)──▶ reduced step
//!      ▲                                          │
//!      └──────────────(a flip)────────────────────┘
//! ```

use super::gram::{Coefficients, Problem};
use super::settled::{Left, Settled};
use super::{Engine, Flips, Precision, Reached, Segment, Stop, View};
use std::sync::Arc;
use std::time::Instant;

/// Steps without a flip after which the reduced problem is built: it costs about two general steps.
const QUIET: f64 = 8.0;

/// The largest t up to which steps can be counted one by one.
const COUNTABLE: f64 = 9_007_199_254_740_992.0; // 2^53

/// Gradient descent in the span of the data.
#[derive(Debug)]
pub struct Horizon {
    state: Coefficients,
    settled: Option<Settled>,
    snapshot: Option<Coefficients>,
    segments: Vec<Segment>,
}

impl Horizon {
    /// Takes over at step `t` from an iterate W(t), the problem's starting point, with `flips` behind it.
    pub fn new(problem: Arc<Problem>, t: f64, flips: Flips) -> Self {
        let state = Coefficients::new(problem, t, flips);
        Self { state, settled: None, snapshot: None, segments: Vec::new() }
    }

    fn travel(&mut self, target: f64, stop: &Stop) -> (u64, Option<Reached>) {
        if self.state.t() >= COUNTABLE {
            return (0, Some(Reached::Event));
        }
        let Some(settled) = &mut self.settled else {
            return self.general_step();
        };
        let steps = (target.min(COUNTABLE) - self.state.t()).ceil() as u64;
        let (taken, left) = settled.advance(&mut self.state, steps, stop);
        match left {
            Left::Flip => self.settled = None,
            Left::Target | Left::Near => {}
            Left::Diverged => return (taken, Some(Reached::Diverged)),
            Left::Interrupted => return (taken, Some(Reached::Interrupted)),
        }
        (taken, None)
    }

    fn general_step(&mut self) -> (u64, Option<Reached>) {
        if !self.state.step() || !self.state.finite() {
            return (0, Some(Reached::Diverged));
        }
        if self.state.t() - self.state.flips().last >= QUIET {
            self.settled = Some(Settled::new(&self.state));
        }
        (1, None)
    }

    /// Brings C and Z up to date at a requested t.
    fn land(&mut self) {
        if let Some(settled) = &mut self.settled {
            if settled.sync(&mut self.state) > 0 {
                self.settled = None;
            } else {
                settled.watch(&self.state);
            }
        }
    }

    fn record(&mut self, from: f64, steps_taken: u64, seconds: f64, error_estimate: f64) {
        let (engine, to) = (self.name(), self.state.t());
        match self.segments.last_mut() {
            Some(last) if last.engine == engine => {
                last.to = to;
                last.steps_taken += steps_taken;
                last.seconds += seconds;
                last.error_estimate += error_estimate;
            }
            _ => {
                let precision = Precision::F64;
                self.segments.push(Segment { engine, precision, from, to, steps_taken, seconds, error_estimate });
            }
        }
    }
}

impl Engine for Horizon {
    fn name(&self) -> &'static str {
        "gram"
    }

    fn t(&self) -> f64 {
        self.state.t()
    }

    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        self.snapshot = None;
        let (from, start, mut taken) = (self.state.t(), Instant::now(), 0);
        let reached = loop {
            if self.state.t() >= target {
                self.land();
                break Reached::Target;
            }
            if stop.raised() {
                break Reached::Interrupted;
            }
            let (steps, end) = self.travel(target, stop);
            taken += steps;
            if let Some(reached) = end {
                break reached;
            }
        };
        self.record(from, taken, start.elapsed().as_secs_f64(), 0.0);
        reached
    }

    fn flips(&self) -> Flips {
        self.state.flips()
    }

    fn segments(&self) -> Vec<Segment> {
        self.segments.clone()
    }

    fn view(&mut self) -> &dyn View {
        match &self.settled {
            Some(settled) if settled.pending() => {
                let mut copy = self.state.clone();
                settled.clone().sync(&mut copy);
                self.snapshot.insert(copy)
            }
            _ => &self.state,
        }
    }
}
