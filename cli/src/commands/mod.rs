//! The command line: arguments, and what each command does with them.

mod bench;
mod check;
mod convert;
mod edge;
mod limit;
mod plot;
mod resume;
mod run;
mod sweep;
mod verify;

use crate::config::{Config, Source as Samples, paths};
use crate::error::{Error, Result, input_error};
use crate::manual;
use crate::memory;
use crate::ranks;
use crate::signals::Signals;
use crate::threads;
use clap::{Args, Parser, Subcommand, ValueHint};
use farfield_kernels::isa::Isa;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Where gradient descent on two-layer leaky-ReLU networks goes.
///
/// Follows full-batch gradient descent on the exponential or logistic loss to horizons that stepping cannot
/// reach, names the direction it converges to, and certifies how far it still is.
#[derive(Parser)]
#[command(name = "farfield", version)]
pub struct Cli {
    /// Use this instruction set of the machine [default: the best one]; the result does not depend on it
    #[arg(long, global = true, value_name = "NAME", value_parser = ["scalar", "avx2", "avx512", "neon"])]
    isa: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run gradient descent to the horizon, and say where it is going
    Run(RunArgs),
    /// The predicted limit, without running gradient descent
    Limit(LimitArgs),
    /// Which assumptions of the theory hold for this data
    Check(CheckArgs),
    /// The largest step size at which gradient descent still settles
    Edge(EdgeArgs),
    /// A grid of problems, each several times; goes on where it was
    Sweep(sweep::SweepArgs),
    /// Figures of a run or of a merged sweep: PNG, SVG, their numbers and captions
    Plot(plot::PlotArgs),
    /// Check every claim of a finished folder again, without running gradient descent
    Verify(verify::VerifyArgs),
    /// A table or a sparse file as an array (.npy), selected and standardized as for a run
    Convert(convert::ConvertArgs),
    /// Steps per second of a shape, next to what this machine can do
    Bench(bench::BenchArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff): every command, key, file and exit code
    Man,
}

#[derive(Args)]
struct Source {
    /// Configuration in TOML; without it, the embedded default
    #[arg(value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a configuration key by its dotted name, over the file
    #[arg(short = 's', long = "set", value_name = "KEY=VALUE")]
    settings: Vec<OsString>,
    /// Print JSON instead of the summary
    #[arg(long)]
    json: bool,
    /// Number of threads [default: SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, or all cores]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(threads::MOST)))]
    threads: Option<u16>,
    /// Use at most so much memory, such as 2GiB: samples that do not fit are read (.npy) or drawn a block at a time
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    memory: Option<f64>,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    source: Source,
    /// Output folder [default: farfield-out/ and the digest of the configuration]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// Replace results of another configuration, or a run on its way, in the output folder
    #[arg(long)]
    overwrite: bool,
    /// Go on from the checkpoint in the output folder, which may be named in place of CONFIG; from the beginning if there is
    /// none
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Print the resolved configuration and stop
    #[arg(long)]
    dry_run: bool,
    /// End with a checkpoint a little before so many hours have passed, setup included: exit 75, go on with --resume
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    max_hours: Option<f64>,
}

#[derive(Args)]
struct LimitArgs {
    #[command(flatten)]
    source: Source,
    /// Take the pattern that the run in this folder ended in, and its configuration unless one is given;
    /// or a pattern.npy
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pattern: Option<PathBuf>,
    /// Output folder [default: the folder `limit` in that of the run]; where it holds a run, `limit` below it
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// Replace a limit of another configuration in the output folder
    #[arg(long)]
    overwrite: bool,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    source: Source,
}

#[derive(Args)]
struct EdgeArgs {
    #[command(flatten)]
    source: Source,
    /// Steps of each trial, all of them taken: a step size settles if the loss only falls in the second half
    #[arg(long, value_name = "T", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..=1 << 53))]
    steps: u64,
    /// Largest ratio, less 1, of a step size that does not settle to the edge
    #[arg(long, value_name = "R", default_value_t = 0.01, value_parser = above_zero)]
    resolution: f64,
}

/// A number above 0.
fn above_zero(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|v: &f64| *v > 0.0 && v.is_finite()).ok_or_else(|| "expected a number above 0".into())
}

/// A positive number of hours.
fn hours(text: &str) -> std::result::Result<f64, String> {
    let hours = text.parse::<f64>().map_err(|_| "expected a number of hours".to_string())?;
    if hours > 0.0 { Ok(hours) } else { Err("expected a number of hours above 0".into()) }
}

impl Source {
    /// The validated configuration; also starts the threads.
    fn load(&self) -> Result<Config> {
        self.load_or(None)
    }

    /// As `load`, with another file where none is given.
    fn load_or(&self, other: Option<&Path>) -> Result<Config> {
        self.load_file(self.config.as_deref().or(other))
    }

    /// As `load`, from this file.
    fn load_file(&self, file: Option<&Path>) -> Result<Config> {
        self.memory.iter().for_each(|bytes| memory::allow(*bytes));
        let settings: Vec<String> = self.settings.iter().map(|s| paths::encode(s)).collect();
        let config = Config::load(file, &settings)?;
        threads::start(threads::count(self.threads.unwrap_or(0).into())?)?;
        Ok(config)
    }
}

/// Runs the command; the exit code of the process.
///
/// # Errors
/// Bad input, or files that cannot be written.
pub fn execute(cli: Cli, signals: &Signals) -> Result<u8> {
    cli.isa.as_deref().map_or(Ok(()), choose)?;
    if ranks::link().is_some() && !matches!(cli.command, Command::Run(_)) {
        return Err(input_error!("under mpirun only farfield run is shared out; start other commands without it"));
    }
    match cli.command {
        Command::Run(args) => run::execute(&args, signals),
        Command::Limit(args) => limit::execute(&args, signals),
        Command::Check(args) => check::execute(&args, signals),
        Command::Edge(args) => edge::execute(&args, signals),
        Command::Sweep(args) => sweep::execute(&args, signals),
        Command::Plot(args) => plot::execute(&args),
        Command::Verify(args) => verify::execute(&args, signals),
        Command::Convert(args) => convert::execute(&args, signals),
        Command::Bench(args) => bench::execute(&args),
        Command::Completions { shell } => print(&manual::completions(shell)).map(|()| 0),
        Command::Man => print(&manual::page()?).map(|()| 0),
    }
}

/// What the other processes of a run under mpirun do before they wait: the same as the one that runs it.
///
/// # Errors
/// As [`execute`].
pub fn help(cli: Cli) -> Result<Config> {
    cli.isa.as_deref().map_or(Ok(()), choose)?;
    match cli.command {
        Command::Run(args) => args.source.load_file(resume::place(&args)?.0.as_deref())?.resolved(),
        _ => Err(input_error!("only farfield run is shared out")),
    }
}

/// Makes everything use this instruction set.
fn choose(name: &str) -> Result<()> {
    let Some(isa) = Isa::named(name) else {
        let names: Vec<&str> = Isa::all().into_iter().map(Isa::name).collect();
        return Err(input_error!("--isa {name}: this machine has {}", names.join(", ")));
    };
    isa.choose();
    Ok(())
}

/// Prints what clap prints to stdout: help and version.
///
/// # Errors
/// [`Error::Internal`] if stdout cannot be written.
pub fn print_help(help: &clap::Error) -> Result<()> {
    let text = help.render();
    if std::io::stdout().is_terminal() { print(&text.ansi().to_string()) } else { print(&text.to_string()) }
}

/// Prints to stdout; a closed pipe is not an error.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Internal(format!("cannot write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

/// The folder of a run: named after the configuration.
fn default_folder(config: &Config) -> PathBuf {
    PathBuf::from("farfield-out").join(config.short_digest())
}

/// What is done before the first phase of a watch: a file is read.
fn reading(config: &Config) -> String {
    let Samples::File(path) = &config.data.source else { return String::new() };
    let size = std::fs::metadata(path).map_or(0, |m| m.len()) as f64 / 1e6;
    format!("reading {path} ({size:.0} MB)")
}
