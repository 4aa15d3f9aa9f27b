//! Shifting and scaling of samples from files.

use crate::error::{Error, Result};
use crate::matrix::{Matrix, norm};
use serde::{Deserialize, Serialize};

/// How samples are standardized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standardize {
    /// Not at all.
    #[default]
    None,
    /// Each column (feature) to mean 0 and variance 1 (divisor n); a constant column becomes 0.
    Columns,
    /// Each row (sample) to unit Euclidean norm.
    Rows,
}

impl Standardize {
    /// Standardizes X (n×d) in place. Sums run over the rows in their order.
    ///
    /// # Errors
    /// [`Error::Length`]: a row of zeros has no direction.
    pub fn apply(self, x: &mut Matrix) -> Result<()> {
        self.apply_beside(x, &mut Matrix::zeros(0, x.cols()))
    }

    /// [`Standardize::apply`], and the same to samples that were held out (p×d): their columns are shifted and scaled as those
    /// of X are, from which alone mean and variance are learnt; a column that is constant in X is only shifted there.
    ///
    /// # Errors
    /// As [`Standardize::apply`], for a row of either.
    pub fn apply_beside(self, x: &mut Matrix, held_out: &mut Matrix) -> Result<()> {
        match self {
            Standardize::None => Ok(()),
            Standardize::Columns => {
                columns(x, held_out);
                Ok(())
            }
            Standardize::Rows => rows(x).and_then(|()| rows(held_out)),
        }
    }
}

fn columns(x: &mut Matrix, held_out: &mut Matrix) {
    let (n, d) = (x.rows(), x.cols());
    let count = n as f64;
    // the first row as origin: a constant column then deviates by exactly 0
    let origin = if n > 0 { x.row(0).to_vec() } else { return };
    let (mut mean, mut spread) = (vec![0.0f64; d], vec![0.0f64; d]);
    for i in 0..n {
        mean.iter_mut().zip(x.row(i)).zip(&origin).for_each(|((m, v), o)| *m += (v - o) / count);
    }
    for i in 0..n {
        for (k, v) in x.row_mut(i).iter_mut().enumerate() {
            *v = (*v - origin[k]) - mean[k];
            spread[k] = v.mul_add(*v / count, spread[k]);
        }
    }
    let scale: Vec<f64> = spread.iter().map(|s| if *s > 0.0 { s.sqrt() } else { 1.0 }).collect();
    for i in 0..n {
        x.row_mut(i).iter_mut().zip(&scale).for_each(|(v, s)| *v /= s);
    }
    for i in 0..held_out.rows() {
        let of_columns = origin.iter().zip(&mean).zip(&scale);
        held_out.row_mut(i).iter_mut().zip(of_columns).for_each(|(v, ((o, m), s))| *v = (*v - o - m) / s);
    }
}

fn rows(x: &mut Matrix) -> Result<()> {
    for i in 0..x.rows() {
        let length = norm(x.row(i));
        if length == 0.0 {
            return Err(Error::Length { sample: i, length });
        }
        x.row_mut(i).iter_mut().for_each(|v| *v /= length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_rows() {
        let given = Matrix::new(3, 3, vec![1.0, 0.1, 2.0, 3.0, 0.1, 2.0, 5.0, 0.1, 8.0]);
        let mut x = given.clone();
        Standardize::Columns.apply(&mut x).unwrap();
        let root = 1.5f64.sqrt();
        let expected = [-root, 0.0, -0.5f64.sqrt(), 0.0, 0.0, -0.5f64.sqrt(), root, 0.0, 2f64.sqrt()];
        for (a, b) in x.values().iter().zip(expected) {
            assert!((a - b).abs() < 1e-15);
        }
        // a sample that was held out is moved as its equal in X is
        let (mut again, mut other) = (given.clone(), Matrix::new(2, 3, vec![5.0, 0.1, 8.0, 7.0, 0.5, 2.0]));
        Standardize::Columns.apply_beside(&mut again, &mut other).unwrap();
        assert_eq!((again, other.row(0)), (x.clone(), x.row(2)));
        assert!((other[(1, 0)] - 2.0 * root).abs() < 1e-15 && other[(1, 1)] == 0.4 && other[(1, 2)] == x[(0, 2)]);
        let mut x = Matrix::new(2, 2, vec![3.0, 4.0, 0.0, -2.0]);
        assert!(Standardize::Rows.apply_beside(&mut x.clone(), &mut Matrix::zeros(1, 2)).is_err());
        Standardize::Rows.apply(&mut x).unwrap();
        assert_eq!(x.values(), [0.6, 0.8, 0.0, -1.0]);
        assert!(Standardize::Rows.apply(&mut Matrix::zeros(1, 2)).is_err());
        let mut x = given.clone();
        Standardize::None.apply(&mut x).unwrap();
        assert_eq!(x, given);
    }
}
