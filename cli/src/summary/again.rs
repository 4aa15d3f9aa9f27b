//! The summary of a limit from the files of its folder, as `farfield limit` printed it.
//!
//! ```text
//! config.toml    network, loss, how labels were drawn       result.json  the facts, classes of files
//! dual.npy or farkas.npy   n        boundary.npy   d, and that it is a plane
//! slopes.npy     neurons of one sign that differ: no plane
//! ```
//!
//! Where none of these tells d, the samples are read for it.

use super::{Subject, limit};
use crate::config::{Config, Source, paths};
use crate::error::{Result, input_error};
use crate::files::classes::Classes;
use crate::files::{self, npy};
use crate::provenance::LimitReport;
use crate::setup;
use farfield::{Draw, LimitOutcome, LimitStatus, Matrix, Stationarity, StepSize};
use serde::Deserialize;
use std::path::Path;

/// What is needed of a result.json.
#[derive(Deserialize)]
struct Known {
    #[serde(flatten)]
    facts: LimitOutcome,
    stationarity: Option<Stationarity>,
    classes: Option<Classes>,
}

/// The summary of the limit in a folder, without the line that names the folder.
///
/// # Errors
/// [`crate::error::Error::Input`] for a folder of something else, or one whose files are damaged or missing.
pub fn of_limit(folder: &Path) -> Result<String> {
    let refused = |why: &str| input_error!("{}: {why}: not the folder of a limit", folder.display());
    let config = Config::load(Some(&folder.join("config.toml")), &[])?;
    let text =
        std::fs::read_to_string(folder.join("result.json")).map_err(|e| refused(&format!("result.json: {e}")))?;
    let known: Known = serde_json::from_str(&text).map_err(|e| refused(&format!("result.json: {e}")))?;
    let vector = |name: &str| folder.join(name).is_file().then(|| npy::vector(&folder.join(name))).transpose();
    let per_sample = match vector("dual.npy")? {
        Some(dual) => dual,
        None => vector("farkas.npy")?.ok_or_else(|| refused("neither dual.npy nor farkas.npy"))?,
    };
    let (n, boundary) = (per_sample.len(), vector("boundary.npy")?);
    let network = setup::network(&config)?;
    let positive = match &known.classes {
        Some(classes) => classes.positive.samples,
        None => drawn(&config, n).labels().1.iter().filter(|y| **y > 0.0).count(),
    };
    let subject = Subject {
        samples: n,
        positive,
        dimensions: dimensions(&config, boundary.as_deref())?,
        network,
        step_size: known.facts.step_size,
        auto: config.descent.step_size == StepSize::Auto,
        flow: config.descent.step_size == StepSize::Flow,
        reduction: config.descent.reduction,
        loss: config.descent.loss,
    };
    let plane = match (known.facts.status, boundary) {
        (LimitStatus::Undecided, _) => None,
        (LimitStatus::NotSeparable, None) if known.facts.ray.is_none() => None,
        (_, Some(_)) => Some(true),
        (_, None) => Some(flat(&npy::matrix(&folder.join("slopes.npy"))?, network.positive)),
    };
    let report = LimitReport { facts: &known.facts, stationarity: known.stationarity };
    Ok(limit::summary(&report, &subject, plane, known.classes.as_ref(), Path::new("")))
}

fn drawn(config: &Config, n: usize) -> Draw {
    Draw { n, balance: config.data.balance, label_noise: config.data.label_noise, seed: config.seed }
}

/// d: of the distribution, of the boundary, or of the samples themselves.
fn dimensions(config: &Config, boundary: Option<&[f64]>) -> Result<u64> {
    match (&config.data.source, boundary) {
        (Source::File(_), Some(boundary)) => Ok(boundary.len() as u64),
        (Source::File(path), None) => {
            let read = files::read(&paths::decode(path), &config.data, &|_, _| Ok(()))?;
            Ok(read.x.cols() as u64)
        }
        _ => Ok(config.data.d),
    }
}

/// Whether neurons of one sign have the same slopes: groups of one sign differ in the sides of their own-sign pairs, and
/// so in their slopes.
fn flat(slopes: &Matrix, positive: usize) -> bool {
    let row = |i: usize| {
        let (first, rest) = slopes.row(i).split_at(positive.min(slopes.cols()));
        let same = |part: &[f64]| part.windows(2).all(|pair| pair[0] == pair[1]);
        same(first) && same(rest)
    };
    (0..slopes.rows()).all(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_has_one_group_of_neurons_of_each_sign() {
        let slopes = |values: [f64; 6]| Matrix::new(2, 3, values.to_vec());
        assert!(flat(&slopes([1.0, 1.0, 0.1, 0.3, 0.3, 1.0]), 2));
        assert!(!flat(&slopes([1.0, 1.0, 0.1, 0.3, 1.0, 1.0]), 2));
        assert!(!flat(&slopes([1.0, 1.0, 0.1, 0.3, 0.3, 1.0]), 1));
        assert!(flat(&slopes([1.0, 1.0, 1.0, 0.3, 0.3, 0.3]), 3));
    }
}
