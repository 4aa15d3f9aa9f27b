//! Tables: the first byte chooses what is asked of the label column and the header, the rest is the file.
#![no_main]

use farfield_cli::files::csv::{self, Header};
use farfield_cli::files::{Reading, open};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let label = [None, Some("0"), Some("-1"), Some("a")][usize::from(choice % 4)];
    let header = [Header::Auto, Header::True, Header::False][usize::from(choice / 4 % 3)];
    let file = open::stream(bytes, Path::new("table.csv"), Some(bytes.len() as u64));
    match file.and_then(|file| csv::parse(file, &Reading { label, header, ..Reading::default() })) {
        Ok(table) => {
            assert_eq!(table.labels.map(|l| l.y.len()), label.map(|_| table.x.rows()));
            assert!(table.x.values().iter().all(|v| v.is_finite()));
            assert!(table.names.is_none_or(|names| names.len() == table.x.cols()));
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
