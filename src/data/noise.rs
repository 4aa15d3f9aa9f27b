//! Noise of one coordinate: symmetric laws of mean 0 and variance 1.

use super::random::Stream;
use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

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
    /// Two-sided exponential: density `e^{−√2|y|}/√2`.
    Laplace,
    /// Two-sided Lomax (Pareto of the second kind) of index R > 2: density `(R/2c)(1 + |y|/c)^{−R−1}`, `c = √((R−1)(R−2)/2)`, so
    /// that `|ξ| + c` has the law of Pareto with scale c, and `E|ξ|^r` is finite for r < R.
    Pareto {
        /// R.
        index: f64,
    },
    /// A sign times a number with Weibull's law of shape A > 0: `P(|ξ| > y) = e^{−(y/c)^A}`, `c = Γ(1 + 2/A)^{−½}`. A = 1 is the law
    /// of Laplace, A = 2 a sign times Rayleigh's.
    Weibull {
        /// A.
        shape: f64,
    },
}

/// c of [`Noise::Pareto`].
pub fn pareto_scale(index: f64) -> f64 {
    (0.5 * (index - 1.0) * (index - 2.0)).sqrt()
}

/// c of [`Noise::Weibull`].
pub fn weibull_scale(shape: f64) -> f64 {
    libm::exp(-0.5 * libm::lgamma(1.0 + 2.0 / shape))
}

impl Noise {
    /// Fills a block with independent draws of ξ (mean 0, variance 1), normal ones by the polar method.
    pub fn fill(&self, random: &mut Xoshiro256PlusPlus, block: &mut [f64]) {
        match *self {
            Noise::Gaussian => Stream::Polar.normals(random, block),
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
            Noise::Laplace => block.fill_with(|| signed(random, |e| e * std::f64::consts::FRAC_1_SQRT_2)),
            Noise::Pareto { index } => {
                let scale = pareto_scale(index);
                block.fill_with(|| signed(random, |e| scale * libm::expm1(e / index)));
            }
            Noise::Weibull { shape } => {
                let scale = weibull_scale(shape);
                block.fill_with(|| signed(random, |e| scale * libm::pow(e, 1.0 / shape)));
            }
        }
    }
}

/// Degrees of freedom from which Student-t noise is computed without the difference `s^(−2/ν) − 1`, whose relative
/// error is about `ν u / ln(1/s)`: below, it is 1e-13 for all but one in a thousand s, and bits stay as they were.
const LARGE: f64 = 1e3;

/// A sign times a function of a number e with the standard exponential law, `P(|ξ| > f(e)) = e^{−e}`: 53 bits of the generator are the
/// uniform number, and its last bit is the sign.
fn signed(random: &mut Xoshiro256PlusPlus, of: impl Fn(f64) -> f64) -> f64 {
    let bits = random.next_u64();
    // 1 − U in (0, 1], exactly
    let uniform = 1.0 - (bits >> 11) as f64 * (0.5 * f64::EPSILON);
    let size = of(-libm::log(uniform));
    if bits & 1 == 0 { size } else { -size }
}

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

#[cfg(test)]
mod tests {
    use super::super::random::{Purpose, generator};
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

    /// The largest distance between the distribution function of a million draws and P(ξ ≤ y) is at most 2.7/√N with probability
    /// 1 − 9e-7 (Kolmogorov: 2e^{−2·2.7²}); the seed is fixed.
    #[test]
    fn laws() {
        const COUNT: usize = 1 << 20;
        let two_sided = |above: fn(f64, f64) -> f64, p: f64| {
            move |y: f64| match y < 0.0 {
                true => 0.5 * above(-y, p),
                false => 1.0 - 0.5 * above(y, p),
            }
        };
        type Cdf = Box<dyn Fn(f64) -> f64>;
        let root = |v: f64| v.sqrt();
        let cases: [(Noise, Cdf); 6] = [
            (Noise::Laplace, Box::new(two_sided(|y, p| (-p * y).exp(), root(2.0)))),
            // R = 3: c = 1; R = 6: c = √10
            (Noise::Pareto { index: 3.0 }, Box::new(two_sided(|y, p| (1.0 + y).powf(-p), 3.0))),
            (Noise::Pareto { index: 6.0 }, Box::new(two_sided(|y, p| (1.0 + y / 10f64.sqrt()).powf(-p), 6.0))),
            // c = Γ(5)^{−½}, Γ(2)^{−½}, Γ(5/3)^{−½}
            (Noise::Weibull { shape: 0.5 }, Box::new(two_sided(|y, p| (-(y * p).sqrt()).exp(), root(24.0)))),
            (Noise::Weibull { shape: 2.0 }, Box::new(two_sided(|y, p| (-(y * p).powi(2)).exp(), 1.0))),
            (
                Noise::Weibull { shape: 3.0 },
                Box::new(two_sided(|y, p| (-(y * p).powi(3)).exp(), root(0.902_745_292_950_933_6))),
            ),
        ];
        for (noise, cdf) in cases {
            let mut v = vec![0.0; COUNT];
            noise.fill(&mut generator(11, Purpose::Samples, 0, 0), &mut v);
            v.sort_unstable_by(f64::total_cmp);
            let n = COUNT as f64;
            let off =
                |(i, y): (usize, &f64)| (cdf(*y) - i as f64 / n).abs().max((cdf(*y) - (i as f64 + 1.0) / n).abs());
            let most = v.iter().enumerate().map(off).fold(0.0, f64::max);
            assert!(most < 2.7 / n.sqrt(), "{noise:?}: {most}");
        }
    }

    /// Variances within six standard errors, from the fourth moments: Laplace 6; Pareto with R = 9, c = √28, 24c⁴/((8)(7)(6)(5)) = 11.2;
    /// Weibull Γ(1 + 4/A)/Γ(1 + 2/A)²: 2 for A = 2, 8!/24² = 70 for A = ½.
    #[test]
    fn variances_of_two_sided_laws() {
        for (noise, fourth) in [
            (Noise::Laplace, 6.0),
            (Noise::Pareto { index: 9.0 }, 11.2),
            (Noise::Weibull { shape: 2.0 }, 2.0),
            (Noise::Weibull { shape: 0.5 }, 70.0),
        ] {
            let (mean, variance) = moments(noise);
            assert!(mean.abs() < 6.0 / 1024.0, "{noise:?}: mean {mean}");
            assert!((variance - 1.0).abs() < 6.0 * f64::sqrt(fourth - 1.0) / 1024.0, "{noise:?}: variance {variance}");
        }
    }
}
