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
        match self {
            Standardize::None => Ok(()),
            Standardize::Columns => {
                columns(x);
                Ok(())
            }
            Standardize::Rows => rows(x),
        }
    }
}

fn columns(x: &mut Matrix) {
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
        let mut x = Matrix::new(2, 2, vec![3.0, 4.0, 0.0, -2.0]);
        Standardize::Rows.apply(&mut x).unwrap();
        assert_eq!(x.values(), [0.6, 0.8, 0.0, -1.0]);
        assert!(Standardize::Rows.apply(&mut Matrix::zeros(1, 2)).is_err());
        let mut x = given.clone();
        Standardize::None.apply(&mut x).unwrap();
        assert_eq!(x, given);
    }
}
