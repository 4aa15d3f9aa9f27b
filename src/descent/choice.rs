//! Direct or in the span of the data: a cost model.
//!
//! ```text
//! direct:  steps · max(8nd / bandwidth, 4nd·min(m,2) / flops)                tied neurons, X read once
//! gram:    n²d / flops + 64 · 2n²m / flops + exact steps · (4n² / cache + n·exp)
//! ```
//!
//! K costs about as much as n/8 direct steps; after that d is gone. With warp the exact steps are those
//! until the modified field is accurate, a few thousand at most, however far the horizon. The model is a
//! function of the problem alone, so that the choice, and with it the bits, do not depend on the machine.

/// Multiply-adds in dense products, floating-point operations per second: two threads of a small server.
const FLOPS: f64 = 50e9;

/// Bytes per second from main memory, where X does not fit the cache.
const MEMORY: f64 = 20e9;

/// Bytes per second from the caches.
const CACHE: f64 = 60e9;

/// Bytes of X above which it is read from main memory.
const LARGE: f64 = 32e6;

/// Seconds for one exponential.
const EXPONENTIAL: f64 = 5e-9;

/// General steps before the pattern settles.
const UNSETTLED: f64 = 64.0;

/// Exact steps until warp takes over.
const UNTIL_WARP: f64 = 4000.0;

/// The most samples for which K (8n² bytes, 0.5 GB) is held in memory and the limit, of cost n³, is
/// solved. Beyond, only certificates that need no limit are available.
pub const LARGEST: usize = 8192;

/// A way to hold the iterate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// W itself, X read at every step.
    Direct,
    /// Coefficients of the samples, K in place of X.
    Gram,
}

/// The estimated seconds of both ways for n samples in d dimensions, m neurons and this many steps.
pub fn costs(n: usize, d: usize, m: usize, steps: f64, warp: bool) -> [(Way, f64); 2] {
    let (samples, size, width) = (n as f64, n as f64 * d as f64, m as f64);
    let bandwidth = if 8.0 * size > LARGE { MEMORY } else { CACHE };
    let direct = steps * (8.0 * size / bandwidth).max(4.0 * size * width.min(2.0) / FLOPS);
    let exact = if warp { steps.min(UNTIL_WARP) } else { steps };
    let general = steps.min(UNSETTLED) * 2.0 * samples * samples * width / FLOPS;
    let settled = exact * (4.0 * samples * samples / CACHE + samples * EXPONENTIAL);
    let gram = samples * size / FLOPS + general + settled;
    [(Way::Direct, direct), (Way::Gram, gram)]
}

/// The cheaper way; direct where K would be too large.
pub fn choose(n: usize, d: usize, m: usize, steps: f64, warp: bool) -> Way {
    let [(_, direct), (_, gram)] = costs(n, d, m, steps, warp);
    if n > LARGEST || direct <= gram { Way::Direct } else { Way::Gram }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_and_long_horizons_use_k() {
        assert_eq!(choose(100, 10_000, 10, 1e6, false), Way::Gram);
        assert_eq!(choose(100, 10_000, 10, 1e12, true), Way::Gram);
        assert_eq!(choose(5000, 50, 8, 1e12, true), Way::Gram);
    }

    #[test]
    fn few_steps_and_many_samples_use_x() {
        assert_eq!(choose(100, 10_000, 10, 5.0, true), Way::Direct);
        assert_eq!(choose(5000, 50, 8, 1e6, false), Way::Direct);
        assert_eq!(choose(1_000_000, 50, 8, 1e12, true), Way::Direct);
    }
}
