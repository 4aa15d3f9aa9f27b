//! `farfield plot`: figures of what a folder holds, with the numbers of its files, and nothing else in the folder changes.

mod common;

use common::{contents, farfield, folder, refused, stderr, stdout, text};
use ndarray_npy::WriteNpyExt;
use std::fs;
use std::path::{Path, PathBuf};

/// A run of 20 samples, in a folder of its own.
fn run(name: &str, more: &[&str]) -> PathBuf {
    let dir = folder(name).join("run");
    let small = ["run", "-s", "data.n=20", "-s", "data.d=100", "-s", "descent.steps=1e4", "-o", text(&dir)];
    let out = farfield(&[&small[..], more].concat());
    assert!([Some(0), Some(3)].contains(&out.status.code()), "{}", stderr(&out));
    dir
}

fn plot(dir: &Path, options: &[&str]) -> std::process::Output {
    farfield(&[&["plot", text(dir)][..], options].concat())
}

fn drawn(dir: &Path, options: &[&str]) -> String {
    let out = plot(dir, options);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    stdout(&out)
}

/// The columns that are asked for follow the twelve that always are, in their own order, and the test error has its figure.
#[test]
fn further_columns_are_asked_for() {
    let more = ["-s", "monitor.columns=sharpness,stable_rank", "-s", "monitor.test_error=true"];
    let (dir, bare) = (run("further_columns", &more), run("no_columns", &[]));
    let head =
        |dir: &Path| fs::read_to_string(dir.join("trace.csv")).expect("a table").lines().next().unwrap().to_string();
    let further = ",stable_rank,sharpness,test_error,test_error_low,test_error_high";
    assert_eq!(head(&dir), head(&bare) + further);
    let config = |dir: &Path| fs::read_to_string(dir.join("config.toml")).expect("a configuration");
    assert!(
        config(&dir).contains("columns = [\n    \"stable_rank\"")
            || config(&dir).contains("columns = [\"stable_rank\"")
    );
    assert!(!config(&bare).contains("columns") && !config(&bare).contains("test_error"));
    for name in ["t", "min_margin", "certified_cosine_gap", "segment"] {
        assert_eq!(column(&dir.join("trace.csv"), name), column(&bare.join("trace.csv"), name));
    }
    let digest = |dir: &Path| {
        let text = fs::read_to_string(dir.join("result.json")).expect("a result");
        text.lines().find(|line| line.contains("\"digest\"")).map(str::to_string)
    };
    assert_eq!(digest(&dir), digest(&bare));
    assert!(drawn(&bare, &[]).contains("left out  test_error: trace.csv has no test errors"));
    assert!(drawn(&dir, &[]).contains("plots/test_error.png"));
    whole(&dir, "test_error");
    assert_eq!(column(&dir.join("plots/test_error.csv"), "test_error"), column(&dir.join("trace.csv"), "test_error"));
    let out = farfield(&["run", "-s", "monitor.columns=sharpnes", "-o", text(&dir.join("none"))]);
    refused(&out, 2, &["monitor.columns: expected \"all\", or some of stable_rank"]);
}

/// Files of a folder but its figures.
fn others(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    contents(dir).into_iter().filter(|(path, _)| !path.starts_with(dir.join("plots"))).collect()
}

/// A column of a table, as text.
fn column(path: &Path, name: &str) -> Vec<String> {
    let table = fs::read_to_string(path).expect("a table");
    let mut lines = table.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let at = lines.next().and_then(|names| names.iter().position(|n| n == name));
    let at = at.unwrap_or_else(|| panic!("{} has no {name}", path.display()));
    lines.map(|fields| fields[at].clone()).collect()
}

/// Asserts that the four files of a figure are whole, and agree about its size; the SVG.
fn whole(dir: &Path, name: &str) -> String {
    let file = |ending: &str| dir.join("plots").join(format!("{name}.{ending}"));
    let bytes = fs::read(file("png")).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("all of its pixels");
    assert!(pixels.iter().any(|p| *p != pixels[0]), "{name} is empty");
    let (w, h) = (info.width / 2, info.height / 2);
    let svg = fs::read_to_string(file("svg")).expect("an SVG");
    assert!(svg.contains(&format!("width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\"")), "{name}");
    assert!(!svg.contains("NaN") && !svg.contains("inf\"") && !svg.contains("infL"), "{name}");
    well_formed(&svg);
    let caption = fs::read_to_string(file("txt")).expect("a caption");
    assert!(caption.contains(&format!("{w} x {h} (svg), {} x {} pixels (png)", info.width, info.height)), "{caption}");
    assert!(caption.contains(&format!("Made by: farfield plot {}", text(dir))), "{caption}");
    assert!(fs::read_to_string(file("csv")).expect("numbers").lines().count() > 1, "{name}");
    svg
}

/// Asserts that elements are closed in the order in which they are opened.
fn well_formed(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap_or_default()),
        }
    }
    assert!(open.is_empty(), "{open:?} are open");
}

#[test]
fn figures_of_a_run_have_its_numbers_and_change_nothing_else() {
    let dir = run("plot_run", &[]);
    let before = others(&dir);
    let said = drawn(&dir, &[]);
    assert!(said.contains("margin.png") && said.contains("left out  sliding: no neuron slides"), "{said}");
    for name in ["margin", "gaps", "loss", "signs", "dual"] {
        whole(&dir, name);
    }
    assert_eq!(others(&dir), before);
    let (trace, plots) = (dir.join("trace.csv"), dir.join("plots"));
    for (figure, names) in [
        ("margin", &["t"][..]),
        ("gaps", &["t", "cosine_gap", "certified_cosine_gap", "gradient_cosine_gap", "dual_gap"]),
        ("loss", &["log_loss", "gradient_norm", "weight_norm"]),
        ("signs", &["sign_agreement", "segment"]),
    ] {
        for name in names {
            assert_eq!(column(&plots.join(format!("{figure}.csv")), name), column(&trace, name), "{figure}: {name}");
        }
    }
    let numbers =
        |path: &Path, name: &str| -> Vec<f64> { column(path, name).iter().map(|v| v.parse().unwrap()).collect() };
    let (margin, norm) = (numbers(&trace, "min_margin"), numbers(&trace, "weight_norm"));
    let normalized = numbers(&plots.join("margin.csv"), "normalized_margin");
    assert!(normalized.iter().zip(margin.iter().zip(&norm)).all(|(v, (q, w))| *v == q / w));
    let (bound, goal) =
        (numbers(&plots.join("margin.csv"), "upper_bound"), numbers(&plots.join("margin.csv"), "max_margin"));
    let last = normalized.len() - 1;
    assert!(normalized[last] <= goal[last] && goal[last] <= bound[last], "weak duality");
    assert_eq!(column(&plots.join("margin.csv"), "log10_t")[0], "", "t = 0 has no place");
    let observed = numbers(&plots.join("dual.csv"), "log10_scaled_loss");
    assert_eq!(observed.len(), 20);
    let first = contents(&plots);
    drawn(&dir, &[]);
    assert_eq!(contents(&plots), first, "the same files again");
}

#[test]
fn figures_go_with_their_run() {
    let dir = run("plot_overwrite", &[]);
    drawn(&dir, &[]);
    fs::write(dir.join("plots/mine.txt"), "kept").unwrap();
    let again =
        ["run", "-s", "data.n=20", "-s", "data.d=100", "-s", "descent.steps=1e3", "--overwrite", "-o", text(&dir)];
    assert_eq!(farfield(&again).status.code(), Some(0));
    let left: Vec<PathBuf> = contents(&dir.join("plots")).into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [dir.join("plots/mine.txt")]);
    fs::remove_file(&left[0]).unwrap();
    drawn(&dir, &[]);
    let farther = ["run", "--resume", text(&dir), "-s", "descent.steps=1e5"];
    assert_eq!(farfield(&farther).status.code(), Some(0));
    assert!(!dir.join("plots").exists(), "a run that goes on has other figures");
}

#[test]
fn short_and_broken_runs() {
    let short = run("plot_short", &["-s", "descent.steps=2"]);
    drawn(&short, &[]);
    for name in ["margin", "loss", "signs"] {
        whole(&short, name);
    }
    let diverged = run("plot_diverged", &["-s", "descent.step_size=1e3", "-s", "data.label_noise=0.2"]);
    let out = plot(&diverged, &[]);
    match out.status.code() {
        Some(0) => drop(whole(&diverged, "signs")),
        _ => refused(&out, 2, &["nothing to draw"]),
    }
    let rows = fs::read_to_string(short.join("trace.csv")).unwrap();
    let head = rows.lines().next().unwrap();
    fs::remove_file(short.join("result.json")).unwrap();
    fs::write(short.join("trace.csv"), format!("{head}\n")).unwrap();
    refused(&plot(&short, &[]), 2, &["nothing to draw", "no row yet"]);
    fs::write(short.join("trace.csv"), format!("{head}\n{}\n", rows.lines().nth(1).unwrap())).unwrap();
    refused(&plot(&short, &[]), 2, &["no row with t > 0", "the run has not ended"]);
    fs::write(short.join("trace.csv"), format!("{head}\n1,2\n")).unwrap();
    refused(&plot(&short, &[]), 2, &["trace.csv, line 2", "2 fields"]);
    // a last row that is being written
    fs::write(short.join("trace.csv"), format!("{rows}1.0000")).unwrap();
    drawn(&short, &[]);
    assert_eq!(column(&short.join("plots/margin.csv"), "t").len(), 3);
}

#[test]
fn sliding_neurons_and_three_hundred_decades() {
    let slides = ["-s", "data.n=60", "-s", "data.d=600", "-s", "data.label_noise=0.1", "-s", "descent.steps=1e6"];
    let dir = run("plot_sliding", &slides);
    drawn(&dir, &[]);
    whole(&dir, "sliding");
    let result: serde_json::Value = serde_json::from_slice(&fs::read(dir.join("result.json")).unwrap()).unwrap();
    let list = result["pattern"]["sliding"].as_array().unwrap();
    let predicted: Vec<f64> =
        column(&dir.join("plots/sliding.csv"), "fraction_predicted").iter().map(|v| v.parse().unwrap()).collect();
    assert!(list.iter().map(|k| k["fraction_predicted"].as_f64().unwrap()).eq(predicted));
    let far = run("plot_far", &["-s", "descent.steps=1e300", "-s", "network.leak=0.01"]);
    drawn(&far, &[]);
    for name in ["margin", "gaps", "loss", "signs", "dual"] {
        let svg = whole(&far, name);
        assert!(name == "dual" || svg.contains("aria-label=\"10³⁰⁰\""), "{name}");
    }
    assert!(whole(&far, "loss").contains("aria-label=\"10⁻²⁰⁰\""));
}

/// A merged sweep.
fn sweep(name: &str, plan: &str) -> PathBuf {
    let dir = folder(name);
    fs::write(dir.join("p.toml"), plan).unwrap();
    let out = dir.join("sweep");
    farfield(&["sweep", text(&dir.join("p.toml")), "-o", text(&out)]);
    assert_eq!(farfield(&["sweep", "--merge", text(&out)]).status.code(), Some(0));
    out
}

const BASE: &str = "mode = \"limit\"\nseeds = 3\n[base]\ndata = { n = 10, sampling = \"gram\", signal = 3 }\n";

#[test]
fn a_curve_over_one_key() {
    let dir = sweep("plot_curve", &format!("{BASE}[grid]\n\"data.d\" = [100, 1000, 10000]\n"));
    let before = others(&dir);
    drawn(&dir, &[]);
    let name = "test_error.log10_limit-by-data.d";
    let svg = whole(&dir, name);
    for label in ["median", "predicted to leading order", "n‖μ‖⁴ = ‖Σ‖ tr Σ", "dimension d (data.d)"] {
        assert!(svg.contains(&format!("aria-label=\"{label}\"")), "{label}");
    }
    assert_eq!(others(&dir), before);
    let (data, summary) = (dir.join(format!("plots/{name}.csv")), dir.join("summary.csv"));
    for statistic in ["median", "q05", "q95"] {
        let column_name = format!("test_error.log10_limit.{statistic}");
        assert_eq!(column(&data, &column_name), column(&summary, &column_name));
    }
    drawn(&dir, &["--against", "none"]);
    assert!(!whole(&dir, name).contains("predicted"));
    drawn(&dir, &["--value", "test_error.limit", "--band", "error"]);
    let mean = "test_error.log10_limit.mean";
    assert_eq!(column(&data, mean), column(&summary, mean), "the logarithm of what underflows, and its mean");
    drawn(&dir, &["--x", "data.d", "--value", "status.solved", "--against", "test_error.predicted"]);
    whole(&dir, "status.solved-by-data.d");
}

#[test]
fn a_map_over_two_keys_and_curves_of_a_family() {
    let grid = "[grid]\n\"data.d\" = [100, 1000, 10000]\n\"data.signal\" = { from = 1, to = 1000, points = 4, scale = \"log\" }\n";
    let dir = sweep("plot_map", &format!("{BASE}{grid}"));
    drawn(&dir, &[]);
    let svg = whole(&dir, "test_error.log10_limit-by-data.d-and-data.signal");
    assert!(svg.contains("n‖μ‖² = tr Σ") && svg.contains("⁰⁰⁰⁰\""), "errors that no number holds");
    drawn(&dir, &["--x", "data.d", "--value", "max_margin"]);
    let svg = whole(&dir, "max_margin-by-data.d");
    assert!(svg.contains("aria-label=\"signal ‖μ‖ = 1000.0\""), "{svg}");
    drawn(&dir, &["--at", "data.signal=10"]);
    let name = "test_error.log10_limit-by-data.d-at-data.signal=10";
    whole(&dir, name);
    assert_eq!(column(&dir.join(format!("plots/{name}.csv")), "data.d"), ["100", "1000", "10000"]);
}

#[test]
fn one_cell_and_cells_that_failed() {
    let one = sweep("plot_one", &format!("{BASE}[grid]\n\"data.d\" = [100]\n"));
    drawn(&one, &[]);
    whole(&one, "test_error.log10_limit-by-data.d");
    let dir = folder("plot_failed_data");
    let x = ndarray::Array2::from_shape_fn((4, 6), |(i, k)| if i == k { 1.0 } else { 0.1 });
    x.write_npy(fs::File::create(dir.join("x.npy")).unwrap()).unwrap();
    let y = ndarray::arr1(&[1.0, 1.0, -1.0, -1.0]);
    y.write_npy(fs::File::create(dir.join("y.npy")).unwrap()).unwrap();
    fs::write(dir.join("z.npy"), "broken").unwrap();
    let path = |name: &str| format!("'{}'", text(&dir.join(name)));
    let plan = format!(
        "[base]\n\"data.labels\" = {}\n[grid]\n\"data.source\" = [{}, {}]\n",
        path("y.npy"),
        path("x.npy"),
        path("z.npy")
    );
    let failed = sweep("plot_failed", &plan);
    drawn(&failed, &["--value", "max_margin"]);
    whole(&failed, "max_margin-by-data.source");
    assert_eq!(column(&failed.join("plots/max_margin-by-data.source.csv"), "max_margin.median")[1], "", "a gap");
    let caption = fs::read_to_string(failed.join("plots/max_margin-by-data.source.txt")).unwrap();
    assert!(caption.contains("1 of 2 cells have no number"), "{caption}");
}

/// A limit alone: λ in decreasing order, those on whose kink neurons stay apart.
#[test]
fn the_weights_of_a_limit() {
    let dir = folder("plot_limit");
    let noisy = ["limit", "-s", "data.n=30", "-s", "data.d=60", "-s", "data.label_noise=0.1", "-o", text(&dir)];
    assert_eq!(farfield(&noisy).status.code(), Some(0));
    drawn(&dir, &[]);
    whole(&dir, "weights");
    let table = dir.join("plots/weights.csv");
    let numbers = |name: &str| -> Vec<f64> { column(&table, name).iter().map(|v| v.parse().unwrap()).collect() };
    let (lambda, slides) = (numbers("dual"), numbers("slides"));
    assert!(lambda.len() == 30 && lambda.is_sorted_by(|a, b| a >= b));
    let written = fs::read_to_string(dir.join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&written).unwrap();
    let mut samples: Vec<u64> =
        result["sliding"].as_array().unwrap().iter().map(|s| s["sample"].as_u64().unwrap()).collect();
    samples.sort_unstable();
    samples.dedup();
    assert!(!samples.is_empty(), "neurons slide");
    assert_eq!(slides.iter().sum::<f64>(), samples.len() as f64);
    let caption = fs::read_to_string(dir.join("plots/weights.txt")).unwrap();
    assert!(caption.contains("of 30 samples with λ > 0"), "{caption}");
    // the sum of λ is 1/γ*²
    let margin = result["max_margin"].as_f64().unwrap();
    assert!((lambda.iter().sum::<f64>() * margin * margin - 1.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_drawn_is_said_in_a_line() {
    let dir = folder("plot_refused");
    refused(&plot(&dir.join("nowhere"), &[]), 2, &["no such folder"]);
    refused(&plot(&dir, &[]), 2, &["neither trace.csv of a run nor plan.toml of a sweep"]);
    let limit = dir.join("limit");
    assert_eq!(farfield(&["limit", "-s", "data.n=10", "-s", "data.d=50", "-o", text(&limit)]).status.code(), Some(0));
    refused(&plot(&limit, &["--x", "data.d"]), 2, &["holds a limit"]);
    assert!(!limit.join("plots").exists());
    let one = run("plot_options", &[]);
    refused(&plot(&one, &["--x", "data.d"]), 2, &["holds a run"]);
    fs::write(one.join("dual.npy"), fs::read(one.join("margins.npy")).unwrap()).unwrap();
    refused(&plot(&one, &[]), 2, &["dual.npy", "another digest"]);
    assert!(!one.join("plots").exists());
}

#[test]
fn names_that_a_sweep_has_not() {
    let grid = "[grid]\n\"data.d\" = [100, 1000]\n\"data.signal\" = [1, 2]\n\"network.leak\" = [0.1, 0.2]\n";
    let dir = sweep("plot_names", &format!("{BASE}{grid}"));
    for (options, words) in [
        (&["--value", "max_margn"][..], &["unknown column max_margn; did you mean max_margin?"][..]),
        (&["--value", "data.d"], &["is a key"]),
        (&["--x", "data.signl"], &["unknown key data.signl; did you mean data.signal?"]),
        (&["--x", "data.n"], &["does not vary", "data.d, data.signal, network.leak"]),
        (&["--x", "data.d", "--y", "data.signal"], &["network.leak varies, too", "--at network.leak=0.1"]),
        (
            &["--at", "data.signal=1", "--value", "max_margin", "--x", "data.d", "--against", "test_error.log10_bayes"],
            &["a logarithm"],
        ),
        (&["--at", "data.d=5"], &["no cell has it", "100, 1000"]),
        (&["--at", "data.d"], &["KEY=VALUE"]),
        (&["--x", "data.d", "--y", "data.signal", "--against", "max_margin"], &["--against"]),
    ] {
        refused(&plot(&dir, options), 2, words);
    }
    assert!(!dir.join("plots").exists());
    fs::remove_file(dir.join("summary.csv")).unwrap();
    refused(&plot(&dir, &[]), 2, &["not merged", &format!("farfield sweep --merge {}", text(&dir))]);
}
