//! Flips placed late by design are found at their step.

mod problems;

use farfield::descent::span::{SpanProblem, SpanStart};
use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, EngineKind, Flips, Reached, Stop};
use farfield::inner_products::Gram;
use farfield::matrix::Matrix;
use farfield::network::Network;
use farfield_kernels::loss::Loss;
use problems::{Recipe, dual, eliminate, problem};
use std::sync::Arc;

const STEPS: Options = Options { warp: false, tolerance: 1e-14, sliding: 0.0, mixed: false, flow: None };

/// A problem in which `z_00(0) = −depth`, on the wrong side of a neuron that gradient descent pulls up:
/// `w_0` is moved along `Xᵀ K⁻¹ e_0`, which leaves every other pre-activation as it was.
fn with_depth(depth: f64) -> Arc<SpanProblem> {
    let p = problem(&Recipe { n: 12, d: 150, seed: 7, signal: 4.0, ..Recipe::default() });
    let (n, m, k) = (p.n(), p.network.width, &p.gram.0);
    let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == 0))).collect();
    let direction = eliminate(n, |i, j| k[(i, j)], unit);
    let mut z = p.start.preactivations.clone();
    let shift = -depth - z[0];
    let column: Vec<f64> = (0..n).map(|i| z[i * m]).collect();
    let mut squared_norms = p.start.squared_norms.clone();
    squared_norms[0] += shift * (2.0 * problems::dot(&direction, &column) + shift * direction[0]);
    z[0] += shift;
    let start = SpanStart { preactivations: z, squared_norms, weights: None };
    Arc::new(SpanProblem::new(p.gram.clone(), None, p.labels.clone(), p.network, (p.loss, p.rate), start))
}

fn run(p: &Arc<SpanProblem>, t: f64, options: Options) -> Voyage {
    let mut engine = Voyage::new(p.clone(), 0.0, Flips::default(), options);
    assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
    engine
}

/// The depth from which the flip comes at about step `t`.
fn depth_for(t: f64) -> f64 {
    let (mut shallow, mut deep) = (0.0, 64.0);
    for _ in 0..40 {
        let depth = 0.5 * (shallow + deep);
        let engine = run(&with_depth(depth), 4.0 * t, Options::default());
        let flipped = engine.coefficients().pattern().get(0, 0);
        if flipped && engine.flips().last < t { shallow = depth } else { deep = depth }
    }
    deep
}

/// Stepping finds the same flip at the same step, and the limit of the pattern after it is consistent.
#[test]
fn at_a_hundred_thousand_steps() {
    let p = with_depth(depth_for(1e5));
    let (steps, warp) = (run(&p, 2e5, STEPS), run(&p, 2e5, Options::default()));
    assert_eq!(warp.flips(), steps.flips());
    assert!((warp.flips().last - 1e5).abs() < 10.0, "{:?}", warp.flips());
    let names: Vec<EngineKind> = warp.segments().iter().map(|s| s.engine).collect();
    assert_eq!(names, [EngineKind::Gram, EngineKind::Warp, EngineKind::Gram, EngineKind::Warp]);
    let taken: u64 = warp.segments().iter().map(|s| s.steps_taken).sum();
    assert!(taken < 3000, "{taken} steps taken one by one");
    let h = warp.coefficients().reduced();
    assert!(shows_its_pattern(&warp, &dual(&h)));
    let before = run(&p, 5e4, Options::default());
    assert!(!shows_its_pattern(&before, &dual(&before.coefficients().reduced())));
}

/// Whether `Σ λ_i Φ_i` lies in the pattern in which the Φ are taken.
fn shows_its_pattern(engine: &Voyage, lambda: &[f64]) -> bool {
    let (iterate, n) = (engine.coefficients(), lambda.len());
    iterate.features().iter().zip(&iterate.groups().first).all(|(feature, j)| {
        let (column, mut z): (Vec<f64>, _) = (feature.iter().zip(lambda).map(|(f, l)| f * l).collect(), vec![0.0; n]);
        iterate.problem().multiply(&column, &mut z);
        (0..n).all(|i| (z[i] > 0.0) == iterate.pattern().get(i, *j))
    })
}

/// The same at 10⁹, whatever the monitored t on the way.
#[test]
fn at_a_billion_steps() {
    let p = with_depth(depth_for(1e9));
    let at_once = run(&p, 2e9, Options::default());
    assert!((at_once.flips().last - 1e9).abs() < 1e6, "{:?}", at_once.flips());
    let mut by_stages = Voyage::new(p, 0.0, Flips::default(), Options { tolerance: 1e-16, ..Options::default() });
    for k in 1..=93 {
        assert_eq!(by_stages.advance(10f64.powf(f64::from(k) / 10.0).round(), &Stop::default()), Reached::Target);
    }
    assert_eq!(by_stages.flips(), at_once.flips());
}

/// Two samples, two neurons, K = [[2, -½], [-½, 1]], `z_00(0) = −depth`.
fn tiny(depth: f64) -> Arc<SpanProblem> {
    let gram = Arc::new(Gram(Matrix::new(2, 2, vec![2.0, -0.5, -0.5, 1.0])));
    let network = Network { width: 2, positive: 1, leak: 0.25 };
    let preactivations = vec![-depth, -depth, -0.125, 0.125];
    let start = SpanStart { preactivations, squared_norms: vec![depth * depth, 1.0], weights: None };
    Arc::new(SpanProblem::new(gram, None, vec![1.0, -1.0], network, (Loss::Exponential, 0.25), start))
}

/// Counted once by stepping through all of them: 925 179 326 steps.
const COUNTED: f64 = 925_179_326.0;

#[test]
fn at_a_step_counted_one_by_one() {
    assert_eq!(run(&tiny(46.4), 2e9, Options::default()).flips(), Flips { count: 1, last: COUNTED });
}

/// Beyond 2⁵³ steps cannot be told apart; the flow carries the iterate over the flip.
#[test]
fn beyond_countable_steps() {
    let engine = run(&tiny(150.0), 1e40, Options::default());
    assert_eq!(engine.flips().count, 1);
    assert!(engine.flips().last > 1e16, "{:?}", engine.flips());
    assert!(
        engine.coefficients().pattern().get(0, 0)
            && shows_its_pattern(&engine, &dual(&engine.coefficients().reduced()))
    );
}
