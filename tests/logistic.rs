//! The logistic loss through every engine: against plain steps, warp and averages against every step, the limit that
//! it shares with the exponential loss, and step sizes that only it survives.

mod problems;

use farfield::descent::span::SpanProblem;
use farfield::engine::{Engine, EngineKind};
use farfield::{
    Data, Descent, Draw, Loss, Matrix, Mixture, Monitor, Network, Noise, Problem, Reduction, Row, Start, Status,
    StepSize,
};
use problems::losses::{Plain, claims, difference, engines_follow_plain_steps, horizon, margins, with_loss};
use problems::mixtures::{Case, mixture};
use problems::named;
use problems::settings::Settings;
use std::ops::ControlFlow::Continue;
use std::sync::Arc;

const NAMES: [&str; 3] = ["plain", "label noise", "late flips"];

/// A recipe with the logistic loss, and twice the rate: its second derivative is at most 1/4.
fn logistic(name: &str) -> Arc<SpanProblem> {
    with_loss(&named(name), Loss::Logistic, 2.0)
}

/// `σ(−q)`, as one writes it.
fn weight(q: f64) -> f64 {
    1.0 / (1.0 + q.exp())
}

#[test]
fn every_engine_follows_plain_steps() {
    NAMES.iter().for_each(|name| engines_follow_plain_steps(name, &logistic(name), weight));
}

/// With the same bounds as for the exponential loss (tests/warp_against_steps.rs).
#[test]
fn warp_is_descent() {
    for name in NAMES {
        let p = logistic(name);
        let (mut steps, mut warp) = (horizon(&p, false, false), horizon(&p, true, false));
        for t in [2e3, 1e4, 1e5, 1e6] {
            let (exact, found) = (margins(&p, &mut steps, t), margins(&p, &mut warp, t));
            assert_eq!(warp.flips(), steps.flips(), "{name}, t = {t}");
            let (off, claimed) = (difference(&exact, &found), claims(&warp));
            assert!(off < 1e-13 && claimed >= off, "{name}, t = {t}: {off:e}, claimed {claimed:e}");
        }
        margins(&p, &mut warp, 1e300);
        let taken: u64 = warp.segments().iter().map(|s| s.steps_taken).sum();
        assert!(warp.kind() != EngineKind::Gram && taken < 20_000, "{name}: {} after {taken} steps", warp.kind());
    }
}

/// Averages of chattering neurons, within their claims of exact steps.
#[test]
fn sliding_is_descent() {
    let p = with_loss(&Case::new(Settings::new(&mixture(10)).problem()).span, Loss::Logistic, 1.0);
    let (mut steps, mut averages) = (horizon(&p, false, false), horizon(&p, true, false));
    for t in [5e4, 2e5] {
        let off = difference(&margins(&p, &mut steps, t), &margins(&p, &mut averages, t));
        assert!(off <= claims(&averages), "t = {t}: {off:e}, claimed {:e}", claims(&averages));
    }
    assert_eq!(averages.kind(), EngineKind::Sliding);
}

/// The problem of a recipe as the monitor sees it.
fn seen(p: &SpanProblem) -> Problem {
    let data = Data::new(p.samples.clone().expect("X"), p.labels.clone()).expect("samples");
    let step = StepSize::Fixed(p.rate);
    Problem::with(&data, p.network, step, Reduction::Sum).expect("a problem").with_loss(p.loss)
}

/// `log Σℓ` and the gradient as the monitor sees them, where margins are of either sign.
#[test]
fn the_monitor_knows_the_loss() {
    for name in NAMES {
        let p = logistic(name);
        let mut monitor = Monitor::new(&seen(&p));
        let mut engine = horizon(&p, true, false);
        for t in [0.0, 1.0, 5.0, 50.0] {
            let q = margins(&p, &mut engine, t);
            let row = monitor.observe(&mut engine);
            let loss: f64 = q.iter().map(|q| (-q).exp().ln_1p()).sum();
            assert!((row.log_loss - loss.ln()).abs() < 1e-12 * loss.ln().abs().max(1.0), "{name}, t = {t}: {row:?}");
            // −∇L, from one plain step at rate 1
            let mut steps = Plain::new(&p, weight);
            (steps.rate, steps.w) = (1.0, engine.iterate().weights());
            let before = steps.w.clone();
            steps.step();
            let gradient = difference_norm(&steps.w, &before);
            assert!((row.gradient_norm / gradient - 1.0).abs() < 1e-9, "{name}, t = {t}: {row:?} {gradient}");
        }
    }
}

fn difference_norm(a: &Matrix, b: &Matrix) -> f64 {
    a.values().iter().zip(b.values()).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// The limit is that of the exponential loss, and so is λ; the weights come to it: `α c t σ(−q_i) → λ_i`.
#[test]
fn the_limit_is_the_same() {
    let p = logistic("plain");
    let mut monitor = Monitor::new(&seen(&p));
    let mut engine = horizon(&p, true, false);
    let gaps = [1e4, 1e8, 1e16, 1e100].map(|t| {
        margins(&p, &mut engine, t);
        let row = monitor.observe(&mut engine);
        assert!(row.certified_cosine_gap >= row.cosine_gap && row.cosine_gap.is_some(), "{row:?}");
        row.dual_gap.expect("a limit")
    });
    assert!(gaps.windows(2).all(|w| w[1] < w[0]) && gaps[3] < 1e-9, "{gaps:?}");
    let other = named("plain");
    let mut exponential = Monitor::new(&seen(&other));
    let mut reference = horizon(&other, true, false);
    margins(&other, &mut reference, 1e4);
    exponential.observe(&mut reference);
    let (ours, theirs) = (monitor.limit().expect("a limit"), exponential.limit().expect("a limit"));
    assert!(difference(&theirs.lambda, &ours.lambda) < 1e-12);
    assert!((ours.max_margin / theirs.max_margin - 1.0).abs() < 1e-12);
}

/// Two samples of one class that point against each other, and a long step: the shorter one is thrown far to the wrong
/// side. Weights e^{−q} then grow beyond every number; weights of at most 1 bring it back (Wu, Braverman and Lee 2023).
#[test]
fn the_logistic_loss_survives_longer_steps() {
    let data = Data::new(Matrix::new(2, 2, vec![1.0, 0.0, -0.5, 0.1]), vec![1.0; 2]).expect("samples");
    let network = Network::new(1, 1, 0.5).expect("a network");
    let step = StepSize::Fixed(50.0 / data.lambda_max());
    let problem = Problem::with(&data, network, step, Reduction::Sum).expect("a problem");
    let start = Start::weights(Matrix::new(1, 2, vec![1e-3, 2e-3]));
    let run = |loss: Loss| {
        let mut descent = Descent::new(&problem.clone().with_loss(loss), &start).expect("a descent");
        let mut rows: Vec<Row> = Vec::new();
        let status = descent.run(1e4, |row| {
            rows.push(row.clone());
            Continue(())
        });
        (status.status, rows)
    };
    assert_eq!(run(Loss::Exponential).0, Status::Diverged);
    let (status, rows) = run(Loss::Logistic);
    let last = rows.last().expect("rows");
    assert_eq!(status, Status::Horizon, "{last:?}");
    let highest = rows.iter().map(|row| row.log_loss).fold(f64::NEG_INFINITY, f64::max);
    assert!(highest > rows[0].log_loss, "the loss rises first");
    assert!(last.min_margin > 0.0 && last.log_loss < -5.0, "{last:?}");
}

/// The certified gap is never below the exact one, over 10⁴ random problems.
#[test]
fn certificates_hold() {
    let mut compared = 0;
    for seed in 0..10_000u64 {
        let part = |step: f64| ((seed as f64 + 0.5) * step).fract();
        let (n, d) = (2 + (part(0.618) * 8.0) as usize, 3 + (part(0.414) * 24.0) as usize);
        let mixture = Mixture::new(5.0 * part(0.732), vec![1.0; d], Noise::Gaussian);
        let draw = Draw { n, balance: 0.5, label_noise: 0.2 * part(0.236), seed };
        let data = Data::draw(mixture, &draw).expect("samples");
        let network = Network::new(1 + seed as usize % 4, 1 + seed as usize % 2, 0.05 + 0.9 * part(0.303));
        let Ok(network) = network else { continue };
        let step = StepSize::Fixed(4.0 * part(0.871) / data.lambda_max());
        let problem = Problem::with(&data, network, step, Reduction::Sum).expect("a problem").with_loss(Loss::Logistic);
        let mut descent = Descent::new(&problem, &Start::gaussian(1e-3, seed)).expect("a descent");
        descent.run(1e3, |row| {
            if let (Some(exact), Some(certified)) = (row.cosine_gap, row.certified_cosine_gap) {
                assert!(certified >= exact, "{seed}, t = {}: {certified:e} below {exact:e}", row.t);
                compared += 1;
            }
            Continue(())
        });
    }
    assert!(compared > 10_000, "{compared}");
}
