//! A run: an engine driven along a schedule of monitored t, watched at each of them.
//!
//! ```text
//! for t in 0, 1, 10^(k/per_decade), …, horizon:   engine → t,   monitor → row,   observer(row) → go on?
//! ```
//!
//! A run ends at the horizon, at a certified angle below the tolerance, where numbers are no longer finite, where
//! the data cannot be separated (`hope`), where W has converged (`rest`), when the stop flag is raised, when the
//! observer says so, when its time is over, or when the rest could only be stepped, for too long (`patience`); and it
//! can be run on.

mod hope;
mod patience;
mod rest;
mod schedule;

use crate::descent::{self, Options};
use crate::engine::{Diary, Engine, Iterate, Progress, Reached, Stop};
use crate::error::Result;
use crate::limit::monte_carlo::Sampling;
use crate::monitor::{Monitor, Row};
use crate::network::Pattern;
use crate::outcome::{Ended, Outcome, Status, TimeEnd};
use crate::problem::Problem;
use crate::start::Start;
use crate::state::State;
use hope::Hope;
use patience::Patience;
use rest::Rest;
use schedule::Schedule;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Gradient descent on one problem from one start, as far as it has been run.
pub struct Descent {
    problem: Problem,
    options: Options,
    engine: Box<dyn Engine>,
    monitor: Monitor,
    hope: Hope,
    rest: Rest,
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
        let (hope, rest) = (Hope::new(), Rest::default());
        Self { problem, options, engine, monitor, hope, rest, ended: None, stop: Stop::default() }
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
        let stop = self.stop.by(self.deadline());
        let times = Schedule::new(horizon, self.options.samples_per_decade, begun);
        let (mut row, mut status) = (None, None);
        for target in times.filter(|t| *t > begun || fresh) {
            let reached = self.advance(target, horizon, &stop);
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
        let time = (status == Status::Time).then(|| TimeEnd {
            clock: stop.raised(),
            steps_left: horizon - row.t,
            steps_per_second: patience::rate(self.engine.segments()),
        });
        self.ended.insert(Ended { status, row, time })
    }

    /// The time of day at which the run ends; none if it may take for ever.
    fn deadline(&self) -> Option<Instant> {
        let seconds = Some(self.options.max_seconds).filter(|seconds| *seconds > 0.0)?;
        Instant::now().checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    }

    /// To `target`, with as many steps as patience allows.
    fn advance(&mut self, target: f64, horizon: f64, stop: &Stop) -> Reached {
        if target <= self.engine.t() {
            return Reached::Target;
        }
        let patience = Patience::new(&self.problem, &self.options);
        self.engine.allow(patience.seconds);
        let mut reached = self.engine.advance(target, stop);
        while reached == Reached::Exhausted && !patience.ends(&*self.engine, horizon) {
            self.engine.allow(f64::INFINITY);
            reached = self.engine.advance(target, stop);
        }
        reached
    }

    /// Whether a run ends at a row, and how.
    fn judge(&mut self, reached: Reached, row: &Row, horizon: f64) -> Option<Status> {
        let tolerance = self.options.angle_tolerance;
        let left = Patience::left(&*self.engine, horizon);
        let exhausted = reached == Reached::Exhausted;
        if reached == Reached::Diverged || !row.finite {
            Some(Status::Diverged)
        } else if reached == Reached::Interrupted {
            Some(if self.stop.flagged() { Status::Interrupted } else { Status::Time })
        } else if row.meets(tolerance) && row.t > 0.0 {
            Some(Status::Tolerance)
        } else if self.hope.lost(&mut self.monitor, &mut *self.engine, row, left, exhausted) {
            Some(Status::NotSeparable)
        } else if self.rest.reached(row) && (left >= hope::WORTH || exhausted) {
            let separable = self.monitor.separable(row, self.engine.iterate());
            Some(if separable { Status::Converged } else { Status::NotSeparable })
        } else if exhausted || reached == Reached::Event {
            Some(Status::Time)
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
        self.outcome_sampled(&Sampling::seeded(seed))
    }

    /// [`Descent::outcome`] with test errors sampled as given.
    pub fn outcome_sampled(&mut self, sampling: &Sampling) -> Outcome {
        if self.ended.is_none() {
            let row = self.monitor.observe(&mut *self.engine);
            self.ended = Some(Ended { status: Status::Horizon, row, time: None });
        }
        self.monitor.verify();
        let Self { problem, options, engine, monitor, ended, .. } = self;
        let ended = ended.as_ref().expect("set above");
        Outcome::new(problem, options.precision, monitor, &mut **engine, ended, sampling)
    }
}
