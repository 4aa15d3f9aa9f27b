//! One instruction set is as good as another: `--isa` forces each that this machine has, and every file that holds
//! numbers of the run has the same bytes. So has every number of threads, where faer and the project's own loops take them all.

mod common;

use common::{farfield, folder, refused, stderr, stdout, text};
use farfield_kernels::isa::Isa;
use std::fs;

/// What is compared, beside the digest; the last one is there where the limit is a plane.
const FILES: [&str; 6] = ["trace.csv", "margins.npy", "dual.npy", "weights.npy", "pattern.npy", "boundary.npy"];

#[test]
fn every_instruction_set_writes_the_same_bytes() {
    let cases: [(&str, &[&str]); 5] = [
        ("warp", &["data.n=20", "data.d=301", "descent.steps=1e30"]),
        ("flow", &["data.n=20", "data.d=301", "descent.steps=1e30", "descent.step_size=flow"]),
        ("direct", &["data.n=20", "data.d=301", "descent.steps=300", "descent.engine=direct"]),
        ("mixed", &["data.n=17", "data.d=67", "descent.steps=300", "descent.engine=direct", "descent.precision=mixed"]),
        (
            "sliding",
            &[
                "data.n=40",
                "data.d=500",
                "data.signal=6",
                "data.label_noise=0.15",
                "network.init_scale=1e-4",
                "descent.steps=1e40",
            ],
        ),
    ];
    for (name, settings) in cases {
        let mut first: Option<(String, Vec<Option<Vec<u8>>>)> = None;
        for isa in Isa::all().into_iter().map(Isa::name) {
            let dir = folder(&format!("isa-{name}-{isa}"));
            let mut args = vec!["run", "--isa", isa, "-o", text(&dir), "--json", "-s", "output.weights=true"];
            settings.iter().for_each(|setting| args.extend(["-s", setting]));
            let out = farfield(&args);
            assert_eq!(out.status.code(), Some(0), "{name} {isa}: {}", stderr(&out));
            let result: serde_json::Value = serde_json::from_str(&stdout(&out)).expect("JSON");
            assert_eq!(result["provenance"]["isa"], isa, "{name}");
            let digest = result["digest"].as_str().expect("a digest").to_string();
            let files = FILES.iter().map(|file| fs::read(dir.join(file)).ok()).collect();
            let (digests, contents) = first.get_or_insert((digest.clone(), files));
            assert_eq!(digest, *digests, "{name} {isa}");
            for (file, content) in FILES.iter().zip(contents) {
                assert!(content.is_some() || (*file == "boundary.npy" && name == "sliding"), "{name}: no {file}");
                assert!(fs::read(dir.join(file)).ok() == *content, "{name} {isa}: {file}");
            }
        }
    }
}

/// Large enough that everything that may take all threads does: factors from 384 rows on, products with one vector, ν.
#[test]
fn every_number_of_threads_writes_the_same_bytes() {
    let cases: [(&str, &[&str]); 2] = [
        ("limit", &["data.n=900", "data.d=1800"]),
        ("slid", &["data.n=700", "data.d=2000", "data.signal=8", "data.label_noise=0.1"]),
    ];
    for (name, settings) in cases {
        let mut first = None;
        for threads in ["1", "2", "3"] {
            let dir = folder(&format!("threads-{name}-{threads}"));
            let mut args = vec!["limit", "--threads", threads, "-o", text(&dir), "--json"];
            settings.iter().for_each(|setting| args.extend(["-s", setting]));
            let out = farfield(&args);
            assert_eq!(out.status.code(), Some(0), "{name} {threads}: {}", stderr(&out));
            let result: serde_json::Value = serde_json::from_str(&stdout(&out)).expect("JSON");
            let facts = ["max_margin", "margin_interval", "rate_exponent", "lambda_max", "kkt_residual", "data_digest"];
            let facts = facts.map(|fact| result[fact].clone());
            assert!(facts.iter().all(|fact| !fact.is_null()), "{facts:?}");
            let files = ["dual.npy", "remainders.npy", "slopes.npy", "certificate.json"];
            let files = files.map(|file| fs::read(dir.join(file)).expect(file));
            let found = (facts, files);
            let (expected, contents) = first.get_or_insert_with(|| found.clone());
            assert_eq!(found.0, *expected, "{name} {threads}");
            assert!(found.1 == *contents, "{name} {threads}");
        }
    }
}

#[test]
fn an_instruction_set_of_another_machine_is_refused() {
    let other = if cfg!(target_arch = "x86_64") { "neon" } else { "avx512" };
    refused(&farfield(&["run", "--isa", other]), 2, &[other, "this machine has scalar"]);
    refused(&farfield(&["run", "--isa", "sse9"]), 2, &["sse9", "possible values: scalar, avx2, avx512, neon"]);
}
