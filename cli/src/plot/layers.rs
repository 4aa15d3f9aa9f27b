//! Layers of a panel as marks, cut off at its frame.

use super::axis::Axis;
use super::chart::{Layer, Panel, Point};
use super::palette::{GREY, Marker, PAPER, Style, shade};
use super::scene::{Colour, Mark, Pen, Scene, Verb, path, rectangle};
use super::shades::Shades;

/// The place of a panel, and its axes.
pub struct Frame<'a> {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
    /// The axis along the lower edge.
    pub x: &'a Axis,
    /// The axis along the left edge.
    pub y: &'a Axis,
}

impl Frame<'_> {
    /// Where numbers stand in the figure.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (right, up) = (self.x.place(x), self.y.place(y));
        (right.mul_add(self.right - self.left, self.left), up.mul_add(self.top - self.bottom, self.bottom))
    }

    fn holds(&self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// The part of a line that is inside (Liang and Barsky).
    fn cut(&self, a: (f64, f64), b: (f64, f64)) -> Option<[(f64, f64); 2]> {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut from, mut to) = (0.0f64, 1.0f64);
        let sides = [(-dx, a.0 - self.left), (dx, self.right - a.0), (-dy, a.1 - self.top), (dy, self.bottom - a.1)];
        for (speed, room) in sides {
            if speed == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if speed < 0.0 {
                from = from.max(room / speed);
            } else {
                to = to.min(room / speed);
            }
        }
        let point = |part: f64| (dx.mul_add(part, a.0), dy.mul_add(part, a.1));
        (from <= to).then(|| [point(from), point(to)])
    }
}

const WIDTH: f64 = 1.9;
const APART: f64 = 18.0; // of markers along a line
const VEIL: f64 = 0.22; // of a band

/// Draws a layer.
pub fn draw(scene: &mut Scene, layer: &Layer, frame: &Frame<'_>, panel: &Panel) {
    match layer {
        Layer::Ground { from, to, colour, .. } => {
            let [a, b] = [from, to].map(|v| frame.at(*v, 0.0).0.clamp(frame.left, frame.right));
            scene.fill_rectangle((a, frame.top), (b, frame.bottom), *colour, 1.0);
        }
        Layer::Band { points, colour, .. } => band(scene, points, *colour, frame),
        Layer::Series { points, style, joined, .. } => series(scene, points, *style, *joined, frame),
        Layer::Rule { at, upright, style, .. } => {
            let (x, y) = frame.at(*at, *at);
            let ends = match upright {
                true => [(x, frame.top), (x, frame.bottom)],
                false => [(frame.left, y), (frame.right, y)],
            };
            if ends.iter().all(|end| frame.holds(*end)) {
                scene.line(&ends, pen(*style));
            }
        }
        Layer::Cells { x, y, values } => cells(scene, (x, y), values, frame, panel.shades.as_ref()),
    }
}

/// The layer as the legend shows it.
pub fn sample(scene: &mut Scene, layer: &Layer, a: (f64, f64), b: (f64, f64)) {
    let middle = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    match layer {
        Layer::Ground { colour, .. } => {
            scene.fill_rectangle(a, b, *colour, 1.0);
            scene.marks.push(Mark::Stroke(rectangle(a, b), Pen { colour: GREY, width: 0.6, dash: &[] }));
        }
        Layer::Band { colour, .. } => scene.fill_rectangle(a, b, *colour, VEIL),
        Layer::Series { style, joined, .. } => {
            if *joined {
                scene.line(&[(a.0, middle.1), (b.0, middle.1)], pen(*style));
            }
            marker(scene, middle, *style);
        }
        Layer::Rule { style, .. } => scene.line(&[(a.0, middle.1), (b.0, middle.1)], pen(*style)),
        Layer::Cells { .. } => crossed(scene, a, b),
    }
}

fn pen(style: Style) -> Pen {
    Pen { colour: style.colour, width: WIDTH, dash: style.dash }
}

/// Stretches without a gap.
fn stretches<T: Copy>(points: &[(f64, Option<T>)]) -> Vec<Vec<(f64, T)>> {
    let whole = points.split(|(x, y)| y.is_none() || !x.is_finite());
    whole
        .map(|part| part.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect::<Vec<_>>())
        .filter(|s| !s.is_empty())
        .collect()
}

fn series(scene: &mut Scene, points: &[Point], style: Style, joined: bool, frame: &Frame<'_>) {
    let places: Vec<Vec<(f64, f64)>> =
        stretches(points).into_iter().map(|s| s.into_iter().map(|(x, y)| frame.at(x, y)).collect()).collect();
    for stretch in places.iter().filter(|_| joined) {
        inside(stretch, frame).iter().for_each(|line| scene.line(line, pen(style)));
    }
    for stretch in &places {
        let (mut last, alone) = (f64::NEG_INFINITY, stretch.len() == 1);
        for place in stretch.iter().filter(|p| frame.holds(**p)) {
            if !joined || alone || place.0 - last >= APART {
                last = place.0;
                // a point alone is seen, whatever the style
                let shape = if alone && style.marker == Marker::None { Marker::Circle } else { style.marker };
                marker(scene, *place, Style { marker: shape, ..style });
            }
        }
    }
}

/// The lines through points, cut off at the frame.
fn inside(points: &[(f64, f64)], frame: &Frame<'_>) -> Vec<Vec<(f64, f64)>> {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in points.windows(2) {
        let Some([a, b]) = frame.cut(pair[0], pair[1]) else { continue };
        match lines.last_mut() {
            Some(line) if line.last() == Some(&a) => line.push(b),
            _ => lines.push(vec![a, b]),
        }
    }
    lines
}

fn band(scene: &mut Scene, points: &[(f64, Option<(f64, f64)>)], colour: Colour, frame: &Frame<'_>) {
    let within = |(x, y): (f64, f64)| (x, y.clamp(frame.top, frame.bottom));
    for stretch in stretches(points) {
        if let [(x, (low, high))] = stretch[..] {
            let (a, b) = (within(frame.at(x, low)), within(frame.at(x, high)));
            scene.fill_rectangle((a.0 - 2.0, b.1), (a.0 + 2.0, a.1), colour, 2.0 * VEIL);
            continue;
        }
        let there = stretch.iter().map(|(x, (low, _))| within(frame.at(*x, *low)));
        let back = stretch.iter().rev().map(|(x, (_, high))| within(frame.at(*x, *high)));
        let mut outline = path(&there.chain(back).collect::<Vec<_>>());
        outline.push(Verb::Close);
        scene.marks.push(Mark::Fill(outline, colour, VEIL));
    }
}

fn cells(
    scene: &mut Scene,
    edges: (&[f64], &[f64]),
    values: &[Vec<Option<f64>>],
    frame: &Frame<'_>,
    shades: Option<&Shades>,
) {
    for (row, line) in values.iter().enumerate() {
        for (column, value) in line.iter().enumerate() {
            let a = frame.at(edges.0[column], edges.1[row]);
            let b = frame.at(edges.0[column + 1], edges.1[row + 1]);
            match (value, shades) {
                // a little more than the cell: what comes next covers it, and no seam is left
                (Some(v), Some(shades)) => {
                    let (x, y) = ((b.0 + 0.6).min(frame.right), (b.1 - 0.6).max(frame.top));
                    scene.fill_rectangle(a, (x, y), shade(shades.place(*v)), 1.0);
                }
                _ => crossed(scene, a, b),
            }
        }
    }
}

/// A cell without a number.
fn crossed(scene: &mut Scene, a: (f64, f64), b: (f64, f64)) {
    let thin = Pen { colour: GREY, width: 0.7, dash: &[] };
    scene.fill_rectangle(a, b, PAPER, 1.0);
    scene.line(&[a, b], thin);
    scene.line(&[(a.0, b.1), (b.0, a.1)], thin);
    scene.marks.push(Mark::Stroke(rectangle(a, b), thin));
}

fn marker(scene: &mut Scene, (x, y): (f64, f64), style: Style) {
    const R: f64 = 3.4;
    let polygon = |corners: &[(f64, f64)]| {
        let mut outline = path(&corners.iter().map(|(u, v)| (R.mul_add(*u, x), R.mul_add(*v, y))).collect::<Vec<_>>());
        outline.push(Verb::Close);
        outline
    };
    let whole = Pen { colour: style.colour, width: 1.5, dash: &[] };
    match style.marker {
        Marker::None => {}
        Marker::Circle => scene.marks.push(Mark::Fill(circle(x, y, R), style.colour, 1.0)),
        Marker::Ring => {
            scene.marks.push(Mark::Fill(circle(x, y, R), PAPER, 1.0));
            scene.marks.push(Mark::Stroke(circle(x, y, R), whole));
        }
        Marker::Square => {
            let corners = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)];
            scene.marks.push(Mark::Fill(polygon(&corners), style.colour, 1.0));
        }
        Marker::Triangle => {
            scene.marks.push(Mark::Fill(polygon(&[(0.0, -1.25), (1.15, 0.85), (-1.15, 0.85)]), style.colour, 1.0));
        }
        Marker::Diamond => {
            let corners = [(0.0, -1.35), (1.1, 0.0), (0.0, 1.35), (-1.1, 0.0)];
            scene.marks.push(Mark::Fill(polygon(&corners), style.colour, 1.0));
        }
        Marker::Cross => {
            scene.line(&[(x - R, y - R), (x + R, y + R)], whole);
            scene.line(&[(x - R, y + R), (x + R, y - R)], whole);
        }
    }
}

/// Four cubic curves, off the circle by at most 3e-4 of its radius.
fn circle(x: f64, y: f64, r: f64) -> Vec<Verb> {
    const K: f64 = 0.552_284_749_831;
    let p = |u: f64, v: f64| (r.mul_add(u, x), r.mul_add(v, y));
    let curve = |[a, b, c]: [(f64, f64); 3]| {
        let (a, b, c) = (p(a.0, a.1), p(b.0, b.1), p(c.0, c.1));
        Verb::Cubic(a.0, a.1, b.0, b.1, c.0, c.1)
    };
    vec![
        Verb::Move(x + r, y),
        curve([(1.0, K), (K, 1.0), (0.0, 1.0)]),
        curve([(-K, 1.0), (-1.0, K), (-1.0, 0.0)]),
        curve([(-1.0, -K), (-K, -1.0), (0.0, -1.0)]),
        curve([(K, -1.0), (1.0, -K), (1.0, 0.0)]),
        Verb::Close,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::axis::Scale;

    #[test]
    fn lines_end_at_the_frame_and_gaps_join_nothing() {
        let axis = Axis { label: String::new(), scale: Scale::Linear, range: (0.0, 10.0) };
        let frame = Frame { left: 0.0, right: 100.0, top: 0.0, bottom: 100.0, x: &axis, y: &axis };
        assert_eq!(frame.at(2.5, 10.0), (25.0, 0.0));
        assert_eq!(frame.cut((50.0, 50.0), (150.0, 50.0)), Some([(50.0, 50.0), (100.0, 50.0)]));
        assert_eq!(frame.cut((-10.0, -10.0), (-10.0, 200.0)), None);
        assert_eq!(frame.cut((-10.0, 50.0), (50.0, -300.0)), None, "past the corner");
        let points = [
            (0.0, Some(1.0)),
            (1.0, None),
            (2.0, Some(1.0)),
            (3.0, Some(2.0)),
            (f64::NAN, Some(1.0)),
            (5.0, Some(0.0)),
        ];
        assert_eq!(stretches(&points), [vec![(0.0, 1.0)], vec![(2.0, 1.0), (3.0, 2.0)], vec![(5.0, 0.0)]]);
        let lines = inside(&[(10.0, 10.0), (20.0, 10.0), (20.0, -10.0), (30.0, -10.0), (30.0, 10.0)], &frame);
        assert_eq!(lines, [vec![(10.0, 10.0), (20.0, 10.0), (20.0, 0.0)], vec![(30.0, 0.0), (30.0, 10.0)]]);
    }
}
