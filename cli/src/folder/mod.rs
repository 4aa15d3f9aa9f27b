//! The folder that a command leaves its files in: of one run or one limit, whatever happens in between.
//!
//! ```text
//! claim   lock the folder; refuse it if another process holds it, or if it holds what must not be overwritten
//! begin   figures of the old results go first, then result.json, then their other files; config.toml is replaced by the new one
//! put     every file is written under a temporary name of its own, and renamed into place
//! rotate  a checkpoint takes the place of the one before it, which is kept until then
//! seal    result.json comes last, with the digests of the arrays beside it
//! ```
//!
//! A run that is resumed goes `claim`, `resume`: in place of `begin` only its results go, and its tables and checkpoints
//! stay.
//!
//! So every file beside a config.toml belongs to it, at every moment, and only a finished folder has a result.json: a
//! process that is killed leaves the old folder whole (before `begin`), or one without result.json. A start that
//! fails before `begin` changes nothing. The lock is one of the system on the folder itself: it ends with the process,
//! however that ends, and leaves no file.

mod lock;
mod manifest;
pub mod plots;

use crate::config::Config;
use crate::error::{Error, Result, input_error};
use lock::Lock;
pub use manifest::{Digests, verify};
use plots::Plots;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The files of `farfield run`.
    Run,
    /// The files of `farfield limit`.
    Limit,
}

/// Every file that a command may leave but config.toml, in the order in which old ones go.
const FILES: [&str; 17] = [
    "result.json",
    "checkpoint.bin",
    "checkpoint.previous",
    "certificate.json",
    "trace.csv",
    "precision.csv",
    "held_out.csv",
    "margins.npy",
    "pattern.npy",
    "dual.npy",
    "farkas.npy",
    "boundary.npy",
    "slopes.npy",
    "remainders.npy",
    "averages.npy",
    "weights.npy",
    "config.toml", // only of a folder within: `begin` replaces its own
];

/// Files that a run which is resumed goes on with.
const KEPT: [&str; 6] = ["checkpoint.bin", "checkpoint.previous", "trace.csv", "precision.csv", "held_out.csv", CONFIG];

/// What a command may find in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing but what the same configuration has left, and no run that could be resumed.
    Fresh,
    /// Anything, which is replaced.
    Overwrite,
    /// A run that is resumed: keys that move neither its iterate nor its rows may differ.
    Resume,
}

/// The name of the resolved configuration.
const CONFIG: &str = "config.toml";

/// A folder that this process holds.
pub struct Folder {
    path: PathBuf,
    made: Vec<PathBuf>, // folders that `claim` made, the outermost first
    begun: bool,
    within: Option<Lock>, // of the folder `limit` in that of a run
    plots: Option<Plots>, // of what is there, until it goes
    _lock: Option<Lock>,
    digests: Mutex<Digests>,
}

impl Folder {
    /// Makes and locks the folder, and proves that it can be written and may be overwritten. Nothing that is in it
    /// changes.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot be written, if another process holds it, or if it holds results of another
    /// configuration, or of the other command, that are not to be overwritten.
    pub fn claim(path: PathBuf, kind: Kind, config: &Config, entry: Entry) -> Result<Self> {
        let fail = |e: io::Error| cannot(&path, &e);
        let made = missing(&path);
        fs::create_dir_all(&path).map_err(fail)?;
        let mut folder = Self {
            path: path.clone(),
            made,
            begun: false,
            within: None,
            plots: None,
            _lock: None,
            digests: Mutex::default(),
        };
        folder._lock = lock::hold(&path)?;
        folder.plots = Plots::of(&path)?;
        if kind == Kind::Run && path.join("limit").is_dir() {
            folder.within = lock::hold(&path.join("limit"))?;
        }
        let probe = folder.temporary("probe");
        File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(fail)?;
        if entry != Entry::Overwrite {
            may_replace(&path, kind, config, entry)?;
        }
        Ok(folder)
    }

    /// Replaces what is in the folder by the configuration of what is to come.
    ///
    /// # Errors
    /// [`Error::Internal`] if a file cannot be removed or written.
    pub fn begin(&mut self, config: &Config) -> Result<()> {
        self.empty(&[CONFIG])?;
        self.write(CONFIG, config.to_toml().as_bytes())
    }

    /// Takes the results away, and leaves what a run goes on with; the configuration is replaced by the present one.
    ///
    /// # Errors
    /// [`Error::Internal`] if a file cannot be removed or written.
    pub fn resume(&mut self, config: &Config) -> Result<()> {
        self.empty(&KEPT)?;
        self.write(CONFIG, config.to_toml().as_bytes())
    }

    /// Removes every file but those kept.
    fn empty(&mut self, kept: &[&str]) -> Result<()> {
        self.begun = true;
        if let Some(plots) = self.plots.take() {
            plots.clear()?;
        }
        let within = self.path.join("limit");
        // Its result names the results beside it as belonging together: it goes first everywhere.
        if self.within.is_some() {
            for name in FILES {
                remove(&within.join(name))?;
            }
            remove_parts(&within);
            // What others have put there stays.
            let _ = fs::remove_dir(&within);
        }
        for name in FILES.into_iter().filter(|name| !kept.contains(name)) {
            remove(&self.path.join(name))?;
        }
        remove_parts(&self.path);
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file under a temporary name, renames it into place, and notes its digest.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn put(&self, name: &str, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let part = self.temporary(name);
        let write = || {
            let mut out = manifest::Hashing::new(BufWriter::new(File::create(&part)?));
            content(&mut out)?;
            let digest = out.finish()?;
            fs::rename(&part, self.path.join(name))?;
            Ok(digest)
        };
        match write() {
            Ok(digest) => {
                self.digests.lock().unwrap_or_else(|e| e.into_inner()).insert(name.into(), digest);
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&part);
                Err(failed(&self.path.join(name), error))
            }
        }
    }

    /// [`Folder::put`] for content that is in memory.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        self.put(name, |out| out.write_all(content))
    }

    /// Opens a file that grows: its beginning is written under a temporary name and renamed into place, the rest is
    /// appended there, where it can be read while it grows.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn grow(&self, name: &str, beginning: &[u8]) -> Result<File> {
        let part = self.temporary(name);
        let open = || {
            let mut file = File::create(&part)?;
            file.write_all(beginning)?;
            fs::rename(&part, self.path.join(name))?;
            Ok(file)
        };
        open().map_err(|error| {
            let _ = fs::remove_file(&part);
            failed(&self.path.join(name), error)
        })
    }

    /// Opens a file of which the first `bytes` are kept, to be appended to.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn cut(&self, name: &str, bytes: u64) -> Result<File> {
        let path = self.path.join(name);
        let open = || {
            let mut file = File::options().write(true).open(&path)?;
            file.set_len(bytes)?;
            file.seek(io::SeekFrom::End(0))?;
            Ok(file)
        };
        open().map_err(|error| failed(&path, error))
    }

    /// Writes a file that takes the place of `newest`, which becomes the one `before`. `durable`: it is on the disk when
    /// this returns. What `content` returns.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written; then both files are what they were, or, if only the last renaming
    /// failed, the newest one is the one before.
    pub fn rotate<T>(
        &self,
        [newest, before]: [&str; 2],
        durable: bool,
        content: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> Result<T> {
        let (part, path) = (self.temporary(newest), self.path.join(newest));
        let write = || {
            let mut out = BufWriter::with_capacity(1 << 20, File::create(&part)?);
            let written = content(&mut out)?;
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            if durable {
                file.sync_all()?;
            }
            match fs::rename(&path, self.path.join(before)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => fs::rename(&part, &path)?,
            }
            if durable {
                sync_folder(&self.path)?;
            }
            Ok(written)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&part);
            failed(&path, error)
        })
    }

    /// The digests of the files that are in place.
    pub fn digests(&self) -> Digests {
        self.digests.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    fn temporary(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.{}.part", std::process::id()))
    }
}

impl Drop for Folder {
    /// A start that failed leaves no empty folders.
    fn drop(&mut self) {
        if !self.begun {
            self.made.iter().rev().take_while(|made| fs::remove_dir(made).is_ok()).for_each(drop);
        }
    }
}

/// Makes the renamings in a folder durable, where the system can.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Whether a folder holds the files of a run.
pub fn holds_run(path: &Path) -> bool {
    ["trace.csv", "margins.npy"].iter().any(|name| path.join(name).exists())
}

/// The error of a file that cannot be written.
pub fn failed(path: &Path, error: io::Error) -> Error {
    Error::Internal(format!("cannot write {}: {error}", path.display()))
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    input_error!("cannot write to the output folder {}: {error}; choose another with -o", path.display())
}

/// The folders of a path that are not there yet, the outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).map(Path::to_path_buf).collect();
    missing.reverse();
    missing
}

/// Refuses results of another configuration or command.
fn may_replace(path: &Path, kind: Kind, config: &Config, entry: Entry) -> Result<()> {
    let exits = "choose another with -o, or take it with --overwrite";
    if !FILES.iter().any(|name| path.join(name).exists()) {
        return Ok(());
    }
    let place = path.display();
    let Ok(known) = fs::read_to_string(path.join(CONFIG)) else {
        return Err(input_error!("the folder {place} holds results without a readable config.toml; {exits}"));
    };
    if entry == Entry::Resume {
        may_resume(&known, config, &format!("the folder {place}"))?;
    } else if known != config.to_toml() {
        let keys = manifest::differing_keys(&known, &config.to_toml());
        return Err(input_error!("the folder {place} holds another configuration{keys}; {exits}"));
    } else if path.join("checkpoint.bin").exists() && !path.join("result.json").exists() {
        let exits = "go on with --resume, or start again with --overwrite";
        return Err(input_error!("the folder {place} holds a run on its way, with a checkpoint; {exits}"));
    }
    match kind {
        Kind::Run if path.join("slopes.npy").exists() && !holds_run(path) => {
            Err(input_error!("the folder {place} holds a limit; {exits}"))
        }
        Kind::Run | Kind::Limit => Ok(()),
    }
}

/// Refuses a configuration under which a run of another one cannot go on; `whose` says where that one is.
///
/// # Errors
/// [`Error::Input`] with the keys that differ.
pub fn may_resume(known: &str, config: &Config, whose: &str) -> Result<()> {
    let keys = manifest::differing_keys(&manifest::lasting(known), &manifest::lasting(&config.to_toml()));
    if !keys.is_empty() {
        return Err(input_error!(
            "{whose} holds a run of another configuration{keys}; resume it as it was, or choose another folder with -o"
        ));
    }
    Ok(())
}

/// Removes a file; one that is not there is none.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(Error::Internal(format!("cannot remove {}: {e}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Removes temporary files that a killed process has left; the lock is held, so that none is in use.
fn remove_parts(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".part") {
            // It is no result: where it cannot be removed it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}
