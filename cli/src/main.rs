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
    let done = match (Signals::install(), Cli::try_parse()) {
        (Err(error), _) => Err(Error::Internal(format!("cannot install signal handlers: {error}"))),
        (Ok(signals), Ok(arguments)) => commands::execute(arguments, &signals),
        (_, Err(error)) if error.use_stderr() => Err(Error::Input(usage::one_line(&error))),
        (_, Err(help)) => commands::print_help(&help).map(|()| 0),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            if !matches!(error, Error::Fault) {
                say::line(&error.to_string());
            }
            error.exit_code()
        }
    }
}
