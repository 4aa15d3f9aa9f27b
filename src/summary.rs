//! The result of a run in a dozen lines, for people.

use crate::config::{Config, StepSize};
use crate::limit::iterate::{Share, Stationarity};
use crate::limit::monte_carlo::Estimate;
use crate::limit::test_error::Regime;
use crate::outcome::{Outcome, SlidingReport, TestError};
use crate::prediction::margin_text;
use crate::problem::Problem;
use crate::record::Real;
use std::fmt::Write;
use std::path::Path;

/// The summary of a run that took `seconds` and left its files in `folder`.
pub fn run(problem: &Problem, config: &Config, outcome: &Outcome, folder: &Path, seconds: f64) -> String {
    let mut out = String::new();
    for (name, text) in [
        ("problem", problem_line(problem, config)),
        ("descent", descent_line(outcome, seconds)),
        ("precision", precision_line(outcome)),
        ("state", state_line(outcome)),
        ("pattern", pattern_line(problem, outcome)),
        ("limit", limit_line(outcome)),
        ("sliding", sliding_lines(outcome)),
        ("direction", direction_line(outcome)),
        ("gradient", gradient_line(outcome)),
        ("KKT", stationarity_line(outcome)),
        ("labels", training_line(outcome)),
        ("test error", error_line(outcome)),
        ("files", folder.display().to_string()),
    ] {
        if !text.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:>10}  {text}");
        }
    }
    out
}

/// A count of steps: `1000000`, or `1.000e12` beyond nine digits.
fn steps(t: f64) -> String {
    if t < 1e9 { format!("{t}") } else { format!("{t:.3e}") }
}

/// Six decimals, or seven digits beyond nine places.
fn decimals(v: f64) -> String {
    if v.abs() < 1e9 { format!("{v:.6}") } else { format!("{v:.6e}") }
}

/// The angle of a cosine gap, in radians.
fn angle(gap: f64) -> f64 {
    2.0 * (0.5 * gap).sqrt().min(1.0).asin()
}

/// The data, the network and the step.
pub fn problem_line(problem: &Problem, config: &Config) -> String {
    let (n, d) = (problem.data.x.rows(), problem.data.x.cols());
    let net = &problem.network;
    let positive = problem.data.y.iter().filter(|y| **y > 0.0).count();
    let auto = if config.descent.step_size == StepSize::Auto { " (auto)" } else { "" };
    format!(
        "n = {n} ({positive} positive), d = {d}, width {} ({} positive), leak {}; α = {:e}{auto}, {} of losses",
        net.width, net.positive, net.leak, problem.step_size, config.descent.reduction
    )
}

fn descent_line(outcome: &Outcome, seconds: f64) -> String {
    let how = match outcome.status {
        "tolerance" => "certified angle below the tolerance",
        "diverged" => "DIVERGED: a smaller descent.step_size is needed",
        "not_separable" => "NOT SEPARABLE by this network in the reached pattern",
        "interrupted" => "interrupted",
        _ => "horizon reached",
    };
    let part = |s: &crate::outcome::SegmentReport| {
        format!("{} {} to {} ({} steps, {:.2} s)", s.engine, s.precision, steps(s.to.0), s.steps_taken, s.seconds.0)
    };
    let parts: Vec<String> = outcome.segments.iter().map(part).collect();
    let parts = match &parts[..] {
        [first, .., last] if parts.len() > 4 => format!("{first} … {} more … {last}", parts.len() - 2),
        _ => parts.join(", "),
    };
    let remark = outcome.remark.as_ref().map(|r| format!("; {r}")).unwrap_or_default();
    format!("t = {}, {how}, in {seconds:.2} s: {parts}{remark}", steps(outcome.steps.0))
}

/// What is known of rounding, where products are not all in f64.
fn precision_line(outcome: &Outcome) -> String {
    let p = &outcome.precision;
    let (Some(largest), Some(lost)) = (p.largest_drift, p.lost_fraction) else { return String::new() };
    let mut parts = vec![format!("margins off by at most {:.1e}", largest.0)];
    if p.anchors > 0 {
        parts.push(format!("anchored {} times", p.anchors));
    }
    parts.push(match (p.first_lost, p.half_lost) {
        (None, _) => "no update lost".into(),
        (Some(first), None) => format!("updates lost from t = {}, {:.2} % now", steps(first.0), 100.0 * lost.0),
        (Some(first), Some(half)) => {
            let (first, half) = (steps(first.0), steps(half.0));
            format!("updates lost from t = {first}, half of them from t = {half}, {:.2} % now", 100.0 * lost.0)
        }
    });
    if let Some(t) = p.escalated_at {
        parts.push(format!("gone over to f64 at t = {}", steps(t.0)));
    }
    format!("{}: {}", p.requested, parts.join(", "))
}

fn state_line(outcome: &Outcome) -> String {
    let Outcome { log_loss, min_margin, weight_norm, train_error, .. } = outcome;
    format!(
        "log L = {}, min margin {}, ‖W‖ = {}, train error {}",
        decimals(log_loss.0),
        decimals(min_margin.0),
        decimals(weight_norm.0),
        (1e4 * train_error.0).round() / 1e4
    )
}

fn pattern_line(problem: &Problem, outcome: &Outcome) -> String {
    let p = &outcome.pattern;
    let agreement = match p.sign_agreement.0 {
        1.0 => "fully activated".to_string(),
        share => format!("{:.2} % activated", 100.0 * share),
    };
    let state = match p.state {
        "proved" => "final: proved (positive correlation)",
        "observed" => "final as far as observed",
        "sliding" => "neurons chatter for ever, their limit is known",
        _ => "unsettled: it may still change",
    };
    let last = if p.flips == 0 {
        "no flips".into()
    } else {
        format!("{} flips, last at t = {}", p.flips, steps(p.last_flip.0))
    };
    format!("{agreement} ({} x {} bits, {last}); {state}", problem.data.y.len(), problem.network.width)
}

fn limit_line(outcome: &Outcome) -> String {
    let bounds = outcome.margin_interval;
    match (outcome.max_margin, outcome.rate_exponent) {
        (Some(margin), Some(nu)) => format!(
            "max margin γ* = {}, consistent; the iterate has {:.9e}; rate exponent ν = {:.4}",
            margin_text(margin.0, bounds.map_or((margin.0, margin.0), |(low, high)| (low.0, high.0))),
            outcome.normalized_margin.0,
            nu.0
        ),
        _ => match outcome.farkas_value {
            Some(Real(value)) => format!(
                "none: moved by {value:.1e} of their lengths the features cancel exactly, with weights λ ≥ 0, Σλ = 1 \
                 (farkas.npy)"
            ),
            None => "none known for the present pattern".into(),
        },
    }
}

/// Most pairs that are listed.
const LISTED: usize = 8;

/// The pairs that slide: what the limit predicts, and what steps have shown.
fn sliding_lines(outcome: &Outcome) -> String {
    let pairs = &outcome.pattern.sliding;
    let line = |p: &SlidingReport| {
        let observed = p.fraction_observed.map_or(String::new(), |f| format!(", {:.4} observed", f.0));
        format!(
            "sample {}, {} neurons of sign {:+}: slope {:.4}, fraction {:.4} predicted{observed}; λ = {:.4e}, α c t ℓ = {:.4e}",
            p.sample, p.neurons, p.sign, p.slope.0, p.fraction_predicted.0, p.dual.0, p.scaled_loss.0
        )
    };
    let mut lines: Vec<String> = pairs.iter().take(LISTED).map(line).collect();
    if pairs.len() > LISTED {
        lines.push(format!("and {} more", pairs.len() - LISTED));
    }
    lines.join("\n            ")
}

fn direction_line(outcome: &Outcome) -> String {
    let certified = match outcome.certified_cosine_gap {
        Some(gap) => format!("certified ≤ {:.6} rad without using the limit", angle(gap.0)),
        None => "no certificate yet (a margin is not positive)".into(),
    };
    let exact = match outcome.cosine_gap {
        Some(gap) => format!("angle(W, Ŵ) = {:.6} rad (1 − cos = {:.4e}), ", angle(gap.0), gap.0),
        None => String::new(),
    };
    let next = match outcome.next_decimal_at {
        Some(Real(t)) if t.is_finite() => format!("; 1 − cos falls to a tenth at t ≈ {t:.1e}"),
        _ => String::new(),
    };
    format!("{exact}{certified}{next}")
}

fn gradient_line(outcome: &Outcome) -> String {
    match (outcome.gradient_cosine_gap, outcome.dual_gap) {
        (Some(gap), Some(dual)) => {
            format!("1 − cos(−∇L, Ŵ) = {:.4e}, dual gap max |α c t ℓ_i − λ_i|/max λ = {:.4e}", gap.0, dual.0)
        }
        _ => String::new(),
    }
}

fn stationarity_line(outcome: &Outcome) -> String {
    outcome.stationarity.as_ref().map(stationarity_text).unwrap_or_default()
}

/// Lyu and Li's residuals, which need no settled pattern.
pub fn stationarity_text(s: &Stationarity) -> String {
    let (epsilon, delta) = (s.epsilon, s.delta);
    format!("W/q_min is an (ε, δ)-KKT point with ε = {epsilon:.4e} ‖W‖/q_min, δ = {delta:.4e} (‖W‖/q_min)²")
}

/// Clean and flipped samples apart, where some are flipped.
fn training_line(outcome: &Outcome) -> String {
    let share = |name: &str, s: &Share| {
        let dual = s.dual.map(|v| format!(", Σλ = {v:.4}")).unwrap_or_default();
        let (least, mean, error) = (s.min_margin, s.mean_margin, s.train_error);
        format!("{} {name}: margins from {least:.4}, mean {mean:.4}{dual}, train error {error}", s.samples)
    };
    match &outcome.training {
        Some(t) if t.flipped.samples > 0 => {
            format!("{}; {}", share("clean", &t.clean), share("flipped", &t.flipped))
        }
        _ => String::new(),
    }
}

fn error_line(outcome: &Outcome) -> String {
    outcome.test_error.as_ref().map(error_text).unwrap_or_default()
}

/// Test error of the limit, of the best boundary, and as predicted to leading order.
pub fn error_text(e: &TestError) -> String {
    let exact = |value: Option<Real>, log10: Option<Real>| Some(probability(value?.0, log10?.0));
    let limit = exact(e.limit, e.log10_limit).or_else(|| e.sampled.as_ref().map(interval));
    let limit = limit.map(|text| format!("limit {text}, ")).unwrap_or_default();
    let bayes = exact(e.bayes, e.log10_bayes).map(|text| format!("Bayes {text}, ")).unwrap_or_default();
    let iterate = e.iterate.as_ref().map(|s| format!(", the iterate {}", interval(s))).unwrap_or_default();
    let predicted = probability(e.predicted.0, e.log10_predicted.0);
    let regime = match e.regime {
        Regime::Weak => "weak",
        Regime::Strong => "strong",
    };
    format!("{limit}{bayes}predicted {predicted}{iterate}; {regime} signal (n‖μ‖²/tr Σ = {:.3})", e.signal_ratio.0)
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
