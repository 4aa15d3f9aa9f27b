//! Gradient descent: the engines, and the loop that drives them.
//!
//! An engine advances the iterate to a given t, or to an event that it cannot pass, and shows its
//! state. Time is the number of steps taken, as a real: exact up to 2^53, and up to 1e300 beyond.

use crate::geometry::Span;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why an engine stopped advancing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached {
    /// The requested t.
    Target,
    /// An event that this engine cannot pass (for the warp: the next sign change of a
    /// pre-activation); another engine must take over at the engine's t.
    Event,
    /// A margin or weight is no longer finite.
    Diverged,
    /// The stop flag was raised.
    Interrupted,
}

/// The precision of the products of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Everything in f64.
    F64,
    /// Everything in f32.
    F32,
    /// Products in f32, master weights and sums in f64.
    Mixed,
}

/// A way to move the iterate forward.
pub trait Engine {
    /// The name of the segments it produces: direct, gram, warp, sliding.
    fn name(&self) -> &'static str;
    /// The precision of its products.
    fn precision(&self) -> Precision {
        Precision::F64
    }
    /// Steps taken so far.
    fn t(&self) -> f64;
    /// Advances to `target ≥ t`, or stops before it and says why.
    fn advance(&mut self, target: f64, stop: &Stop) -> Reached;
    /// Number of pattern bits that have changed since t = 0, and the t at which the last of them did.
    fn flips(&self) -> Flips;
    /// GD steps actually computed since this engine was made.
    fn steps_taken(&self) -> u64;
    /// Bound or estimate of the relative error in the margins that this engine has introduced
    /// beyond rounding; 0 for engines that take every step.
    fn error_estimate(&self) -> f64 {
        0.0
    }
    /// The state at the current t.
    fn view(&mut self) -> &dyn View;
}

/// Count of pattern changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flips {
    /// Number of changes of single bits `z_ij > 0` from one step to the next, since t = 0.
    pub count: u64,
    /// The first t whose pattern shows the last change; 0 if none.
    pub last: f64,
}

/// What an engine shows of the iterate W(t).
pub trait View {
    /// Pre-activations `Z = XWᵀ` (n×m, row-major).
    fn preactivations(&self) -> &[f64];
    /// `‖W‖_F`.
    fn weight_norm(&self) -> f64;
    /// `‖s·W + E‖_F` for a direction E in the span of the data, computed from the sum itself (no
    /// expansion into norms and inner products of W and E, which would cancel).
    fn combined_norm(&self, s: f64, e: &Span) -> f64;
    /// The weights W (m×d, row-major). Costs one pass over X in engines that do not hold them.
    fn weights(&self) -> crate::matrix::Matrix;
    /// The bits of the state that determine every later step; feeds the digest of the run.
    fn state(&self) -> Vec<f64>;
}

/// A flag that asks the engines to return soon; raised by signals.
#[derive(Debug, Default)]
pub struct Stop(pub std::sync::Arc<AtomicBool>);

impl Stop {
    /// Whether the flag is up.
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
