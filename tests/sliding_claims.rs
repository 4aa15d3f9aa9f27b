//! What averages claim for themselves is never below the truth, on random problems with flipped labels and few neurons,
//! in which own-sign pairs cross, pairs enter and leave. Stepping is the truth.
//!
//! ```text
//! FARFIELD_CLAIMS=300 cargo test --test sliding_claims -- --nocapture     # more of them, with the ratios of claim and truth
//! ```

mod problems;

use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, EngineKind, Flips, Reached, Stop};
use problems::{Recipe, problem};

/// Margins differ by roundings of this size where nothing else is left.
const ROUNDINGS: f64 = 1e-12;

/// Problem k: its numbers run through their ranges with steps that have no common period.
fn recipe(k: usize) -> Recipe {
    let part = |step: f64| ((k as f64 + 0.5) * step).fract();
    let between = |low: f64, high: f64, step: f64| low * (high / low).powf(part(step));
    let n = between(8.0, 40.0, 0.618).round() as usize;
    Recipe {
        name: "noisy",
        seed: 1000 + k as u64,
        n,
        d: (n as f64 * between(0.7, 30.0, 0.414)).round() as usize,
        signal: between(0.5, 8.0, 0.732),
        label_noise: between(0.05, 0.4, 0.236),
        positive: 1 + k * 7 % 6,
        negative: 1 + k * 5 % 9,
        leak: between(0.05, 0.8, 0.317),
        init: [1e-6, 1e-3, 0.03, 0.3][k % 4],
        ..Recipe::default()
    }
}

/// The largest difference of the margins of a problem, relative to the largest, and what was claimed, at each t while
/// averages are at work.
fn claims(recipe: &Recipe) -> Vec<(f64, f64, f64)> {
    let p = problem(recipe);
    let begin = |warp| Voyage::new(p.clone(), 0.0, Flips::default(), Options { warp, ..Options::default() });
    let (mut averages, mut steps) = (begin(true), begin(false));
    let margins =
        |engine: &Voyage| p.network.margins(engine.coefficients().compensated_preactivations().hi(), &p.labels);
    let mut seen = Vec::new();
    for t in [1e4, 3e4, 1e5] {
        if averages.advance(t, &Stop::default()) != Reached::Target {
            break; // its weights are no longer finite, or it may step no more
        }
        if averages.kind() != EngineKind::Sliding {
            continue;
        }
        assert_eq!(steps.advance(t, &Stop::default()), Reached::Target);
        let (exact, found) = (margins(&steps), margins(&averages));
        let top = exact.iter().fold(0.0f64, |top, q| top.max(q.abs()));
        let error = exact.iter().zip(&found).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top;
        seen.push((t, error, averages.segments().iter().map(|s| s.error_estimate).sum()));
    }
    seen
}

fn many() -> usize {
    std::env::var("FARFIELD_CLAIMS").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

#[test]
fn never_below_the_truth() {
    compare(recipe);
}

/// The same with leak 0, where bounded samples keep their weight and throw pairs back by a fixed way. With `FARFIELD_CLAIMS=300` it
/// fails: 4 of 503 claims, of the problems 62 and 156, are below the truth, by a factor of 1.7 at most (docs/theory.md, The ends of the leak).
#[test]
fn never_below_the_truth_of_the_relu() {
    compare(|k| Recipe { leak: 0.0, ..recipe(k) });
}

fn compare(recipe: impl Fn(usize) -> Recipe) {
    let many = many();
    let (mut ratios, mut broken, mut void) = (Vec::new(), Vec::new(), 0);
    for k in 0..many {
        for (t, error, claimed) in claims(&recipe(k)) {
            if error > claimed + ROUNDINGS {
                broken.push(format!("problem {k}, t = {t:e}: error {error:e}, claimed {claimed:e}"));
            }
            void += u32::from(claimed > 1e-5); // ten times the tolerance
            ratios.push(claimed / error.max(ROUNDINGS));
            println!("{k} t = {t:.0e}: error {error:.1e}, claimed {claimed:.1e}");
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (most, middle) = (ratios.last().copied(), ratios.get(ratios.len() / 2).copied());
    println!("{} claims, {void} above 1e-5; claim/truth: median {middle:?}, most {most:?}", ratios.len());
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(ratios.len() >= many / 6, "only {} claims in {many} problems", ratios.len());
}

/// An own-sign pair crosses slowly, and its push there is thirty times its speed: the first ripple that carries it beyond
/// zero decides, some forty steps before the averages are there, and another pair leaves its kink with it.
#[test]
fn an_early_crossing() {
    let seen = claims(&recipe(218));
    assert!(!seen.is_empty());
    for (t, error, claimed) in seen {
        assert!(error <= claimed, "t = {t:e}: error {error:e}, claimed {claimed:e}");
    }
}
