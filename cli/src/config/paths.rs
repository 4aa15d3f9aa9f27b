//! Paths in a text: TOML is UTF-8, names of files need not be.
//!
//! A byte b of 0x80 or more that is no part of UTF-8 is written as the character U+EF00 + b of the private use area,
//! as the MirBSD libraries do; a name that holds such a character itself has its bytes written so.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

const FIRST: u32 = 0xef80;
const LAST: u32 = 0xefff;

fn escaped(c: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(c))
}

/// A path, or a setting that ends in one, as text.
pub fn encode(path: &OsStr) -> String {
    let bytes = path.as_encoded_bytes();
    let mut text = String::with_capacity(bytes.len());
    let escape = |b: &u8| char::from_u32(FIRST - 0x80 + u32::from(*b)).expect("of the private use area");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match escaped(c) {
                true => text.extend(c.encode_utf8(&mut [0; 4]).as_bytes().iter().map(escape)),
                false => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().map(escape));
    }
    text
}

/// The path that a text stands for.
pub fn decode(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match escaped(c) {
            true => bytes.push((u32::from(c) - (FIRST - 0x80)) as u8),
            false => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    PathBuf::from(of_bytes(bytes))
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStrExt;

    proptest! {
        #[test]
        fn there_and_back(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "[a-zé\u{ef80}-\u{efff}/]{0,9}") {
            for name in [&bytes[..], text.as_bytes()] {
                let again = decode(&encode(OsStr::from_bytes(name)));
                prop_assert_eq!(again.as_os_str().as_bytes(), name);
            }
        }
    }

    #[test]
    fn plain_names_stay() {
        assert_eq!(encode(OsStr::new("data/größe.csv")), "data/größe.csv");
        assert_eq!(encode(OsStr::from_bytes(b"a\xff")), "a\u{efff}");
    }
}
