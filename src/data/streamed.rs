//! Samples that are larger than memory: read or drawn anew for every pass, a block of columns at a time.
//!
//! ```text
//! K = XXᵀ            one pass: for each part of the columns, for each block of them, for each block of K
//! Z = XW(0)ᵀ         one pass; the sums of each dot product go on from block to block
//! Σ_i c_i x_i        one pass for all that are asked for together (w̄, W)
//! rows of X          one pass, as many rows at a time as a block has room for: the digest of the data
//! ```
//!
//! The next block is read while one is worked on: two blocks are held. Pieces, and the order of all sums, are those of samples in
//! memory (`gram::Cut`, [`carry_dots`]), as sums go on from one block to the next: the same bits, whatever the room. What
//! needs X in one piece is not done: steps on X, and refining the limit in twice the precision.

use super::random::BLOCK;
use crate::error::{Error, Result};
use crate::gram::Cut;
use crate::matrix::Matrix;
use crate::watch::{Phase, Watch};
use farfield_kernels::dense::{SUMS, carry_dots, combine, end_of_dot};
use farfield_kernels::gram::{COLUMNS, Space, joined, numbers};
use farfield_kernels::isa::Isa;
use rayon::prelude::*;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Samples that are read or drawn as often as they are asked for, always the same.
pub trait Source: Send + Sync + Debug {
    /// n and d.
    fn shape(&self) -> (usize, usize);
    /// The numbers of some rows and columns (row-major). Where they cannot be had any more, it does not return.
    fn read(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]);
}

/// Samples from a source, with room for two blocks of them.
#[derive(Debug)]
pub struct Streamed {
    source: Box<dyn Source>,
    block: usize, // columns, a multiple of COLUMNS
    room: usize,  // numbers of a block
}

/// A block of columns.
struct Block {
    columns: Range<usize>,
    values: Vec<f64>, // n×count
}

impl Streamed {
    /// With at most so many bytes for samples at a time; at least two blocks of 256 columns, and two rows, are held.
    pub fn new(source: Box<dyn Source>, bytes: f64) -> Self {
        let (n, d) = source.shape();
        let fit = (bytes / 16.0 / n.max(1) as f64) as usize;
        let whole = if fit < BLOCK { COLUMNS } else { BLOCK }; // blocks that are drawn whole are not drawn twice
        let block = (fit / whole * whole).clamp(COLUMNS, d.div_ceil(COLUMNS).max(1) * COLUMNS);
        Self { source, block, room: (block * n).max(d) }
    }

    /// n and d.
    pub fn shape(&self) -> (usize, usize) {
        self.source.shape()
    }

    /// Works on blocks of columns, in order, while the next one is read; false if the work has ended it.
    fn pass(&self, ranges: &[Range<usize>], mut work: impl FnMut(&Block) -> bool) -> bool {
        let n = self.shape().0;
        let mut blocks =
            ranges.iter().flat_map(|r| r.clone().step_by(self.block).map(|first| first..r.end.min(first + self.block)));
        if rayon::current_thread_index().is_some() {
            // a thread of the pool that waited for one could be the one that is waited for
            let mut values = Vec::new();
            return blocks.all(|columns| {
                values.resize(n * columns.len(), 0.0);
                self.source.read(0..n, columns.clone(), &mut values);
                let block = Block { columns, values: std::mem::take(&mut values) };
                let goes_on = work(&block);
                values = block.values;
                goes_on
            });
        }
        let read = |full: SyncSender<Block>, empty: Receiver<Vec<f64>>| {
            for columns in blocks {
                let Ok(mut values) = empty.recv() else { return };
                values.resize(n * columns.len(), 0.0);
                self.source.read(0..n, columns.clone(), &mut values);
                if full.send(Block { columns, values }).is_err() {
                    return;
                }
            }
        };
        let ((full, ready), (back, empty)) = (sync_channel(1), sync_channel(2));
        (0..2).for_each(|_| drop(back.send(Vec::with_capacity(n * self.block))));
        std::thread::scope(|scope| {
            scope.spawn(move || read(full, empty));
            while let Ok(block) = ready.recv() {
                if !work(&block) {
                    drop((ready, back)); // ends the reader
                    return false;
                }
                let _ = back.send(block.values); // the reader may have come to its end
            }
            true
        })
    }

    /// `K = XXᵀ`.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; [`Error::Stopped`].
    pub(crate) fn gram(&self, watch: &Watch) -> Result<Matrix> {
        let (n, d) = self.shape();
        let (cut, isa) = (Cut::new(n, d), Isa::current());
        let parts: Vec<Range<usize>> = (0..cut.parts).map(|part| cut.columns(part)).collect();
        watch.begin(Phase::Gram, (d / SUMS) as u64);
        let fresh = || cut.pairs.iter().map(|(i, j)| vec![0.0; numbers(i, j)]).collect();
        let mut pieces: Vec<(usize, Vec<f64>)> = Vec::new();
        let (mut sums, mut part, mut wrong): (Vec<Vec<f64>>, _, _) = (fresh(), 0, None);
        let complete = self.pass(&parts, |block| {
            let cols = block.columns.len();
            let rows = block.values.par_chunks(cols).enumerate();
            if let Some((sample, row)) = rows.find_first(|(_, row)| row.iter().any(|v| !v.is_finite())) {
                let at = row.iter().position(|v| !v.is_finite()).unwrap_or_default();
                wrong = Some(Error::NotFinite { sample, feature: block.columns.start + at, value: row[at] });
                return false;
            }
            let add = |space: &mut Space, (pair, sums): (&(Range<usize>, Range<usize>), &mut Vec<f64>)| {
                if !watch.stopped() {
                    space.add(isa, &block.values, cols, pair.clone(), 0..cols, block.columns.start, sums);
                }
            };
            cut.pairs.par_iter().zip(&mut sums).with_max_len(1).for_each_init(Space::default, add);
            watch.advance((cols / SUMS) as u64);
            if block.columns.end == parts[part].end {
                let whole = std::mem::replace(&mut sums, fresh());
                let joined = |(pair, sums): (usize, &Vec<f64>)| {
                    let (i, j) = &cut.pairs[pair];
                    (pair * cut.parts + part, joined(i, j, block.columns.end, sums))
                };
                pieces.extend(whole.iter().enumerate().map(joined));
                part += 1;
            }
            !watch.stopped()
        });
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        if !complete {
            return Err(Error::Stopped);
        }
        pieces.sort_by_key(|(piece, _)| *piece);
        Ok(cut.assemble(pieces.iter().map(|(_, piece)| &piece[..])))
    }

    /// `Z = XWᵀ` (n×m, row-major) of W (m×d).
    pub(crate) fn preactivations(&self, w: &Matrix) -> Vec<f64> {
        let ((n, d), m) = (self.shape(), w.rows());
        let mut sums = vec![0.0; n * m * SUMS];
        self.pass(std::slice::from_ref(&(0..d)), |block| {
            let cols = block.columns.len();
            let weights: Vec<f64> = (0..m).flat_map(|j| w.row(j)[block.columns.clone()].iter().copied()).collect();
            let rows = sums.par_chunks_mut(m * SUMS).zip(block.values.par_chunks(cols));
            rows.for_each(|(sums, row)| carry_dots(row, &weights, sums));
            true
        });
        sums.chunks_exact(SUMS).map(end_of_dot).collect()
    }

    /// `Σ_i c_i x_i` (length d) for each column c of n coefficients.
    pub(crate) fn combinations(&self, c: &[&[f64]]) -> Vec<Vec<f64>> {
        const WIDE: usize = 1024; // as for a matrix in memory
        let d = self.shape().1;
        let mut out = vec![vec![0.0; d]; c.len()];
        self.pass(std::slice::from_ref(&(0..d)), |block| {
            let cols = block.columns.len();
            for (c, out) in c.iter().zip(&mut out) {
                let part = |(at, sums): (usize, &mut [f64])| combine(c, &block.values[at * WIDE..], cols, sums);
                out[block.columns.clone()].par_chunks_mut(WIDE).enumerate().for_each(part);
            }
            true
        });
        out
    }

    /// Shows each row of X.
    pub(crate) fn rows(&self, mut show: impl FnMut(usize, &[f64])) {
        let (n, d) = self.shape();
        let at_once = (self.room / d.max(1)).clamp(1, n.max(1));
        let mut values = Vec::new();
        for first in (0..n).step_by(at_once) {
            let rows = first..n.min(first + at_once);
            values.resize(rows.len() * d, 0.0);
            self.source.read(rows.clone(), 0..d, &mut values);
            rows.zip(values.chunks_exact(d)).for_each(|(i, row)| show(i, row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::x::X;
    use super::*;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Held(Matrix);

    impl Source for Held {
        fn shape(&self) -> (usize, usize) {
            (self.0.rows(), self.0.cols())
        }
        fn read(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
            for (i, out) in rows.zip(out.chunks_exact_mut(columns.len())) {
                out.copy_from_slice(&self.0.row(i)[columns.clone()]);
            }
        }
    }

    #[test]
    fn any_room_gives_the_bits_of_samples_in_memory() {
        for (n, d, m) in [(1, 1, 1), (7, 300, 3), (20, 9001, 2), (130, 2500, 8), (300, 40, 2), (700, 2049, 1)] {
            let x = Matrix::new(n, d, (0..n * d).map(|i| 1.0 / (1.0 + (i * 7919 % 1009) as f64) - 0.3).collect());
            let w = Matrix::new(m, d, (0..m * d).map(|i| (i as f64).sin()).collect());
            let c: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let here = X::Here(Arc::new(x.clone()));
            for bytes in [0.0, 16.0 * 700.0 * n as f64, 1e12] {
                let streamed = Streamed::new(Box::new(Held(x.clone())), bytes);
                assert_eq!(streamed.gram(&Watch::default()).expect("K"), crate::gram::gram(&x), "{n} {d} {bytes}");
                assert_eq!(streamed.preactivations(&w), here.preactivations(&w), "{n} {d} {bytes}");
                assert_eq!(streamed.combinations(&[&c, &c]), here.combinations(&[&c, &c]), "{n} {d} {bytes}");
                let mut seen = 0;
                streamed.rows(|i, row| {
                    assert_eq!(row, x.row(i));
                    seen += 1;
                });
                assert_eq!(seen, n);
            }
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_found_and_a_raised_flag_ends_the_pass() {
        let mut x = Matrix::zeros(3, 2000);
        x[(1, 1234)] = f64::NAN;
        let streamed = Streamed::new(Box::new(Held(x)), 0.0);
        let found = streamed.gram(&Watch::default());
        assert!(matches!(found, Err(Error::NotFinite { sample: 1, feature: 1234, .. })), "{found:?}");
        let watch = Watch::default();
        watch.stop().raise();
        let streamed = Streamed::new(Box::new(Held(Matrix::zeros(3, 2000))), 0.0);
        assert!(matches!(streamed.gram(&watch), Err(Error::Stopped)));
    }
}
