//! What is read, what is written back, and what is refused.

use super::*;
use proptest::prelude::*;

fn load(settings: &[&str]) -> Result<Config> {
    Config::load(None, &settings.iter().map(|s| s.to_string()).collect::<Vec<_>>())
}

#[test]
fn defaults_survive_a_round_trip() {
    let config = Config::default();
    let again = Config::from_toml(&config.to_toml()).unwrap();
    assert_eq!(config, again);
}

#[test]
fn settings_override_in_order() {
    assert_eq!(load(&["data.n=3", "data.n=1e3"]).unwrap().data.n, 1000);
    let c = load(&["descent.step_size=0.5", "data.source=a.npy", "descent.steps=1e300"]).unwrap();
    assert_eq!(c.descent.step_size, StepSize::Fixed(0.5));
    let whole = std::path::absolute("a.npy").unwrap().display().to_string();
    assert_eq!((c.data.source, c.descent.steps), (Source::File(whole), 1e300));
    for rows in ["7", "10:30", "0:100,150", "5:", "-2:"] {
        let c = load(&["data.source=a.csv", "data.labels=-1", &format!("data.rows={rows}")]).unwrap();
        assert_eq!((c.data.labels.as_str(), c.data.rows.as_str()), ("-1", rows));
    }
}

#[test]
fn gradient_flow_needs_what_it_needs() {
    let flow = "descent.step_size=flow";
    let config = load(&[flow, "descent.steps=0.25"]).unwrap(); // a time
    assert_eq!((config.descent.step_size, config.descent.steps), (StepSize::Flow, 0.25));
    assert!(config.to_toml().contains("step_size = \"flow\"") && !config.to_toml().contains("sliding_tolerance"));
    for (setting, expected) in [
        ("descent.engine=direct", "on K"),
        ("descent.precision=mixed", "f64"),
        ("descent.precision=f32", "f64"),
        ("descent.warp=false", "descent.warp = true"),
        ("network.init_scale=0", "every kink"),
        ("descent.sliding_tolerance=1e-5", "no effect"),
        ("descent.steps=-0.5", "a time"),
    ] {
        let message = load(&[flow, setting]).expect_err(setting).to_string();
        assert!(message.contains(expected) && !message.contains('\n'), "{setting}: {message}");
    }
    assert!(load(&[flow, "network.init_scale=0", "network.leak=1"]).is_ok()); // no kinks
    assert!(load(&["descent.steps=0.25"]).is_err());
}

#[test]
fn further_columns_have_names() {
    let columns = |text: &str| load(&[&format!("monitor.columns={text}")]).map(|c| c.monitor.columns);
    assert_eq!(columns("all").unwrap(), farfield::Measure::ALL);
    assert_eq!(columns("none").unwrap(), []);
    let two = [farfield::Measure::StableRank, farfield::Measure::Sharpness];
    for text in ["sharpness,stable_rank", "sharpness, stable_rank,sharpness", r#"["stable_rank", "sharpness"]"#] {
        assert_eq!(columns(text).unwrap(), two, "{text}");
    }
    for text in ["rank", "stable_rank,", "3", "[3]", "true"] {
        let message = columns(text).expect_err(text).to_string();
        assert!(message.contains("monitor.columns") && message.contains("mean_cosine"), "{text}: {message}");
    }
    let message = load(&["data.source=a.npy", "data.labels=y.npy", "monitor.test_error=true"]).expect_err("of a file");
    assert!(message.to_string().contains("monitor.test_error has no effect"), "{message}");
}

#[test]
fn errors_are_one_line_and_name_the_key() {
    let cases = [
        ("network.widht=4", "network.width"),
        ("widht=4", "network.width"),
        ("dta.n=4", "data.n"),
        ("data=4", "section"),
        ("data.n.k=4", "data.n"),
        ("data.n=0", "data.n"),
        ("data.n=1.5", "whole number"),
        ("data.n=many", "whole number"),
        ("network.leak=1.001", "from 0 to 1"),
        ("network.leak=-0.001", "from 0 to 1"),
        ("network.leak=nan", "network.leak"),
        ("network.positive=9", "network.positive"),
        ("descent.steps=-1", "descent.steps"),
        ("descent.steps=soon", "descent.steps"),
        ("descent.step_size=fast", "step_size"),
        ("descent.step_size=-1", "descent.step_size"),
        ("descent.engine=gpu", "direct"),
        ("descent.precision=f16", "mixed"),
        ("data.n", "KEY=VALUE"),
        ("data.rows=0:10", "data.source"),
        ("data.columns=true", "data.columns"),
        ("data.holdout=1", "data.holdout"),
        ("data.holdout=-0.1", "data.holdout"),
        ("data.holdot=0.1", "data.holdout"),
    ];
    for (setting, expected) in cases {
        let message = load(&[setting]).expect_err(setting).to_string();
        assert!(message.contains(expected), "{setting}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

/// A key that does nothing names the one that takes its effect away; values that ask for nothing may stand.
#[test]
fn keys_without_effect() {
    const FILE: &str = "data.source=x.npy";
    let cases: [(&[&str], &str, &str); 33] = [
        (&[FILE, "data.n=100"], "data.n", "data.source"),
        (&[FILE, "data.d=7"], "data.d", "data.source"),
        (&[FILE, "data.signal=2"], "data.signal", "data.source"),
        (&[FILE, "data.noise=gaussian"], "data.noise", "data.source"),
        (&[FILE, "data.spectrum=power:1"], "data.spectrum", "data.source"),
        (&[FILE, "data.label_noise=0.0"], "data.label_noise", "data.source"),
        (&[FILE, "data.balance=0.3"], "data.balance", "data.source"),
        (&[FILE, "data.sampling=rows"], "data.sampling", "data.source"),
        (&[FILE, "data.stream=2"], "data.stream", "data.source"),
        (&["data.labels=y.npy"], "data.labels", "data.source"),
        (&["data.rows=0:10"], "data.rows", "data.source"),
        (&["data.columns=0:10"], "data.columns", "data.source"),
        (&["data.standardize=rows"], "data.standardize", "data.source"),
        (&["data.positive_class=b"], "data.positive_class", "data.source"),
        (&["data.format=csv"], "data.format", "data.source"),
        (&["data.header=false"], "data.header", "data.source"),
        (&["data.index_base=0"], "data.index_base", "data.source"),
        (&["data.features=5"], "data.features", "data.source"),
        (&["data.test=x.npy"], "data.test", "is exact"),
        (&["data.test_labels=y.npy"], "data.test_labels", "is exact"),
        (&["data.holdout=0.2"], "data.holdout", "is exact"),
        (&[FILE, "data.test=z.npy", "data.holdout=0.2"], "data.holdout", "data.test"),
        (&[FILE, "data.holdout=0.2", "data.test_labels=y.npy"], "data.test_labels", "data.test"),
        (&["data.dof=5"], "data.dof", "data.noise"),
        (&["data.label_noise_kind=smallest-margin"], "data.label_noise_kind", "data.label_noise"),
        (&[FILE, "data.label_noise_kind=random"], "data.label_noise_kind", "data.source"),
        (&[FILE, "data.rotated=true"], "data.rotated", "data.source"),
        (&[FILE, "data.clusters=xor"], "data.clusters", "data.source"),
        (&["network.init=w.npy", "network.init_scale=1"], "network.init_scale", "network.init"),
        (&[FILE, "network.init=w.npy", "seed=3"], "seed", "network.init"),
        (&["descent.warp=false", "descent.sliding_tolerance=1e-3"], "descent.sliding_tolerance", "descent.warp"),
        (&["network.leak=1", "descent.sliding_tolerance=1e-3"], "descent.sliding_tolerance", "network.leak"),
        (&["monitor.require=true"], "monitor.require", "monitor.angle_tolerance"),
    ];
    for (settings, key, other) in cases {
        let message = load(settings).expect_err(key).to_string();
        assert!(message.starts_with(&format!("{key} has no effect: ")) && message.contains(other), "{message}");
    }
    for settings in [
        &["data.labels=", "data.standardize=none", "data.header=auto", "network.init=", "data.index_base=auto"][..],
        &["data.noise=student-t", "data.dof=5"],
        &["network.init=w.npy", "seed=3"],
        &[FILE, "network.init=w.npy", "data.holdout=0.2", "seed=3"],
        &["data.test=", "data.test_labels=", "data.holdout=0.0"],
        &["data.holdout=0"],
        &["monitor.require=true", "monitor.angle_tolerance=0.1"],
        &["descent.engine=direct", "descent.warp=false", "descent.tied=false"],
    ] {
        load(settings).unwrap();
    }
}

/// What is written has an effect, and is accepted again.
#[test]
fn what_is_recorded_is_accepted_again() {
    for settings in [
        &["data.source=x.csv", "data.labels=kind", "data.header=true", "data.positive_class=b"][..],
        &["data.source=x.svm", "data.index_base=0", "data.features=9", "data.rows=0:3"],
        &["data.source=x.npy", "data.labels=y.npy", "network.init=w.npy"],
        &["data.source=x.csv", "data.labels=-1", "data.test=z.csv", "data.test_labels=kind"],
        &["data.source=x.csv", "data.labels=-1", "data.holdout=0.25", "network.init=w.npy", "seed=4"],
        &["data.noise=student-t", "data.dof=5", "seed=18446744073709551615"],
        &["data.noise=pareto:2.5", "data.spectrum=power:1", "data.rotated=true"],
        &["data.noise=weibull:0.5", "data.label_noise=0.1", "data.label_noise_kind=smallest-margin"],
        &["data.stream=2", "data.sampling=gram"],
        &["descent.engine=direct", "descent.warp=false"],
        &["data.clusters=xor", "data.rotated=true", "data.spectrum=power:1"],
        &["network.leak=0", "descent.sliding_tolerance=1e-3"],
        &["network.leak=1"],
    ] {
        let config = load(settings).unwrap().resolved().unwrap();
        let text = config.to_toml();
        let again = Config::from_toml(&text).unwrap();
        assert_eq!(again, config, "{text}");
        let file = config.data.source != Source::Mixture;
        assert_eq!(text.contains("\nn = ") || text.contains("\nd = "), !file, "{text}");
    }
}

#[test]
fn seeds_reach_two_to_the_64() {
    for text in ["18446744073709551615", "0xffffffffffffffff", "\"18446744073709551615\"", "18_446_744_073_709_551_615"]
    {
        assert_eq!(Config::from_toml(&format!("seed = {text}")).unwrap().seed, u64::MAX, "{text}");
    }
    assert_eq!(load(&["seed=18446744073709551615"]).unwrap().seed, u64::MAX);
    assert_eq!(load(&["seed=9007199254740993"]).unwrap().seed, 9007199254740993);
    for text in ["18446744073709551616", "-1", "1.5", "1e300", "\"x\""] {
        let message = Config::from_toml(&format!("seed = {text}")).unwrap_err().to_string();
        assert!(message.contains("18446744073709551615") && message.len() < 200, "{message}");
    }
    assert_eq!(Config::from_toml("[descent]\nsteps = 10000000000000000000000").unwrap().descent.steps, 1e22);
}

#[test]
fn the_nearest_key_is_looked_for_in_its_section() {
    for (key, expected) in [
        ("monitor.sample_per_decade", "monitor.samples_per_decade"),
        ("network.initial", "network.init"),
        ("data.label", "data.labels"),
        ("output.weight", "output.weights"),
        ("descent.step", "descent.steps"),
        ("network.n", "data.n"),
        ("descent.leak", "network.leak"),
        ("label_noise", "data.label_noise"),
        ("sed", "seed"),
    ] {
        let message = load(&[&format!("{key}=1")]).unwrap_err().to_string();
        assert!(message.ends_with(&format!("did you mean {expected}?")), "{message}");
    }
}

#[test]
fn large_numbers_are_named_by_their_limit() {
    let digits = format!("1{}", "0".repeat(300));
    for (setting, limit) in [
        (format!("data.n={digits}"), "1000000000"),
        ("network.width=4000000000000000000".into(), "1000000000"),
        ("network.width=1e300".into(), "1000000000"),
        ("data.d=1e18".into(), "1000000000000"),
        ("monitor.samples_per_decade=1e12".into(), "1000000"),
        (format!("descent.steps={digits}0"), "1e300"),
        (format!("data.balance={digits}"), "1e300"),
        (format!("data.n=-{digits}"), "0 or more"),
        (format!("network.leak={digits}.0"), "from 0 to 1"),
    ] {
        let message = load(&[&setting]).unwrap_err().to_string();
        assert!(message.contains(limit) && message.len() < 160, "{message}");
    }
}

#[test]
fn deep_keys_are_refused() {
    for setting in [
        format!("{}=1", ".".repeat(60_000)),
        format!("{}n=1", "data.".repeat(60_000)),
        format!("data.n={}", "[".repeat(60_000)),
        format!("data.n={}1{}", "{a=".repeat(60_000), "}".repeat(60_000)),
        "x".repeat(60_000),
    ] {
        let message = load(&[&setting]).unwrap_err().to_string();
        assert!(message.lines().count() == 1 && message.len() < 250, "{message}");
        let message = Config::from_toml(&setting.replacen('=', " = ", 1)).unwrap_err().to_string();
        assert!(message.lines().count() == 1, "{message}");
    }
}

/// Paths of a file begin in its folder, those of settings in the working directory.
#[test]
fn where_paths_begin() {
    let folder = std::env::temp_dir().join(format!("farfield-paths-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("in")).unwrap();
    let file = folder.join("in/c.toml");
    let text = "[data]\nsource = \"../x.npy\"\nlabels = \"y\"\n[network]\ninit = \"w.npy\"\n";
    std::fs::write(&file, format!("\u{feff}{text}")).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let config = Config::load(Some(&file), &[]).unwrap();
    assert_eq!(config.data.source, Source::File(path("in/../x.npy")));
    assert_eq!((config.data.labels, config.network.init), (path("in/y"), path("in/w.npy")));
    let here = |name: &str| std::path::absolute(name).unwrap().display().to_string();
    let config = Config::load(Some(&file), &["data.source=z.csv".into(), "network.init=v.npy".into()]).unwrap();
    assert_eq!(config.data.source, Source::File(here("z.csv")));
    // a column of a table
    assert_eq!((config.data.labels.as_str(), config.network.init), ("y", here("v.npy")));
    let config = Config::load(Some(&file), &["data.source=z.csv".into(), "data.labels=a.npy".into()]).unwrap();
    assert_eq!(config.data.labels, here("a.npy"));
    std::fs::remove_dir_all(folder).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_setting_panics(settings in prop::collection::vec("(data|network|descent|seed|x)?[.]?(n|labels|rows|steps|leak|width)?[.=]{0,2}[-0-9a-z.:\"\\[\\]{}= ]{0,12}", 1..4)) {
        if let Err(error) = Config::load(None, &settings) {
            prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
        }
    }

    #[test]
    fn no_text_panics(text in "(\\[(data|network|descent)\\]\n)?((n|d|seed|source|labels|noise|dof|steps|leak) ?= ?[-+0-9a-z.\"'_]{0,9}\n){0,4}.{0,9}") {
        match Config::from_toml(&text) {
            Ok(config) => prop_assert_eq!(Config::from_toml(&config.to_toml()).unwrap(), config),
            Err(error) => prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error),
        }
    }
}
