//! W and Z from X itself, where coefficients cancel.
//!
//! On data that cannot be separated coefficients grow like t while `w_j = w_j(0) + Σ_k c_kj x_k` converges: what is
//! summed has the size `T = √Σ_j (‖w_j(0)‖ + Σ_k |c_kj|‖x_k‖)²`, and every product with K is off by about u T, in the same
//! direction at each step. C itself is exact, a compensated sum of the increments. So where `‖W‖` is far below T
//! ([`CANCELLED`]), norms are those of a W that is summed from X in twice the precision, and Z is replaced by that of this W
//! every [`INTERVAL`] steps (residual replacement): what the steps in between left out is made good by the next ones,
//! which see it in the margins.

use super::compensated::{Compensated, dot};
use super::span::{Coefficients, SpanProblem};
use crate::engine::Iterate;
use crate::matrix::norm;
use rayon::prelude::*;

/// `(‖W‖/T)²` below which norms are computed from X.
pub const CANCELLED: f64 = 1.0 / 64.0;

/// `‖W‖/T` below which Z is replaced: until then it is off by `2¹⁰ u ‖W‖ max‖x_i‖`.
const REPLACED: f64 = 1.0 / 1024.0;

/// Steps from one replacement to the next, and the first look at whether one is needed.
pub const INTERVAL: f64 = 1024.0;

/// `s·w_j(0) + Σ_k (s c_kj + e_kj) x_k` of neuron j as pairs `hi + lo`; `e` is a column of n coefficients. None where X
/// or W(0) is not held.
pub fn weights(problem: &SpanProblem, c: &Compensated, j: usize, s: f64, e: Option<&[f64]>) -> Option<Compensated> {
    let (x, start) = (problem.x()?.whole()?, problem.start.weights.as_ref()?);
    let (n, m, d) = (x.rows(), problem.network.width, x.cols());
    let mut coefficients = Vec::with_capacity(n);
    for k in 0..n {
        let (hi, lo) = (c.hi()[k * m + j], c.lo()[k * m + j]);
        coefficients.push(dot([(s, hi), (s, lo), (1.0, e.map_or(0.0, |e| e[k]))].into_iter()));
    }
    let mut w = Compensated::zeros(d);
    let of_column = |p: usize| {
        let terms = coefficients.iter().enumerate().flat_map(|(k, (hi, lo))| [(*hi, x[(k, p)]), (*lo, x[(k, p)])]);
        dot([(s, start[(j, p)])].into_iter().chain(terms))
    };
    let sums: Vec<(f64, f64)> = (0..d).into_par_iter().map(of_column).collect();
    sums.into_iter().enumerate().for_each(|(p, sum)| w.set(p, sum));
    Some(w)
}

/// `‖sW + E‖` from X, E with the column `e(j)` for neuron j.
pub fn combined_norm<'a>(state: &Coefficients, s: f64, e: impl Fn(usize) -> &'a [f64]) -> Option<f64> {
    let problem = state.problem();
    let of_neuron = |j: usize| Some(norm(weights(problem, state.coefficients(), j, s, Some(e(j)))?.hi()));
    let norms: Option<Vec<f64>> = (0..problem.network.width).map(of_neuron).collect();
    norms.map(|norms| norm(&norms))
}

/// `Z = XWᵀ` (n×m) of the present W as pairs.
pub fn preactivations(state: &Coefficients) -> Option<Compensated> {
    let problem = state.problem();
    let (x, n, m) = (problem.x()?.whole()?, problem.n(), problem.network.width);
    let mut z = Compensated::zeros(n * m);
    for j in 0..m {
        let w = weights(problem, state.coefficients(), j, 1.0, None)?;
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
