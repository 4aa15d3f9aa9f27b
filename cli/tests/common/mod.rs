//! What the tests of the command line share: the program, fresh folders, and whether a folder holds one run.
#![allow(dead_code)] // every test file takes a part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_farfield");

pub fn farfield(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).output().expect("the program starts")
}

pub fn start(args: &[&str]) -> Child {
    let mut program = Command::new(PROGRAM);
    program.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// A fresh folder of the test run.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the test folder can be made");
    path
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

pub fn stdout(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// stderr without progress.
pub fn stderr(out: &Output) -> String {
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    text.lines().filter(|l| !l.contains(" after ")).collect::<Vec<_>>().join("\n")
}

/// The error of a bad call: the exit code, one line, and the words.
pub fn refused(out: &Output, code: i32, words: &[&str]) {
    let error = stderr(out);
    assert_eq!(out.status.code(), Some(code), "{error}");
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    words.iter().for_each(|word| assert!(error.contains(word), "{word:?} is not in {error:?}"));
}

/// Every file of a folder with its content, by name; those of folders within too.
pub fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(contents(&path)),
            path => found.push((path.clone(), fs::read(&path).expect("readable"))),
        }
    }
    found.sort();
    found
}

/// Asserts that the files of a folder are of one run: config.toml is there before anything else, result.json lists
/// what is there, and arrays have the n of the configuration.
pub fn of_one_run(dir: &Path, context: &str) {
    let files = contents(dir);
    let names: Vec<&str> = files.iter().filter_map(|(p, _)| p.file_name()?.to_str()).collect();
    let finished: Vec<&&str> = names.iter().filter(|n| !n.ends_with(".part")).collect();
    let Ok(config) = fs::read_to_string(dir.join("config.toml")) else {
        assert!(finished.is_empty(), "{context}: {finished:?} without config.toml");
        return;
    };
    let config: toml::Table = config.parse().expect("config.toml is whole");
    let n = config["data"].get("n").map(|n| n.as_integer().expect("n") as u64); // none of a file
    if let (Ok(margins), Some(n)) = (fs::read(dir.join("margins.npy")), n) {
        let head = String::from_utf8_lossy(&margins[..128]).into_owned();
        assert!(head.contains(&format!("({n},)")), "{context}: margins of another run: {head} and n = {n}");
    }
    let Ok(result) = fs::read(dir.join("result.json")) else { return };
    let result: serde_json::Value = serde_json::from_slice(&result).expect("result.json is whole");
    let stated = result["provenance"]["config"]["data"]["n"].as_u64();
    assert_eq!(stated, n, "{context}: result.json of another run");
    let listed = result["files"].as_object().expect("files");
    for (name, digest) in listed {
        let content = fs::read(dir.join(name)).unwrap_or_else(|e| panic!("{context}: {name}: {e}"));
        assert_eq!(digest, blake3::hash(&content).to_hex().as_str(), "{context}: {name}");
    }
    let arrays = finished.iter().filter(|n| n.ends_with(".npy"));
    arrays.for_each(|name| assert!(listed.contains_key(**name), "{context}: {name} is not of this run"));
}

/// Sends a signal, and waits for the end; the time that took.
pub fn signal(child: Child, name: &str) -> (Output, Duration) {
    let begun = Instant::now();
    let kill = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill");
    assert!(kill.success(), "it still runs");
    let out = child.wait_with_output().expect("it ends");
    (out, begun.elapsed())
}

/// Waits until something is so, at most a minute.
pub fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
