//! The contract between engines, which move the iterate, and everything that looks at them.
//!
//! An engine advances the iterate to a given t, or to an event that it cannot pass, and shows it. Time is the
//! number of steps taken, as a real: exact up to 2⁵³, and up to 1e300 beyond. What happened on the way it
//! writes into its [`Diary`], and how far it has come into its [`Progress`], which other threads may read.

use crate::geometry::Span;
use crate::matrix::Matrix;
use crate::real;
use crate::rounding::Rounding;
use serde::{Deserialize, Serialize};
use std::fmt;
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
    fn combined_norm(&self, s: f64, e: &Span) -> f64;
    /// A bound M on the sizes that were summed to make W, `Σ_j |a_j| Σ ‖terms of w_j‖`, so that rounding
    /// in a pre-activation-weighted sum is at most a small multiple of `u ‖x_i‖ M`. By Cauchy–Schwarz
    /// `‖W‖` is enough where W itself is held.
    fn magnitude(&self) -> f64 {
        self.weight_norm()
    }
    /// The weights W (m×d, row-major). Costs one pass over X in engines that do not hold them.
    fn weights(&self) -> Matrix;
    /// The effective slopes (n×m, row-major) where some are averages: on a kink, between the leak and 1.
    fn slopes(&self) -> Option<&[f64]> {
        None
    }
    /// The bits of the state that determine every later step; feeds the digest of the run.
    fn state(&self) -> Vec<f64>;
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
}

/// What moves the iterate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Steps on W and X.
    #[default]
    Direct,
    /// Steps in the span of the data, on `K = XXᵀ`.
    Gram,
    /// The flow that the steps lie on, in a settled pattern.
    Warp,
    /// Averages over neurons that chatter.
    Sliding,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Gram, Self::Warp, Self::Sliding];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gram => "gram",
            Self::Warp => "warp",
            Self::Sliding => "sliding",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The precision of the products of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Everything in f64.
    #[default]
    F64,
    /// Everything in f32.
    F32,
    /// Products in f32, weights and sums in f64.
    Mixed,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F64, Self::F32, Self::Mixed];

    /// The precision of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
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

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A stretch of time travelled by one engine in one precision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// What moved the iterate.
    pub engine: EngineKind,
    /// Precision of the products.
    pub precision: Precision,
    /// First t.
    #[serde(with = "real")]
    pub from: f64,
    /// Last t.
    #[serde(with = "real")]
    pub to: f64,
    /// GD steps actually computed.
    pub steps_taken: u64,
    /// Wall-clock seconds.
    #[serde(with = "real")]
    pub seconds: f64,
    /// Estimate of the relative error in the margins introduced by this stretch beyond rounding;
    /// 0 where every step is taken.
    #[serde(with = "real")]
    pub error_estimate: f64,
}

/// Count of pattern changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    /// Number of changes of single bits `z_ij > 0` from one step to the next, since t = 0.
    pub count: u64,
    /// The first t whose pattern shows the last change; 0 if none.
    #[serde(with = "real")]
    pub last: f64,
}

impl Flips {
    /// Counts `changes` bits that the pattern of t shows.
    pub fn note(&mut self, changes: u64, t: f64) {
        if changes > 0 {
            *self = Self { count: self.count + changes, last: t };
        }
    }
}

/// Fractions of the steps of a span that pairs spent on their positive side.
#[derive(Clone, Debug, PartialEq)]
pub struct Fractions {
    /// First t of the span.
    pub from: f64,
    /// First t after it.
    pub to: f64,
    /// For each pair (n×m, row-major).
    pub values: Vec<f64>,
}

/// Why steps are being taken one by one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Warp is switched off.
    Off,
    /// Bits of the pattern changed a few steps ago, or keep changing.
    Flips,
    /// The step size times the curvature is still too large for the modified field.
    Early,
    /// A pre-activation is about to reach zero, or may be.
    Near,
    /// Neurons chatter as sliding predicts, but averages are not yet exact enough; they will be at about this t, if
    /// their error falls like 1/t.
    Rough(f64),
}

/// Why a descent is not as fast, or not as exact, as was asked for, or why its limit is not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// Every step is taken.
    Held(Hold),
    /// Steps are in f64 from t = `at` on: in mixed precision the margins drifted by `drift`.
    Escalated {
        /// The t.
        at: f64,
        /// The drift, in units of the margins.
        drift: f64,
    },
    /// Stagnation: updates are lost in rounding.
    Lost {
        /// The first t at which one was.
        first: f64,
        /// The first t at which half of them were.
        half: Option<f64>,
    },
    /// The limit for the present sides of the neurons has other sides: they still have to change.
    OtherSides {
        /// Number of pairs (sample, neuron) with another side.
        pairs: usize,
    },
    /// The present sides of the neurons do not separate the data.
    SidesNotSeparable,
    /// The limit with sliding pairs is too close to singular.
    LimitUnresolved,
}

/// What happened on the way; nothing in it moves the iterate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diary {
    /// Changes of the pattern.
    pub flips: Flips,
    /// The stretches travelled so far, in order.
    pub segments: Vec<Segment>,
    /// The rounding, where products are not all in f64.
    pub rounding: Option<Rounding>,
    /// Why the descent is not what was asked for.
    pub remark: Option<Remark>,
    /// What chattered, by decades of t.
    pub decades: Vec<Fractions>,
}

impl Diary {
    /// Books a stretch: extends the last segment by it, or opens a new one if another engine or precision was at
    /// work. The estimate of a stretch is one of all its segment.
    pub fn travel(&mut self, stretch: Segment) {
        match self.segments.last_mut() {
            Some(last) if (last.engine, last.precision) == (stretch.engine, stretch.precision) => {
                last.to = stretch.to;
                last.steps_taken += stretch.steps_taken;
                last.seconds += stretch.seconds;
                last.error_estimate = stretch.error_estimate;
            }
            _ => self.segments.push(stretch),
        }
    }
}

/// A flag that asks an engine to return soon. Shared between threads by cloning.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }

    /// Raises the flag.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is up.
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The t that an engine has come to, and why it is not faster. Shared between threads by cloning.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    time: AtomicU64, // the bits of t
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

    /// The t noted last.
    pub fn t(&self) -> f64 {
        f64::from_bits(self.0.time.load(Ordering::Relaxed))
    }

    /// The remark noted last.
    pub fn remark(&self) -> Option<Remark> {
        *self.0.remark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
