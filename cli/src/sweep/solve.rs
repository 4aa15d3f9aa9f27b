//! One problem of a sweep, on the threads of the current pool.

use super::line::{FAILED, Record};
use super::plan::{Mode, Plan};
use super::scalars;
use crate::config::Config;
use crate::error::Result;
use crate::setup::{self, Samples, Setup};
use farfield::{Conditions, Descent, LimitOutcome, Status, Stop, Watch};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow::Continue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Answers for a problem, whose data come from `data`, with the configuration of the `last` cell at hand.
/// None if the stop flag ended it; an error, or a fault of this
/// program, is a record.
pub fn solve(
    plan: &Plan,
    problem: u64,
    last: &mut Option<(u64, Config)>,
    data: impl FnOnce(&Config) -> Result<Samples>,
    stop: &Stop,
) -> Option<Record> {
    let begun = Instant::now();
    let config = plan.config_again(problem, last);
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let config = config?;
        answer(plan.mode, &config, data(&config)?, stop)
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
pub fn samples(config: &Config) -> Result<Samples> {
    setup::samples(config, &Watch::default())
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

/// The facts, with their status; none if interrupted.
fn answer(mode: Mode, config: &Config, samples: Samples, stop: &Stop) -> Result<Option<Value>> {
    let Setup { problem, start, .. } = Setup::of(config, samples)?;
    Ok(match mode {
        Mode::Limit => Some(plain(&LimitOutcome::of(&problem, &start, None, config.seed)?.0)),
        Mode::Check => Some(conditions(&Conditions::of(&problem, &start)?)),
        Mode::Run => {
            let mut descent = Descent::with(&problem, &start, &setup::options(config))?;
            descent.listen(stop);
            match descent.run(config.descent.steps, |_| Continue(())).status {
                Status::Interrupted => None,
                _ => Some(plain(&descent.outcome(config.seed))),
            }
        }
    })
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
