//! Samples that do not fit `--memory`: the same run from files in both orders and from a mixture, and what is refused.

mod common;

use common::{farfield, folder, refused, stderr, text};
use std::fs;
use std::path::Path;

const N: usize = 100;
const D: usize = 50_000;

/// X[i][k], a multiple of 1/8 that f4 holds; the first columns tell the classes apart.
fn value(i: usize, k: usize) -> f64 {
    let noise = ((i * 7919 + k * 104_729 + i * k % 13) % 97) as f64 - 48.0;
    let class = if i.is_multiple_of(3) { 1.0 } else { -1.0 };
    noise / 8.0 + if k < 500 { class } else { 0.0 }
}

fn write(path: &Path, element: &str, fortran: bool, body: &[u8], shape: &str) {
    let order = if fortran { "True" } else { "False" };
    let mut head = format!("{{'descr': '{element}', 'fortran_order': {order}, 'shape': {shape}, }}");
    head.push_str(&" ".repeat(117 - head.len()));
    head.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    bytes.extend(body);
    fs::write(path, bytes).expect("a file");
}

/// The bytes of what a run has written that do not depend on where X was.
fn bytes(folder: &Path) -> Vec<Vec<u8>> {
    ["trace.csv", "margins.npy", "weights.npy"].map(|name| fs::read(folder.join(name)).expect("a file")).into()
}

#[test]
fn samples_that_do_not_fit_are_read_or_drawn_a_block_at_a_time() {
    let dir = folder("memory");
    fs::create_dir_all(&dir).expect("a folder");
    let rows: Vec<u8> = (0..N * D).flat_map(|at| value(at / D, at % D).to_le_bytes()).collect();
    write(&dir.join("rows.npy"), "<f8", false, &rows, &format!("({N}, {D})"));
    let columns: Vec<u8> = (0..N * D).flat_map(|at| (value(at % N, at / N) as f32).to_le_bytes()).collect();
    write(&dir.join("columns.npy"), "<f4", true, &columns, &format!("({N}, {D})"));
    let y: Vec<u8> = (0..N).flat_map(|i| if i.is_multiple_of(3) { 1.0f64 } else { -1.0 }.to_le_bytes()).collect();
    write(&dir.join("y.npy"), "<f8", false, &y, &format!("({N},)"));
    let labels = format!("data.labels={}", dir.join("y.npy").display());
    let (samples, features) = (format!("data.n={N}"), format!("data.d={D}"));
    let run = |name: &str, source: &[&str], memory: &[&str]| {
        let out = dir.join(name);
        let settings = source.iter().flat_map(|s| ["-s", s]);
        let common =
            ["run", "-o", text(&out), "-s", "descent.steps=1e6", "-s", "network.width=2", "-s", "output.weights=true"];
        let args: Vec<&str> = common.into_iter().chain(settings).chain(memory.iter().copied()).collect();
        (farfield(&args), out)
    };
    let little = ["--memory", "76MB"];
    let files = ["rows.npy", "columns.npy"].map(|name| format!("data.source={}", dir.join(name).display()));
    let mixture = [&*samples, &*features];
    let sources: [&[&str]; 3] = [&[&files[0], &labels], &[&files[1], &labels], &mixture];
    for (k, source) in sources.into_iter().enumerate() {
        let (whole, in_memory) = run(&format!("whole{k}"), source, &[]);
        assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
        let (streamed, out) = run(&format!("streamed{k}"), source, &little);
        assert_eq!(streamed.status.code(), Some(0), "{}", stderr(&streamed));
        assert!(stderr(&streamed).contains("does not fit the memory allowed"), "{}", stderr(&streamed));
        assert!(bytes(&in_memory) == bytes(&out), "{source:?}");
    }
    let (none, _) = run("none", &mixture, &["--memory", "20 MB"]);
    refused(&none, 2, &["memory"]);
    let (steps, _) = run("steps", &[&*samples, &*features, "descent.engine=direct"], &little);
    refused(&steps, 2, &["steps on X"]);
    let (chosen, _) = run("chosen", &[&files[0], &labels, "data.rows=0-50"], &little);
    refused(&chosen, 2, &["farfield convert"]);
    let (held, _) = run("held", &[&files[0], &labels, "data.holdout=0.2"], &little);
    refused(&held, 2, &["data.holdout"]);
    fs::remove_dir_all(&dir).ok();
}
