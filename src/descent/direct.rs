//! The direct engine: every step is taken on W and X, by the fused kernel.
//!
//! It is the reference for the other engines, and the one for more samples than features.

use super::fused::{Fused, Nest, Options};
use super::{Engine, Flips, Precision, Reached, Segment, Stop, View};
use crate::geometry::{Span, transposed_product};
use crate::matrix::{Matrix, norm};
use crate::network::Network;
use std::sync::Arc;
use std::time::Instant;

/// Steps between looks at the stop flag: each is at least a microsecond, so signals wait milliseconds.
const SLICE: u64 = 64;

/// Gradient descent, step by step, on all of W.
pub struct Direct {
    fused: Fused,
    samples: Arc<Matrix>,
    precision: Precision,
    steps: u64,
    flips: Flips,
    seconds: f64,
    state: Option<State>,
}

impl Direct {
    /// Starts at `weights` (m×d) with rate `αc`; `samples` is X (n×d), `labels` are ±1.
    pub fn new(
        samples: Arc<Matrix>,
        labels: &[f64],
        network: &Network,
        rate: f64,
        weights: &Matrix,
        options: &Options,
    ) -> Self {
        let fused = Fused::new(&samples, labels, network, rate, weights, options);
        let (precision, flips) = (options.precision, Flips::default());
        Self { fused, samples, precision, steps: 0, flips, seconds: 0.0, state: None }
    }

    fn count(&mut self, flips: u64, t: u64) {
        if flips > 0 {
            self.flips = Flips { count: self.flips.count + flips, last: t as f64 };
        }
    }
}

impl Engine for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn t(&self) -> f64 {
        self.steps as f64
    }

    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        let start = Instant::now();
        self.state = None;
        let mut reached = Reached::Target;
        while (self.steps as f64) < target {
            let step = self.fused.step();
            self.steps += 1;
            // The row nest learns the pattern of t while it steps to t + 1.
            let shown = if self.fused.nest() == Nest::Rows { self.steps - 1 } else { self.steps };
            self.count(step.flips, shown);
            if !step.finite {
                reached = Reached::Diverged;
                break;
            }
            if self.steps.is_multiple_of(SLICE) {
                stop.note(self.steps as f64);
                if stop.raised() {
                    reached = Reached::Interrupted;
                    break;
                }
            }
        }
        let late = self.fused.sync();
        self.count(late, self.steps);
        self.seconds += start.elapsed().as_secs_f64();
        reached
    }

    fn flips(&self) -> Flips {
        self.flips
    }

    fn segments(&self) -> Vec<Segment> {
        vec![Segment {
            engine: self.name(),
            precision: self.precision,
            from: 0.0,
            to: self.t(),
            steps_taken: self.steps,
            seconds: self.seconds,
            error_estimate: 0.0,
        }]
    }

    fn view(&mut self) -> &dyn View {
        let (fused, samples) = (&self.fused, &self.samples);
        self.state.get_or_insert_with(|| {
            let weights = fused.weights();
            let length = weights.norm();
            State { t: self.steps as f64, z: fused.preactivations(), weights, length, samples: samples.clone() }
        })
    }
}

/// W and Z at one t.
struct State {
    t: f64,
    z: Vec<f64>,
    weights: Matrix,
    length: f64,
    samples: Arc<Matrix>,
}

impl View for State {
    fn preactivations(&self) -> &[f64] {
        &self.z
    }

    fn weight_norm(&self) -> f64 {
        self.length
    }

    fn combined_norm(&self, s: f64, e: &Span) -> f64 {
        let directions: Vec<Vec<f64>> = e.columns.iter().map(|c| transposed_product(&self.samples, c)).collect();
        let row = |(j, g): (usize, &usize)| {
            let sum: Vec<f64> =
                self.weights.row(j).iter().zip(&directions[*g]).map(|(w, v)| s.mul_add(*w, *v)).collect();
            norm(&sum)
        };
        norm(&e.groups.of.iter().enumerate().map(row).collect::<Vec<f64>>())
    }

    fn weights(&self) -> Matrix {
        self.weights.clone()
    }

    fn state(&self) -> Vec<f64> {
        [&[self.t], self.weights.values()].concat()
    }
}
