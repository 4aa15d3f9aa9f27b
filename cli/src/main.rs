//! The command line of Farfield.

use clap::Parser;
use farfield_cli::commands::{self, Cli};
use farfield_cli::signals::Signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("farfield: cannot install signal handlers: {error}");
            return ExitCode::from(1);
        }
    };
    let arguments = match Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            eprintln!("farfield: {first}; see farfield --help");
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    match commands::execute(arguments, &signals) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("farfield: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
