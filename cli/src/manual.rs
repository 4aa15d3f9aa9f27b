//! The manual page and the completion scripts, from the one definition of the command line.

use crate::commands::Cli;
use crate::config::Config;
use crate::error::{Error, Result};
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use std::fmt::Write;
use std::io;

/// Every key, and what it is.
const KEYS: [(&str, &str); 50] = [
    ("seed", "seed of every random number"),
    ("data.source", "mixture, or a file with samples: .npy (n x d), .csv, .svm, .libsvm"),
    ("data.labels", "a .npy or .csv file with labels of two classes, or a column of a table by name or index"),
    ("data.test", "of a file: samples that are not trained on, read as the source; their errors are counted"),
    ("data.test_labels", "their labels, as data.labels; empty: the same column as there"),
    ("data.holdout", "of a file: or the share of its samples that is held out, of each class, drawn by the seed"),
    ("data.positive_class", "of a file: the class that is +1; empty: the larger number, or the later name"),
    ("data.format", "of a file: npy, csv or svmlight; auto: by its ending, or its content"),
    ("data.header", "of a table: whether its first line is a header: true, false or auto"),
    ("data.index_base", "of a sparse file: the index of the first feature: 0, 1 or auto"),
    ("data.features", "of a sparse file: the number of features; 0: the largest index"),
    ("data.rows", "of a file: the samples to take, such as 0:100,150; empty: all"),
    ("data.columns", "of a file: the features to take; empty: all"),
    ("data.standardize", "of a file: none, columns (mean 0, variance 1) or rows (unit norm)"),
    ("data.n", "of a mixture: number of samples"),
    ("data.d", "of a mixture: number of features"),
    ("data.signal", "of a mixture: length of the mean of class +1"),
    ("data.clusters", "of a mixture: two, around the mean and its negative, or xor, two orthogonal pairs, one a class"),
    (
        "data.noise",
        "of a mixture: gaussian, rademacher, uniform, student-t, laplace, pareto:R or weibull:A, of variance 1",
    ),
    ("data.dof", "of student-t noise: degrees of freedom, above 2"),
    ("data.spectrum", "of a mixture: the covariance, identity, power:EXPONENT, spiked:COUNT:VALUE or a .npy file"),
    ("data.rotated", "of a mixture: true: the covariance is turned by a rotation that the seed draws"),
    (
        "data.label_noise",
        "of a mixture: probability that a training label is flipped, or the share that an adversary flips",
    ),
    (
        "data.label_noise_kind",
        "of a mixture: random, or smallest-margin: an adversary flips the labels nearest to the mean's plane",
    ),
    ("data.balance", "of a mixture: probability of the label +1"),
    (
        "data.sampling",
        "of a mixture: rows, or gram: any d up to 1e12 at the cost of d = n, for Gaussian noise and identity",
    ),
    (
        "data.stream",
        "of a mixture: version of the stream of normal numbers: 1, or 2, drawn in bulk, several times as fast",
    ),
    ("network.width", "number of neurons m"),
    ("network.positive", "number of neurons with positive output weight; -1: half, rounded up"),
    ("network.leak", "slope of the activation for negative inputs, from 0 (ReLU) to 1 (linear model)"),
    ("network.init_scale", "standard deviation of the initial weights"),
    (
        "network.init",
        "a .npy file with the initial weights (m x d); the first `positive` rows are the positive neurons",
    ),
    ("descent.loss", "exponential, exp(-q), or logistic, log(1 + exp(-q))"),
    (
        "descent.step_size",
        "the step, or auto: 1/lambda_max(XX^T), rounded down to 3 digits, divided by the loss constant; or flow: gradient flow, \
         whose t is time",
    ),
    ("descent.reduction", "sum or mean of the losses"),
    ("descent.steps", "the horizon, up to 1e300; of gradient flow, a time"),
    ("descent.engine", "auto, direct (steps on X) or gram (steps on XX^T)"),
    ("descent.warp", "jump once the pattern has settled; false: take every step"),
    ("descent.tied", "share work between neurons that provably get the same update"),
    ("descent.precision", "of the products: f64, f32 or mixed"),
    (
        "descent.sliding_tolerance",
        "error in the margins that averages over chattering neurons may leave; 0: no averages",
    ),
    ("descent.max_seconds", "end in an orderly way after so many seconds, setup included; 0: no limit"),
    ("monitor.samples_per_decade", "monitored steps in each decade"),
    ("monitor.angle_tolerance", "stop when the certified angle (radians) is below; 0: never"),
    ("monitor.require", "true: missing the tolerance is exit code 4"),
    (
        "monitor.columns",
        "further columns of trace.csv: all, or some of stable_rank, margin_ratio, smoothed_margin, support_ratio, \
         support_count, mean_cosine and sharpness",
    ),
    ("monitor.test_error", "of a mixture: true: the test error of the weights as columns of trace.csv"),
    ("output.weights", "also write a weights.npy of more than 4 MB"),
    ("output.checkpoint_minutes", "minutes between checkpoints; 0: only on signals"),
    ("output.test_points", "points of a sampled test error; 0: as many as about a second allows, whatever the machine"),
];

/// Files of a folder.
const FILES: [(&str, &str); 17] = [
    ("config.toml", "the resolved configuration; `farfield run config.toml` runs it again"),
    (
        "result.json",
        "every number of the summary and more, written last, with the digests (blake3) of the arrays beside it",
    ),
    ("certificate.json", "what is claimed, with the numbers that prove it; `farfield verify` checks it"),
    ("trace.csv", "a line at every monitored step; it can be followed while it grows"),
    ("precision.csv", "rounding at every monitored step, unless all products are in f64"),
    ("held_out.csv", "errors among the samples that are not trained on, at every monitored step"),
    ("margins.npy", "the margins of the last iterate (n)"),
    ("pattern.npy", "the bits z > 0 of the last iterate (n x m)"),
    ("dual.npy", "the weights of the samples in the limit (n), or those that show that nothing separates them"),
    ("boundary.npy", "the decision boundary of the limit (d), where it is a plane"),
    (
        "slopes.npy",
        "the slopes of samples and neurons that go with the weights of the samples (n x m), of a run where neurons chatter",
    ),
    ("remainders.npy", "what dual.npy and slopes.npy lack of 106 bits (n x (m + 1))"),
    ("averages.npy", "the slopes of the last iterate where neurons chatter (n x m)"),
    ("weights.npy", "the last iterate (m x d), up to 4 MB, or with output.weights"),
    ("plots/", "figures of `farfield plot`: .png, .svg, .csv (numbers) and .txt (caption) of each"),
    ("checkpoint.bin", "what `farfield run --resume` goes on from"),
    ("checkpoint.previous", "the one before it, for where that one is damaged"),
];

/// Exit codes.
const CODES: [(&str, &str); 8] = [
    ("0", "done"),
    (
        "1",
        "a file that cannot be written, no memory left, or a fault of the program; of verify: a claim that does not hold",
    ),
    ("2", "a wrong command line, configuration or file"),
    ("3", "numerical failure: divergence, losses that overflow, a limit too close to singular"),
    ("4", "ended before the tolerance that was required"),
    ("5", "not separable by this network in the reached pattern, with a proof"),
    ("75", "ended by SIGTERM, SIGHUP or --max-hours; a run has a checkpoint: the same command with --resume goes on"),
    ("130", "interrupted (SIGINT); what was computed is written, and a run has a checkpoint"),
];

/// The manual page in roff, with every command.
///
/// # Errors
/// [`Error::Internal`] if it cannot be rendered.
pub fn page() -> Result<String> {
    render().map_err(|e| Error::Internal(format!("cannot render the manual page: {e}")))
}

fn render() -> io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    // The version comes last in what is rendered; the rest of this page belongs before it.
    let end = page.rfind(".SH VERSION").unwrap_or(page.len());
    let version = page.split_off(end);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        section(&mut page, sub)?;
    }
    list(&mut page, "KEYS", "Set in a TOML file by sections, or with -s by their dotted names.", &keys());
    let folder = "A folder holds the files of one run or one limit. Each file is written under a temporary name and \
                  renamed; the folder is locked while it is in use; results of another configuration are replaced \
                  only with --overwrite.";
    list(&mut page, "FILES", folder, &FILES.map(|(a, b)| (a.to_string(), b.to_string())));
    list(&mut page, "EXIT STATUS", "", &CODES.map(|(a, b)| (a.to_string(), b.to_string())));
    Ok(page + &version)
}

/// A command as a section of its own.
fn section(page: &mut String, command: &Command) -> io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace(".SH ", ".SS ");
    // The preamble of each part is in the page already.
    let kept = text.lines().filter(|l| !l.starts_with(".ie ") && !l.starts_with(".el "));
    let name = command.get_name().to_uppercase();
    write(page, format_args!(".SH FARFIELD {name}\n{}\n", kept.collect::<Vec<_>>().join("\n")));
    Ok(())
}

fn list(page: &mut String, title: &str, about: &str, entries: &[(String, String)]) {
    write(page, format_args!(".SH {title}\n{}\n", escaped(about)));
    for (name, text) in entries {
        write(page, format_args!(".TP\n\\fB{}\\fR\n{}\n", escaped(name), escaped(text)));
    }
}

fn write(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(text);
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('-', "\\-")
}

/// The keys with what they are and their defaults.
fn keys() -> Vec<(String, String)> {
    let about = |key: &str| KEYS.iter().find(|(name, _)| *name == key).map_or("", |(_, about)| *about);
    defaults().into_iter().map(|(key, value)| (format!("{key} = {value}"), about(&key).to_string())).collect()
}

/// The dotted names of all keys, and their defaults.
fn defaults() -> Vec<(String, String)> {
    let table = toml::Table::try_from(Config::default()).expect("the defaults are a table");
    let mut out = Vec::new();
    for (name, value) in &table {
        match value {
            toml::Value::Table(inner) => out.extend(inner.iter().map(|(k, v)| (format!("{name}.{k}"), v.to_string()))),
            value => out.push((name.clone(), value.to_string())),
        }
    }
    out
}

/// The completion script of a shell; `-s` completes the names of keys.
pub fn completions(shell: clap_complete::Shell) -> String {
    let keys: Vec<String> = defaults().into_iter().map(|(key, _)| format!("{key}=")).collect();
    let mut command = Cli::command();
    for name in ["run", "limit", "check", "edge"] {
        let values = PossibleValuesParser::new(keys.clone());
        command = command.mut_subcommand(name, |c| c.mut_arg("settings", |a| a.value_parser(values)));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "farfield", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_explained() {
        for (key, _) in defaults() {
            assert!(KEYS.iter().any(|(name, about)| *name == key && !about.is_empty()), "{key}");
        }
        for (name, _) in KEYS {
            assert!(defaults().iter().any(|(key, _)| key == name), "{name} is no key");
        }
    }

    #[test]
    fn the_page_has_every_command_key_file_and_code() {
        let page = page().unwrap();
        let plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "");
        for command in Cli::command().get_subcommands() {
            assert!(plain.contains(&format!("FARFIELD {}", command.get_name().to_uppercase())));
            for option in command.get_opts().filter_map(|o| o.get_long()) {
                assert!(plain.contains(&format!("--{option}")), "{} --{option}", command.get_name());
            }
        }
        let names = defaults().into_iter().map(|(key, _)| key);
        let names = names.chain(FILES.iter().chain(&CODES).map(|(name, _)| name.to_string()));
        names.for_each(|name| assert!(plain.contains(&name), "{name}"));
    }

    #[test]
    fn keys_and_paths_complete_in_every_shell() {
        use clap_complete::Shell::{Bash, Elvish, Fish, PowerShell, Zsh};
        for shell in [Bash, Elvish, Fish, PowerShell, Zsh] {
            assert!(completions(shell).contains("overwrite"), "{shell}");
        }
        for shell in [Bash, Fish, Zsh] {
            let script = completions(shell);
            assert!(script.contains("network.width=") && script.contains("data.source="), "{shell}");
        }
    }
}
