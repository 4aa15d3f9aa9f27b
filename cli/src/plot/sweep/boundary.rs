//! Boundaries of the theory in a sweep of a mixture, from the configuration of each cell.
//!
//! ```text
//! n‖μ‖²/tr Σ = 1            weak signal below, strong above: the phase transition
//! n‖μ‖⁴/(‖Σ‖ tr Σ) = 1      far below it, at weak signal, overfitting is proved not to be benign: the test error stays near ½
//! ```
//!
//! The theorems hold up to constants; these are the lines of constant 1. Between cells they are where the logarithm of the ratio,
//! taken to be linear there, is 0.

use super::cells::Cells;
use crate::config::{Clusters, Source};
use crate::setup;
use toml::Value;

/// The name of the phase transition.
pub const SIGNAL: &str = "n‖μ‖² = tr Σ";
/// The name of the boundary beyond which overfitting is not benign.
pub const BENIGN: &str = "n‖μ‖⁴ = ‖Σ‖ tr Σ";

/// What the lines mean.
pub const CAPTION: &str = "Lines of the theory, where they cross the figure: n|mu|^2 = tr Sigma, the phase transition between weak \
                           and strong signal; n|mu|^4 = |Sigma| tr Sigma, far on whose weak side the error stays near 1/2 and \
                           overfitting is not benign (the theorems hold up to constants, which are 1 here).";

/// The most eigenvalues that are looked at for a line.
const MOST: u64 = 10_000_000;

/// n, ‖μ‖², tr Σ, ‖Σ‖ of a cell; none for data from files and for an xor.
fn mixture(cells: &Cells, row: usize) -> Option<(f64, f64, f64, f64)> {
    let data = cells.config(row)?.data;
    if !matches!(data.source, Source::Mixture) || data.clusters == Clusters::Xor {
        return None;
    }
    let (trace, norm) = match data.spectrum.as_str() {
        "identity" => (data.d as f64, 1.0),
        _ if data.d > MOST => return None,
        text => {
            let list = setup::spectrum(text, data.d as usize).ok()?;
            (list.iter().sum(), list.iter().copied().fold(0.0, f64::max))
        }
    };
    Some((data.n as f64, data.signal * data.signal, trace, norm))
}

/// log₁₀ of n‖μ‖²/tr Σ.
pub fn signal(cells: &Cells, row: usize) -> Option<f64> {
    let (n, energy, trace, _) = mixture(cells, row)?;
    Some((n * energy / trace).log10()).filter(|v| v.is_finite())
}

/// log₁₀ of n‖μ‖⁴/(‖Σ‖ tr Σ).
pub fn benign(cells: &Cells, row: usize) -> Option<f64> {
    let (n, energy, trace, norm) = mixture(cells, row)?;
    Some((n * energy * energy / (norm * trace)).log10()).filter(|v| v.is_finite())
}

/// Where a logarithm crosses 0 along a key, if it does once.
pub fn crossing(
    cells: &Cells,
    x: &str,
    rows: &[usize],
    places: &[(Value, f64)],
    of: fn(&Cells, usize) -> Option<f64>,
) -> Option<f64> {
    let value = |(v, place): &(Value, f64)| {
        let row = rows.iter().find(|row| cells.value(**row, x) == v)?;
        Some((*place, of(cells, *row)?))
    };
    let known: Vec<(f64, f64)> = places.iter().filter_map(value).collect();
    let mut found = known.windows(2).filter(|w| (w[0].1 < 0.0) != (w[1].1 < 0.0)).map(|w| zero(w[0], w[1]));
    found.next().filter(|_| found.next().is_none())
}

/// The zero of the line through two points.
fn zero(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 + (b.0 - a.0) * a.1 / (a.1 - b.1)
}

/// A point of a grid, and its number.
type Corner = ((f64, f64), f64);

/// The pieces of the level 0 of numbers at the points of a grid, `values[row][column]` at `(x[column], y[row])`: linear along
/// the sides of its rectangles, of which a piece joins the two that it crosses, or, where it crosses all four, the nearer pairs.
pub fn level(x: &[f64], y: &[f64], values: &[Vec<Option<f64>>]) -> Vec<[(f64, f64); 2]> {
    let mut pieces = Vec::new();
    for row in 1..y.len() {
        for column in 1..x.len() {
            let corners = [(column - 1, row - 1), (column, row - 1), (column, row), (column - 1, row)];
            let known = corners.map(|(c, r)| values[r][c].map(|v| ((x[c], y[r]), v)));
            let [Some(a), Some(b), Some(c), Some(d)] = known else { continue };
            let cut = |((p, v), (q, w)): (Corner, Corner)| {
                ((v < 0.0) != (w < 0.0)).then(|| {
                    let part = v / (v - w);
                    (part.mul_add(q.0 - p.0, p.0), part.mul_add(q.1 - p.1, p.1))
                })
            };
            let cuts: Vec<(f64, f64)> = [(a, b), (b, c), (c, d), (d, a)].into_iter().filter_map(cut).collect();
            cuts.chunks_exact(2).for_each(|pair| pieces.push([pair[0], pair[1]]));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_of_a_plane_is_a_line() {
        let (x, y) = ([0.0, 1.0, 2.0], [0.0, 1.0]);
        let values: Vec<Vec<Option<f64>>> = y.iter().map(|y| x.iter().map(|x| Some(x + y - 1.5)).collect()).collect();
        let pieces = level(&x, &y, &values);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().flatten().all(|(x, y)| (x + y - 1.5).abs() < 1e-15), "{pieces:?}");
        assert_eq!(zero((1.0, -1.0), (3.0, 3.0)), 1.5);
    }
}
