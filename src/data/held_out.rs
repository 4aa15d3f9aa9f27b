//! Samples that are not trained on, and how many of them a boundary or a network has on the wrong side.
//!
//! ```text
//! X' (p×d),   y' = ±1,   K' = X'Xᵀ  (p×n, where K is held):     an error is a margin y'f(x') that is not above 0
//! ```

use super::{Data, check};
use crate::error::{Error, LENGTHS, Result};
use crate::inner_products::preactivations;
use crate::matrix::{Matrix, norm};
use crate::network::Network;
use crate::watch::Watch;
use farfield_kernels::dense;
use std::sync::Arc;

/// Samples that are not trained on, with their labels.
#[derive(Debug)]
pub struct HeldOut {
    x: Arc<Matrix>,
    y: Vec<f64>,
    cross: Option<Matrix>,
}

impl HeldOut {
    /// Beside these data; the products with their samples are computed where K is held and they are no more numbers than
    /// the largest K has.
    pub(super) fn new(data: &Data, x: Arc<Matrix>, y: Vec<f64>, watch: &Watch) -> Result<Self> {
        check(&x.clone().into(), &y)?;
        if x.cols() != data.d() || data.axes().is_some() {
            let found = format!("{} x {}", x.rows(), x.cols());
            let expected = match data.axes() {
                Some(_) => "none: data in rotated coordinates have no features".into(),
                None => format!("p x d, d = {}", data.d()),
            };
            return Err(Error::Shape { what: "the held-out X", found, expected });
        }
        let long = |i: &usize| !matches!(norm(x.row(*i)), 0.0) && !LENGTHS.contains(&norm(x.row(*i)));
        if let Some(sample) = (0..x.rows()).find(long) {
            return Err(Error::Length { sample, length: norm(x.row(sample)) });
        }
        let few = x.rows().saturating_mul(data.n()) <= Data::LARGEST * Data::LARGEST;
        let held = data.samples().held().filter(|_| few && data.gram().is_some());
        let cross = held.map(|train| crate::gram::cross(&x, train, watch).ok_or(Error::Stopped)).transpose()?;
        Ok(Self { x, y, cross })
    }

    /// Number of samples p.
    pub fn samples(&self) -> usize {
        self.y.len()
    }

    /// The samples X' (p×d).
    pub fn x(&self) -> &Arc<Matrix> {
        &self.x
    }

    /// Labels ±1 (length p).
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// `K' = X'Xᵀ` (p×n), where it is held.
    pub fn cross(&self) -> Option<&Matrix> {
        self.cross.as_ref()
    }

    /// Pre-activations `X'Wᵀ` (p×m, row-major) of the weights W (m×d).
    pub fn preactivations(&self, w: &Matrix) -> Vec<f64> {
        preactivations(&self.x, w)
    }

    /// The errors of a network with these pre-activations (p×m, row-major).
    pub fn errors(&self, z: &[f64], network: &Network) -> u64 {
        count(network.margins(z, &self.y))
    }

    /// The errors of the boundary `⟨x, w̄⟩ = 0`, w̄ of length d.
    pub fn errors_of_plane(&self, boundary: &[f64]) -> u64 {
        let mut side = [0.0];
        let margin = |(i, y): (usize, &f64)| {
            dense::dots(self.x.row(i), boundary, &mut side);
            y * side[0]
        };
        count(self.y.iter().enumerate().map(margin).collect())
    }
}

/// Margins that are not above 0, those among them that are no numbers.
fn count(margins: Vec<f64>) -> u64 {
    margins.len() as u64 - margins.iter().filter(|q| **q > 0.0).count() as u64
}
