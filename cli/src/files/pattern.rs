//! pattern.npy: the bits `z_ij > 0` (n×m) as numbers 0 and 1.

use super::npy;
use super::open::{self, Opened};
use crate::error::{Result, input_error};
use farfield::Pattern;
use std::path::Path;

/// The pattern in a .npy file as a run leaves it: n×m numbers 0 or 1.
///
/// # Errors
/// [`crate::error::Error::Input`]: no such file, another shape, another number.
pub fn read(path: &Path, n: usize, m: usize) -> Result<Pattern> {
    parse(open::open(path)?, n, m)
}

/// As [`read`], from a stream.
///
/// # Errors
/// As [`read`].
pub fn parse(file: Opened, n: usize, m: usize) -> Result<Pattern> {
    let path = file.path;
    let bits = npy::parse_matrix(file, &|_, _| Ok(()))?;
    if (bits.rows(), bits.cols()) != (n, m) {
        let (path, r, c) = (path.display(), bits.rows(), bits.cols());
        return Err(input_error!("{path}: a pattern of {r} x {c} bits; this problem has n x width = {n} x {m}"));
    }
    if let Some(at) = bits.values().iter().position(|v| *v != 0.0 && *v != 1.0) {
        let (path, v) = (path.display(), bits.values()[at]);
        return Err(input_error!("{path}: {v} at row {}, column {}; a pattern is 0 and 1", at / m, at % m));
    }
    Ok(Pattern::of(bits.values(), n, m))
}

/// Writes the pattern as an n×m .npy file of 0 and 1 (int8).
///
/// # Errors
/// [`crate::error::Error::Internal`] if it cannot be written.
pub fn write(path: &Path, pattern: &Pattern) -> Result<()> {
    npy::write_bits(path, pattern.samples(), pattern.neurons(), |i, j| pattern.get(i, j))
}
