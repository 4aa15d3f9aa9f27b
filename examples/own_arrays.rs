//! Gradient descent on own arrays to t = 10¹², with a proof of how far its direction still is from the limit.
//!
//! ```text
//! cargo run --release --example own_arrays
//! ```

use farfield::{Data, Descent, Matrix, Network, Problem, Start};
use std::ops::ControlFlow::Continue;

fn main() -> farfield::Result<()> {
    // Six samples of forty features: x_ik = sin(7i + 3k + ik/5), with a bias along y in the first.
    let y = vec![1.0, -1.0, 1.0, 1.0, -1.0, -1.0];
    let value = |i: usize, k: usize| libm::sin((7 * i + 3 * k) as f64 + (i * k) as f64 / 5.0);
    let mut x = Matrix::new(6, 40, (0..6 * 40).map(|at| value(at / 40, at % 40)).collect());
    (0..6).for_each(|i| x[(i, 0)] += 2.0 * y[i]);

    let data = Data::new(x, y)?; // K = XXᵀ, norms and λmax: once
    let problem = Problem::new(&data, Network::balanced(8, 0.1)?)?; // α = 1/λmax
    let mut descent = Descent::new(&problem, &Start::gaussian(1e-6, 0))?;
    let ended = descent.run(1e12, |row| {
        if let Some(angle) = row.certified_angle() {
            println!("t = {:9.3e}   angle(W, limit) ≤ {angle:.6} rad, by {}", row.t, row.segment);
        }
        Continue(())
    });
    println!("{:?} at t = {:e}", ended.status, ended.row.t);

    let outcome = descent.outcome(0);
    println!("max margin of the limit {:?}, of the iterate {:.9}", outcome.max_margin, outcome.normalized_margin);
    println!("digest {}", outcome.digest);
    Ok(())
}
