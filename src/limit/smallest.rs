//! The smallest eigenvalue of `√λ H √λ`, which is ν.
//!
//! All others are not needed, so the matrix A is brought to tridiagonal form T (Householder; [`farfield_kernels::tridiagonal`], and faer's where A
//! leaves the cache), and what is below x is counted by the pivots of `T − xI`: all are positive if and only if every eigenvalue is above x
//! (Sylvester). From below, x goes by Laguerre's steps,
//!
//! ```text
//! x ← x + n/(g + √((n − 1)(nh − g²))),     g = Σ 1/(μ_i − x) = −Σ d_i'/d_i,     h = Σ 1/(μ_i − x)² = Σ (d_i'² − d_i d_i'')/d_i²
//! d_i = a_i − x − q_i,   d_i' = −1 + q_i d_{i−1}'/d_{i−1},   d_i'' = q_i (d_{i−1}'' d_{i−1} − 2 d_{i−1}'²)/d_{i−1}²,   q_i = b_i²/d_{i−1}
//! ```
//!
//! which never pass the smallest μ, d_i the pivots. Bisection ends below the rounding of T, a few ε of `‖A‖`, which is all that the eigenvalues
//! of A keep.

use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::prelude::default;
use faer::{Mat, Par, dyn_stack};
use farfield_kernels::tridiagonal::Symmetric;

/// The width at which bisection ends.
const WIDTH: f64 = f64::EPSILON / 16.0;

/// Laguerre's steps at most; five are typical.
const STEPS: usize = 40;

/// The largest matrix whose both halves lie in L2: 1 MiB.
const CACHED: usize = 362;

/// The smallest eigenvalue of a symmetric matrix (n×n) with eigenvalues in [0, 1] up to rounding; not a number for an empty one or entries that
/// are not finite. `fill` writes a row of it, up to rounding the same as the column.
pub fn smallest_eigenvalue(n: usize, fill: impl Fn(usize, &mut [f64])) -> f64 {
    let (diagonal, squares) = if n <= CACHED { reduced(n, fill) } else { reduced_by_faer(n, fill) };
    if n == 0 || diagonal.iter().chain(&squares).any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    Tridiagonal { diagonal, squares }.smallest()
}

fn reduced(n: usize, fill: impl Fn(usize, &mut [f64])) -> (Vec<f64>, Vec<f64>) {
    let mut a = Symmetric::zeros(n);
    (0..n).for_each(|r| fill(r, a.row_mut(r)));
    a.tridiagonal()
}

fn reduced_by_faer(n: usize, fill: impl Fn(usize, &mut [f64])) -> (Vec<f64>, Vec<f64>) {
    let mut a = Mat::zeros(n, n);
    (0..n).for_each(|c| fill(c, a.col_as_slice_mut(c)));
    if (0..n).any(|c| a.col_as_slice(c)[c..].iter().any(|v| !v.is_finite())) {
        return (vec![f64::NAN], Vec::new());
    }
    let parallel = Par::Seq; // its products with vectors have other bits on other numbers of threads
    let mut reflections = Mat::zeros(1, n - 1);
    let mut memory = dyn_stack::MemBuffer::new(tridiag_in_place_scratch::<f64>(n, parallel, default()));
    let stack = dyn_stack::MemStack::new(&mut memory);
    tridiag_in_place(a.as_mut(), reflections.as_mut(), parallel, stack, default());
    ((0..n).map(|i| a[(i, i)]).collect(), (1..n).map(|i| a[(i, i - 1)] * a[(i, i - 1)]).collect())
}

/// A tridiagonal matrix by its diagonal and the squares beside it.
struct Tridiagonal {
    diagonal: Vec<f64>,
    squares: Vec<f64>,
}

impl Tridiagonal {
    fn smallest(&self) -> f64 {
        let mut low = 0.0;
        let mut high = self.diagonal.iter().copied().fold(1.0, f64::min); // no diagonal entry is below it
        for _ in 0..STEPS {
            let Some(step) = self.step(low) else {
                if low == 0.0 {
                    return 0.0;
                }
                break;
            };
            let next = low + step;
            if !(step > WIDTH && next > low && next < high) {
                break;
            }
            if !self.all_above(next) {
                high = next;
                break;
            }
            low = next;
        }
        let mut reach = WIDTH.max(f64::EPSILON * low);
        while high - low > WIDTH {
            let (middle, near) = (0.5 * (low + high), low + reach);
            let x = if near < middle { near } else { middle };
            if x <= low || x >= high {
                break; // neighbours
            }
            if self.all_above(x) {
                low = x
            } else {
                high = x
            }
            reach *= 8.0;
        }
        0.5 * (low + high)
    }

    /// Laguerre's step from x; none if an eigenvalue is not above it.
    fn step(&self, x: f64) -> Option<f64> {
        let mut pivot = self.diagonal[0] - x;
        let mut inverse = 1.0 / pivot;
        let (mut first, mut second) = (-inverse, 0.0); // d'/d and d''/d
        let (mut least, mut g, mut h) = (pivot, inverse, inverse * inverse);
        for (a, b) in self.diagonal[1..].iter().zip(&self.squares) {
            let q = b * inverse;
            pivot = a - x - q;
            least = if pivot < least { pivot } else { least };
            inverse = 1.0 / pivot;
            (first, second) = ((q * first - 1.0) * inverse, q * (second - 2.0 * first * first) * inverse);
            g -= first;
            h += first * first - second;
        }
        let n = self.diagonal.len() as f64;
        (least > 0.0).then(|| n / (g + ((n - 1.0) * (n * h - g * g).max(0.0)).sqrt()))
    }

    /// Whether every eigenvalue is above x.
    fn all_above(&self, x: f64) -> bool {
        let mut pivot = self.diagonal[0] - x;
        for (a, b) in self.diagonal[1..].iter().zip(&self.squares) {
            if pivot <= 0.0 {
                return false;
            }
            pivot = a - x - b / pivot;
        }
        pivot > 0.0
    }
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

    fn smallest(a: &Mat<f64>) -> f64 {
        smallest_eigenvalue(a.nrows(), |r, row| row.copy_from_slice(a.col_as_slice(r)))
    }

    #[test]
    fn of_matrices_whose_eigenvalues_are_known() {
        for n in [1, 2, 3, 40, 150, CACHED + 1] {
            for least in [0.0, 1e-12, 0.03, 0.5, 1.0] {
                for power in [0, 1, 3] {
                    // all but one in the same place, in even steps, or crowded below
                    let part = |i: usize| if i == 0 { 0.0 } else { (i as f64 / n as f64).powi(power) };
                    let v: Vec<f64> = (0..n).map(|i| least + (1.0 - least) * part(i)).collect();
                    let found = smallest(&turned(&v));
                    // backward stable: a few n ε
                    assert!((found - least).abs() <= 4.0 * (n + 4) as f64 * f64::EPSILON, "{n} {least}: {found}");
                }
            }
        }
        assert!(smallest(&Mat::zeros(0, 0)).is_nan());
        assert!(smallest(&Mat::from_fn(2, 2, |r, _| if r == 0 { 1.0 } else { f64::NAN })).is_nan());
    }

    #[test]
    fn of_any_number_of_threads() {
        let a = turned(&(0..900).map(|i| 1e-3 + f64::from(i) / 1000.0).collect::<Vec<f64>>());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| smallest(&a)).to_bits()
        };
        assert!(on(1) == on(2) && on(1) == on(3));
    }

    /// The answer is where the count of pivots changes.
    #[test]
    fn of_tridiagonal_matrices_by_bisection() {
        for n in [1usize, 2, 7, 60] {
            for scale in [1e-9, 0.1, 0.25] {
                let diagonal: Vec<f64> = (0..n).map(|i| 0.5 + 0.01 * (i % 3) as f64).collect();
                let squares = (1..n).map(|i| scale * scale * (1.0 + (i % 5) as f64) / 5.0).collect();
                let matrix = Tridiagonal { diagonal, squares };
                let (mut low, mut high) = (0.0, 1.0);
                while 0.5 * (low + high) > low && 0.5 * (low + high) < high {
                    let middle = 0.5 * (low + high);
                    if matrix.all_above(middle) { low = middle } else { high = middle }
                }
                assert!((matrix.smallest() - low).abs() <= 4.0 * f64::EPSILON, "{n} {scale}: {low}");
            }
        }
    }
}
