//! The smallest eigenvalue of `√λ H √λ`, which is ν.
//!
//! All others are not needed, so the matrix A is brought to tridiagonal form T (Householder), and what is below x is
//! counted by the pivots of `T − xI`: all are positive if and only if every eigenvalue is above x (Sylvester). Bisection on [0, 1] ends
//! below the rounding of T, a few ε of `‖A‖`, which is all that the eigenvalues of A keep.

use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::prelude::default;
use faer::{Mat, dyn_stack};

/// The width at which bisection ends.
const WIDTH: f64 = f64::EPSILON / 16.0;

/// The smallest eigenvalue of a symmetric matrix with eigenvalues in [0, 1] up to rounding, from its lower half; not a number
/// for an empty one or entries that are not finite.
pub fn smallest_eigenvalue(mut a: Mat<f64>) -> f64 {
    let n = a.nrows();
    if n == 0 || (0..n).any(|c| a.col_as_slice(c)[c..].iter().any(|v| !v.is_finite())) {
        return f64::NAN;
    }
    let parallel = faer::get_global_parallelism();
    let mut reflections = Mat::zeros(1, n - 1);
    let mut memory = dyn_stack::MemBuffer::new(tridiag_in_place_scratch::<f64>(n, parallel, default()));
    let stack = dyn_stack::MemStack::new(&mut memory);
    tridiag_in_place(a.as_mut(), reflections.as_mut(), parallel, stack, default());
    let diagonal: Vec<f64> = (0..n).map(|i| a[(i, i)]).collect();
    let squares: Vec<f64> = (1..n).map(|i| a[(i, i - 1)] * a[(i, i - 1)]).collect();
    if !all_above(&diagonal, &squares, 0.0) {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, diagonal.iter().copied().fold(1.0, f64::min)); // no diagonal entry is below it
    while high - low > WIDTH {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break; // neighbours
        }
        if all_above(&diagonal, &squares, middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Whether every eigenvalue of the tridiagonal matrix, given by its diagonal and the squares beside it, is above x.
fn all_above(diagonal: &[f64], squares: &[f64], x: f64) -> bool {
    let mut pivot = diagonal[0] - x;
    for (a, b) in diagonal[1..].iter().zip(squares) {
        if pivot <= 0.0 {
            return false;
        }
        pivot = a - x - b / pivot;
    }
    pivot > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Q diag(v) Q` for a reflection Q = 1 − 2uuᵀ/‖u‖².
    fn turned(v: &[f64]) -> Mat<f64> {
        let n = v.len();
        let u = |i: usize| 1.0 + (i * i % 7) as f64;
        let size: f64 = (0..n).map(|i| u(i) * u(i)).sum();
        let q = Mat::from_fn(n, n, |r, c| f64::from(u8::from(r == c)) - 2.0 * u(r) * u(c) / size);
        let d = Mat::from_fn(n, n, |r, c| if r == c { v[r] } else { 0.0 });
        &q * &d * &q
    }

    #[test]
    fn of_matrices_whose_eigenvalues_are_known() {
        for n in [1, 2, 3, 40, 150] {
            for least in [0.0, 1e-12, 0.03, 0.5, 1.0] {
                let v: Vec<f64> = (0..n).map(|i| least + (1.0 - least) * i as f64 / n as f64).collect();
                let found = smallest_eigenvalue(turned(&v));
                // backward stable: a few n ε
                assert!((found - least).abs() <= 4.0 * (n + 4) as f64 * f64::EPSILON, "{n} {least}: {found}");
            }
        }
        assert!(smallest_eigenvalue(Mat::zeros(0, 0)).is_nan());
        assert!(smallest_eigenvalue(Mat::from_fn(2, 2, |r, _| if r == 0 { 1.0 } else { f64::NAN })).is_nan());
    }
}
