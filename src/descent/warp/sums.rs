//! Sums of interpolated sequences, as weights of their nodes.
//!
//! For the nodes `x_j`, L_j the Lagrange polynomials on them, and a span of steps from t₀ to t₁, `h = log t₁/t₀`:
//!
//! ```text
//! w_j = Σ_{τ=t₀}^{t₁−1} L_j(log τ/t₀)/τ = ∫₀ʰ L_j du + [−½φ + φ'/12 − φ'''/720 + φ⁽⁵⁾/30240],    φ(τ) = L_j(log τ/t₀)/τ
//! ```
//!
//! (Euler and Maclaurin), the integral by the rule of Gauss on seven points, exact for these degrees. With θ = d/du,
//! `φ⁽ᵐ⁾ = τ^{−m−1} (θ−1)(θ−2)…(θ−m) L_j`, from the first Taylor coefficients of L_j at both ends. The next term of the series is
//! φ⁽⁷⁾/1209600, for `φ = 1/τ` below 1e-16 from t = 64 on. Beyond 2⁵³ there are no single steps, and the sum is the integral.

use crate::number::COUNTABLE;

/// Most nodes of a sum: polynomials of this degree less one, times one factor more, are within the rule of Gauss.
pub const NODES: usize = 13;

/// Points and weights of the rule of Gauss on [0, 1].
const GAUSS: [(f64, f64); 7] = [
    (0.025446043828620736, 0.06474248308443485),
    (0.12923440720030277, 0.13985269574463832),
    (0.2970774243113014, 0.19091502525255946),
    (0.5, 0.2089795918367347),
    (0.7029225756886985, 0.19091502525255946),
    (0.8707655927996972, 0.13985269574463832),
    (0.9745539561713793, 0.06474248308443485),
];

/// Taylor coefficients that the series asks for.
const TERMS: usize = 6;

/// The steps `from ≤ τ < to`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: f64,
    pub to: f64,
    /// `log to/from`.
    pub length: f64,
}

impl Span {
    /// From one t to another.
    pub fn new(from: f64, to: f64) -> Self {
        Self { from, to, length: libm::log1p((to - from) / from) }
    }

    /// The weights of the sum over this span for nodes at these `log τ/from`, all different.
    pub fn weights(&self, nodes: &[f64]) -> Vec<f64> {
        let scale: Vec<f64> =
            (0..nodes.len()).map(|j| 1.0 / others(nodes, j).map(|x| nodes[j] - x).product::<f64>()).collect();
        let mut weights = vec![0.0; nodes.len()];
        for (part, share) in GAUSS {
            let x = part * self.length;
            let all = share * self.length * nodes.iter().map(|node| x - node).product::<f64>();
            (0..nodes.len()).for_each(|j| weights[j] += all * scale[j] / (x - nodes[j]));
        }
        if self.from < COUNTABLE {
            for (j, weight) in weights.iter_mut().enumerate() {
                let ends = end(nodes, j, self.length, self.to) - end(nodes, j, 0.0, self.from);
                *weight += scale[j] * ends;
            }
        }
        weights
    }
}

/// All nodes but that of j.
fn others(nodes: &[f64], j: usize) -> impl Iterator<Item = f64> {
    nodes[..j].iter().chain(&nodes[j + 1..]).copied()
}

/// `−½φ + φ'/12 − φ'''/720 + φ⁽⁵⁾/30240` at x, step t, for the product of `x − x_i` over all i but j.
fn end(nodes: &[f64], j: usize, x: f64, t: f64) -> f64 {
    let mut taylor = [0.0; TERMS];
    taylor[0] = 1.0;
    for node in others(nodes, j) {
        for k in (1..TERMS).rev() {
            taylor[k] = taylor[k] * (x - node) + taylor[k - 1];
        }
        taylor[0] *= x - node;
    }
    let mut derivatives = [0.0; TERMS]; // of φ, times τ^{m+1}
    for m in 0..TERMS {
        derivatives[m] = taylor[0];
        for k in 0..TERMS - 1 - m {
            taylor[k] = (k + 1) as f64 * taylor[k + 1] - (m + 1) as f64 * taylor[k];
        }
    }
    let ([value, first, _, third, _, fifth], squared) = (derivatives, t * t);
    (-0.5 * value + (first / 12.0 + (fifth / (30240.0 * squared) - third / 720.0) / squared) / t) / t
}

/// What differences on the end of a step at h and the nodes x_0, x_1, … are to its sum, with `π_o = (x − x_0)…(x − x_{o−1})`.
pub struct Factors {
    /// `|∫₀ʰ π_{o−1} (x − h) dx|`: what the o-th difference on h, x_0, …, x_{o−1} adds to a sum on one node fewer.
    pub added: [f64; NODES],
    /// `(∫₀ʰ π_o dx)²/π_o(h)`: what that difference, found where the sum over x_0, …, x_{o−1} has predicted the end, is off by in the
    /// corrected one, for each unit of `diag(e)H`.
    pub predicted: [f64; NODES],
}

impl Factors {
    /// For a step over h; orders from 1 to the number of nodes.
    pub fn new(nodes: &[f64], h: f64) -> Self {
        let (mut added, mut predicted) = ([0.0; NODES], [0.0; NODES]);
        for (part, share) in GAUSS {
            let (x, mut product) = (part * h, share * h);
            for (o, node) in nodes.iter().enumerate().take(NODES - 1) {
                added[o + 1] += product * (h - x);
                product *= x - node;
                predicted[o + 1] += product;
            }
        }
        let mut end = 1.0;
        for (o, node) in nodes.iter().enumerate().take(NODES - 1) {
            end *= h - node;
            predicted[o + 1] *= predicted[o + 1] / end;
        }
        Self { added, predicted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polynomials in log τ up to the degree of the nodes, summed step by step.
    #[test]
    fn sums_of_polynomials() {
        for (from, to) in [(64.0, 72.0), (100.0, 130.0), (1000.0, 1300.0), (5e4, 6e4)] {
            let span = Span::new(from, to);
            for count in 1..=NODES {
                let nodes: Vec<f64> = (0..count).map(|j| span.length * (1.0 - 0.9 * j as f64)).collect();
                let weights = span.weights(&nodes);
                for degree in 0..count as i32 {
                    // bounded by 1 on the nodes
                    let value = |x: f64| (x / (12.0 * span.length)).powi(degree);
                    let sum: f64 = (from as u64..to as u64).map(|t| value(libm::log(t as f64 / from)) / t as f64).sum();
                    let found: f64 = nodes.iter().zip(&weights).map(|(x, w)| w * value(*x)).sum();
                    let size: f64 = weights.iter().map(|w| w.abs()).sum();
                    assert!((found - sum).abs() < 4e-15 * size, "{from} {count} {degree}: {found:e} {sum:e} {size:e}");
                }
            }
        }
    }

    /// Beyond countable steps: integrals.
    #[test]
    fn integrals_of_polynomials() {
        let span = Span { from: 1e100, to: 1e100 * libm::exp(0.25), length: 0.25 };
        let nodes: Vec<f64> = (0..NODES).map(|j| 0.25 - 0.2 * j as f64).collect();
        let weights = span.weights(&nodes);
        for degree in 0..NODES as i32 {
            let found: f64 = nodes.iter().zip(&weights).map(|(x, w)| w * (x / 2.0).powi(degree)).sum();
            let exact = 2.0 * 0.125f64.powi(degree + 1) / f64::from(degree + 1);
            assert!((found - exact).abs() < 1e-14, "{degree}: {found:e} {exact:e}");
        }
    }

    /// `(x + 1)^o` has the o-th difference 1.
    #[test]
    fn what_a_difference_adds() {
        let (nodes, h): (Vec<f64>, f64) = ((0..NODES).map(|j| -0.3 * j as f64).collect(), 0.4);
        let span = Span { from: 1e100, to: 1e100 * libm::exp(h), length: h };
        let factors = Factors::new(&nodes, h);
        for order in 1..NODES {
            let sum = |count: usize| -> f64 {
                let all: Vec<f64> = [h].iter().chain(&nodes[..count - 1]).copied().collect();
                all.iter().zip(span.weights(&all)).map(|(x, w)| w * (x + 1.0).powi(order as i32)).sum()
            };
            let added = (sum(order + 1) - sum(order)).abs();
            assert!((added / factors.added[order] - 1.0).abs() < 1e-7, "{order}: {added:e} {:e}", factors.added[order]);
            // the weight of the end, once for what is predicted and once for what is corrected
            let all: Vec<f64> = [h].iter().chain(&nodes[..order]).copied().collect();
            let product: f64 = nodes[..order].iter().map(|node| h - node).product();
            let twice = span.weights(&all)[0].powi(2) * product;
            assert!((twice / factors.predicted[order] - 1.0).abs() < 1e-9, "{order}: {twice:e}");
        }
    }
}
