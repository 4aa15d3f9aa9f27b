//! Lines of a shard: JSON, each with its own checksum.
//!
//! ```text
//! {"problem":17,"status":"solved","seed":…,"seconds":…,"result":{…},"blake3":"16 digits"}
//! {"session":{"host":…,"pid":…,"started":…,…},"blake3":"16 digits"}
//! ```
//!
//! The checksum is that of everything before its own comma. A line begins with its problem and status, so that a
//! scan needs no parser once the checksum is known to hold.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The status of a problem that ended in an error.
pub const FAILED: &str = "failed";

/// What came of a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Number of the problem.
    pub problem: u64,
    /// As result.json has it; `checked` for conditions; [`FAILED`].
    pub status: String,
    /// Seed of its random numbers.
    pub seed: u64,
    /// Wall-clock seconds that it took; in no table.
    pub seconds: f64,
    /// Its scalars, by dotted name.
    pub result: Map<String, Value>,
}

/// A process that works on a shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Name of its machine.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// Version of this program.
    pub version: String,
    /// The commit that it was built from.
    pub commit: String,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    session: Session,
}

/// The beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the problem.
    pub problem: u64,
    /// Whether it ended in an error.
    pub failed: bool,
}

/// A valid line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// What came of a problem.
    Problem(Head),
    /// A process that begins.
    Session,
}

/// Between a line's facts and its checksum.
const SEAL: &str = ",\"blake3\":\"";
const DIGITS: usize = 16;

fn sealed(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("plain structures serialize");
    text.pop();
    let sum = checksum(text.as_bytes());
    format!("{text}{SEAL}{sum}\"}}\n")
}

fn checksum(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..DIGITS].to_string()
}

impl Record {
    /// The line, newline included.
    pub fn line(&self) -> String {
        sealed(self)
    }

    /// A record from a line that [`read`] found valid.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Session {
    /// The line, newline included.
    pub fn line(&self) -> String {
        sealed(&Claim { session: self.clone() })
    }

    /// A session from a line that [`read`] found valid.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Claim>(line).ok().map(|c| c.session)
    }
}

/// Reads a line, newline included; none for one that is torn or damaged.
pub fn read(line: &[u8]) -> Option<Line> {
    let body = line.strip_suffix(b"\"}\n")?;
    let (rest, sum) = body.split_at_checked(body.len().checked_sub(DIGITS)?)?;
    let facts = rest.strip_suffix(SEAL.as_bytes())?;
    if checksum(facts).as_bytes() != sum {
        return None;
    }
    if facts.starts_with(b"{\"session\":") {
        return Some(Line::Session);
    }
    let text = std::str::from_utf8(facts).ok()?.strip_prefix("{\"problem\":")?;
    let (problem, after) = text.split_once(",\"status\":\"")?;
    let status = after.split('"').next()?;
    Some(Line::Problem(Head { problem: problem.parse().ok()?, failed: status == FAILED }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let result = Map::from_iter([("max_margin".to_string(), Value::from(0.1)), ("x".into(), Value::from("inf"))]);
        Record { problem: 17, status: "solved".into(), seed: 1 << 62, seconds: 0.5, result }
    }

    #[test]
    fn there_and_back() {
        let line = record().line();
        assert_eq!(read(line.as_bytes()), Some(Line::Problem(Head { problem: 17, failed: false })));
        assert_eq!(Record::parse(line.as_bytes()).unwrap(), record());
        let session = Session { host: "h".into(), pid: 3, started: 1, version: "0".into(), commit: "c".into() };
        assert_eq!(read(session.line().as_bytes()), Some(Line::Session));
        assert_eq!(Session::parse(session.line().as_bytes()).unwrap(), session);
    }

    /// Every truncation and every changed byte is noticed.
    #[test]
    fn damage_is_noticed() {
        let line = record().line().into_bytes();
        assert!((0..line.len()).all(|n| read(&line[..n]).is_none()));
        for k in 0..line.len() {
            let mut changed = line.clone();
            changed[k] ^= 1;
            assert_eq!(read(&changed), None, "byte {k}");
        }
    }
}
