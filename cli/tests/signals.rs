//! The first signal ends every phase within a second: Ctrl-C with what was computed written, exit 130; SIGTERM and SIGHUP
//! with exit 75, for a run with a checkpoint (kills.rs) in place of results.
#![cfg(unix)]

mod common;

use common::{farfield, folder, of_one_run, signal, start, stderr, text, until};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

/// Waits until the program says that a phase has taken a second.
fn says(child: &mut Child, words: &str) {
    let (mut said, mut byte) = (Vec::new(), [0]);
    let pipe = child.stderr.as_mut().expect("a pipe");
    while !String::from_utf8_lossy(&said).contains(words) {
        assert_eq!(pipe.read(&mut byte).expect("readable"), 1, "{}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
}

/// Interrupts a command in the phase that it names; its folder.
fn interrupted(child: Child, name: &str, dir: &Path) {
    let (out, time) = signal(child, name);
    assert_eq!(out.status.code(), Some(if name == "INT" { 130 } else { 75 }), "{}", stderr(&out));
    assert!(time < Duration::from_secs(2), "{time:?} on a machine that does other things too");
    of_one_run(dir, name);
}

#[test]
fn reading_is_left() {
    // a pipe that nobody writes to is as slow as a file can be
    let dir = folder("reading");
    let pipe = dir.join("x.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let source = format!("data.source={}", text(&pipe));
    for (command, name) in [("run", "INT"), ("limit", "HUP"), ("check", "TERM")] {
        let out = dir.join(command);
        let output = if command == "check" { vec![] } else { vec!["-o", text(&out)] };
        let mut child = start(&[&[command, "-s", &source, "-s", "data.labels=-1"], &output[..]].concat());
        says(&mut child, "reading");
        interrupted(child, name, &out);
        assert!(!out.exists(), "nothing was begun");
    }
}

#[test]
fn sampling_is_left_with_the_rest_written() {
    let dir = folder("sampling");
    let data = ["-s", "data.n=12", "-s", "data.d=20000", "-s", "data.noise=student-t", "-s", "output.test_points=1e9"];
    for (command, name, array) in [("run", "INT", "margins.npy"), ("limit", "HUP", "slopes.npy")] {
        let out = dir.join(command);
        let mut child = start(&[&[command, "-o", text(&out)], &data[..]].concat());
        says(&mut child, "sampling test errors");
        interrupted(child, name, &out);
        let result = fs::read_to_string(out.join("result.json")).expect("written");
        assert!(out.join(array).exists() && result.contains("max_margin"), "{command}");
    }
    // unless asked for, sampling takes a second or two, whatever d is
    let usual = farfield(&[&["run", "-o", text(&dir.join("usual")), "--json"], &data[..6]].concat());
    let result: serde_json::Value = serde_json::from_slice(&usual.stdout).expect("JSON");
    assert_eq!(result["test_error"]["iterate"]["samples"], 431, "1e7 numbers, 20000 · (1 + 0.02 · 8) a point");
}

#[test]
fn steps_are_left_with_their_rows() {
    let dir = folder("steps-left");
    let settings = ["-s", "descent.steps=1e15", "-s", "descent.warp=false", "-s", "data.n=20", "-s", "data.d=100"];
    for name in ["INT", "TERM", "HUP"] {
        let out = dir.join(name);
        let child = start(&[&["run", "-o", text(&out)], &settings[..]].concat());
        until("rows", || fs::read_to_string(out.join("trace.csv")).is_ok_and(|t| t.lines().count() > 4));
        interrupted(child, name, &out);
        assert!(out.join("checkpoint.bin").exists(), "{name}");
        let result = fs::read_to_string(out.join("result.json")).unwrap_or_default();
        assert_eq!(result.contains("\"interrupted\""), name == "INT", "{name}: results for a person alone");
    }
}
