//! Digests of numbers: blake3 of their little-endian bits.

/// Numbers that are turned into bytes at once, where memory holds the bytes of each the other way round.
const BLOCK: usize = 2048;

/// Numbers, 2 MiB, that all threads have digested before one has.
const MANY: usize = 1 << 18;

/// A digest, 256 bits.
pub type Digest = [u8; 32];

/// Numbers on their way into a digest.
#[derive(Clone, Debug, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Takes in some numbers.
    pub fn numbers(&mut self, numbers: &[f64]) -> &mut Self {
        if cfg!(target_endian = "little") {
            let bytes = pulp::bytemuck::cast_slice(numbers);
            match numbers.len() < MANY {
                true => self.0.update(bytes),
                false => self.0.update_rayon(bytes),
            };
            return self;
        }
        for block in numbers.chunks(BLOCK) {
            let mut bytes = [0; 8 * BLOCK];
            for (bytes, v) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(block) {
                *bytes = v.to_bits().to_le_bytes();
            }
            self.0.update(&bytes[..8 * block.len()]);
        }
        self
    }

    /// Takes in a name or other bytes, with their length, so that neighbours cannot be mistaken for each other.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        self
    }

    /// The digest of all that was taken in.
    pub fn finish(&self) -> Digest {
        self.0.finalize().into()
    }
}

/// The digest of some numbers, as hex.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a [f64]>) -> String {
    let mut hasher = Hasher::default();
    for part in parts {
        hasher.numbers(part);
    }
    hex(&hasher.finish())
}

/// A digest as hex.
pub fn hex(digest: &Digest) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}
