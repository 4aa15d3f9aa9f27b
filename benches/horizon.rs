//! What the long horizon rests on: `K = XXᵀ` next to faer's product, the settled step, and the warp.
//!
//! ```text
//! cargo bench --bench horizon                # all; a name filters: K, settled, warp
//! cargo bench --bench horizon -- --test      # each once, results checked
//! ```

mod common;

use common::{Problem, pool};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par};
use farfield::descent::span::{SpanProblem as Reduced, SpanStart};
use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, Flips, Reached, Stop};
use farfield::gram::gram;
use farfield::inner_products::{Gram, preactivations};
use farfield_kernels::loss::Loss;
use farfield_kernels::settled::{OneThread, PackedSymmetric, Pair, Space};
use std::sync::Arc;
use std::time::Duration;

/// One half of K by faer.
fn faer_gram(problem: &Problem, par: Par) -> Mat<f64> {
    let x = MatRef::from_row_major_slice(problem.x.values(), problem.x.rows(), problem.x.cols());
    let mut k = Mat::zeros(x.nrows(), x.nrows());
    let (half, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    matmul(&mut k, half, Accum::Replace, x, whole, x.transpose(), whole, 1.0, par);
    k
}

/// Flops are those of one half, `n²d`.
fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("K");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for (n, d) in [(100, 10_000), (200, 40_000), (1000, 2000)] {
        let problem = Problem::new(n, d, 1);
        let (own, other) = (gram(&problem.x), faer_gram(&problem, Par::Seq));
        let bound = 4.0 * d as f64 * f64::EPSILON;
        for i in 0..n {
            for j in 0..=i {
                let scale = (own[(i, i)] * own[(j, j)]).sqrt();
                assert!((own[(i, j)] - other[(i, j)]).abs() <= bound * scale, "K at {i}, {j}");
            }
        }
        group.throughput(Throughput::Elements((n * n * d) as u64));
        for threads in [1, 2] {
            let name = format!("{n}x{d}, {threads}T");
            let par = if threads == 1 { Par::Seq } else { Par::rayon(threads) };
            let pool = pool(threads);
            group.bench_function(BenchmarkId::new("own", &name), |b| pool.install(|| b.iter(|| gram(&problem.x))));
            group.bench_function(BenchmarkId::new("faer", &name), |b| {
                pool.install(|| b.iter(|| faer_gram(&problem, par)))
            });
        }
    }
}

/// Elements are the `n²/2` numbers that a step reads.
fn settled(c: &mut Criterion) {
    let mut group = c.benchmark_group("settled");
    group.sample_size(10).measurement_time(Duration::from_secs(1));
    for n in [100, 200, 500, 1000] {
        let k = gram(&Problem::new(n, 2 * n, 1).x);
        let h = PackedSymmetric::pack(k.values(), n);
        let (mut q, mut q_low, mut s, mut s_low) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (limit, mut space) = (vec![f64::INFINITY; n], Space::new(n));
        let top = (0..n).fold(0.0f64, |t, i| t.max(k.row(i).iter().map(|k| k.abs()).sum()));
        let mut step = || {
            let (q, sums) = (Pair { hi: &mut q, lo: &mut q_low }, Pair { hi: &mut s, lo: &mut s_low });
            h.advance((Loss::Exponential, 1.0 / top), q, sums, &limit, &mut space, &OneThread)
        };
        assert!(step(), "the first step is finite");
        group.throughput(Throughput::Elements((n * n / 2) as u64));
        group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(&mut step));
    }
}

/// From t = 0, K and Z(0) given.
fn warp(c: &mut Criterion) {
    let mut group = c.benchmark_group("warp");
    group.sample_size(10);
    let problem = Problem::new(100, 10_000, 10);
    let k = Arc::new(Gram(gram(&problem.x)));
    let start = SpanStart::new(problem.start.clone(), preactivations(&problem.x, &problem.start));
    let samples = Some(problem.x.clone());
    let reduced =
        Arc::new(Reduced::new(k, samples, problem.y, problem.network, (Loss::Exponential, problem.rate), start));
    for horizon in [1e12, 1e300] {
        group.bench_function(BenchmarkId::from_parameter(format!("{horizon:e}")), |b| {
            b.iter(|| {
                let mut engine = Voyage::new(reduced.clone(), 0.0, Flips::default(), Options::default());
                assert_eq!(engine.advance(horizon, &Stop::default()), Reached::Target);
            })
        });
    }
}

criterion_group!(benches, products, settled, warp);
criterion_main!(benches);
