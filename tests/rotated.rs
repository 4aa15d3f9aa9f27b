//! Samples in rotated coordinates against rows: the same distributions, for weak and strong signal, at d = n + 1, and
//! with fewer dimensions than samples.
//!
//! Seeds are fixed, so the tests are deterministic; the thresholds are those of a test at level 1e-4 for each
//! number (Kolmogorov–Smirnov for two samples of equal size k: `D < √(−ln(α/2)/k)`).

use farfield::{
    ConditionKind, Conditions, Data, Descent, Draw, LimitOutcome, Mixture, Network, Noise, Options, Problem, Start,
    Stream,
};
use std::ops::ControlFlow::Continue;

const LEVEL: f64 = 1e-4;

/// The Kolmogorov–Smirnov statistic of two samples.
fn distance(a: &mut [f64], b: &mut [f64]) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut i, mut j, mut most) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let v = a[i].min(b[j]);
        while i < a.len() && a[i] <= v {
            i += 1;
        }
        while j < b.len() && b[j] <= v {
            j += 1;
        }
        most = most.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    most
}

/// Numbers of a problem, with their names, by seed.
type Numbers = Vec<(&'static str, f64)>;

fn compare(name: &str, count: u64, numbers: impl Fn(bool, u64) -> Numbers) {
    let all = |rotated: bool| -> Vec<Numbers> {
        (0..count).map(|seed| numbers(rotated, seed + if rotated { 1_000_000 } else { 0 })).collect()
    };
    let (rows, rotated) = (all(false), all(true));
    let threshold = (-(0.5 * LEVEL).ln() / count as f64).sqrt();
    for k in 0..rows[0].len() {
        let values = |of: &[Numbers]| -> Vec<f64> { of.iter().map(|n| n[k].1).collect() };
        let d = distance(&mut values(&rows), &mut values(&rotated));
        assert!(d < threshold, "{name}, {}: D = {d}, threshold {threshold}", rows[0][k].0);
    }
}

/// Every other seed draws normal numbers in bulk.
fn data(rotated: bool, (n, d, signal): (usize, usize, f64), width: usize, seed: u64) -> Data {
    let stream = if seed.is_multiple_of(2) { Stream::Bulk } else { Stream::Polar };
    let draw = Draw { n, balance: 0.4, label_noise: 0.1, seed };
    match rotated {
        true => Data::draw_rotated(signal, d as u64, width, &draw, stream, &farfield::Watch::default()).unwrap(),
        false => {
            let mixture = Mixture::new(signal, vec![1.0; d], Noise::Gaussian).with_stream(stream);
            Data::draw(mixture, &draw).unwrap()
        }
    }
}

#[test]
fn inner_products_and_starts() {
    for shape in [(6, 40, 2.0), (6, 7, 3.0), (6, 9, 1.0), (6, 4, 1.0), (3, 1, 1.0)] {
        compare(&format!("{shape:?}"), 3000, |rotated, seed| {
            let data = data(rotated, shape, 3, seed);
            let problem = Problem::new(&data, Network::balanced(3, 0.1).unwrap()).unwrap();
            let w = Start::gaussian(0.5, seed).matrix(&problem).unwrap();
            let (k, y) = (&data.gram().unwrap().0, data.y());
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let mean = &data.mixture().unwrap().mean;
            vec![
                ("K_00", k[(0, 0)]),
                ("K_11", k[(1, 1)]),
                ("last diagonal", k[(shape.0 - 1, shape.0 - 1)]),
                ("K_01 y_0 y_1", k[(0, 1)] * y[0] * y[1]),
                ("K_12", k[(1, 2)]),
                ("λmax", data.lambda_max()),
                ("along μ", dot(data.x().row(0), mean) * data.clean().unwrap()[0]),
                ("z_00", dot(data.x().row(0), w.row(0))),
                ("z_12", dot(data.x().row(1), w.row(2))),
                ("|w_0|²", dot(w.row(0), w.row(0))),
                ("|w_2|²", dot(w.row(2), w.row(2))),
                ("⟨w_0,w_1⟩", dot(w.row(0), w.row(1))),
                ("⟨w_1,w_2⟩", dot(w.row(1), w.row(2))),
                ("⟨w_1,μ⟩", dot(w.row(1), mean)),
            ]
        });
    }
}

#[test]
fn limits_and_their_errors() {
    for shape in [(20, 200, 2.0), (20, 200, 6.0), (20, 21, 2.0)] {
        compare(&format!("{shape:?}"), 400, |rotated, seed| {
            let data = data(rotated, shape, 4, seed);
            let problem = Problem::new(&data, Network::balanced(4, 0.1).unwrap()).unwrap();
            let (found, _) = LimitOutcome::of(&problem, &Start::gaussian(1e-6, seed), None, seed).unwrap();
            let error = found.test_error.as_ref();
            let error = error.map_or(1.0, |e| e.log10_limit.unwrap_or_else(|| e.sampled.unwrap().value));
            vec![
                ("γ*", found.max_margin.unwrap_or(0.0)),
                ("log10 error", error),
                ("support", found.support.unwrap_or(0) as f64),
                ("sliding", found.sliding.len() as f64),
                ("inactive after one", found.inactive_after_one.unwrap_or(0) as f64),
            ]
        });
    }
}

/// A start that is large against the first steps, so that the part that no sample reaches counts.
#[test]
fn runs_and_the_errors_of_their_iterates() {
    let shape = (10, 60, 2.0);
    compare("runs", 300, |rotated, seed| {
        let data = data(rotated, shape, 4, seed);
        let problem = Problem::new(&data, Network::balanced(4, 0.3).unwrap()).unwrap();
        let mut descent = Descent::with(&problem, &Start::gaussian(0.3, seed), &Options::default()).unwrap();
        descent.run(100.0, |_| Continue(()));
        let found = descent.outcome(seed);
        let error = found.test_error.as_ref().and_then(|e| e.iterate).map_or(1.0, |e| e.value);
        vec![
            ("‖W‖", found.weight_norm),
            ("log L", found.log_loss),
            ("min margin", found.min_margin),
            ("certified", found.certified_cosine_gap.unwrap_or(1.0)),
            ("error", error),
            ("agreement", found.pattern.sign_agreement),
        ]
    });
}

/// What depends on d alone is that of the mixture, not of the columns that are held.
#[test]
fn dimensions_are_those_of_the_mixture() {
    let shape = (10, 1000, 3.0);
    let [rows, rotated] = [false, true].map(|rotated| {
        let data = data(rotated, shape, 2, 1);
        assert_eq!(data.dimensions(), 1000);
        let problem = Problem::new(&data, Network::balanced(2, 0.1).unwrap()).unwrap();
        let start = Start::gaussian(1e-6, 1);
        let conditions = Conditions::of(&problem, &start).unwrap();
        let value = |kind| conditions.get(kind).unwrap().value.unwrap();
        use ConditionKind::*;
        let found = [SignalAgainstNoise, Benign, DimensionAgainstSamples, DimensionAgainstSignal].map(value);
        let limit = LimitOutcome::of(&problem, &start, None, 0).unwrap().0.test_error.unwrap();
        (found, limit.predicted, limit.bayes, limit.signal_ratio)
    });
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-12 * a.abs(), "{a} {b}");
    rows.0.iter().zip(rotated.0).for_each(|(a, b)| close(*a, b));
    close(rows.1.unwrap(), rotated.1.unwrap());
    close(rows.2.unwrap(), rotated.2.unwrap());
    close(rows.3, rotated.3);
}

/// At d = 10¹² samples are orthogonal to 1e-6, and lengths are √d to 1e-6.
#[test]
fn as_many_dimensions_as_there_are() {
    let draw = Draw { n: 50, balance: 0.5, label_noise: 0.0, seed: 4 };
    let data = Data::draw_rotated(1e4, Data::WIDEST, 8, &draw, Stream::default(), &farfield::Watch::default()).unwrap();
    let k = &data.gram().unwrap().0;
    for i in 0..50 {
        // ‖x‖² = d + ‖μ‖² + N(0, 2d): six standard deviations
        assert!((k[(i, i)] - 1e12 - 1e8).abs() < 6.0 * (2e12f64).sqrt());
        (0..i).for_each(|j| assert!((k[(i, j)] * data.y()[i] * data.y()[j] - 1e8).abs() < 6.0 * 1e6));
    }
    let problem = Problem::new(&data, Network::balanced(8, 0.1).unwrap()).unwrap();
    let norm = Start::gaussian(1e-3, 0).matrix(&problem).unwrap().values().iter().map(|v| v * v).sum::<f64>();
    assert!((norm / 8e6 - 1.0).abs() < 6.0 * (2.0 / 8e12f64).sqrt(), "{norm}");
    assert!(
        Data::draw_rotated(1.0, Data::WIDEST + 1, 8, &draw, Stream::default(), &farfield::Watch::default()).is_err()
    );
    let wide = Problem::new(&data, Network::balanced(9, 0.1).unwrap()).unwrap();
    assert!(Start::gaussian(1.0, 0).matrix(&wide).is_err(), "there is room for 8 neurons");
}
