//! The Gram matrix `K = XXᵀ`.

use crate::matrix::Matrix;

/// `K = XXᵀ` (n×n, symmetric).
pub fn gram(x: &Matrix) -> Matrix {
    let n = x.rows();
    let mut k = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let dot = x.row(i).iter().zip(x.row(j)).fold(0.0, |s, (a, b)| a.mul_add(*b, s));
            (k[(i, j)], k[(j, i)]) = (dot, dot);
        }
    }
    k
}
