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
    let arguments = match cli::Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            eprintln!("farfield: {first}; see farfield --help");
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    match cli::execute(arguments, &signals) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("farfield: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
