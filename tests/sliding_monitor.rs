//! What the monitor says while neurons slide: the limit with sliding pairs, certified.

#[path = "problems/settings.rs"]
mod settings;

use farfield::{EngineKind, Outcome, PatternState, Row, Status};
use settings::Settings;
use std::ops::ControlFlow::Continue;

/// Runs a mixture with flipped labels; the rows and the facts.
fn descend(settings: &[&str]) -> (Vec<Row>, Outcome) {
    let recipe = Settings::new(settings);
    let mut descent = recipe.descent();
    let mut rows = Vec::new();
    descent.run(recipe.steps, |row| {
        rows.push(row.clone());
        Continue(())
    });
    let outcome = descent.outcome(0);
    assert_eq!(outcome.status, Status::Horizon);
    (rows, outcome)
}

/// In every row the certificate holds; the gaps close from 10⁵ to 10³⁰; pairs that slide are listed with the
/// fractions that stepping showed, where they did not enter later.
#[test]
fn certified_and_closing() {
    let common = ["data.n=40", "data.d=1000", "data.label_noise=0.1", "data.signal=8", "descent.steps=1e30"];
    for seed in 0..6 {
        let seed = format!("seed={seed}");
        let (rows, result) = descend(&[&common[..], &[&seed]].concat());
        for r in &rows {
            if let (Some(exact), Some(certified)) = (r.cosine_gap, r.certified_cosine_gap) {
                assert!(certified >= exact, "{seed}, t = {}: certified {certified:e} below {exact:e}", r.t);
            }
        }
        let at = |t: f64| rows.iter().find(|r| r.t == t).expect("a monitored t");
        let gaps = |t: f64| (at(t).cosine_gap.expect("a limit"), at(t).dual_gap.expect("a limit"));
        let (early, late) = (gaps(1e5), gaps(1e30));
        assert!(late.0 < 0.05 * early.0 && late.1 < 0.3 * early.1, "{seed}: {early:?} {late:?}");
        let pattern = &result.pattern;
        assert_eq!((pattern.state, at(1e30).segment), (PatternState::Sliding, EngineKind::Sliding), "{seed}");
        assert!(pattern.limit_consistent);
        let pairs = &pattern.sliding;
        assert!(!pairs.is_empty(), "{seed}");
        let agree = |pair: &&farfield::SlidingSample| {
            (pair.fraction_observed.expect("steps") - pair.fraction_predicted).abs() < 0.05
        };
        assert!(2 * pairs.iter().filter(agree).count() > pairs.len(), "{seed}: {pairs:?}");
    }
}

/// One feature, and labels that no weights explain: samples of different labels are positive multiples of each other. A
/// run to 10³⁰⁰ could only step, and ends at t = 10⁴ with that proof.
#[test]
fn ends_where_nothing_separates() {
    let settings = ["data.n=9", "data.d=1", "data.signal=1.4", "data.label_noise=0.2", "network.width=3", "seed=177"];
    let recipe = Settings::new(&[&settings[..], &["network.positive=3", "descent.steps=1e300"]].concat());
    let mut descent = recipe.descent();
    let ended = descent.run(recipe.steps, |_| Continue(()));
    assert_eq!(ended.status, Status::NotSeparable);
    let row = &ended.row;
    assert!(row.t == 1e4 && row.min_margin < 0.0, "{row:?}");
}
