//! A lock on a folder, which ends with the process that holds it.

use super::cannot;
use crate::error::{Result, input_error};
use crate::say;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A lock; it ends when it is dropped.
pub struct Lock {
    _folder: File,
}

/// Locks a folder. None where the file system has no locks, which is said.
///
/// # Errors
/// [`crate::error::Error::Input`] if another process holds it, with its number where the system tells.
pub fn hold(path: &Path) -> Result<Option<Lock>> {
    loop {
        let folder = File::open(path).map_err(|e| cannot(path, &e))?;
        match folder.try_lock() {
            Ok(()) if same(&folder, path) => return Ok(Some(Lock { _folder: folder })),
            Ok(()) => {
                // Another process has removed the empty folder that it had made, between the two calls.
                std::fs::create_dir_all(path).map_err(|e| cannot(path, &e))?;
            }
            Err(TryLockError::WouldBlock) => {
                let owner = owner(&folder).map(|pid| format!(", number {pid}")).unwrap_or_default();
                let place = path.display();
                return Err(input_error!(
                    "the folder {place} is in use by another process{owner}; choose another with -o"
                ));
            }
            Err(TryLockError::Error(e)) => {
                say::line(&format!("note: {} cannot be locked ({e}): no other process may use it", path.display()));
                return Ok(None);
            }
        }
    }
}

/// Whether a path still leads to an open folder.
#[cfg(unix)]
fn same(folder: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |m: std::fs::Metadata| (m.dev(), m.ino());
    folder.metadata().map(id).ok() == std::fs::metadata(path).map(id).ok()
}

#[cfg(not(unix))]
fn same(_: &File, _: &Path) -> bool {
    true
}

/// The process that holds a lock on an open folder, from the system's table
/// (`1: FLOCK ADVISORY WRITE 4711 08:01:131073 0 EOF`).
#[cfg(target_os = "linux")]
fn owner(folder: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = folder.metadata().ok()?.ino().to_string();
    let table = std::fs::read_to_string("/proc/locks").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let at = fields.iter().position(|f| *f == "FLOCK")?;
        let ours = fields.get(at + 4)?.rsplit(':').next() == Some(&inode);
        fields.get(at + 3)?.parse().ok().filter(|_| ours)
    })
}

#[cfg(not(target_os = "linux"))]
fn owner(_: &File) -> Option<u32> {
    None
}
