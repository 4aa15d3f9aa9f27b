//! A probability that is estimated from a count.
//!
//! It comes with the interval of Clopper and Pearson (1934), which covers with at least the
//! stated probability and is never a bare 0: k errors in N points,
//!
//! ```text
//! low:  P(Bin(N, low) ≥ k) = α/2,    high:  P(Bin(N, high) ≤ k) = α/2
//! ```

use serde::{Deserialize, Serialize};

/// One minus the coverage of the interval.
const ALPHA: f64 = 0.05;

/// An error estimated from a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Errors divided by points.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Number of points; 0 where the error and its interval are computed, not sampled ([`super::along`]).
    pub samples: u64,
}

impl Estimate {
    /// The estimate and interval from `errors` among `samples ≥ 1` points.
    pub fn new(errors: u64, samples: u64) -> Self {
        let (k, n) = (errors as f64, samples as f64);
        // P(Bin(N,p) ≥ k) = I_p(k, N−k+1)
        let low = if errors == 0 { 0.0 } else { quantile(k, n - k + 1.0, 0.5 * ALPHA) };
        let high = if errors == samples { 1.0 } else { quantile(k + 1.0, n - k, 1.0 - 0.5 * ALPHA) };
        Self { value: k / n, low, high, samples }
    }
}

/// The p with `I_p(a,b) = target`, by bisection to the last bit.
fn quantile(a: f64, b: f64, target: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if incomplete_beta(middle, a, b) < target { low = middle } else { high = middle }
    }
}

/// The regularized incomplete beta function `I_x(a,b)`, `a, b ≥ 1`, by its continued fraction (Lentz).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    libm::exp(log_front) * beta_fraction(x, a, b) / a
}

/// The continued fraction of `I_x(a,b)`, for `x ≤ (a+1)/(a+b+2)` (Lentz).
pub(super) fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let guard = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    // O(√max(a,b)) terms are needed
    for k in 1..100_000 {
        let m = f64::from(k);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for numerator in [even, odd] {
            d = 1.0 / guard(1.0 + numerator * d);
            c = guard(1.0 + numerator / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Binomial tails summed term by term.
    fn at_least(k: u64, n: u64, p: f64) -> f64 {
        let term = |i: u64| {
            let (i, n) = (i as f64, n as f64);
            let log = libm::lgamma(n + 1.0) - libm::lgamma(i + 1.0) - libm::lgamma(n - i + 1.0);
            libm::exp(log + i * libm::log(p) + (n - i) * libm::log1p(-p))
        };
        (k..=n).map(term).sum()
    }

    #[test]
    fn intervals_have_their_coverage() {
        for (k, n) in [(1, 10), (3, 17), (50, 100), (99, 100), (7, 2000)] {
            let e = Estimate::new(k, n);
            assert!((at_least(k, n, e.low) - 0.025).abs() < 1e-9, "{k} of {n}: {e:?}");
            assert!((at_least(k + 1, n, e.high) - 0.975).abs() < 1e-9, "{k} of {n}: {e:?}");
        }
        // k = 0: 1 − (α/2)^{1/N}
        let none = Estimate::new(0, 1000);
        assert_eq!((none.value, none.low), (0.0, 0.0));
        assert!((none.high + libm::expm1(libm::log(0.025) / 1000.0)).abs() < 1e-12);
        let all = Estimate::new(1000, 1000);
        assert_eq!((all.value, all.high), (1.0, 1.0));
        assert!((all.low + none.high - 1.0).abs() < 1e-12);
        // rare errors in very many points
        let rare = Estimate::new(100, 100_000_000);
        assert!(rare.low > 0.8e-6 && rare.high < 1.22e-6, "{rare:?}");
    }
}
