//! A run: an engine driven along a schedule of monitored t, watched at each of them.
//!
//! ```text
//! for t in 0, 1, 10^(k/per_decade), …, horizon:   engine → t,   monitor → row,   observer(row) → go on?
//! ```
//!
//! A run ends at the horizon, at a certified angle below the tolerance, where numbers are no longer finite, where
//! the data cannot be separated, when the stop flag is raised, or when the observer says so; and it can be run on.

use crate::descent::{self, Options};
use crate::engine::{Diary, Engine, Iterate, Progress, Reached, Stop};
use crate::error::Result;
use crate::monitor::{Monitor, Row};
use crate::network::Pattern;
use crate::number::COUNTABLE;
use crate::outcome::{Ended, Outcome, Status};
use crate::problem::Problem;
use crate::start::Start;
use crate::state::{Class, State, StateError};
use std::ops::ControlFlow;

/// Gradient descent on one problem from one start, as far as it has been run.
pub struct Descent {
    problem: Problem,
    options: Options,
    engine: Box<dyn Engine>,
    monitor: Monitor,
    hope: Hope,
    ended: Option<Ended>,
    stop: Stop,
}

impl Descent {
    /// At W(0), with the default options.
    ///
    /// # Errors
    /// As [`Start::matrix`].
    pub fn new(problem: &Problem, start: &Start) -> Result<Self> {
        Self::with(problem, start, &Options::default())
    }

    /// At W(0), with the given options.
    ///
    /// # Errors
    /// As [`Start::matrix`]; [`Error::TooManySamples`](crate::Error::TooManySamples) if steps on K are asked for beyond
    /// [`Data::LARGEST`](crate::Data::LARGEST); [`Error::Options`](crate::Error::Options).
    pub fn with(problem: &Problem, start: &Start, options: &Options) -> Result<Self> {
        options.check()?;
        Ok(Self::of(problem, options, descent::engine(problem, start, options)?))
    }

    /// Continues from a saved state, in the same bits: the engine is the one that saved it, whatever is planned now.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) for a state of another problem, start or options, or a damaged one; as
    /// [`Descent::with`].
    pub fn resume(problem: &Problem, start: &Start, options: &Options, state: &State) -> Result<Self> {
        options.check()?;
        let mut engine = state.clone();
        let hope = Hope::restore(&mut engine, problem)?;
        let mut descent = Self::of(problem, options, descent::restore(problem, start, options, &engine)?);
        descent.hope = hope;
        Ok(descent)
    }

    fn of(problem: &Problem, options: &Options, engine: Box<dyn Engine>) -> Self {
        let (problem, options) = (problem.clone(), options.clone());
        let monitor = Monitor::new(&problem);
        let hope = Hope { sides: None };
        Self { problem, options, engine, monitor, hope, ended: None, stop: Stop::default() }
    }

    /// Everything that later steps depend on, as named arrays.
    pub fn save(&self) -> State {
        let mut state = self.engine.save();
        self.hope.save(&mut state);
        state
    }

    /// Follows gradient descent to the horizon, and hands every row to the observer as soon as it is known: the
    /// monitored t are 0, 1, the powers `10^(k/samples_per_decade)` beyond the present t, and the horizon.
    pub fn run(&mut self, horizon: f64, mut observe: impl FnMut(&Row) -> ControlFlow<()>) -> &Ended {
        let begun = self.engine.t();
        let fresh = self.ended.is_none() && begun == 0.0;
        let times = schedule(horizon, self.options.samples_per_decade);
        let ahead = times.into_iter().filter(|t| *t > begun || fresh);
        let (mut row, mut status) = (None, None);
        for target in ahead {
            let reached = self.advance(target);
            let seen = self.monitor.observe(&mut *self.engine);
            let go_on = observe(&seen);
            status = self.judge(reached, &seen, horizon).or(go_on.is_break().then_some(Status::Stopped));
            row = Some(seen);
            if status.is_some() {
                break;
            }
        }
        let row = row.unwrap_or_else(|| self.monitor.observe(&mut *self.engine));
        let status = status.unwrap_or_else(|| self.at_the_horizon(&row));
        self.ended.insert(Ended { status, row })
    }

    fn advance(&mut self, target: f64) -> Reached {
        if target > self.engine.t() { self.engine.advance(target, &self.stop) } else { Reached::Target }
    }

    /// Whether a run ends at a row, and how.
    fn judge(&mut self, reached: Reached, row: &Row, horizon: f64) -> Option<Status> {
        let tolerance = self.options.angle_tolerance;
        if reached == Reached::Diverged || !row.finite {
            Some(Status::Diverged)
        } else if reached == Reached::Interrupted {
            Some(Status::Interrupted)
        } else if row.meets(tolerance) && row.t > 0.0 {
            Some(Status::Tolerance)
        } else if self.hope.lost(&mut self.monitor, &mut *self.engine, row, horizon) {
            Some(Status::NotSeparable)
        } else {
            None
        }
    }

    fn at_the_horizon(&mut self, row: &Row) -> Status {
        let separable = self.monitor.separable(row, self.engine.iterate());
        if separable { Status::Horizon } else { Status::NotSeparable }
    }

    /// The problem.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Steps taken.
    pub fn t(&self) -> f64 {
        self.engine.t()
    }

    /// What happened on the way: stretches, flips, rounding, and why it is not faster.
    pub fn diary(&self) -> &Diary {
        self.engine.diary()
    }

    /// The iterate W(t).
    pub fn iterate(&mut self) -> &dyn Iterate {
        self.engine.iterate()
    }

    /// The margins `q_i` of W(t) (length n).
    pub fn margins(&mut self) -> Vec<f64> {
        self.problem.network.margins(self.engine.iterate().preactivations(), self.problem.data.y())
    }

    /// The bits `z_ij > 0` of W(t) (n×m).
    pub fn pattern(&mut self) -> Pattern {
        Pattern::of(self.engine.iterate().preactivations(), self.problem.data.n(), self.problem.network.width)
    }

    /// What was seen at the last monitored t, and what is known of the limit there.
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// A flag that ends the run at the next opportunity when it is raised, from any thread.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Listens to a flag of the caller's.
    pub fn listen(&mut self, stop: &Stop) {
        self.stop = stop.clone();
    }

    /// How far the run has come, for displays in other threads.
    pub fn progress(&self) -> Progress {
        self.engine.progress().clone()
    }

    /// The facts of the run; before [`Descent::run`], those at the present t. Test errors are sampled with
    /// generators of this seed.
    pub fn outcome(&mut self, seed: u64) -> Outcome {
        if self.ended.is_none() {
            let row = self.monitor.observe(&mut *self.engine);
            self.ended = Some(Ended { status: Status::Horizon, row });
        }
        self.monitor.verify();
        let Self { problem, options, engine, monitor, ended, .. } = self;
        let ended = ended.as_ref().expect("set above");
        Outcome::new(problem, options.precision, monitor, &mut **engine, ended, seed)
    }
}

/// The monitored t: 0, 1, the powers `10^(k/per_decade)` below the horizon (whole numbers up to
/// 2^53), and the horizon.
pub fn schedule(horizon: f64, per_decade: u64) -> Vec<f64> {
    let mut times = vec![0.0];
    for k in 0.. {
        let decade: f64 = format!("1e{}", k / per_decade).parse().expect("a power of ten");
        let t = decade * libm::pow(10.0, (k % per_decade) as f64 / per_decade as f64);
        let t = if t < COUNTABLE { t.round() } else { t };
        if t >= horizon {
            break;
        }
        if times.last() != Some(&t) {
            times.push(t);
        }
    }
    if horizon > 0.0 {
        times.push(horizon);
    }
    times
}

/// First t at which a run may end for want of separability, how many times as many steps must be left, and the part
/// of all steps during which the own-sign pairs must have kept their sides.
const HOPELESS: (f64, f64, f64) = (1e6, 1e3, 0.9);

/// Whether the data cannot be separated, and could not for most of the steps.
struct Hope {
    sides: Option<(Pattern, f64)>, // of the own-sign pairs, and the first monitored t that showed them
}

impl Hope {
    /// The bits and since when they are as they are, beside what moves the iterate.
    fn save(&self, state: &mut State) {
        if let Some((sides, since)) = &self.sides {
            state.insert("run.sides", Class::Beside, sides.bits());
            state.insert("run.since", Class::Beside, vec![*since]);
        }
    }

    /// Takes the fields that [`Hope::save`] wrote out of a state.
    fn restore(state: &mut State, problem: &Problem) -> Result<Self> {
        let (n, m) = (problem.data.n(), problem.network.width);
        let Some(bits) = state.remove("run.sides") else { return Ok(Self { sides: None }) };
        match state.remove("run.since").as_deref() {
            Some([since]) if *since >= 0.0 && bits.len() == n * m && bits.iter().all(|b| *b == 0.0 || *b == 1.0) => {
                Ok(Self { sides: Some((Pattern::of(&bits, n, m), *since)) })
            }
            _ => Err(StateError::Contradiction("run.sides").into()),
        }
    }

    fn lost(&mut self, monitor: &mut Monitor, engine: &mut dyn Engine, row: &Row, horizon: f64) -> bool {
        let (first, left, part) = HOPELESS;
        if row.t < (1.0 - part) * first || row.t * left > horizon || row.min_margin > 0.0 {
            return false;
        }
        let sides = monitor.own_sides(&monitor.pattern(engine.iterate()));
        match &self.sides {
            Some((known, since)) if *known == sides => {
                row.t >= first && *since <= (1.0 - part) * row.t && monitor.hopeless(&sides)
            }
            _ => {
                self.sides = Some((sides, row.t));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        assert_eq!(schedule(0.0, 4), [0.0]);
        assert_eq!(schedule(1.0, 4), [0.0, 1.0]);
        assert_eq!(schedule(12.0, 4), [0.0, 1.0, 2.0, 3.0, 6.0, 10.0, 12.0]);
        let long = schedule(1e300, 4);
        assert_eq!((long.len(), long[long.len() - 1]), (1202, 1e300));
        assert!(long.windows(2).all(|w| w[0] < w[1]));
    }
}
