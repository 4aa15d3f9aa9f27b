//! The stages of a step alone on one thread, what the fixed order of sums costs, exp, and normal numbers.

mod common;

use common::Problem;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use farfield::data::random::{BLOCK, Purpose, Stream, generator};
use farfield_kernels::data::Data;
use farfield_kernels::exp;
use farfield_kernels::isa::Isa;
use farfield_kernels::loss::Loss;
use farfield_kernels::loss::stage::{Rule, Samples};
use farfield_kernels::normals::Normals;
use farfield_kernels::panels::Chunk;
use farfield_kernels::plan::{Lanes, Nest, Plan, Shape};
use pulp::{Simd, WithSimd};
use std::hint::black_box;
use std::time::Duration;

/// A panel nest on one thread.
struct Panels {
    plan: Plan,
    data: Vec<Data<f64>>,
    chunks: Vec<Chunk<f64>>,
    s: Vec<f64>,
}

impl Panels {
    fn new(problem: &Problem, plan: Plan) -> Self {
        let data = Data::pack(problem.x.values(), &plan);
        let mut chunks: Vec<_> = data.iter().map(|data| Chunk::new(&plan, data)).collect();
        for (chunk, data) in chunks.iter_mut().zip(&data) {
            chunk.add(data, |j, k| problem.start[(j, k)]);
        }
        let s = vec![1e-9; plan.coefficients::<f64>()];
        Self { plan, data, chunks, s }
    }

    fn each(&mut self, mut f: impl FnMut(&mut Chunk<f64>, &Data<f64>, &[f64])) {
        self.chunks.iter_mut().zip(&self.data).for_each(|(chunk, data)| f(chunk, data, &self.s));
    }
}

/// Forward alone, forward with the gradient before it, and the loss stage.
fn stages(c: &mut Criterion) {
    let isa = Isa::best();
    for (name, n, d, m) in [("A", 100, 10_000, 10), ("C", 1000, 1000, 64), ("E/10", 2000, 2000, 2)] {
        let problem = Problem::new(n, d, m);
        let plan = Plan::new::<f64>(Shape { n, d, m }, Some(Nest::Panels));
        let lanes = plan.lanes;
        let mut panels = Panels::new(&problem, plan);
        let mut group = c.benchmark_group(format!("stages {name}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements((2 * n * d * m) as u64));
        group.bench_function("forward", |b| b.iter(|| panels.each(|chunk, data, _| chunk.forward(isa, data))));
        group.throughput(Throughput::Elements((4 * n * d * m) as u64));
        group.bench_function("backward and forward", |b| {
            b.iter(|| panels.each(|chunk, data, s| chunk.advance(isa, data, s)));
        });
        let a = problem.network.outputs();
        let rule = Rule::<f64>::new(lanes, &a, &a, 0.1, (Loss::Exponential, problem.rate));
        let block = panels.plan.block::<f64>();
        let numbers = panels.plan.block_numbers::<f64>();
        let labels = |b: usize| &problem.y[b * block..n.min((b + 1) * block)];
        let z: Vec<f64> = panels.s.iter().enumerate().map(|(i, _)| ((i * 7919) % 1000) as f64 * 1e-3 - 0.5).collect();
        let mut samples: Vec<Samples<f64>> =
            z.chunks(numbers).enumerate().map(|(b, z)| Samples::new(labels(b), lanes, z.len())).collect();
        group.throughput(Throughput::Elements((n * m) as u64));
        group.bench_function("loss", |b| {
            b.iter(|| {
                for ((samples, z), s) in samples.iter_mut().zip(z.chunks(numbers)).zip(panels.s.chunks_mut(numbers)) {
                    samples.coefficients(isa, &rule, z, s);
                }
            });
        });
        group.finish();
    }
}

/// The cost of bits that do not depend on threads: with one thread no partial sums are needed, so one
/// chunk is what an unconstrained program would do; the plan's chunks are what this one does.
fn constraint(c: &mut Criterion) {
    let isa = Isa::best();
    let (n, d, m) = (100, 10_000, 10);
    let problem = Problem::new(n, d, m);
    let fixed = Plan::new::<f64>(Shape { n, d, m }, Some(Nest::Panels));
    let slabs = fixed.chunks.last().expect("a chunk").end;
    let free = Plan { chunks: std::iter::once(0..slabs).collect(), ..fixed.clone() };
    let mut group = c.benchmark_group("order of sums");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(2));
    for (name, plan) in [("fixed by the shape", fixed), ("free", free)] {
        let mut panels = Panels::new(&problem, plan);
        let mut z = vec![0.0; panels.plan.coefficients::<f64>()];
        assert_eq!(panels.plan.lanes, Lanes::Columns);
        group.bench_function(name, |b| {
            b.iter(|| {
                panels.each(|chunk, data, s| chunk.advance(isa, data, s));
                let numbers = panels.plan.block_numbers::<f64>();
                for (block, z) in z.chunks_mut(numbers).enumerate() {
                    farfield_kernels::panels::combine(isa, &panels.plan, &panels.chunks, block, z);
                }
            });
        });
    }
    group.finish();
}

struct Exponentials<'a>(&'a [f64], &'a mut [f64]);

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (x, out) in self.0.iter().zip(self.1) {
            *out = exp::f64(*x);
        }
    }
}

/// exp of 1000 margins: own and vectorized, and libm.
fn exponentials(c: &mut Criterion) {
    let x: Vec<f64> = (0..1000).map(|i| -0.03 * f64::from(i)).collect();
    let mut out = vec![0.0; x.len()];
    let mut group = c.benchmark_group("exp");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(1000));
    for isa in Isa::all() {
        group.bench_function(BenchmarkId::new("own", isa.name()), |b| {
            b.iter(|| isa.run(Exponentials(black_box(&x), &mut out)));
        });
    }
    group.bench_function("libm", |b| {
        b.iter(|| black_box(&x).iter().zip(&mut out).for_each(|(x, out)| *out = libm::exp(*x)));
    });
    group.finish();
}

/// A block of 4096 normal numbers: version 1 of the stream, and 2 on each instruction set.
fn normals(c: &mut Criterion) {
    let mut out = vec![0.0; BLOCK];
    let mut group = c.benchmark_group("normals");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(BLOCK as u64));
    let mut random = generator(0, Purpose::Samples, 0, 0);
    group.bench_function("polar", |b| b.iter(|| Stream::Polar.normals(&mut random, black_box(&mut out))));
    for isa in Isa::all() {
        let mut stream = Normals::new([1, 2, 3, 4]);
        group.bench_function(BenchmarkId::new("bulk", isa.name()), |b| {
            b.iter(|| stream.fill_on(isa, black_box(&mut out)));
        });
    }
    group.finish();
}

criterion_group!(benches, stages, constraint, exponentials, normals);
criterion_main!(benches);
