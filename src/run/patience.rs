//! How long a run goes on step by step.
//!
//! Steps have a price by the cost model of [`crate::descent::choose`], so that where a run ends depends on the problem and
//! on nothing that the machine does. A run that has spent its *patience* on steps, the price of 2¹⁸ of them on X but at
//! least 5 and at most 15 seconds, ends if the rest of the way to its horizon would cost more than an hour at the present
//! pace ([`Engine::left`]); else it is told how long that takes by its progress, and goes on until so much is spent. Warp and averages,
//! whose pace is known better, end where the rest costs more than the patience itself, or nine times that of the largest
//! problems. Where a time is set (`max_seconds`), that
//! alone is the patience.

use crate::descent::{Options, choose};
use crate::engine::{Engine, EngineKind, Segment};
use crate::problem::Problem;

/// Steps on X that are worth waiting for.
const STEPS: f64 = 262_144.0;

/// Fewest and most seconds for them.
const SECONDS: (f64, f64) = (5.0, 15.0);

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

    /// Whether a run whose patience is spent ends.
    pub fn ends(&self, engine: &dyn Engine, horizon: f64) -> bool {
        let longest = match engine.kind() {
            kind if jumps(kind) => self.seconds.powi(3) / SECONDS.0.powi(2),
            _ => LONGEST,
        };
        engine.left(horizon) > longest
    }
}

/// Whether an engine does not step.
pub fn jumps(kind: EngineKind) -> bool {
    matches!(kind, EngineKind::Warp | EngineKind::Sliding)
}

/// Steps per second of the last stretch that was stepped; not a number if none was.
pub fn rate(segments: &[Segment]) -> f64 {
    let last = segments.iter().rfind(|s| s.steps_taken > 0 && s.seconds > 0.0);
    last.map_or(f64::NAN, |s| s.steps_taken as f64 / s.seconds)
}
