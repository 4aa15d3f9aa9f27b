//! Curves over one key: what was found over repetitions, with its band, and what was predicted.

use super::boundary;
use super::cells::{Cells, Column, Shown};
use super::{Band, Request, file_name, known, title, words};
use crate::error::{Result, input_error};
use crate::plot::axis::Axis;
use crate::plot::chart::{Chart, Layer, Panel, Point};
use crate::plot::figure::{Figure, Outcome};
use crate::plot::palette::{MOST, OTHER_REFERENCE, REFERENCE, STYLES, Style, THIRD_REFERENCE};
use crate::plot::table::Data;
use crate::sweep::axis::text;
use toml::Value;

/// The curves of a column over the key `x`, one for each value of the other keys.
///
/// # Errors
/// [`crate::error::Error::Input`] for more curves than can be told apart.
pub fn figure(cells: &Cells, x: &str, value: &str, against: Option<&str>, request: &Request) -> Result<Outcome> {
    let others: Vec<Vec<String>> = cells.varying().into_iter().filter(|keys| !keys.iter().any(|k| k == x)).collect();
    let families = families(cells, &others);
    if families.len() > MOST {
        let (count, key) = (families.len(), &others[0][0]);
        return Err(input_error!(
            "{count} curves are too many to be told apart: take a map with --x {x} --y {key}, or cells with --at {key}=VALUE"
        ));
    }
    let columns: Vec<&str> = [Some(value), against].into_iter().flatten().collect();
    let shown = Shown::of(cells, &columns);
    let (axis, places) = cells.axis(x, &words(x));
    let found = Found::of(cells, value, request.band, against);
    let (mut layers, mut seen) = (Vec::new(), Vec::new());
    for (k, (name, rows)) in families.iter().enumerate() {
        let name = if families.len() == 1 { None } else { Some(name.as_str()) };
        let along = |column: &Column| along(cells, x, rows, &places, column, &shown);
        lines(&found.each(along), name, k, (request.band, against), &mut layers, &mut seen);
    }
    if let [(_, rows)] = &families[..] {
        layers.extend(rules(cells, x, rows, &places));
    }
    let y = Axis::around(&words(value), shown.scale.clone(), seen);
    let panel = Panel { height: 360.0, ..Panel::new(y, layers) };
    let chart = Chart { title: title(value, request), x: axis, panels: vec![panel] };
    let data = found.data(cells, value, against, request.band);
    let figure = Figure::new(chart, shows(cells, x, value, against, request), data);
    Ok(Outcome::Drawn(Box::new(figure.named(&file_name(value, &[x], &request.at), &cells.sources))))
}

/// The curve of family `k`, its band and its prediction, and all of their numbers. One alone has no name.
fn lines(
    found: &Found<Vec<Point>>,
    name: Option<&str>,
    k: usize,
    (band, against): (Band, Option<&str>),
    layers: &mut Vec<Layer>,
    seen: &mut Vec<f64>,
) {
    let Found { middle, low, high, against: predicted } = found;
    let all = [middle, low, high].into_iter().chain(predicted).flatten();
    seen.extend(all.filter_map(|(_, y)| *y));
    let between: Vec<(f64, Option<(f64, f64)>)> =
        low.iter().zip(high).map(|((x, low), (_, high))| (*x, low.zip(*high))).collect();
    if between.iter().any(|(_, b)| b.is_some_and(|(low, high)| low < high)) {
        // the first one stands for all in the legend
        let first = !layers.iter().any(|layer| matches!(layer, Layer::Band { .. }));
        let name = if first { band.words() } else { "" };
        layers.push(Layer::Band { points: between, colour: STYLES[k].colour, name: name.into() });
    }
    layers.push(Layer::line(name.unwrap_or(band.middle()), STYLES[k], middle.clone()));
    if let (Some(points), Some(column)) = (predicted, against) {
        let style = match name {
            None => REFERENCE,
            Some(_) => Style { dash: OTHER_REFERENCE.dash, colour: STYLES[k].colour, ..REFERENCE },
        };
        let first = !layers.iter().any(|layer| layer.name() == known(column));
        layers.push(Layer::line(if first { known(column) } else { "" }, style, points.clone()));
    }
}

/// The places of x where the theory has its boundaries.
fn rules(cells: &Cells, x: &str, rows: &[usize], places: &[(Value, f64)]) -> Vec<Layer> {
    let rule = |name: &str, of: fn(&Cells, usize) -> Option<f64>, style| {
        let at = boundary::crossing(cells, x, rows, places, of)?;
        Some(Layer::Rule { at, upright: true, style, name: name.into() })
    };
    let signal = rule(boundary::SIGNAL, boundary::signal, THIRD_REFERENCE);
    signal.into_iter().chain(rule(boundary::BENIGN, boundary::benign, OTHER_REFERENCE)).collect()
}

impl Band {
    /// What is in the middle of a band.
    fn middle(self) -> &'static str {
        match self {
            Self::Quantiles => "median",
            Self::Error => "mean",
        }
    }

    /// What a band is.
    fn words(self) -> &'static str {
        match self {
            Self::Quantiles => "quantiles 0.05 to 0.95",
            Self::Error => "± standard error",
        }
    }
}

/// The rows of each combination of the other keys, with its name.
fn families(cells: &Cells, others: &[Vec<String>]) -> Vec<(String, Vec<usize>)> {
    let mut out: Vec<(String, Vec<usize>)> = Vec::new();
    for row in 0..cells.rows() {
        let pair = |key: &String| format!("{} = {}", known(key), text(cells.value(row, key)));
        let name = others.iter().map(|keys| pair(&keys[0])).collect::<Vec<_>>().join(", ");
        match out.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => out.push((name, vec![row])),
        }
    }
    out
}

/// A column along x; a gap where a value of the key has no cell or no number.
fn along(
    cells: &Cells,
    x: &str,
    rows: &[usize],
    places: &[(Value, f64)],
    column: &Column,
    shown: &Shown,
) -> Vec<Point> {
    let point = |(value, place): &(Value, f64)| {
        let row = rows.iter().find(|row| cells.value(**row, x) == value);
        (*place, row.and_then(|row| shown.place(column[*row])))
    };
    places.iter().map(point).collect()
}

/// What is drawn of each cell.
struct Found<T> {
    middle: T,
    low: T,
    high: T,
    against: Option<T>,
}

impl Found<Column> {
    fn of(cells: &Cells, value: &str, band: Band, against: Option<&str>) -> Self {
        let of = |statistic: &str| cells.statistic(value, statistic);
        let part = |sign: f64| -> Column {
            of("mean").into_iter().zip(of("se")).map(|(mean, se)| Some(se?.mul_add(sign, mean?))).collect()
        };
        let against = against.map(|column| cells.statistic(column, band.middle()));
        match band {
            Band::Quantiles => Self { middle: of("median"), low: of("q05"), high: of("q95"), against },
            Band::Error => Self { middle: of("mean"), low: part(-1.0), high: part(1.0), against },
        }
    }

    /// Each column as something else.
    fn each<T>(&self, of: impl Fn(&Column) -> T) -> Found<T> {
        Found {
            middle: of(&self.middle),
            low: of(&self.low),
            high: of(&self.high),
            against: self.against.as_ref().map(of),
        }
    }

    /// The numbers as summary.csv has them.
    fn data(&self, cells: &Cells, value: &str, against: Option<&str>, band: Band) -> Data {
        let mut data = Data::default();
        for key in cells.keys() {
            let values: Vec<String> = (0..cells.rows()).map(|row| text(cells.value(row, &key))).collect();
            data = data.texts(&key, &values.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let ends = match band {
            Band::Quantiles => ["q05", "q95"],
            Band::Error => ["mean-se", "mean+se"],
        };
        data = data.numbers(&format!("{value}.count"), &cells.statistic(value, "count"));
        data = data.numbers(&format!("{value}.{}", band.middle()), &self.middle);
        data = data
            .numbers(&format!("{value}.{}", ends[0]), &self.low)
            .numbers(&format!("{value}.{}", ends[1]), &self.high);
        match (against, &self.against) {
            (Some(name), Some(column)) => data.numbers(&format!("{name}.{}", band.middle()), column),
            _ => data,
        }
    }
}

fn shows(cells: &Cells, x: &str, value: &str, against: Option<&str>, request: &Request) -> Vec<String> {
    let (middle, band, seeds) = (request.band.middle(), request.band.words().replace('±', "+-"), cells.seeds());
    let mut out = vec![format!(
        "The column {value} over {x}: {middle}, and as a band {band}, over {seeds} repetitions of each cell (mode {}).",
        cells.mode().name()
    )];
    if !request.at.is_empty() {
        out.push(format!("Only cells with {}.", request.at.join(", ")));
    }
    out.extend(against.map(|column| format!("Beside it the {middle} of the column {column}.")));
    let missing = cells.statistic(value, "count").iter().filter(|k| k.is_none_or(|k| k == 0.0)).count();
    if missing > 0 {
        out.push(format!("{missing} of {} cells have no number there: they are gaps.", cells.rows()));
    }
    out.push(boundary::CAPTION.into());
    out
}
