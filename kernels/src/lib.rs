//! Kernels.
#![forbid(unsafe_code)]

pub mod isa;
pub mod reference;
pub mod settled;
