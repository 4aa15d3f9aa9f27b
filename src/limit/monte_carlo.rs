//! The test error by sampling, where there is no closed form: other noise, or an iterate whose
//! boundary is not linear.
//!
//! N fresh points in batches, each batch with its own generator, so that the count of errors does not
//! depend on threads. For an iterate W and Gaussian noise only `u = Wx` is needed,
//!
//! ```text
//! x = yμ + Σ^{1/2}ξ:   u ~ N(y Wμ, WΣWᵀ),   u = y Wμ + F ξ',   F Fᵀ = WΣWᵀ
//! ```
//!
//! m numbers instead of d; F is a pivoted Cholesky factor, which tied neurons (equal rows) leave short.
//!
//! **How many points.** Unless asked for, as many as [`NUMBERS`] random numbers make, and at most [`POINTS`]: a point
//! costs d numbers, or the rank of F, and a multiply-add counts as a part `MULTIPLY` of a number. That is about a
//! second on one thread, and depends on the problem alone, never on the speed of the machine, so that the same
//! configuration gives the same estimate everywhere. A sample that is stopped counts the batches that were finished.

pub use super::estimate::Estimate;
use super::few::Few;
use crate::data::{Mixture, Noise};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::watch::{Phase, Watch};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

/// The most points of a batch. Part of the definition of the sample: each batch has its own generator.
pub const BATCH: u64 = 1024;
/// Batches, at least, of a sample with as many points: few points are dear ones, and every thread finds some.
const BATCHES: u64 = 16;

/// Random numbers that are drawn for an estimate: about 1 s at 100 ns each (Student-t takes 60 to 100 ns).
pub const NUMBERS: f64 = 1e7;
/// The most points of an estimate.
pub const POINTS: u64 = 100_000;
/// The cost of a multiply-add, in terms of drawing a number.
const MULTIPLY: f64 = 0.02;

/// How test errors without a closed form are sampled.
#[derive(Clone, Debug, Default)]
pub struct Sampling {
    /// Seed of the generators.
    pub seed: u64,
    /// Number of points; none: as many as about a second allows, a function of the problem alone.
    pub points: Option<u64>,
    /// Where progress is seen, and what stops a sample.
    pub watch: Watch,
}

impl Sampling {
    /// With the generators of this seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Points that cost so many random numbers each.
    fn points(&self, cost: f64) -> u64 {
        self.points.unwrap_or(((NUMBERS / cost.max(1.0)) as u64).min(POINTS)).max(1)
    }
}

/// Counts the errors of `samples` points: `wrong` draws one point and says whether it is misjudged, with `SIZES` vectors of
/// these `sizes` as scratch. `generator(batch)` is the generator of a batch. None if it is stopped before a batch is done.
fn count<const SIZES: usize>(
    samples: u64,
    watch: &Watch,
    generator: &(impl Fn(u64) -> Xoshiro256PlusPlus + Sync),
    sizes: [usize; SIZES],
    wrong: impl Fn(&mut Xoshiro256PlusPlus, &mut [Vec<f64>; SIZES]) -> bool + Sync,
) -> Option<Estimate> {
    count_batches(samples, watch, generator, |random, points| {
        let (mut scratch, mut errors) = (sizes.map(|size| vec![0.0; size]), 0);
        for _ in 0..points {
            if watch.stopped() {
                return None;
            }
            errors += u64::from(wrong(random, &mut scratch));
            watch.advance(1);
        }
        Some(errors)
    })
}

/// [`count`] for errors of so many points, which draws and judges them all; none if it is stopped.
fn count_batches(
    samples: u64,
    watch: &Watch,
    generator: &(impl Fn(u64) -> Xoshiro256PlusPlus + Sync),
    errors: impl Fn(&mut Xoshiro256PlusPlus, u64) -> Option<u64> + Sync,
) -> Option<Estimate> {
    watch.begin(Phase::TestError, samples);
    let size = (samples / BATCHES).clamp(1, BATCH);
    // The errors of a batch and its points; a batch that is stopped counts nothing.
    let batch = |b: u64| {
        let points = size.min(samples - b * size);
        let found = if watch.stopped() { None } else { errors(&mut generator(b), points) };
        found.map_or((0, 0), |errors| (errors, points))
    };
    let sum = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
    let (errors, points) = (0..samples.div_ceil(size)).into_par_iter().map(batch).reduce(|| (0, 0), sum);
    (points > 0).then(|| Estimate::new(errors, points))
}

/// The error of the linear boundary w̄ (length d) for any noise of the mixture. The noise is symmetric, so
/// both classes err alike and only +1 is drawn; of an xor either cluster of it. `generator(batch)` is the generator of a batch.
pub fn of_boundary(
    boundary: &[f64],
    mixture: &Mixture,
    sampling: &Sampling,
    generator: impl Fn(u64) -> Xoshiro256PlusPlus + Sync,
) -> Option<Estimate> {
    let (signal, xor) = (dot(boundary, &mixture.mean), mixture.second.is_some());
    let weights: Vec<f64> = boundary.iter().zip(&mixture.spectrum).map(|(w, s)| w * s.sqrt()).collect();
    let samples = sampling.points((1.0 + MULTIPLY) * weights.len() as f64);
    count(samples, &sampling.watch, &generator, [weights.len()], |random, [noise]| {
        let sign = if xor { sign(random) } else { 1.0 };
        mixture.fill_noise(random, noise);
        sign * signal + dot(&weights, noise) <= 0.0
    })
}

/// The error of the network with weights W (m×d), classes equally likely. `generator(batch)` is the
/// generator of a batch.
pub fn of_network(
    w: &Matrix,
    network: &Network,
    mixture: &Mixture,
    sampling: &Sampling,
    generator: impl Fn(u64) -> Xoshiro256PlusPlus + Sync,
) -> Option<Estimate> {
    let (m, d) = (w.rows() as f64, w.cols() as f64);
    let mean = product(w, &mixture.mean);
    let second = mixture.second.as_ref().map(|second| product(w, second));
    let outputs = network.outputs();
    // a label, and the sign and the image of the centre of its cluster
    let cluster = |random: &mut Xoshiro256PlusPlus| {
        let y = sign(random);
        let Some(second) = &second else { return (y, y, &mean) };
        (y, sign(random), if y > 0.0 { &mean } else { second })
    };
    let wrong = |(y, sign, mean): (f64, f64, &Vec<f64>), noise: &[f64]| {
        let term = |q: f64, ((m, z), a): ((&f64, &f64), &f64)| network.activation(sign.mul_add(*m, *z)).mul_add(*a, q);
        y * mean.iter().zip(noise).zip(&outputs).fold(0.0, term) <= 0.0
    };
    let watch = &sampling.watch;
    if mixture.noise == Noise::Gaussian && 0.5 * m * m * d * MULTIPLY <= NUMBERS {
        let factor = semidefinite_factor(covariance(w, &mixture.spectrum));
        let rank = factor.cols() as f64;
        let samples = sampling.points(rank + MULTIPLY * m * rank);
        if let Some(few) = Few::new(&factor, &mean, network).filter(|_| second.is_none()) {
            return count_batches(samples, watch, &generator, |random, points| {
                watch.advance(points);
                Some(few.errors(mixture.stream, random, points))
            });
        }
        count(samples, watch, &generator, [factor.cols(), w.rows()], |random, [xi, z]| {
            let at = cluster(random);
            mixture.fill_noise(random, xi);
            farfield_kernels::dense::dots(xi, factor.values(), z);
            wrong(at, z)
        })
    } else {
        let deviation: Vec<f64> = mixture.spectrum.iter().map(|s| s.sqrt()).collect();
        let samples = sampling.points(d + MULTIPLY * m * d);
        count(samples, watch, &generator, [deviation.len(), w.rows()], |random, [x, z]| {
            let at = cluster(random);
            mixture.fill_noise(random, x);
            x.iter_mut().zip(&deviation).for_each(|(x, s)| *x *= s);
            farfield_kernels::dense::dots(x, w.values(), z);
            wrong(at, z)
        })
    }
}

fn sign(random: &mut Xoshiro256PlusPlus) -> f64 {
    if random.random::<bool>() { 1.0 } else { -1.0 }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = [0.0];
    farfield_kernels::dense::dots(a, b, &mut sum);
    sum[0]
}

fn product(w: &Matrix, v: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; w.rows()];
    farfield_kernels::dense::dots(v, w.values(), &mut out);
    out
}

/// `WΣWᵀ` (m×m) for a diagonal Σ.
fn covariance(w: &Matrix, spectrum: &[f64]) -> Matrix {
    let mut c = Matrix::zeros(w.rows(), w.rows());
    for i in 0..w.rows() {
        let scaled: Vec<f64> = w.row(i).iter().zip(spectrum).map(|(w, s)| w * s).collect();
        for j in 0..=i {
            let value = dot(&scaled, w.row(j));
            c[(i, j)] = value;
            c[(j, i)] = value;
        }
    }
    c
}

/// F (m×r) with `FFᵀ = C` for a semidefinite C, by Cholesky with diagonal pivoting; r is the rank as far as
/// rounding shows it.
fn semidefinite_factor(mut c: Matrix) -> Matrix {
    let m = c.rows();
    let top = (0..m).map(|i| c[(i, i)]).fold(0.0, f64::max);
    let mut columns: Vec<Vec<f64>> = Vec::new();
    while columns.len() < m {
        let pivot = (0..m).max_by(|&i, &j| c[(i, i)].total_cmp(&c[(j, j)])).expect("m ≥ 1");
        if c[(pivot, pivot)] <= m as f64 * f64::EPSILON * top {
            break;
        }
        let root = c[(pivot, pivot)].sqrt();
        let column: Vec<f64> = (0..m).map(|i| c[(i, pivot)] / root).collect();
        for i in 0..m {
            for j in 0..m {
                c[(i, j)] = (-column[i]).mul_add(column[j], c[(i, j)]);
            }
        }
        columns.push(column);
    }
    let r = columns.len();
    Matrix::new(m, r, (0..m * r).map(|t| columns[t % r][t / r]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Stream;
    use crate::limit::test_error;
    use rand::SeedableRng;

    fn points(count: u64) -> Sampling {
        Sampling { points: Some(count), ..Sampling::default() }
    }

    fn generator(batch: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(77 + batch)
    }

    #[test]
    fn sampling_agrees_with_the_closed_form() {
        let mixture = Mixture {
            mean: vec![0.5, 0.3, 0.0],
            spectrum: vec![1.0, 0.5, 2.0],
            noise: Noise::Gaussian,
            further: 0,
            second: None,
            stream: Stream::default(),
        };
        let boundary = [1.0, 1.0, -0.2];
        let exact = test_error::of_boundary(&boundary, &mixture).value;
        let sampled = of_boundary(&boundary, &mixture, &points(40_000), generator).unwrap();
        assert!(sampled.low < exact && exact < sampled.high, "{exact} {sampled:?}");
        // the network with w_1 = w̄, w_2 = −w̄ has the same boundary, and its covariance has rank 1
        let w = Matrix::new(2, 3, vec![1.0, 1.0, -0.2, -1.0, -1.0, 0.2]);
        let network = Network { width: 2, positive: 1, leak: 0.1 };
        assert_eq!(semidefinite_factor(covariance(&w, &mixture.spectrum)).cols(), 1);
        let sampled = of_network(&w, &network, &mixture, &points(40_000), generator).unwrap();
        assert!(sampled.low < exact && exact < sampled.high, "{exact} {sampled:?}");
        for noise in [Noise::Rademacher, Noise::Uniform, Noise::StudentT { dof: 3.0 }] {
            let other = Mixture { noise, ..mixture.clone() };
            let (a, b) = (
                of_boundary(&boundary, &other, &points(20_000), generator).unwrap(),
                of_network(&w, &network, &other, &points(20_000), generator).unwrap(),
            );
            assert!(a.low < b.high && b.low < a.high, "{noise:?}: {a:?} {b:?}");
        }
    }

    #[test]
    fn the_count_does_not_depend_on_threads() {
        let mixture = Mixture {
            mean: vec![0.5; 4],
            spectrum: vec![1.0; 4],
            noise: Noise::StudentT { dof: 2.5 },
            further: 0,
            second: None,
            stream: Stream::default(),
        };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| of_boundary(&[1.0; 4], &mixture, &points(10_000), generator).unwrap())
        };
        assert_eq!(run(1), run(3));
        assert_eq!(run(1).samples, 10_000);
    }

    /// The number of points is a function of the problem alone, and a stopped sample is a smaller one, or none.
    #[test]
    fn samples_are_bounded_and_can_be_stopped() {
        let cost = Sampling::default();
        assert_eq!([1.0, 100.0, 1e3, 2e5, 1e9].map(|d| cost.points(d)), [100_000, 100_000, 10_000, 50, 1]);
        assert_eq!(points(7).points(1e9), 7);
        let stopped = Sampling::default();
        let mixture = Mixture {
            mean: vec![0.5; 4],
            spectrum: vec![1.0; 4],
            noise: Noise::Uniform,
            further: 0,
            second: None,
            stream: Stream::default(),
        };
        let stop = crate::engine::Stop::default();
        let watched = Sampling { watch: Watch::new(&stop), ..stopped };
        assert!(of_boundary(&[1.0; 4], &mixture, &watched, generator).is_some());
        // stopped from within its batch 3, on one thread: batches 0 to 2 count
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let draws = |batch| {
            if batch == 3 {
                stop.raise();
            }
            generator(batch)
        };
        let part = pool.install(|| of_boundary(&[1.0; 4], &mixture, &watched, draws)).unwrap();
        assert_eq!(part.samples % BATCH, 0);
        assert!(part.samples < POINTS, "{part:?}");
        assert_eq!(of_boundary(&[1.0; 4], &mixture, &watched, generator), None);
    }

    #[test]
    fn factors_reproduce_the_covariance() {
        let w = Matrix::new(3, 4, vec![1.0, 2.0, 0.0, 1.0, 0.5, -1.0, 2.0, 0.0, 1.5, 1.0, 2.0, 1.0]);
        let c = covariance(&w, &[1.0, 0.5, 2.0, 0.25]);
        let f = semidefinite_factor(c.clone());
        assert_eq!(f.cols(), 2); // row 3 = row 1 + row 2
        for i in 0..3 {
            for j in 0..3 {
                let value: f64 = f.row(i).iter().zip(f.row(j)).map(|(a, b)| a * b).sum();
                assert!((value - c[(i, j)]).abs() < 1e-14);
            }
        }
    }
}
