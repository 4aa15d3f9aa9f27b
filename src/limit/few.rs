//! Test points of networks whose pre-activations have few directions, many at a time.
//!
//! ```text
//! u_j = y⟨w_j,μ⟩ + Σ_k F_jk ξ_k,   k ≤ 8
//! ```
//!
//! One after the other, sums and bits are those of the dot product of the kernels, which has eight lanes. With normal numbers in bulk there are eight
//! points in a vector, of blocks of 512: all ξ_1, then all ξ_2, …; the classes are the bits of eight words.

use crate::data::random::{Stream, keyed};
use crate::matrix::Matrix;
use crate::network::Network;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::Lane;
use farfield_kernels::polar;
use pulp::{Simd, WithSimd};
use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The most directions: the lanes of a dot product, of which then none has two terms.
const DIRECTIONS: usize = 8;

/// Points of a block.
const BLOCK: usize = 512;
/// Points of a vector.
const LANES: usize = 8;
/// The class that a bit says.
const SIGNS: [f64; 2] = [-1.0, 1.0];

/// Pre-activations of points in few directions: `u_j = y⟨w_j,μ⟩ + Σ_k F_jk ξ_k`, with the bits of the general way.
pub struct Few {
    mean: Vec<f64>,
    outputs: Vec<f64>,
    leak: f64,
    rank: usize,
    factor: Vec<[f64; DIRECTIONS]>, // a neuron each; 0 beyond the rank
}

impl Few {
    /// None beyond [`DIRECTIONS`].
    pub fn new(factor: &Matrix, mean: &[f64], network: &Network) -> Option<Self> {
        let rank = factor.cols();
        let padded = |j: usize| std::array::from_fn(|k| if k < rank { factor[(j, k)] } else { 0.0 });
        (rank <= DIRECTIONS).then(|| Self {
            mean: mean.to_vec(),
            outputs: network.outputs(),
            leak: network.leak,
            rank,
            factor: (0..factor.rows()).map(padded).collect(),
        })
    }

    /// Draws so many points, classes equally likely, and counts those that are misjudged.
    pub fn errors(&self, stream: Stream, random: &mut Xoshiro256PlusPlus, points: u64) -> u64 {
        match stream {
            Stream::Polar => Isa::current().dispatch(Judge { few: self, random, points }),
            Stream::Bulk => self.errors_in_bulk(Isa::current(), random, points),
        }
    }

    /// [`Few::errors`] with normal numbers in bulk.
    fn errors_in_bulk(&self, isa: Isa, random: &mut Xoshiro256PlusPlus, points: u64) -> u64 {
        let (mut numbers, mut xi) = (keyed(random), vec![0.0; self.rank * BLOCK]);
        let block = |first: u64| {
            numbers.fill_on(isa, &mut xi);
            let classes = std::array::from_fn(|_| random.next_u64());
            let points = (points - first).min(BLOCK as u64) as usize;
            isa.run(JudgeBlock { few: self, xi: &xi, classes, points })
        };
        (0..points).step_by(BLOCK).map(block).sum()
    }
}

/// Counts the errors of the first points of a block, compiled for an instruction set.
struct JudgeBlock<'a> {
    few: &'a Few,
    xi: &'a [f64],
    classes: [u64; BLOCK / 64],
    points: usize,
}

impl WithSimd for JudgeBlock<'_> {
    type Output = u64;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u64 {
        match self.few.rank {
            0 => self.count::<S, 0>(simd),
            1 => self.count::<S, 1>(simd),
            2 => self.count::<S, 2>(simd),
            3 => self.count::<S, 3>(simd),
            4 => self.count::<S, 4>(simd),
            5 => self.count::<S, 5>(simd),
            6 => self.count::<S, 6>(simd),
            7 => self.count::<S, 7>(simd),
            _ => self.count::<S, DIRECTIONS>(simd),
        }
    }
}

impl JudgeBlock<'_> {
    /// Of rank R, whose numbers of a vector of points stay in registers.
    #[inline(always)]
    fn count<S: Simd, const R: usize>(self, simd: S) -> u64 {
        let Self { few, xi, classes, points } = self;
        let (xi, leak, mut errors) = (f64::vectors::<S>(xi), f64::splat(simd, few.leak), 0);
        for first in (0..points).step_by(LANES) {
            let bits = classes[first / 64] >> (first % 64);
            let (mut signs, mut margins) = ([0.0f64; LANES], [0.0f64; LANES]);
            for lane in 0..LANES {
                signs[lane] = SIGNS[((bits >> lane) & 1) as usize];
            }
            let (y, mut q) = (f64::vectors::<S>(&signs)[0], f64::splat(simd, 0.0));
            let mut part = [q; R];
            for k in 0..R {
                part[k] = xi[(k * BLOCK + first) / LANES];
            }
            for ((row, mean), a) in few.factor.iter().zip(&few.mean).zip(&few.outputs) {
                let mut z = f64::splat(simd, 0.0);
                for k in 0..R {
                    z = f64::fma(simd, part[k], f64::splat(simd, row[k]), z);
                }
                let u = f64::fma(simd, y, f64::splat(simd, *mean), z);
                let activation = f64::times(simd, f64::one_if_positive(simd, u, leak), u);
                q = f64::fma(simd, activation, f64::splat(simd, *a), q);
            }
            f64::vectors_mut::<S>(&mut margins)[0] = f64::times(simd, y, q);
            for margin in &margins[..LANES.min(points - first)] {
                errors += u64::from(*margin <= 0.0);
            }
        }
        errors
    }
}

/// [`Few::errors`], compiled for an instruction set as a whole.
struct Judge<'a> {
    few: &'a Few,
    random: &'a mut Xoshiro256PlusPlus,
    points: u64,
}

impl WithSimd for Judge<'_> {
    type Output = u64;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u64 {
        let Self { few, random, points } = self;
        let (mut xi, mut errors) = ([0.0; DIRECTIONS], 0);
        for _ in 0..points {
            let y = if random.random::<bool>() { 1.0 } else { -1.0f64 };
            polar::fill(|| random.next_u64(), &mut xi[..few.rank]);
            let mut q = 0.0;
            for ((row, mean), a) in few.factor.iter().zip(&few.mean).zip(&few.outputs) {
                let mut t = [0.0; DIRECTIONS];
                for k in 0..DIRECTIONS {
                    t[k] = xi[k].mul_add(row[k], 0.0);
                }
                let z = ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]));
                let u = y.mul_add(*mean, z);
                q = (if u > 0.0 { u } else { few.leak * u }).mul_add(*a, q);
            }
            errors += u64::from(y * q <= 0.0);
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Noise;
    use rand::SeedableRng;

    /// The same errors as one by one, for ranks and widths below and beyond the lanes.
    #[test]
    fn few_directions_count_the_same_errors() {
        let generator = Xoshiro256PlusPlus::seed_from_u64;
        for (m, rank) in [(1, 1), (2, 2), (8, 3), (8, 8), (30, 7)] {
            let mut numbers = vec![0.0; m * rank + m];
            Noise::Gaussian.fill(&mut generator(m as u64), &mut numbers);
            let (factor, mean) = (Matrix::new(m, rank, numbers[m..].to_vec()), &numbers[..m]);
            let network = Network { width: m, positive: m.div_ceil(2), leak: 0.1 };
            let few = Few::new(&factor, mean, &network).unwrap();
            let (mut random, mut xi, mut z) = (generator(5), vec![0.0; rank], vec![0.0; m]);
            for batch in 0..20 {
                let mut at_start = random.clone();
                let mut wrong = || {
                    let y = if random.random::<bool>() { 1.0 } else { -1.0f64 };
                    Noise::Gaussian.fill(&mut random, &mut xi);
                    farfield_kernels::dense::dots(&xi, factor.values(), &mut z);
                    let u: Vec<f64> = z.iter().zip(mean).map(|(z, m)| y.mul_add(*m, *z)).collect();
                    u64::from(y * network.margins(&u, &[1.0])[0] <= 0.0)
                };
                let expected: u64 = (0..200).map(|_| wrong()).sum();
                for isa in Isa::all() {
                    let random = &mut at_start.clone();
                    assert_eq!(isa.dispatch(Judge { few: &few, random, points: 200 }), expected, "{m} {rank} {batch}");
                }
                assert_eq!(few.errors(Stream::Polar, &mut at_start, 200), expected);
                assert_eq!(at_start, random, "as many numbers are drawn");
            }
        }
        assert!(Few::new(&Matrix::zeros(2, 9), &[0.0; 2], &Network { width: 2, positive: 1, leak: 0.1 }).is_none());
    }

    /// In bulk: the same count on every instruction set, as one by one from the same numbers, and the same error as by the polar method within five
    /// standard errors of the difference.
    #[test]
    fn errors_in_bulk() {
        let generator = Xoshiro256PlusPlus::seed_from_u64;
        for (m, rank) in [(1, 1), (8, 3), (8, 8), (30, 7)] {
            let mut numbers = vec![0.0; m * rank + m];
            Noise::Gaussian.fill(&mut generator(m as u64), &mut numbers);
            let (factor, mean) = (Matrix::new(m, rank, numbers[m..].to_vec()), &numbers[..m]);
            let network = Network { width: m, positive: m.div_ceil(2), leak: 0.1 };
            let few = Few::new(&factor, mean, &network).unwrap();
            for points in [1, 7, 511, 512, 513, 2000u64] {
                let (mut random, mut xi, mut expected) = (generator(5), vec![0.0; rank * BLOCK], 0);
                let mut stream = keyed(&mut random);
                for first in (0..points).step_by(BLOCK) {
                    stream.fill(&mut xi);
                    let classes: Vec<u64> = (0..BLOCK / 64).map(|_| random.next_u64()).collect();
                    for p in 0..BLOCK.min((points - first) as usize) {
                        let y = if (classes[p / 64] >> (p % 64)) & 1 == 0 { -1.0 } else { 1.0f64 };
                        let z = |j| (0..rank).fold(0.0, |z, k| xi[k * BLOCK + p].mul_add(factor[(j, k)], z));
                        let u: Vec<f64> = (0..m).map(|j| y.mul_add(mean[j], z(j))).collect();
                        expected += u64::from(y * network.margins(&u, &[1.0])[0] <= 0.0);
                    }
                }
                for isa in Isa::all() {
                    assert_eq!(few.errors_in_bulk(isa, &mut generator(5), points), expected, "{m} {rank} {points}");
                }
            }
            const POINTS: u64 = 200_000;
            let [old, new] = [Stream::Polar, Stream::Bulk].map(|s| few.errors(s, &mut generator(6), POINTS) as f64);
            let share = 0.5 * (old + new) / POINTS as f64;
            let deviation = (2.0 * POINTS as f64 * share * (1.0 - share)).sqrt();
            assert!((old - new).abs() < 5.0 * deviation, "{m} {rank}: {old} {new}");
        }
    }
}
