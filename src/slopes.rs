//! The slopes in which the margins are taken: those of a pattern, or averages over chattering neurons.

use crate::inner_products::Direction;
use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};

/// A slope for every pair (sample, neuron), `Φ_i = y_i (a_j s_ij x_i)_j`.
#[derive(Clone, Debug)]
pub struct Slopes {
    /// s (n×m).
    pub values: Matrix,
    /// Neurons with equal sign and equal slopes.
    pub groups: Groups,
    /// `√((1/m) Σ_j s_ij²) = ‖Φ_i‖/‖x_i‖`, length n.
    pub lengths: Vec<f64>,
}

impl Slopes {
    /// 1 or γ, as the bits say.
    pub fn of_pattern(pattern: &Pattern, network: &Network) -> Self {
        let (n, m) = (pattern.samples(), pattern.neurons());
        let pairs = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let values = pairs.map(|(i, j)| pattern.slope(network, i, j)).collect();
        Self::new(Matrix::new(n, m, values), pattern.groups(network))
    }

    /// Averages between γ and 1 (n×m, row-major).
    pub fn averaged(values: &[f64], network: &Network) -> Self {
        let (n, m) = (values.len() / network.width, network.width);
        let groups = Groups::by(network, |j| (0..n).map(|i| values[i * m + j].to_bits()).collect::<Vec<u64>>());
        Self::new(Matrix::new(n, m, values.to_vec()), groups)
    }

    fn new(values: Matrix, groups: Groups) -> Self {
        let length = |i: usize| (values.row(i).iter().map(|s| s.powi(2)).sum::<f64>() / values.cols() as f64).sqrt();
        Self { lengths: (0..values.rows()).map(length).collect(), values, groups }
    }

    /// `Σ_i p_i Φ_i`.
    pub fn direction(&self, p: &[f64], y: &[f64], network: &Network) -> Direction {
        let column = |&j: &usize| (0..p.len()).map(|i| p[i] * y[i] * network.output(j) * self.values[(i, j)]).collect();
        Direction { columns: self.groups.first.iter().map(column).collect(), groups: self.groups.clone() }
    }
}
