//! Samples that are not trained on, and how many of them a boundary or a network has on the wrong side.
//!
//! ```text
//! X' (p×d),   y' = ±1,   K' = X'Xᵀ  (p×n, where K is held):     an error is a margin y'f(x') that is not above 0
//! ```

use super::Data;
use super::checks::{check, check_finite};
use super::random::{Purpose, generator};
use crate::digest::{self, Hasher};
use crate::error::{Error, LENGTHS, Result};
use crate::inner_products::preactivations;
use crate::matrix::{Matrix, norm};
use crate::network::Network;
use crate::watch::Watch;
use farfield_kernels::dense;
use rand::Rng;
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
        let samples = x.clone().into();
        check(&samples, &y)?;
        check_finite(&samples)?;
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

    /// blake3 of shape, samples and labels, as hexadecimal digits.
    pub fn digest(&self) -> String {
        let mut hasher = Hasher::default();
        hasher.numbers(&[self.x.rows() as f64, self.x.cols() as f64]).numbers(self.x.values());
        digest::hex(&hasher.numbers(&self.y).finish())
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

/// The samples (indices, in order) that are held out when a `share` of those with labels y (±1) is: of each class the whole
/// number nearest to its share, and never all. Every sample draws a number, and those with the smallest are held out.
pub fn stratified(y: &[f64], share: f64, seed: u64) -> Vec<usize> {
    let mut chosen = Vec::new();
    for class in [1.0, -1.0] {
        let draw = |i: usize| (generator(seed, Purpose::HeldOut, i as u64, 0).next_u64(), i);
        let mut members: Vec<(u64, usize)> = (0..y.len()).filter(|&i| y[i] == class).map(draw).collect();
        let count = (share * members.len() as f64).round() as usize;
        members.sort_unstable();
        members.truncate(count.min(members.len().saturating_sub(1)));
        chosen.extend(members.into_iter().map(|(_, i)| i));
    }
    chosen.sort_unstable();
    chosen
}

/// Margins that are not above 0, those among them that are no numbers.
fn count(margins: Vec<f64>) -> u64 {
    margins.len() as u64 - margins.iter().filter(|q| **q > 0.0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_share_and_another_seed_another_choice() {
        let y: Vec<f64> = (0..103).map(|i| if i % 4 == 0 { 1.0 } else { -1.0 }).collect(); // 26 and 77
        for (share, positive, negative) in [(0.0, 0, 0), (0.2, 5, 15), (0.5, 13, 39), (0.999, 25, 76)] {
            let chosen = stratified(&y, share, 7);
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            let of = |class: f64| chosen.iter().filter(|i| y[**i] == class).count();
            assert_eq!((of(1.0), of(-1.0)), (positive, negative), "{share}");
        }
        assert_ne!(stratified(&y, 0.2, 7), stratified(&y, 0.2, 8));
        // a longer list of samples does not change who draws what
        let first: Vec<usize> = stratified(&[&y[..], &[1.0; 4]].concat(), 0.5, 7);
        let kept = stratified(&y, 0.5, 7).iter().filter(|i| y[**i] < 0.0).all(|i| first.contains(i));
        assert!(kept);
        assert_eq!(stratified(&[1.0, -1.0], 0.9, 0), [0usize; 0]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_errors_are_counted() {
        let watch = Watch::default();
        let data = || Data::new(Matrix::new(2, 2, vec![1.0, 0.0, 0.0, -1.0]), vec![1.0, -1.0]).unwrap();
        let held = |x: Vec<f64>, d: usize, y: Vec<f64>| {
            data().with_held_out(Matrix::new(x.len() / d, d, x), y, &watch).map(|data| data.0.y.len())
        };
        assert_eq!(held(vec![1.0, 2.0], 2, vec![-1.0]), Ok(2));
        assert!(matches!(held(vec![1.0, 2.0], 1, vec![1.0, 1.0]), Err(Error::Shape { .. })));
        assert!(matches!(held(vec![1.0, 2.0], 2, vec![1.0, 1.0]), Err(Error::Shape { .. })));
        assert!(matches!(held(vec![1.0, 2.0], 2, vec![2.0]), Err(Error::Label { .. })));
        assert!(matches!(held(vec![1.0, f64::NAN], 2, vec![1.0]), Err(Error::NotFinite { .. })));
        assert!(matches!(held(vec![1.0, 1e99], 2, vec![1.0]), Err(Error::Length { .. })));
        let x = Matrix::new(4, 2, vec![1.0, 0.0, 0.0, 3.0, 2.0, -2.0, -1.0, 5.0]);
        let data = data().with_held_out(x, vec![1.0, -1.0, 1.0, -1.0], &watch).unwrap();
        let held = data.held_out().unwrap();
        assert_eq!(held.cross().unwrap().values(), [1.0, 0.0, 0.0, -3.0, 2.0, 2.0, -1.0, -5.0]);
        // margins 1, −3, 0, −4: on the boundary is no side
        assert_eq!(held.errors_of_plane(&[1.0, 1.0]), 3);
        let network = Network::new(2, 1, 0.5).unwrap();
        let w = Matrix::new(2, 2, vec![1.0, 1.0, -1.0, 0.0]);
        // √2 f = φ(x₁ + x₂) − φ(−x₁): 1.5, 3, 1, 3
        assert_eq!(held.errors(&held.preactivations(&w), &network), 2);
    }
}
