//! The command line as a user meets it: files, exit codes, one-line errors.

use farfield::limit::PROOF;
use farfield::matrix::{Matrix, norm};
use farfield_cli::files::npy;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn farfield(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_farfield")).args(args).output().expect("the program starts")
}

/// A fresh folder of the test run.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the test folder can be made");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A .npy file, version 1.0.
fn array(path: &Path, descr: &str, fortran: bool, shape: &str, bytes: &[u8]) {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    fs::write(path, file).expect("a test file can be written");
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The error of a bad call: exit code 2, one line, no panic.
fn rejected(name: &str, args: &[&str], expected: &str) {
    let out = farfield(args);
    let error = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{name}: {error}");
    assert!(error.contains(expected), "{name}: {error}");
    assert!(!error.contains("panicked"), "{name}: {error}");
    assert_eq!(error.trim().lines().count(), 1, "{name}: {error}");
}

#[test]
fn a_run_leaves_its_files_and_reruns_to_the_same_digest() {
    let (first, second) = (folder("first"), folder("second"));
    let settings = ["-s", "data.n=20", "-s", "data.d=300", "-s", "descent.steps=1e4", "--json"];
    let out = farfield(&[&["run", "-o", text(&first)], &settings[..]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    for file in ["config.toml", "result.json", "trace.csv", "margins.npy", "pattern.npy", "dual.npy", "boundary.npy"] {
        assert!(first.join(file).exists(), "{file}");
    }
    assert_eq!(out.stdout, fs::read(first.join("result.json")).unwrap(), "--json prints result.json");
    let config = first.join("config.toml");
    let again = farfield(&["run", text(&config), "-o", text(&second), "--json", "--threads", "1"]);
    let digest = |out: &Output| {
        let result: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
        result["digest"].as_str().expect("a digest").to_string()
    };
    assert_eq!(digest(&out), digest(&again));
}

/// The residuals of the iterate, and its clean and flipped samples apart.
#[test]
fn a_run_reports_stationarity_and_label_noise() {
    let out = folder("label-noise");
    let data = ["-s", "data.n=20", "-s", "data.d=800", "-s", "data.signal=2", "-s", "data.label_noise=0.2"];
    let run = |steps: &str| {
        let steps = format!("descent.steps={steps}");
        let out = farfield(&[&["run", "--overwrite", "-o", text(&out), "--json", "-s", &steps], &data[..]].concat());
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<serde_json::Value>(&out.stdout).expect("JSON")
    };
    assert!(run("0")["stationarity"].is_null(), "a margin is not positive at the start");
    let (early, late) = (run("1e3"), run("1e6"));
    for key in ["epsilon", "delta"] {
        let value = |r: &serde_json::Value| r["stationarity"][key].as_f64().expect("a number");
        assert!(0.0 < value(&late) && value(&late) < value(&early), "{key}: {} and {}", value(&early), value(&late));
    }
    let (clean, flipped) = (&late["training"]["clean"], &late["training"]["flipped"]);
    let samples = |s: &serde_json::Value| s["samples"].as_u64().expect("a count");
    assert_eq!(samples(clean) + samples(flipped), 20);
    assert!(samples(flipped) > 0, "{late}");
    let least = [clean, flipped].map(|s| s["min_margin"].as_f64().expect("a number"));
    assert_eq!(least[0].min(least[1]), late["min_margin"].as_f64().unwrap());
    let summary = farfield(&[&["run", "--overwrite", "-o", text(&out), "-s", "descent.steps=1e3"], &data[..]].concat());
    let summary = String::from_utf8_lossy(&summary.stdout).into_owned();
    assert!(summary.contains("KKT point") && summary.contains("flipped: margins from"), "{summary}");
}

/// `limit --pattern` takes the sides and the configuration of a finished run.
#[test]
fn the_limit_of_the_pattern_of_a_run() {
    let out = folder("pattern");
    let limit = |more: &[&str]| {
        let out = farfield(&[&["limit", "--pattern", text(&out)], more].concat());
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("UTF-8")
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    // activated: the same limit as without a pattern, every bit of which the run shows
    let data = ["-s", "data.n=12", "-s", "data.d=400", "-s", "network.width=4", "-s", "data.signal=3"];
    let run = farfield(&[&["run", "-o", text(&out), "--json"], &data[..]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let found = json(&limit(&["--json"]));
    assert_eq!(found["limit_consistent"], true);
    assert_eq!((found["wrong_side"].as_array().map(Vec::len), found["differing_bits"].as_u64()), (Some(0), Some(0)));
    let plain = farfield(&[&["limit", "--json", "-o", text(&out.join("plain"))], &data[..]].concat());
    let plain = json(&String::from_utf8_lossy(&plain.stdout));
    assert_eq!(found["max_margin"], plain["max_margin"]);
    assert!(plain["wrong_side"].is_null() && plain["differing_bits"].is_null());
    assert!(out.join("limit/dual.npy").exists() && out.join("result.json").exists());
    assert!(limit(&[]).contains("consistent with the run's pattern"));
    assert_eq!(found["stationarity"], json(&String::from_utf8_lossy(&run.stdout))["stationarity"]);
    // a pattern by itself, with a configuration of its own
    let (file, own) = (out.join("pattern.npy"), out.join("own"));
    let by_file = ["limit", "--pattern", text(&file), "--json", "-o", text(&own)];
    let by_file = json(&String::from_utf8_lossy(&farfield(&[&by_file[..], &data[..]].concat()).stdout));
    assert_eq!(by_file["max_margin"], found["max_margin"]);
    assert_eq!((by_file["differing_bits"].as_u64(), &by_file["stationarity"]), (Some(0), &serde_json::Value::Null));

    // a pattern of the wrong sides throughout is not that of its limit
    let bits: Vec<u8> = fs::read(out.join("pattern.npy")).unwrap().split_off(128).iter().map(|b| 1 - b).collect();
    let (other, config) = (out.join("other.npy"), out.join("config.toml"));
    array(&other, "|i1", false, "12, 4", &bits);
    let by_file = ["limit", text(&config), "--pattern", text(&other), "-o", text(&own)];
    let found = farfield(&[&by_file[..], &["--json", "--overwrite"]].concat());
    let found = json(&String::from_utf8_lossy(&found.stdout));
    assert_eq!(
        (found["limit_consistent"].as_bool(), found["wrong_side"].as_array().map(Vec::len)),
        (Some(false), Some(24))
    );
    let said = farfield(&by_file);
    assert!(String::from_utf8_lossy(&said.stdout).contains("NOT consistent with the run's pattern"));

    array(&other, "|i1", false, "6, 8", &bits);
    rejected("shape", &by_file, "12 x 4");
    array(&other, "|i1", false, "12, 4", &[&[2], &bits[1..]].concat());
    rejected("no bits", &by_file, "row 0, column 0");
    rejected("no run", &["limit", "--pattern", text(&out.join("missing"))], "config.toml");
    // a file of another run is not taken for one of this
    array(&out.join("pattern.npy"), "|i1", false, "12, 4", &bits);
    rejected("foreign pattern", &["limit", "--pattern", text(&out)], "pattern.npy");
}

#[test]
fn bad_configurations() {
    let dir = folder("bad");
    let out = text(&dir).to_string();
    let set = |setting: &str| vec!["run".to_string(), "-o".into(), out.clone(), "-s".into(), setting.into()];
    let cases = [
        ("unknown key", "network.widht=4", "network.width"),
        ("n", "data.n=0", "data.n"),
        ("d", "data.d=0", "data.d"),
        ("width", "network.width=0", "network.width"),
        ("leak", "network.leak=1.5", "network.leak"),
        ("step", "descent.step_size=-1", "descent.step_size"),
        ("steps", "descent.steps=many", "steps"),
        ("engine", "descent.engine=gpu", "descent.engine"),
        ("source", "data.source=data.bin", "data.source"),
        ("labels", "data.source=missing.npy", "data.labels"),
        ("spectrum", "data.spectrum=flat", "data.spectrum"),
    ];
    for (name, setting, expected) in cases {
        let args = set(setting);
        rejected(name, &args.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
    rejected("memory", &["run", "-o", &out, "-s", "data.n=10000000", "-s", "data.d=10000000"], "GiB");
    rejected("missing configuration", &["run", "missing.toml"], "missing.toml");
    fs::write(dir.join("broken.toml"), "[data\nn = 3").unwrap();
    rejected("broken configuration", &["run", text(&dir.join("broken.toml"))], "line 1");
    fs::write(dir.join("a-file"), "").unwrap();
    rejected("output folder", &["run", "-o", text(&dir.join("a-file/out"))], "output folder");
}

#[test]
fn bad_files() {
    let dir = folder("bad-files");
    let (x, y) = (dir.join("x.npy"), dir.join("y.npy"));
    let good: Vec<f64> = (0..12).map(|i| f64::from(i * i % 7) - 2.5).collect();
    let labels = doubles(&[1.0, -1.0, 1.0, -1.0]);
    let run = |name: &str, expected: &str| {
        let source = [format!("data.source={}", text(&x)), format!("data.labels={}", text(&y))];
        let out = dir.join("out");
        rejected(name, &["run", "-o", text(&out), "-s", &source[0], "-s", &source[1]], expected);
    };
    let write = |values: &[f64], labels: &[u8]| {
        array(&x, "<f8", false, "4, 3", &doubles(values));
        array(&y, "<f8", false, "4,", labels);
    };
    let mut nan = good.clone();
    nan[5] = f64::NAN;
    write(&nan, &labels);
    run("NaN", "x.npy");
    write(&good, &doubles(&[1.0, -1.0, 2.0, 1.0]));
    run("third class", "y.npy");
    write(&good, &doubles(&[1.0, -1.0, 1.0, -1.0]));
    array(&y, "<f8", false, "3,", &doubles(&[1.0, -1.0, 1.0]));
    run("short labels", "label");
    array(&x, "<f8", false, "4, 3", &doubles(&good)[..50]);
    run("truncated", "x.npy");
    array(&x, "<f8", false, "12,", &doubles(&good));
    run("one dimension", "x.npy");
    fs::write(&x, b"not an array").unwrap();
    run("not npy", "x.npy");
    fs::remove_file(&x).unwrap();
    run("missing", "x.npy");
}

/// f32 and f64, C and Fortran order hold the same numbers.
#[test]
fn file_formats_agree() {
    let dir = folder("formats");
    let values: Vec<f64> = (0..60).map(|i| f64::from((i * 37 + 11) % 64) / 8.0 - 4.0).collect();
    let y = dir.join("y.npy");
    array(&y, "|i1", false, "4,", &[0, 1, 0, 1]);
    let transposed: Vec<f64> = (0..60).map(|i| values[(i % 4) * 15 + i / 4]).collect();
    let single = |v: &[f64]| v.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let forms = [
        ("<f8", false, doubles(&values)),
        ("<f8", true, doubles(&transposed)),
        ("<f4", false, single(&values)),
        ("<f4", true, single(&transposed)),
    ];
    let digests: Vec<String> = forms
        .iter()
        .map(|(descr, fortran, bytes)| {
            let x = dir.join("x.npy");
            array(&x, descr, *fortran, "4, 15", bytes);
            let (source, labels) = (format!("data.source={}", text(&x)), format!("data.labels={}", text(&y)));
            let out = dir.join("out");
            let run = ["run", "-o", text(&out), "--json", "-s", &source, "-s", &labels, "-s", "descent.steps=50"];
            let out = farfield(&run);
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()["digest"].to_string()
        })
        .collect();
    assert!(digests.iter().all(|d| *d == digests[0]), "{digests:?}");
}

/// The weights in `dual` prove that no W separates the data with slopes θ (n×m): they are nonnegative, have
/// sum 1, and `‖Σ_i λ_i y_i (a_j θ_ij x_i)_j‖²` is within the solver's bound of 0, relative to the samples.
fn assert_cancels(x: &Matrix, y: &[f64], dual: &Path, slopes: &Path) {
    let (dual, slopes) = (npy::vector(dual).unwrap(), npy::matrix(slopes).unwrap());
    assert!(dual.iter().all(|l| *l >= 0.0) && (dual.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{dual:?}");
    let (mut square, m) = (0.0, slopes.cols());
    for j in 0..m {
        for k in 0..x.cols() {
            let sum: f64 = (0..x.rows()).map(|i| dual[i] * y[i] * slopes[(i, j)] * x[(i, k)]).sum();
            square += sum * sum / m as f64;
        }
    }
    // the change of the features that PROOF allows, and what this sum of n products rounds
    let size: f64 = (0..x.rows()).map(|i| dual[i] * norm(x.row(i))).sum();
    let bound = (1.0 + x.rows() as f64) * PROOF * size;
    assert!(square.sqrt() <= bound, "{:e} and {bound:e}", square.sqrt());
}

/// Two copies of each sample with opposite labels: no network separates them.
#[test]
fn data_that_cannot_be_separated_exit_5_and_keep_their_trace() {
    let dir = folder("inseparable");
    let rows: Vec<f64> = (0..15).map(|i| f64::from(i * i % 11) - 4.5).collect();
    let (x, y) = (Matrix::new(6, 5, [rows.clone(), rows].concat()), [1.0, 1.0, -1.0, -1.0, -1.0, 1.0]);
    array(&dir.join("x.npy"), "<f8", false, "6, 5", &doubles(x.values()));
    array(&dir.join("y.npy"), "<f8", false, "6,", &doubles(&y));
    let source = format!("data.source={}", text(&dir.join("x.npy")));
    let labels = format!("data.labels={}", text(&dir.join("y.npy")));
    for engine in ["descent.engine=direct", "descent.engine=gram"] {
        let out = dir.join("out");
        let steps = ["--overwrite", "-s", "descent.steps=2e4", "-s", engine];
        let args = [&["run", "-o", text(&out), "-s", &source, "-s", &labels], &steps[..]].concat();
        let run = farfield(&args);
        assert_eq!(run.status.code(), Some(5), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(fs::read_to_string(out.join("trace.csv")).unwrap().lines().count() > 10);
        let result = fs::read_to_string(out.join("result.json")).unwrap();
        let result: serde_json::Value = serde_json::from_str(&result).unwrap();
        assert!(result["farkas_value"].as_f64().unwrap() <= PROOF);
        // the least loss of twins of different labels is 2, at q = 0
        let (ray, above) = (&result["ray"], result["loss_above_floor"].as_f64().unwrap());
        assert_eq!((ray["bounded"].as_array().unwrap().len(), &ray["max_margin"]), (6, &serde_json::Value::Null));
        assert!((ray["floor"].as_f64().unwrap() - 6.0).abs() < 1e-13 && above.abs() < 1e-13, "{ray} {above:e}");
        let (log_loss, floor) = (result["log_loss"].as_f64().unwrap(), 6f64.ln());
        assert!((log_loss - floor).abs() < 1e-13, "{log_loss}");
        assert!(npy::vector(&out.join("dual.npy")).unwrap().iter().all(|l| *l == 0.0));
        let mut slopes = npy::matrix(&out.join("pattern.npy")).unwrap();
        slopes.values_mut().iter_mut().for_each(|bit| *bit = if *bit == 1.0 { 1.0 } else { 0.1 });
        npy::write_matrix(&out.join("slopes.npy"), &slopes).unwrap();
        assert_cancels(&x, &y, &out.join("farkas.npy"), &out.join("slopes.npy"));
    }
    let out = dir.join("limit");
    let limit = farfield(&["limit", "-o", text(&out), "-s", &source, "-s", &labels]);
    assert_eq!(limit.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&limit.stdout).contains("NOT SEPARABLE"));
    assert_cancels(&x, &y, &out.join("farkas.npy"), &out.join("slopes.npy"));
    // only the pair that contradicts itself carries weight, all of it at slope 1
    array(&dir.join("y.npy"), "<f8", false, "6,", &doubles(&[1.0, 1.0, -1.0, -1.0, 1.0, -1.0]));
    assert_eq!(farfield(&["limit", "-o", text(&out), "-s", &source, "-s", &labels]).status.code(), Some(5));
    let dual = npy::vector(&out.join("farkas.npy")).unwrap();
    assert!((dual[0] - 0.5).abs() < 1e-7 && (dual[3] - 0.5).abs() < 1e-7, "{dual:?}");
    // the others go on growing
    let result = fs::read_to_string(out.join("result.json")).unwrap();
    let ray = &serde_json::from_str::<serde_json::Value>(&result).unwrap()["ray"];
    assert_eq!(ray["bounded"], serde_json::json!([0, 3]));
    assert!((ray["floor"].as_f64().unwrap() - 2.0).abs() < 1e-8 && ray["max_margin"].as_f64().unwrap() > 0.0, "{ray}");
    let lambda = npy::vector(&out.join("dual.npy")).unwrap();
    let (total, margin) = (lambda.iter().sum::<f64>(), ray["max_margin"].as_f64().unwrap());
    assert!(lambda[0] == 0.0 && lambda[3] == 0.0 && (margin * total.sqrt() - 1.0).abs() < 1e-9, "{lambda:?}");
}

/// Without `-o` a limit goes below the folder of its run, whose files stay.
#[test]
fn a_limit_leaves_the_run_alone() {
    let dir = folder("default-folder");
    let call = |command: &str| {
        let data = ["-s", "data.n=10", "-s", "data.d=100", "-s", "descent.steps=100"];
        let mut program = Command::new(env!("CARGO_BIN_EXE_farfield"));
        let out = program.current_dir(&dir).arg(command).args(data).output().expect("the program starts");
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let result = || {
        let only = fs::read_dir(dir.join("farfield-out")).unwrap().next().unwrap().unwrap();
        (fs::read(only.path().join("result.json")).unwrap(), only.path())
    };
    call("run");
    let before = result().0;
    call("limit");
    assert_eq!(result().0, before);
    assert!(result().1.join("limit/result.json").exists() && result().1.join("limit/slopes.npy").exists());
}

#[test]
fn divergence_exits_3_and_keeps_the_trace() {
    let out = folder("diverged");
    for engine in ["descent.engine=direct", "descent.engine=gram"] {
        let data = ["-s", "data.n=40", "-s", "data.d=3", "-s", "data.signal=0"];
        let settings = [&data[..], &["-s", "descent.step_size=100", "-s", engine]].concat();
        let run = farfield(&[&["run", "--overwrite", "-o", text(&out)], &settings[..]].concat());
        assert_eq!(run.status.code(), Some(3), "{}", String::from_utf8_lossy(&run.stderr));
        let trace = fs::read_to_string(out.join("trace.csv")).unwrap();
        assert!(trace.lines().count() >= 2, "{trace}");
        let result = fs::read_to_string(out.join("result.json")).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&result).unwrap()["status"] == "diverged");
    }
}

#[test]
fn tolerance() {
    let out = folder("tolerance");
    let data = ["-s", "data.n=10", "-s", "data.d=200", "-s", "monitor.require=true"];
    let base = [&["run", "--overwrite", "-o", text(&out)], &data[..]].concat();
    let run = |more: &[&str]| farfield(&[&base[..], more].concat()).status.code();
    assert_eq!(run(&["-s", "monitor.angle_tolerance=0.5", "-s", "descent.steps=1e6"]), Some(0));
    assert_eq!(run(&["-s", "monitor.angle_tolerance=1e-9", "-s", "descent.steps=1e3"]), Some(4));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_its_results() {
    let out = folder("interrupted");
    let settings = ["-s", "descent.steps=1e15", "-s", "descent.warp=false", "-s", "data.n=20", "-s", "data.d=100"];
    let mut run = Command::new(env!("CARGO_BIN_EXE_farfield"))
        .args([&["run", "-o", text(&out)], &settings[..]].concat())
        .spawn()
        .expect("the program starts");
    let begun = || fs::read_to_string(out.join("trace.csv")).is_ok_and(|t| t.lines().count() > 4);
    while !begun() {
        assert!(run.try_wait().unwrap().is_none(), "it runs until it is told to stop");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let kill = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill");
    assert!(kill.success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let result = fs::read_to_string(out.join("result.json")).expect("results are written");
    assert!(result.contains("\"interrupted\""));
}

#[test]
fn completions_and_manual() {
    for args in [&["completions", "bash"][..], &["man"]] {
        let out = farfield(args);
        assert!(out.status.success() && out.stdout.len() > 500, "{args:?}");
    }
}

/// f32 and mixed: the same digest for any number of threads, their rounding in result.json and precision.csv.
#[test]
fn precision_is_reported_and_reproducible() {
    for (precision, engine) in [("f32", "direct"), ("mixed", "direct"), ("mixed", "gram")] {
        let run = |threads: &str| {
            let out = folder(&format!("{precision}-{engine}-{threads}"));
            let settings = [format!("descent.precision={precision}"), format!("descent.engine={engine}")];
            let args =
                ["run", "-o", text(&out), "--json", "--threads", threads, "-s", "data.n=20", "-s", "data.d=2000"];
            let more = ["-s", &settings[0], "-s", &settings[1], "-s", "descent.steps=500", "-s", "descent.warp=false"];
            let done = farfield(&[&args[..], &more[..]].concat());
            assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
            let result: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
            (out, result)
        };
        let ((out, one), (_, three)) = (run("1"), run("3"));
        assert_eq!(one["digest"], three["digest"], "{precision} {engine}");
        assert_eq!(
            (&one["precision"]["requested"], &one["precision"]["present"]),
            (&precision.into(), &precision.into())
        );
        assert_eq!(one["segments"][0]["precision"], precision);
        assert!(one["precision"]["drift"].as_f64().expect("a drift") < 1e-5);
        assert!(one["precision"]["certificate_rounding"].as_f64().expect("known") > 0.0);
        let trace = fs::read_to_string(out.join("precision.csv")).expect("precision.csv");
        let rows = fs::read_to_string(out.join("trace.csv")).expect("trace.csv").lines().count();
        assert_eq!(trace.lines().count(), rows);
        assert!(trace.starts_with("t,precision,drift,lost_fraction,anchors,interval,certificate_rounding\n"));
    }
    rejected("f32 on K", &["run", "-s", "descent.precision=f32", "-s", "descent.engine=gram"], "mixed");
}
