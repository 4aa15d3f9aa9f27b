//! The dual solver over sizes and regimes, with Clarabel on the same problems where it is quick enough.
//!
//! `cargo bench --bench dual`; the residual that was reached is printed before each measurement.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT};
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

fn clarabel(h: &Matrix) -> f64 {
    let n = h.rows();
    let mean = (0..n).map(|i| h[(i, i)]).sum::<f64>() / n as f64;
    let starts = (0..=n).map(|c| c * (c + 1) / 2).collect();
    let indices = (0..n).flat_map(|c| 0..=c).collect();
    let values = (0..n).flat_map(|c| (0..=c).map(move |r| (r, c))).map(|p| h[p] / mean).collect();
    let p = CscMatrix::new(n, n, starts, indices, values);
    let a = CscMatrix::new(n, n, (0..=n).collect(), (0..n).collect(), vec![-1.0; n]);
    let settings = DefaultSettings { verbose: false, ..DefaultSettings::default() };
    let mut solver = DefaultSolver::new(&p, &vec![-1.0; n], &a, &vec![0.0; n], &[NonnegativeConeT(n)], settings)
        .expect("a valid problem");
    solver.solve();
    solver.solution.obj_val
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("dual");
    group.sample_size(10);
    // (n, d, signal): all support vectors; most; half of them; rank deficient
    for n in [200, 1000, 2000] {
        for (regime, d, signal) in
            [("wide", 20 * n, 2.0), ("square", 2 * n, 1.0), ("strong", 2 * n, 10.0), ("tall", n / 10, 4.0)]
        {
            let h = problem(n, d.min(10_000), signal);
            match dual::solve(&h, None) {
                Outcome::Separable(s) => {
                    println!("{regime} n = {n}: residual {:.1e}, {} pivots", s.kkt_residual, s.pivots)
                }
                other => println!("{regime} n = {n}: {other:?}"),
            }
            group.bench_with_input(BenchmarkId::new(regime, n), &h, |b, h| b.iter(|| dual::solve(black_box(h), None)));
            if n <= 200 || (n <= 1000 && regime == "square") {
                let id = BenchmarkId::new(format!("{regime} clarabel"), n);
                group.bench_with_input(id, &h, |b, h| b.iter(|| clarabel(black_box(h))));
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
