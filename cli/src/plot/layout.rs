//! Where everything of a chart stands: widths of labels are measured, and nothing covers anything else.
//!
//! ```text
//! title
//! legend of a panel, in rows                 above its frame, so that it covers no point
//! y label | y ticks | frame | scale of shades
//! …
//!         x ticks
//!         x label
//! ```

use super::axis::{Axis, Scale, Tick};
use super::chart::{Chart, Layer, Panel};
use super::font::Font;
use super::layers::{self, Frame};
use super::palette::{INK, PALE, shade};
use super::scene::{Anchor, Mark, Pen, Scene, Text, rectangle};
use super::shades::Shades;

/// Width of every figure.
pub const WIDTH: u32 = 760;

const TITLE: f64 = 16.0;
const LABEL: f64 = 14.0;
const TICKS: f64 = 12.5;
const ROW: f64 = 20.0;
const SAMPLE: f64 = 30.0; // of a legend
const TICK: f64 = 5.0;
const SHADES: usize = 10; // ticks of a scale of shades
const AXIS: Pen = Pen { colour: INK, width: 1.1, dash: &[] };
const GRID: Pen = Pen { colour: PALE, width: 0.8, dash: &[] };

/// Widths around the frames.
struct Margins {
    left: f64,
    right: f64,
    numbers: f64, // of y ticks
}

/// The drawing of a chart.
pub fn draw(chart: &Chart) -> Scene {
    let font = Font::new();
    let margins = margins(chart, &font);
    let (left, right) = (margins.left, f64::from(WIDTH) - margins.right);
    let xs = fitting(&chart.x, right - left, &font);
    let mut scene = Scene { width: WIDTH, ..Scene::default() };
    scene.text(&chart.title, (left, 26.0), TITLE, Anchor::Start, INK);
    let mut top = 36.0;
    for (k, panel) in chart.panels.iter().enumerate() {
        top = legend(&mut scene, panel, (left, top), right, &font) + 6.0;
        let frame = Frame { left, right, top, bottom: top + panel.height, x: &chart.x, y: &panel.y };
        let last = k + 1 == chart.panels.len();
        panel_in(&mut scene, panel, &frame, &xs, last, &margins);
        top = frame.bottom + 14.0;
    }
    let below = top - 14.0 + TICK + 4.0 + TICKS;
    scene.text(&chart.x.label, ((left + right) / 2.0, below + 8.0 + LABEL), LABEL, Anchor::Middle, INK);
    scene.height = (below + 22.0 + LABEL).ceil() as u32;
    scene
}

fn margins(chart: &Chart, font: &Font) -> Margins {
    let widest = |ticks: Vec<Tick>| ticks.iter().map(|t| font.width(&t.label, TICKS)).fold(0.0, f64::max);
    let numbers = chart.panels.iter().map(|p| widest(p.y.ticks(rows(p)))).fold(0.0, f64::max);
    let shades = chart.panels.iter().filter_map(|p| p.shades.as_ref().map(|s| widest(s.ticks(SHADES))));
    let right = shades.map(|width| 62.0 + width + LABEL).fold(26.0, f64::max);
    Margins { left: 10.0 + LABEL + 12.0 + numbers + TICK + 4.0, right, numbers }
}

/// Ticks along the height of a panel; powers of ten take less room.
fn rows(panel: &Panel) -> usize {
    let room = if panel.y.scale == Scale::Decades { 30.0 } else { 45.0 };
    (panel.height / room) as usize + 1
}

/// Ticks along x whose labels stand apart: fewer, or names left out.
fn fitting(axis: &Axis, width: f64, font: &Font) -> Vec<Tick> {
    let apart = |ticks: &[Tick]| {
        let mut named: Vec<&Tick> = ticks.iter().filter(|t| !t.label.is_empty()).collect();
        named.sort_by(|a, b| a.at.total_cmp(&b.at));
        let half = |t: &Tick| font.width(&t.label, TICKS) / 2.0 + 4.0;
        named.windows(2).all(|w| width * (axis.place(w[1].at) - axis.place(w[0].at)) > half(w[0]) + half(w[1]))
    };
    let mut tries = (1..=10).rev().map(|count| axis.ticks(count));
    if let Some(ticks) = tries.find(|ticks| apart(ticks)) {
        return ticks;
    }
    let mut ticks = axis.ticks(1);
    for keep in 2..=ticks.len() {
        ticks.iter_mut().enumerate().filter(|(k, _)| k % keep != 0).for_each(|(_, t)| t.label.clear());
        if apart(&ticks) {
            break;
        }
        ticks = axis.ticks(1);
    }
    ticks
}

/// The legend in rows; where they end.
fn legend(scene: &mut Scene, panel: &Panel, (left, top): (f64, f64), right: f64, font: &Font) -> f64 {
    let mut known: Vec<&str> = Vec::new();
    let (mut x, mut y) = (left, top + 4.0);
    for layer in &panel.layers {
        let name = layer.name();
        if name.is_empty() || known.contains(&name) {
            continue;
        }
        known.push(name);
        let width = SAMPLE + 6.0 + font.width(name, TICKS) + 18.0;
        if x + width - 18.0 > right && x > left {
            (x, y) = (left, y + ROW);
        }
        layers::sample(scene, layer, (x, y), (x + SAMPLE, y + 12.0));
        scene.text(name, (x + SAMPLE + 6.0, y + 10.5), TICKS, Anchor::Start, INK);
        x += width;
    }
    if known.is_empty() { top } else { y + ROW - 4.0 }
}

/// Grounds, the grid, bands, then everything else, in its frame with its ticks.
fn panel_in(scene: &mut Scene, panel: &Panel, frame: &Frame<'_>, xs: &[Tick], last: bool, margins: &Margins) {
    let floor = |layer: &Layer| match layer {
        Layer::Ground { .. } => 0,
        Layer::Band { .. } => 1,
        _ => 2,
    };
    let inside = |axis: &Axis, ticks: &[Tick]| -> Vec<Tick> {
        ticks.iter().filter(|t| (0.0..=1.0).contains(&axis.place(t.at))).cloned().collect()
    };
    let (xs, ys) = (inside(frame.x, xs), inside(&panel.y, &panel.y.ticks(rows(panel))));
    for number in 0..3 {
        panel.layers.iter().filter(|l| floor(l) == number).for_each(|layer| layers::draw(scene, layer, frame, panel));
        if number == 0 && panel.shades.is_none() {
            grid(scene, frame, &xs, &ys);
        }
    }
    scene.marks.push(Mark::Stroke(rectangle((frame.left, frame.top), (frame.right, frame.bottom)), AXIS));
    ticks(scene, frame, &xs, &ys, last);
    upright(scene, &panel.y.label, frame.left - TICK - 4.0 - margins.numbers - 12.0, frame);
    if let Some(shades) = &panel.shades {
        bar(scene, shades, frame);
    }
}

/// A line at each tick with a label.
fn grid(scene: &mut Scene, frame: &Frame<'_>, xs: &[Tick], ys: &[Tick]) {
    for tick in xs.iter().filter(|t| !t.label.is_empty()) {
        let (x, _) = frame.at(tick.at, 0.0);
        scene.line(&[(x, frame.top), (x, frame.bottom)], GRID);
    }
    for tick in ys.iter().filter(|t| !t.label.is_empty()) {
        let (_, y) = frame.at(0.0, tick.at);
        scene.line(&[(frame.left, y), (frame.right, y)], GRID);
    }
}

/// Ticks outside of the frame; only the last panel says what those of x are.
fn ticks(scene: &mut Scene, frame: &Frame<'_>, xs: &[Tick], ys: &[Tick], last: bool) {
    let length = |tick: &Tick| if tick.label.is_empty() { TICK / 2.0 } else { TICK };
    for tick in xs {
        let (x, _) = frame.at(tick.at, 0.0);
        scene.line(&[(x, frame.bottom), (x, frame.bottom + length(tick))], AXIS);
        if last && !tick.label.is_empty() {
            scene.text(&tick.label, (x, frame.bottom + TICK + 4.0 + TICKS), TICKS, Anchor::Middle, INK);
        }
    }
    for tick in ys {
        let (_, y) = frame.at(0.0, tick.at);
        scene.line(&[(frame.left, y), (frame.left - length(tick), y)], AXIS);
        if !tick.label.is_empty() {
            scene.text(&tick.label, (frame.left - TICK - 4.0, y + 0.36 * TICKS), TICKS, Anchor::End, INK);
        }
    }
}

/// A label along the height of a frame, as small as it has to be.
fn upright(scene: &mut Scene, label: &str, x: f64, frame: &Frame<'_>) {
    let width = Font::new().width(label, LABEL);
    let size = LABEL * ((frame.bottom - frame.top + 20.0) / width).min(1.0);
    let at = (x, (frame.top + frame.bottom) / 2.0);
    let text = Text { content: label.into(), at, size, anchor: Anchor::Middle, upright: true, colour: INK };
    scene.marks.push(Mark::Text(text));
}

/// The scale of shades, at the right of a frame.
fn bar(scene: &mut Scene, shades: &Shades, frame: &Frame<'_>) {
    const STEPS: u32 = 128;
    let (left, right) = (frame.right + 16.0, frame.right + 34.0);
    let y = |part: f64| frame.bottom + (frame.top - frame.bottom) * part;
    for k in 0..STEPS {
        let (low, high) = (f64::from(k) / f64::from(STEPS), f64::from(k + 1) / f64::from(STEPS));
        // a little more than its share: what comes next covers it
        scene.fill_rectangle((left, y(low)), (right, (y(high) - 0.5).max(frame.top)), shade((low + high) / 2.0), 1.0);
    }
    scene.marks.push(Mark::Stroke(rectangle((left, frame.top), (right, frame.bottom)), AXIS));
    let mut widest: f64 = 0.0;
    for tick in shades.ticks(SHADES) {
        let at = y(shades.place(tick.at));
        let length = if tick.label.is_empty() { TICK / 2.0 } else { TICK };
        scene.line(&[(right, at), (right + length, at)], AXIS);
        scene.text(&tick.label, (right + TICK + 4.0, at + 0.36 * TICKS), TICKS, Anchor::Start, INK);
        widest = widest.max(Font::new().width(&tick.label, TICKS));
    }
    upright(scene, &shades.axis.label, right + TICK + 4.0 + widest + 6.0 + LABEL, frame);
}
