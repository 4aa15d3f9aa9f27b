//! Where a result comes from.

use crate::config::Config;
use crate::folder::Digests;
use serde::Serialize;

/// Program, machine and configuration.
#[derive(Serialize)]
pub struct Provenance<'a> {
    version: &'static str,
    commit: &'static str,
    isa: &'static str,
    threads: usize,
    config: &'a Config,
}

impl<'a> Provenance<'a> {
    /// Of this program, on this machine, with this configuration.
    pub fn new(config: &'a Config) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("FARFIELD_COMMIT"),
            isa: farfield_kernels::isa::Isa::best().name(),
            threads: rayon::current_num_threads(),
            config,
        }
    }
}

/// Facts with where they come from: the content of a result.json.
#[derive(Serialize)]
pub struct Sourced<'a, T> {
    #[serde(flatten)]
    /// What was found.
    pub facts: &'a T,
    /// The files beside it that belong to it, with their blake3.
    pub files: Digests,
    /// Where it comes from.
    pub provenance: Provenance<'a>,
}
