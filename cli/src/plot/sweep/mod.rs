//! The figure of a merged sweep: a curve over one key, or a map over two.
//!
//! ```text
//! summary.csv, plan.toml   →  cells, axes, columns      cells
//! options                  →  what is drawn             here
//!   one key                →  curves with bands         curve
//!   two keys               →  a map with boundaries     map, boundary
//! ```

mod boundary;
mod cells;
mod curve;
mod map;

use super::figure::Outcome;
use crate::error::{Result, input_error};
use cells::{Cells, is_logarithm};
use clap::ValueEnum;
use std::path::Path;

/// What a curve and its band are, over repetitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Band {
    /// The median, and the quantiles 0.05 to 0.95.
    #[default]
    Quantiles,
    /// The mean, and one standard error to each side.
    Error,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The key along x.
    pub x: Option<String>,
    /// The key along y.
    pub y: Option<String>,
    /// The column that is drawn.
    pub value: Option<String>,
    /// The column of a prediction.
    pub against: Option<String>,
    /// `KEY=VALUE`: the cells that are drawn.
    pub at: Vec<String>,
    /// What a band is.
    pub band: Band,
}

/// Columns that are drawn if none is named: the first that has numbers.
const VALUES: [&str; 7] = [
    "test_error.log10_limit",
    "test_error.bounded.log10_value",
    "test_error.sampled.value",
    "max_margin",
    "certified_cosine_gap",
    "conditions.signal_against_noise.value",
    "log_loss",
];

/// The prediction that goes with one of them.
const PREDICTED: (&str, &str) = ("test_error.log10_limit", "test_error.log10_predicted");

/// The figure, or why there is none.
///
/// # Errors
/// [`crate::error::Error::Input`]: a sweep that is not merged, an unknown key or column, more keys than can be drawn.
pub fn figure(dir: &Path, request: &Request) -> Result<Outcome> {
    let mut cells = Cells::read(dir)?;
    cells.keep(&request.at)?;
    let value = match &request.value {
        Some(name) => cells.column(name, true)?,
        None => match VALUES.into_iter().find(|name| cells.has_numbers(name)) {
            Some(name) => name.to_string(),
            None => {
                return Ok(nothing(
                    "sweep",
                    "no cell has a test error, a margin or a gap; name a column with --value".into(),
                ));
            }
        },
    };
    if !cells.has_numbers(&value) {
        return Ok(nothing(&value, format!("no cell has a number in the column {value}")));
    }
    let varying = cells.varying();
    let x = match &request.x {
        Some(key) => cells.key(key)?,
        None => match varying.iter().map(|keys| &keys[0]).find(|key| Some(*key) != request.y.as_ref()) {
            Some(key) => key.clone(),
            None => cells.keys().first().cloned().unwrap_or_default(),
        },
    };
    let second = || match &varying[..] {
        // two keys make a map, if none of the options asks for curves
        [a, b] if request.against.is_none() => {
            [a, b].into_iter().find(|keys| !keys.contains(&x)).map(|keys| keys[0].clone())
        }
        _ => None,
    };
    let y = match &request.y {
        Some(key) => Some(cells.key(key)?),
        None if request.x.is_some() => None,
        None => second(),
    };
    if let Some(y) = y {
        if cells.together(&x, &y) {
            return Err(input_error!("{x} and {y} go together in this sweep: there is no map of them"));
        }
        return map::figure(&cells, &x, &y, &value, request);
    }
    let against = match request.against.as_deref() {
        Some("none") => None,
        Some(name) => Some(cells.column(name, is_logarithm(&value))?),
        None if value != PREDICTED.0 || cells.blind_to_label_noise() => None,
        None => cells.has_numbers(PREDICTED.1).then(|| PREDICTED.1.to_string()),
    };
    if let Some(other) = against.as_ref().filter(|other| is_logarithm(other) != is_logarithm(&value)) {
        return Err(input_error!("{value} and {other}: one is a logarithm and the other is not"));
    }
    curve::figure(&cells, &x, &value, against.as_deref(), request)
}

fn nothing(name: &str, why: String) -> Outcome {
    Outcome::Nothing { name: name.into(), why }
}

/// A name of files: what is drawn, over what, in which cells.
fn file_name(value: &str, over: &[&str], at: &[String]) -> String {
    let mut name = format!("{value}-by-{}", over.join("-and-"));
    at.iter().for_each(|at| name += &format!("-at-{at}"));
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-=".contains(c) { c } else { '_' }).take(120).collect()
}

/// A column or key in the field's words, and its name.
fn words(name: &str) -> String {
    match known(name) {
        same if same == name => name.to_string(),
        known => format!("{known} ({name})"),
    }
}

/// What stands above a figure.
fn title(value: &str, request: &Request) -> String {
    let pair = |at: &String| match at.split_once('=') {
        Some((key, value)) => format!(", {} = {value}", known(key)),
        None => format!(", {at}"),
    };
    let at: String = request.at.iter().map(pair).collect();
    if known(value) == value {
        return format!("{value}{at}");
    }
    let mut letters = known(value).chars();
    let first = letters.next().map_or(String::new(), |c| c.to_uppercase().collect());
    format!("{first}{}{at}", letters.as_str())
}

/// A column or key in the field's words; its name, if there are none.
fn known(name: &str) -> &str {
    match name {
        "test_error.log10_limit" | "test_error.bounded.log10_value" => "test error of the limit",
        "pattern.sign_agreement" => "sign agreement at the end",
        "test_error.predicted" | "test_error.log10_predicted" => "predicted to leading order",
        "test_error.log10_predicted_second_order" => "predicted to second order",
        "test_error.log10_scaling" => "scaling of the bound, constants 1",
        "test_error.log10_bayes" => "least possible test error",
        "test_error.sampled.value" => "test error of the limit, sampled",
        "test_error.iterate.value" => "test error of the iterate, sampled",
        "max_margin" => "maximal margin γ*",
        "normalized_margin" => "normalized margin",
        "rate_exponent" => "rate exponent ν",
        "cosine_gap" => "cosine gap, 1 − cos(W, Ŵ)",
        "certified_cosine_gap" => "certified cosine gap",
        "data.d" => "dimension d",
        "data.n" => "samples n",
        "data.signal" => "signal ‖μ‖",
        "data.label_noise" => "share of flipped labels p",
        "network.leak" => "leak γ",
        "network.width" => "width m",
        "descent.steps" => "steps t",
        "descent.step_size" => "step size α",
        "descent.loss" => "loss",
        "network.positive" => "positive neurons",
        "network.init_scale" => "scale of W(0)",
        "data.noise" => "noise",
        "data.spectrum" => "spectrum of Σ",
        "status.diverged" => "share of runs that diverge",
        "status.not_separable" => "share that is not separable",
        "status.failed" => "share that failed",
        _ => name,
    }
}
