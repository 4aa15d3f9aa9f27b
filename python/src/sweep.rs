//! Sweeps, in the folders that `farfield sweep` writes.

use crate::errors::exception;
use crate::work::apart;
use farfield::Stop;
use farfield_cli::error::Result;
use farfield_cli::folder;
use farfield_cli::progress::Shown;
use farfield_cli::sweep::home::{check_cells, plan_of, settle};
use farfield_cli::sweep::plan::Plan;
use farfield_cli::sweep::progress::Tally;
use farfield_cli::sweep::shard::{Part, Shard};
use farfield_cli::sweep::{State, merge as tables, states, work};
use farfield_cli::threads;
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Solves what is left of a plan (a text in TOML; relative paths in it begin in `base`) in the folder `dir`; the number of
/// problems done, failed and left.
#[pyfunction]
#[pyo3(signature = (plan, base, dir, threads, retry_failed, progress=None))]
pub fn sweep(
    py: Python<'_>,
    plan: String,
    base: PathBuf,
    dir: PathBuf,
    threads: usize,
    retry_failed: bool,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(usize, usize, usize)> {
    let stop = Stop::default();
    let (own, counted) = (stop.clone(), Arc::new(OnceLock::new()));
    let seen = counted.clone();
    let work = move || solve(&Plan::parse(&plan, "the plan", &base)?, &dir, threads, retry_failed, &own, &counted);
    let shown = |tally: &Tally| Shown {
        what: "problems".into(),
        how_far: format!(": {}", tally.text()),
        share: Some(tally.share()),
    };
    apart(py, &stop, progress, || seen.get().map(shown), work)?.whole()?.map_err(exception)
}

fn solve(
    plan: &Plan,
    dir: &Path,
    threads: usize,
    retry: bool,
    stop: &Stop,
    counted: &OnceLock<Tally>,
) -> Result<(usize, usize, usize)> {
    let team = threads::singles(threads)?;
    settle(plan, dir)?;
    let todo = |states: &[State]| -> Vec<u64> {
        let wanted = |s: State| s == State::Missing || retry && s == State::Failed;
        (0..plan.problems()).filter(|p| wanted(states[*p as usize])).collect()
    };
    if !todo(&states(plan, dir)?).is_empty() {
        let mut shard = Shard::claim(dir, Part { index: 1, count: 1 })?;
        // what another process has written before the claim is known only now
        let list = todo(&states(plan, dir)?);
        check_cells(plan, &list)?;
        let tally = counted.get_or_init(|| Tally::new(list.len() as u64));
        work::run(plan, list, &team, &mut shard, stop, tally, || {})?;
    }
    let found = states(plan, dir)?;
    let count = |state| found.iter().filter(|s| **s == state).count();
    Ok((count(State::Done), count(State::Failed), count(State::Missing)))
}

/// Writes sweep.csv and summary.csv from the shards in a folder; the number of rows, and of problems without one.
#[pyfunction]
pub fn merge(py: Python<'_>, dir: PathBuf) -> PyResult<(u64, u64)> {
    let work = move || tables::merge(&plan_of(&dir)?, &dir).map(|merged| (merged.rows, merged.missing));
    apart(py, &Stop::default(), None, || None, work)?.whole()?.map_err(exception)
}

/// Checks that a folder's result.json is there, with the files that it lists.
#[pyfunction]
pub fn verify(py: Python<'_>, dir: PathBuf) -> PyResult<()> {
    apart(py, &Stop::default(), None, || None, move || folder::verify(&dir, &[]))?.whole()?.map_err(exception)
}
