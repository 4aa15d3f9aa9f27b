//! Words fit their cause, and numbers the intervals printed beside them.

mod common;

use common::{farfield, folder, refused, stderr, stdout, text};

/// A run with these settings: its exit code and what it says.
fn run(name: &str, settings: &[&str]) -> (Option<i32>, String) {
    let dir = folder(name);
    let settings: Vec<&str> = settings.iter().flat_map(|s| ["-s", s]).collect();
    let out = farfield(&[&["run", "-o", text(&dir.join("out"))], &settings[..]].concat());
    (out.status.code(), stdout(&out) + &stderr(&out))
}

const SMALL: [&str; 2] = ["data.n=20", "data.d=200"];

#[test]
fn a_start_that_overflows_is_not_told_to_take_a_smaller_step() {
    let advice = "smaller descent.step_size";
    for (k, start) in
        ["network.init_scale=100", "network.init_scale=1e8", "network.init_scale=1e200"].iter().enumerate()
    {
        for step in ["descent.step_size=auto", "descent.step_size=1e-300", "descent.engine=direct"] {
            let (code, said) = run(&format!("overflow-{k}"), &[SMALL[0], SMALL[1], start, step]);
            assert_eq!(code, Some(3), "{start} {step}: {said}");
            assert!(said.contains("init_scale") && !said.contains(advice) && !said.contains("change sides"), "{said}");
        }
    }
    // a start on a steep part of the loss, and a step that is too long for the data
    let (code, said) = run("steep", &["data.n=40", "data.d=3", "data.signal=0", "network.init_scale=100"]);
    assert!(code == Some(3) && said.contains("init_scale") && !said.contains(advice), "{said}");
    let (code, said) = run("steps", &["data.n=40", "data.d=3", "data.signal=0", "descent.step_size=100"]);
    assert!(code == Some(3) && said.contains(advice), "{said}");
}

#[test]
fn steps_and_starts_far_from_the_theory_are_remarked_on() {
    let (_, said) = run("usual", &SMALL);
    assert!(!said.contains("caution"), "{said}");
    let (_, said) = run("long-steps", &[SMALL[0], SMALL[1], "descent.step_size=10"]);
    assert!(said.contains("α c λmax(K)") && said.contains("above 2"), "{said}");
    let (_, said) = run("large-start", &[SMALL[0], SMALL[1], "network.init_scale=0.1"]);
    assert!(said.contains("times as long as the first step"), "{said}");
    let (_, said) = run("mean", &[SMALL[0], SMALL[1], "descent.reduction=mean"]);
    assert!(!said.contains("caution"), "c is part of the step: {said}");
}

#[test]
fn nothing_is_said_of_what_is_not_there() {
    let (_, said) = run("no-steps", &[SMALL[0], SMALL[1], "descent.steps=0"]);
    assert!(said.contains("no flips") && !said.contains("change sides"), "{said}");
    for noise in ["data.label_noise=1", "data.label_noise=0.05", "data.label_noise=0"] {
        let (_, said) = run("labels", &[SMALL[0], SMALL[1], noise]);
        assert!(!said.contains("NaN"), "{noise}: {said}");
    }
    let (_, said) = run("many", &["data.n=8200", "data.d=2", "network.width=2", "descent.steps=1"]);
    assert!(said.contains("8200 is above the largest for it, 8192"), "{said}");
    let dir = folder("many-limit");
    let out = farfield(&["limit", "-s", "data.n=8200", "-s", "data.d=2", "-o", text(&dir)]);
    refused(&out, 2, &["n = 8200", "8192"]);
}

/// A number, its interval, and what is in result.json agree at the digits shown, for rare and for common errors.
#[test]
fn printed_numbers_lie_in_their_intervals() {
    for (noise, signal) in [("student-t", 0.0), ("rademacher", 1.0), ("uniform", 3.0), ("gaussian", 2.0)] {
        for points in [1, 7, 1000] {
            let noise = format!("data.noise={noise}");
            let (signal, points) = (format!("data.signal={signal}"), format!("output.test_points={points}"));
            let (_, said) = run("intervals", &["data.n=12", "data.d=120", &noise, &signal, &points]);
            assert!(said.contains("predicted for clean labels") && said.contains("sampled in"), "{said}");
            for part in said.split(" (95 %: ").collect::<Vec<_>>().windows(2) {
                let value = part[0].split(' ').next_back().and_then(number_of).expect("a number");
                let mut ends = part[1].split(' ').filter(|word| *word != "to").map(number_of);
                let (low, high) = (ends.next().flatten().expect("low"), ends.next().flatten().expect("high"));
                assert!(low <= value && value <= high, "{said}");
            }
        }
    }
}

fn number_of(word: &str) -> Option<f64> {
    word.trim_matches(',').parse().ok()
}

/// The boundary is written where it is a plane, and its absence is explained.
#[test]
fn a_boundary_is_written_where_it_is_a_plane() {
    let plane = folder("plane");
    let out = farfield(&["limit", "-o", text(&plane), "-s", "data.n=12", "-s", "data.d=100"]);
    assert!(plane.join("boundary.npy").exists() && !stdout(&out).contains("no plane"), "{}", stdout(&out));
    // from a large start the neurons of a sign keep different sides
    let bent = folder("bent");
    let settings = ["-s", "data.n=12", "-s", "data.d=100", "-s", "network.init_scale=0.3", "-s", "descent.steps=1e8"];
    let run = farfield(&[&["run", "-o", text(&bent)], &settings[..]].concat());
    let limit = farfield(&["limit", "--pattern", text(&bent)]);
    for (dir, said) in [(bent.clone(), stdout(&run)), (bent.join("limit"), stdout(&limit))] {
        let (written, explained) = (dir.join("boundary.npy").exists(), said.contains("no plane, so no boundary.npy"));
        assert_eq!(u8::from(written) + u8::from(explained), u8::from(said.contains("max margin γ*")), "{said}");
    }
    assert!(stdout(&limit).contains("no plane"), "{}", stdout(&limit));
}

/// What clap says stays on one line, with its lists; stdout that cannot be written is an error, stderr is not.
#[cfg(unix)]
#[test]
fn nothing_but_one_line() {
    use std::fs::OpenOptions;
    use std::process::Command;
    refused(&farfield(&["completions"]), 2, &["missing: <SHELL>"]);
    refused(&farfield(&["bench", "--dtype", "f16"]), 2, &["possible values: f32, f64, mixed"]);
    refused(&farfield(&[]), 2, &["expected a command", "limit"]);
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    for args in [&["--help"][..], &["--version"], &["run", "--help"], &["man"], &["completions", "zsh"]] {
        let out = Command::new(common::PROGRAM).args(args).stdout(full()).output().expect("it starts");
        refused(&out, 1, &["stdout"]);
    }
    for (args, code) in [(&["run", "-s", "data.n=0"][..], 2), (&["nonsense"], 2), (&["--version"], 0)] {
        let status =
            Command::new(common::PROGRAM).args(args).stdout(std::process::Stdio::null()).stderr(full()).status();
        assert_eq!(status.expect("it starts").code(), Some(code), "{args:?}");
    }
}
