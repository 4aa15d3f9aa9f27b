//! The averaged dynamics of chattering neurons against step-by-step descent.

mod problems;

use farfield::descent::gram::{Problem, Start};
use farfield::descent::horizon::{Horizon, Options};
use farfield::descent::sliding::mode::Place;
use farfield::descent::{Engine, Flips, Reached, Stop, View};
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
    p.network.margins(engine.iterate().preactivations(), &p.labels)
}

/// Largest difference relative to the largest margin.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let top = a.iter().fold(0.0f64, |top, a| top.max(a.abs()));
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top
}

fn run(p: &Arc<Problem>, t: f64, options: Options) -> Horizon {
    let mut engine = Horizon::new(p.clone(), 0.0, Flips::default(), options);
    assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
    engine
}

/// The margins stay within the claimed error, and at the last t within 1e-6.
fn compare(name: &str, p: &Arc<Problem>, times: &[f64]) {
    let mut steps = Horizon::new(p.clone(), 0.0, Flips::default(), STEPS);
    let mut sliding = Horizon::new(p.clone(), 0.0, Flips::default(), Options::default());
    let mut error = 0.0;
    for &t in times {
        for engine in [&mut steps, &mut sliding] {
            assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
        }
        error = difference(&margins(&steps), &margins(&sliding));
        let claimed: f64 = sliding.segments().iter().map(|s| s.error_estimate).sum();
        assert!(error <= claimed, "{name}, t = {t}: claimed {claimed:e}, true {error:e}");
        println!("{name}, t = {t:e}: {} error {error:.1e}, claimed {claimed:.1e}", sliding.name());
    }
    assert_eq!(sliding.name(), "sliding", "{name}: {:?}", sliding.segments());
    assert!(error < 1e-6, "{name}: {error:e}");
    let taken: u64 = sliding.segments().iter().map(|s| s.steps_taken).sum();
    assert!(taken < 40_000, "{name}: {taken} steps taken one by one");
}

/// Mixtures with flipped labels.
fn noisy() -> Vec<Recipe> {
    let r = || Recipe { label_noise: 0.1, n: 40, d: 2000, positive: 4, negative: 4, ..Recipe::default() };
    let small = || Recipe { n: 30, d: 1000, ..r() };
    vec![
        Recipe { name: "strong signal", seed: 11, signal: 12.0, ..r() },
        Recipe { name: "weaker signal", seed: 12, signal: 4.0, ..r() },
        Recipe { name: "odd width", seed: 14, signal: 8.0, label_noise: 0.15, leak: 0.05, positive: 3, negative: 2, ..small() },
        Recipe { name: "wide start", seed: 15, n: 20, d: 300, signal: 6.0, label_noise: 0.3, init: 0.05, ..small() },
    ]
}

#[test]
fn golub_margins() {
    compare("Golub", &golub(), &[1e4, 3e4, 1e5, 3e5]);
}

#[test]
fn label_noise_margins() {
    noisy().iter().for_each(|r| compare(r.name, &problem(r), &[1e4, 3e4, 1e5]));
}

/// Events before 10⁵ happen in the stepped run, too: a pair that enters first changes side at that t, one that
/// leaves changes side for the last time, one that crosses does both.
#[test]
fn events_happen_at_their_steps() {
    for r in noisy() {
        let p = problem(&r);
        let m = p.network.width;
        let averaged = run(&p, 1e5, Options::default());
        let sliding = averaged.sliding().expect("it slides");
        let events = sliding.events();
        let mut steps = run(&p, averaged.segments()[1].from, STEPS);
        let (mut first, mut last) = (vec![f64::NAN; p.n() * m], vec![f64::NAN; p.n() * m]);
        let mut before = steps.iterate().pattern().clone();
        while steps.t() < 1e5 {
            steps.advance(steps.t() + 1.0, &Stop::default());
            let now = steps.iterate().pattern().clone();
            if now.changes(&before) > 0 {
                for pair in (0..p.n() * m).filter(|q| now.get(q / m, q % m) != before.get(q / m, q % m)) {
                    first[pair] = first[pair].min(steps.t());
                    last[pair] = steps.t();
                }
            }
            before = now;
        }
        for e in events {
            let pair = e.sample * m + e.neuron;
            println!("{} {e:?}: first {} last {}", r.name, first[pair], last[pair]);
        }
        println!("{}: {} events, {} pairs slide", r.name, events.len(), sliding.mode().sliding());
        let kinks = (0..p.n() * m).filter(|q| sliding.mode().places[*q] == Place::Kink);
        println!("   not flipping: {:?}", kinks.filter(|q| !(last[*q] > 9e4)).collect::<Vec<_>>());
    }
}

/// A record of the state gives the same bits from there on.
#[test]
fn resumes_in_the_same_bits() {
    let p = golub();
    for t in [1e3, 6e3, 2e4] {
        let mut engine = run(&p, t, Options::default());
        let record = engine.view().state();
        let mut again = Horizon::restore(p.clone(), &record, Options::default()).expect("a record of this problem");
        for t in [3e4, 1e7, 1e30] {
            assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(again.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(engine.view().state(), again.view().state(), "t = {t:e}");
        }
    }
}
