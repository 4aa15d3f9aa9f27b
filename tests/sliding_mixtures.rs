//! Mixtures with flipped labels as a configuration names them: averages against gradient descent step by step.

mod problems;

use farfield::descent::sliding::Sliding;
use farfield::descent::voyage::Voyage;
use farfield::engine::{Engine, EngineKind, Reached, Stop};
use farfield::monitor::{Monitor, PatternState};
use problems::mixtures::{Case, mixture};
use problems::settings::Settings;

/// A run at t.
fn engine(case: &Case, warp: bool, t: f64) -> Voyage {
    let mut engine = case.engine(warp);
    assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
    engine
}

impl Case {
    /// The averaged run stays within its claim of the stepped one, and without the ripple within its bound.
    fn compare(&self, averages: &Voyage, steps: &Voyage) {
        let (exact, found) = (self.margins(steps.coefficients()), self.margins(averages.coefficients()));
        let top = exact.iter().fold(0.0f64, |top, q| top.max(q.abs()));
        let error = difference(&exact, &found) / top;
        let claimed: f64 = averages.segments().iter().map(|s| s.error_estimate).sum();
        assert!(error <= claimed, "error {error:e}, claimed {claimed:e}");
        let sliding = averages.sliding().expect("neurons slide");
        let projected =
            Sliding::new(steps.coefficients(), sliding.mode().places.clone()).expect("slopes are determined");
        let left = difference(&self.margins(&projected.iterate(&self.span)), &found) / top;
        println!(
            "error {error:.1e}, claimed {claimed:.1e}; without the ripple {left:.1e}, bound {:.1e}",
            sliding.bound()
        );
        assert!(left <= sliding.bound(), "left {left:e}, bound {:e}", sliding.bound());
    }
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs()))
}

/// Three of the mixtures that `cargo bench --bench sliding` goes through.
#[test]
fn within_the_bound() {
    for k in [6, 10, 19] {
        let case = Case::new(Settings::new(&mixture(k)).problem());
        let averages = engine(&case, true, 5e4);
        assert_eq!(averages.kind(), EngineKind::Sliding, "mixture {k}");
        case.compare(&averages, &engine(&case, false, 5e4));
        let mut monitor = Monitor::new(&case.problem);
        let mut far = engine(&case, true, 0.0);
        assert_eq!(far.advance(1e12, &Stop::default()), Reached::Target);
        let row = monitor.observe(&mut far);
        assert_eq!(monitor.pattern_state(&row), PatternState::Sliding, "mixture {k}");
    }
}

/// Advances to the step at which the next bit changes, after `t`.
fn next_flip(engine: &mut Voyage, t: f64) -> f64 {
    assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
    let count = engine.flips().count;
    while engine.flips().count == count {
        assert_eq!(engine.advance(engine.t() + 1.0, &Stop::default()), Reached::Target);
    }
    engine.flips().last
}

/// The signal is weak: nothing flips for a long time, although the limit slides. Then pairs come to their
/// kinks, at the very step that stepping finds, and stay.
#[test]
fn late_entry() {
    let settings = ["seed=2", "data.n=60", "data.d=5000", "data.label_noise=0.1", "data.signal=4"];
    let case = Case::new(Settings::new(&settings).problem());
    let (mut steps, mut flown) = (engine(&case, false, 0.0), engine(&case, true, 0.0));
    let event = next_flip(&mut steps, 1e4);
    assert!(event > 3e5, "the first flip after 10⁴ is at {event}");
    assert_eq!(next_flip(&mut flown, event - 64.0), event);
    let taken: u64 = flown.segments().iter().map(|s| s.steps_taken).sum();
    assert!(taken < 2000, "{taken} steps taken one by one to {event}");
    let t = 4.5e5;
    assert_eq!(steps.advance(t, &Stop::default()), Reached::Target);
    let averages = engine(&case, true, t);
    assert_eq!(averages.kind(), EngineKind::Sliding, "{:?}", averages.segments());
    case.compare(&averages, &steps);
}
