//! What the monitor says while neurons slide: the limit with sliding pairs, certified.

use farfield::config::Config;
use farfield::descent::run::{Status, run, schedule};
use farfield::engine::{EngineKind, Stop};
use farfield::monitor::{Monitor, PatternState, Row};
use farfield::outcome::Outcome;
use farfield::problem::Problem;
use farfield::start;

/// Runs a mixture with flipped labels; the rows, the result and the pattern's state.
fn descend(settings: &[&str]) -> (Vec<Row>, serde_json::Value, PatternState) {
    let settings: Vec<String> = settings.iter().map(|s| s.to_string()).collect();
    let config = Config::load(None, &settings).expect("a valid configuration");
    let problem = Problem::build(&config).expect("a problem");
    let mut engine = start::engine(&config, &problem).expect("an engine");
    let mut monitor = Monitor::new(problem.setting());
    let mut rows = Vec::new();
    let times = schedule(config.descent.steps, 4);
    let (row, status) =
        run(&mut *engine, &mut monitor, &times, 0.0, &Stop::default(), &mut |row| rows.push(row.clone()));
    assert_eq!(status, Status::Horizon);
    let state = monitor.pattern_state(&row);
    let outcome = Outcome::new(&config, &problem, &mut monitor, &mut *engine, &row, status);
    (rows, serde_json::from_str(&farfield::record::to_json(&outcome)).expect("json"), state)
}

/// In every row the certificate holds; the gaps close from 10⁵ to 10³⁰; pairs that slide are listed with the
/// fractions that stepping showed, where they did not enter later.
#[test]
fn certified_and_closing() {
    let common = ["data.n=40", "data.d=1000", "data.label_noise=0.1", "data.signal=8", "descent.steps=1e30"];
    for seed in 0..6 {
        let seed = format!("seed={seed}");
        let (rows, result, state) = descend(&[&common[..], &[&seed]].concat());
        for r in &rows {
            if let (Some(exact), Some(certified)) = (r.cosine_gap, r.certified_cosine_gap) {
                assert!(certified >= exact, "{seed}, t = {}: certified {certified:e} below {exact:e}", r.t);
            }
        }
        let at = |t: f64| rows.iter().find(|r| r.t == t).expect("a monitored t");
        let gaps = |t: f64| (at(t).cosine_gap.expect("a limit"), at(t).dual_gap.expect("a limit"));
        let (early, late) = (gaps(1e5), gaps(1e30));
        assert!(late.0 < 0.05 * early.0 && late.1 < 0.3 * early.1, "{seed}: {early:?} {late:?}");
        assert_eq!((state, at(1e30).segment), (PatternState::Sliding, EngineKind::Sliding), "{seed}");
        let pattern = &result["pattern"];
        assert_eq!((&pattern["state"], &pattern["limit_consistent"]), (&"sliding".into(), &true.into()));
        let number = |v: &serde_json::Value| v.as_f64().expect("a number");
        let pairs = pattern["sliding"].as_array().expect("a list");
        assert!(!pairs.is_empty(), "{seed}");
        let agree = |pair: &&serde_json::Value| {
            (number(&pair["fraction_observed"]) - number(&pair["fraction_predicted"])).abs() < 0.05
        };
        assert!(2 * pairs.iter().filter(agree).count() > pairs.len(), "{seed}: {pairs:?}");
    }
}

/// One feature, and labels that no weights explain: a run to 10³⁰⁰ could only step, and ends once the own-sign pairs
/// have kept their sides for most of the steps.
#[test]
fn ends_where_nothing_separates() {
    let settings = ["data.n=9", "data.d=1", "data.signal=1.4", "data.label_noise=0.2", "network.width=3", "seed=177"];
    let settings = [&settings[..], &["network.positive=3", "descent.steps=1e300"]]
        .concat()
        .iter()
        .map(|s| s.to_string())
        .collect::<Vec<_>>();
    let config = Config::load(None, &settings).expect("a valid configuration");
    let problem = Problem::build(&config).expect("a problem");
    let mut engine = start::engine(&config, &problem).expect("an engine");
    let mut monitor = Monitor::new(problem.setting());
    let times = schedule(config.descent.steps, 4);
    let (row, status) = run(&mut *engine, &mut monitor, &times, 0.0, &Stop::default(), &mut |_| ());
    assert_eq!(status, Status::NotSeparable);
    assert!((1e6..1e7).contains(&row.t) && row.min_margin < 0.0, "{row:?}");
}
