//! The conditions under which the theory speaks, each with its number for the data at hand.
//!
//! \[H, Thm 4.8\] proves activation and directional convergence under a sufficient set of conditions;
//! its asymptotic statements (`≫`) come without constants. Where a source has no constant the threshold
//! here is 1, and a verdict says on which side of it the data are, no more.

use crate::data::Mixture;
use crate::geometry::Gram;
use crate::matrix::Matrix;
use crate::network::{Network, Pattern};
use farfield_kernels::loss::Loss;
use serde::Serialize;

/// One condition and how the data stand to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// What is asked, in a few words.
    pub name: &'static str,
    /// The number found; none if it cannot be known.
    pub value: Option<f64>,
    /// What it is compared with.
    pub threshold: Option<f64>,
    /// Whether the value must reach the threshold, or stay below it.
    pub at_least: bool,
    /// Whether the condition holds; none if it cannot be known.
    pub holds: Option<bool>,
    /// Where the condition is from.
    pub source: &'static str,
    /// What the number is, and what follows.
    pub note: String,
}

/// What the conditions are asked of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `K = XXᵀ` (n×n).
    pub k: &'a Gram,
    /// Training labels ±1, length n.
    pub y: &'a [f64],
    /// The dimension d (a real: it may exceed every integer type).
    pub d: f64,
    /// The network.
    pub network: &'a Network,
    /// The step size α.
    pub step_size: f64,
    /// The loss ℓ.
    pub loss: Loss,
    /// `c` of the loss `c Σ ℓ(q_i)`: 1 or 1/n.
    pub reduction: f64,
    /// The largest eigenvalue of K.
    pub lambda_max: f64,
    /// Pre-activations of the initial weights, `X W(0)ᵀ` (n×m, row-major).
    pub initial: &'a [f64],
    /// Pre-activations after one step (n×m), if that step has been taken.
    pub after_one: Option<&'a [f64]>,
    /// Whether the data are separable in the activated pattern, and with which maximal margin.
    pub activated_margin: Option<f64>,
    /// The distribution of the data, where it is known.
    pub mixture: Option<&'a Mixture>,
}

const AT_LEAST: bool = true;
const BELOW: bool = false;

fn condition(
    name: &'static str,
    value: f64,
    at_least: bool,
    threshold: f64,
    source: &'static str,
    note: String,
) -> Condition {
    let holds = if at_least { value >= threshold } else { value < threshold };
    Condition {
        name,
        value: Some(value),
        threshold: Some(threshold),
        at_least,
        holds: (!value.is_nan()).then_some(holds),
        source,
        note,
    }
}

fn unknown(name: &'static str, source: &'static str, note: &str) -> Condition {
    Condition { name, value: None, threshold: None, at_least: true, holds: None, source, note: note.into() }
}

/// All conditions, in the order in which the argument uses them.
pub fn check(subject: &Subject) -> Vec<Condition> {
    let mut list = vec![separability(subject), positive_correlation(subject)];
    list.extend(near_orthogonality(subject));
    list.extend(step_size(subject));
    list.push(initialization(subject));
    list.push(activation(subject));
    list.extend(distribution(subject));
    list
}

fn separability(s: &Subject) -> Condition {
    let note = "maximal margin of a unit W in the activated pattern, \
                where the limit of the theorem lives; 0: not separable there";
    condition(
        "separable when activated",
        s.activated_margin.unwrap_or(0.0),
        AT_LEAST,
        f64::MIN_POSITIVE,
        "[H, (5)]",
        note.into(),
    )
}

/// `min_{i≠k} y_i y_k ⟨x_i,x_k⟩`, 0 for a single sample.
fn least_correlation(k: &Matrix, y: &[f64]) -> f64 {
    let pairs = (0..y.len()).flat_map(|i| (0..i).map(move |l| (i, l)));
    let least = pairs.map(|(i, l)| y[i] * y[l] * k[(i, l)]).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 0.0 }
}

fn positive_correlation(s: &Subject) -> Condition {
    let note = "min over i≠k of <y_i x_i, y_k x_k>; if it holds, an activated pattern stays activated for ever, \
                whatever the step size; either this or near orthogonality is asked";
    condition("positive correlation", least_correlation(&s.k.0, s.y), AT_LEAST, 0.0, "[H, Thm 4.8]", note.into())
}

fn near_orthogonality(s: &Subject) -> [Condition; 2] {
    let (n, k) = (s.y.len(), &s.k.0);
    let norms = (0..n).map(|i| k[(i, i)]);
    let (least, largest) = (norms.clone().fold(f64::INFINITY, f64::min), norms.fold(0.0, f64::max));
    let pairs = (0..n).flat_map(|i| (0..i).map(move |l| (i, l)));
    let overlap = pairs.map(|p| k[p].abs()).fold(0.0, f64::max);
    let ratio = if overlap > 0.0 { least / (n as f64 * overlap) } else { f64::INFINITY };
    let spread = largest / least;
    let note = "min |x_i|^2 / (n max |<x_i,x_k>|), i≠k, against the squared norm ratio R^2; \
                Frei et al. ask for more by a constant of the leak";
    let squares = "max |x_i|^2 / min |x_i|^2: what near orthogonality has to reach; nothing is asked of it alone";
    [
        condition("near orthogonality", ratio, AT_LEAST, spread, "[H, Thm 4.8]; Frei et al. 2023", note.into()),
        Condition { value: Some(spread), threshold: None, ..unknown("norm ratio R^2", "Frei et al. 2023", squares) },
    ]
}

fn step_size(s: &Subject) -> [Condition; 2] {
    let scaled = s.step_size * s.reduction * s.lambda_max;
    // the Hessian of the loss in a fixed pattern is c Σ ℓ''(q_i) Φ_iΦ_iᵀ with ‖ΣΦ_iΦ_iᵀ‖ ≤ λmax(K)
    let margins = s.network.margins(s.initial, s.y);
    let largest = margins.iter().map(|q| s.loss.curvature(*q)).fold(0.0, f64::max);
    [
        condition(
            "step size",
            scaled,
            BELOW,
            2.0,
            "descent lemma, weights ℓ_i ≤ 1",
            "α c λmax(K): below 2 every step in a fixed pattern lowers the loss once all ℓ_i ≤ 1".into(),
        ),
        condition(
            "step size at the start",
            scaled * largest,
            BELOW,
            2.0,
            "descent lemma, weights of W(0)",
            "α c λmax(K) max ℓ_i(0): the bound that depends on the loss".into(),
        ),
    ]
}

/// The contribution of the first step to the pre-activations against W(0)'s own.
fn initialization(s: &Subject) -> Condition {
    let (n, m) = (s.y.len(), s.network.width);
    let weights: Vec<f64> = s.network.margins(s.initial, s.y).iter().map(|q| s.loss.weight(*q)).collect();
    let pattern = Pattern::of(s.initial, n, m);
    let mut least = f64::INFINITY;
    for j in 0..m {
        let column: Vec<f64> = (0..n).map(|i| weights[i] * s.y[i] * pattern.slope(s.network, i, j)).collect();
        for i in 0..n {
            let sum: f64 = s.k.0.row(i).iter().zip(&column).map(|(k, v)| k * v).sum();
            let push = s.step_size * s.reduction * sum.abs() / (m as f64).sqrt();
            least = least.min(push / s.initial[i * m + j].abs());
        }
    }
    let note = "min over pairs of |contribution of the first step to z_ij| / |z_ij(0)|: above 1 the first step, \
                not the initialization, decides every sign";
    condition("initialization against step", least, AT_LEAST, 1.0, "[H, Thm 4.8]", note.into())
}

fn activation(s: &Subject) -> Condition {
    let source = "[H, Thm 4.8]";
    let Some(z) = s.after_one else {
        return unknown("activated at t = 1", source, "the first step has not been taken");
    };
    let agreement = Pattern::sign_agreement(z, s.y, s.network);
    let note = "fraction of pairs with a_j y_i z_ij > 0 after one step".into();
    condition("activated at t = 1", agreement, AT_LEAST, 1.0, source, note)
}

const DISTRIBUTION: [(&str, &str); 4] = [
    ("signal n|μ|² against tr Σ", "[H, Thm 5.1]"),
    ("benign: n|μ|⁴ against |Σ| tr Σ", "[H, Thm 5.1]"),
    ("dimension d against n²", "[H, Thm 5.1]; Frei et al. 2023"),
    ("dimension d against n|μ|²", "[H, Thm 5.1]; Frei et al. 2023"),
];

fn distribution(s: &Subject) -> Vec<Condition> {
    let n = s.y.len() as f64;
    let [(signal, signal_source), (benign, benign_source), (square, square_source), (weak, weak_source)] = DISTRIBUTION;
    let dimension = condition(
        square,
        s.d / (n * n),
        AT_LEAST,
        1.0,
        square_source,
        "d / n²: near orthogonality of pure noise".into(),
    );
    let Some(mixture) = s.mixture else {
        let (energy, trace) = moments(&s.k.0, s.y);
        let known = "an estimate: if the samples are y_i μ + independent noise of mean 0, and the labels are clean,";
        let estimate = |name, value: f64, source, note: String| Condition {
            value: Some(value).filter(|v| v.is_finite()),
            threshold: Some(1.0),
            ..unknown(name, source, &note)
        };
        let squares = format!("{known} |μ|² ≈ {energy:.4e} (U-statistic of K) and tr Σ ≈ {trace:.4e}");
        let scale = if energy > 0.0 { n * energy } else { f64::NAN };
        return vec![
            estimate(signal, n * energy / trace, signal_source, squares),
            unknown(
                benign,
                benign_source,
                "|Σ| of data from a file cannot be known from the inner products of n samples",
            ),
            dimension,
            estimate(
                weak,
                s.d / scale,
                weak_source,
                format!("{known} |μ|² as above; unknown where that is not positive"),
            ),
        ];
    };
    let energy: f64 = mixture.mean.iter().map(|m| m * m).sum();
    let trace: f64 = mixture.spectrum.iter().sum();
    let top = mixture.spectrum.iter().fold(0.0f64, |t, v| t.max(*v));
    let ratio = n * energy / trace;
    let side = if ratio >= 1.0 { "strong" } else { "weak" };
    vec![
        condition(
            signal,
            ratio,
            AT_LEAST,
            1.0,
            signal_source,
            format!("n|μ|²/tr Σ: {side} signal; neither side is asked for, the error follows another law on each"),
        ),
        condition(
            benign,
            n * energy * energy / (top * trace),
            AT_LEAST,
            1.0,
            benign_source,
            "n|μ|⁴/(|Σ| tr Σ): far above 1 the test error of the limit vanishes".into(),
        ),
        dimension,
        condition(
            weak,
            s.d / (n * energy),
            AT_LEAST,
            1.0,
            weak_source,
            "d / (n|μ|²): above 1 the signal does not spoil near orthogonality".into(),
        ),
    ]
}

/// Unbiased estimates of ‖μ‖² and tr Σ for samples `x_i = y_i μ + z_i` with independent z_i of mean 0 and
/// covariance Σ: `E y_i y_k K_ik = ‖μ‖²` for i ≠ k, and `E K_ii = ‖μ‖² + tr Σ`. NaN for a single sample.
fn moments(k: &Matrix, y: &[f64]) -> (f64, f64) {
    let n = y.len() as f64;
    let below = |i: usize| (0..i).map(|l| y[i] * y[l] * k[(i, l)]).sum::<f64>();
    let energy = 2.0 * (0..y.len()).map(below).sum::<f64>() / (n * (n - 1.0));
    let mean = (0..y.len()).map(|i| k[(i, i)]).sum::<f64>() / n;
    (energy, mean - energy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Noise;
    use crate::data::mixture::Draw;

    fn subject<'a>(k: &'a Gram, y: &'a [f64], network: &'a Network, initial: &'a [f64]) -> Subject<'a> {
        Subject {
            k,
            y,
            d: 100.0,
            network,
            step_size: 0.1,
            loss: Loss::Exponential,
            reduction: 1.0,
            lambda_max: 12.0,
            initial,
            after_one: None,
            activated_margin: Some(0.5),
            mixture: None,
        }
    }

    fn find<'a>(list: &'a [Condition], name: &str) -> &'a Condition {
        list.iter().find(|c| c.name.starts_with(name)).unwrap()
    }

    #[test]
    fn numbers_of_a_small_problem() {
        // x_1 = (3, 0), x_2 = (−1, −3): y_1 y_2 <x_1,x_2> = 3
        let k = Gram(Matrix::new(2, 2, vec![9.0, -3.0, -3.0, 10.0]));
        let network = Network { width: 2, positive: 1, leak: 0.5 };
        let (y, initial) = ([1.0, -1.0], [1e-3, -1e-3, 1e-3, -1e-3]);
        let list = check(&subject(&k, &y, &network, &initial));
        assert_eq!(find(&list, "positive correlation").value, Some(3.0));
        assert_eq!(find(&list, "positive correlation").holds, Some(true));
        assert_eq!(find(&list, "near orthogonality").value, Some(1.5));
        assert_eq!(find(&list, "near orthogonality").threshold, Some(10.0 / 9.0));
        assert_eq!((find(&list, "norm ratio").value, find(&list, "norm ratio").holds), (Some(10.0 / 9.0), None));
        assert!((find(&list, "step size").value.unwrap() - 1.2).abs() < 1e-15);
        assert_eq!(find(&list, "activated").holds, None);
        // |μ|² ≈ y_1 y_2 <x_1,x_2> = 3, tr Σ ≈ 9.5 − 3
        assert_eq!((find(&list, "signal").value, find(&list, "signal").holds), (Some(6.0 / 6.5), None));
        assert_eq!((find(&list, "benign").value, find(&list, "benign").holds), (None, None));
        assert_eq!(find(&list, "dimension d against n|").value, Some(100.0 / 6.0));
        // weights of all samples are nearly 1, slopes of neuron 1: 1 and 1, of neuron 2: 0.5 and 0.5;
        // the least push is on (1,2): 0.1 (9 + 3) 0.5/√2 against 1e-3
        let ratio = find(&list, "initialization").value.unwrap();
        assert!((ratio / (0.1 * 12.0 * 0.5 / 2f64.sqrt() / 1e-3) - 1.0).abs() < 1e-2, "{ratio}");
        let z = [1.0, -1.0, -1.0, 0.0];
        let after = Subject { after_one: Some(&z), ..subject(&k, &y, &network, &initial) };
        assert_eq!(find(&check(&after), "activated").value, Some(0.75));
    }

    /// The estimates for drawn data, within five standard errors: `4 μᵀΣμ/n + 2 tr Σ²/(n(n−1))` is the
    /// variance of the first (Hoeffding), `tr Σ²` at most doubled by the noise of the norms that of the second.
    #[test]
    fn moments_of_drawn_data() {
        let (n, d, signal) = (60.0f64, 300.0f64, 4.0f64);
        let mixture = Mixture::new(signal, vec![1.0; d as usize], Noise::Gaussian);
        let data = mixture.sample(&Draw { n: n as usize, balance: 0.3, label_noise: 0.0, seed: 11 });
        let (energy, trace) = moments(&crate::product::gram(&data.x), &data.y);
        let variance = 4.0 * signal * signal / n + 2.0 * d / (n * (n - 1.0));
        assert!((energy - signal * signal).abs() < 5.0 * variance.sqrt(), "{energy}");
        let spread = (2.0 * d + 4.0 * signal * signal) / n;
        assert!((trace - d).abs() < 5.0 * (variance.sqrt() + spread.sqrt()), "{trace}");
    }

    #[test]
    fn a_known_distribution() {
        let k = Gram(Matrix::new(1, 1, vec![1.0]));
        let network = Network { width: 1, positive: 1, leak: 0.5 };
        let mixture = Mixture { mean: vec![2.0, 0.0], spectrum: vec![1.0, 3.0], noise: Noise::Gaussian };
        let (y, z) = ([1.0], [0.0]);
        let list = check(&Subject { mixture: Some(&mixture), ..subject(&k, &y, &network, &z) });
        assert_eq!(find(&list, "signal").value, Some(1.0));
        assert_eq!(find(&list, "benign").value, Some(16.0 / 12.0));
        assert_eq!(find(&list, "dimension d against n|").value, Some(25.0));
        assert_eq!(find(&list, "positive correlation").value, Some(0.0));
        assert_eq!(find(&list, "near orthogonality").value, Some(f64::INFINITY));
    }
}
