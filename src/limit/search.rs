//! From rows to an answer: by K where that is enough, by X where it is not.
//!
//! The dual problem of K is solved first, with rows generated as they are needed. Its λ is the answer
//! if K itself proves the margin ([`by_gram`]); else X decides ([`decide`]). [`sharpen`] refines λ against X to the
//! last digits:
//!
//! ```text
//! ρ = 1 − ⟨Φ_A, Σ λ_r Φ_r⟩ (106 bits, from X),   λ_A ← λ_A + H_AA⁻¹ ρ (f64, from K),   A the support
//! ```
//!
//! Each round brings as many digits as H_AA has left of its 16.

use super::carried::Carried;
use super::decide::{self, Bracket, Proved, Verdict};
use super::dual::{self, Outcome};
use super::in_order::Cholesky;
use super::precise::double::{Double, UNIT};
use super::precise::features::{Features, length};
use super::precise::vector::Vector;
use super::rows::{Row, Rows};
use super::{NEGLIGIBLE, Proof, Undecided};
use crate::data::slabs::Whole;
use crate::inner_products::{Gram, Imaged};
use crate::matrix::{Matrix, View};

/// A margin below 1 by more than this asks for another row: a few hundred roundings.
const SHORTFALL: f64 = 1e-13;

/// Rounds of row generation; a handful is typical.
const ROUNDS: usize = 100;

/// The gap up to which K's bounds of γ* are enough to take its λ.
const ENOUGH: f64 = 1e-3;

/// The gap up to which a published limit is left as it is.
const SHARP: f64 = 1e-12;

/// The gap at which refinement ends: the direction is within 2e-10.
const REFINED: f64 = 1e-20;

/// Rounds of refinement.
const REFINEMENTS: usize = 8;

/// A limit's weights and what is proved of them.
#[derive(Clone, Debug)]
pub struct Answer {
    /// λ, one per row.
    pub weights: Vec<f64>,
    /// What λ lacks of the 106 bits that the bounds were proved with; nothing where they come from K.
    pub remainders: Vec<f64>,
    /// γ*.
    pub max_margin: f64,
    /// Bounds of γ*.
    pub interval: (f64, f64),
    /// A bound of `‖Ŵ − Ŵ*‖`.
    pub direction_error: f64,
    /// The residual of the dual problem of K.
    pub kkt_residual: f64,
    /// See [`Proof::loss`].
    pub loss: f64,
    /// Pivots of the solvers.
    pub pivots: usize,
    /// `z_ip` of W (P columns of n), where X gave them.
    pub images: Option<Vec<Vec<f64>>>,
}

/// What came of the search.
pub enum Found {
    /// λ of the rows.
    Separable(Answer),
    /// Weights with Σλ = 1 and the relative change of rows with which they cancel.
    NotSeparable(Vec<f64>, f64),
    /// Neither.
    Undecided(Best),
}

/// The best of what leaves it undecided.
pub struct Best {
    /// The bounds of γ* that the weights give.
    pub interval: (f64, f64),
    /// Weights of the rows.
    pub weights: Vec<Double>,
    /// The residual of the dual problem of K.
    pub kkt_residual: f64,
    /// Whether the bounds are X's.
    pub proved: bool,
}

impl Best {
    /// For samples and neurons.
    pub fn of(self, rows: &Rows) -> Undecided {
        let Self { interval: margin_interval, weights, kkt_residual, proved } = self;
        let rounded: Vec<f64> = weights.iter().map(|l| l.value()).collect();
        let lambda = rows.per_sample(&rounded);
        let proof = proved.then(|| Proof::of(rows, &weights, &lambda));
        Undecided { margin_interval, lambda, kkt_residual, proof }
    }
}

/// Solves for K (n×n), and X (n×d) if it is known. Rows may be added; `warm` are estimates of the weights of the first. Where rows have carried
/// another limit the search begins with these alone, and begins again without them if K does not prove its end.
pub fn search(k: &Gram, x: Option<&dyn Whole>, rows: &mut Rows, warm: Option<&[f64]>, carried: &Carried) -> Found {
    if let Some(r) = rows.list.iter().position(Row::dead) {
        let mut weights = vec![0.0; rows.len()];
        weights[r] = 1.0;
        return Found::NotSeparable(weights, 0.0);
    }
    if !carried.is_empty() {
        let mut more = rows.clone();
        let (present, weights) = carried.place(&mut more);
        if let Ok(answer) = generate(k, x, &mut more, present, Some(weights)) {
            *rows = more;
            return Found::Separable(answer);
        }
    }
    let all = (0..rows.len()).collect();
    match generate(k, x, rows, all, warm.map(<[f64]>::to_vec)) {
        Ok(answer) => Found::Separable(answer),
        Err((weights, kkt_residual)) => by_samples(k, x, rows, &weights, kkt_residual),
    }
}

/// Solves on the rows that are present, `warm` estimates of their weights, adds those that fall short, until none does. The answer, if K
/// proves it; else the last weights of all rows and their residual, not a number where rows cancel.
fn generate(
    k: &Gram,
    x: Option<&dyn Whole>,
    rows: &mut Rows,
    mut present: Vec<usize>,
    mut warm: Option<Vec<f64>>,
) -> Result<Answer, (Vec<f64>, f64)> {
    let spread = |rows: &Rows, present: &[usize], weights: &[f64]| {
        let mut all = vec![0.0; rows.len()];
        present.iter().zip(weights).for_each(|(&r, l)| all[r] = *l);
        all
    };
    for _ in 0..ROUNDS {
        let h = rows.gram_of(&k.0, present.iter().map(|&r| &rows.list[r]));
        let (best, resolved) = match dual::solve(&h, warm.as_deref()) {
            Outcome::Separable(solved) => (solved, true),
            Outcome::Unresolved(best) => (best, false),
            Outcome::NotSeparable(farkas) => return Err((spread(rows, &present, &farkas.lambda), f64::NAN)),
        };
        let weights = spread(rows, &present, &best.lambda);
        let known = KnownByGram::new(k, x, rows, &weights);
        let new = if resolved { known.missing(rows, &present) } else { Vec::new() };
        if !new.is_empty() {
            warm = Some(best.lambda.into_iter().chain(vec![0.0; new.len()]).collect());
            present.extend(new);
            continue;
        }
        let gap = 1.0 - known.low / known.high;
        let enough = if x.is_some() { resolved && gap <= ENOUGH } else { known.low > 0.0 };
        if !enough {
            return Err((weights, best.kkt_residual));
        }
        return Ok(Answer {
            max_margin: best.max_margin.clamp(known.low, known.high),
            remainders: vec![0.0; weights.len()],
            weights,
            interval: (known.low, known.high),
            direction_error: direction_error(gap),
            kkt_residual: best.kkt_residual,
            pivots: best.pivots,
            loss: 0.0,
            images: None,
        });
    }
    Err((spread(rows, &present, &warm.unwrap_or_default()), f64::INFINITY))
}

/// `√(2g)`, and 2 at most.
fn direction_error(gap: f64) -> f64 {
    if gap < 1.0 { (2.0 * gap.max(0.0)).sqrt() * (1.0 + 4.0 * f64::EPSILON) } else { 2.0 }
}

/// The bounds that K gives for its λ.
struct KnownByGram {
    low: f64,
    high: f64,
    image: Vec<Vec<f64>>,   // z_ip, P columns of n
    least: Vec<(f64, f64)>, // least margin of each sample, and the size of its terms
}

impl KnownByGram {
    fn new(k: &Gram, x: Option<&dyn Whole>, rows: &Rows, weights: &[f64]) -> Self {
        let (n, m) = (rows.y.len(), rows.network.width);
        let error = 4.0 * (n + x.map_or(0, Whole::columns) + m + 16) as f64 * 0.5 * f64::EPSILON;
        let direction = Imaged::new(k, rows.direction(&rows.by_group(weights)));
        let norms: Vec<f64> = (0..n).map(|i| k.0[(i, i)].sqrt()).collect();
        let size: f64 = rows.list.iter().zip(weights).map(|(r, l)| l * norms[r.sample]).sum();
        let least = |i: usize| {
            let term = |p: usize| {
                let (a, z) = (rows.network.output(rows.groups.first[p]), direction.image[p][i]);
                rows.y[i] * a * rows.least_slope(i, p, z > 0.0) * z * rows.groups.size[p] as f64
            };
            (0..rows.groups.len()).map(term).fold((0.0, 1.0), |(q, s), t| (q + t, s + t.abs()))
        };
        let list: Vec<_> = (0..n).map(least).collect();
        let lowest = (0..n).map(|i| list[i].0 - error * norms[i] * size).fold(f64::INFINITY, f64::min);
        let length = (direction.squared_norm() + error * size * size).sqrt();
        let (slack, total) = (8.0 * f64::EPSILON, weights.iter().sum::<f64>());
        let (low, high) = (lowest / length * (1.0 - slack), length / total * (1.0 + slack + error));
        let empty = rows.len() == 0;
        let low = if empty { f64::INFINITY } else { low };
        Self {
            low: if low > 0.0 { low } else { 0.0 },
            high: if high >= 0.0 { high } else { f64::INFINITY },
            image: direction.image,
            least: list,
        }
    }

    /// The places of the rows that fall short and are not present; they are added where they are not there.
    fn missing(&self, rows: &mut Rows, present: &[usize]) -> Vec<usize> {
        if !rows.sliding {
            return Vec::new();
        }
        let low = |i: &usize| self.least[*i].0 < 1.0 - SHORTFALL * self.least[*i].1;
        let mut there = vec![false; rows.len()];
        present.iter().for_each(|&r| there[r] = true);
        let short: Vec<usize> = (0..self.least.len()).filter(low).collect();
        let place = |i: usize| rows.place(rows.least(i, |p| self.image[p][i] > 0.0));
        short.into_iter().map(place).filter(|&r| !there.get(r).is_some_and(|there| *there)).collect()
    }
}

/// X's answer; without X none, with what K knows of the margin.
fn by_samples(k: &Gram, x: Option<&dyn Whole>, rows: &mut Rows, guess: &[f64], kkt_residual: f64) -> Found {
    let Some(x) = x.and_then(Whole::view).filter(|x| x.not_finite().is_none()) else {
        let known = KnownByGram::new(k, x, rows, guess);
        let finite = k.0.values().iter().all(|v| v.is_finite());
        let interval = (known.low, if finite { known.high } else { f64::INFINITY });
        let weights = guess.iter().map(|l| Double::from(*l)).collect();
        return Found::Undecided(Best { interval, weights, kkt_residual, proved: false });
    };
    let features = Features::new(x, rows);
    let mut known = None;
    if !decide::affordable(&features, rows) && guess.len() == rows.len() {
        // too large for 106 bits throughout: K's factor may still refine what it has found
        let (proved, sum) = refine(&rows.gram(&k.0), &features, rows, guess);
        if proved.bracket.gap() <= SHARP {
            return Found::Separable(answer(&rows.gram(&k.0), &features, rows, &proved, &sum));
        }
        known = Some(proved);
    }
    match decide::decide(&features, rows, guess) {
        Verdict::Separable(proved) => {
            let sum = Sum::new(&features, rows, &proved.weights);
            Found::Separable(answer(&rows.gram(&k.0), &features, rows, &proved, &sum))
        }
        Verdict::NotSeparable(weights, moved) => Found::NotSeparable(weights, moved),
        Verdict::Undecided(proved) => {
            let mut best = proved.or(known.unwrap_or_else(|| by_sum(&features, rows, guess)));
            best.weights.resize(rows.len(), Double::ZERO);
            let (interval, weights) = (outward(&features, rows, &best), best.weights);
            Found::Undecided(Best { interval, weights, kkt_residual, proved: true })
        }
    }
}

/// The interval of γ* with room for the rounding of others who sum the same terms: the upper bound may be a small part of them.
fn outward(features: &Features, rows: &Rows, proved: &Proved) -> (f64, f64) {
    let lengths = rows.lengths(&features.norms);
    let sizes = proved.weights.iter().zip(lengths).filter(|(l, _)| l.hi > 0.0);
    let (total, size) = sizes.fold((0.0, 0.0), |(t, s), (l, h)| (t + l.hi, l.hi.mul_add(h, s)));
    let (low, high) = proved.bracket.interval();
    let slack = if total > 0.0 { 8.0 * features.error() * size / total } else { 0.0 };
    (low, (high + slack) * (1.0 + f64::EPSILON))
}

/// What weights prove as they are.
fn by_sum(features: &Features, rows: &Rows, weights: &[f64]) -> Proved {
    let mut weights: Vec<Double> = weights.iter().map(|l| Double::from(l.max(0.0))).collect();
    weights.resize(rows.len(), Double::ZERO);
    let sum = Sum::new(features, rows, &weights);
    let bracket = decide::bracket(features, rows, &weights, &sum.w, &sum.images);
    Proved { weights, bracket, pivots: 0 }
}

/// The sum W of the rows and its images (n times P).
struct Sum {
    w: Vec<Vector>,
    images: Vec<Vec<Double>>,
}

impl Sum {
    fn new(features: &Features, rows: &Rows, weights: &[Double]) -> Self {
        let w = features.combine(rows, weights);
        Self { images: features.images(&w), w }
    }
}

fn answer(h: &Matrix, features: &Features, rows: &Rows, proved: &Proved, sum: &Sum) -> Answer {
    let weights: Vec<f64> = proved.weights.iter().map(|l| l.value()).collect();
    let size: f64 = weights.iter().zip(rows.lengths(&features.norms)).map(|(l, h)| l * h).sum();
    // λ rounded to f64, and products with it, move W by at most 2ε of the sum of its terms
    let rounding = 2.0 * f64::EPSILON * size / length(&sum.w).hi;
    let loss = loss(features, &proved.bracket, (weights.iter().sum(), size));
    let image = |p: usize| sum.images.iter().map(|z| z[p].value()).collect();
    Answer {
        max_margin: middle(&proved.bracket),
        interval: proved.bracket.interval(),
        direction_error: (direction_error(proved.bracket.gap() + loss.min(NEGLIGIBLE)) + rounding).min(2.0),
        loss,
        kkt_residual: dual::kkt_residual(h, &weights),
        pivots: proved.pivots,
        images: Some((0..sum.w.len()).map(image).collect()),
        remainders: proved.weights.iter().zip(&weights).map(|(l, w)| (*l - Double::from(*w)).value()).collect(),
        weights,
    }
}

/// The part of the lower bound of γ* that may be lost on the way from rows to λ, θ and their remainders, each of 106 bits, and to
/// whoever sums these again: W moves by at most `(2 + n/8) UNIT Σλ‖Φ‖`, the margin of a unit direction by `max‖x‖/‖W‖` of that.
fn loss(features: &Features, bracket: &Bracket, (total, size): (f64, f64)) -> f64 {
    let longest = features.norms.iter().copied().fold(0.0, f64::max);
    let moved = (2.0 + 0.125 * features.x.rows() as f64) * UNIT * size;
    moved * longest / (bracket.high.hi * total * bracket.low.hi)
}

/// The number between the bounds.
fn middle(bracket: &Bracket) -> f64 {
    let (low, high) = bracket.interval();
    (bracket.low + bracket.high).scaled(0.5).value().clamp(low, high)
}

/// The answer with as many digits as X allows. Rows may be added.
pub fn sharpen(k: &Gram, x: View, rows: &mut Rows, found: &Answer) -> Answer {
    let features = Features::new(x, rows);
    let h = rows.gram(&k.0);
    let (mut refined, sum) = refine(&h, &features, rows, &found.weights);
    refined.pivots = found.pivots;
    if refined.bracket.gap() > SHARP
        && let Verdict::Separable(mut proved) = decide::decide(&features, rows, &found.weights)
        && proved.bracket.gap() < refined.bracket.gap()
    {
        proved.pivots += found.pivots;
        let sum = Sum::new(&features, rows, &proved.weights);
        return answer(&rows.gram(&k.0), &features, rows, &proved, &sum);
    }
    refined.weights.resize(rows.len(), Double::ZERO);
    answer(&h, &features, rows, &refined, &sum)
}

/// Iterative refinement on the support; the weights with the least gap and their sum.
fn refine(h: &Matrix, features: &Features, rows: &Rows, weights: &[f64]) -> (Proved, Sum) {
    let exact = |weights: &[f64]| -> Vec<Double> { weights.iter().map(|l| Double::from(*l)).collect() };
    let try_out = |weights: Vec<Double>| {
        let sum = Sum::new(features, rows, &weights);
        let bracket = decide::bracket(features, rows, &weights, &sum.w, &sum.images);
        (Proved { weights, bracket, pivots: 0 }, sum)
    };
    let support: Vec<usize> = (0..weights.len()).filter(|&r| weights[r] > 0.0).collect();
    let s = support.len();
    let mut best = try_out(exact(weights));
    let Some(factor) = Cholesky::new(faer::Mat::from_fn(s, s, |r, c| h[(support[r], support[c])])) else {
        return best;
    };
    for _ in 0..REFINEMENTS {
        let before = best.0.bracket.gap();
        if before <= REFINED {
            break;
        }
        let (proved, sum) = &best;
        let margin = |r: usize| {
            let row = &rows.list[support[r]];
            features.margin(row, &sum.images[row.sample])
        };
        let step = factor.solve(faer::Mat::from_fn(s, 1, |r, _| (Double::ONE - margin(r)).value()));
        let mut weights = proved.weights.clone();
        support.iter().enumerate().for_each(|(r, &i)| weights[i] += Double::from(step[(r, 0)]));
        if support.iter().any(|&i| weights[i].hi < 0.0) {
            break;
        }
        let next = try_out(weights);
        let gap = next.0.bracket.gap();
        if gap < before {
            best = next;
        }
        if gap > 0.25 * before {
            break;
        }
    }
    best
}
