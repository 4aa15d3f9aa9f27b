//! The test error of W at monitored t: exact where the boundary is a plane, else within its interval, and no bit of the run
//! depends on it.

use farfield::limit::along::test_error;
use farfield::{
    Data, Descent, Draw, EngineChoice, Fresh, Matrix, Mixture, Network, Noise, Options, Problem, Row, Start,
};
use std::f64::consts::PI;
use std::ops::ControlFlow::Continue;

/// A problem in two dimensions, μ = (signal, 0), Σ = I.
fn plain(signal: f64, network: Network, noise: Noise) -> Problem {
    let draw = Draw { n: 6, balance: 0.5, label_noise: 0.0, seed: 1 };
    let data = Data::draw(Mixture::new(signal, vec![1.0; 2], noise), &draw).unwrap();
    Problem::new(&data, network).unwrap()
}

fn mean(problem: &Problem) -> [f64; 2] {
    problem.data.mixture().unwrap().mean[..].try_into().unwrap()
}

/// Φ(−z).
fn tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / 2f64.sqrt())
}

/// The error of f for x ~ N(±μ, I) in the plane. f is positively homogeneous, so that what it gets wrong are cones; the mass of
/// `dθ` is `e^{−|μ|²/2}/2π (1 + √2π p e^{p²/2} Φ(p)) dθ`, p = ⟨μ, e_θ⟩. Cones end where f changes its sign.
fn by_angles(problem: &Problem, w: &Matrix) -> f64 {
    let (mu, network) = (mean(problem), &problem.network);
    let f = |angle: f64| -> f64 {
        let (sin, cos) = angle.sin_cos();
        let term = |j: usize| network.output(j) * network.activation(w[(j, 0)] * cos + w[(j, 1)] * sin);
        (0..network.width).map(term).sum()
    };
    let density = |angle: f64, y: f64| {
        let (p, squared) = (y * (mu[0] * angle.cos() + mu[1] * angle.sin()), mu[0] * mu[0] + mu[1] * mu[1]);
        ((-0.5 * squared).exp() + (2.0 * PI).sqrt() * p * (0.5 * (p * p - squared)).exp() * tail(-p)) / (2.0 * PI)
    };
    const PARTS: usize = 720;
    let at = |k: usize| 1e-3 + 2.0 * PI * k as f64 / PARTS as f64;
    let mut ends = vec![at(0)];
    for k in 0..PARTS {
        if (f(at(k)) > 0.0) != (f(at(k + 1)) > 0.0) {
            let (mut low, mut high) = (at(k), at(k + 1));
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if (f(middle) > 0.0) == (f(low) > 0.0) { low = middle } else { high = middle }
            }
            ends.push(low);
        }
        ends.push(at(k + 1));
    }
    let nodes = [(0.0, 8.0 / 9.0), (0.6f64.sqrt(), 5.0 / 9.0), (-(0.6f64.sqrt()), 5.0 / 9.0)];
    let mut error = 0.0;
    for pair in ends.windows(2) {
        let (middle, half) = (0.5 * (pair[0] + pair[1]), 0.5 * (pair[1] - pair[0]));
        let wrong = if f(middle) > 0.0 { -1.0 } else { 1.0 };
        error += 0.5 * half * nodes.iter().map(|(x, c)| c * density(middle + half * x, wrong)).sum::<f64>();
    }
    error
}

#[test]
fn planes_are_exact() {
    for (leak, rows) in [
        (1.0, [[1.0, 0.3], [0.7, -0.2], [-0.9, 0.1], [-0.1, -0.5]]),
        (0.2, [[1.0, 0.3], [1.0, 0.3], [-0.9, 0.5], [-0.9, 0.5]]),
    ] {
        let problem = plain(3.0, Network::new(4, 2, leak).unwrap(), Noise::Gaussian);
        let w = Matrix::new(4, 2, rows.concat());
        let found = test_error(&w, &problem, &Fresh::default()).unwrap();
        let b: Vec<f64> = (0..2).map(|k| w[(0, k)] + w[(1, k)] - w[(2, k)] - w[(3, k)]).collect();
        let mu = mean(&problem);
        let exact = tail((b[0] * mu[0] + b[1] * mu[1]) / b[0].hypot(b[1]));
        assert!((found.value / exact - 1.0).abs() < 1e-13, "{found:?} {exact}");
        assert_eq!((found.low, found.high, found.samples), (found.value, found.value, 0));
        // the check of the other tests, by pieces of half a degree and a rule of order 6: far below 1e-10
        assert!((by_angles(&problem, &w) / exact - 1.0).abs() < 1e-10);
    }
}

#[test]
fn intervals_hold_the_error() {
    let (mut computed, mut sampled) = (0, 0);
    for (leak, signal) in [(0.1, 5.0), (0.5, 2.0), (0.5, 6.0), (0.9, 4.0)] {
        for apart in [1e-4, 1e-3, 1e-2, 0.1, 1.0] {
            let problem = plain(signal, Network::new(5, 2, leak).unwrap(), Noise::Gaussian);
            let kick = |j: usize, k: usize| apart * (1.7 * j as f64 + 2.9 * k as f64 + 0.3).sin();
            let rows = (0..5).flat_map(|j| {
                let sign = if j < 2 { 1.0 } else { -1.0 };
                [sign + kick(j, 0), 0.4 * sign + kick(j, 1)]
            });
            let w = Matrix::new(5, 2, rows.collect());
            let found = test_error(&w, &problem, &Fresh { seed: 3, points: None }).unwrap();
            let exact = by_angles(&problem, &w);
            assert!(found.low <= exact && exact <= found.high, "{leak} {apart}: {found:?} {exact}");
            if found.samples == 0 {
                assert!(found.low <= found.value && found.value <= found.high, "{found:?}");
                computed += 1;
            } else {
                sampled += 1;
            }
        }
    }
    assert!(computed >= 8 && sampled >= 4, "{computed} {sampled}");
}

fn options(engine: EngineChoice, test_error: Option<Fresh>) -> Options {
    Options { engine, planned: 1e6, samples_per_decade: 1, test_error, ..Options::default() }
}

fn rows(problem: &Problem, options: &Options) -> (Vec<Row>, Descent) {
    let mut descent = Descent::with(problem, &Start::gaussian(1e-6, 7), options).unwrap();
    let mut rows = Vec::new();
    descent.run(if options.engine == EngineChoice::Direct { 1e3 } else { 1e6 }, |row| {
        rows.push(row.clone());
        Continue(())
    });
    (rows, descent)
}

#[test]
fn runs_show_it_and_do_not_move() {
    let draw = Draw { n: 20, balance: 0.5, label_noise: 0.0, seed: 2 };
    for noise in [Noise::Gaussian, Noise::StudentT { dof: 3.0 }] {
        let data = Data::draw(Mixture::new(6.0, vec![1.0; 200], noise), &draw).unwrap();
        let problem = Problem::new(&data, Network::balanced(4, 0.3).unwrap()).unwrap();
        for engine in [EngineChoice::Direct, EngineChoice::Gram] {
            let fresh = Fresh { seed: 11, points: Some(2000) };
            let (bare, mut quiet) = rows(&problem, &options(engine, None));
            let (mut seen, mut descent) = rows(&problem, &options(engine, Some(fresh)));
            for row in &seen {
                let e = row.test_error.unwrap();
                assert!(e.low <= e.value && e.value <= e.high, "{e:?}");
                assert!(noise == Noise::Gaussian || e.samples == 2000);
            }
            let (first, last) = (seen[0].test_error.unwrap(), seen[seen.len() - 1].test_error.unwrap());
            assert!(first.value > 0.3 && last.value < 0.02, "{first:?} {last:?}");
            if noise == Noise::Gaussian {
                // of a plane but for W(0) and the first steps: known where 2000 points would show nothing
                assert!(last.samples == 0 && last.low > 0.0 && last.high < 1e-3 / 2000.0, "{last:?}");
            } else {
                // the points that the result's own sample has
                let sampling = farfield::Sampling { seed: 11, points: Some(2000), ..Default::default() };
                assert_eq!(descent.outcome_sampled(&sampling).test_error.unwrap().iterate, Some(last));
            }
            seen.iter_mut().for_each(|row| row.test_error = None);
            assert_eq!(seen, bare);
            let few = farfield::Sampling { points: Some(10), ..Default::default() };
            assert_eq!(descent.outcome_sampled(&few).digest, quiet.outcome_sampled(&few).digest);
        }
    }
}

#[test]
fn nothing_is_known_of_arrays() {
    let data = Data::new(Matrix::new(2, 2, vec![1.0, 0.0, -1.0, 0.5]), vec![1.0, -1.0]).unwrap();
    let problem = Problem::new(&data, Network::balanced(2, 0.3).unwrap()).unwrap();
    let (rows, _) = rows(&problem, &options(EngineChoice::Gram, Some(Fresh::default())));
    assert!(rows.iter().all(|row| row.test_error.is_none()));
}
