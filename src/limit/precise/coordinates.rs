//! The rows as columns of numbers, in as few dimensions as the samples span.

use super::double::Double;
use super::features::Features;
use super::vector::Vector;
use crate::limit::rows::Row;

/// Coordinates of the samples in their own span, where that has fewer dimensions than the space.
pub struct Coordinates {
    samples: Vec<Vector>,
    basis: Option<Vec<Vector>>,
}

/// What is left of a sample, relative to its length, that counts as nothing.
const NOTHING: f64 = 1.0 / (1u128 << 98) as f64;

impl Coordinates {
    /// Of the samples of some rows.
    pub fn new(features: &Features) -> Self {
        let x = features.x;
        let plain = |i: usize| Vector { hi: x.row(i).to_vec(), lo: vec![0.0; x.cols()] };
        if x.cols() <= x.rows() {
            return Self { samples: (0..x.rows()).map(plain).collect(), basis: None };
        }
        let mut basis: Vec<Vector> = Vec::new();
        let mut samples: Vec<Vec<Double>> = Vec::new();
        for i in 0..x.rows() {
            let mut v = plain(i);
            let mut coordinates = vec![Double::ZERO; basis.len()];
            for _ in 0..2 {
                for (q, c) in basis.iter().zip(&mut coordinates) {
                    let part = q.dot(&v);
                    v.add_scaled(-part, q);
                    *c += part;
                }
            }
            let left = v.dot(&v).sqrt();
            if left.hi > NOTHING * features.norms[i] {
                v.scale(Double::ONE / left);
                basis.push(v);
                coordinates.push(left);
            }
            samples.push(coordinates);
        }
        let size = basis.len();
        samples.iter_mut().for_each(|c| c.resize(size, Double::ZERO));
        let samples = samples.into_iter().map(|c| Vector::from_numbers(c.into_iter())).collect();
        Self { samples, basis: Some(basis) }
    }

    /// `s·Φ_r`, s a power of two: P times as many numbers as a sample has coordinates.
    pub fn row(&self, features: &Features, row: &Row, s: f64) -> Vector {
        let mut out = Vector::default();
        for p in 0..row.slopes.len() {
            let mut part = self.samples[row.sample].clone();
            part.scale(features.coefficient(row, p).scaled(s));
            out.hi.extend(part.hi);
            out.lo.extend(part.lo);
        }
        out
    }

    /// P vectors of length d from the coordinates of W.
    pub fn back(&self, w: &Vector) -> Vec<Vector> {
        let size = self.samples.first().map_or(0, Vector::len).max(1);
        let parts = w.hi.chunks(size).zip(w.lo.chunks(size));
        let part = |(hi, lo): (&[f64], &[f64])| {
            let coordinates = Vector { hi: hi.to_vec(), lo: lo.to_vec() };
            match &self.basis {
                None => coordinates,
                Some(basis) => {
                    let mut v = Vector::zeros(basis.first().map_or(0, Vector::len));
                    basis.iter().enumerate().for_each(|(k, q)| v.add_scaled(coordinates.get(k), q));
                    v
                }
            }
        };
        parts.map(part).collect()
    }
}
