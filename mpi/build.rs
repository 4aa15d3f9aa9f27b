//! Compiles calls.c with `mpicc` (or what MPICC names), and links what `mpicc -show` says: the one interface that
//! Open MPI, MPICH and their relatives have in common.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=src/calls.c");
    println!("cargo:rerun-if-env-changed=MPICC");
    if env::var_os("CARGO_FEATURE_CALLS").is_none() {
        return;
    }
    let mpicc = env::var("MPICC").unwrap_or_else(|_| "mpicc".into());
    let folder = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    let (object, archive) = (folder.join("calls.o"), folder.join("libfarfield_mpi.a"));
    run(Command::new(&mpicc).args(["-O2", "-fPIC", "-Wall", "-c", "src/calls.c", "-o"]).arg(&object));
    let _ = fs::remove_file(&archive); // of another build: `ar` would add to it
    run(Command::new("ar").arg("crs").arg(&archive).arg(&object));
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static=farfield_mpi");
    for word in run(Command::new(&mpicc).arg("-show")).split_whitespace() {
        if let Some(path) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={path}");
        } else if let Some(name) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={name}");
        }
    }
}

/// The output of a command that must succeed.
fn run(command: &mut Command) -> String {
    let why = "the feature `mpi` needs an MPI with its compiler mpicc (Debian: apt-get install libopenmpi-dev)";
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; {why}"));
    assert!(out.status.success(), "{command:?}: {}; {why}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}
