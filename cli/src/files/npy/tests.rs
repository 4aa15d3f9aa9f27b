//! Files of every type, and what is wrong with them.

use super::super::labels;
use super::*;
use crate::files::csv::Header as Lines;
use proptest::prelude::*;
use std::path::PathBuf;

/// A file in the temporary folder that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("farfield-{}-{name}.npy", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let dict = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let padded = format!("{dict:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded.len() as u16).to_le_bytes());
    bytes.extend(padded.as_bytes());
    bytes.extend(data);
    bytes
}

/// The labels ±1 of n samples.
fn signs(path: &Path, n: usize) -> Result<Vec<f64>> {
    labels::read(path, "data.labels", n, "", Lines::Auto).map(|(labels, _)| labels.y)
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn every_type_and_order() {
    let f8: Vec<u8> = [1.5f64, -2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let f4: Vec<u8> = [1.5f32, -2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let i2: Vec<u8> = [1i16, -2, 3, 4, 5, 6].iter().flat_map(|v| v.to_le_bytes()).collect();
    let f2: Vec<u8> =
        [0x3e00u16, 0xc000, 0x4200, 0x4400, 0x4500, 0x4600].iter().flat_map(|v| v.to_le_bytes()).collect();
    let expected = [1.5, -2.0, 3.0, 4.0, 5.0, 6.0];
    for (name, descr, data) in [("f8", "<f8", &f8), ("f4", ">f4", &f4), ("f2", "<f2", &f2)] {
        let t = Temporary::new(name, &file(descr, "False", "(2, 3)", data));
        assert_eq!(matrix(&t.0).unwrap(), Matrix::new(2, 3, expected.to_vec()));
        let t = Temporary::new(name, &file(descr, "True", "(3, 2)", data));
        assert_eq!(matrix(&t.0).unwrap(), Matrix::new(3, 2, vec![1.5, 4.0, -2.0, 5.0, 3.0, 6.0]));
    }
    let t = Temporary::new("i2", &file("<i2", "False", "(6,)", &i2));
    assert_eq!(vector(&t.0).unwrap(), [1.0, -2.0, 3.0, 4.0, 5.0, 6.0]);
    let t = Temporary::new("u1", &file("|u1", "False", "(3, 1)", &[0, 1, 255]));
    assert_eq!(vector(&t.0).unwrap(), [0.0, 1.0, 255.0]);
    let t = Temporary::new("b1", &file("|b1", "False", "(2,)", &[0, 1]));
    assert_eq!(signs(&t.0, 2).unwrap(), [-1.0, 1.0]);
}

#[test]
fn written_files_are_read_back() {
    let t = Temporary::new("back", b"");
    let m = Matrix::new(2, 3, vec![1.0, f64::MIN_POSITIVE, -0.1, 1e300, 0.0, 7.0]);
    write_matrix(&t.0, &m).unwrap();
    assert_eq!(matrix(&t.0).unwrap(), m);
    write_vector(&t.0, &[1.0, -1.0]).unwrap();
    assert_eq!(signs(&t.0, 2).unwrap(), [1.0, -1.0]);
    assert!(message(matrix(&t.0)).ends_with("expected an array of 2 dimensions (samples × features), found shape 2"));
    assert_eq!(write_vector(Path::new("/no/such/folder/v.npy"), &[]).unwrap_err().exit_code(), 1);
}

#[test]
fn what_is_wrong_is_named() {
    let number = |v: f64| v.to_le_bytes().to_vec();
    let of = |name, descr, shape, data: &[u8]| Temporary::new(name, &file(descr, "False", shape, data));
    assert!(message(matrix(Path::new("/no/such/x.npy"))).contains("/no/such/x.npy: cannot read"));
    let nan = [1.0, 2.0, 3.0, f64::NAN, 5.0, 6.0].map(number).concat();
    let t = of("nan", "<f8", "(2, 3)", &nan);
    assert!(message(matrix(&t.0)).ends_with("NaN at row 1, column 0; every number must be finite"));
    let t = of("short", "<f8", "(2, 3)", &nan[..47]);
    assert!(message(matrix(&t.0)).contains("truncated: shape 2×3 needs more than the 47 bytes present"));
    let t = of("huge", "<f8", "(4294967296, 4294967296)", &nan);
    assert!(message(matrix(&t.0)).contains("truncated"));
    let t = of("complex", "<c8", "(1, 1)", &nan);
    assert!(message(matrix(&t.0)).contains("elements of type \"<c8\""));
    let t = of("three", "<f8", "(3,)", &[-1.0, 0.0, 1.0].map(number).concat());
    assert!(message(signs(&t.0, 3)).contains("entry 2: label \"1\"; expected one of two classes (\"-1\", \"0\")"));
    assert!(message(signs(&t.0, 4)).contains("3 labels for 4 samples"));
    let t = Temporary::new("text", b"1,2,3\n");
    assert!(message(matrix(&t.0)).contains("not a .npy file"));
}

proptest! {
    #[test]
    fn no_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), keep in 0usize..128, version in 0u8..4) {
        let mut content = file("<f8", "False", "(2, 3)", &[0; 48]);
        content[6] = version;
        content.truncate(keep);
        content.extend(bytes);
        let t = Temporary::new("random", &content);
        matrix(&t.0).ok();
        vector(&t.0).ok();
        signs(&t.0, 6).ok();
    }

    #[test]
    fn no_header_panics(dict in "[{}()\\[\\]'a-z0-9:, _<]{0,117}") {
        let mut content = file("<f8", "False", "(2, 3)", &[0; 48]);
        content[10..127].copy_from_slice(format!("{dict:<117}").as_bytes());
        let t = Temporary::new("header", &content);
        matrix(&t.0).ok();
        signs(&t.0, 2).ok();
    }
}
