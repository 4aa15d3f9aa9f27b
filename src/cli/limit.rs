//! `farfield limit`.

use super::{LimitArgs, folder, print};
use farfield::data::npy;
use farfield::error::Result;
use farfield::prediction::Report;
use farfield::problem::Problem;
use farfield::record::to_json;

pub fn execute(args: &LimitArgs) -> Result<u8> {
    let config = args.source.load()?.resolved()?;
    let folder = folder(args.output.as_ref(), &config)?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    let problem = Problem::build(&config)?;
    let report = Report::new(&config, &problem)?;
    let json = to_json(&report);
    folder.write("result.json", json.as_bytes())?;
    npy::write_vector(&folder.path().join("dual.npy"), report.lambda())?;
    if let Some(boundary) = report.boundary(&problem.data.x) {
        npy::write_vector(&folder.path().join("boundary.npy"), &boundary)?;
    }
    print(&if args.source.json { json } else { report.summary(&problem, &config, folder.path()) })?;
    Ok(if report.separable() { 0 } else { 5 })
}
