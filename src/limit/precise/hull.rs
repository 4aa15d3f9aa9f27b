//! Whether 0 lies in the hull of the rows, and the shortest W above given margins, in 106 bits.
//!
//! Rows φ_i of D numbers and right sides `b_i ≥ 0`, not all 0. One least-squares problem with nonnegative weights (Lawson and Hanson's
//! NNLS) answers both questions:
//!
//! ```text
//! min_{u ≥ 0} ‖Σ u_i φ_i‖² + (1 − Σ u_i b_i)²          columns a_i = (φ_i, b_i), target e = (0, 1)
//! residual y = e − Σ u_i a_i = (−G, ρ):   y = 0:  Σ u_i φ_i = 0, weights of rows that cancel
//!                                         y ≠ 0:  ⟨φ_i, G⟩ ≥ ρ b_i, and λ = u/ρ, W = G/ρ solve
//!                                                 min ½‖W‖²  s.t. ⟨φ_i, W⟩ ≥ b_i
//! ```
//!
//! Every step lowers the objective strictly and the columns of the support stay independent, so that nothing is unbounded
//! and no matrix is singular. The factor is one of the columns themselves ([`Factor`]): nothing is squared. As ρ = γ²/(1+γ²), for a margin γ of
//! about 1e-12 the residual has few digits left; the support it names is solved again from `⟨φ_i, W⟩ = b_i`, which has
//! them all ([`polish`]).

use super::double::{Double, UNIT};
use super::factor::{DEPENDENT, Factor};
use super::vector::Vector;
use rayon::prelude::*;

/// A residual shorter than this is zero: a few times what its own computation leaves.
pub const ZERO: f64 = 1.0 / (1u128 << 96) as f64;

/// A product of a column with the residual up to this is no descent.
const TIE: f64 = 1.0 / (1u128 << 101) as f64;

/// Weights and direction.
#[derive(Clone, Debug)]
pub struct Found {
    /// u or λ ≥ 0, one per row.
    pub weights: Vec<Double>,
    /// W (D numbers); 0 where the rows cancel.
    pub w: Vector,
    /// Whether the rows cancel.
    pub cancels: bool,
    /// Number of rows that entered or left the support.
    pub pivots: usize,
}

/// Solves the problem from a guess of the weights. A residual up to `zero`, at least [`ZERO`], counts as 0.
pub fn nearest(rows: &[Vector], b: &[f64], guess: &[f64], zero: f64) -> Found {
    let mut state = Nearest {
        rows,
        b,
        zero,
        support: Vec::new(),
        weights: vec![Double::ZERO; rows.len()],
        factor: Factor::default(),
        pivots: 0,
    };
    state.start(guess);
    let y = state.run();
    let size = rows.first().map_or(0, Vector::len);
    let rho = y.get(size);
    let cancels = y.dot(&y).sqrt().hi <= zero;
    let mut w = Vector { hi: y.hi[..size].to_vec(), lo: y.lo[..size].to_vec() };
    let mut weights = state.weights;
    if !cancels && rho.hi > 0.0 {
        w.scale(-Double::ONE / rho);
        weights.iter_mut().for_each(|u| *u = *u / rho);
    }
    Found { weights, w, cancels, pivots: state.pivots }
}

/// `⟨φ_i, w⟩` of all rows.
pub fn products(rows: &[Vector], w: &Vector) -> Vec<Double> {
    rows.par_iter().with_min_len(1 + (1 << 14) / (w.len() + 1)).map(|r| r.dot(w)).collect()
}

struct Nearest<'a> {
    rows: &'a [Vector],
    b: &'a [f64],
    zero: f64,
    support: Vec<usize>,
    weights: Vec<Double>,
    factor: Factor,
    pivots: usize,
}

impl Nearest<'_> {
    fn start(&mut self, guess: &[f64]) {
        let mut order: Vec<usize> = (0..guess.len()).filter(|&i| guess[i] > 0.0 && guess[i].is_finite()).collect();
        order.sort_by(|&i, &k| guess[k].total_cmp(&guess[i]).then(i.cmp(&k)));
        order.retain(|&i| self.enter(i));
        let total: f64 = order.iter().map(|&i| guess[i] * self.b[i]).sum();
        order.iter().for_each(|&i| self.weights[i] = Double::from(guess[i] / total));
        self.descend();
    }

    fn enter(&mut self, i: usize) -> bool {
        let mut column = self.rows[i].clone();
        column.hi.push(self.b[i]);
        column.lo.push(0.0);
        let independent = self.factor.push(&column, DEPENDENT);
        if independent {
            self.support.push(i);
            self.pivots += 1;
        }
        independent
    }

    fn leave(&mut self, position: usize) {
        self.weights[self.support.remove(position)] = Double::ZERO;
        self.factor.remove(position);
        self.pivots += 1;
    }

    fn target(&self) -> Vector {
        let mut e = Vector::zeros(self.rows.first().map_or(0, Vector::len) + 1);
        *e.hi.last_mut().expect("at least the last entry") = 1.0;
        e
    }

    /// Adds rows until none lowers the objective; the residual.
    fn run(&mut self) -> Vector {
        let (n, e) = (self.rows.len(), self.target());
        let last = e.len() - 1;
        let mut banned = vec![false; n];
        for _ in 0..20 * n + 100 {
            let mut y = e.clone();
            self.factor.reject(&mut y);
            if y.dot(&y).sqrt().hi <= self.zero {
                return y;
            }
            let (rho, part) = (y.get(last), Vector { hi: y.hi[..last].to_vec(), lo: y.lo[..last].to_vec() });
            let descent: Vec<Double> =
                products(self.rows, &part).into_iter().zip(self.b).map(|(p, b)| p + rho * Double::from(*b)).collect();
            let mut outside = vec![true; n];
            self.support.iter().for_each(|&i| outside[i] = false);
            let candidates = (0..n).filter(|&i| outside[i] && !banned[i] && descent[i].hi > TIE);
            let Some(i) = candidates.max_by(|&i, &k| descent[i].hi.total_cmp(&descent[k].hi)) else { return y };
            banned[i] = true;
            if self.enter(i) {
                if self.minimizer().last().is_some_and(|z| z.hi > 0.0) {
                    self.descend();
                    banned.fill(false);
                } else {
                    self.leave(self.support.len() - 1);
                }
            }
        }
        let mut y = e;
        self.factor.reject(&mut y);
        y
    }

    fn minimizer(&self) -> Vec<Double> {
        self.factor.solve(self.factor.project(&self.target()))
    }

    /// Moves to the minimizer of the support, dropping rows whose weights reach zero on the way.
    fn descend(&mut self) {
        while !self.support.is_empty() {
            let z = self.minimizer();
            let ratio = |r: usize| {
                let u = self.weights[self.support[r]];
                u / (u - z[r])
            };
            let blocking = (0..z.len()).filter(|&r| z[r].hi <= 0.0);
            let Some(r) = blocking.min_by(|&a, &b| ratio(a).hi.total_cmp(&ratio(b).hi)) else {
                z.iter().zip(&self.support).for_each(|(z, &i)| self.weights[i] = *z);
                return;
            };
            let step = ratio(r);
            let step = if step.hi > 0.0 { step } else { Double::ZERO };
            for (z, &i) in z.iter().zip(&self.support) {
                let u = self.weights[i] + step * (*z - self.weights[i]);
                self.weights[i] = if u.hi > 0.0 { u } else { Double::ZERO };
            }
            self.leave(r);
        }
    }
}

/// Rounds of [`polish`] that may bring nothing.
const PATIENCE: usize = 30;

/// Solves `⟨φ_i, W⟩ = b_i` on the support of a solution and exchanges rows one by one while weights are negative or rows fall
/// short of b, which a solution with few digits leaves. The best W, by the least of `⟨φ_i, W⟩/b_i` relative to `‖W‖`, and its weights.
pub fn polish(rows: &[Vector], b: &[f64], found: &Found) -> Found {
    let size = found.w.len();
    let mut support: Vec<usize> = Vec::new();
    let mut factor = Factor::default();
    let mut by_weight: Vec<usize> = (0..rows.len()).filter(|&i| found.weights[i].hi > 0.0).collect();
    by_weight.sort_by(|&i, &k| found.weights[k].hi.total_cmp(&found.weights[i].hi).then(i.cmp(&k)));
    support.extend(by_weight.into_iter().filter(|&i| factor.push(&rows[i], DEPENDENT)));
    let (mut best, mut least, mut patience) = (found.clone(), Double::from(f64::NEG_INFINITY), PATIENCE);
    for _ in 0..2 * rows.len() + 20 {
        let (w, weights) = on_support(rows, b, &support, &factor, size);
        let products = products(rows, &w);
        let length = w.dot(&w).sqrt();
        let unit = |i: usize| if b[i] > 0.0 { b[i] } else { 1.0 };
        let short = |i: usize| (products[i] - Double::from(b[i])) / Double::from(unit(i));
        let lowest = (0..rows.len()).map(short).fold(Double::ZERO, |l, v| if v < l { v } else { l });
        let negative = (0..support.len()).min_by(|&p, &q| weights[p].hi.total_cmp(&weights[q].hi));
        let negative = negative.filter(|&p| weights[p].hi < 0.0);
        let merit = (Double::ONE + lowest) / length;
        if negative.is_none() {
            if merit > least {
                let mut full = vec![Double::ZERO; rows.len()];
                support.iter().zip(&weights).for_each(|(&i, l)| full[i] = *l);
                best = Found { weights: full, w, cancels: false, pivots: best.pivots };
                (least, patience) = (merit, PATIENCE);
            } else if patience == 0 {
                return best;
            } else {
                patience -= 1;
            }
        }
        best.pivots += 1;
        match negative {
            Some(p) => {
                support.remove(p);
                factor.remove(p);
            }
            None => {
                let tie = |i: usize| 16.0 * UNIT * (1.0 + length.hi / unit(i));
                let inside: Vec<bool> = membership(rows.len(), &support);
                let order = (0..rows.len()).filter(|&i| !inside[i] && short(i).hi < -tie(i));
                let mut order: Vec<usize> = order.collect();
                order.sort_by(|&i, &k| short(i).hi.total_cmp(&short(k).hi));
                match order.into_iter().find(|&i| factor.push(&rows[i], DEPENDENT)) {
                    Some(i) => support.push(i),
                    None => return best,
                }
            }
        }
    }
    best
}

fn membership(n: usize, support: &[usize]) -> Vec<bool> {
    let mut inside = vec![false; n];
    support.iter().for_each(|&i| inside[i] = true);
    inside
}

/// The shortest W with `⟨φ_i, W⟩ = b_i` on the support, refined once, and its weights on the support.
fn on_support(rows: &[Vector], b: &[f64], support: &[usize], factor: &Factor, size: usize) -> (Vector, Vec<Double>) {
    let right: Vec<Double> = support.iter().map(|&i| Double::from(b[i])).collect();
    let mut w = factor.shortest(&right, size);
    let rest: Vec<Double> = support.iter().zip(&right).map(|(&i, b)| *b - rows[i].dot(&w)).collect();
    w.add_scaled(Double::ONE, &factor.shortest(&rest, size));
    let weights = factor.solve(factor.project(&w));
    (w, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[&[f64]]) -> Vec<Vector> {
        numbers.iter().map(|r| Vector { hi: r.to_vec(), lo: vec![0.0; r.len()] }).collect()
    }

    #[test]
    fn rows_that_cancel_and_rows_that_do_not() {
        let found = nearest(&rows(&[&[1.0, 0.0], &[-1.0, 1.0], &[-1.0, -1.0], &[0.5, 0.5]]), &[1.0; 4], &[], ZERO);
        assert!(found.cancels);
        let u: Vec<f64> = found.weights.iter().map(|u| u.value()).collect();
        assert!((u[0] + 0.5 * u[3] - u[1] - u[2]).abs() < 1e-30 && (u.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        // orthogonal rows of length 2 and 1: λ = 1/4, 1
        let found = nearest(&rows(&[&[2.0, 0.0], &[0.0, 1.0]]), &[1.0; 2], &[1.0, 0.0], ZERO);
        assert!(!found.cancels);
        assert!((found.weights[0].value() - 0.25).abs() < 1e-30 && (found.weights[1].value() - 1.0).abs() < 1e-30);
    }

    #[test]
    fn margins_far_below_the_precision_of_f64() {
        // twins ±(1, 0) with a little of the other coordinate: W = (0, 2/ε), λ = 1/ε² each
        for power in [-30, -40, -45] {
            let small = 2f64.powi(power);
            let rows = rows(&[&[1.0, small], &[-1.0, small]]);
            let found = polish(&rows, &[1.0; 2], &nearest(&rows, &[1.0; 2], &[], ZERO));
            assert!(!found.cancels);
            assert!((found.w.get(1).value() * small - 1.0).abs() < 1e-12, "{power}: {:?}", found.w.get(1));
            assert!((found.weights[0].value() * 2.0 * small * small - 1.0).abs() < 1e-12, "{power}");
        }
    }
}
