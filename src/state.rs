//! The state of an engine: vectors of f64 with names, from which it goes on in the same bits.
//!
//! Fields are of two [classes](Class): those on the *path* determine every later step, and the [digest](State::digest)
//! is that of their names and bits; those *beside* it are kept for what is told of the run: segments, wall-clock
//! times, options. Counts, flags and choices are numbers too, whole ones below 2⁵³.
//!
//! As bytes, all integers little-endian:
//!
//! ```text
//! "farfield state\0"   version u32   engine u8   problem 32 bytes   fields u64
//! for each field, in the order of names:   class u8   length of the name u32, name   numbers u64, their bits
//! blake3 of all before, 32 bytes
//! ```
//!
//! Bytes are read only if their checksum is right, and even then nothing in them is trusted: a length must fit what
//! is there, and an engine that is restored checks every field ([`Reader`]).

mod fields;

use crate::digest::{Digest, Hasher, hex};
use crate::error::Error;
use crate::kind::EngineKind;
pub use fields::{Reader, Saver};
use std::collections::BTreeMap;

/// What the bytes begin with.
const MAGIC: &[u8; 15] = b"farfield state\0";

/// Bytes of the checksum.
const CHECKSUM: usize = 32;

/// Why a state cannot be read, or not be gone on from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes are not those of a state, or no longer.
    #[error("not a state, or a damaged one: {0}")]
    Damaged(&'static str),
    /// The bytes are in a format that this version does not know.
    #[error("a state of version {found}; this is version {}", State::VERSION)]
    Version {
        /// The version found.
        found: u32,
    },
    /// It is the state of an engine of another kind.
    #[error("a state of the engine {found}")]
    Engine {
        /// The engine that saved it.
        found: EngineKind,
    },
    /// It is the state of a run on another problem.
    #[error("a state of another problem: data, network, step size or start differ")]
    Problem,
    /// An option differs from that of the run that was saved.
    #[error("a state under another option {0}")]
    Option(&'static str),
    /// A field is missing.
    #[error("the field {0} is missing")]
    Missing(String),
    /// A field has no meaning here.
    #[error("there is no field {0} in this state")]
    Unknown(String),
    /// A field has another length.
    #[error("the field {name} has {found} numbers, not {expected}")]
    Length {
        /// The field.
        name: String,
        /// The length that it has.
        found: usize,
        /// The length that it should have.
        expected: usize,
    },
    /// A field holds what it cannot hold.
    #[error("the field {name} holds {value}")]
    Value {
        /// The field.
        name: String,
        /// The number, as text.
        value: String,
    },
    /// Fields contradict each other.
    #[error("the field {0} contradicts the others")]
    Contradiction(&'static str),
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        Self::State(error.to_string())
    }
}

/// Results of reading a state.
pub type Result<T> = std::result::Result<T, StateError>;

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It determines later steps, and enters the digest.
    Path,
    /// It is told of the run.
    Beside,
}

#[derive(Clone, Debug)]
struct Field {
    class: Class,
    values: Vec<f64>,
}

/// The state of an engine at one t.
#[derive(Clone, Debug)]
pub struct State {
    engine: EngineKind,
    problem: Digest,
    fields: BTreeMap<String, Field>,
}

impl State {
    /// The version of the format and of the fields' meaning.
    pub const VERSION: u32 = 3;

    /// Without fields yet, for an engine on the problem of this digest.
    pub fn new(engine: EngineKind, problem: Digest) -> Self {
        Self { engine, problem, fields: BTreeMap::new() }
    }

    /// The engine at work when the state was saved.
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// The digest of the problem that the engine is on.
    pub fn problem(&self) -> &Digest {
        &self.problem
    }

    /// The fields in the order of their names.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Class, &[f64])> {
        self.fields.iter().map(|(name, field)| (name.as_str(), field.class, &field.values[..]))
    }

    /// The numbers of a field.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.fields.get(name).map(|field| &field.values[..])
    }

    /// Adds a field, or replaces it.
    pub fn insert(&mut self, name: impl Into<String>, class: Class, values: Vec<f64>) {
        self.fields.insert(name.into(), Field { class, values });
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &str) -> Option<Vec<f64>> {
        self.fields.remove(name).map(|field| field.values)
    }

    /// Whether an engine of one of these kinds saved it, on the problem of this digest.
    ///
    /// # Errors
    /// [`StateError::Engine`], [`StateError::Problem`].
    pub fn check(&self, engines: &[EngineKind], problem: &Digest) -> Result<()> {
        if !engines.contains(&self.engine) {
            return Err(StateError::Engine { found: self.engine });
        }
        if self.problem == *problem { Ok(()) } else { Err(StateError::Problem) }
    }

    /// To add fields to.
    pub fn saver(&mut self) -> Saver<'_> {
        Saver::new(self)
    }

    /// To read fields from.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }

    /// blake3 of the engine and of the names and bits of the fields on the path, as hex: equal for two runs if and
    /// only if they go on in the same bits.
    pub fn digest(&self) -> String {
        let mut hasher = Hasher::default();
        hasher.bytes(self.engine.name().as_bytes());
        for (name, field) in self.fields.iter().filter(|(_, field)| field.class == Class::Path) {
            hasher.bytes(name.as_bytes()).bytes(&(field.values.len() as u64).to_le_bytes()).numbers(&field.values);
        }
        hex(&hasher.finish())
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers: usize = self.fields.iter().map(|(name, field)| 13 + name.len() + 8 * field.values.len()).sum();
        let mut out = Vec::with_capacity(MAGIC.len() + 45 + numbers + CHECKSUM);
        out.extend(MAGIC);
        out.extend(Self::VERSION.to_le_bytes());
        out.push(code_of(self.engine));
        out.extend(self.problem);
        out.extend((self.fields.len() as u64).to_le_bytes());
        for (name, field) in &self.fields {
            out.push(u8::from(field.class == Class::Beside));
            out.extend((name.len() as u32).to_le_bytes());
            out.extend(name.as_bytes());
            out.extend((field.values.len() as u64).to_le_bytes());
            out.extend(field.values.iter().flat_map(|v| v.to_bits().to_le_bytes()));
        }
        let checksum: [u8; CHECKSUM] = blake3::hash(&out).into();
        out.extend(checksum);
        out
    }

    /// The state that [`State::to_bytes`] made these bytes of.
    ///
    /// # Errors
    /// [`StateError::Damaged`] if it made no such bytes; [`StateError::Version`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = StateError::Damaged;
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(damaged("it does not begin like one")) };
        let Some(content) = bytes.len().checked_sub(CHECKSUM).filter(|at| *at >= MAGIC.len()) else {
            return Err(damaged("it is cut short"));
        };
        if blake3::hash(&bytes[..content]) != blake3::Hash::from_bytes(array(&bytes[content..])?) {
            return Err(damaged("the checksum is wrong"));
        }
        let mut input = Input(&rest[..content - MAGIC.len()]);
        let version = u32::from_le_bytes(array(input.take(4)?)?);
        if version != Self::VERSION {
            return Err(StateError::Version { found: version });
        }
        let code = input.take(1)?[0];
        let engine = *EngineKind::ALL.get(usize::from(code)).ok_or(damaged("there is no such engine"))?;
        let mut state = Self::new(engine, array(input.take(32)?)?);
        for _ in 0..u64::from_le_bytes(array(input.take(8)?)?) {
            let (name, field) = input.field()?;
            if state.fields.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(damaged("fields are out of order"));
            }
            state.fields.insert(name, field);
        }
        if input.0.is_empty() { Ok(state) } else { Err(damaged("something follows the last field")) }
    }
}

/// The engine's place in [`EngineKind::ALL`].
fn code_of(engine: EngineKind) -> u8 {
    match engine {
        EngineKind::Direct => 0,
        EngineKind::Gram => 1,
        EngineKind::Warp => 2,
        EngineKind::Sliding => 3,
        EngineKind::Flow => 4,
    }
}

/// Bytes still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(StateError::Damaged("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(String, Field)> {
        let class = match self.take(1)?[0] {
            0 => Class::Path,
            1 => Class::Beside,
            _ => return Err(StateError::Damaged("there is no such class of fields")),
        };
        let length = u32::from_le_bytes(array(self.take(4)?)?) as usize;
        let name = std::str::from_utf8(self.take(length)?).map_err(|_| StateError::Damaged("a name is no text"))?;
        let count = u64::from_le_bytes(array(self.take(8)?)?);
        let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(8));
        let bytes = self.take(bytes.ok_or(StateError::Damaged("it is cut short"))?)?;
        let number = |bytes: &[u8]| Ok(f64::from_bits(u64::from_le_bytes(array(bytes)?)));
        let values = bytes.chunks_exact(8).map(number).collect::<Result<_>>()?;
        Ok((name.to_owned(), Field { class, values }))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| StateError::Damaged("it is cut short"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> State {
        let mut state = State::new(EngineKind::Warp, [7; 32]);
        state.insert("t", Class::Path, vec![12.0]);
        state.insert("weights", Class::Path, vec![0.1, -0.0, f64::NAN, f64::INFINITY, 5e-324]);
        state.insert("empty", Class::Path, vec![]);
        state.insert("seconds", Class::Beside, vec![0.25]);
        state
    }

    fn bits(state: &State) -> Vec<(String, Class, Vec<u64>)> {
        state.fields().map(|(n, c, v)| (n.to_owned(), c, v.iter().map(|v| v.to_bits()).collect())).collect()
    }

    #[test]
    fn bytes_keep_every_bit() {
        let (state, again) = (example(), State::from_bytes(&example().to_bytes()).expect("whole"));
        assert_eq!((again.engine(), again.problem()), (EngineKind::Warp, &[7; 32]));
        assert_eq!((bits(&again), again.digest()), (bits(&state), state.digest()));
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_an_error() {
        let bytes = example().to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(matches!(State::from_bytes(&other), Err(StateError::Damaged(_))), "byte {at}, bit {bit}");
            }
            assert!(matches!(State::from_bytes(&bytes[..at]), Err(StateError::Damaged(_))), "{at} bytes");
        }
        assert!(State::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    /// Lies with a checksum that is right: lengths, counts, classes, order.
    #[test]
    fn nothing_is_trusted() {
        let bytes = example().to_bytes();
        let content = &bytes[..bytes.len() - CHECKSUM];
        let sealed = |mut content: Vec<u8>| {
            let checksum: [u8; CHECKSUM] = blake3::hash(&content).into();
            content.extend(checksum);
            content
        };
        assert!(State::from_bytes(&sealed(content.to_vec())).is_ok());
        let mut refused = 0;
        for at in MAGIC.len()..content.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut other = content.to_vec();
                other[at] = value;
                refused += usize::from(State::from_bytes(&sealed(other)).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
        for at in 0..content.len() {
            assert!(State::from_bytes(&sealed(content[..at].to_vec())).is_err(), "{at} bytes");
        }
        let mut version = content.to_vec();
        version[MAGIC.len()] = State::VERSION as u8 + 1;
        assert_eq!(State::from_bytes(&sealed(version)).err(), Some(StateError::Version { found: State::VERSION + 1 }));
    }

    #[test]
    fn the_digest_sees_names_and_bits_of_the_path() {
        let change = |change: &dyn Fn(&mut State)| {
            let mut state = example();
            change(&mut state);
            state.digest() == example().digest()
        };
        assert!(change(&|s| s.insert("seconds", Class::Beside, vec![0.5])));
        assert!(!change(&|s| s.insert("t", Class::Path, vec![12.5])));
        assert!(!change(&|s| s.insert("weights", Class::Path, vec![0.1, 0.0, f64::NAN, f64::INFINITY, 5e-324])));
        assert!(!change(&|s| {
            let t = s.remove("t").expect("there");
            s.insert("s", Class::Path, t);
        }));
        assert!(!change(&|s| s.insert("none", Class::Path, vec![])));
    }
}
