//! Sweeps: the same question for every cell of a grid, several times each.
//!
//! ```text
//! plan.toml            base, axes, repetitions             plan, axis
//!   problem p = cell·seeds + repetition, its own seed      plan
//!   p ≡ I − 1 (mod K)  →  shard-I-of-K.jsonl               shard, line   (one line a problem, appended, checked)
//!   threads over problems, one thread each                 work, solve
//! all shards           →  sweep.csv, summary.csv           merge, statistics
//! ```
//!
//! What a line says depends on the plan and the problem alone, but for its seconds, which no table takes: the tables
//! are the same bytes for any number of threads and shards and any order of completion.

pub mod axis;
pub mod home;
pub mod line;
pub mod merge;
pub mod plan;
pub mod progress;
pub mod scalars;
pub mod shard;
pub mod solve;
pub mod statistics;
pub mod status;
pub mod work;

use crate::error::Result;
use plan::Plan;
use std::path::Path;

/// What is known of one problem of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    #[default]
    Missing,
    /// An error instead of a result.
    Failed,
    /// A result, whatever its status.
    Done,
}

/// What all shards in a folder know of each problem of the plan.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a shard that cannot be read, [`crate::error::Error::Input`] for one that
/// holds problems the plan has not.
pub fn states(plan: &Plan, dir: &Path) -> Result<Vec<State>> {
    let mut states = vec![State::Missing; plan.problems() as usize];
    for path in shard::list(dir)? {
        shard::scan(&path, |head, _, _| {
            let state = states.get_mut(head.problem as usize).ok_or_else(|| shard::foreign(&path, head.problem))?;
            if *state != State::Done {
                *state = if head.failed { State::Failed } else { State::Done };
            }
            Ok(())
        })?;
    }
    Ok(states)
}
