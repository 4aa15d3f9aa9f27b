//! f32, mixed and f64 on the same problems: mixed follows f64, f32 stalls and says so, escalation happens where
//! it must.

#[path = "problems/settings.rs"]
mod settings;

use farfield::data::slabs::X;
use farfield::descent::direct::Direct;
use farfield::descent::fused::{Nest, Options};
use farfield::engine::{Diary, Engine, Precision, Remark, Stop};
use farfield::matrix::{Matrix, Single};
use farfield::monitor::Row;
use farfield::network::Network;
use farfield::rounding::ALLOWED;
use farfield::rounding::Rounding;
use farfield_kernels::loss::Loss;
use settings::Settings;
use std::ops::ControlFlow::Continue;
use std::sync::Arc;

/// A problem and its run in one precision.
struct Run {
    rows: Vec<Row>,
    margins: Vec<f64>,
    lambda: Vec<f64>,
    diary: Diary,
}

fn follow(settings: &[&str], precision: &str) -> Run {
    let precision = format!("descent.precision={precision}");
    let recipe = Settings::new(&[settings, &[precision.as_str()]].concat());
    let mut descent = recipe.descent();
    let mut rows = Vec::new();
    descent.run(recipe.steps, |row| {
        rows.push(row.clone());
        Continue(())
    });
    let margins = descent.margins();
    let lambda = descent.monitor().limit().map(|limit| limit.lambda.clone()).unwrap_or_default();
    Run { rows, margins, lambda, diary: descent.diary().clone() }
}

fn rounding(run: &Run) -> Rounding {
    run.diary.rounding.expect("rounding is watched")
}

/// Relative to the largest margin.
fn apart(a: &Run, b: &Run) -> f64 {
    let scale = a.margins.iter().fold(0.0f64, |top, q| top.max(q.abs()));
    a.margins.iter().zip(&b.margins).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale
}

/// On X and on K, tied or not, in both nests: gaps, margins and `αctℓ` within 1e-6, flips the same.
#[test]
fn mixed_follows_f64() {
    let wide = ["data.n=30", "data.d=400", "data.signal=5", "network.width=6", "descent.steps=1e4"];
    let tall = ["data.n=60", "data.d=40", "data.signal=6", "network.width=3", "descent.steps=1e4"];
    let noisy = ["data.n=20", "data.d=3000", "data.signal=2", "data.label_noise=0.1", "descent.steps=3e3"];
    for problem in [wide, tall, noisy] {
        for way in [
            ["descent.engine=direct", "descent.tied=true"],
            ["descent.engine=direct", "descent.tied=false"],
            ["descent.engine=gram", "descent.warp=false"],
        ] {
            let settings = [&problem[..], &way[..]].concat();
            let (exact, mixed) = (follow(&settings, "f64"), follow(&settings, "mixed"));
            let seen = rounding(&mixed);
            assert!(seen.anchors >= 4 && seen.largest_drift < ALLOWED && seen.escalated.is_none(), "{seen:?}");
            assert!(seen.largest_drift > 1e-12, "products are in f32: {seen:?}");
            assert!(apart(&exact, &mixed) < 1e-6, "{settings:?}: {}", apart(&exact, &mixed));
            for (a, b) in exact.rows.iter().zip(&mixed.rows) {
                assert_eq!((a.flips, a.sign_agreement), (b.flips, b.sign_agreement), "{settings:?} t = {}", a.t);
                let gaps = |row: &Row| [row.cosine_gap, row.certified_cosine_gap, Some(row.weight_norm)];
                for (a, b) in gaps(a).iter().zip(gaps(b)) {
                    assert_eq!(a.is_some(), b.is_some());
                    let (a, b) = (a.unwrap_or(1.0), b.unwrap_or(1.0));
                    assert!((a - b).abs() <= 1e-6 * a.abs(), "{settings:?}: {a:e} {b:e}");
                }
            }
            // λ is of one pattern; αctℓ is a function of the margins.
            assert_eq!(exact.lambda.len(), mixed.lambda.len());
            let shown = exact.margins.iter().zip(&mixed.margins).map(|(a, b)| (b - a).exp() - 1.0);
            let off = shown.fold(0.0, |top: f64, v| top.max(v.abs()));
            assert!(off <= 1e-6, "αctℓ off by {off:e}");
        }
    }
}

/// The default problem, on X across anchors and on K with every step taken.
#[test]
fn the_default_problem_never_escalates() {
    for settings in [
        ["descent.engine=direct", "descent.steps=300", "descent.warp=false"],
        ["descent.engine=gram", "descent.steps=1e5", "descent.warp=false"],
    ] {
        let mixed = follow(&settings, "mixed");
        let seen = rounding(&mixed);
        assert!(seen.escalated.is_none() && seen.anchors >= 2 && seen.largest_drift < 0.25 * ALLOWED, "{seen:?}");
        assert!(mixed.diary.segments.iter().all(|s| s.precision == Precision::Mixed));
        assert_eq!(mixed.diary.remark, None);
    }
}

/// Samples of both labels, more of one, around a point far from 0, and a step near the edge of stability: at every
/// step large updates cancel, and the losses never settle. What f32 leaves of the differences is not enough.
struct Restless {
    x: Arc<Matrix>,
    y: Vec<f64>,
    network: Network,
    rate: f64,
}

impl Restless {
    fn new() -> Self {
        let (n, d) = (7, 6);
        let y: Vec<f64> = (0..n).map(|i| if i < 2 { 1.0 } else { -1.0 }).collect();
        let value = |i: usize, k: usize| 3e3 + y[i] + 0.3 * ((i * 7 + k * 5) % 11) as f64 / 11.0;
        let x = Matrix::new(n, d, (0..n * d).map(|at| value(at / d, at % d)).collect());
        let rate = 10.0 / x.values().iter().map(|x| x * x).sum::<f64>();
        Self { x: x.into(), y, network: Network { width: 2, positive: 1, leak: 0.3 }, rate }
    }

    fn from(&self, weights: &Matrix, precision: Precision, nest: Nest) -> Direct {
        let options = Options { precision, tied: false, nest: Some(nest) };
        Direct::new(self.x.clone(), &self.y, &self.network, (Loss::Exponential, self.rate), weights, &options)
    }
}

#[test]
fn escalation_where_it_must() {
    let (problem, nest) = (Restless::new(), Nest::Panels);
    let mut mixed = problem.from(&Matrix::zeros(2, 6), Precision::Mixed, nest);
    let mut t = 0.0;
    while mixed.segments().len() == 1 {
        t += 1.0;
        assert!(t < 1e4, "no escalation: {:?}", mixed.rounding());
        mixed.advance(t, &Stop::default());
    }
    let seen = mixed.rounding().expect("rounding is watched");
    assert_eq!(seen.escalated, Some(t), "{nest:?}");
    assert!(seen.largest_drift > ALLOWED && seen.interval <= 32, "shortened first: {seen:?}");
    // From there on it is the descent in f64 from the W of that t.
    let mut exact = problem.from(&mixed.iterate().weights(), Precision::F64, nest);
    mixed.advance(t + 100.0, &Stop::default());
    exact.advance(100.0, &Stop::default());
    assert_eq!(mixed.iterate().weights(), exact.iterate().weights(), "{nest:?}");
    let segments = mixed.segments();
    let parts: Vec<_> = segments.iter().map(|s| (s.precision, s.from, s.to, s.steps_taken)).collect();
    assert_eq!(parts, [(Precision::Mixed, 0.0, t, t as u64), (Precision::F64, t, t + 100.0, 100)]);
    let remark = mixed.remark();
    assert!(matches!(remark, Some(Remark::Escalated { at, drift }) if at == t && drift > ALLOWED), "{remark:?}");
}

/// Data that f32 cannot hold are stepped in f64 from the start.
#[test]
fn data_out_of_range() {
    let x = Arc::new(Matrix::new(2, 3, vec![1e30, 2e30, 0.0, -1e30, 0.0, 3e30]));
    let network = Network { width: 2, positive: 1, leak: 0.3 };
    let options = Options { precision: Precision::Mixed, tied: false, nest: None };
    let mut engine = Direct::new(x, &[1.0, -1.0], &network, (Loss::Exponential, 1e-61), &Matrix::zeros(2, 3), &options);
    engine.advance(100.0, &Stop::default());
    assert_eq!(engine.segments()[0].precision, Precision::F64);
    assert_eq!(engine.rounding().expect("watched").escalated, Some(0.0));
}

/// f32 loses its updates, from the t that 24 bits predict, and then stands still. A weight `w = a + λx log t` takes
/// updates `λx/t`; half of them are lost where `λx/t = 2⁻²⁵…2⁻²⁴ |w|`. With W(0) of size s ≫ log t, orthogonal to the
/// data so that it does not matter to them, that is at `t ≈ 2²⁴λx/s`.
#[test]
fn f32_stalls_and_says_so() {
    let (n, d) = (4, 8);
    let y = [1.0, -1.0, 1.0, -1.0];
    // x = y(1,…,1) + a part that is the same in each pair of columns; W(0) is opposite in them.
    let value = |i: usize, k: usize| y[i] + 0.25 * (((i * 3 + k / 2 * 5) % 4) as f64 - 1.5);
    let x: Arc<Matrix> = Matrix::new(n, d, (0..n * d).map(|at| value(at / d, at % d)).collect()).into();
    let network = Network { width: 2, positive: 1, leak: 0.5 };
    let size = 1024.0;
    let start = Matrix::new(2, d, (0..2 * d).map(|at| if at % 2 == 0 { size } else { -size }).collect());
    let at = |precision| {
        let options = Options { precision, tied: false, nest: None };
        Direct::new(x.clone(), &y, &network, (Loss::Exponential, 0.03), &start, &options)
    };
    let (mut single, mut mixed, mut double) = (at(Precision::F32), at(Precision::Mixed), at(Precision::F64));
    let horizon = 1e5;
    for engine in [&mut single, &mut mixed, &mut double] {
        engine.advance(horizon, &Stop::default());
    }
    let seen = single.rounding().expect("rounding is watched");
    let (first, half) = (seen.first_lost.expect("losses"), seen.half_lost.expect("many"));
    // Updates are a_j ℓ g x summed over four samples: λx is between 0.02 and 0.5 here.
    let predicted = 2f64.powi(24) / size;
    assert!(first > 0.01 * predicted && half < predicted && first <= half, "{seen:?} {predicted}");
    assert_eq!(seen.lost, 1.0, "{seen:?}");
    assert_eq!(single.remark(), Some(Remark::Lost { first, half: Some(half) }));
    // Standing still is a state of its own: no weight moves any more.
    let before = single.iterate().weights();
    single.advance(horizon + 1000.0, &Stop::default());
    assert_eq!(before, single.iterate().weights());
    let (exact, followed) = (double.iterate().preactivations().to_vec(), mixed.iterate().preactivations().to_vec());
    let drift = mixed.rounding().expect("watched").largest_drift;
    assert!(network.drift(&followed, &exact) <= 1e-6, "{:e}", network.drift(&followed, &exact));
    assert!(drift < ALLOWED && mixed.rounding().expect("watched").first_lost.is_none());
    assert!(network.drift(single.iterate().preactivations(), &exact) > 1e-3, "f32 is somewhere else");
}

/// Samples held in f32 are packed, stepped on and looked at as the same numbers in f64 are, in each precision and nest.
#[test]
fn samples_in_f32_are_stepped_on_as_they_are() {
    let (n, d) = (7, 600);
    let y: Vec<f64> = (0..n).map(|i| if i < 3 { 1.0 } else { -1.0 }).collect();
    let value = |at: usize| y[at / d] as f32 * 0.1 + ((at * 7919 + 13) % 1009) as f32 / 1009.0 - 0.5;
    let single = Single::new(n, d, (0..n * d).map(value).collect());
    let double = Arc::new(single.widened());
    let network = Network { width: 4, positive: 2, leak: 0.3 };
    let weights = Matrix::new(4, d, (0..4 * d).map(|at| 1e-3 * ((at % 17) as f64 - 8.0)).collect());
    for precision in Precision::ALL {
        for nest in [Nest::Panels, Nest::Rows] {
            let options = Options { precision, tied: false, nest: Some(nest) };
            let at = |x: X| Direct::new(x, &y, &network, (Loss::Exponential, 1e-2), &weights, &options);
            let (mut narrow, mut wide) = (at(X::from(single.clone())), at(X::from(double.clone())));
            for t in [1.0, 40.0, 300.0] {
                narrow.advance(t, &Stop::default());
                wide.advance(t, &Stop::default());
                assert_eq!(
                    narrow.iterate().preactivations(),
                    wide.iterate().preactivations(),
                    "{precision:?} {nest:?}"
                );
                assert_eq!(narrow.iterate().weights(), wide.iterate().weights());
                let seen = |engine: &Direct| engine.rounding().map(|seen| Rounding { anchor_seconds: 0.0, ..seen });
                assert_eq!(seen(&narrow), seen(&wide));
            }
            // each goes on from the state of the other
            let state = wide.save();
            let x = X::from(single.clone());
            let mut gone_on =
                Direct::restore(x, &y, &network, (Loss::Exponential, 1e-2), &options, &state).expect("its state");
            gone_on.advance(400.0, &Stop::default());
            wide.advance(400.0, &Stop::default());
            assert_eq!(gone_on.iterate().weights(), wide.iterate().weights());
        }
    }
}
