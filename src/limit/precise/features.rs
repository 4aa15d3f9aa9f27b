//! Sums and margins of the rows Φ_r, from X with 106 bits.
//!
//! In coordinates `W = (√(m_p/m)·…)_p` in which neurons of a group count once, `Φ_r = (β_p y_i c_rp x_i)_p` with
//! `β_p = ±√(m_p/m)`:
//!
//! ```text
//! sum:      V_p = Σ_i (Σ_{r of i} λ_r β_p y_i c_rp) x_i        chunks of columns over threads, samples in order
//! images:   z_ip = ⟨x_i, W_p⟩,   ⟨Φ_r, W⟩ = y_i Σ_p β_p c_rp z_ip         samples over threads
//! ```
//!
//! both n·d·P multiply-adds, with the same bits for any number of threads. With [`dot_error`] of n or d, whichever is larger,
//! as η, `‖δV‖ ≤ η Σ_r λ_r ‖Φ_r‖` and `|δ⟨Φ_r, W⟩| ≤ η ‖Φ_r‖ ‖W‖`.

use super::double::Double;
use super::products::{add_rows, dots};
use super::vector::{Vector, dot_error};
use crate::limit::rows::{Row, Rows};
use crate::matrix::{View, norm};
use rayon::prelude::*;

/// Columns of a chunk: the sums of two groups are 16 KB and a row's share 4 KB, in the first cache.
const COLUMNS: usize = 512;
/// Samples of a product at once.
const TOGETHER: usize = 8;

/// Rows with their samples.
pub struct Features<'a> {
    /// Samples (n×d).
    pub x: View<'a>,
    /// `‖x_i‖`.
    pub norms: Vec<f64>,
    signs: Vec<f64>,
    outputs: Vec<Double>, // β_p
}

impl<'a> Features<'a> {
    /// The samples X (n×d) as the rows see them.
    pub fn new(x: View<'a>, rows: &Rows) -> Self {
        let output = |p: usize| {
            let share = Double::from(rows.groups.size[p] as f64) / Double::from(rows.network.width as f64);
            let sign = rows.network.sign(rows.groups.first[p]);
            share.sqrt().scaled(sign)
        };
        Self {
            x,
            norms: (0..x.rows()).into_par_iter().map(|i| norm(&x.row(i))).collect(),
            signs: rows.y.clone(),
            outputs: (0..rows.groups.len()).map(output).collect(),
        }
    }

    /// η (see the module), with room for the products of slopes.
    pub fn error(&self) -> f64 {
        2.0 * dot_error(self.x.rows().max(self.x.cols()).max(self.outputs.len()))
    }

    /// `β_p y_i c_rp`.
    pub fn coefficient(&self, row: &Row, p: usize) -> Double {
        self.outputs[p] * Double::from(self.signs[row.sample] * row.slopes[p])
    }

    /// `Σ_r λ_r Φ_r`, P vectors of length d.
    pub fn combine(&self, rows: &Rows, lambda: &[Double]) -> Vec<Vector> {
        let (d, groups) = (self.x.cols(), self.outputs.len());
        let mut b = vec![vec![Double::ZERO; groups]; self.x.rows()];
        for (row, l) in rows.list.iter().zip(lambda).filter(|(_, l)| l.hi != 0.0) {
            (0..groups).for_each(|p| b[row.sample][p] += *l * self.coefficient(row, p));
        }
        let carries: Vec<usize> = (0..b.len()).filter(|&i| b[i].iter().any(|b| b.hi != 0.0)).collect();
        let chunk = |c: usize| {
            let columns = c * COLUMNS..d.min((c + 1) * COLUMNS);
            let mut sums = vec![Vector::zeros(columns.len()); groups];
            for some in carries.chunks(TOGETHER) {
                let x: Vec<_> = some.iter().map(|&i| self.x.part(i, columns.clone())).collect();
                let x: Vec<&[f64]> = x.iter().map(|x| &x[..]).collect();
                let b: Vec<Double> = some.iter().flat_map(|&i| &b[i]).copied().collect();
                add_rows(&x, &b, &mut sums);
            }
            sums
        };
        let chunks: Vec<Vec<Vector>> = (0..d.div_ceil(COLUMNS)).into_par_iter().map(chunk).collect();
        let mut sums = vec![Vector::default(); groups];
        for chunk in chunks {
            for (sum, part) in sums.iter_mut().zip(chunk) {
                sum.hi.extend(part.hi);
                sum.lo.extend(part.lo);
            }
        }
        sums
    }

    /// `z_ip = ⟨x_i, W_p⟩`: n times P numbers.
    pub fn images(&self, w: &[Vector]) -> Vec<Vec<Double>> {
        let n = self.x.rows();
        let images = |first: usize| {
            let x: Vec<_> = (first..n.min(first + TOGETHER)).map(|i| self.x.row(i)).collect();
            let products = dots(&x.iter().map(|x| &x[..]).collect::<Vec<_>>(), w);
            (0..x.len()).map(move |i| products[i * w.len()..][..w.len()].to_vec()).collect::<Vec<_>>()
        };
        let firsts: Vec<usize> = (0..n).step_by(TOGETHER).collect();
        firsts.into_par_iter().flat_map_iter(images).collect()
    }

    /// `⟨Φ_r, W⟩` from the images of its sample.
    pub fn margin(&self, row: &Row, image: &[Double]) -> Double {
        let term = |p: usize| self.coefficient(row, p) * image[p];
        (0..image.len()).fold(Double::ZERO, |q, p| q + term(p))
    }
}

/// `‖W‖` of P vectors.
pub fn length(w: &[Vector]) -> Double {
    w.iter().fold(Double::ZERO, |s, v| s + v.dot(v)).sqrt()
}
