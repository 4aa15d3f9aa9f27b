//! What can go wrong before or during a run, and the exit code that says so.

/// Errors of the library. How a run *ended* is a [`crate::descent::run::Status`], not an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A bad configuration, bad data or a bad command line: exit code 2.
    #[error("{0}")]
    Input(String),
    /// A file that cannot be written, or a fault of this program: exit code 1.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// The process exit code of this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Internal(_) => 1,
            Error::Input(_) => 2,
        }
    }
}

/// `Err(Error::Input(..))` from a format string.
#[macro_export]
macro_rules! input_error {
    ($($arg:tt)*) => { $crate::error::Error::Input(format!($($arg)*)) };
}

/// Results of the library.
pub type Result<T> = std::result::Result<T, Error>;
