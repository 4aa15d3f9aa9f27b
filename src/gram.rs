//! The Gram matrix `K = XXᵀ`, with the same bits for any number of threads and instruction set.
//!
//! K is computed in blocks of rows and columns, and where these are few, in a number of parts of the columns
//! of X as well, which are added in order; all of it depends on the shape alone.

use crate::matrix::{Matrix, Single, View};
use crate::watch::{Phase, Watch};
use farfield_kernels::gram::{COLUMNS, ROWS, Space, TALL, blocks, joined, numbers};
use farfield_kernels::isa::Isa;
use rayon::prelude::*;
use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pieces of work that are enough, if there are columns for them: 8 threads find three each. Each more adds its sums to K once more.
const PIECES: usize = 24;
/// Groups of columns of a piece, at least: adding its sums to K then costs next to nothing.
const GROUPS: usize = 4;

/// `K = XXᵀ` (n×n, symmetric) of X (n×d).
pub fn gram(x: &Matrix) -> Matrix {
    gram_on(Isa::current(), x)
}

/// [`gram`], seen from another thread; none if it is asked to end, which takes no longer than a block of the product.
pub fn gram_watched(x: &Matrix, watch: &Watch) -> Option<Matrix> {
    gram_of(View::Double(x), watch)
}

/// [`gram_watched`] of numbers in any type, with the bits of the same numbers in f64.
pub fn gram_of(x: View, watch: &Watch) -> Option<Matrix> {
    blocks_of_gram(Isa::current(), x, watch)
}

/// [`gram`] on a given instruction set of this machine.
pub fn gram_on(isa: Isa, x: &Matrix) -> Matrix {
    blocks_of_gram(isa, View::Double(x), &Watch::default()).expect("nobody can stop this watch")
}

thread_local! {
    /// For the next product: up to 2 MiB.
    static SPACE: Cell<Space> = Cell::default();
}

/// How K is cut into pieces, by the shape alone.
pub(crate) struct Cut {
    /// The rows I and J of each block of K, on or below the diagonal.
    pub pairs: Vec<(Range<usize>, Range<usize>)>,
    /// Parts of the columns of X; piece `pair·parts + part` is a block over a part.
    pub parts: usize,
    n: usize,
    d: usize,
}

impl Cut {
    /// Of X (n×d).
    pub fn new(n: usize, d: usize) -> Self {
        let below = |j: Range<usize>| {
            let below = blocks(n - j.start, TALL).into_iter();
            below.map(move |i| (j.start + i.start..j.start + i.end, j.clone()))
        };
        let pairs: Vec<(Range<usize>, Range<usize>)> = blocks(n, ROWS).into_iter().flat_map(below).collect();
        let parts = (PIECES / pairs.len().max(1)).min(d.div_ceil(COLUMNS) / GROUPS).max(1);
        Self { pairs, parts, n, d }
    }

    /// The columns of a part.
    pub fn columns(&self, part: usize) -> Range<usize> {
        let (groups, parts) = (self.d.div_ceil(COLUMNS), self.parts);
        part * groups / parts * COLUMNS..self.d.min((part + 1) * groups / parts * COLUMNS)
    }

    /// K from all pieces, in order; the parts of a block are added in order.
    pub fn assemble<'a>(&self, mut pieces: impl Iterator<Item = &'a [f64]>) -> Matrix {
        let mut k = Matrix::zeros(self.n, self.n);
        for (i, j) in &self.pairs {
            for (number, part) in pieces.by_ref().take(self.parts).enumerate() {
                for (row, part) in i.clone().zip(part.chunks_exact(j.len())) {
                    let width = j.len().min(row + 1 - j.start);
                    let out = &mut k.row_mut(row)[j.start..][..width];
                    match number {
                        0 => out.copy_from_slice(&part[..width]),
                        _ => out.iter_mut().zip(part).for_each(|(out, part)| *out += part),
                    }
                }
            }
        }
        mirror(&mut k);
        k
    }
}

fn blocks_of_gram(isa: Isa, x: View, watch: &Watch) -> Option<Matrix> {
    let (n, d) = (x.rows(), x.cols());
    let cut = Cut::new(n, d);
    let (pairs, parts) = (&cut.pairs, cut.parts);
    // Blocks become lower from one strip of columns of K to the next: small ones end the queue.
    let next = AtomicUsize::new(0);
    watch.begin(Phase::Gram, (pairs.len() * parts) as u64);
    let work = |_: rayon::BroadcastContext| {
        let mut space = SPACE.take();
        let (mut copy, mut done) = (Vec::new(), Vec::new());
        let done = loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            let Some(pair) = pairs.get(piece / parts).filter(|_| !watch.stopped()) else { break done };
            let columns = cut.columns(piece % parts);
            let block = match x {
                View::Double(x) => space.block(isa, x.values(), d, pair.clone(), columns),
                View::Single(x) => widened_block(isa, x, pair, columns, &mut space, &mut copy),
            };
            done.push((piece, block));
            watch.advance(1);
        };
        SPACE.set(space);
        done
    };
    let mut pieces: Vec<(usize, Vec<f64>)> = rayon::broadcast(work).into_iter().flatten().collect();
    if pieces.len() < pairs.len() * parts {
        return None;
    }
    pieces.sort_by_key(|(piece, _)| *piece);
    Some(cut.assemble(pieces.iter().map(|(_, piece)| &piece[..])))
}

/// `AXᵀ` (p×n) of A (p×d) and X (n×d) in blocks of rows, which threads share; none if it is asked to end.
pub fn cross(a: &Matrix, x: View, watch: &Watch) -> Option<Matrix> {
    cross_on(Isa::current(), a, x, watch)
}

fn cross_on(isa: Isa, a: &Matrix, x: View, watch: &Watch) -> Option<Matrix> {
    let (p, n, d) = (a.rows(), x.rows(), x.cols());
    let columns = blocks(n, ROWS);
    let pairs: Vec<(Range<usize>, Range<usize>)> =
        blocks(p, TALL).into_iter().flat_map(|i| columns.iter().map(move |j| (i.clone(), j.clone()))).collect();
    watch.begin(Phase::Gram, pairs.len() as u64);
    let block = |(space, copy): &mut (Space, Vec<f64>), (i, j): &(Range<usize>, Range<usize>)| {
        let mut sums = vec![0.0; numbers(i, j)];
        for first in (0..d).step_by(COLUMNS) {
            if watch.stopped() {
                return None;
            }
            let group = first..d.min(first + COLUMNS);
            copy.clear();
            i.clone().for_each(|row| copy.extend_from_slice(&a.row(row)[group.clone()]));
            j.clone().for_each(|row| copy.extend_from_slice(&x.part(row, group.clone())));
            let rows = (0..i.len(), i.len()..i.len() + j.len());
            space.add(isa, copy, group.len(), rows, 0..group.len(), first, &mut sums);
        }
        watch.advance(1);
        Some(joined(i, j, d, &sums))
    };
    let done: Option<Vec<Vec<f64>>> = pairs.par_iter().map_init(Default::default, block).collect();
    let mut out = Matrix::zeros(p, n);
    for ((i, j), block) in pairs.iter().zip(done?) {
        i.clone().zip(block.chunks(j.len())).for_each(|(row, part)| out.row_mut(row)[j.clone()].copy_from_slice(part));
    }
    Some(out)
}

/// A block of K over some columns, of which a group at a time is widened into `copy`: up to 616 rows of 256 columns, 1.2 MiB.
fn widened_block(
    isa: Isa,
    x: &Single,
    (i, j): &(Range<usize>, Range<usize>),
    columns: Range<usize>,
    space: &mut Space,
    copy: &mut Vec<f64>,
) -> Vec<f64> {
    let mut sums = vec![0.0; numbers(i, j)];
    // in the copy the rows J come first; on the diagonal the rows I begin with them
    let (start, first) = if i.start == j.start { (0, 0..0) } else { (j.len(), j.clone()) };
    for group in columns.clone().step_by(COLUMNS).map(|first| first..columns.end.min(first + COLUMNS)) {
        copy.clear();
        first.clone().chain(i.clone()).for_each(|row| copy.extend(x.part(row, group.clone())));
        let rows = (start..start + i.len(), 0..j.len());
        space.add(isa, copy, group.len(), rows, 0..group.len(), group.start, &mut sums);
    }
    joined(i, j, columns.end, &sums)
}

/// Copies the lower triangle to the upper one, in blocks whose two places fit L1.
fn mirror(k: &mut Matrix) {
    const SIDE: usize = 32;
    let (n, values) = (k.rows(), k.values_mut());
    for first in (0..n).step_by(SIDE) {
        for row in first..n {
            for col in first..row.min(first + SIDE) {
                values[col * n + row] = values[row * n + col];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_on_every_instruction_set() {
        for (n, d) in
            [(1, 1), (7, 3), (8, 256), (9, 257), (15, 513), (127, 40), (128, 33), (129, 300), (300, 9), (620, 261)]
        {
            let x = Matrix::new(n, d, (0..n * d).map(|i| ((i * i + 3 * i) % 13) as f64 - 6.0).collect());
            for isa in Isa::all() {
                let k = gram_on(isa, &x);
                for i in 0..n {
                    for j in 0..n {
                        let exact: f64 = x.row(i).iter().zip(x.row(j)).map(|(a, b)| a * b).sum();
                        assert_eq!(k[(i, j)], exact, "{n} {d} {i} {j} {}", isa.name());
                    }
                }
            }
        }
    }

    #[test]
    fn products_of_two_matrices_are_exact_on_every_instruction_set() {
        let numbers = |n: usize, d: usize, by: usize| {
            Matrix::new(n, d, (0..n * d).map(|i| ((i * i + by * i) % 13) as f64 - 6.0).collect())
        };
        for (p, n, d) in [(1, 1, 1), (20, 20, 40), (3, 9, 257), (130, 107, 300), (1, 220, 513)] {
            let (a, x) = (numbers(p, d, 3), numbers(n, d, 5));
            for isa in Isa::all() {
                let k = cross_on(isa, &a, View::Double(&x), &Watch::default()).expect("nobody can stop this watch");
                for (i, j) in (0..p).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    let exact: f64 = a.row(i).iter().zip(x.row(j)).map(|(a, b)| a * b).sum();
                    assert_eq!(k[(i, j)], exact, "{p} {n} {d} {i} {j} {}", isa.name());
                }
            }
        }
    }

    #[test]
    fn every_number_of_threads_and_instruction_set_gives_the_same_bits() {
        for (n, d) in [(20, 5000), (150, 2000), (1500, 300)] {
            let x = Matrix::new(n, d, (0..n * d).map(|i| 1.0 / (1.0 + (i % 1009) as f64)).collect());
            let run = |threads, isa| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                pool.install(|| gram_on(isa, &x))
            };
            let one = run(1, Isa::best());
            assert!([2, 3].into_iter().all(|threads| run(threads, Isa::best()) == one), "{n} {d}");
            assert!(Isa::all().into_iter().skip(1).all(|isa| run(2, isa) == one), "{n} {d}");
            let a = Matrix::new(7, d, x.values()[..7 * d].to_vec());
            let other = |isa| cross_on(isa, &a, View::Double(&x), &Watch::default());
            assert!(Isa::all().into_iter().all(|isa| other(isa) == other(Isa::best())), "{n} {d}");
        }
    }
}
