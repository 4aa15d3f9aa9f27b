//! Products, factors and solutions of dense systems, with the same bits for any number of threads.
//!
//! ```text
//! C = AB;      A = LLᵀ, LLᵀx = b;      min ‖Ax − b‖, AP = QR
//! ```
//!
//! faer splits a product with a vector, the solution of a triangular system for one and Householder's reflections by the number of threads: their bits depend on
//! it from some hundred rows on. Here these run on one thread. Products of matrices and Cholesky's factor, whose bits do not, take all threads.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul;
use faer::linalg::qr::col_pivoting;
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::prelude::default;
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};

/// Below this size threads cost more than they bring.
const PARALLEL: usize = 384;

/// All threads for matrices of this size, one for small ones.
pub fn par(size: usize) -> Par {
    if size < PARALLEL { Par::Seq } else { Par::rayon(0) }
}

/// `AB`.
pub fn product(a: MatRef<f64>, b: MatRef<f64>) -> Mat<f64> {
    let mut c = Mat::zeros(a.nrows(), b.ncols());
    matmul::matmul(&mut c, Accum::Replace, a, b, 1.0, par(a.nrows().min(b.ncols())));
    c
}

/// The lower factor in place, below the diagonal and on it; none if a pivot is not positive.
pub fn cholesky_in_place(a: MatMut<f64>) -> Option<()> {
    let (s, params) = (a.nrows(), default());
    let mut buffer = MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(s, par(s), params));
    llt::factor::cholesky_in_place(a, default(), par(s), MemStack::new(&mut buffer), params).ok()?;
    Some(())
}

/// `A = LLᵀ`.
pub struct Cholesky(Mat<f64>);

impl Cholesky {
    /// Of a symmetric matrix, whose lower half is read; none if it is not positive definite.
    pub fn new(mut a: Mat<f64>) -> Option<Self> {
        cholesky_in_place(a.as_mut())?;
        Some(Self(a))
    }

    /// `A⁻¹B`.
    pub fn solve(&self, mut b: Mat<f64>) -> Mat<f64> {
        solve_lower_triangular_in_place(self.0.as_ref(), b.as_mut(), Par::Seq);
        solve_upper_triangular_in_place(self.0.transpose(), b.as_mut(), Par::Seq);
        b
    }
}

/// The x (n×1) of least `‖Ax − b‖` for A (m×n) with m ≥ n, by its QR factor with columns in order of what is left of them.
pub fn least_squares(mut a: Mat<f64>, mut b: Mat<f64>) -> Mat<f64> {
    let ((m, n), par) = (a.shape(), Par::Seq);
    let block = recommended_block_size::<f64>(m, n);
    let mut reflections = Mat::zeros(block, m.min(n));
    let (mut forward, mut backward) = (vec![0usize; n], vec![0usize; n]);
    let mut buffer =
        MemBuffer::new(col_pivoting::factor::qr_in_place_scratch::<usize, f64>(m, n, block, par, default()));
    let stack = MemStack::new(&mut buffer);
    let (_, order) = col_pivoting::factor::qr_in_place(
        a.as_mut(),
        reflections.as_mut(),
        &mut forward,
        &mut backward,
        par,
        stack,
        default(),
    );
    let mut buffer =
        MemBuffer::new(col_pivoting::solve::solve_lstsq_in_place_scratch::<usize, f64>(m, n, block, b.ncols(), par));
    col_pivoting::solve::solve_lstsq_in_place_with_conj(
        a.as_ref(),
        reflections.as_ref(),
        a.get(..n, ..),
        order,
        Conj::No,
        b.as_mut(),
        par,
        MemStack::new(&mut buffer),
    );
    b.get(..n, ..).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: usize, cols: usize, seed: usize) -> Mat<f64> {
        let number =
            |r: usize, c: usize| ((r * 7919 + c * 104_729 + (r * c + seed) % 977) % 1009) as f64 / 1009.0 - 0.5;
        Mat::from_fn(rows, cols, |r, c| number(r, c) + if r % cols == c { 2.0 } else { 0.0 })
    }

    /// What comes out on one, two and three threads; the bits are the same.
    fn of_any_threads(f: impl Fn() -> Mat<f64> + Send + Sync) -> Mat<f64> {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(&f)
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{:?}", one.shape());
        one
    }

    fn small(x: &Mat<f64>, bound: f64) {
        assert!(x.norm_max() <= bound, "{} {bound}", x.norm_max());
    }

    #[test]
    fn products() {
        for (m, k, n) in [(1000, 300, 1), (300, 1000, 1), (4, 900, 700), (700, 900, 4), (500, 100, 400), (1, 3000, 1)] {
            let (a, b) = (numbers(m, k, 1), numbers(k, n, 2));
            let found = of_any_threads(|| product(a.as_ref(), b.as_ref()));
            let sum = |r, c| (0..k).map(|j| a[(r, j)] * b[(j, c)]).sum::<f64>();
            let worst = 2.0 * f64::EPSILON * (k * k) as f64; // numbers of at most 2.5, k of them, added in any order
            small(&Mat::from_fn(m, n, |r, c| found[(r, c)] - sum(r, c)), 6.25 * worst);
        }
    }

    #[test]
    fn factors() {
        for (size, columns) in [(300, 1), (900, 1), (900, 40), (1500, 1)] {
            let x = numbers(size, size, 3);
            let a = product(x.as_ref(), x.transpose());
            let b = numbers(size, columns, 4);
            let found = of_any_threads(|| Cholesky::new(a.clone()).expect("a definite matrix").solve(b.clone()));
            // backward stable: the residual is at most some n² ε of ‖A‖‖x‖
            let rest = product(a.as_ref(), found.as_ref()) - &b;
            let bound = 4.0 * (size * size) as f64 * f64::EPSILON * a.norm_max() * found.norm_max() * size as f64;
            small(&rest, bound);
        }
        assert!(Cholesky::new(Mat::from_fn(2, 2, |_, _| 1.0) - Mat::<f64>::identity(2, 2)).is_none());
    }

    #[test]
    fn least_squares_are_orthogonal_to_the_columns() {
        for (m, n) in [(5, 5), (100, 20), (4000, 100), (1500, 600)] {
            let (a, b) = (numbers(m, n, 5), numbers(m, 1, 6));
            let x = of_any_threads(|| least_squares(a.clone(), b.clone()));
            let rest = product(a.as_ref(), x.as_ref()) - &b;
            let bound = 8.0 * (m * n) as f64 * f64::EPSILON * (b.norm_l2() + a.norm_l2() * x.norm_l2()) * a.norm_l2();
            small(&product(a.transpose(), rest.as_ref()), bound);
        }
    }
}
