//! `descent.loss`: what is said of it, and what it changes.

mod common;

use common::{farfield, folder, refused, stdout, text};
use serde_json::Value;

const SMALL: [&str; 6] = ["-s", "data.n=20", "-s", "data.d=300", "-s", "descent.steps=1e8"];

/// Weights close like t^(−ν), and ν = 0.0099 here: far enough for a factor of 10⁻².
const FAR: [&str; 6] = ["-s", "data.n=20", "-s", "data.d=300", "-s", "descent.steps=1e300"];

fn json(args: &[&str]) -> Value {
    let out = farfield(&[args, &FAR[..], &["--json"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// Another trajectory, recorded with its loss, to the same limit.
#[test]
fn a_logistic_run_is_recorded_and_has_the_same_limit() {
    let (ours, theirs) = (folder("logistic"), folder("exponential"));
    let logistic = json(&["run", "-o", text(&ours), "-s", "descent.loss=logistic"]);
    let exponential = json(&["run", "-o", text(&theirs)]);
    assert_eq!(logistic["provenance"]["config"]["descent"]["loss"], "logistic");
    assert_eq!(exponential["provenance"]["config"]["descent"]["loss"], "exponential");
    assert_ne!(logistic["digest"], exponential["digest"]);
    assert_eq!(logistic["max_margin"], exponential["max_margin"]);
    for run in [&logistic, &exponential] {
        let gap = |name: &str| run[name].as_f64().expect("a gap");
        assert!(gap("certified_cosine_gap") >= gap("cosine_gap") && gap("dual_gap") < 1e-2, "{run}");
    }
    // its config.toml runs it again
    let again = folder("logistic-again");
    let config = ours.join("config.toml");
    let out = farfield(&["run", text(&config), "-o", text(&again), "--json"]);
    let repeated: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(repeated["digest"], logistic["digest"]);
}

#[test]
fn words_name_the_loss() {
    let dir = folder("logistic-words");
    let out = farfield(&[&["run", "-o", text(&dir), "-s", "descent.loss=logistic"], &SMALL[..]].concat());
    let said = stdout(&out);
    assert!(said.contains("sum of logistic losses") && said.contains("|α c t s_i − λ_i|"), "{said}");
    let long = ["-s", "descent.loss=logistic", "-s", "descent.step_size=0.02"];
    let out = farfield(&[&["run", "-o", text(&dir), "--overwrite"], &long[..], &SMALL[..]].concat());
    assert!(stdout(&out).contains("0.25 α c λmax(K)"), "{}", stdout(&out));
    let check = |loss: &str| stdout(&farfield(&[&["check", "-s", loss], &SMALL[..]].concat()));
    assert!(check("descent.loss=logistic").contains("[H] proves its theorems for the exponential loss"));
    assert!(!check("descent.loss=exponential").contains("[H] proves"));
    refused(&farfield(&["run", "-s", "descent.loss=hinge"]), 2, &["descent.loss", "logistic", "\"hinge\""]);
}

/// A start so far on the wrong side that e^{−q} overflows is no obstacle to weights of at most 1.
#[test]
fn a_start_on_the_wrong_side() {
    let dir = folder("logistic-wrong");
    let far = ["-s", "network.init_scale=200", "-s", "descent.steps=10"];
    let run =
        |loss: &str| farfield(&[&["run", "-o", text(&dir), "--overwrite", "-s", loss], &SMALL[..4], &far[..]].concat());
    assert_eq!(run("descent.loss=exponential").status.code(), Some(3));
    let out = run("descent.loss=logistic");
    assert!(matches!(out.status.code(), Some(0 | 5)), "{}", String::from_utf8_lossy(&out.stderr));
}
