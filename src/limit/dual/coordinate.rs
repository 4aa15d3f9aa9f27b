//! Coordinate descent, to guess the support (Hildreth 1957; for support vector machines Hsieh et al. 2008).
//!
//! ```text
//! repeat for i = 1..n:   δ = max(−λ_i, −w_i/H_ii),   λ_i ← λ_i + δ,   w ← w + δ H_i,      w = Hλ − 1
//! ```
//!
//! Every step minimizes `½λᵀHλ − 1ᵀλ` in one coordinate. Convergence of λ is slow where H is nearly singular, but
//! its support is right but for a few indices after a few sweeps of at most n² multiply-adds each, much less
//! than the n³/3 of a factor of the whole H. Pivoting settles the rest.

use super::accurate::{add_scaled, excess};
use crate::matrix::Matrix;

/// Sweeps at most; 2 to 20 are typical.
const SWEEPS: usize = 30;

/// A sweep that moves fewer than one index in so many into or out of the support is the last.
const QUIET: usize = 100;

/// A guess of the support, from λ = 0 or from estimates of λ (length n). H has a positive diagonal.
pub fn support(h: &Matrix, warm: Option<&[f64]>) -> Vec<bool> {
    let n = h.rows();
    let usable = |l: &f64| if l.is_finite() { l.max(0.0) } else { 0.0 };
    let mut lambda = warm.map_or_else(|| vec![0.0; n], |w| w.iter().map(usable).collect());
    let mut w = if warm.is_some() { excess(h, &(0..n).collect::<Vec<_>>(), &lambda) } else { vec![-1.0; n] };
    for _ in 0..SWEEPS {
        let mut moved = 0;
        for i in 0..n {
            let step = (-w[i] / h[(i, i)]).max(-lambda[i]);
            if step != 0.0 {
                let was = lambda[i] > 0.0;
                lambda[i] += step;
                moved += usize::from(was != (lambda[i] > 0.0));
                add_scaled(step, h.row(i), &mut w);
            }
        }
        if moved * QUIET <= n {
            break;
        }
    }
    lambda.iter().map(|l| *l > 0.0).collect()
}
