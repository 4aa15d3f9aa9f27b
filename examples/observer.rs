//! An observer of one's own: it keeps a table of what it sees, and ends the run once the test of the theory that it
//! waits for has passed. Later the same run goes on.
//!
//! ```text
//! cargo run --release --example observer
//! ```

use farfield::{Data, Descent, Draw, Mixture, Network, Noise, Problem, Start};
use std::ops::ControlFlow::{Break, Continue};

fn main() -> farfield::Result<()> {
    let draw = Draw { n: 50, balance: 0.5, label_noise: 0.0, seed: 1 };
    let data = Data::draw(Mixture::new(8.0, vec![1.0; 2000], Noise::Rademacher), &draw)?;
    let problem = Problem::new(&data, Network::balanced(6, 0.2)?)?;
    let mut descent = Descent::new(&problem, &Start::gaussian(1e-6, 0))?;

    // α c t ℓ_i → λ_i: until the weights of the loss are the dual variables of the limit to 1 %.
    let mut gaps = Vec::new();
    let ended = descent.run(1e300, |row| {
        let gap = row.dual_gap.unwrap_or(f64::INFINITY);
        gaps.push((row.t, gap));
        if gap < 1e-2 { Break(()) } else { Continue(()) }
    });
    println!("{:?} at t = {:.3e} after {} rows", ended.status, ended.row.t, gaps.len());

    // The run has not ended for ever.
    let ended = descent.run(1e40, |_| Continue(()));
    println!("{:?} at t = {:.3e}, dual gap {:.2e}", ended.status, ended.row.t, ended.row.dual_gap.unwrap_or(f64::NAN));
    Ok(())
}
