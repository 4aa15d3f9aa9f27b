//! The automatic choice of the engine beside both engines: `cargo run --release --example engines -- [STEPS] [SECONDS]`.
//!
//! Forty problems to STEPS (10⁵) steps taken one by one and to a horizon of 10⁶ times as many with warp: wide, square and tall shapes, clean and
//! flipped labels, correlated rows, duplicates, leaks 0.01 to 0.9, width 2 to 64. Each is run by every engine in turn, in one thread; who takes
//! longer than SECONDS (20) is stopped there. A line gives the seconds and the ratio of auto to the better one; the last, the largest ratio among
//! runs of more than a hundredth of a second.

#[path = "common/random.rs"]
mod random;

use farfield::{Data, Descent, EngineChoice, Error, Matrix, Network, Options, Problem, Reduction, Start, StepSize};
use random::Random;
use std::ops::ControlFlow;
use std::time::Instant;

/// Samples, features, width, leak, share of flipped labels, kind of rows.
type Case = (usize, usize, usize, f64, f64, Rows);

#[derive(Clone, Copy, Debug)]
enum Rows {
    Normal,
    Correlated,
    Duplicates,
    Whole,
}

const CASES: [Case; 20] = [
    (20, 2000, 8, 0.1, 0.0, Rows::Normal),
    (20, 2000, 8, 0.1, 0.2, Rows::Normal),
    (60, 60, 8, 0.1, 0.0, Rows::Normal),
    (60, 60, 8, 0.1, 0.1, Rows::Normal),
    (100, 10, 8, 0.1, 0.0, Rows::Normal),
    (100, 10, 8, 0.1, 0.1, Rows::Correlated),
    (150, 4, 8, 0.1, 0.0, Rows::Whole),
    (178, 13, 8, 0.1, 0.0, Rows::Correlated),
    (200, 2000, 8, 0.1, 0.0, Rows::Normal),
    (200, 1000, 8, 0.1, 0.1, Rows::Normal),
    (200, 400, 32, 0.5, 0.0, Rows::Normal),
    (250, 250, 2, 0.01, 0.05, Rows::Normal),
    (300, 30, 8, 0.1, 0.0, Rows::Correlated),
    (300, 600, 64, 0.9, 0.0, Rows::Normal),
    (400, 8, 8, 0.1, 0.1, Rows::Normal),
    (400, 1500, 8, 0.1, 0.0, Rows::Duplicates),
    (500, 50, 16, 0.2, 0.0, Rows::Normal),
    (569, 30, 8, 0.1, 0.0, Rows::Correlated),
    (800, 20, 4, 0.1, 0.0, Rows::Whole),
    (1000, 100, 8, 0.1, 0.02, Rows::Normal),
];

fn main() -> Result<(), Error> {
    let argument = |k: usize, default: f64| std::env::args().nth(k).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (steps, seconds) = (argument(1, 1e5), argument(2, 20.0));
    let mut largest = (0.0f64, String::new());
    println!("    n     d   m  leak flips rows          steps |    auto     gram   direct | auto/best");
    for (number, case) in CASES.iter().enumerate() {
        let problem = problem(number as u64, case)?;
        for (horizon, warp) in [(steps, false), (1e6 * steps, true)] {
            let run = |engine| timed(&problem, engine, horizon, warp, seconds);
            let [auto, gram, direct] = [EngineChoice::Auto, EngineChoice::Gram, EngineChoice::Direct].map(run);
            let (auto, gram, direct) = (auto?, gram?, direct?);
            let ratio = auto / gram.min(direct);
            let (n, d, m, leak, flips, rows) = case;
            let name = format!("{n:5} {d:5} {m:3} {leak:5} {flips:5} {:11} {horizon:7.0e}", format!("{rows:?}"));
            println!("{name} | {auto:7.3} {gram:8.3} {direct:8.3} | {ratio:.2}");
            if ratio > largest.0 && auto > 0.01 {
                largest = (ratio, name);
            }
        }
    }
    println!("largest: {:.2} ({})", largest.0, largest.1);
    Ok(())
}

/// Seconds of a run, K included.
fn timed(problem: &Problem, engine: EngineChoice, horizon: f64, warp: bool, most: f64) -> Result<f64, Error> {
    let data = Data::new(Matrix::clone(problem.data.x()), problem.data.y().to_vec())?;
    let begun = Instant::now();
    let fresh = Problem::with(&data, problem.network, StepSize::Auto, Reduction::Sum)?;
    let options = Options { engine, warp, planned: horizon, max_seconds: most, ..Options::default() };
    Descent::with(&fresh, &Start::gaussian(1e-6, 1), &options)?.run(horizon, |_| ControlFlow::Continue(()));
    Ok(begun.elapsed().as_secs_f64())
}

fn problem(seed: u64, (n, d, m, leak, flips, rows): &Case) -> Result<Problem, Error> {
    let mut random = Random(seed);
    let (mut x, mut y) = (Vec::<f64>::with_capacity(n * d), Vec::with_capacity(*n));
    let signal = 2.5;
    for i in 0..*n {
        let label = if random.uniform() < 0.5 { 1.0 } else { -1.0 };
        y.push(if random.uniform() < *flips { -label } else { label });
        let common = random.normal();
        let twin = matches!(rows, Rows::Duplicates) && i > 0 && random.uniform() < 0.2;
        for k in 0..*d {
            let noise = match rows {
                Rows::Correlated => 0.9 * common + 0.4 * random.normal(),
                _ => random.normal(),
            };
            let value = noise + if k == 0 { signal * label } else { 0.0 };
            let value = if matches!(rows, Rows::Whole) { (2.0 * value).round() } else { value };
            x.push(if twin { x[(i - 1) * d + k] } else { value });
        }
        if twin {
            y[i] = y[i - 1];
        }
    }
    let data = Data::new(Matrix::new(*n, *d, x), y)?;
    Problem::new(&data, Network::balanced(*m, *leak)?)
}
