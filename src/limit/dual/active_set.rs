//! A primal active set for any positive semidefinite H (after Lawson and Hanson, NNLS): every outer
//! step lowers `½λᵀHλ − 1ᵀλ` strictly, so no support returns and it ends after finitely many steps.
//!
//! ```text
//! S independent (H_SS positive definite), λ_S = H_SS⁻¹ 1 > 0, λ = 0 elsewhere
//! repeat: the most violated i outside S: (Hλ − 1)_i < 0; none: optimal
//!   H_{S∪i} regular:  add i; move to H_SS⁻¹ 1, stopping and dropping where some λ_k reaches 0
//!   singular:         v = H_SS⁻¹ H_Si; along d = e_i − v the objective falls without bound in
//!                     curvature: go until some λ_k reaches 0 and swap it for i; if none does,
//!                     d ≥ 0 and Hd = 0 prove that no direction separates the rows
//! ```
//!
//! The factor `H_SS = LLᵀ` is updated: a new index is one more row, a dropped one a sweep of Givens
//! rotations, both O(|S|²).

use super::accurate::{accurate_excess, add_scaled, dot};
use super::factor::Factor;
use super::{INSEPARABLE, relative_value};
use crate::matrix::Matrix;

/// Coefficients of a dependence below this may be roundings of zero: √ε, the most that a support as close to
/// singular as [`super::SINGULAR`] lets it be can have.
const FAINT: f64 = 1e-8;

/// How the active set ended.
#[derive(Clone, Debug)]
pub enum End {
    /// No index is violated.
    Optimal,
    /// A direction `d ≥ 0` of unbounded descent.
    Unbounded(Vec<f64>),
    /// No progress beyond rounding, or too many steps.
    Stalled,
}

/// λ, the number of pivots, and how it ended.
#[derive(Clone, Debug)]
pub struct Solved {
    /// λ ≥ 0, length n.
    pub lambda: Vec<f64>,
    /// Number of indices that entered or left.
    pub pivots: usize,
    /// Why it stopped.
    pub end: End,
}

/// Solves from a guess of λ: its largest entries, as far as they are independent, are the first support.
pub fn solve(h: &Matrix, guess: &[f64]) -> Solved {
    let mut state = ActiveSet::new(h);
    state.start(guess);
    let end = state.run();
    Solved { lambda: state.lambda, pivots: state.pivots, end }
}

/// Solves from the solution of fewer rows, with λ = 0 for those that are new. None where its support is no solution of these rows,
/// or the way does not end at one.
pub fn resume(h: &Matrix, known: &[f64]) -> Option<Solved> {
    let mut state = ActiveSet::new(h);
    let support: Vec<usize> = (0..known.len()).filter(|&i| known[i] > 0.0).collect();
    if support.len() == known.len() || !state.begin(&support) {
        return None;
    }
    let z = state.minimizer();
    if !z.iter().all(|z| *z > 0.0) {
        return None;
    }
    state.support.iter().zip(z).for_each(|(&i, z)| state.lambda[i] = z);
    state.pivots = 0;
    let end = state.run();
    matches!(end, End::Optimal).then_some(Solved { lambda: state.lambda, pivots: state.pivots, end })
}

struct ActiveSet<'a> {
    h: &'a Matrix,
    lambda: Vec<f64>,
    support: Vec<usize>,
    factor: Triangle,
    pivots: usize,
}

impl<'a> ActiveSet<'a> {
    fn new(h: &'a Matrix) -> Self {
        let n = h.rows();
        Self { h, lambda: vec![0.0; n], support: Vec::new(), factor: Triangle::default(), pivots: 0 }
    }

    fn start(&mut self, guess: &[f64]) {
        let mut order: Vec<usize> = (0..guess.len()).filter(|&i| guess[i] > 0.0).collect();
        order.sort_by(|&i, &k| guess[k].total_cmp(&guess[i]));
        if !self.begin(&order) {
            order.into_iter().for_each(|i| {
                self.enter(i);
            });
        }
        self.descend();
    }

    /// Takes all of these for the support, if their rows are independent.
    fn begin(&mut self, support: &[usize]) -> bool {
        let factor = (!support.is_empty()).then(|| Factor::new(self.h, 0.0, support.to_vec())).flatten();
        let Some(factor) = factor else { return false };
        (self.factor.rows, self.support, self.pivots) = (factor.rows(), support.to_vec(), support.len());
        true
    }

    fn run(&mut self) -> End {
        let n = self.h.rows();
        let all: Vec<usize> = (0..n).collect();
        let mut banned = vec![false; n];
        for _ in 0..20 * n + 100 {
            let w = accurate_excess(self.h, &all, &self.lambda);
            let mut outside = vec![true; n];
            self.support.iter().for_each(|&i| outside[i] = false);
            let slack = |i: usize| w[i].value / w[i].scale;
            let violated = (0..n).filter(|&i| outside[i] && !banned[i] && slack(i) < -super::TIE);
            let Some(i) = violated.min_by(|&i, &k| slack(i).total_cmp(&slack(k))) else {
                return if banned.iter().any(|b| *b) { End::Stalled } else { End::Optimal };
            };
            let progress = match self.enter(i) {
                Entered::Independent => self.descend_with(i),
                Entered::Dependent(v) => match self.exchange(i, &v) {
                    Some(direction) => return End::Unbounded(direction),
                    None => true,
                },
            };
            if progress { banned.fill(false) } else { banned[i] = true }
        }
        End::Stalled
    }

    /// Appends i to the support if its row is independent of it.
    fn enter(&mut self, i: usize) -> Entered {
        let column: Vec<f64> = self.support.iter().map(|&k| self.h[(i, k)]).collect();
        let row = self.factor.forward(column);
        let pivot = self.h[(i, i)] - dot(&row, &row);
        if pivot <= super::SINGULAR * (row.len() + 10) as f64 * self.h[(i, i)] {
            return Entered::Dependent(self.factor.backward(row));
        }
        self.factor.append(row, pivot.sqrt());
        self.support.push(i);
        self.pivots += 1;
        Entered::Independent
    }

    fn leave(&mut self, position: usize) {
        self.lambda[self.support.remove(position)] = 0.0;
        self.factor.remove(position);
        self.pivots += 1;
    }

    /// After i has entered: its own weight must become positive, else rounding has misled us.
    fn descend_with(&mut self, i: usize) -> bool {
        let z = self.minimizer();
        if *z.last().expect("i has entered") <= 0.0 {
            self.leave(self.support.len() - 1);
            return false;
        }
        self.descend();
        self.lambda[i] > 0.0 || !self.support.contains(&i)
    }

    /// Moves to the minimizer of the support, dropping indices that reach zero on the way.
    fn descend(&mut self) {
        while !self.support.is_empty() {
            let z = self.minimizer();
            let fraction = |(z, &i): (&f64, &usize)| {
                (*z <= 0.0).then(|| self.lambda[i] / (self.lambda[i] - z).max(f64::MIN_POSITIVE))
            };
            let step = z.iter().zip(&self.support).filter_map(fraction).fold(1.0f64, f64::min);
            for (z, &i) in z.iter().zip(&self.support) {
                self.lambda[i] += step * (z - self.lambda[i]);
            }
            if step >= 1.0 && z.iter().all(|z| *z > 0.0) {
                z.iter().zip(&self.support).for_each(|(z, &i)| self.lambda[i] = *z);
                return;
            }
            let blocking = |(r, z): (usize, &f64)| {
                *z <= 0.0 && self.lambda[self.support[r]] <= 1e-14 * (self.lambda[self.support[r]] - z).abs()
            };
            let mut drop: Vec<usize> = z.iter().enumerate().filter(|p| blocking(*p)).map(|(r, _)| r).collect();
            if drop.is_empty() {
                drop.extend(
                    (0..z.len())
                        .filter(|&r| z[r] <= 0.0)
                        .min_by(|&a, &b| self.lambda[self.support[a]].total_cmp(&self.lambda[self.support[b]])),
                );
            }
            if drop.is_empty() {
                return; // not a number
            }
            drop.into_iter().rev().for_each(|r| self.leave(r));
        }
    }

    /// `H_SS⁻¹ 1` with two steps of refinement.
    fn minimizer(&self) -> Vec<f64> {
        let mut z = self.factor.solve(vec![1.0; self.support.len()]);
        let mut full = vec![0.0; self.h.rows()];
        for _ in 0..2 {
            z.iter().zip(&self.support).for_each(|(z, &i)| full[i] = *z);
            let residual = accurate_excess(self.h, &self.support, &full);
            let step = self.factor.solve(residual.iter().map(|e| e.value).collect());
            z.iter_mut().zip(step).for_each(|(z, s)| *z -= s);
        }
        z
    }

    /// Moves along `d = e_i − v`; returns d if nothing blocks.
    fn exchange(&mut self, i: usize, v: &[f64]) -> Option<Vec<f64>> {
        if let Some(direction) = self.vanishing(i, v) {
            return Some(direction);
        }
        let ratio = |r: usize| self.lambda[self.support[r]] / v[r];
        let blocking = (0..v.len()).filter(|&r| v[r] > 0.0).min_by(|&a, &b| ratio(a).total_cmp(&ratio(b)));
        let r = blocking?;
        let step = ratio(r);
        for (&k, v) in self.support.iter().zip(v) {
            self.lambda[k] = (self.lambda[k] - step * v).max(0.0);
        }
        self.leave(r);
        if matches!(self.enter(i), Entered::Independent) {
            self.lambda[i] = step;
        }
        self.descend();
        None
    }

    /// `d = e_i − v` where it is nonnegative. An entry of v that vanishes comes out as a rounding of either
    /// sign, which must not block: entries below [`FAINT`] are taken for zero if H then says of d, weighed by
    /// [`relative_value`], that its rows cancel.
    fn vanishing(&self, i: usize, v: &[f64]) -> Option<Vec<f64>> {
        if v.iter().any(|v| *v > FAINT) {
            return None;
        }
        let mut direction = vec![0.0; self.h.rows()];
        self.support.iter().zip(v).for_each(|(&k, v)| direction[k] = (-v).max(0.0));
        direction[i] = 1.0;
        let nothing_blocks = v.iter().all(|v| *v <= 0.0);
        (nothing_blocks || relative_value(self.h, &direction) <= INSEPARABLE).then_some(direction)
    }
}

enum Entered {
    Independent,
    /// The coefficients `v = H_SS⁻¹ H_Si` of the dependence.
    Dependent(Vec<f64>),
}

/// A lower triangular factor whose rows come and go.
#[derive(Default)]
struct Triangle {
    rows: Vec<Vec<f64>>, // row r has r + 1 entries
}

impl Triangle {
    /// `L⁻¹ b`.
    fn forward(&self, mut b: Vec<f64>) -> Vec<f64> {
        for (r, row) in self.rows.iter().enumerate() {
            b[r] = (b[r] - dot(&row[..r], &b[..r])) / row[r];
        }
        b
    }

    /// `L⁻ᵀ b`.
    fn backward(&self, mut b: Vec<f64>) -> Vec<f64> {
        for (r, row) in self.rows.iter().enumerate().rev() {
            b[r] /= row[r];
            let (head, tail) = b.split_at_mut(r);
            add_scaled(-tail[0], &row[..r], head);
        }
        b
    }

    fn solve(&self, b: Vec<f64>) -> Vec<f64> {
        self.backward(self.forward(b))
    }

    fn append(&mut self, mut row: Vec<f64>, pivot: f64) {
        row.push(pivot);
        self.rows.push(row);
    }

    /// Removes row and column `p` of `LLᵀ`: the rows below shift up with one entry too many, which
    /// rotations of columns (c, c+1) bring back to zero.
    fn remove(&mut self, p: usize) {
        self.rows.remove(p);
        for c in p..self.rows.len() {
            let (a, b) = (self.rows[c][c], self.rows[c][c + 1]);
            let length = a.hypot(b);
            let (cos, sin) = (a / length, b / length);
            for row in &mut self.rows[c..] {
                let (x, y) = (row[c], row[c + 1]);
                row[c] = x.mul_add(cos, y * sin);
                row[c + 1] = y.mul_add(cos, -(x * sin));
            }
            self.rows[c].truncate(c + 1);
        }
    }
}
