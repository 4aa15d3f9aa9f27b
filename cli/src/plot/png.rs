//! A scene as PNG: the outlines of the SVG, rasterized with antialiasing, two pixels to a unit of the scene.

use super::font::Font;
use super::scene::{Colour, Mark, Pen, Scene, Text, Verb};
use std::collections::HashMap;
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

/// One byte a pixel: of more than 256 colours the most frequent ones, and for each other one, which only edges have, the
/// nearest of these.
fn encoded(pixels: &Pixmap) -> Option<Vec<u8>> {
    // the ground is opaque, and so is every pixel
    let colours: Vec<Colour> = pixels.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect();
    let (palette, places) = reduced(&colours);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let data: Vec<u8> = colours.iter().map(|colour| places[colour]).collect();
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&data).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// At most 256 colours, and which of them stands for each.
fn reduced(colours: &[Colour]) -> (Vec<Colour>, HashMap<Colour, u8>) {
    let mut counts: HashMap<Colour, usize> = HashMap::new();
    colours.iter().for_each(|colour| *counts.entry(*colour).or_default() += 1);
    let mut palette: Vec<Colour> = counts.keys().copied().collect();
    palette.sort_by_key(|colour| (std::cmp::Reverse(counts[colour]), *colour));
    palette.truncate(256);
    let apart = |a: Colour, b: Colour| (0..3).map(|k| (i32::from(a[k]) - i32::from(b[k])).pow(2)).sum::<i32>();
    let nearest =
        |colour: Colour| palette.iter().enumerate().min_by_key(|(_, p)| apart(colour, **p)).map_or(0, |(k, _)| k);
    let places = counts.keys().map(|colour| (*colour, nearest(*colour) as u8)).collect();
    (palette, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_colours_stay_as_they_are() {
        let mut colours: Vec<Colour> = (0..=255u8).map(|k| [k, 0, 7]).collect();
        colours.extend([[200, 100, 50]; 5]);
        let (palette, places) = reduced(&colours);
        assert_eq!((palette.len(), palette[0]), (256, [200, 100, 50]));
        for colour in &colours {
            let shown = palette[usize::from(places[colour])];
            assert!(shown == *colour || colour[0].abs_diff(shown[0]) <= 1 && shown[1..] == colour[1..], "{colour:?}");
        }
    }

    #[test]
    fn pixels_are_where_they_were_drawn() {
        let mut scene = Scene { width: 4, height: 3, marks: Vec::new() };
        scene.fill_rectangle((1.0, 1.0), (3.0, 2.0), [10, 20, 30], 1.0);
        let bytes = write(&scene).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        assert_eq!((info.width, info.height), (8, 6));
        let palette = reader.info().palette.as_ref().unwrap().to_vec();
        let pixel = |x: usize, y: usize| &palette[3 * usize::from(data[8 * y + x])..][..3];
        assert_eq!(
            (pixel(0, 0), pixel(3, 2), pixel(5, 3), pixel(6, 2)),
            (&[255; 3][..], &[10, 20, 30][..], &[10, 20, 30][..], &[255; 3][..])
        );
        assert!(write(&Scene::default()).is_none());
    }
}
