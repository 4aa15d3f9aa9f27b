//! Chosen rows and columns: the first byte is how many there are.
#![no_main]

use farfield_cli::files::selection;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (count, text) = (usize::from(input.0), input.1);
    match selection::indices(text, count) {
        Ok(chosen) => {
            assert!(chosen.iter().all(|k| *k < count));
            let mut sorted = chosen.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), chosen.len());
        }
        Err(message) => assert_eq!(message.lines().count(), 1, "{message}"),
    }
});
