//! pattern.npy of a folder that a run left: the first two bytes are n and m.
#![no_main]

use farfield_cli::files::{open, pattern};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let [n, m, bytes @ ..] = bytes else { return };
    let (n, m) = (usize::from(*n), usize::from(*m));
    let file = open::stream(bytes, Path::new("pattern.npy"), Some(bytes.len() as u64)).expect("a slice can be read");
    match pattern::parse(file, n, m) {
        Ok(pattern) => assert_eq!((pattern.samples(), pattern.neurons()), (n, m)),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
