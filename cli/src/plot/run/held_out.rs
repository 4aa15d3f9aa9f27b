//! Errors among the samples that are not trained on, along t, with their interval, and the errors of the limit.

use super::{Drawn, Run, values};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel};
use crate::plot::figure::Figure;
use crate::plot::palette::{OTHER_REFERENCE, REFERENCE, STYLES};
use crate::plot::table::Table;

/// The table that it is from.
const TABLE: &str = "held_out.csv";

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    let path = run.dir.join(TABLE);
    if !path.is_file() {
        return Ok(Err(format!("no samples are held out: there is no {TABLE}")));
    }
    let Some((_, end)) = run.last() else { return Ok(Err(run.nothing())) };
    let table = Table::read(&path)?;
    let [error, low, high] = ["error", "low", "high"].map(|name| table.numbers(name));
    let (line, below, above) = (run.points(&error), run.points(&low), run.points(&high));
    let mut shown = values([&line, &below, &above]);
    if shown.is_empty() {
        return Ok(Err("no row has finite weights".into()));
    }
    let mut layers = vec![
        Layer::line("error", STYLES[0], line),
        Layer::line("95 % interval", OTHER_REFERENCE, below),
        Layer::line("", OTHER_REFERENCE, above),
    ];
    if let Some(limit) = run.number("held_out.limit.error") {
        layers.push(Layer::line("of the limit", REFERENCE, vec![(0.0, Some(limit)), (end, Some(limit))]));
        shown.push(limit);
    }
    let panel = Panel { height: 300.0, ..Panel::new(Axis::around("error", Scale::Linear, shown), layers) };
    let chart = Chart { title: "Errors on held-out samples".into(), x: run.axis(), panels: vec![panel] };
    let data = run.data().numbers("errors", &table.numbers("errors")).numbers("error", &error);
    let data = data.numbers("low", &low).numbers("high", &high);
    Ok(Ok(Figure::new(chart, shows(&table), data)))
}

fn shows(table: &Table) -> Vec<String> {
    vec![
        "The share of the samples that are not trained on, and are on the wrong side of the network, against the number of steps \
         t (log); dotted, the 95 % interval of Clopper and Pearson; dashed, where a limit is known, its error."
            .into(),
        format!("The numbers are from {TABLE} ({} rows, blake3 {}).", table.rows.len(), table.digest),
    ]
}
