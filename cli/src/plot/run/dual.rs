//! The weights of the samples: λ of the limit, and what the run shows of them, the sharp test of the theory.
//!
//! ```text
//! α c t s(q_i)  →  λ_i            s = e^(−q), or 1/(1 + e^q) for the logistic loss
//! ```

use super::{Drawn, Run, logarithms};
use crate::error::input_error;
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel, Point};
use crate::plot::figure::Figure;
use crate::plot::palette::{REFERENCE, STYLES};
use crate::plot::table::Data;
use std::f64::consts::LN_10;

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    if run.result.is_none() {
        return Ok(Err("there is no result.json: the run has not ended".into()));
    }
    let (Some(lambda), Some(margins)) = (run.array("dual.npy")?, run.array("margins.npy")?) else {
        return Ok(Err("no limit is known: there is no dual.npy".into()));
    };
    if lambda.len() != margins.len() {
        return Err(input_error!("{}: dual.npy and margins.npy differ in length", run.dir.display()));
    }
    let Some(scale) = scale(run, lambda.len()) else {
        return Ok(Err("no step size or no t > 0 in result.json".into()));
    };
    let logistic = run.field("provenance.config.descent.loss").is_some_and(|loss| loss == "logistic");
    // log s(q) without overflow: −q − log(1 + e^(−q)) for the logistic loss
    let log_weight = |q: f64| if logistic { -(q.max(0.0) + libm::log1p(libm::exp(-q.abs()))) } else { -q };
    let observed: Vec<Option<f64>> =
        margins.iter().map(|q| Some(scale + log_weight(*q) / LN_10).filter(|v| v.is_finite())).collect();
    let lambda: Vec<Option<f64>> = lambda.into_iter().map(Some).collect();
    let predicted = logarithms(&lambda);
    let points: Vec<Point> = predicted.iter().zip(&observed).filter_map(|(x, y)| Some(((*x)?, Some((*y)?)))).collect();
    if points.is_empty() {
        return Ok(Err("no sample has a positive weight in the limit".into()));
    }
    let xs = points.iter().map(|(x, _)| *x);
    let ys = points.iter().filter_map(|(_, y)| *y);
    let x = Axis::around("λ of the limit", Scale::Decades, xs.clone());
    let y = Axis::around("α c t s(q), observed", Scale::Decades, ys);
    let diagonal = vec![(x.range.0, Some(x.range.0)), (x.range.1, Some(x.range.1))];
    let on = points.len();
    let layers = vec![
        Layer::line("predicted = observed", REFERENCE, diagonal),
        Layer::Series { points, style: STYLES[0], joined: false, name: "samples with λ > 0".into() },
    ];
    let panel = Panel { height: 420.0, ..Panel::new(y, layers) };
    let chart = Chart { title: "Weights of the samples".into(), x, panels: vec![panel] };
    let number = (0..lambda.len()).map(|i| Some(i as f64)).collect::<Vec<_>>();
    let data = Data::default().numbers("sample", &number).numbers("dual", &lambda);
    let data = data.numbers("log10_dual", &predicted).numbers("log10_scaled_loss", &observed);
    Ok(Ok(Figure::new(chart, shows(on, lambda.len()), data)))
}

/// log₁₀(α c t).
fn scale(run: &Run, n: usize) -> Option<f64> {
    let mean = run.field("provenance.config.descent.reduction").is_some_and(|r| r == "mean");
    let constant = if mean { n as f64 } else { 1.0 };
    let (step, t) = (run.number("step_size")?, run.number("steps")?);
    (step > 0.0 && t > 0.0).then(|| step.log10() + t.log10() - constant.log10())
}

fn shows(on: usize, all: usize) -> Vec<String> {
    vec![
        "The weight of each sample in the limit, lambda_i, and alpha c t s(q_i) of the last iterate, which tends to it \
         (s = exp(-q), or 1/(1 + exp(q)) for the logistic loss), both on log scales."
            .into(),
        format!("{on} of {all} samples have lambda > 0; the others are in the table alone."),
    ]
}
