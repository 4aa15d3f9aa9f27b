//! Every write, open, rename, mmap and allocation fails once: one line, the right exit code, and a folder of one run.
//!
//! A shim (faults/shim.c) is loaded into the program and fails the k-th call of a kind. FARFIELD_FAULTS=60 for the
//! long form; without a C compiler there is nothing to load, and the test says so.
#![cfg(target_os = "linux")]

mod common;

use common::{PROGRAM, contents, farfield, folder, of_one_run, refused, text};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Builds the shim; none without a C compiler.
fn shim(dir: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
    let library = dir.join("shim.so");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o", text(&library), text(&source), "-ldl"]).status();
    match built {
        Ok(status) => {
            assert!(status.success(), "the shim builds");
            Some(library)
        }
        Err(_) => None,
    }
}

const ARGS: [&str; 9] =
    ["-s", "data.n=12", "-s", "data.d=60", "-s", "output.weights=true", "-s", "descent.steps=100", "--threads=2"];

struct Faults {
    shim: PathBuf,
    log: PathBuf,
    dir: PathBuf,
}

impl Faults {
    /// A run into the folder, over another one, in which the k-th call fails; what failed, if that call was reached.
    fn run(&self, call: &str, k: usize, bytes: usize) -> (Output, Option<String>) {
        let _ = fs::remove_file(&self.log);
        let mut program = Command::new(PROGRAM);
        program.args(["run", "--overwrite", "-o", text(&self.dir)]).args(ARGS);
        program.env("LD_PRELOAD", &self.shim).env("FAULT_CALL", call).env("FAULT_AT", k.to_string());
        program.env("FAULT_BYTES", bytes.to_string()).env("FAULT_LOG", &self.log).env("RUST_BACKTRACE", "0");
        let out = program.output().expect("the program starts");
        (out, fs::read_to_string(&self.log).ok())
    }

    /// Puts the old run back.
    fn reset(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let _ = fs::remove_dir_all(&self.dir);
        let out = farfield(&["run", "-o", text(&self.dir), "-s", "data.n=20", "-s", "data.d=60"]);
        assert_eq!(out.status.code(), Some(0));
        contents(&self.dir)
    }
}

#[test]
fn one_failure_costs_one_file_and_is_one_line() {
    let most: usize = std::env::var("FARFIELD_FAULTS").ok().and_then(|v| v.parse().ok()).unwrap_or(24);
    let place = folder("faults");
    let Some(shim) = shim(&place) else {
        eprintln!("no C compiler: nothing is tested here");
        return;
    };
    let faults = Faults { shim, log: place.join("log"), dir: place.join("out") };
    for (call, bytes) in [("write", 1), ("open", 1), ("rename", 1), ("mmap", 1), ("alloc", 1 << 12)] {
        let mut reached = 0;
        // The first mmap is the stack for signals that Rust's runtime gives the main thread before `main`; without it
        // the runtime aborts (library/std, `stack_overflow::make_handler`), before anything of this program runs.
        for k in if call == "mmap" { 2 } else { 1 }..=most {
            let before = faults.reset();
            let (out, failed) = faults.run(call, k, bytes);
            let Some(failed) = failed else { break };
            reached = k;
            let context = format!("{call} {k}: {failed}");
            let error = String::from_utf8_lossy(&out.stderr).into_owned();
            let code = out.status.code().unwrap_or_else(|| panic!("{context}: killed: {error}"));
            assert!((0..=2).contains(&code), "{context}: exit {code}: {error}");
            let lines = error.lines().filter(|l| !l.starts_with("note: run with `RUST_BACKTRACE")).count();
            // A thread without its stack for signals is the end of the runtime, which adds a line of its own.
            let own = usize::from(call == "mmap");
            assert_eq!(lines, usize::from(code != 0 && failed != "stderr") + own, "{context}: exit {code}: {error}");
            assert!(!error.contains("fault of this program"), "{context}: {error}");
            of_one_run(&faults.dir, &context);
            if code == 2 {
                assert_eq!(contents(&faults.dir), before, "{context}: refused, yet changed");
            }
            // what fails in the folder or on stdout is never passed over
            let ours = failed.starts_with(text(&faults.dir)) || failed == "stdout";
            assert!(!ours || code != 0, "{context}: exit 0");
            // one array that cannot be written leaves the others and the result
            if code == 1 && ["weights.npy", "dual.npy", "boundary.npy"].iter().any(|n| failed.contains(n)) {
                assert!(
                    faults.dir.join("result.json").exists() && faults.dir.join("margins.npy").exists(),
                    "{context}"
                );
            }
            // a row that cannot be written ends the run there, with its result
            if call == "write" && failed.contains("trace.csv") && !failed.contains(".part") {
                assert!(
                    faults.dir.join("result.json").exists() && faults.dir.join("pattern.npy").exists(),
                    "{context}"
                );
            }
        }
        assert!(reached >= 6, "{call}: {reached} calls failed");
        println!("{call}: {reached} calls failed, one a run");
    }
}

/// Limits of the shell are errors of one line, too.
#[test]
fn limits_of_the_shell_are_errors_of_one_line() {
    let place = folder("shell-limits");
    let limited = |limit: &str, args: &str| {
        let script = format!("ulimit {limit}; exec {PROGRAM} {args}");
        Command::new("bash").args(["-c", &script]).env("RUST_BACKTRACE", "0").output().expect("bash")
    };
    let out = text(&place.join("files")).to_string();
    refused(&limited("-f 2", &format!("run -o {out} -s output.weights=true")), 1, &["cannot write"]);
    refused(&limited("-v 3000000", &format!("run -s data.d=10000000 -o {out} --overwrite")), 2, &["GiB of memory"]);
    refused(&limited("-v 3000000", "bench --n 20000 --d 20000 --threads 1"), 2, &["GiB of memory"]);
    refused(&limited("-v 300000", &format!("run -o {out} --overwrite --threads 500")), 2, &["ulimit"]);
    refused(&farfield(&["run", "--threads", "65535"]), 2, &["1024"]);
    refused(&farfield(&["bench", "--threads", "65535"]), 2, &["1024"]);
    let many = Command::new(PROGRAM).arg("check").env("RAYON_NUM_THREADS", "100000").output().expect("it starts");
    refused(&many, 2, &["RAYON_NUM_THREADS"]);
}

/// A limit on processes (`ulimit -u`) holds for everybody but root, who becomes somebody else for it.
#[test]
fn threads_that_cannot_start_are_errors_of_one_line() {
    let place = folder("processes");
    let plan = place.join("plan.toml");
    fs::write(&plan, "seeds = 2\n[base]\ndata.n = 8\ndata.d = 40\n[grid]\ndata.signal = [1, 2]\n").expect("a plan");
    let root = fs::metadata("/proc/self").expect("this process").uid() == 0;
    let user: &[&str] = if root { &["setpriv", "--reuid=65534", "--clear-groups"] } else { &["env"] };
    let limited = |most: &str, args: &str| {
        let script = format!("ulimit -u {most}; cd /; exec {PROGRAM} {args}");
        let mut command = Command::new(user[0]);
        command.args(&user[1..]).args(["bash", "-c", &script]).env("RUST_BACKTRACE", "0").output()
    };
    if !limited("64", "--version").is_ok_and(|out| out.status.success()) {
        eprintln!("nobody else can run the program here (setpriv, permissions): nothing is tested");
        return;
    }
    let out = text(&place.join("out")).to_string();
    let sweep = format!("sweep {} -o {out} --threads 2", text(&plan));
    for args in
        [&format!("run -o {out} --threads 2"), "limit --threads 2", "check --threads 2", "bench --threads 2", &sweep]
    {
        refused(&limited("1", args).expect("it was there"), 2, &["cannot start 2 threads", "ulimit"]);
        assert!(!place.join("out").exists(), "{args}: refused, yet there is a folder");
    }
}
