//! Limits whose bounds need not be the sharpest: what K proves by itself holds, and X decides where that is not enough.

use farfield::limit::Prediction;
use farfield::limit::sliding::Sliding;
use farfield::{Data, Draw, LimitOutcome, Matrix, Mixture, Network, Noise, Problem, Sampling, Start};

/// What a table may leave open of γ*.
const GAP: f64 = 1e-8;

fn solved(problem: &Problem, gap: f64) -> (LimitOutcome, Sliding) {
    let (start, sampling) = (Start::gaussian(1e-6, 0), Sampling::seeded(0));
    match LimitOutcome::within(problem, &start, None, &sampling, gap).unwrap() {
        (facts, Prediction::Limit(found)) => (facts, found),
        (facts, _) => panic!("no limit: {facts:?}"),
    }
}

fn problem(x: Matrix, y: Vec<f64>) -> Problem {
    Problem::new(&Data::new(x, y).unwrap(), Network::balanced(4, 0.3).unwrap()).unwrap()
}

/// The interval of K holds that of X, the two directions are as near as their errors say, and no fact differs.
#[test]
fn what_k_proves_holds() {
    let (mut sliding, mut calm) = (0, 0);
    for (seed, signal, label_noise) in [(0, 3.0, 0.0), (1, 8.0, 0.0), (2, 30.0, 0.0), (3, 5.0, 0.1), (4, 8.0, 0.2)] {
        let draw = Draw { n: 40, balance: 0.5, label_noise, seed };
        let data = Data::draw(Mixture::new(signal, vec![1.0; 400], Noise::Gaussian), &draw).unwrap();
        let problem = problem((**data.x()).clone(), data.y().to_vec());
        let ((fast, one), (sharp, other)) = (solved(&problem, GAP), solved(&problem, 0.0));
        let (outer, inner) = (fast.margin_interval.unwrap(), sharp.margin_interval.unwrap());
        assert!(outer.0 <= inner.0 && inner.1 <= outer.1 && outer.1 - outer.0 <= GAP * outer.1, "{outer:?} {inner:?}");
        assert!(outer.1 - outer.0 > inner.1 - inner.0, "X was not asked: {outer:?} {inner:?}");
        let unit = |found: &Sliding| {
            let w = found.limit.weights(problem.data.x());
            let length = w.norm();
            w.into_values().into_iter().map(|v| v / length).collect::<Vec<f64>>()
        };
        let apart = unit(&one).iter().zip(unit(&other)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        // rounding of the weights themselves: 1600 numbers, and sums of 40
        let allowed = fast.direction_error.unwrap() + sharp.direction_error.unwrap() + 1e-13;
        assert!(apart <= allowed && fast.direction_error.unwrap() <= (2.0 * GAP).sqrt() * 1.01, "{apart} {allowed}");
        assert_eq!(fast.inconsistent_pairs, sharp.inconsistent_pairs);
        assert_eq!((fast.support, fast.limit_consistent), (sharp.support, sharp.limit_consistent));
        let pairs = |facts: &LimitOutcome| facts.sliding.iter().map(|s| (s.sample, s.neurons)).collect::<Vec<_>>();
        assert_eq!(pairs(&fast), pairs(&sharp));
        if fast.sliding.is_empty() {
            // ν is that of √λ H √λ: it moves by no more than a λ_i does, relatively (Ostrowski), beside the rounding of two eigenvalues
            let (one, other) = (&one.limit.lambda, &other.limit.lambda);
            let moved = one.iter().zip(other).filter(|(_, b)| **b > 0.0).map(|(a, b)| (a / b - 1.0).abs());
            let (nu, exact) = (fast.rate_exponent.unwrap(), sharp.rate_exponent.unwrap());
            let rounding = 2.0 * 4.0 * 44.0 * f64::EPSILON;
            assert!((nu - exact).abs() <= moved.fold(0.0, f64::max) * exact + rounding, "{nu} {exact}");
            calm += 1;
        }
        sliding += fast.sliding.len();
    }
    assert!(sliding > 0 && calm > 0, "some neurons slide, and in some problems none");
}

/// Two samples of opposite labels that are nearly equal: K has lost the digits of their difference, and X has not.
#[test]
fn x_decides_where_k_cannot() {
    let x = Matrix::new(2, 3, vec![1.0, 0.0, 1e-5, 1.0, 0.0, -1e-5]);
    let problem = problem(x, vec![1.0, -1.0]);
    let ((found, _), (sharp, _)) = (solved(&problem, GAP), solved(&problem, 0.0));
    let (low, high) = found.margin_interval.unwrap();
    assert!(high - low <= GAP * high && low > 0.0, "{low} {high}");
    assert_eq!((found.max_margin, found.margin_interval), (sharp.max_margin, sharp.margin_interval));
    assert_eq!(found.direction_error, sharp.direction_error);
}
