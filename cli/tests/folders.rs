//! A folder holds the files of one run, whatever happens in between.
#![cfg(unix)]

mod common;

use common::{contents, farfield, folder, of_one_run, refused, signal, start, stderr, stdout, text, until};
use std::fs;

const SMALL: [&str; 4] = ["-s", "data.n=12", "-s", "data.d=60"];
const OTHER: [&str; 6] = ["-s", "data.n=20", "-s", "data.d=60", "-s", "output.weights=true"];

#[test]
fn results_of_another_configuration_stay_unless_told_otherwise() {
    let dir = folder("of-another");
    let run = |more: &[&str]| farfield(&[&["run", "-o", text(&dir)], more].concat());
    assert_eq!(run(&OTHER).status.code(), Some(0));
    let before = contents(&dir);
    refused(&run(&SMALL), 2, &["another configuration", "data.n", "output.weights", "--overwrite"]);
    assert_eq!(contents(&dir), before);
    // a rerun of the same configuration needs no flag
    assert_eq!(run(&OTHER).status.code(), Some(0));
    fs::write(dir.join("precision.csv"), "of an old run").unwrap();
    let out = run(&[&SMALL[..], &["--overwrite"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert!(!dir.join("precision.csv").exists(), "nothing of the old run is left");
    of_one_run(&dir, "after --overwrite");
    // files of unknown origin are not replaced, and those of others stay
    fs::write(dir.join("notes.txt"), "mine").unwrap();
    fs::remove_file(dir.join("config.toml")).unwrap();
    refused(&run(&SMALL), 2, &["config.toml"]);
    assert_eq!(run(&[&SMALL[..], &["--overwrite"]].concat()).status.code(), Some(0));
    assert_eq!(fs::read_to_string(dir.join("notes.txt")).unwrap(), "mine");
    // a configuration of the user's own is not replaced by its resolved form
    let own = folder("own-configuration");
    fs::write(own.join("config.toml"), "# mine\nseed = 3\n").unwrap();
    refused(&farfield(&["run", text(&own.join("config.toml")), "-o", text(&own)]), 2, &["another configuration"]);
    assert!(fs::read_to_string(own.join("config.toml")).unwrap().starts_with("# mine"));
}

#[test]
fn a_start_that_fails_changes_nothing() {
    let dir = folder("failed-start");
    let run = |more: &[&str]| farfield(&[&["run", "--overwrite", "-o", text(&dir)], more].concat());
    assert_eq!(run(&OTHER).status.code(), Some(0));
    let before = contents(&dir);
    refused(&run(&["-s", "data.source=missing.npy", "-s", "data.labels=y.npy"]), 2, &["missing.npy"]);
    refused(&run(&["-s", "network.init=missing.npy"]), 2, &["missing.npy"]);
    refused(&run(&["-s", "network.width=1000000000"]), 2, &["GiB"]);
    refused(&run(&["-s", "data.spectrum=flat"]), 2, &["spectrum"]);
    refused(&run(&["-s", "network.init_scale=1e3"]), 3, &["network.init_scale"]);
    let limit = farfield(&["limit", "-o", text(&dir), "-s", "data.n=9000", "-s", "data.d=2"]);
    refused(&limit, 2, &["8192"]);
    assert_eq!(contents(&dir), before);
    // nor does it leave folders that were not there
    let new = folder("no-such").join("deep/er");
    refused(&farfield(&["run", "-o", text(&new), "-s", "network.init=missing.npy"]), 2, &["missing.npy"]);
    assert!(!new.exists() && !new.parent().unwrap().exists());
}

#[test]
fn a_limit_and_a_run_do_not_share_a_folder() {
    let dir = folder("limit-and-run");
    let call = |command: &str, more: &[&str]| farfield(&[&[command, "-o", text(&dir)], &SMALL[..], more].concat());
    assert_eq!(call("run", &[]).status.code(), Some(0));
    let before = fs::read(dir.join("result.json")).unwrap();
    let out = call("limit", &[]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert_eq!(fs::read(dir.join("result.json")).unwrap(), before);
    assert!(dir.join("limit/result.json").exists() && stdout(&out).contains("limit"));
    // a new run takes the limit of the old one away
    assert_eq!(call("run", &[]).status.code(), Some(0));
    assert!(!dir.join("limit").exists());
    // and a run does not go over a limit
    let alone = folder("limit-alone");
    let call = |command: &str, more: &[&str]| farfield(&[&[command, "-o", text(&alone)], &SMALL[..], more].concat());
    assert_eq!(call("limit", &[]).status.code(), Some(0));
    refused(&call("run", &[]), 2, &["holds a limit"]);
    assert_eq!(call("run", &["--overwrite"]).status.code(), Some(0));
    assert!(!alone.join("slopes.npy").exists());
    of_one_run(&alone, "a run over a limit");
}

#[test]
fn a_limit_takes_a_pattern_only_from_files_that_belong_together() {
    let dir = folder("belong");
    let limit = || farfield(&["limit", "--pattern", text(&dir), "--overwrite"]);
    let again = || assert_eq!(farfield(&[&["run", "-o", text(&dir)], &SMALL[..]].concat()).status.code(), Some(0));
    again();
    assert_eq!(limit().status.code(), Some(0));
    let other = folder("belong-other");
    let out = farfield(&["run", "-o", text(&other), "-s", "data.n=12", "-s", "data.d=60", "-s", "seed=1"]);
    assert_eq!(out.status.code(), Some(0));
    for name in ["pattern.npy", "config.toml", "margins.npy", "result.json"] {
        fs::copy(other.join(name), dir.join(name)).unwrap();
        refused(&limit(), 2, &["another digest"]);
        fs::remove_file(dir.join(name)).unwrap();
        refused(&limit(), 2, &[name]);
        let _ = fs::remove_dir_all(&dir);
        again();
    }
}

#[test]
fn a_folder_is_locked_while_it_is_in_use() {
    let dir = folder("locked");
    let long = ["-s", "descent.steps=1e15", "-s", "descent.warp=false", "-s", "data.n=20", "-s", "data.d=100"];
    let first = start(&[&["run", "-o", text(&dir)], &long[..]].concat());
    until("the first run begins", || dir.join("trace.csv").exists());
    let number = first.id().to_string();
    let second = farfield(&[&["run", "--overwrite", "-o", text(&dir)], &SMALL[..]].concat());
    refused(&second, 2, &["in use", if cfg!(target_os = "linux") { &number } else { "" }]);
    let (out, _) = signal(first, "TERM");
    assert_eq!(out.status.code(), Some(75), "{}", stderr(&out));
    of_one_run(&dir, "after the first run");
    // the lock has ended with its process
    let second = farfield(&[&["run", "--overwrite", "-o", text(&dir)], &SMALL[..]].concat());
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    // two at once: one runs, and the other runs after it or is refused
    let (a, b) = (
        [&["run", "--overwrite", "-o", text(&dir)], &SMALL[..]].concat(),
        [&["run", "--overwrite", "-o", text(&dir)], &OTHER[..]].concat(),
    );
    for turn in 0..8 {
        let (one, two) = (start(&a), start(&b));
        let codes = [one, two].map(|child| child.wait_with_output().unwrap().status.code());
        assert!(codes.contains(&Some(0)) && codes.iter().all(|c| matches!(c, Some(0 | 2))), "{codes:?}");
        of_one_run(&dir, &format!("two at once, {turn}"));
    }
}

/// A folder that is killed at any moment of a run into it holds the old run, or the new one as far as it came.
/// FARFIELD_KILLS=200 for the long form.
#[test]
fn kills_never_mix_two_runs() {
    let count: u64 = std::env::var("FARFIELD_KILLS").ok().and_then(|v| v.parse().ok()).unwrap_or(30);
    let dir = folder("killed");
    let sides = [SMALL.to_vec(), OTHER.to_vec()].map(|more| {
        [vec!["run", "--overwrite", "-o", text(&dir), "-s", "monitor.samples_per_decade=40"], more].concat()
    });
    let begun = std::time::Instant::now();
    assert_eq!(farfield(&sides[1]).status.code(), Some(0));
    let whole = begun.elapsed();
    let mut finished = 0;
    for kill in 0..count {
        let mut run = start(&sides[kill as usize % 2]);
        // the golden ratio spreads the moments evenly over a little more than a run
        let part = (kill as f64 * 0.618_033_988_749_895) % 1.0;
        std::thread::sleep(whole.mul_f64(1.1 * part));
        run.kill().expect("SIGKILL");
        run.wait().expect("it ends");
        finished += u64::from(dir.join("result.json").exists());
        of_one_run(&dir, &format!("kill {kill} after {part:.3}"));
        if kill % 5 == 0 {
            assert_eq!(farfield(&sides[1]).status.code(), Some(0), "a used folder is used again");
        }
    }
    assert!(finished < count, "some kills hit a run on its way");
}
