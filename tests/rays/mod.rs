//! Samples that cannot be separated, linear and leaky, and their features.

#![allow(dead_code)]

use farfield::matrix::Matrix;
use farfield::network::{Network, Pattern};

/// Reproducible numbers in (-1, 1).
pub fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 * 2f64.powi(-52) - 1.0
    }
}

/// Samples, a network and a pattern.
pub struct Case {
    pub x: Matrix,
    pub y: Vec<f64>,
    pub network: Network,
    pub pattern: Pattern,
}

/// The linear model: one neuron, active on every sample. `cancel` samples whose sum vanishes in k dimensions, and `others` that a
/// direction across these separates.
pub fn linear(cancel: usize, k: usize, others: usize, d: usize, seed: u64) -> Case {
    let mut next = numbers(seed);
    let mut x = Matrix::zeros(cancel + others, d);
    for i in 0..cancel + others {
        let width = if i < cancel { k } else { d };
        (0..width).for_each(|c| x[(i, c)] = next());
    }
    for c in 0..k {
        x[(cancel - 1, c)] = -(0..cancel - 1).map(|i| x[(i, c)]).sum::<f64>();
    }
    (cancel..cancel + others).for_each(|i| x[(i, k)] = 0.2 + next().abs());
    // a reflection turns the coordinates
    let axis: Vec<f64> = (0..d).map(|_| next()).collect();
    let square: f64 = axis.iter().map(|v| v * v).sum();
    for i in 0..x.rows() {
        let along = 2.0 * x.row(i).iter().zip(&axis).map(|(a, b)| a * b).sum::<f64>() / square;
        x.row_mut(i).iter_mut().zip(&axis).for_each(|(v, a)| *v -= along * a);
    }
    let (n, network) = (x.rows(), Network { width: 1, positive: 1, leak: 0.5 });
    let y: Vec<f64> = (0..n).map(|_| 1.0).collect();
    Case { x, pattern: Pattern::activated(&network, &y), y, network }
}

/// A leaky network on few dimensions, with a random pattern.
pub fn leaky(n: usize, d: usize, seed: u64) -> Case {
    let mut next = numbers(seed);
    let x = Matrix::new(n, d, (0..n * d).map(|_| next()).collect());
    let y: Vec<f64> = (0..n).map(|_| if next() > 0.0 { 1.0 } else { -1.0 }).collect();
    let network = Network { width: 3, positive: 2, leak: 0.3 };
    let z: Vec<f64> = (0..n * 3).map(|_| next()).collect();
    Case { x, y, network, pattern: Pattern::of(&z, n, 3) }
}

impl Case {
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// `y_i (a_j s_j x_i)_j`.
    pub fn feature(&self, i: usize, slope: impl Fn(usize) -> f64) -> Vec<f64> {
        let block = |j: usize| {
            let a = self.y[i] * self.network.output(j) * slope(j);
            self.x.row(i).iter().map(move |x| a * x)
        };
        (0..self.network.width).flat_map(block).collect()
    }

    pub fn features(&self) -> Vec<Vec<f64>> {
        (0..self.len()).map(|i| self.feature(i, |j| self.pattern.slope(&self.network, i, j))).collect()
    }

    /// `(Σ_i u_ij x_i)_j`.
    pub fn weights(&self, u: &[Vec<f64>]) -> Vec<f64> {
        let (d, m) = (self.x.cols(), self.network.width);
        let entry = |j: usize, k: usize| u.iter().enumerate().map(|(i, u)| u[j] * self.x[(i, k)]).sum::<f64>();
        (0..m * d).map(|t| entry(t / d, t % d)).collect()
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
