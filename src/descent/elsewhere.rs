//! Pre-activations of samples that are not trained on, from the coefficients of an iterate.
//!
//! ```text
//! X'Wᵀ = X'W(0)ᵀ + K'C,     K' = X'Xᵀ (p×n),   C (n×m)
//! ```
//!
//! p·n·m multiply-adds, and no pass over X; the first term is computed once. Where K' is not held, or the coefficients cancel in W
//! ([`anchored`]), W itself is asked: (n + p)·m·d.

use super::anchored;
use super::span::Coefficients;
use crate::data::HeldOut;
use crate::engine::Iterate;
use crate::inner_products::preactivations;
use crate::matrix::Matrix;

/// `X'Wᵀ` (p×m, row-major).
pub fn of_coefficients(state: &Coefficients, held_out: &HeldOut) -> Vec<f64> {
    let (problem, c) = (state.problem(), state.coefficients().hi());
    let parts = held_out.cross().zip(problem.start.weights.as_ref()).filter(|_| !anchored::cancels(state));
    let Some((cross, start)) = parts else { return held_out.preactivations(&state.weights()) };
    let (n, m) = (problem.n(), problem.network.width);
    let columns = Matrix::new(m, n, (0..m * n).map(|at| c[at % n * m + at / n]).collect());
    let mut z = preactivations(cross, &columns);
    let first = problem.elsewhere.get_or_init(|| held_out.preactivations(start));
    z.iter_mut().zip(first).for_each(|(z, first)| *z += first);
    z
}
