//! `farfield limit`.

use super::{LimitArgs, folder, print};
use farfield::data::npy;
use farfield::error::Result;
use farfield::network::Pattern;
use farfield::prediction::Report;
use farfield::problem::Problem;
use farfield::record::to_json;

pub fn execute(args: &LimitArgs) -> Result<u8> {
    let run = args.pattern.as_deref();
    let config = args.source.load_or(run.map(|r| r.join("config.toml")).as_deref())?.resolved()?;
    let output = args.output.clone().or_else(|| run.map(|r| r.join("limit")));
    let problem = Problem::build(&config)?;
    let shape = (problem.data.y.len(), problem.network.width);
    let pattern = run.map(|r| Pattern::read(&r.join("pattern.npy"), shape.0, shape.1)).transpose()?;
    let folder = folder(output.as_ref(), &config)?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    let report = Report::new(&config, &problem, pattern.as_ref())?;
    let json = to_json(&report);
    folder.write("result.json", json.as_bytes())?;
    npy::write_vector(&folder.path().join("dual.npy"), report.lambda())?;
    if let Some(boundary) = report.boundary(&problem.data.x) {
        npy::write_vector(&folder.path().join("boundary.npy"), &boundary)?;
    }
    print(&if args.source.json { json } else { report.summary(&problem, &config, folder.path()) })?;
    Ok(if report.separable() { 0 } else { 5 })
}
