//! Steps with products in f32 and the state in f64, anchored to f64 from time to time.
//!
//! What is rounded where:
//!
//! | quantity | kept in | rounding |
//! |---|---|---|
//! | X in the products of a step | f32 | once, `x̃ = x(1 + δ)`, `|δ| ≤ 2⁻²⁴`; none if the data are f32 |
//! | X in anchors, K, the monitor, the certificate | f64, as given | none |
//! | products of a step | f32 within a chunk, f64 across chunks and lanes | relative to the motion since the anchor |
//! | Z, margins, losses, S, sums of S | f64 | as in f64 |
//! | S in the product with X | f32 | once, in units of a power of two near αc·max|a_j| |
//! | W | f64, moved at anchors: by `CᵀX`, C the sums of S in f64 (panels), or by the sums of the f32 gradients (rows) | |
//!
//! In panels W is therefore exactly `W(0) + Σ_τ S(τ)ᵀX`, as in f64, and the only effect of f32 is that S
//! was computed at margins that are off by the drift since the last anchor
//! ([`crate::rounding`] bounds it, [`farfield_kernels::mixed`] derives it): `S ← S + αc s(q − ε)`, `|ε| ≤ drift`.
//! In rows the rows of X̃ take the place of those of X in the update; then also
//! `|δK_ik| ≤ 2⁻²⁴ |x_i|ᵀ|x_k|` in `q = KS`, which moves the fixed point `αctℓ → λ` by as much relative to
//! `Σ|K||λ|`, at most `2⁻²⁴ cond(H)`.
//!
//! Since ℓ falls as q grows, an error ε is forgotten: with `e = q − q_exact`, `ė = −diag(αcℓ)H(e + ε)`
//! to first order, so e tends to −ε at the rate of the gradient's own convergence, and an anchor ends ε.

use super::core::{Core, Setup, Tie, each, follow, packed, samples, visit};
use super::master::Master;
use crate::data::slabs::X;
use crate::matrix::Matrix;
use crate::number::larger;
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver};
use farfield_kernels::buffer::Buffer;
use farfield_kernels::data::Data;
use farfield_kernels::isa::Isa;
use farfield_kernels::loss::stage::{Rule, Samples, Tally};
use farfield_kernels::mixed::{self, Panels, Rows, move_block};
use farfield_kernels::plan::{Nest, Plan, Shape};
use farfield_kernels::rows;
use std::sync::Arc;
use std::time::Instant;

/// Neurons (or groups of them) with their state in f64.
pub(super) struct Mixed {
    isa: Isa,
    plan: Plan,
    x: X,
    y: Arc<[f64]>,
    data: Vec<Data<f32>>,
    rule: Rule<f64>,
    scale: f64,
    samples: Vec<Samples<f64>>,
    z: Buffer<f64>,
    motion: Motion,
    since: u64,
    stale: bool, // W was changed from outside: Z does not follow from the base any more
    grouped: bool,
    judge: AnchorJudge,
}

/// W at the anchor, and how far it has moved since.
enum Motion {
    Panels { weights: Master, chunks: Vec<Panels>, s: Buffer<f64>, sums: Buffer<f64>, rounded: Buffer<f32> },
    Rows { weights: Matrix, chunks: Vec<Rows>, base: Buffer<f64>, moved: Buffer<f64>, rounded: Buffer<f32> },
}

impl Mixed {
    /// Zero weights, zero Z.
    fn zero(isa: Isa, plan: Plan, x: X, y: Arc<[f64]>, data: Vec<Data<f32>>, rule: Rule<f64>) -> Self {
        let (numbers, m) = (plan.coefficients::<f32>(), plan.shape.m);
        let motion = match plan.nest {
            Nest::Panels => Motion::Panels {
                weights: Master::new(isa, x.clone(), m),
                chunks: data.iter().map(|data| Panels::new(&plan, data)).collect(),
                s: Buffer::zeros(numbers),
                sums: Buffer::zeros(numbers),
                rounded: Buffer::zeros(numbers),
            },
            Nest::Rows => Motion::Rows {
                weights: Matrix::zeros(m, plan.shape.d),
                chunks: data.iter().map(|_| Rows::new(&plan)).collect(),
                base: Buffer::zeros(numbers),
                moved: Buffer::zeros(rows::weights::<f32>(&plan)),
                rounded: Buffer::zeros(rows::weights::<f32>(&plan)),
            },
        };
        let top = rule.update.iter().fold(0.0f64, |top, a| top.max(a.abs())) * rule.rate;
        let scale = libm::scalbn(1.0, -libm::ilogb(top).clamp(-1000, 1000));
        let samples = samples::<f32, f64>(&plan, &y);
        let (z, judge) = (Buffer::zeros(numbers), AnchorJudge::new());
        Self { isa, plan, x, y, data, rule, scale, samples, z, motion, since: 0, stale: true, grouped: false, judge }
    }

    /// Panels: S and pattern from Z, after it has moved if the chunks have new shares.
    fn settle(&mut self, moving: bool) -> Tally {
        let Self { isa, plan, rule, scale, samples, z, motion, .. } = self;
        let Motion::Panels { chunks, s, .. } = motion else { return Tally::NONE };
        let numbers = plan.block_numbers::<f32>();
        let mut blocks: Vec<_> = z
            .chunks_mut(numbers)
            .zip(s.chunks_mut(numbers))
            .zip(samples)
            .map(|((z, s), samples)| (z, s, samples, Tally::NONE))
            .collect();
        each(&mut blocks, |b, (z, s, samples, tally)| {
            if moving {
                move_block(*isa, plan, chunks, b, 1.0 / *scale, z);
            }
            *tally = samples.coefficients(*isa, rule, z, s);
        });
        blocks.iter().fold(Tally::NONE, |all, block| all.and(block.3))
    }

    /// The sums of coefficients since the anchor, one column per neuron.
    fn columns(&self, sums: &[f64]) -> Vec<Vec<f64>> {
        let m = self.plan.shape.m;
        let mut columns = vec![vec![0.0; self.plan.shape.n]; m];
        visit::<f32, f64>(&self.plan, &self.samples, |at, ij| columns[ij % m][ij / m] = sums[at]);
        columns
    }

    /// W and Z in f64 from here on; the fraction of weights whose update was lost.
    fn exact(&mut self) -> f64 {
        let (m, d) = (self.plan.shape.m, self.plan.shape.d);
        let columns = match &self.motion {
            Motion::Panels { sums, .. } if self.since > 0 => self.columns(sums),
            _ => Vec::new(),
        };
        let Self { plan, x, scale, samples, z, motion, .. } = self;
        let lost;
        match motion {
            Motion::Panels { weights, sums, .. } => {
                let pass = weights.advance(&columns);
                visit::<f32, f64>(plan, samples, |at, ij| z[at] = pass.z[ij]);
                sums.fill(0.0);
                lost = pass.lost;
            }
            Motion::Rows { weights, base, moved, rounded, .. } => {
                lost = fold(plan, weights, moved, *scale);
                moved.fill(0.0);
                rounded.fill(0.0);
                let exact = x.preactivations(weights);
                visit::<f32, f64>(plan, samples, |at, ij| base[at] = exact[ij]);
            }
        }
        (self.since, self.stale) = (0, false);
        lost as f64 / (m * d) as f64
    }

    /// Compares Z with what f64 makes of W, and goes on from there. Groups that show a flip before are left as they
    /// are: their stretch ends.
    fn anchor(&mut self) -> Tally {
        let start = Instant::now();
        let late = self.forward();
        if late > 0 && self.grouped {
            return Tally { flips: late, finite: true };
        }
        let (running, steps) = (self.preactivations(), self.since);
        let lost = self.exact();
        let tally = match &self.motion {
            Motion::Panels { .. } => self.settle(false),
            // The step that follows sees what the pattern of the exact Z has changed beyond that.
            Motion::Rows { base, .. } => {
                self.z.copy_from_slice(base);
                Tally { flips: late, finite: true }
            }
        };
        let m = self.plan.shape.m;
        let exact = self.preactivations();
        let row = |(a, b): (&[f64], &[f64])| {
            (0..m).fold(0.0, |sum, j| (a[j] - b[j]).abs().mul_add(self.rule.output[j].abs(), sum))
        };
        let drift = exact.chunks_exact(m).zip(running.chunks_exact(m)).map(row).fold(0.0, larger);
        self.judge.judge(steps, drift, lost);
        self.judge.seconds += start.elapsed().as_secs_f64();
        tally
    }

    /// Rows: Z at the current W, and the number of changed bits.
    fn forward(&mut self) -> u64 {
        let Self { isa, plan, data, scale, samples, z, motion, .. } = self;
        let Motion::Rows { chunks, base, rounded, .. } = motion else { return 0 };
        let motion = mixed::Motion { moved: rounded, scale: *scale };
        let blocks = plan.width / plan.block::<f32>();
        let (mut samples, mut z, mut base) = (&mut samples[..], &mut z[..], &base[..]);
        let mut work: Vec<_> = Vec::with_capacity(chunks.len());
        for (c, chunk) in chunks.iter_mut().enumerate() {
            let (mine, out, from);
            let numbers = rows::chunk_numbers(plan, &data[c]);
            (mine, samples) = samples.split_at_mut((plan.chunks[c].len() * blocks).min(samples.len()));
            (out, z) = z.split_at_mut(numbers);
            (from, base) = base.split_at(numbers);
            work.push((chunk, mine, out, from, 0));
        }
        each(&mut work, |c, (chunk, samples, out, from, flips)| {
            *flips = chunk.forward(*isa, &data[c], samples, motion, from, out);
        });
        work.iter().map(|w| w.4).sum()
    }

    /// Rows: pattern, coefficients and gradient at the present W.
    fn by_rows(&mut self) -> Tally {
        let Self { isa, plan, data, rule, scale, samples, motion, .. } = self;
        let Motion::Rows { chunks, base, rounded, .. } = motion else { return Tally::NONE };
        let motion = mixed::Motion { moved: rounded, scale: *scale };
        let blocks = plan.width / plan.block::<f32>();
        let (mut samples, mut base) = (&mut samples[..], &base[..]);
        let mut work: Vec<_> = Vec::with_capacity(chunks.len());
        for (c, chunk) in chunks.iter_mut().enumerate() {
            let (mine, from);
            (mine, samples) = samples.split_at_mut((plan.chunks[c].len() * blocks).min(samples.len()));
            (from, base) = base.split_at(rows::chunk_numbers(plan, &data[c]));
            work.push((chunk, mine, from, Tally::NONE));
        }
        each(&mut work, |c, (chunk, samples, from, tally)| {
            *tally = chunk.advance(*isa, rule, &data[c], samples, motion, from);
        });
        work.iter().fold(Tally::NONE, |all, work| all.and(work.3))
    }
}

impl Core for Mixed {
    fn at_rest(setup: &Setup) -> Self {
        let Setup { x, y, network, loss, rate, isa, .. } = *setup;
        let shape = Shape { n: x.rows(), d: x.cols(), m: network.width };
        let plan = Plan::new::<f32>(shape, setup.nest);
        let data = packed(x, &plan);
        let a = network.outputs();
        let rule = Rule::beside::<f32>(plan.lanes, &a, &a, network.leak, (loss, rate));
        Self::zero(isa, plan, x.clone(), y.into(), data, rule)
    }

    fn tied(&self, tie: &Tie) -> Self {
        let plan = self.plan.for_neurons::<f32>(tie.output.len());
        let Rule { leak, loss, rate, .. } = self.rule;
        let rule = Rule::beside::<f32>(plan.lanes, &tie.output, &tie.update, leak, (loss, rate));
        let mut core = Self::zero(self.isa, plan, self.x.clone(), self.y.clone(), self.data.clone(), rule);
        follow::<f32, f64>(&core.plan, &mut core.samples, tie);
        (core.judge, core.grouped) = (self.judge, true);
        core.refresh();
        core
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn step(&mut self) -> Tally {
        if self.stale {
            self.exact();
        }
        let before = if self.since >= self.judge.interval { self.anchor() } else { Tally::NONE };
        if self.plan.nest == Nest::Rows {
            let ends = self.grouped && before.flips > 0;
            return if ends { before } else { before.and(self.by_rows()) };
        }
        let Self { isa, data, scale, motion, .. } = self;
        if let Motion::Panels { chunks, s, sums, rounded, .. } = motion {
            mixed::round(s, *scale, rounded);
            sums.iter_mut().zip(s.iter()).for_each(|(sum, s)| *sum += s);
            each(chunks, |c, chunk| chunk.advance(*isa, &data[c], rounded));
        }
        self.since += 1;
        before.and(self.settle(true))
    }

    fn commit(&mut self) {
        if let Motion::Rows { chunks, moved, rounded, .. } = &mut self.motion {
            mixed::update(&self.plan, chunks, moved, rounded);
            self.since += 1;
        }
    }

    fn refresh(&mut self) -> Tally {
        if self.stale {
            self.exact();
        }
        match self.plan.nest {
            Nest::Panels => self.settle(false),
            Nest::Rows => Tally { flips: self.forward(), finite: true },
        }
    }

    fn add(&mut self, update: impl Fn(usize, usize) -> f64 + Sync) {
        match &mut self.motion {
            Motion::Panels { weights, .. } => weights.add(update),
            Motion::Rows { weights, .. } => {
                let d = weights.cols();
                weights.values_mut().iter_mut().enumerate().for_each(|(at, w)| *w += update(at / d, at % d));
            }
        }
        self.stale = true;
    }

    fn preactivations(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.plan.shape.n * self.plan.shape.m];
        visit::<f32, f64>(&self.plan, &self.samples, |at, ij| out[ij] = self.z[at]);
        out
    }

    fn weights(&self) -> Vec<f64> {
        match &self.motion {
            Motion::Panels { weights, sums, .. } => weights.moved(&self.columns(sums)),
            Motion::Rows { weights, moved, .. } => {
                let mut weights = weights.clone();
                fold(&self.plan, &mut weights, moved, self.scale);
                weights.into_values()
            }
        }
    }

    fn judge(&self) -> Option<AnchorJudge> {
        Some(self.judge)
    }

    fn continue_judging(&mut self, judge: AnchorJudge) {
        self.judge = judge;
    }

    /// W at the anchor, the motion since, and in panels Z, which has run along.
    fn save(&self, out: &mut Saver) {
        let Plan { shape, .. } = self.plan;
        out.count("since", self.since);
        self.judge.save(&mut out.within("judge"));
        match &self.motion {
            Motion::Panels { weights, sums, .. } => {
                let mut ordered = vec![0.0; shape.n * shape.m];
                visit::<f32, f64>(&self.plan, &self.samples, |at, ij| ordered[ij] = sums[at]);
                out.vector("weights", weights.weights());
                out.vector("sums", ordered);
                out.vector("preactivations", self.preactivations());
            }
            Motion::Rows { weights, moved, .. } => {
                let at = |jk: usize| moved[rows::weight_at::<f32>(&self.plan, jk / shape.d, jk % shape.d)];
                out.vector("weights", weights.values());
                out.vector("moved", (0..shape.m * shape.d).map(at).collect::<Vec<_>>());
            }
        }
    }

    fn restore(&mut self, from: &Reader) -> Result<()> {
        let Shape { n, d, m } = self.plan.shape;
        let weights = from.slice("weights", m * d)?;
        self.add(|j, k| weights[j * d + k]);
        let Self { plan, x, samples, z, motion, .. } = self;
        match motion {
            Motion::Panels { sums, .. } => {
                let (saved, running) = (from.slice("sums", n * m)?, from.slice("preactivations", n * m)?);
                visit::<f32, f64>(plan, samples, |at, ij| (sums[at], z[at]) = (saved[ij], running[ij]));
            }
            Motion::Rows { weights, base, moved, rounded, .. } => {
                let (saved, exact) = (from.slice("moved", m * d)?, x.preactivations(weights));
                visit::<f32, f64>(plan, samples, |at, ij| base[at] = exact[ij]);
                let place = |jk: usize| rows::weight_at::<f32>(plan, jk / d, jk % d);
                saved.iter().enumerate().for_each(|(jk, v)| moved[place(jk)] = *v);
                rounded.iter_mut().zip(moved.iter()).for_each(|(rounded, moved)| *rounded = *moved as f32);
            }
        }
        (self.since, self.judge) = (from.count("since")?, AnchorJudge::restore(&from.within("judge"))?);
        self.stale = false;
        self.refresh();
        Ok(())
    }
}

/// Adds the motion of rows to W; how many weights did not change although their motion was not 0.
fn fold(plan: &Plan, weights: &mut Matrix, moved: &[f64], scale: f64) -> usize {
    let (d, mut lost) = (plan.shape.d, 0);
    for (at, w) in weights.values_mut().iter_mut().enumerate() {
        let motion = moved[rows::weight_at::<f32>(plan, at / d, at % d)] / scale;
        let sum = *w + motion;
        lost += usize::from(sum == *w && motion != 0.0);
        *w = sum;
    }
    lost
}
