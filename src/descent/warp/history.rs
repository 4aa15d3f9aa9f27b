//! What the method looks back at: `e = αct s(q)` and its image He at the last nodes, and what can be said of them as vectors.
//!
//! ```text
//! combined      Σ_j w_j v_j                                        nodes in order
//! differences   max_k |f_k[x_0, …, x_o]| for o = 0, 1, …           blocks of samples; orders; nodes
//! ```

use super::sums::{Factors, NODES};
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};

/// Nodes that are kept.
pub const KEPT: usize = NODES - 1;

/// Most of them that a sum is over: the one more tells its error.
pub const MOST: usize = KEPT - 1;

/// The largest part of the error allowed that the next step is laid out for.
const PLANNED: f64 = 0.3;

/// Ratios of the lengths of two steps, the longest first.
const RATIOS: [f64; 12] = [3.0, 2.0, 1.5, 1.35, 1.2, 1.1, 1.0, 0.9, 0.8, 0.65, 0.45, 0.25];

/// The longest step on 1, 2, … nodes that does not make errors grow, for equally distant ones and the eigenvalue 1 of `diag(e)H`.
const STABLE: [f64; MOST] = [2.0, 2.4, 1.93, 1.41, 1.03, 0.77, 0.57, 0.43, 0.33, 0.26, 0.21];

/// A point of the way.
#[derive(Clone, Debug)]
pub struct Node {
    /// `log t/t₀`, t₀ the present.
    pub x: f64,
    pub e: Vec<f64>,
    pub image: Vec<f64>,
}

/// A step to try: how long, and on how many nodes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub length: f64,
    pub order: usize,
}

/// `Σ_j w_j v_j`.
pub fn combined<'a>(weights: &[f64], vectors: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let vectors: Vec<&[f64]> = vectors.take(weights.len()).map(|v| &v[..]).collect();
    let mut out = vec![0.0; vectors[0].len()];
    Isa::current().dispatch(Combine { weights, vectors: &vectors, out: &mut out });
    out
}

struct Combine<'a> {
    weights: &'a [f64],
    vectors: &'a [&'a [f64]],
    out: &'a mut [f64],
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weights, vectors, out } = self;
        for (weight, vector) in weights.iter().zip(vectors) {
            for (out, v) in out.iter_mut().zip(*vector) {
                *out = weight.mul_add(*v, *out);
            }
        }
    }
}

/// The divided differences of one set of vectors on the nodes `x`, at most [`NODES`].
pub struct Differences {
    /// The largest of each order, in absolute value.
    pub sizes: Vec<f64>,
    /// That of the order asked for, sample by sample.
    pub asked: Vec<f64>,
}

impl Differences {
    /// Of vectors at these nodes; the one of `order` is kept.
    pub fn new<'a>(x: &[f64], vectors: impl Iterator<Item = &'a Vec<f64>>, order: usize) -> Self {
        let vectors: Vec<&[f64]> = vectors.take(x.len()).map(|v| &v[..]).collect();
        let mut found = Self { sizes: vec![0.0; x.len()], asked: vec![0.0; vectors[0].len()] };
        Isa::current().dispatch(Divided { x, vectors: &vectors, order, found: &mut found });
        found
    }
}

/// Samples of a block.
const BLOCK: usize = 32;

struct Divided<'a> {
    x: &'a [f64],
    vectors: &'a [&'a [f64]],
    order: usize,
    found: &'a mut Differences,
}

impl WithSimd for Divided<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, vectors, order, found } = self;
        let mut inverse = [[0.0; NODES]; NODES];
        for o in 1..x.len() {
            (0..x.len() - o).for_each(|j| inverse[o][j] = 1.0 / (x[j] - x[j + o]));
        }
        let (mut tops, mut table) = ([[0.0f64; BLOCK]; NODES], [[0.0; BLOCK]; NODES]);
        for (block, asked) in found.asked.chunks_mut(BLOCK).enumerate() {
            for (row, vector) in table.iter_mut().zip(vectors) {
                row[..asked.len()].copy_from_slice(&vector[block * BLOCK..][..asked.len()]);
                row[asked.len()..].fill(0.0);
            }
            for o in 0..x.len() {
                for j in (0..x.len() - o).filter(|_| o > 0) {
                    let (above, below) = table.split_at_mut(j + 1);
                    for (a, b) in above[j].iter_mut().zip(&below[0]) {
                        *a = (*a - b) * inverse[o][j];
                    }
                }
                if o == order {
                    asked.copy_from_slice(&table[0][..asked.len()]);
                }
                for (top, v) in tops[o].iter_mut().zip(&table[0]) {
                    *top = if v.abs() > *top { v.abs() } else { *top };
                }
            }
        }
        for (size, top) in found.sizes.iter_mut().zip(&tops) {
            *size = top.iter().fold(0.0, |top, v| f64::max(top, *v));
        }
    }
}

/// The error of a step over `length` on `order` of these nodes and its end, by the sizes of the differences: the larger one of
/// what its last node and what one node more adds to the sum, and what is left of the error of the prediction where `diag(e)H` has no
/// eigenvalue much above 1.
pub fn error(sizes: &[f64], nodes: &[f64], plan: Plan) -> f64 {
    whole(sizes, &Factors::new(nodes, plan.length), nodes.len(), plan.order)
}

fn whole(sizes: &[f64], factors: &Factors, nodes: usize, order: usize) -> f64 {
    let (added, next) = (|o: usize| sizes[o] * factors.added[o], order + 1);
    let more = if next < sizes.len() && next <= nodes { added(next) } else { 0.0 };
    added(order).max(more) + sizes[order] * factors.predicted[order]
}

/// The longest step after one of `length` that these differences promise to be within a part of the error `allowed`, from the
/// nodes given.
pub fn plan(sizes: &[f64], nodes: &[f64], length: f64, allowed: f64) -> Plan {
    let highest = MOST.min(sizes.len() - 1).min(nodes.len());
    let mut best = Plan { length: RATIOS[RATIOS.len() - 1] * length, order: 1 };
    for ratio in RATIOS {
        let (length, mut least) = (ratio * length, f64::INFINITY);
        let factors = Factors::new(nodes, length);
        for order in (1..=highest).filter(|order| length <= STABLE[order - 1]) {
            let error = whole(sizes, &factors, nodes.len(), order);
            if error < least {
                (least, best) = (error, Plan { length, order });
            }
        }
        if least <= PLANNED * allowed {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::sums::Span;
    use super::*;

    /// `y' = −y` by steps of equal length, predicted, evaluated, corrected, evaluated: powers of the linear map from one step to the
    /// next stay bounded at the lengths given, and grow a little beyond.
    #[test]
    fn longest_stable_steps() {
        let growth = |order: usize, h: f64| {
            let x: Vec<f64> = (0..order).map(|j| -h * j as f64).collect();
            let span = Span { from: 1e100, to: 1e100 * libm::exp(h), length: h };
            let all: Vec<f64> = [h].iter().chain(&x).copied().collect();
            let (predictor, corrector) = (span.weights(&x), span.weights(&all));
            let dot = |w: &[f64], slopes: &[f64]| w.iter().zip(slopes).map(|(w, s)| w * s).sum::<f64>();
            let (mut y, mut slopes, mut log) = (1.0, vec![1.0; order], 0.0);
            for step in 0..6000 {
                let predicted = -(y + dot(&predictor, &slopes));
                y += corrector[0] * predicted + dot(&corrector[1..], &slopes);
                slopes.insert(0, -y);
                slopes.truncate(order);
                let size = slopes.iter().fold(y.abs(), |top, s| top.max(s.abs()));
                (y, slopes) = (y / size, slopes.iter().map(|s| s / size).collect());
                log += if step < 3000 { 0.0 } else { size.ln() };
            }
            log / 3000.0
        };
        for (k, longest) in STABLE.into_iter().enumerate() {
            assert!(growth(k + 1, longest) < 1e-6, "{}: {}", k + 1, growth(k + 1, longest));
            assert!(growth(k + 1, longest + 0.02) > 1e-6, "{}: {}", k + 1, growth(k + 1, longest + 0.02));
        }
    }

    /// A polynomial of degree 4 has its leading coefficient for the fourth difference, and none beyond it.
    #[test]
    fn differences_of_powers() {
        let x: Vec<f64> = (0..8).map(|j| 0.5 - 0.25 * f64::from(j) - 0.01 * f64::from(j * j)).collect();
        let samples = BLOCK + 3;
        let value = |x: f64, k: usize| (k as f64 + 1.0) * x.powi(4) - x.powi(2);
        let vectors: Vec<Vec<f64>> = x.iter().map(|x| (0..samples).map(|k| value(*x, k)).collect()).collect();
        let found = Differences::new(&x, vectors.iter(), 4);
        assert!((found.sizes[4] - samples as f64).abs() < 1e-10, "{:?}", found.sizes);
        assert!(found.sizes[5..].iter().all(|size| *size < 1e-9), "{:?}", found.sizes);
        assert!(found.asked.iter().enumerate().all(|(k, d)| (d - (k as f64 + 1.0)).abs() < 1e-10));
        let top = (0..samples).map(|k| value(0.5, k).abs()).fold(0.0, f64::max);
        assert_eq!(found.sizes[0], top);
    }
}
