//! A run that is killed loses nothing but the work since its last checkpoint: SIGKILL at any moment, also while a checkpoint
//! is written, and `--resume` ends with the same digest, tables and arrays as the run that nothing interrupts. So does a
//! sweep that is run again. FARFIELD_KILLS=100 for the long form, so many kills in all.
#![cfg(unix)]

mod common;

use common::{farfield, folder, of_one_run, refused, signal, start, stderr, stdout, text, until};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Checkpoints every six milliseconds, which is as often as they can be written.
const OFTEN: &str = "output.checkpoint_minutes=0.0001";

/// A table of 40 samples in 60 dimensions, as the setting that names it.
fn table() -> &'static str {
    let path = folder("kills-table").join("data.csv");
    let mut state = 3u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let row = |i: usize| (0..60).map(|_| format!("{},", next())).collect::<String>() + &format!("{}\n", i % 2);
    fs::write(&path, (0..40).map(row).collect::<String>()).expect("a test file");
    format!("data.source={}", path.display()).leak()
}

/// What is run, by name.
fn cases() -> Vec<(&'static str, Vec<&'static str>)> {
    let small = ["data.n=30", "data.d=300"];
    let of = |own: &[&'static str]| [&[OFTEN], own].concat();
    vec![
        ("direct", of(&["descent.engine=direct", "data.n=40", "data.d=10000", "descent.steps=3000"])),
        ("mixed", of(&["descent.engine=direct", "descent.precision=mixed", "data.d=4000", "descent.steps=3000"])),
        (
            "restless",
            of(&[
                "data.n=40",
                "data.d=60",
                "data.signal=2",
                "data.label_noise=0.15",
                "network.init_scale=0.03",
                "descent.engine=gram",
                "descent.warp=false",
                "descent.steps=40000",
            ]),
        ),
        ("settled", of(&[&small[..], &["descent.engine=gram", "descent.warp=false", "descent.steps=4e5"]].concat())),
        (
            "held-out",
            of(&[
                table(),
                "data.labels=-1",
                "data.holdout=0.25",
                "descent.engine=gram",
                "descent.warp=false",
                "descent.steps=4e5",
            ]),
        ),
        ("warp", of(&[&small[..], &["descent.steps=1e300", "monitor.samples_per_decade=8"]].concat())),
        (
            "sliding",
            of(&[
                "data.n=40",
                "data.d=500",
                "data.signal=6",
                "data.label_noise=0.15",
                "network.init_scale=1e-4",
                "descent.steps=1e40",
                "monitor.samples_per_decade=8",
            ]),
        ),
    ]
}

/// Moments spread evenly over a little more than a run, by the golden ratio.
struct Moments(u64);

impl Moments {
    fn next(&mut self, whole: Duration) -> Duration {
        self.0 += 1;
        whole.mul_f64(1.1 * ((self.0 as f64 * 0.618_033_988_749_895) % 1.0))
    }
}

/// The files of a finished run that do not tell the time, and its digest.
fn found(dir: &Path) -> (Vec<(&'static str, Vec<u8>)>, String) {
    const SAME: [&str; 7] =
        ["trace.csv", "precision.csv", "held_out.csv", "margins.npy", "pattern.npy", "dual.npy", "boundary.npy"];
    let files = SAME.iter().filter_map(|name| Some((*name, fs::read(dir.join(name)).ok()?))).collect();
    let result: serde_json::Value = serde_json::from_slice(&fs::read(dir.join("result.json")).unwrap()).unwrap();
    (files, result["digest"].as_str().expect("a digest").into())
}

/// The same, or which file is not.
fn same(expected: &(Vec<(&'static str, Vec<u8>)>, String), dir: &Path, context: &str) {
    let found = found(dir);
    assert_eq!(found.1, expected.1, "{context}: another digest");
    for ((name, before), (_, now)) in expected.0.iter().zip(&found.0) {
        assert!(before == now, "{context}: {name} differs");
    }
    assert_eq!(found.0.len(), expected.0.len(), "{context}");
}

fn kills() -> u64 {
    std::env::var("FARFIELD_KILLS").ok().and_then(|v| v.parse().ok()).unwrap_or(42)
}

#[test]
fn a_run_that_is_killed_ends_in_the_same_bits() {
    let (cases, mut moments, mut torn, mut total) = (cases(), Moments(0), 0, 0);
    let each = kills().div_ceil(cases.len() as u64);
    for (name, settings) in &cases {
        let mut settings: Vec<&str> = settings.iter().flat_map(|setting| ["-s", setting]).collect();
        settings.push("--threads=1");
        let (whole, dir) = (folder(&format!("kills-{name}-whole")), folder(&format!("kills-{name}")));
        let begun = Instant::now();
        let out = farfield(&[&["run", "-o", text(&whole)], &settings[..]].concat());
        assert_eq!(out.status.code(), Some(0), "{name}: {}", stderr(&out));
        let (time, expected) = (begun.elapsed(), found(&whole));
        let (mut killed, mut ended, mut resumed) = (0, 0, 0);
        while killed < each || ended == 0 {
            let mut run = start(&[&["run", "--resume", "-o", text(&dir)], &settings[..]].concat());
            // After enough kills it comes to its end.
            if killed < each {
                std::thread::sleep(moments.next(time));
                run.kill().expect("SIGKILL");
            }
            let out = run.wait_with_output().expect("it ends");
            killed += u64::from(out.status.code().is_none());
            resumed += u64::from(stderr(&out).contains("going on from the checkpoint"));
            let context = format!("{name}, kill {killed}: {}", stderr(&out));
            of_one_run(&dir, &context);
            let parts = fs::read_dir(&dir).into_iter().flatten().flatten();
            torn += parts.filter(|e| e.file_name().to_string_lossy().starts_with(".checkpoint.bin")).count();
            match out.status.code() {
                None => {}
                Some(0) => {
                    same(&expected, &dir, &context);
                    (ended, total) = (ended + 1, total + killed);
                    fs::remove_dir_all(&dir).expect("removed");
                }
                Some(code) => panic!("{context}: exit {code}"),
            }
        }
        println!(
            "{name}: {killed} kills in {:.2} s, {ended} ends, resumed from a checkpoint {resumed} times",
            time.as_secs_f64()
        );
        assert!(resumed > 0, "{name}: never resumed");
    }
    println!("{torn} kills while a checkpoint was written");
    assert!(torn > 0 || kills() < 100, "no kill while a checkpoint was written");
}

#[test]
fn a_sweep_that_is_killed_merges_to_the_same_tables() {
    let place = folder("kills-sweep");
    let plan = place.join("plan.toml");
    let text_of = "mode = \"run\"\nseeds = 8\nbase = { data = { n = 20, d = 200 }, descent = { steps = 1e9 } }\n\
                   grid = { \"data.signal\" = [2, 4, 8] }\n";
    fs::write(&plan, text_of).unwrap();
    let tables = |dir: &Path| {
        let out = farfield(&["sweep", "--merge", text(dir)]);
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        ["sweep.csv", "summary.csv"].map(|name| fs::read(dir.join(name)).expect(name))
    };
    let args = |dir: &'static str, place: &Path| {
        let out = place.join(dir);
        vec!["sweep".to_string(), text(&plan).into(), "-o".into(), text(&out).into(), "--threads=1".into()]
    };
    let begun = Instant::now();
    let whole = args("whole", &place);
    let out = farfield(&whole.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let (time, expected, mut moments) = (begun.elapsed(), tables(&place.join("whole")), Moments(7));
    let again = args("killed", &place);
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    for _ in 0..kills().div_ceil(6) {
        let mut sweep = start(&again);
        std::thread::sleep(moments.next(time).mul_f64(0.5));
        sweep.kill().expect("SIGKILL");
        sweep.wait().expect("it ends");
    }
    let out = farfield(&again);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert!(tables(&place.join("killed")) == expected, "other tables");
}

const ENDLESS: [&str; 12] = [
    "-s",
    "monitor.samples_per_decade=300", // rows come soon, wherever a run goes on
    "-s",
    "data.n=20",
    "-s",
    "data.d=100",
    "-s",
    "descent.warp=false",
    "-s",
    "descent.engine=gram",
    "-s",
    "output.checkpoint_minutes=0",
];

/// A run of so many steps into a folder, with more arguments.
fn run<'a>(dir: &'a Path, steps: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "-o", text(dir), "--threads=1", "-s", steps], &ENDLESS[..], more].concat()
}

fn rows(dir: &Path) -> usize {
    fs::read_to_string(dir.join("trace.csv")).map_or(0, |trace| trace.lines().count())
}

/// SIGUSR1 and go on, SIGTERM, SIGHUP, Ctrl-C, each followed by `--resume`, then the end.
#[test]
fn signals_make_checkpoints_and_resuming_loses_none_of_it() {
    let (whole, dir, steps) = (folder("signals-whole"), folder("signals"), "descent.steps=3e6");
    assert_eq!(farfield(&run(&whole, steps, &[])).status.code(), Some(0));
    for (k, name) in ["TERM", "HUP", "INT"].into_iter().enumerate() {
        let child = start(&run(&dir, steps, if k == 0 { &[] } else { &["--resume"] }));
        let before = rows(&dir);
        until("rows", || rows(&dir) > before.max(6));
        let kill = std::process::Command::new("kill").args(["-USR1", &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        let (known, newest) = (fs::read(dir.join("checkpoint.bin")).ok(), || fs::read(dir.join("checkpoint.bin")).ok());
        // or the end, whose checkpoint may have been there already
        until("a checkpoint", || dir.join("result.json").exists() || newest().is_some_and(|now| Some(now) != known));
        let (out, time) = signal(child, name);
        let error = stderr(&out);
        if out.status.code() == Some(0) {
            break; // a fast machine was at the end before
        }
        assert_eq!(out.status.code(), Some(if name == "INT" { 130 } else { 75 }), "{name}: {error}");
        assert!(time < Duration::from_secs(2), "{time:?} on a machine that does other things too");
        assert!(error.contains("checkpoint at t = "), "{name}: {error}");
        assert_eq!(dir.join("result.json").exists(), name == "INT", "{name}: results for a person alone");
        of_one_run(&dir, name);
        if name == "TERM" {
            refused(&farfield(&run(&dir, steps, &[])), 2, &["--resume", "--overwrite"]);
        }
    }
    let out = farfield(&run(&dir, steps, &["--resume"]));
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    same(&found(&whole), &dir, "after four signals");
}

/// A SIGHUP that nohup ignores ends nothing.
#[cfg(target_os = "linux")]
#[test]
fn nohup_is_respected() {
    let dir = folder("nohup");
    let mut program = std::process::Command::new("nohup");
    program.arg(common::PROGRAM).args(run(&dir, "descent.steps=1e15", &[]));
    let (out, err) = (std::process::Stdio::null(), std::process::Stdio::piped());
    let child = program.stdin(std::process::Stdio::null()).stdout(out).stderr(err).spawn().expect("nohup");
    until("rows", || rows(&dir) > 6);
    let kill = std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status().expect("kill");
    let seen = rows(&dir);
    assert!(kill.success());
    until("more rows", || rows(&dir) > seen + 1);
    assert_eq!(signal(child, "TERM").0.status.code(), Some(75));
}

#[test]
fn the_hours_of_a_queue_end_in_time_with_75() {
    let dir = folder("hours");
    let out = farfield(&run(&dir, "descent.steps=1e15", &["--max-hours=0.001"]));
    assert_eq!(out.status.code(), Some(75), "{}", stderr(&out));
    assert!(dir.join("checkpoint.bin").exists() && !dir.join("result.json").exists());
    // a time of the configuration is an orderly end, which goes on, too
    let short = ["-s", "descent.max_seconds=0.3"];
    let out = farfield(&run(&dir, "descent.steps=1e15", &[&short[..], &["--resume"]].concat()));
    assert_eq!(out.status.code(), Some(4), "{}", stderr(&out));
    assert!(stderr(&out).contains("going on") && dir.join("result.json").exists());
    let out = farfield(&run(&dir, "descent.steps=1e15", &[&short[..], &["--resume"]].concat()));
    assert_eq!(out.status.code(), Some(4), "{}", stderr(&out));
    assert!(stderr(&out).contains("going on"), "a time that is over is no end for good");
}

#[test]
fn what_is_not_that_run_is_refused() {
    let place = folder("refusals");
    let (x, y, dir) = (place.join("x.csv"), place.join("y.csv"), place.join("out"));
    fs::write(&x, "2,0.5\n1.5,-0.5\n-1,1\n-2,0.1\n").unwrap();
    fs::write(&y, "1\n1\n-1\n-1\n").unwrap();
    let (source, labels) = (format!("data.source={}", text(&x)), format!("data.labels={}", text(&y)));
    let data = ["-s", &source, "-s", &labels, "-o", text(&dir)];
    let run = |more: &[&str]| farfield(&[&["run"], &data[..], more].concat());
    let out = run(&["--resume"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert!(stderr(&out).contains("from the beginning"));
    let result = fs::read(dir.join("result.json")).unwrap();
    // the end is told again, by the folder alone too, and nothing is written
    let again = farfield(&["run", "--resume", text(&dir), "--json"]);
    assert_eq!((again.status.code(), &again.stdout), (Some(0), &result));
    assert!(stdout(&run(&["--resume"])).contains("finished"));
    refused(&run(&["--resume", "-s", "network.leak=0.2", "-s", "seed=3"]), 2, &["network.leak", "seed", "differ"]);
    refused(&run(&["--resume", "-s", "descent.steps=10"]), 2, &["descent.steps", "1000000"]);
    fs::write(&x, "2,0.5\n1.5,-0.5\n-1,1\n-2,0.2\n").unwrap();
    refused(&run(&["--resume", "-s", "descent.steps=1e7"]), 2, &["data_digest"]);
    fs::write(&x, "2,0.5\n1.5,-0.5\n-1,1\n-2,0.1\n").unwrap();
    assert_eq!(fs::read(dir.join("result.json")).unwrap(), result, "nothing of that changed it");
    // farther: the rows are those of a run that goes there at once
    let out = run(&["--resume", "-s", "descent.steps=1e9"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let at_once = place.join("at-once");
    let out = farfield(&["run", "-s", &source, "-s", &labels, "-s", "descent.steps=1e9", "-o", text(&at_once)]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    same(&found(&at_once), &dir, "a farther horizon");
    // a table that is not the one which the checkpoint goes on with
    fs::remove_file(dir.join("result.json")).unwrap();
    let trace = fs::read(dir.join("trace.csv")).unwrap();
    fs::write(dir.join("trace.csv"), &trace[..trace.len() / 2]).unwrap();
    refused(&run(&["--resume", "-s", "descent.steps=1e9"]), 2, &["trace.csv", "--overwrite"]);
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let (whole, dir, steps) = (folder("damaged-whole"), folder("damaged"), "descent.steps=1e6");
    assert_eq!(farfield(&run(&whole, steps, &[])).status.code(), Some(0));
    let often = ["-s", OFTEN];
    let mut child = start(&[&run(&dir, steps, &[])[..], &often].concat());
    until("two checkpoints", || dir.join("checkpoint.previous").exists());
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    if dir.join("result.json").exists() {
        return; // it was at its end before
    }
    let newest = dir.join("checkpoint.bin");
    let mut bytes = fs::read(&newest).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(1000) {
        *byte ^= 4;
        fs::write(&newest, &bytes).unwrap();
    }
    let previous = fs::read(dir.join("checkpoint.previous")).unwrap();
    let out = farfield(&run(&dir, steps, &["--resume"]));
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert!(bytes.is_empty() || stderr(&out).contains("damaged (the checksum is wrong); going on from the one before"));
    same(&found(&whole), &dir, "from the one before");
    // both damaged
    fs::remove_file(dir.join("result.json")).unwrap();
    fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(dir.join("checkpoint.previous"), &previous[1..]).unwrap();
    refused(&farfield(&run(&dir, steps, &["--resume"])), 2, &["damaged", "--overwrite"]);
}
