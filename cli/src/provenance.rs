//! Where a result comes from.

use crate::config::Config;
use crate::files::classes::Classes;
use crate::folder::Digests;
use farfield::data::Stream;
use farfield::{LimitOutcome, Stationarity};
use serde::Serialize;

/// Program, machine and the keys of the configuration that have an effect.
#[derive(Serialize)]
pub struct Provenance {
    version: &'static str,
    commit: &'static str,
    isa: &'static str,
    threads: usize,
    /// The version of the stream of normal numbers.
    stream: Stream,
    config: toml::Table,
}

impl Provenance {
    /// Of this program, on this machine, with this configuration.
    pub fn new(config: &Config) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("FARFIELD_COMMIT"),
            isa: farfield_kernels::isa::Isa::current().name(),
            threads: rayon::current_num_threads(),
            stream: config.data.stream,
            config: config.effective(),
        }
    }
}

/// The facts of a limit, and what a run said of its last iterate.
#[derive(Clone, Copy, Serialize)]
pub struct LimitReport<'a> {
    /// The facts.
    #[serde(flatten)]
    pub facts: &'a LimitOutcome,
    /// How far the last iterate of the run is from a KKT point, where the limit is for its sides.
    pub stationarity: Option<Stationarity>,
}

/// Facts with where they come from: the content of a result.json.
#[derive(Serialize)]
pub struct Sourced<'a, T> {
    #[serde(flatten)]
    /// What was found.
    pub facts: &'a T,
    /// Of a run: whether there is nothing to go on with, neither steps nor what was to be said of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// Which class is which, for data from files.
    pub classes: Option<&'a Classes>,
    /// The files beside it that belong to it, with their blake3.
    pub files: Digests,
    /// Where it comes from.
    pub provenance: Provenance,
}
