//! The certified gap is never below the exact one, over random problems and engines.

#[path = "problems/settings.rs"]
mod settings;

use farfield::inner_products::Imaged;
use farfield::{CertifiedFor, Data, Descent, Loss, Matrix, Network, Options, Problem, Reduction, Row, Start, StepSize};
use proptest::prelude::*;
use settings::Settings;
use std::ops::ControlFlow::Continue;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn certified_gap_bounds_the_exact_gap(
        n in 1u32..30,
        d in 1u32..120,
        width in 1u32..7,
        positive in 0u32..7,
        signal in 0.0f64..12.0,
        label_noise in prop_oneof![Just(0.0), 0.0f64..0.3],
        leak in 0.01f64..0.99,
        init in prop_oneof![Just(1e-6), Just(0.1)],
        steps in prop_oneof![Just(300.0), Just(1e5), Just(1e30)],
        direct in any::<bool>(),
        mean in any::<bool>(),
        logistic in any::<bool>(),
        seed in 0u32..1000,
    ) {
        let direct = direct && steps < 1e4;
        let settings = [
            format!("seed={seed}"),
            format!("data.n={n}"),
            format!("data.d={d}"),
            format!("data.signal={signal}"),
            format!("data.label_noise={label_noise}"),
            format!("network.width={width}"),
            format!("network.positive={}", positive.min(width)),
            format!("network.leak={leak}"),
            format!("network.init_scale={init}"),
            format!("descent.steps={}", if label_noise > 0.0 { f64::min(steps, 3e3) } else { steps }),
            format!("descent.engine={}", if direct { "direct" } else { "gram" }),
            format!("descent.reduction={}", if mean { "mean" } else { "sum" }),
            format!("descent.loss={}", if logistic { "logistic" } else { "exponential" }),
        ];
        let recipe = Settings::new(&settings);
        // Without a consistent limit the pattern may chatter, and every step is taken.
        let horizon = if n < 4 { recipe.steps } else { recipe.steps.min(3e3) };
        let mut rows = Vec::new();
        recipe.descent().run(horizon, |row| {
            rows.push(row.clone());
            Continue(())
        });
        for row in rows {
            if let Some(exact) = row.cosine_gap {
                prop_assert!(exact >= 0.0);
                if let Some(certified) = row.certified_cosine_gap {
                    prop_assert!(certified >= exact, "t = {}: certified {certified:e} below exact {exact:e}", row.t);
                }
            }
        }
    }
}

/// The certified angle over the true one tends to 1, down to the rounding that the certificate adds.
#[test]
fn the_certificate_becomes_tight() {
    let settings = ["data.n=20", "data.d=200", "data.signal=6", "descent.steps=1e300"];
    let mut descent = Settings::new(&settings).descent();
    let ratios = [1e4, 1e12, 1e100, 1e300].map(|t| {
        let row = &descent.run(t, |_| Continue(())).row;
        (row.certified_cosine_gap.expect("a certificate") / row.cosine_gap.expect("a limit")).sqrt()
    });
    assert!(ratios.windows(2).all(|w| w[1] < w[0]), "{ratios:?}");
    assert!(ratios[3] < 1.05, "{ratios:?}");
}

/// A row of a run, and W's true angle to the limit that the run comes to in the end.
struct Seen {
    row: Row,
    gap: Option<f64>,
}

/// A run to a horizon twice: for its last limit, and to compare with it on the way.
fn followed(recipe: &Settings, horizon: f64) -> Vec<Seen> {
    let mut rows = Vec::new();
    let mut first = recipe.descent();
    first.run(horizon, |row| {
        rows.push(row.clone());
        Continue(())
    });
    let lasting =
        rows.last().is_some_and(|row| row.certified_for.is_some_and(|whose| whose != CertifiedFor::PresentSides));
    let limit = first.monitor().limit().filter(|_| lasting).cloned();
    let mut again = recipe.descent();
    let compare = |row: Row| {
        let gap = limit.as_ref().map(|limit| {
            again.run(row.t, |_| Continue(()));
            let gram = again.problem().data.gram().expect("K is held").clone();
            let unit = Imaged::new(&*gram, limit.direction.clone().scaled(-1.0 / limit.norm));
            let chord = again.iterate().combined_norm(1.0 / row.weight_norm, &unit);
            0.5 * chord * chord
        });
        Seen { row, gap }
    };
    rows.into_iter().map(compare).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lasting_claims_last(
        n in 1u32..10,
        d in 10u32..100,
        width in 1u32..5,
        one_sided in any::<bool>(),
        signal in 0.0f64..8.0,
        leak in 0.02f64..0.9,
        init in prop_oneof![Just(1e-3), Just(0.1), Just(1.0)],
        logistic in any::<bool>(),
        seed in 0u32..1000,
    ) {
        let recipe = Settings::new(&[
            format!("seed={seed}"),
            format!("data.n={n}"),
            format!("data.d={d}"),
            format!("data.signal={signal}"),
            format!("network.width={width}"),
            format!("network.positive={}", if one_sided { width } else { width.div_ceil(2) }),
            format!("network.leak={leak}"),
            format!("network.init_scale={init}"),
            "descent.steps=1e300".into(),
            "descent.engine=gram".into(),
            format!("descent.loss={}", if logistic { "logistic" } else { "exponential" }),
        ]);
        lasts(&recipe, 1e300).map_err(TestCaseError::fail)?;
    }
}

/// Where the certificate is said to be for a limit that lasts it bounds the angle to the limit at the horizon, and no
/// bit changes before the t that was proved; how many bounds there were.
fn lasts(recipe: &Settings, horizon: f64) -> Result<usize, String> {
    let seen = followed(recipe, horizon);
    let (mut proved, mut bounds) = ((0.0, 0), 0);
    for Seen { row, gap } in &seen {
        if row.t <= proved.0 && row.flips.count != proved.1 {
            return Err(format!("t = {}: proved until {}", row.t, proved.0));
        }
        if let Some(until) = row.final_until.filter(|until| *until > proved.0) {
            proved = (until, row.flips.count);
        }
        let lasting = row.certified_for.is_some_and(|whose| whose != CertifiedFor::PresentSides);
        if let (Some(certified), Some(gap), true) = (row.certified_cosine_gap, gap, lasting) {
            if certified < gap * (1.0 - 1e-9) {
                return Err(format!("t = {}: {certified:e} below {gap:e}, {:?}", row.t, row.certified_for));
            }
            bounds += 1;
        }
    }
    Ok(bounds)
}

/// The same for the ReLU and for the linear model, on some hundred problems to 10¹², flipped labels and dead neurons included.
#[test]
fn claims_last_at_the_ends_of_the_leak() {
    for leak in [0, 1] {
        let mut bounds = 0;
        for k in 0..100u32 {
            let of = |choices: [&str; 5], step: u32| choices[(k / step) as usize % 5].to_string();
            let width = of(["1", "2", "3", "4", "8"], 3);
            let recipe = Settings::new(&[
                format!("seed={k}"),
                format!("data.n={}", 1 + k % 12),
                format!("data.d={}", of(["10", "20", "40", "80", "150"], 2)),
                format!("data.signal={}", of(["0.3", "1", "3", "5", "9"], 1)),
                format!("data.label_noise={}", of(["0", "0", "0.1", "0", "0.3"], 7)),
                format!("network.width={width}"),
                format!("network.leak={leak}"),
                format!("network.init_scale={}", of(["1e-6", "1e-3", "0.1", "0.3", "1"], 1)),
                "descent.steps=1e12".into(),
                "descent.engine=gram".into(),
                format!("descent.loss={}", if k % 2 == 0 { "logistic" } else { "exponential" }),
            ]);
            bounds += lasts(&recipe, 1e12).unwrap_or_else(|why| panic!("leak {leak}, {k}: {why}"));
        }
        println!("leak {leak}: {bounds} bounds");
        assert!(bounds > 500, "leak {leak}: {bounds}");
    }
}

/// One sample and two neurons of its sign, the second on the wrong side: z₂ = −a grows by γ times what z₁ does,
/// `q ≈ log t`, and reaches 0 where `S = αΣs` is `a√2/γ` for a sample of length 1. The proof foresees it.
#[test]
fn a_late_crossing_is_foreseen() {
    [Loss::Exponential, Loss::Logistic].into_iter().for_each(foresee);
}

fn foresee(loss: Loss) {
    let data = Data::new(Matrix::new(1, 1, vec![1.0]), vec![1.0]).expect("a sample");
    let network = Network::new(2, 2, 0.1).expect("a network");
    let problem = Problem::with(&data, network, StepSize::Fixed(1.0), Reduction::Sum).expect("a problem");
    let problem = problem.with_loss(loss);
    let start = Start::Weights(Matrix::new(2, 1, vec![1.0, -5.0]).into());
    let mut descent = Descent::with(&problem, &start, &Options::default()).expect("a descent");
    let (mut foreseen, mut rows) = (0.0f64, Vec::new());
    descent.run(1e300, |row| {
        rows.push(row.clone());
        Continue(())
    });
    let crossing = rows.iter().find(|row| row.flips.count > 0).expect("it crosses").flips.last;
    for row in rows.iter().filter(|row| row.t < crossing) {
        assert_ne!(row.certified_for, Some(CertifiedFor::Observed), "t = {}", row.t);
        let until = row.final_until.unwrap_or(row.t);
        assert!(until <= crossing, "t = {}: {until:e} for a crossing at {crossing:e}", row.t);
        foreseen = foreseen.max(if row.t < 1e6 { until } else { 0.0 });
    }
    assert!(foreseen > 0.5 * crossing, "{foreseen:e} of {crossing:e}");
    let last = rows.last().expect("rows");
    assert_eq!((last.certified_for, last.final_until), (Some(CertifiedFor::Proved), Some(f64::INFINITY)));
}
