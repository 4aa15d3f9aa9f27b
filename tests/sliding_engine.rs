//! The averaged dynamics of chattering neurons against step-by-step descent.

mod problems;

use farfield::descent::compensated::dot;
use farfield::descent::sliding::mode::Place;
use farfield::descent::span::SpanProblem;
use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, EngineKind, Flips, Iterate, Reached, Stop};
use problems::{Recipe, problem};
use std::sync::Arc;

const STEPS: Options = Options { warp: false, tolerance: 1e-14, sliding: 0.0, mixed: false, flow: None };

fn margins(engine: &Voyage) -> Vec<f64> {
    let p = engine.coefficients().problem();
    p.network.margins(engine.coefficients().preactivations(), &p.labels)
}

/// Largest difference relative to the largest margin.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let top = a.iter().fold(0.0f64, |top, a| top.max(a.abs()));
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top
}

fn run(p: &Arc<SpanProblem>, t: f64, options: Options) -> Voyage {
    let mut engine = Voyage::new(p.clone(), 0.0, Flips::default(), options);
    assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
    engine
}

/// The margins stay within the claimed error, and at the last t within 1e-6.
fn compare(name: &str, p: &Arc<SpanProblem>, times: &[f64]) {
    let mut steps = Voyage::new(p.clone(), 0.0, Flips::default(), STEPS);
    let mut sliding = Voyage::new(p.clone(), 0.0, Flips::default(), Options::default());
    let mut error = 0.0;
    for &t in times {
        for engine in [&mut steps, &mut sliding] {
            assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
        }
        error = difference(&margins(&steps), &margins(&sliding));
        let claimed: f64 = sliding.segments().iter().map(|s| s.error_estimate).sum();
        assert!(error <= claimed, "{name}, t = {t}: claimed {claimed:e}, true {error:e}");
        println!("{name}, t = {t:e}: {} error {error:.1e}, claimed {claimed:.1e}", sliding.kind());
    }
    assert_eq!(sliding.kind(), EngineKind::Sliding, "{name}: {:?}", sliding.segments());
    assert!(error < 1e-6, "{name}: {error:e}");
    let taken: u64 = sliding.segments().iter().map(|s| s.steps_taken).sum();
    assert!(taken < 40_000, "{name}: {taken} steps taken one by one");
}

/// Mixtures with flipped labels.
fn noisy() -> Vec<Recipe> {
    let r = || Recipe { label_noise: 0.1, n: 40, d: 2000, positive: 4, negative: 4, ..Recipe::default() };
    let small = || Recipe { n: 30, d: 1000, ..r() };
    vec![
        Recipe { name: "strong signal", seed: 11, signal: 12.0, ..r() },
        Recipe { name: "weaker signal", seed: 12, signal: 4.0, ..r() },
        Recipe {
            name: "odd width",
            seed: 14,
            signal: 8.0,
            label_noise: 0.15,
            leak: 0.05,
            positive: 3,
            negative: 2,
            ..small()
        },
        Recipe { name: "wide start", seed: 15, n: 20, d: 300, signal: 6.0, label_noise: 0.3, init: 0.05, ..small() },
    ]
}

#[test]
fn label_noise_margins() {
    noisy().iter().for_each(|r| compare(r.name, &problem(r), &[1e4, 3e4, 1e5]));
}

/// Smaller mixtures of many kinds, with a quarter of the labels flipped.
fn varied(seed: u64) -> Recipe {
    let s = seed as usize;
    Recipe {
        name: "varied",
        seed,
        n: 12 + s % 20,
        d: 100 + 37 * (s % 9),
        signal: 1.0 + (seed % 7) as f64,
        label_noise: 0.25,
        positive: 1 + s % 4,
        negative: 1 + s % 3,
        leak: [0.05, 0.1, 0.3][s % 3],
        init: [1e-6, 0.05, 0.2][s % 3],
        ..Recipe::default()
    }
}

/// The first and the last change of side of every pair, step by step from `start` to `end`.
fn changes(p: &Arc<SpanProblem>, start: f64, end: f64) -> (Vec<f64>, Vec<f64>) {
    let m = p.network.width;
    let mut steps = run(p, start, STEPS);
    let (mut first, mut last) = (vec![f64::NAN; p.n() * m], vec![f64::NAN; p.n() * m]);
    let mut before = steps.coefficients().pattern().clone();
    while steps.t() < end {
        assert_eq!(steps.advance(steps.t() + 1.0, &Stop::default()), Reached::Target);
        let now = steps.coefficients().pattern().clone();
        if now != before {
            for pair in (0..p.n() * m).filter(|q| now.get(q / m, q % m) != before.get(q / m, q % m)) {
                first[pair] = first[pair].min(steps.t());
                last[pair] = steps.t();
            }
        }
        before = now;
    }
    (first, last)
}

/// What happened in a stretch, and how often.
#[derive(Debug, Default)]
struct Seen {
    entries: usize,
    exits: usize,
    crossings: usize,
    at_once: usize,
}

/// Events before 10⁵ happen in the stepped run, too, but for the ripple: within 16 steps and 2·10⁻⁴ of their t. A pair that enters changes
/// side for the first time, one that leaves for the last time (its visits to the other side become rare
/// before), one that crosses for both. Pairs with several events are left out.
fn compare_events(r: &Recipe, seen: &mut Seen) {
    const END: f64 = 1e5;
    let p = problem(r);
    let m = p.network.width;
    let averaged = run(&p, END, Options::default());
    let sliding = averaged.sliding().expect("it slides");
    let start = averaged.segments().last().expect("a segment").from;
    let (first, last) = changes(&p, start, END);
    let events = sliding.events();
    for e in events.iter().filter(|e| e.t < 0.99 * END) {
        let pair = e.sample * m + e.neuron;
        let near = |t: f64| (t - e.t).abs() < 16.0 + 2e-4 * e.t;
        seen.at_once += usize::from(events.iter().filter(|other| other.t == e.t).count() > 1);
        if events.iter().filter(|o| (o.sample, o.neuron) == (e.sample, e.neuron)).count() > 1 {
            continue;
        }
        let (seed, first, last) = (r.seed, first[pair], last[pair]);
        match (e.from, e.to) {
            (_, Place::Kink) => {
                seen.entries += 1;
                assert!(near(first) && last > 0.9 * END, "{seed}: {e:?}, stepping {first}…{last}");
            }
            (Place::Kink, _) => {
                seen.exits += 1;
                assert!((last < e.t || near(last)) && last > 0.8 * e.t, "{seed}: {e:?}, stepping {first}…{last}");
            }
            _ => {
                seen.crossings += 1;
                assert!(near(first) && near(last), "{seed}: {e:?}, stepping {first}…{last}");
            }
        }
    }
    for pair in (0..p.n() * m).filter(|q| sliding.mode().places[*q] == Place::Kink) {
        let entry = events.iter().filter(|e| e.sample * m + e.neuron == pair).map(|e| e.t).fold(0.0, f64::max);
        assert!(entry > 0.9 * END || last[pair] > 0.9 * END, "{}: pair {pair} does not chatter", r.seed);
    }
}

#[test]
fn events_happen_at_their_steps() {
    let mut seen = Seen::default();
    noisy().iter().for_each(|r| compare_events(r, &mut seen));
    [35, 46, 52, 56, 58, 67].into_iter().for_each(|seed| compare_events(&varied(seed), &mut seen));
    println!("{seen:?}");
    assert!(seen.entries >= 5 && seen.exits >= 1 && seen.crossings >= 3 && seen.at_once >= 2, "{seen:?}");
}

/// To 10³⁰⁰, with few steps taken, and never a number that is not finite.
#[test]
fn reaches_the_far_horizon() {
    for (name, p) in noisy().iter().map(|r| (r.name, problem(r))) {
        let mut engine = run(&p, 1e300, Options::default());
        assert_eq!(engine.kind(), EngineKind::Sliding, "{name}");
        assert!(margins(&engine).iter().all(|q| q.is_finite() && *q > 0.0), "{name}");
        assert!(engine.scaled_losses().expect("scaled losses").iter().all(|e| e.is_finite()), "{name}");
    }
}

/// A record of the state gives the same bits from there on.
#[test]
fn resumes_in_the_same_bits() {
    let p = problem(&noisy()[0]);
    for t in [1e3, 6e3, 2e4] {
        let mut engine = run(&p, t, Options::default());
        let state = engine.save();
        let mut again = Voyage::restore(p.clone(), &state, Options::default()).expect("a state of this problem");
        for t in [3e4, 1e7, 1e30] {
            assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(again.advance(t, &Stop::default()), Reached::Target);
            assert_eq!(engine.save().digest(), again.save().digest(), "t = {t:e}");
        }
    }
}

/// What norms and certificates go by: Z is X times the W that C makes, `z_j = z_j(0) + Kc_j`, to `k u ‖x_i‖ T_j` with the k of the certificate
/// and T_j the sizes that are summed to make w_j; in steps, in flights, in averages, and within a step ahead.
#[test]
fn preactivations_are_those_of_the_coefficients() {
    for recipe in noisy().into_iter().chain(problems::settling()) {
        let (p, d) = (problem(&recipe), recipe.d);
        let (n, m, k) = (p.n(), p.network.width, &p.gram.0);
        let mut engine = Voyage::new(p.clone(), 0.0, Flips::default(), Options::default());
        let mut kinds = Vec::new();
        for t in [10.0, 1e3, 1.7e4, 3e5, 1e8, 3e12, 1e30] {
            assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
            kinds.push(engine.kind());
            let state = engine.coefficients();
            let (c, z, first) = (state.coefficients(), state.compensated_preactivations(), &p.start.preactivations);
            let ku = 4.0 * (n + d + m + 16) as f64 * 0.5 * f64::EPSILON;
            for j in 0..m {
                let size: f64 = (0..n).map(|l| c.hi()[l * m + j].abs() * k[(l, l)].sqrt()).sum();
                let bound = |i: usize| ku * k[(i, i)].sqrt() * (p.start.squared_norms[j].sqrt() + size);
                for i in 0..n {
                    let terms = (0..n).flat_map(|l| [(k[(i, l)], c.hi()[l * m + j]), (k[(i, l)], c.lo()[l * m + j])]);
                    let (hi, lo) = dot(terms.chain([(1.0, first[i * m + j])]));
                    let off = (z.hi()[i * m + j] - hi + (z.lo()[i * m + j] - lo)).abs();
                    assert!(off <= bound(i), "{}, t = {t}, {i} {j}: {off:e} of {:e}", recipe.name, bound(i));
                }
            }
        }
        println!("{}: {kinds:?}", recipe.name);
    }
}
