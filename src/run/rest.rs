//! Whether W itself has converged.
//!
//! Where nothing separates the data the loss has a minimum for the sides of the moment, and where every sample takes part
//! in the cancellation W tends to it, geometrically. It has come to it beyond rounding if the gradient cancels to
//! [`STILL`] of the sizes that are summed, and has done so since a t of at most a quarter of the present one, from which on
//! neither a bit of the pattern nor more than [`SAME`] of the loss and the norm has changed.

use crate::engine::Flips;
use crate::monitor::Row;
use crate::state::{Reader, Result, Saver};

/// First t at which it is asked.
const FIRST: f64 = 4096.0;

/// What counts as a gradient that cancels.
const STILL: f64 = 1.0 / (1u64 << 44) as f64;

/// The relative change of what has not changed.
const SAME: f64 = 1e-13;

/// Growth of t without a change.
const GROWTH: f64 = 4.0;

/// What must not change.
#[derive(Clone, Copy, Debug)]
struct Known {
    t: f64,
    log_loss: f64,
    weight_norm: f64,
    flips: Flips,
}

/// The last t at which a change was seen, with what it was then.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    since: Option<Known>,
}

impl Rest {
    /// What was known at the last change.
    pub fn save(&self, out: &mut Saver) {
        if let Some(known) = &self.since {
            out.vector("rest", [known.t, known.log_loss, known.weight_norm]);
            out.vector("flips", [known.flips.count as f64, known.flips.last]);
        }
    }

    /// Reads what [`Rest::save`] wrote.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader) -> Result<Self> {
        if !from.has("rest") && !from.has("flips") {
            return Ok(Self::default());
        }
        let [t, log_loss, weight_norm] = from.numbers("rest")?;
        Ok(Self { since: Some(Known { t, log_loss, weight_norm, flips: Flips::restore(from)? }) })
    }

    /// Whether W has converged at this row, which follows the last one shown.
    pub fn reached(&mut self, row: &Row) -> bool {
        if row.t < FIRST || row.min_margin > 0.0 || row.motion > STILL || row.motion.is_nan() {
            self.since = None;
            return false;
        }
        let same = |a: f64, b: f64| (a - b).abs() <= SAME * a.abs().max(b.abs());
        match &self.since {
            Some(then)
                if then.flips == row.flips
                    && same(libm::expm1(then.log_loss - row.log_loss) + 1.0, 1.0)
                    && same(then.weight_norm, row.weight_norm) =>
            {
                row.t >= GROWTH * then.t
            }
            _ => {
                let Row { t, log_loss, weight_norm, flips, .. } = *row;
                self.since = Some(Known { t, log_loss, weight_norm, flips });
                false
            }
        }
    }
}
