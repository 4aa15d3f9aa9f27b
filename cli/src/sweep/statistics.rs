//! Mean, spread and quantiles of a few numbers.
//!
//! ```text
//! mean = Σx/k,   sd² = Σ(x − mean)²/(k − 1),   se = sd/√k
//! q-quantile of the sorted numbers: at place (k − 1)q, linear between neighbours
//! ```

/// Statistics of numbers of which none is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// How many.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation, for at least two.
    pub sd: Option<f64>,
    /// Standard error of the mean, for at least two.
    pub se: Option<f64>,
    /// The quantiles at 1/2, 0.05 and 0.95.
    pub quantiles: [f64; 3],
}

/// Names of the columns that [`Statistics::fields`] fills.
pub const NAMES: [&str; 7] = ["count", "mean", "sd", "se", "median", "q05", "q95"];

impl Statistics {
    /// Of numbers in a fixed order, NaN left out; none for none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let kept: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        let count = kept.len();
        if count == 0 {
            return None;
        }
        let mean = kept.iter().sum::<f64>() / count as f64;
        let squares: f64 = kept.iter().map(|v| (v - mean) * (v - mean)).sum();
        let sd = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
        let mut sorted = kept;
        sorted.sort_by(f64::total_cmp);
        let quantiles = [0.5, 0.05, 0.95].map(|q| quantile(&sorted, q));
        Some(Self { count, mean, sd, se: sd.map(|sd| sd / (count as f64).sqrt()), quantiles })
    }

    /// The count, and the others in the order of [`NAMES`].
    pub fn fields(&self) -> (usize, [Option<f64>; 6]) {
        let [median, low, high] = self.quantiles.map(Some);
        (self.count, [Some(self.mean), self.sd, self.se, median, low, high])
    }
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * q;
    let (low, part) = (place.floor() as usize, place.fract());
    let (a, b) = (sorted[low], sorted[(low + 1).min(sorted.len() - 1)]);
    // equal ends may be infinite
    if part == 0.0 || a == b { a } else { part.mul_add(b - a, a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_few() {
        let s = Statistics::of(&[4.0, 1.0, f64::NAN, 3.0, 2.0]).unwrap();
        assert_eq!((s.count, s.mean, s.quantiles[0]), (4, 2.5, 2.5));
        assert_eq!(s.sd, Some((5.0f64 / 3.0).sqrt()));
        assert_eq!(s.se, Some((5.0f64 / 3.0).sqrt() / 2.0));
        let many = Statistics::of(&std::array::from_fn::<f64, 21, _>(|k| (20 - k) as f64)).unwrap();
        assert_eq!(many.quantiles, [10.0, 1.0, 19.0]);
        let quarter = quantile(&[1.0, 3.0, 4.0], 0.25);
        assert_eq!(quarter, 2.0, "halfway between neighbours");
        let one = Statistics::of(&[f64::NEG_INFINITY]).unwrap();
        assert_eq!((one.mean, one.sd, one.quantiles[1]), (f64::NEG_INFINITY, None, f64::NEG_INFINITY));
        assert_eq!(Statistics::of(&[f64::NAN]), None);
    }
}
