//! The file from which a run goes on: `checkpoint.bin`, and `checkpoint.previous`, the one before it.
//!
//! All integers little-endian, every text and the state after its length as u64:
//!
//! ```text
//! "farfield checkpoint\0"   version u32   blake3 of the configuration   digest of the data   t f64   rows u64
//! version of the program   configuration in TOML   first row in JSON, or nothing
//! tables u64, for each:    name   bytes u64   blake3 of as many bytes of the file
//! state (farfield::State)
//! blake3 of all before, 32 bytes
//! ```
//!
//! It is written under a temporary name, its bytes are on the disk before it gets its own, and so are those of the tables
//! that it counts on: at every moment one of the two files is whole. A file that is not, by its checksum, is passed over for
//! the one before it, with a line that says so.

mod keeper;
mod read;

use crate::error::{Error, Result, input_error};
use crate::folder::Folder;
use crate::json::to_json;
use crate::say;
use farfield::{Descent, Options, Problem, Row, Start, State};
pub use keeper::{Keeper, Shared, digest, last};
use read::Fault;
use std::io::{self, Write};
use std::path::Path;

/// The newest checkpoint, and the one before it.
pub const NAMES: [&str; 2] = ["checkpoint.bin", "checkpoint.previous"];

/// What a checkpoint begins with.
const MAGIC: &[u8; 20] = b"farfield checkpoint\0";

/// The version of the format.
const VERSION: u32 = 1;

/// A digest.
type Digest = [u8; 32];

/// How far a table had been written, and the digest of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// blake3 of them.
    pub digest: Digest,
}

/// What a checkpoint says of its run beside the state.
#[derive(Clone, Debug)]
pub struct About {
    /// The version of the program.
    pub program: String,
    /// The configuration in TOML.
    pub config: String,
    /// The digest of the data.
    pub data: Digest,
    /// Steps taken.
    pub t: f64,
    /// Rows shown.
    pub rows: u64,
    /// The first of them.
    pub first: Option<Row>,
    /// The tables with these rows.
    pub tables: Vec<Place>,
}

/// A checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Of what run.
    pub about: About,
    /// What it goes on from.
    pub state: State,
}

impl Checkpoint {
    /// Writes all but the checksum.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let about = &self.about;
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(blake3::hash(about.config.as_bytes()).as_bytes())?;
        out.write_all(&about.data)?;
        out.write_all(&about.t.to_bits().to_le_bytes())?;
        out.write_all(&about.rows.to_le_bytes())?;
        let first = about.first.as_ref().map(to_json).unwrap_or_default();
        [&about.program, &about.config, &first].into_iter().try_for_each(|text| block(out, text.as_bytes()))?;
        out.write_all(&(about.tables.len() as u64).to_le_bytes())?;
        for place in &about.tables {
            block(out, place.name.as_bytes())?;
            out.write_all(&place.bytes.to_le_bytes())?;
            out.write_all(&place.digest)?;
        }
        block(out, &self.state.to_bytes())
    }

    /// Puts it into a folder, in the place of the newest one, which becomes the one before it. `durable`: it is on the
    /// disk when this returns. The bytes written.
    ///
    /// # Errors
    /// [`crate::error::Error::Internal`] if it cannot be written; the newest one is then what it was.
    pub fn put(&self, folder: &Folder, durable: bool) -> Result<u64> {
        folder.rotate(NAMES, durable, |out| {
            let mut out = Hashing { out, hasher: blake3::Hasher::new(), bytes: 0 };
            self.write(&mut out)?;
            let checksum = out.hasher.finalize();
            out.write_all(checksum.as_bytes())?;
            Ok(out.bytes)
        })
    }
}

/// The newest whole checkpoint of a folder that this process holds; none if there is none at all. A damaged one is replaced
/// by the one before it, so that the next one does not put it in the place of that.
///
/// # Errors
/// [`crate::error::Error::Input`] if there are only damaged ones.
pub fn latest(folder: &Path) -> Result<Option<Checkpoint>> {
    let Some((checkpoint, damaged)) = newest(folder)? else { return Ok(None) };
    if damaged {
        let [newest, before] = NAMES.map(|name| folder.join(name));
        std::fs::rename(&before, &newest).map_err(|e| crate::folder::failed(&newest, e))?;
    }
    Ok(Some(checkpoint))
}

/// The newest whole checkpoint of a folder, in which nothing changes, and whether there is a newer one that is damaged; none
/// if there is none at all.
///
/// # Errors
/// As [`latest`].
pub fn newest(folder: &Path) -> Result<Option<(Checkpoint, bool)>> {
    let [newest, before] = NAMES.map(|name| folder.join(name));
    let fault = match read::file(&newest) {
        Ok(checkpoint) => return Ok(Some((checkpoint, false))),
        Err(fault) => fault,
    };
    match (read::file(&before), fault) {
        (Ok(checkpoint), Fault::Missing) => Ok(Some((checkpoint, false))),
        (Ok(checkpoint), fault) => {
            let t = checkpoint.about.t;
            say::line(&format!("{}: {fault}; going on from the one before it, t = {t}", newest.display()));
            Ok(Some((checkpoint, true)))
        }
        (Err(Fault::Missing), Fault::Missing) => Ok(None),
        (Err(_), Fault::Missing) => Err(unusable(&before, &Fault::Damaged("no whole checkpoint"))),
        (Err(_), fault) => Err(unusable(&newest, &fault)),
    }
}

/// The checkpoint before the newest one, in a folder in which nothing changes; none where it is not there or not whole.
pub fn before(folder: &Path) -> Option<Checkpoint> {
    read::file(&folder.join(NAMES[1])).ok()
}

/// The run that goes on.
///
/// # Errors
/// [`Error::Input`] for other data, or a state that is not one of this problem.
pub fn descent(problem: &Problem, start: &Start, options: &Options, about: &About, state: &State) -> Result<Descent> {
    if digest(&problem.data) != about.data {
        return Err(input_error!(
            "the data differ from those of the checkpoint (data_digest); resume with the files as they were"
        ));
    }
    Descent::resume(problem, start, options, state).map_err(|error| match error {
        farfield::Error::State(why) => Error::Input(format!("the checkpoint: {why}")),
        other => other.into(),
    })
}

fn unusable(path: &Path, fault: &Fault) -> Error {
    input_error!("{}: {fault}, and there is no whole one before it; start again with --overwrite", path.display())
}

/// Some bytes after their number.
fn block(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    out.write_all(bytes)
}

/// A writer that hashes and counts what goes through it.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
