//! The boundary of a limit: from λ where that is claimed, and as it was written.

use super::Case;
use super::dual::read as read_dual;
use farfield::claims::{ROUNDOFF, Seen, roundings};
use farfield::limit::combination;
use farfield::matrix::norm;

/// A boundary that is a plane.
pub struct Plane {
    /// w̄ (d).
    pub boundary: Vec<f64>,
    /// What rounding leaves of it, and of a product with a vector of length 1: those of the run and of the check.
    pub error: f64,
}

/// Reads it; boundary.npy, where it is there, has to be that of λ.
pub fn read(case: &Case, seen: &Seen) -> Result<Plane, String> {
    let (n, d, m) = (seen.y.len(), seen.x.cols(), seen.network.width);
    let ku = roundings(n, d, m) * ROUNDOFF;
    let (b, boundary) = match case.rows("margin") {
        Ok(free) => {
            let stored = read_dual(case, free, seen)?;
            let mean = |i: usize| (0..m).map(|j| stored.bracket.slope(i, j).hi).sum::<f64>() / m as f64;
            let b: Vec<f64> = (0..n).map(|i| stored.dual[i] * seen.y[i] * mean(i)).collect();
            let found = combination(&b, seen.x);
            (Some(b), found)
        }
        Err(_) => (None, case.vector("boundary.npy", d)?),
    };
    let length = norm(&boundary);
    let sizes = b.map_or(length, |b| b.iter().zip(&seen.norms).map(|(b, x)| b.abs() * x).sum());
    if case.has("boundary.npy") {
        let written = case.vector("boundary.npy", d)?;
        let apart: Vec<f64> = written.iter().zip(&boundary).map(|(a, b)| a - b).collect();
        let distance = norm(&apart);
        if distance.is_nan() || distance > ku * sizes {
            return Err(format!("boundary.npy is {distance:.1e} away from the boundary of λ"));
        }
    }
    Ok(Plane { boundary, error: ku * sizes })
}
