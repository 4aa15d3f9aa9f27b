//! The limit without a run: its weights in decreasing order, and the samples that do not support it or on whose kink neurons stay.
//!
//! ```text
//! W* = Σ_i λ_i Φ_i,   Σ_i λ_i = ‖W*‖² = 1/γ*²
//! ```

use super::{Drawn, Run, logarithm};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel, Point};
use crate::plot::figure::Figure;
use crate::plot::palette::{REFERENCE, STYLES};
use crate::plot::table::Data;
use crate::sweep::scalars::number;
use serde_json::Value;

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    let Some(lambda) = run.array("dual.npy")? else {
        return Ok(Err("no limit is known: there is no dual.npy".into()));
    };
    let n = lambda.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| lambda[*b].total_cmp(&lambda[*a]));
    let kinks = sliding(run);
    let slides: Vec<bool> = (0..n).map(|i| kinks.contains(&i)).collect();
    let height = |i: usize| logarithm(Some(lambda[i]));
    let points = |slide: bool| -> Vec<Point> {
        let of = order.iter().enumerate().filter(|(_, i)| slides[**i] == slide);
        of.filter_map(|(rank, &i)| Some(((rank + 1) as f64, Some(height(i)?)))).collect()
    };
    let [others, sliders] = [false, true].map(points);
    let support = others.len() + sliders.len();
    if support == 0 {
        return Ok(Err("no sample has a positive weight in the limit".into()));
    }
    let ys = others.iter().chain(&sliders).filter_map(|(_, y)| *y);
    let y = Axis::around("λ of the limit", Scale::Decades, ys);
    let x = Axis::around("samples, by decreasing λ", Scale::Linear, [1.0, n as f64]);
    let mean = lambda.iter().sum::<f64>() / n as f64;
    let mut layers: Vec<Layer> =
        logarithm(Some(mean)).map(|at| Layer::level("mean over all samples", REFERENCE, at)).into_iter().collect();
    for (points, style, name) in
        [(others, STYLES[0], "no neuron on the kink"), (sliders, STYLES[1], "neurons stay on the kink")]
    {
        if !points.is_empty() {
            layers.push(Layer::Series { points, style, joined: false, name: name.into() });
        }
    }
    let panel = Panel { height: 420.0, ..Panel::new(y, layers) };
    let chart = Chart { title: "Weights of the limit".into(), x, panels: vec![panel] };
    let column = |of: &dyn Fn(usize) -> f64| order.iter().map(|&i| Some(of(i))).collect::<Vec<_>>();
    let logs: Vec<Option<f64>> = order.iter().map(|&i| height(i)).collect();
    let data = Data::default().numbers("sample", &column(&|i| i as f64)).numbers("dual", &column(&|i| lambda[i]));
    let data = data.numbers("log10_dual", &logs).numbers("slides", &column(&|i| f64::from(u8::from(slides[i]))));
    Ok(Ok(Figure::new(chart, shows(run, (n, support, slides.iter().filter(|s| **s).count())), data)))
}

/// Samples with neurons on their kink.
fn sliding(run: &Run) -> Vec<usize> {
    let list = run.field("sliding").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|pair| pair.get("sample").and_then(number)).map(|i| i as usize).collect()
}

fn shows(run: &Run, (n, support, slide): (usize, usize, usize)) -> Vec<String> {
    let margin = run.number("max_margin").map_or(String::new(), |m| format!(" = 1/γ*², γ* = {m:.6}"));
    vec![format!(
        "λ_i of the limit W* = Σ λ_i Φ_i in decreasing order, {support} of {n} samples with λ > 0; Σ λ_i = ‖W*‖²{margin}. On the kinks of {slide} \
         samples neurons of the other sign stay. Samples with λ = 0, whose margins are above 1, are in the table alone."
    )]
}
