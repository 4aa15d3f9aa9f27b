//! `farfield edge`.

use super::{EdgeArgs, print};
use crate::apart::apart;
use crate::error::{Error, Result, input_error};
use crate::files::classes::Classes;
use crate::json::to_json;
use crate::progress::of_watch;
use crate::provenance::Provenance;
use crate::setup::{self, Setup};
use crate::signals::Signals;
use crate::summary::{self, classes_line, say};
use farfield::{Edge, EdgeSearch, StepSize, Watch};
use serde::Serialize;

/// The content of `farfield edge --json`.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    edge: &'a Edge,
    loss: &'static str,
    classes: Option<&'a Classes>,
    data_digest: String,
    provenance: Provenance,
}

pub fn execute(args: &EdgeArgs, signals: &Signals) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    if config.descent.step_size != StepSize::Auto {
        return Err(input_error!("descent.step_size has no effect: edge looks for it; leave it at \"auto\""));
    }
    let search = EdgeSearch { steps: args.steps, resolution: args.resolution, options: setup::options(&config) };
    let (own, watch) = (config.clone(), Watch::new(signals.defer()));
    let (seen, reading) = (watch.clone(), super::reading(&config));
    let work = move || -> Result<_> {
        let setup = Setup::new(&own, &watch)?;
        let edge = Edge::find(&setup.problem, &setup.start, &search, &watch)?;
        Ok((setup, edge))
    };
    let done = apart(signals, move || of_watch(&seen, &reading), work)?;
    let (setup, edge) = done.unwrap_or(Err(Error::Interrupted))?;
    say(&setup.notes);
    let (problem, classes) = (&setup.problem, setup.classes.as_ref());
    let text = if args.source.json {
        to_json(&Found {
            edge: &edge,
            loss: problem.loss.name(),
            classes,
            data_digest: problem.data.digest(),
            provenance: Provenance::new(&config),
        })
    } else {
        let classes = classes.map(|c| format!("{}\n", classes_line(Some(c)))).unwrap_or_default();
        format!("{}\n{classes}{}", summary::problem_line(problem, &config), summary::edge::report(&edge))
    };
    print(&text)?;
    Ok(if edge.edge.is_some() { 0 } else { 4 })
}
