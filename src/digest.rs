//! blake3 of numbers.

/// blake3 of the little-endian bits of some numbers, as hexadecimal digits.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a [f64]>) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        for block in part.chunks(4096) {
            let bytes: Vec<u8> = block.iter().flat_map(|v| v.to_bits().to_le_bytes()).collect();
            hash.update(&bytes);
        }
    }
    hash.finalize().to_hex().to_string()
}
