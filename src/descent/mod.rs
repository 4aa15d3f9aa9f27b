//! Gradient descent: the engines, and which of them takes the steps.
//!
//! What an engine is, [`crate::engine`] says: [`direct::Direct`] steps on X, [`voyage::Voyage`] goes far in the
//! span of the data.

pub mod anchored;
pub mod choose;
pub mod compensated;
pub mod direct;
mod elsewhere;
pub mod fused;
pub mod modified;
pub mod relay;
pub mod runge_kutta;
pub mod settled;
pub mod sliding;
pub mod span;
mod stagnation;
pub mod streamed;
pub mod symmetric;
pub mod trail;
pub mod voyage;
pub mod warp;

pub use choose::{EngineChoice, Options, engine, restore};
pub use fused::serve;
