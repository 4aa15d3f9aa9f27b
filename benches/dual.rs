//! The dual solver over sizes and regimes, with Clarabel on the same problems where it is quick enough.
//!
//! `cargo bench --bench dual`. Each result is checked and its residual printed before it is measured:
//! ours must be at [`dual::RESIDUAL`], Clarabel's must be `Solved` with the same margin.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use farfield::data::Noise;
use farfield::limit::dual::{self, Outcome};
use farfield::matrix::Matrix;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::hint::black_box;

/// H of an activated mixture of n samples in d dimensions, leak 0.1, both signs equal.
fn problem(n: usize, d: usize, signal: f64) -> Matrix {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut values = vec![0.0; n * d];
    Noise::Gaussian.fill(&mut generator, &mut values);
    let noise = faer::Mat::from_fn(n, d, |i, k| values[i * d + k]);
    let mut x = noise;
    (0..n).for_each(|i| x[(i, 0)] += signal);
    let k = &x * x.transpose(); // of y_i x_i
    let leak = 0.1;
    let overlap = |i: usize, l: usize| if i % 2 == l % 2 { 0.5 * (1.0 + leak * leak) } else { leak };
    Matrix::new(n, n, (0..n * n).map(|t| k[(t / n, t % n)] * overlap(t / n, t % n)).collect())
}

/// The same problem as Clarabel takes it: scaled by the mean diagonal, the upper triangle by columns.
struct Scaled {
    mean: f64,
    p: CscMatrix<f64>,
    a: CscMatrix<f64>,
}

impl Scaled {
    fn new(h: &Matrix) -> Self {
        let n = h.rows();
        let mean = (0..n).map(|i| h[(i, i)]).sum::<f64>() / n as f64;
        let starts = (0..=n).map(|c| c * (c + 1) / 2).collect();
        let indices = (0..n).flat_map(|c| 0..=c).collect();
        let values = (0..n).flat_map(|c| (0..=c).map(move |r| (r, c))).map(|p| h[p] / mean).collect();
        let p = CscMatrix::new(n, n, starts, indices, values);
        let a = CscMatrix::new(n, n, (0..=n).collect(), (0..n).collect(), vec![-1.0; n]); // −λ + slack = 0
        Self { mean, p, a }
    }

    /// The status and λ.
    fn solve(&self) -> (SolverStatus, Vec<f64>) {
        let n = self.p.n;
        let settings = DefaultSettings { verbose: false, ..DefaultSettings::default() };
        let cone = [NonnegativeConeT(n)];
        let mut solver = DefaultSolver::new(&self.p, &vec![-1.0; n], &self.a, &vec![0.0; n], &cone, settings)
            .expect("a valid problem");
        solver.solve();
        (solver.solution.status, solver.solution.x.iter().map(|l| l / self.mean).collect())
    }
}

/// Checks a problem and prints the residuals reached; none where the data cannot be separated.
fn check(name: &str, h: &Matrix) -> Option<f64> {
    match dual::solve(h, None) {
        Outcome::Separable(s) => {
            assert!(s.kkt_residual <= dual::RESIDUAL, "{name}: residual {:e}", s.kkt_residual);
            println!("{name}: residual {:.1e}, {} pivots", s.kkt_residual, s.pivots);
            Some(s.max_margin)
        }
        Outcome::NotSeparable(farkas) => {
            assert!(farkas.relative <= dual::INSEPARABLE, "{name}: {:e}", farkas.relative);
            println!("{name}: not separable, λᵀHλ = {:.1e}", farkas.relative);
            None
        }
        Outcome::Unresolved(best) => panic!("{name}: unresolved, residual {:e}", best.kkt_residual),
    }
}

/// Clarabel must say `Solved` and agree on the margin, to its default tolerance of 1e-8.
fn check_clarabel(name: &str, h: &Matrix, scaled: &Scaled, margin: f64) {
    let (status, lambda) = scaled.solve();
    assert_eq!(status, SolverStatus::Solved, "{name}");
    let theirs = 1.0 / lambda.iter().sum::<f64>().sqrt();
    assert!((theirs / margin - 1.0).abs() <= 1e-6, "{name}: margins {margin} and {theirs}");
    println!("{name}: residual of clarabel {:.1e}", dual::kkt_residual(h, &lambda));
}

/// (regime, d, signal) for n samples: all of them support vectors; most; half; rank deficient.
fn regimes(n: usize) -> [(&'static str, usize, f64); 4] {
    [("wide", (20 * n).min(10_000), 2.0), ("square", 2 * n, 1.0), ("strong", 2 * n, 10.0), ("tall", n / 10, 4.0)]
}

fn bench(c: &mut Criterion) {
    // each once, without a measurement: `cargo bench -- --test`
    let smoke = std::env::args().any(|a| a == "--test");
    let mut group = c.benchmark_group("dual");
    group.sample_size(10);
    for n in [200, 1000, 2000] {
        for (regime, d, signal) in regimes(n) {
            if smoke && n == 2000 && regime != "square" {
                continue; // making these problems takes longer than solving them
            }
            let (name, h) = (format!("{regime} n = {n}"), problem(n, d, signal));
            let margin = check(&name, &h);
            group.bench_with_input(BenchmarkId::new(regime, n), &h, |b, h| b.iter(|| dual::solve(black_box(h), None)));
            if let Some(margin) = margin.filter(|_| n == 200 || (n == 1000 && regime == "square")) {
                let scaled = Scaled::new(&h);
                check_clarabel(&name, &h, &scaled, margin);
                let id = BenchmarkId::new(format!("{regime} clarabel"), n);
                group.bench_with_input(id, &scaled, |b, scaled| b.iter(|| black_box(scaled).solve()));
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
