//! Samples whose columns are shared out over processes, each of which holds a slab of them.
//!
//! One process, the *root*, runs everything; the others hold their columns and do what it asks ([`crate::descent::serve`]):
//!
//! ```text
//! K = XXᵀ            each its pieces of K; one that a boundary cuts goes on at the next process where it was left
//! Z = XWᵀ            the sums of each dot product go from process to process
//! Σ_i c_i x_i        each its columns
//! rows of X          for the digest of the data, and for what is decided by X in twice the precision
//! ```
//!
//! Steps on X have messages of their own, in the descent. Pieces, and the order of all sums, are those of one process (`gram::Cut`, [`carry_dots`]): any number of
//! processes gives the same bits. Bytes sent: `8·(n²/2 + 8·104²)` and less per boundary and pair of blocks for K, once;
//! `8·32·n·m` a boundary for Z, once; `8·d` for each sum of columns.

mod lend;

pub use super::x::{Whole, X};
use super::{Draw, Mixture};
use crate::error::{Error, Result};
use crate::gram::Cut;
use crate::matrix::Matrix;
use crate::watch::{Phase, Watch};
use farfield_kernels::dense::{SUMS, carry_dots, combine, end_of_dot};
use farfield_kernels::gram::{Space, joined, numbers};
use farfield_kernels::isa::Isa;
use rayon::prelude::*;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Messages between processes that run one problem, numbered from 0, the root.
pub trait Link: Send + Sync + Debug {
    /// How many there are.
    fn ranks(&self) -> usize;
    /// The number of this one.
    fn rank(&self) -> usize;
    /// Sends numbers; may return before they have arrived.
    fn send(&self, to: usize, numbers: &[f64]);
    /// Waits for numbers, as many as were sent.
    fn receive(&self, from: usize, numbers: &mut [f64]);
}

/// The columns of each process: nearly equally many, in multiples of those that dot products are carried on over.
pub fn columns_of(rank: usize, ranks: usize, d: usize) -> Range<usize> {
    let boundary = |rank: usize| match rank == ranks {
        true => d,
        false => (rank as u128 * d as u128 / ranks as u128) as usize / SUMS * SUMS,
    };
    boundary(rank)..boundary(rank + 1)
}

/// The slab of this process of what [`crate::Data::draw`] draws.
///
/// # Errors
/// As [`Slab::new`]; [`Error::Stopped`].
pub fn draw(link: Arc<dyn Link>, mixture: &Mixture, draw: &Draw, watch: &Watch) -> Result<Slab> {
    let d = mixture.mean.len();
    let columns = columns_of(link.rank(), link.ranks(), d);
    Slab::new(link, mixture.sample_columns(draw, columns, Vec::new(), watch)?.x, d)
}

/// The slab of one process.
#[derive(Debug)]
pub struct Slab {
    link: Arc<dyn Link>,
    x: Matrix,
    d: usize,
}

/// What the root asks for.
const END: f64 = 0.0;
const GRAM: f64 = 1.0;
const PREACTIVATIONS: f64 = 2.0;
const COMBINATIONS: f64 = 3.0;
const ROWS: f64 = 4.0;
/// Orders from here on are those of others: [`serve`] passes them on.
pub(crate) const FURTHER: f64 = 16.0;

impl Slab {
    /// The columns [`columns_of`] this process of samples in d dimensions.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns; [`Error::NotFinite`].
    pub fn new(link: Arc<dyn Link>, x: Matrix, d: usize) -> Result<Self> {
        let columns = columns_of(link.rank(), link.ranks(), d);
        if x.cols() != columns.len() {
            let found = format!("{} columns", x.cols());
            return Err(Error::Shape { what: "the slab", found, expected: format!("{}", columns.len()) });
        }
        if let Some(at) = x.values().iter().position(|v| !v.is_finite()) {
            let feature = columns.start + at % x.cols();
            return Err(Error::NotFinite { sample: at / x.cols(), feature, value: x.values()[at] });
        }
        Ok(Self { link, x, d })
    }

    /// The messages.
    pub(crate) fn link(&self) -> &dyn Link {
        &*self.link
    }

    /// Number of columns of all slabs.
    pub(crate) fn d(&self) -> usize {
        self.d
    }

    /// Number of samples.
    pub(crate) fn rows(&self) -> usize {
        self.x.rows()
    }

    /// The columns of a rank.
    pub(crate) fn columns_of(&self, rank: usize) -> Range<usize> {
        columns_of(rank, self.link.ranks(), self.d)
    }

    fn columns(&self) -> Range<usize> {
        self.columns_of(self.link.rank())
    }

    fn cut(&self) -> Cut {
        Cut::new(self.x.rows(), self.d)
    }

    /// The pieces of K whose last column is here, in the order of their numbers.
    fn pieces(&self, watch: &Watch) -> Option<Vec<(usize, Vec<f64>)>> {
        let (cut, mine) = (self.cut(), self.columns());
        let here = |part: &usize| !overlap(&cut.columns(*part), &mine).is_empty();
        let parts: Vec<usize> = (0..cut.parts).filter(here).collect();
        let (begun, own): (Vec<usize>, Vec<usize>) =
            parts.into_iter().partition(|part| cut.columns(*part).start < mine.start);
        // What goes on elsewhere comes last, so that nobody waits for it early; then what has begun elsewhere.
        let mut done = Vec::new();
        for part in own.into_iter().chain(begun) {
            self.part(&cut, part, watch, &mut done)?;
        }
        done.sort_by_key(|(piece, _)| *piece);
        Some(done)
    }

    /// All blocks of K over a part of the columns, as far as they are here.
    fn part(&self, cut: &Cut, part: usize, watch: &Watch, done: &mut Vec<(usize, Vec<f64>)>) -> Option<()> {
        let (isa, mine, whole) = (Isa::current(), self.columns(), cut.columns(part));
        let (rank, here) = (self.link.rank(), overlap(&whole, &mine));
        let here = here.start - mine.start..here.end - mine.start;
        let (before, after) = (whole.start < mine.start, whole.end > mine.end);
        let pairs: Vec<usize> = (0..cut.pairs.len()).collect();
        let mut spare: Vec<Vec<f64>> = Vec::new(); // sums of blocks that are done: fresh memory costs its pages
        // Boundaries may leave processes without columns between this one and the next that has some.
        let next = (rank + 1..self.link.ranks()).find(|r| !self.columns_of(*r).is_empty());
        let last = (0..rank).rev().find(|r| !self.columns_of(*r).is_empty());
        for batch in pairs.chunks(rayon::current_num_threads().max(1)) {
            if watch.stopped() {
                return None;
            }
            let mut room = |pair: usize| {
                let mut sums = spare.pop().unwrap_or_default();
                sums.resize(numbers(&cut.pairs[pair].0, &cut.pairs[pair].1), 0.0);
                match last.filter(|_| before) {
                    Some(last) => self.link.receive(last, &mut sums),
                    None => sums.fill(0.0),
                }
                (pair, sums)
            };
            let mut sums: Vec<(usize, Vec<f64>)> = batch.iter().map(|pair| room(*pair)).collect();
            sums.par_iter_mut().for_each_init(Space::default, |space, (pair, sums)| {
                let at = mine.start + here.start;
                space.add(isa, self.x.values(), self.x.cols(), cut.pairs[*pair].clone(), here.clone(), at, sums);
            });
            for (pair, sums) in sums {
                match next.filter(|_| after) {
                    Some(next) => self.link.send(next, &sums),
                    None => {
                        let (i, j) = &cut.pairs[pair];
                        done.push((pair * cut.parts + part, joined(i, j, whole.end, &sums)));
                    }
                }
                spare.push(sums);
            }
            watch.advance(batch.len() as u64);
        }
        Some(())
    }

    /// Carries the sums of Z on over these columns, for their weights (m rows).
    fn carry(&self, weights: &[f64], sums: &mut [f64]) {
        let n = self.x.rows();
        let each = sums.len() / n;
        sums.par_chunks_mut(each).enumerate().for_each(|(i, sums)| carry_dots(self.x.row(i), weights, sums));
    }

    fn combination(&self, c: &[f64]) -> Vec<f64> {
        const COLUMNS: usize = 1024; // as for a matrix that is held whole
        let mut sums = vec![0.0; self.x.cols()];
        sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(block, sums)| {
            combine(c, &self.x.values()[block * COLUMNS..], self.x.cols(), sums);
        });
        sums
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let (start, end) = (a.start.max(b.start), a.end.min(b.end));
    start..end.max(start)
}

/// Does what the root asks, until it asks no more; the number that it ends with. Orders that are none of these go to `further`,
/// with their number.
pub(crate) fn serve(slab: &Slab, further: &mut dyn FnMut(f64, usize)) -> f64 {
    let (link, rank, n) = (&*slab.link, slab.link.rank(), slab.x.rows());
    loop {
        let mut order = [0.0; 2];
        link.receive(0, &mut order);
        let [what, count] = order;
        let count = count as usize;
        match what {
            GRAM => {
                let pieces = slab.pieces(&Watch::default()).unwrap_or_default();
                pieces.iter().for_each(|(_, piece)| link.send(0, piece));
            }
            PREACTIVATIONS => {
                let (mut weights, mut sums) = (vec![0.0; count * slab.x.cols()], vec![0.0; n * count * SUMS]);
                link.receive(0, &mut weights);
                link.receive(rank - 1, &mut sums);
                slab.carry(&weights, &mut sums);
                link.send((rank + 1) % link.ranks(), &sums);
            }
            COMBINATIONS => {
                let mut c = vec![0.0; count];
                link.receive(0, &mut c);
                c.chunks_exact(n).for_each(|c| link.send(0, &slab.combination(c)));
            }
            ROWS => (0..n).for_each(|i| link.send(0, slab.x.row(i))),
            _ if what >= FURTHER => further(what, count),
            _ => return order[1],
        }
    }
}

/// The samples as the root has them.
#[derive(Debug)]
pub struct Slabs {
    slab: Mutex<Slab>,
    shape: (usize, usize),
    affordable: bool,
    whole: OnceLock<Arc<Matrix>>,
}

impl Slabs {
    /// Of n×d numbers, `slab` being the root's own. `affordable`: whether the root may hold all of them where something
    /// is decided by X itself.
    pub fn new(slab: Slab, affordable: bool) -> Self {
        let shape = (slab.x.rows(), slab.d);
        Self { slab: Mutex::new(slab), shape, affordable, whole: OnceLock::new() }
    }

    /// n and d.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Ends the others, with a number for each to end with.
    pub fn end(&self, code: u8) {
        let slab = self.lock();
        order(&slab, END, usize::from(code));
    }

    /// Tells all others what is to be done; the root's slab, for its part of it.
    pub(crate) fn ask(&self, what: f64, count: usize) -> MutexGuard<'_, Slab> {
        let slab = self.lock();
        order(&slab, what, count);
        slab
    }

    /// The root's slab.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Slab> {
        self.slab.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `K = XXᵀ`.
    ///
    /// # Errors
    /// [`Error::Stopped`]; the others then wait for something that does not come, and are to be ended with the process.
    pub(crate) fn gram(&self, watch: &Watch) -> Result<Matrix> {
        let slab = self.lock();
        let cut = slab.cut();
        let mine = slab.columns();
        let here = (0..cut.parts).filter(|part| !overlap(&cut.columns(*part), &mine).is_empty()).count();
        watch.begin(Phase::Gram, (cut.pairs.len() * here) as u64);
        order(&slab, GRAM, 0);
        let mut pieces = slab.pieces(watch).ok_or(Error::Stopped)?;
        for rank in 1..slab.link.ranks() {
            let theirs = slab.columns_of(rank);
            for piece in 0..cut.pairs.len() * cut.parts {
                let end = cut.columns(piece % cut.parts).end;
                if theirs.start < end && end <= theirs.end {
                    let (i, j) = &cut.pairs[piece / cut.parts];
                    let mut block = vec![0.0; i.len() * j.len()];
                    slab.link.receive(rank, &mut block);
                    pieces.push((piece, block));
                }
            }
        }
        pieces.sort_by_key(|(piece, _)| *piece);
        Ok(cut.assemble(pieces.iter().map(|(_, piece)| &piece[..])))
    }

    /// `Z = XWᵀ` (n×m, row-major) of W (m×d).
    pub(crate) fn preactivations(&self, w: &Matrix) -> Vec<f64> {
        let slab = self.lock();
        let (n, m, ranks) = (self.shape.0, w.rows(), slab.link.ranks());
        let part = |rank: usize| -> Vec<f64> {
            (0..m).flat_map(|j| w.row(j)[slab.columns_of(rank)].iter().copied()).collect()
        };
        order(&slab, PREACTIVATIONS, m);
        (1..ranks).for_each(|rank| slab.link.send(rank, &part(rank)));
        let mut sums = vec![0.0; n * m * SUMS];
        slab.carry(&part(0), &mut sums);
        if ranks > 1 {
            slab.link.send(1, &sums);
            slab.link.receive(ranks - 1, &mut sums);
        }
        sums.chunks_exact(SUMS).map(end_of_dot).collect()
    }

    /// `Σ_i c_i x_i` (length d) for each column c of n coefficients.
    pub(crate) fn combinations(&self, c: &[&[f64]]) -> Vec<Vec<f64>> {
        let slab = self.lock();
        let all = c.concat();
        order(&slab, COMBINATIONS, all.len());
        (1..slab.link.ranks()).for_each(|rank| slab.link.send(rank, &all));
        let mut sums: Vec<Vec<f64>> = c.iter().map(|c| slab.combination(c)).collect();
        for rank in 1..slab.link.ranks() {
            for sum in &mut sums {
                let first = sum.len();
                sum.resize(first + slab.columns_of(rank).len(), 0.0);
                slab.link.receive(rank, &mut sum[first..]);
            }
        }
        sums
    }

    /// Shows each row of X.
    pub(crate) fn rows(&self, mut show: impl FnMut(usize, &[f64])) {
        let slab = self.lock();
        order(&slab, ROWS, 0);
        let mut row = vec![0.0; self.shape.1];
        for i in 0..self.shape.0 {
            row[slab.columns()].copy_from_slice(slab.x.row(i));
            (1..slab.link.ranks()).for_each(|rank| slab.link.receive(rank, &mut row[slab.columns_of(rank)]));
            show(i, &row);
        }
    }

    /// All of X, if the root may hold it.
    pub(crate) fn whole(&self) -> Option<&Arc<Matrix>> {
        let gather = || {
            let mut x = Matrix::zeros(self.shape.0, self.shape.1);
            self.rows(|i, row| x.row_mut(i).copy_from_slice(row));
            Arc::new(x)
        };
        self.affordable.then(|| self.whole.get_or_init(gather))
    }
}

/// Tells all others what is to be done.
fn order(slab: &Slab, what: f64, count: usize) {
    (1..slab.link.ranks()).for_each(|rank| slab.link.send(rank, &[what, count as f64]));
}
