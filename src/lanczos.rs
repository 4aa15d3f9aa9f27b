//! The largest eigenvalue of a symmetric positive semidefinite operator, by Lanczos iteration.
//!
//! `A V_k = V_k T_k + β_k v_{k+1} e_kᵀ` with full reorthogonalization (two passes of Gram–Schmidt, each with all products first);
//! the largest eigenvalue of the tridiagonal `T_k` rises to λmax (Golub and Van Loan, *Matrix
//! Computations*, ch. 10). Every sum is one chain of fused multiply-adds in index order, the start
//! vector and the stopping rule depend on n alone: the same bits on every machine.

use crate::error::Result;
use crate::watch::{Phase, Watch};
use farfield_kernels::dense::carry_combine;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};

/// Steps taken at most; the residual bound is far below the tolerance long before on data matrices.
const STEPS: usize = 300;
/// Stop once the Ritz value's residual bound `β_k |s_k|` falls below this fraction of it.
const TOLERANCE: f64 = 1e-7;
/// That is looked at after every so many steps.
const CHECKED: usize = 4;

/// λmax of the n×n operator `apply`; relative error about `TOLERANCE²` (the error of a Ritz value is
/// quadratic in its residual). 0 for the zero operator.
pub fn largest_eigenvalue(n: usize, apply: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
    largest_eigenvalue_watched(n, apply, &Watch::default()).expect("nobody can stop this watch")
}

/// [`largest_eigenvalue`], seen from another thread.
///
/// # Errors
/// [`crate::Error::Stopped`], at the next product.
pub fn largest_eigenvalue_watched(n: usize, apply: impl Fn(&[f64]) -> Vec<f64>, watch: &Watch) -> Result<f64> {
    watch.begin(Phase::Eigenvalue, STEPS.min(n) as u64);
    // Irregular enough not to be orthogonal to an eigenvector of structured data.
    let start =
        |i: usize| 1.0 + ((i as f64 * 0.618_033_988_749_894_9) % 1.0) - if i.is_multiple_of(2) { 0.0 } else { 2.0 };
    let mut basis = Basis::default();
    basis.push(&normalized((0..n).map(start).collect()).0);
    let (mut alpha, mut beta, mut scale) = (Vec::new(), Vec::new(), 0f64);
    for k in 0..STEPS.min(n) {
        watch.check()?;
        let mut next = apply(&basis.vectors[k * n..][..n]);
        watch.advance(1);
        // the first overlap with the last vector is its diagonal element
        alpha.push(basis.orthogonalize(&mut next));
        let (next, length) = normalized(next);
        scale = scale.max(alpha[k]).max(length);
        if length <= f64::EPSILON * scale {
            break;
        }
        if (k + 1) % CHECKED == 0 {
            let top = tridiagonal_top(&alpha, &beta);
            if length * last_component(&alpha, &beta, top) <= TOLERANCE * top {
                return Ok(top);
            }
        }
        beta.push(length);
        basis.push(&next);
    }
    Ok(tridiagonal_top(&alpha, &beta[..alpha.len().saturating_sub(1)]))
}

/// `aᵀb`.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    Isa::current().dispatch(Dot { a, b })
}

struct Dot<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl WithSimd for Dot<'_> {
    type Output = f64;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        chain(self.a, self.b)
    }
}

/// Vectors, one after the other and eight side by side.
#[derive(Default)]
struct Basis {
    vectors: Vec<f64>,
    count: usize,
    /// Number i of eight vectors in row i; 0 where there are none yet.
    eights: Vec<Vec<[f64; 8]>>,
}

impl Basis {
    fn push(&mut self, v: &[f64]) {
        let lane = self.count % 8;
        if lane == 0 {
            self.eights.push(vec![[0.0; 8]; v.len()]);
        }
        self.eights.last_mut().into_iter().flatten().zip(v).for_each(|(row, v)| row[lane] = *v);
        self.vectors.extend_from_slice(v);
        self.count += 1;
    }

    /// Takes the parts along the basis from a vector, twice; says how long the part along the last one was at first.
    fn orthogonalize(&self, next: &mut [f64]) -> f64 {
        let (mut parts, mut last) = ([0.0; STEPS.next_multiple_of(32)], 0.0);
        for pass in 0..2 {
            Isa::current().dispatch(Parts { basis: self, next, parts: &mut parts });
            last = if pass == 0 { parts[self.count - 1] } else { last };
            parts[..self.count].iter_mut().for_each(|part| *part = -*part);
            carry_combine(&parts[..self.count], &self.vectors, next.len(), next);
        }
        last
    }
}

/// The products of a vector with those of a basis.
struct Parts<'a> {
    basis: &'a Basis,
    next: &'a [f64],
    parts: &'a mut [f64],
}

impl WithSimd for Parts<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (eights, sums) in self.basis.eights.chunks(4).zip(self.parts.chunks_exact_mut(32)) {
            match eights {
                [a, b, c, d] => chains([a, b, c, d], self.next, sums),
                _ => eights.iter().zip(sums.chunks_exact_mut(8)).for_each(
                    #[inline(always)]
                    |(a, sums)| chains([a], self.next, sums),
                ),
            }
        }
    }
}

/// The products of a vector with 8N others, each one chain.
#[inline(always)]
fn chains<const N: usize>(eights: [&Vec<[f64; 8]>; N], next: &[f64], out: &mut [f64]) {
    let mut sums = [[0.0; 8]; N];
    for i in 0..next.len() {
        for b in 0..N {
            for lane in 0..8 {
                sums[b][lane] = next[i].mul_add(eights[b][i][lane], sums[b][lane]);
            }
        }
    }
    out.copy_from_slice(sums.as_flattened());
}

/// One chain in the order of the indices.
#[inline(always)]
fn chain(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for k in 0..a.len().min(b.len()) {
        sum = a[k].mul_add(b[k], sum);
    }
    sum
}

fn normalized(mut v: Vec<f64>) -> (Vec<f64>, f64) {
    let length = dot(&v, &v).sqrt();
    if length > 0.0 {
        v.iter_mut().for_each(|x| *x /= length);
    }
    (v, length)
}

/// Largest eigenvalue of the tridiagonal matrix, by bisection on Sturm sequences.
fn tridiagonal_top(alpha: &[f64], beta: &[f64]) -> f64 {
    let k = alpha.len();
    let radius = |i: usize| if i > 0 { beta[i - 1] } else { 0.0 } + if i + 1 < k { beta[i] } else { 0.0 };
    let mut high = (0..k).map(|i| alpha[i] + radius(i)).fold(0.0, f64::max);
    let mut low = alpha.iter().copied().fold(0.0, f64::max);
    while high - low > 2.0 * f64::EPSILON * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if all_below(alpha, beta, middle) { high = middle } else { low = middle }
    }
    high
}

/// Whether every eigenvalue is below x: all pivots of `T - xI` are negative.
fn all_below(alpha: &[f64], beta: &[f64], x: f64) -> bool {
    let mut pivot = alpha[0] - x;
    for i in 1..alpha.len() {
        if pivot >= 0.0 {
            return false;
        }
        pivot = alpha[i] - x - beta[i - 1] * beta[i - 1] / pivot;
    }
    pivot < 0.0
}

/// `|s_k|`: last component of the unit eigenvector of T for its largest eigenvalue, by the recurrence
/// from the last row up, which is stable for the extreme eigenvalue.
fn last_component(alpha: &[f64], beta: &[f64], top: f64) -> f64 {
    let k = alpha.len();
    let (mut after, mut here, mut squares) = (0.0, 1.0, 1.0);
    for i in (1..k).rev() {
        let next_beta = if i + 1 < k { beta[i] } else { 0.0 };
        let before = ((top - alpha[i]) * here - next_beta * after) / beta[i - 1];
        (after, here) = (here, before);
        squares += here * here;
        if squares >= 1e200 {
            return 0.0;
        }
    }
    1.0 / squares.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagonal_and_rank_one() {
        let diagonal = |v: &[f64]| v.iter().enumerate().map(|(i, v)| v * (i + 1) as f64).collect::<Vec<_>>();
        let top = largest_eigenvalue(500, diagonal);
        assert!((top / 500.0 - 1.0).abs() < 1e-12, "{top}");
        let ones = |v: &[f64]| vec![v.iter().sum::<f64>(); v.len()];
        assert!((largest_eigenvalue(9, ones) - 9.0).abs() < 1e-13);
        assert_eq!(largest_eigenvalue(4, |v| vec![0.0; v.len()]), 0.0);
        assert!((largest_eigenvalue(1, |v| vec![3.0 * v[0]]) - 3.0).abs() < 1e-15);
    }
}
