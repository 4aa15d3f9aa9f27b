//! Multiply-adds are calls of libm outside code that is compiled for an instruction set: each place in `src/` that has one is
//! named here, with why it is not hot, or where it is dispatched. A new one needs a word.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Places: files with how many `mul_add` they have, and why.
const PLACES: &[(&str, usize, &str)] = &[
    ("certificate.rs", 1, "n·P a look, beside products with K"),
    ("data/mixture.rs", 1, "dispatched: Place"),
    ("data/noise.rs", 1, "beside a logarithm and a power for each number"),
    ("data/rotated.rs", 2, "once a sample; once a χ² number"),
    ("data/standardize.rs", 1, "beside a division for each number, once"),
    (
        "descent/compensated.rs",
        1,
        "sums of a few terms in twice the precision; W from X where coefficients cancel, every 1024 steps",
    ),
    ("descent/fused/mixed.rs", 1, "n·m an anchor, beside a pass over X"),
    ("descent/fused/tied.rs", 1, "n·m where groups form"),
    ("descent/runge_kutta.rs", 2, "once a trial step; the other one dispatched"),
    ("descent/sliding/distance.rs", 4, "n an event, beside products with K; one dispatched: Reach"),
    ("descent/sliding/events.rs", 1, "n an event, beside products with K"),
    ("descent/sliding/factor.rs", 1, "s³/6 for s kinks, beside n² s"),
    ("descent/sliding/mode.rs", 2, "n an event; rows of H dispatched"),
    ("descent/sliding/ripple.rs", 1, "dispatched: blocks of eight"),
    ("descent/span/vectors.rs", 1, "dispatched: Row"),
    ("descent/warp/history.rs", 1, "dispatched: Combine"),
    ("engine/weights.rs", 1, "m·d a norm of W held as such, once or twice a look"),
    ("lanczos.rs", 2, "dispatched: orthogonalization"),
    ("limit/dual/accurate.rs", 5, "dispatched: sums in twice the precision"),
    ("limit/dual/active_set.rs", 2, "n an exchange, beside a solve"),
    ("limit/few.rs", 3, "dispatched"),
    ("limit/monte_carlo.rs", 3, "beside normal numbers a point; m² once"),
    ("limit/precise/double.rs", 2, "proofs, once a limit"),
    ("limit/precise/products.rs", 1, "dispatched: the last columns of a row"),
    ("limit/precise/vector.rs", 4, "dispatched: sums in twice the precision"),
    ("limit/rows.rs", 1, "n·P a limit"),
    ("limit/search.rs", 1, "n a proof"),
    ("limit/tail/tilted.rs", 1, "beside exponentials, once a limit"),
    ("limit/test_error.rs", 2, "once a test error"),
    ("network.rs", 2, "n·m an anchor; margins dispatched"),
    ("prediction.rs", 1, "n·m once"),
    ("run/hope.rs", 1, "pairs of samples, once"),
];

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            all.push(path);
        }
    }
}

#[test]
fn every_multiply_add_outside_the_kernels_is_accounted_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut found) = (Vec::new(), BTreeMap::new());
    sources(&root, &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
        let count: usize = lines.map(|line| line.matches(".mul_add(").count()).sum();
        if count > 0 {
            let name = file.strip_prefix(&root).expect("a file below src").to_string_lossy().replace('\\', "/");
            found.insert(name, count);
        }
    }
    let known: BTreeMap<String, usize> = PLACES.iter().map(|(name, count, _)| (name.to_string(), *count)).collect();
    assert_eq!(found, known, "found and accounted for");
    assert!(PLACES.iter().all(|(_, _, why)| !why.is_empty()));
}
