//! Separable, not separable, or undecided: the three answers and their proofs.
//!
//! Rows Φ_r on one side of a plane have a W with all `⟨Φ_r, W⟩ > 0`; rows that are not have weights `λ ≥ 0`,
//! Σλ = 1, with `Σ λ_r Φ_r = 0` (Farkas, Gordan). Neither changes when a row is scaled by a positive factor, so rows
//! count by their lengths. For any W and any λ ≥ 0
//!
//! ```text
//! min_r ⟨Φ_r, W⟩/‖W‖  ≤  γ*  ≤  ‖Σ λ_r Φ_r‖ / Σ λ_r
//! ```
//!
//! and with `g = 1 − lower/upper` the unit vector Ŵ of W is within `√(2g)` of the limit Ŵ*: W* is the shortest vector of the convex
//! set `{⟨Φ_r, W⟩ ≥ 1}`, so `⟨W, W*⟩ ≥ ‖W*‖²` for the W scaled into it, `cos(Ŵ, Ŵ*) ≥ ‖W*‖/‖W‖ ≥ lower/upper`.
//!
//! - *Separable*: the lower bound is positive, whatever the rounding. K alone shows it for ordinary data: with entries
//!   within `κ‖x_i‖‖x_k‖` of the true ones, `|δ⟨Φ_r, W⟩| ≤ κ ‖x_i‖ Σ_s λ_s‖x_s‖`. Where that hides the margin, X decides ([`Features`]).
//! - *Not separable*: weights with `‖Σ λ_r Φ_r‖ ≤ ε Σ λ_r‖Φ_r‖`, ε = [`PROOF`], four units of roundoff.
//!   *Then rows Φ'_r with `‖Φ'_r − Φ_r‖ ≤ ε‖Φ_r‖` exist whose weighted sum is exactly 0*: with `V = Σ λ_r Φ_r`, take
//!   `Φ'_r = Φ_r − V ‖Φ_r‖/Σ_s λ_s‖Φ_s‖`. No W separates those. Two cases are called so: weights
//!   that in 106 bits leave [`CANCELLED`] of the terms; and weights for which a change of each *sample* by at most 2⁻⁵² of its length ([`ROUNDED`])
//!   makes the sum vanish for all neurons, which the rounding of the samples to f64 may have made: then no W with a larger margin exists.
//! - *Undecided*: neither, with the interval of γ*.

use super::precise::cancel::cancel;
use super::precise::coordinates::Coordinates;
use super::precise::double::{Double, UNIT};
use super::precise::factor::{DEPENDENT, Factor};
use super::precise::features::{Features, length};
use super::precise::hull::{self, Found};
use super::precise::vector::Vector;
use super::rows::{Row, Rows};

/// The sum of rows that cancel, relative to its terms, before their weights are rounded to f64.
pub const CANCELLED: f64 = 1.0 / (1u128 << 72) as f64;

/// The change of each sample, relative to its length, that the rounding of samples to f64 may have made.
const ROUNDED: f64 = f64::EPSILON;

/// The change of a row, relative to its length, that makes the rows cancel exactly, weights in f64.
pub const PROOF: f64 = 2.0 * f64::EPSILON;

/// Multiply-adds of 106 bits, some 5 ns each, that a decision may take.
pub const AFFORDABLE: f64 = 2e9;

/// Numbers of 106 bits that it may hold.
const HELD: f64 = 6e7;

/// Rounds of row generation.
const ROUNDS: usize = 100;

/// A margin below 1 by more than this asks for another row.
const SHORTFALL: f64 = 1.0 / (1u128 << 80) as f64;

/// Bounds of γ*.
#[derive(Clone, Copy, Debug)]
pub struct Bracket {
    /// From the margins of a W; not above γ*, and negative if it does not separate.
    pub low: Double,
    /// From weak duality; not below γ*.
    pub high: Double,
}

impl Bracket {
    /// `1 − low/high`, from 0 to 1.
    pub fn gap(&self) -> f64 {
        let gap = (self.high - self.low) / self.high;
        if self.low.hi > 0.0 && gap.hi < 1.0 { gap.hi.max(4.0 * UNIT) } else { 1.0 }
    }

    /// In f64, outward; γ* is not negative.
    pub fn interval(&self) -> (f64, f64) {
        (self.low.below().max(0.0), self.high.above())
    }
}

/// Weights of the rows and a W, with what they prove.
#[derive(Clone, Debug)]
pub struct Proved {
    /// λ, one per row.
    pub weights: Vec<Double>,
    /// Bounds of γ*.
    pub bracket: Bracket,
    /// Rows that entered or left a support on the way.
    pub pivots: usize,
}

/// The answer from X.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// A W with positive margins.
    Separable(Proved),
    /// Weights λ ≥ 0 of f64 with Σλ = 1, and the change of rows with which they cancel.
    NotSeparable(Vec<f64>, f64),
    /// The bounds that were found.
    Undecided(Proved),
}

/// Decides from X. Rows may be added to `rows` on the way; `guess` are weights for those that are there.
pub fn decide(features: &Features, rows: &mut Rows, guess: &[f64]) -> Verdict {
    let scaled = |weights: &[f64], lengths: &[f64]| -> Vec<f64> {
        weights.iter().zip(lengths).map(|(l, h)| if h.is_finite() { l * h } else { 0.0 }).collect()
    };
    let lengths = rows.lengths(&features.norms);
    if let Some(r) = lengths.iter().position(|h| *h == 0.0) {
        let mut weights = vec![0.0; rows.len()];
        weights[r] = 1.0;
        return Verdict::NotSeparable(weights, 0.0);
    }
    let guess = scaled(guess, &lengths);
    if let Some((weights, moved)) = cancelling(features, rows, &guess) {
        return Verdict::NotSeparable(weights, moved);
    }
    if !affordable(features, rows) {
        return Verdict::Undecided(Proved::nothing(rows.len()));
    }
    let coordinates = Coordinates::new(features);
    let first = solve(features, &coordinates, rows, &guess, false);
    let (proved, separable) = match first {
        Verdict::Undecided(proved) => (proved, false),
        Verdict::Separable(proved) if relative_sum(features, rows, &proved.weights) <= 64.0 * ROUNDED => (proved, true),
        decided => return decided,
    };
    // rows of unit length: the margin is not lost among rows of other sizes
    let guess: Vec<f64> = proved.weights.iter().map(|w| w.value()).collect();
    let guess = scaled(&guess, &rows.lengths(&features.norms));
    match solve(features, &coordinates, rows, &guess, true) {
        Verdict::Undecided(second) | Verdict::Separable(second)
            if moved_samples(features, rows, &second.weights) <= ROUNDED
                && let Some((weights, moved)) = rounded(features, rows, &second.weights) =>
        {
            Verdict::NotSeparable(weights, moved)
        }
        _ if separable => Verdict::Separable(resized(proved, rows)),
        Verdict::Undecided(second) => Verdict::Undecided(second.or(resized(proved, rows))),
        decided => decided,
    }
}

fn resized(mut proved: Proved, rows: &Rows) -> Proved {
    proved.weights.resize(rows.len(), Double::ZERO);
    proved
}

/// `‖Σ λ_r Φ_r‖ / Σ λ_r‖Φ_r‖`, upward.
fn relative_sum(features: &Features, rows: &Rows, weights: &[Double]) -> f64 {
    let size: f64 = weights.iter().zip(rows.lengths(&features.norms)).map(|(l, h)| l.hi * h).sum();
    (length(&features.combine(rows, weights)).hi / size + features.error()) * (1.0 + 1e-10)
}

/// The largest relative change of a sample among small changes δ_i with which the weighted sum vanishes. With
/// `c_ip = Σ_{r of i} λ_r β_p y_i c_rp` the sum is `V_p = Σ_i c_ip x_i`; of all δ with `Σ_i c_ip δ_i = −V_p` the one of least
/// `Σ ‖δ_i‖²/w_i`, `w_i = ‖x_i‖/‖c_i‖`, is taken: `‖δ_i‖ ≤ √w_i Σ_k |Q_ik| ‖T_k‖` for the factor `(√w_i c_ip) = QR` and `T = R⁻ᵀV`.
fn moved_samples(features: &Features, rows: &Rows, weights: &[Double]) -> f64 {
    let (n, groups) = (features.x.rows(), rows.groups.len());
    let mut c = vec![vec![Double::ZERO; groups]; n];
    for (row, l) in rows.list.iter().zip(weights).filter(|(_, l)| l.hi != 0.0) {
        (0..groups).for_each(|p| c[row.sample][p] += *l * features.coefficient(row, p));
    }
    let size = |c: &[Double]| c.iter().map(|v| v.hi * v.hi).sum::<f64>().sqrt();
    let root: Vec<f64> =
        (0..n).map(|i| if size(&c[i]) > 0.0 { (features.norms[i] / size(&c[i])).sqrt() } else { 0.0 }).collect();
    let sums = features.combine(rows, weights);
    let mut factor = Factor::default();
    let mut t: Vec<Vector> = Vec::new();
    for (p, sum) in sums.iter().enumerate() {
        let column = Vector::from_numbers((0..n).map(|i| c[i][p] * Double::from(root[i])));
        if column.dot(&column).hi > 0.0 && factor.push(&column, DEPENDENT) {
            let r = factor.column(factor.len() - 1);
            let mut v = sum.clone();
            t.iter().zip(r).for_each(|(t, r)| v.add_scaled(-*r, t));
            v.scale(Double::ONE / r[t.len()]);
            t.push(v);
        }
    }
    let lengths: Vec<f64> = t.iter().map(|t| t.dot(t).sqrt().hi).collect();
    let moved = |i: usize| {
        let sum: f64 = lengths.iter().enumerate().map(|(k, l)| factor.direction(k).hi[i].abs() * l).sum();
        if features.norms[i] > 0.0 { root[i] * sum / features.norms[i] } else { 0.0 }
    };
    (0..n).map(moved).fold(features.error(), f64::max)
}

impl Proved {
    /// The one whose upper bound is less: bounds of two λ are not joined, so that each follows from the λ beside it.
    pub fn or(self, other: Self) -> Self {
        if other.bracket.high < self.bracket.high { other } else { self }
    }

    fn nothing(rows: usize) -> Self {
        let bracket = Bracket { low: Double::ZERO, high: Double::from(f64::INFINITY) };
        Self { weights: vec![Double::ZERO; rows], bracket, pivots: 0 }
    }
}

/// Whether a decision with 106 bits is worth its time.
pub fn affordable(features: &Features, rows: &Rows) -> bool {
    let (n, d, p) = (features.x.rows() as f64, features.x.cols() as f64, rows.groups.len() as f64);
    let size = p * d.min(n);
    let support = (rows.len() as f64).min(size + 1.0);
    let basis = if d > n { 2.0 * n * n * d } else { 0.0 };
    let pivots = 2.0 * support * (support + rows.len() as f64) * size;
    rows.len() as f64 * size + n * d <= HELD && basis + pivots <= AFFORDABLE
}

/// Solves on the rows, adds those that fall short, until none does. With `unit` every row counts as if it had length 1.
fn solve(features: &Features, coordinates: &Coordinates, rows: &mut Rows, guess: &[f64], unit: bool) -> Verdict {
    let mut guess = guess.to_vec();
    let mut pivots = 0;
    let mut best: Option<Proved> = None;
    for _ in 0..ROUNDS {
        let scales = scales(&rows.lengths(&features.norms));
        let columns: Vec<Vector> =
            rows.list.iter().zip(&scales).map(|(r, s)| coordinates.row(features, r, *s)).collect();
        let top = scales.iter().copied().fold(0.0, f64::max);
        let b: Vec<f64> = scales.iter().map(|s| if unit { 1.0 } else { s / top }).collect();
        guess.resize(rows.len(), 0.0);
        let found = hull::nearest(&columns, &b, &guess, hull::ZERO);
        pivots += found.pivots;
        if found.cancels {
            let weights: Vec<Double> = found.weights.iter().zip(&scales).map(|(u, s)| u.scaled(*s)).collect();
            if let Some((weights, moved)) = cancellation(features, rows, &weights) {
                return Verdict::NotSeparable(weights, moved);
            }
            let high = upper(features, rows, &weights, None);
            return Verdict::Undecided(Proved { weights, bracket: Bracket { low: Double::ZERO, high }, pivots });
        }
        let Found { weights, mut w, .. } = hull::polish(&columns, &b, &found);
        guess = weights.iter().map(|u| u.value().max(0.0)).collect();
        let size = if unit { 1.0 } else { top }; // ⟨Φ_r, W⟩ ≥ 1
        let weights: Vec<Double> = weights.iter().zip(&scales).map(|(u, s)| u.scaled(*s).scaled(size)).collect();
        w.scale(size.into());
        let w = coordinates.back(&w);
        let checked = Checked::new(features, rows, &w);
        let bracket = Bracket { low: checked.low, high: upper(features, rows, &weights, None) };
        let proved = Proved { weights, bracket, pivots };
        if best.as_ref().is_none_or(|b| b.bracket.gap() >= proved.bracket.gap()) {
            best = Some(proved);
        }
        let new = checked.missing(features, rows, unit);
        if new.is_empty() {
            break;
        }
        rows.list.extend(new);
    }
    let mut best = best.unwrap_or_else(|| Proved::nothing(rows.len()));
    best.weights.resize(rows.len(), Double::ZERO);
    if best.bracket.low.hi > 0.0 { Verdict::Separable(best) } else { Verdict::Undecided(best) }
}

/// Powers of two that bring rows to lengths from 1 to 2; 1 for rows of zeros.
pub fn scales(lengths: &[f64]) -> Vec<f64> {
    lengths.iter().map(|h| if *h > 0.0 { libm::exp2(-libm::floor(libm::log2(*h))) } else { 1.0 }).collect()
}

/// `(‖V‖ + η Σ λ‖Φ‖)/Σλ ≥ γ*` for V the sum of the rows, computed here unless it is given.
fn upper(features: &Features, rows: &Rows, weights: &[Double], sum: Option<&[Vector]>) -> Double {
    let total = weights.iter().fold(Double::ZERO, |s, l| s + *l);
    let size: f64 = weights.iter().zip(rows.lengths(&features.norms)).map(|(l, h)| l.hi * h).sum();
    let length = sum.map_or_else(|| length(&features.combine(rows, weights)), length);
    let high = (length + Double::from(features.error() * size * (1.0 + 1e-10))) / total;
    if high.is_finite() && total.hi > 0.0 { high * Double::sum(1.0, 16.0 * UNIT) } else { f64::INFINITY.into() }
}

/// The rows whose weights (relative to their lengths) K has found to cancel, if they do.
fn cancelling(features: &Features, rows: &Rows, guess: &[f64]) -> Option<(Vec<f64>, f64)> {
    let size = (features.x.cols() * rows.groups.len() + 1) as f64;
    if rows.len() as f64 * size > HELD || guess.len() < rows.len() {
        return None;
    }
    let scales = scales(&rows.lengths(&features.norms));
    let weights = cancel(features, rows, &scales, guess)?;
    let weights: Vec<Double> = weights.iter().zip(&scales).map(|(u, s)| u.scaled(*s)).collect();
    cancellation(features, rows, &weights)
}

/// Weights of f64 with Σλ = 1 and the relative change of rows with which they cancel exactly; none if they do not.
fn cancellation(features: &Features, rows: &Rows, weights: &[Double]) -> Option<(Vec<f64>, f64)> {
    let moved = relative_sum(features, rows, weights);
    if moved.is_nan() || moved > CANCELLED || weights.iter().any(|l| l.hi < 0.0) {
        return None;
    }
    rounded(features, rows, weights)
}

/// The weights in f64 with sum 1, and the relative change of rows, if that is a proof.
fn rounded(features: &Features, rows: &Rows, weights: &[Double]) -> Option<(Vec<f64>, f64)> {
    let total = weights.iter().fold(Double::ZERO, |s, l| s + *l);
    let rounded: Vec<f64> = weights.iter().map(|l| (*l / total).value()).collect();
    let moved = relative_sum(features, rows, &rounded.iter().map(|l| Double::from(*l)).collect::<Vec<_>>());
    (moved <= PROOF).then_some((rounded, moved))
}

/// The margins of a W over all rows that its samples have.
struct Checked {
    low: Double,
    rows: Vec<(Double, f64, Row)>, // the least margin of each sample, its error, and the row
}

impl Checked {
    fn new(features: &Features, rows: &Rows, w: &[Vector]) -> Self {
        Self::from_images(features, rows, w, &features.images(w))
    }

    fn from_images(features: &Features, rows: &Rows, w: &[Vector], images: &[Vec<Double>]) -> Self {
        let (norm, error) = (length(w), features.error());
        let least = |(i, image): (usize, &Vec<Double>)| {
            let unsure = error * features.norms[i] * norm.hi * (1.0 + 1e-10);
            let row = rows.least(i, |p| image[p].hi > 0.0);
            // where a sign is in doubt the other slope differs by the doubt
            let sure = !rows.sliding || image.iter().all(|z| z.hi.abs() > unsure);
            let error = if sure { unsure * rows.stretch(&row) } else { 2.0 * unsure };
            (features.margin(&row, image), error, row)
        };
        let rows: Vec<_> = images.iter().enumerate().map(least).collect();
        let lowest = rows.iter().map(|(q, e, _)| *q - Double::from(*e));
        let lowest = lowest.fold(Double::from(f64::INFINITY), |l, v| if v < l { v } else { l });
        let low = lowest / norm * Double::sum(1.0, -16.0 * UNIT);
        Self { low: if low.is_finite() { low } else { Double::ZERO }, rows }
    }

    /// The rows that fall short of 1, or of 1 in units of their own length, by more than rounding, and are not there yet.
    fn missing(&self, features: &Features, rows: &Rows, unit: bool) -> Vec<Row> {
        let known = |r: &Row| rows.list.iter().any(|s| s == r);
        let asked = |r: &Row| if unit { features.norms[r.sample] * rows.stretch(r) } else { 1.0 };
        let short = |(q, e, r): &&(Double, f64, Row)| q.hi < asked(r) * (1.0 - SHORTFALL) - e && !known(r);
        self.rows.iter().filter(short).map(|(_, _, r)| r.clone()).collect()
    }
}

/// The bounds of γ* by weights λ ≥ 0 and their sum W with its images (n times P).
pub fn bracket(features: &Features, rows: &Rows, weights: &[Double], w: &[Vector], images: &[Vec<Double>]) -> Bracket {
    let low = Checked::from_images(features, rows, w, images).low;
    Bracket { low, high: upper(features, rows, weights, Some(w)) }
}
