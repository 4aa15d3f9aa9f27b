//! What a look sees of the iterate in the span of the data: norms of W by K, W by X.
//!
//! ```text
//! ‖s w_j(0) + Xᵀe_j‖² = s²‖w_j(0)‖² + 2s⟨z_j(0), e_j⟩ + e_jᵀKe_j,    e_j = s c_j + E_j        neurons j, in order
//! ```

use super::Coefficients;
use crate::data::HeldOut;
use crate::descent::{anchored, elsewhere};
use crate::engine::Iterate;
use crate::inner_products::{Direction, InnerProducts};
use crate::matrix::Matrix;
use crate::network::Groups;

impl Iterate for Coefficients {
    fn preactivations(&self) -> &[f64] {
        self.z.hi()
    }

    fn weight_norm(&self) -> f64 {
        let nothing = Direction { columns: vec![vec![0.0; self.problem.n()]], groups: one_group(self.groups.of.len()) };
        self.combined_norm(1.0, &nothing)
    }

    /// `‖s w_j(0) + Xᵀe_j‖² = s²‖w_j(0)‖² + 2s⟨z_j(0), e_j⟩ + e_jᵀKe_j` with `e_j = s c_j + E_j`, summed over j.
    /// From X where that cancels ([`anchored`]).
    fn combined_norm(&self, s: f64, e: &Direction) -> f64 {
        let (n, m) = (self.problem.n(), self.problem.network.width);
        let start = &self.problem.start;
        let other = |j: usize| &e.columns[e.groups.of[j]][..];
        if anchored::cancels(self)
            && let Some(norm) = anchored::combined_norm(self, s, other)
        {
            return norm;
        }
        let column = |j: usize| -> Vec<f64> {
            self.c.hi().iter().skip(j).step_by(m).zip(other(j)).map(|(c, e)| s.mul_add(*c, *e)).collect()
        };
        let columns: Vec<Vec<f64>> = (0..m).map(column).collect();
        let images = self.problem.gram.apply_all(&columns);
        let of_neuron = |j: usize| {
            let cross = (0..n).map(|i| start.preactivations[i * m + j] * columns[j][i]).sum::<f64>();
            let square = columns[j].iter().zip(&images[j]).map(|(c, v)| c * v).sum::<f64>();
            s * s * start.squared_norms[j] + 2.0 * s * cross + square
        };
        (0..m).map(of_neuron).sum::<f64>().max(0.0).sqrt()
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

    /// `W = W(0) + CᵀX`, m passes over X; m×0 where X or W(0) is not held.
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
        for j in 0..m {
            let column: Vec<f64> = (0..x.rows()).map(|i| self.c.hi()[i * m + j]).collect();
            let sums = x.combinations(&[&column]);
            w.row_mut(j).iter_mut().zip(&sums[0]).for_each(|(w, sum)| *w += sum);
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

fn one_group(m: usize) -> Groups {
    Groups { first: vec![0], size: vec![m], of: vec![0; m] }
}
