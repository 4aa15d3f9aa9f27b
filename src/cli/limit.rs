//! `farfield limit`.

use super::{LimitArgs, default_folder, print};
use farfield::data::npy;
use farfield::error::Result;
use farfield::limit::iterate::Stationarity;
use farfield::network::Pattern;
use farfield::prediction::{Ended, Report, State};
use farfield::problem::Problem;
use farfield::record::{Folder, to_json};
use std::path::Path;

pub fn execute(args: &LimitArgs) -> Result<u8> {
    // a file is a pattern by itself
    let run = args.pattern.as_deref().filter(|path| !path.is_file());
    let config = args.source.load_or(run.map(|r| r.join("config.toml")).as_deref())?.resolved()?;
    let default = || run.map_or_else(|| default_folder(&config), |r| r.to_path_buf()).join("limit");
    let output = args.output.clone().unwrap_or_else(default);
    let problem = Problem::build(&config)?;
    let pattern = run.map(|r| r.join("pattern.npy")).or_else(|| args.pattern.clone());
    let pattern = pattern.map(|p| Pattern::read(&p, problem.data.y.len(), problem.network.width)).transpose()?;
    let ended = pattern.map(|pattern| Ended { pattern, stationarity: run.and_then(stationarity) });
    let folder = Folder::create(output)?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    let report = Report::new(&config, &problem, ended.as_ref())?;
    let json = to_json(&report);
    folder.write("result.json", json.as_bytes())?;
    let weights = if report.state() == State::NotSeparable { "farkas.npy" } else { "dual.npy" };
    npy::write_vector(&folder.path().join(weights), report.lambda())?;
    if let Some(slopes) = report.slopes() {
        npy::write_matrix(&folder.path().join("slopes.npy"), &slopes)?;
    }
    if let Some(boundary) = report.boundary(&problem.data.x) {
        npy::write_vector(&folder.path().join("boundary.npy"), &boundary)?;
    }
    print(&if args.source.json { json } else { report.summary(&problem, &config, folder.path()) })?;
    Ok(match report.state() {
        State::Solved => 0,
        State::Undecided => 4,
        State::NotSeparable => 5,
    })
}

/// What a run's result.json says of its last iterate.
fn stationarity(run: &Path) -> Option<Stationarity> {
    let text = std::fs::read_to_string(run.join("result.json")).ok()?;
    let result: serde_json::Value = serde_json::from_str(&text).ok()?;
    let value = |key: &str| result["stationarity"][key].as_f64();
    Some(Stationarity { epsilon: value("epsilon")?, delta: value("delta")? })
}
