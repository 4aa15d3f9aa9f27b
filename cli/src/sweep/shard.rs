//! Shards: append-only files of lines, each written by one process at a time.
//!
//! A shard is claimed by a lock of the system on the file itself, which ends with the process that holds it, and by a
//! line that names the process: a claim cannot outlive its owner. What follows the last whole line was torn by
//! the end of a process; it is cut off by the next one.

use super::line::{self, Head, Line, Session};
use crate::error::{Error, Result, input_error};
use crate::folder::failed;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Shard `index` of `count`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which, from 1.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl Part {
    /// Whether a problem belongs to this shard.
    pub fn holds(self, problem: u64) -> bool {
        problem % self.count == self.index - 1
    }

    /// The name of its file.
    pub fn name(self) -> String {
        format!("shard-{}-of-{}.jsonl", self.index, self.count)
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, k)| Some((i.parse().ok()?, k.parse().ok()?)));
        match numbers {
            Some((index, count)) if 1 <= index && index <= count => Ok(Self { index, count }),
            _ => Err("expected I/K with 1 ≤ I ≤ K, for instance 1/8".into()),
        }
    }
}

/// What a scan of a shard found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The end of the last valid line, in bytes.
    pub end: u64,
    /// Invalid lines before it.
    pub damaged: u64,
    /// Bytes after it.
    pub torn: u64,
    /// The last process that began.
    pub session: Option<Session>,
    /// Problems that it has written.
    pub since: u64,
}

/// The shards in a folder, by name.
///
/// # Errors
/// [`Error::Input`] if the folder cannot be read.
pub fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e: std::io::Error| input_error!("cannot read the folder {}: {e}", dir.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name.starts_with("shard-") && name.ends_with(".jsonl") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads every valid line: `visit(head, offset, line)` for each that is about a problem.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be read; what `visit` returns.
pub fn scan(path: &Path, mut visit: impl FnMut(Head, u64, &[u8]) -> Result<()>) -> Result<Scan> {
    let fail = |e| Error::Internal(format!("cannot read {}: {e}", path.display()));
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(fail)?);
    let (mut scan, mut offset, mut doubtful, mut bytes) = (Scan::default(), 0, 0, Vec::new());
    loop {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes).map_err(fail)? as u64;
        if length == 0 {
            break;
        }
        match line::read(&bytes) {
            None => doubtful += 1,
            Some(found) => {
                scan.damaged += std::mem::take(&mut doubtful);
                scan.end = offset + length;
                match found {
                    Line::Session => {
                        scan.session = Session::parse(&bytes);
                        scan.since = 0;
                    }
                    Line::Problem(head) => {
                        scan.since += 1;
                        visit(head, offset, &bytes)?;
                    }
                }
            }
        }
        offset += length;
    }
    scan.torn = offset - scan.end;
    Ok(scan)
}

/// The error of a shard that belongs to another plan.
pub fn foreign(path: &Path, problem: u64) -> Error {
    input_error!("{}: problem {problem} is not in the plan; the folder holds shards of another plan", path.display())
}

/// A claimed shard.
pub struct Shard {
    file: File,
    path: PathBuf,
    waiting: Vec<u8>,
}

impl Shard {
    /// Claims a shard of a folder and cuts off a torn last line.
    ///
    /// # Errors
    /// [`Error::Input`] if another process works on it; [`Error::Internal`] if it cannot be written.
    pub fn claim(dir: &Path, part: Part) -> Result<Self> {
        let path = dir.join(part.name());
        let fail = |e| failed(&path, e);
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(fail)?;
        lock(&file, &path)?;
        let scan = scan(&path, |_, _, _| Ok(()))?;
        if scan.torn > 0 {
            file.set_len(scan.end).map_err(fail)?;
        }
        let mut shard = Self { file, path, waiting: Vec::new() };
        shard.append(&session().line());
        shard.flush()?;
        Ok(shard)
    }

    /// Takes a line, newline included, to be written with the next flush.
    pub fn append(&mut self, line: &str) {
        self.waiting.extend_from_slice(line.as_bytes());
    }

    /// Writes what waits, down to the disk.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written; what was written before is intact.
    pub fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&self.waiting).and_then(|()| self.file.sync_data());
        self.waiting.clear();
        written.map_err(|e| failed(&self.path, e))
    }
}

/// Tries of a lock: `farfield sweep --status` holds one for a moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

fn lock(file: &File, path: &Path) -> Result<()> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(e)) => {
                return Err(Error::Internal(format!(
                    "cannot lock {}: {e}; its file system has no locks",
                    path.display()
                )));
            }
        }
    }
    let owner = scan(path, |_, _, _| Ok(()))?.session;
    let owner = owner.map_or("another process".into(), |s| format!("process {} on {}", s.pid, s.host));
    Err(input_error!("{} is being written by {owner}; wait for it, or take another shard", path.display()))
}

/// Whether a process works on a shard.
pub fn running(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn session() -> Session {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_string());
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Session {
        host: host.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "unknown".into()),
        pid: std::process::id(),
        started: since.as_secs(),
        version: env!("CARGO_PKG_VERSION").into(),
        commit: env!("FARFIELD_COMMIT").into(),
    }
}

/// Reads lines again by their place.
pub struct Reader(Vec<(PathBuf, File)>);

impl Reader {
    /// Opens the shards.
    ///
    /// # Errors
    /// [`Error::Internal`] for one that cannot be read.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let open = |path: &PathBuf| {
            let file = File::open(path).map_err(|e| Error::Internal(format!("cannot read {}: {e}", path.display())))?;
            Ok((path.clone(), file))
        };
        paths.iter().map(open).collect::<Result<_>>().map(Self)
    }

    /// `length` bytes at `offset` of a shard.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be read.
    pub fn line(&mut self, shard: usize, offset: u64, length: usize) -> Result<Vec<u8>> {
        let (path, file) = &mut self.0[shard];
        let mut bytes = vec![0; length];
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
        read.map(|()| bytes).map_err(|e| Error::Internal(format!("cannot read {}: {e}", path.display())))
    }
}
