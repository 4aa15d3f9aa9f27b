//! A figure: panels above each other that share their axis of x, each with layers that are drawn in their order.

use super::axis::Axis;
use super::palette::Style;
use super::scene::Colour;
use super::shades::Shades;

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// The axis that all panels share.
    pub x: Axis,
    /// From above to below.
    pub panels: Vec<Panel>,
}

/// A frame with an axis of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The axis at its left.
    pub y: Axis,
    /// What is in it, the first below the others.
    pub layers: Vec<Layer>,
    /// Height of the frame.
    pub height: f64,
    /// The scale of its cells, at its right.
    pub shades: Option<Shades>,
}

/// A point, or a gap where there is no number.
pub type Point = (f64, Option<f64>);

/// Something in a panel. What has a name is in the legend.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A stretch of x.
    Ground {
        /// Its ends.
        from: f64,
        /// Its ends.
        to: f64,
        /// Of the ground.
        colour: Colour,
        /// What the stretch is.
        name: String,
    },
    /// Between two numbers at each x.
    Band {
        /// x, and the two.
        points: Vec<(f64, Option<(f64, f64)>)>,
        /// Of its ground.
        colour: Colour,
        /// What lies between.
        name: String,
    },
    /// Points, joined by lines or not.
    Series {
        /// In the order in which they are joined; a gap joins nothing.
        points: Vec<Point>,
        /// How they look.
        style: Style,
        /// Whether they are joined.
        joined: bool,
        /// What they are; empty: not in the legend.
        name: String,
    },
    /// A level of y, or a place of x.
    Rule {
        /// Which.
        at: f64,
        /// Whether it is a place of x.
        upright: bool,
        /// How it looks.
        style: Style,
        /// What it is.
        name: String,
    },
    /// Rectangles, shaded by their numbers on the panel's scale; those without one are crossed out.
    Cells {
        /// Edges along x, one more than columns.
        x: Vec<f64>,
        /// Edges along y, one more than rows.
        y: Vec<f64>,
        /// `values[row][column]`.
        values: Vec<Vec<Option<f64>>>,
    },
}

impl Layer {
    /// What the legend says; empty: it is not there.
    pub fn name(&self) -> &str {
        match self {
            Self::Series { points, .. } if points.iter().all(|(_, y)| y.is_none()) => "",
            Self::Ground { name, .. } | Self::Band { name, .. } | Self::Series { name, .. } => name,
            Self::Rule { name, .. } => name,
            Self::Cells { values, .. } if values.iter().flatten().any(Option::is_none) => "no value",
            Self::Cells { .. } => "",
        }
    }

    /// Joined points.
    pub fn line(name: &str, style: Style, points: Vec<Point>) -> Self {
        Self::Series { points, style, joined: true, name: name.into() }
    }

    /// A level of y.
    pub fn level(name: &str, style: Style, at: f64) -> Self {
        Self::Rule { at, upright: false, style, name: name.into() }
    }
}

impl Panel {
    /// A panel of the usual height.
    pub fn new(y: Axis, layers: Vec<Layer>) -> Self {
        Self { y, layers, height: 300.0, shades: None }
    }
}
