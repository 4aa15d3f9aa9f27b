//! W and Z from X itself, where coefficients cancel.
//!
//! On data that cannot be separated coefficients grow like t while `w_j = w_j(0) + Σ_k c_kj x_k` converges: what is
//! summed has the size `T = √Σ_j (‖w_j(0)‖ + Σ_k |c_kj|‖x_k‖)²`, and every product with K is off by about u T, in the same
//! direction at each step. C itself is exact, a compensated sum of the increments. So where `‖W‖` is far below T
//! ([`cancels`]), norms are those of a W that is summed from X in twice the precision, and Z is replaced by that of this W
//! every [`INTERVAL`] steps (residual replacement): what the steps in between left out is made good by the next ones,
//! which see it in the margins.
//!
//! ```text
//! w_jp = s w_j(0)_p + Σ_k b_kj x_kp        chunks of columns p over threads; samples k in order; neurons j; columns p
//! ```

use super::compensated::{Compensated, dot};
use super::span::Coefficients;
use crate::engine::Iterate;
use crate::matrix::norm;
use rayon::prelude::*;

/// `(‖W‖/T)²` below which W is summed from X: down to it a norm from K is off by some `2¹¹ u`, 2.3e-13.
const CANCELLED: f64 = 1.0 / 4096.0;

/// `‖W‖/T` below which Z is replaced: until then it is off by `2¹⁰ u ‖W‖ max‖x_i‖`.
const REPLACED: f64 = 1.0 / 1024.0;

/// Steps from one replacement to the next, and the first look at whether one is needed.
pub const INTERVAL: f64 = 1024.0;

/// Columns of a chunk: the sums of one neuron are 8 KB, and a row's share 4 KB.
const COLUMNS: usize = 512;

/// Whether the coefficients cancel in W, so that products with K have lost what is left of it.
///
/// Samples that point everywhere make `‖W‖²` small beside T², too, by up to their number, but there what K rounds is usually
/// as small (no bound of a certificate counts on it: those go by T): `T²` is then replaced by what is summed with K, `Σ_j (|c_j|ᵀ|K||c_j| + 2|c_j|ᵀ|z_j(0)| + ‖w_j(0)‖²)`.
pub fn cancels(state: &Coefficients) -> bool {
    cancels_beside(state, state.magnitude())
}

/// [`cancels`], T known.
pub fn cancels_beside(state: &Coefficients, magnitude: f64) -> bool {
    let squared = squared_norm(state);
    squared < CANCELLED * magnitude.powi(2) && squared < CANCELLED * summed(state)
}

/// `‖W‖² = Σ_j ‖w_j(0)‖² + ⟨c_j, z_j + z_j(0)⟩`, as far as Z is known.
fn squared_norm(state: &Coefficients) -> f64 {
    let start = &state.problem().start;
    let sums = state.preactivations().iter().zip(&start.preactivations);
    let terms = state.coefficients().hi().iter().zip(sums).map(|(c, (z, first))| c * (z + first));
    start.squared_norms.iter().sum::<f64>() + terms.sum::<f64>()
}

/// The sizes that are summed to make `‖W‖²` from K.
fn summed(state: &Coefficients) -> f64 {
    let (problem, c) = (state.problem(), state.coefficients().hi());
    let m = problem.network.width;
    let mut reach = vec![0.0; problem.n()];
    let of_neuron = |j: usize| {
        let sizes: Vec<f64> = c.iter().skip(j).step_by(m).map(|c| c.abs()).collect();
        problem.reach(&sizes, &mut reach);
        let first = problem.start.preactivations.iter().skip(j).step_by(m);
        let products = sizes.iter().zip(&reach).zip(first).map(|((c, r), z)| c * (r + 2.0 * z.abs()));
        problem.start.squared_norms[j] + products.sum::<f64>()
    };
    (0..m).map(of_neuron).sum()
}

/// `s·w_j(0) + Σ_k (s c_kj + e_kj) x_k` of every neuron j as pairs `hi + lo`; `e(j)` is a column of n coefficients. None where
/// X or W(0) is not held.
pub fn weights<'a>(state: &Coefficients, s: f64, e: Option<&dyn Fn(usize) -> &'a [f64]>) -> Option<Vec<Compensated>> {
    let (problem, c) = (state.problem(), state.coefficients());
    let (x, start) = (problem.x()?.view()?, problem.start.weights.as_ref()?);
    let (n, m, d) = (x.rows(), problem.network.width, x.cols());
    let coefficient = |k: usize, j: usize| {
        let (hi, lo) = (c.hi()[k * m + j], c.lo()[k * m + j]);
        dot([(s, hi), (s, lo), (1.0, e.map_or(0.0, |e| e(j)[k]))].into_iter())
    };
    let b: Vec<(f64, f64)> = (0..n * m).map(|at| coefficient(at / m, at % m)).collect();
    let chunk = |first: usize| {
        let columns = first..d.min(first + COLUMNS);
        let mut sums = vec![Compensated::zeros(columns.len()); m];
        sums.iter_mut().enumerate().for_each(|(j, w)| w.add_scaled((s, 0.0), &start.row(j)[columns.clone()]));
        for (k, b) in b.chunks(m).enumerate() {
            let row = x.part(k, columns.clone());
            sums.iter_mut().zip(b).for_each(|(w, b)| w.add_scaled(*b, &row));
        }
        sums
    };
    let firsts: Vec<usize> = (0..d).step_by(COLUMNS).collect();
    let chunks: Vec<Vec<Compensated>> = firsts.into_par_iter().map(chunk).collect();
    Some((0..m).map(|j| Compensated::joined(chunks.iter().map(|chunk| &chunk[j]))).collect())
}

/// `‖sW + E‖` from X, E with the column `e(j)` for neuron j.
pub fn combined_norm<'a>(state: &Coefficients, s: f64, e: impl Fn(usize) -> &'a [f64]) -> Option<f64> {
    let weights = weights(state, s, Some(&e))?;
    Some(norm(&weights.iter().map(|w| norm(w.hi())).collect::<Vec<f64>>()))
}

/// `Z = XWᵀ` (n×m) of the present W as pairs.
pub fn preactivations(state: &Coefficients) -> Option<Compensated> {
    let problem = state.problem();
    let (x, n, m) = (problem.x()?.view()?, problem.n(), problem.network.width);
    let mut z = Compensated::zeros(n * m);
    for (j, w) in weights(state, 1.0, None)?.iter().enumerate() {
        for i in 0..n {
            let (row, hi, lo) = (x.row(i), w.hi(), w.lo());
            let terms = (0..row.len()).flat_map(|p| [(row[p], hi[p]), (row[p], lo[p])]);
            z.set(i * m + j, dot(terms));
        }
    }
    Some(z)
}

/// Whether Z needs to be replaced.
pub fn outdated(state: &Coefficients) -> bool {
    state.weight_norm() < REPLACED * state.magnitude()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descent::span::{SpanProblem, SpanStart};
    use crate::engine::Flips;
    use crate::gram::gram;
    use crate::inner_products::{Direction, Gram, Imaged};
    use crate::matrix::Matrix;
    use crate::network::{Groups, Network};
    use farfield_kernels::loss::Loss;
    use std::sync::Arc;

    /// Random samples and labels, so many steps on.
    fn state(n: usize, d: usize, rate: f64, steps: usize) -> Coefficients {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let x = Arc::new(Matrix::new(n, d, (0..n * d).map(|_| next()).collect()));
        let labels = (0..n).map(|_| next().signum()).collect();
        let weights = Matrix::new(4, d, (0..4 * d).map(|_| 0.01 * next()).collect());
        let start = crate::inner_products::preactivations(&x, &weights);
        let (network, gram) = (Network::new(4, 2, 0.5).expect("a network"), Arc::new(Gram(gram(&x))));
        let law = (Loss::Exponential, rate);
        let problem = SpanProblem::new(gram, Some(x), labels, network, law, SpanStart::new(weights, start));
        let mut state = Coefficients::new(Arc::new(problem), 0.0, Flips::default());
        (0..steps).for_each(|_| assert!(state.step()));
        state
    }

    /// Many samples that point everywhere do not cancel, however small W is beside the sum of their lengths.
    #[test]
    fn only_what_cancels_is_summed_from_x() {
        let many = state(300, 600, 1e-4, 40);
        assert!(many.weight_norm().powi(2) < many.magnitude().powi(2) / 64.0 && !cancels(&many));
        assert!(cancels(&state(16, 2, 1e-2, 20_000)));
    }

    #[test]
    fn both_ways_agree() {
        let state = state(30, 600, 1e-4, 40);
        let (norm, w) = (state.weight_norm(), weights(&state, 1.0, None).expect("X is held"));
        let plain = state.weights();
        for (j, w) in w.iter().enumerate() {
            let off = w.hi().iter().zip(plain.row(j)).fold(0.0f64, |off, (a, b)| off.max((a - b).abs()));
            assert!(off <= 1e-14 * norm, "{off:e}");
        }
        let e: Vec<f64> = (0..30).map(|i| 1e-3 * i as f64).collect();
        let groups = Groups { first: vec![0], size: vec![4], of: vec![0; 4] };
        let direction = Imaged::new(&*state.problem().gram, Direction { columns: vec![e.clone()], groups });
        let (from_k, from_x) =
            (state.combined_norm(0.5, &direction), combined_norm(&state, 0.5, |_| &e).expect("held"));
        assert!((from_k / from_x - 1.0).abs() < 1e-13, "{from_k} {from_x}");
    }
}
