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

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

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

    /// From an independent implementation in Python (blake3 and xoshiro256++ written out).
    const GOLDEN_BITS: [u64; 4] = [2266224361673544170, 4306105360205572129, 985693450780011026, 5952758605362284173];
}
