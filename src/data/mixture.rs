//! Samples of the mixture `x_i = y_i μ + Σ^{1/2} ξ_i`, with training labels flipped afterwards.
//!
//! `μ = signal·(1,…,1)/√d` and Σ is diagonal: for Gaussian noise and Σ = I this is any direction of
//! μ; for other covariances it gives μ no preferred eigenvector (`μᵀΣμ = ‖μ‖² tr Σ/d`).

use super::random::{BLOCK, Purpose, generator};
use super::streamed::Source;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::watch::{Phase, Watch};
use farfield_kernels::polar;
use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The distribution `x = yμ + Σ^{1/2} ξ` of a mixture: `μ = signal·(1,…,1)/√d`, Σ diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The mean μ of class +1, length d.
    pub mean: Vec<f64>,
    /// The eigenvalues of Σ, which is diagonal, length d.
    pub spectrum: Vec<f64>,
    /// The distribution of the coordinates of ξ.
    pub noise: Noise,
    /// Further coordinates, of mean 0 and variance 1, in which neither samples nor weights have a part.
    pub further: u64,
}

/// The distribution of one noise coordinate ξ: mean 0, variance 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// Standard normal.
    #[default]
    Gaussian,
    /// ±1 with equal probability.
    Rademacher,
    /// Uniform on [-√3, √3].
    Uniform,
    /// Student-t with `dof > 2` degrees of freedom, divided by its standard deviation.
    StudentT {
        /// Degrees of freedom.
        dof: f64,
    },
}

/// What to draw from a [`Mixture`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Number of samples n.
    pub n: usize,
    /// Probability of a label +1.
    pub balance: f64,
    /// Probability that a training label is flipped.
    pub label_noise: f64,
    /// Seed of all streams.
    pub seed: u64,
}

impl Draw {
    /// Labels ±1 (n) before and after label noise: those of [`Data::draw`](super::Data::draw) and of
    /// [`Data::draw_rotated`](super::Data::draw_rotated), without the samples.
    pub fn labels(&self) -> (Vec<f64>, Vec<f64>) {
        labels(self)
    }
}

/// Samples as drawn.
pub(crate) struct Drawn {
    /// X (n×d).
    pub x: Matrix,
    /// Training labels ±1, length n.
    pub y: Vec<f64>,
    /// Labels before label noise.
    pub clean: Vec<f64>,
}

impl Mixture {
    /// The mixture with `‖μ‖ = signal` and the given eigenvalues of Σ.
    pub fn new(signal: f64, spectrum: Vec<f64>, noise: Noise) -> Self {
        let each = signal / (spectrum.len() as f64).sqrt();
        Self { mean: vec![each; spectrum.len()], spectrum, noise, further: 0 }
    }

    /// `tr Σ`.
    pub fn trace(&self) -> f64 {
        self.spectrum.iter().sum::<f64>() + self.further as f64
    }

    /// Draws n samples: row by row in parallel, each number from its own (row, block) stream.
    ///
    /// # Errors
    /// [`crate::Error::Stopped`], at the next block.
    pub(crate) fn sample(&self, draw: &Draw, watch: &Watch) -> Result<Drawn> {
        self.sample_columns(draw, 0..self.mean.len(), watch)
    }

    /// The same columns of what [`Mixture::sample`] draws. A block of which only a part is asked for is drawn whole.
    pub(crate) fn sample_columns(&self, draw: &Draw, asked: Range<usize>, watch: &Watch) -> Result<Drawn> {
        watch.begin(Phase::Drawing, draw.n as u64);
        let (clean, y) = labels(draw);
        let mut x = Matrix::zeros(draw.n, asked.len());
        self.fill(draw.seed, (0, &clean), asked, x.values_mut(), watch)?;
        Ok(Drawn { x, y, clean })
    }

    /// Columns of samples that have these clean labels, from sample `first` on, row by row.
    fn fill(
        &self,
        seed: u64,
        (first, clean): (usize, &[f64]),
        asked: Range<usize>,
        out: &mut [f64],
        watch: &Watch,
    ) -> Result<()> {
        let (d, width) = (self.mean.len(), asked.len());
        let deviation: Vec<f64> = self.spectrum[asked.clone()].iter().map(|v| v.sqrt()).collect();
        out.par_chunks_mut(width.max(1)).zip(clean).enumerate().try_for_each(|(i, (row, &y))| {
            let (mut rest, mut block) = (row, vec![0.0; BLOCK.min(d)]);
            for b in asked.start / BLOCK..asked.end.div_ceil(BLOCK) {
                watch.check()?;
                let mut random = generator(seed, Purpose::Samples, (first + i) as u64, b as u64);
                let block = &mut block[..BLOCK.min(d - b * BLOCK)];
                self.noise.fill(&mut random, block);
                let columns = asked.start.max(b * BLOCK)..asked.end.min(b * BLOCK + block.len());
                let (part, noise);
                (part, rest) = rest.split_at_mut(columns.len());
                noise = &block[columns.start - b * BLOCK..];
                let moments = self.mean[columns.clone()].iter().zip(&deviation[columns.start - asked.start..]);
                for ((x, noise), (mean, s)) in part.iter_mut().zip(noise).zip(moments) {
                    *x = y.mul_add(*mean, s * *noise);
                }
            }
            watch.advance(1);
            Ok(())
        })
    }
}

/// Samples of a mixture that are drawn again, always the same.
#[derive(Debug)]
pub(super) struct Redrawn {
    pub mixture: Mixture,
    pub seed: u64,
    /// Labels before label noise.
    pub clean: Vec<f64>,
}

impl Source for Redrawn {
    fn shape(&self) -> (usize, usize) {
        (self.clean.len(), self.mixture.mean.len())
    }

    fn read(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        let clean = (rows.start, &self.clean[rows]);
        self.mixture.fill(self.seed, clean, columns, out, &Watch::default()).expect("nobody can stop this watch");
    }
}

/// Labels before and after label noise.
pub(super) fn labels(draw: &Draw) -> (Vec<f64>, Vec<f64>) {
    let uniform = |purpose, i| generator(draw.seed, purpose, i as u64, 0).random::<f64>();
    let class = |i| if uniform(Purpose::Labels, i) < draw.balance { 1.0 } else { -1.0 };
    let clean: Vec<f64> = (0..draw.n).into_par_iter().map(class).collect();
    let flip = |(i, y): (usize, &f64)| if uniform(Purpose::LabelNoise, i) < draw.label_noise { -y } else { *y };
    let y = clean.par_iter().enumerate().map(flip).collect();
    (clean, y)
}

impl Noise {
    /// Fills a block with independent draws of ξ (mean 0, variance 1).
    pub fn fill(&self, random: &mut Xoshiro256PlusPlus, block: &mut [f64]) {
        match *self {
            Noise::Gaussian => polar::normals(|| random.next_u64(), block),
            Noise::Rademacher => block.fill_with(|| if random.random::<bool>() { 1.0 } else { -1.0 }),
            Noise::Uniform => {
                let width = 2.0 * 3f64.sqrt();
                block.fill_with(|| width * (random.random::<f64>() - 0.5));
            }
            Noise::StudentT { dof } => {
                // s^(−2/ν) − 1 cancels where ν is large; the stream of numbers below LARGE is older than expm1.
                let power = |s: f64| match dof < LARGE {
                    true => libm::pow(s, -2.0 / dof) - 1.0,
                    false => libm::expm1(-2.0 / dof * libm::log(s)),
                };
                let radius = |s| (dof - 2.0) * power(s) / s;
                block.fill_with(|| polar(random, radius));
            }
        }
    }
}

/// Degrees of freedom from which Student-t noise is computed without the difference `s^(−2/ν) − 1`, whose relative
/// error is about `ν u / ln(1/s)`: below, it is 1e-13 for all but one in a thousand s, and bits stay as they were.
const LARGE: f64 = 1e3;

/// A number with the distribution of Student-t, from a uniform point (u, v) of the unit disc, `s = u² + v²`: u times the root of
/// `radius(s) = ν (s^(−2/ν) − 1)/s` (Bailey 1994); here ν − 2 in front divides by the standard deviation.
fn polar(random: &mut Xoshiro256PlusPlus, radius: impl Fn(f64) -> f64) -> f64 {
    loop {
        let (u, v) = (2.0 * random.random::<f64>() - 1.0, 2.0 * random.random::<f64>() - 1.0); // twice is exact
        let s = u.mul_add(u, v * v);
        if s < 1.0 && s > 0.0 {
            return radius(s).sqrt() * u;
        }
    }
}

/// Initial weights `W(0) ~ N(0, scale²)` (m×d): row by row, each number from its own stream.
pub fn initial_weights(m: usize, d: usize, scale: f64, seed: u64) -> Matrix {
    let mut w = Matrix::zeros(m, d);
    w.values_mut().par_chunks_mut(d).enumerate().for_each(|(j, row)| {
        for (b, block) in row.chunks_mut(BLOCK).enumerate() {
            Noise::Gaussian.fill(&mut generator(seed, Purpose::Weights, j as u64, b as u64), block);
            block.iter_mut().for_each(|w| *w *= scale);
        }
    });
    w
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(noise: Noise) -> (f64, f64) {
        let mut v = vec![0.0; 1 << 20];
        noise.fill(&mut generator(1, Purpose::Samples, 0, 0), &mut v);
        let n = v.len() as f64;
        (v.iter().sum::<f64>() / n, v.iter().map(|v| v * v).sum::<f64>() / n)
    }

    /// Mean 0 and variance 1 within six standard errors (Student-t with 9 degrees of freedom: kurtosis 4.2).
    #[test]
    fn unit_variance() {
        for noise in [Noise::Gaussian, Noise::Rademacher, Noise::Uniform, Noise::StudentT { dof: 9.0 }] {
            let (mean, variance) = moments(noise);
            assert!(mean.abs() < 6.0 / 1024.0, "{noise:?}: mean {mean}");
            assert!((variance - 1.0).abs() < 6.0 * 1.8 / 1024.0, "{noise:?}: variance {variance}");
        }
    }

    /// Variance 1 and no cancellation however many degrees of freedom: the noise becomes normal. With 6 standard errors
    /// of a variance of kurtosis near 3.
    #[test]
    fn student_t_with_many_degrees_of_freedom_is_normal() {
        for dof in [1e2, 0.99 * LARGE, LARGE, 1e8, 1e16, 1e300] {
            let (mean, variance) = moments(Noise::StudentT { dof });
            assert!(mean.abs() < 6.0 / 1024.0, "{dof:e}: mean {mean}");
            assert!((variance - 1.0).abs() < 6.0 * 1.5 / 1024.0, "{dof:e}: variance {variance}");
        }
        // both formulas are the same function, but for rounding
        let draw = |dof| {
            let mut v = vec![0.0; 1000];
            Noise::StudentT { dof }.fill(&mut generator(3, Purpose::Samples, 0, 0), &mut v);
            v
        };
        let (below, above) = (draw(LARGE * (1.0 - 1e-15)), draw(LARGE));
        assert!(below.iter().zip(&above).all(|(a, b)| (a / b - 1.0).abs() < 1e-9), "one function");
    }

    #[test]
    fn classes_and_flips() {
        let mixture = Mixture::new(3.0, vec![1.0; 5], Noise::Gaussian);
        let data =
            mixture.sample(&Draw { n: 20_000, balance: 0.3, label_noise: 0.1, seed: 5 }, &Watch::default()).unwrap();
        let fraction = |v: &mut dyn Iterator<Item = bool>| v.filter(|b| *b).count() as f64 / 20_000.0;
        let clean = &data.clean;
        let positive = fraction(&mut clean.iter().map(|y| *y > 0.0));
        let flipped = fraction(&mut clean.iter().zip(&data.y).map(|(a, b)| a != b));
        assert!((positive - 0.3).abs() < 6.0 * (0.21f64 / 2e4).sqrt(), "{positive}");
        assert!((flipped - 0.1).abs() < 6.0 * (0.09f64 / 2e4).sqrt(), "{flipped}");
        let along = data.x.row(0).iter().sum::<f64>() / 5f64.sqrt() * clean[0];
        assert!((along - 3.0).abs() < 6.0, "the samples lie around y·μ: {along}");
    }

    /// The polar methods in Python's arithmetic, on the same streams: equal up to the last bits of its ln and pow.
    #[test]
    fn golden() {
        let close = |a: &[f64], b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-14), "{a:?} {b:?}");
        let mut v = [0.0; 4];
        Noise::Gaussian.fill(&mut generator(7, Purpose::Weights, 3, 1), &mut v);
        close(&v, &[-1.491117005394601, 0.5814944370224467, -0.5320456228919009, -0.7560623513207769]);
        Noise::StudentT { dof: 3.0 }.fill(&mut generator(7, Purpose::Samples, 3, 1), &mut v[..3]);
        close(&v[..3], &[0.9671590404361552, 0.23855444234716522, -0.8139212199803757]);
    }

    /// A larger n or d extends the data without changing what was there.
    #[test]
    fn rows_and_blocks_are_independent() {
        let draw = |n, d| {
            let mixture = Mixture::new(0.0, vec![1.0; d], Noise::Gaussian);
            mixture.sample(&Draw { n, balance: 0.5, label_noise: 0.0, seed: 9 }, &Watch::default()).unwrap().x
        };
        let (small, large) = (draw(3, 4096), draw(5, 5000));
        assert!((0..3).all(|i| small.row(i) == &large.row(i)[..4096]));
    }
}
