//! Samples of the mixture `x_i = y_i μ + Σ^{1/2} ξ_i`, with training labels flipped afterwards.
//!
//! `μ = signal·(1,…,1)/√d` and Σ is diagonal: for Gaussian noise and Σ = I this is any direction of
//! μ; for other covariances it gives μ no preferred eigenvector (`μᵀΣμ = ‖μ‖² tr Σ/d`).
//!
//! *xor* (Xu, Wang, Frei, Vardi, Hu 2023, arXiv 2310.02541) has four clusters, two of each class and equally likely:
//!
//! ```text
//! x_i = s_i μ + Σ^{1/2} ξ_i  if y_i = +1,      s_i μ₂ + Σ^{1/2} ξ_i  if y_i = −1,      s_i = ±1,   ⟨μ,μ₂⟩ = 0,   ‖μ₂‖ = ‖μ‖
//! ```
//!
//! with `μ₂ = signal·(1,−1,1,−1,…)/√d`, and for odd d a last coordinate 0 and √(d−1) in place of √d.

use super::noise::Noise;
use super::random::{BLOCK, Purpose, Stream, generator};
use super::streamed::Source;
use crate::error::Result;
use crate::matrix::{Matrix, zeros};
use crate::watch::{Phase, Watch};
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
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
    /// The mean μ₂ of an xor, length d: samples of class −1 lie around ±μ₂, those of class +1 around ±μ. None: they lie around yμ.
    pub second: Option<Vec<f64>>,
    /// How normal numbers are made, of samples, of test points and of weights.
    pub stream: Stream,
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
        Self { mean: vec![each; spectrum.len()], spectrum, noise, further: 0, second: None, stream: Stream::default() }
    }

    /// The xor of four clusters around ±μ and ±μ₂ with `‖μ‖ = ‖μ₂‖ = signal`, the given eigenvalues of Σ (at least 2), and orthogonal means.
    pub fn xor(signal: f64, spectrum: Vec<f64>, noise: Noise) -> Self {
        let d = spectrum.len();
        let each = signal / ((d - d % 2) as f64).sqrt();
        let of = |k: usize| if k + 1 == d && d % 2 == 1 { 0.0 } else { each * [1.0, -1.0][k % 2] };
        Self { second: Some((0..d).map(of).collect()), ..Self::new(signal, spectrum, noise) }
    }

    /// The mixture with `‖μ‖ = signal` whose covariance is `QΣQᵀ`, Σ diagonal with the given eigenvalues, for a rotation Q that the seed draws
    /// uniformly (Haar), and whose noise is `QΣ^{1/2}ξ`. It is held in the coordinates in which the covariance is diagonal. There the mean is `Qᵀμ`,
    /// uniform on the sphere of radius ‖μ‖, and Q enters nothing else: not K, nor products of weights and samples, whose start has the same law in
    /// any coordinates. So it costs d normal numbers, whatever d.
    pub fn rotated(signal: f64, spectrum: Vec<f64>, noise: Noise, seed: u64) -> Self {
        let mean = scaled(normals(seed, 0, spectrum.len()), signal);
        Self { mean, spectrum, noise, further: 0, second: None, stream: Stream::default() }
    }

    /// [`Mixture::rotated`] for [`Mixture::xor`]: `Qᵀμ` and `Qᵀμ₂` are uniform among the orthogonal pairs of their lengths.
    pub fn rotated_xor(signal: f64, spectrum: Vec<f64>, noise: Noise, seed: u64) -> Self {
        let d = spectrum.len();
        let (direction, mut second) = (scaled(normals(seed, 0, d), 1.0), normals(seed, 1, d));
        // twice: the second time takes what the first has rounded
        for _ in 0..2 {
            let along: f64 = second.iter().zip(&direction).map(|(a, b)| a * b).sum();
            second.iter_mut().zip(&direction).for_each(|(s, u)| *s -= along * u);
        }
        Self { second: Some(scaled(second, signal)), ..Self::rotated(signal, spectrum, noise, seed) }
    }

    /// The centre of the cluster of a sample with this clean label: a sign, and the mean that it multiplies.
    fn centre(&self, seed: u64, sample: u64, clean: f64) -> (f64, &[f64]) {
        let Some(second) = &self.second else { return (clean, &self.mean) };
        let sign = if generator(seed, Purpose::Cluster, sample, 0).random::<bool>() { 1.0 } else { -1.0 };
        (sign, if clean > 0.0 { &self.mean } else { second })
    }

    /// The same mixture, with normal numbers of this stream. The mean of a rotated one keeps its own.
    pub fn with_stream(self, stream: Stream) -> Self {
        Self { stream, ..self }
    }

    /// Fills a block with independent draws of ξ.
    pub fn fill_noise(&self, random: &mut Xoshiro256PlusPlus, block: &mut [f64]) {
        match self.noise {
            Noise::Gaussian => self.stream.normals(random, block),
            noise => noise.fill(random, block),
        }
    }

    /// `tr Σ`.
    pub fn trace(&self) -> f64 {
        self.spectrum.iter().sum::<f64>() + self.further as f64
    }

    /// Draws n samples: row by row in parallel, each number from its own (row, block) stream; into `room`, which may be empty.
    ///
    /// # Errors
    /// [`crate::Error::Stopped`], at the next block.
    pub(crate) fn sample(&self, draw: &Draw, room: Vec<f64>, watch: &Watch) -> Result<Drawn> {
        self.sample_columns(draw, 0..self.mean.len(), room, watch)
    }

    /// The same columns of what [`Mixture::sample`] draws. A block of which only a part is asked for is drawn whole.
    pub(crate) fn sample_columns(
        &self,
        draw: &Draw,
        asked: Range<usize>,
        mut room: Vec<f64>,
        watch: &Watch,
    ) -> Result<Drawn> {
        watch.begin(Phase::Drawing, draw.n as u64);
        let (clean, y) = labels(draw);
        let numbers = draw.n * asked.len();
        match room.capacity() < numbers {
            true => room = zeros(numbers),
            false => room.resize(numbers, 0.0),
        }
        let mut x = Matrix::new(draw.n, asked.len(), room);
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
            let (mut rest, mut whole) = (row, Vec::new());
            let (sign, centre) = self.centre(seed, (first + i) as u64, y);
            for b in asked.start / BLOCK..asked.end.div_ceil(BLOCK) {
                watch.check()?;
                let mut random = generator(seed, Purpose::Samples, (first + i) as u64, b as u64);
                let size = BLOCK.min(d - b * BLOCK);
                let columns = asked.start.max(b * BLOCK)..asked.end.min(b * BLOCK + size);
                let part;
                (part, rest) = rest.split_at_mut(columns.len());
                if columns.len() == size {
                    self.fill_noise(&mut random, part);
                } else {
                    whole.resize(size, 0.0);
                    self.fill_noise(&mut random, &mut whole);
                    part.copy_from_slice(&whole[columns.start - b * BLOCK..][..columns.len()]);
                }
                let (mean, deviation) = (&centre[columns.clone()], &deviation[columns.start - asked.start..]);
                Isa::current().dispatch(Place { sign, mean, deviation, out: part });
            }
            watch.advance(1);
            Ok(())
        })
    }
}

/// d normal numbers that turn a mixture, one row of them for each mean.
fn normals(seed: u64, row: u64, d: usize) -> Vec<f64> {
    let mut v = vec![0.0; d];
    v.par_chunks_mut(BLOCK).enumerate().for_each(|(b, block)| {
        Noise::Gaussian.fill(&mut generator(seed, Purpose::Turn, row, b as u64), block);
    });
    v
}

/// v at this length.
fn scaled(mut v: Vec<f64>, length: f64) -> Vec<f64> {
    let factor = length / crate::matrix::norm(&v);
    v.iter_mut().for_each(|v| *v *= factor);
    v
}

/// `x = ±μ + Σ^{1/2} ξ` in place of ξ, a part of a row.
struct Place<'a> {
    sign: f64,
    mean: &'a [f64],
    deviation: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Place<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let moments = self.mean.iter().zip(self.deviation);
        for (x, (mean, s)) in self.out.iter_mut().zip(moments) {
            *x = self.sign.mul_add(*mean, s * *x);
        }
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
    if draw.label_noise == 0.0 {
        return (clean.clone(), clean);
    }
    let flip = |(i, y): (usize, &f64)| if uniform(Purpose::LabelNoise, i) < draw.label_noise { -y } else { *y };
    let y = clean.par_iter().enumerate().map(flip).collect();
    (clean, y)
}

/// Initial weights `W(0) ~ N(0, scale²)` (m×d): row by row, each number from its own stream.
pub fn initial_weights(m: usize, d: usize, scale: f64, seed: u64, stream: Stream) -> Matrix {
    let mut w = Matrix::zeros(m, d);
    w.values_mut().par_chunks_mut(d).enumerate().for_each(|(j, row)| {
        for (b, block) in row.chunks_mut(BLOCK).enumerate() {
            stream.normals(&mut generator(seed, Purpose::Weights, j as u64, b as u64), block);
            block.iter_mut().for_each(|w| *w *= scale);
        }
    });
    w
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_flips() {
        let mixture = Mixture::new(3.0, vec![1.0; 5], Noise::Gaussian);
        let data = mixture
            .sample(&Draw { n: 20_000, balance: 0.3, label_noise: 0.1, seed: 5 }, Vec::new(), &Watch::default())
            .unwrap();
        let fraction = |v: &mut dyn Iterator<Item = bool>| v.filter(|b| *b).count() as f64 / 20_000.0;
        let clean = &data.clean;
        let positive = fraction(&mut clean.iter().map(|y| *y > 0.0));
        let flipped = fraction(&mut clean.iter().zip(&data.y).map(|(a, b)| a != b));
        assert!((positive - 0.3).abs() < 6.0 * (0.21f64 / 2e4).sqrt(), "{positive}");
        assert!((flipped - 0.1).abs() < 6.0 * (0.09f64 / 2e4).sqrt(), "{flipped}");
        let along = data.x.row(0).iter().sum::<f64>() / 5f64.sqrt() * clean[0];
        assert!((along - 3.0).abs() < 6.0, "the samples lie around y·μ: {along}");
    }

    /// The mean has its length, another direction for each seed, no preferred eigenvector, and as d grows `μᵀΣμ = ‖μ‖² tr Σ/d` up to `√(2/d)`
    /// times the spread of the eigenvalues (six of these; here 1 and 9, spread 4).
    #[test]
    fn rotated_means() {
        let d = 10_000;
        let spectrum: Vec<f64> = (0..d).map(|k| if k % 2 == 0 { 1.0 } else { 9.0 }).collect();
        let of = |seed| Mixture::rotated(3.0, spectrum.clone(), Noise::Laplace, seed);
        let m = of(1);
        assert!((crate::matrix::norm(&m.mean) - 3.0).abs() < 1e-14 * d as f64);
        let energy: f64 = m.mean.iter().zip(&m.spectrum).map(|(m, s)| m * m * s).sum::<f64>() / 9.0;
        assert!((energy - 5.0).abs() < 6.0 * 4.0 * (2.0 / d as f64).sqrt(), "{energy}");
        // means of two seeds are nearly orthogonal: a normal number over √d
        let product: f64 = m.mean.iter().zip(&of(2).mean).map(|(a, b)| a * b).sum::<f64>() / 9.0;
        assert!(product.abs() < 6.0 / (d as f64).sqrt() && m == of(1), "{product}");
    }

    /// A larger n or d extends the data without changing what was there, and a part is drawn as it is in the whole.
    #[test]
    fn rows_and_blocks_are_independent() {
        for stream in [Stream::Polar, Stream::Bulk] {
            let draw = |n, d, columns| {
                let mixture = Mixture::new(0.0, vec![1.0; d], Noise::Gaussian).with_stream(stream);
                let draw = Draw { n, balance: 0.5, label_noise: 0.0, seed: 9 };
                mixture.sample_columns(&draw, columns, vec![7.0; 3], &Watch::default()).unwrap().x
            };
            let (small, large, part) = (draw(3, 4096, 0..4096), draw(5, 5000, 0..5000), draw(5, 5000, 4000..4500));
            assert!((0..3).all(|i| small.row(i) == &large.row(i)[..4096]));
            assert!((0..5).all(|i| part.row(i) == &large.row(i)[4000..4500]));
        }
    }
}
