//! The scale of a map: which part of its colours a number has.
//!
//! ```text
//! even     (v − low)/(high − low)
//! bent     1 − log(1 + high − v)/log(1 + high − low)
//! ```
//!
//! Errors from ½ down to 10^(−2000) are on a bent one: 10^(−1), 10^(−10) and 10^(−100) are told apart, and so are those below.

use super::axis::{Axis, Scale, Tick, ten};

/// A scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Shades {
    /// What the numbers are, and their ends.
    pub axis: Axis,
    /// Whether it is bent.
    pub bent: bool,
}

/// Decades from which on a scale is bent.
const MANY: f64 = 30.0;

impl Shades {
    /// A scale whose ends are those of the numbers.
    pub fn around(label: &str, scale: Scale, values: &[f64]) -> Self {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        let axis = Axis::around(label, scale, values.iter().copied());
        let bent = axis.scale == Scale::Decades && high - low > MANY && high < 1.0;
        let axis = if low < high { Axis { range: (low, high), ..axis } } else { axis };
        Self { axis, bent }
    }

    /// The part of its colours that a number has, 0 to 1 between the ends.
    pub fn place(&self, v: f64) -> f64 {
        let (low, high) = self.axis.range;
        match self.bent {
            true => 1.0 - libm::log1p((high - v).max(0.0)) / libm::log1p(high - low),
            false => self.axis.place(v),
        }
    }

    /// Ticks within the ends, about `count`.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        let (low, high) = self.axis.range;
        if !self.bent {
            let inside = |t: &Tick| (0.0..=1.0).contains(&self.axis.place(t.at));
            return self.axis.ticks(count).into_iter().filter(inside).collect();
        }
        let powers = (0..9).flat_map(|k| [1.0, 2.0, 5.0].map(|digit| -digit * libm::pow(10.0, f64::from(k))));
        let mut ticks: Vec<Tick> = Vec::new();
        for at in powers.filter(|at| (low..=high).contains(at)) {
            let apart = |last: &Tick| self.place(last.at) - self.place(at) > 0.8 / count.max(1) as f64;
            if ticks.last().is_none_or(apart) {
                ticks.push(Tick { at, label: ten(at) });
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_scale_tells_errors_apart() {
        let shades = Shades::around("", Scale::Decades, &[-0.3, -1e5]);
        assert!(shades.bent);
        assert_eq!((shades.place(-0.3), shades.place(-1e5)), (1.0, 0.0));
        let places: Vec<f64> = [-1.0, -10.0, -100.0, -1000.0].iter().map(|v| shades.place(*v)).collect();
        assert!(places.windows(2).all(|w| w[0] - w[1] > 0.1), "{places:?}");
        let labels: Vec<String> = shades.ticks(10).into_iter().map(|t| t.label).collect();
        assert!(labels.contains(&"10⁻¹⁰⁰⁰⁰⁰".to_string()) || labels.contains(&"10⁻⁵⁰⁰⁰⁰".to_string()), "{labels:?}");
        assert!(labels.len() > 4 && labels.len() <= 13, "{labels:?}");
    }

    #[test]
    fn an_even_scale_ends_at_the_numbers() {
        let shades = Shades::around("", Scale::Linear, &[2.0, 4.0, 3.0]);
        assert_eq!((shades.bent, shades.place(2.0), shades.place(3.0), shades.place(4.0)), (false, 0.0, 0.5, 1.0));
    }
}
