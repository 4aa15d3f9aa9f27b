//! Cost per step over two decades of n, d and m each, and of the tall shapes; throughput is in flops,
//! so equal numbers mean linear cost. Then whole runs against n ([`common::growth`]).

mod common;

use common::{Problem, pool, time};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use farfield::engine::Precision;
use std::time::Duration;

fn scaling(c: &mut Criterion) {
    let shapes = |axis: &str| -> Vec<(usize, usize, usize)> {
        match axis {
            "n" => [10, 32, 100, 320, 1000].map(|n| (n, 10_000, 8)).to_vec(),
            "d" => [1000, 3200, 10_000, 32_000, 100_000].map(|d| (100, d, 8)).to_vec(),
            "m" => [2, 6, 20, 64, 200].map(|m| (100, 5000, m)).to_vec(),
            _ => vec![(100_000, 50, 8), (10_000, 300, 32)],
        }
    };
    let one = pool(1);
    for axis in ["n", "d", "m", "tall"] {
        let mut group = c.benchmark_group(format!("scaling {axis}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
        for (n, d, m) in shapes(axis) {
            let problem = Problem::new(n, d, m);
            group.throughput(Throughput::Elements((4 * n * d * m) as u64));
            let mut fused = problem.fused(Precision::F64, false);
            time(&one, 1, || assert!(fused.step().finite));
            problem.check(fused.weights().values(), &problem.reference(), f64::EPSILON);
            group.bench_function(BenchmarkId::from_parameter(format!("{n}x{d}x{m}")), |b| {
                b.iter_custom(|calls| {
                    time(&one, calls, || {
                        fused.step();
                    })
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, scaling);

/// Growth where nothing else is asked for.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let filtered = arguments.iter().any(|argument| !argument.starts_with('-'));
    if !asked("growth") {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    if asked("growth") || !filtered {
        common::growth::growth(asked("--test"));
    }
}
