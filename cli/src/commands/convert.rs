//! `farfield convert`.

use super::print;
use crate::apart::apart;
use crate::config::{Config, Source, paths};
use crate::error::{Error, Result, input_error};
use crate::files::{self, npy};
use crate::memory;
use crate::signals::Signals;
use crate::summary;
use clap::{Args, ValueHint};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct ConvertArgs {
    /// A table, a sparse file or an array
    #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
    input: OsString,
    /// The array to write: f64, samples × features; its labels, 1 and -1, go beside it into OUT.labels.npy
    #[arg(value_name = "OUT.npy", value_hint = ValueHint::FilePath)]
    output: PathBuf,
    /// Set a key of [data] as for a run: data.labels, data.rows, data.columns, data.standardize, data.format, ...
    #[arg(short = 's', long = "set", value_name = "KEY=VALUE")]
    settings: Vec<OsString>,
    /// Replace OUT.npy and its labels
    #[arg(long)]
    overwrite: bool,
}

pub fn execute(args: &ConvertArgs, signals: &Signals) -> Result<u8> {
    let labels = beside(&args.output)?;
    for path in [&args.output, &labels] {
        if path.exists() && !args.overwrite {
            return Err(input_error!("{} is there already; --overwrite replaces it", path.display()));
        }
    }
    let mut source = OsString::from("data.source=");
    source.push(&args.input);
    let settings: Vec<String> = args.settings.iter().chain([&source]).map(|s| paths::encode(s)).collect();
    let config = Config::load(None, &settings)?;
    let Source::File(path) = &config.data.source else {
        return Err(input_error!("{}: expected a file", args.input.display()));
    };
    if !config.data.test.is_empty() || config.data.holdout > 0.0 {
        return Err(input_error!("data.test and data.holdout have no effect: one file is converted at a time"));
    }
    let (path, data) = (paths::decode(path), config.data.clone());
    // X alone: nothing is computed from it
    let work = move || {
        files::read(&path, &data, &|n, d| memory::room(8.0 * n as f64 * d as f64, &format!("n = {n}, d = {d}")))
    };
    let read = apart(signals, || None, work)?.unwrap_or(Err(Error::Interrupted))?;
    summary::say(&read.notes);
    put(&args.output, |path| npy::write_matrix(path, &read.x))?;
    put(&labels, |path| npy::write_vector(path, &read.y))?;
    let (n, d) = (read.x.rows(), read.x.cols());
    print(&format!(
        "{:>10}  n = {n}, d = {d}, f64\n{:>10}  -s data.source={} -s data.labels={}\n",
        "written",
        "use",
        args.output.display(),
        labels.display()
    ))?;
    Ok(0)
}

/// OUT.labels.npy.
fn beside(output: &Path) -> Result<PathBuf> {
    match output.extension().is_some_and(|e| e == "npy") {
        true => Ok(output.with_extension("labels.npy")),
        false => Err(input_error!("{}: expected a name that ends in .npy", output.display())),
    }
}

/// Writes a file under another name and renames it, so that it is whole or not there.
fn put(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let renamed = |()| fs::rename(&part, path).map_err(|e| Error::Internal(format!("{}: {e}", path.display())));
    write(&part).and_then(renamed).inspect_err(|_| {
        // what is left of it, if anything was written
        let _ = fs::remove_file(&part);
    })
}
