//! A figure with what goes beside it: its numbers and its caption.

use super::chart::Chart;
use super::layout::{self, WIDTH};
use super::png;
use super::scene::Scene;
use super::svg;
use super::table::Data;

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The name of its files.
    pub name: String,
    /// What is drawn.
    pub chart: Chart,
    /// What it shows: paragraphs.
    pub shows: Vec<String>,
    /// Its numbers.
    pub data: Data,
    /// The files that the numbers are from.
    pub sources: Vec<String>,
}

/// A figure, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It can be drawn.
    Drawn(Box<Figure>),
    /// It cannot.
    Nothing {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
}

impl Figure {
    /// A figure without a name.
    pub fn new(chart: Chart, shows: Vec<String>, data: Data) -> Self {
        Self { name: String::new(), chart, shows, data, sources: Vec::new() }
    }

    /// The same with its name, and the files that it is from.
    pub fn named(self, name: &str, sources: &[String]) -> Self {
        Self { name: name.into(), sources: sources.to_vec(), ..self }
    }

    /// Its files as endings and contents: svg, png, csv, txt. `command` is the one that made it.
    ///
    /// # Errors
    /// Why it has no pixels.
    pub fn files(&self, command: &str) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
        let scene = layout::draw(&self.chart);
        let pixels = png::write(&scene).ok_or("the figure is too large")?;
        let drawing = svg::write(&scene, &self.chart.title, &self.shows.join(" "));
        let caption = self.caption(&scene, command);
        let text = self.data.to_csv();
        Ok(vec![("svg", drawing.into()), ("png", pixels), ("csv", text.into()), ("txt", caption.into())])
    }

    fn caption(&self, scene: &Scene, command: &str) -> String {
        let (w, h, k) = (WIDTH, scene.height, png::SCALE);
        let about = [
            format!("From:    {}.", self.sources.join(", ")),
            format!("Numbers: {}.csv.", self.name),
            format!("Size:    {w} x {h} (svg), {} x {} pixels (png).", k * w, k * h),
            format!("Made by: {command}"),
            format!("         farfield {} ({})", env!("CARGO_PKG_VERSION"), env!("FARFIELD_COMMIT")),
        ];
        format!("{}\n\n{}\n\n{}\n", self.chart.title, self.shows.join("\n\n"), about.join("\n"))
    }
}
