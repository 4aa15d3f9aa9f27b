//! Steps on columns of X that several processes hold: panels in one number type ([`super::plain`]), each process its chunks.
//!
//! ```text
//! root: S ─────────────▶ all                                  n·m numbers to each
//! each: W_c += SᵀX_c, Z_c = X_c W_cᵀ of its chunks c           at the same time
//! root: Σ Z_c of its own ──▶ next rank: + Σ Z_c ──▶ … ──▶ root   one share of Z over each boundary, and back
//! root: Z, then the loss stage: S of the next step
//! ```
//!
//! Chunks, and the order in which their shares are added, are those of one process, whatever the number of processes: the
//! same bits. A share has n·m numbers, and eight (f64) or sixteen (f32) times as many where lanes hold columns
//! ([`farfield_kernels::plan`]), whose sum comes last. A chunk belongs to the rank that holds its first column; what it
//! has of the next ranks' columns moves there once, before the first step. The weights stay where their columns are.
//!
//! One descent at a time: a new one ends what the others know of the one before.

use super::core::each;
use crate::data::slabs::{self, FURTHER, Link, Slab, Slabs};
use farfield_kernels::data::Data;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::Lane;
use farfield_kernels::panels::{Chunk, accumulate};
use farfield_kernels::plan::{Nest, Plan, Shape};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A descent begins, with m neurons; in f64, or in f32.
const BEGIN: [f64; 2] = [FURTHER, FURTHER + 1.0];
/// Groups at rest, as many as counted.
const GROUP: f64 = FURTHER + 2.0;
/// A step, of all neurons (0) or of groups (1).
const ADVANCE: f64 = FURTHER + 3.0;
/// Shares of Z at the present weights.
const FORWARD: f64 = FURTHER + 4.0;
/// Weights to be added.
const ADD: f64 = FURTHER + 5.0;
/// What groups have moved goes to their neurons.
const JOIN: f64 = FURTHER + 6.0;
/// Weights are asked for.
const WEIGHTS: f64 = FURTHER + 7.0;

/// Numbers of a share that one thread adds up at a time.
const PIECE: usize = 4096;

/// Which chunks each rank has.
#[derive(Clone, Debug)]
struct Owners(Vec<Range<usize>>);

impl Owners {
    fn new(plan: &Plan, slab: &Slab) -> Self {
        let first = |c: usize| plan.columns(c).start;
        let count = plan.chunks.len();
        let before = |column: usize| (0..count).take_while(|c| first(*c) < column).count();
        let of = |rank| {
            let columns = slab.columns_of(rank);
            before(columns.start)..before(columns.end)
        };
        Self((0..slab.link().ranks()).map(of).collect())
    }

    /// The columns of the chunks of each rank.
    fn columns(&self, plan: &Plan) -> Vec<Range<usize>> {
        let of = |chunks: &Range<usize>| match chunks.is_empty() {
            true => 0..0,
            false => plan.columns(chunks.start).start..plan.columns(chunks.end - 1).end,
        };
        self.0.iter().map(of).collect()
    }

    /// The ranks but the root that have chunks.
    fn others(&self) -> impl Iterator<Item = usize> {
        (1..self.0.len()).filter(|rank| !self.0[*rank].is_empty())
    }

    /// Who comes after a rank in the sum over chunks: the root after the last.
    fn after(&self, rank: usize) -> usize {
        self.others().find(|other| *other > rank).unwrap_or(0)
    }

    /// Who comes before a rank that is not the root.
    fn before(&self, rank: usize) -> usize {
        self.others().take_while(|other| *other < rank).last().unwrap_or(0)
    }
}

/// The chunks of one process: of all neurons, or of groups of them.
struct Part<T> {
    plan: Plan,
    chunks: Vec<Chunk<T>>,
}

impl<T: Lane> Part<T> {
    fn at_rest(plan: Plan, data: &[Data<T>]) -> Self {
        let chunks = data.iter().map(|data| Chunk::new(&plan, data)).collect();
        Self { plan, chunks }
    }
}

/// Adds what groups have moved to their neurons `of[j]`, chunk by chunk.
pub(super) fn join<T: Lane>(data: &[Data<T>], chunks: &mut [Chunk<T>], groups: &[Chunk<T>], of: &[usize]) {
    each(chunks, |c, chunk| {
        let (mut motion, mut first, mut end) = (Vec::new(), usize::MAX, 0);
        groups[c].visit(&data[c], |p, k, u| {
            motion.push((p, k, u));
            (first, end) = (first.min(k), end.max(k + 1));
        });
        let (cols, count) = (end.saturating_sub(first), of.iter().max().map_or(0, |p| p + 1));
        let mut table = vec![0.0; cols * count];
        motion.iter().for_each(|(p, k, u)| table[p * cols + k - first] = *u);
        chunk.add(&data[c], |j, k| table[of[j] * cols + k - first]);
    });
}

/// Numbers as they are sent.
fn wide<T: Lane>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|number| number.to_f64()).collect()
}

/// Numbers as they have arrived.
fn take<T: Lane>(link: &dyn Link, from: usize, numbers: &mut [T]) {
    let mut sent = vec![0.0; numbers.len()];
    link.receive(from, &mut sent);
    numbers.iter_mut().zip(sent).for_each(|(number, sent)| *number = T::from_f64(sent));
}

/// Adds the shares of chunks to a sum, in order, on all threads.
fn add_shares<T: Lane>(isa: Isa, chunks: &[Chunk<T>], sum: &mut [T]) {
    let part = |(piece, sum): (usize, &mut [T])| accumulate(isa, chunks, piece * PIECE, sum);
    sum.par_chunks_mut(PIECE).enumerate().for_each(part);
}

/// The root's side: what stands in for the chunks of all.
pub(super) struct Apart<T> {
    slabs: Arc<Slabs>,
    owners: Owners,
    columns: Vec<Range<usize>>,
    plan: Plan,
    groups: bool,
    sum: Chunk<T>,
}

impl<T: Lane> Apart<T> {
    /// A descent of all neurons begins; the root's own chunks of X.
    pub fn begin(slabs: &Arc<Slabs>, plan: &Plan) -> (Vec<Data<T>>, Self) {
        let single = usize::from(size_of::<T>() == 4);
        let slab = slabs.ask(BEGIN[single], plan.shape.m);
        let owners = Owners::new(plan, &slab);
        let columns = owners.columns(plan);
        let data = Data::pack_part(&slab.lend(&columns), columns[0].clone(), plan, owners.0[0].clone());
        drop(slab);
        let (slabs, sum) = (slabs.clone(), Chunk::of_others(plan));
        (data, Self { slabs, owners, columns, plan: plan.clone(), groups: false, sum })
    }

    /// Groups of the neurons, at rest.
    pub fn grouped(&self, plan: &Plan) -> Self {
        drop(self.slabs.ask(GROUP, plan.shape.m));
        let Self { slabs, owners, columns, .. } = self;
        let (slabs, owners, columns) = (slabs.clone(), owners.clone(), columns.clone());
        Self { slabs, owners, columns, plan: plan.clone(), groups: true, sum: Chunk::of_others(plan) }
    }

    /// A step with the coefficients s, or none, and the shares of Z at the weights that it leaves.
    pub fn pass(&mut self, isa: Isa, data: &[Data<T>], chunks: &mut [Chunk<T>], s: Option<&[T]>) {
        let what = if s.is_some() { ADVANCE } else { FORWARD };
        let slab = self.slabs.ask(what, usize::from(self.groups));
        if let Some(s) = s {
            let s = wide(s);
            self.owners.others().for_each(|rank| slab.link().send(rank, &s));
        }
        each(chunks, |c, chunk| match s {
            Some(s) => chunk.advance(isa, &data[c], s),
            None => chunk.forward(isa, &data[c]),
        });
        let sum = self.sum.share_mut();
        sum.fill(T::default());
        add_shares(isa, chunks, sum);
        if let Some(last) = self.owners.others().last() {
            slab.link().send(self.owners.after(0), &wide(sum));
            take(slab.link(), last, sum);
        }
    }

    /// The sum of all shares, in place of them.
    pub fn shares(&self) -> &[Chunk<T>] {
        std::slice::from_ref(&self.sum)
    }

    /// Adds to the weights of the others.
    pub fn add(&self, update: impl Fn(usize, usize) -> f64) {
        let slab = self.slabs.ask(ADD, usize::from(self.groups));
        for rank in self.owners.others() {
            let columns = &self.columns[rank];
            let numbers = (0..self.plan.shape.m).flat_map(|j| columns.clone().map(move |k| (j, k)));
            slab.link().send(rank, &numbers.map(|(j, k)| update(j, k)).collect::<Vec<f64>>());
        }
    }

    /// What groups of the others have moved goes to their neurons.
    pub fn join(&self, of: &[usize]) {
        let slab = self.slabs.ask(JOIN, of.len());
        let of: Vec<f64> = of.iter().map(|p| *p as f64).collect();
        self.owners.others().for_each(|rank| slab.link().send(rank, &of));
    }

    /// The weights of the others (of m×d, row-major).
    pub fn weights(&self, out: &mut [f64]) {
        let slab = self.slabs.ask(WEIGHTS, usize::from(self.groups));
        let Shape { m, d, .. } = self.plan.shape;
        for rank in self.owners.others() {
            let columns = self.columns[rank].clone();
            let mut theirs = vec![0.0; m * columns.len()];
            slab.link().receive(rank, &mut theirs);
            for (j, theirs) in theirs.chunks_exact(columns.len()).enumerate() {
                out[j * d..][columns.clone()].copy_from_slice(theirs);
            }
        }
    }
}

/// What another process has of a descent.
struct Side<T> {
    owners: Owners,
    columns: Range<usize>,
    data: Vec<Data<T>>,
    parts: Vec<Part<T>>, // all neurons; groups
}

impl<T: Lane> Side<T> {
    fn begin(slab: &Slab, m: usize) -> Self {
        let shape = Shape { n: slab.rows(), d: slab.d(), m };
        let plan = Plan::new::<T>(shape, Some(Nest::Panels));
        let owners = Owners::new(&plan, slab);
        let (columns, rank) = (owners.columns(&plan), slab.link().rank());
        let data = Data::pack_part(&slab.lend(&columns), columns[rank].clone(), &plan, owners.0[rank].clone());
        let parts = vec![Part::at_rest(plan, &data)];
        Self { owners, columns: columns[rank].clone(), data, parts }
    }

    fn group(&mut self, count: usize) {
        let plan = self.parts[0].plan.for_neurons::<T>(count);
        self.parts.truncate(1);
        self.parts.push(Part::at_rest(plan, &self.data));
    }

    fn pass(&mut self, link: &dyn Link, which: usize, step: bool) {
        let (isa, Part { plan, chunks }) = (Isa::current(), &mut self.parts[which]);
        let data = &self.data;
        if step {
            let mut s = farfield_kernels::buffer::Buffer::zeros(plan.coefficients::<T>());
            take(link, 0, &mut s);
            each(chunks, |c, chunk| chunk.advance(isa, &data[c], &s));
        } else {
            each(chunks, |c, chunk| chunk.forward(isa, &data[c]));
        }
        let mut sum = vec![T::default(); chunks[0].share().len()];
        take(link, self.owners.before(link.rank()), &mut sum);
        add_shares(isa, chunks, &mut sum);
        link.send(self.owners.after(link.rank()), &wide(&sum));
    }

    fn add(&mut self, link: &dyn Link, which: usize) {
        let (Part { plan, chunks }, data, cols) = (&mut self.parts[which], &self.data, self.columns.len());
        let mut update = vec![0.0; plan.shape.m * cols];
        link.receive(0, &mut update);
        let first = self.columns.start;
        each(chunks, |c, chunk| chunk.add(&data[c], |j, k| update[j * cols + k - first]));
    }

    fn join(&mut self, link: &dyn Link, m: usize) {
        let mut of = vec![0.0; m];
        link.receive(0, &mut of);
        let of: Vec<usize> = of.iter().map(|p| *p as usize).collect();
        if let Some(groups) = self.parts.pop() {
            join(&self.data, &mut self.parts[0].chunks, &groups.chunks, &of);
        }
    }

    fn weights(&self, link: &dyn Link, which: usize) {
        let (Part { plan, chunks }, cols) = (&self.parts[which], self.columns.len());
        let mut out = vec![0.0; plan.shape.m * cols];
        for (chunk, data) in chunks.iter().zip(&self.data) {
            chunk.visit(data, |j, k, w| out[j * cols + k - self.columns.start] = w);
        }
        link.send(0, &out);
    }

    /// Does what the root asks; ranks without chunks have nothing to do.
    fn order(&mut self, link: &dyn Link, what: f64, count: usize) {
        if self.data.is_empty() {
            return;
        }
        match what {
            GROUP => self.group(count),
            ADVANCE | FORWARD => self.pass(link, count, what == ADVANCE),
            ADD => self.add(link, count),
            JOIN => self.join(link, count),
            WEIGHTS => self.weights(link, count),
            _ => unreachable!("an order of the root"),
        }
    }
}

/// Does what the root asks of the columns of this process, until it asks no more; the number that it ends with.
pub fn serve(slab: &Slab) -> f64 {
    let (mut double, mut single) = (None::<Side<f64>>, None::<Side<f32>>);
    slabs::serve(slab, &mut |what, count| match (what, &mut double, &mut single) {
        (what, ..) if what == BEGIN[0] => (double, single) = (Some(Side::begin(slab, count)), None),
        (what, ..) if what == BEGIN[1] => (double, single) = (None, Some(Side::begin(slab, count))),
        (_, Some(side), _) => side.order(slab.link(), what, count),
        (_, _, Some(side)) => side.order(slab.link(), what, count),
        (_, None, None) => unreachable!("a descent has begun"),
    })
}
