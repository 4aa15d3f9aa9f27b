//! Kernels.
#![forbid(unsafe_code)]

pub mod dense;
pub mod isa;
pub mod reference;
pub mod settled;
