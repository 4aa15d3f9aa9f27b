//! Samples that are larger than memory (`--memory`): read from .npy or drawn anew for every pass
//! ([`farfield::data::streamed`]).

use crate::config::{Config, Source, paths};
use crate::error::{Error, Result, input_error};
use crate::files::labels;
use crate::files::npy::Parts;
use crate::memory;
use crate::say;
use crate::setup::{self, Samples};
use farfield::data::streamed::{self, Streamed};
use farfield::{Data, Standardize, Watch};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The samples of a configuration, if the memory that may be used is not enough to hold them.
///
/// # Errors
/// What needs all of them at once; too little memory even so; as [`setup::samples`].
pub fn samples(config: &Config, watch: &Watch) -> Result<Option<Samples>> {
    if memory::allowed().is_none() || !setup::has_rows(config) {
        return Ok(None);
    }
    let width = config.network.width as usize;
    let Source::File(name) = &config.data.source else {
        let (n, d) = (config.data.n as usize, config.data.d as usize);
        let Some(room) = memory::for_blocks(n, d, width)? else { return Ok(None) };
        let (mixture, draw) = (setup::mixture(config)?, setup::drawing(config));
        let data = setup::labelled(Data::draw_streamed(mixture, &draw, room, watch)?, config)?;
        return Ok(Some(Samples { data, classes: None, notes: vec![note(n, d)] }));
    };
    let path = paths::decode(name);
    if !is_array(&path) {
        return Ok(None);
    }
    let parts = Parts::open(&path)?;
    let (n, d) = parts.shape();
    let Some(room) = memory::for_blocks(n, d, width)? else { return Ok(None) };
    whole_columns(config, "of samples that do not fit --memory")?;
    let file = config.data.label_file();
    let file = file.ok_or_else(|| input_error!("with --memory data.labels is a file beside the .npy file"))?;
    let (labels, mut notes) = labels::read(&file, "data.labels", n, &*config.data.positive_class, config.data.header)?;
    notes.push(note(n, d));
    let samples = Streamed::new(Box::new(File { path, parts }), room);
    Ok(Some(Samples { data: Data::streamed(samples, labels.y, watch)?, classes: Some(labels.classes), notes }))
}

/// Refuses what needs samples in one piece.
///
/// # Errors
/// One line that says what to do.
pub fn whole_columns(config: &Config, of: &str) -> Result<()> {
    let data = &config.data;
    if !data.test.is_empty() || data.holdout > 0.0 {
        return Err(input_error!(
            "{of}, none are held out (data.test, data.holdout): run on one machine that holds all"
        ));
    }
    if !(data.rows.is_empty() && data.columns.is_empty()) || data.standardize != Standardize::None {
        return Err(input_error!(
            "{of}, data.rows, data.columns and data.standardize would need all at once; select and standardize with \
             farfield convert, and run on what it writes"
        ));
    }
    Ok(())
}

fn is_array(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"))
}

fn note(n: usize, d: usize) -> String {
    format!(
        "X ({n} x {d}) does not fit the memory allowed: it is read or drawn anew for every pass, and steps are taken on K"
    )
}

/// A .npy file of samples.
#[derive(Debug)]
struct File {
    path: PathBuf,
    parts: Parts,
}

impl streamed::Source for File {
    fn shape(&self) -> (usize, usize) {
        self.parts.shape()
    }

    fn read(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        if let Err(error) = self.parts.read(rows, columns, out) {
            let error: Error = input_error!("{}: cannot read any more: {error}", self.path.display());
            say::line(&error.to_string());
            std::process::exit(error.exit_code().into());
        }
    }
}
