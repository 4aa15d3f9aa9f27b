//! Samples that are not trained on: those of a file of their own, or a share of the samples.
//!
//! ```text
//! data.test      another file, with the features and the classes of the source    every row of it, the chosen columns
//! data.holdout   of each class the share that the seed draws                      among the chosen rows and columns
//! ```
//!
//! Both are standardized by what the training samples say.

use super::classes::Plus;
use super::raw::{Input, Raw};
use super::svmlight::IndexBase;
use super::{Room, Samples, chosen, selection};
use crate::config::{self, paths};
use crate::error::{Result, input_error};
use farfield::Matrix;
use farfield::data::stratified;
use std::path::Path;

/// The samples that are trained on, and those that are not.
#[derive(Clone, Debug)]
pub struct Parts {
    /// To train on.
    pub training: Samples,
    /// The others (p×d) with their labels ±1; none if nothing is held out.
    pub held_out: Option<(Matrix, Vec<f64>)>,
}

/// As [`super::read`], with what is held out; `seed` draws it. `room` is for all samples of the source, `beside` for p samples
/// beside n training samples, both with d features.
///
/// # Errors
/// As [`super::read`]; a test file with other features, or a class that no training sample has; a share of less than one sample.
pub fn read(
    source: &Path,
    config: &config::Data,
    seed: u64,
    room: Room,
    beside: &dyn Fn(usize, usize, usize) -> Result<()>,
) -> Result<Parts> {
    let mut raw = Input::source(source, config).read(config, room)?;
    let (width, base, names) = (raw.x.cols(), raw.base, raw.names.take());
    let mut training = chosen(config, raw)?;
    let mut held_out = if config.test.is_empty() {
        beside_share(&training, config, beside)?;
        split(&mut training, config.holdout, seed)?
    } else {
        let (n, classes) = (training.x.rows(), training.classes.clone());
        let path = paths::decode(&config.test);
        let test = test_input(&path, config, Plus::As(&classes), base)?;
        let raw = test.read(config, &|p, d| beside(p, n, d))?;
        let (x, y, notes) = fitted(&path, config, raw, width, names.as_deref())?;
        training.notes.extend(notes);
        Some((x, y))
    };
    let mut nothing = Matrix::zeros(0, training.x.cols());
    let other = held_out.as_mut().map_or(&mut nothing, |(x, _)| x);
    config.standardize.apply_beside(&mut training.x, other).map_err(|e| input_error!("data.standardize: {e}"))?;
    Ok(Parts { training, held_out })
}

/// Where the test samples and their labels are: labels in a column of the same name or place, unless the configuration says so.
fn test_input<'a>(
    path: &'a Path,
    config: &'a config::Data,
    positive_class: Plus<'a>,
    base: Option<u64>,
) -> Result<Input<'a>> {
    let own_file = config.test_label_file();
    let labels = match (config.test_labels.is_empty(), config.label_file()) {
        (true, Some(_)) => {
            let path = path.display();
            return Err(input_error!("data.test is a file, {path}: set data.test_labels, as data.labels is set"));
        }
        (true, None) => &config.labels,
        (false, _) => &config.test_labels,
    };
    let index_base = match base {
        Some(0) => IndexBase::Zero,
        Some(_) => IndexBase::One,
        None => config.index_base,
    };
    let keys = ("data.test", "data.test_labels");
    Ok(Input { keys, path, labels, own_file, by_name: config.test_format_by_name(), positive_class, index_base })
}

/// Test samples with the features of the source, of which some may be chosen, and what was decided in reading them.
fn fitted(
    path: &Path,
    config: &config::Data,
    raw: Raw,
    width: usize,
    names: Option<&[String]>,
) -> Result<(Matrix, Vec<f64>, Vec<String>)> {
    let Raw { mut x, labels, base, names: own, notes } = raw;
    // a sparse file does not say how many zeros end its rows
    if base.is_some() && x.cols() < width {
        x = widened(&x, width);
    }
    if x.cols() != width {
        let (path, found) = (path.display(), x.cols());
        return Err(input_error!("data.test: {path} has {found} features, and data.source has {width}"));
    }
    let pairs = names.zip(own.as_deref()).map(|(names, own)| names.iter().zip(own).enumerate());
    if let Some((at, (name, other))) = pairs.into_iter().flatten().find(|(_, (name, other))| name != other) {
        let path = path.display();
        return Err(input_error!("data.test: {path}: feature {at} is {other:?}, and {name:?} in data.source"));
    }
    if !config.columns.is_empty() {
        let columns = selection::indices(&config.columns, width).map_err(|e| input_error!("data.columns: {e}"))?;
        x = selection::submatrix(&x, &(0..x.rows()).collect::<Vec<usize>>(), &columns);
    }
    Ok((x, labels.y, notes))
}

fn widened(x: &Matrix, width: usize) -> Matrix {
    let mut out = Matrix::zeros(x.rows(), width);
    (0..x.rows()).for_each(|i| out.row_mut(i)[..x.cols()].copy_from_slice(x.row(i)));
    out
}

/// Asks for room for a share of the samples, and the others.
fn beside_share(
    all: &Samples,
    config: &config::Data,
    beside: &dyn Fn(usize, usize, usize) -> Result<()>,
) -> Result<()> {
    if config.holdout == 0.0 {
        return Ok(());
    }
    let held_out = (config.holdout * all.y.len() as f64).ceil() as usize;
    beside(held_out, all.y.len() - held_out, all.x.cols())
}

/// Takes a share of the samples of each class away.
fn split(training: &mut Samples, share: f64, seed: u64) -> Result<Option<(Matrix, Vec<f64>)>> {
    if share == 0.0 {
        return Ok(None);
    }
    let n = training.y.len();
    let chosen = stratified(&training.y, share, seed);
    if chosen.is_empty() {
        return Err(input_error!("data.holdout = {share}: of {n} samples none is held out; choose a larger share"));
    }
    let mut out = vec![false; n];
    chosen.iter().for_each(|i| out[*i] = true);
    let kept: Vec<usize> = (0..n).filter(|i| !out[*i]).collect();
    let columns: Vec<usize> = (0..training.x.cols()).collect();
    let part = |rows: &[usize]| {
        let y: Vec<f64> = rows.iter().map(|i| training.y[*i]).collect();
        (selection::submatrix(&training.x, rows, &columns), y)
    };
    let held_out = part(&chosen);
    (training.x, training.y) = part(&kept);
    training.classes.count(&training.y);
    Ok(Some(held_out))
}
