//! The certified gap is never below the exact one, over random problems and engines.

use farfield::config::Config;
use farfield::descent::run::{run, schedule};
use farfield::engine::Stop;
use farfield::monitor::Monitor;
use farfield::problem::Problem;
use farfield::start;
use proptest::prelude::*;

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
        ];
        let config = Config::load(None, &settings).expect("a valid configuration");
        let problem = Problem::build(&config).expect("a problem");
        let mut engine = start::engine(&config, &problem).expect("an engine");
        let mut monitor = Monitor::new(problem.setting());
        // Without a consistent limit the pattern may chatter, and every step is taken.
        let times: Vec<f64> = schedule(config.descent.steps, 2).into_iter().filter(|t| *t <= 3e3 || n < 4).collect();
        let mut rows = Vec::new();
        run(&mut *engine, &mut monitor, &times, 0.0, &Stop::default(), &mut |row| rows.push(row.clone()));
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
    let settings = ["data.n=20", "data.d=200", "data.signal=6", "descent.steps=1e300"].map(String::from);
    let config = Config::load(None, &settings).expect("a valid configuration");
    let problem = Problem::build(&config).expect("a problem");
    let mut engine = start::engine(&config, &problem).expect("an engine");
    let mut monitor = Monitor::new(problem.setting());
    let mut ratios = Vec::new();
    run(&mut *engine, &mut monitor, &[0.0, 1e4, 1e12, 1e100, 1e300], 0.0, &Stop::default(), &mut |row| {
        if let (Some(certified), Some(exact)) = (row.certified_cosine_gap, row.cosine_gap) {
            ratios.push((certified / exact).sqrt());
        }
    });
    assert_eq!(ratios.len(), 4);
    assert!(ratios.windows(2).all(|w| w[1] < w[0]), "{ratios:?}");
    assert!(ratios[3] < 1.05, "{ratios:?}");
}
