//! The work of one process: threads over problems, and one writer.
//!
//! ```text
//! a team, each a pool of one thread:  problem = next of the list   →  solve  →  line, handed on every few milliseconds
//! this thread:                         lines  →  shard, flushed every few seconds
//! ```
//!
//! Each problem runs on one thread, so that none waits for another. Problems with the same data are taken one after
//! the other and share them.

use super::line::FAILED;
use super::plan::Plan;
use super::progress::Tally;
use super::shard::Shard;
use super::solve::{Kept, samples, solve};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::setup::Samples;
use farfield::Stop;
use rayon::ThreadPool;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Time between flushes.
const FLUSH: Duration = Duration::from_secs(2);
/// Time between looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// Time that a line waits for others: to wake the writer takes as long as a small part of a problem.
const WAIT: Duration = Duration::from_millis(10);

/// Solves the problems of a list and appends them to a shard; counts them in `tally`, and calls `show` every few moments.
///
/// # Errors
/// [`Error::Internal`] if the shard cannot be written; what was written is intact.
pub fn run(
    plan: &Plan,
    todo: Vec<u64>,
    team: &[ThreadPool],
    shard: &mut Shard,
    stop: &Stop,
    tally: &Tally,
    mut show: impl FnMut(),
) -> Result<()> {
    let (todo, shared) = arranged(plan, todo);
    let cache = Cache { shared, kept: Mutex::default(), most: team.len() + 1 };
    let queue = Queue { plan, next: AtomicUsize::new(0), todo: &todo, cache: &cache, stop };
    let halt = Stop::default();
    let (send, receive) = channel();
    queue.shared_out(team, &halt, send, || {
        let mut flushed = Instant::now();
        loop {
            match receive.recv_timeout(TICK) {
                Ok(lines) => {
                    for (line, failed) in lines {
                        shard.append(&line);
                        tally.note(failed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            show();
            if flushed.elapsed() >= FLUSH {
                // problems that run are given up: they could not be written either
                shard.flush().inspect_err(|_| {
                    halt.raise();
                    stop.raise();
                })?;
                flushed = Instant::now();
            }
        }
        shard.flush()
    })
}

/// Lines of a shard, and whether their problems ended in an error.
type Lines = Vec<(String, bool)>;

/// Problems that threads take one by one.
struct Queue<'a> {
    plan: &'a Plan,
    todo: &'a [u64],
    next: AtomicUsize,
    cache: &'a Cache,
    stop: &'a Stop,
}

impl Queue<'_> {
    /// Works on the problems in a team, while `lead` runs here; what it returns, when all have come back.
    fn shared_out<R>(&self, team: &[ThreadPool], halt: &Stop, send: Sender<Lines>, lead: impl FnOnce() -> R) -> R {
        let Some((pool, others)) = team.split_first() else {
            drop(send);
            return lead();
        };
        pool.in_place_scope(|scope| {
            let own = send.clone();
            scope.spawn(move |_| self.work(halt, &own));
            self.shared_out(others, halt, send, lead)
        })
    }

    fn work(&self, halt: &Stop, send: &Sender<Lines>) {
        let (mut kept, mut lines, mut sent) = (Kept::default(), Lines::new(), Instant::now());
        while !self.stop.raised() && !halt.raised() {
            let Some(problem) = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            let data = |config: &Config, room| self.cache.data(self.plan, *problem, config, room);
            let Some(record) = solve(self.plan, *problem, &mut kept, data, self.stop) else { break };
            lines.push((record.line(), record.status == FAILED));
            if sent.elapsed() >= WAIT {
                if send.send(std::mem::take(&mut lines)).is_err() {
                    return;
                }
                sent = Instant::now();
            }
        }
        let _ = send.send(lines); // nobody is left to take them where the shard cannot be written
    }
}

/// The list with problems of the same data side by side, and the groups of more than one.
fn arranged(plan: &Plan, mut todo: Vec<u64>) -> (Vec<u64>, HashMap<u64, usize>) {
    let mut groups: HashMap<u64, (usize, usize)> = HashMap::new();
    for (place, problem) in todo.iter().enumerate() {
        groups.entry(plan.data_group(*problem)).or_insert((place, 0)).1 += 1;
    }
    let shared: HashMap<u64, usize> =
        groups.iter().filter(|(_, (_, count))| *count > 1).map(|(group, (place, _))| (*group, *place)).collect();
    if !shared.is_empty() {
        todo.sort_by_cached_key(|problem| groups[&plan.data_group(*problem)].0);
    }
    (todo, shared)
}

/// Samples, or why there are none.
type Slot = Arc<OnceLock<std::result::Result<Samples, String>>>;

/// The data that several problems have in common, the last few of them.
struct Cache {
    shared: HashMap<u64, usize>,
    kept: Mutex<VecDeque<(u64, Slot)>>,
    most: usize,
}

impl Cache {
    fn data(&self, plan: &Plan, problem: u64, config: &Config, room: Vec<f64>) -> Result<Samples> {
        if self.shared.is_empty() {
            return samples(config, room);
        }
        let group = plan.data_group(problem);
        if !self.shared.contains_key(&group) {
            return samples(config, room);
        }
        let found = self.slot(group).get_or_init(|| samples(config, room).map_err(|e| e.to_string())).clone();
        found.map_err(Error::Input)
    }

    fn slot(&self, group: u64) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = kept.iter().find(|(g, _)| *g == group) {
            return slot.clone();
        }
        let slot = Slot::default();
        kept.push_back((group, slot.clone()));
        if kept.len() > self.most {
            kept.pop_front();
        }
        slot
    }
}
