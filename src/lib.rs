//! Farfield follows gradient descent (GD) on two-layer leaky-ReLU networks to horizons that
//! stepping cannot reach, names the direction it converges to, and certifies how far it still is.
//!
//! The network is `f(x;W) = Σ_j a_j φ(⟨x,w_j⟩)`, `φ(u) = u` for `u > 0` and `leak·u` otherwise, with
//! fixed output weights `a_j = ±1/√m`; only `W` (m×d) is trained, on the exponential loss
//! `L(W) = c Σ_i exp(-q_i)`, `q_i = y_i f(x_i;W)`, by full-batch GD with a constant step `α`:
//!
//! ```text
//! w_j ← w_j + α c a_j Σ_i ℓ_i y_i g_ij x_i,    ℓ_i = exp(-q_i),  g_ij = φ'(⟨x_i,w_j⟩)
//! ```
//!
//! The theory is Hashimoto, *Directional convergence, benign overfitting of gradient descent in
//! leaky ReLU two-layer neural networks* (ICLR 2026, arXiv 2505.16204), called \[H\] in these pages.
#![forbid(unsafe_code)]

pub mod certificate;
pub mod conditions;
pub mod data;
pub mod descent;
pub mod digest;
pub mod engine;
pub mod error;
pub mod geometry;
pub mod lanczos;
pub mod limit;
pub mod matrix;
pub mod monitor;
pub mod network;
pub mod number;
pub mod outcome;
pub mod prediction;
pub mod problem;
pub mod product;
pub mod real;
pub mod rounding;
pub mod run;
pub mod slopes;
pub mod start;
pub mod watch;

pub use conditions::{Condition, ConditionKind, Conditions, Relation};
pub use data::{Data, Draw, Mixture, Noise, Spectrum, Standardize};
pub use descent::{EngineChoice, Options};
pub use engine::{EngineKind, Flips, Hold, Iterate, Precision, Progress, Remark, Segment, Stop};
pub use error::{Error, Result};
pub use limit::iterate::{Share, Shares, Stationarity};
pub use limit::monte_carlo::{Estimate, Sampling};
pub use limit::test_error::Regime;
pub use limit::{Limit, Prediction};
pub use matrix::Matrix;
pub use monitor::{Monitor, PatternState, Row};
pub use network::{Network, Pattern};
pub use outcome::{Decade, Ended, Outcome, PatternOutcome, PrecisionOutcome, SlidingSample, Status, TestError};
pub use prediction::{LimitOutcome, LimitStatus, Slider};
pub use problem::{Problem, Reduction, StepSize};
pub use rounding::Rounding;
pub use run::Descent;
pub use start::Start;
pub use watch::{Phase, Seen, Watch};
