//! The test error of a plane for noise that is not Gaussian, between two bounds that hold: far below what sampling sees.
//!
//! For `x = yμ + Σ^{1/2}ξ` with independent symmetric coordinates ξ_k of variance 1 the plane w̄ errs with probability
//!
//! ```text
//! P(S ≥ x),     S = Σ_k a_k ξ_k,     a_k = |w̄_k| √σ_k,     x = ⟨μ,w̄⟩        (x < 0:  1 − P(S > −x))
//! ```
//!
//! | noise | how |
//! |---|---|
//! | any, one a_k above 0 | the tail of the law itself |
//! | rademacher, up to 20 a_k above 0 | all 2ᵈ sums |
//! | rademacher, uniform, laplace | `tilted`: the characteristic function on a vertical line through a saddle point |
//! | student-t with 3 degrees of freedom | `contour`: its continuation along the imaginary axis, where one coordinate jumps, and across it |
//! | other student-t, pareto, weibull | `jump`: one coordinate beyond a cut, and the others below it; where jumps decide |
//!
//! Each of them bounds what it leaves out: aliases, the ends of the line, quadrature, and rounding. *Rounding* is counted in
//! the sums; that of a single a_k, or of what is a function of it alone, is a change of that weight by some units of its last
//! place and is not: the bounds are those of a plane as near to w̄ as w̄ itself is known. x is taken with the error of its sum.

mod contour;
mod few;
mod jump;
mod quadrature;
mod tilted;

use super::estimate::beta_fraction;
use super::test_error::Probability;
use crate::data::{Mixture, Noise, pareto_scale, weibull_scale};
use crate::watch::Watch;
use std::f64::consts::{LN_2, LN_10, LOG10_E, SQRT_2};

/// A probability between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Not above it.
    pub low: Probability,
    /// Not below it.
    pub high: Probability,
}

/// Bounds that are wider than this factor say little, and are left to sampling.
const WIDEST: f64 = 2.0;

impl Bounds {
    /// From natural logarithms of both.
    fn of_logs(low: f64, high: f64) -> Self {
        let of = |log: f64| Probability { value: libm::exp(log.min(0.0)), log10: log.min(0.0) * LOG10_E };
        Self { low: of(low), high: of(high) }
    }

    /// From values; `low` may be below 0.
    fn of(low: f64, high: f64) -> Self {
        let of = |value: f64| {
            let value = value.clamp(0.0, 1.0);
            Probability { value, log10: libm::log10(value) }
        };
        Self { low: of(low), high: of(high) }
    }

    /// Of the other event.
    fn complement(self) -> Self {
        let of = |p: Probability| Probability { value: 1.0 - p.value, log10: libm::log1p(-p.value) * LOG10_E };
        Self { low: of(self.high), high: of(self.low) }
    }

    /// The middle, on a logarithmic scale where both bounds are above 0.
    pub fn middle(&self) -> Probability {
        if self.low.log10.is_finite() && self.low != self.high {
            let log10 = 0.5 * (self.low.log10 + self.high.log10);
            return Probability { value: libm::exp(log10 * LN_10), log10 };
        }
        if self.low == self.high { self.low } else { Self::of(0.0, 0.5 * self.high.value).high }
    }

    /// `high/low − 1`; infinite if low is 0 and high is not.
    pub fn width(&self) -> f64 {
        if self.low == self.high { 0.0 } else { libm::expm1((self.high.log10 - self.low.log10) * LN_10) }
    }

    /// Bounds an ulp or two farther apart, for what the last functions round.
    fn outward(self) -> Self {
        let by = |p: Probability, sign: f64| {
            let unit = 4.0 * f64::EPSILON;
            let log10 = (p.log10 + sign * unit * (1.0 + p.log10.abs())).min(0.0);
            Probability { value: (p.value * (1.0 + sign * unit * (1.0 + p.log10.abs() * LN_10))).min(1.0), log10 }
        };
        let same = self.low == self.high && self.low.value == 0.0;
        if same { self } else { Self { low: by(self.low, -1.0), high: by(self.high, 1.0) } }
    }
}

/// The error of the plane w̄ (length d); none where no bounds within a factor of 2 are known: for a plane that
/// is 0, an xor, sums of which jumps do not decide with student-t, pareto and weibull noise, and rademacher noise in cases that cost too much.
/// Gaussian noise has a closed form.
pub fn of_boundary(boundary: &[f64], mixture: &Mixture) -> Option<Bounds> {
    of_boundary_watched(boundary, mixture, &Watch::default())
}

/// [`of_boundary`], seen from another thread; none if it is stopped.
pub fn of_boundary_watched(boundary: &[f64], mixture: &Mixture, watch: &Watch) -> Option<Bounds> {
    assert_eq!(boundary.len(), mixture.mean.len(), "the boundary has the dimension of the mixture");
    let top = boundary.iter().fold(0.0f64, |t, w| t.max(w.abs()));
    if !(top > 0.0 && top.is_finite()) || mixture.second.is_some() {
        return None;
    }
    let (mut signal, mut size) = (0.0f64, 0.0f64);
    for (w, m) in boundary.iter().zip(&mixture.mean) {
        signal += w / top * m;
        size += (w / top * m).abs();
    }
    let weights = boundary.iter().zip(&mixture.spectrum).map(|(w, s)| (w / top).abs() * s.sqrt()).collect();
    let error = (boundary.len() + 4) as f64 * f64::EPSILON * size;
    let found = beyond_watched(weights, signal.abs(), error, mixture.noise, watch)?;
    Some(if signal < 0.0 { found.complement() } else { found })
}

/// `P(Σ a_k ξ_k ≥ x)` for a_k ≥ 0 and every x within `error` of x ≥ 0; with the same bounds that of `> x`. None as in [`of_boundary`].
pub fn beyond(weights: Vec<f64>, x: f64, error: f64, noise: Noise) -> Option<Bounds> {
    beyond_watched(weights, x, error, noise, &Watch::default())
}

/// [`beyond`], seen from another thread; none if it is stopped.
pub fn beyond_watched(mut weights: Vec<f64>, x: f64, error: f64, noise: Noise, watch: &Watch) -> Option<Bounds> {
    weights.retain(|a| *a > 0.0);
    weights.sort_unstable_by(|a, b| b.total_cmp(a));
    let length = weights.iter().map(|a| a * a).sum::<f64>().sqrt();
    if !(length > 0.0 && length.is_finite() && x.is_finite()) {
        return None;
    }
    weights.iter_mut().for_each(|a| *a /= length);
    let (x, error) = (x / length, (error + 2.0 * f64::EPSILON * x) / length);
    let ends = ((x - error).max(0.0), x + error);
    let found = match noise {
        Noise::Gaussian => None,
        _ if weights.len() == 1 => single(ends, noise),
        Noise::Rademacher if weights.len() <= few::MOST => Some(few::signs(&weights, ends)),
        Noise::Rademacher => tilted::beyond(&weights, ends, tilted::Law::Rademacher, watch),
        Noise::Uniform => tilted::beyond(&weights, ends, tilted::Law::Uniform, watch),
        Noise::Laplace => tilted::beyond(&weights, ends, tilted::Law::Laplace, watch),
        Noise::StudentT { dof: 3.0 } => contour::beyond(&weights, ends, watch),
        Noise::StudentT { .. } | Noise::Pareto { .. } | Noise::Weibull { .. } => {
            let tail = |y: f64| log_tail(noise, y).map_or(f64::NAN, libm::exp);
            jump::beyond(&weights, ends, tail, watch)
        }
    }?;
    let found = found.outward();
    (found.width() <= WIDEST - 1.0).then_some(found)
}

/// The tail of one coordinate, between those at both ends.
fn single((near, far): (f64, f64), noise: Noise) -> Option<Bounds> {
    let (low, high) = (log_tail(noise, far)?, log_tail(noise, near)?);
    // logarithms and the arguments of exponentials are rounded; a continued fraction is known to 1e-10
    let unit = if matches!(noise, Noise::StudentT { dof } if dof != 3.0) { 1e-10 } else { 16.0 * f64::EPSILON };
    Some(Bounds::of_logs(low - unit * (1.0 + low.abs()), high + unit * (1.0 + high.abs())))
}

/// `log P(ξ ≥ x)` for x ≥ 0; none where it is not known to 1e-10.
fn log_tail(noise: Noise, x: f64) -> Option<f64> {
    match noise {
        Noise::Rademacher if x > 1.0 => Some(f64::NEG_INFINITY),
        Noise::Rademacher => Some(-LN_2),
        Noise::Uniform => Some(libm::log((0.5 * (1.0 - x / 3f64.sqrt())).max(0.0))),
        Noise::StudentT { dof: 3.0 } => Some(libm::log(student(x))),
        Noise::Laplace => Some(-LN_2 - SQRT_2 * x),
        Noise::Pareto { index } => Some(-LN_2 - index * libm::log1p(x / pareto_scale(index))),
        Noise::Weibull { shape } => Some(-LN_2 - libm::pow(x / weibull_scale(shape), shape)),
        Noise::StudentT { dof } if dof <= MOST_FREEDOM => student_any(x, dof),
        _ => None,
    }
}

/// Beyond, the logarithms of Γ take too many digits.
const MOST_FREEDOM: f64 = 1e3;

/// `log P(ξ ≥ x)` for ν degrees of freedom: with `t = x√(ν/(ν−2))` half of `I_z(ν/2, ½)`, `z = ν/(ν + t²)`, by its continued fraction where that
/// converges.
fn student_any(x: f64, dof: f64) -> Option<f64> {
    let square = x * x / (dof - 2.0); // t²/ν
    let z = 1.0 / (1.0 + square);
    let (a, b) = (0.5 * dof, 0.5);
    let front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) - a * libm::log1p(square) + b * libm::log(square * z);
    (z <= (a + 1.0) / (a + b + 2.0)).then(|| front + libm::log(beta_fraction(z, a, b) / a) - LN_2)
}

/// `P(ξ ≥ x)`, x ≥ 0, for `t₃ = √3 ξ`: `½ − (θ + sin θ cos θ)/π`, `tan θ = x`; with the angle `ψ = π/2 − θ` from above
/// `(ψ − sin ψ cos ψ)/π`, `½(2ψ − sin 2ψ)/π` without cancellation.
fn student(x: f64) -> f64 {
    let angle = 2.0 * libm::atan2(1.0, x);
    let difference = if angle < 1.0 {
        // Σ_{j ≥ 1} (−1)^{j+1} ψ^{2j+1}/(2j+1)!
        let square = angle * angle;
        let sum = (2..=12).rev().fold(1.0, |sum, j| 1.0 - sum * square / f64::from(2 * j * (2 * j + 1)));
        sum * square * angle / 6.0
    } else {
        angle - libm::sin(angle)
    };
    0.5 * difference / std::f64::consts::PI
}
