//! NumPy's `.npy` files: matrices, labels and vectors of any float or integer type and order.
//!
//! A header (version, dtype, order, shape) is followed by the numbers. The file is read once, a
//! block at a time, and every number must be finite.

use crate::error::{Error, Result, input_error};
use farfield::matrix::Matrix;
use ndarray_npy::npy::header::{Header, Layout};
use ndarray_npy::{WritableElement, WriteNpyExt};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

/// Longest header accepted: that of a plain array has 118 bytes.
const HEADER: u64 = 1024;

/// Numbers per block: 64 K numbers of 8 bytes.
const BLOCK: usize = 1 << 16;

/// Reads a two-dimensional array.
///
/// # Errors
/// One line that names the file if it is missing, truncated, of another type or dimension, or holds
/// a number that is not finite.
pub fn matrix(path: &Path) -> Result<Matrix> {
    let mut file = Open::new(path)?;
    let [rows, cols] = file.shape[..] else {
        return Err(input_error!(
            "{}: expected an array of 2 dimensions (samples × features), found {}",
            path.display(),
            file.describe()
        ));
    };
    let mut values = file.buffer()?;
    if file.fortran {
        values.resize(rows * cols, 0.0);
        file.read(|at, v| values[at % rows * cols + at / rows] = v)?;
    } else {
        file.read(|_, v| values.push(v))?;
    }
    Ok(Matrix::new(rows, cols, values))
}

/// Reads an array of one dimension, or of two of which one is 1.
///
/// # Errors
/// As [`matrix`].
pub fn vector(path: &Path) -> Result<Vec<f64>> {
    let mut file = Open::new(path)?;
    if !matches!(file.shape[..], [_] | [_, 1] | [1, _]) {
        return Err(input_error!("{}: expected an array of 1 dimension, found {}", path.display(), file.describe()));
    }
    let mut values = file.buffer()?;
    file.read(|_, v| values.push(v))?;
    Ok(values)
}

/// Reads the labels of n samples, ±1 or 0/1, as ±1.
///
/// # Errors
/// As [`matrix`]; another number of labels, or a value of neither class.
pub fn labels(path: &Path, n: usize) -> Result<Vec<f64>> {
    let values = vector(path)?;
    if values.len() != n {
        return Err(input_error!("{}: {} labels for {n} samples", path.display(), values.len()));
    }
    signs(&values).map_err(|problem| input_error!("{}: {problem}", path.display()))
}

/// Labels ±1 or 0/1 as ±1; otherwise what is wrong, in words.
pub(crate) fn signs(values: &[f64]) -> std::result::Result<Vec<f64>, String> {
    let (zero, minus) = (values.contains(&0.0), values.contains(&-1.0));
    if let Some(i) = values.iter().position(|v| ![-1.0, 0.0, 1.0].contains(v)) {
        return Err(format!("label {} is {}; labels are -1 and 1, or 0 and 1", i, values[i]));
    }
    if zero && minus {
        return Err("labels -1, 0 and 1 are three classes; this network has two".into());
    }
    Ok(values.iter().map(|v| if *v > 0.0 { 1.0 } else { -1.0 }).collect())
}

/// Writes a matrix as f64, C order.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_matrix(path: &Path, m: &Matrix) -> Result<()> {
    let view = ndarray::ArrayView2::from_shape((m.rows(), m.cols()), m.values()).expect("rows·cols values");
    write(path, &view)
}

/// Writes a vector as f64.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_vector(path: &Path, v: &[f64]) -> Result<()> {
    write(path, &ndarray::ArrayView1::from(v))
}

/// Writes an r×c matrix of bits as int8, 0 or 1, C order.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be written.
pub fn write_bits(path: &Path, rows: usize, cols: usize, bit: impl Fn(usize, usize) -> bool) -> Result<()> {
    let bits = ndarray::Array2::from_shape_fn((rows, cols), |(i, j)| i8::from(bit(i, j)));
    write(path, &bits.view())
}

fn write<A: WritableElement, D: ndarray::Dimension>(path: &Path, view: &ndarray::ArrayView<A, D>) -> Result<()> {
    let failed = |e: &dyn std::fmt::Display| Error::Internal(format!("{}: cannot write: {e}", path.display()));
    let mut file = BufWriter::new(File::create(path).map_err(|e| failed(&e))?);
    view.write_npy(&mut file).map_err(|e| failed(&e))?;
    file.flush().map_err(|e| failed(&e))
}

/// A file whose header has been read and checked against its length.
struct Open<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    shape: Vec<usize>,
    fortran: bool,
    element: Element,
}

impl<'a> Open<'a> {
    fn new(path: &'a Path) -> Result<Self> {
        let failed = |e: std::io::Error| input_error!("{}: cannot read: {e}", path.display());
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let mut reader = BufReader::new(file);
        let header = header(&mut reader).map_err(|e| input_error!("{}: not a .npy file: {e}", path.display()))?;
        let dtype = header.type_descriptor.to_string();
        let dtype = dtype.trim_matches('\'');
        let element = Element::named(dtype).ok_or_else(|| {
            input_error!("{}: numbers of type {dtype}; expected a float or integer type", path.display())
        })?;
        let count = header.shape.iter().try_fold(1usize, |c, s| c.checked_mul(*s));
        let needed = count.and_then(|c| c.checked_mul(element.size)).and_then(|b| u64::try_from(b).ok());
        let present = bytes - reader.stream_position().map_err(failed)?.min(bytes);
        let open = Self { path, reader, shape: header.shape, fortran: header.layout == Layout::Fortran, element };
        if needed.is_none_or(|needed| needed > present) {
            return Err(input_error!(
                "{}: truncated: {} needs more than the {present} bytes present",
                path.display(),
                open.describe()
            ));
        }
        Ok(open)
    }

    fn describe(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        if sizes.is_empty() { "a single number".into() } else { format!("shape {}", sizes.join("×")) }
    }

    /// Room for every number.
    fn buffer(&self) -> Result<Vec<f64>> {
        let (count, mut values) = (self.shape.iter().product::<usize>(), Vec::new());
        values.try_reserve_exact(count).map_err(|_| {
            input_error!(
                "{}: {} needs {:.1} GiB of memory",
                self.path.display(),
                self.describe(),
                count as f64 * 8.0 / 2f64.powi(30)
            )
        })?;
        Ok(values)
    }

    /// Gives every number, with its position in the file, to `take`.
    fn read(&mut self, mut take: impl FnMut(usize, f64)) -> Result<()> {
        let (count, size) = (self.shape.iter().product::<usize>(), self.element.size);
        let mut block = vec![0; BLOCK.min(count) * size];
        let mut at = 0;
        while at < count {
            let bytes = &mut block[..BLOCK.min(count - at) * size];
            self.reader.read_exact(bytes).map_err(|e| input_error!("{}: cannot read: {e}", self.path.display()))?;
            for number in bytes.chunks_exact(size) {
                let v = self.element.value(number);
                if !v.is_finite() {
                    return Err(input_error!(
                        "{}: {v} at {}; every number must be finite",
                        self.path.display(),
                        self.position(at)
                    ));
                }
                take(at, v);
                at += 1;
            }
        }
        Ok(())
    }

    fn position(&self, at: usize) -> String {
        match (&self.shape[..], self.fortran) {
            ([_, cols], false) => format!("row {}, column {}", at / cols, at % cols),
            ([rows, _], true) => format!("row {}, column {}", at % rows, at / rows),
            _ => format!("entry {at}"),
        }
    }
}

/// Reads the header. Its length and nesting are bounded first, so that no file can exhaust memory or
/// the stack of the parser.
fn header(reader: &mut BufReader<File>) -> std::result::Result<Header, String> {
    let mut start = Vec::new();
    reader.by_ref().take(HEADER).read_to_end(&mut start).map_err(|e| e.to_string())?;
    reader.rewind().map_err(|e| e.to_string())?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err("it does not begin with the magic bytes".into());
    }
    let length = match start.get(6..12) {
        Some([1, _, a, b, ..]) => u64::from(u16::from_le_bytes([*a, *b])) + 10,
        Some([2 | 3, _, a, b, c, d]) => u64::from(u32::from_le_bytes([*a, *b, *c, *d])) + 12,
        Some(_) => return Err("unknown version".into()),
        None => return Err("truncated header".into()),
    };
    if length > HEADER {
        return Err(format!("a header of {length} bytes; that of a plain array has 128"));
    }
    let end = start.len().min(length as usize);
    if start[..end].iter().filter(|b| b"([{".contains(b)).count() > 8 {
        return Err("a structured type; expected plain numbers".into());
    }
    Header::from_reader(reader).map_err(|e| e.to_string())
}

/// The type of the numbers in a file.
#[derive(Clone, Copy)]
struct Element {
    kind: u8, // f, i, u or b, as in NumPy
    size: usize,
    big_endian: bool,
}

impl Element {
    /// From NumPy's name: `<f8`, `>i4`, `|u1`, …
    fn named(name: &str) -> Option<Self> {
        let &[order, kind, size] = name.as_bytes() else { return None };
        let size = usize::from(size.checked_sub(b'0')?);
        let sizes: &[usize] = match kind {
            b'f' => &[2, 4, 8],
            b'i' | b'u' => &[1, 2, 4, 8],
            b'b' => &[1],
            _ => return None,
        };
        let known = sizes.contains(&size) && b"<>|=".contains(&order);
        known.then_some(Self { kind, size, big_endian: order == b'>' })
    }

    fn value(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        for (k, b) in bytes.iter().enumerate() {
            word[if self.big_endian { self.size - 1 - k } else { k }] = *b;
        }
        let bits = u64::from_le_bytes(word);
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            (b'f', 8) => f64::from_bits(bits),
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => half(bits as u16),
            (b'i', _) => ((bits << unused) as i64 >> unused) as f64,
            _ => bits as f64,
        }
    }
}

/// The value of an IEEE half: sign, 5 bits of exponent with bias 15, 10 bits of fraction.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let size = match bits >> 10 & 0x1f {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(i32::from(e) - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(labels(&t.0, 2).unwrap(), [-1.0, 1.0]);
    }

    #[test]
    fn written_files_are_read_back() {
        let t = Temporary::new("back", b"");
        let m = Matrix::new(2, 3, vec![1.0, f64::MIN_POSITIVE, -0.1, 1e300, 0.0, 7.0]);
        write_matrix(&t.0, &m).unwrap();
        assert_eq!(matrix(&t.0).unwrap(), m);
        write_vector(&t.0, &[1.0, -1.0]).unwrap();
        assert_eq!(labels(&t.0, 2).unwrap(), [1.0, -1.0]);
        assert!(
            message(matrix(&t.0)).ends_with("expected an array of 2 dimensions (samples × features), found shape 2")
        );
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
        assert!(message(matrix(&t.0)).contains("numbers of type <c8"));
        let t = of("three", "<f8", "(3,)", &[-1.0, 0.0, 1.0].map(number).concat());
        assert!(message(labels(&t.0, 3)).contains("three classes"));
        assert!(message(labels(&t.0, 4)).contains("3 labels for 4 samples"));
        let t = of("other", "<f8", "(2,)", &[1.0, 2.0].map(number).concat());
        assert!(message(labels(&t.0, 2)).contains("label 1 is 2"));
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
        }

        #[test]
        fn no_header_panics(dict in "[{}()\\[\\]'a-z0-9:, _<]{0,117}") {
            let mut content = file("<f8", "False", "(2, 3)", &[0; 48]);
            content[10..127].copy_from_slice(format!("{dict:<117}").as_bytes());
            let t = Temporary::new("header", &content);
            matrix(&t.0).ok();
        }
    }
}
