//! Results in words, for people.

pub mod again;
pub mod check;
pub mod edge;
pub mod limit;
pub mod run;

use crate::config::Config;
use crate::files::classes::{Class, Classes};
use crate::files::text::shown;
use farfield::{
    Bounded, Errors, Estimate, HeldOutOutcome, Hold, Loss, Network, NoRay, PredictedBy, Problem, RayOutcome, Reduction,
    Regime, Remark, Stationarity, StepSize, TestError,
};
use std::io::Write;

/// Why there is no boundary.npy.
pub fn no_plane(network: &Network) -> String {
    let why = if network.increasing() {
        "neurons of one sign differ in the limit"
    } else {
        "with leak 0 f is 0 on half-spaces"
    };
    format!("no plane, so no boundary.npy: {why}")
}

/// A count of steps: `1000000`, or `1.000e12` beyond nine digits.
pub fn steps(t: f64) -> String {
    if t < 1e9 { format!("{t}") } else { format!("{t:.3e}") }
}

/// How long so many steps take at a rate: `10¹² steps at 60000 a second: 193 days`.
pub fn rest_text(left: f64, per_second: f64) -> String {
    if !per_second.is_finite() {
        return format!("{} steps are left", steps(left));
    }
    format!("{} steps are left, at {:.0} a second: {}", steps(left), per_second, duration(left / per_second))
}

/// A time in the unit that suits it.
pub fn duration(seconds: f64) -> String {
    const UNITS: [(f64, &str); 5] =
        [(31_557_600.0, "years"), (86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds")];
    let (size, name) = *UNITS.iter().find(|(size, _)| seconds >= 2.0 * size).unwrap_or(&UNITS[4]);
    let value = seconds / size;
    if value < 1e6 { format!("{value:.0} {name}") } else { format!("{value:.1e} {name}") }
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

/// Notes on what was read, a line each on stderr; one that cannot be written is not missed.
pub fn say(notes: &[String]) {
    for note in notes {
        let _ = writeln!(std::io::stderr(), "farfield: {note}");
    }
}

/// A number below 1 with so many decimals, or in scientific notation where these would hide it.
pub fn small(v: f64, places: usize) -> String {
    if v != 0.0 && v.abs() < 1e-3 { format!("{v:.4e}") } else { format!("{v:.places$}") }
}

/// A count and its noun.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A count of pairs (sample, neuron).
pub fn pairs(number: usize) -> String {
    count(number as u64, "pair") + " (sample, neuron)"
}

/// What the first line of a summary tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// Number of samples n.
    pub samples: usize,
    /// How many of them have the label +1.
    pub positive: usize,
    /// Number of dimensions d of their distribution.
    pub dimensions: u64,
    /// The network.
    pub network: Network,
    /// Step size α.
    pub step_size: f64,
    /// Whether it was chosen by the program.
    pub auto: bool,
    /// Whether there are no steps: gradient flow.
    pub flow: bool,
    /// How the losses of the samples make up L.
    pub reduction: Reduction,
    /// The loss.
    pub loss: Loss,
}

impl Subject {
    /// Of a problem in its configuration.
    pub fn of(problem: &Problem, config: &Config) -> Self {
        Self {
            samples: problem.data.n(),
            positive: problem.data.y().iter().filter(|y| **y > 0.0).count(),
            dimensions: problem.data.dimensions(),
            network: problem.network,
            step_size: problem.step_size,
            auto: config.descent.step_size == StepSize::Auto,
            flow: config.descent.step_size == StepSize::Flow,
            reduction: config.descent.reduction,
            loss: problem.loss,
        }
    }

    /// The data, the network and the step.
    pub fn line(&self) -> String {
        let Self { samples, positive, dimensions, network, step_size, loss, .. } = self;
        let auto = if self.auto { " (auto)" } else { "" };
        let step = if self.flow { "gradient flow, t is time".into() } else { format!("α = {step_size:e}{auto}") };
        let reduction = match self.reduction {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
        };
        format!(
            "n = {samples} ({positive} positive), d = {dimensions}, width {} ({} positive), leak {}; \
             {step}, {reduction} of {loss} losses",
            network.width, network.positive, network.leak
        )
    }
}

/// The data, the network and the step.
pub fn problem_line(problem: &Problem, config: &Config) -> String {
    Subject::of(problem, config).line()
}

/// The weight of a sample in the gradient as the texts call it: the exponential loss is its own.
pub fn weight_name(loss: Loss) -> &'static str {
    if loss == Loss::Exponential { "ℓ_i" } else { "s_i" }
}

/// Which class is which, how many samples each has, and where the labels came from; empty for drawn data.
pub fn classes_line(classes: Option<&Classes>) -> String {
    let Some(classes) = classes else { return String::new() };
    let of = |class: &Class| format!("{} ({} samples)", shown(class.name.as_bytes()), class.samples);
    let mut parts = Vec::new();
    if classes.positive.samples > 0 {
        parts.push(format!("+1 is {}", of(&classes.positive)));
    }
    if classes.negative.samples > 0 {
        parts.push(format!("-1 is {}", of(&classes.negative)));
    }
    format!("{}; labels from {}", parts.join(", "), classes.from)
}

/// Where gradient descent goes if nothing separates the samples; `here` is how far it is from there.
pub fn ray_text(ray: &RayOutcome, samples: usize, here: &str) -> String {
    let bounded = ray.bounded.len();
    let goes = match ray.max_margin.zip(ray.margin_interval) {
        Some((margin, interval)) => format!(
            "{bounded} of {samples} samples cancel and keep bounded margins; the others have max margin {} across \
             them, {} support it",
            margin_text(margin, interval),
            ray.support
        ),
        None => {
            let length = ray.offset_norm;
            format!(
                "all {samples} samples cancel: W converges, in the span of the features to a length of {length:.6e}"
            )
        }
    };
    let floor = format!("; the loss tends to {:.10e}, log {:.6}", ray.floor, ray.floor.ln());
    let sides = match ray.inconsistent_pairs {
        0 => "; consistent".into(),
        count => format!("; NOT consistent: {} on another side along it, so GD goes elsewhere", pairs(count)),
    };
    format!("{goes}{floor}{here}{sides}")
}

/// Why there is no ray.
pub fn no_ray_text(why: NoRay) -> &'static str {
    match why {
        NoRay::TooLarge => "not computed: the problem is too large for arithmetic of 106 bits",
        NoRay::Unresolved => "not computed: a search did not come to its end",
        NoRay::Separable => "none: samples that cancel only up to the rounding of f64 are separated in 106 bits",
    }
}

/// Lyu and Li's residuals, which need no settled pattern.
pub fn stationarity_text(s: &Stationarity) -> String {
    let (epsilon, delta) = (s.epsilon, s.delta);
    format!("W/q_min is an (ε, δ)-KKT point with ε = {epsilon:.4e} ‖W‖/q_min, δ = {delta:.4e} (‖W‖/q_min)²")
}

/// Test error of the limit, of the best boundary, and as predicted to leading order.
pub fn error_text(e: &TestError) -> String {
    let exact = |value: Option<f64>, log10: Option<f64>| Some(probability(value?, log10?));
    let limit = exact(e.limit, e.log10_limit).or_else(|| e.bounded.as_ref().map(|b| between(b, e.sampled.as_ref())));
    let limit = limit.or_else(|| e.sampled.as_ref().map(interval));
    let limit = limit.map(|text| format!("limit {text}, ")).unwrap_or_default();
    let bayes = exact(e.bayes, e.log10_bayes).map(|text| format!("Bayes {text}, ")).unwrap_or_default();
    let iterate = e.iterate.as_ref().map(|s| format!(", the iterate {}", interval(s))).unwrap_or_default();
    let labels = match e.predicted_by {
        Some(PredictedBy::LabelNoise) => count(e.flipped_labels as u64, "flipped label"),
        _ => "clean labels".to_string(),
    };
    let predicted = match exact(e.predicted, e.log10_predicted) {
        Some(text) => match exact(e.predicted_second_order, e.log10_predicted_second_order) {
            Some(second) => format!("predicted for {labels} {text}, to second order {second}"),
            None => format!("predicted for {labels} {text}"),
        },
        None if e.xor => "no prediction (xor: any plane through the origin errs on one half)".into(),
        None if e.placed => {
            format!("no prediction ({} placed by an adversary)", count(e.flipped_labels as u64, "flipped label"))
        }
        None => "no prediction (leak 0: an output of 0 counts as an error)".into(),
    };
    let time = match e.sampling_seconds {
        0.0 => String::new(),
        seconds => format!("; sampled in {seconds:.2} s"),
    };
    let regime = match e.regime {
        Regime::Weak => "weak",
        Regime::Strong => "strong",
    };
    let form = match e.regime {
        Regime::Weak => "exp(−n‖μ‖⁴/(‖Σ‖ tr Σ))",
        Regime::Strong => "exp(−‖μ‖²/‖Σ‖)",
    };
    let scaling =
        exact(e.scaling, e.log10_scaling).map(|text| format!("; scaling {form} = {text}")).unwrap_or_default();
    let ratio = small(e.signal_ratio, 3);
    format!("{limit}{bayes}{predicted}{iterate}; {regime} signal (n‖μ‖²/tr Σ = {ratio}){scaling}{time}")
}

/// Errors among the samples that are not trained on; `iterate`: whether there are final weights.
pub fn held_out_text(found: &HeldOutOutcome, iterate: bool) -> String {
    let of = |e: &Errors| {
        let percent = |v: f64| format!("{:.2} %", 100.0 * v);
        let (share, low, high) = (percent(e.error), percent(e.low), percent(e.high));
        format!("{} ({share}; 95 %: {low} to {high})", count(e.errors, "error"))
    };
    let limit = found.limit.as_ref().map_or("the limit is not known".into(), |e| format!("limit {}", of(e)));
    let last = match &found.iterate {
        Some(e) => format!(", the iterate {}", of(e)),
        None if iterate => ", the iterate is not finite".into(),
        None => String::new(),
    };
    format!("{}: {limit}{last}", count(found.samples, "sample"))
}

/// An error between its bounds, with what was sampled.
fn between(b: &Bounded, sampled: Option<&Estimate>) -> String {
    let value = probability(b.value, b.log10_value);
    let width = std::f64::consts::LN_10 * (b.log10_high - b.log10_low);
    let apart = match width.exp_m1() {
        apart if !apart.is_finite() => format!("at most {}", probability(b.high, b.log10_high)),
        apart => format!("bounds within {:.0e} of it", apart.max(1e-16)),
    };
    let sampled = sampled.map(|e| format!("; sampled {}", interval(e))).unwrap_or_default();
    format!("{value} ({apart}{sampled})")
}

/// A sampled error with its 95 % interval.
fn interval(e: &Estimate) -> String {
    let points = count(e.samples, "point");
    if e.value == 0.0 {
        // rounded up: it is a bound
        return format!("below {:.3e} (95 %, no error in {points})", e.high * (1.0 + 5e-4));
    }
    // the same digits for all three: rounded, they keep their order
    format!("{:.3e} (95 %: {:.3e} to {:.3e}, {points})", e.value, e.low, e.high)
}

/// A probability, by its logarithm where it is too small to print otherwise.
pub fn probability(value: f64, log10: f64) -> String {
    if log10 > -300.0 { format!("{value:.4e}") } else { format!("10^{log10:.3}") }
}

/// Why a run is not as fast, or not as exact, as was asked for, or why its limit is not known.
pub fn remark_text(remark: &Remark) -> String {
    match *remark {
        Remark::Held(Hold::Off) => "warp is off".into(),
        Remark::Held(Hold::Flips) => "the pattern has not stood still for long enough".into(),
        Remark::Held(Hold::Early) => "too early for warp".into(),
        Remark::Held(Hold::Near) => "a neuron is about to change sides".into(),
        Remark::Held(Hold::Rough(t)) => {
            format!("neurons change sides every few steps, and it is too early for their averages before t ≈ {t:.0e}")
        }
        Remark::Escalated { at, drift } => {
            format!("f64 from t = {at}: in mixed precision the margins drifted by {drift:.1e}")
        }
        Remark::Lost { first, half } => {
            let half = half.map(|t| format!(", half of them from t = {t} on")).unwrap_or_default();
            format!("updates are lost in rounding, the first at t = {first}{half}")
        }
        Remark::OtherSides { pairs: count } => {
            let still = if count == 1 { "it still has" } else { "they still have" };
            format!(
                "the limit for the present sides of the neurons has another side at {}: {still} to change",
                pairs(count)
            )
        }
        Remark::Undetermined => {
            "where it slides, gradient flow is not determined any further: its slopes there are not unique, or \
                                 none keeps its sides"
                .into()
        }
        Remark::Void { error } => format!(
            "the claim of the averages is void: where neurons changed sides slowly their error could not be bounded \
             below {error:.1e} of the margins"
        ),
        Remark::SidesNotSeparable => "the present sides of the neurons do not separate the data".into(),
        Remark::SidesUndecided => "whether the present sides of the neurons separate the data is undecided".into(),
    }
}
