//! Steps whose products are in f32 and whose state is in f64.
//!
//! The products never see W or Z, only how far they have moved; what is large stays in f64. With `b` a
//! power of two that brings the coefficients near 1 (f32 has no exponents to waste):
//!
//! ```text
//! panels (n ≤ d), a step moves Z:              rows (n > d), U = W(t) − W(t₀) is kept in f64:
//!   for each panel                               for each block of samples
//!     G = (bS)ᵀ X_panel            f32             Z = Z(t₀) + b⁻¹ X_block (bU)ᵀ     f32, f64
//!     share += X_panel Gᵀ          f32             S from Z                          f64
//!   Z += b⁻¹ Σ shares              f64             share += (bS)ᵀ X_block            f32
//!   S from Z                       f64           U += b⁻¹ Σ shares                   f64
//! ```
//!
//! Lanes and chunks are added in f64. Panels move neither W nor a gradient: W(t) is W(t₀) and the sums of
//! all S since, which the caller keeps.
//!
//! *Error.* Let `u = 2⁻²⁴`, `x̃ = x(1 + δ)`, `|δ| ≤ u`, the samples in f32, and L the longest chain of additions
//! in f32 in a chunk (at most its columns, or its samples). By the standard bounds on sums (Higham, *Accuracy
//! and Stability of Numerical Algorithms*, ch. 3), to first order in u, a step with coefficients s moves
//! `z_i` by `Σ_k ⟨x_i,x_k⟩ s_k` with an error of at most
//!
//! ```text
//! (n + L + 4) u Σ_k |x_i|ᵀ|x_k| |s_k|
//! ```
//!
//! (n for the chain of the gradient, L for that of the forward, two for x̃ twice, one each for s and the
//! gradient between the products.) In panels steps add their bounds: since t₀ the same with `Σ_τ |s_k(τ)|` in place
//! of |s_k|. So the error is relative to the *motion* since t₀, and nothing is lost however small a step is beside W.
//! In rows U carries the errors of the gradients, which W then shares; what Z and W differ by is the forward's error
//! alone, `(L + 2) u Σ_k |x_ik| |U_jk|`.

use crate::buffer::Buffer;
use crate::data::Data;
use crate::isa::Isa;
use crate::lane::{fold, padded};
use crate::loss::stage::{Rule, Samples, Tally};
use crate::plan::{Lanes, Plan};
use crate::slab::Slab;
use crate::{by_lanes, by_neurons, panels, rows};
use pulp::{Simd, WithSimd};

/// Lanes of a vector of the products.
const LANES: usize = 16;

/// A chunk of panels: its share of the motion of Z.
#[derive(Debug)]
pub struct Panels {
    plan: Plan,
    tile: Buffer<f32>,
    gradient: Buffer<f32>,
    share: Buffer<f32>,
}

impl Panels {
    /// A chunk of a plan for f32.
    pub fn new(plan: &Plan, data: &Data<f32>) -> Self {
        let Plan { shape, lanes, .. } = *plan;
        let tile = data.slabs().map(|(cut, _)| panels::weights_of::<f32>(plan, cut)).max().unwrap_or(0);
        let gradient = match lanes {
            Lanes::Columns => 0,
            Lanes::Samples => plan.width * shape.m * LANES,
            Lanes::Neurons => tile,
        };
        let share = if lanes == Lanes::Columns { shape.n * shape.m * LANES } else { plan.coefficients::<f32>() };
        let [tile, gradient, share] = [tile, gradient, share].map(Buffer::zeros);
        Self { plan: plan.clone(), tile, gradient, share }
    }

    /// This chunk's share of `X(XᵀS)`, the motion of Z for the coefficients `s`.
    pub fn advance(&mut self, isa: Isa, data: &Data<f32>, s: &[f32]) {
        let Self { plan, tile, gradient, share } = self;
        let mut fresh = true;
        let mut slabs = data.slabs().peekable();
        while let Some((cut, x)) = slabs.next() {
            let tile = &mut tile[..panels::weights_of::<f32>(plan, cut)];
            let next = slabs.peek().map_or(&[][..], |(_, next)| next.values);
            let (first, second) = plan.prefetch(next.len());
            let (now, then) = next[..first + second].split_at(first);
            tile.fill(0.0);
            panels::backward(isa, plan, x, s, tile, gradient, now);
            panels::forward(isa, plan, x, tile, fresh, share, then);
            fresh = false;
        }
    }
}

/// `z += factor·Σ shares` on block `block` of Z, the shares added in the order of the chunks.
pub fn move_block(isa: Isa, plan: &Plan, chunks: &[Panels], block: usize, factor: f64, z: &mut [f64]) {
    isa.run(Move { plan, chunks, block, factor, z });
}

struct Move<'a> {
    plan: &'a Plan,
    chunks: &'a [Panels],
    block: usize,
    factor: f64,
    z: &'a mut [f64],
}

impl WithSimd for Move<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { plan, chunks, block, factor, z } = self;
        let first = block * plan.block::<f32>();
        if plan.lanes != Lanes::Columns {
            let (start, len) = (block * plan.block_numbers::<f32>(), z.len());
            for chunk in chunks {
                for (z, share) in z.iter_mut().zip(&chunk.share[start..start + len]) {
                    *z = f64::from(*share).mul_add(factor, *z);
                }
            }
            return;
        }
        let m = plan.shape.m;
        let width = z.len() / m;
        for i in 0..plan.block::<f32>().min(plan.shape.n - first) {
            for j in 0..m {
                let at = ((first + i) * m + j) * LANES;
                let shares = chunks.iter().map(
                    #[inline(always)]
                    |chunk| &chunk.share[at..at + LANES],
                );
                let z = &mut z[j * width + i];
                *z = sum_of(shares).mul_add(factor, *z);
            }
        }
    }
}

/// The sum of vectors in f64: lane by lane in their order, then the lanes.
#[inline(always)]
fn sum_of<'a>(shares: impl Iterator<Item = &'a [f32]>) -> f64 {
    let mut sums = [0.0f64; LANES];
    for share in shares {
        for (sum, share) in sums.iter_mut().zip(share) {
            *sum += f64::from(*share);
        }
    }
    fold::<f64, LANES>(&sums)
}

/// A chunk of blocks of samples, and its share of the motion of W.
#[derive(Debug)]
pub struct Rows {
    plan: Plan,
    share: Buffer<f32>,
    moved: Buffer<f32>,
    s: Buffer<f32>,
    z: Buffer<f64>,
    coefficients: Buffer<f64>,
}

/// What all chunks of rows share during a step.
#[derive(Clone, Copy, Debug)]
pub struct Motion<'a> {
    /// `b(W(t) − W(t₀))`, in the layout of [`rows::weights`].
    pub moved: &'a [f32],
    /// b, a power of two.
    pub scale: f64,
}

impl Rows {
    /// A chunk of a plan for f32, with no share yet.
    pub fn new(plan: &Plan) -> Self {
        let share = match plan.lanes {
            Lanes::Neurons => rows::weights::<f32>(plan),
            _ => plan.shape.d * plan.shape.m * LANES,
        };
        let numbers = match plan.lanes {
            Lanes::Neurons => plan.width * padded::<f32>(plan.shape.m),
            _ => padded::<f32>(plan.width) * plan.shape.m,
        };
        let [share, moved, s] = [share, numbers, numbers].map(Buffer::zeros);
        let [z, coefficients] = [numbers, numbers].map(Buffer::zeros);
        Self { plan: plan.clone(), share, moved, s, z, coefficients }
    }

    /// Forward, loss and gradient, from the chunk's part of `Z(t₀)`; the gradient replaces its share.
    pub fn advance(
        &mut self,
        isa: Isa,
        rule: &Rule<f64>,
        data: &Data<f32>,
        samples: &mut [Samples<f64>],
        motion: Motion,
        z0: &[f64],
    ) -> Tally {
        let Self { plan, share, moved, s, z, coefficients } = self;
        let block = plan.block_numbers::<f32>();
        let (mut tally, mut fresh, mut rest) = (Tally::NONE, true, z0);
        let mut samples = samples.iter_mut();
        let mut slabs = data.slabs().peekable();
        while let Some((cut, x)) = slabs.next() {
            let numbers = rows::numbers::<f32>(plan, cut);
            let z0;
            (z0, rest) = rest.split_at(numbers);
            let next = slabs.peek().map_or(&[][..], |(_, next)| next.values);
            let (first, second) = plan.prefetch(next.len());
            let (now, then) = next[..first + second].split_at(first);
            rows::forward(isa, plan, x, motion.moved, &mut moved[..numbers], now);
            isa.run(Shift { moved: &moved[..numbers], factor: 1.0 / motion.scale, from: z0, z: &mut z[..numbers] });
            let out = coefficients[..numbers].chunks_mut(block);
            for (z, out) in z[..numbers].chunks(block).zip(out) {
                let samples = samples.next().expect("a block of samples per block of Z");
                tally = tally.and(samples.coefficients(isa, rule, z, out));
            }
            round(&coefficients[..numbers], motion.scale, &mut s[..numbers]);
            let s = &s[..numbers];
            match plan.lanes {
                Lanes::Neurons => by_neurons::backward(isa, x, 0, s, fresh, share, then),
                _ => by_lanes::product(isa, x, Slab::new(s, plan.shape.m, x.cols), fresh, share, then),
            }
            fresh = false;
        }
        tally
    }

    /// Z of this chunk into `out`, and the number of bits that changed.
    pub fn forward(
        &mut self,
        isa: Isa,
        data: &Data<f32>,
        samples: &mut [Samples<f64>],
        motion: Motion,
        z0: &[f64],
        out: &mut [f64],
    ) -> u64 {
        let plan = &self.plan;
        let (mut flips, mut samples, mut at) = (0, samples.iter_mut(), 0);
        for (cut, x) in data.slabs() {
            let numbers = rows::numbers::<f32>(plan, cut);
            let (from, z) = (&z0[at..at + numbers], &mut out[at..at + numbers]);
            let moved = &mut self.moved[..numbers];
            rows::forward(isa, plan, x, motion.moved, moved, &[]);
            isa.run(Shift { moved, factor: 1.0 / motion.scale, from, z });
            for z in z.chunks(plan.block_numbers::<f32>()) {
                flips += samples.next().expect("a block of samples per block of Z").observe(isa, z);
            }
            at += numbers;
        }
        flips
    }
}

/// `z = from + factor·moved`.
struct Shift<'a> {
    moved: &'a [f32],
    factor: f64,
    from: &'a [f64],
    z: &'a mut [f64],
}

impl WithSimd for Shift<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((z, from), moved) in self.z.iter_mut().zip(self.from).zip(self.moved) {
            *z = f64::from(*moved).mul_add(self.factor, *from);
        }
    }
}

/// Coefficients in f32, `b·s` rounded once.
pub fn round(s: &[f64], scale: f64, out: &mut [f32]) {
    for (out, s) in out.iter_mut().zip(s) {
        *out = (s * scale) as f32;
    }
}

/// `motion += Σ shares`, the shares of the chunks added in order, and `moved`, the same in f32; both in
/// the layout of [`rows::weights`] and in units of 1/b.
pub fn update(plan: &Plan, chunks: &[Rows], motion: &mut [f64], moved: &mut [f32]) {
    match plan.lanes {
        Lanes::Neurons => {
            for (at, motion) in motion.iter_mut().enumerate() {
                let mut sum = 0.0;
                chunks.iter().for_each(|chunk| sum += f64::from(chunk.share[at]));
                *motion += sum;
            }
        }
        _ => {
            let m = plan.shape.m;
            for k in 0..plan.shape.d {
                for j in 0..m {
                    let at = (k * m + j) * LANES;
                    let shares = chunks.iter().map(|chunk| &chunk.share[at..at + LANES]);
                    motion[rows::weight_at::<f32>(plan, j, k)] += sum_of(shares);
                }
            }
        }
    }
    moved.iter_mut().zip(motion).for_each(|(moved, motion)| *moved = *motion as f32);
}
