//! A scene as PNG: the outlines of the SVG, rasterized with antialiasing, two pixels to a unit of the scene.

use super::font::Font;
use super::scene::{Colour, Mark, Pen, Scene, Text, Verb};
use std::collections::BTreeMap;
use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

/// Pixels to a unit of the scene.
pub const SCALE: u32 = 2;

/// The drawing as the bytes of a file; none if it is empty or too large for one.
pub fn write(scene: &Scene) -> Option<Vec<u8>> {
    let mut pixels = Pixmap::new(SCALE * scene.width, SCALE * scene.height)?;
    pixels.fill(Color::WHITE);
    let font = Font::new();
    let whole = Transform::from_scale(SCALE as f32, SCALE as f32);
    for mark in &scene.marks {
        match mark {
            Mark::Fill(path, colour, opacity) => fill(&mut pixels, built(path), *colour, *opacity, whole),
            Mark::Stroke(path, pen) => follow(&mut pixels, built(path), pen, whole),
            Mark::Text(text) => letters(&mut pixels, text, &font, whole),
        }
    }
    encoded(&pixels)
}

fn letters(pixels: &mut Pixmap, text: &Text, font: &Font, whole: Transform) {
    let [a, b, c, d, e, f] = font.transform(text).map(|v| v as f32);
    let place = Transform::from_row(a, b, c, d, e, f);
    for placed in font.set(&text.content).0 {
        let at = Transform::from_translate(placed.x as f32, 0.0).post_concat(place).post_concat(whole);
        fill(pixels, built(&font.outline(placed.glyph)), text.colour, 1.0, at);
    }
}

fn fill(pixels: &mut Pixmap, path: Option<Path>, colour: Colour, opacity: f64, at: Transform) {
    if let Some(path) = path {
        pixels.fill_path(&path, &paint(colour, opacity), FillRule::Winding, at, None);
    }
}

fn follow(pixels: &mut Pixmap, path: Option<Path>, pen: &Pen, at: Transform) {
    let Some(path) = path else { return };
    let dash = StrokeDash::new(pen.dash.iter().map(|v| *v as f32).collect(), 0.0);
    let stroke = Stroke { width: pen.width as f32, line_join: LineJoin::Round, dash, ..Stroke::default() };
    pixels.stroke_path(&path, &paint(pen.colour, 1.0), &stroke, at, None);
}

fn paint([r, g, b]: Colour, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (255.0 * opacity).round() as u8);
    paint
}

fn built(path: &[Verb]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for verb in path {
        match verb {
            Verb::Move(x, y) => builder.move_to(*x as f32, *y as f32),
            Verb::Line(x, y) => builder.line_to(*x as f32, *y as f32),
            Verb::Quad(a, b, x, y) => builder.quad_to(*a as f32, *b as f32, *x as f32, *y as f32),
            Verb::Cubic(a, b, c, d, x, y) => {
                builder.cubic_to(*a as f32, *b as f32, *c as f32, *d as f32, *x as f32, *y as f32);
            }
            Verb::Close => builder.close(),
        }
    }
    builder.finish()
}

/// One byte a pixel where 256 colours are enough, else three.
fn encoded(pixels: &Pixmap) -> Option<Vec<u8>> {
    // the ground is opaque, and so is every pixel
    let colours: Vec<Colour> = pixels.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect();
    let mut known: BTreeMap<Colour, u8> = BTreeMap::new();
    let few = colours.iter().all(|colour| {
        let next = known.len();
        known.contains_key(colour) || next < 256 && known.insert(*colour, next as u8).is_none()
    });
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let data = match few {
        true => {
            let mut palette = vec![[0; 3]; known.len()];
            known.iter().for_each(|(colour, k)| palette[usize::from(*k)] = *colour);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette.concat());
            encoder.set_filter(png::Filter::NoFilter);
            colours.iter().map(|colour| known[colour]).collect()
        }
        false => {
            encoder.set_color(png::ColorType::Rgb);
            colours.concat()
        }
    };
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&data).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}
