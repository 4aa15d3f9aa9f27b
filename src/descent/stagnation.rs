//! Looks for lost updates in steps whose state is in f32: weights that a step leaves as they were although their
//! update is not 0 ([`crate::rounding`]).

use super::fused::Fused;
use crate::data::slabs::X;
use crate::matrix::Matrix;

/// Growth of t between two looks at lost updates.
const GROWTH: f64 = 1.125;

/// Looks for lost updates at t = 1, 2, 3, … and, from 9 on, at t that grow by an eighth.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    next: u64,
    seen: Vec<bool>, // columns of X that are not all zero
}

impl Looks {
    /// On samples X (n×d).
    pub fn new(x: &X) -> Self {
        let mut seen = vec![false; x.cols()];
        x.each_row(|_, row| seen.iter_mut().zip(row).for_each(|(seen, x)| *seen |= *x != 0.0));
        Self { next: 1, seen }
    }

    /// The next step to be looked at.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// On samples X (n×d), with this step to be looked at next.
    pub fn from_step(x: &X, next: u64) -> Self {
        Self { next, ..Self::new(x) }
    }

    /// W before step t, if that step is to be looked at.
    pub fn before(&mut self, fused: &Fused, t: u64) -> Option<Matrix> {
        if t < self.next {
            return None;
        }
        self.next = ((t as f64 * GROWTH) as u64).max(t + 1);
        Some(fused.weights())
    }

    /// The fraction of weights with an update that has changed nothing.
    pub fn lost(&self, before: &Matrix, after: &Matrix) -> f64 {
        let d = self.seen.len();
        let updates = self.seen.iter().filter(|seen| **seen).count() * before.rows();
        let pairs = before.values().iter().zip(after.values()).enumerate();
        let lost = pairs.filter(|(at, (a, b))| a == b && self.seen[at % d]).count();
        lost as f64 / updates.max(1) as f64
    }
}
