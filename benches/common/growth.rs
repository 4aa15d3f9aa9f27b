//! Whole runs to t = 10¹², timed apart: data and K, descent with its looks, the outcome.
//!
//! ```text
//! FARFIELD_GROWTH=4000,1000 cargo bench --bench scaling -- growth      largest n with clean labels, and with a tenth flipped
//! ```
//!
//! Gaussian mixtures, d = 2n and ‖μ‖ = 10 with clean labels, d = 2n and ‖μ‖ = 6 with flipped ones, width 8, leak 0.1. A row is the run whose
//! descent takes the median time of three seeds. The last lines are the slopes of log time against log n over the second half
//! of the sizes: steps on K grow like n², the dual problem and K like n³.

use farfield::{Data, Descent, Draw, Mixture, Network, Noise, Problem, Row, Start};
use std::ops::ControlFlow::Continue;
use std::time::Instant;

/// Seconds of the parts of a run.
struct Times {
    n: usize,
    data: f64,
    descent: f64,
    outcome: f64,
    steps: u64, // one by one
}

/// Prints the table and the slopes.
pub fn growth(once: bool) {
    let given = std::env::var("FARFIELD_GROWTH").unwrap_or_else(|_| "2000,500".into());
    let most: Vec<usize> = given.split(',').filter_map(|n| n.parse().ok()).collect();
    let seeds = if once { 1 } else { 3 };
    for (noise, most) in [0.0, 0.1].into_iter().zip(most) {
        let most = if once { 60 } else { most };
        let sizes = (0..12).map(|k| (60.0 * f64::powf(2.0, 0.5 * f64::from(k))).round() as usize);
        println!("\nflipped labels {noise}\n     n   data s  descent s  outcome s   steps");
        let rows: Vec<Times> = sizes.filter(|n| *n <= most).map(|n| median(n, noise, seeds)).collect();
        let late = &rows[rows.len() / 2..];
        let slope = |part: fn(&Times) -> f64| {
            slope(&late.iter().map(|r| ((r.n as f64).ln(), part(r).ln())).collect::<Vec<_>>())
        };
        if late.len() > 1 {
            println!(
                "slopes: data {:.2}, descent {:.2}, outcome {:.2}",
                slope(|r| r.data),
                slope(|r| r.descent),
                slope(|r| r.outcome)
            );
        }
    }
}

fn median(n: usize, noise: f64, seeds: u64) -> Times {
    let mut all: Vec<Times> = (0..seeds).map(|seed| run(n, noise, seed)).collect();
    all.sort_by(|a, b| a.descent.total_cmp(&b.descent));
    let times = all.swap_remove(all.len() / 2);
    let Times { n, data, descent, outcome, steps } = &times;
    println!("{n:6} {data:8.3} {descent:10.3} {outcome:10.3} {steps:7}");
    times
}

fn run(n: usize, noise: f64, seed: u64) -> Times {
    let mut begun = Instant::now();
    let mut lap = || std::mem::replace(&mut begun, Instant::now()).elapsed().as_secs_f64();
    let signal = if noise > 0.0 { 6.0 } else { 10.0 };
    let draw = Draw { n, balance: 0.5, label_noise: noise, seed };
    let drawn = Data::draw(Mixture::new(signal, vec![1.0; 2 * n], Noise::Gaussian), &draw).expect("a mixture");
    drawn.gram().expect("K is held");
    let data = lap();
    let problem = Problem::new(&drawn, Network::balanced(8, 0.1).expect("a network")).expect("a problem");
    let mut descent = Descent::new(&problem, &Start::gaussian(1e-6, seed)).expect("a start");
    lap();
    let row: Row = descent.run(1e12, |_| Continue(())).row.clone();
    let seconds = lap();
    assert!(row.finite && row.t > 0.0);
    let outcome = descent.outcome(0);
    let steps = outcome.segments.iter().map(|segment| segment.steps_taken).sum();
    Times { n, data, descent: seconds, outcome: lap(), steps }
}

/// Of the least-squares line.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / count, b + y / count));
    let (top, bottom) = points.iter().fold((0.0, 0.0), |(a, b), (u, v)| (a + (u - x) * (v - y), b + (u - x) * (u - x)));
    top / bottom
}
