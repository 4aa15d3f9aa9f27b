//! Gradient descent: the engines, and the loop that drives them.
//!
//! An engine advances the iterate to a given t, or to an event that it cannot pass, and shows its
//! state. Time is the number of steps taken, as a real: exact up to 2^53, and up to 1e300 beyond.

pub mod choice;
pub mod compensated;
pub mod direct;
pub mod fused;
pub mod gram;
pub mod horizon;
pub mod modified;
pub mod rounding;
pub mod run;
pub mod runge_kutta;
pub mod settled;
pub mod sliding;
pub mod streamed;
pub mod symmetric;
pub mod warp;
pub mod watch;

use crate::geometry::Span;
use sliding::visits::Fractions;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Why an engine stopped advancing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached {
    /// The requested t.
    Target,
    /// An event that this engine cannot pass; another engine must take over at the engine's t.
    Event,
    /// A margin or weight is no longer finite.
    Diverged,
    /// The stop flag was raised.
    Interrupted,
}

/// The precision of the products of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Everything in f64.
    #[default]
    F64,
    /// Everything in f32.
    F32,
    /// Products in f32, weights and sums in f64.
    Mixed,
}

/// A way to move the iterate forward.
pub trait Engine {
    /// Name of the engine at work at the current t: direct, gram, warp, sliding.
    fn name(&self) -> &'static str;
    /// Steps taken so far.
    fn t(&self) -> f64;
    /// Advances to `target ≥ t`, or stops before it and says why.
    fn advance(&mut self, target: f64, stop: &Stop) -> Reached;
    /// Number of pattern bits that have changed since t = 0, and the t at which the last of them did.
    fn flips(&self) -> Flips;
    /// The stretches travelled so far, in order; the last one ends at the current t.
    fn segments(&self) -> Vec<Segment>;
    /// `α c t s(q_i)` (length n) where the engine knows it better than `t·s(q_i)` gives it: margins of
    /// size log t keep only absolute digits.
    fn scaled_losses(&mut self) -> Option<Vec<f64>> {
        None
    }
    /// What was seen of the rounding, where products are not all in f64. Drift is up to date after a view.
    fn rounding(&self) -> Option<rounding::Rounding> {
        None
    }
    /// Why steps are taken one by one, where the engine could do better.
    fn remark(&self) -> Option<String> {
        None
    }
    /// Fractions of steps with `z_ij > 0` in each decade of t in which neurons chattered, as far as it was stepped.
    fn decades(&self) -> Vec<Fractions> {
        Vec::new()
    }
    /// The state at the current t.
    fn view(&mut self) -> &dyn View;
}

impl Precision {
    /// The precision of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::F64, Self::F32, Self::Mixed].into_iter().find(|precision| precision.name() == name)
    }

    /// The name in configurations and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::Mixed => "mixed",
        }
    }
}

/// A stretch of time travelled by one engine in one precision.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// direct, gram, warp or sliding.
    pub engine: &'static str,
    /// Precision of the products.
    pub precision: Precision,
    /// First t.
    pub from: f64,
    /// Last t.
    pub to: f64,
    /// GD steps actually computed.
    pub steps_taken: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Estimate of the relative error in the margins introduced by this stretch beyond rounding;
    /// 0 where every step is taken.
    pub error_estimate: f64,
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
    /// A bound M on the sizes that were summed to make W, `Σ_j |a_j| Σ ‖terms of w_j‖`, so that rounding
    /// in a pre-activation-weighted sum is at most a small multiple of `u ‖x_i‖ M`. By Cauchy–Schwarz
    /// `‖W‖` is enough where W itself is held.
    fn magnitude(&self) -> f64 {
        self.weight_norm()
    }
    /// The weights W (m×d, row-major). Costs one pass over X in engines that do not hold them.
    fn weights(&self) -> crate::matrix::Matrix;
    /// The effective slopes (n×m, row-major) where some are averages: on a kink, between the leak and 1.
    fn slopes(&self) -> Option<&[f64]> {
        None
    }
    /// The bits of the state that determine every later step; feeds the digest of the run.
    fn state(&self) -> Vec<f64>;
}

/// A flag that asks the engines to return soon (raised by signals), the t they have come to, and why they take
/// every step (read by progress displays). Shared between threads by cloning.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    time: Arc<AtomicU64>,
    reason: Arc<Mutex<Option<String>>>,
}

impl Stop {
    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }

    /// Whether the flag is up.
    pub fn raised(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Notes the t that an engine has come to; called every so many steps.
    pub fn note(&self, t: f64) {
        self.time.store(t.to_bits(), Ordering::Relaxed);
    }

    /// Notes why every step is taken, if it is.
    pub fn explain(&self, reason: Option<String>) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// The reason noted last.
    pub fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The t noted last.
    pub fn time(&self) -> f64 {
        f64::from_bits(self.time.load(Ordering::Relaxed))
    }
}
