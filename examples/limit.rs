//! The limit alone: where gradient descent goes, without running it, from one mixture at three signals.
//!
//! ```text
//! cargo run --release --example limit
//! ```

use farfield::{Data, Draw, LimitOutcome, Mixture, Network, Noise, Problem, Start};

fn main() -> farfield::Result<()> {
    for signal in [3.0, 6.0, 12.0] {
        let draw = Draw { n: 60, balance: 0.5, label_noise: 0.1, seed: 7 };
        let data = Data::draw(Mixture::new(signal, vec![1.0; 3000], Noise::Gaussian), &draw)?;
        let problem = Problem::new(&data, Network::balanced(8, 0.1)?)?;
        let (facts, _) = LimitOutcome::of(&problem, &Start::gaussian(1e-6, 0), None, 0)?;
        let error = facts.test_error.as_ref().and_then(|e| e.log10_limit);
        println!(
            "‖μ‖ = {signal:4}: {:?}, γ* = {:.9}, consistent: {}, {} samples slide, log10 of the test error {:.3}",
            facts.status,
            facts.max_margin.unwrap_or(f64::NAN),
            facts.limit_consistent,
            facts.sliding.len(),
            error.unwrap_or(f64::NAN),
        );
    }
    Ok(())
}
