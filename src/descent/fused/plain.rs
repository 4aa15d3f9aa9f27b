//! The fused step in one number type on packed data: chunks over threads, one barrier after the
//! products and one after the loss stage.

use super::apart::{Apart, join};
use super::core::{Core, Setup, Tie, each, follow, packed, samples, visit};
use crate::data::slabs::X;
use crate::state::{Reader, Result, Saver};
use farfield_kernels::buffer::Buffer;
use farfield_kernels::data::Data;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::Lane;
use farfield_kernels::loss::stage::{Rule, Samples, Tally};
use farfield_kernels::plan::{Nest, Plan, Shape};
use farfield_kernels::{panels, rows};
use std::sync::Arc;

/// Neurons (or groups of them), their weights, Z and S, all in T.
pub(super) struct Plain<T> {
    isa: Isa,
    plan: Plan,
    y: Arc<[f64]>,
    data: Vec<Data<T>>,
    rule: Rule<T>,
    chunks: Chunks<T>,
    samples: Vec<Samples<T>>,
    z: Buffer<T>,
    s: Buffer<T>,
}

enum Chunks<T> {
    /// `apart`: those of other processes, where some have them.
    Panels {
        chunks: Vec<panels::Chunk<T>>,
        apart: Option<Box<Apart<T>>>,
    },
    Rows {
        chunks: Vec<rows::Chunk<T>>,
        weights: Buffer<T>,
    },
}

impl<T: Lane> Plain<T> {
    /// Zero weights, zero Z.
    fn zero(
        isa: Isa,
        plan: Plan,
        y: Arc<[f64]>,
        (data, apart): (Vec<Data<T>>, Option<Box<Apart<T>>>),
        rule: Rule<T>,
    ) -> Self {
        let chunks = match plan.nest {
            Nest::Panels => {
                Chunks::Panels { chunks: data.iter().map(|data| panels::Chunk::new(&plan, data)).collect(), apart }
            }
            Nest::Rows => Chunks::Rows {
                chunks: data.iter().map(|_| rows::Chunk::new(&plan)).collect(),
                weights: Buffer::zeros(rows::weights::<T>(&plan)),
            },
        };
        let samples = samples::<T, T>(&plan, &y);
        let s = if plan.nest == Nest::Panels { plan.coefficients::<T>() } else { 0 };
        Self { isa, y, data, z: Buffer::zeros(s), s: Buffer::zeros(s), plan, rule, chunks, samples }
    }

    /// Panels: Z from the shares of the chunks, S and pattern from Z.
    fn settle(&mut self) -> Tally {
        let Self { isa, plan, rule, chunks, samples, z, s, .. } = self;
        let Chunks::Panels { chunks, apart } = chunks else { return Tally::NONE };
        let shares = apart.as_ref().map_or(&chunks[..], |apart| apart.shares());
        let numbers = plan.block_numbers::<T>();
        let mut blocks: Vec<_> = z
            .chunks_mut(numbers)
            .zip(s.chunks_mut(numbers))
            .zip(samples)
            .map(|((z, s), samples)| (z, s, samples, Tally::NONE))
            .collect();
        each(&mut blocks, |b, (z, s, samples, tally)| {
            panels::combine(*isa, plan, shares, b, z);
            *tally = samples.coefficients(*isa, rule, z, s);
        });
        blocks.iter().fold(Tally::NONE, |all, block| all.and(block.3))
    }
}

impl<T: Lane> Core for Plain<T> {
    fn at_rest(setup: &Setup) -> Self {
        let Setup { x, y, network, loss, rate, isa, .. } = *setup;
        let shape = Shape { n: x.rows(), d: x.cols(), m: network.width };
        let plan = Plan::new::<T>(shape, setup.nest);
        let data = match x {
            X::Apart(slabs) if plan.nest == Nest::Panels => {
                let (data, apart) = Apart::begin(slabs, &plan);
                (data, Some(Box::new(apart)))
            }
            _ => (packed(x, &plan), None),
        };
        let a = network.outputs();
        let rule = Rule::new(plan.lanes, &a, &a, network.leak, (loss, rate));
        Self::zero(isa, plan, y.into(), data, rule)
    }

    fn tied(&self, tie: &Tie) -> Self {
        let plan = self.plan.for_neurons::<T>(tie.output.len());
        let (leak, rate) = (self.rule.leak.to_f64(), self.rule.rate.to_f64());
        let rule = Rule::new(plan.lanes, &tie.output, &tie.update, leak, (self.rule.loss, rate));
        let apart = match &self.chunks {
            Chunks::Panels { apart: Some(apart), .. } => Some(Box::new(apart.grouped(&plan))),
            _ => None,
        };
        let mut core = Self::zero(self.isa, plan, self.y.clone(), (self.data.clone(), apart), rule);
        follow::<T, T>(&core.plan, &mut core.samples, tie);
        core.refresh();
        core
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn step(&mut self) -> Tally {
        let Self { isa, plan, data, rule, chunks, samples, s, .. } = self;
        match chunks {
            Chunks::Panels { chunks, apart } => {
                match apart {
                    Some(apart) => apart.pass(*isa, data, chunks, Some(s)),
                    None => each(chunks, |c, chunk| chunk.advance(*isa, &data[c], s)),
                }
                self.settle()
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
                each(&mut work, |c, (chunk, samples, tally)| {
                    *tally = chunk.advance(*isa, rule, &data[c], samples, weights);
                });
                work.iter().fold(Tally::NONE, |all, (_, _, tally)| all.and(*tally))
            }
        }
    }

    fn commit(&mut self) {
        if let Chunks::Rows { chunks, weights } = &mut self.chunks {
            rows::update(&self.plan, chunks, weights);
        }
    }

    fn refresh(&mut self) -> Tally {
        let Self { isa, plan, data, chunks, samples, z, .. } = self;
        match chunks {
            Chunks::Panels { chunks, apart } => {
                match apart {
                    Some(apart) => apart.pass(*isa, data, chunks, None),
                    None => each(chunks, |c, chunk| chunk.forward(*isa, &data[c])),
                }
                self.settle()
            }
            Chunks::Rows { chunks, weights } => {
                if z.is_empty() {
                    *z = Buffer::zeros(plan.coefficients::<T>());
                }
                let blocks = plan.width / plan.block::<T>();
                let (mut samples, mut z) = (&mut samples[..], &mut z[..]);
                let mut work: Vec<_> = Vec::with_capacity(chunks.len());
                for (c, chunk) in chunks.iter_mut().enumerate() {
                    let (mine, out);
                    (mine, samples) = samples.split_at_mut((plan.chunks[c].len() * blocks).min(samples.len()));
                    (out, z) = z.split_at_mut(rows::chunk_numbers(plan, &data[c]));
                    work.push((chunk, mine, out, 0));
                }
                each(&mut work, |c, (chunk, samples, out, flips)| {
                    *flips = chunk.forward(*isa, &data[c], samples, weights, out);
                });
                Tally { flips: work.iter().map(|w| w.3).sum(), finite: true }
            }
        }
    }

    fn add(&mut self, update: impl Fn(usize, usize) -> f64 + Sync) {
        let (plan, data) = (&self.plan, &self.data);
        match &mut self.chunks {
            Chunks::Panels { chunks, apart } => {
                if let Some(apart) = apart {
                    apart.add(&update);
                }
                each(chunks, |c, chunk| chunk.add(&data[c], &update));
            }
            Chunks::Rows { weights, .. } => {
                for j in 0..plan.shape.m {
                    for k in 0..plan.shape.d {
                        let w = &mut weights[rows::weight_at::<T>(plan, j, k)];
                        *w = T::from_f64(w.to_f64() + update(j, k));
                    }
                }
            }
        }
    }

    fn join(&mut self, groups: &Self, of: &[usize]) {
        match (&mut self.chunks, &groups.chunks) {
            (Chunks::Panels { chunks, apart }, Chunks::Panels { chunks: groups, .. }) => {
                if let Some(apart) = apart {
                    apart.join(of);
                }
                join(&self.data, chunks, groups, of);
            }
            _ => {
                let (motion, d) = (groups.weights(), self.plan.shape.d);
                self.add(|j, k| motion[of[j] * d + k]);
            }
        }
    }

    fn preactivations(&self) -> Vec<f64> {
        assert!(!self.z.is_empty(), "Z is known after a refresh");
        let mut out = vec![0.0; self.plan.shape.n * self.plan.shape.m];
        visit::<T, T>(&self.plan, &self.samples, |at, ij| out[ij] = self.z[at].to_f64());
        out
    }

    fn weights(&self) -> Vec<f64> {
        let (m, d) = (self.plan.shape.m, self.plan.shape.d);
        let mut out = vec![0.0; m * d];
        match &self.chunks {
            Chunks::Panels { chunks, apart } => {
                if let Some(apart) = apart {
                    apart.weights(&mut out);
                }
                for (chunk, data) in chunks.iter().zip(&self.data) {
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

    /// The weights: Z, S and the pattern follow from them in the same bits.
    fn save(&self, out: &mut Saver) {
        out.vector("weights", self.weights());
    }

    fn restore(&mut self, from: &Reader) -> Result<()> {
        let d = self.plan.shape.d;
        let weights = from.slice("weights", self.plan.shape.m * d)?;
        self.add(|j, k| weights[j * d + k]);
        self.refresh();
        Ok(())
    }
}
