//! Threads: how many, and pools of them. Nothing that is computed depends on their number.

use crate::error::{Error, Result, input_error};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The most threads: more only cost memory.
pub const MOST: u16 = 1024;

/// Variables of the environment that say how many threads to use, the first one that does counts.
const VARIABLES: [&str; 3] = ["RAYON_NUM_THREADS", "SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS"];

/// The number of threads: as asked for, or (0) as the environment says, or as many as there are cores.
///
/// # Errors
/// More than 1024, with where they were asked for.
pub fn count(asked: usize) -> Result<usize> {
    if asked > MOST.into() {
        return Err(input_error!("--threads {asked}: expected at most {MOST}"));
    }
    if asked > 0 {
        return Ok(asked);
    }
    for name in VARIABLES {
        // OpenMP takes a list, one number a level of nested regions.
        let text = std::env::var(name).unwrap_or_default();
        match text.split(',').next().unwrap_or_default().trim().parse::<u64>() {
            Ok(count) if count > MOST.into() => return Err(input_error!("{name} = {count}: expected at most {MOST}")),
            Ok(count @ 1..) => return Ok(count as usize),
            _ => {}
        }
    }
    Ok(std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST.into())))
}

/// Starts the threads of this process.
///
/// # Errors
/// [`Error::Input`] where the system refuses one.
pub fn start(threads: usize) -> Result<()> {
    ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|e| refused(threads, &e))
}

/// Threads of their own, for one thing.
///
/// # Errors
/// As [`start`].
pub fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| refused(threads, &e))
}

/// So many pools of one thread, for things that are not to wait for each other.
///
/// # Errors
/// As [`start`].
pub fn singles(threads: usize) -> Result<Vec<ThreadPool>> {
    let single = |_| ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| refused(threads, &e));
    (0..threads).map(single).collect()
}

fn refused(threads: usize, error: &dyn std::fmt::Display) -> Error {
    input_error!("cannot start {threads} threads: {error}; ask for fewer with --threads, or raise the limits (ulimit)")
}
