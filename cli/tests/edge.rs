//! `farfield edge`: what it says, in words and as JSON, and what it refuses.

mod common;

use common::{farfield, refused, stderr, stdout};
use serde_json::Value;

const NOISY: [&str; 10] =
    ["-s", "data.n=30", "-s", "data.d=300", "-s", "data.signal=4", "-s", "data.label_noise=0.2", "--steps", "300"];

fn json(loss: &str) -> Value {
    let out = farfield(&[&["edge", "--json", "-s", loss], &NOISY[..]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// The exponential loss diverges above its edge; with the logistic one nothing does.
#[test]
fn both_losses() {
    let number = |trial: &Value, name: &str| trial[name].as_f64().expect("a number");
    let found = json("descent.loss=exponential");
    let (edge, beyond) = (&found["edge"], &found["beyond"]);
    assert_eq!((&edge["fate"], &found["horizon"]), (&"settles".into(), &300.into()));
    assert_ne!(beyond["fate"], "settles");
    let ratio = number(beyond, "step_size") / number(edge, "step_size");
    assert!(ratio > 1.0 && ratio <= 1.01, "{ratio}");
    let trials = found["trials"].as_array().expect("trials");
    assert!(trials.windows(2).all(|w| number(&w[0], "step_size") <= number(&w[1], "step_size")));
    assert!(trials.iter().any(|trial| trial["fate"] == "diverges"));
    let logistic = json("descent.loss=logistic");
    assert!(logistic["trials"].as_array().expect("trials").iter().all(|trial| trial["fate"] != "diverges"));
    assert_eq!(logistic["provenance"]["config"]["descent"]["loss"], "logistic");
}

#[test]
fn words() {
    let out = farfield(&[&["edge"], &NOISY[..]].concat());
    let said = stdout(&out);
    assert!(said.contains("settles: from t = ") && said.contains("α c λmax") && said.contains("diverges"), "{said}");
}

#[test]
fn what_is_refused() {
    refused(&farfield(&["edge", "-s", "descent.step_size=0.1"]), 2, &["descent.step_size", "no effect"]);
    refused(&farfield(&["edge", "--steps", "1"]), 2, &["--steps"]);
    refused(&farfield(&["edge", "--resolution", "0"]), 2, &["--resolution", "above 0"]);
}
