//! The limit in 106 bits, from X itself: what K, which has lost half of the digits of X, cannot tell.

pub mod cancel;
pub mod coordinates;
pub mod double;
pub mod factor;
pub mod features;
pub mod hull;
pub mod products;
pub mod vector;
