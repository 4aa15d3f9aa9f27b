//! How long a run goes on step by step.
//!
//! Steps have a price by the cost model of [`crate::descent::choose`], so that where a run ends depends on the problem and
//! on nothing that the machine does. A run that has spent its *patience* on steps, the price of 2¹⁸ of them on X but at
//! least 3 and at most 15 seconds, ends if the rest of the way to its horizon would cost more than an hour at the present
//! pace ([`Engine::left`]); else it is told how long that takes by its progress, and goes on until so much is spent. Averages
//! have as much again before they are asked. Warp and averages, whose pace is known better, end where all that the run took beyond
//! the patience and the rest cost more than the patience itself, or nine times that of the largest problems: a small problem
//! ends within twice its patience, 6 seconds of the model. Where a time is set (`max_seconds`), that alone is the patience.

use crate::descent::{Options, choose};
use crate::engine::{Engine, EngineKind, Segment};
use crate::problem::Problem;

/// Steps on X that are worth waiting for.
const STEPS: f64 = 262_144.0;

/// Fewest and most seconds for them.
const SECONDS: (f64, f64) = (3.0, 15.0);

/// Up to this patience jumps may take as much again, beyond it more by the square.
const PLAIN: f64 = 5.0;

/// Fewest seconds after which it is asked again.
const LEAST: f64 = 1.0;

/// Seconds that the rest of the steps may take.
const LONGEST: f64 = 3600.0;

/// The seconds of the model after which a run may be given up.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The seconds; infinite where a time is set.
    pub seconds: f64,
}

impl Patience {
    /// For a problem.
    pub fn new(problem: &Problem, options: &Options) -> Self {
        let (data, (least, most)) = (&problem.data, SECONDS);
        let price = choose::price(data.n(), data.d(), problem.network.width);
        let seconds = if options.max_seconds > 0.0 { f64::INFINITY } else { (STEPS * price).clamp(least, most) };
        Self { seconds }
    }

    /// Seconds to the horizon, all of it stepped at the present price.
    pub fn stepped(engine: &dyn Engine, horizon: f64) -> f64 {
        (horizon - engine.t()).max(0.0) * engine.work().price
    }

    /// The seconds up to which a run whose patience is spent goes on; none if it ends.
    pub fn more(&self, engine: &dyn Engine, horizon: f64) -> Option<f64> {
        let (work, left) = (engine.work(), engine.left(horizon));
        let beyond = (work.spent + work.averaged - self.seconds).max(0.0);
        let (spent, taken, longest) = match engine.kind() {
            EngineKind::Sliding | EngineKind::Flow => (work.averaged, beyond, self.for_jumps()),
            EngineKind::Warp => (work.spent, beyond, self.for_jumps()),
            _ => (work.spent, 0.0, LONGEST),
        };
        (taken + left <= longest).then_some(spent + left.max(LEAST))
    }

    fn for_jumps(&self) -> f64 {
        self.seconds * (self.seconds / PLAIN).max(1.0).powi(2)
    }
}

/// Steps per second of the last stretch that was stepped; not a number if none was.
pub fn rate(segments: &[Segment]) -> f64 {
    let last = segments.iter().rfind(|s| s.steps_taken > 0 && s.seconds > 0.0);
    last.map_or(f64::NAN, |s| s.steps_taken as f64 / s.seconds)
}
