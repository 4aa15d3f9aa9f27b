//! One instruction set is as good as another: `--isa` forces each that this machine has, and every file that holds
//! numbers of the run has the same bytes.

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

#[test]
fn an_instruction_set_of_another_machine_is_refused() {
    let other = if cfg!(target_arch = "x86_64") { "neon" } else { "avx512" };
    refused(&farfield(&["run", "--isa", other]), 2, &[other, "this machine has scalar"]);
    refused(&farfield(&["run", "--isa", "sse9"]), 2, &["sse9", "possible values: scalar, avx2, avx512, neon"]);
}
