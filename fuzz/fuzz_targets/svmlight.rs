//! Sparse files. Those with a number of five digits or more are passed over: an index is the width of the
//! dense result, which would be all memory and no parsing.
#![no_main]

use farfield::data::svmlight;
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    if bytes.windows(5).any(|w| w.iter().all(u8::is_ascii_digit)) {
        return;
    }
    match svmlight::parse(bytes, Path::new("samples.svm")) {
        Ok(sparse) => {
            assert_eq!(sparse.y.len(), sparse.x.rows());
            assert!(sparse.y.iter().all(|y| y.abs() == 1.0));
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
