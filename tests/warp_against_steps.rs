//! Warp against step-by-step descent, where stepping is possible: pattern, margins, coefficients, and
//! the error that warp claims for itself.

mod problems;

use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, EngineKind, Flips, Iterate, Reached, Stop};
use problems::{Recipe, problem, settling};

/// What rounding may add, as warp counts it for itself: exact steps are rounded at other t in the two engines.
const ROUNDING: f64 = 4e-15;

const STEPS: Options = Options { warp: false, tolerance: 1e-14, sliding: 0.0, mixed: false, flow: None };

/// `max |a − b| / max |a|`.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let top = a.iter().fold(0.0f64, |top, a| top.max(a.abs()));
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top
}

/// The largest differences of margins and coefficients, and the ratios of claimed to true errors.
fn compare(recipe: &Recipe, horizon: f64) -> Vec<f64> {
    let p = problem(recipe);
    let mut steps = Voyage::new(p.clone(), 0.0, Flips::default(), STEPS);
    let mut warp = Voyage::new(p.clone(), 0.0, Flips::default(), Options::default());
    let mut ratios = Vec::new();
    for t in [2e3, 1e4, 3e4, 1e5, 3e5, 1e6, 1e7].into_iter().filter(|t| *t <= horizon) {
        for engine in [&mut steps, &mut warp] {
            assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
        }
        assert_eq!(warp.flips(), steps.flips(), "{}, t = {t}", recipe.name);
        let margins = |engine: &Voyage| p.network.margins(engine.coefficients().preactivations(), &p.labels);
        let coefficients = |engine: &Voyage| engine.coefficients().coefficients().hi().to_vec();
        let of_margins = difference(&margins(&steps), &margins(&warp));
        let of_coefficients = difference(&coefficients(&steps), &coefficients(&warp));
        assert!(of_margins < 1e-13 && of_coefficients < 1e-12, "{}, t = {t}: {of_margins:e}", recipe.name);
        let claimed: f64 = warp.segments().iter().map(|s| s.error_estimate).sum::<f64>() + ROUNDING;
        assert!(claimed >= of_margins, "{}, t = {t}: claimed {claimed:e}, true {of_margins:e}", recipe.name);
        ratios.push(claimed / of_margins);
    }
    assert_eq!(warp.kind(), EngineKind::Warp, "{} never warps", recipe.name);
    let taken: u64 = warp.segments().iter().map(|s| s.steps_taken).sum();
    assert!(taken < 10_000, "{}: {taken} steps taken one by one", recipe.name);
    ratios
}

/// At 10⁴…10⁶ (10⁷ for n = 2): margins and coefficients agree, all flips are found at their step, and
/// the claimed error is never below the true one, nor in the median above 100 times as large.
#[test]
fn warp_is_descent() {
    let budget = |r: &Recipe| match r.n {
        2 => 1e7,
        300 => 1e4,
        _ => 1e6,
    };
    let mut ratios: Vec<f64> = settling().iter().flat_map(|r| compare(r, budget(r))).collect();
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[ratios.len() / 2] < 100.0);
}
