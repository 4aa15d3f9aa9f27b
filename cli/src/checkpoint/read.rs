//! Reading a checkpoint. Nothing in it is trusted: a length must fit what is there, and the state checks itself.

use super::{About, Checkpoint, Digest, MAGIC, Place, VERSION};
use farfield::{Row, State, StateError};
use std::fmt;
use std::path::Path;

/// Why a file is no checkpoint to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such file.
    Missing,
    /// It cannot be read.
    Unreadable(String),
    /// Its bytes are not those of a checkpoint, or no longer.
    Damaged(&'static str),
    /// It is in a format that this version does not know, or its state is: the one found, and the one known.
    Version(u32, u32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Unreadable(why) => write!(f, "cannot be read ({why})"),
            Self::Damaged(why) => write!(f, "damaged ({why})"),
            Self::Version(found, known) => write!(f, "in format {found}, and this program knows {known}"),
        }
    }
}

type Result<T> = std::result::Result<T, Fault>;

/// The checkpoint in a file.
pub fn file(path: &Path) -> Result<Checkpoint> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Fault::Missing),
        Err(e) => Err(Fault::Unreadable(e.to_string())),
    }
}

/// The checkpoint that was written as these bytes.
pub fn parse(bytes: &[u8]) -> Result<Checkpoint> {
    let cut = Fault::Damaged("it is cut short");
    let Some((content, checksum)) = bytes.split_last_chunk::<32>() else { return Err(cut) };
    let Some(rest) = content.strip_prefix(MAGIC) else {
        return Err(Fault::Damaged("it does not begin like one"));
    };
    if blake3::hash(content) != blake3::Hash::from_bytes(*checksum) {
        return Err(Fault::Damaged("the checksum is wrong"));
    }
    let mut input = Input(rest);
    let version = u32::from_le_bytes(input.array()?);
    if version != VERSION {
        return Err(Fault::Version(version, VERSION));
    }
    let (config_digest, data): (Digest, Digest) = (input.array()?, input.array()?);
    let (t, rows) = (f64::from_bits(input.number()?), input.number()?);
    let (program, config, first) = (input.text()?, input.text()?, input.text()?);
    if blake3::hash(config.as_bytes()) != blake3::Hash::from_bytes(config_digest) {
        return Err(Fault::Damaged("its configuration is another one"));
    }
    let row = |first: &str| serde_json::from_str::<Row>(first).map_err(|_| Fault::Damaged("its first row is none"));
    let first = Some(first).filter(|first| !first.is_empty()).map(|first| row(&first)).transpose()?;
    let mut tables = Vec::new();
    for _ in 0..input.number()? {
        tables.push(Place { name: input.text()?, bytes: input.number()?, digest: input.array()? });
    }
    let state = State::from_bytes(input.block()?).map_err(|error| match error {
        StateError::Version { found } => Fault::Version(found, State::VERSION),
        _ => Fault::Damaged("its state is none"),
    })?;
    if !input.0.is_empty() {
        return Err(Fault::Damaged("something follows the state"));
    }
    Ok(Checkpoint { about: About { program, config, data, t, rows, first, tables }, state })
}

/// Bytes still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let cut = Fault::Damaged("it is cut short");
        let count = usize::try_from(count).map_err(|_| cut.clone())?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N as u64)?.try_into().map_err(|_| Fault::Damaged("it is cut short"))
    }

    fn number(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn block(&mut self) -> Result<&'a [u8]> {
        let count = self.number()?;
        self.take(count)
    }

    fn text(&mut self) -> Result<String> {
        String::from_utf8(self.block()?.to_vec()).map_err(|_| Fault::Damaged("a text is none"))
    }
}
