//! The command line of Farfield.

use clap::Parser;
use farfield_cli::commands::{self, Cli};
use farfield_cli::error::Error;
use farfield_cli::signals::Signals;
use farfield_cli::{ranks, say, usage};
use std::process::ExitCode;
use world::{begin, end};

fn main() -> ExitCode {
    say::faults();
    let code = std::panic::catch_unwind(command).unwrap_or(1);
    end(code);
    ExitCode::from(code)
}

/// Runs the command of the arguments; the exit code.
fn command() -> u8 {
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return failed(&Error::Internal(format!("cannot install signal handlers: {error}")), None),
    };
    if let Err(why) = begin() {
        return failed(&Error::Internal(why.into()), None);
    }
    if ranks::helps() {
        return ranks::help(Cli::try_parse().map_err(|e| Error::Input(usage::one_line(&e))).and_then(commands::help));
    }
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

/// Under mpirun: the processes of this run.
#[cfg(feature = "mpi")]
mod world {
    use farfield::data::slabs::Link;
    use farfield_mpi::World;
    use std::sync::{Arc, OnceLock};

    static WORLD: OnceLock<Arc<World>> = OnceLock::new();

    #[derive(Debug)]
    struct Ranks(Arc<World>);

    impl Link for Ranks {
        fn ranks(&self) -> usize {
            self.0.ranks()
        }
        fn rank(&self) -> usize {
            self.0.rank()
        }
        fn send(&self, to: usize, numbers: &[f64]) {
            self.0.send(to, numbers);
        }
        fn receive(&self, from: usize, numbers: &mut [f64]) {
            self.0.receive(from, numbers);
        }
    }

    /// Joins the other processes, if a launcher has started some.
    pub fn begin() -> Result<(), &'static str> {
        if let Some(world) = World::start()? {
            let world = WORLD.get_or_init(|| Arc::new(world));
            farfield_cli::ranks::connect(Arc::new(Ranks(world.clone())));
        }
        Ok(())
    }

    /// Ends all processes of the run with this code: in order where the others wait for one, else by leaving, which
    /// the launcher answers by ending the rest.
    pub fn end(code: u8) {
        if let Some(world) = WORLD.get() {
            let _ = farfield_cli::ranks::dismiss(code) && world.end();
        }
    }
}

#[cfg(not(feature = "mpi"))]
mod world {
    /// There are no other processes.
    pub fn begin() -> Result<(), &'static str> {
        Ok(())
    }

    /// There is nobody to tell.
    pub fn end(_: u8) {}
}
