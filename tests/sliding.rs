//! The averaged dynamics of chattering neurons against step-by-step descent.

mod problems;

use farfield::descent::gram::{Problem, Start};
use farfield::descent::horizon::{Horizon, Options};
use farfield::descent::{Engine, Flips, Reached, Stop};
use farfield::geometry::Gram;
use farfield::matrix::Matrix;
use farfield::network::Network;
use ndarray_npy::ReadNpyExt;
use problems::{Recipe, problem};
use std::sync::Arc;

const STEPS: Options = Options { warp: false, tolerance: 1e-14, sliding: 0.0 };

fn read(name: &str) -> std::fs::File {
    std::fs::File::open(format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"))).expect("the file is there")
}

/// Golub's leukemia data through their Gram matrix; W(0) small.
fn golub() -> Arc<Problem> {
    let k = ndarray::Array2::<f64>::read_npy(read("golub_gram.npy")).expect("K");
    let y = ndarray::Array1::<f64>::read_npy(read("golub_labels.npy")).expect("labels");
    let (n, network) = (y.len(), Network { width: 8, positive: 4, leak: 0.1 });
    let k = Matrix::new(n, n, k.iter().copied().collect());
    let rate = 0.9 / problems::largest_eigenvalue(&k);
    let z = (0..n * 8).map(|p| 1e-6 * ((p * p % 17) as f64 - 8.0)).collect();
    let start = Start { preactivations: z, squared_norms: vec![1e-6; 8], weights: None };
    Arc::new(Problem::new(Arc::new(Gram(k)), None, y.to_vec(), network, rate, start))
}

fn margins(engine: &Horizon) -> Vec<f64> {
    let p = engine.iterate().problem();
    p.network.margins(farfield::descent::View::preactivations(engine.iterate()), &p.labels)
}

/// Largest difference relative to the largest margin.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let top = a.iter().fold(0.0f64, |top, a| top.max(a.abs()));
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top
}

fn compare(name: &str, p: &Arc<Problem>, options: Options, times: &[f64]) {
    let mut steps = Horizon::new(p.clone(), 0.0, Flips::default(), STEPS);
    let mut sliding = Horizon::new(p.clone(), 0.0, Flips::default(), options);
    for &t in times {
        let clock = std::time::Instant::now();
        assert_eq!(sliding.advance(t, &Stop::default()), Reached::Target, "{name}");
        let fast = clock.elapsed().as_secs_f64();
        assert_eq!(steps.advance(t, &Stop::default()), Reached::Target, "{name}");
        let slow = clock.elapsed().as_secs_f64() - fast;
        let error = difference(&margins(&steps), &margins(&sliding));
        let claimed: f64 = sliding.segments().iter().map(|s| s.error_estimate).sum();
        println!("{name} t = {t:e}: {} {:?} error {error:.1e}, claimed {claimed:.1e}; {fast:.2} s, {slow:.2} s", sliding.name(), sliding.remark());
    }
    for s in sliding.segments() {
        println!("   {} {} to {}: {} steps, {:.2} s, {:.1e}", s.engine, s.from, s.to, s.steps_taken, s.seconds, s.error_estimate);
    }
}

#[test]
fn golub_to_a_million() {
    compare("Golub", &golub(), Options { sliding: 1e-5, ..Options::default() }, &[1e3, 1e4, 3e4, 1e5, 3e5, 1e6]);
    compare("Golub", &golub(), Options::default(), &[1e3, 1e4, 1e5]);
}

/// Mixtures with flipped labels.
fn noisy() -> Vec<Recipe> {
    let r = || Recipe { label_noise: 0.1, positive: 4, negative: 4, ..Recipe::default() };
    vec![
        Recipe { name: "strong signal", seed: 11, n: 40, d: 2000, signal: 12.0, ..r() },
        Recipe { name: "late entry", seed: 12, n: 40, d: 2000, signal: 4.0, ..r() },
        Recipe { name: "narrow", seed: 13, n: 30, d: 400, signal: 3.0, label_noise: 0.2, leak: 0.3, positive: 2, negative: 2, ..r() },
        Recipe { name: "odd width", seed: 14, n: 30, d: 1000, signal: 8.0, label_noise: 0.15, leak: 0.05, positive: 3, negative: 2, ..r() },
        Recipe { name: "wide start", seed: 15, n: 20, d: 300, signal: 6.0, label_noise: 0.3, init: 0.05, positive: 2, negative: 3, ..r() },
    ]
}

#[test]
fn label_noise() {
    for r in noisy() {
        compare(r.name, &problem(&r), Options::default(), &[1e4, 3e4, 1e5]);
    }
}

#[test]
fn far() {
    for (name, p) in noisy().iter().map(|r| (r.name, problem(r))).chain([("golub", golub())]) {
        let mut e = Horizon::new(p.clone(), 0.0, Flips::default(), Options::default());
        for t in [1e5, 1e6, 1e12, 1e20, 1e100, 1e300] {
            let clock = std::time::Instant::now();
            let reached = e.advance(t, &Stop::default());
            let taken: u64 = e.segments().iter().map(|s| s.steps_taken).sum();
            println!("{name} {t:e} {reached:?} at {:e} {} {:?} {:?} steps {taken} in {:.2} s", e.t(), e.name(), e.remark(), e.flips(), clock.elapsed().as_secs_f64());
            if reached != Reached::Target { break; }
        }
        for s in e.segments().iter().take(12) {
            println!("   {} {} to {}: {} steps, {:.2} s, {:.1e}", s.engine, s.from, s.to, s.steps_taken, s.seconds, s.error_estimate);
        }
    }
}
