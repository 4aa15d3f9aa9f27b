//! Makes checkpoints while a run goes: at intervals, when SIGUSR1 asks for one, and when it is to end.

use super::{About, Checkpoint, Digest};
use crate::error::Result;
use crate::folder::Folder;
use crate::say;
use crate::signals::Signals;
use crate::trace::Traces;
use farfield::{Cause, Data, Moment, Row, State};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the thread of the run and the one that listens have in common.
#[derive(Clone)]
pub struct Shared {
    every: Option<Duration>,
    since: Arc<Mutex<Instant>>,
    due: Arc<AtomicBool>,
    busy: Arc<AtomicBool>,
}

impl Shared {
    /// Checkpoints are made every so many minutes from now on; 0: only when asked for.
    pub fn every(minutes: f64) -> Self {
        let every = Duration::try_from_secs_f64(60.0 * minutes).ok().filter(|every| !every.is_zero());
        Self { every, since: Mutex::new(Instant::now()).into(), due: Arc::default(), busy: Arc::default() }
    }

    /// Asks for a checkpoint if it is time; called every few milliseconds.
    pub fn tick(&self, signals: &Signals) {
        let Some(every) = self.every else { return };
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.elapsed() >= every && !self.busy() {
            *since = Instant::now();
            self.due.store(true, Ordering::SeqCst);
            signals.saves().raise();
        }
    }

    /// Whether one is being written.
    pub fn busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }
}

/// Writes the checkpoints of one run.
pub struct Keeper {
    folder: Arc<Folder>,
    shared: Shared,
    config: String,
    data: Data,
    digest: Option<Digest>,
    durable: bool, // whether one has been written that counts
}

impl Keeper {
    /// For a run on these data into a folder.
    pub fn new(folder: &Arc<Folder>, shared: &Shared, config: String, data: &Data) -> Self {
        let (folder, shared, data) = (folder.clone(), shared.clone(), data.clone());
        Self { folder, shared, config, data, digest: None, durable: false }
    }

    /// Writes a checkpoint, and the tables that it counts on. One that was to be written on the way and cannot be is told,
    /// and the run goes on.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if the last one cannot be written.
    pub fn keep(&mut self, state: State, moment: Moment, first: Option<Row>, traces: &mut Traces) -> Result<()> {
        let timed = self.shared.due.swap(false, Ordering::SeqCst);
        if moment.cause == Cause::Ended && self.shared.every.is_none() {
            return Ok(());
        }
        self.shared.busy.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        let written = self.write(state, moment, first, traces);
        *self.shared.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.shared.busy.store(false, Ordering::SeqCst);
        match written {
            Ok(bytes) if moment.cause == Cause::Asked && !timed => {
                let (megabytes, seconds) = (bytes as f64 / 1e6, begun.elapsed().as_secs_f64());
                say::line(&format!("checkpoint at t = {} ({megabytes:.1} MB in {seconds:.2} s)", moment.t));
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if moment.cause == Cause::Asked => {
                say::line(&format!("{error}; no checkpoint at t = {}, and the run goes on", moment.t));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, state: State, moment: Moment, first: Option<Row>, traces: &mut Traces) -> Result<u64> {
        // A run that ends by itself, sooner than its first checkpoint was due, has lost nothing if the machine fails now.
        let durable = moment.cause != Cause::Ended || self.durable;
        if durable {
            traces.sync()?;
        }
        let digest = *self.digest.get_or_insert_with(|| digest(&self.data));
        let about = About {
            program: env!("CARGO_PKG_VERSION").into(),
            config: self.config.clone(),
            data: digest,
            t: moment.t,
            rows: moment.rows,
            first,
            tables: traces.places(moment.rows),
        };
        let bytes = Checkpoint { about, state }.put(&self.folder, durable)?;
        self.durable |= durable;
        Ok(bytes)
    }
}

/// The last checkpoint of a run that is over, of which no other thread keeps any.
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn last(
    folder: &Folder,
    config: String,
    data: &Data,
    (state, moment): (State, Moment),
    first: Option<Row>,
    traces: &Traces,
) -> Result<()> {
    let about = About {
        program: env!("CARGO_PKG_VERSION").into(),
        config,
        data: digest(data),
        t: moment.t,
        rows: moment.rows,
        first,
        tables: traces.places(moment.rows),
    };
    Checkpoint { about, state }.put(folder, false).map(drop)
}

/// The digest of samples and labels, with that of those that are held out where there are some.
pub fn digest(data: &Data) -> Digest {
    match data.held_out() {
        Some(held_out) => *blake3::hash((data.digest() + &held_out.digest()).as_bytes()).as_bytes(),
        None => *blake3::Hash::from_hex(data.digest()).expect("64 hexadecimal digits").as_bytes(),
    }
}
