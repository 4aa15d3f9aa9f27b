//! The gaps to the limit on logarithmic axes: of W, of the gradient, of the weights of the samples, and the bound that needs
//! no limit.
//!
//! ```text
//! 1 − cos(W, Ŵ)  ∝  1/log² t              max |α c t s(q_i) − λ_i|  ∝  t^(−ν)
//! ```
//!
//! Both laws are drawn through a measured point: the first through the last one, the second through the last one that
//! rounding does not reach.

use super::{Drawn, Run, logarithms, values};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel, Point};
use crate::plot::figure::Figure;
use crate::plot::palette::{OTHER_REFERENCE, REFERENCE, STYLES};

const GAPS: [(&str, &str); 4] = [
    ("cosine_gap", "1 − cos(W, Ŵ)"),
    ("certified_cosine_gap", "the same, certified without the limit"),
    ("gradient_cosine_gap", "1 − cos(−∇L, Ŵ)"),
    ("dual_gap", "max |α c t s(qᵢ) − λᵢ| / max λ"),
];

/// Below this the dual gap may be rounding.
const ROUNDING: f64 = -9.0;

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    if run.last().is_none() {
        return Ok(Err(run.nothing()));
    }
    let columns: Vec<(&str, &str, Vec<Option<f64>>)> =
        GAPS.iter().map(|(column, name)| (*column, *name, run.trace.numbers(column))).collect();
    let lines: Vec<Vec<Point>> = columns.iter().map(|(_, _, gap)| run.points(&logarithms(gap))).collect();
    let shown = values(&lines);
    if shown.is_empty() {
        return Ok(Err("no row has a gap: no limit is known, and no bound".into()));
    }
    let mut layers = Vec::new();
    for (k, points) in lines.iter().enumerate().filter(|(_, points)| points.iter().any(|(_, y)| y.is_some())) {
        layers.push(Layer::line(columns[k].1, STYLES[k], points.clone()));
    }
    let slow = anchored(&lines[0], |_| true).map(|point| inverse_square(begin(&lines[0]), point));
    layers.extend(slow.map(|points| Layer::line("∝ 1/log² t", REFERENCE, points)));
    let rate = run.number("rate_exponent").filter(|rate| *rate > 0.0);
    let anchor = anchored(&lines[3], |y| y > ROUNDING);
    if let (Some(rate), Some((x, y))) = (rate, anchor) {
        let law = |at: f64| y - rate * (at - x);
        let (from, name) = (begin(&lines[3]), format!("∝ t^(−ν), ν = {rate:.4}"));
        layers.push(Layer::line(&name, OTHER_REFERENCE, vec![(from, Some(law(from))), (x, Some(y))]));
    }
    let y = Axis::around("gap", Scale::Decades, shown);
    let panel = Panel { height: 360.0, ..Panel::new(y, layers) };
    let chart = Chart { title: "Gaps to the limit".into(), x: run.axis(), panels: vec![panel] };
    let data = columns.iter().fold(run.data(), |data, (column, _, gap)| data.numbers(column, gap));
    Ok(Ok(Figure::new(chart, shows(rate), data)))
}

/// The last point whose number is one to go by.
fn anchored(points: &[Point], good: impl Fn(f64) -> bool) -> Option<(f64, f64)> {
    points.iter().rev().find_map(|(x, y)| y.filter(|y| good(*y) && *x > 0.0).map(|y| (*x, y)))
}

/// Where a line begins.
fn begin(points: &[Point]) -> f64 {
    points.iter().find_map(|(x, y)| y.map(|_| *x)).unwrap_or(0.0)
}

/// 1/log² t through a point, from where its line begins, or t = 10^(1/2).
fn inverse_square(from: f64, (x, y): (f64, f64)) -> Vec<Point> {
    let from = from.max(0.5);
    let at = |k: usize| from + (x - from) * k as f64 / 200.0;
    let law = |v: f64| y - 2.0 * (v / x).log10();
    if x > from { (0..=200).map(at).map(|v| (v, Some(law(v)))).collect() } else { Vec::new() }
}

fn shows(rate: Option<f64>) -> Vec<String> {
    let rate = match rate {
        Some(rate) => format!(
            "Dotted: t^(-nu), the law of the dual gap, with nu = {rate:.6} from result.json, through the last point above 1e-9."
        ),
        None => "No rate exponent is known: the law of the dual gap is not drawn.".into(),
    };
    vec![
        "Gaps of gradient descent to its limit against the number of steps t, both on log scales: 1 - cos of the angle of W to \
         the limit, the bound of it that is proved without the limit, 1 - cos of the angle of the gradient, and the largest \
         error of the weights alpha c t s(q_i) relative to max lambda. A cosine gap g is an angle of 2 arcsin sqrt(g/2)."
            .into(),
        "Dashed: 1/log^2 t, the law of the cosine gap, through its last point.".into(),
        rate,
        "Rows without a number, and gaps of exactly 0, are gaps in the lines.".into(),
    ]
}
