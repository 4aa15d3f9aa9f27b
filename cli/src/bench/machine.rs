//! What this machine can do on a number of threads.

use farfield_kernels::buffer::Buffer;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::Lane;
use farfield_kernels::probe;
use rayon::prelude::*;
use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;

/// Rates of all threads together, each the best of several short measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Gigaflops per second of independent fused multiply-adds.
    pub fma_gflop_per_s: f64,
    /// Gigabytes per second read from a buffer of 256 KiB a thread.
    pub l2_gb_per_s: f64,
    /// From a buffer of 4 MiB a thread.
    pub l3_gb_per_s: f64,
    /// From a buffer of 256 MiB.
    pub dram_gb_per_s: f64,
    /// From a buffer of the size of the data.
    pub data_gb_per_s: f64,
}

/// Repetitions of a measurement, of which the best counts.
const REPEATS: usize = 5;
/// Bytes that are read in one measurement, at least.
const BYTES: usize = 64 << 20;

impl Machine {
    /// Measures `threads` threads of the current pool, and reads of `bytes` bytes of data.
    pub fn measure<T: Lane>(threads: usize, bytes: f64) -> Self {
        let isa = Isa::current();
        let data = (bytes as usize).clamp(4 << 10, 512 << 20);
        Self {
            fma_gflop_per_s: multiply_adds::<T>(isa, threads),
            l2_gb_per_s: read::<T>(isa, threads, threads * (256 << 10)),
            l3_gb_per_s: read::<T>(isa, threads, threads * (4 << 20)),
            dram_gb_per_s: read::<T>(isa, threads, 256 << 20),
            data_gb_per_s: read::<T>(isa, threads, data),
        }
    }
}

fn multiply_adds<T: Lane>(isa: Isa, threads: usize) -> f64 {
    let once = || {
        let start = Instant::now();
        let flops: f64 = (0..threads)
            .into_par_iter()
            .with_max_len(1)
            .map(|_| black_box(probe::multiply_adds::<T>(isa, 100_000)).0)
            .sum();
        flops / start.elapsed().as_secs_f64() * 1e-9
    };
    (0..REPEATS).map(|_| once()).fold(0.0, f64::max)
}

/// Gigabytes per second of `threads` threads, each reading its part of `bytes` bytes repeatedly.
fn read<T: Lane>(isa: Isa, threads: usize, bytes: usize) -> f64 {
    // Written once, so that every page is there: pages never written are one and the same.
    let part = |_| {
        let mut part = Buffer::<T>::zeros(bytes / size_of::<T>() / threads);
        part.fill(T::ONE);
        part
    };
    let parts: Vec<Buffer<T>> = (0..threads).into_par_iter().with_max_len(1).map(part).collect();
    let rounds = (BYTES / bytes).max(1);
    let once = || {
        let start = Instant::now();
        parts.par_iter().with_max_len(1).for_each(|part| {
            for _ in 0..rounds {
                black_box(probe::read(isa, black_box(part)));
            }
        });
        (bytes * rounds) as f64 / start.elapsed().as_secs_f64() * 1e-9
    };
    (0..REPEATS).map(|_| once()).fold(0.0, f64::max)
}
