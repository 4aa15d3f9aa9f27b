//! Directions of the weights' space with their pre-activations.

use crate::limit::precise::double::Double;
use crate::limit::precise::products::{add_rows, dots};
use crate::limit::precise::vector::{Vector, dot_error};
use crate::matrix::{Matrix, norm};
use crate::network::{Groups, Network};
use rayon::prelude::*;

/// Columns of a chunk of a sum over samples.
const COLUMNS: usize = 512;

/// Samples, labels and network as claims see them.
pub struct Seen<'a> {
    /// Samples (n×d).
    pub x: &'a Matrix,
    /// Labels ±1 (n).
    pub y: &'a [f64],
    /// The network.
    pub network: Network,
    /// `‖x_i‖`, rounded up.
    pub norms: Vec<f64>,
    output: Double, // 1/√m
}

impl<'a> Seen<'a> {
    /// Of samples X (n×d) with labels (n).
    pub fn new(x: &'a Matrix, y: &'a [f64], network: Network) -> Self {
        let upwards = 1.0 + 4.0 * (x.cols() + 4) as f64 * f64::EPSILON;
        Self {
            x,
            y,
            network,
            norms: (0..x.rows()).map(|i| norm(x.row(i)) * upwards).collect(),
            output: Double::ONE / Double::from(network.width as f64).sqrt(),
        }
    }

    /// `a_j`.
    pub fn output(&self, j: usize) -> Double {
        self.output.scaled(self.network.sign(j))
    }

    /// Whether sample i and neuron j have one sign.
    pub fn own(&self, i: usize, j: usize) -> bool {
        self.network.sign(j) * self.y[i] > 0.0
    }

    /// The longest `‖x_i‖`.
    pub fn longest(&self) -> f64 {
        self.norms.iter().copied().fold(0.0, f64::max)
    }

    /// W (m×d) as it is.
    pub fn weights(&self, w: &Matrix) -> Image {
        let vectors = (0..w.rows()).map(|j| Vector { hi: w.row(j).to_vec(), lo: vec![0.0; w.cols()] }).collect();
        let sizes = (0..w.rows()).map(|j| norm(w.row(j)) * (1.0 + 1e-10)).collect();
        self.image(vectors, sizes, Groups::single(w.rows()))
    }

    /// `(Σ_i b_i y_i a_j θ_ij x_i)_j` for b (n) and slopes θ_ij by sample and neuron; neurons of a group share their slopes.
    pub fn features(&self, b: &[Double], slope: impl Fn(usize, usize) -> Double + Sync, groups: Groups) -> Image {
        let n = self.x.rows();
        let coefficient = |i: usize, j: usize| b[i] * self.output(j).scaled(self.y[i]) * slope(i, j);
        let columns: Vec<Vec<Double>> =
            groups.first.iter().map(|&j| (0..n).map(|i| coefficient(i, j)).collect()).collect();
        let size =
            |c: &Vec<Double>| c.iter().zip(&self.norms).map(|(c, x)| c.hi.abs() * x).sum::<f64>() * (1.0 + 1e-10);
        let sizes = columns.iter().map(size).collect();
        let vectors = columns.iter().map(|c| self.combination(c)).collect();
        self.image(vectors, sizes, groups)
    }

    /// `Σ_i c_i x_i`, chunks of columns over threads, samples in order.
    fn combination(&self, c: &[Double]) -> Vector {
        let d = self.x.cols();
        let chunk = |k: usize| {
            let columns = k * COLUMNS..d.min((k + 1) * COLUMNS);
            let mut sum = Vector::zeros(columns.len());
            for (i, c) in c.iter().enumerate().filter(|(_, c)| c.hi != 0.0) {
                add_rows(&[&self.x.row(i)[columns.clone()]], &[*c], std::slice::from_mut(&mut sum));
            }
            sum
        };
        let chunks: Vec<Vector> = (0..d.div_ceil(COLUMNS)).into_par_iter().map(chunk).collect();
        let mut whole = Vector::default();
        for part in chunks {
            whole.hi.extend(part.hi);
            whole.lo.extend(part.lo);
        }
        whole
    }

    fn image(&self, vectors: Vec<Vector>, sizes: Vec<f64>, groups: Groups) -> Image {
        let z = |i: usize| dots(&[self.x.row(i)], &vectors);
        let squared = |p: usize| vectors[p].dot(&vectors[p]) * Double::from(groups.size[p] as f64);
        let of_groups = 0..groups.len();
        let square = |p: usize| groups.size[p] as f64 * sizes[p] * sizes[p];
        Image {
            error: 2.0 * dot_error(self.x.rows().max(self.x.cols()).max(groups.len())),
            z: (0..self.x.rows()).into_par_iter().map(z).collect(),
            norm: of_groups.clone().map(squared).fold(Double::ZERO, |s, v| s + v).sqrt(),
            size: of_groups.map(square).sum::<f64>().sqrt() * (1.0 + 1e-10),
            sizes,
            groups,
        }
    }
}

/// A direction W of the weights' space, its length and its pre-activations.
pub struct Image {
    /// The groups of neurons with one vector each.
    pub groups: Groups,
    /// `‖W‖`.
    pub norm: Double,
    /// S (see [`super`]).
    pub size: f64,
    /// η of it.
    pub error: f64,
    sizes: Vec<f64>,     // T of each group
    z: Vec<Vec<Double>>, // n times P
}

impl Image {
    /// `z_ij`.
    pub fn at(&self, i: usize, j: usize) -> Double {
        self.z[i][self.groups.of[j]]
    }

    /// `‖W‖`, rounded up.
    pub fn longest(&self) -> Double {
        self.norm + Double::from(self.error * self.size)
    }

    /// The side of a pair; none where rounding hides it.
    pub fn side(&self, seen: &Seen, i: usize, j: usize) -> Option<bool> {
        let (z, doubt) = (self.at(i, j).hi, 2.0 * self.error * seen.norms[i] * self.sizes[self.groups.of[j]]);
        (z.abs() > doubt || doubt == 0.0).then_some(z > 0.0)
    }

    /// `y_i Σ_j a_j θ_ij z_ij` for every sample; the neurons of a group share their slopes.
    pub fn margins(&self, seen: &Seen, slope: impl Fn(usize, usize) -> Double) -> Vec<Double> {
        let term = |i: usize, p: usize| {
            let (j, size) = (self.groups.first[p], Double::from(self.groups.size[p] as f64));
            seen.output(j).scaled(seen.y[i]) * slope(i, j) * size * self.z[i][p]
        };
        (0..seen.y.len()).map(|i| (0..self.groups.len()).fold(Double::ZERO, |q, p| q + term(i, p))).collect()
    }

    /// `φ'(z_ij)`: 1 or γ.
    pub fn slope(&self, seen: &Seen, i: usize, j: usize) -> f64 {
        if self.at(i, j).hi > 0.0 { 1.0 } else { seen.network.leak }
    }

    /// `q_i = y_i Σ_j a_j φ(z_ij)`.
    pub fn outputs(&self, seen: &Seen) -> Vec<Double> {
        self.margins(seen, |i, j| Double::from(self.slope(seen, i, j)))
    }

    /// The least of some margins less their error, `2η ‖x_i‖ S`.
    pub fn least(&self, seen: &Seen, margins: &[Double]) -> Double {
        least(margins.iter().zip(&seen.norms).map(|(q, x)| *q - Double::from(2.0 * self.error * x * self.size)))
    }

    /// The same for the W that is held, whatever it was to be: `η ‖x_i‖ ‖W‖ √(Σ_j s_ij²/m)`, s the slopes of the margins.
    pub fn least_held(&self, seen: &Seen, margins: &[Double], slope: impl Fn(usize, usize) -> f64) -> Double {
        let square = |i: usize, p: usize| self.groups.size[p] as f64 * slope(i, self.groups.first[p]).powi(2);
        let stretch = |i: usize| {
            let sum: f64 = (0..self.groups.len()).map(|p| square(i, p)).sum();
            (sum / seen.network.width as f64).sqrt()
        };
        let doubt = |i: usize| self.error * seen.norms[i] * self.norm.hi * stretch(i) * (1.0 + 1e-11);
        least(margins.iter().enumerate().map(|(i, q)| *q - Double::from(doubt(i))))
    }
}

/// The least of some numbers.
fn least(numbers: impl Iterator<Item = Double>) -> Double {
    numbers.fold(Double::from(f64::INFINITY), |l, v| if v < l { v } else { l })
}
