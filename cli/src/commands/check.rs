//! `farfield check`.

use super::{CheckArgs, print};
use crate::apart::apart;
use crate::error::{Error, Result};
use crate::files::classes::Classes;
use crate::json::to_json;
use crate::progress::of_watch;
use crate::setup::Setup;
use crate::signals::Signals;
use crate::summary::{check, classes_line, problem_line, say};
use farfield::{Conditions, Phase, Watch};
use serde::Serialize;

/// The content of `farfield check --json`.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    facts: &'a Conditions,
    #[serde(rename = "conditions")]
    described: Vec<check::Described>,
    loss: &'static str,
    /// What of the theory is for another loss, another leak, or another mixture.
    scope: Option<String>,
    classes: Option<&'a Classes>,
}

pub fn execute(args: &CheckArgs, signals: &Signals) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    let (own, watch) = (config.clone(), Watch::new(signals.defer()));
    let (seen, reading) = (watch.clone(), super::reading(&config));
    let work = move || -> Result<_> {
        let setup = Setup::new(&own, &watch)?;
        watch.begin(Phase::Limit, setup.problem.data.n() as u64);
        let checked = Conditions::of(&setup.problem, &setup.start)?;
        Ok((setup, checked))
    };
    let done = apart(signals, move || of_watch(&seen, &reading), work)?;
    let (setup, checked) = done.unwrap_or(Err(Error::Interrupted))?;
    say(&setup.notes);
    let (loss, network) = (setup.problem.loss, &setup.problem.network);
    let xor = setup.problem.data.mixture().is_some_and(|mixture| mixture.second.is_some());
    if args.source.json {
        let described = check::described(&checked, loss);
        let (scope, classes) = (check::scope(loss, network, xor).join(" "), setup.classes.as_ref());
        let scope = Some(scope).filter(|scope| !scope.is_empty());
        let whole = Checked { facts: &checked, described, loss: loss.name(), scope, classes };
        return print(&to_json(&whole)).map(|()| 0);
    }
    let classes = setup.classes.as_ref().map(|c| format!("{}\n", classes_line(Some(c)))).unwrap_or_default();
    let report = check::report(&checked, loss, network, xor);
    print(&format!("{}\n{classes}\n{report}", problem_line(&setup.problem, &config))).map(|()| 0)
}
