//! What is watched moves nothing: the iterates are the same bits however often a run is looked at, and however far it is
//! to go; and what is shown between two steps of the flow is what steps lead to.

mod problems;

use farfield::descent::span::SpanProblem;
use farfield::descent::voyage::{self, Voyage};
use farfield::engine::{Engine, EngineKind, Flips, Reached, Stop};
use farfield::{
    Data, Descent, Draw, EngineChoice, Loss, Matrix, Mixture, Network, Noise, Options, Precision, Problem, Row, Start,
};
use problems::losses::{claims, difference};
use problems::{Recipe, named};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow::Continue;
use std::sync::Arc;

fn mixture(n: usize, d: usize, signal: f64, label_noise: f64, seed: u64) -> Data {
    let draw = Draw { n, balance: 0.5, label_noise, seed };
    Data::draw(Mixture::new(signal, vec![1.0; d], Noise::Gaussian), &draw).expect("samples")
}

fn inseparable() -> Data {
    let x = vec![1.0, 0.0, 0.6, 0.8, 1.0, 0.0, -0.6, 0.8];
    Data::new(Matrix::new(4, 2, x), vec![1.0, 1.0, -1.0, -1.0]).expect("samples")
}

/// Name, data, horizon, options: every engine and every kind of stretch.
fn cases() -> Vec<(&'static str, Data, f64, Options)> {
    let (gram, direct) = (EngineChoice::Gram, EngineChoice::Direct);
    let options = Options::default;
    let calm = || mixture(30, 200, 8.0, 0.0, 2);
    vec![
        ("warp", calm(), 1e60, options()),
        ("warp, mixed", calm(), 1e30, Options { precision: Precision::Mixed, engine: gram, ..options() }),
        ("late flips", mixture(30, 60, 3.0, 0.0, 5), 1e12, options()),
        ("averages", mixture(40, 500, 6.0, 0.15, 3), 1e40, options()),
        ("averages, few steps", mixture(40, 500, 6.0, 0.15, 3), 3e3, options()),
        ("steps on K", calm(), 2e4, Options { warp: false, engine: gram, ..options() }),
        ("relay", mixture(500, 12, 4.0, 0.0, 4), 2e4, options()),
        ("relay, steps alone", mixture(60, 40, 8.0, 0.1, 4), 2e4, Options { warp: false, ..options() }),
        ("direct", calm(), 3e3, Options { engine: direct, ..options() }),
        ("direct, f32", calm(), 3e3, Options { engine: direct, precision: Precision::F32, ..options() }),
        ("direct, mixed", calm(), 3e3, Options { engine: direct, precision: Precision::Mixed, ..options() }),
        ("inseparable", inseparable(), 3e4, options()),
    ]
}

/// The digest at the horizon and what was seen on the way, in stages if there are any.
fn run(problem: &Problem, options: &Options, stages: &[f64]) -> (String, BTreeMap<u64, Row>) {
    let mut descent = Descent::with(problem, &Start::gaussian(1e-4, 1), options).expect("a run");
    let mut rows = BTreeMap::new();
    for stage in stages {
        descent.run(*stage, |row| {
            rows.insert(row.t.to_bits(), row.clone());
            Continue(())
        });
    }
    (descent.outcome(1).digest, rows)
}

/// What a row says of the iterate alone.
fn of_the_iterate(row: &Row) -> (Vec<u64>, Flips, EngineKind) {
    let numbers = [row.log_loss, row.min_margin, row.weight_norm, row.gradient_norm, row.sign_agreement];
    (numbers.iter().map(|x| x.to_bits()).collect(), row.flips, row.segment)
}

#[test]
fn however_often() {
    for loss in [Loss::Exponential, Loss::Logistic] {
        for (name, data, horizon, options) in cases() {
            let problem = Problem::new(&data, Network::balanced(6, 0.1).expect("a network")).expect("a problem");
            let problem = problem.with_loss(loss);
            let options = Options { planned: horizon, ..options };
            let watched = |samples_per_decade| Options { samples_per_decade, ..options.clone() };
            let (digest, rows) = run(&problem, &watched(16), &[horizon]);
            if name == "relay, steps alone" {
                let on = |kind| rows.values().any(|row| row.segment == kind);
                assert!(on(EngineKind::Direct) && on(EngineKind::Gram), "{name}, {loss:?}: both ways of stepping");
            }
            for often in [1, 4, 64] {
                let (other, seen) = run(&problem, &watched(often), &[horizon]);
                assert_eq!(other, digest, "{name}, {loss:?}: {often} looks a decade");
                for (t, row) in seen {
                    if let Some(same) = rows.get(&t) {
                        let at = f64::from_bits(t);
                        assert_eq!(of_the_iterate(&row), of_the_iterate(same), "{name}, {loss:?}: {often} at {at}");
                    }
                }
            }
            let stages = [0.01 * horizon, 0.03 * horizon, horizon].map(f64::round);
            assert_eq!(run(&problem, &watched(4), &stages).0, digest, "{name}, {loss:?}: in stages");
        }
    }
}

fn voyage(p: &Arc<SpanProblem>, options: voyage::Options) -> Voyage {
    Voyage::new(p.clone(), 0.0, Flips::default(), options)
}

/// Between two steps of the flow, and at the ends of none: every t up to a thousand, and some beyond, against steps.
#[test]
fn what_is_read_off_is_where_steps_lead() {
    for name in ["plain", "label noise", "weak signal"] {
        let p = named(name);
        let mut warp = voyage(&p, voyage::Options { tolerance: 1e-12, ..voyage::Options::default() });
        let mut steps = voyage(&p, voyage::Options { warp: false, ..voyage::Options::default() });
        let (mut flown, mut worst) = (0, 0.0f64);
        for t in (1..1000).map(f64::from).chain((1..40).map(|k| (1000.0 * f64::powf(1.2, f64::from(k))).round())) {
            assert_eq!(warp.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(steps.advance(t, &Stop::default()), Reached::Target);
            let [found, exact] = [&warp, &steps].map(|engine| engine.coefficients().margins().hi().to_vec());
            let off = difference(&exact, &found);
            let claim = claims(&warp);
            assert!(off <= claim, "{name}: off by {off:e} at {t}, claimed {claim:e}");
            flown += usize::from(warp.kind() == EngineKind::Warp);
            worst = worst.max(off);
        }
        assert!(flown > 20, "{name}: {flown} of them in flight");
        println!("{name}: at most {worst:.1e}, {flown} in flight");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Targets anywhere, on problems that settle, flip late and slide.
    #[test]
    fn wherever(
        seed in 0u64..1000, n in 4usize..24, d in 2usize..80, noisy in any::<bool>(), mixed in any::<bool>(),
        far in 2.0f64..20.0, looks in proptest::collection::vec(0.0f64..1.0, 1..12),
    ) {
        let label_noise = if noisy { 0.15 } else { 0.0 };
        let recipe = Recipe { seed, n, d, signal: 3.0, label_noise, init: 1e-3, step: 0.5, ..Recipe::default() };
        let p = problems::problem(&recipe);
        let horizon = f64::powf(10.0, far).round();
        let options = voyage::Options { mixed, ..voyage::Options::default() };
        let [mut at_once, mut watched] = [voyage(&p, options), voyage(&p, options)];
        let limit = 20.0; // seconds of the model: what cannot be jumped over is left
        [&mut at_once, &mut watched].into_iter().for_each(|engine| engine.allow(limit));
        let reached = at_once.advance(horizon, &Stop::default());
        let mut targets: Vec<f64> = looks.iter().map(|x| f64::powf(10.0, x * far).round()).collect();
        targets.sort_by(f64::total_cmp);
        for t in targets {
            if watched.advance(t, &Stop::default()) != Reached::Target {
                break;
            }
            watched.iterate().weight_norm();
            watched.scaled_losses();
        }
        prop_assert_eq!(watched.advance(horizon, &Stop::default()), reached);
        if reached == Reached::Target {
            prop_assert_eq!(watched.digest(), at_once.digest());
        }
        prop_assert_eq!(watched.save().digest(), at_once.save().digest());
    }
}
