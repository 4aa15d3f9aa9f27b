//! `network.leak` at its ends: what is said of the linear model and of the ReLU, and that both verify.

mod common;

use common::{farfield, folder, refused, stderr, stdout, text};
use serde_json::Value;
use std::path::Path;

const SMALL: [&str; 6] = ["-s", "data.n=24", "-s", "data.d=120", "-s", "data.signal=5"];

/// A run's exit code, what it says, and its result.json.
fn run(dir: &Path, settings: &[&str]) -> (Option<i32>, String, Value) {
    let out = farfield(&[&["run", "-o", text(dir), "--overwrite"], &SMALL[..], settings].concat());
    let result = std::fs::read(dir.join("result.json")).unwrap_or_else(|_| panic!("{}", stderr(&out)));
    (out.status.code(), stdout(&out), serde_json::from_slice(&result).expect("JSON"))
}

fn verified(dir: &Path) -> String {
    let out = farfield(&["verify", text(dir)]);
    assert_eq!(out.status.code(), Some(0), "{}{}", stdout(&out), stderr(&out));
    stdout(&out)
}

#[test]
fn the_linear_model_is_final_from_the_start() {
    let dir = folder("linear");
    for settings in [
        &["-s", "network.leak=1", "-s", "network.init_scale=0.1"][..],
        &["-s", "network.leak=1", "-s", "data.label_noise=0.2", "-s", "descent.steps=1e300"],
        &[
            "-s",
            "network.leak=1",
            "-s",
            "descent.loss=logistic",
            "-s",
            "descent.engine=direct",
            "-s",
            "descent.steps=500",
        ],
    ] {
        let (code, said, result) = run(&dir, settings);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("no flips); final: proved (linear model: every pattern is the same)"), "{said}");
        let pattern = &result["pattern"];
        assert_eq!((&pattern["flips"], &pattern["state"]), (&0.into(), &"proved".into()), "{pattern}");
        assert_eq!((&pattern["sliding"], pattern.get("dead_samples")), (&Value::Array(Vec::new()), None), "{pattern}");
        assert_eq!(result["certified_for"], "proved");
        assert!(verified(&dir).contains("linear  verified: leak 1"));
        assert!(dir.join("boundary.npy").exists());
    }
    // the sides that a run ended on say nothing
    let limits = [&["limit", "--json", "--pattern", text(&dir)][..], &["limit", "--json", "-s", "network.leak=1"]];
    let [of_run, plain] = limits.map(|args| {
        let own = if args.len() > 4 { &SMALL[..] } else { &[] };
        let out = farfield(&[args, own].concat());
        serde_json::from_slice::<Value>(&out.stdout).unwrap_or_else(|_| panic!("{}", stderr(&out)))
    });
    assert_eq!(of_run["status"], "solved");
    assert_eq!(of_run["inconsistent_pairs"], Value::Array(Vec::new()));
    assert_eq!(plain["inactive_after_one"], 0);
    let said = stdout(&farfield(&["limit", "--pattern", text(&dir)]));
    assert!(said.contains("the model is linear: every pattern is the same"), "{said}");
    // no hyperplane: a proof, in any pattern
    let (code, said, result) = run(&dir, &["-s", "network.leak=1", "-s", "data.d=3", "-s", "data.signal=0.1"]);
    assert_eq!(
        (code, &result["status"], &result["pattern"]["state"]),
        (Some(5), &"not_separable".into(), &"proved".into())
    );
    assert!(said.contains("the model is linear"), "{said}");
    verified(&dir);
}

#[test]
fn what_is_dead_is_said() {
    let dir = folder("relu");
    let (code, said, result) = run(&dir, &["-s", "network.leak=0"]);
    assert_eq!((code, &result["pattern"]["dead_samples"], &result["train_error"]), (Some(0), &0.into(), &0.0.into()));
    assert!(said.contains("no plane, so no boundary.npy: with leak 0") && said.contains("no prediction"), "{said}");
    assert!(result["test_error"]["predicted"].is_null() && result["test_error"]["sampled"].is_object(), "{result}");
    assert!(!dir.join("boundary.npy").exists());
    verified(&dir);
    // averages at leak 0 claim less
    let (_, said, result) = run(
        &dir,
        &["-s", "network.leak=0", "-s", "data.label_noise=0.2", "-s", "data.d=400", "-s", "descent.steps=1e5"],
    );
    let averaged = result["segments"].to_string().contains("\"sliding\"");
    assert_eq!(averaged, said.contains("exceed their error estimates"), "{said}");
    // negative samples activate no neuron of a network that has positive ones alone
    let one_sided = ["-s", "network.leak=0", "-s", "network.positive=8", "-s", "descent.steps=1e4"];
    let (code, said, result) = run(&dir, &one_sided);
    let dead = result["pattern"]["dead_samples"].as_u64().expect("a number");
    assert!(code == Some(5) && dead > 5 && said.contains(&format!("dead: {dead} samples")), "{said}");
    assert_eq!((&result["farkas_value"], &result["max_margin"]), (&0.0.into(), &Value::Null));
    let wrong = result["train_error"].as_f64().expect("a number") * 24.0;
    assert!((wrong - wrong.round()).abs() < 1e-12 && wrong.round() >= dead as f64, "{wrong} {dead}");
    assert!(verified(&dir).contains("inseparable  verified"));
    // a number that is not so
    let (path, text) = (dir.join("result.json"), result.to_string());
    std::fs::write(&path, text.replace(&format!("\"dead_samples\":{dead}"), "\"dead_samples\":0")).expect("written");
    let out = farfield(&["verify", dir.to_str().expect("UTF-8")]);
    assert!(!out.status.success(), "{}", stdout(&out));
    assert!(stdout(&out).contains("dead samples"), "{}", stdout(&out));
}

/// The same bits for threads, and for both engines the same limit.
#[test]
fn threads_change_no_bit() {
    for leak in ["network.leak=0", "network.leak=1"] {
        for engine in ["descent.engine=gram", "descent.engine=direct"] {
            let digest = |threads: &str| {
                let settings = ["-s", leak, "-s", engine, "-s", "data.label_noise=0.1", "-s", "descent.steps=3e3"];
                let out = farfield(
                    &[&["run", "--json", "--threads", threads, "-o", text(&folder("bits"))], &SMALL[..], &settings]
                        .concat(),
                );
                let result: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", stderr(&out)));
                result["digest"].as_str().expect("a digest").to_string()
            };
            assert_eq!(digest("1"), digest("3"), "{leak} {engine}");
        }
    }
}

#[test]
fn the_theory_says_which_leak_it_asks_for() {
    let check = |leak: &str| stdout(&farfield(&[&["check", "-s", leak], &SMALL[..]].concat()));
    assert!(
        check("network.leak=0").contains("this is the ReLU")
            && check("network.leak=1").contains("this is the linear model")
    );
    assert!(check("network.leak=0").contains("[H, Thm 4.8] asks for 0 < leak < 1"), "{}", check("network.leak=0"));
    assert!(!check("network.leak=0.5").contains("0 < leak < 1"));
    let out = farfield(&["check", "--json", "-s", "network.leak=1", "-s", "descent.loss=logistic"]);
    let found: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let scope = found["scope"].as_str().expect("a scope");
    assert!(scope.contains("exponential loss") && scope.contains("linear model"), "{scope}");
    assert_eq!(found["theorem_applies"], false);
    for leak in ["network.leak=-0.1", "network.leak=1.0000001", "network.leak=nan"] {
        refused(&farfield(&["run", "-s", leak]), 2, &["network.leak", "from 0 to 1"]);
    }
    refused(
        &farfield(&["run", "-s", "network.leak=1", "-s", "descent.sliding_tolerance=1e-3"]),
        2,
        &["no effect", "network.leak"],
    );
}
