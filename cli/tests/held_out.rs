//! Samples that are not trained on: their errors are those that anybody counts from the boundary and the weights in the folder,
//! they change nothing else, and what does not fit is refused.

mod common;

use common::{farfield, folder, refused, stderr, stdout, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const D: usize = 60;

/// Rows of D numbers around ±1 in the first feature, and labels `up` and `down`, from a seed.
fn rows(count: usize, mut state: u64) -> Vec<([f64; D], &'static str)> {
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut row = |i: usize| {
        let up = i.is_multiple_of(3);
        let mut x: [f64; D] = std::array::from_fn(|_| (4096.0 * next()).round() / 1024.0);
        x[0] += if up { 1.0 } else { -1.0 };
        (x, if up { "up" } else { "down" })
    };
    (0..count).map(&mut row).collect()
}

fn csv(path: &Path, rows: &[([f64; D], &str)]) {
    let names = (0..D).map(|k| format!("x{k}")).collect::<Vec<_>>().join(",");
    let line = |(x, y): &([f64; D], &str)| x.iter().map(|v| format!("{v},")).collect::<String>() + y;
    let lines: Vec<String> = rows.iter().map(line).collect();
    fs::write(path, format!("{names},kind\n{}\n", lines.join("\n"))).unwrap();
}

/// A fresh folder with 20 samples to train on and 60 others.
fn place(name: &str) -> PathBuf {
    let dir = folder(&format!("held-out-{name}"));
    csv(&dir.join("train.csv"), &rows(20, 5));
    csv(&dir.join("test.csv"), &rows(60, 6));
    dir
}

fn call(command: &str, dir: &Path, out: &str, settings: &[String]) -> std::process::Output {
    let output = dir.join(out);
    let mut args: Vec<&str> = vec![command, "--overwrite", "-o", text(&output)];
    settings.iter().for_each(|setting| args.extend(["-s", setting]));
    farfield(&args)
}

/// The result of a command into a folder within.
fn made(command: &str, dir: &Path, out: &str, more: &[&str]) -> Value {
    let settings: Vec<String> = of(dir, "train.csv").into_iter().chain(more.iter().map(|s| s.to_string())).collect();
    let done = call(command, dir, out, &settings);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    serde_json::from_slice(&fs::read(dir.join(out).join("result.json")).unwrap()).unwrap()
}

fn of(dir: &Path, source: &str) -> Vec<String> {
    vec![format!("data.source={}", dir.join(source).display()), "data.labels=kind".into()]
}

fn test_of(dir: &Path) -> String {
    format!("data.test={}", dir.join("test.csv").display())
}

/// The numbers of an array of f64.
fn array(path: PathBuf) -> Vec<f64> {
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

fn sign(y: &str) -> f64 {
    if y == "up" { 1.0 } else { -1.0 }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The errors of the boundary w̄.
fn of_plane(rows: &[([f64; D], &str)], boundary: &[f64]) -> u64 {
    rows.iter().filter(|(x, y)| sign(y) * dot(x, boundary) <= 0.0).count() as u64
}

/// The errors of a network with weights W (m×d), half of them of sign +1, and the leak.
fn of_network(rows: &[([f64; D], &str)], weights: &[f64], leak: f64) -> u64 {
    let neurons: Vec<&[f64]> = weights.chunks(D).collect();
    let output = |x: &[f64]| -> f64 {
        let neuron = |(j, w): (usize, &&[f64])| {
            let z = dot(x, w);
            let sign = if j < neurons.len().div_ceil(2) { 1.0 } else { -1.0 };
            sign * if z > 0.0 { z } else { leak * z }
        };
        neurons.iter().enumerate().map(neuron).sum()
    };
    rows.iter().filter(|(x, y)| sign(y) * output(x) <= 0.0).count() as u64
}

#[test]
fn errors_are_those_of_the_boundary_and_of_the_weights_and_nothing_else_changes() {
    let dir = place("test");
    let (test, others) = (test_of(&dir), rows(60, 6));
    for (name, own) in [
        ("gram", &["network.leak=0.7", "descent.steps=1e9"][..]),
        ("direct", &["descent.engine=direct", "descent.steps=2000"]),
    ] {
        let alone = made("run", &dir, "alone", own);
        assert_eq!(alone.get("held_out"), None, "{name}");
        assert!(!dir.join("alone/held_out.csv").exists());
        let found = made("run", &dir, "run", &[own, &[&test]].concat());
        for key in ["digest", "data_digest", "cosine_gap", "certified_cosine_gap", "segments"] {
            let plain = |value: &Value| value[key].to_string().split("\"seconds\"").next().unwrap().to_string();
            assert_eq!(plain(&found), plain(&alone), "{name}: {key}");
        }
        for file in ["trace.csv", "weights.npy", "margins.npy", "dual.npy", "boundary.npy"] {
            let content = |folder: &str| fs::read(dir.join(folder).join(file)).ok();
            assert!(content("run") == content("alone"), "{name}: {file}");
        }
        let held = &found["held_out"];
        let leak = if name == "gram" { 0.7 } else { 0.1 };
        let last = of_network(&others, &array(dir.join("run/weights.npy")), leak);
        assert_eq!((&held["samples"], &held["iterate"]["errors"]), (&60.into(), &last.into()), "{name}");
        if name == "gram" {
            let limit = of_plane(&others, &array(dir.join("run/boundary.npy")));
            assert!(
                limit > 0 && held["limit"]["errors"] == limit && held["limit"]["error"] == limit as f64 / 60.0,
                "{held}"
            );
        } else {
            assert!(held["limit"].is_null() && !dir.join("run/boundary.npy").exists(), "{held}");
        }
        let table = fs::read_to_string(dir.join("run/held_out.csv")).unwrap();
        let trace = fs::read_to_string(dir.join("run/trace.csv")).unwrap();
        assert_eq!(table.lines().next(), Some("t,errors,error,low,high"));
        let times = |text: &str| text.lines().map(|l| l.split(',').next().unwrap().to_string()).collect::<Vec<_>>();
        assert_eq!(times(&table), times(&trace), "{name}");
        let end: Vec<&str> = table.lines().last().unwrap().split(',').collect();
        assert_eq!(end[1], last.to_string(), "{name}");
        for (at, key) in [(2, "error"), (3, "low"), (4, "high")] {
            assert_eq!(end[at].parse::<f64>().unwrap(), held["iterate"][key].as_f64().unwrap(), "{name}: {key}");
        }
        // at t = 0 by W(0) alone, and every row is one that the weights of a run to there have
        let early = made("run", &dir, "early", &[own, &[&test, "descent.steps=10"]].concat());
        let row = table.lines().find(|line| line.starts_with("1.0000000000000000e1,")).expect("a row at t = 10");
        assert_eq!(row.split(',').nth(1).unwrap(), early["held_out"]["iterate"]["errors"].to_string(), "{name}");
        assert_eq!(
            early["held_out"]["iterate"]["errors"],
            of_network(&others, &array(dir.join("early/weights.npy")), leak)
        );
    }
    made("run", &dir, "run", &[&test, "network.leak=0.7", "descent.steps=1e9"]);
    let limit = made("limit", &dir, "limit", &[&test]);
    assert_eq!(limit["held_out"]["limit"]["errors"], of_plane(&others, &array(dir.join("limit/boundary.npy"))));
    assert!(limit["held_out"]["iterate"].is_null());
    for folder in ["run", "limit"] {
        let path = dir.join(folder);
        let out = farfield(&["verify", text(&path)]);
        assert_eq!(out.status.code(), Some(0), "{}", stdout(&out));
        let line = stdout(&out).lines().find(|l| l.contains("held_out")).expect("a claim").to_string();
        assert!(line.contains("verified") && line.contains("errors of the limit in 60 samples"), "{line}");
        assert_eq!(line.contains("errors of the iterate"), folder == "run", "{line}");
    }
}

/// The sign of the network decides where the boundary of the limit is no plane, and the claim is left open.
#[test]
fn a_boundary_that_is_no_plane() {
    let dir = folder("held-out-bent");
    // `up` on either side along one axis and `down` along another: two groups of neurons of each sign
    let bent = |count: usize, seed: u64| -> Vec<([f64; D], &'static str)> {
        let move_to = |(i, (mut x, y)): (usize, ([f64; D], &'static str))| {
            x.iter_mut().for_each(|v| *v /= 4.0);
            x[usize::from(y == "down")] += if i.is_multiple_of(2) { 1.5 } else { -1.5 };
            (x, y)
        };
        rows(count, seed).into_iter().enumerate().map(move_to).collect()
    };
    let start: Vec<f64> = (0..4 * D)
        .map(|at| {
            [(0, 1.0), (D, -1.0), (2 * D + 1, 1.0), (3 * D + 1, -1.0)]
                .iter()
                .find(|(k, _)| *k == at)
                .map_or(0.0, |(_, v)| *v)
        })
        .collect();
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': (4, {D}), }}\n");
    let mut init = b"\x93NUMPY\x01\x00".to_vec();
    init.extend((header.len() as u16).to_le_bytes());
    init.extend(header.as_bytes());
    init.extend(start.iter().flat_map(|v| v.to_le_bytes()));
    fs::write(dir.join("init.npy"), init).unwrap();
    let (train, others) = (bent(12, 11), bent(50, 12));
    csv(&dir.join("train.csv"), &train);
    csv(&dir.join("test.csv"), &others);
    let init = format!("network.init={}", dir.join("init.npy").display());
    let settings = [&test_of(&dir), &init, "network.width=4", "descent.steps=1e12"];
    let found = made("run", &dir, "run", &settings);
    assert!(!dir.join("run/boundary.npy").exists(), "the boundary is a plane");
    let out = farfield(&["limit", "--json", "--pattern", text(&dir.join("run")), "-o", text(&dir.join("limit"))]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let (dual, slopes) = (array(dir.join("limit/dual.npy")), array(dir.join("limit/slopes.npy")));
    let mut weights = vec![0.0; 4 * D];
    for (i, (x, y)) in train.iter().enumerate() {
        for j in 0..4 {
            let by = dual[i] * sign(y) * if j < 2 { 1.0 } else { -1.0 } * slopes[4 * i + j];
            weights[j * D..][..D].iter_mut().zip(x).for_each(|(w, x)| *w += by * x);
        }
    }
    let errors = of_network(&others, &weights, 0.1);
    assert_eq!(found["held_out"]["limit"]["errors"], errors);
    let limit: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(limit["held_out"]["limit"]["errors"], errors);
    let out = farfield(&["verify", text(&dir.join("run"))]);
    assert_eq!(out.status.code(), Some(0), "{}", stdout(&out));
    assert!(stdout(&out).contains("cannot be verified without rerunning: held_out.limit"), "{}", stdout(&out));
}

#[test]
fn a_share_of_the_samples_is_drawn_by_the_seed() {
    let dir = place("share");
    let of_seed = |seed: &str| made("limit", &dir, "out", &["data.holdout=0.25", seed]);
    let (one, two) = (of_seed("seed=1"), of_seed("seed=2"));
    // 7 are up and 13 down: 2 and 3 of them
    for found in [&one, &two] {
        assert_eq!(found["held_out"]["samples"], 5);
        assert_eq!(
            (&found["classes"]["positive"]["samples"], &found["classes"]["negative"]["samples"]),
            (&5.into(), &10.into())
        );
    }
    assert_eq!(of_seed("seed=1")["data_digest"], one["data_digest"]);
    assert_ne!(two["data_digest"], one["data_digest"]);
    let dry = farfield(&[
        "run",
        "--dry-run",
        "-s",
        &of(&dir, "train.csv")[0],
        "-s",
        "data.labels=kind",
        "-s",
        "data.holdout=0.25",
    ]);
    assert!(stdout(&dry).contains("holdout = 0.25"), "{}", stdout(&dry));
    // a sweep repeats it with other choices, and has every number as a column
    let plan = dir.join("plan.toml");
    let source = dir.join("train.csv");
    fs::write(&plan, format!("mode = \"limit\"\nseeds = 3\n[base]\ndata = {{ source = \"{}\", labels = \"kind\", holdout = 0.25 }}\n[grid]\n\"network.leak\" = [0.1, 0.5]\n", source.display())).unwrap();
    let out = farfield(&["sweep", text(&plan), "-o", text(&dir.join("sweep"))]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert_eq!(farfield(&["sweep", "--merge", text(&dir.join("sweep"))]).status.code(), Some(0));
    let table = fs::read_to_string(dir.join("sweep/sweep.csv")).unwrap();
    let head: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap_or_else(|| panic!("{name} in {head:?}"));
    ["held_out.limit.errors", "held_out.limit.error", "held_out.limit.high"]
        .iter()
        .for_each(|name| assert!(column(name) > 0));
    let digests: std::collections::BTreeSet<&str> =
        table.lines().skip(1).map(|l| l.split(',').nth(column("held_out.data_digest")).unwrap()).collect();
    assert!(digests.len() > 3, "{digests:?}");
}

/// Mean and variance are learnt from the training samples: other samples do not move them.
#[test]
fn columns_are_standardized_by_the_training_samples() {
    let dir = place("standardized");
    let plain = made("limit", &dir, "plain", &["data.standardize=columns"]);
    let found = made("limit", &dir, "out", &["data.standardize=columns", &test_of(&dir)]);
    assert_eq!(found["data_digest"], plain["data_digest"]);
    let (train, mut others) = (rows(20, 5), rows(60, 6));
    for k in 0..D {
        let mean = train.iter().map(|(x, _)| x[k]).sum::<f64>() / 20.0;
        let scale = (train.iter().map(|(x, _)| (x[k] - mean).powi(2)).sum::<f64>() / 20.0).sqrt();
        others.iter_mut().for_each(|(x, _)| x[k] = (x[k] - mean) / scale);
    }
    let errors = of_plane(&others, &array(dir.join("out/boundary.npy")));
    assert_eq!(found["held_out"]["limit"]["errors"], errors);
    assert_ne!(
        errors,
        of_plane(&rows(60, 6), &array(dir.join("out/boundary.npy"))),
        "standardizing does not matter here"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = place("refused");
    let wrong = |source: &[&str], words: &[&str]| {
        let settings: Vec<String> =
            of(&dir, "train.csv").into_iter().chain(source.iter().map(|s| s.to_string())).collect();
        refused(&call("run", &dir, "out", &settings), 2, words);
    };
    let file = |name: &str, content: String| {
        fs::write(dir.join(name), content).unwrap();
        format!("data.test={}", dir.join(name).display())
    };
    let test = fs::read_to_string(dir.join("test.csv")).unwrap();
    wrong(
        &[&file("third.csv", test.replacen("down", "sideways", 1).replacen("down", "up", 100))],
        &["sideways", "none of the training samples", "\"up\" and \"down\""],
    );
    wrong(&[&file("names.csv", test.replacen("x3", "y3", 1))], &["data.test", "feature 3 is \"y3\"", "\"x3\""]);
    let narrow: String = test.lines().map(|l| l.split_once(',').unwrap().1.to_string() + "\n").collect();
    wrong(&[&file("narrow.csv", narrow)], &["data.test", "59 features", "data.source has 60"]);
    wrong(&[&format!("data.test={}", dir.join("absent.csv").display())], &["data.test", "absent.csv"]);
    wrong(&[&test_of(&dir), "data.test_labels=sort"], &["sort"]);
    wrong(&[&test_of(&dir), "data.holdout=0.5"], &["data.holdout has no effect", "data.test"]);
    wrong(&["data.holdout=0.01"], &["data.holdout = 0.01", "none is held out"]);
    refused(&farfield(&["limit", "-s", "data.holdout=0.2"]), 2, &["data.holdout", "test error", "exact"]);
    let settings = [test_of(&dir), "data.labels=kind".into()];
    let out = farfield(&[
        "convert",
        text(&dir.join("train.csv")),
        text(&dir.join("x.npy")),
        "-s",
        &settings[0],
        "-s",
        &settings[1],
    ]);
    refused(&out, 2, &["data.test"]);
    // a sparse file does not say how long its rows are, and begins where the source does
    let sparse = |rows: &[([f64; D], &str)], from: usize| -> String {
        let entry = |(k, v): (usize, &f64)| if *v == 0.0 { String::new() } else { format!(" {}:{v}", k + from) };
        rows.iter().map(|(x, y)| format!("{y}{}\n", x.iter().enumerate().map(entry).collect::<String>())).collect()
    };
    let mut others = rows(60, 6);
    let expected = made("limit", &dir, "out", &[&test_of(&dir)]);
    fs::write(dir.join("train.svm"), sparse(&rows(20, 5), 0)).unwrap();
    let svm = [format!("data.source={}", dir.join("train.svm").display()), file("test.svm", sparse(&others, 0))];
    let done = call("limit", &dir, "svm", &svm);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let found: Value = serde_json::from_slice(&fs::read(dir.join("svm/result.json")).unwrap()).unwrap();
    assert_eq!(found["held_out"], expected["held_out"]);
    others.iter_mut().for_each(|(x, _)| x[D - 1] = 0.0);
    let done = call("limit", &dir, "svm", &[svm[0].clone(), file("short.svm", sparse(&others, 0))]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
}

/// Other test samples than those of the checkpoint are refused, as other samples to train on are.
#[test]
fn a_run_goes_on_with_the_samples_that_it_had() {
    let dir = place("resumed");
    let steps = |steps: &str| -> Vec<String> {
        of(&dir, "train.csv")
            .into_iter()
            .chain([test_of(&dir), format!("descent.steps={steps}"), "descent.engine=gram".into()])
            .collect()
    };
    let resumed = |settings: &[String]| {
        let output = dir.join("run");
        let mut args: Vec<&str> = vec!["run", "--resume", "-o", text(&output)];
        settings.iter().for_each(|setting| args.extend(["-s", setting]));
        farfield(&args)
    };
    let (far, run, whole) = (steps("1e9"), dir.join("run"), dir.join("whole"));
    assert_eq!(call("run", &dir, "whole", &far).status.code(), Some(0));
    assert_eq!(resumed(&steps("5e3")).status.code(), Some(0));
    let out = resumed(&far);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let table = |place: &Path| fs::read_to_string(place.join("held_out.csv")).unwrap();
    let digest = |place: &Path| {
        let result: Value = serde_json::from_slice(&fs::read(place.join("result.json")).unwrap()).unwrap();
        (result["digest"].clone(), result["held_out"].clone())
    };
    // the horizon of the shorter run is no row of the longer one
    assert_eq!((table(&run), digest(&run)), (table(&whole), digest(&whole)));
    csv(&dir.join("test.csv"), &rows(60, 7));
    refused(&resumed(&steps("1e10")), 2, &["data differ from those of the checkpoint"]);
}
