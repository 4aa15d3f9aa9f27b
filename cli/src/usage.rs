//! A wrong command line in one line, with the lists that go with it: what is missing, which values are possible.

use clap::CommandFactory;
use clap::error::ErrorKind;

/// The error as one line.
pub fn one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return format!("expected a command: {}; see farfield --help", commands());
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more"));
    let mut out = String::new();
    for line in lines.filter(|l| !l.is_empty()) {
        let line = line.trim_start_matches("error: ");
        let line = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')).unwrap_or(line);
        let separator = match out.chars().last() {
            None => "",
            Some(':') => " ",
            Some(_) if line.starts_with(['<', '-']) => ", ", // a further missing argument
            Some(_) => "; ",
        };
        out.push_str(separator);
        out.push_str(line);
    }
    let out = out.replace("the following required arguments were not provided:", "missing:");
    format!("{out}; see farfield --help")
}

/// The names of all commands, in words.
fn commands() -> String {
    let command = crate::commands::Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    match names.split_last() {
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Cli;
    use clap::Parser;

    #[test]
    fn lists_are_kept_on_one_line() {
        for (args, expected) in [
            (&["completions"][..], "missing: <SHELL>"),
            (&["completions", "cmd"], "possible values: bash, elvish, fish, powershell, zsh"),
            (&["bench", "--dtype", "f16"], "possible values: f32, f64, mixed"),
            (&["bench", "--n", "many"], "invalid digit"),
            (&["rum"], "'run'"),
            (&["run", "--thread", "2"], "'--threads'"),
            (&["run", "-s"], "KEY=VALUE"),
            (&[], "expected a command: run, limit"),
        ] {
            let error = Cli::try_parse_from([&["farfield"], args].concat()).err().expect("refused");
            let text = one_line(&error);
            assert!(text.contains(expected), "{args:?}: {text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
}
