//! The folder of a sweep: which plan it belongs to.

use super::plan::Plan;
use crate::error::{Result, input_error};
use crate::folder::failed;
use std::path::Path;

/// Checks that the first problem of each cell has a valid configuration.
///
/// # Errors
/// As [`Plan::config`].
pub fn check_cells(plan: &Plan, problems: &[u64]) -> Result<()> {
    let mut last = None;
    for problem in problems {
        let cell = problem / plan.seeds;
        if last != Some(cell) {
            plan.config(*problem)?;
        }
        last = Some(cell);
    }
    Ok(())
}

/// The plan of a folder.
///
/// # Errors
/// [`crate::error::Error::Input`] if there is none, or none that can be read.
pub fn plan_of(dir: &Path) -> Result<Plan> {
    let path = dir.join(PLAN);
    if !path.is_file() {
        return Err(input_error!("{}: no sweep here; there is no {PLAN}", dir.display()));
    }
    Plan::read(&path)
}

const PLAN: &str = "plan.toml";

/// Makes the folder that of this plan, or finds that it is.
///
/// # Errors
/// [`crate::error::Error::Input`] if it cannot be written, or holds something else.
pub fn settle(plan: &Plan, dir: &Path) -> Result<()> {
    let choose = |e| input_error!("cannot write to the folder {}: {e}; choose another with -o", dir.display());
    std::fs::create_dir_all(dir).map_err(choose)?;
    if let Some(other) = ["result.json", "config.toml"].iter().find(|name| dir.join(name).exists()) {
        return Err(input_error!("{} holds another command's {other}; choose another folder with -o", dir.display()));
    }
    let path = dir.join(PLAN);
    if !path.exists() {
        let part = dir.join(format!(".{PLAN}.{}", std::process::id()));
        std::fs::write(&part, plan.to_toml()).map_err(choose)?;
        // a link fails where another process was first; its plan then has to be this one
        let linked = std::fs::hard_link(&part, &path);
        let settled = if linked.is_err() && !path.exists() { std::fs::rename(&part, &path) } else { Ok(()) };
        let _ = std::fs::remove_file(&part);
        settled.map_err(|e| failed(&path, e))?;
    }
    let differences = plan_of(dir)?.differences(plan);
    if differences.is_empty() {
        return Ok(());
    }
    let names = differences.join(", ");
    Err(input_error!("{} holds a sweep of another plan: {names} differ; choose another folder with -o", dir.display()))
}
