//! What samples and labels are refused for.

use super::Data;
use super::slabs::X;
use crate::error::{Error, LENGTHS, Result};

/// Refuses shapes that do not fit together, and labels that are not ±1.
pub(super) fn check(x: &X, y: &[f64]) -> Result<()> {
    if x.rows() == 0 || x.cols() == 0 {
        let found = format!("{} x {}", x.rows(), x.cols());
        return Err(Error::Shape { what: "X", found, expected: "n x d, at least 1 x 1".into() });
    }
    if y.len() != x.rows() {
        let expected = format!("n = {}", x.rows());
        return Err(Error::Shape { what: "y", found: format!("{} labels", y.len()), expected });
    }
    if let Some((sample, value)) = y.iter().enumerate().find(|(_, y)| y.abs() != 1.0) {
        return Err(Error::Label { sample, value: *value });
    }
    Ok(())
}

/// Refuses numbers that are not finite.
pub(super) fn check_finite(x: &X) -> Result<()> {
    match x.held().and_then(|x| x.not_finite()) {
        Some((sample, feature, value)) => Err(Error::NotFinite { sample, feature, value }),
        None => Ok(()),
    }
}

/// Refuses numbers that are not finite, samples whose inner products, or the products of two of these, leave the range of f64.
pub(super) fn check_lengths(norms: &[f64], x: &X) -> Result<()> {
    // in K such a sample has no finite length; every slab was looked at where it is
    if norms.len() > Data::LARGEST || norms.iter().any(|v| !v.is_finite()) {
        check_finite(x)?;
    }
    for (sample, norm) in norms.iter().enumerate().filter(|(_, v)| !LENGTHS.contains(v)) {
        let mut length = 0.0;
        x.each_row(|i, row| {
            if i == sample {
                length = crate::matrix::norm(row);
            }
        });
        if *norm != 0.0 || length != 0.0 {
            return Err(Error::Length { sample, length });
        }
    }
    Ok(())
}
