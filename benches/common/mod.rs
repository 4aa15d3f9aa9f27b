//! Problems that the benches share.
#![allow(dead_code)] // each bench uses a part

pub mod growth;

use farfield::descent::fused::{Fused, Options};
use farfield::engine::Precision;
use farfield::matrix::Matrix;
use farfield::network::Network;
use farfield_kernels::loss::Loss;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A problem, and W after one step of the naive reference.
pub struct Problem {
    /// Samples.
    pub x: Arc<Matrix>,
    /// Labels.
    pub y: Vec<f64>,
    /// Network.
    pub network: Network,
    /// αc.
    pub rate: f64,
    /// W(0).
    pub start: Matrix,
}

impl Problem {
    /// Noise with a common signal in the first feature.
    pub fn new(n: usize, d: usize, m: usize) -> Self {
        let y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let mut x = Matrix::new(n, d, (0..n * d).map(|_| next()).collect());
        (0..n).for_each(|i| x[(i, 0)] += y[i] * (d as f64).sqrt());
        let network = Network { width: m, positive: m.div_ceil(2), leak: 0.1 };
        let start = Matrix::new(m, d, (0..m * d).map(|_| next() * 1e-3).collect());
        Self { x: x.into(), y, network, rate: 1.0 / (n * d) as f64, start }
    }

    /// The fused descent at W(0).
    pub fn fused(&self, precision: Precision, tied: bool) -> Fused {
        let options = Options { precision, tied, nest: None };
        Fused::new(
            &self.x.clone().into(),
            &self.y,
            &self.network,
            (Loss::Exponential, self.rate),
            &self.start,
            &options,
        )
    }

    /// W(1) of the reference.
    pub fn reference(&self) -> Vec<f64> {
        let a = self.network.outputs();
        let problem = farfield_kernels::reference::Problem {
            d: self.x.cols(),
            x: self.x.values(),
            y: &self.y,
            a: &a,
            leak: self.network.leak,
            loss: Loss::Exponential,
            rate: self.rate,
        };
        let mut w = self.start.values().to_vec();
        problem.step(&mut w);
        w
    }

    /// Asserts that `w` is W(1), to sums of n terms with coefficients from sums of d + m terms.
    pub fn check(&self, w: &[f64], reference: &[f64], epsilon: f64) {
        let scale = reference.iter().fold(0.0f64, |a, w| a.max(w.abs()));
        let bound = (self.x.rows() + self.x.cols() + self.network.width + 8) as f64 * epsilon * scale;
        for (w, r) in w.iter().zip(reference) {
            assert!((w - r).abs() <= bound, "{w} against {r}");
        }
    }
}

/// A rayon pool of some threads.
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
}

/// The time of some calls of `step` inside a pool.
pub fn time(pool: &rayon::ThreadPool, calls: u64, mut step: impl FnMut() + Send) -> Duration {
    pool.install(|| {
        let start = Instant::now();
        (0..calls).for_each(|_| step());
        start.elapsed()
    })
}
