//! Blocks of rows: forward, loss and gradient of a block while its part of X is in cache.
//!
//! ```text
//! for each block of samples (threads take chunks of blocks)
//!   Z = X_block Wᵀ;  S from Z;  G_chunk += Sᵀ X_block
//! W += Σ G_chunk, in order
//! ```
//!
//! Per step: `4·n·d·m` flops, `n·d` numbers of X from memory, and per block `m·d` numbers of W read
//! and of G read and written, from cache. Z is never stored; the pattern is, one bit per element.

use crate::buffer::Buffer;
use crate::by_rows::Strips;
use crate::data::{Cut, Data};
use crate::isa::Isa;
use crate::lane::{Lane, padded, reduce};
use crate::loss::stage::{Rule, Samples, Tally};
use crate::plan::{Lanes, Plan};
use crate::slab::Slab;
use crate::{by_lanes, by_neurons, by_rows};

/// A chunk of blocks of samples, and its share of the gradient.
#[derive(Debug)]
pub struct Chunk<T> {
    plan: Plan,
    share: Buffer<T>,
    z: Buffer<T>,
    s: Buffer<T>,
}

impl<T: Lane> Chunk<T> {
    /// A chunk with no gradient yet.
    pub fn new(plan: &Plan) -> Self {
        let share = match plan.lanes {
            Lanes::Neurons => weights::<T>(plan),
            _ => plan.shape.d * plan.shape.m * T::LANES,
        };
        let numbers = match plan.lanes {
            Lanes::Neurons => plan.width * padded::<T>(plan.shape.m),
            _ => padded::<T>(plan.width) * plan.shape.m,
        };
        Self { plan: plan.clone(), share: Buffer::zeros(share), z: Buffer::zeros(numbers), s: Buffer::zeros(numbers) }
    }

    /// Forward, loss and gradient at the weights `w`; the gradient replaces this chunk's share.
    pub fn advance(&mut self, isa: Isa, rule: &Rule<T>, data: &Data<T>, samples: &mut [Samples<T>], w: &[T]) -> Tally {
        let Self { plan, share, z, s } = self;
        let mut fresh = true;
        let (mut tally, mut samples) = (Tally::NONE, samples.iter_mut());
        let mut slabs = data.slabs().peekable();
        while let Some((cut, x)) = slabs.next() {
            let numbers = numbers::<T>(plan, cut);
            let (z, s) = (&mut z[..numbers], &mut s[..numbers]);
            let next = slabs.peek().map_or(&[][..], |(_, next)| next.values);
            let (first, second) = plan.prefetch(next.len());
            let (now, then) = next[..first + second].split_at(first);
            forward(isa, plan, x, w, z, now);
            for (z, s) in z.chunks(plan.block_numbers::<T>()).zip(s.chunks_mut(plan.block_numbers::<T>())) {
                let samples = samples.next().expect("a block of samples per block of Z");
                tally = tally.and(samples.coefficients(isa, rule, z, s));
            }
            match plan.lanes {
                Lanes::Neurons => by_neurons::backward(isa, x, 0, s, fresh, share, then),
                _ => by_lanes::product(isa, x, Slab::new(s, plan.shape.m, x.cols), fresh, share, then),
            }
            fresh = false;
        }
        tally
    }

    /// Z at the weights `w` into `out`, block after block; the number of bits that changed.
    pub fn forward(&mut self, isa: Isa, data: &Data<T>, samples: &mut [Samples<T>], w: &[T], out: &mut [T]) -> u64 {
        let (mut flips, mut samples, mut rest) = (0, samples.iter_mut(), out);
        for (cut, x) in data.slabs() {
            let z;
            (z, rest) = rest.split_at_mut(numbers::<T>(&self.plan, cut));
            forward(isa, &self.plan, x, w, z, &[]);
            for z in z.chunks(self.plan.block_numbers::<T>()) {
                flips += samples.next().expect("a block of samples per block of Z").observe(isa, z);
            }
        }
        flips
    }
}

/// Numbers of W: `[neuron][column]`, or `[group of neurons][column][lane]`; columns padded.
pub fn weights<T: Lane>(plan: &Plan) -> usize {
    match plan.lanes {
        Lanes::Neurons => padded::<T>(plan.shape.m) * padded::<T>(plan.shape.d),
        _ => plan.shape.m * padded::<T>(plan.shape.d),
    }
}

/// Where the weight of neuron j and column k lies.
pub fn weight_at<T: Lane>(plan: &Plan, j: usize, k: usize) -> usize {
    let d = padded::<T>(plan.shape.d);
    match plan.lanes {
        Lanes::Neurons => (j / T::LANES * d + k) * T::LANES + j % T::LANES,
        _ => j * d + k,
    }
}

/// `W += Σ G_chunk`, the shares of the chunks added in order.
pub fn update<T: Lane>(plan: &Plan, chunks: &[Chunk<T>], w: &mut [T]) {
    match plan.lanes {
        Lanes::Neurons => {
            for (at, w) in w.iter_mut().enumerate() {
                let mut sum = T::default();
                chunks.iter().for_each(|chunk| sum += chunk.share[at]);
                *w += sum;
            }
        }
        _ => {
            let m = plan.shape.m;
            for k in 0..plan.shape.d {
                for j in 0..m {
                    let at = (k * m + j) * T::LANES;
                    let mut sums = [T::default(); 16];
                    for chunk in chunks {
                        sums.iter_mut().zip(&chunk.share[at..at + T::LANES]).for_each(|(sum, share)| *sum += *share);
                    }
                    w[weight_at::<T>(plan, j, k)] += reduce(&sums[..T::LANES]);
                }
            }
        }
    }
}

/// Numbers of Z of one slab.
pub(crate) fn numbers<T: Lane>(plan: &Plan, cut: Cut) -> usize {
    match plan.lanes {
        Lanes::Neurons => cut.rows * padded::<T>(plan.shape.m),
        _ => cut.cols * plan.shape.m,
    }
}

/// Numbers of Z of a whole chunk.
pub fn chunk_numbers<T: Lane>(plan: &Plan, data: &Data<T>) -> usize {
    data.slabs().map(|(cut, _)| numbers::<T>(plan, cut)).sum()
}

/// `Z = X_block Wᵀ`.
pub(crate) fn forward<T: Lane>(isa: Isa, plan: &Plan, x: Slab<T>, w: &[T], z: &mut [T], next: &[T]) {
    match plan.lanes {
        Lanes::Neurons => by_neurons::forward(isa, x, 0, w, true, z, next),
        _ => {
            let w = Strips { values: w, rows: plan.shape.m, cols: x.rows, block: w.len() / plan.shape.m };
            by_rows::product(isa, w, x, true, z, next);
        }
    }
}
