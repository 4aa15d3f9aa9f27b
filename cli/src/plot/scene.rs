//! What a figure is made of, in user units (pixels at scale 1) from the upper left corner, y down.
//!
//! Marks are drawn in their order. Both writers, `svg` and `png`, draw the same outlines, text included: a figure needs no
//! font where it is shown.

/// Red, green, blue.
pub type Colour = [u8; 3];

/// A part of an outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verb {
    /// Begins at a point.
    Move(f64, f64),
    /// A line to a point.
    Line(f64, f64),
    /// A quadratic curve: its control point and its end.
    Quad(f64, f64, f64, f64),
    /// A cubic curve: its control points and its end.
    Cubic(f64, f64, f64, f64, f64, f64),
    /// Back to where it began.
    Close,
}

/// How an outline is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    /// Its colour.
    pub colour: Colour,
    /// Its width.
    pub width: f64,
    /// Lengths drawn and left out in turn; empty: all is drawn.
    pub dash: &'static [f64],
}

/// Where a text stands in relation to its point, along its own direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A text on its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// Its point.
    pub at: (f64, f64),
    /// Height of the font.
    pub size: f64,
    /// Where the point is.
    pub anchor: Anchor,
    /// Whether it is read from below to above.
    pub upright: bool,
    /// Its colour.
    pub colour: Colour,
}

/// One thing that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// An outline that is filled, with an opacity.
    Fill(Vec<Verb>, Colour, f64),
    /// An outline that is followed.
    Stroke(Vec<Verb>, Pen),
    /// A text.
    Text(Text),
}

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Its width, whole.
    pub width: u32,
    /// Its height, whole.
    pub height: u32,
    /// What is drawn, the first below the others.
    pub marks: Vec<Mark>,
}

impl Scene {
    /// A filled rectangle from one corner to the other.
    pub fn fill_rectangle(&mut self, a: (f64, f64), b: (f64, f64), colour: Colour, opacity: f64) {
        self.marks.push(Mark::Fill(rectangle(a, b), colour, opacity));
    }

    /// The lines from each point to the next.
    pub fn line(&mut self, points: &[(f64, f64)], pen: Pen) {
        self.marks.push(Mark::Stroke(path(points), pen));
    }

    /// A text that is read from left to right.
    pub fn text(&mut self, content: &str, at: (f64, f64), size: f64, anchor: Anchor, colour: Colour) {
        let text = Text { content: content.into(), at, size, anchor, upright: false, colour };
        self.marks.push(Mark::Text(text));
    }
}

/// The outline of a rectangle.
pub fn rectangle(a: (f64, f64), b: (f64, f64)) -> Vec<Verb> {
    let mut out = path(&[a, (b.0, a.1), b, (a.0, b.1)]);
    out.push(Verb::Close);
    out
}

/// The outline through points.
pub fn path(points: &[(f64, f64)]) -> Vec<Verb> {
    let verb = |(k, p): (usize, &(f64, f64))| if k == 0 { Verb::Move(p.0, p.1) } else { Verb::Line(p.0, p.1) };
    points.iter().enumerate().map(verb).collect()
}
