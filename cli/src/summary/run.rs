//! The result of a run in a dozen lines, for people.

use super::{
    classes_line, count, decimals, error_text, held_out_text, margin_text, no_plane, problem_line, ray_text,
    remark_text, rest_text, small, stationarity_text, steps, weight_name,
};
use crate::config::Config;
use crate::files::classes::Classes;
use farfield::{
    CertifiedFor, Data, EngineKind, Hold, Outcome, PatternState, Problem, Remark, Row, Segment, Share, SlidingSample,
    Status,
};
use std::fmt::Write;
use std::path::Path;

/// What a summary tells.
pub struct Facts<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Which class is +1, for data from files.
    pub classes: Option<&'a Classes>,
    /// Its configuration.
    pub config: &'a Config,
    /// What was found.
    pub outcome: &'a Outcome,
    /// The row at t = 0.
    pub first: Option<Row>,
    /// Whether the boundary of the limit is a plane; none without a limit.
    pub plane: Option<bool>,
    /// Where the files are.
    pub folder: &'a Path,
    /// Wall-clock seconds of the whole.
    pub seconds: f64,
}

/// The summary of a run.
pub fn summary(facts: &Facts) -> String {
    let Facts { problem, config, outcome, folder, .. } = *facts;
    let mut out = String::new();
    for (name, text) in [
        ("problem", problem_line(problem, config)),
        ("classes", classes_line(facts.classes)),
        ("caution", cautions(facts).join("\n            ")),
        ("descent", descent_line(facts)),
        ("precision", precision_line(outcome)),
        ("state", state_line(outcome)),
        ("pattern", pattern_line(problem, outcome)),
        ("limit", limit_line(problem, outcome)),
        ("boundary", if facts.plane == Some(false) { no_plane(&problem.network) } else { String::new() }),
        ("ray", ray_line(problem, outcome)),
        ("sliding", sliding_lines(outcome)),
        ("direction", direction_line(outcome)),
        ("gradient", gradient_line(outcome, problem)),
        ("KKT", stationarity_line(outcome)),
        ("labels", training_line(outcome)),
        ("test error", error_line(outcome)),
        ("held out", outcome.held_out.as_ref().map(|found| held_out_text(found, true)).unwrap_or_default()),
        ("files", folder.display().to_string()),
    ] {
        if !text.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:>10}  {text}");
        }
    }
    out
}

/// The summary of a run that was left behind long after its last row.
pub fn left(row: Option<&Row>, folder: &Path) -> String {
    let t = match row {
        Some(row) => format!("interrupted; the last row of trace.csv is at t = {}", steps(row.t)),
        None => "interrupted before its first row".into(),
    };
    format!("{:>10}  {t}\n{:>10}  {}\n", "descent", "files", folder.display())
}

/// `α c λmax(K)` times the largest ℓ'' at q ≥ 0 from which steps need not lower the loss, even where all margins are
/// positive.
const TOO_LARGE: f64 = 2.0;
/// `‖W(0)‖` in first steps from which W(0), not the data, decides the sides of the neurons.
const DWARFED: f64 = 10.0;

/// What in the step and the start is far from what the theory asks.
fn cautions(facts: &Facts) -> Vec<String> {
    let (problem, mut out) = (facts.problem, Vec::new());
    let bound = problem.loss.curvature_bound();
    let curvature = problem.rate() * problem.data.lambda_max() * bound;
    if curvature > TOO_LARGE && problem.flow.is_none() {
        out.push(format!(
            "the step size times the curvature, {} = {curvature:.3e}, is above 2: steps need not lower the loss; \
             descent.step_size = \"auto\" gives {bound}",
            if bound == 1.0 { "α c λmax(K)".into() } else { format!("{bound} α c λmax(K)") }
        ));
    }
    if !problem.network.increasing() && facts.outcome.segments.iter().any(|s| s.engine == EngineKind::Sliding) {
        out.push(
            "averages over chattering neurons: with leak 0 steps were seen to exceed their error estimates".into(),
        );
    }
    // the linear model has no sides
    if let Some(first) = facts.first.as_ref().filter(|_| !problem.network.linear()) {
        let ratio = first.weight_norm / (problem.stepping().step_size * first.gradient_norm);
        if first.gradient_norm == 0.0 {
            out.push("the gradient is 0 at W(0): nothing moves".into());
        } else if ratio > DWARFED {
            out.push(format!(
                "W(0) is {ratio:.3e} times as long as the first step: the start, not the data, decides the sides of \
                 the neurons; a smaller network.init_scale lets the data decide"
            ));
        }
    }
    out
}

/// Why a run diverged, and what to do.
fn divergence(facts: &Facts) -> String {
    // A start this far on the wrong side has losses from e^30 on: the first step is too long for it, not for the data.
    const WRONG: f64 = -30.0;
    match &facts.first {
        Some(first) if first.min_margin < WRONG && !facts.problem.loss.bounded() => format!(
            "DIVERGED: the start has margins down to {:.4e}, where the loss is steep; a smaller network.init_scale \
             is needed",
            first.min_margin
        ),
        _ => "DIVERGED: a smaller descent.step_size is needed".into(),
    }
}

/// The angle of a cosine gap, in radians.
fn angle(gap: f64) -> f64 {
    2.0 * (0.5 * gap).sqrt().min(1.0).asin()
}

fn descent_line(facts: &Facts) -> String {
    let (outcome, seconds) = (facts.outcome, facts.seconds);
    let how = match outcome.status {
        Status::Time => return time_line(outcome, seconds),
        Status::Converged => "W has converged: steps no longer change it".to_string(),
        Status::Tolerance => "certified angle below the tolerance".into(),
        Status::Diverged => divergence(facts),
        Status::NotSeparable if facts.problem.network.linear() => {
            "NOT SEPARABLE: the model is linear, and no plane through the origin separates the samples".into()
        }
        Status::NotSeparable => "NOT SEPARABLE by this network in the reached pattern".into(),
        Status::Interrupted => "interrupted".into(),
        Status::Stopped => "stopped".into(),
        Status::Horizon => "horizon reached".to_string(),
    };
    ended_line(outcome, &how, seconds)
}

/// A run that ended for want of time: how long the rest would take.
fn time_line(outcome: &Outcome, seconds: f64) -> String {
    let why = match (outcome.time, outcome.segments.last().and_then(jump)) {
        (Some(end), _) if end.clock => {
            format!("the time allowed is over; {}", rest_text(end.steps_left, end.steps_per_second))
        }
        (Some(_), Some(way)) => {
            format!("ended early: {way} up to the horizon would take too long (descent.max_seconds sets how long)")
        }
        (Some(end), None) => format!("ended early: {}", rest_text(end.steps_left, end.steps_per_second)),
        (None, _) => "ended early".into(),
    };
    ended_line(outcome, &why, seconds)
}

/// What does not step on a segment.
fn jump(segment: &Segment) -> Option<&'static str> {
    match segment.engine {
        EngineKind::Warp => Some("warp"),
        EngineKind::Sliding => Some("averages"),
        EngineKind::Flow => Some("gradient flow"),
        EngineKind::Direct | EngineKind::Gram => None,
    }
}

fn ended_line(outcome: &Outcome, how: &str, seconds: f64) -> String {
    let part = |s: &Segment| {
        let taken = count(s.steps_taken, "step");
        format!("{} {} to {} ({taken}, {:.2} s)", s.engine, s.precision, steps(s.to), s.seconds)
    };
    let parts: Vec<String> = outcome.segments.iter().map(part).collect();
    let parts = match &parts[..] {
        [first, .., last] if parts.len() > 4 => format!("{first} … {} more … {last}", parts.len() - 2),
        _ => parts.join(", "),
    };
    let remark = match outcome.remark {
        // What held the engine back is of no interest where it broke down.
        Some(Remark::Held(_)) if outcome.status == Status::Diverged => String::new(),
        Some(Remark::Held(Hold::Flips)) if outcome.pattern.flips > 0 => "; neurons change sides every few steps".into(),
        remark => remark.map(|r| format!("; {}", remark_text(&r))).unwrap_or_default(),
    };
    let parts = if parts.is_empty() { String::new() } else { format!(": {parts}") };
    format!("t = {}, {how}, in {seconds:.2} s{parts}{remark}", steps(outcome.steps))
}

/// What is known of rounding, where products are not all in f64.
fn precision_line(outcome: &Outcome) -> String {
    let p = &outcome.precision;
    let (Some(largest), Some(lost)) = (p.largest_drift, p.lost_fraction) else { return String::new() };
    let mut parts = vec![format!("margins off by at most {:.1e}", largest)];
    if p.anchors > 0 {
        parts.push(format!("anchored {}", count(p.anchors, "time")));
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
        PatternState::Proved if problem.network.linear() => "final: proved (linear model: every pattern is the same)",
        PatternState::Proved => "final: proved (positive correlation)",
        _ if p.dead_neurons == Some(problem.network.width) => "final: every neuron is dead, and nothing moves any more",
        _ if p.final_until == Some(f64::INFINITY) => "final: proved (no pre-activation can reach 0 any more)",
        PatternState::Observed => "final as far as observed",
        PatternState::Sliding if problem.flow.is_some() => "neurons slide along their kinks, their limit is known",
        PatternState::Sliding => "neurons chatter for ever, their limit is known",
        PatternState::Unsettled => "unsettled: it may still change",
    };
    let until = match p.final_until {
        None => String::new(),
        Some(t) if p.state == PatternState::Proved || t == f64::INFINITY => String::new(),
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
    let last = if p.flips == 0 {
        "no flips".into()
    } else {
        format!("{}{counted}, last at t = {}", count(p.flips, "flip"), steps(p.last_flip))
    };
    let dead = dead_text(p.dead_samples, p.dead_neurons);
    format!("{agreement} ({} x {} bits, {last}){dead}; {state}{until}{ties}", problem.data.n(), problem.network.width)
}

/// What of a ReLU network takes no part at the moment.
fn dead_text(samples: Option<usize>, neurons: Option<usize>) -> String {
    match (samples.unwrap_or(0) as u64, neurons.unwrap_or(0) as u64) {
        (0, 0) => String::new(),
        (0, j) => format!("; dead: {}", count(j, "neuron")),
        (i, 0) => format!("; dead: {}", count(i, "sample")),
        (i, j) => format!("; dead: {} and {}", count(i, "sample"), count(j, "neuron")),
    }
}

fn limit_line(problem: &Problem, outcome: &Outcome) -> String {
    match (outcome.max_margin.zip(outcome.margin_interval), outcome.rate_exponent) {
        (Some((margin, interval)), Some(nu)) => format!(
            "max margin γ* = {}, consistent; the iterate has {}; rate exponent ν = {}",
            margin_text(margin, interval),
            small(outcome.normalized_margin, 9),
            small(nu, 4)
        ),
        _ => match outcome.farkas_value {
            Some(value) => format!(
                "none: moved by {value:.1e} of their lengths the features cancel exactly, with weights λ ≥ 0, Σλ = 1 \
                 (farkas.npy)"
            ),
            None if problem.data.gram().is_none() => {
                format!("not solved for: n = {} is above the largest for it, {}", problem.data.n(), Data::LARGEST)
            }
            None => "none known for the present pattern".into(),
        },
    }
}

/// Where nothing separates: where the run goes, and how far its loss is from there.
fn ray_line(problem: &Problem, outcome: &Outcome) -> String {
    let Some(ray) = &outcome.ray else { return String::new() };
    let above = outcome.loss_above_floor.map(|above| format!(", {above:.4e} of it above now")).unwrap_or_default();
    ray_text(ray, problem.data.n(), &above)
}

/// Most pairs that are listed.
const LISTED: usize = 8;

/// The pairs that slide: what the limit predicts, and what steps have shown.
fn sliding_lines(outcome: &Outcome) -> String {
    let pairs = &outcome.pattern.sliding;
    let line = |p: &SlidingSample| {
        let observed = p.fraction_observed.map_or(String::new(), |f| format!(", {:.4} observed", f));
        format!(
            "sample {}, {} of sign {:+}: slope {:.4}, fraction {:.4} predicted{observed}; λ = {:.4e}, α c t ℓ = {:.4e}",
            p.sample,
            count(p.neurons as u64, "neuron"),
            p.sign,
            p.slope,
            p.fraction_predicted,
            p.dual,
            p.scaled_loss
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

fn gradient_line(outcome: &Outcome, problem: &Problem) -> String {
    match (outcome.gradient_cosine_gap, outcome.dual_gap) {
        (Some(gap), Some(dual)) => {
            let weight = weight_name(problem.loss);
            format!("1 − cos(−∇L, Ŵ) = {gap:.4e}, dual gap max |α c t {weight} − λ_i|/max λ = {dual:.4e}")
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
        let text = match (s.min_margin, s.mean_margin, s.train_error) {
            (Some(least), Some(mean), Some(error)) => {
                let error = (1e4 * error).round() / 1e4;
                format!(": margins from {least:.4}, mean {mean:.4}{dual}, train error {error}")
            }
            _ => String::new(),
        };
        format!("{} {name}{text}", s.samples)
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
