//! The command line: arguments, and what each command does with them.

mod bench;
mod check;
mod limit;
mod run;
mod sweep;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::signals::Signals;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where gradient descent on two-layer leaky-ReLU networks goes.
///
/// Follows full-batch gradient descent on the exponential loss to horizons that stepping cannot
/// reach, names the direction it converges to, and certifies how far it still is.
#[derive(Parser)]
#[command(name = "farfield", version)]
pub struct Cli {
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
    /// A grid of problems, each several times; goes on where it was
    Sweep(sweep::SweepArgs),
    /// Steps per second of a shape, next to what this machine can do
    Bench(bench::BenchArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

#[derive(Args)]
struct Source {
    /// Configuration in TOML; without it, the embedded default
    config: Option<PathBuf>,
    /// Set a configuration key by its dotted name, over the file
    #[arg(short = 's', long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Print JSON instead of the summary
    #[arg(long)]
    json: bool,
    /// Number of threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    source: Source,
    /// Output folder [default: farfield-out/ and the digest of the configuration]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print the resolved configuration and stop
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
struct LimitArgs {
    #[command(flatten)]
    source: Source,
    /// Take the pattern that the run in this folder ended in, and its configuration unless one is given;
    /// or a pattern.npy
    #[arg(long, value_name = "DIR")]
    pattern: Option<PathBuf>,
    /// Output folder [default: the folder `limit` in that of the run]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    source: Source,
}

impl Source {
    /// The validated configuration; also sets the number of threads.
    fn load(&self) -> Result<Config> {
        self.load_or(None)
    }

    /// As `load`, with another file where none is given.
    fn load_or(&self, other: Option<&Path>) -> Result<Config> {
        let config = Config::load(self.config.as_deref().or(other), &self.settings)?;
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
            pool.build_global().map_err(|e| Error::Internal(format!("cannot start {threads} threads: {e}")))?;
        }
        Ok(config)
    }
}

/// Runs the command; the exit code of the process.
///
/// # Errors
/// Bad input, or files that cannot be written.
pub fn execute(cli: Cli, signals: &Signals) -> Result<u8> {
    match cli.command {
        Command::Run(args) => run::execute(&args, signals),
        Command::Limit(args) => limit::execute(&args),
        Command::Check(args) => check::execute(&args),
        Command::Sweep(args) => sweep::execute(&args, signals),
        Command::Bench(args) => bench::execute(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "farfield", &mut script);
            print(&String::from_utf8_lossy(&script)).map(|()| 0)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|e| Error::Internal(format!("cannot render the manual page: {e}")))?;
            print(&String::from_utf8_lossy(&page)).map(|()| 0)
        }
    }
}

/// Prints to stdout; a closed pipe is not an error.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Internal(format!("cannot write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

/// The output folder: as asked, or named after the configuration.
fn folder(output: Option<&PathBuf>, config: &Config) -> Result<Folder> {
    Folder::create(output.cloned().unwrap_or_else(|| default_folder(config)))
}

/// The folder of a run: named after the configuration.
fn default_folder(config: &Config) -> PathBuf {
    PathBuf::from("farfield-out").join(config.short_digest())
}
