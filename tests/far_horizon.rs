//! To t = 10³⁰⁰: everything finite, and the laws that theory gives for the approach to the limit.

mod problems;

use farfield::descent::horizon::{Horizon, Options};
use farfield::descent::{Engine, Flips, Reached, Stop};
use farfield::geometry::Span;
use problems::{dual, exponent, named};

/// `max |αctℓ − λ| / max λ` falls like t^(−ν), ν the smallest eigenvalue of diag(λ)H, down to the
/// rounding of the scaled losses, some 10⁻¹⁵;
/// log t times the angle to the limit tends to a constant.
fn laws(name: &str) {
    let p = named(name);
    let mut engine = Horizon::new(p.clone(), 0.0, Flips::default(), Options::default());
    assert_eq!(engine.advance(1e4, &Stop::default()), Reached::Target);
    let h = engine.iterate().reduced();
    let lambda = dual(&h);
    let nu = exponent(&h, &lambda);
    let limit = Span::of_features(&lambda, &p.labels, &p.network, engine.iterate().pattern());
    let limit_norm = lambda.iter().sum::<f64>().sqrt();
    let top = lambda.iter().fold(0.0f64, |top, l| top.max(*l));
    let (mut points, mut angles, mut floor) = (Vec::new(), Vec::new(), f64::INFINITY);
    for quarter in 17..=1200 {
        let t = 10f64.powf(f64::from(quarter) / 4.0);
        assert_eq!(engine.advance(t, &Stop::default()), Reached::Target, "{name}");
        let scaled = engine.scaled_losses().expect("scaled losses");
        let gap = scaled.iter().zip(&lambda).fold(0.0f64, |gap, (s, l)| gap.max((s - l).abs())) / top;
        let view = engine.view();
        let q = p.network.margins(view.preactivations(), &p.labels);
        let norm = view.weight_norm();
        assert!(gap.is_finite() && norm.is_finite() && q.iter().all(|q| q.is_finite()));
        if (1e-11..1e-5).contains(&gap) {
            points.push((t.ln(), gap.ln()));
        }
        floor = gap;
        angles.push(view.combined_norm(1.0 / norm, &limit.clone().scaled(-1.0 / limit_norm)) * t.ln());
    }
    let slope = fit(&points);
    println!("{name}: nu {nu:.5} slope {slope:.5} ({} points), floor {floor:.1e}", points.len());
    println!("  angle log t {:?}", [0, 100, 400, 800, angles.len() - 1].map(|i| angles[i]));
    assert!((-slope / nu - 1.0).abs() < 0.02, "{name}: slope {slope}, nu {nu}");
    assert!(floor < 1e-14, "{name}: rounding floor {floor:e}");
    let (late, last) = (angles[583], angles[angles.len() - 1]);
    assert!((late / last - 1.0).abs() < 0.02, "{name}: angle times log t is {late}, then {last}");
    assert_eq!(engine.segments().len(), 2, "{name}: steps, then one warp");
}

/// Least-squares slope.
fn fit(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (xx, xy) = points.iter().fold((0.0, 0.0), |(a, b), p| (a + (p.0 - x).powi(2), b + (p.0 - x) * (p.1 - y)));
    xy / xx
}

#[test]
fn plain() {
    laws("plain");
}

#[test]
fn weak_signal() {
    laws("weak signal");
}

#[test]
fn width_1() {
    laws("width 1");
}

#[test]
fn mean_reduction() {
    laws("mean reduction");
}
