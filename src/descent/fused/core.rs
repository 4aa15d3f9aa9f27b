//! The fused step of a network of any width on packed data: chunks over threads, one barrier after
//! the products and one after the loss stage.

use farfield_kernels::buffer::Buffer;
use farfield_kernels::data::Data;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::{Lane, padded};
use farfield_kernels::loss::{Base, Rule, Samples, Tally};
use farfield_kernels::plan::{Lanes, Nest, Plan};
use farfield_kernels::{panels, rows};
use rayon::prelude::*;

/// Neurons (or groups of them), their weights, Z and S.
pub(super) struct Core<T> {
    plan: Plan,
    rule: Rule<T>,
    chunks: Chunks<T>,
    samples: Vec<Samples<T>>,
    z: Buffer<T>,
    s: Buffer<T>,
}

enum Chunks<T> {
    Panels(Vec<panels::Chunk<T>>),
    Rows { chunks: Vec<rows::Chunk<T>>, weights: Buffer<T> },
}

impl<T: Lane> Core<T> {
    /// Zero weights, zero Z.
    pub fn new(plan: Plan, data: &[Data<T>], y: &[f64], rule: Rule<T>) -> Self {
        let chunks = match plan.nest {
            Nest::Panels => Chunks::Panels(data.iter().map(|data| panels::Chunk::new(&plan, data)).collect()),
            Nest::Rows => Chunks::Rows {
                chunks: data.iter().map(|_| rows::Chunk::new(&plan)).collect(),
                weights: Buffer::zeros(rows::weights::<T>(&plan)),
            },
        };
        let m = plan.shape.m;
        let numbers = |n: usize| if plan.lanes == Lanes::Neurons { n * padded::<T>(m) } else { padded::<T>(n) * m };
        let samples = y.chunks(plan.block::<T>()).map(|y| Samples::new(y, plan.lanes, numbers(y.len()))).collect();
        let s = if plan.nest == Nest::Panels { plan.coefficients::<T>() } else { 0 };
        Self { z: Buffer::zeros(s), s: Buffer::zeros(s), plan, rule, chunks, samples }
    }

    /// Adds `update(j, k)` to the weight of neuron j and column k.
    pub fn add(&mut self, data: &[Data<T>], update: impl Fn(usize, usize) -> f64 + Sync) {
        match &mut self.chunks {
            Chunks::Panels(chunks) => each(chunks.len(), chunks, |c, chunk| chunk.add(&data[c], &update)),
            Chunks::Rows { weights, .. } => {
                for j in 0..self.plan.shape.m {
                    for k in 0..self.plan.shape.d {
                        let w = &mut weights[rows::weight_at::<T>(&self.plan, j, k)];
                        *w = T::from_f64(w.to_f64() + update(j, k));
                    }
                }
            }
        }
    }

    /// The weights (m×d, row-major).
    pub fn weights(&self, data: &[Data<T>]) -> Vec<f64> {
        let (m, d) = (self.plan.shape.m, self.plan.shape.d);
        let mut out = vec![0.0; m * d];
        match &self.chunks {
            Chunks::Panels(chunks) => {
                for (chunk, data) in chunks.iter().zip(data) {
                    chunk.visit(data, |j, k, w| out[j * d + k] = w);
                }
            }
            Chunks::Rows { weights, .. } => {
                for (at, out) in out.iter_mut().enumerate() {
                    *out = weights[rows::weight_at::<T>(&self.plan, at / d, at % d)].to_f64();
                }
            }
        }
        out
    }

    /// Moves W by one step if the nest is panels, and finds the pattern and coefficients: those of
    /// the new W in panels, those of the present W in rows, where [`Self::commit`] then moves W.
    pub fn step(&mut self, isa: Isa, data: &[Data<T>]) -> Tally {
        let Self { plan, rule, chunks, samples, s, .. } = self;
        match chunks {
            Chunks::Panels(chunks) => {
                each(chunks.len(), chunks, |c, chunk| chunk.advance(isa, &data[c], s));
                self.settle(isa)
            }
            Chunks::Rows { chunks, weights } => {
                let blocks = plan.width / plan.block::<T>();
                let mut work: Vec<_> = Vec::with_capacity(chunks.len());
                let mut rest = &mut samples[..];
                for (c, chunk) in chunks.iter_mut().enumerate() {
                    let count = (plan.chunks[c].len() * blocks).min(rest.len());
                    let samples;
                    (samples, rest) = rest.split_at_mut(count);
                    work.push((chunk, samples, Tally::NONE));
                }
                each(work.len(), &mut work, |c, (chunk, samples, tally)| {
                    *tally = chunk.advance(isa, rule, &data[c], samples, weights);
                });
                work.iter().fold(Tally::NONE, |all, (_, _, tally)| all.and(*tally))
            }
        }
    }

    /// Moves W by the step that [`Self::step`] prepared (rows only; panels have moved already).
    pub fn commit(&mut self) {
        if let Chunks::Rows { chunks, weights } = &mut self.chunks {
            rows::update(&self.plan, chunks, weights);
        }
    }

    /// Z at the current weights, and what it shows against the last pattern seen.
    pub fn refresh(&mut self, isa: Isa, data: &[Data<T>]) -> Tally {
        match &mut self.chunks {
            Chunks::Panels(chunks) => {
                each(chunks.len(), chunks, |c, chunk| chunk.forward(isa, &data[c]));
                self.settle(isa)
            }
            Chunks::Rows { chunks, weights } => {
                if self.z.is_empty() {
                    self.z = Buffer::zeros(self.plan.coefficients::<T>());
                }
                let blocks = self.plan.width / self.plan.block::<T>();
                let (mut samples, mut z) = (&mut self.samples[..], &mut self.z[..]);
                let mut work: Vec<_> = Vec::with_capacity(chunks.len());
                for (c, chunk) in chunks.iter_mut().enumerate() {
                    let (mine, out);
                    (mine, samples) = samples.split_at_mut((self.plan.chunks[c].len() * blocks).min(samples.len()));
                    (out, z) = z.split_at_mut(rows::chunk_numbers(&self.plan, &data[c]));
                    work.push((chunk, mine, out, 0));
                }
                each(work.len(), &mut work, |c, (chunk, samples, out, flips)| {
                    *flips = chunk.forward(isa, &data[c], samples, weights, out);
                });
                Tally { flips: work.iter().map(|w| w.3).sum(), finite: true }
            }
        }
    }

    /// Panels: Z from the shares of the chunks, S and pattern from Z.
    fn settle(&mut self, isa: Isa) -> Tally {
        let Self { plan, rule, chunks, samples, z, s } = self;
        let Chunks::Panels(chunks) = chunks else { return Tally::NONE };
        let numbers = plan.block_numbers::<T>();
        let mut blocks: Vec<_> = z
            .chunks_mut(numbers)
            .zip(s.chunks_mut(numbers))
            .zip(samples)
            .map(|((z, s), samples)| (z, s, samples, Tally::NONE))
            .collect();
        each(blocks.len(), &mut blocks, |b, (z, s, samples, tally)| {
            panels::combine(isa, plan, chunks, b, z);
            *tally = samples.coefficients(isa, rule, z, s);
        });
        blocks.iter().fold(Tally::NONE, |all, block| all.and(block.3))
    }

    /// Starts following tied groups: `output` is f_i (n), `nearest` the z of each sample and group
    /// that is nearest to zero (n×P, row-major).
    pub fn follow(&mut self, output: &[f64], nearest: &[f64]) {
        let (m, block) = (self.plan.shape.m, self.plan.block::<T>());
        for (b, samples) in self.samples.iter_mut().enumerate() {
            let (first, len) = (b * block, samples.len());
            let used = len.min(self.plan.shape.n - first);
            let mut base = Base { output: Buffer::zeros(len), nearest: Buffer::zeros(numbers::<T>(&self.plan, len)) };
            for i in 0..used {
                base.output[i] = T::from_f64(output[first + i]);
                for j in 0..m {
                    base.nearest[within::<T>(&self.plan, len, i, j)] = T::from_f64(nearest[(first + i) * m + j]);
                }
            }
            samples.follow(base);
        }
    }

    /// Z (n×m, row-major).
    pub fn preactivations(&self) -> Vec<f64> {
        let (n, m, block) = (self.plan.shape.n, self.plan.shape.m, self.plan.block::<T>());
        assert!(!self.z.is_empty(), "Z is known after a refresh");
        let mut out = vec![0.0; n * m];
        for (b, z) in self.z.chunks(self.plan.block_numbers::<T>()).enumerate() {
            let len = self.samples[b].len();
            for i in 0..len.min(n - b * block) {
                for j in 0..m {
                    out[(b * block + i) * m + j] = z[within::<T>(&self.plan, len, i, j)].to_f64();
                }
            }
        }
        out
    }
}

/// Numbers of Z of a block of `len` samples.
fn numbers<T: Lane>(plan: &Plan, len: usize) -> usize {
    len * if plan.lanes == Lanes::Neurons { padded::<T>(plan.shape.m) } else { plan.shape.m }
}

/// Where sample i and neuron j lie in a block of `len` samples.
fn within<T: Lane>(plan: &Plan, len: usize, i: usize, j: usize) -> usize {
    match plan.lanes {
        Lanes::Neurons => (j / T::LANES * len + i) * T::LANES + j % T::LANES,
        _ => j * len + i,
    }
}

/// Runs `work` on each item, on the threads of the current pool.
fn each<I: Send>(count: usize, items: &mut [I], work: impl Fn(usize, &mut I) + Sync) {
    if count > 1 && rayon::current_num_threads() > 1 {
        items.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, item)| work(i, item));
    } else {
        items.iter_mut().enumerate().for_each(|(i, item)| work(i, item));
    }
}
