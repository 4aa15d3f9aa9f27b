//! What a look sees of the iterate in the span of the data: norms of W by K, W by X.
//!
//! ```text
//! ‖s w_j(0) + Xᵀb_j‖² = s²‖w_j(0)‖² + 2s⟨z_j(0), b_j⟩ + b_jᵀKb_j,    b_j = s c_j + e_j        samples, neurons j, in order
//!                     = s²‖w_j(0)‖² + ⟨b_j, s(z_j(0) + z_j) + Ke_j⟩,   since Kc_j = z_j − z_j(0)
//! ```
//!
//! The second form takes no product with K beside the image of E, which is one for each group of neurons and known to whoever asks.
//! Z is off by some `u ‖x_i‖ M`, M the magnitude of W: what the norm of a small difference, b nearly 0, loses by that is what
//! the rounding of b itself costs.

use super::Coefficients;
use crate::data::HeldOut;
use crate::descent::{anchored, elsewhere};
use crate::engine::Iterate;
use crate::inner_products::{Direction, Imaged};
use crate::matrix::Matrix;
use crate::network::Groups;

impl Iterate for Coefficients {
    fn preactivations(&self) -> &[f64] {
        self.z.hi()
    }

    fn weight_norm(&self) -> f64 {
        let (nothing, m) = (vec![vec![0.0; self.problem.n()]], self.groups.of.len());
        let direction =
            Direction { columns: nothing.clone(), groups: Groups { first: vec![0], size: vec![m], of: vec![0; m] } };
        self.combined_norm(1.0, &Imaged { direction, image: nothing })
    }

    /// From X where the terms cancel ([`anchored`]).
    fn combined_norm(&self, s: f64, e: &Imaged) -> f64 {
        let (start, m) = (&self.problem.start, self.problem.network.width);
        let of = &e.direction.groups.of;
        let other = |j: usize| &e.direction.columns[of[j]][..];
        if anchored::cancels(self)
            && let Some(norm) = anchored::combined_norm(self, s, other)
        {
            return norm;
        }
        let mut sums = vec![0.0; m];
        let rows =
            self.c.hi().chunks_exact(m).zip(self.z.hi().chunks_exact(m)).zip(start.preactivations.chunks_exact(m));
        for (i, ((c, z), first)) in rows.enumerate() {
            for (j, sum) in sums.iter_mut().enumerate() {
                let (e, image) = (e.direction.columns[of[j]][i], e.image[of[j]][i]);
                *sum += (s * c[j] + e) * (s * (z[j] + first[j]) + image);
            }
        }
        let squared = sums.iter().zip(&start.squared_norms).map(|(sum, first)| s * s * first + sum);
        squared.sum::<f64>().max(0.0).sqrt()
    }

    /// `√Σ_j T_j²`, `T_j = ‖w_j(0)‖ + Σ_k |c_kj| ‖x_k‖` the sizes that were summed to make `w_j`; by Cauchy and Schwarz
    /// `Σ_j |a_j| T_j` is no larger, since `Σ_j a_j² = 1`.
    fn magnitude(&self) -> f64 {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        let norms: Vec<f64> = (0..n).map(|k| self.problem.gram.0[(k, k)].sqrt()).collect();
        let of_neuron = |j: usize| {
            let sum: f64 = (0..n).map(|k| self.c.hi()[k * m + j].abs() * norms[k]).sum();
            self.problem.start.squared_norms[j].sqrt() + sum
        };
        crate::matrix::norm(&(0..m).map(of_neuron).collect::<Vec<f64>>())
    }

    /// `W = W(0) + CᵀX`, one pass over X where it is held; m×0 where X or W(0) is not held.
    fn weights(&self) -> Matrix {
        let m = self.problem.network.width;
        let (Some(x), Some(start)) = (self.problem.x(), &self.problem.start.weights) else {
            return Matrix::zeros(m, 0);
        };
        let mut w = Matrix::clone(start);
        if anchored::cancels(self)
            && let Some(exact) = anchored::weights(self, 1.0, None)
        {
            exact.iter().enumerate().for_each(|(j, column)| w.row_mut(j).copy_from_slice(column.hi()));
            return w;
        }
        let column = |j: usize| self.c.hi().iter().skip(j).step_by(m).copied().collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..m).map(column).collect();
        let sums = x.combinations(&columns.iter().map(|column| &column[..]).collect::<Vec<_>>());
        for (j, sums) in sums.iter().enumerate() {
            w.row_mut(j).iter_mut().zip(sums).for_each(|(w, sum)| *w += sum);
        }
        w
    }

    /// `⟨w_j, w_k⟩ = ⟨w_j(0), w_k(0)⟩ + z_j(0)ᵀc_k + c_jᵀz_k`. From X where that cancels ([`anchored`]).
    fn neuron_products(&self) -> Option<Matrix> {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        if anchored::cancels(self)
            && let Some(exact) = anchored::weights(self, 1.0, None)
        {
            let rows: Vec<f64> = exact.iter().flat_map(|row| row.hi().iter().copied()).collect();
            return Some(Matrix::new(m, rows.len() / m, rows).row_products());
        }
        let start = &self.problem.start.preactivations;
        let mut products = self.problem.neurons()?.clone();
        let column = |values: &[f64], j: usize| values.iter().skip(j).step_by(m).copied().collect::<Vec<f64>>();
        let columns: Vec<[Vec<f64>; 3]> =
            (0..m).map(|j| [column(start, j), column(self.c.hi(), j), column(self.z.hi(), j)]).collect();
        let dot = |a: &[f64], b: &[f64]| (0..n).map(|i| a[i] * b[i]).sum::<f64>();
        for j in 0..m {
            for k in 0..=j {
                products[(j, k)] += dot(&columns[j][0], &columns[k][1]) + dot(&columns[j][1], &columns[k][2]);
                products[(k, j)] = products[(j, k)];
            }
        }
        Some(products)
    }

    fn elsewhere(&self, held_out: &HeldOut) -> Vec<f64> {
        elsewhere::of_coefficients(self, held_out)
    }
}
