//! Gauss's rule with 48 points, and a bound for what it leaves.
//!
//! It integrates polynomials of degree 95 over [−1, 1] exactly. A function that is analytic and at most M inside the ellipse with foci
//! ±1 and half-axes `(ρ ± 1/ρ)/2` has such a polynomial within `2Mρ⁻⁹⁵/(ρ − 1)` (its Chebyshev series, cut off), and the
//! weights are positive with sum 2: the error is at most `8Mρ⁻⁹⁵/(ρ − 1)`.

/// Points of the rule.
pub const POINTS: usize = 48;

/// Ellipses that are tried.
const RATIOS: [f64; 10] = [1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0];

/// Abscissas and weights on [−1, 1]: zeros of the Legendre polynomial by Newton's method, weights `2/((1 − z²) P'²)`.
pub fn rule() -> [(f64, f64); POINTS] {
    let n = POINTS as f64;
    std::array::from_fn(|i| {
        let mut z = libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5));
        let mut slope = 1.0;
        for _ in 0..8 {
            let (mut p, mut before) = (1.0, 0.0);
            for k in 1..=POINTS {
                let k = k as f64;
                (p, before) = (((2.0 * k - 1.0) * z * p - (k - 1.0) * before) / k, p);
            }
            slope = n * (z * p - before) / (z * z - 1.0);
            z -= p / slope;
        }
        (z, 2.0 / ((1.0 - z * z) * slope * slope))
    })
}

/// The logarithm of the bound over a panel of half-length l for a function whose logarithm is at most `most(r)` in the disc of
/// radius r around its middle; infinite where that is not known.
pub fn left_out(half: f64, most: impl Fn(f64) -> f64) -> f64 {
    let of = |ratio: f64| {
        let radius = 0.5 * half * (ratio + 1.0 / ratio);
        most(radius) + libm::log(8.0 * half / (ratio - 1.0)) - (2 * POINTS - 1) as f64 * libm::log(ratio)
    };
    RATIOS.iter().map(|ratio| of(*ratio)).fold(f64::INFINITY, f64::min)
}
