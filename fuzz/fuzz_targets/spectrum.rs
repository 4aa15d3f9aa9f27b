//! The eigenvalues that `data.spectrum` names: the first byte is d. Files are passed over.
#![no_main]

use farfield_cli::setup;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (d, text) = (usize::from(input.0), input.1);
    if text.ends_with(".npy") {
        return;
    }
    match setup::spectrum(text, d) {
        Ok(values) => assert!(values.len() == d && values.iter().all(|v| *v > 0.0 && v.is_finite())),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
