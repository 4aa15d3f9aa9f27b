//! A folder in which the program works, and samples in the form that others have to agree with.
#![allow(dead_code)] // every test file takes a part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A fresh folder of the test run, in which the program works.
pub struct Desk(pub PathBuf);

impl Desk {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bring-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the test folder can be made");
        Self(path)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.0.join(name), content).expect("a test file can be written");
        self
    }

    pub fn call(&self, command: &str, settings: &[&str], more: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_farfield"));
        program.current_dir(&self.0).arg(command).args(more);
        for setting in settings {
            program.args(["-s", setting]);
        }
        program.output().expect("the program starts")
    }

    /// What `limit` finds.
    pub fn limit(&self, settings: &[&str]) -> serde_json::Value {
        let out = self.call("limit", settings, &["--json", "--overwrite", "-o", "out"]);
        assert_eq!(out.status.code(), Some(0), "{settings:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).expect("JSON")
    }

    /// The digest of the samples and labels as they were read.
    pub fn digest(&self, settings: &[&str]) -> String {
        self.limit(settings)["data_digest"].as_str().expect("a digest").to_string()
    }

    /// The notes on stderr.
    pub fn notes(&self, settings: &[&str]) -> String {
        let out = self.call("check", settings, &[]);
        assert_eq!(out.status.code(), Some(0), "{settings:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stderr).expect("UTF-8")
    }

    /// A refusal: exit code 2, one line that holds all of `words`.
    pub fn refused(&self, settings: &[&str], words: &[&str]) {
        let out = self.call("check", settings, &[]);
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{settings:?}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{settings:?}: {error}");
        words.iter().for_each(|w| assert!(error.contains(w), "{settings:?}: {w} is not in {error}"));
    }
}

pub const N: usize = 8;
pub const D: usize = 6;

pub fn value(i: usize, k: usize) -> f64 {
    ((i * 37 + k * 11 + i * i * k) % 64) as f64 / 8.0 - 4.0
}

pub fn sign(i: usize) -> bool {
    !i.is_multiple_of(3)
}

/// A `.npy` file of version 1.0.
pub fn array(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    literal(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}"), bytes)
}

/// With a header as given.
pub fn literal(header: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

pub fn samples() -> Vec<u8> {
    (0..N * D).flat_map(|at| value(at / D, at % D).to_le_bytes()).collect()
}

/// The plain form, which the others have to agree with.
pub fn desk(name: &str) -> (Desk, String) {
    let desk = Desk::new(name);
    let y: Vec<u8> = (0..N).flat_map(|i| if sign(i) { 1f64 } else { -1.0 }.to_le_bytes()).collect();
    desk.file("X.npy", array("<f8", "8, 6", &samples())).file("y.npy", array("<f8", "8,", &y));
    let digest = desk.digest(&["data.source=X.npy", "data.labels=y.npy"]);
    (desk, digest)
}

/// Rows of text: `front` before, `label` behind each.
pub fn rows(separator: &str, front: impl Fn(usize) -> String, label: impl Fn(usize) -> String) -> String {
    let row = |i: usize| {
        let numbers = (0..D).map(|k| format!("{:?}", value(i, k))).collect::<Vec<_>>().join(separator);
        format!("{}{numbers}{}\n", front(i), label(i))
    };
    (0..N).map(row).collect()
}

pub fn plain(separator: &str) -> String {
    rows(separator, |_| String::new(), |i| format!("{separator}{}", i32::from(sign(i))))
}
