//! Random numbers that depend only on (seed, purpose, row, column block).
//!
//! Each quadruple seeds its own xoshiro256++ generator with
//! `blake3("farfield random 1" ‖ seed ‖ purpose ‖ row ‖ block)`, numbers as 8 little-endian bytes.
//! No draw depends on the order of evaluation, on threads, or on how the data are sharded; a golden
//! test pins the streams.
//!
//! The distributions themselves (`crate::data::mixture`) are written out here and not taken from
//! `rand_distr`: its logarithms go through `num-traits`, which silently switches from libm to the
//! platform's C library as soon as any crate of the build asks `num-traits` for `std`, as faer does.

use farfield_kernels::normals::Normals;
use farfield_kernels::polar;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// Columns of one block: a row of X is drawn in blocks of this many numbers.
pub const BLOCK: usize = 4096;

/// What a stream of random numbers is for. The values are part of the format: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Class labels y_i; row = sample.
    Labels = 1,
    /// Flips of training labels; row = sample.
    LabelNoise = 2,
    /// Noise of the samples; row = sample, block = column block.
    Samples = 3,
    /// Initial weights; row = neuron, block = column block.
    Weights = 4,
    /// Fresh samples for test errors; row = batch.
    Test = 5,
    /// Samples in rotated coordinates; row = sample.
    Rotated = 6,
    /// Initial weights in rotated coordinates; row = neuron.
    RotatedWeights = 7,
    /// Which samples are held out; row = sample.
    HeldOut = 8,
    /// The directions of the means of a rotated mixture; row = mean, block = column block.
    Turn = 9,
    /// The cluster of a sample within its class, of an xor; row = sample.
    Cluster = 10,
}

/// How normal numbers are made of a generator: the version of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u64", try_from = "u64")]
pub enum Stream {
    /// 1: by the polar method, one after the other ([`polar`]).
    #[default]
    Polar,
    /// 2: in bulk ([`farfield_kernels::normals`]), with the generator's next four numbers as key: several times as fast.
    Bulk,
}

impl From<Stream> for u64 {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Polar => 1,
            Stream::Bulk => 2,
        }
    }
}

impl TryFrom<u64> for Stream {
    type Error = String;

    fn try_from(version: u64) -> Result<Self, String> {
        match version {
            1 => Ok(Stream::Polar),
            2 => Ok(Stream::Bulk),
            _ => Err(format!("{version}: expected 1 or 2")),
        }
    }
}

impl Stream {
    /// Fills `out` with standard normal numbers.
    pub fn normals(self, random: &mut Xoshiro256PlusPlus, out: &mut [f64]) {
        match self {
            Stream::Polar => polar::normals(|| random.next_u64(), out),
            Stream::Bulk => keyed(random).fill(out),
        }
    }
}

/// The stream in bulk whose key are the next four numbers.
pub(crate) fn keyed(random: &mut Xoshiro256PlusPlus) -> Normals {
    Normals::new(std::array::from_fn(|_| random.next_u64()))
}

/// The generator of (seed, purpose, row, block).
pub fn generator(seed: u64, purpose: Purpose, row: u64, block: u64) -> Xoshiro256PlusPlus {
    let mut hash = blake3::Hasher::new();
    hash.update(b"farfield random 1");
    for number in [seed, purpose as u64, row, block] {
        hash.update(&number.to_le_bytes());
    }
    Xoshiro256PlusPlus::from_seed(*hash.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn golden() {
        let mut g = generator(0, Purpose::Samples, 0, 0);
        assert_eq!(std::array::from_fn(|_| g.next_u64()), GOLDEN_BITS);
    }

    /// From the independent implementation in Python that the kernel's test is from, with the words above as key.
    #[test]
    fn golden_in_bulk() {
        let mut all = [0.0; 20];
        Stream::Bulk.normals(&mut generator(0, Purpose::Samples, 0, 0), &mut all);
        let some = [all[0], all[7], all[8], all[19]];
        assert_eq!(some, [0.2943623409739342, 0.012845524405419152, 1.6672283389777813, 0.3146640533645143]);
        assert_eq!(u64::from(Stream::try_from(2).unwrap()), 2);
        assert!(Stream::try_from(3).is_err());
    }

    /// From an independent implementation in Python (blake3 and xoshiro256++ written out).
    const GOLDEN_BITS: [u64; 4] = [2266224361673544170, 4306105360205572129, 985693450780011026, 5952758605362284173];
}
