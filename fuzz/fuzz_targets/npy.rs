//! Arrays: as samples, and as labels of as many samples as the first byte says.
#![no_main]

use farfield_cli::files::csv::Header;
use farfield_cli::files::{labels, npy, open};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Some((n, bytes)) = bytes.split_first() else { return };
    let file = || open::stream(bytes, Path::new("array.npy"), Some(bytes.len() as u64)).expect("a slice can be read");
    match npy::parse_matrix(file(), &|_, _| Ok(())) {
        Ok(x) => assert!(x.values().len() == x.rows() * x.cols() && x.values().iter().all(|v| v.is_finite())),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
    match labels::parse(file(), usize::from(*n), "", Header::Auto) {
        Ok((labels, _)) => assert_eq!(labels.y.len(), usize::from(*n)),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
