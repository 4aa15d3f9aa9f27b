//! One problem of a sweep, on the threads of the current pool.

use super::line::{FAILED, Record};
use super::plan::{Mode, Plan};
use super::scalars;
use crate::config::Config;
use crate::error::Result;
use crate::setup::{self, Samples, Setup};
use farfield::{Conditions, Descent, LimitOutcome, Sampling, Status, Stop, Watch};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow::Continue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// The part of γ* that its bounds may leave open in a table: directions are within 1.5e-4 then.
const GAP: f64 = 1e-8;

/// What a thread keeps from one problem to the next.
#[derive(Default)]
pub struct Kept {
    /// The last cell and its configuration.
    last: Option<(u64, Config)>,
    /// The room of the last samples.
    room: Vec<f64>,
}

/// Answers for a problem, whose data come from `data`, into the room of others. None if the stop flag ended it; an error, or a fault of this
/// program, is a record.
pub fn solve(
    plan: &Plan,
    problem: u64,
    kept: &mut Kept,
    data: impl FnOnce(&Config, Vec<f64>) -> Result<Samples>,
    stop: &Stop,
) -> Option<Record> {
    let begun = Instant::now();
    let Kept { last, room } = kept;
    let config = plan.config_again(problem, last);
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let config = config?;
        let samples = data(&config, std::mem::take(room))?;
        answer(plan.mode, &config, samples, room, stop)
    }));
    let found = match answer {
        Ok(Ok(found)) => found?,
        Ok(Err(error)) => failure(&error.to_string()),
        Err(payload) => failure(&fault(&*payload)),
    };
    let status = found["status"].as_str().unwrap_or(FAILED).to_string();
    let (seed, seconds) = (plan.seed(problem), begun.elapsed().as_secs_f64());
    Some(Record { problem, status, seed, seconds, result: scalars::of(&found) })
}

/// The samples of a problem.
///
/// # Errors
/// As [`Setup::new`].
pub fn samples(config: &Config, room: Vec<f64>) -> Result<Samples> {
    setup::samples_into(room, config, &Watch::default())
}

fn failure(message: &str) -> Value {
    json!({ "status": FAILED, "error": message })
}

/// A panic in words.
fn fault(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown");
    format!("a fault of this program: {text}")
}

/// The facts, with their status; none if interrupted. Leaves the room of the samples.
fn answer(mode: Mode, config: &Config, samples: Samples, room: &mut Vec<f64>, stop: &Stop) -> Result<Option<Value>> {
    let Setup { problem, start, .. } = Setup::of(config, samples)?;
    let found = match mode {
        Mode::Limit => {
            let sampling = Sampling::seeded(config.seed);
            Some(plain(&LimitOutcome::within(&problem, &start, None, &sampling, GAP)?.0))
        }
        Mode::Check => Some(conditions(&Conditions::of(&problem, &start)?)),
        Mode::Run => {
            let mut descent = Descent::with(&problem, &start, &setup::options(config))?;
            descent.listen(stop);
            match descent.run(config.descent.steps, |_| Continue(())).status {
                Status::Interrupted => None,
                _ => Some(plain(&descent.outcome(config.seed))),
            }
        }
    };
    *room = problem.data.into_room();
    Ok(found)
}

fn plain(facts: &impl serde::Serialize) -> Value {
    serde_json::to_value(facts).expect("plain structures serialize")
}

/// Conditions by the name of their kind.
fn conditions(found: &Conditions) -> Value {
    let mut value = plain(found);
    let list = value["conditions"].take();
    let mut named = Map::new();
    for condition in list.as_array().into_iter().flatten() {
        let kind = condition["kind"].as_str().unwrap_or_default().to_string();
        named.insert(kind, json!({ "value": condition["value"], "holds": condition["holds"] }));
    }
    value["conditions"] = Value::Object(named);
    value["status"] = "checked".into();
    value
}
