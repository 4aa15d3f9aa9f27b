//! Where neurons slide: the fraction of steps with z > 0, as the slopes of the limit predict it and as it was observed.
//!
//! ```text
//! fraction = (θ − γ)/(1 − γ)
//! ```

use super::{Drawn, Run};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel, Point};
use crate::plot::figure::Figure;
use crate::plot::palette::{REFERENCE, STYLES};
use crate::plot::table::Data;
use crate::sweep::scalars::number;
use serde_json::Value;

/// A sample on whose kink neurons of a sign chatter.
struct Kink {
    sample: Option<f64>,
    sign: Option<f64>,
    neurons: Option<f64>,
    slope: Option<f64>,
    predicted: Option<f64>,
    observed: Option<f64>,
}

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    if run.result.is_none() {
        return Ok(Err("there is no result.json: the run has not ended".into()));
    }
    let kinks = kinks(run);
    if kinks.is_empty() {
        return Ok(Err("no neuron slides in the limit (pattern.sliding of result.json is empty)".into()));
    }
    let pair = |k: &Kink| k.predicted.zip(k.observed);
    let seen: Vec<(f64, f64)> = kinks.iter().filter_map(pair).collect();
    if seen.is_empty() {
        return Ok(Err(format!("none of the {} sliding groups has been observed over most of a decade", kinks.len())));
    }
    let label = |what: &str| format!("fraction of steps with z > 0, {what}");
    let most = seen.iter().fold(0.0f64, |m, (a, b)| m.max(*a).max(*b));
    let axis = |what: &str| Axis::around(&label(what), Scale::Linear, [0.0, most]);
    let (low, high) = axis("observed").range;
    let mut layers = vec![Layer::line("predicted = observed", REFERENCE, vec![(low, Some(low)), (high, Some(high))])];
    for (sign, name, style) in [(1.0, "neurons of sign +1", STYLES[0]), (-1.0, "neurons of sign −1", STYLES[1])] {
        let points: Vec<Point> =
            kinks.iter().filter(|k| k.sign == Some(sign)).filter_map(pair).map(|(x, y)| (x, Some(y))).collect();
        if !points.is_empty() {
            layers.push(Layer::Series { points, style, joined: false, name: name.into() });
        }
    }
    let panel = Panel { height: 420.0, ..Panel::new(axis("observed"), layers) };
    let chart = Chart { title: "Sliding neurons".into(), x: axis("predicted"), panels: vec![panel] };
    let column = |of: fn(&Kink) -> Option<f64>| kinks.iter().map(of).collect::<Vec<_>>();
    let data = Data::default().numbers("sample", &column(|k| k.sample)).numbers("sign", &column(|k| k.sign));
    let data = data.numbers("neurons", &column(|k| k.neurons)).numbers("slope", &column(|k| k.slope));
    let data = data.numbers("fraction_predicted", &column(|k| k.predicted));
    let data = data.numbers("fraction_observed", &column(|k| k.observed));
    Ok(Ok(Figure::new(chart, shows(kinks.len(), seen.len()), data)))
}

fn kinks(run: &Run) -> Vec<Kink> {
    let list = run.field("pattern.sliding").and_then(Value::as_array);
    let kink = |value: &Value| {
        let of = |name: &str| value.get(name).and_then(number).filter(|v| v.is_finite());
        Kink {
            sample: of("sample"),
            sign: of("sign"),
            neurons: of("neurons"),
            slope: of("slope"),
            predicted: of("fraction_predicted"),
            observed: of("fraction_observed"),
        }
    };
    list.into_iter().flatten().map(kink).collect()
}

fn shows(all: usize, seen: usize) -> Vec<String> {
    vec![
        format!(
            "Samples and groups of neurons that chatter across their kink for ever: the fraction of steps on the positive side, \
             as the slope of the limit predicts it, (theta - leak)/(1 - leak), and as it was observed over the last decade of \
             which at least half was stepped. {seen} of {all} were observed."
        ),
        "The prediction is for t to infinity: a pair that begins to slide late is observed at 0 or far off.".into(),
    ]
}
