//! The direct engine: every step is taken on W and X, by the fused kernel.
//!
//! It is the reference for the other engines, and the one for more samples than features.

use super::fused::{Fused, Nest, Options};
use super::rounding::{Looks, Rounding};
use super::{Engine, Flips, Precision, Reached, Segment, Stop, View};
use crate::geometry::{Span, preactivations, transposed_product};
use crate::matrix::{Matrix, norm};
use crate::network::{Network, Pattern};
use farfield_kernels::loss::Loss;
use std::sync::Arc;
use std::time::Instant;

/// Steps between looks at the stop flag: each is at least a microsecond, so signals wait milliseconds.
const SLICE: u64 = 64;

/// Sizes of the largest number of X between which products of f32 neither overflow nor vanish.
const RANGE: std::ops::RangeInclusive<f64> = 1e-12..=1e12;

/// Gradient descent, step by step, on all of W.
pub struct Direct {
    fused: Fused,
    samples: Arc<Matrix>,
    labels: Vec<f64>,
    network: Network,
    law: (Loss, f64),
    options: Options,
    looks: Option<Looks>, // in f32
    rounding: Option<Rounding>,
    steps: u64,
    flips: Flips,
    past: Vec<Segment>,
    seconds: f64,
    started: Instant,
    state: Option<State>,
}

impl Direct {
    /// Starts at `weights` (m×d) with a loss and the rate `αc`; `samples` is X (n×d), `labels` are ±1. Mixed steps on data
    /// outside the range of f32 are taken in f64.
    pub fn new(
        samples: Arc<Matrix>,
        labels: &[f64],
        network: &Network,
        law: (Loss, f64),
        weights: &Matrix,
        options: &Options,
    ) -> Self {
        let (mut options, labels, network) = (*options, labels.to_vec(), *network);
        let mut rounding = (options.precision != Precision::F64).then(Rounding::default);
        let largest = samples.values().iter().fold(0.0f64, |top, x| top.max(x.abs()));
        if options.precision == Precision::Mixed && !RANGE.contains(&largest) {
            options.precision = Precision::F64;
            rounding = Some(Rounding { escalated: Some(0.0), ..Rounding::default() });
        }
        let fused = Fused::new(&samples, &labels, &network, law, weights, &options);
        let looks = (options.precision == Precision::F32).then(|| Looks::new(&samples));
        Self {
            fused,
            samples,
            labels,
            network,
            law,
            options,
            looks,
            rounding,
            steps: 0,
            flips: Flips::default(),
            past: Vec::new(),
            seconds: 0.0,
            started: Instant::now(),
            state: None,
        }
    }

    fn count(&mut self, flips: u64, t: u64) {
        if flips > 0 {
            self.flips = Flips { count: self.flips.count + flips, last: t as f64 };
        }
    }

    /// One step; whether all margins were finite.
    fn step(&mut self) -> bool {
        let before = self.looks.as_mut().and_then(|looks| looks.before(&self.fused, self.steps + 1));
        let step = self.fused.step();
        self.steps += 1;
        // The row nest learns the pattern of t while it steps to t + 1.
        let shown = if self.fused.nest() == Nest::Rows { self.steps - 1 } else { self.steps };
        self.count(step.flips, shown);
        if let (Some(before), Some(looks), Some(rounding)) = (before, &self.looks, &mut self.rounding) {
            rounding.lose(looks.lost(&before, &self.fused.weights()), self.steps as f64);
        }
        if let (Some(watch), Some(rounding)) = (self.fused.watch(), &mut self.rounding) {
            rounding.watched(&watch, self.steps as f64);
            if watch.failed {
                self.escalate();
            }
        }
        step.finite
    }

    /// Goes on in f64 from the present W.
    fn escalate(&mut self) {
        let late = self.fused.sync();
        self.count(late, self.steps);
        let (n, m) = (self.labels.len(), self.network.width);
        let pattern = |fused: &Fused| Pattern::of(&fused.preactivations(), n, m);
        let (weights, shown) = (self.fused.weights(), pattern(&self.fused));
        self.pause();
        self.past.push(self.segment());
        self.seconds = 0.0;
        self.options.precision = Precision::F64;
        self.fused = Fused::new(&self.samples, &self.labels, &self.network, self.law, &weights, &self.options);
        self.count(pattern(&self.fused).changes(&shown), self.steps);
        if let Some(rounding) = &mut self.rounding {
            (rounding.escalated, rounding.drift) = (Some(self.steps as f64), None);
        }
    }

    /// Books the time since the last pause.
    fn pause(&mut self) {
        self.seconds += self.started.elapsed().as_secs_f64();
        self.started = Instant::now();
    }

    /// The stretch in the present precision.
    fn segment(&self) -> Segment {
        let from = self.past.last().map_or(0.0, |last| last.to);
        Segment {
            engine: self.name(),
            precision: self.options.precision,
            from,
            to: self.t(),
            steps_taken: self.steps - from as u64,
            seconds: self.seconds,
            error_estimate: 0.0,
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
        self.started = Instant::now();
        self.state = None;
        let mut reached = Reached::Target;
        while (self.steps as f64) < target {
            if !self.step() {
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
        self.pause();
        reached
    }

    fn flips(&self) -> Flips {
        self.flips
    }

    fn segments(&self) -> Vec<Segment> {
        self.past.iter().cloned().chain([self.segment()]).collect()
    }

    fn rounding(&self) -> Option<Rounding> {
        self.rounding
    }

    fn remark(&self) -> Option<String> {
        self.rounding.as_ref().and_then(Rounding::remark)
    }

    /// In f32 and mixed steps Z is computed here in f64, from W and the samples as given: what is said of W is
    /// said of these data, whatever the steps made of them.
    fn view(&mut self) -> &dyn View {
        let Self { fused, samples, network, options, rounding, .. } = self;
        self.state.get_or_insert_with(|| {
            let weights = fused.weights();
            let (length, running) = (weights.norm(), fused.preactivations());
            let z = if options.precision == Precision::F64 {
                running
            } else {
                let z = preactivations(samples, &weights);
                if let Some(rounding) = rounding {
                    rounding.drifted(network.drift(&z, &running));
                }
                z
            };
            State { t: self.steps as f64, z, weights, length, samples: samples.clone() }
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
