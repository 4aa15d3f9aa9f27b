//! Disks that are full, read-only or limited, and a stdout that is closed: one line, the right exit code, and what was in
//! the folder before is whole.
#![cfg(target_os = "linux")]

mod common;

use common::{PROGRAM, contents, farfield, folder, of_one_run, refused, stderr, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A run whose state has 8·70000 weights, 4.5 MB: more than are written beside the results.
const WIDE: [&str; 7] = ["-s", "data.n=20", "-s", "data.d=70000", "-s", "descent.engine=direct", "--threads=1"];

fn run(dir: &Path, steps: &str) -> Vec<String> {
    let own = ["run", "--resume", "-o", text(dir), "-s", steps];
    own.iter().chain(&WIDE).map(|arg| arg.to_string()).collect()
}

fn call(args: &[String]) -> Output {
    farfield(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The lines of an error, but for the one that says where the run goes on.
fn errors(out: &Output) -> Vec<String> {
    stderr(out).lines().filter(|line| !line.contains("going on from the checkpoint")).map(str::to_owned).collect()
}

fn digest(dir: &Path) -> String {
    let result: serde_json::Value = serde_json::from_slice(&fs::read(dir.join("result.json")).unwrap()).unwrap();
    result["digest"].as_str().expect("a digest").into()
}

/// A small disk in memory; none where this user may not mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(name: &str, size: &str) -> Option<Self> {
        let disk = Self(folder(name));
        disk.call(&["-t", "tmpfs", "-o", size, "tmpfs"]).then_some(disk)
    }

    fn call(&self, args: &[&str]) -> bool {
        Command::new("mount").args(args).arg(&self.0).output().is_ok_and(|out| out.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_costs_the_new_checkpoint_and_not_the_old_one() {
    let Some(disk) = Disk::mount("full-disk", "size=6m") else {
        eprintln!("no disk can be mounted: nothing is tested here");
        return;
    };
    let (dir, whole) = (disk.0.join("out"), folder("full-disk-whole"));
    assert_eq!(call(&run(&dir, "descent.steps=100")).status.code(), Some(0));
    assert_eq!(call(&run(&whole, "descent.steps=300")).status.code(), Some(0));
    let before = fs::read(dir.join("checkpoint.bin")).unwrap();
    let out = call(&run(&dir, "descent.steps=300"));
    assert_eq!(out.status.code(), Some(1), "{}", stderr(&out));
    let lines = errors(&out);
    assert!(lines.len() == 1 && lines[0].contains("checkpoint.bin"), "{lines:?}");
    assert!(fs::read(dir.join("checkpoint.bin")).unwrap() == before, "the old one is whole");
    assert_eq!(digest(&dir), digest(&whole), "the results are written");
    of_one_run(&dir, "a full disk");
    // a disk that may not be written
    assert!(disk.call(&["-o", "remount,ro"]));
    let held = contents(&dir);
    refused(&call(&run(&dir, "descent.steps=400")), 2, &["cannot write to the output folder"]);
    assert!(contents(&dir) == held);
    // and one with enough room
    assert!(disk.call(&["-o", "remount,rw,size=24m"]));
    let out = call(&run(&dir, "descent.steps=300"));
    assert_eq!((out.status.code(), errors(&out)), (Some(0), vec![]));
    assert_eq!(digest(&dir), digest(&whole));
    assert!(fs::read(dir.join("trace.csv")).unwrap() == fs::read(whole.join("trace.csv")).unwrap());
}

/// With the limits of a shell, and stdout as it says.
fn shell(limit: &str, args: &[String], stdout: &str) -> Output {
    let script = format!("{limit} exec {PROGRAM} \"$@\" {stdout}");
    Command::new("bash").args(["-c", &script, "bash"]).args(args).output().expect("bash")
}

#[test]
fn a_limit_on_files_costs_the_new_checkpoint_and_not_the_old_one() {
    let dir = folder("file-limit");
    assert_eq!(call(&run(&dir, "descent.steps=100")).status.code(), Some(0));
    let before = fs::read(dir.join("checkpoint.bin")).unwrap();
    let out = shell("ulimit -f 300;", &run(&dir, "descent.steps=200"), "");
    assert_eq!(out.status.code(), Some(1), "{}", stderr(&out));
    let lines = errors(&out);
    assert!(lines.len() == 1 && lines[0].contains("checkpoint.bin"), "{lines:?}");
    assert!(fs::read(dir.join("checkpoint.bin")).unwrap() == before, "the old one is whole");
    of_one_run(&dir, "a limit on files");
}

#[test]
fn stdout_may_be_closed_but_not_full() {
    let dir = folder("closed-stdout");
    let out = shell("", &run(&dir, "descent.steps=100"), ">&-");
    assert_eq!((out.status.code(), dir.join("result.json").exists()), (Some(0), true), "{}", stderr(&out));
    let out = shell("", &run(&dir, "descent.steps=200"), ">/dev/full");
    assert_eq!((out.status.code(), errors(&out).len()), (Some(1), 1), "{}", stderr(&out));
    assert!(errors(&out)[0].contains("stdout"), "{}", stderr(&out));
    of_one_run(&dir, "a full stdout");
    assert_eq!(call(&run(&dir, "descent.steps=200")).status.code(), Some(0), "it is finished all the same");
}
