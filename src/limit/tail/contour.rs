//! Tails of sums of Student-t variables with 3 degrees of freedom and variance 1, in relative precision however small they are.
//!
//! The characteristic function of ξ is `(1 + |u|)e^{−|u|}`, that of `S = Σ a_k ξ_k` for u > 0 is `φ(u) = Π (1 + a_k u)e^{−a_k u}`, which is entire.
//! Gil-Pelaez's `P(S ≥ x) = ½ − (1/π) Im ∫_0^∞ e^{iux}φ(u) du/u` may go up the imaginary axis to iv₀ first and then across: the quarter
//! turn around the pole at 0 takes the ½, and
//!
//! ```text
//! P = (1/π) ∫_0^{v₀} e^{−vx+R(v)} sin Θ(v) dv/v  −  (1/π) Im ∫_0^∞ e^{iux}φ(u) dt/u,  u = iv₀ + t
//! R = ½ Σ log(1 + a²v²),    Θ = Σ (av − atan av) ≥ 0
//! ```
//!
//! The first part is what single large jumps do: at small v it is `(1/3π) Σa³ ∫ v²e^{−vx} dv = 2Σa³/(3πx³)`, and nothing cancels. The
//! second is of the size of e^{−vx+R(v)} at v₀, for many variables that of the normal tail. v₀ is the first point where that is least, or
//! where it is nothing beside the first part.
//!
//! *Quadrature* by panels of Gauss's rule with its bound ([`quadrature`]). With `K(u) = iux + Σ [log(1 + a u) − a u]` and |δ| ≤ r,
//! `Re K(c + δ) ≤ Re K(c) + |K'(c)| r + ½ r² Σ a²/|1 + ac|²`, since `ln|1 + ε| ≤ Re ε + |ε|²/2`; the integrands are at most `e^{Re K}/|u|` (the first,
//! which has no pole, on the circle around the disc).
//! *The end* of the second: |φ(iv₀ + t)| falls for t > 0, from T on by the rate `Σ a·aT/(1 + aT)` or more.
//! *Rounding*: exponents and Θ are off by `(d + 64)u` of the sums of their terms.
//!
//! Weights with `a|u| ≤ ¼` on the whole contour enter by their power sums, `log(1 + w) − w = Σ_{j ≥ 2} (−1)^{j+1} w^j/j`: a node costs what the
//! other weights cost, and 40 terms.

use super::Bounds;
use super::quadrature::{left_out, rule};
use crate::watch::Watch;
use std::f64::consts::PI;

/// Powers in the series of small weights: the next is below 4⁻⁴⁰ of the first.
const POWERS: usize = 42;
/// Of what is looked for, what may be left out where the contour turns or ends, as a logarithm.
const NOTHING: f64 = -42.0;

type Complex = (f64, f64);

fn modulus(u: Complex) -> f64 {
    u.0.hypot(u.1)
}

/// `Σ [log(1 + au) − au]`, its derivative but for iux, and `Σ a²/|1 + au|²`.
struct Exponent {
    value: Complex,
    /// The sum of the sizes of the terms.
    size: f64,
    slope: Complex,
    curvature: f64,
}

struct Sum<'a> {
    large: &'a [f64],
    /// `Σ a^j` of the small ones, from j = 2 on.
    powers: Vec<f64>,
    count: f64,
}

impl<'a> Sum<'a> {
    /// For weights from the largest on, and |u| up to `reach`.
    fn new(weights: &'a [f64], reach: f64) -> Self {
        let (large, small) = weights.split_at(weights.partition_point(|a| a * reach > 0.25));
        let mut powers = vec![0.0; POWERS];
        for a in small {
            let mut power = *a;
            powers.iter_mut().for_each(|sum| {
                power *= a;
                *sum += power;
            });
        }
        Self { large, powers, count: weights.len() as f64 + 64.0 }
    }

    fn exponent(&self, u: Complex) -> Exponent {
        let (mut value, mut slope, mut size, mut curvature) = ((0.0, 0.0), (0.0, 0.0), 0.0, 0.0);
        let square = u.0 * u.0 + u.1 * u.1;
        for a in self.large {
            let (re, im) = (1.0 + a * u.0, a * u.1);
            let whole = re * re + im * im;
            let term = (0.5 * libm::log1p(a * (2.0 * u.0 + a * square)) - a * u.0, libm::atan2(im, re) - im);
            value = (value.0 + term.0, value.1 + term.1);
            size += a * (u.0.abs() + u.1.abs()) + term.0.abs();
            // −a·au/(1 + au)
            slope.0 -= a * a * (u.0 * re + u.1 * im) / whole;
            slope.1 -= a * a * (u.1 * re - u.0 * im) / whole;
            curvature += a * a / whole;
        }
        let mut power = u;
        let mut small: Complex = (0.0, 0.0);
        let mut small_slope: Complex = (0.0, 0.0);
        let mut sign = -1.0;
        for (j, sum) in self.powers.iter().enumerate() {
            let j = j as f64 + 2.0;
            small_slope = (small_slope.0 + sign * sum * power.0, small_slope.1 + sign * sum * power.1);
            power = (power.0 * u.0 - power.1 * u.1, power.0 * u.1 + power.1 * u.0);
            small = (small.0 + sign * sum / j * power.0, small.1 + sign * sum / j * power.1);
            size += sum / j * modulus(power);
            sign = -sign;
        }
        // |1 + au| ≥ ¾
        curvature += self.powers[0] / 0.5625;
        value = (value.0 + small.0, value.1 + small.1);
        slope = (slope.0 + small_slope.0, slope.1 + small_slope.1);
        Exponent { value, size, slope, curvature }
    }

    /// R and Θ, and the size of the terms of R.
    fn axis(&self, v: f64) -> (f64, f64) {
        let (mut r, mut theta) = (0.0, 0.0);
        for a in self.large {
            let y = a * v;
            r += 0.5 * libm::log1p(y * y);
            theta += if y < 0.25 { series(y) } else { y - libm::atan(y) };
        }
        let (mut power, mut sign) = (v, 1.0);
        for (pair, sums) in self.powers.chunks_exact(2).enumerate() {
            let j = 2.0 * pair as f64 + 2.0;
            power *= v;
            r += sign * sums[0] / j * power;
            power *= v;
            theta += sign * sums[1] / (j + 1.0) * power;
            sign = -sign;
        }
        (r, theta)
    }

    /// The rate at which |φ| falls beyond t, at least.
    fn rate(weights: &[f64], t: f64) -> f64 {
        weights.iter().map(|a| a * (a * t / (1.0 + a * t))).sum()
    }
}

/// `y − atan y` for y < ¼.
fn series(y: f64) -> f64 {
    let square = y * y;
    let sum = (1..=16).rev().fold(0.0, |sum, j| 1.0 / f64::from(2 * j + 1) - square * sum);
    sum * square * y
}

/// `R(v)` and `R'(v)` of all weights, at the cost of all.
fn plain(weights: &[f64], v: f64) -> (f64, f64) {
    weights.iter().fold((0.0, 0.0), |(r, slope), a| {
        let y = a * v;
        (r + 0.5 * libm::log1p(y * y), slope + a * y / (1.0 + y * y))
    })
}

/// `log |φ(iv + t)|`.
fn fallen(weights: &[f64], v: f64, t: f64) -> f64 {
    let square = t * t + v * v;
    weights.iter().map(|a| 0.5 * libm::log1p(a * (2.0 * t + a * square)) - a * t).sum()
}

/// Where the contour turns and ends, and the size of what is looked for as a logarithm.
struct Way {
    turn: f64,
    end: f64,
    /// Whether the second part is more than nothing.
    across: bool,
}

/// Half the length of panels along the axis.
fn half(x: f64) -> f64 {
    4.0 / (x + 1.0)
}

fn way(weights: &[f64], x: f64, watch: &Watch) -> Way {
    let cubes: f64 = weights.iter().map(|a| a * a * a).sum();
    let jump = libm::log(2.0 * cubes / (3.0 * PI)) - 3.0 * libm::log(x.max(1.0));
    let step = 2.0 * half(x);
    let (mut turn, mut across) = (0.0, true);
    loop {
        let next = turn + step;
        let (r, slope) = plain(weights, next);
        if slope >= x && next >= 1.0 {
            // the saddle is before; about is enough
            let (mut low, mut high) = (f64::max(turn, 1.0), next);
            for _ in 0..12 {
                let middle = 0.5 * (low + high);
                if plain(weights, middle).1 >= x { high = middle } else { low = middle }
            }
            turn = high;
            break;
        }
        turn = next;
        if r - turn * x <= jump + NOTHING || watch.stopped() {
            across = false;
            break;
        }
    }
    let (r, _) = plain(weights, turn);
    let size = jump.max(r - turn * x);
    let mut end = 4.0;
    while across && fallen(weights, turn, end) - turn * x > size + NOTHING {
        end *= 1.25;
    }
    Way { turn, end, across }
}

/// Bounds of `P(S ≥ x)` for weights of length 1, from the largest on, and every x between both ends; none where it is below what f64 holds, and if it
/// is stopped.
pub fn beyond(weights: &[f64], (near, far): (f64, f64), watch: &Watch) -> Option<Bounds> {
    if far > 1e90 {
        return None;
    }
    let way = way(weights, near, watch);
    if watch.stopped() {
        return None;
    }
    let sum = Sum::new(weights, way.turn.hypot(if way.across { way.end } else { 0.0 }));
    let rule = rule();
    let tail = |x: f64| {
        let (axis, off) = along(&sum, &way, x, &rule);
        let (rest, more) = across(&sum, weights, &way, x, &rule);
        (axis + rest, off + more)
    };
    let (low, below) = tail(far);
    let (high, above) = if near == far { (low, below) } else { tail(near) };
    Some(Bounds::of((low - below) / PI, (high + above) / PI))
}

/// The integral along the axis, and its bound.
fn along(sum: &Sum, way: &Way, x: f64, rule: &[(f64, f64)]) -> (f64, f64) {
    let panels = (way.turn / (2.0 * half(x))).ceil().max(1.0);
    let l = 0.5 * way.turn / panels;
    let unit = sum.count * f64::EPSILON;
    let (mut value, mut error) = (0.0, 0.0);
    for panel in 0..panels as usize {
        let middle = (2.0 * panel as f64 + 1.0) * l;
        for (z, weight) in rule {
            let v = middle + l * z;
            let (r, theta) = sum.axis(v);
            let height = l * weight * libm::exp(r - v * x) / v;
            let part = height * libm::sin(theta);
            value += part;
            error += unit * (height * theta + part.abs() * (2.0 + 2.0 * r + v * x));
        }
        let e = sum.exponent((0.0, middle));
        let slope = modulus((e.slope.0, e.slope.1 + x));
        let most = |radius: f64| {
            let pole = (radius - middle).abs();
            if pole < 0.1 * radius {
                f64::INFINITY
            } else {
                e.value.0 - middle * x + slope * radius + 0.5 * e.curvature * radius * radius - libm::log(pole)
            }
        };
        error += libm::exp(left_out(l, most));
    }
    (value, error)
}

/// The part across, with its sign, and its bound.
fn across(sum: &Sum, weights: &[f64], way: &Way, x: f64, rule: &[(f64, f64)]) -> (f64, f64) {
    let (v, end) = (way.turn, way.end);
    let rate = Sum::rate(weights, end);
    if !way.across {
        // |φ| falls from its value at iv
        let size = libm::exp(sum.axis(v).0 - v * x);
        return (0.0, 1.01 * size * (end + 1.0 / rate) / v);
    }
    let panels = (end / (0.6 * v.min(3.0))).ceil();
    let l = 0.5 * end / panels;
    let unit = sum.count * f64::EPSILON;
    let (mut value, mut error) = (0.0, 0.0);
    for panel in 0..panels as usize {
        let middle = (2.0 * panel as f64 + 1.0) * l;
        for (z, weight) in rule {
            let u = (middle + l * z, v);
            let e = sum.exponent(u);
            let height = l * weight * libm::exp(e.value.0 - v * x);
            let (sin, cos) = libm::sincos(e.value.1 + u.0 * x);
            let square = u.0 * u.0 + v * v;
            // Im e^{iθ}(t − iv)/|u|²
            value -= height * (sin * u.0 - cos * v) / square;
            error += unit * height / square.sqrt() * (2.0 + 2.0 * e.size + (u.0 + v) * x);
        }
        let c = (middle, v);
        let e = sum.exponent(c);
        let slope = modulus((e.slope.0, e.slope.1 + x));
        let most = |radius: f64| {
            let pole = modulus(c) - radius;
            if pole < 0.05 * radius {
                f64::INFINITY
            } else {
                e.value.0 - v * x + slope * radius + 0.5 * e.curvature * radius * radius - libm::log(pole)
            }
        };
        error += libm::exp(left_out(l, most));
    }
    let last = libm::exp(sum.exponent((end, v)).value.0 - v * x) / end.hypot(v);
    (value, error + 1.01 * last / rate)
}
