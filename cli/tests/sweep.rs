//! `farfield sweep`: the same tables whatever happens on the way.

use farfield_cli::sweep::line;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Small problems of every kind: solved in both regimes, and inseparable (more samples than features, labels flipped).
const PLAN: &str = r#"
mode = "limit"
seeds = 3
[base]
seed = 5
network = { width = 4 }
[grid]
"data.signal" = [1, 4.0]
"data.label_noise" = [0.0, 0.3]
[zip]
"data.n" = [12, 12, 20, 24]
"data.d" = [40, 400, 1e3, 3]
"#;
const PROBLEMS: usize = 48;

fn farfield(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_farfield")).args(args).output().expect("the program starts")
}

/// A fresh folder of the test run, with a plan in it.
fn folder(name: &str, plan: &str) -> (PathBuf, PathBuf) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the test folder can be made");
    fs::write(path.join("PLAN.toml"), plan).expect("the plan can be written");
    (path.join("PLAN.toml"), path.join("out"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn done(out: &Output, code: i32) -> String {
    assert_eq!(out.status.code(), Some(code), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout.clone()).expect("UTF-8")
}

fn refused(out: &Output, expected: &[&str]) {
    let error = String::from_utf8_lossy(&out.stderr);
    assert_eq!((out.status.code(), error.trim().lines().count()), (Some(2), 1), "{error}");
    expected.iter().for_each(|part| assert!(error.contains(part), "{part}: {error}"));
}

/// sweep.csv and summary.csv.
fn tables(out: &Path) -> [Vec<u8>; 2] {
    done(&farfield(&["sweep", "--merge", text(out)]), 0);
    ["sweep.csv", "summary.csv"].map(|name| fs::read(out.join(name)).expect("a table"))
}

fn whole(plan: &Path, out: &Path, more: &[&str]) -> String {
    done(&farfield(&[&["sweep", text(plan), "-o", text(out)], more].concat()), 0)
}

fn column<'a>(table: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = table.lines();
    let place = lines.next().and_then(|h| h.split(',').position(|c| c == name)).unwrap_or_else(|| panic!("{name}"));
    lines.map(|l| l.split(',').nth(place).expect("a field")).collect()
}

#[test]
fn tables_do_not_depend_on_threads_and_shards() {
    let (plan, out) = folder("whole", PLAN);
    whole(&plan, &out, &["--threads", "1"]);
    let expected = tables(&out);
    let rows = String::from_utf8(expected[0].clone()).unwrap();
    assert_eq!(rows.lines().count(), 1 + PROBLEMS);
    let status = column(&rows, "status");
    assert!(status.contains(&"solved") && status.contains(&"not_separable"), "{status:?}");
    let mut seeds = column(&rows, "seed");
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), PROBLEMS, "each problem has its own random numbers");
    assert_eq!(column(&rows, "repetition")[..4], ["0", "1", "2", "0"]);
    assert!(rows.starts_with("data.label_noise,data.signal,data.d,data.n,repetition,status,"), "{rows}");
    let cells = String::from_utf8(expected[1].clone()).unwrap();
    assert_eq!(cells.lines().count(), 1 + PROBLEMS / 3);
    let number = |v: &&str| v.parse::<f64>().expect("a number");
    let margins: Vec<f64> = column(&rows, "max_margin")[..3].iter().map(number).collect();
    let mean = margins.iter().sum::<f64>() / 3.0;
    assert_eq!(number(&column(&cells, "max_margin.mean")[0]), mean);
    assert_eq!(column(&cells, "max_margin.count")[0], "3");

    for count in [1, 2, 7] {
        let out = out.with_file_name(format!("out-{count}"));
        // the shards in an order of their own, two at a time where there are so many
        for index in (1..=count).rev() {
            let shard = format!("{index}/{count}");
            whole(&plan, &out, &["--shard", &shard, "--threads", if index % 2 == 0 { "1" } else { "2" }]);
        }
        assert!(tables(&out) == expected, "{count} shards");
        assert!(fs::read_dir(&out).unwrap().count() < 20);
    }
    // shards of two cuts may be mixed
    let mixed = out.with_file_name("mixed");
    whole(&plan, &mixed, &["--shard", "2/3"]);
    whole(&plan, &mixed, &[]);
    assert!(tables(&mixed) == expected);
}

/// A finished sweep is left as it is.
#[test]
fn the_second_start_does_nothing() {
    let (plan, out) = folder("second", PLAN);
    whole(&plan, &out, &[]);
    let shard = out.join("shard-1-of-1.jsonl");
    let before = fs::read(&shard).unwrap();
    let said = whole(&plan, &out, &[]);
    assert!(said.starts_with(&format!("{PROBLEMS} done, 0 failed, 0 left")), "{said}");
    assert!(fs::read(&shard).unwrap() == before);
    // plan.toml in the folder is the same plan
    whole(&out.join("plan.toml"), &out, &[]);
    assert!(fs::read(&shard).unwrap() == before);
}

fn start(plan: &Path, out: &Path, more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farfield"));
    command.args(["sweep", text(plan), "-o", text(out)]).args(more).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

/// Problems of about ten milliseconds.
const LONGER: &str = r#"
mode = "run"
seeds = 6
base = { data = { n = 60, d = 1500, signal = 3.0 }, descent = { steps = 1e4 }, network = { width = 6 } }
grid = { "data.label_noise" = [0.0, 0.1], "descent.step_size" = [1e-4, "auto", 10.0] }
"#;

#[test]
fn killed_at_any_time_and_run_again() {
    let (plan, out) = folder("killed", LONGER);
    whole(&plan, &out, &[]);
    let expected = tables(&out);
    let status = String::from_utf8(expected[0].clone()).unwrap();
    assert!(column(&status, "status").contains(&"diverged"), "{status}");
    for (count, threads, mut random) in [(1u64, "2", 1u64), (2, "1", 2), (7, "1", 3)] {
        let out = out.with_file_name(format!("killed-{count}"));
        for kill in 0..7 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let shard = format!("{}/{count}", 1 + kill % count);
            let mut child = start(&plan, &out, &["--shard", &shard, "--threads", threads]);
            std::thread::sleep(Duration::from_millis(20 + (random >> 33) % 400));
            child.kill().expect("SIGKILL"); // also where it has ended by itself
            child.wait().expect("it ends");
        }
        for index in 1..=count {
            whole(&plan, &out, &["--shard", &format!("{index}/{count}"), "--threads", threads]);
        }
        assert!(tables(&out) == expected, "{count} shards");
    }
}

#[test]
fn torn_and_damaged_lines_are_done_again() {
    let (plan, out) = folder("torn", PLAN);
    whole(&plan, &out, &[]);
    let expected = tables(&out);
    let shard = out.join("shard-1-of-1.jsonl");
    let bytes = fs::read(&shard).unwrap();
    let line_ends: Vec<usize> = (0..bytes.len()).filter(|k| bytes[*k] == b'\n').collect();
    let last = line_ends[line_ends.len() - 2];
    let left = |out: &Path| done(&farfield(&["sweep", "--status", text(out)]), 0);
    for cut in [last + 2, last + (bytes.len() - last) / 2, bytes.len() - 1] {
        fs::write(&shard, &bytes[..cut]).unwrap();
        assert!(left(&out).contains("1 left"));
        whole(&plan, &out, &[]);
        assert!(tables(&out) == expected, "cut at {cut}");
        let lines = fs::read(&shard).unwrap();
        assert!(lines.split_inclusive(|b| *b == b'\n').all(|l| line::read(l).is_some()), "the torn end is gone");
    }
    // a byte in the middle
    let mut damaged = bytes.clone();
    damaged[line_ends[20] - 200] ^= 4;
    fs::write(&shard, &damaged).unwrap();
    assert!(left(&out).contains("1 left") && left(&out).contains("1 damaged"));
    whole(&plan, &out, &[]);
    assert!(tables(&out) == expected);
}

#[test]
fn another_plan_is_refused_with_the_keys_that_differ() {
    let (plan, out) = folder("other", PLAN);
    whole(&plan, &out, &["--shard", "1/8"]);
    let changed =
        PLAN.replace("seeds = 3", "seeds = 4").replace("[1, 4.0]", "[1, 5.0]").replace("seed = 5", "seed = 6");
    fs::write(&plan, changed).unwrap();
    refused(&farfield(&["sweep", text(&plan), "-o", text(&out)]), &["base.seed, grid.data.signal, seeds"]);
    // the same in other words
    let same = PLAN.replace("4.0", "4").replace("width = 4", "width = 4, leak = 0.1").replace("1e3", "1000");
    fs::write(&plan, same).unwrap();
    whole(&plan, &out, &["--shard", "1/8"]);
    let files = |name: &str, content: &str| {
        let (plan, out) = folder("foreign", PLAN);
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join(name), content).unwrap();
        farfield(&["sweep", text(&plan), "-o", text(&out)])
    };
    refused(&files("result.json", "{}"), &["result.json", "-o"]);
}

#[test]
fn two_processes_on_a_shard() {
    let (plan, out) = folder("two", &LONGER.replace("seeds = 6", "seeds = 60"));
    let mut first = start(&plan, &out, &["--threads", "1"]);
    let begun = Instant::now();
    let shard = out.join("shard-1-of-1.jsonl");
    while fs::metadata(&shard).map_or(0, |m| m.len()) == 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let (who, host) = (format!("process {}", first.id()), host.trim());
    refused(&farfield(&["sweep", text(&plan), "-o", text(&out)]), &[&who, host, "another shard"]);
    assert!(
        done(&farfield(&["sweep", "--status", text(&out)]), 0).contains(&format!("being written by {who} on {host}"))
    );
    // its claim ends with it
    first.kill().expect("SIGKILL");
    first.wait().expect("it ends");
    let mut second = start(&plan, &out, &[]);
    std::thread::sleep(Duration::from_millis(300));
    assert!(second.try_wait().expect("a state").is_none(), "it works on the shard");
    second.kill().expect("SIGKILL");
    second.wait().expect("it ends");
}

/// Ctrl-C: what is finished is kept.
#[test]
fn interrupted() {
    let (plan, out) = folder("interrupted", &LONGER.replace("seeds = 6", "seeds = 60"));
    let child = start(&plan, &out, &["--threads", "2"]);
    std::thread::sleep(Duration::from_millis(1500));
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().expect("a signal");
    let code = child.wait_with_output().expect("it ends").status.code();
    assert_eq!(code, Some(130));
    let before = String::from_utf8(tables(&out)[0].clone()).unwrap();
    assert!(before.lines().count() > 1 && before.lines().count() < 361, "{}", before.lines().count());
    assert!(!column(&before, "status").contains(&"interrupted"));
}

/// A problem that cannot be set up is a row, its command is named, and it can be repeated.
#[test]
fn failed_problems_are_rows() {
    let samples = "2.0,0.5,1\n1.5,-0.5,1\n-1.0,1.0,-1\n-2.0,0.1,-1\n";
    let plan = r#"
        seeds = 2
        base = { data = { labels = "-1" } }
        grid = { "data.source" = ["good.csv", "bad.csv"], "network.leak" = [0.1, 0.2] }
    "#;
    let (plan, out) = folder("failed", plan);
    fs::write(plan.with_file_name("good.csv"), samples).unwrap();
    fs::write(plan.with_file_name("bad.csv"), "1.0,x,2,1\n").unwrap();
    let run = |more: &[&str]| farfield(&[&["sweep", text(&plan), "-o", text(&out)], more].concat());
    assert!(done(&run(&[]), 4).starts_with("4 done, 4 failed, 0 left"));
    let rows = String::from_utf8(tables(&out)[0].clone()).unwrap();
    assert_eq!(
        column(&rows, "status"),
        ["solved", "solved", "solved", "solved", "failed", "failed", "failed", "failed"]
    );
    assert!(column(&rows, "error").iter().filter(|e| e.contains("bad.csv")).count() == 4, "{rows}");
    let status = done(&farfield(&["sweep", "--status", text(&out)]), 0);
    let command = status.lines().find_map(|l| l.strip_prefix("failed: farfield ")).expect("a command");
    let words: Vec<String> = command.split(' ').map(|w| w.replace('\'', "")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let at = out.with_file_name("alone");
    let alone = farfield(&[&words[..], &["-o", text(&at)]].concat());
    assert!(String::from_utf8_lossy(&alone.stderr).contains("bad.csv"), "{command}");

    assert!(done(&run(&[]), 4).starts_with("4 done, 4 failed, 0 left"), "not repeated by itself");
    fs::write(plan.with_file_name("bad.csv"), samples).unwrap();
    assert!(done(&run(&["--retry-failed"]), 0).starts_with("8 done, 0 failed, 0 left"));
    let rows = String::from_utf8(tables(&out)[0].clone()).unwrap();
    assert!(column(&rows, "status").iter().all(|s| *s == "solved"));
}

/// A problem of a sweep alone gives what the sweep says, with γ* to more digits: its bounds are within those of the row.
#[test]
fn a_row_is_the_result_of_its_problem() {
    let (plan, out) = folder("row", PLAN);
    whole(&plan, &out, &[]);
    let rows = String::from_utf8(tables(&out)[0].clone()).unwrap();
    let at = |name: &str| column(&rows, name)[4];
    let set = ["data.label_noise", "data.signal", "data.d", "data.n", "seed"].map(|k| format!("{k}={}", at(k)));
    let mut args = vec!["limit", "--json", "-s", "network.width=4"];
    set.iter().for_each(|s| args.extend(["-s", s]));
    let alone = out.with_file_name("alone");
    args.extend(["-o", text(&alone)]);
    let found: serde_json::Value = serde_json::from_str(&done(&farfield(&args), 0)).expect("JSON");
    let number = |name: &str| at(name).parse::<f64>().unwrap();
    assert_eq!(Some(number("lambda_max")), found["lambda_max"].as_f64());
    // ν has the digits that λ has where it is not refined, as LimitOutcome::within says; tests/limit_within.rs holds it to what λ moves
    let (row, refined) = (number("rate_exponent"), found["rate_exponent"].as_f64().unwrap());
    assert!((row / refined - 1.0).abs() <= 1e-12, "{row} {refined}");
    let (low, high) = (number("margin_interval.low"), number("margin_interval.high"));
    let [below, above] = [0, 1].map(|end| found["margin_interval"][end].as_f64().unwrap());
    assert!(low <= below && above <= high && high - low <= 1e-8 * high, "{low} {below} {above} {high}");
    assert!((low..=high).contains(&number("max_margin")) && high - low > above - below);
    assert!(number("direction_error") <= 1.5e-4);
    assert_eq!(at("data_digest"), found["data_digest"].as_str().unwrap());
    assert_eq!(at("support"), found["support"].to_string());
}

/// With common numbers cells of the same data share them; fresh ones do not.
#[test]
fn common_random_numbers() {
    let plan = |noise: &str| {
        format!(
            "mode = \"check\"\nseeds = 2\nnoise = \"{noise}\"\nbase = {{ data = {{ n = 10, d = 50 }} }}\n\
             grid = {{ \"network.leak\" = [0.1, 0.5], \"network.width\" = [2, 4, 6] }}\n"
        )
    };
    let digests = |noise: &str| {
        let (path, out) = folder(noise, &plan(noise));
        whole(&path, &out, &[]);
        let rows = String::from_utf8(tables(&out)[0].clone()).unwrap();
        assert!(column(&rows, "status").iter().all(|s| *s == "checked"));
        let mut values: Vec<String> = column(&rows, "lambda_max").iter().map(|s| s.to_string()).collect();
        assert!(column(&rows, "conditions.step_size.value").iter().all(|v| v.parse::<f64>().is_ok()));
        values.sort();
        values.dedup();
        values.len()
    };
    assert_eq!((digests("common"), digests("fresh")), (2, 12));
}

#[test]
fn a_dry_run_lists_the_cells_and_writes_nothing() {
    let (plan, out) = folder("dry", PLAN);
    let said = done(&farfield(&["sweep", text(&plan), "-o", text(&out), "--dry-run", "--threads", "2"]), 0);
    assert_eq!(said.lines().count(), 17);
    assert!(said.starts_with("data.label_noise=0.0 data.signal=1.0 data.d=40 data.n=12\n"), "{said}");
    assert!(said.contains("16 cells x 3 seeds, 48 problems") && said.contains("ms each"), "{said}");
    assert!(!out.exists());
}

#[test]
fn bad_plans_are_one_line() {
    for (text_of, expected) in [
        ("sedes = 3", &["sedes", "seeds"][..]),
        ("mode = \"walk\"", &["walk", "limit"]),
        ("seeds = 0", &["seeds"]),
        ("[grid]\n\"data.n\" = []", &["data.n", "empty"]),
        ("[grid]\n\"data.n\" = [3, 3.0]", &["data.n = 3", "twice"]),
        ("[grid]\n\"data.n\" = [0]", &["data.n", "1 or more"]),
        ("[grid]\n\"data.m\" = [3]", &["data.m", "did you mean"]),
        ("[grid]\nseed = [3]", &["seeds"]),
        ("[base]\ndata = { m = 3 }", &["data.m", "did you mean"]),
        ("[zip]\n\"data.n\" = [3, 4]\n\"data.d\" = [5]", &["data.n", "data.d", "as many"]),
        ("[grid]\n\"data.n\" = [3]\n[zip]\n\"data.n\" = [3]", &["both"]),
        ("[grid\n", &["line 1"]),
    ] {
        let (plan, out) = folder("bad", text_of);
        refused(&farfield(&["sweep", text(&plan), "-o", text(&out)]), expected);
    }
    let (plan, out) = folder("bad", PLAN);
    refused(&farfield(&["sweep", text(&plan), "-o", text(&out), "--shard", "3/2"]), &["I/K"]);
    refused(&farfield(&["sweep", text(&plan)]), &["-o"]);
    refused(&farfield(&["sweep", "--status", text(&plan)]), &["plan.toml"]);
}

/// K is sampled without samples, for any d; where it would not have its distribution it is refused.
#[test]
fn gram_sampling() {
    let plan = r#"
        seeds = 2
        base = { data = { n = 15, sampling = "gram" }, network = { width = 4 }, descent = { steps = 1e12 } }
        grid = { "data.d" = { from = 1e2, to = 1e12, points = 3, scale = "log" }, "data.signal" = [3.0, 30.0] }
    "#;
    for mode in ["limit", "run", "check"] {
        let (plan, out) = folder(&format!("gram-{mode}"), &format!("mode = \"{mode}\"\n{plan}"));
        let said = done(&farfield(&["sweep", text(&plan), "-o", text(&out)]), 0);
        assert!(said.starts_with("12 done, 0 failed"), "{said}");
        let rows = String::from_utf8(tables(&out)[0].clone()).unwrap();
        assert_eq!(column(&rows, "data.d")[..5], ["100", "100", "100", "100", "10000000"]);
        let status = column(&rows, "status");
        assert!(status.iter().all(|s| ["solved", "horizon", "checked"].contains(s)), "{status:?}");
    }
    let at = folder("gram-alone", "").1;
    let limit = ["limit", "-s", "data.sampling=gram", "-s", "data.d=1e12", "-s", "data.n=10", "-o", text(&at)];
    assert!(done(&farfield(&limit), 0).contains("d = 1000000000000"));
    assert!(!at.join("boundary.npy").exists(), "there are no original coordinates");
    for (setting, expected) in [
        ("data.noise=uniform", "gaussian"),
        ("data.spectrum=power:1", "identity"),
        ("descent.engine=direct", "descent.engine"),
        ("output.weights=true", "output.weights"),
        ("network.init=w.npy", "network.init"),
    ] {
        refused(
            &farfield(&["run", "-s", "data.sampling=gram", "-s", setting, "-o", text(&at)]),
            &["data.sampling", expected],
        );
    }
}
