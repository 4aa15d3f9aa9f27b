//! The claims of a finished folder, checked again from its arrays: X, y, W, λ and the slopes, in 106 bits.
//!
//! Nothing here knows how the arrays were found. Sums over samples and features are those of [`crate::limit`]'s precise
//! arithmetic; every inequality is rounded against the claim. With η = 4 (N + 32)² 2⁻¹⁰⁶, N the largest of n, d and the number of
//! groups of neurons, and the sizes `T_j ≥ ‖w_j‖` that were summed to make `w_j`, `S = √Σ T_j²`,
//!
//! ```text
//! |δz_ij| ≤ 2η ‖x_i‖ T_j,     |δ⟨Φ_i,W⟩| ≤ 2η ‖x_i‖ S,     |δ‖W‖| ≤ η S
//! ```
//!
//! half of it from the sum over samples, half from the one over features.

mod dual;
mod image;
mod iterate;

pub use dual::{Bracket, Dual};
pub use image::{Image, Seen};
pub use iterate::{Compared, Present};

/// Unit roundoff of f64.
pub const ROUNDOFF: f64 = f64::EPSILON / 2.0;

/// The k of docs/theory.md: what runs allow for the rounding of their own sums is `k u`.
pub fn roundings(n: usize, d: usize, m: usize) -> f64 {
    4.0 * (n + d + m + 16) as f64
}
