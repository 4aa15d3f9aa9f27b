//! Axes: which part of the numbers is shown, and where its ticks stand.
//!
//! A logarithmic axis is a linear one of log₁₀, with labels 10ᵏ: it holds 300 decades of t, and errors of 10^(−100000) that no
//! number holds.
//!
//! ```text
//! linear    steps of 1, 2, 5·10^k, the least that leaves at most COUNT ticks
//! decades   10^k at whole k, steps of 1, 2, 5, 10, …; below two decades also 2 and 5 times them; below a third of one,
//!           linear steps of the exponent
//! names     one place each
//! ```

/// What the numbers of an axis are.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// Themselves.
    Linear,
    /// log₁₀ of what is meant.
    Decades,
    /// Places 0, 1, … with names.
    Names(Vec<String>),
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows, in the field's words.
    pub label: String,
    /// What its numbers are.
    pub scale: Scale,
    /// Its ends, the second the larger one.
    pub range: (f64, f64),
}

/// A tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where.
    pub at: f64,
    /// What stands there; empty for a small one.
    pub label: String,
}

impl Axis {
    /// An axis that shows all of these numbers, with a margin; those that are not finite count for nothing.
    pub fn around(label: &str, scale: Scale, values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let range = match &scale {
            Scale::Names(names) => (-0.5, names.len() as f64 - 0.5),
            _ if low > high => (0.0, 1.0),
            Scale::Decades if high - low < 1e-9 => (low - 0.5, high + 0.5),
            Scale::Linear if high - low <= 1e-12 * low.abs().max(high.abs()) => {
                let part = if low == 0.0 { 1.0 } else { 0.05 * low.abs() };
                (low - part, high + part)
            }
            _ => (low - 0.04 * (high - low), high + 0.04 * (high - low)),
        };
        Self { label: label.into(), scale, range }
    }

    /// Where a number stands, 0 at the first end, 1 at the second.
    pub fn place(&self, v: f64) -> f64 {
        (v - self.range.0) / (self.range.1 - self.range.0)
    }

    /// Ticks with labels, about `count` or fewer, and small ones.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        match &self.scale {
            Scale::Linear => linear(self.range, count),
            Scale::Decades => decades(self.range, count),
            Scale::Names(names) => {
                let tick = |(k, name): (usize, &String)| Tick { at: k as f64, label: name.clone() };
                names.iter().enumerate().map(tick).collect()
            }
        }
    }
}

/// The least of 1, 2, 5·10^k with which at most `count` ticks lie in a range.
fn step(length: f64, count: usize) -> f64 {
    let rough = length / count.max(1) as f64;
    let power = libm::pow(10.0, rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|f| f * power).into_iter().find(|s| *s >= rough * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// Multiples of a step within a range.
fn multiples((low, high): (f64, f64), step: f64) -> impl Iterator<Item = f64> {
    let slack = 1e-9 * (high - low);
    let (first, last) = (((low - slack) / step).ceil() as i64, ((high + slack) / step).floor() as i64);
    (first..=last).map(move |k| k as f64 * step)
}

fn linear(range: (f64, f64), count: usize) -> Vec<Tick> {
    let step = step(range.1 - range.0, count);
    let largest = range.0.abs().max(range.1.abs());
    multiples(range, step).map(|at| Tick { at, label: plain(at, step, largest) }).collect()
}

/// A number with as many digits as a step needs; beyond 10⁵ or below 10⁻⁴ as a·10ᵏ.
fn plain(v: f64, step: f64, largest: f64) -> String {
    if (1e-4..1e5).contains(&largest) {
        let digits = (-(step * 1.000001).log10().floor()).max(0.0) as usize;
        return signed(&format!("{v:.digits$}"));
    }
    if v == 0.0 {
        return "0".into();
    }
    // the same power for all
    let power = (largest * (1.0 + 1e-12)).log10().floor();
    let digits = (power - (step * 1.000001).log10().floor()).clamp(0.0, 15.0) as usize;
    format!("{}·{}", signed(&format!("{:.digits$}", v / libm::pow(10.0, power))), ten(power))
}

/// With a true minus, and none before 0.
fn signed(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().any(|c| ('1'..='9').contains(&c)) => format!("−{rest}"),
        Some(rest) => rest.into(),
        None => text.into(),
    }
}

/// 10ᵏ in print.
pub fn ten(k: f64) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '.' => '·',
        _ => c.to_digit(10).map_or(c, |d| ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][d as usize]),
    };
    let digits = if k.fract() == 0.0 { format!("{k:.0}") } else { format!("{k}") };
    format!("10{}", digits.chars().map(raised).collect::<String>())
}

fn decades((low, high): (f64, f64), count: usize) -> Vec<Tick> {
    let length = high - low;
    if length < 0.3 {
        let step = step(length, count.min(5));
        let digits = (-(step * 1.000001).log10().floor()).max(0.0) as usize;
        let exponent = |at: f64| format!("{at:.digits$}").parse().unwrap_or(at);
        return multiples((low, high), step).map(|at| Tick { at, label: ten(exponent(at)) }).collect();
    }
    let step = step(length, count).max(1.0);
    let mut ticks: Vec<Tick> = multiples((low, high), step).map(|at| Tick { at, label: ten(at) }).collect();
    if step == 1.0 && length <= 12.0 {
        for k in low.floor() as i64..=high.floor() as i64 {
            for digit in 2..10 {
                let at = k as f64 + f64::from(digit).log10();
                let named = length < 2.0 && (digit == 2 || digit == 5);
                let label = if named { format!("{digit}·{}", ten(k as f64)) } else { String::new() };
                if low <= at && at <= high {
                    ticks.push(Tick { at, label });
                }
            }
        }
    } else if step > 1.0 && step <= 10.0 {
        let small = multiples((low, high), 1.0).filter(|at| at.rem_euclid(step) != 0.0);
        ticks.extend(small.map(|at| Tick { at, label: String::new() }));
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, range: (f64, f64), count: usize) -> Vec<String> {
        let axis = Axis { label: String::new(), scale, range };
        axis.ticks(count).into_iter().map(|t| t.label).filter(|l| !l.is_empty()).collect()
    }

    #[test]
    fn ticks_of_numbers() {
        assert_eq!(labels(Scale::Linear, (-0.02, 1.02), 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Scale::Linear, (-3.0, 7.0), 5), ["−2", "0", "2", "4", "6"]);
        assert_eq!(labels(Scale::Linear, (0.0, 8e5), 5), ["0", "2·10⁵", "4·10⁵", "6·10⁵", "8·10⁵"]);
        assert_eq!(labels(Scale::Linear, (0.0, 2.4e-7), 3), ["0", "1·10⁻⁷", "2·10⁻⁷"]);
        assert_eq!(labels(Scale::Linear, (0.0, 1.7e5), 4), ["0", "0.5·10⁵", "1.0·10⁵", "1.5·10⁵"]);
        assert_eq!(labels(Scale::Linear, (0.9999, 1.0001), 3), ["0.9999", "1.0000", "1.0001"]);
    }

    #[test]
    fn ticks_of_decades() {
        assert_eq!(labels(Scale::Decades, (0.0, 6.0), 8), ["10⁰", "10¹", "10²", "10³", "10⁴", "10⁵", "10⁶"]);
        assert_eq!(
            labels(Scale::Decades, (-12.0, 312.0), 8),
            ["10⁰", "10⁵⁰", "10¹⁰⁰", "10¹⁵⁰", "10²⁰⁰", "10²⁵⁰", "10³⁰⁰"]
        );
        let far = labels(Scale::Decades, (-1.1e5, 0.0), 4);
        assert_eq!(far, ["10⁻¹⁰⁰⁰⁰⁰", "10⁻⁵⁰⁰⁰⁰", "10⁰"]);
        assert_eq!(labels(Scale::Decades, (-3.5, -2.2), 6), ["10⁻³", "5·10⁻⁴", "2·10⁻³", "5·10⁻³"]);
        assert_eq!(labels(Scale::Decades, (2.11, 2.29), 4), ["10²·¹⁵", "10²·²", "10²·²⁵"]);
        let small = Axis { label: String::new(), scale: Scale::Decades, range: (0.0, 30.0) }.ticks(8);
        assert_eq!(small.len(), 31, "a small one at each whole k");
    }

    #[test]
    fn ranges() {
        let of = |scale, values: &[f64]| Axis::around("", scale, values.iter().copied()).range;
        assert_eq!(of(Scale::Linear, &[0.0, f64::NAN, 1.0, f64::INFINITY]), (-0.04, 1.04));
        assert_eq!(of(Scale::Decades, &[3.0]), (2.5, 3.5));
        assert_eq!(of(Scale::Linear, &[2.0, 2.0]), (1.9, 2.1));
        assert_eq!(of(Scale::Linear, &[0.0]), (-1.0, 1.0));
        assert_eq!(of(Scale::Linear, &[]), (0.0, 1.0));
        assert_eq!(of(Scale::Names(vec!["a".into(), "b".into()]), &[]), (-0.5, 1.5));
    }
}
