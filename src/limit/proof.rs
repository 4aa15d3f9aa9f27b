//! What proves a limit's bounds: its dual point with all the digits that it was found with.
//!
//! ```text
//! W* = Σ_i λ_i y_i (a_j θ_ij x_i)_j,   θ_ij = Σ_r λ_r c_rj / λ_i over the rows r of sample i
//! ```
//!
//! λ and θ are published as f64; what they lack of 106 bits is kept beside them, since bounds of γ* that meet in the
//! last place do not follow from rounded weights.

use super::Limit;
use super::precise::double::Double;
use super::rows::Rows;
use super::sliding::{effective_slopes, per_neuron};
use crate::matrix::Matrix;

/// The dual point of a limit in two parts, and its residual.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// θ (n×m) as f64.
    pub slopes: Matrix,
    /// What λ (column 0) and θ (columns 1 to m) lack, n×(m + 1).
    pub remainders: Matrix,
    /// Whether opposite-sign pairs may take either slope; else every slope is given.
    pub free: bool,
    /// At least `|q_i − 1|` where `λ_i > 0`, and `1 − q_i` elsewhere, q the margins of W*; none without X.
    pub residual: Option<f64>,
    /// The part of the lower bound of γ* that may be lost by whoever sums these 106 bits again. Beyond [`NEGLIGIBLE`] it
    /// has to be tried whether the bounds follow.
    pub loss: f64,
}

/// A loss that bounds of γ*, with room for the rounding of 106 bits, leave unchanged.
pub const NEGLIGIBLE: f64 = 1e-20;

impl Proof {
    /// Of weights of the rows, `lambda` (n) their sums for each sample as f64; without a residual.
    pub(super) fn of(rows: &Rows, weights: &[Double], lambda: &[f64]) -> Self {
        let (n, groups) = (lambda.len(), &rows.groups);
        let rounded: Vec<f64> = weights.iter().map(|l| l.value()).collect();
        let slopes = effective_slopes(rows, &rounded);
        let mut total = vec![Double::ZERO; n];
        let mut by_group = vec![vec![Double::ZERO; groups.len()]; n];
        let mut bounds = vec![vec![(f64::INFINITY, 0.0f64); groups.len()]; n];
        for (row, &weight) in rows.list.iter().zip(weights) {
            let i = row.sample;
            total[i] += weight;
            if weight.hi > 0.0 {
                for (p, c) in row.slopes.iter().enumerate() {
                    by_group[i][p] += weight * Double::from(*c);
                    let (least, most) = bounds[i][p];
                    bounds[i][p] = (least.min(*c), most.max(*c));
                }
            }
        }
        let lacks = |i: usize, p: usize| {
            let (least, most) = bounds[i][p];
            let exact = if least < most { by_group[i][p] / total[i] } else { Double::from(slopes[(i, p)]) };
            (exact - Double::from(slopes[(i, p)])).value()
        };
        let row = |i: usize| {
            let of_lambda = (total[i] - Double::from(lambda[i])).value();
            std::iter::once(of_lambda).chain(groups.of.iter().map(move |p| lacks(i, *p)))
        };
        let remainders = Matrix::new(n, groups.of.len() + 1, (0..n).flat_map(row).collect());
        Proof { slopes: per_neuron(groups, &slopes), remainders, free: rows.sliding, residual: None, loss: 0.0 }
    }
}

impl Limit {
    /// What proves the bounds.
    pub fn proof(&self) -> Proof {
        let parts = self.answer.weights.iter().zip(&self.answer.remainders);
        let weights: Vec<Double> = parts.map(|(l, low)| Double::sum(*l, *low)).collect();
        Proof { residual: self.residual(), loss: self.answer.loss, ..Proof::of(&self.rows, &weights, &self.lambda) }
    }

    /// See [`Proof::residual`]: from the pre-activations that X gave, rounded up.
    fn residual(&self) -> Option<f64> {
        let (rows, images) = (&self.rows, self.answer.images.as_ref()?);
        let slack = 4.0 * (rows.groups.len() + 8) as f64 * f64::EPSILON;
        let of_sample = |i: usize| {
            let row = rows.least(i, |p| images[p][i] > 0.0);
            let term = |p: usize| {
                let output = rows.network.output(rows.groups.first[p]) * rows.groups.size[p] as f64;
                rows.y[i] * output * row.slopes[p] * images[p][i]
            };
            let (q, size) = (0..images.len()).map(term).fold((0.0, 1.0), |(q, s), t| (q + t, s + f64::abs(t)));
            let off = if self.lambda[i] > 0.0 { (q - 1.0f64).abs() } else { (1.0 - q).max(0.0) };
            off + slack * size
        };
        Some((0..self.lambda.len()).map(of_sample).fold(0.0, f64::max))
    }
}
