//! Gaussian samples with Σ = I in coordinates that turn with them: any d at the cost of d = n.
//!
//! Nothing changes when the coordinates are rotated. Take μ/‖μ‖ as the first axis, and the next ones along the
//! samples, one after the other, as far as these have parts across what was there before. Then
//!
//! ```text
//! x_i = (y_i‖μ‖ + g_i, A_i1, …, A_ii, 0, 0, …)
//! g_i, A_ik (k < i) normal,   A_ii² ~ χ²(d − 1 − (i − 1)),   columns beyond d − 1 absent
//! ```
//!
//! all independent (Bartlett 1933: A is the triangular factor of a Wishart matrix with d − 1 degrees of freedom), so
//! `K = XXᵀ` has its exact distribution. `W(0)` has independent normal numbers in any axes: n + 1 of them for each
//! neuron where the samples are. The rest of a neuron, in d' = d − 1 − min(n, d − 1) dimensions that no sample
//! reaches, never moves; only its inner products with the other neurons' enter anything, and these are
//! again a Wishart matrix, with d' degrees of freedom: its triangular factor takes the last columns, one a neuron.

use super::mixture::{Draw, Drawn, Mixture, labels};
use super::noise::Noise;
use super::random::{Purpose, Stream, generator};
use crate::matrix::Matrix;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

/// Which columns of the rotated coordinates are what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axes {
    /// Columns that samples have parts in: the mean's, and up to n across it.
    pub reached: usize,
    /// Columns for the parts of neurons that no sample reaches.
    pub hidden: usize,
    /// Dimensions that no sample reaches.
    pub beyond: u64,
}

impl Axes {
    /// For n samples in d ≥ 1 dimensions and networks of up to `width` neurons.
    pub fn new(n: usize, d: u64, width: usize) -> Self {
        let across = (n as u64).min(d - 1);
        let beyond = d - 1 - across;
        Self { reached: 1 + across as usize, hidden: (width as u64).min(beyond) as usize, beyond }
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.reached + self.hidden
    }
}

/// Draws samples in rotated coordinates, with the mixture as it is there.
pub(super) fn sample(signal: f64, d: u64, axes: &Axes, draw: &Draw, stream: Stream) -> (Drawn, Mixture) {
    let (clean, y) = labels(draw);
    let mut x = Matrix::zeros(draw.n, axes.columns());
    x.values_mut().par_chunks_mut(axes.columns()).zip(&clean).enumerate().for_each(|(i, (row, y))| {
        let mut random = generator(draw.seed, Purpose::Rotated, i as u64, 0);
        bartlett(&mut random, stream, 1, i, d - 1, &mut row[..axes.reached]);
        row[0] = y.mul_add(signal, row[0]);
    });
    let mut mean = vec![0.0; axes.columns()];
    mean[0] = signal;
    let further = d - axes.columns() as u64;
    let spectrum = vec![1.0; axes.columns()];
    (Drawn { x, y, clean }, Mixture { mean, spectrum, noise: Noise::Gaussian, further, second: None, stream })
}

/// W(0) (m×columns) with entries N(0, scale²) in d dimensions, in rotated coordinates.
pub(crate) fn initial_weights(m: usize, axes: &Axes, scale: f64, seed: u64, stream: Stream) -> Matrix {
    let mut w = Matrix::zeros(m, axes.columns());
    w.values_mut().par_chunks_mut(axes.columns()).enumerate().for_each(|(j, row)| {
        let mut random = generator(seed, Purpose::RotatedWeights, j as u64, 0);
        bartlett(&mut random, stream, axes.reached, j, axes.beyond, row);
        row.iter_mut().for_each(|w| *w *= scale);
    });
    w
}

/// `lead` normal numbers, then row i (from 0) of the triangular factor of a Wishart matrix with `freedom` degrees of freedom; the rest of `row`
/// stays 0. In bulk all normal numbers are one draw.
fn bartlett(random: &mut Xoshiro256PlusPlus, stream: Stream, lead: usize, i: usize, freedom: u64, row: &mut [f64]) {
    let diagonal = row.len().min(lead + i);
    if stream == Stream::Polar {
        stream.normals(random, &mut row[..lead]);
        stream.normals(random, &mut row[lead..diagonal]);
    } else {
        stream.normals(random, &mut row[..diagonal]);
    }
    if diagonal < row.len() && (i as u64) < freedom {
        row[diagonal] = chi_square(random, freedom - i as u64).sqrt();
    }
}

/// A number with the χ² distribution of `k ≥ 1` degrees of freedom.
///
/// Marsaglia and Tsang (2000) for Γ(a), a = k/2 ≥ 1: with `b = a − 1/3`, x normal and `v = (1 + x/√(9b))³`, bv is taken
/// with probability `exp(x²/2 + b(1 − v + log v))`. `v − 1` is formed without rounding `1 + x/√(9b)`: at a = 10¹² the
/// bracket is some 1e-12, and its factor as large.
fn chi_square(random: &mut Xoshiro256PlusPlus, k: u64) -> f64 {
    let mut normal = [0.0];
    if k == 1 {
        Noise::Gaussian.fill(random, &mut normal);
        return normal[0] * normal[0];
    }
    let b = 0.5 * k as f64 - 1.0 / 3.0;
    let spread = 1.0 / (9.0 * b).sqrt();
    loop {
        Noise::Gaussian.fill(random, &mut normal);
        let x = normal[0];
        let c = x * spread;
        if c <= -1.0 {
            continue;
        }
        let over = c * (3.0 + c * (3.0 + c)); // v − 1
        let log = b.mul_add(3.0 * libm::log1p(c) - over, 0.5 * x * x);
        if libm::log(1.0 - random.random::<f64>()) < log {
            return 2.0 * b * (1.0 + over);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean k, variance 2k, third central moment 8k, each within five standard errors of its own (from the moments
    /// of χ² up to the sixth).
    #[test]
    fn chi_squares() {
        const COUNT: usize = 200_000;
        for k in [1, 2, 3, 10, 1000, 1_000_000_000_000] {
            let mut random = generator(3, Purpose::Rotated, k, 7);
            let scale = (2.0 * k as f64).sqrt();
            let z: Vec<f64> = (0..COUNT).map(|_| (chi_square(&mut random, k) - k as f64) / scale).collect();
            let moment = |p: i32| z.iter().map(|z| z.powi(p)).sum::<f64>() / COUNT as f64;
            let root = (COUNT as f64).sqrt();
            let k = k as f64;
            let fourth = 3.0 + 12.0 / k;
            let sixth = 15.0 + 260.0 / k + 480.0 / (k * k); // 15 + (15 κ₄ + 10 κ₃²) + κ₆, κ₃² = 8/k, κ₄ = 12/k, κ₆ = 480/k²
            let third = (8.0 / k).sqrt();
            assert!(moment(1).abs() < 5.0 / root, "{k}: {}", moment(1));
            assert!((moment(2) - 1.0).abs() < 5.0 * (fourth - 1.0).sqrt() / root, "{k}: {}", moment(2));
            assert!((moment(3) - third).abs() < 5.0 * sixth.sqrt() / root, "{k}: {}", moment(3));
        }
    }

    #[test]
    fn shapes() {
        assert_eq!(Axes::new(5, 100, 4), Axes { reached: 6, hidden: 4, beyond: 94 });
        assert_eq!(Axes::new(5, 8, 4), Axes { reached: 6, hidden: 2, beyond: 2 });
        assert_eq!(Axes::new(5, 6, 4), Axes { reached: 6, hidden: 0, beyond: 0 });
        assert_eq!(Axes::new(5, 3, 4), Axes { reached: 3, hidden: 0, beyond: 0 });
        assert_eq!(Axes::new(5, 1, 4), Axes { reached: 1, hidden: 0, beyond: 0 });
        // fewer neurons than there is room for: the columns beyond theirs stay empty
        let w = initial_weights(2, &Axes::new(1, 100, 4), 1.0, 0, Stream::Polar);
        assert!(w.row(0)[2] > 0.0 && w.row(0)[3..] == [0.0; 3] && w.row(1)[3] > 0.0 && w.row(1)[4..] == [0.0; 2]);
    }
}
