//! Tails of sums of variables without a moment generating function, or whose characteristic function has no closed form, where one variable is large.
//!
//! With `G(y) = P(ξ ≥ y)`, weights of length 1, a cut c below x, `J = {k: |a_k ξ_k| > c}`, S' the sum of the others' parts, each cut to 0 beyond
//! c, and
//!
//! ```text
//! T(z) = Σ_k G(z/a_k),   p = 2T(c) ≥ P(J ≠ ∅),   B(w) = exp((cosh hc − 1)/c² − hw),  hc = asinh(wc)
//! ```
//!
//! *Cut sums.* `(cosh hz − 1)/z²` grows in z, and the law is symmetric, so that `E e^{hX} ≤ 1 + a²(cosh hc − 1)/c²` for each cut variable, and
//! `P(S' ≥ w) ≤ B(w)` (Bennett); by symmetry P(S' ≥ w) is at most ½ for w > 0 and at least ½ for w ≤ 0. All of that holds with one of the
//! variables taken out.
//!
//! *Above*: no variable is above c, and then S ≤ S', or one of them is, at z, and the others make up for x − z; of these likewise for any cut c'
//!
//! ```text
//! P(S ≥ x) ≤ B(x) + Σ_k ∫_c^∞ b(x − z) P(a_k ξ_k ∈ dz),     b(w) = min(½, min_c' [B'(w) + T(c')]) for w > 0,   1 for w ≤ 0
//! ```
//!
//! *Below*: one variable is at z ≥ x and no other beyond the cut, which are disjoint events; with `l(w) = max(½, 1 − B(w)) − p`
//!
//! ```text
//! P(S ≥ x) ≥ Σ_k ∫_x^∞ l(z − x) P(a_k ξ_k ∈ dz)
//! ```
//!
//! b and l are replaced by step functions above and below them, and the sums are put in terms of T with positive coefficients. T is bounded by
//! that of weights in groups that are 10⁻³ wide, at their largest and at their smallest. Any c is right: the best of some is taken on either
//! side. G is known to 10⁻⁹, by which the bounds are widened.
//!
//! It says something where jumps decide, as they do for student-t and pareto noise, and weibull noise of small shape, from some x on; where many
//! variables make the sum the bounds are far apart.

use super::Bounds;
use crate::watch::Watch;

/// How wide groups of weights are, and what G is off by.
const GROUP: f64 = 1e-3;
const KNOWN: f64 = 1e-9;
/// Cuts that are tried: x·2^(−j/2).
const CUTS: i32 = 12;

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

/// w·2^(−j/2).
fn cuts(w: f64) -> impl Iterator<Item = f64> {
    (1..=CUTS).map(move |j| w * libm::exp2(-0.5 * f64::from(j)))
}

/// Bounds of `P(Σ a_k ξ_k ≥ x)` for weights of length 1, from the largest on, and every x between both ends, `tail` being G; none if it is stopped.
pub fn beyond(weights: &[f64], (near, far): (f64, f64), tail: impl Fn(f64) -> f64, watch: &Watch) -> Option<Bounds> {
    let groups = groups(weights);
    let most = |z: f64| groups.iter().map(|g| g.count * tail(z / g.largest)).sum::<f64>();
    let least = |z: f64| groups.iter().map(|g| g.count * tail(z / g.smallest)).sum::<f64>();
    let high = above(near, &most, watch);
    let low = below(far, &most, &least, watch);
    if watch.stopped() {
        return None;
    }
    Some(Bounds::of(low * (1.0 - 4.0 * KNOWN), high.min(1.0) * (1.0 + 4.0 * KNOWN)))
}

fn above(x: f64, most: &impl Fn(f64) -> f64, watch: &Watch) -> f64 {
    let grid = steps(x);
    let mut others = vec![0.5];
    for w in &grid[1..] {
        // below 1 Bennett says no more than ½; a tail that is not known is no bound
        let bound = |c: f64| Some(bennett(c, *w) + most(c)).filter(|bound| !bound.is_nan()).unwrap_or(1.0);
        let here = if *w > 1.0 && !watch.stopped() { cuts(*w).map(bound).fold(0.5, f64::min) } else { 0.5 };
        others.push(here.min(others[others.len() - 1]));
    }
    let tails: Vec<f64> = grid.iter().map(|w| if watch.stopped() { 0.0 } else { most(x - w) }).collect();
    let with = |c: f64| {
        let (mut sum, mut last) = (0.0, 1.0);
        // b is at most its value at the near end of a step
        for i in (0..grid.len()).take_while(|i| grid[*i] < x - c) {
            sum += tails[i] * (last - others[i]);
            last = others[i];
        }
        sum + most(c) * last + bennett(c, x)
    };
    cuts(x).map(with).filter(|bound| !bound.is_nan()).fold(1.0, f64::min)
}

fn below(x: f64, most: &impl Fn(f64) -> f64, least: &impl Fn(f64) -> f64, watch: &Watch) -> f64 {
    let grid = steps(0.5 * x);
    let tails: Vec<f64> = grid.iter().map(|w| if watch.stopped() { 0.0 } else { least(x + w) }).collect();
    let with = |c: f64| {
        let jumps = 2.0 * most(c);
        let (mut sum, mut last) = (0.0, 0.0);
        for (w, tail) in grid.iter().zip(&tails) {
            let here = ((1.0 - bennett(c, *w)).max(0.5) - jumps).max(last);
            sum += (here - last) * tail;
            last = here;
        }
        sum
    };
    cuts(x).map(with).filter(|bound| !bound.is_nan()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_all_weights() {
        let weights = [1.0, 1.0, 0.9995, 0.5, 0.4999, 0.1];
        let found = groups(&weights);
        let facts: Vec<(f64, f64, f64)> = found.iter().map(|g| (g.largest, g.smallest, g.count)).collect();
        assert_eq!(facts, [(1.0, 0.9995, 3.0), (0.5, 0.4999, 2.0), (0.1, 0.1, 1.0)]);
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
