//! Columns that a rank lends to those before it: steps on X are cut where K is not.
//!
//! ```text
//! rank r, from the last one down: receives of the ranks r + 1, r + 2, … what it lacks, then sends to r − 1, r − 2, …
//! ```

use super::{Slab, overlap};
use std::borrow::Cow;
use std::ops::Range;

impl Slab {
    /// All that these columns hold, and what the next ranks have of them: each rank gets its own (n×count, row-major), where
    /// `wanted` says for each rank which columns it asks for, none of them before its own. All ranks call it at once.
    pub(crate) fn lend(&self, wanted: &[Range<usize>]) -> Cow<'_, [f64]> {
        let (rank, n) = (self.link.rank(), self.x.rows());
        let all =
            if wanted[rank] == self.columns() { self.x.values().into() } else { self.borrow(&wanted[rank]).into() };
        for to in (0..rank).rev() {
            let part = overlap(&wanted[to], &self.columns());
            if !part.is_empty() {
                let here = part.start - self.columns().start..part.end - self.columns().start;
                let rows = (0..n).flat_map(|i| self.x.row(i)[here.clone()].iter().copied());
                self.link.send(to, &rows.collect::<Vec<f64>>());
            }
        }
        all
    }

    /// Columns from here and from the ranks that follow, which lend them.
    fn borrow(&self, wanted: &Range<usize>) -> Vec<f64> {
        let (rank, n, cols) = (self.link.rank(), self.x.rows(), wanted.len());
        let mut all = vec![0.0; n * cols];
        // from the last rank down, so that nobody waits for one that waits
        for from in (rank..self.link.ranks()).rev() {
            let part = overlap(wanted, &self.columns_of(from));
            if part.is_empty() {
                continue;
            }
            let mut sent = Vec::new();
            let (values, stride, first) = if from == rank {
                (self.x.values(), self.x.cols(), part.start - self.columns().start)
            } else {
                sent.resize(n * part.len(), 0.0);
                self.link.receive(from, &mut sent);
                (&sent[..], part.len(), 0)
            };
            for i in 0..n {
                let place = &mut all[i * cols + part.start - wanted.start..][..part.len()];
                place.copy_from_slice(&values[i * stride + first..][..part.len()]);
            }
        }
        all
    }
}
