//! Averages of chattering neurons against gradient descent step by step.
//!
//! ```text
//! cargo bench --bench sliding                          # 20 mixtures with flipped labels; minutes of stepping each
//! cargo bench --bench sliding -- 0 7                   # some of them
//! cargo bench --bench sliding -- KEY=VALUE…            # the problem of these settings, as for `farfield run`
//! cargo bench --bench sliding -- --test                # two small ones, not as far; results checked
//! ```
//!
//! One line for each t: the largest difference of the margins from those of the stepped run with what was claimed
//! for it, and the same without the ripple, for the stepped iterate projected onto its kinks; all relative to
//! the largest margin. Then where the run stands at t = 10¹².

#[path = "../../tests/problems/mixtures.rs"]
mod mixtures;

use farfield::descent::sliding::Sliding;
use farfield::engine::{Engine, EngineKind, Reached, Stop};
use farfield::monitor::Monitor;
use farfield_cli::config::Config;
use farfield_cli::setup::Setup;
use farfield_cli::summary::remark_text;
use mixtures::{Case, MIXTURES, mixture};
use std::time::Instant;

impl Case {
    /// The stepped and the averaged run side by side; whether every claim holds.
    fn against_steps(&self, times: &[f64]) -> bool {
        let (mut steps, mut averages) = (self.engine(false), self.engine(true));
        let mut holds = true;
        for &t in times {
            let clock = Instant::now();
            assert_eq!(steps.advance(t, &Stop::default()), Reached::Target);
            let stepping = clock.elapsed().as_secs_f64();
            assert_eq!(averages.advance(t, &Stop::default()), Reached::Target);
            let (exact, found) = (self.margins(steps.coefficients()), self.margins(averages.coefficients()));
            let top = exact.iter().fold(0.0f64, |top, q| top.max(q.abs()));
            let error = difference(&exact, &found) / top;
            let averaged = averages.sliding().and_then(|sliding| {
                let projected = Sliding::new(steps.coefficients(), sliding.mode().places.clone())?.iterate(&self.span);
                let left = difference(&self.margins(&projected), &found) / top;
                Some(format!("averages {left:7.1e} of {:7.1e}", sliding.bound()))
            });
            let averaged = averaged.unwrap_or_default();
            let claimed: f64 = averages.segments().iter().map(|s| s.error_estimate).sum();
            let taken: u64 = averages.segments().iter().map(|s| s.steps_taken).sum();
            let from =
                averages.segments().iter().find(|s| s.engine == EngineKind::Sliding).map_or(f64::NAN, |s| s.from);
            println!(
                "   t = {t:7.0e}  {:7}  error {error:7.1e} of {claimed:7.1e}  {averaged}  {taken} steps taken, sliding \
                 from {from}; stepping {stepping:.1} s",
                averages.kind()
            );
            holds &= error <= claimed.max(1e-12);
        }
        holds
    }

    /// Where the run stands at the horizon; whether its limit is consistent.
    fn far(&self, horizon: f64) -> bool {
        let clock = Instant::now();
        let (mut engine, mut monitor) = (self.engine(true), Monitor::new(&self.problem));
        engine.advance(horizon, &Stop::default());
        let row = monitor.observe(&mut engine);
        let (state, seconds) = (monitor.pattern_state(&row), clock.elapsed().as_secs_f64());
        let gap = row.dual_gap.map_or("unknown".into(), |gap| format!("{gap:.1e}"));
        let seen = engine.remark().or_else(|| monitor.remark());
        let why = seen.map_or(String::new(), |why| format!("; {}", remark_text(&why)));
        println!("   t = {:7.0e}  {state:?}, dual gap {gap}, {} flips, {seconds:.1} s{why}", row.t, row.flips.count);
        if let Some(limit) = monitor.sliding() {
            println!(
                "              {} pairs slide in the limit, {} own-sign pairs on the wrong side",
                limit.pairs.iter().map(|p| limit.limit.direction.groups.size[p.group]).sum::<usize>(),
                limit.wrong_side.len()
            );
        }
        monitor.limit().is_some()
    }
}

/// The problem of some settings.
fn case(settings: &[String]) -> Case {
    let config = Config::load(None, settings).expect("a valid configuration");
    let setup = Setup::new(&config, &farfield::Watch::default()).expect("a problem");
    Case::new((setup.problem, setup.start))
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs()))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let short = arguments.iter().any(|a| a == "--test");
    let settings: Vec<String> = arguments.iter().filter(|a| a.contains('=')).cloned().collect();
    if !settings.is_empty() {
        let case = case(&settings);
        case.against_steps(&[1e4, 1e5, 1e6, 3e6]);
        case.far(1e12);
        case.far(1e100);
        return;
    }
    let chosen: Vec<usize> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let all = if short {
        vec![1, 6]
    } else if chosen.is_empty() {
        (0..MIXTURES).collect()
    } else {
        chosen
    };
    let times: &[f64] = if short { &[1e4] } else { &[1e5, 1e6] };
    let (mut held, mut consistent) = (0, 0);
    for &k in &all {
        let settings = mixture(k);
        println!("{k}: {}", settings.join(" "));
        let case = case(&settings);
        let holds = case.against_steps(times);
        assert!(holds || !short, "a claim does not hold");
        held += usize::from(holds);
        consistent += usize::from(case.far(1e12));
    }
    println!("{} mixtures: every claim holds in {held}, a consistent limit at 1e12 in {consistent}", all.len());
}
