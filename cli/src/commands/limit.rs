//! `farfield limit`.

use super::{LimitArgs, default_folder, print};
use crate::error::Result;
use crate::files::{npy, pattern};
use crate::folder::Folder;
use crate::json::to_json;
use crate::provenance::{Provenance, Sourced};
use crate::setup::Setup;
use crate::summary;
use farfield::limit::sliding::Sliding;
use farfield::{LimitOutcome, LimitStatus, Outcome, Prediction, Problem, Stationarity};
use serde::Serialize;
use std::path::Path;

/// The facts of a limit, and what a run said of its last iterate.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    facts: &'a LimitOutcome,
    stationarity: Option<Stationarity>,
}

pub fn execute(args: &LimitArgs) -> Result<u8> {
    // a file is a pattern by itself
    let run = args.pattern.as_deref().filter(|path| !path.is_file());
    let config = args.source.load_or(run.map(|r| r.join("config.toml")).as_deref())?.resolved()?;
    let default = || run.map_or_else(|| default_folder(&config), |r| r.to_path_buf()).join("limit");
    let output = args.output.clone().unwrap_or_else(default);
    let Setup { problem, start } = Setup::new(&config)?;
    let pattern = run.map(|r| r.join("pattern.npy")).or_else(|| args.pattern.clone());
    let pattern = pattern.map(|p| pattern::read(&p, problem.data.n(), problem.network.width)).transpose()?;
    let folder = Folder::create(output)?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    let (facts, prediction) = LimitOutcome::of(&problem, &start, pattern.as_ref(), config.seed)?;
    let stationarity = run.and_then(stationarity);
    let report = Report { facts: &facts, stationarity };
    let json = to_json(&Sourced { facts: &report, provenance: Provenance::new(&config) });
    folder.write("result.json", json.as_bytes())?;
    write_arrays(&prediction, &problem, &folder)?;
    let text = match args.source.json {
        true => json,
        false => summary::limit::summary(&facts, &prediction, stationarity.as_ref(), &problem, &config, folder.path()),
    };
    print(&text)?;
    Ok(match facts.status {
        LimitStatus::Solved => 0,
        LimitStatus::Undecided => 4,
        LimitStatus::NotSeparable => 5,
    })
}

/// λ and its slopes, and the boundary where there is a limit.
fn write_arrays(prediction: &Prediction<Sliding>, problem: &Problem, folder: &Folder) -> Result<()> {
    let path = |name: &str| folder.path().join(name);
    let (lambda, slopes) = match prediction {
        Prediction::Limit(solved) => (&solved.limit.lambda, Some(solved.slopes_of_neurons())),
        Prediction::NotSeparable(proof) => (&proof.farkas.lambda, Some(proof.slopes.clone())),
        Prediction::Undecided(best) => (&best.lambda, None),
    };
    let weights = if matches!(prediction, Prediction::NotSeparable(_)) { "farkas.npy" } else { "dual.npy" };
    npy::write_vector(&path(weights), lambda)?;
    if let Some(slopes) = slopes {
        npy::write_matrix(&path("slopes.npy"), &slopes)?;
    }
    if let Prediction::Limit(solved) = prediction
        && problem.data.axes().is_none()
    {
        npy::write_vector(&path("boundary.npy"), &solved.limit.boundary(problem.data.x()))?;
    }
    Ok(())
}

/// What a run's result.json says of its last iterate.
fn stationarity(run: &Path) -> Option<Stationarity> {
    let text = std::fs::read_to_string(run.join("result.json")).ok()?;
    serde_json::from_str::<Outcome>(&text).ok()?.stationarity
}
