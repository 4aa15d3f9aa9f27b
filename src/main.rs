//! The command line of Farfield.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let signals = match cli::Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("farfield: cannot install signal handlers: {error}");
            return ExitCode::from(1);
        }
    };
    match cli::execute(cli::Cli::parse(), &signals) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("farfield: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
