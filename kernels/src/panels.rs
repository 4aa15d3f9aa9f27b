//! Panels of columns with a delayed forward: X is read once per step, W is read and written once,
//! no gradient is stored.
//!
//! ```text
//! for each panel (threads take chunks of panels)
//!   W_panel += Sᵀ X_panel              gradient with the S of W(t)
//!   Z_chunk += X_panel W_panelᵀ        forward with the new W
//! Z(t+1) = Σ Z_chunk, in order; then S from Z (the loss stage)
//! ```
//!
//! Per step: `4·n·d·m` flops, `n·d` numbers of X from memory, `m·d` of W read and written, and per
//! panel `n·m` numbers of S read and of Z read and written, from cache.

use crate::buffer::Buffer;
use crate::by_rows::Strips;
use crate::data::{Cut, Data};
use crate::isa::Isa;
use crate::lane::{Lane, padded, reduce};
use crate::plan::{Lanes, Plan};
use crate::slab::{SLIVER, Slab, position};
use crate::{by_lanes, by_neurons, by_rows};
use pulp::{Simd, WithSimd, as_arrays_mut};

/// A chunk of panels: its part of W and its share of Z.
#[derive(Debug)]
pub struct Chunk<T> {
    plan: Plan,
    weights: Buffer<T>,
    share: Buffer<T>,
    gradient: Buffer<T>,
}

impl<T: Lane> Chunk<T> {
    /// A chunk with zero weights.
    pub fn new(plan: &Plan, data: &Data<T>) -> Self {
        let sizes = || data.slabs().map(|(cut, _)| weights_of::<T>(plan, cut));
        let gradient = match plan.lanes {
            Lanes::Columns => 0,
            Lanes::Samples => plan.width * plan.shape.m * T::LANES,
            Lanes::Neurons => sizes().max().unwrap_or(0),
        };
        Self {
            plan: plan.clone(),
            weights: Buffer::zeros(sizes().sum()),
            share: Buffer::zeros(share_of::<T>(plan)),
            gradient: Buffer::zeros(gradient),
        }
    }

    /// Adds `update(j, k)`, neuron j and column k, to the weights.
    pub fn add(&mut self, data: &Data<T>, update: impl Fn(usize, usize) -> f64) {
        let (plan, mut rest) = (&self.plan, &mut self.weights[..]);
        for (cut, _) in data.slabs() {
            let w;
            (w, rest) = rest.split_at_mut(weights_of::<T>(plan, cut));
            for j in 0..plan.shape.m {
                for k in 0..cut.count {
                    let w = &mut w[weight_at::<T>(plan, cut, j, k)];
                    *w = T::from_f64(w.to_f64() + update(j, cut.first + k));
                }
            }
        }
    }

    /// Shows every weight to `visit(j, k, w)`.
    pub fn visit(&self, data: &Data<T>, mut visit: impl FnMut(usize, usize, f64)) {
        let (plan, mut rest) = (&self.plan, &self.weights[..]);
        for (cut, _) in data.slabs() {
            let w;
            (w, rest) = rest.split_at(weights_of::<T>(plan, cut));
            for j in 0..plan.shape.m {
                for k in 0..cut.count {
                    visit(j, cut.first + k, w[weight_at::<T>(plan, cut, j, k)].to_f64());
                }
            }
        }
    }

    /// Z's share of this chunk at the current weights.
    pub fn forward(&mut self, isa: Isa, data: &Data<T>) {
        self.pass(isa, data, None);
    }

    /// One step with the coefficients `s`, then Z's share at the new weights.
    pub fn advance(&mut self, isa: Isa, data: &Data<T>, s: &[T]) {
        self.pass(isa, data, Some(s));
    }

    fn pass(&mut self, isa: Isa, data: &Data<T>, s: Option<&[T]>) {
        let Self { plan, weights, share, gradient } = self;
        let mut fresh = true;
        let mut rest = &mut weights[..];
        let mut slabs = data.slabs().peekable();
        while let Some((cut, x)) = slabs.next() {
            let w;
            (w, rest) = rest.split_at_mut(weights_of::<T>(plan, cut));
            let next = slabs.peek().map_or(&[][..], |(_, next)| next.values);
            let (first, second) = plan.prefetch(next.len());
            let (now, then) = next[..first + second].split_at(if s.is_some() { first } else { 0 });
            if let Some(s) = s {
                backward(isa, plan, x, s, w, gradient, now);
            }
            forward(isa, plan, x, w, fresh, share, then);
            fresh = false;
        }
    }

    /// This chunk's share of Z.
    pub fn share(&self) -> &[T] {
        &self.share
    }

    /// A place for the sum of shares of other chunks: no columns, and a share of zeros.
    pub fn of_others(plan: &Plan) -> Self {
        let [weights, gradient] = [0, 0].map(Buffer::zeros);
        Self { plan: plan.clone(), weights, share: Buffer::zeros(share_of::<T>(plan)), gradient }
    }

    /// The share, to be set.
    pub fn share_mut(&mut self) -> &mut [T] {
        &mut self.share
    }
}

/// Numbers of a share of Z.
fn share_of<T: Lane>(plan: &Plan) -> usize {
    match plan.lanes {
        Lanes::Columns => plan.shape.n * plan.shape.m * T::LANES,
        _ => plan.coefficients::<T>(),
    }
}

/// Adds the shares of chunks, in order, to the part `sum` of a sum of shares that begins at number `at`. A sum that began
/// with zeros may stand for its chunks in [`combine`]: the same additions in the same order (0 + s is s, as no sum that began
/// with 0 is −0).
pub fn accumulate<T: Lane>(isa: Isa, chunks: &[Chunk<T>], at: usize, sum: &mut [T]) {
    isa.run(Accumulate { chunks, at, sum });
}

struct Accumulate<'a, T> {
    chunks: &'a [Chunk<T>],
    at: usize,
    sum: &'a mut [T],
}

impl<T: Lane> WithSimd for Accumulate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for chunk in self.chunks {
            for (sum, share) in self.sum.iter_mut().zip(&chunk.share[self.at..]) {
                *sum += *share;
            }
        }
    }
}

/// Numbers of W of one panel.
pub(crate) fn weights_of<T: Lane>(plan: &Plan, cut: Cut) -> usize {
    match plan.lanes {
        Lanes::Columns => plan.shape.m * cut.cols,
        Lanes::Samples => plan.shape.m * padded::<T>(cut.count),
        Lanes::Neurons => padded::<T>(plan.shape.m) * cut.cols,
    }
}

/// Where the weight of neuron j and column k of a panel lies.
pub(crate) fn weight_at<T: Lane>(plan: &Plan, cut: Cut, j: usize, k: usize) -> usize {
    match plan.lanes {
        Lanes::Columns => position::<T>(plan.shape.m, cut.cols, j, k),
        Lanes::Samples => j * padded::<T>(cut.count) + k,
        Lanes::Neurons => (j / T::LANES * cut.cols + k) * T::LANES + j % T::LANES,
    }
}

/// `W_panel += Sᵀ X_panel`.
pub(crate) fn backward<T: Lane>(
    isa: Isa,
    plan: &Plan,
    x: Slab<T>,
    s: &[T],
    w: &mut [T],
    gradient: &mut [T],
    next: &[T],
) {
    let (n, m) = (plan.shape.n, plan.shape.m);
    match plan.lanes {
        Lanes::Columns => {
            let s = Strips { values: s, rows: m, cols: n, block: plan.block::<T>() };
            by_rows::product(isa, s, x, false, w, next);
        }
        Lanes::Samples => {
            let sums = &mut gradient[..x.rows * m * T::LANES];
            by_lanes::product(isa, x, Slab::new(s, m, x.cols), true, sums, next);
            let stride = w.len() / m;
            for (k, sums) in sums.chunks_exact(m * T::LANES).enumerate() {
                for (j, lanes) in sums.chunks_exact(T::LANES).enumerate() {
                    w[j * stride + k] += reduce(lanes);
                }
            }
        }
        Lanes::Neurons => {
            let gradient = &mut gradient[..w.len()];
            let mut next = parts(next, plan.shape.n.div_ceil(plan.block::<T>()));
            for (b, s) in s.chunks(plan.block_numbers::<T>()).enumerate() {
                let next = next.next().unwrap_or_default();
                by_neurons::backward(isa, x, b * plan.block::<T>(), s, b == 0, gradient, next);
            }
            isa.run(Add { w, gradient });
        }
    }
}

/// `Z_chunk += X_panel W_panelᵀ`, or its first term.
pub(crate) fn forward<T: Lane>(isa: Isa, plan: &Plan, x: Slab<T>, w: &[T], fresh: bool, share: &mut [T], next: &[T]) {
    let m = plan.shape.m;
    match plan.lanes {
        Lanes::Columns => by_lanes::product(isa, x, Slab::new(w, m, x.cols), fresh, share, next),
        Lanes::Samples => {
            let w = Strips { values: w, rows: m, cols: x.rows, block: w.len() / m };
            by_rows::product(isa, w, x, fresh, share, next);
        }
        Lanes::Neurons => {
            let mut next = parts(next, plan.shape.n.div_ceil(plan.block::<T>()));
            for (b, share) in share.chunks_mut(plan.block_numbers::<T>()).enumerate() {
                let next = next.next().unwrap_or_default();
                by_neurons::forward(isa, x, b * plan.block::<T>(), w, fresh, share, next);
            }
        }
    }
}

/// What to fetch, in `count` equal parts.
fn parts<T: Lane>(next: &[T], count: usize) -> impl Iterator<Item = &[T]> {
    next.chunks(next.len().div_ceil(count).max(1))
}

/// Block `block` of Z from the shares of all chunks, added in order.
pub fn combine<T: Lane>(isa: Isa, plan: &Plan, chunks: &[Chunk<T>], block: usize, z: &mut [T]) {
    isa.run(Combine { plan, chunks, block, z });
}

struct Combine<'a, T> {
    plan: &'a Plan,
    chunks: &'a [Chunk<T>],
    block: usize,
    z: &'a mut [T],
}

impl<'a, T: Lane> WithSimd for Combine<'a, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { plan, chunks, block, z } = self;
        match plan.lanes {
            Lanes::Columns => combine_lanes(plan, chunks, block, z),
            _ => {
                let start = block * plan.block_numbers::<T>();
                let (four, rest) = as_arrays_mut::<SLIVER, _>(T::vectors_mut::<S>(z));
                let share = |chunk: &'a Chunk<T>| T::vectors::<S>(&chunk.share[start..]);
                let zero = T::splat(simd, T::default());
                for (at, z) in four.iter_mut().enumerate() {
                    let mut sums = [zero; SLIVER]; // in registers while all chunks add to them
                    for chunk in chunks {
                        let share = &share(chunk)[at * SLIVER..][..SLIVER];
                        for v in 0..SLIVER {
                            sums[v] = T::plus(simd, sums[v], share[v]);
                        }
                    }
                    *z = sums;
                }
                for (at, z) in rest.iter_mut().enumerate() {
                    let at = four.len() * SLIVER + at;
                    *z = chunks.iter().fold(
                        zero,
                        #[inline(always)]
                        |sum, chunk| T::plus(simd, sum, share(chunk)[at]),
                    );
                }
            }
        }
    }
}

/// The shares hold a vector per element, whose lanes are summed after those of all chunks were.
#[inline(always)]
fn combine_lanes<T: Lane>(plan: &Plan, chunks: &[Chunk<T>], block: usize, z: &mut [T]) {
    let m = plan.shape.m;
    let first = block * plan.block::<T>();
    let width = z.len() / m;
    for i in 0..plan.block::<T>().min(plan.shape.n - first) {
        for j in 0..m {
            let at = ((first + i) * m + j) * T::LANES;
            let mut sums = [T::default(); 16];
            for chunk in chunks {
                for (sum, share) in sums.iter_mut().zip(&chunk.share[at..at + T::LANES]) {
                    *sum += *share;
                }
            }
            z[j * width + i] = reduce(&sums[..T::LANES]);
        }
    }
}

/// `W += G`.
struct Add<'a, T> {
    w: &'a mut [T],
    gradient: &'a [T],
}

impl<T: Lane> WithSimd for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (w, g) in T::vectors_mut::<S>(self.w).iter_mut().zip(T::vectors::<S>(self.gradient)) {
            *w = T::plus(simd, *w, *g);
        }
    }
}
