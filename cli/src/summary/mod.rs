//! Results in words, for people.

pub mod check;
pub mod limit;
pub mod run;

use crate::config::Config;
use farfield::{Estimate, Hold, Problem, Reduction, Regime, Remark, Stationarity, StepSize, TestError};

/// A count of steps: `1000000`, or `1.000e12` beyond nine digits.
pub fn steps(t: f64) -> String {
    if t < 1e9 { format!("{t}") } else { format!("{t:.3e}") }
}

/// Six decimals, or seven digits beyond nine places.
pub fn decimals(v: f64) -> String {
    if v.abs() < 1e9 { format!("{v:.6}") } else { format!("{v:.6e}") }
}

/// As many digits of γ* as its proved bounds leave no doubt of, 16 at most; in powers of ten only where it is tiny
/// or huge.
pub fn margin_text(value: f64, (low, high): (f64, f64)) -> String {
    let width = (high - low) / value;
    let digits = if width > 0.0 { (-width.log10()).floor().clamp(1.0, 16.0) as i32 } else { 16 };
    let places = digits - 1 - value.log10().floor() as i32;
    if (1e-4..1e9).contains(&value) && places >= 0 {
        format!("{value:.*}", places as usize)
    } else {
        format!("{value:.*e}", (digits - 1) as usize)
    }
}

/// The data, the network and the step.
pub fn problem_line(problem: &Problem, config: &Config) -> String {
    let (n, d) = (problem.data.n(), problem.data.dimensions());
    let net = &problem.network;
    let positive = problem.data.y().iter().filter(|y| **y > 0.0).count();
    let auto = if config.descent.step_size == StepSize::Auto { " (auto)" } else { "" };
    let reduction = match config.descent.reduction {
        Reduction::Sum => "sum",
        Reduction::Mean => "mean",
    };
    format!(
        "n = {n} ({positive} positive), d = {d}, width {} ({} positive), leak {}; α = {:e}{auto}, {} of losses",
        net.width, net.positive, net.leak, problem.step_size, reduction
    )
}

/// Lyu and Li's residuals, which need no settled pattern.
pub fn stationarity_text(s: &Stationarity) -> String {
    let (epsilon, delta) = (s.epsilon, s.delta);
    format!("W/q_min is an (ε, δ)-KKT point with ε = {epsilon:.4e} ‖W‖/q_min, δ = {delta:.4e} (‖W‖/q_min)²")
}

/// Test error of the limit, of the best boundary, and as predicted to leading order.
pub fn error_text(e: &TestError) -> String {
    let exact = |value: Option<f64>, log10: Option<f64>| Some(probability(value?, log10?));
    let limit = exact(e.limit, e.log10_limit).or_else(|| e.sampled.as_ref().map(interval));
    let limit = limit.map(|text| format!("limit {text}, ")).unwrap_or_default();
    let bayes = exact(e.bayes, e.log10_bayes).map(|text| format!("Bayes {text}, ")).unwrap_or_default();
    let iterate = e.iterate.as_ref().map(|s| format!(", the iterate {}", interval(s))).unwrap_or_default();
    let predicted = probability(e.predicted, e.log10_predicted);
    let regime = match e.regime {
        Regime::Weak => "weak",
        Regime::Strong => "strong",
    };
    format!("{limit}{bayes}predicted {predicted}{iterate}; {regime} signal (n‖μ‖²/tr Σ = {:.3})", e.signal_ratio)
}

/// A sampled error with its 95 % interval.
fn interval(e: &Estimate) -> String {
    if e.value == 0.0 {
        return format!("below {:.1e} (95 %, no error in {} points)", e.high, e.samples);
    }
    format!("{:.3e} (95 %: {:.1e} to {:.1e}, {} points)", e.value, e.low, e.high, e.samples)
}

/// A probability, by its logarithm where it is too small to print otherwise.
pub fn probability(value: f64, log10: f64) -> String {
    if log10 > -300.0 { format!("{value:.4e}") } else { format!("10^{log10:.3}") }
}

/// Why a run is not as fast, or not as exact, as was asked for, or why its limit is not known.
pub fn remark_text(remark: &Remark) -> String {
    const CHATTER: &str = "neurons change sides every few steps";
    match *remark {
        Remark::Held(Hold::Off) => "warp is off".into(),
        Remark::Held(Hold::Flips) => CHATTER.into(),
        Remark::Held(Hold::Early) => "too early for warp".into(),
        Remark::Held(Hold::Near) => "a neuron is about to change sides".into(),
        Remark::Held(Hold::Rough(t)) => {
            format!("{CHATTER}, and it is too early for their averages before t ≈ {t:.0e}")
        }
        Remark::Escalated { at, drift } => {
            format!("f64 from t = {at}: in mixed precision the margins drifted by {drift:.1e}")
        }
        Remark::Lost { first, half } => {
            let half = half.map(|t| format!(", half of them from t = {t} on")).unwrap_or_default();
            format!("updates are lost in rounding, the first at t = {first}{half}")
        }
        Remark::OtherSides { pairs } => format!(
            "the limit for the present sides of the neurons has other sides at {pairs} pairs (sample, neuron): they \
             still have to change"
        ),
        Remark::SidesNotSeparable => "the present sides of the neurons do not separate the data".into(),
        Remark::SidesUndecided => {
            "whether the present sides of the neurons separate the data is undecided".into()
        }
    }
}
