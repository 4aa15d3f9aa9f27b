//! A map over two keys: a cell each, shaded by its median, with the boundaries of the theory.

use super::cells::{Cells, Shown};
use super::{Request, boundary, file_name, title, words};
use crate::error::{Result, input_error};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel};
use crate::plot::figure::{Figure, Outcome};
use crate::plot::palette::{INK, Marker, PAPER, Style};
use crate::plot::shades::Shades;
use crate::plot::table::Data;
use crate::sweep::axis::text;
use toml::Value;

/// The map of a column over the keys `x` and `y`.
///
/// # Errors
/// [`crate::error::Error::Input`] if a third key varies, or a prediction is asked for.
pub fn figure(cells: &Cells, x: &str, y: &str, value: &str, request: &Request) -> Result<Outcome> {
    let of = |keys: &Vec<String>| keys.iter().any(|k| k == x || k == y);
    if let Some(keys) = cells.varying().into_iter().find(|keys| !of(keys)) {
        let (key, values) = (&keys[0], cells.values(&keys[0]));
        return Err(input_error!(
            "{key} varies, too: choose cells with --at {key}={}",
            values.first().map_or(String::new(), text)
        ));
    }
    let shown = Shown::of(cells, &[value]);
    let ((mut xs, columns), (mut ys, rows)) = (cells.axis(x, &words(x)), cells.axis(y, &words(y)));
    let (x_edges, y_edges) = (edges(&columns), edges(&rows));
    (xs.range, ys.range) = (ends(&x_edges), ends(&y_edges));
    let grid = Grid { cells, keys: [x, y], columns: &columns, rows: &rows };
    let median = cells.statistic(value, "median");
    let values = grid.fill(|row| shown.place(median[row]));
    let all: Vec<f64> = values.iter().flatten().flatten().copied().collect();
    let shades = Shades::around(&words(value), shown.scale.clone(), &all);
    let mut layers = vec![Layer::Cells { x: x_edges.clone(), y: y_edges.clone(), values }];
    let named = |axis: &Axis| matches!(axis.scale, Scale::Names(_));
    if !named(&xs) && !named(&ys) {
        for (name, of, dash) in [
            (boundary::SIGNAL, boundary::signal as fn(&Cells, usize) -> Option<f64>, &[9.0, 5.0][..]),
            (boundary::BENIGN, boundary::benign, &[2.0, 4.0]),
        ] {
            layers.extend(line(&grid, (&x_edges, &y_edges), name, of, dash));
        }
    }
    let panel = Panel { height: 440.0, shades: Some(shades), ..Panel::new(ys, layers) };
    let chart = Chart { title: title(value, request), x: xs, panels: vec![panel] };
    let figure = Figure::new(chart, shows(cells, x, y, value, request), data(cells, value));
    Ok(Outcome::Drawn(Box::new(figure.named(&file_name(value, &[x, y], &request.at), &cells.sources))))
}

/// Cells by their places.
struct Grid<'a> {
    cells: &'a Cells,
    keys: [&'a str; 2],
    columns: &'a [(Value, f64)],
    rows: &'a [(Value, f64)],
}

impl Grid<'_> {
    /// A number of each cell, `[row][column]`; none where there is no cell.
    fn fill(&self, of: impl Fn(usize) -> Option<f64>) -> Vec<Vec<Option<f64>>> {
        let mut out = vec![vec![None; self.columns.len()]; self.rows.len()];
        for cell in 0..self.cells.rows() {
            let [a, b] = self.keys.map(|key| self.cells.value(cell, key));
            let column = self.columns.iter().position(|(v, _)| v == a);
            let row = self.rows.iter().position(|(v, _)| v == b);
            if let (Some(column), Some(row)) = (column, row) {
                out[row][column] = of(cell);
            }
        }
        out
    }
}

/// The edges of cells around places: halfway between neighbours, and as far beyond the last.
fn edges(places: &[(Value, f64)]) -> Vec<f64> {
    let at: Vec<f64> = places.iter().map(|(_, place)| *place).collect();
    let (first, last) = (at[0], at[at.len() - 1]);
    let half = |a: usize, b: usize| at.get(a).zip(at.get(b)).map_or(0.5, |(a, b)| (b - a) / 2.0);
    let inner = at.windows(2).map(|w| (w[0] + w[1]) / 2.0);
    let end = last + half(at.len().wrapping_sub(2), at.len() - 1);
    [first - half(0, 1)].into_iter().chain(inner).chain([end]).collect()
}

fn ends(edges: &[f64]) -> (f64, f64) {
    (edges[0], edges[edges.len() - 1])
}

/// A boundary, black on white so that it is seen on every shade; none if it crosses no cell.
fn line(
    grid: &Grid<'_>,
    edges: (&[f64], &[f64]),
    name: &str,
    of: fn(&Cells, usize) -> Option<f64>,
    dash: &'static [f64],
) -> Vec<Layer> {
    let values = grid.fill(|row| of(grid.cells, row));
    let (x, values) = widened(grid.columns, edges.0, &transposed(&values));
    let (y, values) = widened(grid.rows, edges.1, &transposed(&values));
    let pieces = joined(boundary::level(&x, &y, &values));
    let style = |colour, dash| Style { colour, dash, marker: Marker::None };
    let points = |piece: &Vec<(f64, f64)>| piece.iter().map(|(x, y)| (*x, Some(*y))).collect::<Vec<_>>();
    let under = pieces.iter().map(|piece| Layer::line("", style(PAPER, &[]), points(piece)));
    let over = pieces.iter().map(|piece| Layer::line(name, style(INK, dash), points(piece)));
    under.chain(over).collect()
}

/// Lists of numbers at places, with two more at the outer edges, linear beyond the last places.
fn widened(places: &[(Value, f64)], edges: &[f64], lists: &[Vec<Option<f64>>]) -> (Vec<f64>, Vec<Vec<Option<f64>>>) {
    let at: Vec<f64> = places.iter().map(|(_, place)| *place).collect();
    let (k, (low, high)) = (at.len(), ends(edges));
    let beyond = |to: f64, near: usize, far: usize| -> Vec<Option<f64>> {
        let value = |a: &Option<f64>, b: &Option<f64>| {
            let (a, b) = ((*a)?, (*b)?);
            if near == far { Some(a) } else { Some(a + (to - at[near]) * (a - b) / (at[near] - at[far])) }
        };
        lists[near].iter().zip(&lists[far]).map(|(a, b)| value(a, b)).collect()
    };
    let (first, last) = (beyond(low, 0, 1.min(k - 1)), beyond(high, k - 1, k.saturating_sub(2)));
    let x = [low].into_iter().chain(at.iter().copied()).chain([high]).collect();
    (x, [first].into_iter().chain(lists.iter().cloned()).chain([last]).collect())
}

fn transposed(values: &[Vec<Option<f64>>]) -> Vec<Vec<Option<f64>>> {
    let columns = values.first().map_or(0, Vec::len);
    (0..columns).map(|c| values.iter().map(|row| row[c]).collect()).collect()
}

/// Pieces that share an end as one line, so that dashes go on.
fn joined(mut pieces: Vec<[(f64, f64); 2]>) -> Vec<Vec<(f64, f64)>> {
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9;
    let mut lines = Vec::new();
    while let Some([a, b]) = pieces.pop() {
        let mut line = std::collections::VecDeque::from([a, b]);
        while let Some(at) = pieces.iter().position(|p| {
            let (first, last) = (line[0], line[line.len() - 1]);
            p.iter().any(|end| near(*end, first) || near(*end, last))
        }) {
            let [a, b] = pieces.swap_remove(at);
            let (first, last) = (line[0], line[line.len() - 1]);
            match () {
                () if near(a, last) => line.push_back(b),
                () if near(b, last) => line.push_back(a),
                () if near(a, first) => line.push_front(b),
                () => line.push_front(a),
            }
        }
        lines.push(line.into());
    }
    lines
}

fn data(cells: &Cells, value: &str) -> Data {
    let mut data = Data::default();
    for key in cells.keys() {
        let values: Vec<String> = (0..cells.rows()).map(|row| text(cells.value(row, &key))).collect();
        data = data.texts(&key, &values.iter().map(String::as_str).collect::<Vec<_>>());
    }
    data = data.numbers(&format!("{value}.count"), &cells.statistic(value, "count"));
    data = data.numbers(&format!("{value}.median"), &cells.statistic(value, "median"));
    let of = |of: fn(&Cells, usize) -> Option<f64>| (0..cells.rows()).map(|row| of(cells, row)).collect::<Vec<_>>();
    data.numbers("log10_signal_ratio", &of(boundary::signal)).numbers("log10_benign_ratio", &of(boundary::benign))
}

fn shows(cells: &Cells, x: &str, y: &str, value: &str, request: &Request) -> Vec<String> {
    let mut out = vec![format!(
        "The median of the column {value} over {} repetitions of each cell (mode {}), over {x} and {y}.",
        cells.seeds(),
        cells.mode().name()
    )];
    if !request.at.is_empty() {
        out.push(format!("Only cells with {}.", request.at.join(", ")));
    }
    out.push("Cells without a number are crossed out.".into());
    out.push(boundary::CAPTION.into());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(at: &[f64]) -> Vec<(Value, f64)> {
        at.iter().map(|v| (Value::Float(*v), *v)).collect()
    }

    #[test]
    fn edges_are_halfway() {
        assert_eq!(edges(&places(&[0.0, 2.0, 3.0])), [-1.0, 1.0, 2.5, 3.5]);
        assert_eq!(edges(&places(&[4.0])), [3.5, 4.5]);
    }

    #[test]
    fn what_is_linear_goes_on_to_the_edges() {
        let at = places(&[0.0, 2.0]);
        let (x, lists) = widened(&at, &edges(&at), &[vec![Some(1.0)], vec![Some(3.0)]]);
        assert_eq!((x, lists.concat()), (vec![-1.0, 0.0, 2.0, 3.0], [0.0, 1.0, 3.0, 4.0].map(Some).to_vec()));
    }

    #[test]
    fn pieces_become_lines() {
        let lines = joined(vec![[(0.0, 0.0), (1.0, 1.0)], [(2.0, 2.0), (1.0, 1.0)], [(5.0, 5.0), (6.0, 6.0)]]);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().any(|l| l.len() == 3 && l[1] == (1.0, 1.0)));
    }
}
