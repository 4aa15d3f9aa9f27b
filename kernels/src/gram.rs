//! Blocks of `K = XXᵀ`, the Gram matrix of n samples, summed over a range of columns.
//!
//! ```text
//! for each block of K: up to 512 rows I by up to 104 rows J          threads take blocks
//!   for each group of 256 columns of X
//!     transpose the rows J, 8 at a time: J'[k][v] = X[j+v][k]         208 KiB, in L2
//!     for each 8 rows of I                                             16 KiB, in L1
//!       for each 24 of J, on or below the diagonal
//!         for each column k of the group
//!           sums[r] += X[i+r][k]·J'[k]       3 loads and 8 broadcasts for 24 multiply-adds of vectors
//!         K[i+r] += sums[r]
//! ```
//!
//! Lanes run along the rows J: each element of K is a chain of multiply-adds for each group of columns, in order, and
//! the sum of these chains, in order: an error of at most `256 + d/256` roundings. `n²·d` flops; the
//! rows I are read where they are, the next of them and the next group of the rows J are asked for meanwhile. X
//! is read about n/208 times. Nothing depends on other blocks, so threads meet only when all are done. Zeros at the end of
//! a group of a row add nothing, and are left out: half of the work for the triangular X of samples in rotated coordinates.

use crate::buffer::Buffer;
use crate::hint::fetch;
use crate::isa::{Isa, wide};
use crate::lane::Lane;
use crate::transpose::transpose;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Most rows J of a block: 104 rows of a group are 208 KiB, in a L2 of 1 MiB.
pub const ROWS: usize = 104;
/// Most rows I of a block: as many as make the transposition of the rows J cheap.
pub const TALL: usize = 512;
/// Columns of a group.
pub const COLUMNS: usize = 256;
/// Rows of I in a register tile.
const TILE: usize = 8;
/// Vectors of J in a register tile: 8·3 sums.
const MOST: usize = 3;
/// Rows that a tile asks for.
const SOON: usize = 3;
/// Columns between two times that it does.
const PART: usize = 64;
/// Columns between transposed rows, of 8 each: not a multiple of a page, so that they do not share places in the first cache.
const STRIDE: usize = COLUMNS + 8;

const LANES: usize = <f64 as Lane>::LANES;

/// `n` rows in ranges of nearly equal sizes of at most `most`, in multiples of 8.
pub fn blocks(n: usize, most: usize) -> Vec<Range<usize>> {
    crate::split(n.div_ceil(TILE), most / TILE)
        .map(|(first, count)| first * TILE..n.min((first + count) * TILE))
        .collect()
}

/// Numbers of the sums of a block of rows I by rows J: for each tile of I those of all whole groups, then those of the last one.
pub fn numbers(i: &Range<usize>, j: &Range<usize>) -> usize {
    2 * i.len().next_multiple_of(TILE) * j.len().next_multiple_of(LANES)
}

/// Work space of one thread.
#[derive(Debug, Default)]
pub struct Space {
    across: Buffer<f64>,
    sums: Buffer<f64>,
}

impl Space {
    /// `Σ_k x_ik x_jk` over `columns`, which start at a multiple of [`COLUMNS`], for the rows I and J of X (rows of `d` numbers), row-major I×J. Where I
    /// and J start with the same row, what lies above the diagonal is not computed.
    pub fn block(
        &mut self,
        isa: Isa,
        x: &[f64],
        d: usize,
        (i, j): (Range<usize>, Range<usize>),
        columns: Range<usize>,
    ) -> Vec<f64> {
        let (mut sums, count) = (std::mem::take(&mut self.sums), numbers(&i, &j));
        if sums.len() < count {
            sums = Buffer::zeros(count);
        }
        self.carry(isa, x, d, (i.clone(), j.clone()), columns.clone(), 0, true, &mut sums[..count]);
        let out = joined(&i, &j, columns.end, &sums[..count]);
        self.sums = sums;
        out
    }

    /// Adds the products over `columns`, the first of which has number `at`, to the sums of a block, [`numbers`] of them. Columns
    /// that are added piece by piece, in order, give the same bits as at once.
    #[expect(clippy::too_many_arguments, reason = "a block, its columns and its sums")]
    pub fn add(
        &mut self,
        isa: Isa,
        x: &[f64],
        d: usize,
        (i, j): (Range<usize>, Range<usize>),
        columns: Range<usize>,
        at: usize,
        sums: &mut [f64],
    ) {
        self.carry(isa, x, d, (i, j), columns, at, false, sums);
    }

    /// [`Space::add`], or where they are `fresh`, the products instead of whatever the sums were.
    #[expect(clippy::too_many_arguments, reason = "a block, its columns and its sums")]
    fn carry(
        &mut self,
        isa: Isa,
        x: &[f64],
        d: usize,
        (i, j): (Range<usize>, Range<usize>),
        columns: Range<usize>,
        at: usize,
        mut fresh: bool,
        sums: &mut [f64],
    ) {
        let room = j.len().div_ceil(LANES) * STRIDE * LANES;
        if self.across.len() < room {
            self.across = Buffer::zeros(room);
        }
        let diagonal = i.start == j.start;
        let rows = |rows: &Range<usize>, columns| Rows { x, stride: d, rows: rows.clone(), columns };
        let mut first = columns.start;
        while first < columns.end {
            let place = (at + first - columns.start) % COLUMNS;
            let end = columns.end.min(first + COLUMNS - place);
            let (left, right) = (rows(&i, first..end), rows(&j, first..end));
            let filled = self.turn(isa, &right);
            let below = i.start + if diagonal { j.len() } else { TILE }..i.end;
            let soon = [rows(&below, first..end), rows(&j, end..columns.end.min(end + COLUMNS))];
            let (across, filled) = (&self.across[..], &filled[..right.tiles()]);
            let kind = Kind { fresh, begins: place == 0, ends: place + end - first == COLUMNS };
            isa.run(Group { left, across, filled, soon, diagonal, kind, sums });
            fresh = false;
            first = end;
        }
    }

    /// Transposes the rows J, and says how many columns of each eight are not all zero to the end.
    fn turn(&mut self, isa: Isa, right: &Rows) -> [usize; ROWS / LANES] {
        let mut filled = [0; ROWS / LANES];
        let across = self.across.as_chunks_mut::<LANES>().0.chunks_mut(STRIDE);
        for ((v, across), filled) in (0..right.tiles()).zip(across).zip(&mut filled) {
            let rows = right.tile(v);
            *filled = used(rows);
            transpose(isa, rows, &mut across[..right.columns.len()]);
        }
        filled
    }
}

/// The block, row-major I×J, from its sums over columns up to `end`.
pub fn joined(i: &Range<usize>, j: &Range<usize>, end: usize, sums: &[f64]) -> Vec<f64> {
    let open = !end.is_multiple_of(COLUMNS);
    let width = j.len().next_multiple_of(LANES);
    let mut out = vec![0.0; i.len() * j.len()];
    for (out, sums) in out.chunks_mut(TILE * j.len()).zip(sums.chunks_exact(2 * TILE * width)) {
        let (whole, last) = sums.split_at(TILE * width);
        for ((out, whole), last) in out.chunks_exact_mut(j.len()).zip(whole.chunks(width)).zip(last.chunks(width)) {
            out.copy_from_slice(&whole[..out.len()]);
            if open {
                out.iter_mut().zip(last).for_each(|(out, last)| *out += last);
            }
        }
    }
    out
}

/// Some rows and columns of a row-major matrix.
struct Rows<'a> {
    x: &'a [f64],
    stride: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<'a> Rows<'a> {
    /// Row r of them, or the last one.
    #[inline(always)]
    fn row(&self, r: usize) -> &'a [f64] {
        &self.x[(self.rows.start + r).min(self.rows.end - 1) * self.stride..][self.columns.clone()]
    }

    /// Rows `8·tile..8·tile + 8`.
    #[inline(always)]
    fn tile(&self, tile: usize) -> [&'a [f64]; TILE] {
        let mut rows = [&self.x[..0]; TILE];
        for r in 0..TILE {
            rows[r] = self.row(tile * TILE + r);
        }
        rows
    }

    /// Number of tiles.
    fn tiles(&self) -> usize {
        self.rows.len().div_ceil(TILE)
    }
}

/// How many numbers of some rows are left without the zeros at their ends.
#[inline(always)]
fn used(rows: [&[f64]; TILE]) -> usize {
    rows.iter().map(|row| row.iter().rposition(|v| *v != 0.0).map_or(0, |last| last + 1)).max().unwrap_or(0)
}

/// A group of columns of a block: rows I where they are, rows J transposed, and rows to ask for meanwhile.
struct Group<'a> {
    left: Rows<'a>,
    /// Vectors of 8 rows J, each of [`STRIDE`] columns, and how many columns of each are not all zero to their end.
    across: &'a [f64],
    filled: &'a [usize],
    soon: [Rows<'a>; 2],
    diagonal: bool,
    kind: Kind,
    sums: &'a mut [f64],
}

/// Where the columns of a call lie.
#[derive(Clone, Copy)]
struct Kind {
    /// Whether there are no sums before.
    fresh: bool,
    /// Whether they begin, and end, where a group does.
    begins: bool,
    ends: bool,
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, across, filled, soon, diagonal, kind, sums } = self;
        let (tiles, vectors) = (left.tiles(), filled.len());
        let (across, sums) = (f64::vectors::<S>(across), f64::vectors_mut::<S>(sums));
        let end = |i: usize| if diagonal { vectors.min(i + 1) } else { vectors };
        let calls: usize = (0..tiles).map(|i| end(i).div_ceil(MOST)).sum();
        let each = (soon[0].rows.len() + soon[1].rows.len()).div_ceil(calls);
        let mut soon = soon.iter().flat_map(|rows| (0..rows.rows.len()).map(|r| rows.row(r)));
        for i in 0..tiles {
            let rows = left.tile(i);
            let (own, sums) = (used(rows), &mut sums[2 * i * TILE * vectors..][..2 * TILE * vectors]);
            let mut v = 0;
            while v < end(i) {
                let width = if end(i) - v == MOST + 1 { 2 } else { MOST.min(end(i) - v) };
                let used = filled[v..v + width].iter().fold(0, |most, used| own.min(*used).max(most));
                let mut ahead = [&rows[0][..0]; SOON];
                ahead.iter_mut().take(each).zip(soon.by_ref()).for_each(|(ahead, row)| *ahead = row);
                let right = &across[v * STRIDE..];
                let mut place = Place { sums: &mut *sums, vectors, at: (0, v), kind };
                match (wide::<S>(), width) {
                    (true, 3) => tile::<S, 8, 3>(simd, &rows, right, used, ahead, &mut place),
                    (true, 2) => tile::<S, 8, 2>(simd, &rows, right, used, ahead, &mut place),
                    (true, _) => tile::<S, 8, 1>(simd, &rows, right, used, ahead, &mut place),
                    (false, _) => {
                        for (w, half) in (0..width).flat_map(|w| [(w, 0), (w, 1)]) {
                            let rows = &rows.as_chunks::<4>().0[half];
                            place.at = (4 * half, v + w);
                            tile::<S, 4, 1>(simd, rows, &right[w * STRIDE..], used, ahead, &mut place);
                            ahead = [&rows[0][..0]; SOON];
                        }
                    }
                }
                v += width;
            }
        }
    }
}

/// Where the sums of a register tile are.
struct Place<'a, V> {
    /// Those of a tile of I: 8 rows of `vectors` of whole groups, and of the last one.
    sums: &'a mut [V],
    vectors: usize,
    /// Its first row and vector.
    at: (usize, usize),
    kind: Kind,
}

/// M×R elements of a tile over `count` columns; asks for rows that come `soon`.
#[inline(always)]
fn tile<S: Simd, const M: usize, const R: usize>(
    simd: S,
    left: &[&[f64]; M],
    right: &[<f64 as Lane>::V<S>],
    count: usize,
    soon: [&[f64]; SOON],
    place: &mut Place<<f64 as Lane>::V<S>>,
) {
    let Kind { fresh, begins, ends } = place.kind;
    let (sums, open) = place.sums.split_at_mut(TILE * place.vectors);
    let first = place.at.0 * place.vectors + place.at.1;
    let mut acc = [[f64::splat(simd, 0.0); R]; M];
    if !begins {
        for a in 0..M {
            acc[a].copy_from_slice(&open[first + a * place.vectors..][..R]);
        }
    }
    let (mut x, mut y) = ([&left[0][..0]; M], [&right[..0]; R]);
    for a in 0..M {
        x[a] = &left[a][..count];
    }
    for v in 0..R {
        y[v] = &right[v * STRIDE..][..count];
    }
    let mut ahead = [x[0]; SOON];
    for s in 0..SOON {
        ahead[s] = soon[s].get(..count).unwrap_or(x[0]);
    }
    for from in (0..count).step_by(PART) {
        let part = from..count.min(from + PART);
        for s in 0..SOON {
            ahead[s][part.clone()].iter().step_by(LANES).for_each(fetch);
        }
        let (mut x, mut y) = (x, y);
        for a in 0..M {
            x[a] = &x[a][part.clone()];
        }
        for v in 0..R {
            y[v] = &y[v][part.clone()];
        }
        for k in 0..part.len() {
            let mut row = [acc[0][0]; R];
            for v in 0..R {
                row[v] = y[v][k];
            }
            for a in 0..M {
                let x = f64::splat(simd, x[a][k]);
                for v in 0..R {
                    acc[a][v] = f64::fma(simd, x, row[v], acc[a][v]);
                }
            }
        }
    }
    // each loop is small enough to be unrolled as a whole: indices into `acc` that are not constants would keep it in memory
    let out = if ends { &mut *sums } else { &mut *open };
    if ends && !fresh {
        for a in 0..M {
            for v in 0..R {
                acc[a][v] = f64::plus(simd, out[first + a * place.vectors + v], acc[a][v]);
            }
        }
    }
    for a in 0..M {
        out[first + a * place.vectors..][..R].copy_from_slice(&acc[a]);
    }
    if fresh && !ends {
        for a in 0..M {
            sums[first + a * place.vectors..][..R].fill(f64::splat(simd, 0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_pieces_give_the_same_bits() {
        for (n, d) in [(37, 700), (37, 768)] {
            let x: Vec<f64> = (0..n * d).map(|i| 1.0 / (1.0 + (i % 1009) as f64)).collect();
            for pair in [(0..37, 0..21), (21..37, 0..21), (3..11, 20..30)] {
                for isa in Isa::all() {
                    let mut space = Space::default();
                    let whole = space.block(isa, &x, d, pair.clone(), 0..d);
                    for ends in [vec![256, d], vec![1, 32, 255, 600, d], vec![300, 300, 512, 513, d]] {
                        let (mut sums, mut first) = (vec![0.0; numbers(&pair.0, &pair.1)], 0);
                        for end in ends {
                            let piece: Vec<f64> = x.chunks(d).flat_map(|row| &row[first..end]).copied().collect();
                            space.add(isa, &piece, end - first, pair.clone(), 0..end - first, first, &mut sums);
                            first = end;
                        }
                        let found = joined(&pair.0, &pair.1, d, &sums);
                        for (at, (found, expected)) in found.iter().zip(&whole).enumerate() {
                            let (i, j) = (pair.0.start + at / pair.1.len(), pair.1.start + at % pair.1.len());
                            assert!(found == expected || i < j, "{pair:?} {i} {j} {}", isa.name());
                        }
                    }
                }
            }
        }
    }
}
