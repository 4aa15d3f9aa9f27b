//! Another loss through every engine: `ℓ(q) = e^{−2q}`, which is a file and a line of the kernels.
//!
//! Two independent checks. Plain steps, written here with 2e^{−2q} in nothing but f64, follow every engine for as long
//! as their own rounding allows. And in units `q' = 2q` descent on e^{−2q} at rate r is descent on e^{−q'} at rate 4r:
//! with `W' = 2W`, `W' ← W' + 2r·2e^{−q'}Φ = W' + 4r e^{−q'}Φ`. Factors of two change no bit of a product or a sum, so
//! the margins q' of the one are twice the q of the other up to what the exponents of X, W and r make of it: nothing.

mod problems;

use farfield::descent::span::{SpanProblem, SpanStart};
use farfield::engine::{Engine, EngineKind};
use farfield::inner_products::preactivations;
use farfield::matrix::norm;
use farfield::{Data, Loss, Matrix, Monitor, Reduction, StepSize};
use problems::losses::{Plain, claims, difference, engines_follow_plain_steps, horizon, margins, with_loss};
use problems::mixtures::{Case, mixture};
use problems::named;
use problems::settings::Settings;
use std::sync::Arc;

/// The problem of a recipe with the loss e^{−2q}.
fn steep(name: &str) -> Arc<SpanProblem> {
    with_steep(&named(name))
}

/// The same data, W(0) and network with the loss e^{−2q}, and a quarter of the rate, since its second derivative is
/// 4e^{−2q}.
fn with_steep(p: &SpanProblem) -> Arc<SpanProblem> {
    with_loss(p, Loss::Steep, 0.25)
}

/// `s(q) = 2e^{−2q}`.
fn weight(q: f64) -> f64 {
    2.0 * (-2.0 * q).exp()
}

/// The same in the units of e^{−q}: `W' = 2W`, `rate' = 4·rate`.
fn exponential(p: &SpanProblem) -> Arc<SpanProblem> {
    let w0 = p.start.weights.as_ref().expect("W(0)");
    let doubled = Matrix::new(w0.rows(), w0.cols(), w0.values().iter().map(|w| 2.0 * w).collect());
    let start = SpanStart::new(doubled, p.start.preactivations.iter().map(|z| 2.0 * z).collect());
    let law = (Loss::Exponential, 4.0 * p.rate);
    Arc::new(SpanProblem::new(p.gram.clone(), p.samples.clone(), p.labels.clone(), p.network, law, start))
}

const NAMES: [&str; 3] = ["plain", "label noise", "late flips"];

#[test]
fn every_engine_follows_plain_steps() {
    NAMES.iter().for_each(|name| engines_follow_plain_steps(name, &steep(name), weight));
}

/// The same trajectory in other units, general steps, settled steps and flips alike: only factors of two apart.
#[test]
fn other_units_are_the_same_trajectory() {
    for name in NAMES {
        let p = steep(name);
        let other = exponential(&p);
        let mut ours = [false, true].map(|mixed| horizon(&p, false, mixed));
        let mut theirs = [false, true].map(|mixed| horizon(&other, false, mixed));
        for t in [1.0, 7.0, 50.0, 3000.0] {
            for (ours, theirs) in ours.iter_mut().zip(&mut theirs) {
                let (q, doubled) = (margins(&p, ours, t), margins(&other, theirs, t));
                assert_eq!(q.iter().map(|q| 2.0 * q).collect::<Vec<f64>>(), doubled, "{name}, t = {t}");
                assert_eq!(ours.flips(), theirs.flips(), "{name}, t = {t}");
            }
        }
    }
}

/// Warp against exact steps, with the same bounds as for the exponential loss (tests/warp_against_steps.rs), and far
/// beyond against the warp in other units.
#[test]
fn warp_is_descent() {
    for name in NAMES {
        let p = steep(name);
        let other = exponential(&p);
        let (mut steps, mut warp) = (horizon(&p, false, false), horizon(&p, true, false));
        for t in [2e3, 1e4, 1e5] {
            let (exact, found) = (margins(&p, &mut steps, t), margins(&p, &mut warp, t));
            assert_eq!(warp.flips(), steps.flips(), "{name}, t = {t}");
            let off = difference(&exact, &found);
            let claimed = claims(&warp);
            assert!(off < 1e-13 && claimed >= off, "{name}, t = {t}: {off:e}, claimed {claimed:e}");
        }
        let mut doubled = horizon(&other, true, false);
        let (q, other_q) = (margins(&p, &mut warp, 1e30), margins(&other, &mut doubled, 1e30));
        let off = difference(&other_q, &q.iter().map(|q| 2.0 * q).collect::<Vec<f64>>());
        let claimed = [&warp, &doubled].map(claims);
        assert!(off <= claimed[0] + claimed[1], "{name}: {off:e}, claimed {claimed:?}");
        let taken: u64 = warp.segments().iter().map(|s| s.steps_taken).sum();
        assert!(warp.kind() != EngineKind::Gram && taken < 20_000, "{name}: {} after {taken} steps", warp.kind());
    }
}

/// Averages of chattering neurons: within their claims of exact steps, and far beyond of the averages in other units.
#[test]
fn sliding_is_descent() {
    let p = with_steep(&Case::new(Settings::new(&mixture(10)).problem()).span);
    let other = exponential(&p);
    let (mut steps, mut averages) = (horizon(&p, false, false), horizon(&p, true, false));
    let off = difference(&margins(&p, &mut steps, 5e4), &margins(&p, &mut averages, 5e4));
    assert_eq!(averages.kind(), EngineKind::Sliding);
    assert!(off <= claims(&averages), "{off:e}, claimed {:e}", claims(&averages));
    let mut doubled = horizon(&other, true, false);
    let (q, other_q) = (margins(&p, &mut averages, 1e12), margins(&other, &mut doubled, 1e12));
    let off = difference(&other_q, &q.iter().map(|q| 2.0 * q).collect::<Vec<f64>>());
    assert!(off <= claims(&averages) + claims(&doubled), "{off:e}");
}

/// `log Σℓ`, the gradient and the limit as the monitor sees them: `2αct s(q_i) → λ_i`, since the tail is e^{−2q}.
#[test]
fn the_monitor_knows_the_loss() {
    let p = steep("plain");
    let x = p.samples.clone().expect("X");
    let data = Data::new(x.clone(), p.labels.clone()).expect("samples");
    let step = StepSize::Fixed(p.rate);
    let seen = farfield::Problem::with(&data, p.network, step, Reduction::Sum).expect("a problem").with_loss(p.loss);
    let mut monitor = Monitor::new(&seen);
    let mut engine = horizon(&p, true, false);
    let q = margins(&p, &mut engine, 50.0);
    let row = monitor.observe(&mut engine);
    let loss: f64 = q.iter().map(|q| (-2.0 * q).exp()).sum();
    assert!((row.log_loss - loss.ln()).abs() < 1e-12 * loss.ln().abs().max(1.0), "{row:?}");
    // −∇L, from one plain step at rate 1.
    let mut steps = Plain::new(&p, weight);
    steps.w = engine.iterate().weights();
    assert!(difference(&p.network.margins(&preactivations(&x, &steps.w), &p.labels), &q) < 1e-12);
    (steps.rate, steps.w) = (1.0, Matrix::clone(&steps.w));
    let before = steps.w.clone();
    steps.step();
    let gradient: Vec<f64> = steps.w.values().iter().zip(before.values()).map(|(a, b)| a - b).collect();
    assert!((row.gradient_norm / norm(&gradient) - 1.0).abs() < 1e-9, "{row:?} {}", norm(&gradient));
    let gaps = [1e4, 1e8, 1e16].map(|t| {
        margins(&p, &mut engine, t);
        let row = monitor.observe(&mut engine);
        assert!(row.certified_cosine_gap >= row.cosine_gap && row.cosine_gap.is_some(), "{row:?}");
        row.dual_gap.expect("a limit")
    });
    assert!(gaps[2] < gaps[1] && gaps[1] < gaps[0] && gaps[2] < 1e-3, "{gaps:?}");
}
