//! The ray of data that cannot be separated: every answer is proved by its own conditions, some are compared
//! with an interior-point solver.

mod rays;

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, SupportedConeT, ZeroConeT,
};
use farfield::Loss;
use farfield::inner_products::Gram;
use farfield::lanczos::largest_eigenvalue;
use farfield::limit::ray::Ray;
use farfield::limit::{Limit, Prediction};
use farfield::network::Pattern;
use rays::{Case, dot, leaky, linear, norm};

/// S, V∞ and U are proved by: weights `exp(−q_i) > 0` whose features cancel (so S is within the largest set, and V∞ is the minimizer);
/// margins 0 on S and at least 1 on the others along U (so S is the largest set); `‖U‖² = Σ λ` with λ on the others (weak duality).
fn check(c: &Case, ray: &Ray, rows: &[Vec<f64>], what: &str) {
    let (v, n) = (c.weights(&ray.offset), c.len());
    let bounded: Vec<bool> = (0..n).map(|i| ray.bounded.contains(&i)).collect();
    let mut gradient = vec![0.0; v.len()];
    let (mut sum, mut size) = (0.0, 0.0);
    for (s, &i) in ray.bounded.iter().enumerate() {
        let q = dot(&rows[i], &v);
        assert!(
            (q - ray.margins[s]).abs() < 1e-9 * (1.0 + norm(&rows[i]) * norm(&v)),
            "{what}: {q} {}",
            ray.margins[s]
        );
        let l = (-q).exp();
        sum += l;
        size += l * norm(&rows[i]);
        gradient.iter_mut().zip(&rows[i]).for_each(|(g, f)| *g += l * f);
    }
    assert!(norm(&gradient) <= 1e-6 * size, "{what}: {:e} of {size:e}", norm(&gradient));
    assert!((sum / ray.floor - 1.0).abs() < 1e-12 && ray.floor_gap <= 1e-12 * ray.floor, "{what}: {:e}", ray.floor_gap);
    if ray.bounded.len() == n {
        assert!(ray.max_margin.is_none() && ray.direction.is_empty(), "{what}");
        return;
    }
    let u = c.weights(&ray.direction);
    for i in 0..n {
        let (q, size) = (dot(&rows[i], &u), norm(&rows[i]) * norm(&u));
        if bounded[i] {
            assert!(q.abs() < 1e-11 * size && ray.lambda[i] == 0.0, "{what}: {q}");
        } else {
            assert!(q > 1.0 - 1e-10 * size, "{what}: {q}");
            assert!(ray.lambda[i] == 0.0 || (q - 1.0).abs() < 1e-10 * size, "{what}: {q}");
        }
    }
    let total: f64 = ray.lambda.iter().sum();
    assert!((dot(&u, &u) / total - 1.0).abs() < 1e-9, "{what}");
    let (low, high) = ray.margin_interval.unwrap();
    let margin = ray.max_margin.unwrap();
    assert!(low <= margin && margin <= high && (high / low - 1.0) < 1e-12, "{what}: {low:e} {high:e}");
    assert!((margin * total.sqrt() - 1.0).abs() < 1e-9, "{what}");
}

fn cases() -> Vec<(String, Case)> {
    let mut all = Vec::new();
    for seed in 0..60 {
        let (k, d) = (1 + seed as usize % 4, 6 + seed as usize % 7);
        let c = linear(k + 2 + seed as usize % 5, k, 1 + seed as usize % 6, d, seed);
        all.push((format!("linear {seed}"), c));
        all.push((format!("leaky {seed}"), leaky(14 + seed as usize % 12, 2 + seed as usize % 3, seed)));
    }
    all
}

#[test]
fn rays_prove_themselves() {
    let (mut partly, mut wholly) = (0, 0);
    for (what, c) in cases() {
        let ray = Ray::of_pattern(&c.x, &c.y, &c.network, &c.pattern, Loss::Exponential);
        let Ok(ray) = ray else { continue };
        check(&c, &ray, &c.features(), &what);
        let k = Gram(farfield::gram::gram(&c.x));
        let verdict = Limit::of_pattern(&k, Some(&c.x), &c.y, &c.network, &c.pattern, None);
        assert!(matches!(verdict, Prediction::NotSeparable(_)), "{what}: {verdict:?}");
        partly += usize::from(ray.max_margin.is_some());
        wholly += usize::from(ray.max_margin.is_none());
        let text = serde_json::to_string(&ray).unwrap();
        assert_eq!(serde_json::from_str::<Ray>(&text).unwrap(), ray);
    }
    println!("{partly} partly, {wholly} wholly");
    assert!(partly >= 60 && wholly >= 20, "{partly} partly, {wholly} wholly");
}

/// Own-sign sides given, opposite-sign pairs free: the margins are those of the activation, and where W∞ is on a kink the
/// slopes balance the gradient.
#[test]
fn rays_with_sliding_pairs() {
    let mut kinks = 0;
    for seed in 0..40 {
        let mut c = leaky(16 + seed as usize % 10, 2 + seed as usize % 2, seed + 1000);
        c.pattern = Pattern::activated(&c.network, &c.y);
        let Ok(ray) = Ray::with_sides(&c.x, &c.y, &c.network, &c.pattern, Loss::Exponential) else { continue };
        let (v, d) = (c.weights(&ray.offset), c.x.cols());
        let mut gradient = vec![0.0; v.len()];
        let mut size = 0.0;
        for &i in &ray.bounded {
            let z: Vec<f64> = (0..c.network.width).map(|j| dot(c.x.row(i), &v[j * d..][..d])).collect();
            let own = |j: usize| c.network.sign(j) * c.y[i] > 0.0;
            let output = |j: usize| if own(j) { z[j] } else { c.network.activation(z[j]) };
            let q: f64 = (0..c.network.width).map(|j| c.y[i] * c.network.output(j) * output(j)).sum();
            let row = c.feature(i, |j| ray.slopes[i][j]);
            for j in (0..c.network.width).filter(|&j| !own(j)) {
                let slope = ray.slopes[i][j];
                let side = if z[j] > 0.0 { 1.0 } else { c.network.leak };
                kinks += usize::from(slope > 0.31 && slope < 0.99);
                assert!((slope - side).abs() < 1e-3 || z[j].abs() < 1e-3, "{seed}: {slope} at {}", z[j]);
            }
            gradient.iter_mut().zip(&row).for_each(|(g, f)| *g += (-q).exp() * f);
            size += (-q).exp() * norm(&row);
        }
        if ray.bounded.len() == c.len() {
            assert!(norm(&gradient) < 1e-4 * size, "{seed}: {:e} of {size:e}", norm(&gradient));
        }
        assert!(ray.floor_gap <= 1e-9 * ray.floor);
    }
    assert!(kinks >= 10, "{kinks}");
}

/// The largest set by a linear program and the projected problem's margin by a quadratic one (Clarabel).
#[test]
fn rays_agree_with_an_interior_point_solver() {
    let mut compared = 0;
    for (what, c) in cases().into_iter().take(60) {
        let Ok(ray) = Ray::of_pattern(&c.x, &c.y, &c.network, &c.pattern, Loss::Exponential) else { continue };
        let Some(margin) = ray.max_margin else { continue };
        let rows = c.features();
        let Some(theirs) = projected_margin(&rows, &ray.bounded) else { continue };
        assert!((margin / theirs - 1.0).abs() < 1e-6, "{what}: {margin} and {theirs}");
        compared += 1;
    }
    assert!(compared >= 25, "{compared}");
}

/// `max min_C ⟨Φ_i, U⟩` over unit U orthogonal to the rows of S: `min ½‖U‖²`, `⟨Φ_i, U⟩ = 0` on S, `≥ 1` elsewhere.
fn projected_margin(rows: &[Vec<f64>], bounded: &[usize]) -> Option<f64> {
    let size = rows[0].len();
    let order: Vec<usize> = bounded.iter().copied().chain((0..rows.len()).filter(|i| !bounded.contains(i))).collect();
    let columns = |k: usize| order.iter().map(move |&i| -rows[i][k]);
    let values: Vec<f64> = (0..size).flat_map(columns).collect();
    let (n, s) = (rows.len(), bounded.len());
    let a =
        CscMatrix::new(n, size, (0..=size).map(|k| k * n).collect(), (0..size).flat_map(|_| 0..n).collect(), values);
    let b: Vec<f64> = (0..n).map(|k| if k < s { 0.0 } else { -1.0 }).collect();
    let cones: [SupportedConeT<f64>; 2] = [ZeroConeT(s), NonnegativeConeT(n - s)];
    let settings = DefaultSettings { verbose: false, ..DefaultSettings::default() };
    let p = CscMatrix::identity(size);
    let mut solver = DefaultSolver::new(&p, &vec![0.0; size], &a, &b, &cones, settings).ok()?;
    solver.solve();
    (solver.solution.status == SolverStatus::Solved).then(|| 1.0 / norm(&solver.solution.x))
}

/// Plain gradient descent on the logistic loss: it comes to the floor, `α t s_i` to λ_i, the direction across S to U.
#[test]
fn the_logistic_loss_goes_along_its_ray() {
    // cancelling samples, their dimensions, other samples, dimensions
    for (cancel, k, others, d, seed) in [(9, 3, 6, 12, 1), (5, 1, 4, 6, 2), (7, 2, 1, 5, 3)] {
        go_along(&linear(cancel, k, others, d, seed), cancel, seed);
    }
}

fn go_along(c: &Case, cancel: usize, seed: u64) {
    let d = c.x.cols();
    let ray = Ray::of_pattern(&c.x, &c.y, &c.network, &c.pattern, Loss::Logistic).expect("not separable");
    assert_eq!(ray.bounded, (0..cancel).collect::<Vec<_>>());
    let rows = c.features();
    let step = 0.5
        / largest_eigenvalue(rows.len(), |v| {
            let sum: Vec<f64> = (0..d).map(|k| rows.iter().zip(v).map(|(r, v)| v * r[k]).sum()).collect();
            rows.iter().map(|r| dot(r, &sum)).collect()
        });
    let mut w = vec![0.0; d];
    let weight = |q: f64| 1.0 / (1.0 + q.exp());
    let value = |q: f64| (-q).exp().ln_1p();
    let mut weights = vec![0.0; rows.len()];
    let total: f64 = ray.lambda.iter().sum();
    let mut errors = Vec::new();
    for steps in 1..=1_000_000 {
        weights.iter_mut().zip(&rows).for_each(|(s, r)| *s = weight(dot(r, &w)));
        for (s, r) in weights.iter().zip(&rows) {
            w.iter_mut().zip(r).for_each(|(w, r)| *w += step * s * r);
        }
        if [10_000, 1_000_000].contains(&steps) {
            let t = step * f64::from(steps);
            let above = rows.iter().map(|r| value(dot(r, &w))).sum::<f64>() - ray.floor;
            let support = (cancel..rows.len()).filter(|&i| ray.lambda[i] > 0.0);
            let ratio = |i: usize| (t * weights[i] / ray.lambda[i] - 1.0).abs();
            errors.push(((above * t / total - 1.0).abs(), support.map(ratio).fold(0.0, f64::max)));
        }
    }
    // what is above the floor is the loss of the others, Σ λ/(α t) to leading order; both close as t grows
    let (early, late) = (errors[0], errors[1]);
    println!("{seed}: {early:?} {late:?}");
    assert!(late.0 < 0.01 && late.1 < 0.3, "{seed}: {late:?}");
    assert!(late.0 < early.0.max(0.02) && late.1 < early.1.max(0.02), "{seed}: {early:?} {late:?}");
    // the part of W along U against the part across S
    let u = c.weights(&ray.direction);
    let v = c.weights(&ray.offset);
    let rest: Vec<f64> = w.iter().zip(&v).map(|(w, v)| w - v).collect();
    let cosine = dot(&rest, &u) / norm(&rest) / norm(&u);
    assert!(cosine > 0.9, "{seed}: {cosine}");
}
