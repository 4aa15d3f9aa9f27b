//! Where within a step an event lies, from a trial step that leads beyond it.
//!
//! The trial knows S, S' and S'' at both of its ends, S'' by further products with H. Between them S is the polynomial of degree 5 that
//! has them (Hermite),
//!
//! ```text
//! S(xh) = S₁A + hS'₀B + hS'₁C + h²S''₀D + h²S''₁E,        off by x³(1−x)³ h⁶ S⁽⁶⁾/720
//! S' = e(1 − ½σ₁p),  p = He/t,    e' = e(1 + σ₁r),  r = HS' − κ/t,    p' = He'/t − p,
//! S'' = e'(1 − ½σ₁p) − ½e(σ₁'p + σ₁p'),  σ₁' = (σ₂ − σ₁²)r            σ_k = s⁽ᵏ⁾/s of the loss
//! ```
//!
//! Pre-activations are linear in S, and slopes follow from e at q = q₀ + HS. So the first x at which a place that the trial leaves
//! is beyond zero takes no stages; a trial of that length is nearly always the step.

use super::Sliding;
use super::integrator::TINY;
use super::mode::Place;
use crate::descent::span::SpanProblem;
use crate::number::largest;
use farfield_kernels::dense;

/// Where an event is aimed at, in [`TINY`] beyond zero: it counts as located from a half to two of them.
const AIM: f64 = 0.75;

/// Evaluations of a place on its way.
const EVALUATIONS: usize = 60;

/// What a trial step has found beyond zero at its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beyond {
    /// A pair of a sample and a neuron.
    Pair(usize, usize),
    /// The slope of a part on one of its kinks.
    Slope(usize, usize),
}

/// A, B, C, D, E.
fn basis(x: f64) -> [f64; 5] {
    let (square, cube) = (x * x, x * x * x);
    [
        cube * (10.0 - 15.0 * x + 6.0 * square),
        x - cube * (6.0 - 8.0 * x + 3.0 * square),
        cube * (-4.0 + 7.0 * x - 3.0 * square),
        0.5 * (square - cube * (3.0 - 3.0 * x + square)),
        0.5 * cube * (1.0 - 2.0 * x + square),
    ]
}

fn sum(weights: &[f64; 5], v: impl Fn(usize) -> f64) -> f64 {
    (0..5).map(|k| weights[k] * v(k)).sum()
}

impl Sliding {
    /// The length between these two at which the first of these places is beyond, by the last trial step, of `length`.
    pub(super) fn foretell(
        &mut self,
        problem: &SpanProblem,
        length: f64,
        (before, after): (f64, f64),
        places: &[Beyond],
    ) -> f64 {
        let (n, m, leak, scale) = (problem.n(), problem.network.width, problem.network.leak, largest(self.z.hi()));
        let way = self.way(problem, length);
        let mut columns: Vec<Option<Vec<f64>>> = vec![None; self.mode.parts.len()];
        let mut images = Vec::new();
        let mut first = after / length;
        for place in places {
            let bracket = (before / length, first);
            first = match *place {
                Beyond::Pair(i, j) => {
                    let g = self.mode.groups.of[j];
                    let of_part = || way.chunks_exact(n).flat_map(|v| self.mode.parts[g].column(problem, v)).collect();
                    let mut rates = [0.0; 5];
                    dense::dots(problem.gram.0.row(i), columns[g].get_or_insert_with(of_part), &mut rates);
                    let outward = if self.mode.places[i * m + j] == Place::Below { -1.0 } else { 1.0 };
                    let z = self.z.hi()[i * m + j];
                    root(bracket, |x| outward * (z + sum(&basis(x), |k| rates[k])) / scale + AIM * TINY)
                }
                Beyond::Slope(part, r) => {
                    if images.is_empty() {
                        images = vec![0.0; 5 * n];
                        self.mode.product().multiply_all(&way, &mut images);
                    }
                    root(bracket, |x| {
                        let weights = basis(x);
                        (0..n).for_each(|k| self.image[k] = sum(&weights, |v| images[v * n + k]));
                        self.weights_at(problem, x * length);
                        let theta = self.mode.parts[part].slope_on_kink(r, &self.e);
                        (theta - leak).min(1.0 - theta) + AIM * TINY
                    })
                }
            };
        }
        self.at_start(problem);
        first * length
    }

    /// `S₁, hS'₀, hS'₁, h²S''₀, h²S''₁` of the last trial step, one after the other.
    fn way(&mut self, problem: &SpanProblem, length: f64) -> Vec<f64> {
        let (n, order) = (self.e.len(), if self.flow.is_some() { 0.0 } else { 1.0 });
        let mut e = self.e.clone();
        let mut sigma = self.sigma.clone();
        self.weights_ahead(problem, length);
        e.extend_from_slice(&self.e);
        sigma.extend_from_slice(&self.sigma);
        self.at_start(problem);
        let clocks = [self.clock(), self.clock() * libm::exp(length)];
        let product = |v: &[f64]| {
            let mut out = vec![0.0; 2 * n];
            self.mode.product().multiply_all(v, &mut out);
            out
        };
        let of_both = |value: &dyn Fn(usize) -> f64| (0..2 * n).map(value).collect::<Vec<f64>>();
        let he = product(&e);
        let p = of_both(&|k| order * he[k] / clocks[k / n]);
        let slope = of_both(&|k| e[k] * (1.0 - 0.5 * sigma[k][0] * p[k]));
        let moving = product(&slope);
        let rise = of_both(&|k| moving[k] - self.ripple.mean[k % n] / clocks[k / n]);
        let grown = of_both(&|k| e[k] * (1.0 + sigma[k][0] * rise[k]));
        let hgrown = product(&grown);
        let second = of_both(&|k| {
            let s = sigma[k];
            let (p_grown, s_grown) = (order * hgrown[k] / clocks[k / n] - p[k], (s[1] - s[0] * s[0]) * rise[k]);
            grown[k] * (1.0 - 0.5 * s[0] * p[k]) - 0.5 * e[k] * (s_grown * p[k] + s[0] * p_grown)
        });
        let mut way = self.moved.clone();
        way.extend(slope.iter().map(|s| length * s));
        way.extend(second.iter().map(|s| length * length * s));
        way
    }
}

/// Where a function falls through 0 in this bracket, by regula falsi (Illinois); the upper end if it is not below 0 there.
fn root((mut before, mut after): (f64, f64), mut value: impl FnMut(f64) -> f64) -> f64 {
    let (mut low, mut high) = (value(before), value(after));
    if high >= 0.0 || low <= 0.0 {
        return if high >= 0.0 { after } else { before };
    }
    let mut side = 0;
    for _ in 0..EVALUATIONS {
        let x = (before * high - after * low) / (high - low);
        let x = if x > before && x < after { x } else { 0.5 * (before + after) };
        let found = value(x);
        if found.abs() < 1e-3 * TINY || after - before < 2.0 * f64::EPSILON * after {
            return x;
        }
        if found < 0.0 {
            (after, high) = (x, found);
            low *= if side == 1 { 0.5 } else { 1.0 };
            side = 1;
        } else {
            (before, low) = (x, found);
            high *= if side == -1 { 0.5 } else { 1.0 };
            side = -1;
        }
    }
    0.5 * (before + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The polynomials of degree 5 are their own: values and two derivatives at both ends give them back.
    #[test]
    fn polynomials_of_degree_five_are_exact() {
        for degree in 1..=5 {
            let (d, power) = (f64::from(degree), |x: f64, k: i32| if k < 0 { 0.0 } else { x.powi(k) });
            let ends = [1.0, d * power(0.0, degree - 1), d, d * (d - 1.0) * power(0.0, degree - 2), d * (d - 1.0)];
            for x in [0.0, 0.2, 0.5, 0.9, 1.0, 1.2] {
                assert!((sum(&basis(x), |k| ends[k]) - x.powi(degree)).abs() < 1e-14, "{degree} {x}");
            }
        }
    }

    #[test]
    fn roots() {
        let found = root((0.0, 2.0), |x| 1e-6 * (0.3 - x.powi(5)));
        assert!((found - 0.3f64.powf(0.2)).abs() < 1e-7, "{found}");
        assert_eq!((root((0.5, 2.0), |_| 1.0), root((0.5, 2.0), |_| -1.0)), (2.0, 0.5));
    }
}
