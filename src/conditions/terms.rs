//! The number behind each condition.

use super::Condition;
use super::ConditionKind::{self, *};
use super::Relation::{self, *};
use crate::inner_products::Gram;
use crate::matrix::Matrix;
use crate::network::Pattern;
use crate::problem::Problem;
use crate::real;
use serde::{Deserialize, Serialize};

/// What the conditions are asked of.
pub struct Subject<'a> {
    pub problem: &'a Problem,
    /// `K = XXᵀ` (n×n).
    pub gram: &'a Gram,
    /// Pre-activations of the initial weights, `X W(0)ᵀ` (n×m, row-major).
    pub initial: &'a [f64],
    /// Pre-activations after one step (n×m).
    pub after_one: &'a [f64],
    /// The maximal margin in the activated pattern, if it separates the data.
    pub activated_margin: Option<f64>,
}

/// Estimates from the samples alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// `‖μ‖²`.
    #[serde(with = "real")]
    pub energy: f64,
    /// `tr Σ`.
    #[serde(with = "real")]
    pub trace: f64,
}

fn condition(kind: ConditionKind, value: f64, relation: Relation, threshold: f64) -> Condition {
    let holds = match relation {
        AtLeast => value >= threshold,
        Above => value > threshold,
        Below => value < threshold,
    };
    let holds = (!value.is_nan()).then_some(holds);
    Condition { kind, value: Some(value), relation, threshold: Some(threshold), holds }
}

/// A number of which nothing is asked, or which is an estimate.
fn number(kind: ConditionKind, value: Option<f64>, threshold: Option<f64>) -> Condition {
    Condition { kind, value: value.filter(|v| v.is_finite()), relation: AtLeast, threshold, holds: None }
}

impl Subject<'_> {
    /// All conditions, in the order in which the argument uses them.
    pub fn check(&self) -> Vec<Condition> {
        let mut list = vec![
            condition(SeparableWhenActivated, self.activated_margin.unwrap_or(0.0), Above, 0.0),
            condition(PositiveCorrelation, least_correlation(&self.gram.0, self.y()), AtLeast, 0.0),
        ];
        list.extend(self.near_orthogonality());
        list.extend(self.step_size());
        list.push(self.initialization());
        let agreement = Pattern::sign_agreement(self.after_one, self.y(), &self.problem.network);
        list.push(condition(ActivatedAtOne, agreement, AtLeast, 1.0));
        list.extend(self.distribution());
        list
    }

    fn y(&self) -> &[f64] {
        self.problem.data.y()
    }

    fn near_orthogonality(&self) -> [Condition; 2] {
        let (n, k) = (self.y().len(), &self.gram.0);
        let norms = (0..n).map(|i| k[(i, i)]);
        let (least, largest) = (norms.clone().fold(f64::INFINITY, f64::min), norms.fold(0.0, f64::max));
        let pairs = (0..n).flat_map(|i| (0..i).map(move |l| (i, l)));
        let overlap = pairs.map(|p| k[p].abs()).fold(0.0, f64::max);
        let ratio = if overlap > 0.0 { least / (n as f64 * overlap) } else { f64::INFINITY };
        let spread = largest / least;
        [condition(NearOrthogonality, ratio, AtLeast, spread), number(NormRatio, Some(spread), None)]
    }

    /// The Hessian of the loss in a fixed pattern is `c Σ ℓ''(q_i) Φ_iΦ_iᵀ`, and `‖ΣΦ_iΦ_iᵀ‖ ≤ λmax(K)`.
    fn step_size(&self) -> [Condition; 2] {
        let (scaled, loss) = (self.problem.rate() * self.problem.data.lambda_max(), self.problem.loss);
        let margins = self.problem.network.margins(self.initial, self.y());
        let largest = margins.iter().map(|q| loss.curvature(*q)).fold(0.0, f64::max);
        let value = scaled * loss.curvature_bound();
        [condition(StepSize, value, Below, 2.0), condition(StepSizeAtStart, scaled * largest, Below, 2.0)]
    }

    /// The weights of the samples at W(0).
    fn weights(&self) -> Vec<f64> {
        let margins = self.problem.network.margins(self.initial, self.y());
        margins.iter().map(|q| self.problem.loss.weight(*q)).collect()
    }

    /// The contribution of the first step to the pre-activations against W(0)'s own.
    fn initialization(&self) -> Condition {
        let (n, network) = (self.y().len(), &self.problem.network);
        let (m, weights) = (network.width, self.weights());
        let pattern = Pattern::of(self.initial, n, m);
        let mut least = f64::INFINITY;
        for j in 0..m {
            let column: Vec<f64> = (0..n).map(|i| weights[i] * self.y()[i] * pattern.slope(network, i, j)).collect();
            for i in 0..n {
                let sum: f64 = self.gram.0.row(i).iter().zip(&column).map(|(k, v)| k * v).sum();
                let push = self.problem.rate() * sum.abs() / (m as f64).sqrt();
                least = least.min(push / self.initial[i * m + j].abs());
            }
        }
        condition(InitializationAgainstStep, least, AtLeast, 1.0)
    }

    fn distribution(&self) -> [Condition; 4] {
        let (n, d) = (self.y().len() as f64, self.problem.data.dimensions() as f64);
        let dimension = condition(DimensionAgainstSamples, d / (n * n), AtLeast, 1.0);
        let Some(mixture) = self.problem.data.mixture() else {
            let Moments { energy, trace } = moments(&self.gram.0, self.y());
            let scale = if energy > 0.0 { n * energy } else { f64::NAN };
            return [
                number(SignalAgainstNoise, Some(n * energy / trace), Some(1.0)),
                number(Benign, None, None),
                dimension,
                number(DimensionAgainstSignal, Some(d / scale), Some(1.0)),
            ];
        };
        let energy: f64 = mixture.mean.iter().map(|m| m * m).sum();
        let trace: f64 = mixture.trace();
        if mixture.second.is_some() {
            return [
                number(SignalAgainstNoise, Some(n * energy / trace), Some(1.0)),
                number(Benign, None, None),
                dimension,
                condition(DimensionAgainstSignal, d / (n * energy), AtLeast, 1.0),
            ];
        }
        let top = mixture.spectrum.iter().fold(if mixture.further > 0 { 1.0f64 } else { 0.0 }, |t, v| t.max(*v));
        [
            condition(SignalAgainstNoise, n * energy / trace, AtLeast, 1.0),
            condition(Benign, n * energy * energy / (top * trace), AtLeast, 1.0),
            dimension,
            condition(DimensionAgainstSignal, d / (n * energy), AtLeast, 1.0),
        ]
    }
}

/// `min_{i≠k} y_i y_k ⟨x_i,x_k⟩`, 0 for a single sample.
fn least_correlation(k: &Matrix, y: &[f64]) -> f64 {
    let pairs = (0..y.len()).flat_map(|i| (0..i).map(move |l| (i, l)));
    let least = pairs.map(|(i, l)| y[i] * y[l] * k[(i, l)]).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 0.0 }
}

/// Unbiased estimates of ‖μ‖² and tr Σ for samples `x_i = y_i μ + z_i` with independent z_i of mean 0 and
/// covariance Σ: `E y_i y_k K_ik = ‖μ‖²` for i ≠ k, and `E K_ii = ‖μ‖² + tr Σ`. NaN for a single sample.
pub fn moments(k: &Matrix, y: &[f64]) -> Moments {
    let n = y.len() as f64;
    let below = |i: usize| (0..i).map(|l| y[i] * y[l] * k[(i, l)]).sum::<f64>();
    let energy = 2.0 * (0..y.len()).map(below).sum::<f64>() / (n * (n - 1.0));
    let mean = (0..y.len()).map(|i| k[(i, i)]).sum::<f64>() / n;
    Moments { energy, trace: mean - energy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Data, Draw, Mixture, Noise, Stream};
    use crate::network::Network;
    use crate::problem::{Reduction, StepSize};

    fn find(list: &[Condition], kind: ConditionKind) -> Condition {
        *list.iter().find(|c| c.kind == kind).unwrap()
    }

    fn check(problem: &Problem, initial: &[f64], after_one: &[f64]) -> Vec<Condition> {
        let gram = problem.data.gram().unwrap();
        Subject { problem, gram, initial, after_one, activated_margin: Some(0.5) }.check()
    }

    #[test]
    fn numbers_of_a_small_problem() {
        // x_1 = (3, 0), x_2 = (−1, −3): y_1 y_2 <x_1,x_2> = 3, λmax = 9.5 + √9.25
        let data = Data::new(Matrix::new(2, 2, vec![3.0, 0.0, -1.0, -3.0]), vec![1.0, -1.0]).unwrap();
        let network = Network { width: 2, positive: 1, leak: 0.5 };
        let problem = Problem::with(&data, network, StepSize::Fixed(0.1), Reduction::Sum).unwrap();
        let (initial, z) = ([1e-3, -1e-3, 1e-3, -1e-3], [1.0, -1.0, -1.0, 0.0]);
        let list = check(&problem, &initial, &z);
        let value = |kind| find(&list, kind).value;
        assert_eq!((value(PositiveCorrelation), find(&list, PositiveCorrelation).holds), (Some(3.0), Some(true)));
        assert_eq!(value(NearOrthogonality), Some(1.5));
        assert_eq!(find(&list, NearOrthogonality).threshold, Some(10.0 / 9.0));
        assert_eq!((value(NormRatio), find(&list, NormRatio).holds), (Some(10.0 / 9.0), None));
        let top = 9.5 + 9.25f64.sqrt();
        assert!((value(StepSize).unwrap() / (0.1 * top) - 1.0).abs() < 1e-12);
        assert_eq!(value(ActivatedAtOne), Some(0.75));
        // |μ|² ≈ y_1 y_2 <x_1,x_2> = 3, tr Σ ≈ 9.5 − 3
        assert_eq!((value(SignalAgainstNoise), find(&list, SignalAgainstNoise).holds), (Some(6.0 / 6.5), None));
        assert_eq!((value(Benign), find(&list, Benign).holds), (None, None));
        assert_eq!(value(DimensionAgainstSignal), Some(2.0 / 6.0));
        // weights of all samples are nearly 1, slopes of neuron 1: 1 and 1, of neuron 2: 0.5 and 0.5;
        // the least push is on (1,2): 0.1 (9 + 3) 0.5/√2 against 1e-3
        let ratio = value(InitializationAgainstStep).unwrap();
        assert!((ratio / (0.1 * 12.0 * 0.5 / 2f64.sqrt() / 1e-3) - 1.0).abs() < 1e-2, "{ratio}");
    }

    /// The estimates for drawn data, within five standard errors: `4 μᵀΣμ/n + 2 tr Σ²/(n(n−1))` is the
    /// variance of the first (Hoeffding), `tr Σ²` at most doubled by the noise of the norms that of the second.
    #[test]
    fn moments_of_drawn_data() {
        let (n, d, signal) = (60.0f64, 300.0f64, 4.0f64);
        let mixture = Mixture::new(signal, vec![1.0; d as usize], Noise::Gaussian);
        let data = Data::draw(mixture, &Draw { n: n as usize, balance: 0.3, label_noise: 0.0, seed: 11 }).unwrap();
        let Moments { energy, trace } = moments(&data.gram().unwrap().0, data.y());
        let variance = 4.0 * signal * signal / n + 2.0 * d / (n * (n - 1.0));
        assert!((energy - signal * signal).abs() < 5.0 * variance.sqrt(), "{energy}");
        let spread = (2.0 * d + 4.0 * signal * signal) / n;
        assert!((trace - d).abs() < 5.0 * (variance.sqrt() + spread.sqrt()), "{trace}");
    }

    #[test]
    fn a_known_distribution() {
        let mixture = Mixture {
            mean: vec![2.0, 0.0],
            spectrum: vec![1.0, 3.0],
            noise: Noise::Gaussian,
            further: 0,
            second: None,
            stream: Stream::default(),
        };
        let data = Data::draw(mixture, &Draw { n: 1, balance: 1.0, label_noise: 0.0, seed: 1 }).unwrap();
        let problem = Problem::new(&data, Network { width: 1, positive: 1, leak: 0.5 }).unwrap();
        let list = check(&problem, &[0.0], &[1.0]);
        assert_eq!(find(&list, SignalAgainstNoise).value, Some(1.0));
        assert_eq!(find(&list, Benign).value, Some(16.0 / 12.0));
        assert_eq!(find(&list, DimensionAgainstSamples).value, Some(2.0));
        assert_eq!(find(&list, DimensionAgainstSignal).value, Some(0.5));
    }
}
