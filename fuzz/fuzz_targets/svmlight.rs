//! Sparse files: the first byte chooses base and width. An index is the width of the dense result, so that the room
//! for it is what a small memory has.
#![no_main]

use farfield_cli::error::Error;
use farfield_cli::files::svmlight::{self, IndexBase};
use farfield_cli::files::{Reading, open};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let index_base = [IndexBase::Auto, IndexBase::Zero, IndexBase::One][usize::from(choice % 3)];
    let features = u64::from(choice / 4 % 4) * 3;
    let room = |n: usize, d: usize| {
        let fits = n.checked_mul(d).is_some_and(|count| count <= 1 << 16);
        if fits { Ok(()) } else { Err(Error::Input("too large".into())) }
    };
    let how = Reading { index_base, features, room: &room, ..Reading::default() };
    let file = open::stream(bytes, Path::new("samples.svm"), None);
    match file.and_then(|file| svmlight::parse(file, &how)) {
        Ok(sparse) => {
            assert_eq!(sparse.labels.y.len(), sparse.x.rows());
            assert!(sparse.labels.y.iter().all(|y| y.abs() == 1.0));
            assert!(features == 0 || sparse.x.cols() as u64 == features);
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
