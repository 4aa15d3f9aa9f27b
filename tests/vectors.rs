//! The engines against trajectories in 60-digit arithmetic: margins and norms to 1e-12 relative, log
//! loss to 1e-12 absolute, flips and sign agreement exactly.
//!
//! Margins are compared relative to the largest of their t: a margin near zero is a difference of
//! terms of that size.

mod common;

use common::{Trajectory, assert_close, number};
use farfield::descent::direct::Direct;
use farfield::descent::fused::{Nest, Options};
use farfield::descent::sliding::mode::Place;
use farfield::descent::span::{self, SpanStart};
use farfield::descent::voyage::{self, Voyage};
use farfield::engine::{Engine, EngineKind, Flips, Hold, Precision, Reached, Remark, Stop};
use farfield::inner_products::preactivations;
use farfield::monitor::{Monitor, PatternState};
use std::sync::Arc;

const TOLERANCE: f64 = 1e-12;

fn direct(case: &Trajectory, tied: bool, nest: Nest) -> Direct {
    let options = Options { precision: Precision::F64, tied, nest: Some(nest) };
    Direct::new(case.samples(), &case.y, &case.network(), case.law(), &case.initial(), &options)
}

/// Follows a trajectory through all its checkpoints.
fn replay(case: &Trajectory, engine: &mut dyn Engine) {
    let mut monitor = case.monitor();
    for point in &case.checkpoints {
        let at = |what: &str| format!("{} at t = {}: {what}", case.name, point.t);
        assert_eq!(engine.advance(point.t as f64, &Stop::default()), Reached::Target);
        assert_eq!(engine.t(), point.t as f64);
        let row = monitor.observe(engine);
        let q = monitor.margins(engine.iterate());
        let scale = point.margins.iter().map(|q| number(q).abs()).fold(0.0, f64::max);
        for (q, exact) in q.iter().zip(&point.margins) {
            assert!((q - number(exact)).abs() <= TOLERANCE * scale, "{} {q} {exact}", at("margin"));
        }
        assert!((row.log_loss - number(&point.log_loss)).abs() <= TOLERANCE, "{} {}", at("log loss"), row.log_loss);
        assert_close(&at("weight norm"), row.weight_norm, number(&point.weight_norm), TOLERANCE);
        assert_close(&at("gradient norm"), row.gradient_norm, number(&point.gradient_norm), TOLERANCE);
        assert!((row.sign_agreement - number(&point.sign_agreement)).abs() < 1e-11, "{}", at("sign agreement"));
        assert_eq!(row.flips.count, point.pattern_flips, "{}", at("flips"));
        if let (Some(gap), Some(certified)) = (row.cosine_gap, row.certified_cosine_gap) {
            assert!(certified >= gap && gap >= 0.0, "{}", at("certificate"));
        }
    }
    assert_eq!(engine.flips().last, case.last_flip as f64, "{}: last flip", case.name);
}

#[test]
fn direct_engine() {
    for case in Trajectory::all() {
        for nest in [Nest::Panels, Nest::Rows] {
            for tied in [true, false] {
                replay(&case, &mut direct(&case, tied, nest));
            }
        }
    }
}

fn horizon(case: &Trajectory, warp: bool) -> Voyage {
    let (x, w) = (case.samples(), case.initial());
    let start = SpanStart::new(w.clone(), preactivations(&x, &w));
    let problem = span::SpanProblem::new(case.gram(), Some(x), case.y.clone(), case.network(), case.law(), start);
    let options = voyage::Options { warp, ..Default::default() };
    Voyage::new(Arc::new(problem), 0.0, Flips::default(), options)
}

#[test]
fn gram_engine() {
    Trajectory::all().iter().for_each(|case| replay(case, &mut horizon(case, false)));
}

/// The same tolerances: the warp's own error is 1e-14.
#[test]
fn warp() {
    Trajectory::all().iter().for_each(|case| replay(case, &mut horizon(case, true)));
}

#[test]
fn chattering_takes_every_step_and_says_why() {
    let case = Trajectory::load("chattering");
    let mut engine = horizon(&case, true);
    engine.advance(case.steps as f64, &Stop::default());
    assert_eq!(engine.segments().iter().map(|s| s.steps_taken).sum::<u64>(), case.steps);
    let remark = engine.remark();
    assert!(matches!(remark, Some(Remark::Held(Hold::Flips | Hold::Near | Hold::Rough(_)))), "{remark:?}");
}

#[test]
fn limits() {
    for case in Trajectory::all() {
        let mut engine = direct(&case, true, Nest::Panels);
        let mut monitor = case.monitor();
        engine.advance(case.steps as f64, &Stop::default());
        let row = monitor.observe(&mut engine);
        let Some(known) = &case.limit else {
            let chatters = monitor.sliding().is_some_and(|limit| !limit.pairs.is_empty());
            assert_eq!(chatters, case.name == "chattering");
            let state = if chatters { PatternState::Sliding } else { PatternState::Unsettled };
            assert_eq!(monitor.pattern_state(&row), state, "{}", case.name);
            continue;
        };
        let limit = monitor.limit().expect("a consistent limit");
        assert_close("max margin", limit.max_margin, number(&known.max_margin), 1e-12);
        let top = limit.lambda.iter().copied().fold(0.0, f64::max);
        for (l, exact) in limit.lambda.iter().zip(&known.dual) {
            assert!((l - number(exact)).abs() <= 1e-12 * top, "dual {l} {exact}");
        }
        let boundary = limit.boundary(&case.samples());
        let scale = boundary.iter().map(|v| v.abs()).fold(0.0, f64::max);
        for (v, exact) in boundary.iter().zip(&known.boundary) {
            assert!((v - number(exact)).abs() <= 1e-12 * scale, "boundary {v} {exact}");
        }
        // The known cosine has 30 digits; one minus it keeps 13 of those that f64 can show.
        let gap = 1.0 - number(&known.cosine_at_end);
        assert_close("cosine gap", row.cosine_gap.expect("a limit"), gap, 1e-12);
        assert_ne!(monitor.pattern_state(&row), PatternState::Unsettled);
    }
}

/// No pattern of the moment has a limit that is the answer, but the sliding limit is, for every engine.
#[test]
fn chattering_has_a_sliding_limit() {
    let case = Trajectory::load("chattering");
    let mut engine = direct(&case, true, Nest::Panels);
    let mut monitor = case.monitor();
    engine.advance(1000.0, &Stop::default());
    assert_eq!(monitor.observe(&mut engine).cosine_gap, None, "the limit of a passing pattern is not the answer");
    engine.advance(case.steps as f64, &Stop::default());
    let row = monitor.observe(&mut engine);
    assert!(row.certified_cosine_gap >= row.cosine_gap && row.cosine_gap.is_some(), "{row:?}");
    assert!(!monitor.sliding().expect("a sliding limit").pairs.is_empty());
}

/// The samples that slide in the limit, and the own-sign pairs on the wrong side.
fn sliding_samples(monitor: &Monitor) -> (Vec<usize>, Vec<(usize, usize)>) {
    let limit = monitor.sliding().expect("a sliding limit");
    let mut samples: Vec<usize> = limit.pairs.iter().map(|p| p.sample).collect();
    samples.dedup();
    (samples, limit.wrong_side.clone())
}

/// Far beyond the vectors' last t: averages take over, and end at the limit that stepping pointed to, with one own-sign
/// pair on the wrong side; sample 3 comes to its kink later than the others.
#[test]
fn chattering_goes_on_sliding() {
    let case = Trajectory::load("chattering");
    let (mut engine, mut monitor) = (horizon(&case, true), case.monitor());
    let gaps = [1e5, 1e10, 1e20].map(|t| {
        assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
        let row = monitor.observe(&mut engine);
        assert_eq!((row.segment, monitor.pattern_state(&row)), (EngineKind::Sliding, PatternState::Sliding));
        assert!(row.certified_cosine_gap >= row.cosine_gap);
        row.dual_gap.expect("a sliding limit")
    });
    assert!(gaps[1] < gaps[0] && gaps[2] < gaps[1], "{gaps:?}");
    assert_eq!(sliding_samples(&monitor), ([0, 2, 3, 4].into(), [(4, 0)].into()));
}

/// Flips end at t = 3105 in this file, but not for ever: pairs come to their kinks later, and stay.
#[test]
fn late_flips_slide_in_the_end() {
    let case = Trajectory::load("late_flips");
    let (mut late, mut monitor) = (horizon(&case, true), case.monitor());
    assert_eq!(late.advance(1e12, &Stop::default()), Reached::Target);
    let row = monitor.observe(&mut late);
    assert_eq!(monitor.pattern_state(&row), PatternState::Sliding);
    assert_eq!(sliding_samples(&monitor), ([1, 5].into(), [(2, 2), (6, 1)].into()));
    let entries = late.sliding().expect("pairs slide in the end").events();
    assert!(entries.iter().any(|e| e.to == Place::Kink), "{entries:?}");
}
