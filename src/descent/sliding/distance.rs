//! How far the averages may be from the projected iterate: a bound.
//!
//! As long as no own-sign pair changes sides every margin is concave in W and the loss convex. Its
//! gradient flow, in the sense of Filippov, is then a contraction: two solutions never come further apart,
//! whatever pairs slide, enter, leave or cross. So a bound D of the distance between the averaged and the true
//! projected weights grows only by what is added on the way,
//!
//! ```text
//! dD/du = ‖Σ_k e_k η_k Φ_k‖ / t = √((eη)ᵀH(eη)) / t,        |Δq_i| ≤ ‖Φ_i‖ D = √H_ii D
//! ```
//!
//! with η what is not known of the ripple's mean κ (Φ and H those of the mode):
//!
//! - the difference of two averages ([`Ripple::doubt`]);
//! - what κ was seen to change until it was measured again;
//! - the part by which steps disagreed with κ before the averages began, as a fraction of κ;
//! - the next order in 1/t: `½ρ²` from the weights' second derivative, κ times the change of the weights by the
//!   ripple, and the field's term of order 3, at most `½ p²`, `p = He`.
//!
//! These are for weights with `|s'| ≤ s`, `|s''| ≤ s`. With `|s⁽ʲ⁾| ≤ kʲ s` ([`farfield_kernels::loss`]) the first
//! three take a factor k, the last k².
//!
//! At an event steps act with the other slope for some time, and W is displaced along `x̃_i`, which is `x_i` across the
//! other kinks, of length √s, s the Schur complement; with the kick `β = a e (1 − γ)` of a unit of u by
//!
//! - half of β/t where a pair *leaves* its kink: it does so from within one kick of where its last visit threw it;
//! - `β/t + βR/(vt)` where a pair *crosses* at a speed v, R/t the size of the ripple of its pre-activation: it is a step
//!   late, or as many as the ripple carries it beyond zero, early or late. For an own-sign pair, whose speed jumps *up*, the first
//!   step beyond zero may decide, R/(vt) before the mean is there;
//! - `βδ/v` where an own-sign pair crosses that is off by δ: one of the two iterates crosses δ/v earlier, and is driven
//!   with the other slope as long as that.
//!
//! A pair that *enters* is projected onto its kink afterwards.
//!
//! *Displacements have a direction.* `δ ≤ √s D` for each crossing would multiply D by `1 + βs/v` every time, as if all
//! of D lay along the sample that crosses. But D is mostly made of earlier displacements along other samples, and these
//! are followed one by one, with their signs ([`super::kicks`]). Those that are more than can be followed add up to
//! P ≤ D, and are followed together, without signs: P changes z_ij by at most ζ_ij,
//!
//! ```text
//! a displacement:                            ζ_kj grows by |v_kj|
//! between events, to first order:           dζ_kj/du ≤ Σ_l |K̃_kl| |a| s_lj e_l |δq_l|,   |δq_l| ≤ min(√H_ll P, Σ_j |a| s_lj ζ_lj)
//! (i,j) enters, or crosses (opposite sign):  ζ_kj grows by ζ_ij |K̃_ki|/s,   ζ_ij = 0 on its kink
//! ```
//!
//! and with v and δ of the others, `|Δz_ij| ≤ min(√s D, √s (D − P) + ζ_ij) + Σ |v_ij|`,
//! `|Δq_i| ≤ √H_ii (D − P) + min(√H_ii P, Σ_j |a| s_ij ζ_ij) + Σ |δ_i|`; D is what sources have added, and P. The proof is
//! in docs/theory.md.

use super::kicks::{Crossing, Kicks, Turn};
use super::mode::{COUPLED, Mode, Part};
use super::ripple::Ripple;
use crate::descent::span::SpanProblem;
use crate::matrix::Matrix;
use crate::number::larger;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};

/// Relative change of a weight e after which κ is measured again.
const CHANGE: f64 = 1.0 / 32.0;

/// Weights below this part of the largest are not watched, but for those of kinks.
const NOTABLE: f64 = 1e-2;

/// Longest stretch of log t over which the shifts are taken to grow at one rate.
const STRETCH: f64 = 0.125;

/// The bound, and since when the present κ is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// D.
    pub bound: f64,
    /// The part of it that events have added and that is followed without signs, P.
    pub kicked: f64,
    /// Bounds ζ of what this part does to each pre-activation (n×m, row-major); empty where they are not followed.
    pub shifts: Vec<f64>,
    /// The other displacements by events, with their directions; no part of D.
    pub kicks: Kicks,
    /// Disagreement of steps with κ, relative to κ.
    pub disagreement: f64,
    /// The t at which κ was measured.
    pub since: f64,
    /// The weights e at which it was (length n).
    pub weights: Vec<f64>,
}

impl Distance {
    /// Nothing yet.
    pub fn new(t: f64, weights: Vec<f64>, m: usize) -> Self {
        let shifts = vec![0.0; Self::followed(weights.len(), m)];
        let kicks = Kicks::default();
        Self { bound: 0.0, kicked: 0.0, shifts, kicks, disagreement: 0.0, since: t, weights }
    }

    /// The number of shifts that are followed for n samples and m neurons.
    pub fn followed(n: usize, m: usize) -> usize {
        if n * n * m <= COUPLED { n * m } else { 0 }
    }

    /// `‖Σ_k e_k η_k Φ_k‖` at t: D grows by this times `∫du/t`. `steepness` is that of the loss.
    pub fn source(&self, mode: &Mode, ripple: &Ripple, e: &[f64], t: f64, steepness: f64) -> f64 {
        let n = e.len();
        let mut p = vec![0.0; n];
        mode.product().multiply(e, &mut p);
        let top = ripple.largest();
        let eta = |k: usize| {
            let (mean, size) = (ripple.mean[k].abs(), ripple.size[k]);
            let second = 0.5 * size * size + mean * top + 0.5 * p[k] * p[k];
            steepness * (ripple.doubt[k] + steepness * second / t)
        };
        let doubt: Vec<f64> = (0..n).map(|k| e[k] * eta(k)).collect();
        length(mode, &doubt) + steepness * self.disagreement * length(mode, &weighted(e, &ripple.mean))
    }

    /// The disagreement of an `observed` mean ripple with the `expected` one.
    pub fn disagree(&mut self, mode: &Mode, e: &[f64], observed: &[f64], expected: &[f64]) {
        let off: Vec<f64> = observed.iter().zip(expected).map(|(o, x)| o - x).collect();
        let whole = length(mode, &weighted(e, expected));
        self.disagreement = if whole > 0.0 { length(mode, &weighted(e, &off)) / whole } else { 0.0 };
    }

    /// Whether the weights have changed so much since the last measurement that κ may have, too.
    pub fn outdated(&self, mode: &Mode, e: &[f64]) -> bool {
        let top = e.iter().fold(0.0f64, |top, e| top.max(*e));
        let changed = |k: usize| (e[k] - self.weights[k]).abs() > CHANGE * self.weights[k];
        let notable = |k: usize| e[k] > NOTABLE * top;
        (0..e.len()).any(|k| notable(k) && changed(k)) || mode.parts.iter().flat_map(|p| &p.kinks).any(|k| changed(*k))
    }

    /// Ends the use of a κ at t, where `fresh` is found in the same mode.
    pub fn renew(&mut self, mode: &Mode, [old, fresh]: [&Ripple; 2], e: &[f64], t: f64, steepness: f64) {
        let change: Vec<f64> = old.mean.iter().zip(&fresh.mean).map(|(o, f)| o - f).collect();
        self.bound += steepness * length(mode, &weighted(e, &change)) * (1.0 / self.since - 1.0 / t);
        self.since = t;
    }

    /// Lets the shifts grow over a stretch of log t: `dζ_ij/du ≤ Σ_k |K̃_ik| |a| s_kj e_k |δq_k|`.
    pub fn spread(&mut self, mode: &Mode, e: &[f64], length: f64, steepness: f64) {
        if self.kicked == 0.0 || self.shifts.is_empty() {
            return;
        }
        let pieces = (length / STRETCH).ceil().max(1.0);
        for _ in 0..pieces as usize {
            let margins = self.kicked_margins(mode);
            let pull: Vec<f64> = e.iter().zip(margins).map(|(e, q)| steepness * e * q * length / pieces).collect();
            self.shift_by(mode, |part, k| part.slope(k) * pull[k]);
        }
    }

    /// Adds `|a| Σ_k |K̃_ik| v_k` to the shifts of each group, v of a group and a sample.
    fn shift_by(&mut self, mode: &Mode, v: impl Fn(&Part, usize) -> f64) {
        let (n, m) = (self.weights.len(), mode.groups.of.len());
        let a = 1.0 / (m as f64).sqrt();
        for (g, part) in mode.parts.iter().enumerate() {
            let Some(coupling) = part.coupling() else { continue };
            let v: Vec<f64> = (0..n).map(|k| a * v(part, k)).collect();
            let mut sums = vec![0.0; n];
            Isa::current().dispatch(Reach { coupling, v: &v, sums: &mut sums });
            for (i, more) in sums.into_iter().enumerate() {
                (0..m).filter(|&j| mode.groups.of[j] == g).for_each(|j| self.shifts[i * m + j] += more);
            }
        }
    }

    /// Bounds of what the kicked part does to the margins: `√H_kk P`, and `Σ_j |a| s_kj ζ_kj`.
    fn kicked_margins(&self, mode: &Mode) -> Vec<f64> {
        let (n, m) = (self.weights.len(), mode.groups.of.len());
        let a = 1.0 / (m as f64).sqrt();
        let slope = |k: usize, j: usize| mode.parts[mode.groups.of[j]].slope(k);
        let shifted = |k: usize| (0..m).map(|j| a * slope(k, j) * self.shifts[k * m + j]).sum::<f64>();
        (0..n).map(|k| (mode.diagonal()[k].sqrt() * self.kicked).min(shifted(k))).collect()
    }

    /// The bound of the error of the margins, sample by sample: `√H_ii (D − P)` and what the kicked part does.
    pub fn of_each_margin(&self, mode: &Mode) -> f64 {
        if self.shifts.is_empty() {
            return self.of_margins(mode);
        }
        let base = self.bound - self.kicked;
        let carried = self.kicks.of_margins(self.weights.len());
        let each = self.kicked_margins(mode).into_iter().zip(mode.diagonal()).zip(carried);
        each.fold(0.0, |top, ((kicked, h), carried)| larger(top, h.sqrt().mul_add(base, kicked) + carried))
    }

    /// The bound of how far a pre-activation may be off whose sample has the squared length `squared` across the
    /// kinks, but for what the displacements that are followed one by one do.
    pub fn of_pair(&self, pair: usize, squared: f64) -> f64 {
        let (length, base) = (squared.sqrt(), self.bound - self.kicked);
        match self.shifts.get(pair) {
            Some(shift) => (length * self.bound).min(length.mul_add(base, *shift)),
            None => length * self.bound,
        }
    }

    /// Adds displacements of some neurons along the direction across the kinks with these coefficients and image and this squared
    /// length, in the mode that holds after them.
    pub fn kick(&mut self, problem: &SpanProblem, mode: &Mode, by: &[(usize, f64)], along: (&[f64], &[f64], f64)) {
        if !self.shifts.is_empty() {
            for &one in by {
                if let Some((length, moved)) = self.kicks.add(problem, mode, one, along) {
                    self.bound += length;
                    self.kicked += length;
                    self.shifts.iter_mut().zip(moved).for_each(|(shift, v)| *shift += v.abs());
                }
            }
            return;
        }
        let length = (along.2 * by.iter().map(|(_, size)| size * size).sum::<f64>()).sqrt();
        self.bound += length;
        self.kicked += length;
    }

    /// The places of a neuron change, and its rates jump: to all displacements, but for the part of D that
    /// has no direction and, of an own-sign pair, P, which add a displacement of their own.
    pub fn turn(&mut self, problem: &SpanProblem, turn: &Turn, ways: &[Crossing]) {
        self.kicks.turn(problem, turn, ways);
        let (j, m) = (turn.neuron, problem.network.width);
        if self.shifts.is_empty() {
            return;
        }
        for way in ways.iter().filter(|way| !way.own) {
            let i = way.sample;
            let ahead = self.shifts[i * m + j] / way.rate.abs();
            let others = (0..turn.image.len()).filter(|k| *k != i);
            others.for_each(|k| self.shifts[k * m + j] += ahead * turn.image[k].abs());
            if turn.parts[1].kinks.contains(&i) {
                self.shifts[i * m + j] = 0.0;
            }
        }
    }

    /// The bound of the error that D means for the margins, largest `√H_ii D`.
    pub fn of_margins(&self, mode: &Mode) -> f64 {
        mode.diagonal().iter().fold(0.0f64, |top, h| top.max(h.sqrt())) * self.bound
    }
}

/// `Σ_k |K̃_ik| v_k`, by the columns of the symmetric K̃.
struct Reach<'a> {
    coupling: &'a Matrix,
    v: &'a [f64],
    sums: &'a mut [f64],
}

impl WithSimd for Reach<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { coupling, v, sums } = self;
        for (k, v) in v.iter().enumerate() {
            for (sum, coupling) in sums.iter_mut().zip(coupling.row(k)) {
                *sum = coupling.abs().mul_add(*v, *sum);
            }
        }
    }
}

fn weighted(e: &[f64], v: &[f64]) -> Vec<f64> {
    e.iter().zip(v).map(|(e, v)| e * v).collect()
}

/// `√(vᵀHv)`.
pub fn length(mode: &Mode, v: &[f64]) -> f64 {
    let mut image = vec![0.0; v.len()];
    mode.product().multiply(v, &mut image);
    image.iter().zip(v).fold(0.0f64, |sum, (a, b)| a.mul_add(*b, sum)).max(0.0).sqrt()
}
