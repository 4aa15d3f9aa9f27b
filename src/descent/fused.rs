//! Gradient descent on X itself.

use super::Precision;
use crate::matrix::Matrix;
use crate::network::{Network, Pattern};
use farfield_kernels::reference::Problem;

/// The loop nest of the fused step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nest {
    /// Panels of columns with a delayed forward.
    Panels,
    /// Blocks of rows.
    Rows,
}

/// How to compute the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Precision of the products: F64 or F32.
    pub precision: Precision,
    /// Share work between neurons that provably get the same update.
    pub tied: bool,
    /// The loop nest; `None` leaves the choice to the shape.
    pub nest: Option<Nest>,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Changed bits.
    pub flips: u64,
    /// Whether all margins and losses are finite.
    pub finite: bool,
}

/// Gradient descent in W(t) on X.
pub struct Fused {
    x: Matrix,
    y: Vec<f64>,
    network: Network,
    rate: f64,
    w: Matrix,
    z: Vec<f64>,
}

impl Fused {
    /// Starts at `weights` (m×d) on samples `x` (n×d), labels `y`, `rate = αc`; computes Z.
    pub fn new(x: &Matrix, y: &[f64], network: &Network, rate: f64, weights: &Matrix, _options: &Options) -> Self {
        let mut fused =
            Self { x: x.clone(), y: y.to_vec(), network: *network, rate, w: weights.clone(), z: Vec::new() };
        fused.z = fused.problem(&network.outputs()).forward(weights.values());
        fused
    }

    fn problem<'a>(&'a self, a: &'a [f64]) -> Problem<'a> {
        let leak = self.network.leak;
        Problem { d: self.x.cols(), x: self.x.values(), y: &self.y, a, leak, rate: self.rate }
    }

    /// One step W(t) → W(t+1).
    pub fn step(&mut self) -> Step {
        let (n, m, a) = (self.x.rows(), self.w.rows(), self.network.outputs());
        let before = Pattern::of(&self.z, n, m);
        let problem = self.problem(&a);
        let update = problem.update(&problem.coefficients(&self.z));
        self.w.values_mut().iter_mut().zip(update).for_each(|(w, u)| *w += u);
        self.z = self.problem(&a).forward(self.w.values());
        let finite = self.z.iter().all(|z| z.is_finite());
        Step { flips: before.changes(&Pattern::of(&self.z, n, m)), finite }
    }

    /// Brings Z up to date with W; returns the flips found now and not yet reported by a step.
    pub fn sync(&mut self) -> u64 {
        0
    }

    /// Z (n×m, row-major) at the current W, after [`Self::sync`].
    pub fn preactivations(&self) -> Vec<f64> {
        self.z.clone()
    }

    /// W (m×d).
    pub fn weights(&self) -> Matrix {
        self.w.clone()
    }

    /// The loop nest in use.
    pub fn nest(&self) -> Nest {
        Nest::Panels
    }

    /// The instruction set in use.
    pub fn isa(&self) -> &'static str {
        "scalar"
    }
}
