//! The folder `plots` in that of a run or a sweep: figures, which are drawn from what is beside them and go when that goes.
//!
//! It has a lock of its own, so that a run on its way can be drawn; whoever replaces the run waits for nobody, but is refused
//! while a figure is being written.

use super::{Lock, failed, lock, remove, remove_parts};
use crate::error::{Result, input_error};
use std::fs;
use std::path::{Path, PathBuf};

/// The figures of a run, and that of a limit alone, by the names of their files.
pub const FIGURES: [&str; 9] =
    ["margin", "gaps", "loss", "signs", "sliding", "dual", "held_out", "test_error", "weights"];

/// The files of a figure, by their endings.
const ENDINGS: [&str; 4] = ["svg", "png", "csv", "txt"];

/// The name of the folder.
const PLOTS: &str = "plots";

/// The figures of a folder, held by this process.
pub struct Plots {
    path: PathBuf,
    _lock: Option<Lock>,
}

impl Plots {
    /// Makes and locks the folder `plots` in a folder.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if it cannot be written, [`crate::error::Error::Input`] if another process is at
    /// work in it.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(PLOTS);
        fs::create_dir_all(&path).map_err(|e| failed(&path, e))?;
        Self::hold(path)
    }

    /// As [`Plots::open`], if there is one.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] if another process is at work in it.
    pub fn of(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(PLOTS);
        if path.is_dir() { Self::hold(path).map(Some) } else { Ok(None) }
    }

    fn hold(path: PathBuf) -> Result<Self> {
        let busy = |_| input_error!("{} is in use by another process; try again when it has ended", path.display());
        let lock = lock::hold(&path).map_err(busy)?;
        Ok(Self { path, _lock: lock })
    }

    /// Writes a file under a temporary name and renames it into place.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let (part, path) = (self.path.join(format!(".{name}.{}.part", std::process::id())), self.path.join(name));
        fs::write(&part, content).and_then(|()| fs::rename(&part, &path)).map_err(|error| {
            let _ = fs::remove_file(&part);
            failed(&path, error)
        })
    }

    /// Removes the files of a figure.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if one cannot be removed.
    pub fn remove(&self, figure: &str) -> Result<()> {
        ENDINGS.iter().try_for_each(|ending| remove(&self.path.join(format!("{figure}.{ending}"))))
    }

    /// Removes the figures of a run, and the folder if nothing else is in it.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if a file cannot be removed.
    pub fn clear(self) -> Result<()> {
        FIGURES.iter().try_for_each(|figure| self.remove(figure))?;
        remove_parts(&self.path);
        self.leave();
        Ok(())
    }

    /// Removes the folder if nothing is in it.
    pub fn leave(self) {
        // what others have put there stays
        let _ = fs::remove_dir(&self.path);
    }
}
