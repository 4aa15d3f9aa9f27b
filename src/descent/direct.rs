//! The direct engine: every step is taken on W and X, by the fused kernel.
//!
//! It is the reference for the other engines, and the one for more samples than features.

use super::choose;
use super::fused::{Fused, Nest, Options};
use super::stagnation::Looks;
use crate::data::slabs::X;
use crate::digest::{Digest, Hasher};
use crate::engine::{
    Diary, Engine, EngineKind, Flips, Iterate, Precision, Progress, Reached, Remark, Segment, Stop, Weights, Work,
};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::rounding::Rounding;
use crate::state::{Result, State, StateError};
use farfield_kernels::loss::Loss;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Most steps between looks at the stop flag: each is at least a microsecond.
const SLICE: u64 = 64;

/// Seconds of steps between looks, by their price: signals wait a few times as long, wherever a step is shorter.
const LOOK: f64 = 0.01;

/// Sizes of the largest number of X between which products of f32 neither overflow nor vanish.
const RANGE: std::ops::RangeInclusive<f64> = 1e-12..=1e12;

/// Gradient descent, step by step, on all of W.
pub struct Direct {
    fused: Fused,
    samples: X,
    labels: Vec<f64>,
    network: Network,
    law: (Loss, f64),
    requested: Options,
    options: Options,     // in effect
    looks: Option<Looks>, // in f32
    steps: u64,
    diary: Diary,
    progress: Progress,
    booked: u64, // steps in the diary
    started: Instant,
    weights: Option<Weights>,
    fingerprint: OnceLock<Digest>,
    origin: u64,    // the t of the first step
    price: f64,     // of a step
    allowance: f64, // in the same seconds
}

impl Direct {
    /// Starts at `weights` (m×d) with a loss and the rate `αc`; `samples` is X (n×d), `labels` are ±1. Mixed steps on data outside the range of f32 are taken in f64.
    pub fn new(
        samples: impl Into<X>,
        labels: &[f64],
        network: &Network,
        law: (Loss, f64),
        weights: &Matrix,
        options: &Options,
    ) -> Self {
        let (requested, mut options, samples) = (*options, *options, samples.into());
        let (labels, network) = (labels.to_vec(), *network);
        let mut rounding = (options.precision != Precision::F64).then(Rounding::default);
        if options.precision == Precision::Mixed && !RANGE.contains(&samples.largest()) {
            options.precision = Precision::F64;
            rounding = Some(Rounding { escalated: Some(0.0), ..Rounding::default() });
        }
        let fused = Fused::new(&samples, &labels, &network, law, weights, &options);
        let looks = (options.precision == Precision::F32).then(|| Looks::new(&samples));
        let mut direct = Self {
            origin: 0,
            price: choose::price(samples.rows(), samples.cols(), network.width),
            allowance: f64::INFINITY,
            fused,
            samples,
            labels,
            network,
            law,
            requested,
            options,
            looks,
            steps: 0,
            diary: Diary { rounding, ..Diary::default() },
            progress: Progress::default(),
            booked: 0,
            started: Instant::now(),
            weights: None,
            fingerprint: OnceLock::new(),
        };
        direct.book();
        direct
    }

    /// Goes on from a state that [`Engine::save`] made on the same problem with the same options, in the same bits.
    ///
    /// # Errors
    /// If it is the state of another engine, problem or options, or if a field is missing or cannot be.
    pub fn restore(
        samples: impl Into<X>,
        labels: &[f64],
        network: &Network,
        law: (Loss, f64),
        options: &Options,
        state: &State,
    ) -> Result<Self> {
        let samples = samples.into();
        let problem = fingerprint(&samples, labels, network, law);
        state.check(&[EngineKind::Direct], &problem)?;
        let from = state.reader();
        numbered(options).into_iter().try_for_each(|(name, value)| from.unchanged(name, value))?;
        let precision = from.choice("precision", &Precision::ALL)?;
        let diary = Diary::restore(&from)?;
        let escalated = options.precision == Precision::Mixed && precision == Precision::F64;
        if (precision != options.precision && !escalated)
            || diary.rounding.is_none() != (options.precision == Precision::F64)
        {
            return Err(StateError::Contradiction("precision"));
        }
        let effective = Options { precision, ..*options };
        let looks = || from.count("looks.next").map(|next| Looks::from_step(&samples, next));
        let steps = from.count("t")?;
        let mut direct = Self {
            origin: from.count("origin")?.min(steps),
            price: choose::price(samples.rows(), samples.cols(), network.width),
            allowance: f64::INFINITY,
            fused: Fused::restore(&samples, labels, network, law, &effective, &from)?,
            looks: (precision == Precision::F32).then(looks).transpose()?,
            samples,
            labels: labels.to_vec(),
            network: *network,
            law,
            requested: *options,
            options: effective,
            steps,
            diary,
            progress: Progress::default(),
            booked: steps,
            started: Instant::now(),
            weights: None,
            fingerprint: problem.into(),
        };
        direct.note_remark();
        from.finish()?;
        Ok(direct)
    }

    /// The same at step t, with flips behind it, for an engine that has only just begun.
    pub fn from_step(mut self, (t, flips): (u64, Flips)) -> Self {
        (self.steps, self.booked, self.origin, self.diary.flips) = (t, t, t, flips);
        self.diary.segments.clear();
        self
    }

    /// The same, with its progress told here.
    pub fn telling(mut self, progress: &Progress) -> Self {
        self.progress = progress.clone();
        self
    }

    fn note_remark(&mut self) {
        self.diary.remark = self.diary.rounding.as_ref().and_then(Remark::of);
    }

    /// Counts changes of sides; those of the linear model change nothing.
    fn count(&mut self, flips: u64, t: u64) {
        let flips = if self.network.linear() { 0 } else { flips };
        self.diary.flips.note(flips, t as f64);
    }

    /// One step; whether all margins were finite.
    fn step(&mut self) -> bool {
        let before = self.looks.as_mut().and_then(|looks| looks.before(&self.fused, self.steps + 1));
        let step = self.fused.step();
        self.steps += 1;
        // The row nest learns the pattern of t while it steps to t + 1.
        let shown = if self.fused.nest() == Nest::Rows { self.steps - 1 } else { self.steps };
        self.count(step.flips, shown);
        if let (Some(before), Some(looks), Some(rounding)) = (before, &self.looks, &mut self.diary.rounding) {
            rounding.lose(looks.lost(&before, &self.fused.weights()), self.steps as f64);
        }
        if let (Some(judge), Some(rounding)) = (self.fused.judge(), &mut self.diary.rounding) {
            rounding.judged(&judge, self.steps as f64);
            if judge.failed {
                self.escalate();
            }
        }
        step.finite
    }

    /// Goes on in f64 from the present W.
    fn escalate(&mut self) {
        let late = self.fused.sync();
        self.count(late, self.steps);
        let (n, network) = (self.labels.len(), self.network);
        let pattern = |fused: &Fused| network.pattern(&fused.preactivations(), n);
        let (weights, shown) = (self.fused.weights(), pattern(&self.fused));
        self.book();
        self.options.precision = Precision::F64;
        self.fused = Fused::new(&self.samples, &self.labels, &self.network, self.law, &weights, &self.options);
        self.count(pattern(&self.fused).changes(&shown), self.steps);
        if let Some(rounding) = &mut self.diary.rounding {
            (rounding.escalated, rounding.drift) = (Some(self.steps as f64), None);
        }
    }

    /// Books the steps and the time since the last time.
    fn book(&mut self) {
        self.diary.travel(Segment {
            engine: self.kind(),
            precision: self.options.precision,
            from: self.booked as f64,
            to: self.t(),
            steps_taken: self.steps - self.booked,
            seconds: self.started.elapsed().as_secs_f64(),
            error_estimate: 0.0,
        });
        (self.booked, self.started) = (self.steps, Instant::now());
        self.note_remark();
    }
}

impl Engine for Direct {
    fn kind(&self) -> EngineKind {
        EngineKind::Direct
    }

    fn t(&self) -> f64 {
        self.steps as f64
    }

    fn advance(&mut self, target: f64, stop: &Stop) -> Reached {
        self.started = Instant::now();
        self.weights = None;
        let mut reached = Reached::Target;
        let slice = ((LOOK / self.price) as u64).clamp(1, SLICE);
        while (self.steps as f64) < target {
            if self.work().spent >= self.allowance {
                reached = Reached::Exhausted;
                break;
            }
            if !self.step() {
                reached = Reached::Diverged;
                break;
            }
            if self.steps.is_multiple_of(slice) {
                self.progress.note(self.steps as f64);
                if stop.raised() {
                    reached = Reached::Interrupted;
                    break;
                }
            }
        }
        let late = self.fused.sync();
        self.count(late, self.steps);
        self.book();
        self.progress.note(self.t());
        reached
    }

    fn diary(&self) -> &Diary {
        &self.diary
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn work(&self) -> Work {
        Work { spent: (self.steps - self.origin) as f64 * self.price, price: self.price, averaged: 0.0 }
    }

    fn allow(&mut self, seconds: f64) {
        self.allowance = seconds;
    }

    fn save(&self) -> State {
        let digest = || fingerprint(&self.samples, &self.labels, &self.network, self.law);
        let mut state = State::new(self.kind(), *self.fingerprint.get_or_init(digest));
        let mut out = state.saver();
        out.count("t", self.steps);
        out.choice("precision", &Precision::ALL, &self.options.precision);
        if let Some(looks) = &self.looks {
            out.count("looks.next", looks.next());
        }
        self.fused.save(&mut out);
        self.diary.save(&mut out);
        let (mut out, options) = (out.beside(), numbered(&self.requested));
        out.count("origin", self.origin);
        options.into_iter().for_each(|(name, value)| out.within("options").number(name, value));
        state
    }

    /// In f32 and mixed steps Z is computed here in f64, from W and the samples as given: what is said of W is
    /// said of these data, whatever the steps made of them.
    fn iterate(&mut self) -> &dyn Iterate {
        let Self { fused, samples, network, options, diary, .. } = self;
        self.weights.get_or_insert_with(|| {
            let weights = fused.weights();
            let running = fused.preactivations();
            let z = if options.precision == Precision::F64 {
                running
            } else {
                let z = samples.preactivations(&weights);
                if let Some(rounding) = &mut diary.rounding {
                    rounding.drifted(network.drift(&z, &running));
                }
                z
            };
            Weights::known(samples, Arc::new(weights), z)
        })
    }
}

/// The digest of what the steps are on.
fn fingerprint(samples: &X, labels: &[f64], network: &Network, (loss, rate): (Loss, f64)) -> Digest {
    let shape = [samples.rows(), samples.cols(), network.width, network.positive].map(|size| size as f64);
    let mut hasher = Hasher::default();
    hasher.bytes(loss.name().as_bytes()).numbers(&shape).numbers(&[network.leak, rate]);
    hasher.numbers(labels);
    samples.each_row(|_, row| {
        hasher.numbers(row);
    });
    hasher.finish()
}

/// Options as numbers, by name.
fn numbered(options: &Options) -> [(&'static str, f64); 3] {
    let precision = Precision::ALL.iter().position(|p| *p == options.precision).unwrap_or_default();
    let nest = match options.nest {
        None => 0.0,
        Some(Nest::Panels) => 1.0,
        Some(Nest::Rows) => 2.0,
    };
    [("precision", precision as f64), ("tied", f64::from(u8::from(options.tied))), ("nest", nest)]
}
