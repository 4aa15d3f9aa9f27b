//! Sign agreement and flips of the pattern, on the ground of the engine that was at work.

use super::{Drawn, Run, logarithm, values};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel};
use crate::plot::figure::Figure;
use crate::plot::palette::{GROUNDS, STYLES};
use crate::sweep::scalars::number;
use serde_json::Value;

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    if run.last().is_none() {
        return Ok(Err(run.nothing()));
    }
    let (agreement, flips) = (run.trace.numbers("sign_agreement"), run.trace.numbers("flips"));
    let (upper, lower) = (run.points(&agreement), run.points(&flips));
    let least = values([&upper]).into_iter().fold(1.0, f64::min).min(0.98);
    let fractions =
        Axis { range: (least - 0.06 * (1.0 - least), 1.0 + 0.06 * (1.0 - least)), ..linear("sign agreement") };
    let counts = Axis::around("flips since t = 0", Scale::Linear, values([&lower]).into_iter().chain([0.0]));
    let x = run.axis();
    let grounds = grounds(run, x.range.0);
    let with = |line: Layer| grounds.iter().cloned().chain([line]).collect::<Vec<_>>();
    let unnamed = |line: Layer| with(line).into_iter().map(without_name).collect::<Vec<_>>();
    let panels = vec![
        Panel { height: 200.0, ..Panel::new(fractions, with(Layer::line("", STYLES[0], upper))) },
        Panel { height: 200.0, ..Panel::new(counts, unnamed(Layer::line("", STYLES[1], lower))) },
    ];
    let chart = Chart { title: "Activation pattern, and the engine at work".into(), x, panels };
    let data = run.data().numbers("sign_agreement", &agreement).numbers("flips", &flips);
    let data = data.texts("segment", &run.trace.texts("segment"));
    Ok(Ok(Figure::new(chart, shows(run.number("pattern.flips_until")), data)))
}

fn linear(label: &str) -> Axis {
    Axis { label: label.into(), scale: Scale::Linear, range: (0.0, 1.0) }
}

fn without_name(layer: Layer) -> Layer {
    match layer {
        Layer::Ground { from, to, colour, .. } => Layer::Ground { from, to, colour, name: String::new() },
        other => other,
    }
}

/// Engines in the order of their grounds.
const ENGINES: [&str; 5] = ["direct", "gram", "warp", "sliding", "flow"];

/// The stretches of time: those of result.json, or of the rows of a run on its way.
fn grounds(run: &Run, begin: f64) -> Vec<Layer> {
    let stretches =
        run.field("segments").and_then(Value::as_array).map(|list| list.iter().filter_map(stretch).collect());
    let stretches: Vec<(String, f64, f64)> = stretches.unwrap_or_else(|| of_rows(run));
    let place = |t: f64| logarithm(Some(t)).unwrap_or(begin);
    let ground = |(engine, from, to): (String, f64, f64)| {
        let known = ENGINES.iter().position(|e| *e == engine).unwrap_or(ENGINES.len());
        Layer::Ground { from: place(from), to: place(to), colour: GROUNDS[known.min(GROUNDS.len() - 1)], name: engine }
    };
    stretches.into_iter().map(ground).collect()
}

fn stretch(segment: &Value) -> Option<(String, f64, f64)> {
    let t = |name: &str| segment.get(name).and_then(number);
    Some((segment.get("engine")?.as_str()?.to_string(), t("from")?, t("to")?))
}

fn of_rows(run: &Run) -> Vec<(String, f64, f64)> {
    let mut out: Vec<(String, f64, f64)> = Vec::new();
    let mut before = 0.0;
    for (t, engine) in run.trace.numbers("t").into_iter().zip(run.trace.texts("segment")) {
        let Some(t) = t else { continue };
        match out.last_mut() {
            Some((last, _, to)) if last == engine => *to = t,
            _ => out.push((engine.to_string(), before, t)),
        }
        before = t;
    }
    out
}

fn shows(counted: Option<f64>) -> Vec<String> {
    let mut out = vec![
        "Above: the fraction of pairs of samples and neurons that are activated, a_j y_i z_ij > 0. Below: changes of single \
         bits of the pattern since t = 0. Both against the number of steps t (log scale)."
            .into(),
        "The ground says which engine was at work: direct and gram take every step, warp follows the flow of the modified \
         field, sliding follows averages over neurons that chatter, flow is gradient flow."
            .into(),
    ];
    let until = |t: f64| {
        format!("From t = {t:.0} on averages are followed: only pairs that change their place for good are counted.")
    };
    out.extend(counted.map(until));
    out
}
