//! How runs end on hard random problems: `cargo run --release --example ends -- [PROBLEMS] [HORIZON] [SEED] [FIRST]`.
//!
//! Two to thirty samples in one to forty dimensions: mixtures with flipped labels, rows of any length, duplicates,
//! integers, leaks from 1e-6 to 1 − 1e-6, networks of one sign, fixed steps. A line for each run that takes more than
//! two seconds, then the longest, and how many ended in each way.

#[path = "common/random.rs"]
mod random;

use farfield::{Data, Descent, Error, Matrix, Network, Options, Problem, Reduction, Start, StepSize};
use random::Random;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

fn main() -> Result<(), Error> {
    let argument = |k: usize, default: f64| std::env::args().nth(k).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (problems, horizon, seed) = (argument(1, 300.0) as u64, argument(2, 1e12), argument(3, 0.0) as u64);
    let first = argument(4, 0.0) as u64;
    let (mut longest, mut ends) = ((0.0, 0), BTreeMap::<String, usize>::new());
    for k in first..first + problems {
        let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(k));
        let (problem, start) = hard(&mut random)?;
        let begun = Instant::now();
        let options = Options { planned: horizon, ..Options::default() };
        let mut descent = Descent::with(&problem, &start, &options)?;
        let status = descent.run(horizon, |_| ControlFlow::Continue(())).status;
        let outcome = descent.outcome(0);
        let seconds = begun.elapsed().as_secs_f64();
        if seconds > 2.0 {
            let (n, d, network) = (problem.data.n(), problem.data.d(), problem.network);
            println!(
                "{k}: {n} x {d}, {network:?}: {seconds:.1} s, {status:?} at t = {:.3e}, min margin {:.3e}, {:?}, {} segments",
                outcome.steps,
                outcome.min_margin,
                outcome.remark,
                outcome.segments.len()
            );
        }
        if seconds > longest.0 {
            longest = (seconds, k);
        }
        *ends.entry(format!("{status:?}")).or_default() += 1;
    }
    println!("longest: {:.1} s (problem {}); ends: {ends:?}", longest.0, longest.1);
    Ok(())
}

/// A hard problem.
fn hard(random: &mut Random) -> Result<(Problem, Start), Error> {
    let (n, d) = (2 + random.below(29), 1 + random.below(40));
    let signal = 3.0 * random.uniform();
    let kind = random.below(5);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut y = Vec::new();
    for i in 0..n {
        let label = if random.uniform() < 0.5 { 1.0 } else { -1.0 };
        let flipped = random.uniform() < 0.15;
        y.push(if flipped { -label } else { label });
        let mut row: Vec<f64> = (0..d).map(|_| random.normal()).collect();
        row[0] += label * signal;
        match kind {
            1 => row.iter_mut().for_each(|v| *v = (2.0 * *v).round()),
            2 => {
                let scale = libm::pow(10.0, 6.0 * random.uniform() - 3.0);
                row.iter_mut().for_each(|v| *v *= scale);
            }
            3 if i > 0 && random.uniform() < 0.3 => row = rows[random.below(i)].clone(),
            4 if i > 0 && random.uniform() < 0.3 => {
                let near = libm::pow(10.0, -1.0 - 5.0 * random.uniform());
                row = rows[random.below(i)].iter().map(|v| v + near * random.normal()).collect();
            }
            _ => {}
        }
        if row.iter().all(|v| *v == 0.0) {
            row[0] = 1.0;
        }
        rows.push(row);
    }
    let width = [1, 2, 3, 6, 8][random.below(5)];
    let positive = random.below(width + 1);
    let small = libm::pow(10.0, -6.0 * random.uniform());
    let leak = [0.1, 0.5, small.min(0.9), (1.0 - small).max(0.1)][random.below(4)];
    let data = Data::new(Matrix::new(n, d, rows.concat()), y)?;
    let factor = 0.2 + 1.6 * random.uniform();
    let step = if random.below(2) == 0 { StepSize::Auto } else { StepSize::Fixed(factor / data.lambda_max()) };
    let problem = Problem::with(&data, Network::new(width, positive, leak)?, step, Reduction::Sum)?;
    let scale = [1e-6, 1e-2, 0.3][random.below(3)];
    Ok((problem, Start::gaussian(scale, random.next())))
}
