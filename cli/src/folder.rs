//! The folder that a command leaves its files in.

use crate::error::{Error, Result};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A folder of results.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder and proves that it can be written.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot.
    pub fn create(path: PathBuf) -> Result<Self> {
        let fail = |e: io::Error| {
            Error::Input(format!("cannot write to the output folder {}: {e}; choose another with -o", path.display()))
        };
        std::fs::create_dir_all(&path).map_err(fail)?;
        let probe = path.join(".writable");
        File::create(&probe).map_err(fail)?;
        std::fs::remove_file(&probe).map_err(fail)?;
        Ok(Self(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a whole file by renaming a finished one into place.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let (part, whole) = (self.0.join(format!(".{name}.part")), self.0.join(name));
        std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, &whole)).map_err(|e| failed(&whole, e))
    }
}

/// The error of a file that cannot be written.
pub fn failed(path: &Path, error: io::Error) -> Error {
    Error::Internal(format!("cannot write {}: {error}", path.display()))
}
