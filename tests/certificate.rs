//! The certified gap is never below the exact one, over random problems and engines.

#[path = "problems/settings.rs"]
mod settings;

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
