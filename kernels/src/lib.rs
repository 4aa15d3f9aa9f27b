//! Kernels.
#![forbid(unsafe_code)]

pub mod reference;
pub mod settled;
