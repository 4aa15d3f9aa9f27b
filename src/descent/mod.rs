//! Gradient descent: the engines, and which of them takes the steps.
//!
//! What an engine is, [`crate::engine`] says: [`direct::Direct`] steps on X, [`horizon::Horizon`] goes far in the
//! span of the data.

pub mod anchored;
pub mod choose;
pub mod compensated;
pub mod direct;
pub mod fused;
pub mod gram;
pub mod horizon;
pub mod modified;
pub mod relay;
pub mod runge_kutta;
pub mod settled;
pub mod sliding;
mod stagnation;
pub mod streamed;
pub mod symmetric;
pub mod warp;

pub use choose::{EngineChoice, Options, engine, restore};
