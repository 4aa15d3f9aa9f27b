//! Tails of sums of variables without a moment generating function, or whose characteristic function has no closed form, where one variable is large.
//!
//! With `G(y) = P(ξ ≥ y)`, weights of length 1, a cut c below x, `J = {k: |a_k ξ_k| > c}`, S' the sum of the others' parts, each cut to 0 beyond c, and
//!
//! ```text
//! T(z) = Σ_k G(z/a_k),   p = 2T(c) ≥ P(J ≠ ∅),   B(w) = exp((cosh hc − 1)/c² − hw),  hc = asinh(wc)
//! ```
//!
//! *Cut sums.* `(cosh hz − 1)/z²` grows in z, and the law is symmetric, so that `E e^{hX} ≤ 1 + a²(cosh hc − 1)/c²` for each cut variable, and `P(S' ≥ w) ≤ B(w)`
//! (Bennett); by symmetry P(S' ≥ w) is at most ½ for w > 0 and at least ½ for w ≤ 0. All of that holds with one of the variables taken out.
//!
//! *Above*: no variable is beyond the cut, or two, or one of them, at z; with `b(w) = min(½, B(w))` for w > 0 and 1 for w ≤ 0
//!
//! ```text
//! P(S ≥ x) ≤ B(x) + p²/2 + T(c) B(x + c) + Σ_k ∫_c^∞ b(x − z) P(a_k ξ_k ∈ dz)
//! ```
//!
//! *Below*: one variable is at z ≥ x and no other beyond the cut, which are disjoint events; with `l(w) = max(½, 1 − B(w)) − p`
//!
//! ```text
//! P(S ≥ x) ≥ Σ_k ∫_x^∞ l(z − x) P(a_k ξ_k ∈ dz)
//! ```
//!
//! b and l are replaced by step functions above and below them, and the sums are put in terms of T with positive coefficients. T is bounded by that of weights in groups
//! that are 10⁻⁴ wide, at their largest and at their smallest. Any c is right: the best of some is taken on either side. G is known to 10⁻⁹, by which the bounds are widened.
//!
//! It says something where jumps decide, as they do for student-t, pareto, and weibull noise with shape below 1 from some x on; where many variables make the sum
//! the bounds are far apart.

use super::Bounds;
use crate::watch::Watch;

/// How wide groups of weights are, and what G is off by.
const GROUP: f64 = 1e-4;
const KNOWN: f64 = 1e-9;
/// Cuts that are tried: x·2^(−j/2).
const CUTS: i32 = 14;

/// Weights from the largest to the smallest, and how many there are.
struct Group {
    largest: f64,
    smallest: f64,
    count: f64,
}

fn groups(weights: &[f64]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for a in weights {
        match groups.last_mut() {
            Some(group) if *a >= group.largest * (1.0 - GROUP) => {
                (group.smallest, group.count) = (*a, group.count + 1.0)
            }
            _ => groups.push(Group { largest: *a, smallest: *a, count: 1.0 }),
        }
    }
    groups
}

/// B(w).
fn bennett(c: f64, w: f64) -> f64 {
    let (reach, y) = (libm::asinh(w * c), w * c);
    // cosh asinh y − 1
    let over = y * y / (1.0 + (1.0 + y * y).sqrt());
    libm::exp(over / (c * c) - reach / c * w)
}

/// From 0 on, in small steps where B falls, then in larger ones, up to `end`.
fn steps(end: f64) -> Vec<f64> {
    let mut w = vec![0.0];
    while let Some(last) = w.last().filter(|last| **last < end) {
        let step = if *last < 4.0 { 0.125 } else { 0.1 * *last };
        w.push((last + step).min(end));
    }
    w
}

/// Bounds of `P(Σ a_k ξ_k ≥ x)` for weights of length 1, from the largest on, and every x between both ends, `tail` being G; none if it is stopped.
pub fn beyond(weights: &[f64], (near, far): (f64, f64), tail: impl Fn(f64) -> f64, watch: &Watch) -> Option<Bounds> {
    let groups = groups(weights);
    let most = |z: f64| groups.iter().map(|g| g.count * tail(z / g.largest)).sum::<f64>();
    let least = |z: f64| groups.iter().map(|g| g.count * tail(z / g.smallest)).sum::<f64>();
    let (mut high, mut low) = (f64::INFINITY, 0.0f64);
    for j in 1..=CUTS {
        if watch.stopped() {
            return None;
        }
        let c = near * libm::exp2(-0.5 * f64::from(j));
        let jumps = 2.0 * most(c);
        // without a number there is no bound
        if jumps >= 0.5 || jumps.is_nan() {
            break;
        }
        high = high.min(above(near, c, jumps, &most));
        low = low.max(below(far, c, jumps, &least));
    }
    Some(Bounds::of(low * (1.0 - 4.0 * KNOWN), high.min(1.0) * (1.0 + 4.0 * KNOWN)))
}

fn above(x: f64, c: f64, jumps: f64, most: &impl Fn(f64) -> f64) -> f64 {
    let w = steps(x - c);
    let bound = |w: f64| bennett(c, w).min(0.5);
    // b is at most its value at the near end of a step
    let mut sum = most(x) * (1.0 - bound(0.0));
    for i in 1..w.len() {
        let next = if i + 1 < w.len() { bound(w[i]) } else { 0.0 };
        sum += most(x - w[i]) * (bound(w[i - 1]) - next);
    }
    sum + bennett(c, x) + 0.5 * jumps * jumps + 0.5 * jumps * bennett(c, x + c)
}

fn below(x: f64, c: f64, jumps: f64, least: &impl Fn(f64) -> f64) -> f64 {
    let part = |w: f64| (1.0 - bennett(c, w)).max(0.5) - jumps;
    let (mut sum, mut last) = (0.0, 0.0);
    for w in steps(0.5 * x) {
        let here = part(w).max(last);
        sum += (here - last) * least(x + w);
        last = here;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_all_weights() {
        let weights = [1.0, 1.0, 0.99995, 0.5, 0.49999, 0.1];
        let found = groups(&weights);
        let facts: Vec<(f64, f64, f64)> = found.iter().map(|g| (g.largest, g.smallest, g.count)).collect();
        assert_eq!(facts, [(1.0, 0.99995, 3.0), (0.5, 0.49999, 2.0), (0.1, 0.1, 1.0)]);
    }

    /// Bennett's bound is that of Chernoff at its best h: no other is smaller.
    #[test]
    fn bennett_is_the_least() {
        for (c, w) in [(0.1, 2.0), (1.0, 5.0), (4.0, 20.0)] {
            let of = |h: f64| libm::exp((libm::cosh(h * c) - 1.0) / (c * c) - h * w);
            let h = libm::asinh(w * c) / c;
            assert!((bennett(c, w) / of(h) - 1.0).abs() < 1e-11);
            assert!(of(0.99 * h) > of(h) && of(1.01 * h) > of(h));
        }
    }
}
