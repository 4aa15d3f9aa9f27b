//! The contract between engines, which move the iterate, and everything that looks at them.
//!
//! An engine advances the iterate to a given t, or to an event that it cannot pass, and shows it. Time is the
//! number of steps taken, as a real: exact up to 2⁵³, and up to 1e300 beyond. What happened on the way it
//! writes into its [`Diary`], and how far it has come into its [`Progress`], which other threads may read.

use crate::data::HeldOut;
use crate::inner_products::Imaged;
use crate::matrix::Matrix;
use crate::rounding::Rounding;
use crate::state::State;

pub use crate::kind::{EngineKind, Precision};
pub use crate::watch::Stop;
pub use diary::{Diary, Flips, Fractions, Hold, Remark, Segment};
pub use weights::Weights;

mod diary;
mod weights;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A way to move the iterate forward.
pub trait Engine: Send {
    /// What is at work at the present t.
    fn kind(&self) -> EngineKind;
    /// Steps taken so far.
    fn t(&self) -> f64;
    /// Advances to `target ≥ t`, or stops before it and says why.
    fn advance(&mut self, target: f64, stop: &Stop) -> Reached;
    /// The iterate at the present t.
    fn iterate(&mut self) -> &dyn Iterate;
    /// What happened so far; up to date after [`Engine::advance`], and its drift after [`Engine::iterate`].
    fn diary(&self) -> &Diary;
    /// How far the engine has come, to be read while it advances.
    fn progress(&self) -> &Progress;
    /// What the steps taken one by one have cost so far.
    fn work(&self) -> Work;
    /// Seconds to a horizon by the same model, at the present pace.
    fn left(&self, horizon: f64) -> f64 {
        (horizon - self.t()).max(0.0) * self.work().price
    }
    /// Stops with [`Reached::Exhausted`] where another step would be taken after `seconds` of [`Work::spent`], or averages
    /// go on after as many of their own.
    fn allow(&mut self, seconds: f64);
    /// All that is needed to go on in the same bits, from the present t or one before it; each engine has a constructor
    /// that does.
    fn save(&self) -> State;
    /// The digest of the iterate at the present t, with all that later steps depend on.
    fn digest(&mut self) -> String {
        self.save().digest()
    }
    /// `α c t ℓ_i` (length n) where the engine knows it better than `t·exp(-q_i)` gives it: margins of
    /// size log t keep only absolute digits.
    fn scaled_losses(&mut self) -> Option<Vec<f64>> {
        None
    }

    /// Changes of the pattern since t = 0.
    fn flips(&self) -> Flips {
        self.diary().flips
    }
    /// The stretches travelled so far, in order; the last one ends at the present t.
    fn segments(&self) -> &[Segment] {
        &self.diary().segments
    }
    /// What was seen of the rounding, where products are not all in f64.
    fn rounding(&self) -> Option<Rounding> {
        self.diary().rounding
    }
    /// Why the descent is not as fast, or not as exact, as was asked for.
    fn remark(&self) -> Option<Remark> {
        self.diary().remark
    }
    /// Fractions of steps with `z_ij > 0` in each decade of t in which neurons chattered, as far as it was stepped.
    fn decades(&self) -> &[Fractions] {
        &self.diary().decades
    }
}

/// What an engine shows of the iterate W(t).
pub trait Iterate {
    /// Pre-activations `Z = XWᵀ` (n×m, row-major).
    fn preactivations(&self) -> &[f64];
    /// `‖W‖_F`.
    fn weight_norm(&self) -> f64;
    /// `‖s·W + E‖_F` for a direction E in the span of the data, computed from the sum itself (no
    /// expansion into norms and inner products of W and E, which would cancel).
    fn combined_norm(&self, s: f64, e: &Imaged) -> f64;
    /// A bound M on the sizes that were summed to make W: `√Σ_j (Σ ‖terms of w_j‖)²`, so that rounding in a norm of
    /// W, and in a sum of pre-activations weighted with the a_j, is at most a small multiple of `u M`, or `u ‖x_i‖ M`.
    /// Where W itself is held `‖W‖` is enough.
    fn magnitude(&self) -> f64 {
        self.weight_norm()
    }
    /// The weights W (m×d, row-major). Costs one pass over X in engines that do not hold them.
    fn weights(&self) -> Matrix;
    /// Pre-activations `X'Wᵀ` (p×m, row-major) of samples that are not trained on.
    fn elsewhere(&self, held_out: &HeldOut) -> Vec<f64> {
        held_out.preactivations(&self.weights())
    }
    /// `W Wᵀ` (m×m), the inner products of the neurons; none where neither W nor its coefficients are held.
    fn neuron_products(&self) -> Option<Matrix> {
        let w = self.weights();
        (w.cols() > 0).then(|| w.row_products())
    }
    /// The effective slopes (n×m, row-major) where some are averages: on a kink, between the leak and 1.
    fn slopes(&self) -> Option<&[f64]> {
        None
    }
}

/// What steps cost by the model of [`crate::descent::choose`]: a function of the problem and of the steps alone, so that what
/// depends on it does not depend on the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Seconds of the steps taken one by one so far, and of warp.
    pub spent: f64,
    /// Seconds of one more step as they are taken at present.
    pub price: f64,
    /// Seconds of averages over chattering neurons so far.
    pub averaged: f64,
}

/// Why an engine, or a stretch of it, stopped advancing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The requested t.
    Target,
    /// The pattern, or what slides, has changed at the present t.
    Flip,
    /// An event that this way of travelling cannot pass, as a pre-activation too close to zero; another must take
    /// over at the present t.
    Event,
    /// A margin or weight is no longer finite.
    Diverged,
    /// The stop flag was raised.
    Interrupted,
    /// The allowance for steps taken one by one is spent.
    Exhausted,
}

/// The t that an engine has come to, and why it is not faster. Shared between threads by cloning.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    time: AtomicU64, // the bits of t
    looking: AtomicBool,
    remark: Mutex<Option<Remark>>,
}

impl Progress {
    /// Notes the t that an engine has come to; called every so many steps.
    pub fn note(&self, t: f64) {
        self.0.time.store(t.to_bits(), Ordering::Relaxed);
    }

    /// Notes why the engine is not faster.
    pub fn explain(&self, remark: Option<Remark>) {
        *self.0.remark.lock().unwrap_or_else(PoisonError::into_inner) = remark;
    }

    /// Notes whether the iterate is looked at: its limit and its certificate are computed.
    pub fn look(&self, looking: bool) {
        self.0.looking.store(looking, Ordering::Relaxed);
    }

    /// Whether the iterate is looked at.
    pub fn looking(&self) -> bool {
        self.0.looking.load(Ordering::Relaxed)
    }

    /// The t noted last.
    pub fn t(&self) -> f64 {
        f64::from_bits(self.0.time.load(Ordering::Relaxed))
    }

    /// The remark noted last.
    pub fn remark(&self) -> Option<Remark> {
        *self.0.remark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
