//! The sum of a few signs, by all of them.
//!
//! `P(Σ a_k ε_k ≥ x) = 2⁻ᵈ |{ε : Σ a_k ε_k ≥ x}|`. The sums are made by doubling: from those of k − 1 weights, one of each with
//! `+a_k` and one with `−a_k`. Each is off by at most `d u Σ a_k`; those nearer to x may count or not.

use super::Bounds;

/// The most weights: a million sums.
pub const MOST: usize = 20;

/// For weights `a_k > 0` and every x between both ends.
pub fn signs(weights: &[f64], (near, far): (f64, f64)) -> Bounds {
    let mut sums = vec![0.0];
    for a in weights {
        let minus: Vec<f64> = sums.iter().map(|s| s - a).collect();
        sums.iter_mut().for_each(|s| *s += a);
        sums.extend(minus);
    }
    let error = weights.len() as f64 * f64::EPSILON * weights.iter().sum::<f64>();
    let share = |x: f64| sums.iter().filter(|s| **s >= x).count() as f64 / sums.len() as f64;
    Bounds::of(share(far + error), share(near - error))
}
