//! Tails of sums of independent variables with a moment generating function, in relative precision however small they are.
//!
//! `M(z) = E e^{zS} = e^{K(z)}`, `G(y) = P(S ≥ y)`. For s > 0 the function `e^{sy} G(y)` has the Fourier transform `M(s + iu)/(s + iu)`, and
//! Poisson's formula, with h = 2π/L, is
//!
//! ```text
//! T(x) = e^{K(s)−sx} (h/2π) Σ_{j ∈ Z} φ(u_j) e^{−iu_j x}/(s + iu_j),      u_j = jh,    φ(u) = M(s + iu)/M(s)
//!      = G(x) + Σ_{k ≥ 1} [e^{skL} G(x + kL) + e^{−skL} G(x − kL)]
//! ```
//!
//! *Aliases* are not negative, so that T ≥ G, and at most `e^{K(s')−s'x}/(e^{|s'−s|L} − 1)` on each side, for any s' > s above and any
//! s' in [0, s) below (Chernoff); L is such that they are 10⁻¹⁵ of the front. *The ends* |j| > J add at most `(front) B(U)/(π q)`, U =
//! u_J, where `|φ(u)| ≤ B(U)(U/u)^q` beyond U:
//!
//! ```text
//! laplace      φ = Π 1/(1 + bu² − 2ibsu),  b = (a²/2)/(1 − a²s²/2):     |φ| ≤ Π 1/(1 + bu²),                q = Σ 2bU²/(1 + bU²)
//! uniform      φ = Π (cos cu + i coth(cs) sin cu) s/(s + iu),  c = √3 a: |φ| ≤ Π min(1, coth(cs) s/|s+iu|), q = p U²/(s² + U²)
//! ```
//!
//! p the factors below 1. *Rademacher* sums have `φ = Π (cos au + i tanh(as) sin au)`, which never dies away: their law has atoms. They are bounded
//! by those of S + V, V the sum of eight uniform variables on `[−δ/8, δ/8]`: `P(S + V ≥ x + δ) ≤ P(S ≥ x) ≤ P(S + V ≥ x − δ)`, δ = 10⁻³/s, and V is
//! eight more factors of the second kind. s is near the saddle point K'(s) = x; any s > 0 is right.
//!
//! *Many small signs*: weights with `a|z| ≤ ¼`, z = s + iu, enter by their power sums, `log cosh az = Σ_j c_j (az)^{2j}`, `c_j = t_j/(2j)`, t_j the
//! coefficients of tanh, `(2j+1) t_{j+1} = −Σ_i t_i t_{j+1−i}`. As `|c_j| ≤ (4/π²)ʲ/j`, what is left out after [`POWERS`] of them is below 10⁻¹⁸
//! for each weight; the sums are compensated, so that each weight adds at most `(1/32)·32u` to the rounding of the exponent, less than its factor
//! would.
//!
//! *Rounding.* Every factor of φ has modulus 1 at most and is off by some u(4 + au) in absolute terms, so φ is by `d` times that;
//! a product below 10⁻²⁴ is left where it is, and is counted whole. K(s) − sx is off by `(d + 8)u` of the sum of its terms.
//!
//! Order: nodes in blocks of [`BLOCK`], each node a product over all a_k from the largest on; blocks are added in order.

use super::Bounds;
use crate::watch::Watch;
use rayon::prelude::*;
use std::f64::consts::{PI, SQRT_2};

/// Laws of one variable, of variance 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// ±1.
    Rademacher,
    /// On [−√3, √3].
    Uniform,
    /// Density `e^{−√2|y|}/√2`.
    Laplace,
}

/// Nodes between two looks at the end.
const BLOCK: usize = 64;
/// Nodes, and factors over all of them, after which the end is where it is.
const NODES: usize = 1 << 22;
const FACTORS: f64 = 2e8;
/// Powers in the series of small weights of signs, and |z| up to which they are small.
const POWERS: usize = 12;
const REACH: f64 = 32.0;
/// Uniform variables that smooth a sum of signs.
const SMOOTHING: usize = 8;
/// δs of these.
const SMOOTH: f64 = 1e-3;
/// A product this small ends.
const NOTHING: f64 = 1e-24;
/// What aliases may be, of the front.
const ALIAS: f64 = 1e-15;
/// What the ends may be, of the sum.
const END: f64 = 1e-11;
/// The same for smoothed sums, whose bounds are farther apart than that.
const SMOOTH_END: f64 = 1e-6;

/// The sum: weights from the largest on, and the half-width of each smoothing variable (0: none).
struct Sum<'a> {
    weights: &'a [f64],
    law: Law,
    smooth: f64,
    /// How many weights are too large for the series, and of the others c_j times the sums of their powers.
    large: usize,
    series: [f64; POWERS],
}

impl<'a> Sum<'a> {
    fn new(weights: &'a [f64], law: Law) -> Self {
        let large = match law {
            Law::Rademacher => weights.partition_point(|a| a * REACH > 0.25),
            Law::Uniform | Law::Laplace => weights.len(),
        };
        Self { weights, law, smooth: 0.0, large, series: series(&weights[large..]) }
    }
}

/// `c_j Σ a^{2j}`.
fn series(weights: &[f64]) -> [f64; POWERS] {
    let (mut sums, mut rest) = ([0.0f64; POWERS], [0.0f64; POWERS]);
    for a in weights {
        let mut power = 1.0;
        for (sum, rest) in sums.iter_mut().zip(&mut rest) {
            power *= a * a;
            let next = *sum + power;
            // what the sum of a smaller number rounds off
            *rest += if *sum >= power { (*sum - next) + power } else { (power - next) + *sum };
            *sum = next;
        }
    }
    let mut tanh = [1.0; POWERS];
    for j in 1..POWERS {
        tanh[j] = -(0..j).map(|i| tanh[i] * tanh[j - 1 - i]).sum::<f64>() / (2 * j + 1) as f64;
    }
    std::array::from_fn(|j| tanh[j] / (2 * j + 2) as f64 * (sums[j] + rest[j]))
}

/// K, K' and K'' of one variable times a.
fn cumulant(law: Law, a: f64, s: f64) -> [f64; 3] {
    match law {
        Law::Rademacher => {
            let (w, t) = (a * s, libm::tanh(a * s));
            let log = if w < 1.0 {
                0.5 * libm::log1p(libm::sinh(w) * libm::sinh(w))
            } else {
                w + libm::log1p(libm::exp(-2.0 * w)) - std::f64::consts::LN_2
            };
            [log, a * t, a * a * (1.0 - t * t)]
        }
        Law::Uniform => uniform(3f64.sqrt() * a, s),
        Law::Laplace => {
            let q = 0.5 * (a * s) * (a * s);
            let rest = (1.0 - a * s / SQRT_2) * (1.0 + a * s / SQRT_2);
            [-libm::log(rest), a * a * s / rest, a * a * (1.0 + q) / (rest * rest)]
        }
    }
}

/// The same for a variable that is uniform on [−c, c]: `K = log(sinh(cs)/(cs))`.
fn uniform(c: f64, s: f64) -> [f64; 3] {
    let w = c * s;
    if w < 1.0 {
        let square = w * w;
        // sinh(w)/w − 1, and K' to what a saddle point needs
        let over = (1..=10).rev().fold(0.0, |sum, j| (1.0 + sum) * square / f64::from(2 * j * (2 * j + 1)));
        let slope = w / 3.0 * (1.0 - square / 15.0 * (1.0 - 2.0 * square / 21.0));
        return [libm::log1p(over), c * slope, c * c * (1.0 / 3.0 - square / 15.0)];
    }
    let log = w + libm::log1p(-libm::exp(-2.0 * w)) - libm::log(2.0 * w);
    let coth = 1.0 / libm::tanh(w);
    [log, c * (coth - 1.0 / w), c * c * (1.0 / (w * w) + 1.0 - coth * coth).max(0.0)]
}

impl Sum<'_> {
    fn cumulants(&self, s: f64) -> [f64; 3] {
        let add = |sum: [f64; 3], term: [f64; 3], times: f64| std::array::from_fn(|i| times.mul_add(term[i], sum[i]));
        let (mut few, mut sum) = (self.weights, [0.0; 3]);
        if s <= REACH {
            few = &self.weights[..self.large];
            let mut power = 1.0;
            for (j, c) in self.series.iter().enumerate() {
                let order = (2 * j + 2) as f64;
                sum = add(sum, [c * power * s * s, order * c * power * s, order * (order - 1.0) * c * power], 1.0);
                power *= s * s;
            }
        }
        let sum = few.iter().fold(sum, |sum, a| add(sum, cumulant(self.law, *a, s), 1.0));
        if self.smooth > 0.0 { add(sum, uniform(self.smooth, s), SMOOTHING as f64) } else { sum }
    }

    /// Where K ends.
    fn pole(&self) -> f64 {
        if self.law == Law::Laplace { SQRT_2 / self.weights[0] } else { f64::INFINITY }
    }

    /// Above it no s is of use: where K ends; where all signs are decided; where `√3 Σ a_k − d/s`, which is below K' of uniform
    /// variables, is x.
    fn highest(&self, x: f64) -> f64 {
        match self.law {
            Law::Laplace => self.pole(),
            Law::Rademacher => 60.0 / self.weights[self.weights.len() - 1],
            Law::Uniform => self.weights.len() as f64 / (3f64.sqrt() * self.weights.iter().sum::<f64>() - x),
        }
    }

    /// About where K'(s) = x, by Newton's method between brackets; K' grows.
    fn saddle(&self, x: f64, watch: &Watch) -> f64 {
        let (mut low, mut high) = (0.0, self.highest(x));
        let mut s = x.min(0.5 * high);
        for _ in 0..60 {
            let [_, slope, curvature] = self.cumulants(s);
            if slope < x {
                low = s
            } else {
                high = s
            }
            let next = s + (x - slope) / curvature;
            let next = if next > low && next < high { next } else { 0.5 * (low + high) };
            if (next - s).abs() <= 1e-4 * s || watch.stopped() {
                break;
            }
            s = next;
        }
        s
    }

    /// A period that leaves aliases below [`ALIAS`] of the front on either side.
    fn period(&self, s: f64, x: f64) -> f64 {
        let [here, _, curvature] = self.cumulants(s);
        let rest = (self.pole() - s).min(f64::MAX);
        let enough =
            |other: f64| (self.cumulants(other)[0] - here - (other - s) * x - libm::log(ALIAS)) / (other - s).abs();
        let steps = [0.5, 1.0, 2.0, 4.0, 8.0].map(|t| t / curvature.sqrt());
        let above = steps.iter().map(|t| s + t.min(0.9 * rest)).chain([s + 0.3 * rest.min(s)]);
        let below = steps.iter().map(|t| (s - t).max(0.0)).chain([0.5 * s]);
        let least = |candidates: &mut dyn Iterator<Item = f64>| candidates.map(enough).fold(f64::INFINITY, f64::min);
        // the sum over k ≥ 1 of e^{−kv}, v ≥ 34, is e^{−v} but for 1e-15 of it
        least(&mut above.into_iter()).max(least(&mut below.into_iter())).max(curvature.sqrt())
    }

    /// φ(u), the number of factors that were taken, and whether it is only a bound.
    fn ratio(&self, factors: &[(f64, f64)], s: f64, u: f64) -> ((f64, f64), u64, bool) {
        let mut p = (1.0f64, 0.0f64);
        let times = |p: &mut (f64, f64), f: (f64, f64)| *p = (p.0 * f.0 - p.1 * f.1, p.0 * f.1 + p.1 * f.0);
        let (modulus, turned) = (s * s + u * u, |c: f64, coth: f64| {
            let (sin, cos) = libm::sincos(c * u);
            (cos, coth * sin)
        });
        let narrow = |(re, im): (f64, f64)| {
            let (re, im) = (re * s + im * u, im * s - re * u);
            (re * (s / modulus), im * (s / modulus))
        };
        if self.smooth > 0.0 {
            let coth = 1.0 / libm::tanh(self.smooth * s);
            let factor = narrow(turned(self.smooth, coth));
            (0..SMOOTHING).for_each(|_| times(&mut p, factor));
        }
        let mut few = factors;
        if modulus <= REACH * REACH && self.large < factors.len() {
            few = &factors[..self.large];
            times(&mut p, self.small(s, u));
            if p.0.abs() + p.1.abs() < NOTHING {
                return ((0.0, 0.0), 1, true);
            }
        }
        for (count, (a, b)) in few.iter().enumerate() {
            match self.law {
                Law::Rademacher => times(&mut p, turned(*a, *b)),
                Law::Uniform => times(&mut p, narrow(turned(*a, *b))),
                Law::Laplace => {
                    let (re, im) = (1.0 + b * u * u, 2.0 * b * s * u);
                    let square = re * re + im * im;
                    times(&mut p, (re / square, im / square));
                }
            }
            if p.0.abs() + p.1.abs() < NOTHING {
                return ((0.0, 0.0), count as u64 + 1, true);
            }
        }
        (p, few.len() as u64, false)
    }

    /// The part of φ(u) of the weights in the series.
    fn small(&self, s: f64, u: f64) -> (f64, f64) {
        let (re, im, here) = (s * s - u * u, 2.0 * s * u, s * s);
        let (mut power, mut real, mut exponent) = ((1.0, 0.0), 1.0, (0.0, 0.0));
        for c in self.series {
            power = (power.0 * re - power.1 * im, power.0 * im + power.1 * re);
            real *= here;
            exponent = (exponent.0 + c * (power.0 - real), exponent.1 + c * power.1);
        }
        let (sin, cos) = libm::sincos(exponent.1);
        let size = libm::exp(exponent.0);
        (size * cos, size * sin)
    }

    /// What `ratio` needs of each weight: (a, tanh as), (c, coth cs) or (a, b).
    fn factors(&self, s: f64) -> Vec<(f64, f64)> {
        let of = |a: &f64| match self.law {
            Law::Rademacher => (*a, libm::tanh(a * s)),
            Law::Uniform => (3f64.sqrt() * a, 1.0 / libm::tanh(3f64.sqrt() * a * s)),
            Law::Laplace => (*a, 0.5 * a * a / ((1.0 - a * s / SQRT_2) * (1.0 + a * s / SQRT_2))),
        };
        self.weights.iter().map(of).collect()
    }

    /// `B(U)/q`: what is left beyond U, times π.
    fn beyond(&self, factors: &[(f64, f64)], s: f64, end: f64) -> f64 {
        let (mut log, mut power) = (0.0, 0.0);
        let mut narrow = |coth: f64, times: f64| {
            let bound = coth * s / s.hypot(end);
            if bound < 1.0 {
                log += times * libm::log(bound);
                power += times * end * end / (s * s + end * end);
            }
        };
        if self.smooth > 0.0 {
            narrow(1.0 / libm::tanh(self.smooth * s), SMOOTHING as f64);
        }
        match self.law {
            Law::Rademacher => {}
            Law::Uniform => factors.iter().for_each(|(_, coth)| narrow(*coth, 1.0)),
            Law::Laplace => {
                for (_, b) in factors {
                    let t = b * end * end;
                    log -= libm::log1p(t);
                    power += 2.0 * t / (1.0 + t);
                }
            }
        }
        if power > 0.0 { libm::exp(log) / power } else { f64::INFINITY }
    }
}

/// Bounds of `P(Σ a_k ξ_k ≥ x)` for weights of length 1, from the largest on, and every x between both ends; none where no node is
/// large enough to say anything, and if it is stopped.
pub fn beyond(weights: &[f64], (near, far): (f64, f64), law: Law, watch: &Watch) -> Option<Bounds> {
    let bounded = match law {
        Law::Rademacher => weights.iter().sum::<f64>(),
        Law::Uniform => 3f64.sqrt() * weights.iter().sum::<f64>(),
        Law::Laplace => f64::INFINITY,
    };
    let unit = (weights.len() + 4) as f64 * f64::EPSILON;
    if near > bounded * (1.0 + unit) {
        return Some(Bounds::of(0.0, 0.0));
    }
    if near >= bounded * (1.0 - 4.0 * unit) {
        return None; // rounding hides whether it is the end
    }
    let mut sum = Sum::new(weights, law);
    let s = sum.saddle(near, watch).max(0.3);
    let delta = if law == Law::Rademacher { SMOOTH / s } else { 0.0 };
    sum.smooth = delta / SMOOTHING as f64;
    let (near, far) = (near - delta, far + delta);
    if watch.stopped() {
        return None;
    }
    let step = 2.0 * PI / sum.period(s, near).max(sum.period(s, far));
    let line = line(&sum, s, step, (near, far), watch);
    if watch.stopped() {
        return None;
    }
    let k = sum.cumulants(s)[0];
    let front = |x: f64| k - s * x;
    let rounding = |x: f64| (weights.len() + 16) as f64 * f64::EPSILON * (k + s * x.abs());
    let high = line.near + line.error;
    if high.is_nan() || high <= 0.0 {
        return None;
    }
    let log_high = front(near) + libm::log(high) + rounding(near);
    let log_low = front(far) + libm::log((line.far - line.error - 4.0 * ALIAS).max(0.0)) - rounding(far);
    Some(Bounds::of_logs(log_low, log_high))
}

/// The sum over the line for both x, without the front, and the bound of its ends and of its rounding; says nothing if it was stopped.
struct Line {
    near: f64,
    far: f64,
    error: f64,
}

fn line(sum: &Sum, s: f64, step: f64, (near, far): (f64, f64), watch: &Watch) -> Line {
    let factors = sum.factors(s);
    let (widest, count) = (3f64.sqrt() * sum.weights[0], sum.weights.len() as f64 + 16.0);
    let node = |j: usize| {
        if watch.stopped() {
            return [0.0; 4];
        }
        let u = step * j as f64;
        let (phi, taken, only_bound) = sum.ratio(&factors, s, u);
        let modulus = s.hypot(u);
        let size = phi.0.abs() + phi.1.abs();
        // one unit of |φ|, and what the phase adds
        let off = f64::EPSILON * (count * (4.0 + widest * u) + size * u * far.abs());
        let off = if only_bound { NOTHING } else { off };
        let part = |x: f64| {
            let (sin, cos) = libm::sincos(u * x);
            // Re φ e^{−iux} (s − iu)/|s + iu|²
            let (re, im) = (phi.0 * cos + phi.1 * sin, phi.1 * cos - phi.0 * sin);
            (re * s + im * u) / (modulus * modulus)
        };
        [part(near), part(far), off / modulus, taken as f64]
    };
    let mut all = [0.5 / s, 0.5 / s, f64::EPSILON / s, 0.0];
    let (mut done, mut end);
    let tolerance = if sum.smooth > 0.0 { SMOOTH_END } else { END };
    let mut first = 1;
    loop {
        let block: Vec<[f64; 4]> = (first..first + BLOCK).into_par_iter().map(node).collect();
        block.iter().for_each(|b| all.iter_mut().zip(b).for_each(|(all, b)| *all += b));
        first += BLOCK;
        done = step * (first - 1) as f64;
        end = sum.beyond(&factors, s, done) / PI;
        if end <= tolerance * (step / PI * all[1]).abs() || first > NODES || all[3] >= FACTORS || watch.stopped() {
            break;
        }
    }
    let nodes = (first as f64).max(64.0);
    let error = step / PI * (all[2] + nodes * f64::EPSILON * all[0].abs()) + end;
    Line { near: step / PI * all[0], far: step / PI * all[1], error }
}
