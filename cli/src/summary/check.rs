//! The conditions of the theory in words.

use super::probability;
use farfield::conditions::Moments;
use farfield::{Condition, ConditionKind, Conditions, Loss, Network, Regime, Relation};
use serde::Serialize;
use std::fmt::Write;

/// A condition as `farfield check --json` shows it.
#[derive(Serialize)]
pub struct Described {
    /// What is asked, in a few words.
    name: &'static str,
    #[serde(flatten)]
    condition: Condition,
    /// Where the condition is from.
    source: &'static str,
    /// What the number is, and what follows.
    note: String,
}

/// All conditions with their words, for a loss.
pub fn described(checked: &Conditions, loss: Loss) -> Vec<Described> {
    let of = |c: &Condition| {
        let (name, source, _) = words(c.kind);
        Described { name, condition: *c, source, note: note(c, checked, loss) }
    };
    checked.conditions.iter().map(of).collect()
}

/// The report, a paragraph a condition, what the theorem says, and what of it is for other losses or leaks only.
pub fn report(checked: &Conditions, loss: Loss, network: &Network, xor: bool) -> String {
    let mut out = String::new();
    for c in &checked.conditions {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", line(c, checked, loss));
    }
    let theorem = match (checked.theorem_applies, checked.activated) {
        _ if !network.leaky() => "[H, Thm 4.8] asks for 0 < leak < 1",
        (true, true) => "The conditions of [H, Thm 4.8] hold",
        (true, false) => "The conditions of [H, Thm 4.8] hold up to their constants",
        (false, _) => "The conditions of [H, Thm 4.8] do not hold",
    };
    let joint = match (checked.theorem_applies, checked.activated) {
        (true, true) => ", and all",
        (true, false) => ", but not all",
        (false, true) => ", yet all",
        (false, false) => ", and not all",
    };
    let _ = writeln!(out, "\n{theorem}{joint} neurons are activated at t = 1.");
    if let Some(errors) = errors(checked) {
        let _ = writeln!(out, "{errors}");
    }
    for scope in scope(loss, network, xor) {
        let _ = writeln!(out, "{scope}");
    }
    out
}

/// The error of the limit beside what the bounds scale like.
fn errors(checked: &Conditions) -> Option<String> {
    let scaling = probability(checked.scaling?, checked.log10_scaling?);
    let form = match checked.regime? {
        Regime::Weak => "exp(−n‖μ‖⁴/(‖Σ‖ tr Σ)), weak signal",
        Regime::Strong => "exp(−‖μ‖²/‖Σ‖), strong signal",
    };
    let exact = checked.limit_error.zip(checked.log10_limit_error);
    let exact =
        exact.map_or("is not in closed form here".into(), |(value, log10)| format!("is {}", probability(value, log10)));
    Some(format!(
        "The test error of the activated limit {exact}. The bounds of [H, Thm 5.1, 6.2] scale like {form}: {scaling} with all \
         constants 1, which are not known."
    ))
}

/// Which statements hold for another loss than that of the paper, for a leak that is none, and for an xor.
pub fn scope(loss: Loss, network: &Network, xor: bool) -> Vec<&'static str> {
    const LOSS: &str = "[H] proves its theorems for the exponential loss. What holds for this loss as well: activated pairs of \
         positively correlated data stay activated; in a fixed pattern the direction of the limit, λ and the test error are the \
         same, with α c t s_i → λ_i, s_i = -ℓ'(q_i); every certificate. Proved for the exponential loss only: that near \
         orthogonality keeps all pairs activated.";
    const RELU: &str = "[H] and Frei et al. ask for 0 < leak < 1, and this is the ReLU. What holds at leak 0 as well: activated \
         pairs of positively correlated data stay activated; the limit, λ and the rates of a pattern that separates the data; \
         sliding; every certificate. What needs 0 < leak: that the first step activates every pair, and near orthogonality keeps \
         them so (a neuron that no sample activates stands still for ever, and a sample that activates no neuron has no \
         gradient); that a boundary is a plane; the laws of the test error.";
    const LINEAR: &str = "[H] asks for 0 < leak < 1, and this is the linear model: every pattern is the same, from t = 0 on. \
         Separable data have one limit, that of the support vector machine through the origin, whatever W(0) is (Soudry et al. \
         2018). Activation, correlation, near orthogonality and a small W(0) are not needed for that.";
    const XOR: &str = "[H, Thm 5.1] is about two clusters, and this is an xor of four: while all pairs are activated the limit is a plane, \
         which errs on one half of them whatever the signal.";
    let slopes = match network {
        network if network.linear() => Some(LINEAR),
        network if !network.increasing() => Some(RELU),
        _ => None,
    };
    (loss != Loss::Exponential).then_some(LOSS).into_iter().chain(slopes).chain(xor.then_some(XOR)).collect()
}

fn line(c: &Condition, checked: &Conditions, loss: Loss) -> String {
    let (name, source, _) = words(c.kind);
    let value = c.value.map_or("unknown".into(), |v| format!("{v:.4e}"));
    let threshold = match (c.threshold, c.relation) {
        (None, _) => String::new(),
        (Some(t), Relation::Above) => format!("> {t}"),
        (Some(t), Relation::AtLeast) => format!("≥ {t:.4}"),
        (Some(t), Relation::Below) => format!("< {t:.4}"),
    };
    let verdict = match (c.holds, c.threshold) {
        (Some(true), _) => "holds",
        (Some(false), _) => "FAILS",
        (None, None) if c.value.is_some() => "-",
        (None, _) => "unknown",
    };
    format!("{verdict:>7}  {name:<32} {value:>12} {threshold:<10} {source}\n{:>9}{}", "", note(c, checked, loss))
}

/// Name, source and what the number is.
fn words(kind: ConditionKind) -> (&'static str, &'static str, &'static str) {
    use ConditionKind::*;
    match kind {
        SeparableWhenActivated => (
            "separable when activated",
            "[H, (5)]",
            "maximal margin of a unit W in the activated pattern, where the limit of the theorem lives; 0: not \
             separable there",
        ),
        PositiveCorrelation => (
            "positive correlation",
            "[H, Thm 4.8]",
            "min over i≠k of <y_i x_i, y_k x_k>; if it holds, an activated pattern stays activated for ever, whatever \
             the step size; either this or near orthogonality is asked",
        ),
        NearOrthogonality => (
            "near orthogonality",
            "[H, Thm 4.8]; Frei et al. 2023",
            "min |x_i|^2 / (n max |<x_i,x_k>|), i≠k, against the squared norm ratio R^2; Frei et al. ask for more by \
             a constant of the leak",
        ),
        NormRatio => (
            "norm ratio R^2",
            "Frei et al. 2023",
            "max |x_i|^2 / min |x_i|^2: what near orthogonality has to reach; nothing is asked of it alone",
        ),
        StepSize => (
            "step size",
            "descent lemma, margins ≥ 0",
            "α c λmax(K): below 2 every step in a fixed pattern lowers the loss once all ℓ_i ≤ 1",
        ),
        StepSizeAtStart => (
            "step size at the start",
            "descent lemma, margins of W(0)",
            "α c λmax(K) max ℓ''_i(0): the bound that depends on the loss",
        ),
        InitializationAgainstStep => (
            "initialization against step",
            "[H, Thm 4.8]",
            "min over pairs of |contribution of the first step to z_ij| / |z_ij(0)|: above 1 the first step, not the \
             initialization, decides every sign",
        ),
        ActivatedAtOne => {
            ("activated at t = 1", "[H, Thm 4.8]", "fraction of pairs with a_j y_i z_ij > 0 after one step")
        }
        SignalAgainstNoise => ("signal n|μ|² against tr Σ", "[H, Thm 5.1]", "n|μ|²/tr Σ"),
        Benign => (
            "benign: n|μ|⁴ against |Σ| tr Σ",
            "[H, Thm 5.1]",
            "n|μ|⁴/(|Σ| tr Σ): far above 1 the test error of the limit vanishes",
        ),
        DimensionAgainstSamples => {
            ("dimension d against n²", "[H, Thm 5.1]; Frei et al. 2023", "d / n²: near orthogonality of pure noise")
        }
        DimensionAgainstSignal => (
            "dimension d against n|μ|²",
            "[H, Thm 5.1]; Frei et al. 2023",
            "d / (n|μ|²): above 1 the signal does not spoil near orthogonality",
        ),
    }
}

/// What the number is and what follows; for samples whose distribution is not known, that it is an estimate.
fn note(c: &Condition, checked: &Conditions, loss: Loss) -> String {
    let (.., note) = words(c.kind);
    const KNOWN: &str =
        "an estimate: if the samples are y_i μ + independent noise of mean 0, and the labels are clean,";
    match (c.kind, checked.moments) {
        (ConditionKind::StepSize, _) if loss.bounded() => {
            let bound = loss.curvature_bound();
            format!("{bound} α c λmax(K), as ℓ'' ≤ {bound}: below 2 every step in a fixed pattern lowers the loss")
        }
        (ConditionKind::SignalAgainstNoise, Some(Moments { energy, trace })) => {
            format!("{KNOWN} |μ|² ≈ {energy:.4e} (U-statistic of K) and tr Σ ≈ {trace:.4e}")
        }
        (ConditionKind::SignalAgainstNoise, None) => {
            let side = if c.holds == Some(true) { "strong" } else { "weak" };
            format!("{note}: {side} signal; neither side is asked for, the error follows another law on each")
        }
        (ConditionKind::Benign, Some(_)) => {
            "|Σ| of data from a file cannot be known from the inner products of n samples".into()
        }
        (ConditionKind::DimensionAgainstSignal, Some(_)) => {
            format!("{KNOWN} |μ|² as above; unknown where that is not positive")
        }
        _ => note.into(),
    }
}
