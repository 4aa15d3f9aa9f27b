//! A run on data that cannot be separated is compared with its ray, and comes to it.

use farfield::{Data, Descent, Matrix, Network, Options, Outcome, Problem, Reduction, Row, Start, Status, StepSize};
use std::ops::ControlFlow::Continue;

/// Reproducible numbers in (-1, 1).
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 * 2f64.powi(-52) - 1.0
    }
}

/// Samples in many dimensions, the first two with a twin of the other label (`twins` of them): nothing separates those.
fn problem(n: usize, d: usize, twins: usize, seed: u64) -> Problem {
    let mut next = numbers(seed);
    let mut rows: Vec<f64> = (0..n * d).map(|_| next()).collect();
    let mut y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    for i in 0..twins {
        rows.extend(rows[i * d..(i + 1) * d].to_vec());
        y.push(-y[i]);
    }
    let data = Data::new(Matrix::new(n + twins, d, rows), y).expect("data");
    Problem::with(&data, Network::new(4, 2, 0.2).expect("a network"), StepSize::Auto, Reduction::Mean).expect("a step")
}

fn run(problem: &Problem, horizon: f64) -> (Vec<Row>, Outcome) {
    let mut descent = Descent::with(problem, &Start::gaussian(1e-6, 1), &Options::default()).expect("a start");
    let mut rows = Vec::new();
    let status = descent.run(horizon, |row| {
        rows.push(row.clone());
        Continue(())
    });
    assert_eq!(status.status, Status::NotSeparable);
    (rows, descent.outcome(0))
}

#[test]
fn the_others_go_along_the_ray() {
    let (mut settled, mut crossed) = (0, 0);
    for seed in 0..30 {
        let (n, twins) = (8, 1 + seed as usize % 2);
        let problem = problem(n, 40, twins, seed);
        let (rows, outcome) = run(&problem, 1e5);
        let ray = outcome.ray.clone().expect("a ray");
        let twin = |i: usize| i < twins || i >= n;
        assert_eq!(ray.bounded, (0..n + twins).filter(|&i| twin(i)).collect::<Vec<_>>(), "{seed}");
        // twins have the loss 2 at least; where pairs slide it is known to 1e-9
        let floor = 2.0 * twins as f64 / (n + twins) as f64;
        assert!((ray.floor - floor).abs() <= ray.floor_gap + 1e-14, "{seed}: {} {}", ray.floor, ray.floor_gap);
        let text = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
        // a row is compared once the pattern of the row before it was the same
        if outcome.pattern.last_flip > 1e3 {
            continue;
        }
        settled += 1;
        if ray.inconsistent_pairs > 0 {
            // the ray says that pairs have still to cross: at 562 000, and then it says no more
            let (_, later) = run(&problem, 1e6);
            assert!(later.pattern.last_flip > 1e5, "{seed}: {:?}", later.pattern);
            assert_eq!(later.ray.expect("a ray").inconsistent_pairs, 0, "{seed}");
            crossed += 1;
            continue;
        }
        let last: Vec<&Row> = rows.iter().filter(|row| row.t >= 1e4).collect();
        assert!(last.len() == 5 && last.iter().all(|row| row.loss_above_floor.is_some()), "{seed}");
        let gaps = |row: &Row| (row.cosine_gap.unwrap(), row.gradient_cosine_gap.unwrap(), row.dual_gap.unwrap());
        let (first, end) = (gaps(last[0]), gaps(last[4]));
        println!("{seed}: {first:?} {end:?} {:?}", last[4].loss_above_floor);
        assert!(end.0 < first.0 && end.1 < first.1 && end.2 < first.2, "{seed}: {first:?} {end:?}");
        assert!(end.1 < 0.1 * end.0, "{seed}: the gradient is far ahead of W: {end:?}");
        assert_eq!(outcome.cosine_gap, Some(end.0));
        // what is above the floor is the loss of the others, Σ e/αt with |e − λ| up to the dual gap; 1e-3 for the next order
        let above = outcome.loss_above_floor.unwrap() * floor * problem.step_size * outcome.steps;
        let total = 1.0 / ray.max_margin.unwrap().powi(2);
        assert!((above / total - 1.0).abs() < n as f64 * end.2 + 1e-3, "{seed}: {above} {total}");
    }
    assert!(settled - crossed >= 4 && crossed > 0, "{settled} {crossed}");
}

#[test]
fn where_every_sample_cancels_the_loss_comes_to_its_floor() {
    // 12 samples of random labels in 2 dimensions
    let mut found = 0;
    for seed in 0..12 {
        let mut next = numbers(100 + seed);
        let x = Matrix::new(12, 2, (0..24).map(|_| next()).collect());
        let y: Vec<f64> = (0..12).map(|_| if next() > 0.0 { 1.0 } else { -1.0 }).collect();
        let data = Data::new(x, y).expect("data");
        let problem = Problem::new(&data, Network::new(2, 1, 0.5).expect("a network")).expect("a step");
        let mut descent = Descent::with(&problem, &Start::gaussian(1e-6, seed), &Options::default()).expect("a start");
        descent.run(1e5, |_| Continue(()));
        let outcome = descent.outcome(0);
        let Some(ray) = outcome.ray.clone().filter(|_| outcome.pattern.last_flip < 1e4) else { continue };
        assert_eq!((ray.bounded.len(), ray.max_margin, ray.inconsistent_pairs), (12, None, 0), "{seed}");
        found += 1;
        let above = outcome.loss_above_floor.unwrap();
        assert!(above.abs() < 1e-13, "{seed}: {above:e}");
        assert_eq!((outcome.cosine_gap, outcome.dual_gap), (None, None));
        // a loss that is at its floor to g has margins within √2g/ℓ of it
        let margins = descent.margins();
        let ray = descent.monitor().ray().expect("as before");
        let off = margins.iter().zip(&ray.margins).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-6, "{seed}: {off:e}");
    }
    assert!(found >= 6, "{found}");
}
