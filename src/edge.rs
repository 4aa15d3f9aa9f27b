//! The largest step size at which gradient descent still settles.
//!
//! For a step size α every step up to T is taken, and the loss is looked at after each. What decides is the second half of them:
//!
//! ```text
//! settles     L(t+1) ≤ L(t) for all T/2 ≤ t < T, up to 2⁻⁴⁰ of max(1, |log L|)
//! rises       some loss of the second half is above the one before
//! diverges    a margin or weight is no longer finite
//! ```
//!
//! From the step of the problem on, α is doubled while it settles, or halved until it does; then log α is bisected between the last one
//! that settles and the first above it that does not, until their ratio is at most `1 + r`. A few α above are tried as well: nothing says
//! that what settles is an interval, and with a bounded −ℓ′ every α settles if T is large enough.

use crate::descent::{Options, choose};
use crate::engine::{Engine, Reached};
use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::real;
use crate::start::Start;
use crate::watch::{Phase, Watch};
use serde::{Deserialize, Serialize};

/// Doublings, and halvings, of the first step that are tried.
const REACH: i32 = 30;

/// Multiples of the first step beyond the edge at which it is also looked.
const ABOVE: [f64; 7] = [1.25, 1.5, 2.0, 4.0, 16.0, 64.0, 256.0];

/// A loss counts as above the one before from this share of max(1, |log L|) on: 2¹³ times the rounding of f64, of which margins of
/// thousands of terms leave less.
const RISE: f64 = 1.0 / (1u64 << 40) as f64;

/// Steps from one look at whether to end to the next.
const SLICE: u64 = 256;

/// How the edge is looked for.
#[derive(Clone, Debug)]
pub struct EdgeSearch {
    /// T: the steps of a trial.
    pub steps: u64,
    /// r: the ratio of the step sizes on both sides of the edge is at most `1 + r`.
    pub resolution: f64,
    /// How steps are taken; whatever they say of a horizon, all of them are.
    pub options: Options,
}

/// What became of a step size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// In the second half of the steps the loss only falls.
    Settles,
    /// It rises there.
    Rises,
    /// A margin or weight is no longer finite.
    Diverges,
}

/// Gradient descent with one step size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeTrial {
    /// α.
    pub step_size: f64,
    /// `α c λmax(XXᵀ)`.
    pub multiple: f64,
    /// What became of it.
    pub fate: Fate,
    /// Steps taken: all, or those until it diverged.
    pub steps: u64,
    /// The t of the last loss above the one before; 0 if there is none. From it on the loss only falls.
    pub falls_from: u64,
    /// Number of losses above the one before.
    pub rises: u64,
    /// Changes of the pattern.
    pub flips: u64,
    /// The t of the last of them.
    pub last_flip: f64,
    /// log L at the end.
    #[serde(with = "real")]
    pub log_loss: f64,
    /// Number of samples at the end whose margin is not above 0.
    pub errors: u64,
}

/// The edge between step sizes that settle and those that do not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// T.
    pub horizon: u64,
    /// r.
    pub resolution: f64,
    /// λmax(XXᵀ).
    pub lambda_max: f64,
    /// The largest step that settles, up to the resolution; none if no step down to 2⁻³⁰ of the first one does.
    pub edge: Option<EdgeTrial>,
    /// The smallest step that was seen not to, above it; none if all that were tried settle, up to 2³⁰
    /// times the first one.
    pub beyond: Option<EdgeTrial>,
    /// All that were tried, by their step size.
    pub trials: Vec<EdgeTrial>,
}

impl Edge {
    /// Finds the edge for a problem, whose own step is the first to be tried.
    ///
    /// # Errors
    /// [`Error::Range`] for no steps or a resolution that is not above 0; those of a descent with these options;
    /// [`Error::Stopped`].
    pub fn find(problem: &Problem, start: &Start, search: &EdgeSearch, watch: &Watch) -> Result<Self> {
        if search.steps < 2 {
            let value = search.steps as f64;
            return Err(Error::Range { name: "the number of steps", value, expected: "2 or more" });
        }
        if !(search.resolution > 0.0 && search.resolution.is_finite()) {
            return Err(Error::Range {
                name: "the resolution",
                value: search.resolution,
                expected: "a number above 0",
            });
        }
        let mut finder = Finder { problem, start, search, watch, trials: Vec::new() };
        let (mut edge, mut beyond) = finder.bracket()?;
        while let (Some(low), Some(high)) = (&edge, &beyond) {
            let middle = (low.step_size * high.step_size).sqrt();
            if high.step_size <= (1.0 + search.resolution) * low.step_size || middle <= low.step_size {
                break;
            }
            let trial = finder.at(middle)?;
            if trial.fate == Fate::Settles { edge = Some(trial) } else { beyond = Some(trial) }
        }
        let from = beyond.as_ref().map(|trial| trial.step_size);
        let above = from.iter().flat_map(|from| ABOVE.map(|k| k * from)).filter(|step| step.is_finite());
        above.into_iter().try_for_each(|step| finder.at(step).map(|_| ()))?;
        let mut trials = finder.trials;
        trials.sort_by(|a, b| a.step_size.total_cmp(&b.step_size));
        let (horizon, resolution, lambda_max) = (search.steps, search.resolution, problem.data.lambda_max());
        Ok(Self { horizon, resolution, lambda_max, edge, beyond, trials })
    }

    /// The trials above the edge.
    pub fn above(&self) -> impl Iterator<Item = &EdgeTrial> {
        let from = self.beyond.map_or(f64::INFINITY, |beyond| beyond.step_size);
        self.trials.iter().filter(move |trial| trial.step_size > from)
    }
}

struct Finder<'a> {
    problem: &'a Problem,
    start: &'a Start,
    search: &'a EdgeSearch,
    watch: &'a Watch,
    trials: Vec<EdgeTrial>,
}

impl Finder<'_> {
    /// The last step by twos that settles and the first above it that does not, from that of the problem on.
    fn bracket(&mut self) -> Result<(Option<EdgeTrial>, Option<EdgeTrial>)> {
        let own = self.problem.step_size;
        let first = self.at(own)?;
        let (grows, mut last) = (first.fate == Fate::Settles, first);
        for k in 1..=REACH {
            let step = own * libm::ldexp(1.0, if grows { k } else { -k });
            if !(step > 0.0 && step.is_finite()) {
                break;
            }
            let trial = self.at(step)?;
            match (grows, trial.fate == Fate::Settles) {
                (true, false) => return Ok((Some(last), Some(trial))),
                (false, true) => return Ok((Some(trial), Some(last))),
                _ => last = trial,
            }
        }
        Ok(if grows { (Some(last), None) } else { (None, Some(last)) })
    }

    /// Takes the steps with this α.
    fn at(&mut self, step_size: f64) -> Result<EdgeTrial> {
        self.watch.begin(Phase::Trial, self.search.steps);
        let (problem, steps) = (Problem { step_size, ..self.problem.clone() }, self.search.steps);
        let options = Options { planned: steps as f64, warp: false, ..self.search.options.clone() };
        let mut engine = choose::engine(&problem, self.start, &options)?;
        let (mut last, mut errors) = losses(&problem, engine.as_mut());
        let (mut t, mut falls_from, mut rises) = (0, 0, 0);
        let mut diverges = !last.is_finite();
        while t < steps && !diverges {
            let reached = engine.advance((t + 1) as f64, self.watch.stop());
            if reached == Reached::Interrupted || (t % SLICE == 0 && self.watch.stopped()) {
                return Err(Error::Stopped);
            }
            t += 1;
            self.watch.advance(1);
            let now;
            (now, errors) = losses(&problem, engine.as_mut());
            diverges = reached == Reached::Diverged || !now.is_finite();
            if !diverges && now - last > RISE * last.abs().max(1.0) {
                (falls_from, rises) = (t, rises + 1);
            }
            last = now;
        }
        let flips = engine.flips();
        let trial = EdgeTrial {
            step_size,
            multiple: problem.rate() * problem.data.lambda_max(),
            fate: match falls_from > steps / 2 {
                _ if diverges => Fate::Diverges,
                true => Fate::Rises,
                false => Fate::Settles,
            },
            steps: t,
            falls_from,
            rises,
            flips: flips.count,
            last_flip: flips.last,
            log_loss: last,
            errors,
        };
        self.trials.push(trial);
        Ok(trial)
    }
}

/// log L and the number of margins that are not positive.
fn losses(problem: &Problem, engine: &mut dyn Engine) -> (f64, u64) {
    let q = problem.network.margins(engine.iterate().preactivations(), problem.data.y());
    let errors = (q.len() - q.iter().filter(|q| **q > 0.0).count()) as u64;
    (libm::log(problem.loss_constant) + problem.loss.log_sum(&q), errors)
}
