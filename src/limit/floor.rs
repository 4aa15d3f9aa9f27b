//! The least loss of margins that cannot grow.
//!
//! ```text
//! F(v) = Σ_i ℓ(q_i),   q_i = min_{r of i} ⟨a_r, v⟩,   rows a_r that cancel with positive weights and span all of the space
//! ```
//!
//! is convex, grows in every direction and has one minimizer. With a row per sample it is smooth: Newton's steps
//! `δ = argmin ‖√ℓ'' (a δ − s/ℓ'')‖`, s = −ℓ', a least-squares problem whose matrix is not squared, damped until they lower F
//! enough. Weak duality bounds what is left: for any `p ≥ 0` with `Σ p_r a_r = 0`, `F ≥ Σ_i min_q (ℓ(q) + p_i q)` with p_i the
//! sum over the rows of i; the step itself gives such p, `s − ℓ'' a δ`.
//!
//! With several rows per sample the minimizer may lie on a kink. Then `min Σ ℓ(q_i)` subject to `q_i ≤ ⟨a_r, v⟩` is solved by
//! the barrier `τ Σ ℓ(q_i) − Σ_r log(⟨a_r, v⟩ − q_i)` for growing τ (Boyd and Vandenberghe, ch. 11), whose multipliers `p_r = 1/(τ slack_r)` say how
//! a sample's weight is shared by its rows; the gap is the number of rows over τ.

use super::in_order::{Cholesky, least_squares, product};
use faer::Mat;
use farfield_kernels::loss::Loss;

/// The relative gap at which the search ends.
const GAP: f64 = 1e-14;

/// Newton steps at most.
const STEPS: usize = 500;

/// The relative gap at which the barrier ends: its slacks, differences of numbers of size 1, then keep 7 digits.
const BARRIER_GAP: f64 = 1e-9;

/// The squared Newton decrement that ends the steps at one τ, and the one below which whole steps are safe.
const CENTRED: f64 = 1e-18;
/// See [`CENTRED`].
const QUADRATIC: f64 = 1e-3;

/// Whole steps at most.
const POLISHED: usize = 6;

/// A minimizer.
#[derive(Clone, Debug)]
pub struct Floor {
    /// v.
    pub v: Vec<f64>,
    /// F(v).
    pub value: f64,
    /// F(v) less a lower bound of the least value.
    pub gap: f64,
    /// p_r, one per row.
    pub weights: Vec<f64>,
    /// Multiply-adds of f64, roughly.
    pub work: f64,
}

/// Minimizes F for rows `a` (R×r) of the given samples (R numbers from 0 to n − 1, each at least once).
pub fn floor(a: &Mat<f64>, samples: &[usize], loss: Loss) -> Option<Floor> {
    let n = samples.iter().max().map_or(0, |i| i + 1);
    if a.nrows() == n { newton(a, loss) } else { barrier(a, samples, n, loss) }
}

/// `Av`.
fn times(a: &Mat<f64>, v: &Mat<f64>) -> Mat<f64> {
    product(a.as_ref(), v.as_ref())
}

/// `f(q_r)` of the rows at v.
fn of_rows(a: &Mat<f64>, v: &Mat<f64>, f: impl Fn(f64) -> f64) -> Vec<f64> {
    let q = times(a, v);
    (0..a.nrows()).map(|r| f(q[(r, 0)])).collect()
}

fn newton(a: &Mat<f64>, loss: Loss) -> Option<Floor> {
    let (rows, size) = (a.nrows(), a.ncols());
    let mut v = Mat::zeros(size, 1);
    let mut best: Option<Floor> = None;
    let mut work = 0.0;
    for _ in 0..STEPS {
        work += 2.0 * (rows * size * size) as f64;
        let value: f64 = of_rows(a, &v, |q| loss.value(q)).iter().sum();
        let (s, curvature) = (of_rows(a, &v, |q| loss.weight(q)), of_rows(a, &v, |q| loss.curvature(q)));
        let root = |r: usize| curvature[r].sqrt();
        let scaled = Mat::from_fn(rows, size, |r, c| root(r) * a[(r, c)]);
        let step = least_squares(scaled, Mat::from_fn(rows, 1, |r, _| s[r] / root(r)));
        let move_by = times(a, &step);
        let p: Vec<f64> = (0..rows).map(|r| s[r] - curvature[r] * move_by[(r, 0)]).collect();
        let dual: f64 = p.iter().map(|p| if *p > 0.0 { loss.least_tilted(*p) } else { f64::NAN }).sum();
        let gap = (value - dual).abs();
        let slope: f64 = (0..rows).map(|r| s[r] * move_by[(r, 0)]).sum();
        if !gap.is_nan() && best.as_ref().is_none_or(|b| gap < b.gap) {
            best = Some(Floor { v: v.col_as_slice(0).to_vec(), value, gap, weights: s, work });
        }
        if gap <= GAP * value || slope <= 1e-3 * GAP * value {
            break;
        }
        let lowered = |t: &f64| {
            let sum: f64 = of_rows(a, &(&v + &step * faer::Scale(*t)), |q| loss.value(q)).iter().sum();
            sum <= value - 0.25 * t * slope
        };
        match std::iter::successors(Some(1.0), |t| Some(0.5 * t)).take(60).find(lowered) {
            Some(t) => v += &step * faer::Scale(t),
            None => break,
        }
    }
    best
}

/// The state of the barrier at one v: q, the slacks, and the value.
struct Centre {
    q: Vec<f64>,
    slack: Vec<f64>,
    value: f64,
}

fn centre(products: &Mat<f64>, samples: &[usize], n: usize, (loss, tau): (Loss, f64)) -> Centre {
    let mut members = vec![Vec::new(); n];
    (0..samples.len()).for_each(|r| members[samples[r]].push(products[(r, 0)]));
    let least: Vec<f64> = members.iter().map(|s| s.iter().copied().fold(f64::INFINITY, f64::min)).collect();
    let below: Vec<f64> = (0..n).map(|i| inner(&members[i], least[i], (loss, tau))).collect();
    let slack: Vec<f64> = samples.iter().enumerate().map(|(r, &i)| below[i] + (products[(r, 0)] - least[i])).collect();
    let q: Vec<f64> = least.iter().zip(&below).map(|(s, x)| s - x).collect();
    let value = q.iter().map(|q| tau * loss.value(*q)).sum::<f64>() - slack.iter().map(|s| libm::log(*s)).sum::<f64>();
    Centre { q, slack, value }
}

/// How far `argmin_q τ ℓ(q) − Σ log(a_r − q)` is below the least of the a_r: the root of the decreasing function
/// `log Σ 1/(x + a_r − a_min) − log τ − log s(a_min − x)` of log x, by Newton's method in a bracket.
fn inner(s: &[f64], least: f64, (loss, tau): (Loss, f64)) -> f64 {
    let (mut low, mut high) = (libm::log(1e-290), libm::log(1e6));
    let mut y = 0.0;
    for _ in 0..300 {
        let x = libm::exp(y);
        let (mut sum, mut squares) = (0.0, 0.0);
        for s in s {
            let inverse = 1.0 / (x + (s - least));
            sum += inverse;
            squares += inverse * inverse;
        }
        let q = least - x;
        let value = libm::log(sum) - libm::log(tau) - loss.log_weight((0.0, 0.0), (q, 0.0));
        if value > 0.0 {
            low = y
        } else {
            high = y
        }
        let next = y + value / (x * (squares / sum - loss.ratios(q)[0]));
        let next = if next > low && next < high { next } else { 0.5 * (low + high) };
        let moved = (next - y).abs();
        y = next;
        if moved <= 4.0 * f64::EPSILON * y.abs().max(1.0) {
            break;
        }
    }
    libm::exp(y)
}

fn barrier(a: &Mat<f64>, samples: &[usize], n: usize, loss: Loss) -> Option<Floor> {
    let (rows, size) = (a.nrows(), a.ncols());
    let mut v = Mat::zeros(size, 1);
    let (mut tau, mut work) = (1.0, 0.0);
    let mut at = centre(&times(a, &v), samples, n, (loss, tau));
    loop {
        let mut polished = 0;
        for _ in 0..STEPS {
            work += 2.0 * (rows * size * size) as f64;
            let (gradient, hessian) = derivatives(a, samples, n, (loss, tau), &at);
            let Some(step) = solve(hessian, &gradient) else { break };
            let slope: f64 = (0..size).map(|c| -gradient[(c, 0)] * step[(c, 0)]).sum();
            if slope.is_nan() || slope <= CENTRED {
                break;
            }
            let move_by = |t: f64| &v + &step * faer::Scale(t);
            if slope < QUADRATIC {
                if polished == POLISHED {
                    break;
                }
                // the value has no digits left to compare; Newton's steps need none
                polished += 1;
                v = move_by(1.0);
                at = centre(&times(a, &v), samples, n, (loss, tau));
                continue;
            }
            let tried = std::iter::successors(Some(1.0), |t| Some(0.5 * t)).take(50).find_map(|t| {
                let next = centre(&times(a, &move_by(t)), samples, n, (loss, tau));
                (next.value <= at.value - 0.1 * t * slope).then_some((t, next))
            });
            let Some((t, next)) = tried else { break };
            v = move_by(t);
            at = next;
        }
        let value: f64 = at.q.iter().map(|q| loss.value(*q)).sum();
        if rows as f64 / tau <= BARRIER_GAP * value {
            let products = times(a, &v);
            let mut q = vec![f64::INFINITY; n];
            (0..rows).for_each(|r| q[samples[r]] = q[samples[r]].min(products[(r, 0)]));
            let weights = at.slack.iter().map(|s| 1.0 / (tau * s)).collect();
            let value = q.iter().map(|q| loss.value(*q)).sum();
            return Some(Floor { v: v.col_as_slice(0).to_vec(), value, gap: rows as f64 / tau, weights, work });
        }
        tau *= 8.0;
        if tau > 1e300 {
            return None;
        }
        at = centre(&times(a, &v), samples, n, (loss, tau));
    }
}

/// Of the barrier as a function of v alone, q eliminated.
fn derivatives(
    a: &Mat<f64>,
    samples: &[usize],
    n: usize,
    (loss, tau): (Loss, f64),
    at: &Centre,
) -> (Mat<f64>, Mat<f64>) {
    let (rows, size) = (a.nrows(), a.ncols());
    let inverse = |r: usize| 1.0 / at.slack[r];
    let gradient = product(a.transpose(), Mat::from_fn(rows, 1, |r, _| -inverse(r)).as_ref());
    let mut total: Vec<f64> = at.q.iter().map(|q| tau * loss.curvature(*q)).collect();
    (0..rows).for_each(|r| total[samples[r]] += inverse(r) * inverse(r));
    let scaled = Mat::from_fn(rows, size, |r, c| inverse(r) * a[(r, c)]);
    let mut joint = Mat::<f64>::zeros(n, size);
    for r in 0..rows {
        let i = samples[r];
        (0..size).for_each(|c| joint[(i, c)] += inverse(r) * inverse(r) / total[i].sqrt() * a[(r, c)]);
    }
    let hessian = product(scaled.transpose(), scaled.as_ref()) - product(joint.transpose(), joint.as_ref());
    (gradient, hessian)
}

/// `−H⁻¹g`, with unit diagonal first.
fn solve(hessian: Mat<f64>, gradient: &Mat<f64>) -> Option<Mat<f64>> {
    let size = hessian.nrows();
    let unit: Vec<f64> = (0..size).map(|c| 1.0 / hessian[(c, c)].sqrt()).collect();
    let scaled = Mat::from_fn(size, size, |r, c| unit[r] * hessian[(r, c)] * unit[c]);
    let factor = Cholesky::new(scaled)?;
    let step = factor.solve(Mat::from_fn(size, 1, |r, _| -unit[r] * gradient[(r, 0)]));
    Some(Mat::from_fn(size, 1, |r, _| unit[r] * step[(r, 0)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension() {
        // exp(−v) + exp(2v): −exp(−v) + 2 exp(2v) = 0 at v = −log(2)/3
        let rows = Mat::from_fn(2, 1, |r, _| [1.0, -2.0][r]);
        let found = floor(&rows, &[0, 1], Loss::Exponential).unwrap();
        let v = -libm::log(2.0) / 3.0;
        assert!((found.v[0] - v).abs() < 1e-14 && (found.value - libm::exp(-v) - libm::exp(2.0 * v)).abs() < 1e-14);
        assert!(found.gap < 1e-13);
        // log(1 + exp(−v)) + log(1 + exp(2v)): σ(−v) = 2σ(2v) where x = exp(v) is the root of 2x³ + x² = 1
        let found = floor(&rows, &[0, 1], Loss::Logistic).unwrap();
        let x = libm::exp(found.v[0]);
        assert!((2.0 * x * x * x + x * x - 1.0).abs() < 1e-7, "{found:?}"); // v where the value is flat
        let value = libm::log1p(1.0 / x) + libm::log1p(x * x);
        assert!((found.value - value).abs() < 1e-14 && found.gap < 1e-13, "{found:?}");
    }

    #[test]
    fn a_kink_holds_the_minimizer() {
        // margins v and min(−v/2, −2v): the minimum is at the kink v = 0, where the second has slopes 1/2 to 2 and takes 1
        let found = floor(&Mat::from_fn(3, 1, |r, _| [1.0, -0.5, -2.0][r]), &[0, 1, 1], Loss::Exponential).unwrap();
        assert!(found.v[0].abs() < 1e-8 && (found.value - 2.0).abs() < 1e-8, "{found:?}");
        let slope = 0.5 * found.weights[1] + 2.0 * found.weights[2];
        assert!((slope - 1.0).abs() < 1e-5 && (found.weights[0] - 1.0).abs() < 1e-5, "{found:?}");
        // margins v and min(−v/2, −v/4): smooth on the side of v > 0
        let found = floor(&Mat::from_fn(3, 1, |r, _| [1.0, -0.5, -0.25][r]), &[0, 1, 1], Loss::Exponential).unwrap();
        let v = libm::log(2.0) / 1.5;
        assert!((found.v[0] - v).abs() < 1e-5 && (found.value - libm::exp(-v) - libm::exp(0.5 * v)).abs() < 1e-10);
        // the kink again: weights ½ at v = 0, which slopes from 1/2 to 2 balance at 1
        let found = floor(&Mat::from_fn(3, 1, |r, _| [1.0, -0.5, -2.0][r]), &[0, 1, 1], Loss::Logistic).unwrap();
        let slope = 0.5 * found.weights[1] + 2.0 * found.weights[2];
        assert!(found.v[0].abs() < 1e-7 && (found.value - libm::log(4.0)).abs() < 1e-7, "{found:?}");
        assert!((slope - 0.5).abs() < 1e-5 && (found.weights[0] - 0.5).abs() < 1e-5, "{found:?}");
    }
}
