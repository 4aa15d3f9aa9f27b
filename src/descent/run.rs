//! The loop that drives an engine: schedule of monitored t, tolerance, divergence, interruption.

use crate::engine::{Engine, Reached, Stop};
use crate::monitor::{Monitor, Row};
use crate::network::Pattern;
use crate::number::COUNTABLE;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// At the horizon.
    Horizon,
    /// The certified angle fell below the tolerance.
    Tolerance,
    /// Margins or weights are no longer finite.
    Diverged,
    /// At the horizon, with margins that are not positive and a pattern in which they cannot be; or long before it,
    /// where they have had no chance for most of the steps and the rest could only be taken one by one.
    NotSeparable,
    /// By a signal.
    Interrupted,
}

impl Status {
    /// The name in result.json.
    pub fn name(self) -> &'static str {
        match self {
            Self::Horizon => "horizon",
            Self::Tolerance => "tolerance",
            Self::Diverged => "diverged",
            Self::NotSeparable => "not_separable",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The monitored t: 0, 1, the powers `10^(k/per_decade)` below the horizon (whole numbers up to
/// 2^53), and the horizon.
pub fn schedule(horizon: f64, per_decade: u64) -> Vec<f64> {
    let mut times = vec![0.0];
    for k in 0.. {
        let decade: f64 = format!("1e{}", k / per_decade).parse().expect("a power of ten");
        let t = decade * libm::pow(10.0, (k % per_decade) as f64 / per_decade as f64);
        let t = if t < COUNTABLE { t.round() } else { t };
        if t >= horizon {
            break;
        }
        if times.last() != Some(&t) {
            times.push(t);
        }
    }
    if horizon > 0.0 {
        times.push(horizon);
    }
    times
}

/// First t at which a run may end for want of separability, how many times as many steps must be left, and the part
/// of all steps during which the own-sign pairs must have kept their sides.
const HOPELESS: (f64, f64, f64) = (1e6, 1e3, 0.9);

/// Whether the data cannot be separated, and could not for most of the steps.
struct Hope {
    sides: Option<(Pattern, f64)>, // of the own-sign pairs, and the first monitored t that showed them
}

impl Hope {
    fn lost(&mut self, monitor: &mut Monitor, engine: &mut dyn Engine, row: &Row, horizon: f64) -> bool {
        let (first, left, part) = HOPELESS;
        if row.t < (1.0 - part) * first || row.t * left > horizon || row.min_margin > 0.0 {
            return false;
        }
        let sides = monitor.own_sides(&monitor.pattern(engine.iterate()));
        match &self.sides {
            Some((known, since)) if *known == sides => {
                row.t >= first && *since <= (1.0 - part) * row.t && monitor.hopeless(&sides)
            }
            _ => {
                self.sides = Some((sides, row.t));
                false
            }
        }
    }
}

/// Drives the engine along the schedule; every row is handed to `record` as soon as it is known.
/// Returns the last row and how the run ended. `tolerance` is the certified angle (radians) at which
/// to stop, 0 for never.
pub fn run(
    engine: &mut dyn Engine,
    monitor: &mut Monitor,
    schedule: &[f64],
    tolerance: f64,
    stop: &Stop,
    record: &mut dyn FnMut(&Row),
) -> (Row, Status) {
    let (mut last, mut hope) = (Row::default(), Hope { sides: None });
    let horizon = schedule.last().copied().unwrap_or_default();
    for (k, &target) in schedule.iter().enumerate() {
        let reached = if target > engine.t() { engine.advance(target, stop) } else { Reached::Target };
        last = monitor.observe(engine);
        record(&last);
        if reached == Reached::Diverged || !last.finite {
            return (last, Status::Diverged);
        }
        if reached == Reached::Interrupted {
            return (last, Status::Interrupted);
        }
        if last.certified_angle().is_some_and(|angle| angle < tolerance) && k > 0 {
            return (last, Status::Tolerance);
        }
        if hope.lost(monitor, engine, &last, horizon) {
            return (last, Status::NotSeparable);
        }
    }
    let status = if monitor.separable(&last, engine.iterate()) { Status::Horizon } else { Status::NotSeparable };
    (last, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        assert_eq!(schedule(0.0, 4), [0.0]);
        assert_eq!(schedule(1.0, 4), [0.0, 1.0]);
        assert_eq!(schedule(12.0, 4), [0.0, 1.0, 2.0, 3.0, 6.0, 10.0, 12.0]);
        let long = schedule(1e300, 4);
        assert_eq!((long.len(), long[long.len() - 1]), (1202, 1e300));
        assert!(long.windows(2).all(|w| w[0] < w[1]));
    }
}
