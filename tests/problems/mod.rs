//! Random problems: mixtures `x = yμ + ξ`, small networks.
#![allow(dead_code)] // every test uses its own part

pub mod losses;
pub mod mixtures;
pub mod settings;

use farfield::descent::span::{SpanProblem, SpanStart};
use farfield::inner_products::Gram;
use farfield::matrix::Matrix;
use farfield::network::Network;
use farfield_kernels::loss::Loss;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::sync::Arc;

/// A random problem.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub name: &'static str,
    pub seed: u64,
    pub n: usize,
    pub d: usize,
    pub signal: f64,
    pub label_noise: f64,
    pub positive: usize,
    pub negative: usize,
    pub leak: f64,
    pub init: f64,
    pub step: f64, // times 1/λmax(K)
    pub mean: bool,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: "plain",
            seed: 1,
            n: 20,
            d: 400,
            signal: 5.0,
            label_noise: 0.0,
            positive: 2,
            negative: 2,
            leak: 0.1,
            init: 1e-6,
            step: 1.0,
            mean: false,
        }
    }
}

/// Problems whose pattern settles, of every kind the theory distinguishes.
pub fn settling() -> Vec<Recipe> {
    let r = Recipe::default;
    vec![
        r(),
        Recipe { name: "weak signal", seed: 3, signal: 1.5, d: 4000, ..r() },
        Recipe { name: "strong signal", signal: 30.0, ..r() },
        Recipe { name: "label noise", seed: 2, label_noise: 0.1, signal: 2.0, d: 8000, ..r() },
        Recipe { name: "width 1", positive: 1, negative: 0, leak: 0.5, signal: 3.0, ..r() },
        Recipe { name: "one-sided", positive: 0, negative: 3, leak: 0.3, signal: 3.0, ..r() },
        Recipe { name: "n = 2", n: 2, d: 10, ..r() },
        Recipe { name: "n = 300", n: 300, d: 3000, signal: 20.0, ..r() },
        Recipe { name: "mean reduction", mean: true, ..r() },
        Recipe { name: "tiny step", step: 0.01, ..r() },
        Recipe { name: "edge of stability", step: 4.0, ..r() },
        Recipe { name: "large initialization", init: 0.05, leak: 0.2, step: 0.5, ..r() },
        Recipe { name: "late flips", positive: 12, negative: 9, init: 0.05, n: 10, d: 100, ..r() },
        Recipe { name: "more samples than dimensions", n: 10, d: 7, signal: 3.0, ..r() },
    ]
}

/// The recipe of this name.
pub fn named(name: &str) -> Arc<SpanProblem> {
    problem(&settling().into_iter().find(|r| r.name == name).expect("a known recipe"))
}

pub fn problem(r: &Recipe) -> Arc<SpanProblem> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(r.seed);
    let mut x = Matrix::zeros(r.n, r.d);
    let mut y = vec![0.0; r.n];
    let mean = r.signal / (r.d as f64).sqrt();
    for i in 0..r.n {
        let clean = if i % 2 == 0 { 1.0 } else { -1.0 };
        for k in 0..r.d {
            x[(i, k)] = clean * mean + normal(&mut rng);
        }
        y[i] = if uniform(&mut rng) < r.label_noise { -clean } else { clean };
    }
    let network = Network { width: r.positive + r.negative, positive: r.positive, leak: r.leak };
    let mut w0 = Matrix::zeros(network.width, r.d);
    w0.values_mut().iter_mut().for_each(|w| *w = r.init * normal(&mut rng));
    let k = Matrix::new(r.n, r.n, product(&x, &x));
    let rate = r.step / largest_eigenvalue(&k);
    let start = SpanStart::new(w0.clone(), product(&x, &w0));
    let rate = if r.mean { rate / r.n as f64 } else { rate };
    Arc::new(SpanProblem::new(Arc::new(Gram(k)), Some(Arc::new(x)), y, network, (Loss::Exponential, rate), start))
}

/// Uniform on (0, 1].
fn uniform(rng: &mut Xoshiro256PlusPlus) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 / 9007199254740992.0
}

/// Standard normal, by Box and Muller.
fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * libm::log(uniform(rng))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * uniform(rng))
}

/// `A Bᵀ`, row-major.
pub fn product(a: &Matrix, b: &Matrix) -> Vec<f64> {
    let dot = |i, j| a.row(i).iter().zip(b.row(j)).fold(0.0, |s: f64, (x, y)| s + x * y);
    (0..a.rows()).flat_map(|i| (0..b.rows()).map(move |j| (i, j))).map(|(i, j)| dot(i, j)).collect()
}

pub fn largest_eigenvalue(k: &Matrix) -> f64 {
    let mut v = vec![1.0; k.rows()];
    let mut value = 0.0;
    for _ in 0..200 {
        let w: Vec<f64> = (0..k.rows()).map(|i| k.row(i).iter().zip(&v).map(|(k, v)| k * v).sum()).collect();
        value = w.iter().map(|w| w * w).sum::<f64>().sqrt();
        v = w.iter().map(|w| w / value).collect();
    }
    value
}

/// `min ½λᵀHλ − 1ᵀλ, λ ≥ 0` by single exchanges from the full support; n small, H positive definite.
pub fn dual(h: &Matrix) -> Vec<f64> {
    let n = h.rows();
    let mut support: Vec<usize> = (0..n).collect();
    loop {
        let lambda = solve(h, &support);
        let negative =
            support.iter().copied().filter(|i| lambda[*i] <= 0.0).min_by(|i, k| lambda[*i].total_cmp(&lambda[*k]));
        if let Some(out) = negative {
            support.retain(|i| *i != out);
            continue;
        }
        let slack = |i: usize| dot(h.row(i), &lambda) - 1.0;
        let violated = (0..n).filter(|i| !support.contains(i) && slack(*i) < -1e-12);
        match violated.min_by(|i, k| slack(*i).total_cmp(&slack(*k))) {
            Some(enter) => support.push(enter),
            None => return lambda,
        }
    }
}

/// `H λ = 1` on the support, zero elsewhere: elimination, then two refinements.
pub fn solve(h: &Matrix, support: &[usize]) -> Vec<f64> {
    let mut lambda = vec![0.0; h.rows()];
    for _ in 0..3 {
        let residual: Vec<f64> = support.iter().map(|i| 1.0 - dot(h.row(*i), &lambda)).collect();
        let minor = |i: usize, k: usize| h[(support[i], support[k])];
        for (i, step) in support.iter().zip(eliminate(support.len(), minor, residual)) {
            lambda[*i] += step;
        }
    }
    lambda
}

/// `A x = b` for symmetric positive definite A, without pivoting.
pub fn eliminate(n: usize, a: impl Fn(usize, usize) -> f64, mut b: Vec<f64>) -> Vec<f64> {
    let mut a: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|k| a(i, k)).collect()).collect();
    for p in 0..n {
        for i in p + 1..n {
            let factor = a[i][p] / a[p][p];
            for k in p..n {
                a[i][k] -= factor * a[p][k];
            }
            b[i] -= factor * b[p];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}

/// The smallest eigenvalue of `diag(λ)H` on the support of λ, and the row vector that picks its part out
/// of a deviation from λ: by inverse iteration on `√λ H √λ`.
pub fn slowest(h: &Matrix, lambda: &[f64]) -> (f64, Vec<f64>) {
    let support: Vec<usize> = (0..lambda.len()).filter(|i| lambda[*i] > 0.0).collect();
    let m = |i: usize, k: usize| h[(support[i], support[k])] * (lambda[support[i]] * lambda[support[k]]).sqrt();
    let mut v: Vec<f64> = (0..support.len()).map(|i| 1.0 + (i as f64 * 1.7).sin()).collect();
    let mut value = 0.0;
    for _ in 0..300 {
        let w = eliminate(support.len(), m, v.clone());
        value = dot(&v, &v) / dot(&v, &w);
        let size = dot(&w, &w).sqrt();
        v = w.iter().map(|w| w / size).collect();
    }
    let mut row = vec![0.0; lambda.len()];
    support.iter().zip(&v).for_each(|(i, v)| row[*i] = v / lambda[*i].sqrt());
    (value, row)
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |s, (a, b)| a.mul_add(*b, s))
}
