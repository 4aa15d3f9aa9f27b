//! What `farfield verify` says of folders as commands leave them, and of folders in which something was changed: with their
//! digests as they were, or made to fit, so that only the mathematics can find it.

mod common;

use common::{farfield, folder, refused, stderr, stdout, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const SMALL: [&str; 4] = ["-s", "data.n=30", "-s", "data.d=300"];

/// Neurons slide, and averages are in use at the end.
const SLIDES: [&str; 12] = [
    "-s",
    "data.n=40",
    "-s",
    "data.d=500",
    "-s",
    "data.signal=6",
    "-s",
    "data.label_noise=0.15",
    "-s",
    "network.init_scale=1e-4",
    "-s",
    "descent.steps=1e9",
];

/// A command's folder; what it exits with.
fn made(name: &str, command: &str, code: i32, settings: &[&str]) -> PathBuf {
    let dir = folder(&format!("verify-{name}"));
    let out = farfield(&[&[command, "-o", text(&dir)], settings].concat());
    assert_eq!(out.status.code(), Some(code), "{name}: {}", stderr(&out));
    dir
}

/// The verdict on every claim: the exit code, and the lines as (claim, verdict, why).
fn verdicts(dir: &Path, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
    let out = farfield(&[&["verify", text(dir), "--json"], more].concat());
    let report: Value = serde_json::from_str(&stdout(&out)).unwrap_or_else(|e| panic!("{e}: {}", stderr(&out)));
    let field = |line: &Value, name: &str| line[name].as_str().expect("a text").to_string();
    let lines = report["claims"].as_array().expect("claims").iter();
    let lines = lines.map(|line| (field(line, "claim"), field(line, "verdict"), field(line, "why"))).collect();
    let code = out.status.code().expect("it ends");
    assert_eq!(report["verified"], Value::Bool(code == 0));
    (code, lines)
}

/// Asserts that every claim is verified; their kinds.
fn holds(dir: &Path, context: &str) -> Vec<String> {
    let (code, lines) = verdicts(dir, &[]);
    let bad: Vec<_> = lines.iter().filter(|(_, verdict, _)| verdict == "not_verified").collect();
    assert!(code == 0 && bad.is_empty(), "{context}: {bad:?}");
    lines.into_iter().filter(|(_, verdict, _)| verdict == "verified").map(|(claim, _, _)| claim).collect()
}

/// Asserts that something is found.
fn found(dir: &Path, claim: &str, context: &str) {
    let (code, lines) = verdicts(dir, &[]);
    let bad: Vec<_> = lines.iter().filter(|(_, verdict, _)| verdict == "not_verified").collect();
    assert_eq!(code, 1, "{context}: nothing is found");
    assert!(bad.iter().any(|(kind, _, _)| kind == claim), "{context}: {bad:?}");
}

/// Samples of random labels in three dimensions, which nothing separates.
fn inseparable() -> PathBuf {
    let dir = folder("verify-data");
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let row = |_| format!("{},{},{},{}\n", next() - 0.5, next() - 0.5, next() - 0.5, u8::from(next() > 0.5));
    let rows: String = (0..40).map(row).collect();
    fs::write(dir.join("data.csv"), format!("a,b,c,label\n{rows}")).unwrap();
    dir.join("data.csv")
}

#[test]
fn every_claim_of_every_kind_of_folder_holds() {
    let data = inseparable();
    let source = format!("data.source={}", data.display());
    let csv = ["-s", &source, "-s", "data.labels=label"];
    let more = |settings: &[&'static str]| [&SMALL[..], settings].concat();
    let kinds = |name: &str, command: &str, code: i32, settings: &[&str], expected: &[&str]| {
        let dir = made(name, command, code, settings);
        let found = holds(&dir, name);
        let expected = ["files", "numbers", "data"].iter().chain(expected);
        expected.for_each(|kind| assert!(found.iter().any(|f| f == kind), "{name} claims {found:?}, not {kind}"));
    };
    let all = ["margins", "distance", "margin", "kkt", "gaps", "test_error"];
    kinds("plain", "run", 0, &SMALL, &all);
    kinds("far", "run", 0, &more(&["-s", "descent.steps=1e300"]), &all);
    kinds("direct", "run", 0, &more(&["-s", "descent.engine=direct", "-s", "descent.steps=3000"]), &all);
    let mixed = ["-s", "descent.engine=direct", "-s", "descent.precision=mixed", "-s", "descent.steps=3000"];
    kinds("mixed", "run", 0, &more(&mixed), &all);
    kinds("logistic", "run", 0, &more(&["-s", "descent.loss=logistic", "-s", "descent.reduction=mean"]), &all);
    kinds("strong", "run", 0, &more(&["-s", "data.signal=60"]), &["correlated", "distance"]);
    kinds("power", "limit", 0, &more(&["-s", "data.spectrum=power:0.3"]), &["margin", "test_error"]);
    let turned = ["-s", "data.noise=laplace", "-s", "data.spectrum=power:0.3", "-s", "data.rotated=true"];
    kinds("turned", "limit", 0, &more(&turned), &["margin", "test_error", "bounded_error"]);
    let placed = ["-s", "data.label_noise=0.05", "-s", "data.label_noise_kind=smallest-margin"];
    kinds("placed", "limit", 0, &more(&placed), &["margin", "test_error"]);
    kinds("xor", "limit", 0, &more(&["-s", "data.clusters=xor"]), &["margin", "test_error"]);
    kinds(
        "heavy",
        "limit",
        0,
        &more(&["-s", "data.noise=pareto:3", "-s", "data.signal=60"]),
        &["margin", "bounded_error"],
    );
    kinds("slides", "run", 0, &SLIDES, &["margins", "distance", "margin", "kkt", "gaps"]);
    kinds("limit", "limit", 0, &SLIDES[..8], &["margin", "kkt", "test_error"]);
    kinds("noise", "run", 0, &[&SLIDES[..8], &["-s", "descent.steps=3e4"]].concat(), &["margins", "distance"]);
    kinds("rotated", "run", 0, &more(&["-s", "data.sampling=gram"]), &["margin", "kkt"]);
    kinds("cancels", "run", 5, &csv, &["margins", "inseparable"]);
    kinds("cancels-limit", "limit", 5, &csv, &["inseparable"]);
}

#[test]
fn a_rerun_compares_the_final_state() {
    let dir = made("again", "run", 0, &SMALL);
    let (code, lines) = verdicts(&dir, &["--rerun"]);
    assert!(
        code == 0 && lines.iter().any(|(claim, verdict, _)| claim == "rerun" && verdict == "verified"),
        "{lines:?}"
    );
    edit(&dir, "result.json", "digest", |digest| *digest = Value::String("0".repeat(64)));
    let (code, lines) = verdicts(&dir, &["--rerun"]);
    assert!(code == 1 && lines.iter().any(|(c, v, _)| c == "rerun" && v == "not_verified"), "{lines:?}");
}

/// A run that was moved on has a checkpoint before its last one.
#[test]
fn a_rerun_begins_at_the_checkpoint_before_the_last() {
    let dir = made("moved", "run", 0, &[&SMALL[..], &["-s", "descent.steps=1e4"]].concat());
    let more = [&["run", "--resume", "-o", text(&dir)], &SMALL[..], &["-s", "descent.steps=1e6"]].concat();
    assert_eq!(farfield(&more).status.code(), Some(0));
    let reruns = |more: &[&str]| {
        let (code, lines) = verdicts(&dir, more);
        let of = |verdict: &str| lines.iter().filter(|(c, v, _)| c == "rerun" && v == verdict).count();
        let why = lines.iter().find(|(c, v, _)| c == "rerun" && v == "verified").map(|(.., why)| why.clone());
        (code, of("only_by_rerunning"), why.unwrap_or_default())
    };
    // what was before the checkpoint stays open
    let (code, open, why) = reruns(&["--rerun"]);
    assert!((code, open) == (0, 2) && why.contains("from its checkpoint"), "{why}");
    let (code, open, why) = reruns(&["--rerun", "--from-start"]);
    assert!((code, open) == (0, 0) && why.contains("from W(0)"), "{why}");
    // a checkpoint of another run is none
    let other = made("moved-other", "run", 0, &[&SMALL[..], &["-s", "descent.steps=1e4", "-s", "seed=1"]].concat());
    fs::copy(other.join("checkpoint.bin"), dir.join("checkpoint.previous")).unwrap();
    let (code, open, why) = reruns(&["--rerun"]);
    assert!((code, open) == (0, 0) && why.contains("from W(0)"), "{why}");
}

/// Four samples, two of them near twins, for which neither a margin nor a proof that there is none is found with these sides.
#[test]
fn what_is_undecided_is_claimed_and_no_more() {
    let place = folder("verify-undecided-data");
    let (data, sides) = (place.join("data.csv"), place.join("sides.npy"));
    let rows = "-1.6832159144651655,1.4725318270796839,0\n-0.000750087526883518,0.0006562008753242638,1\n\
        0.9093945974706336,-1.9291700478768103,1\n9.54698084698646e-7,-2.0252758867157487e-6,0\n";
    fs::write(&data, format!("a,b,y\n{rows}")).unwrap();
    let bits = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    farfield_cli::files::pattern::write(&sides, &farfield::Pattern::of(&bits, 4, 3)).unwrap();
    let source = format!("data.source={}", data.display());
    let network = ["-s", "network.width=3", "-s", "network.positive=1", "-s", "network.leak=0.5"];
    let asked = [&["--pattern", text(&sides), "-s", &source, "-s", "data.labels=y"], &network[..]].concat();
    let dir = made("undecided", "limit", 4, &asked);
    let kinds = holds(&dir, "undecided");
    assert!(kinds.iter().any(|kind| kind == "undecided"), "{kinds:?}");
    // the bound is nearly all room for rounding, of which the verifier takes less than a claim must leave
    let less = |v: &mut Value| *v = Value::from(v.as_f64().unwrap() * 0.1);
    let both = |name: &str, change: &dyn Fn(&mut Value)| {
        ["certificate.json", "result.json"].iter().for_each(|file| edit(&dir, file, name, change));
        reseal(&dir);
    };
    tampered(&dir, || both("margin_interval.high", &less), || found(&dir, "undecided", "a lower bound"));
    let some = |v: &mut Value| *v = Value::from(1e-40);
    tampered(&dir, || both("margin_interval.low", &some), || found(&dir, "undecided", "a margin"));
    let lambda = numbers(&dir, "dual.npy");
    let top = (0..lambda.len()).max_by(|a, b| lambda[*a].total_cmp(&lambda[*b])).unwrap();
    let weight = || {
        change(&dir, "dual.npy", top, f64::next_up);
        reseal(&dir);
    };
    tampered(&dir, weight, || found(&dir, "undecided", "a weight"));
}

/// A margin of 1e-8: its bounds have more digits than follow from 106 bits of λ, and the folder claims none of it.
#[test]
fn bounds_that_do_not_follow_from_the_folder_are_not_claimed() {
    let data = folder("verify-twins-data").join("data.csv");
    let source = format!("data.source={}", data.display());
    for (far, claimed) in [("1e-1", true), ("1e-3", true), ("1e-8", false), ("1e-11", false)] {
        fs::write(&data, format!("a,b,y\n1,0,1\n1,{far},0\n")).unwrap();
        let dir = made("twins", "limit", 0, &["-s", &source, "-s", "data.labels=y", "--overwrite"]);
        let kinds = holds(&dir, far);
        assert_eq!(kinds.iter().any(|kind| kind == "margin"), claimed, "{far}: {kinds:?}");
        let open = verdicts(&dir, &[]).1.iter().any(|(_, verdict, _)| verdict == "only_by_rerunning");
        assert_eq!(open, !claimed, "{far}");
    }
}

#[test]
fn a_folder_without_results_is_refused() {
    refused(&farfield(&["verify", text(&folder("verify-nothing"))]), 2, &["result.json", "finished"]);
}

#[test]
fn samples_are_written_for_others() {
    let dir = made("written", "run", 0, &SMALL);
    let x = dir.join("x.npy");
    assert_eq!(farfield(&["verify", text(&dir), "--data", text(&x)]).status.code(), Some(0));
    assert_eq!(fs::metadata(&x).unwrap().len(), 128 + 8 * 30 * 300);
    assert_eq!(fs::metadata(dir.join("x.labels.npy")).unwrap().len(), 128 + 8 * 30);
}

/// Changes a value of a JSON file by its dotted name.
fn edit(dir: &Path, file: &str, name: &str, change: impl Fn(&mut Value)) {
    let mut json: Value = serde_json::from_slice(&fs::read(dir.join(file)).unwrap()).unwrap();
    match name.strip_prefix("margin_interval.").filter(|_| file == "result.json") {
        Some(end) => change(&mut json["margin_interval"][usize::from(end == "high")]),
        None if file == "result.json" => change(json.pointer_mut(&format!("/{}", name.replace('.', "/"))).unwrap()),
        None => {
            let claims = json["claims"].as_array_mut().unwrap().iter_mut();
            claims.filter_map(|claim| claim["numbers"].get_mut(name)).for_each(change);
        }
    }
    fs::write(dir.join(file), farfield_cli::json::to_json(&json)).unwrap();
}

/// Makes every digest fit the files again.
fn reseal(dir: &Path) {
    let digest = |name: &str| blake3::hash(&fs::read(dir.join(name)).unwrap()).to_hex().to_string();
    let mut certificate: Value = serde_json::from_slice(&fs::read(dir.join("certificate.json")).unwrap()).unwrap();
    for claim in certificate["claims"].as_array_mut().unwrap() {
        claim["files"].as_object_mut().unwrap().iter_mut().for_each(|(name, d)| *d = digest(name).into());
    }
    fs::write(dir.join("certificate.json"), farfield_cli::json::to_json(&certificate)).unwrap();
    let mut result: Value = serde_json::from_slice(&fs::read(dir.join("result.json")).unwrap()).unwrap();
    result["files"].as_object_mut().unwrap().iter_mut().for_each(|(name, d)| *d = digest(name).into());
    fs::write(dir.join("result.json"), farfield_cli::json::to_json(&result)).unwrap();
}

/// Does something to a folder, looks, and undoes it.
fn tampered(dir: &Path, change: impl FnOnce(), look: impl FnOnce()) {
    let before = common::contents(dir);
    change();
    look();
    before.into_iter().for_each(|(path, content)| fs::write(path, content).unwrap());
}

/// Changes number `at` of a .npy file of f64 (behind a header of 128 bytes).
fn change(dir: &Path, file: &str, at: usize, by: impl Fn(f64) -> f64) {
    let mut bytes = fs::read(dir.join(file)).unwrap();
    let place = 128 + 8 * at;
    let value = f64::from_le_bytes(bytes[place..place + 8].try_into().unwrap());
    bytes[place..place + 8].copy_from_slice(&by(value).to_le_bytes());
    fs::write(dir.join(file), bytes).unwrap();
}

/// The numbers of a .npy file of f64.
fn numbers(dir: &Path, file: &str) -> Vec<f64> {
    let bytes = fs::read(dir.join(file)).unwrap();
    bytes[128..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn a_changed_array_is_found_by_its_digest_and_where_it_matters_by_its_meaning() {
    let dir = made("arrays", "run", 0, &SMALL);
    let last = |v: f64| v.next_up();
    for file in ["margins.npy", "weights.npy", "dual.npy", "remainders.npy", "boundary.npy"] {
        tampered(&dir, || change(&dir, file, 0, last), || found(&dir, "files", file));
    }
    let margins = numbers(&dir, "margins.npy");
    let least = (0..margins.len()).min_by(|a, b| margins[*a].total_cmp(&margins[*b])).unwrap();
    let sealed = |file: &str, at: usize, by: &dyn Fn(f64) -> f64| {
        change(&dir, file, at, by);
        reseal(&dir);
    };
    // the least margin is min_margin to the last place; λ is known to 106 bits; W and w̄ are not claimed beyond rounding
    tampered(&dir, || sealed("margins.npy", least, &last), || found(&dir, "margins", "a margin"));
    let lambda = numbers(&dir, "dual.npy");
    let top = (0..lambda.len()).max_by(|a, b| lambda[*a].total_cmp(&lambda[*b])).unwrap();
    tampered(&dir, || sealed("dual.npy", top, &last), || found(&dir, "margin", "lambda"));
    tampered(&dir, || sealed("remainders.npy", 9 * top, &|v| v + 1e-18), || found(&dir, "margin", "what lambda lacks"));
    tampered(
        &dir,
        || sealed("remainders.npy", 9 * top + 1, &|_| 1e-20),
        || found(&dir, "margin", "what a slope lacks"),
    );
    let outside = lambda.iter().position(|l| *l == 0.0).expect("a sample that is no support vector");
    tampered(&dir, || sealed("dual.npy", outside, &last), || found(&dir, "kkt", "a support vector too many"));
    for file in ["weights.npy", "boundary.npy"] {
        tampered(&dir, || sealed(file, 0, &last), || drop(holds(&dir, file)));
    }
    tampered(&dir, || sealed("weights.npy", 7, &|v| v + 1e-6), || found(&dir, "margins", "a weight"));
    tampered(&dir, || sealed("boundary.npy", 7, &|v| v + 1e-6), || found(&dir, "test_error", "the boundary"));
    let flip = || {
        let mut bytes = fs::read(dir.join("pattern.npy")).unwrap();
        let place = bytes.len() - 1;
        bytes[place] ^= 1;
        fs::write(dir.join("pattern.npy"), bytes).unwrap();
        reseal(&dir);
    };
    tampered(&dir, flip, || found(&dir, "margins", "a bit"));
    // slopes of neurons that slide, and the proof that nothing separates
    let slides = made("arrays-slides", "run", 0, &SLIDES);
    let theta = numbers(&slides, "slopes.npy");
    let at = theta.iter().position(|v| *v > 0.11 && *v < 0.99).expect("a pair that slides");
    let slope = |by: f64| {
        change(&slides, "slopes.npy", at, |v| v * by);
        reseal(&slides);
    };
    tampered(&slides, || slope(1.0 + f64::EPSILON), || found(&slides, "margin", "a slope"));
    // slopes of the averages are in the gradient up to rounding; those of own-sign pairs are those of W, none leaves [γ, 1]
    let averages = numbers(&slides, "averages.npy");
    let own = averages.iter().position(|v| *v == 1.0).expect("a pair on its positive side");
    let between = averages.iter().position(|v| *v > 0.11 && *v < 0.99).expect("a pair that slides");
    let average = |at: usize, by: &dyn Fn(f64) -> f64| {
        change(&slides, "averages.npy", at, by);
        reseal(&slides);
    };
    tampered(&slides, || average(between, &last), || drop(holds(&slides, "an average in its last place")));
    tampered(&slides, || average(between, &|v| v * 1.001), || found(&slides, "margins", "an average"));
    tampered(&slides, || average(own, &|_| 0.5), || found(&slides, "distance", "an average of an own-sign pair"));
    tampered(&slides, || average(between, &|_| 1.01), || found(&slides, "distance", "an average above 1"));
    let source = format!("data.source={}", inseparable().display());
    let cancels = made("arrays-cancel", "limit", 5, &["-s", &source, "-s", "data.labels=label"]);
    let weights = numbers(&cancels, "farkas.npy");
    let at = (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b])).unwrap();
    let weight = || {
        change(&cancels, "farkas.npy", at, |v| v * (1.0 + 1e-10));
        reseal(&cancels);
    };
    tampered(&cancels, weight, || found(&cancels, "inseparable", "a weight of the proof"));
}

#[test]
fn a_changed_number_is_found_and_a_stronger_claim_is_refused() {
    let dir = made("numbers", "run", 0, &SMALL);
    let certificate: Value = serde_json::from_slice(&fs::read(dir.join("certificate.json")).unwrap()).unwrap();
    let result: Value = serde_json::from_slice(&fs::read(dir.join("result.json")).unwrap()).unwrap();
    let in_result = |name: &str| match name {
        "margin_interval.low" | "margin_interval.high" => true,
        name => result.pointer(&format!("/{}", name.replace('.', "/"))).is_some_and(|v| !v.is_null()),
    };
    let times = |by: f64| move |v: &mut Value| *v = Value::from(v.as_f64().unwrap() * by);
    let claims = certificate["claims"].as_array().unwrap();
    let finite = |v: &Value| v.as_f64().is_some_and(|v| v != 0.0);
    for (name, _) in claims.iter().flat_map(|c| c["numbers"].as_object().unwrap()).filter(|(_, v)| finite(v)) {
        // in one of the two files: they differ
        if in_result(name) {
            for file in ["certificate.json", "result.json"] {
                let once = || {
                    edit(&dir, file, name, times(1.0 + 1e-10));
                    reseal(&dir);
                };
                tampered(&dir, once, || found(&dir, "numbers", &format!("{name} of {file}")));
            }
        }
        tampered(&dir, || edit(&dir, "certificate.json", name, times(0.99)), || found(&dir, "files", name));
    }
    // in both, with digests that fit: by the factor that makes the claim stronger
    let stronger = [
        ("margins", "min_margin", 1.0 + 1e-10),
        ("margins", "log_loss", 1.0 + 1e-10),
        ("margins", "gradient_norm", 1.0 + 1e-10),
        ("margins", "normalized_margin", 1.0 + 1e-10),
        ("margins", "weight_norm", 1.01),
        ("margins", "pattern.sign_agreement", 0.99),
        ("distance", "certified_cosine_gap", 0.99),
        ("margin", "margin_interval.low", 1.0 + 1e-10),
        ("margin", "margin_interval.high", 1.0 - 1e-10),
        ("margin", "max_margin", 1.0 + 1e-10),
        ("margin", "direction_error", 0.5),
        ("gaps", "cosine_gap", 0.99),
        ("gaps", "gradient_cosine_gap", 0.99),
        ("gaps", "dual_gap", 0.99),
        ("test_error", "test_error.limit", 0.99),
        ("test_error", "test_error.log10_limit", 1.0 + 1e-10),
        ("test_error", "test_error.bayes", 0.99),
        ("test_error", "test_error.predicted", 0.99),
        ("test_error", "test_error.signal_ratio", 1.0 + 1e-10),
    ];
    for (claim, name, by) in stronger {
        let both = || {
            ["certificate.json", "result.json"].iter().for_each(|file| edit(&dir, file, name, times(by)));
            reseal(&dir);
        };
        tampered(&dir, both, || found(&dir, claim, name));
    }
    // a weaker one is harmless
    for (name, by) in [("certified_cosine_gap", 1.01), ("margin_interval.low", 0.99), ("direction_error", 1.01)] {
        let both = || {
            ["certificate.json", "result.json"].iter().for_each(|file| edit(&dir, file, name, times(by)));
            reseal(&dir);
        };
        tampered(&dir, both, || drop(holds(&dir, name)));
    }
}

/// Bounds that are stated closer than they are known, or elsewhere; a file with another law.
#[test]
fn bounds_of_test_errors_are_computed_again() {
    let times = |by: f64| move |v: &mut Value| *v = Value::from(v.as_f64().unwrap() * by);
    let dir = made("bounds", "limit", 0, &[&SMALL[..], &["-s", "data.noise=student-t"]].concat());
    for (name, by) in [("low", 1.001), ("high", 0.999), ("log10_low", 0.999), ("log10_high", 1.001)] {
        let name = format!("test_error.bounded.{name}");
        let both = || {
            ["certificate.json", "result.json"].iter().for_each(|file| edit(&dir, file, &name, times(by)));
            reseal(&dir);
        };
        tampered(&dir, both, || found(&dir, "bounded_error", name.rsplit('.').next().unwrap()));
    }
}

#[test]
fn files_of_another_run_are_found() {
    let (dir, other) =
        (made("mine", "run", 0, &SMALL), made("other", "run", 0, &[&SMALL[..], &["-s", "seed=1"]].concat()));
    for (file, claim) in
        [("weights.npy", "margins"), ("margins.npy", "margins"), ("dual.npy", "margin"), ("config.toml", "data")]
    {
        let swap = || assert!(fs::copy(other.join(file), dir.join(file)).is_ok());
        tampered(&dir, swap, || found(&dir, "files", file));
        let sealed = || {
            fs::copy(other.join(file), dir.join(file)).unwrap();
            reseal(&dir);
        };
        tampered(&dir, sealed, || found(&dir, claim, file));
    }
}
