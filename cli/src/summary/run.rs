//! The result of a run in a dozen lines, for people.

use super::{decimals, error_text, margin_text, problem_line, remark_text, stationarity_text, steps};
use crate::config::Config;
use farfield::{CertifiedFor, Outcome, PatternState, Problem, Segment, Share, SlidingSample, Status};
use std::fmt::Write;
use std::path::Path;

/// The summary of a run that took `seconds` and left its files in `folder`.
pub fn summary(problem: &Problem, config: &Config, outcome: &Outcome, folder: &Path, seconds: f64) -> String {
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

/// The angle of a cosine gap, in radians.
fn angle(gap: f64) -> f64 {
    2.0 * (0.5 * gap).sqrt().min(1.0).asin()
}

fn descent_line(outcome: &Outcome, seconds: f64) -> String {
    let how = match outcome.status {
        Status::Tolerance => "certified angle below the tolerance",
        Status::Diverged => "DIVERGED: a smaller descent.step_size is needed",
        Status::NotSeparable => "NOT SEPARABLE by this network in the reached pattern",
        Status::Interrupted => "interrupted",
        Status::Stopped => "stopped",
        Status::Horizon => "horizon reached",
    };
    let part = |s: &Segment| {
        format!("{} {} to {} ({} steps, {:.2} s)", s.engine, s.precision, steps(s.to), s.steps_taken, s.seconds)
    };
    let parts: Vec<String> = outcome.segments.iter().map(part).collect();
    let parts = match &parts[..] {
        [first, .., last] if parts.len() > 4 => format!("{first} … {} more … {last}", parts.len() - 2),
        _ => parts.join(", "),
    };
    let remark = outcome.remark.map(|r| format!("; {}", remark_text(&r))).unwrap_or_default();
    format!("t = {}, {how}, in {seconds:.2} s: {parts}{remark}", steps(outcome.steps))
}

/// What is known of rounding, where products are not all in f64.
fn precision_line(outcome: &Outcome) -> String {
    let p = &outcome.precision;
    let (Some(largest), Some(lost)) = (p.largest_drift, p.lost_fraction) else { return String::new() };
    let mut parts = vec![format!("margins off by at most {:.1e}", largest)];
    if p.anchors > 0 {
        parts.push(format!("anchored {} times", p.anchors));
    }
    parts.push(match (p.first_lost, p.half_lost) {
        (None, _) => "no update lost".into(),
        (Some(first), None) => format!("updates lost from t = {}, {:.2} % now", steps(first), 100.0 * lost),
        (Some(first), Some(half)) => {
            let (first, half) = (steps(first), steps(half));
            format!("updates lost from t = {first}, half of them from t = {half}, {:.2} % now", 100.0 * lost)
        }
    });
    if let Some(t) = p.escalated_at {
        parts.push(format!("gone over to f64 at t = {}", steps(t)));
    }
    format!("{}: {}", p.requested, parts.join(", "))
}

fn state_line(outcome: &Outcome) -> String {
    let Outcome { log_loss, min_margin, weight_norm, train_error, .. } = outcome;
    format!(
        "log L = {}, min margin {}, ‖W‖ = {}, train error {}",
        decimals(*log_loss),
        decimals(*min_margin),
        decimals(*weight_norm),
        (1e4 * train_error).round() / 1e4
    )
}

fn pattern_line(problem: &Problem, outcome: &Outcome) -> String {
    let p = &outcome.pattern;
    let agreement = match p.sign_agreement {
        1.0 => "fully activated".to_string(),
        share => format!("{:.2} % activated", 100.0 * share),
    };
    let state = match p.state {
        PatternState::Proved => "final: proved (positive correlation)",
        PatternState::Observed => "final as far as observed",
        PatternState::Sliding => "neurons chatter for ever, their limit is known",
        PatternState::Unsettled => "unsettled: it may still change",
    };
    let until = match p.final_until {
        None => String::new(),
        Some(_) if p.state == PatternState::Proved => String::new(),
        Some(f64::INFINITY) => ", and proved: no pre-activation can reach 0 any more".into(),
        Some(t) => format!(", proved until t = {}", steps(t)),
    };
    let ties = match p.ties {
        0 => String::new(),
        count => format!(
            "; {count} on their kink up to rounding at t = {} (ties: exact arithmetic may decide otherwise)",
            steps(p.ties_at)
        ),
    };
    let counted = p.flips_until.map(|t| format!(", counted one by one up to t = {}", steps(t))).unwrap_or_default();
    let last =
        if p.flips == 0 { "no flips".into() } else { format!("{} flips{counted}, last at t = {}", p.flips, steps(p.last_flip)) };
    format!("{agreement} ({} x {} bits, {last}); {state}{until}{ties}", problem.data.n(), problem.network.width)
}

fn limit_line(outcome: &Outcome) -> String {
    match (outcome.max_margin.zip(outcome.margin_interval), outcome.rate_exponent) {
        (Some((margin, interval)), Some(nu)) => format!(
            "max margin γ* = {}, consistent; the iterate has {:.9}; rate exponent ν = {nu:.4}",
            margin_text(margin, interval),
            outcome.normalized_margin,
        ),
        _ => match outcome.farkas_value {
            Some(value) => format!(
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
    let line = |p: &SlidingSample| {
        let observed = p.fraction_observed.map_or(String::new(), |f| format!(", {:.4} observed", f));
        format!(
            "sample {}, {} neurons of sign {:+}: slope {:.4}, fraction {:.4} predicted{observed}; λ = {:.4e}, α c t ℓ = {:.4e}",
            p.sample, p.neurons, p.sign, p.slope, p.fraction_predicted, p.dual, p.scaled_loss
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
        Some(gap) => {
            let whose = match outcome.certified_for {
                Some(CertifiedFor::PresentSides) => " for the limit of the present sides, which may still change,",
                _ => "",
            };
            format!("certified ≤ {:.6} rad{whose} without using the limit", angle(gap))
        }
        None => "no certificate yet (a margin is not positive)".into(),
    };
    let exact = match outcome.cosine_gap {
        Some(gap) => format!("angle(W, Ŵ) = {:.6} rad (1 − cos = {:.4e}), ", angle(gap), gap),
        None => String::new(),
    };
    let next = match outcome.next_decimal_at {
        Some(t) if t.is_finite() => format!("; 1 − cos falls to a tenth at t ≈ {t:.1e}"),
        _ => String::new(),
    };
    format!("{exact}{certified}{next}")
}

fn gradient_line(outcome: &Outcome) -> String {
    match (outcome.gradient_cosine_gap, outcome.dual_gap) {
        (Some(gap), Some(dual)) => {
            format!("1 − cos(−∇L, Ŵ) = {:.4e}, dual gap max |α c t ℓ_i − λ_i|/max λ = {:.4e}", gap, dual)
        }
        _ => String::new(),
    }
}

fn stationarity_line(outcome: &Outcome) -> String {
    outcome.stationarity.as_ref().map(stationarity_text).unwrap_or_default()
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
