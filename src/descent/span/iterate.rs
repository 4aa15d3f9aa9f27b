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
use crate::inner_products::Imaged;
use crate::matrix::Matrix;

impl Coefficients {
    /// `‖W‖_F`, and from X where W `cancels` ([`anchored`]).
    pub(in crate::descent) fn norm(&self, cancels: bool) -> f64 {
        let (m, none) = (self.problem.network.width, vec![0.0; self.problem.n()]);
        let from_x = cancels.then(|| anchored::combined_norm(self, 1.0, |_| &none)).flatten();
        from_x.unwrap_or_else(|| {
            let first = self.problem.start.preactivations.chunks_exact(m);
            let rows = self.c.hi().chunks_exact(m).zip(self.z.hi().chunks_exact(m)).zip(first);
            let mut sums = vec![0.0; m];
            for ((c, z), first) in rows {
                sums.iter_mut().enumerate().for_each(|(j, sum)| *sum += c[j] * (z[j] + first[j]));
            }
            self.length(1.0, &sums)
        })
    }

    /// `‖sW + E‖_F`, and from X where W `cancels`.
    pub(in crate::descent) fn combined(&self, cancels: bool, s: f64, e: &Imaged) -> f64 {
        let (of, m) = (&e.direction.groups.of, self.problem.network.width);
        let other = |j: usize| &e.direction.columns[of[j]][..];
        let from_x = cancels.then(|| anchored::combined_norm(self, s, other)).flatten();
        from_x.unwrap_or_else(|| {
            let columns: Vec<[&[f64]; 2]> =
                of.iter().map(|&g| [&e.direction.columns[g][..], &e.image[g][..]]).collect();
            let first = self.problem.start.preactivations.chunks_exact(m);
            let rows = self.c.hi().chunks_exact(m).zip(self.z.hi().chunks_exact(m)).zip(first);
            let mut sums = vec![0.0; m];
            for (i, ((c, z), first)) in rows.enumerate() {
                for (j, (sum, [e, image])) in sums.iter_mut().zip(&columns).enumerate() {
                    *sum += (s * c[j] + e[i]) * (s * (z[j] + first[j]) + image[i]);
                }
            }
            self.length(s, &sums)
        })
    }

    /// `√Σ_j (s²‖w_j(0)‖² + sum_j)`.
    fn length(&self, s: f64, sums: &[f64]) -> f64 {
        let squared = sums.iter().zip(&self.problem.start.squared_norms).map(|(sum, first)| s * s * first + sum);
        squared.sum::<f64>().max(0.0).sqrt()
    }
}

impl Iterate for Coefficients {
    fn preactivations(&self) -> &[f64] {
        self.z.hi()
    }

    fn weight_norm(&self) -> f64 {
        self.norm(anchored::cancels(self))
    }

    fn combined_norm(&self, s: f64, e: &Imaged) -> f64 {
        self.combined(anchored::cancels(self), s, e)
    }

    /// `√Σ_j T_j²`, `T_j = ‖w_j(0)‖ + Σ_k |c_kj| ‖x_k‖` the sizes that were summed to make `w_j`; by Cauchy and Schwarz
    /// `Σ_j |a_j| T_j` is no larger, since `Σ_j a_j² = 1`.
    fn magnitude(&self) -> f64 {
        let m = self.problem.network.width;
        let mut sums = vec![0.0; m];
        for (c, norm) in self.c.hi().chunks_exact(m).zip(&self.problem.norms) {
            sums.iter_mut().zip(c).for_each(|(sum, c)| *sum += c.abs() * norm);
        }
        sums.iter_mut().zip(&self.problem.start.squared_norms).for_each(|(sum, first)| *sum += first.sqrt());
        crate::matrix::norm(&sums)
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
