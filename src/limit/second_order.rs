//! The test error of the limit beyond leading order, by Gordon's comparison: clean labels, Gaussian noise, Σ = σ²I, as many neurons of each sign.
//!
//! With `z_i = y_i x_i`, c₊ what a sample of class +1 sees of the weights and c₋ what one of class −1 sees, all pairs activated, the limit is
//!
//! ```text
//! min ½ Σ_kl (S⁻¹)_kl ⟨c_k, c_l⟩   subject to   ⟨z_i, c_k⟩ ≥ 1 for i in class k,      S = [s γ; γ s],   s = (1 + γ²)/2
//! ```
//!
//! In it the Gaussian matrices of the two classes are independent, and Gordon's comparison (docs/theory.md) puts one Gaussian vector in the place of
//! each. Lengths are in units of σ, D = d − 1, ν_k = n_k/D. With `t_k = 1 − ‖μ‖c_kμ`, `σ_k = ‖c_k‖`, `r_k = t_k/σ_k`, G normal and
//!
//! ```text
//! Φ_k = P(r_k + G > 0),   p_k = E(r_k + G)₊,   q_k = E(r_k + G)₊²
//! ```
//!
//! the weights of class k are `λ = (κ_k/n_k)(t_k + σ_k G)₊`, and along μ and along the noise of each class
//!
//! ```text
//! B = (S⁻¹ + diag(κ_k Φ_k))⁻¹,          κ_k B_kk = ν_k                       how a sample answers to its own weight
//! c_kμ = ‖μ‖ Σ_l B_kl κ_l p_l σ_l,       c_kl = B_kl κ_l σ_l √(D q_l/n_l)
//! r_k σ_k + ‖μ‖ c_kμ = 1,               σ_k² = c_kμ² + Σ_l c_kl²              (the equations for r)
//! w̄ ∝ Σ_k v_k,   v_k = κ_k (‖μ‖ p_k σ_k − Φ_k c_kμ,  …, δ_kl σ_k √(D q_k/n_k) − Φ_k c_kl, …)
//! error Φ(−‖μ‖ w̄_μ/‖w̄‖)
//! ```
//!
//! *Order*: for given r, κ is the positive root of a quadratic equation and the σ_k follow up to a common factor, which leaves one equation a class,
//! `g_k = log((c_kμ² + Σ c_kl²)/σ_k²) = 0`. For equal classes r₊ = r₋, and g grows in it: bisection. From there to the counts as they are, by
//! Newton's method along a straight line of counts. At γ = 1 both classes see the same vector, and counts enter by their sum.

use super::test_error::{Probability, normal_tail};
use crate::data::{Mixture, Noise};
use crate::network::Network;
use std::f64::consts::PI;

/// The error for these numbers of samples of each class, all of them with their true labels; none where it is not derived (other noise, Σ no
/// multiple of the identity, an xor, leak 0, unequal signs, a class without samples), and where the equations have no solution that is found.
pub fn predicted(mixture: &Mixture, network: &Network, counts: (usize, usize)) -> Option<Probability> {
    let variance = *mixture.spectrum.first()?;
    let even = 2 * network.positive == network.width && network.increasing();
    let alike = mixture.spectrum.iter().all(|v| *v == variance) && (mixture.further == 0 || variance == 1.0);
    if !(even && alike && mixture.noise == Noise::Gaussian && mixture.second.is_none() && variance > 0.0) {
        return None;
    }
    let signal = mixture.mean.iter().map(|m| m * m).sum::<f64>() / variance;
    let dimensions = mixture.mean.len() as f64 + mixture.further as f64;
    argument(signal, dimensions, counts, network.leak).map(normal_tail)
}

/// τ, the error being Φ(−τ), for `‖μ‖²/σ²`, d, the samples of each class and a leak in (0, 1].
pub fn argument(signal: f64, dimensions: f64, (plus, minus): (usize, usize), leak: f64) -> Option<f64> {
    if plus == 0 || minus == 0 || dimensions < 2.0 || !signal.is_finite() {
        return None;
    }
    if signal == 0.0 {
        return Some(0.0);
    }
    let middle = 0.5 * (plus + minus) as f64;
    let apart = if leak == 1.0 { 0.0 } else { plus as f64 - middle };
    let at = |part: f64| System {
        counts: [middle + part * apart, middle - part * apart],
        freedom: dimensions - 1.0,
        signal: signal.sqrt(),
        own: 0.5 * (1.0 + leak * leak),
        leak,
        determinant: 0.25 * ((1.0 - leak) * (1.0 + leak)).powi(2),
    };
    let mut r = at(0.0).even()?;
    let (mut part, mut step) = (0.0f64, 1.0f64);
    while part < 1.0 && apart != 0.0 {
        let next = (part + step).min(1.0);
        match at(next).newton(r) {
            Some(found) => (r, part, step) = (found, next, 2.0 * step),
            None => step *= 0.5,
        }
        if step < SMALLEST {
            return None;
        }
    }
    at(1.0).state(r).map(|state| state.argument).filter(|tau| tau.is_finite())
}

/// The smallest part of the way between equal classes and those that are there.
const SMALLEST: f64 = 1e-4;
/// The least r: in fewer than one of 10²⁰⁰ samples would λ be above 0.
const LEAST: f64 = -30.0;
/// What may be left in g.
const LEFT: f64 = 1e-11;

struct System {
    counts: [f64; 2],
    /// D.
    freedom: f64,
    /// ‖μ‖.
    signal: f64,
    /// s.
    own: f64,
    leak: f64,
    /// Of S.
    determinant: f64,
}

/// What follows from r.
struct State {
    /// log((c_kμ² + Σ c_kl²)/σ_k²).
    gap: [f64; 2],
    /// τ.
    argument: f64,
}

/// `Φ(r)`, `E(r + G)₊` and `E(r + G)₊²`. Below −5 by `∫ xᵏe^{−zx−x²/2}dx`, z = −r, whose ratios are `k/(z + (k+1)/(z + …))`: nothing cancels.
fn moments(r: f64) -> [f64; 3] {
    let tail = 0.5 * libm::erfc(-r * std::f64::consts::FRAC_1_SQRT_2);
    if r > -5.0 {
        let density = libm::exp(-0.5 * r * r) / (2.0 * PI).sqrt();
        return [tail, r * tail + density, (1.0 + r * r) * tail + r * density];
    }
    let second = (2..=64).rev().fold(0.0, |ratio, k| f64::from(k) / (ratio - r));
    let first = 1.0 / (second - r);
    [tail, tail * first, tail * first * second]
}

impl System {
    fn state(&self, r: [f64; 2]) -> Option<State> {
        let first = moments(r[0]);
        let m = [first, if r[1] == r[0] { first } else { moments(r[1]) }];
        let share = [0, 1].map(|k| self.counts[k] / self.freedom);
        let (kappa, own, cross) = self.answers(share, m)?;
        // σ₋/σ₊, from r_k σ_k + ‖μ‖²(B_kk κ_k p_k σ_k + B_kl κ_l p_l σ_l) = 1, k = ±
        let energy = self.signal * self.signal;
        let pull = |k: usize, l: usize| energy * (if k == l { own[k] } else { cross }) * kappa[l] * m[l][1];
        let (top, bottom) = (r[0] + pull(0, 0) - pull(1, 0), r[1] + pull(1, 1) - pull(0, 1));
        let alike = r[0] == r[1] && self.counts[0] == self.counts[1];
        let ratio = if alike { 1.0 } else { top / bottom };
        if !(ratio > 0.0 && ratio.is_finite()) {
            return None;
        }
        let sigma = [1.0, ratio];
        let noise = [0, 1].map(|k| sigma[k] * (m[k][2] / share[k]).sqrt());
        let (mut gap, mut boundary) = ([0.0; 2], [0.0; 3]);
        for (k, l) in [(0, 1), (1, 0)] {
            let along = (pull(k, k) * sigma[k] + pull(k, l) * sigma[l]) / self.signal;
            let (here, there) = (own[k] * kappa[k] * noise[k], cross * kappa[l] * noise[l]);
            gap[k] = libm::log((along * along + here * here + there * there) / (sigma[k] * sigma[k]));
            boundary[2] += kappa[k] * (self.signal * m[k][1] * sigma[k] - m[k][0] * along);
            boundary[k] += kappa[k] * (noise[k] - m[k][0] * here);
            boundary[l] -= kappa[k] * m[k][0] * there;
        }
        let length = boundary.iter().map(|v| v * v).sum::<f64>().sqrt();
        Some(State { gap, argument: self.signal * boundary[2] / length })
    }

    /// κ, and the diagonal and the other entry of B; none where no λ would do.
    fn answers(&self, share: [f64; 2], m: [[f64; 3]; 2]) -> Option<([f64; 2], [f64; 2], f64)> {
        let (s, determinant, p) = (self.own, self.determinant, [m[0][0], m[1][0]]);
        let left = [0, 1].map(|k| 1.0 - share[k] * p[k]);
        if left[0] <= 0.0 || left[1] <= 0.0 {
            return None;
        }
        let [a, b] = [0, 1].map(|k| share[k] / left[k]);
        let square = s * determinant * p[0] * (1.0 + p[1] * b);
        let linear = s * s * (1.0 - a * b * p[0] * p[1]) + determinant * (p[1] * b - p[0] * a);
        let constant = a * s * (1.0 + p[1] * b);
        let root = (linear * linear + 4.0 * square * constant).sqrt();
        let first = match linear > 0.0 {
            true => 2.0 * constant / (linear + root),
            false if square > 0.0 => (root - linear) / (2.0 * square),
            false => return None,
        };
        let second = b * (1.0 + s * p[0] * first) / (s + determinant * p[0] * first);
        let (x, y) = (first * p[0], second * p[1]);
        let e = 1.0 + s * (x + y) + determinant * x * y;
        Some(([first, second], [(s + determinant * y) / e, (s + determinant * x) / e], self.leak / e))
    }

    /// The solution for equal classes.
    fn even(&self) -> Option<[f64; 2]> {
        // beyond what has answers g counts as positive
        let above = |r: f64| self.state([r, r]).is_none_or(|state| state.gap[0] > 0.0);
        let (mut low, mut high) = (LEAST, 1.0);
        while !above(high) {
            high *= 2.0;
            if high > 1e15 {
                return None;
            }
        }
        if above(low) {
            return None;
        }
        loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if above(middle) { high = middle } else { low = middle }
        }
        // an end at which there are no more answers is no solution
        self.state([low, low]).filter(|state| state.gap[0].abs() < 1e-6).map(|_| [low, low])
    }

    /// The solution near r.
    fn newton(&self, mut r: [f64; 2]) -> Option<[f64; 2]> {
        let size = |gap: [f64; 2]| gap[0].abs().max(gap[1].abs());
        let mut gap = self.state(r)?.gap;
        for _ in 0..60 {
            if size(gap) <= LEFT {
                return Some(r);
            }
            let mut slopes = [[0.0; 2]; 2];
            for k in 0..2 {
                let (mut moved, step) = (r, 1e-7 * (1.0 + r[k].abs()));
                moved[k] += step;
                let there = self.state(moved)?.gap;
                (0..2).for_each(|l| slopes[l][k] = (there[l] - gap[l]) / step);
            }
            let determinant = slopes[0][0] * slopes[1][1] - slopes[0][1] * slopes[1][0];
            let step = [
                (slopes[0][1] * gap[1] - slopes[1][1] * gap[0]) / determinant,
                (slopes[1][0] * gap[0] - slopes[0][0] * gap[1]) / determinant,
            ];
            let tried = (0..24).map(|halvings| 0.5f64.powi(halvings)).find_map(|part| {
                let moved = [r[0] + part * step[0], r[1] + part * step[1]];
                let there = self.state(moved).filter(|there| size(there.gap) < size(gap))?;
                Some((moved, there.gap))
            });
            match tried {
                Some(found) => (r, gap) = found,
                // as near as rounding allows
                None => return (size(gap) < 1e-8).then_some(r),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `E(r + G)₊ᵏ` is continuous where the formula changes, and what direct quadrature gives.
    #[test]
    fn moments_of_the_positive_part() {
        for r in [-12.0, -5.1, -4.9, -1.0, 0.0, 2.0] {
            let found = moments(r);
            // Simpson's rule over 40 standard deviations from −r on: error far below 1e-12 of the integral
            let (low, n) = (f64::max(-r, -40.0), 40_000);
            let h = 40.0 / n as f64;
            for (k, found) in found.iter().enumerate() {
                let f = |g: f64| (r + g).max(0.0).powi(k as i32) * (-0.5 * g * g).exp() / (2.0 * PI).sqrt();
                let weight = |i: usize| if i == 0 || i == n { 1.0 } else { [2.0, 4.0][i % 2] };
                let sum: f64 = (0..=n).map(|i| weight(i) * f(low + h * i as f64)).sum::<f64>() * h / 3.0;
                assert!((found / sum - 1.0).abs() < 1e-9, "{r} {k}: {found} {sum}");
            }
        }
    }

    /// For d ≫ n² it is the leading-order formula: relative differences of τ are of order n/d.
    #[test]
    fn leading_order() {
        for signal in [0.1f64, 10.0, 1e3, 1e5, 1e7] {
            let (n, d) = (100usize, 1e9);
            let leading = signal.sqrt() / (1.0 + d / (n as f64 * signal)).sqrt();
            let found = argument(signal, d, (n / 2, n / 2), 0.1).unwrap();
            assert!((found / leading - 1.0).abs() < 1e-3, "{signal}: {found} {leading}");
        }
    }

    /// The linear model with as many dimensions as λ = Z⁻¹1 > 0 needs, from the moments of Wishart's law (docs/theory.md):
    /// τ² = (nM/D')² / ((n/D')(1 + n/D')(1 + n(M + 1)/D')), D' = d − n, up to order 1/n and what λ < 0 leaves.
    #[test]
    fn the_linear_model_by_wishart() {
        let (n, d, signal) = (1000usize, 1e6, 400.0);
        let found = argument(signal, d, (n / 2, n / 2), 1.0).unwrap();
        let (c, free) = (n as f64, d - n as f64);
        let top = c * signal / free;
        let exact = top / ((c / free) * (1.0 + c / free) * (1.0 + c * (signal + 1.0) / free)).sqrt();
        assert!((found / exact - 1.0).abs() < 1e-5, "{found} {exact}");
    }

    /// Nothing depends on which class is which; a class of few samples, strong and weak signal, d below n: there is a solution.
    #[test]
    fn solutions() {
        for (n, d) in [(4, 3.0), (100, 70.0), (100, 1e4), (3000, 1e12)] {
            for signal in [1e-6, 1.0, 1e4, 1e8] {
                for leak in [1e-3, 0.1, 0.9, 1.0] {
                    for share in [0.5, 0.3, 0.05] {
                        let plus = ((share * n as f64) as usize).max(1);
                        let one = argument(signal, d, (plus, n - plus), leak);
                        let one = one.unwrap_or_else(|| panic!("{n} {d} {signal} {leak} {plus}"));
                        let other = argument(signal, d, (n - plus, plus), leak).unwrap();
                        assert!((one / other - 1.0).abs() < 1e-6, "{one} {other}");
                    }
                }
            }
        }
        assert_eq!(argument(0.0, 10.0, (5, 5), 0.5), Some(0.0));
        assert_eq!(argument(1.0, 10.0, (5, 0), 0.5), None);
    }
}
