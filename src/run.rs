//! A run: an engine driven along a schedule of monitored t, watched at each of them.
//!
//! ```text
//! for t in 0, 1, 10^(k/per_decade), …, horizon:   engine → t,   monitor → row,   observer(row) → go on?
//! ```
//!
//! Gradient flow ([`StepSize::Flow`](crate::StepSize)) is a run like any other, with t the time; the t below its unit of time are
//! monitored, too.
//!
//! A run ends at the horizon, at a certified angle below the tolerance, where numbers are no longer finite, where
//! the data cannot be separated (`hope`), where W has converged (`rest`), when the stop flag is raised, when the
//! observer says so, when its time is over, or when the rest could only be stepped, for too long (`patience`); and it
//! can be run on. At any moment it can be saved, and what is resumed from there shows the same rows and ends in the same bits
//! (`memory`).

mod hope;
mod memory;
mod observer;
mod patience;
mod rest;
mod schedule;

use crate::descent::{self, Options};
use crate::engine::{Diary, Engine, Iterate, Progress, Reached, Stop};
use crate::error::Result;
use crate::limit::monte_carlo::Sampling;
use crate::monitor::{self, Monitor, Row};
use crate::network::Pattern;
use crate::outcome::{Ended, Outcome, Status, TimeEnd};
use crate::problem::Problem;
use crate::start::Start;
use crate::state::State;
use memory::Memory;
use observer::Rows;
pub use observer::{Cause, Moment, Observer};
use patience::Patience;
use schedule::Schedule;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Gradient descent on one problem from one start, as far as it has been run.
pub struct Descent {
    problem: Problem,
    options: Options,
    engine: Box<dyn Engine>,
    monitor: Monitor,
    memory: Memory,
    ended: Option<Ended>,
    stop: Stop,
    saves: Stop,
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

    /// Continues from a saved state, in the same bits: the engine is the one that saved it, whatever is planned now. It may be
    /// before the last row that was shown, which [`Descent::run`] comes back to without showing it again.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) for a state of another problem, start or options, or a damaged one; as
    /// [`Descent::with`].
    pub fn resume(problem: &Problem, start: &Start, options: &Options, state: &State) -> Result<Self> {
        options.check()?;
        let mut engine = state.clone();
        let (memory, seen) = Memory::restore(&mut engine, problem)?;
        let mut descent = Self::of(problem, options, descent::restore(problem, start, options, &engine)?);
        descent.monitor.remember(&seen);
        descent.memory = memory;
        Ok(descent)
    }

    fn of(problem: &Problem, options: &Options, engine: Box<dyn Engine>) -> Self {
        let (problem, options) = (problem.clone(), options.clone());
        let (monitor, memory) =
            (Monitor::new(&problem).measuring(&options.measures, options.test_error), Memory::default());
        Self { problem, options, engine, monitor, memory, ended: None, stop: Stop::default(), saves: Stop::default() }
    }

    /// Everything that later steps and rows depend on, as named arrays.
    pub fn save(&self) -> State {
        self.saved(&self.memory, &self.monitor.memory())
    }

    fn saved(&self, memory: &Memory, monitor: &monitor::Memory) -> State {
        let mut state = self.engine.save();
        memory.save(monitor, &mut state);
        state
    }

    /// Follows gradient descent to the horizon, and hands every row to the observer as soon as it is known: the
    /// monitored t are 0, 1, the powers `10^(k/samples_per_decade)` beyond the present t, and the horizon.
    pub fn run(&mut self, horizon: f64, observe: impl FnMut(&Row) -> ControlFlow<()>) -> &Ended {
        self.run_saving(horizon, &mut Rows(observe)).expect("rows alone leave no run before its end")
    }

    /// [`Descent::run`] with an observer that is shown states, too; none if it left the run at one.
    pub fn run_saving(&mut self, horizon: f64, observer: &mut impl Observer) -> Option<&Ended> {
        let stop = self.stop.by(self.deadline());
        let (begun, fresh) = (self.memory.shown.unwrap_or(0.0), self.memory.shown.is_none());
        let per_decade = self.options.samples_per_decade;
        let times = match self.problem.flow {
            Some(unit) => Schedule::of_flow(horizon, per_decade, begun, unit),
            None => Schedule::new(horizon, per_decade, begun),
        };
        if begun > self.engine.t() && self.advance(begun, horizon, &stop, observer).is_break() {
            return None; // a state may be of a moment before the last row
        }
        let (mut row, mut status) = (None, None);
        let mut before = (self.memory.clone(), self.monitor.memory());
        for target in times.filter(|t| *t > begun || fresh) {
            let ControlFlow::Continue(reached) = self.advance(target, horizon, &stop, observer) else { return None };
            before = (self.memory.clone(), self.monitor.memory());
            let (mut seen, new) = self.look();
            let judged = self.judge(reached, &seen, horizon);
            let last = (judged.is_none() && target >= horizon).then(|| self.at_the_horizon(&seen));
            self.reach(judged.or(last), &mut seen);
            let go_on = if new { observer.row(&seen) } else { ControlFlow::Continue(()) };
            status = judged.or(go_on.is_break().then_some(Status::Stopped)).or(last);
            row = Some(seen);
            if status.is_some() {
                break;
            }
            if self.asked(observer).is_break() {
                return None;
            }
        }
        let mut row = row.unwrap_or_else(|| self.monitor.observe(&mut *self.engine));
        let status = status.unwrap_or_else(|| {
            let status = self.at_the_horizon(&row);
            self.reach(Some(status), &mut row);
            status
        });
        let clock = stop.raised();
        let by_itself = match status {
            Status::Horizon | Status::Tolerance | Status::NotSeparable | Status::Converged => true,
            Status::Time => !clock,
            Status::Diverged | Status::Interrupted | Status::Stopped => false,
        };
        if by_itself && observer.saves() {
            let state = self.saved(&before.0, &before.1);
            let moment = Moment { t: row.t, rows: before.0.rows, cause: Cause::Ended };
            if observer.state(state, moment).is_break() {
                return None;
            }
        }
        let time = (status == Status::Time).then(|| TimeEnd {
            clock,
            steps_left: horizon - row.t,
            steps_per_second: patience::rate(self.engine.segments()),
        });
        Some(self.ended.insert(Ended { status, row, time }))
    }

    /// The row of the present t, and whether it is one that was not shown before.
    fn look(&mut self) -> (Row, bool) {
        self.engine.progress().look(true);
        let row = self.monitor.observe(&mut *self.engine);
        self.engine.progress().look(false);
        let Memory { rows, shown, .. } = &mut self.memory;
        let new = shown.is_none_or(|shown| row.t > shown);
        if new {
            (*rows, *shown) = (*rows + 1, Some(row.t));
        }
        (row, new)
    }

    /// Shows a state if one was asked for.
    fn asked(&mut self, observer: &mut impl Observer) -> ControlFlow<()> {
        if !observer.saves() || !self.saves.lower() {
            return ControlFlow::Continue(());
        }
        observer.state(self.save(), self.moment(Cause::Asked))
    }

    fn moment(&self, cause: Cause) -> Moment {
        Moment { t: self.engine.t(), rows: self.memory.rows, cause }
    }

    /// The time of day at which the run ends; none if it may take for ever.
    fn deadline(&self) -> Option<Instant> {
        let seconds = Some(self.options.max_seconds).filter(|seconds| *seconds > 0.0)?;
        Instant::now().checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    }

    /// To `target`, with as many steps as patience allows, and past every moment at which a state is asked for.
    fn advance(
        &mut self,
        target: f64,
        horizon: f64,
        stop: &Stop,
        observer: &mut impl Observer,
    ) -> ControlFlow<(), Reached> {
        let patience = Patience::new(&self.problem, &self.options);
        let flags = if observer.saves() { stop.or(&self.saves) } else { stop.clone() };
        while target > self.engine.t() {
            self.engine.allow(patience.seconds.max(self.memory.granted));
            match self.engine.advance(target, &flags) {
                Reached::Exhausted => match patience.more(&*self.engine, horizon) {
                    Some(seconds) => self.memory.granted = seconds,
                    None => return ControlFlow::Continue(Reached::Exhausted),
                },
                Reached::Interrupted if stop.raised() => {
                    if observer.saves() {
                        observer.state(self.save(), self.moment(Cause::Stopping))?;
                    }
                    return ControlFlow::Continue(Reached::Interrupted);
                }
                Reached::Interrupted => self.asked(observer)?,
                reached => return ControlFlow::Continue(reached),
            }
        }
        ControlFlow::Continue(Reached::Target)
    }

    /// Whether a run ends at a row, and how.
    fn judge(&mut self, reached: Reached, row: &Row, horizon: f64) -> Option<Status> {
        let tolerance = self.options.angle_tolerance;
        let left = Patience::stepped(&*self.engine, horizon);
        let exhausted = reached == Reached::Exhausted;
        if reached == Reached::Diverged || !row.finite {
            Some(Status::Diverged)
        } else if reached == Reached::Interrupted {
            Some(if self.stop.flagged() { Status::Interrupted } else { Status::Time })
        } else if row.meets(tolerance) && row.t > 0.0 {
            Some(Status::Tolerance)
        } else if self.memory.hope.lost(&mut self.monitor, &mut *self.engine, row, left, exhausted) {
            Some(Status::NotSeparable)
        } else if self.memory.rest.reached(row) && (left >= hope::WORTH || exhausted) {
            let separable = self.monitor.separable(row, self.engine.iterate());
            Some(if separable { Status::Converged } else { Status::NotSeparable })
        } else if exhausted || reached == Reached::Event {
            Some(Status::Time)
        } else {
            None
        }
    }

    /// Compares the row of a run that nothing can separate, or that has converged, with its ray.
    fn reach(&mut self, status: Option<Status>, row: &mut Row) {
        if matches!(status, Some(Status::NotSeparable | Status::Converged)) {
            self.monitor.reach(row, &mut *self.engine);
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

    /// Shows a state to the observer of [`Descent::run_saving`] whenever this flag is raised, and lowers it.
    pub fn saves(&mut self, flag: &Stop) {
        self.saves = flag.clone();
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
