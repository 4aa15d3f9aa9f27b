//! Where gradient descent (GD) goes when it trains a two-layer leaky-ReLU network: followed to horizons that
//! stepping cannot reach, with a proof of how far it still is.
//!
//! # The problem
//!
//! Data `x_i ∈ R^d` with labels `y_i = ±1`, i = 1..n; the network `f(x;W) = Σ_j a_j φ(⟨x,w_j⟩)`, `φ(u) = u` for
//! `u > 0` and `leak·u` otherwise, with fixed output weights `a_j = ±1/√m`. Only `W` (m×d) is trained, on
//! `L(W) = c Σ_i exp(−q_i)`, `q_i = y_i f(x_i;W)`, by full-batch GD with a constant step α:
//!
//! ```text
//! w_j ← w_j + α c a_j Σ_i ℓ_i y_i g_ij x_i,    ℓ_i = exp(−q_i),  g_ij = φ'(⟨x_i,w_j⟩)
//! ```
//!
//! The weights grow for ever, but their direction converges: Hashimoto, *Directional convergence, benign
//! overfitting of gradient descent in leaky ReLU two-layer neural networks* (ICLR 2026, arXiv 2505.16204), called
//! \[H\] in these pages.
//!
//! # Three questions
//!
//! - *Where is GD after t steps, and how far from its limit?* [`Descent`]: t may be 10³⁰⁰. Each [`Row`] that it shows
//!   has a bound on the angle to the limit that is proved without knowing it ([`Row::certified_angle`]).
//!   [`Certificate::of_weights`] gives it for a W of your own, whoever trained it.
//! - *Where does it go?* [`LimitOutcome::of`]: the max-margin direction, without running GD.
//! - *Does the theory apply?* [`Conditions::of`]: its assumptions, each with its number for the data at hand.
//!
//! ```
//! use farfield::{Data, Descent, Matrix, Network, Problem, Start};
//! use std::ops::ControlFlow::{Break, Continue};
//!
//! # fn main() -> farfield::Result<()> {
//! let x = vec![2.0, 0.5, 1.5, -0.5, -1.0, 1.0, -2.0, 0.0]; // 4 samples of 2 features
//! let data = Data::new(Matrix::new(4, 2, x), vec![1.0, 1.0, -1.0, -1.0])?; // K = XXᵀ, norms, λmax: once
//! let problem = Problem::new(&data, Network::balanced(8, 0.1)?)?; // α = 1/λmax
//! let mut descent = Descent::new(&problem, &Start::gaussian(1e-6, 0))?;
//! let ended = descent.run(1e12, |row| {
//!     // each row: losses, margins, gaps, certificates
//!     if row.certified_angle().is_some_and(|angle| angle < 0.15) { Break(()) } else { Continue(()) }
//! });
//! assert!(ended.row.certified_angle().unwrap() < 0.15);
//! # Ok(())
//! # }
//! ```
//!
//! [`Data`] is shared by every [`Problem`] made of it, and K is computed once. Results are plain structures with
//! public fields that serialize ([`Outcome`], [`LimitOutcome`], [`Conditions`]). Nothing here reads or writes files,
//! prints, or ends the process; work runs on the caller's rayon pool, and the bits of a result depend neither on
//! the number of threads nor on the instruction set.
#![forbid(unsafe_code)]

// The rooms behind the interface, from the ground up (tests/directions.rs). They are open to this project's own tests,
// benches and command line, and no part of what is promised.
#[doc(hidden)]
pub mod certificate;
#[doc(hidden)]
pub mod claims;
#[doc(hidden)]
pub mod conditions;
#[doc(hidden)]
pub mod data;
#[doc(hidden)]
pub mod descent;
#[doc(hidden)]
pub mod digest;
#[doc(hidden)]
pub mod edge;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod gram;
#[doc(hidden)]
pub mod inner_products;
#[doc(hidden)]
pub mod kind;
#[doc(hidden)]
pub mod lanczos;
#[doc(hidden)]
pub mod limit;
#[doc(hidden)]
pub mod matrix;
#[doc(hidden)]
pub mod measure;
#[doc(hidden)]
pub mod monitor;
#[doc(hidden)]
pub mod network;
#[doc(hidden)]
pub mod number;
#[doc(hidden)]
pub mod outcome;
#[doc(hidden)]
pub mod prediction;
#[doc(hidden)]
pub mod problem;
#[doc(hidden)]
pub mod real;
#[doc(hidden)]
pub mod rounding;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod slopes;
#[doc(hidden)]
pub mod start;
#[doc(hidden)]
pub mod state;
#[doc(hidden)]
pub mod watch;

pub use certificate::Certificate;
pub use conditions::{Condition, ConditionKind, Conditions, Relation};
pub use data::{Axes, Data, Draw, HeldOut, Mixture, Noise, Spectrum, Standardize, Stream};
pub use descent::{EngineChoice, Options};
pub use edge::{Edge, EdgeSearch, EdgeTrial, Fate};
pub use engine::{EngineKind, Flips, Hold, Iterate, Precision, Progress, Remark, Segment, Stop, Work};
pub use error::{Error, Result};
pub use farfield_kernels::loss::Loss;
pub use limit::held_out::Errors;
pub use limit::iterate::{Share, Shares, Stationarity};
pub use limit::label_noise::PredictedBy;
pub use limit::monte_carlo::{Estimate, Sampling};
pub use limit::ray::{NoRay, Ray};
pub use limit::test_error::Regime;
pub use limit::{Limit, Prediction};
pub use matrix::{Matrix, Single, View};
pub use measure::{Fresh, Measure};
pub use monitor::{CertifiedFor, Monitor, PatternState, Row};
pub use network::{Network, Pattern};
pub use outcome::{
    Bounded, Decade, Ended, HeldOutOutcome, Outcome, PatternOutcome, PrecisionOutcome, RayOutcome, SlidingSample,
    Status, TestError, TimeEnd,
};
pub use prediction::{LimitOutcome, LimitStatus, Slider};
pub use problem::{Problem, Reduction, StepSize};
pub use rounding::Rounding;
pub use run::{Cause, Descent, Moment, Observer};
pub use start::Start;
pub use state::{State, StateError};
pub use watch::{Phase, Seen, Watch};

/// README.md's programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
