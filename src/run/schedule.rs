//! The monitored t: 0, 1, the powers `10^(k/per_decade)` below the horizon, and the horizon.
//!
//! Below 2⁵³ they are rounded to whole numbers, and each is visited once; they are found one by one, however many there
//! are. The times of gradient flow are real, and begin with the power of ten at or below its unit of time, if that is below 1.

use crate::number::COUNTABLE;

/// The most t in a decade: with more, neighbours would be as close as their rounding.
const FINEST: u64 = 1_000_000_000_000;

/// The most decades below 1.
const DEEPEST: f64 = 300.0;

/// The monitored t in order.
#[derive(Clone, Debug)]
pub struct Schedule {
    horizon: f64,
    per_decade: u128,
    k: u128,
    last: Option<f64>,
    below: Option<u32>, // of real times: decades below 1
}

impl Schedule {
    /// From the t of the schedule that comes next after `begun` on; from 0 if that is 0.
    pub fn new(horizon: f64, per_decade: u64, begun: f64) -> Self {
        Self::with(horizon, per_decade, begun, None)
    }

    /// For gradient flow with this unit of time.
    pub fn of_flow(horizon: f64, per_decade: u64, begun: f64, unit: f64) -> Self {
        Self::with(horizon, per_decade, begun, Some((-libm::log10(unit)).ceil().clamp(0.0, DEEPEST) as u32))
    }

    fn with(horizon: f64, per_decade: u64, begun: f64, below: Option<u32>) -> Self {
        let per_decade = per_decade.clamp(1, FINEST).into();
        let mut schedule = Self { horizon, per_decade, k: 0, last: None, below };
        if begun > 0.0 {
            schedule.last = Some(begun);
            schedule.pass(begun);
        }
        schedule
    }

    /// `10^(k/per_decade)`, of real times so many decades lower.
    fn power(&self, k: u128) -> f64 {
        let decade = i32::try_from(k / self.per_decade).unwrap_or(i32::MAX) - self.below.unwrap_or(0) as i32;
        let part = (k % self.per_decade) as f64 / self.per_decade as f64;
        let t = format!("1e{decade}").parse::<f64>().expect("a power of ten") * libm::pow(10.0, part);
        if t < COUNTABLE && self.below.is_none() { t.round() } else { t }
    }

    /// Past the k whose t are at most `last`, but for a few that rounding may have misplaced.
    fn pass(&mut self, last: f64) {
        let whole = self.below.is_none() && last < COUNTABLE;
        let reach = libm::log10(if whole { last + 0.5 } else { last }) + f64::from(self.below.unwrap_or(0));
        let k = self.per_decade as f64 * reach * (1.0 - 1e-13) - 2.0;
        self.k = (self.k + 1).max(k.max(0.0) as u128);
    }
}

impl Iterator for Schedule {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let Some(last) = self.last else {
            self.last = Some(0.0);
            return self.last;
        };
        loop {
            let t = self.power(self.k);
            if t >= self.horizon {
                self.last = Some(self.horizon);
                return (last < self.horizon).then_some(self.horizon);
            }
            if t > last {
                (self.last, self.k) = (Some(t), self.k + 1);
                return self.last;
            }
            self.pass(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(horizon: f64, per_decade: u64) -> Vec<f64> {
        Schedule::new(horizon, per_decade, 0.0).collect()
    }

    #[test]
    fn schedules() {
        assert_eq!(schedule(0.0, 4), [0.0]);
        assert_eq!(schedule(1.0, 4), [0.0, 1.0]);
        assert_eq!(schedule(12.0, 4), [0.0, 1.0, 2.0, 3.0, 6.0, 10.0, 12.0]);
        let long = schedule(1e300, 4);
        assert_eq!((long.len(), long[long.len() - 1]), (1202, 1e300));
        assert!(long.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn however_fine_every_whole_t_comes_once() {
        for per_decade in [1000, 1_000_000_000_000, u64::MAX] {
            let first: Vec<f64> = Schedule::new(1e300, per_decade, 0.0).take(100).collect();
            assert_eq!(first, (0..100).map(f64::from).collect::<Vec<_>>(), "{per_decade}");
            let later = Schedule::new(1e300, per_decade, 1e4).next();
            assert!(later.is_some_and(|t| t > 1e4 && t < 1.003e4), "{per_decade}: {later:?}");
            let far = Schedule::new(1e300, per_decade, 1e299).next();
            assert!(far.is_some_and(|t| t > 1e299), "{per_decade}: {far:?}");
        }
    }

    #[test]
    fn times_of_the_flow_are_real() {
        let times: Vec<f64> = Schedule::of_flow(20.0, 2, 0.0, 0.05).collect();
        let powers = [0.0, 0.01, 0.1f64.powf(1.5), 0.1, 0.1f64.sqrt(), 1.0, 10f64.sqrt(), 10.0, 20.0];
        assert_eq!(times.len(), powers.len());
        assert!(times.iter().zip(powers).all(|(t, power)| (t - power).abs() <= 1e-15 * power), "{times:?}");
        for (at, begun) in times.iter().enumerate().skip(1) {
            assert_eq!(Schedule::of_flow(20.0, 2, *begun, 0.05).collect::<Vec<_>>(), times[at + 1..], "{begun}");
        }
        assert_eq!(Schedule::of_flow(3.0, 1, 0.0, 1e9).collect::<Vec<_>>(), [0.0, 1.0, 3.0]);
        assert_eq!(Schedule::of_flow(1e-9, 1, 0.0, 0.1).collect::<Vec<_>>(), [0.0, 1e-9]);
    }

    #[test]
    fn goes_on_where_it_was() {
        let whole = schedule(1e20, 3);
        for (at, begun) in whole.iter().enumerate().skip(1) {
            assert_eq!(Schedule::new(1e20, 3, *begun).collect::<Vec<_>>(), whole[at + 1..], "{begun}");
        }
    }
}
