//! Solves hard-margin problems given by their matrix H and times the solver alone: the other half of
//! `benches/peers/svm.py`, and a use of the library in a few lines.
//!
//! ```text
//! cargo run --release -p farfield-cli --example dual -- H.npy [SECONDS]
//! ```
//!
//! prints one line of JSON: the median time of a solution over at least SECONDS (default 1) and 3
//! repetitions, its KKT residual, its maximal margin and the size of its support.

use farfield::limit::dual::{self, Outcome};
use farfield_cli::files::npy;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: dual H.npy [SECONDS]")?;
    let enough: f64 = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let h = npy::matrix(Path::new(&path))?;
    if h.rows() != h.cols() {
        return Err(format!("{path}: H is {} x {}, expected a square", h.rows(), h.cols()).into());
    }
    let Outcome::Separable(solution) = dual::solve(&h, None) else {
        return Err(format!("{path}: not separable").into());
    };
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < 3 || start.elapsed().as_secs_f64() < enough {
        let begin = Instant::now();
        std::hint::black_box(dual::solve(std::hint::black_box(&h), None));
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{{\"seconds\": {:e}, \"kkt_residual\": {:e}, \"max_margin\": {:.16e}, \"support\": {}}}",
        times[times.len() / 2],
        solution.kkt_residual,
        solution.max_margin,
        solution.lambda.iter().filter(|l| **l > 0.0).count()
    );
    Ok(())
}
