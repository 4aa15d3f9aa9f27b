//! How the averaged iterate moves: over a step, and onto the kinks of another mode.
//!
//! ```text
//! step:      C_j ← C_j + ν_g, Z_j ← Z_j + Kν_g for the neurons j of each group g, ν_g its slopes times ∫ e;  q ← q + H ∫ e
//! projection: the smallest change of w_j with z_kj = 0 for the k that slide
//! ```

use super::Sliding;
use super::mode::Place;
use crate::descent::choose::price_of_settling;
use crate::descent::compensated::dot;
use crate::descent::runge_kutta::change;
use crate::descent::span::SpanProblem;
use farfield_kernels::two_sum::add;
use std::sync::Arc;

impl Sliding {
    /// Moves the iterate to `next` over the step left in `k`.
    pub(super) fn apply(&mut self, problem: &SpanProblem, next: f64, length: f64) {
        change(length, &self.k, &mut self.moved);
        let (n, m) = (problem.n(), problem.network.width);
        let columns = self.mode.columns(problem, &self.moved);
        let mut images = vec![0.0; columns.len()];
        problem.multiply_all(&columns, &mut images);
        for (part, image) in self.mode.parts.iter().zip(images.chunks_exact_mut(n)) {
            part.kinks.iter().for_each(|i| image[*i] = 0.0);
        }
        for i in 0..n {
            for j in 0..m {
                let at = self.mode.groups.of[j] * n + i;
                self.c.add_at(i * m + j, columns[at]);
                self.z.add_at(i * m + j, images[at]);
            }
        }
        self.mode.product().multiply(&self.moved, &mut self.image);
        self.q.add(&self.image);
        self.t = next;
        self.u = add(self.u, length);
    }

    /// Another mode at the present t. False, and nothing changed, if its slopes are not determined.
    pub(super) fn change_mode(&mut self, problem: &Arc<SpanProblem>, places: Vec<Place>) -> bool {
        self.spent += price_of_settling(problem.n());
        let Some(mode) = self.mode.then(problem, places) else { return false };
        self.mode = Arc::new(mode);
        self.project(problem);
        true
    }

    /// Puts the pairs that slide onto their kinks, by the smallest change of W, and reads the margins.
    pub(super) fn project(&mut self, problem: &SpanProblem) {
        let (n, m) = (problem.n(), problem.network.width);
        for j in 0..m {
            let part = &self.mode.parts[self.mode.groups.of[j]];
            let off: Vec<f64> = part.kinks.iter().map(|i| self.z.hi()[i * m + j]).collect();
            if off.iter().any(|z| *z != 0.0) {
                let mut column = vec![0.0; n];
                part.kinks.iter().zip(part.excess(off)).for_each(|(i, c)| column[*i] = -c);
                problem.multiply(&column, &mut self.image);
                for i in 0..n {
                    self.c.add_at(i * m + j, column[i]);
                    self.z.add_at(i * m + j, self.image[i]);
                }
            }
            part.kinks.iter().for_each(|i| self.z.set(i * m + j, (0.0, 0.0)));
        }
        self.read_margins(problem);
    }

    pub(super) fn read_margins(&mut self, problem: &SpanProblem) {
        let (n, m) = (problem.n(), problem.network.width);
        for i in 0..n {
            let slope = |j: usize| match self.mode.places[i * m + j] {
                Place::Below => problem.network.leak,
                Place::Kink => 0.0,
                Place::Above => 1.0,
            };
            let feature = |j: usize| problem.labels[i] * problem.network.output(j) * slope(j);
            let (hi, lo) = (self.z.hi(), self.z.lo());
            let terms = (0..m).flat_map(|j| [(feature(j), hi[i * m + j]), (feature(j), lo[i * m + j])]);
            self.q.set(i, dot(terms));
        }
    }
}
