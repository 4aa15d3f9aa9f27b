//! The limit of recorded problems against solutions computed with many digits.

use farfield::data::{Mixture, Noise, Stream};
use farfield::inner_products::{Gram, InnerProducts};
use farfield::limit::sliding::Sliding;
use farfield::limit::{Limit, Prediction, test_error};
use farfield::matrix::Matrix;
use farfield::network::{Network, Pattern};
use serde_json::Value;

struct Vector {
    x: Matrix,
    y: Vec<f64>,
    network: Network,
    start: Vec<f64>,
    step_size: f64,
    limit: Value,
}

fn numbers(v: &Value) -> Vec<f64> {
    let number = |v: &Value| v.as_f64().unwrap_or_else(|| v.as_str().unwrap().parse().unwrap());
    v.as_array().unwrap().iter().map(number).collect()
}

fn read(name: &str) -> Vector {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let v: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let size = |key: &str| v[key].as_u64().unwrap() as usize;
    let rows: Vec<f64> = v["X"].as_array().unwrap().iter().flat_map(numbers).collect();
    Vector {
        x: Matrix::new(size("n"), size("d"), rows),
        y: numbers(&v["y"]),
        network: Network {
            width: size("positive") + size("negative"),
            positive: size("positive"),
            leak: v["leak"].as_f64().unwrap(),
        },
        start: v["W0"].as_array().unwrap().iter().flat_map(numbers).collect(),
        step_size: v["step_size"].as_f64().unwrap(),
        limit: v["limit"].clone(),
    }
}

fn gram(x: &Matrix) -> Gram {
    let mut k = Matrix::zeros(x.rows(), x.rows());
    for i in 0..x.rows() {
        for l in 0..x.rows() {
            k[(i, l)] = x.row(i).iter().zip(x.row(l)).fold(0.0, |s, (a, b)| a.mul_add(*b, s));
        }
    }
    Gram(k)
}

fn assert_close(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() <= 1e-12 * expected.abs(), "{what}: {got} instead of {expected}");
}

#[test]
fn activated_limits() {
    for name in ["activated", "odd_width_mean"] {
        let v = read(name);
        let pattern = Pattern::activated(&v.network, &v.y);
        let k = gram(&v.x);
        let Prediction::Limit(limit) = Limit::of_pattern(&k, None, &v.y, &v.network, &pattern, None) else {
            panic!("{name} is separable");
        };
        assert!(limit.consistent(), "{name}: {:?}", limit.inconsistent);
        assert!(limit.kkt_residual <= 1e-13, "{name}: {}", limit.kkt_residual);
        let margin: f64 = v.limit["max_margin"].as_str().unwrap().parse().unwrap();
        assert_close(limit.max_margin, margin, name);
        assert_close(k.norm(&limit.direction), limit.norm, name);
        for (got, expected) in limit.lambda.iter().zip(numbers(&v.limit["dual"])) {
            assert_close(*got, expected, name);
        }
        let nu = limit.rate_exponent(&k);
        assert!(nu > 0.0 && nu <= 1.0, "{name}: {nu}");
        // the boundary classifies every training sample correctly
        let boundary = limit.boundary(&v.x);
        for i in 0..v.y.len() {
            let side: f64 = v.x.row(i).iter().zip(&boundary).map(|(x, w)| x * w).sum();
            assert!(v.y[i] * side > 0.0, "{name}: sample {i}");
        }
    }
}

/// From samples to the test error of their limit, from ½ down to 1e-67262: λ, w̄ and the tail in 60 digits (mpmath).
#[test]
fn test_errors_of_a_limit() {
    let x = Matrix::new(3, 4, vec![2.0, 0.25, -0.5, 1.0, -1.5, 0.5, 0.25, -0.75, 1.0, -1.25, 0.5, 0.125]);
    let (y, network) = ([1.0, -1.0, 1.0], Network { width: 2, positive: 1, leak: 0.5 });
    let pattern = Pattern::activated(&network, &y);
    let Prediction::Limit(limit) = Limit::of_pattern(&gram(&x), Some(&x), &y, &network, &pattern, None) else {
        panic!()
    };
    let dual = [0.03351908662513046, 0.2732534235744331, 0.3853885322116449];
    limit.lambda.iter().zip(dual).for_each(|(got, expected)| assert_close(*got, expected, "dual"));
    for (scale, log10) in [
        (2f64.powi(-20), -0.3010303548778777),
        (0.25, -0.405709813720696),
        (1.0, -0.8584906910760796),
        (8.0, -17.764658004194487),
        (64.0, -1053.1654285668733),
        (362.0, -33625.37287542312),
        (512.0, -67262.27038041569),
    ] {
        let mean = [1.0, -0.5, 0.25, 0.5].map(|m| scale * m).to_vec();
        let mixture = Mixture {
            mean,
            spectrum: vec![1.0, 2.0, 0.5, 0.25],
            noise: Noise::Gaussian,
            further: 0,
            second: None,
            stream: Stream::default(),
        };
        let found = test_error::of_boundary(&limit.boundary(&x), &mixture).log10;
        // log Φ(−z) ≈ −z²/2: twice the relative error of z, a few roundings of λ, w̄ and the two sums
        assert!((found / log10 - 1.0).abs() <= 1e-14, "{scale}: {found} instead of {log10}");
    }
}

#[test]
fn chattering_has_no_consistent_limit_in_the_activated_pattern() {
    let v = read("chattering");
    let pattern = Pattern::activated(&v.network, &v.y);
    match Limit::of_pattern(&gram(&v.x), Some(&v.x), &v.y, &v.network, &pattern, None) {
        Prediction::Limit(limit) => assert!(!limit.consistent()),
        Prediction::NotSeparable(proof) => assert!(proof.farkas.relative <= farfield::limit::PROOF),
        Prediction::Undecided(best) => panic!("{best:?}"),
    }
}

/// Plain gradient descent (sum reduction): calls `see(t, Z, margins)` after every step.
fn descend(v: &Vector, mut w: Vec<f64>, steps: usize, mut see: impl FnMut(usize, &[f64], &[f64])) {
    let (n, d, m) = (v.x.rows(), v.x.cols(), v.network.width);
    for t in 0..=steps {
        let z: Vec<f64> = (0..n * m)
            .map(|p| v.x.row(p / m).iter().zip(&w[p % m * d..][..d]).fold(0.0, |s, (x, w)| x.mul_add(*w, s)))
            .collect();
        let q = v.network.margins(&z, &v.y);
        see(t, &z, &q);
        for j in 0..m {
            for i in 0..n {
                let slope = if z[i * m + j] > 0.0 { 1.0 } else { v.network.leak };
                let push = v.step_size * v.network.output(j) * v.y[i] * slope * (-q[i]).exp();
                w[j * d..][..d].iter_mut().zip(v.x.row(i)).for_each(|(w, x)| *w = push.mul_add(*x, *w));
            }
        }
    }
}

/// Samples 0, 2, 4 slide, and own-sign pairs sit on the wrong side: the limit for the sides that the
/// run shows predicts its crossing fractions and loss weights, the one with all sides positive does not.
#[test]
fn chattering_follows_the_limit_of_its_own_sides() {
    let v = read("chattering");
    let (k, n, m, steps) = (gram(&v.x), v.x.rows(), v.network.width, 200_000);
    let (mut crossings, mut last, mut weights) = (vec![0.0; n * m], Vec::new(), Vec::new());
    descend(&v, v.start.clone(), steps, |t, z, q| {
        if t > steps / 2 {
            z.iter().zip(&mut crossings).for_each(|(z, c)| *c += f64::from(*z > 0.0) / (steps - steps / 2) as f64);
        }
        if t == steps {
            last = z.to_vec();
            weights = q.iter().map(|q| v.step_size * steps as f64 * (-q).exp()).collect();
        }
    });
    let sides = Pattern::of(&last, n, m);
    let Prediction::Limit(sliding) = Sliding::with_sides(&k, None, &v.y, &v.network, &sides, None) else { panic!() };
    assert!(sliding.consistent() && sliding.wrong_side == [(4, 0)]);
    let found: Vec<(usize, usize)> = sliding.pairs.iter().map(|p| (p.sample, p.group)).collect();
    assert_eq!(found, [(0, 2), (2, 2), (3, 0), (4, 2)]);
    // both laws close like a power of t: a percent at t = 2e5
    for (i, (observed, predicted)) in weights.iter().zip(&sliding.limit.lambda).enumerate() {
        assert!((observed / predicted - 1.0).abs() < 0.02, "{i}: {observed} for {predicted}");
    }
    for (p, crossing) in crossings.iter().enumerate() {
        let (i, j) = (p / m, p % m);
        let slope = sliding.slopes[(i, sliding.limit.direction.groups.of[j])];
        let predicted = (slope - v.network.leak) / (1.0 - v.network.leak);
        assert!((crossing - predicted).abs() < 0.01, "{i}, {j}: {crossing} for {predicted}");
    }
    let Prediction::Limit(ideal) = Sliding::solve(&k, None, &v.y, &v.network, None) else { panic!() };
    assert_eq!(ideal.pairs.iter().map(|p| p.sample).collect::<Vec<_>>(), [0, 2, 4]);
    assert!(ideal.limit.max_margin > 1.01 * sliding.limit.max_margin);
}

#[test]
fn without_sliding_it_is_the_limit_of_the_activated_pattern() {
    for name in ["activated", "odd_width_mean"] {
        let v = read(name);
        let k = gram(&v.x);
        let pattern = Pattern::activated(&v.network, &v.y);
        let Prediction::Limit(fixed) = Limit::of_pattern(&k, None, &v.y, &v.network, &pattern, None) else { panic!() };
        let Prediction::Limit(free) = Sliding::solve(&k, None, &v.y, &v.network, Some(&fixed.lambda)) else { panic!() };
        assert!(free.consistent() && free.activated(&v.y, &v.network) && free.pairs.is_empty(), "{name}");
        assert_close(free.limit.max_margin, fixed.max_margin, name);
        assert_close(free.rate_exponent(&k), fixed.rate_exponent(&k), name);
        for (a, b) in free.limit.lambda.iter().zip(&fixed.lambda) {
            assert_close(*a, *b, name);
        }
        for (a, b) in free.limit.boundary(&v.x).iter().zip(&fixed.boundary(&v.x)) {
            assert!((a - b).abs() < 1e-12, "{name}");
        }
    }
}
