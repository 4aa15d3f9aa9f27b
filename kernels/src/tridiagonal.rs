//! A symmetric matrix in tridiagonal form, by Householder's reflections: for eigenvalues of matrices that lie in L2.
//!
//! ```text
//! for k:  u = (a_kj), j > k,  its first number moved away from 0 by ‖u‖,     τ = 2/‖u‖²,     b_k² = ‖u‖² before that
//!         p = τAu,   w = p − (τ/2)⟨p,u⟩u,   A ← (1 − τuuᵀ) A (1 − τuuᵀ) = A − uwᵀ − wuᵀ
//! ```
//!
//! (Golub and Van Loan, *Matrix Computations*, ch. 8.) Both halves of A are held, so that everything runs along rows. One step changes the next row
//! alone; the rest waits for the next u, and one pass does both, three multiply-adds for each number that is read and written:
//!
//! ```text
//! for columns of four vectors:  for j > k:  a_j ← a_j − u_j w − w_j u,   p ← p + u'_j a_j        u, w, p in registers
//! ```
//!
//! `n³/3` numbers altogether. Each p is one chain over the rows, each scalar product one vector of sums.

use crate::buffer::Buffer;
use crate::isa::{Isa, wide};
use crate::lane::{Lane, padded, reduce};
use pulp::{Simd, WithSimd, as_arrays, as_arrays_mut};

const LANES: usize = <f64 as Lane>::LANES;

/// A symmetric matrix (n×n), rows of whole vectors.
#[derive(Debug)]
pub struct Symmetric {
    n: usize,
    values: Buffer<f64>,
}

impl Symmetric {
    /// Of zeros.
    pub fn zeros(n: usize) -> Self {
        Self { n, values: Buffer::zeros(n * padded::<f64>(n)) }
    }

    /// Row r (n numbers), both halves of which are to be filled.
    pub fn row_mut(&mut self, r: usize) -> &mut [f64] {
        let stride = padded::<f64>(self.n);
        &mut self.values[r * stride..][..self.n]
    }

    /// The diagonal (n) of a tridiagonal matrix with the same eigenvalues, and the squares beside it (n − 1).
    pub fn tridiagonal(self) -> (Vec<f64>, Vec<f64>) {
        self.tridiagonal_on(Isa::current())
    }

    /// [`Symmetric::tridiagonal`] on a given instruction set of this machine.
    pub fn tridiagonal_on(mut self, isa: Isa) -> (Vec<f64>, Vec<f64>) {
        let stride = padded::<f64>(self.n);
        let mut vectors = Buffer::zeros(4 * stride);
        let (mut diagonal, mut squares) = (vec![0.0; self.n], vec![0.0; self.n.saturating_sub(1)]);
        isa.run(Reduce {
            n: self.n,
            a: &mut self.values,
            vectors: &mut vectors,
            diagonal: &mut diagonal,
            squares: &mut squares,
        });
        (diagonal, squares)
    }
}

struct Reduce<'a> {
    n: usize,
    a: &'a mut [f64],
    /// u, w, the next u, and p, of a padded row each.
    vectors: &'a mut [f64],
    diagonal: &'a mut [f64],
    squares: &'a mut [f64],
}

impl WithSimd for Reduce<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { n, a, vectors, diagonal, squares } = self;
        let stride = padded::<f64>(n);
        let (mut u, rest) = vectors.split_at_mut(stride);
        let (w, rest) = rest.split_at_mut(stride);
        let (mut next, p) = rest.split_at_mut(stride);
        for k in 0..n {
            let row = &mut a[k * stride..][..stride];
            let (uk, wk) = (-u[k], -w[k]);
            for c in k / LANES * LANES..stride {
                row[c] = uk.mul_add(w[c], wk.mul_add(u[c], row[c]));
            }
            diagonal[k] = row[k];
            if k + 1 == n {
                break;
            }
            next[..=k].fill(0.0);
            next[k + 1..n].copy_from_slice(&row[k + 1..n]);
            let from = (k + 1) / LANES * LANES;
            let square = dot(simd, &next[from..], &next[from..]);
            squares[k] = square;
            if k + 2 == n {
                continue; // nothing to reflect: what waits is for the last row
            }
            let (length, first) = (square.sqrt(), next[k + 1]);
            let tau = if square > 0.0 { 1.0 / (length * (length + first.abs())) } else { 0.0 };
            next[k + 1] = first + length.copysign(first);
            let scalars = (&u[k + 1..n], &w[k + 1..n], &next[k + 1..n]);
            pass(simd, &mut a[(k + 1) * stride..], stride, scalars, (&u[from..], &w[from..]), &mut p[from..]);
            p[..k + 1].fill(0.0);
            p[from..].iter_mut().for_each(
                #[inline(always)]
                |p| *p *= tau,
            );
            let part = -0.5 * tau * dot(simd, &p[from..], &next[from..]);
            (u, next) = (next, u);
            w[..from].fill(0.0);
            for c in from..stride {
                w[c] = part.mul_add(u[c], p[c]);
            }
        }
    }
}

/// `aᵀb` of whole vectors.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [f64::splat(simd, 0.0)];
    for (a, b) in f64::vectors::<S>(a).iter().zip(f64::vectors::<S>(b)) {
        sums[0] = f64::fma(simd, *a, *b, sums[0]);
    }
    let mut lanes = [0.0; LANES];
    f64::vectors_mut::<S>(&mut lanes).copy_from_slice(&sums);
    reduce(&lanes)
}

/// A number of u, of w and of the next u for each row.
type Scalars<'a> = (&'a [f64], &'a [f64], &'a [f64]);

/// What waits for these rows, in their last columns, as many as there are numbers of u and w; and p there.
#[inline(always)]
fn pass<S: Simd>(simd: S, rows: &mut [f64], stride: usize, scalars: Scalars, (u, w): (&[f64], &[f64]), p: &mut [f64]) {
    let mut at = 0;
    while at < p.len() {
        let (columns, u, w, p) = (&mut rows[stride - p.len() + at..], &u[at..], &w[at..], &mut p[at..]);
        let left = p.len() / LANES;
        at += if wide::<S>() && left >= 4 {
            columns_of::<S, 4>(simd, columns, stride, scalars, (u, w), p)
        } else if left >= 2 {
            columns_of::<S, 2>(simd, columns, stride, scalars, (u, w), p)
        } else {
            columns_of::<S, 1>(simd, columns, stride, scalars, (u, w), p)
        };
    }
}

/// [`pass`] in the first N vectors of columns; how many numbers these are.
#[inline(always)]
fn columns_of<S: Simd, const N: usize>(
    simd: S,
    rows: &mut [f64],
    stride: usize,
    scalars: Scalars,
    (u, w): (&[f64], &[f64]),
    p: &mut [f64],
) -> usize {
    let width = N * LANES;
    let u = as_arrays::<N, _>(f64::vectors::<S>(&u[..width])).0[0];
    let w = as_arrays::<N, _>(f64::vectors::<S>(&w[..width])).0[0];
    let mut sums = [f64::splat(simd, 0.0); N];
    let scalars = scalars.0.iter().zip(scalars.1).zip(scalars.2);
    for (row, ((uj, wj), nj)) in rows.chunks_mut(stride).zip(scalars) {
        let row = &mut as_arrays_mut::<N, _>(f64::vectors_mut::<S>(&mut row[..width])).0[0];
        let (uj, wj, nj) = (f64::splat(simd, -*uj), f64::splat(simd, -*wj), f64::splat(simd, *nj));
        for v in 0..N {
            let a = f64::fma(simd, uj, w[v], f64::fma(simd, wj, u[v], row[v]));
            row[v] = a;
            sums[v] = f64::fma(simd, nj, a, sums[v]);
        }
    }
    as_arrays_mut::<N, _>(f64::vectors_mut::<S>(&mut p[..width])).0[0] = sums;
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(1 − 2vvᵀ/‖v‖²) D (1 − 2vvᵀ/‖v‖²)`, whose traces of powers are those of D.
    fn turned(d: &[f64]) -> Symmetric {
        let n = d.len();
        let v: Vec<f64> = (0..n).map(|i| 1.0 + (i * i % 7) as f64).collect();
        let square: f64 = v.iter().map(|v| v * v).sum();
        let q = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / square;
        let mut a = Symmetric::zeros(n);
        for i in 0..n {
            for j in 0..n {
                a.row_mut(i)[j] = (0..n).map(|l| q(i, l) * d[l] * q(l, j)).sum();
            }
        }
        a
    }

    /// tr A, tr A² and tr A³ stay: eigenvalues of at most 1, which the reflections move by n ε at most, and their powers by p times as much.
    #[test]
    fn traces() {
        for n in [1usize, 2, 3, 7, 8, 9, 16, 17, 33, 40, 100, 105] {
            let d: Vec<f64> = (0..n).map(|i| 0.01 + (i * 5 % 11) as f64 / 11.0).collect();
            for isa in Isa::all() {
                let (diagonal, squares) = turned(&d).tridiagonal_on(isa);
                let sum = |p: i32| d.iter().map(|d| d.powi(p)).sum::<f64>();
                let first: f64 = diagonal.iter().sum();
                let second: f64 = diagonal.iter().map(|a| a * a).sum::<f64>() + 2.0 * squares.iter().sum::<f64>();
                let beside = (1..n).map(|i| squares[i - 1] * (diagonal[i - 1] + diagonal[i])).sum::<f64>();
                let third: f64 = diagonal.iter().map(|a| a * a * a).sum::<f64>() + 3.0 * beside;
                for (p, found) in [(1, first), (2, second), (3, third)] {
                    let error = (found - sum(p)).abs();
                    assert!(error <= f64::from(p) * (n * n) as f64 * f64::EPSILON, "{n} {p} {}: {error}", isa.name());
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for n in [5usize, 31, 70] {
            let d: Vec<f64> = (0..n).map(|i| 1.0 / (i + 1) as f64).collect();
            let all: Vec<_> = Isa::all().into_iter().map(|isa| turned(&d).tridiagonal_on(isa)).collect();
            assert!(all.iter().all(|found| *found == all[0]), "{n}");
        }
    }
}
