//! The fused step on the shapes A–F, against two faer products with the elementwise stage between.
//!
//! ```text
//! cargo bench --bench step                # all; a name filters: A, f64, mixed, 2T, tied, faer
//! cargo bench --bench step -- --test      # each once, results checked
//! ```

mod common;

use common::{Problem, pool, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use farfield::engine::Precision;
use std::time::Duration;

/// Name, n, d, m. A, B, C, F are bound by multiply-adds, D and E by memory.
const SHAPES: [(&str, usize, usize, usize); 6] = [
    ("A", 100, 10_000, 10),
    ("B", 200, 40_000, 16),
    ("C", 1000, 1000, 64),
    ("D", 64, 200_000, 4),
    ("E", 2000, 20_000, 2),
    ("F", 500, 5000, 256),
];

/// The same step as two products of faer.
struct Faer<'a> {
    problem: &'a Problem,
    outputs: Vec<f64>,
    w: Mat<f64>,
    z: Mat<f64>,
    par: Par,
}

impl<'a> Faer<'a> {
    fn new(problem: &'a Problem, threads: usize) -> Self {
        let (n, d, m) = (problem.x.rows(), problem.x.cols(), problem.network.width);
        Self {
            outputs: problem.network.outputs(),
            w: MatRef::from_row_major_slice(problem.start.values(), m, d).to_owned(),
            z: Mat::zeros(n, m),
            par: if threads == 1 { Par::Seq } else { Par::rayon(threads) },
            problem,
        }
    }

    fn step(&mut self) {
        let Problem { x, y, network, rate, .. } = self.problem;
        let x = MatRef::from_row_major_slice(x.values(), x.rows(), x.cols());
        matmul(&mut self.z, Accum::Replace, x, self.w.transpose(), 1.0, self.par);
        for i in 0..y.len() {
            let output: f64 = (0..network.width).map(|j| self.outputs[j] * network.activation(self.z[(i, j)])).sum();
            let scale = rate * (-y[i] * output).exp() * y[i];
            for j in 0..network.width {
                let slope = if self.z[(i, j)] > 0.0 { 1.0 } else { network.leak };
                self.z[(i, j)] = scale * self.outputs[j] * slope;
            }
        }
        matmul(&mut self.w, Accum::Add, self.z.transpose(), x, 1.0, self.par);
    }

    fn weights(&self) -> Vec<f64> {
        let (m, d) = (self.w.nrows(), self.w.ncols());
        (0..m * d).map(|at| self.w[(at / d, at % d)]).collect()
    }
}

fn steps(c: &mut Criterion) {
    for (name, n, d, m) in SHAPES {
        let problem = Problem::new(n, d, m);
        let reference = problem.reference();
        let mut group = c.benchmark_group(name);
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Elements((4 * n * d * m) as u64)); // flops
        for threads in [1, 2] {
            let pool = pool(threads);
            let single = f64::from(f32::EPSILON);
            for (dtype, precision, epsilon) in [
                ("f64", Precision::F64, f64::EPSILON),
                ("f32", Precision::F32, single),
                ("mixed", Precision::Mixed, single),
            ] {
                for (mode, tied) in [("untied", false), ("tied", true)] {
                    let mut fused = pool.install(|| problem.fused(precision, tied));
                    time(&pool, 1, || assert!(fused.step().finite));
                    problem.check(fused.weights().values(), &reference, epsilon);
                    // Groups form after a few calm steps.
                    time(&pool, 8, || assert!(fused.step().finite));
                    group.bench_function(BenchmarkId::new(format!("{dtype} {threads}T"), mode), |b| {
                        b.iter_custom(|calls| {
                            time(&pool, calls, || {
                                fused.step();
                            })
                        });
                    });
                }
            }
            let mut faer = Faer::new(&problem, threads);
            time(&pool, 1, || faer.step());
            problem.check(&faer.weights(), &reference, f64::EPSILON);
            group.bench_function(BenchmarkId::new(format!("f64 {threads}T"), "faer"), |b| {
                b.iter_custom(|calls| time(&pool, calls, || faer.step()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
