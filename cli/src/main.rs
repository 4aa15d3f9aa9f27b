//! The command line of Farfield.

use clap::Parser;
use farfield_cli::commands::{self, Cli};
use farfield_cli::error::Error;
use farfield_cli::signals::Signals;
use farfield_cli::{say, usage};
use std::process::ExitCode;

fn main() -> ExitCode {
    say::faults();
    let code = std::panic::catch_unwind(command).unwrap_or(1);
    ExitCode::from(code)
}

/// Runs the command of the arguments; the exit code.
fn command() -> u8 {
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return failed(&Error::Internal(format!("cannot install signal handlers: {error}")), None),
    };
    let done = match Cli::try_parse() {
        Ok(arguments) => commands::execute(arguments, &signals),
        Err(error) if error.use_stderr() => Err(Error::Input(usage::one_line(&error))),
        Err(help) => commands::print_help(&help).map(|()| 0),
    };
    done.unwrap_or_else(|error| failed(&error, Some(&signals)))
}

/// Says what is wrong; the exit code.
fn failed(error: &Error, signals: Option<&Signals>) -> u8 {
    if !matches!(error, Error::Fault) {
        say::line(&error.to_string());
    }
    match (error, signals) {
        (Error::Interrupted, Some(signals)) => signals.code(),
        _ => error.exit_code(),
    }
}
