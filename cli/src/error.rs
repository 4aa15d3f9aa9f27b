//! What can go wrong before or during a command, and the exit code that says so.

/// Errors of the command line; each is one line on stderr.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A bad configuration, bad data or a bad command line: exit code 2.
    #[error("{0}")]
    Input(String),
    /// A file that cannot be written, or a fault of this program: exit code 1.
    #[error("{0}")]
    Internal(String),
    /// Numbers that overflow before the first step: exit code 3.
    #[error("{0}")]
    Numerical(String),
    /// Ended by a signal before there was anything to write: exit code 130, or 75 for SIGTERM and SIGHUP.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// A fault of this program that has been reported where it happened: exit code 1.
    #[error("")]
    Fault,
}

impl Error {
    /// The process exit code of this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Internal(_) | Error::Fault => 1,
            Error::Input(_) => 2,
            Error::Numerical(_) => 3,
            Error::Interrupted => crate::signals::INTERRUPTED,
        }
    }
}

impl From<farfield::Error> for Error {
    /// What the library refuses is bad input; where a key of the configuration mends it, it is named.
    fn from(error: farfield::Error) -> Self {
        match error {
            farfield::Error::NoStepSize => Error::Input(format!("{error}; set descent.step_size")),
            farfield::Error::Stopped => Error::Interrupted,
            other => Error::Input(other.to_string()),
        }
    }
}

/// `Error::Input(..)` from a format string.
macro_rules! input_error {
    ($($arg:tt)*) => { $crate::error::Error::Input(format!($($arg)*)) };
}
pub(crate) use input_error;

/// Results of the command line.
pub type Result<T> = std::result::Result<T, Error>;
