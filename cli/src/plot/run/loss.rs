//! Loss, gradient and norm: powers of t above, log t below.
//!
//! ```text
//! L, ‖∇L‖ ∝ 1/t               ‖W‖ ≈ (log t + constant)/γ*
//! ```

use super::{Drawn, Run, logarithms, values};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel, Point};
use crate::plot::figure::Figure;
use crate::plot::palette::{OTHER_REFERENCE, REFERENCE, STYLES};
use std::f64::consts::LN_10;

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    let Some((_, end)) = run.last() else { return Ok(Err(run.nothing())) };
    let log_loss = run.trace.numbers("log_loss");
    let loss: Vec<Option<f64>> = log_loss.iter().map(|v| v.map(|v| v / LN_10)).collect();
    let (gradient, norm) = (run.trace.numbers("gradient_norm"), run.trace.numbers("weight_norm"));
    let (log_gradient, lines) = (logarithms(&gradient), run.points(&norm));
    let (loss_line, gradient_line) = (run.points(&loss), run.points(&log_gradient));
    let shown = values([&loss_line, &gradient_line]);
    if shown.is_empty() {
        return Ok(Err("no row has a finite loss".into()));
    }
    let upper = Axis::around("loss, gradient", Scale::Decades, shown);
    let last = |points: &[Point]| points.iter().rev().find_map(|(x, y)| y.map(|y| (*x, y)));
    let mut layers = vec![Layer::line("loss L", STYLES[0], loss_line.clone())];
    layers.push(Layer::line("‖∇L‖", STYLES[1], gradient_line));
    if let Some((x, y)) = last(&loss_line).filter(|(_, y)| *y < 0.0) {
        let from = (x + y - upper.range.1).max(0.0).min(end);
        layers.push(Layer::line("∝ 1/t", OTHER_REFERENCE, vec![(from, Some(y + x - from)), (end, Some(y + x - end))]));
    }
    let mut below = vec![Layer::line("norm ‖W‖", STYLES[2], lines.clone())];
    if let (Some(margin), Some((x, y))) = (run.number("max_margin").filter(|m| *m > 0.0), last(&lines)) {
        let law = |at: f64| Some(y + LN_10 * (at - x) / margin);
        below.push(Layer::line("slope 1/γ* in log t", REFERENCE, vec![(0.0, law(0.0)), (end, law(end))]));
    }
    let norms = Axis::around("norm", Scale::Linear, values([&lines]));
    let panels =
        vec![Panel { height: 250.0, ..Panel::new(upper, layers) }, Panel { height: 180.0, ..Panel::new(norms, below) }];
    let chart = Chart { title: "Loss, gradient and norm".into(), x: run.axis(), panels };
    let data = run.data().numbers("log_loss", &log_loss).numbers("log10_loss", &loss);
    let data = data.numbers("gradient_norm", &gradient).numbers("weight_norm", &norm);
    Ok(Ok(Figure::new(chart, shows(), data)))
}

fn shows() -> Vec<String> {
    vec![
        "Above: the loss L and the norm of its gradient against the number of steps t, both on log scales; dotted, 1/t through \
         the last loss."
            .into(),
        "Below: the norm of the weights (linear) against t (log); dashed, where the maximal margin gamma* is known, the slope \
         1/gamma* in log t through the last point."
            .into(),
        "Values that are not finite are gaps in the lines.".into(),
    ]
}
