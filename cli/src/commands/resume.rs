//! `farfield run --resume`: what there is to go on from.

use super::run::exit_code;
use super::{RunArgs, print};
use crate::checkpoint::{self, About, Checkpoint};
use crate::config::Config;
use crate::error::{Result, input_error};
use crate::folder;
use crate::say;
use crate::trace;
use farfield::{Outcome, Row};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The configuration file and the output folder; with `--resume` the folder may stand in the place of the file.
pub fn place(args: &RunArgs) -> Result<(Option<PathBuf>, Option<PathBuf>)> {
    let (file, output) = (args.source.config.clone(), args.output.clone());
    match file {
        Some(folder) if args.resume && folder.is_dir() => {
            if output.as_ref().is_some_and(|output| *output != folder) {
                return Err(input_error!("two folders to resume: {}, and the one of -o", folder.display()));
            }
            Ok((Some(folder.join("config.toml")), Some(folder)))
        }
        file => Ok((file, output)),
    }
}

/// What is in a folder that is to be resumed.
pub enum Found {
    /// A run that has ended; its result has been printed, and this is its exit code.
    Finished(u8),
    /// Something to go on from.
    Checkpoint(Box<Checkpoint>),
    /// Nothing.
    Nothing,
}

/// Finds what there is to go on from.
///
/// # Errors
/// [`Error::Input`] if it is of another configuration, damaged, or beyond the horizon.
pub fn find(args: &RunArgs, config: &Config, folder: &Path) -> Result<Found> {
    let finished = Finished::read(folder);
    if let Some(finished) = &finished
        && finished.is_of(config, folder)
    {
        return finished.tell(args, config, folder).map(Found::Finished);
    }
    let place = folder.display();
    let Some(checkpoint) = checkpoint::latest(folder)? else {
        if finished.is_some() {
            return Err(input_error!(
                "{place} holds a finished run without a checkpoint; start again with --overwrite"
            ));
        }
        say::line(&format!("no checkpoint in {place}: from the beginning"));
        return Ok(Found::Nothing);
    };
    let About { config: known, t, program, tables, .. } = &checkpoint.about;
    folder::may_resume(known, config, &format!("the checkpoint in {place}"))?;
    if config.descent.steps < *t {
        return Err(input_error!(
            "descent.steps = {}: the checkpoint in {place} is at t = {t} already",
            config.descent.steps
        ));
    }
    trace::fit(folder, tables)?;
    if program != env!("CARGO_PKG_VERSION") {
        say::line(&format!("note: the checkpoint is of farfield {program}; the last digits may differ from its own"));
    }
    Ok(Found::Checkpoint(Box::new(checkpoint)))
}

/// A run that has ended, and nothing was cut short.
struct Finished {
    json: String,
    outcome: Outcome,
}

/// The part of a result.json that says so.
#[derive(Deserialize)]
struct Marked {
    complete: Option<bool>,
}

impl Finished {
    fn read(folder: &Path) -> Option<Self> {
        let json = std::fs::read_to_string(folder.join("result.json")).ok()?;
        let marked: Marked = serde_json::from_str(&json).ok()?;
        let outcome = serde_json::from_str(&json).ok()?;
        (marked.complete == Some(true)).then_some(Self { json, outcome })
    }

    /// Whether it is what this configuration asks for, with all its files.
    fn is_of(&self, config: &Config, folder: &Path) -> bool {
        let same = std::fs::read_to_string(folder.join("config.toml")).is_ok_and(|known| known == config.to_toml());
        if !same {
            return false;
        }
        match folder::verify(folder, &[]) {
            Ok(()) => true,
            Err(error) => {
                say::line(&format!("{error}: its end is computed again"));
                false
            }
        }
    }

    /// Prints the result again; its exit code.
    fn tell(&self, args: &RunArgs, config: &Config, folder: &Path) -> Result<u8> {
        let Outcome { status, steps, digest, certified_cosine_gap, certified_for, .. } = &self.outcome;
        let ended = serde_json::to_value(status).ok().and_then(|name| name.as_str().map(str::to_owned));
        let lines = [
            ("descent", format!("t = {steps}, {}: finished before, nothing is left to do", ended.unwrap_or_default())),
            ("digest", digest.clone()),
            ("files", folder.display().to_string()),
        ];
        let text: String = lines.iter().map(|(name, text)| format!("{name:>10}  {text}\n")).collect();
        print(if args.source.json { &self.json } else { &text })?;
        let (certified_cosine_gap, certified_for) = (*certified_cosine_gap, *certified_for);
        let row = Row { certified_cosine_gap, certified_for, ..Row::default() };
        Ok(exit_code(config, *status, &row))
    }
}
