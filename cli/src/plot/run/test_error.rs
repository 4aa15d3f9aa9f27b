//! The test error of the weights along t, where it was asked for: early stopping is its least value before the end.

use super::{Drawn, Run, logarithm, logarithms, values};
use crate::plot::axis::{Axis, Scale};
use crate::plot::chart::{Chart, Layer, Panel};
use crate::plot::figure::Figure;
use crate::plot::palette::{OTHER_REFERENCE, REFERENCE, STYLES, THIRD_REFERENCE};

/// The columns that it is from.
const COLUMNS: [&str; 3] = ["test_error", "test_error_low", "test_error_high"];

/// The figure.
pub fn figure(run: &Run) -> Drawn {
    if COLUMNS.iter().any(|name| run.trace.find(name).is_none()) {
        return Ok(Err("trace.csv has no test errors: monitor.test_error was not set".into()));
    }
    let Some((_, end)) = run.last() else { return Ok(Err(run.nothing())) };
    let columns = COLUMNS.map(|name| run.trace.numbers(name));
    let [line, below, above] = [0, 1, 2].map(|k| run.points(&logarithms(&columns[k])));
    let mut shown = values([&line, &above]);
    if shown.is_empty() {
        return Ok(Err("no row has a test error above 0".into()));
    }
    // a low end of 0, or far below everything else, would flatten the rest
    let floor = shown.iter().copied().fold(f64::INFINITY, f64::min);
    shown.extend(values([&below]).into_iter().filter(|low| *low > floor - 3.0));
    let mut layers = vec![
        Layer::line("of the weights", STYLES[0], line),
        Layer::line("its interval", OTHER_REFERENCE, below),
        Layer::line("", OTHER_REFERENCE, above),
    ];
    for (name, key, style) in [
        ("of the limit", "test_error.log10_limit", REFERENCE),
        ("the least possible (Bayes)", "test_error.log10_bayes", THIRD_REFERENCE),
    ] {
        let log = run
            .number(key)
            .or_else(|| logarithm(run.number("test_error.sampled.value")).filter(|_| style == REFERENCE));
        if let Some(log) = log.filter(|log| log.is_finite()) {
            layers.push(Layer::line(name, style, vec![(0.0, Some(log)), (end, Some(log))]));
            shown.push(log);
        }
    }
    let panel = Panel { height: 300.0, ..Panel::new(Axis::around("test error", Scale::Decades, shown), layers) };
    let chart = Chart { title: "Test error of the weights".into(), x: run.axis(), panels: vec![panel] };
    let data = COLUMNS.iter().zip(&columns).fold(run.data(), |data, (name, column)| data.numbers(name, column));
    Ok(Ok(Figure::new(chart, shows(), data)))
}

fn shows() -> Vec<String> {
    vec![
        "The probability that the network with the weights of that t is wrong about a fresh sample with a clean label, against the \
         number of steps t, on log scales; dotted, the ends of its interval: proved where it is computed, 95 % where it is sampled."
            .into(),
        "Dashed, the error of the limit where it is known; broken, the least possible one. A line that falls below its end shows \
         what stopping early gains."
            .into(),
        "Values of 0 are gaps in the lines.".into(),
    ]
}
