//! No import runs upwards: each room of the library knows only rooms below it, and the library knows no files, no
//! configuration and no command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rooms from the ground up; those of one line know nothing of each other, but for those joined by `+`, which are
/// one room in several files.
const FLOORS: &[&str] = &[
    "error real number digest kind measure",
    "watch",
    "matrix lanczos",
    "network",
    "inner_products gram",
    "slopes data",
    "problem",
    "start",
    "engine+rounding+state",
    "limit descent",
    "certificate",
    "monitor",
    "outcome claims",
    "prediction conditions edge",
    "run",
];

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            all.push(path);
        }
    }
}

/// The code of a file: without comments, and without what is compiled for tests only, which ends it.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Names after `crate::` in a file.
fn used(code: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.split("crate::").skip(1).map(name).collect()
}

#[test]
fn no_import_runs_upwards() {
    let mut rooms = BTreeMap::new();
    for (floor, names) in FLOORS.iter().enumerate() {
        for room in names.split_whitespace() {
            room.split('+').for_each(|name| {
                rooms.insert(name, (floor, room));
            });
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut upwards = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).expect("a file below src");
        let own = relative.iter().next().and_then(|n| n.to_str()).expect("a name").trim_end_matches(".rs").to_string();
        if own == "lib" {
            continue;
        }
        let &(floor, room) = rooms.get(own.as_str()).unwrap_or_else(|| panic!("{own} has no floor"));
        for name in used(&code(&file)) {
            let Some(&(below, other)) = rooms.get(name.as_str()) else { panic!("{}: crate::{name}", file.display()) };
            if room != other && below >= floor {
                upwards.push(format!("{} uses {name}", relative.display()));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

#[test]
fn the_library_knows_no_files_and_no_command_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "kernels/src"] {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for word in ["std::fs", "toml", "println", "std::process", "std::env", "signal_hook", "std::path"] {
                assert!(!text.contains(word), "{}: {word}", file.display());
            }
        }
    }
}

/// faer's solvers by themselves take as many threads as there are, and have other bits on other numbers of them.
#[test]
fn no_solver_chooses_its_threads() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["linalg::solvers", "get_global_parallelism", "faer::prelude::*"] {
            assert!(!text.contains(word), "{}: {word}; limit/in_order.rs has what there is to use", file.display());
        }
    }
}
