//! Numbers of 106 bits, unevaluated sums of two f64 (Dekker 1971; Hida, Li, Bailey 2001), and the limit
//! direction of a small problem in them.

use farfield::matrix::Matrix;
use farfield::network::{Network, Pattern};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `hi + lo`, with a relative error of about 2⁻¹⁰⁴ per operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Double(pub f64, pub f64);

/// `a + b` as a rounded sum and its exact error (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let part = s - a;
    (s, (a - (s - part)) + (b - part))
}

impl Double {
    pub const ZERO: Self = Self(0.0, 0.0);

    pub fn sqrt(self) -> Self {
        if self.0 == 0.0 {
            return Self::ZERO;
        }
        // Newton's step from the f64 root doubles its 53 bits.
        let root = Self::from(self.0.sqrt());
        (root + self / root) * Self::from(0.5)
    }
}

impl From<f64> for Double {
    fn from(a: f64) -> Self {
        Self(a, 0.0)
    }
}

impl Add for Double {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        let ((s, e), (t, f)) = (two_sum(self.0, b.0), two_sum(self.1, b.1));
        let (s, e) = two_sum(s, e + t);
        let (hi, lo) = two_sum(s, e + f);
        Self(hi, lo)
    }
}

impl Neg for Double {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

impl Sub for Double {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self + -b
    }
}

impl Mul for Double {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let p = self.0 * b.0;
        let e = self.0.mul_add(b.0, -p) + (self.0 * b.1 + self.1 * b.0);
        let (hi, lo) = two_sum(p, e);
        Self(hi, lo)
    }
}

impl Div for Double {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let first = Self::from(self.0 / b.0);
        let rest = self - first * b;
        let second = Self::from(rest.0 / b.0);
        let third = Self::from((rest - second * b).0 / b.0);
        first + second + third
    }
}

/// `Σ a_k b_k`.
pub fn dot(a: &[Double], b: &[Double]) -> Double {
    a.iter().zip(b).fold(Double::ZERO, |sum, (a, b)| sum + *a * *b)
}

/// Numbers as they are.
pub fn exact(v: &[f64]) -> Vec<Double> {
    v.iter().map(|v| Double::from(*v)).collect()
}

/// `Σ_i λ_i y_i g_ij x_i`, up to the sign and the common size of the output weights a_j, for each neuron j.
fn combination(x: &Matrix, y: &[f64], network: &Network, pattern: &Pattern, lambda: &[Double]) -> Vec<Double> {
    let mut out = Vec::new();
    for j in 0..network.width {
        for k in 0..x.cols() {
            let term = |i: usize| {
                let slope = Double::from(pattern.slope(network, i, j));
                lambda[i] * slope * Double::from(network.sign(j) * y[i] * x[(i, k)])
            };
            out.push((0..x.rows()).fold(Double::ZERO, |sum, i| sum + term(i)));
        }
    }
    out
}

/// The direction of maximal margin in a pattern (m·d numbers, not normalized): the solution of `H_AA λ_A = 1` on
/// a support A guessed from `guess`, if it satisfies `λ ≥ 0` and `Hλ ≥ 1` to 20 digits, which proves it.
pub fn limit(x: &Matrix, y: &[f64], network: &Network, pattern: &Pattern, guess: &[f64]) -> Option<Vec<Double>> {
    let n = x.rows();
    let rows: Vec<Vec<Double>> = (0..n).map(|i| exact(x.row(i))).collect();
    let slope = |i: usize, k: usize| {
        (0..network.width).fold(Double::ZERO, |sum, j| {
            sum + Double::from(pattern.slope(network, i, j)) * Double::from(pattern.slope(network, k, j))
        })
    };
    let entry = |i: usize, k: usize| Double::from(y[i] * y[k]) * slope(i, k) * dot(&rows[i], &rows[k]);
    let h: Vec<Vec<Double>> = (0..n).map(|i| (0..n).map(|k| entry(i, k)).collect()).collect();
    let top = guess.iter().copied().fold(0.0, f64::max);
    let support: Vec<usize> = (0..n).filter(|&i| guess[i] > 1e-9 * top).collect();
    let lambda = solve(&h, &support);
    let image: Vec<Double> = h.iter().map(|row| dot(row, &lambda)).collect();
    let feasible = image.iter().all(|v| (*v - Double::from(1.0)).0 >= -1e-20);
    let positive = lambda.iter().all(|l| l.0 >= 0.0);
    (feasible && positive).then(|| combination(x, y, network, pattern, &lambda))
}

/// λ with `H_AA λ_A = 1` and 0 elsewhere, by elimination with pivots on the diagonal. A row that depends on those
/// before it, as copies do, is left out of A.
fn solve(h: &[Vec<Double>], support: &[usize]) -> Vec<Double> {
    let size = support.len();
    let row = |&i: &usize| support.iter().map(|&k| h[i][k]).chain([Double::from(1.0)]).collect();
    let mut a: Vec<Vec<Double>> = support.iter().map(row).collect();
    let mut used = vec![true; size];
    for p in 0..size {
        used[p] = a[p][p].0 > 1e-22 * h[support[p]][support[p]].0;
        if !used[p] {
            continue;
        }
        for r in (0..size).filter(|&r| r != p) {
            let factor = a[r][p] / a[p][p];
            for c in p..=size {
                let change = factor * a[p][c];
                a[r][c] = a[r][c] - change;
            }
        }
    }
    let mut lambda = vec![Double::ZERO; h.len()];
    for (p, &i) in support.iter().enumerate().filter(|(p, _)| used[*p]) {
        lambda[i] = a[p][size] / a[p][p];
    }
    lambda
}

/// `1 − cos(a, b) = ½ ‖a/‖a‖ − b/‖b‖‖²`.
pub fn cosine_gap(a: &[Double], b: &[Double]) -> Double {
    let (s, t) = (dot(a, a).sqrt(), dot(b, b).sqrt());
    let difference: Vec<Double> = a.iter().zip(b).map(|(a, b)| *a / s - *b / t).collect();
    Double::from(0.5) * dot(&difference, &difference)
}
