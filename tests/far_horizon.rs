//! To t = 10³⁰⁰: everything finite, and the laws that theory gives for the approach to the limit.

mod problems;

use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, Flips, Reached, Stop};
use farfield::inner_products::{Direction, Imaged};
use problems::{dot, dual, named, slowest};

/// The part of αctℓ − λ along the slowest eigenvector of diag(λ)H falls like t^(−ν), down to the
/// rounding of the scaled losses, some 10⁻¹⁵; log t times the angle to the limit tends to a constant.
/// Returns ν and the slope of `max |αctℓ − λ|` itself, which other eigenvalues near ν can bend.
fn laws(name: &str) -> (f64, f64) {
    let p = named(name);
    let mut engine = Voyage::new(p.clone(), 0.0, Flips::default(), Options::default());
    assert_eq!(engine.advance(1e4, &Stop::default()), Reached::Target);
    let h = engine.coefficients().reduced();
    let lambda = dual(&h);
    let (nu, row) = slowest(&h, &lambda);
    let limit = Direction::of_features(&lambda, &p.labels, &p.network, engine.coefficients().pattern());
    let limit_norm = lambda.iter().sum::<f64>().sqrt();
    let unit = Imaged::new(&*p.gram, limit.scaled(-1.0 / limit_norm));
    let top = lambda.iter().fold(0.0f64, |top, l| top.max(*l));
    let (mut gaps, mut parts, mut angles, mut floor) = (Vec::new(), Vec::new(), Vec::new(), f64::INFINITY);
    for quarter in 17..=1200 {
        let t = 10f64.powf(f64::from(quarter) / 4.0);
        assert_eq!(engine.advance(t, &Stop::default()), Reached::Target, "{name}");
        let scaled = engine.scaled_losses().expect("scaled losses");
        let deviation: Vec<f64> = scaled.iter().zip(&lambda).map(|(s, l)| s - l).collect();
        let gap = deviation.iter().fold(0.0f64, |gap, d| gap.max(d.abs())) / top;
        let view = engine.iterate();
        let q = p.network.margins(view.preactivations(), &p.labels);
        let norm = view.weight_norm();
        assert!(gap.is_finite() && norm.is_finite() && q.iter().all(|q| q.is_finite()));
        if (1e-12..1e-5).contains(&gap) {
            gaps.push((t.ln(), gap.ln()));
            parts.push((t.ln(), dot(&row, &deviation).abs().ln()));
        }
        floor = gap;
        angles.push(view.combined_norm(1.0 / norm, &unit) * t.ln());
    }
    let slope = -fit(&parts);
    assert!((slope / nu - 1.0).abs() < 0.005, "{name}: slope {slope}, nu {nu}");
    assert!(floor < 1e-14, "{name}: rounding floor {floor:e}");
    let (late, last) = (angles[583], angles[angles.len() - 1]);
    assert!((late / last - 1.0).abs() < 0.02, "{name}: angle times log t is {late}, then {last}");
    assert_eq!(engine.segments().len(), 2, "{name}: steps, then one warp");
    (nu, -fit(&gaps))
}

/// Least-squares slope.
fn fit(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (xx, xy) = points.iter().fold((0.0, 0.0), |(a, b), p| (a + (p.0 - x).powi(2), b + (p.0 - x) * (p.1 - y)));
    xy / xx
}

#[test]
fn where_the_slowest_rate_stands_alone() {
    for name in ["plain", "width 1"] {
        let (nu, slope) = laws(name);
        assert!((slope / nu - 1.0).abs() < 0.02, "{name}: slope {slope}, nu {nu}");
    }
}

#[test]
fn where_rates_lie_close() {
    laws("label noise");
    laws("mean reduction");
}
