//! `farfield run`.

use super::{RunArgs, folder, print};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::{npy, pattern};
use crate::folder::Folder;
use crate::json::to_json;
use crate::progress::Display;
use crate::provenance::{Provenance, Sourced};
use crate::setup::{self, Setup};
use crate::signals::Signals;
use crate::summary;
use crate::trace::Traces;
use farfield::{Descent, Ended, Status};
use std::ops::ControlFlow;
use std::time::Instant;

pub fn execute(args: &RunArgs, signals: &Signals) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    if args.dry_run {
        return print(&config.to_toml()).map(|()| 0);
    }
    let start = Instant::now();
    let folder = folder(args.output.as_ref(), &config)?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    let Setup { problem, start: begin } = Setup::new(&config)?;
    let mut descent = Descent::with(&problem, &begin, &setup::options(&config))?;
    let (ended, written) = descend(&config, signals, &folder, &mut descent);
    let outcome = descent.outcome(config.seed);
    let json = to_json(&Sourced { facts: &outcome, provenance: Provenance::new(&config) });
    // What can still be written is written, whatever failed before; the first failure is what the command ends with.
    let arrays = write_arrays(&config, &mut descent, ended.status, &folder);
    let result = folder.write("result.json", json.as_bytes());
    written.and(arrays).and(result)?;
    let seconds = start.elapsed().as_secs_f64();
    let text = match args.source.json {
        true => json,
        false => summary::run::summary(&problem, &config, &outcome, folder.path(), seconds),
    };
    print(&text)?;
    Ok(exit_code(&config, &ended))
}

/// Follows gradient descent; a row that cannot be written ends it there.
fn descend(config: &Config, signals: &Signals, folder: &Folder, descent: &mut Descent) -> (Ended, Result<()>) {
    let mut traces = Traces::begin(folder, config.descent.precision);
    let stop = signals.defer();
    descent.listen(stop);
    let _display = Display::start(descent.progress(), config.descent.steps);
    let mut written = Ok(());
    let ended = descent.run(config.descent.steps, |row| {
        if let Ok(traces) = &mut traces {
            written = traces.append(row);
        }
        if traces.is_err() || written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (ended.clone(), traces.map(|_| ()).and(written))
}

/// Every array that can be written; the first failure.
fn write_arrays(config: &Config, descent: &mut Descent, status: Status, folder: &Folder) -> Result<()> {
    let path = |name: &str| folder.path().join(name);
    let mut results: Vec<Result<()>> = vec![
        npy::write_vector(&path("margins.npy"), &descent.margins()),
        pattern::write(&path("pattern.npy"), &descent.pattern()),
    ];
    if let Some(proof) = descent.monitor().inseparable().filter(|_| status == Status::NotSeparable) {
        results.push(npy::write_vector(&path("farkas.npy"), &proof.farkas.lambda));
    }
    if let Some(limit) = descent.monitor().limit() {
        results.push(npy::write_vector(&path("dual.npy"), &limit.lambda));
        let data = &descent.problem().data;
        if data.axes().is_none() {
            results.push(npy::write_vector(&path("boundary.npy"), &limit.boundary(data.x())));
        }
    }
    if config.output.weights {
        results.push(npy::write_matrix(&path("weights.npy"), &descent.iterate().weights()));
    }
    results.into_iter().collect::<std::result::Result<(), Error>>()
}

fn exit_code(config: &Config, ended: &Ended) -> u8 {
    let tolerance = config.monitor.angle_tolerance;
    let missed = config.monitor.require && !ended.row.certified_angle().is_some_and(|angle| angle < tolerance);
    match ended.status {
        Status::Diverged => 3,
        Status::NotSeparable => 5,
        Status::Interrupted => 130,
        Status::Stopped => 1,
        Status::Horizon if missed => 4,
        Status::Horizon | Status::Tolerance => 0,
    }
}
