//! `farfield run`.

use super::progress::Progress;
use super::{RunArgs, Signals, folder, print};
use farfield::config::Config;
use farfield::data::npy;
use farfield::descent::Engine;
use farfield::descent::run::{Status, run, schedule};
use farfield::error::Result;
use farfield::monitor::{Monitor, Row};
use farfield::network::Pattern;
use farfield::outcome::Outcome;
use farfield::problem::Problem;
use farfield::record::{Folder, to_json};
use farfield::{start, summary};
use std::time::Instant;

pub fn execute(args: &RunArgs, signals: &Signals) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    if args.dry_run {
        return print(&config.to_toml()).map(|()| 0);
    }
    let start = Instant::now();
    let folder = folder(args.output.as_ref(), &config)?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    let problem = Problem::build(&config)?;
    let mut monitor = Monitor::new(problem.setting());
    let mut engine = start::engine(&config, &problem)?;
    let (row, status) = descend(&config, signals, &folder, &mut *engine, &mut monitor)?;
    let outcome = Outcome::new(&config, &problem, &mut monitor, &mut *engine, &row, status);
    let json = to_json(&outcome);
    if let Some(proof) = monitor.inseparable().filter(|_| status == Status::NotSeparable) {
        npy::write_vector(&folder.path().join("farkas.npy"), &proof.farkas.lambda)?;
    }
    write_arrays(&config, &problem, &mut monitor, &mut *engine, &folder)?;
    folder.write("result.json", json.as_bytes())?;
    let seconds = start.elapsed().as_secs_f64();
    let text = if args.source.json { json } else { summary::run(&problem, &config, &outcome, folder.path(), seconds) };
    print(&text)?;
    Ok(exit_code(&config, &row, status))
}

fn descend(
    config: &Config,
    signals: &Signals,
    folder: &Folder,
    engine: &mut dyn Engine,
    monitor: &mut Monitor,
) -> Result<(Row, Status)> {
    let mut trace = folder.trace()?;
    let mut rounding = (config.descent.precision != "f64").then(|| folder.precision_trace()).transpose()?;
    let mut written = Ok(());
    let stop = signals.defer();
    let _progress = Progress::start(stop, config.descent.steps);
    let times = schedule(config.descent.steps, config.monitor.samples_per_decade);
    let ended = run(engine, monitor, &times, config.monitor.angle_tolerance, stop, &mut |row| {
        if written.is_ok() {
            let beside = |()| rounding.as_mut().map_or(Ok(()), |rounding| rounding.append(row));
            written = trace.append(row).and_then(beside);
        }
    });
    written.map(|()| ended)
}

fn write_arrays(
    config: &Config,
    problem: &Problem,
    monitor: &mut Monitor,
    engine: &mut dyn Engine,
    folder: &Folder,
) -> Result<()> {
    let view = engine.view();
    npy::write_vector(&folder.path().join("margins.npy"), &monitor.margins(view))?;
    let (n, width) = (problem.data.y.len(), problem.network.width);
    Pattern::of(view.preactivations(), n, width).write(&folder.path().join("pattern.npy"))?;
    if let Some(limit) = monitor.limit() {
        npy::write_vector(&folder.path().join("dual.npy"), &limit.lambda)?;
        npy::write_vector(&folder.path().join("boundary.npy"), &limit.boundary(&problem.data.x))?;
    }
    if config.output.weights {
        npy::write_matrix(&folder.path().join("weights.npy"), &view.weights())?;
    }
    Ok(())
}

fn exit_code(config: &Config, row: &Row, status: Status) -> u8 {
    let tolerance = config.monitor.angle_tolerance;
    let missed = config.monitor.require && !row.certified_angle().is_some_and(|angle| angle < tolerance);
    match status {
        Status::Diverged => 3,
        Status::NotSeparable => 5,
        Status::Interrupted => 130,
        Status::Horizon if missed => 4,
        Status::Horizon | Status::Tolerance => 0,
    }
}
