//! The font of the figures: outlines and widths of the characters of DejaVu Sans that figures use.
//!
//! It is a part of the program (27 kB, `cli/assets/`, with its licence), so that no font of the system is needed. A
//! character that it has not is drawn as its empty box.

use super::scene::{Anchor, Text, Verb};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static BYTES: &[u8] = include_bytes!("../../assets/DejaVuSans-subset.ttf");

/// The font.
pub struct Font {
    face: Face<'static>,
}

/// A character of a text, in units of the font along its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its outline.
    pub glyph: u16,
    /// Where it begins.
    pub x: i32,
}

impl Font {
    /// The font of the program.
    pub fn new() -> Self {
        Self { face: Face::parse(BYTES, 0).expect("the embedded font is one") }
    }

    /// Units of the font in its size.
    pub fn units(&self) -> f64 {
        f64::from(self.face.units_per_em())
    }

    /// The characters of a text, and its width, in units of the font.
    pub fn set(&self, text: &str) -> (Vec<Placed>, i32) {
        let mut x = 0;
        let place = |c| {
            let glyph = self.face.glyph_index(c).unwrap_or_default();
            let placed = Placed { glyph: glyph.0, x };
            x += i32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0));
            placed
        };
        let placed = text.chars().map(place).collect();
        (placed, x)
    }

    /// The width of a text in a size.
    pub fn width(&self, text: &str, size: f64) -> f64 {
        f64::from(self.set(text).1) * size / self.units()
    }

    /// The outline of a glyph in units of the font, y up.
    pub fn outline(&self, glyph: u16) -> Vec<Verb> {
        let mut pen = Outline::default();
        self.face.outline_glyph(GlyphId(glyph), &mut pen);
        pen.0
    }

    /// The matrix `[a, b, c, d, e, f]` that takes units of the font to those of the figure,
    /// `x = a u + c v + e, y = b u + d v + f`.
    pub fn transform(&self, text: &Text) -> [f64; 6] {
        let scale = text.size / self.units();
        let back = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => self.width(&text.content, text.size) / 2.0,
            Anchor::End => self.width(&text.content, text.size),
        };
        let (x, y) = text.at;
        match text.upright {
            false => [scale, 0.0, 0.0, -scale, x - back, y],
            true => [0.0, -scale, -scale, 0.0, x, y + back],
        }
    }
}

impl Default for Font {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Default)]
struct Outline(Vec<Verb>);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.push(Verb::Move(x.into(), y.into()));
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.0.push(Verb::Line(x.into(), y.into()));
    }
    fn quad_to(&mut self, a: f32, b: f32, x: f32, y: f32) {
        self.0.push(Verb::Quad(a.into(), b.into(), x.into(), y.into()));
    }
    fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
        self.0.push(Verb::Cubic(a.into(), b.into(), c.into(), d.into(), x.into(), y.into()));
    }
    fn close(&mut self) {
        self.0.push(Verb::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_a_figure_is_there() {
        let font = Font::new();
        let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain('α'..='ω');
        for c in letters.chain("‖∇Σ√≤≥·−–…⁰¹²³⁴⁵⁶⁷⁸⁹⁻₁₂Ŵ|/()[]{}=<>,.;:'\"*+-_^±×".chars())
        {
            assert!(font.face.glyph_index(c).is_some(), "{c}");
        }
        assert!(font.width("mm", 10.0) > font.width("ii", 10.0) && font.width("", 10.0) == 0.0);
        assert!(font.set("☃").1 > 0, "an empty box");
    }

    #[test]
    fn a_text_stands_at_its_point() {
        let font = Font::new();
        let text = |anchor, upright| Text {
            content: "abc".into(),
            at: (50.0, 60.0),
            size: 10.0,
            anchor,
            upright,
            colour: [0; 3],
        };
        let width = font.width("abc", 10.0);
        assert_eq!(font.transform(&text(Anchor::End, false))[4..], [50.0 - width, 60.0]);
        assert_eq!(font.transform(&text(Anchor::Middle, true))[4..], [50.0, 60.0 + width / 2.0]);
        let [a, b, _, d, ..] = font.transform(&text(Anchor::Start, true));
        assert!(a == 0.0 && d == 0.0 && b < 0.0, "read from below to above");
    }
}
