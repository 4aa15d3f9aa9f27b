//! Which engine takes the steps: as asked for, or by a cost model.
//!
//! ```text
//! direct:  steps · max(8nd / bandwidth, 4nd·min(m,2) / flops)                tied neurons, X read once
//! gram:    n²d / flops + 64 · 2n²m / flops + exact steps · (4n² / cache + n·exp)
//! ```
//!
//! K costs about as much as n/8 direct steps; after that d is gone. With warp the exact steps are those
//! until the modified field is accurate, a few thousand at most, however far the horizon. The model is a
//! function of the problem alone, so that the choice, and with it the bits, do not depend on the machine.
//!
//! That counts on a pattern that settles. With many more samples than features it may not, and a step on K costs n²P: where
//! that is more than twice a step on X, the automatic choice is to step on X and to hand over ([`super::relay`]); without
//! warp, to stay there where settled steps are no cheaper on K.

use super::direct::Direct;
use super::fused;
use super::relay::Relay;
use super::span::{self, SpanStart};
use super::voyage::{self, Voyage};
use crate::data::Data;
use crate::data::slabs::X;
use crate::engine::{Engine, EngineKind, Flips, Precision};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::measure::{Fresh, Measure};
use crate::problem::Problem;
use crate::start::Start;
use crate::state::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which engine takes the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// The cheaper one, by the cost model for [`Options::planned`] steps.
    #[default]
    Auto,
    /// On W and X.
    Direct,
    /// In the span of the data, on `K = XXᵀ`.
    Gram,
}

/// How gradient descent is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Which engine takes the steps.
    pub engine: EngineChoice,
    /// The horizon that an automatic choice of the engine is made for; it decides bits, and running on later does not
    /// change it.
    pub planned: f64,
    /// Whether stretches in a settled pattern may be jumped over.
    pub warp: bool,
    /// Whether neurons that provably get the same update share work.
    pub tied: bool,
    /// Precision of the products.
    pub precision: Precision,
    /// Relative error that averages over chattering neurons may leave in the margins; 0: no averages.
    pub sliding_tolerance: f64,
    /// Monitored t per decade.
    pub samples_per_decade: u64,
    /// What is measured besides at monitored t ([`Measure`](crate::Measure) lists it).
    pub measures: Vec<Measure>,
    /// The test error of W at monitored t, of samples from a mixture; none: it is not asked for.
    pub test_error: Option<Fresh>,
    /// A run ends when the certified angle (radians) is below; 0: never.
    pub angle_tolerance: f64,
    /// A run ends after so many seconds, and not before for the cost of its steps alone; 0: never.
    pub max_seconds: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            engine: EngineChoice::Auto,
            planned: f64::INFINITY,
            warp: true,
            tied: true,
            precision: Precision::F64,
            sliding_tolerance: 1e-6,
            samples_per_decade: 4,
            measures: Vec::new(),
            test_error: None,
            angle_tolerance: 0.0,
            max_seconds: 0.0,
        }
    }
}

impl Options {
    /// # Errors
    /// [`Error::Options`], [`Error::Range`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.precision == Precision::F32 && self.engine == EngineChoice::Gram {
            return Err(Error::Options("steps in f32 are steps on X: use mixed precision, or the direct engine"));
        }
        let positive = |name, value: f64| match value >= 0.0 {
            true => Ok(()),
            false => Err(Error::Range { name, value, expected: "0 or more" }),
        };
        positive("the sliding tolerance", self.sliding_tolerance)?;
        positive("the angle tolerance", self.angle_tolerance)?;
        positive("the time", self.max_seconds)?;
        match self.samples_per_decade {
            0 => Err(Error::Range { name: "samples per decade", value: 0.0, expected: "1 or more" }),
            _ => Ok(()),
        }
    }
}

const APART: &str = "these steps on X need all samples in one process, and they do not fit: take those on K";

/// X for steps on it: where it is shared out, as it is for panels in one number type ([`fused`]), else all of it in this process.
///
/// # Errors
/// [`Error::Options`] where this process may not hold it.
fn samples_for_steps(problem: &Problem, options: &Options) -> Result<X> {
    let samples = problem.data.samples();
    let shared = matches!(samples, X::Apart(_)) && samples.rows() <= samples.cols();
    match shared && options.precision != Precision::Mixed {
        true => Ok(samples.clone()),
        false => samples.here().ok_or(Error::Options(APART)),
    }
}

/// The engine that the options ask for, or the cheaper one, at W(0).
///
/// # Errors
/// [`Error::TooManySamples`] for steps on K beyond [`Data::LARGEST`]; as [`Start::matrix`].
pub fn engine(problem: &Problem, start: &Start, options: &Options) -> Result<Box<dyn Engine>> {
    let (data, network) = (&problem.data, problem.network);
    if problem.flow.is_some() {
        return flow(problem, start, options);
    }
    let far_sighted = options.engine == EngineChoice::Auto && options.precision == Precision::F64;
    let streamed = matches!(data.samples(), X::Streamed(_));
    let relayed = far_sighted && !streamed && Relay::pays(problem, options.warp);
    let reduced = match options.engine {
        _ if relayed => false,
        EngineChoice::Direct => false,
        EngineChoice::Gram => data.gram_for("steps on K").map(|_| true)?,
        EngineChoice::Auto if data.axes().is_some() || streamed => options.precision != Precision::F32,
        EngineChoice::Auto => {
            let way = choose(data.n(), data.d(), network.width, options.planned, options.warp);
            way == Way::Gram && options.precision != Precision::F32
        }
    };
    // asked for only where it is needed: samples that are shared out may be gathered for it
    let back = options.warp || price_on_k(data.n(), network.width, 0) < price(data.n(), data.d(), network.width);
    let relays = relayed && back && options.planned > LONG;
    let stepped = if reduced || relays { None } else { Some(samples_for_steps(problem, options)?) };
    let weights = start.matrix(problem)?;
    if relays {
        data.samples().here().ok_or(Error::Options(APART))?;
        return Ok(Box::new(Relay::new(problem, &weights, options)));
    }
    if let Some(x) = stepped {
        let (law, how) = (problem.law(), steps(options));
        return Ok(Box::new(Direct::new(x, data.y(), &network, law, &weights, &how)));
    }
    let span = span(problem, &weights)?;
    Ok(Box::new(Voyage::new(Arc::new(span), 0.0, Flips::default(), far(options))))
}

/// The engine that goes on from a state, in the same bits: the one that saved it, whatever was planned.
///
/// # Errors
/// [`Error::State`] for a state of another problem, start or options, or one that cannot be; as [`Start::matrix`].
pub fn restore(problem: &Problem, start: &Start, options: &Options, state: &State) -> Result<Box<dyn Engine>> {
    let (data, network) = (&problem.data, problem.network);
    if let Some(relay) = Relay::restore(problem, options, state) {
        return Ok(Box::new(relay?));
    }
    if state.engine() == EngineKind::Direct {
        let x = samples_for_steps(problem, options)?;
        let law = problem.law();
        return Ok(Box::new(Direct::restore(x, data.y(), &network, law, &steps(options), state)?));
    }
    let span = span(problem, &start.matrix(problem)?)?;
    let far = voyage::Options { flow: problem.flow, ..far(options) };
    Ok(Box::new(Voyage::restore(Arc::new(span), state, far)?))
}

/// Gradient flow, which is followed on K alone.
fn flow(problem: &Problem, start: &Start, options: &Options) -> Result<Box<dyn Engine>> {
    let refused = [
        (options.engine == EngineChoice::Direct, "gradient flow has no steps on X: its engine is \"auto\" or \"gram\""),
        (options.precision != Precision::F64, "gradient flow is followed in f64"),
        (!options.warp, "gradient flow has no steps that could all be taken: leave warp on"),
    ];
    if let Some((_, why)) = refused.iter().find(|(refused, _)| *refused) {
        return Err(Error::Options(why));
    }
    let span = span(problem, &start.matrix(problem)?)?;
    if !problem.network.linear() && span.start.preactivations.iter().all(|z| *z == 0.0) {
        return Err(Error::Options("from W(0) on every kink gradient flow is not determined: begin elsewhere"));
    }
    let far = voyage::Options { flow: problem.flow, ..far(options) };
    Ok(Box::new(Voyage::new(Arc::new(span), 0.0, Flips::default(), far)))
}

/// Options of the direct engine.
pub(super) fn steps(options: &Options) -> fused::Options {
    fused::Options { precision: options.precision, tied: options.tied, nest: None }
}

/// Options of the engine for long horizons.
pub(super) fn far(options: &Options) -> voyage::Options {
    let mixed = options.precision == Precision::Mixed;
    voyage::Options { warp: options.warp, sliding: options.sliding_tolerance, mixed, ..Default::default() }
}

/// The problem as the span of the data sees it.
fn span(problem: &Problem, weights: &Arc<Matrix>) -> Result<span::SpanProblem> {
    let data = &problem.data;
    let start = SpanStart::new(weights.clone(), data.samples().preactivations(weights));
    let (gram, y) = (data.gram_for("steps on K")?.clone(), data.y().to_vec());
    let span = span::SpanProblem::new(gram, None, y, problem.network, problem.law(), start);
    Ok(span.with_samples(data.samples().clone()))
}

/// Multiply-adds in dense products, floating-point operations per second: two threads of a small server.
const FLOPS: f64 = 50e9;

/// Bytes per second from main memory, where X does not fit the cache.
const MEMORY: f64 = 20e9;

/// Bytes per second from the caches.
const CACHE: f64 = 60e9;

/// Bytes of X above which it is read from main memory.
const LARGE: f64 = 32e6;

/// Seconds for one exponential.
const EXPONENTIAL: f64 = 5e-9;

/// General steps before the pattern settles.
const UNSETTLED: f64 = 64.0;

/// Exact steps until warp takes over.
pub const UNTIL_WARP: f64 = 1024.0;

/// Steps after which averages have usually taken over from neurons that chatter.
pub const UNTIL_AVERAGES: f64 = 262_144.0;

/// Steps below which a relay has nothing to hand over.
const LONG: f64 = 1024.0;

/// Seconds of what every step does besides.
const OVERHEAD: f64 = 4e-7;

/// Seconds of a step on X for n samples in d dimensions and m neurons, each its own motion.
pub fn price(n: usize, d: usize, m: usize) -> f64 {
    let (samples, size, width) = (n as f64, n as f64 * d as f64, m as f64);
    let bandwidth = if 8.0 * size > LARGE { MEMORY } else { CACHE };
    whole((8.0 * size / bandwidth).max(4.0 * size * width / SLOW) + samples * EXPONENTIAL + OVERHEAD)
}

/// A price in whole quanta, so that sums of prices are exact, and do not depend on where a stretch was interrupted.
pub fn whole(seconds: f64) -> f64 {
    (seconds / QUANTUM).ceil() * QUANTUM
}

/// 2⁻³⁶ seconds: sums stay exact up to a day.
const QUANTUM: f64 = 1.0 / 68_719_476_736.0;

/// Seconds of a step on K for n samples, m neurons and P groups of them; P = 0: in a settled pattern.
pub fn price_on_k(n: usize, m: usize, groups: usize) -> f64 {
    let (samples, width) = (n as f64, m as f64);
    let bandwidth = if 4.0 * samples * samples > LARGE { MEMORY } else { CACHE };
    let settled = 4.0 * samples * samples / bandwidth + samples * EXPONENTIAL + LEAST;
    if groups == 0 {
        return whole(settled);
    }
    whole(settled + groups as f64 * samples * samples * GENERAL + samples * width * PAIR + WATCHING)
}

/// Multiply-adds of a step on X, operations per second and thread.
const SLOW: f64 = 30e9;

/// Seconds of a step on K in no particular pattern, for each group and pair of samples.
const GENERAL: f64 = 2e-10;

/// Seconds for what a step on K does for each pair of a sample and a neuron.
const PAIR: f64 = 6e-9;

/// Seconds of a step on K for all that it looks at besides.
const WATCHING: f64 = 1.5e-6;

/// Least seconds of a step in a settled pattern.
const LEAST: f64 = 1e-7;

/// Seconds for H of a settled pattern, for each pair of samples.
const SETTLING: f64 = 5e-9;

/// Seconds for the reduced problem of a pattern of n samples.
pub fn price_of_settling(n: usize) -> f64 {
    let samples = n as f64;
    whole(samples * samples * SETTLING)
}

/// A trial step of the warp, in settled steps: two products and a part, what is looked back at, and the clearance.
const LEAP: f64 = 8.0;

/// Seconds of a trial step of the warp for n samples and m neurons.
pub fn price_of_leap(n: usize, m: usize) -> f64 {
    LEAP * price_on_k(n, m, 0)
}

/// A trial step of the integrator of order 8, in settled steps: twelve stages of three products, their exponentials, and
/// the clearance.
const ATTEMPT: f64 = 64.0;

/// Seconds of a trial step of the integrator for n samples and m neurons.
pub fn price_of_attempt(n: usize, m: usize) -> f64 {
    ATTEMPT * price_on_k(n, m, 0)
}

/// A way to hold the iterate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// W itself, X read at every step.
    Direct,
    /// Coefficients of the samples, K in place of X.
    Gram,
}

/// The estimated seconds of both ways for n samples in d dimensions, m neurons and this many steps.
pub fn costs(n: usize, d: usize, m: usize, steps: f64, warp: bool) -> [(Way, f64); 2] {
    let (samples, size, width) = (n as f64, n as f64 * d as f64, m as f64);
    let bandwidth = if 8.0 * size > LARGE { MEMORY } else { CACHE };
    let direct = steps * (8.0 * size / bandwidth).max(4.0 * size * width.min(2.0) / FLOPS);
    let exact = if warp { steps.min(UNTIL_WARP) } else { steps };
    let general = steps.min(UNSETTLED) * 2.0 * samples * samples * width / FLOPS;
    let settled = exact * (4.0 * samples * samples / CACHE + samples * EXPONENTIAL);
    let gram = samples * size / FLOPS + general + settled;
    [(Way::Direct, direct), (Way::Gram, gram)]
}

/// The cheaper way; direct where K would be too large.
pub fn choose(n: usize, d: usize, m: usize, steps: f64, warp: bool) -> Way {
    let [(_, direct), (_, gram)] = costs(n, d, m, steps, warp);
    if n > Data::LARGEST || direct <= gram { Way::Direct } else { Way::Gram }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_and_long_horizons_use_k() {
        assert_eq!(choose(100, 10_000, 10, 1e6, false), Way::Gram);
        assert_eq!(choose(100, 10_000, 10, 1e12, true), Way::Gram);
        assert_eq!(choose(5000, 50, 8, 1e12, true), Way::Gram);
    }

    #[test]
    fn few_steps_and_many_samples_use_x() {
        assert_eq!(choose(100, 10_000, 10, 5.0, true), Way::Direct);
        assert_eq!(choose(5000, 50, 8, 1e6, false), Way::Direct);
        assert_eq!(choose(1_000_000, 50, 8, 1e12, true), Way::Direct);
    }
}
