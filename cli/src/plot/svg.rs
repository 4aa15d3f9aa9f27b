//! A scene as SVG 1.1: every character once in `<defs>`, used where it stands, its text as a label beside.

use super::font::Font;
use super::scene::{Colour, Mark, Pen, Scene, Text, Verb};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The drawing with a title and what it shows, for those who do not see it.
pub fn write(scene: &Scene, title: &str, caption: &str) -> String {
    let (font, w, h) = (Font::new(), scene.width, scene.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\">\n\
         <title>{}</title>\n<desc>{}</desc>\n",
        escaped(title),
        escaped(caption)
    );
    put(&mut out, format_args!("<defs>\n"));
    for glyph in glyphs(scene, &font) {
        put(&mut out, format_args!("<path id=\"g{glyph}\" d=\"{}\"/>\n", outline(&font.outline(glyph))));
    }
    put(&mut out, format_args!("</defs>\n<rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n"));
    for mark in &scene.marks {
        match mark {
            Mark::Fill(path, colour, opacity) => {
                let opacity = if *opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
                let (d, colour) = (outline(path), hex(*colour));
                put(&mut out, format_args!("<path d=\"{d}\" fill=\"{colour}\"{opacity}/>\n"));
            }
            Mark::Stroke(path, pen) => put(&mut out, format_args!("<path d=\"{}\" {}/>\n", outline(path), stroke(pen))),
            Mark::Text(text) => put(&mut out, format_args!("{}", letters(text, &font))),
        }
    }
    out + "</svg>\n"
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn glyphs(scene: &Scene, font: &Font) -> BTreeSet<u16> {
    let texts = scene.marks.iter().filter_map(|m| if let Mark::Text(text) = m { Some(text) } else { None });
    texts.flat_map(|text| font.set(&text.content).0).map(|placed| placed.glyph).collect()
}

fn letters(text: &Text, font: &Font) -> String {
    let [a, b, c, d, e, f] = font.transform(text);
    let (label, fill) = (escaped(&text.content), hex(text.colour));
    let mut out = format!(
        "<g role=\"text\" aria-label=\"{label}\" fill=\"{fill}\" \
         transform=\"matrix({a:.6} {b:.6} {c:.6} {d:.6} {e:.2} {f:.2})\">"
    );
    for placed in font.set(&text.content).0 {
        put(&mut out, format_args!("<use href=\"#g{}\" x=\"{}\"/>", placed.glyph, placed.x));
    }
    out + "</g>\n"
}

fn stroke(pen: &Pen) -> String {
    let mut out = format!(
        "fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"",
        hex(pen.colour),
        number(pen.width)
    );
    if !pen.dash.is_empty() {
        let lengths: Vec<String> = pen.dash.iter().map(|v| number(*v)).collect();
        put(&mut out, format_args!(" stroke-dasharray=\"{}\"", lengths.join(" ")));
    }
    out
}

fn outline(path: &[Verb]) -> String {
    let mut out = String::new();
    let mut points = |letter: char, values: &[f64]| {
        out.push(letter);
        out.push_str(&values.iter().map(|v| number(*v)).collect::<Vec<_>>().join(" "));
    };
    for verb in path {
        match *verb {
            Verb::Move(x, y) => points('M', &[x, y]),
            Verb::Line(x, y) => points('L', &[x, y]),
            Verb::Quad(a, b, x, y) => points('Q', &[a, b, x, y]),
            Verb::Cubic(a, b, c, d, x, y) => points('C', &[a, b, c, d, x, y]),
            Verb::Close => points('Z', &[]),
        }
    }
    out
}

/// A hundredth of a unit is more than one sees.
fn number(v: f64) -> String {
    let text = format!("{v:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn hex([r, g, b]: Colour) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::scene::{Anchor, rectangle};

    #[test]
    fn a_drawing_in_text() {
        let mut scene = Scene { width: 20, height: 10, marks: Vec::new() };
        scene.marks.push(Mark::Fill(rectangle((1.0, 2.0), (3.5, 4.0)), [255, 0, 16], 0.5));
        scene.line(&[(0.0, 0.0), (1.0 / 3.0, -0.001)], Pen { colour: [0; 3], width: 1.5, dash: &[4.0, 2.0] });
        scene.text("a<b", (1.0, 9.0), 8.0, Anchor::Start, [0; 3]);
        let text = write(&scene, "A & B", "shows \"x\"");
        for expected in [
            "width=\"20\" height=\"10\"",
            "<title>A &amp; B</title>",
            "<path d=\"M1 2L3.5 2L3.5 4L1 4Z\" fill=\"#ff0010\" fill-opacity=\"0.5\"/>",
            "d=\"M0 0L0.33 0\" fill=\"none\" stroke=\"#000000\" stroke-width=\"1.5\"",
            "stroke-dasharray=\"4 2\"",
            "aria-label=\"a&lt;b\"",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(text.matches("<path id=").count(), 3, "a, <, b");
    }
}
