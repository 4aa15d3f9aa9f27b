//! The command line of Farfield: configuration, files, folders, words, progress, signals and `farfield bench`
//! around the library [`farfield`], which knows none of these.
#![forbid(unsafe_code)]

pub mod apart;
pub mod arrays;
pub mod bench;
pub mod checkpoint;
pub mod claims;
pub mod commands;
pub mod config;
pub mod error;
pub mod files;
pub mod folder;
pub mod json;
pub mod manual;
pub mod memory;
pub mod plot;
pub mod progress;
pub mod provenance;
pub mod ranks;
pub mod say;
pub mod setup;
pub mod signals;
pub mod streamed;
pub mod summary;
pub mod sweep;
pub mod threads;
pub mod trace;
pub mod usage;
pub mod verify;
