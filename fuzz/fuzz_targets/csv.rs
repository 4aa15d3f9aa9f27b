//! Tables: the first byte chooses what is asked of the label column, the rest is the file.
#![no_main]

use farfield::data::csv;
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let label = [None, Some("0"), Some("-1"), Some("a")][usize::from(choice % 4)];
    match csv::parse(bytes, Path::new("table.csv"), label) {
        Ok(table) => {
            assert_eq!(table.y.as_ref().map(Vec::len), label.map(|_| table.x.rows()));
            assert!(table.x.values().iter().all(|v| v.is_finite()));
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
