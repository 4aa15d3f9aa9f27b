//! Many runs over one Data: a hundred problems (step size, leak, seed of W(0)) on all cores, K computed once.
//!
//! ```text
//! cargo run --release --example many
//! ```

use farfield::{Data, Descent, Draw, Mixture, Network, Noise, Problem, Reduction, Start, StepSize};
use rayon::prelude::*;
use std::ops::ControlFlow::Continue;

fn main() -> farfield::Result<()> {
    let draw = Draw { n: 80, balance: 0.5, label_noise: 0.0, seed: 3 };
    let data = Data::draw(Mixture::new(10.0, vec![1.0; 4000], Noise::Gaussian), &draw)?;

    let run = |cell: usize| -> farfield::Result<(f64, f64, f64)> {
        let (part, leak) = ([0.1, 0.3, 1.0, 1.5][cell % 4], [0.05, 0.1, 0.3, 0.5, 0.8][cell / 4 % 5]);
        let step = StepSize::Fixed(part / data.lambda_max());
        let problem = Problem::with(&data, Network::balanced(8, leak)?, step, Reduction::Sum)?;
        let mut descent = Descent::new(&problem, &Start::gaussian(1e-6, cell as u64 / 20))?;
        let ended = descent.run(1e12, |_| Continue(()));
        Ok((part, leak, ended.row.certified_angle().unwrap_or(f64::NAN)))
    };
    // A pool of one thread for each: nothing waits for a neighbour.
    let alone = |cell| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        pool.install(|| run(cell))
    };
    for cell in (0..100).into_par_iter().map(alone).collect::<Vec<_>>() {
        let (part, leak, angle) = cell?;
        println!("α = {part}/λmax, leak {leak}: certified angle {angle:.6} rad");
    }
    Ok(())
}
