//! Blocks of `K = XXᵀ`, the Gram matrix of n samples, summed over a range of columns.
//!
//! ```text
//! for each block of K: up to 104 rows I by up to 104 rows J ≤ I      threads take blocks
//!   for each group of 256 columns of X
//!     copy the rows J into slivers                                    208 KiB, in L2
//!     for each 12 rows of I, 4 of J, and 4 of these 12, on or below the diagonal
//!       sums[r][s] += Σ_v X[i+r][v]·X[j+s][v]      8 loads for 16 multiply-adds of vectors
//!   add the lanes of the sums                                         676 KiB, in L2
//! ```
//!
//! Lanes run along the columns: each element of K is a vector of partial sums, one per lane, whose
//! lanes are added by halves at the end. The rows I are read where they are, the next group of all rows is
//! asked for meanwhile. `n²·d` flops; X is read about n/104 times. Nothing depends on other blocks, so threads
//! meet only when all are done. Slivers at the end of four rows J that are all zero add nothing, and are left out: half of the work for the
//! triangular X of samples in rotated coordinates.

use crate::buffer::Buffer;
use crate::hint::fetch;
use crate::isa::{Isa, wide};
use crate::lane::{Lane, reduce};
use crate::slab::SLIVER;
use pulp::{Simd, WithSimd, as_arrays, as_arrays_mut};
use std::ops::Range;

/// Most rows of a block: 104² sums of 64 bytes are 676 KiB, which a 1 MiB L2 holds beside the rows J. (Measured:
/// 64 rows read X too often, 128 leave L2; a copy of the rows I, or 6·4 sums in registers, was slower.)
pub const ROWS: usize = 104;
/// Columns of a group: 104 rows of them are 208 KiB.
pub const COLUMNS: usize = 256;
/// Cache lines asked for at a time.
const AHEAD: usize = 16;
/// Rows of a register tile: 4·4 sums.
const TILE: usize = 4;
/// Tiles of I that use a tile of J while it is in the first cache: 8 KiB each.
const BAND: usize = 3;

const LANES: usize = <f64 as Lane>::LANES;
/// Numbers in a row of a sliver.
const WIDTH: usize = SLIVER * LANES;

/// The rows of each block of rows of an n×n matrix, of nearly equal sizes.
pub fn blocks(n: usize) -> Vec<Range<usize>> {
    crate::split(n.div_ceil(TILE), ROWS / TILE)
        .map(|(first, count)| first * TILE..n.min((first + count) * TILE))
        .collect()
}

/// Work space of one thread.
#[derive(Debug, Default)]
pub struct Space {
    slivers: Buffer<f64>,
    padded: Buffer<f64>,
    sums: Buffer<f64>,
}

impl Space {
    /// `Σ_k x_ik x_jk` over `columns` for the rows I and J of X (rows of `d` numbers), row-major I×J. On the
    /// diagonal, where I = J, what lies above it is not computed.
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
        let part = &mut sums[..count];
        self.carry(isa, x, d, (i.clone(), j.clone()), columns, part, true);
        let out = added(isa, &i, &j, part, i == j);
        self.sums = sums;
        out
    }

    /// Adds the products over `columns` to the sums of a block, [`numbers`] of them, a vector of lanes each. Columns
    /// that are added piece by piece, in order and in pieces of whole vectors of lanes, give the same bits as at once.
    pub fn add(
        &mut self,
        isa: Isa,
        x: &[f64],
        d: usize,
        (i, j): (Range<usize>, Range<usize>),
        columns: Range<usize>,
        sums: &mut [f64],
    ) {
        self.carry(isa, x, d, (i, j), columns, sums, false);
    }

    /// [`Space::add`], or where they `begin`, the products instead of whatever the sums were.
    #[expect(clippy::too_many_arguments, reason = "those of a block, and what is done with it")]
    fn carry(
        &mut self,
        isa: Isa,
        x: &[f64],
        d: usize,
        (i, j): (Range<usize>, Range<usize>),
        columns: Range<usize>,
        sums: &mut [f64],
        mut begin: bool,
    ) {
        let diagonal = i == j;
        let tiles = (i.len().div_ceil(TILE), j.len().div_ceil(TILE));
        let room = (tiles.0.max(tiles.1) * TILE) * columns.len().min(COLUMNS).next_multiple_of(WIDTH);
        for (buffer, room) in [(&mut self.slivers, room), (&mut self.padded, if diagonal { 0 } else { room })] {
            if buffer.len() < room {
                *buffer = Buffer::zeros(room);
            }
        }
        let rows = |rows: &Range<usize>, columns: Range<usize>| {
            let columns = columns.start.min(d)..columns.end.min(d);
            Rows { x, stride: d, rows: rows.clone(), columns }
        };
        for first in columns.clone().step_by(COLUMNS) {
            let (group, next) = (first..columns.end.min(first + COLUMNS), first + COLUMNS..first + 2 * COLUMNS);
            let (left, right) = (rows(&i, group.clone()), rows(&j, group));
            let in_place = diagonal || left.columns.len().is_multiple_of(WIDTH);
            let left = if in_place { left } else { left.padded(&mut self.padded) };
            let next = [rows(&i, next.clone()), rows(if diagonal { &(0..0) } else { &j }, next)];
            isa.run(Group { left, right, next, slivers: &mut self.slivers, tiles, diagonal, begin, sums });
            begin = false;
        }
    }
}

/// Numbers of the sums of a block of rows I by rows J.
pub fn numbers(i: &Range<usize>, j: &Range<usize>) -> usize {
    i.len().div_ceil(TILE) * j.len().div_ceil(TILE) * TILE * TILE * LANES
}

/// The block, row-major I×J, from its sums: their lanes are added.
pub fn joined(isa: Isa, i: &Range<usize>, j: &Range<usize>, sums: &[f64]) -> Vec<f64> {
    added(isa, i, j, sums, false)
}

/// [`joined`], on the diagonal of K without what lies above it.
fn added(isa: Isa, i: &Range<usize>, j: &Range<usize>, sums: &[f64], diagonal: bool) -> Vec<f64> {
    let mut out = vec![0.0; i.len() * j.len()];
    isa.run(AddLanes { sums, tiles: j.len().div_ceil(TILE), width: j.len(), diagonal, out: &mut out });
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

    /// A copy with zeros up to whole slivers.
    fn padded<'b>(&self, out: &'b mut [f64]) -> Rows<'b> {
        let (used, stride) = (self.columns.len(), self.columns.len().next_multiple_of(WIDTH));
        for (r, out) in out.chunks_exact_mut(stride).enumerate().take(self.rows.len()) {
            out[..used].copy_from_slice(self.row(r));
            out[used..].fill(0.0);
        }
        Rows { x: out, stride, rows: 0..self.rows.len(), columns: 0..stride }
    }

    /// Writes the rows as slivers, `[sliver][row][4 vectors]`, zero beyond the columns; the last row is repeated
    /// up to whole tiles. Says how many slivers of each tile are not all zero at their end.
    #[inline(always)]
    fn cut<'b>(&self, out: &'b mut [f64]) -> (&'b [f64], [usize; ROWS / TILE]) {
        let height = self.rows.len().next_multiple_of(TILE);
        let slivers = self.columns.len().div_ceil(WIDTH);
        let out = out.as_chunks_mut::<WIDTH>().0;
        let mut used = [0; ROWS / TILE];
        for r in 0..height {
            let (whole, rest) = self.row(r).as_chunks::<WIDTH>();
            let mut own = if any(rest) { slivers } else { whole.len() };
            while own > 0 && own <= whole.len() && !any(&whole[own - 1]) {
                own -= 1;
            }
            used[r / TILE] = own.max(used[r / TILE]);
            for (s, sliver) in whole.iter().enumerate() {
                out[s * height + r] = *sliver;
            }
            if whole.len() < slivers {
                let end = &mut out[whole.len() * height + r];
                end.fill(0.0);
                end[..rest.len()].copy_from_slice(rest);
            }
        }
        (out[..slivers * height].as_flattened(), used)
    }
}

/// Whether a number is not zero.
#[inline(always)]
fn any(numbers: &[f64]) -> bool {
    let mut bits = 0;
    for v in numbers {
        bits |= v.to_bits() << 1;
    }
    bits != 0
}

/// A group of columns of a block: rows I where they are, rows J, and what to ask for meanwhile.
struct Group<'a> {
    left: Rows<'a>,
    right: Rows<'a>,
    next: [Rows<'a>; 2],
    slivers: &'a mut [f64],
    tiles: (usize, usize),
    diagonal: bool,
    begin: bool,
    sums: &'a mut [f64],
}

type Row<S> = [<f64 as Lane>::V<S>; SLIVER];

impl<'a> WithSimd for Group<'a> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, right, next, slivers, tiles, diagonal, begin, sums } = self;
        let (right, used) = right.cut(slivers);
        let right = as_arrays::<SLIVER, _>(f64::vectors::<S>(right)).0;
        let right = as_arrays::<TILE, _>(right).0;
        let sums = as_arrays_mut::<TILE, _>(as_arrays_mut::<TILE, _>(f64::vectors_mut::<S>(sums)).0).0;
        let count = if diagonal { tiles.0 * (tiles.0 + 1) / 2 } else { tiles.0 * tiles.1 };
        let lines = |rows: Rows<'a>| (0..rows.rows.len()).flat_map(move |r| rows.row(r).chunks(AHEAD * LANES));
        let rows = next[0].rows.len() + next[1].rows.len();
        let mut soon = next.into_iter().flat_map(lines);
        let each = (rows * (COLUMNS / LANES / AHEAD)).div_ceil(count);
        for first in (0..tiles.0).step_by(BAND) {
            let band = first..tiles.0.min(first + BAND);
            let mut rows = [[&right[0][..0]; TILE]; BAND];
            for (i, rows) in band.clone().zip(&mut rows).filter(|_| !diagonal) {
                for r in 0..TILE {
                    rows[r] = as_arrays::<SLIVER, _>(f64::vectors::<S>(left.row(i * TILE + r))).0;
                }
            }
            for j in 0..if diagonal { band.end } else { tiles.1 } {
                for (i, rows) in band.clone().zip(&rows).filter(|(i, _)| !diagonal || *i >= j) {
                    for lines in soon.by_ref().take(each) {
                        lines.chunks(LANES).for_each(|line| fetch(&line[0]));
                    }
                    let left = if diagonal { Left::Cut(&right[i..]) } else { Left::Rows(*rows) };
                    let right = (&right[j..], used[j]);
                    let sums = &mut sums[i * tiles.1 + j];
                    if wide::<S>() {
                        tile::<S, 4>(simd, left, right, tiles.1, (0, 0), begin, sums);
                    } else {
                        for (r, s) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
                            tile::<S, 2>(simd, left, right, tiles.1, (r, s), begin, sums);
                        }
                    }
                }
            }
        }
    }
}

/// From the sums of all tiles to the elements of the block, row-major.
struct AddLanes<'a> {
    sums: &'a [f64],
    tiles: usize,
    width: usize,
    diagonal: bool,
    out: &'a mut [f64],
}

impl WithSimd for AddLanes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let sums = self.sums.as_chunks::<LANES>().0.as_chunks::<TILE>().0.as_chunks::<TILE>().0;
        for (r, out) in self.out.chunks_exact_mut(self.width).enumerate() {
            let tiles = &sums[r / TILE * self.tiles..][..if self.diagonal { r / TILE + 1 } else { self.tiles }];
            for (out, tile) in out.chunks_mut(TILE).zip(tiles) {
                for (out, lanes) in out.iter_mut().zip(&tile[r % TILE]) {
                    *out = reduce(lanes);
                }
            }
        }
    }
}

/// The rows I of a tile: where they are, or on the diagonal, where they are the rows J of another tile, as those are cut, so that lines of
/// the cache begin where vectors do.
#[derive(Clone, Copy)]
enum Left<'a, S: Simd> {
    Rows([&'a [Row<S>]; TILE]),
    Cut(&'a [[Row<S>; TILE]]),
}

/// M×M elements of a tile, from (r, s) on, over the slivers of the rows J that are `used`; `begin` instead of what was there.
#[inline(always)]
fn tile<S: Simd, const M: usize>(
    simd: S,
    left: Left<S>,
    (right, used): (&[[Row<S>; TILE]], usize),
    height: usize,
    (r, s): (usize, usize),
    begin: bool,
    sums: &mut [[<f64 as Lane>::V<S>; TILE]; TILE],
) {
    let mut acc = [[f64::splat(simd, 0.0); M]; M];
    if !begin {
        for a in 0..M {
            for b in 0..M {
                acc[a][b] = sums[r + a][s + b];
            }
        }
    }
    let right = right.iter().step_by(height).take(used);
    match left {
        Left::Rows(left) => {
            let count = left[0].len();
            let mut x = [&left[0][..0]; M];
            for a in 0..M {
                x[a] = &left[r + a][..count];
            }
            for (k, y) in (0..count).zip(right) {
                let mut row = [&x[0][k]; M];
                for a in 0..M {
                    row[a] = &x[a][k];
                }
                add_products(simd, row, y, s, &mut acc);
            }
        }
        Left::Cut(left) => {
            for (x, y) in left.iter().step_by(height).zip(right) {
                let mut row = [&x[r]; M];
                for a in 0..M {
                    row[a] = &x[r + a];
                }
                add_products(simd, row, y, s, &mut acc);
            }
        }
    }
    for a in 0..M {
        for b in 0..M {
            sums[r + a][s + b] = acc[a][b];
        }
    }
}

/// Adds the products of M rows of a sliver with M others, from `s` on.
#[inline(always)]
fn add_products<S: Simd, const M: usize>(
    simd: S,
    x: [&Row<S>; M],
    y: &[Row<S>; TILE],
    s: usize,
    acc: &mut [[<f64 as Lane>::V<S>; M]; M],
) {
    for v in 0..SLIVER {
        for a in 0..M {
            for b in 0..M {
                acc[a][b] = f64::fma(simd, x[a][v], y[s + b][v], acc[a][b]);
            }
        }
    }
}
