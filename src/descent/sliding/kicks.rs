//! What events have added to the distance, each displacement with its direction.
//!
//! A displacement of neuron j along x̃_i is known but for its size, at most c: it is `ξ v` with |ξ| ≤ 1 and a known v, and to
//! first order it stays so, since both the flow and what happens at an event are linear in it. So v is carried along
//! with its signs, as its effect `v_kj` on the pre-activations (`K̃ = K − K_·σ K_σσ⁻¹ K_σ·` of each neuron, p = −e s'/s):
//!
//! ```text
//! at first:            v_kj = c K̃_ki
//! between events:      dδ/du = −H (p∘δ),   dv_kj/du = −Σ_l K̃_kl a_j y_l s_lj p_l δ_l,   δ_l = y_l Σ_j a_j s_lj v_lj
//! (i,j) comes to 0:    v_kj ← v_kj + (f⁺ − f⁻)_kj v_ij/f⁻_ij
//! ```
//!
//! f⁻ and f⁺ the rates dz/du of neuron j before and after: the saltation matrix of a piecewise smooth flow (Leine and
//! Nijmeijer, *Dynamics and Bifurcations of Non-Smooth Mechanical Systems*, 2004). An iterate that is ahead by v_ij comes there
//! `v_ij/f⁻_ij` earlier, and moves with f⁺ as long as that. Where (i,j) crosses and nothing else happens, f⁺ − f⁻ lies along x̃_i; where
//! it is caught, v_ij becomes 0; where others leave their kinks because of it, what they do is in f⁺. All displacements
//! together change z_ij by at most `Σ |v_ij|`, the margin by at most `Σ |δ_i|`: what couplings of different signs cancel, is
//! cancelled.
//!
//! Between events δ follows the classical Runge–Kutta method of order 4, with the weights of the step's mean, and v the
//! integral of `p∘δ` that it finds. Loop order: part of the step, stage, a product with H for
//! all displacements together.

use super::mode::Mode;
use crate::descent::span::SpanProblem;
use farfield_kernels::dense;

/// Numbers in a product with H times the displacements that are followed, at most: what a step of the averages may cost.
const AFFORDABLE: usize = 1 << 21;

/// Fewest and most displacements that are followed.
const KEPT: std::ops::RangeInclusive<usize> = 64..=256;

/// Longest part of a step, as a part of the fastest time scale.
const PART: f64 = 0.5;

/// Rounds of the power iteration for that time scale.
const ROUNDS: usize = 8;

/// One displacement: W moves by at most this, either way.
#[derive(Clone, Debug, PartialEq)]
pub struct Kick {
    /// v, its effect on the pre-activations (n×m, row-major).
    pub moved: Vec<f64>,
    /// A bound of its length in W.
    pub length: f64,
}

/// A pair that comes to zero.
#[derive(Clone, Copy, Debug)]
pub struct Crossing {
    /// Index of the sample.
    pub sample: usize,
    /// Index of the neuron.
    pub neuron: usize,
    /// `dz/du` before.
    pub rate: f64,
    /// Whether the pair is an own-sign one.
    pub own: bool,
    /// Whether it stays on its kink.
    pub caught: bool,
}

/// The displacements, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kicks(pub Vec<Kick>);

impl Kicks {
    /// The most that are followed for n samples.
    pub fn most(n: usize) -> usize {
        (AFFORDABLE / (n * n).max(1)).clamp(*KEPT.start(), *KEPT.end())
    }

    /// Neuron j of m is displaced by up to `size` along a direction with this image and squared length. Returns the shortest
    /// of all displacements where they are more than are followed.
    pub fn add(&mut self, (j, size): (usize, f64), image: &[f64], squared: f64, m: usize) -> Option<Kick> {
        let mut moved = vec![0.0; image.len() * m];
        image.iter().enumerate().for_each(|(k, v)| moved[k * m + j] = size * v);
        self.0.push(Kick { moved, length: size * squared.sqrt() });
        if self.0.len() <= Self::most(image.len()) {
            return None;
        }
        let shortest = (0..self.0.len()).min_by(|&a, &b| self.0[a].length.total_cmp(&self.0[b].length))?;
        Some(self.0.remove(shortest))
    }

    /// A pair comes to zero, and the rates of its neuron's pre-activations change by `jump`, of squared length `squared`.
    pub fn cross(&mut self, way: &Crossing, jump: &[f64], squared: f64, m: usize) {
        let (i, j) = (way.sample, way.neuron);
        for kick in &mut self.0 {
            let ahead = kick.moved[i * m + j] / way.rate;
            kick.length += if way.own { ahead.abs() * squared.sqrt() } else { 0.0 };
            jump.iter().enumerate().for_each(|(k, v)| kick.moved[k * m + j] += ahead * v);
            if way.caught {
                kick.moved[i * m + j] = 0.0;
            }
        }
    }

    /// What all of them together change a pre-activation by, at most.
    pub fn of_pair(&self, pair: usize) -> f64 {
        self.0.iter().map(|kick| kick.moved[pair].abs()).sum()
    }

    /// What all of them together change the margins by, at most (length n).
    pub fn of_margins(&self, problem: &SpanProblem, mode: &Mode) -> Vec<f64> {
        let mut sum = vec![0.0; problem.n()];
        for kick in &self.0 {
            sum.iter_mut().zip(margins(problem, mode, kick)).for_each(|(sum, q)| *sum += q.abs());
        }
        sum
    }

    /// The linearized flow over a length of log t; `pull` is p, in the mean. The number of products with H.
    pub fn follow(&mut self, problem: &SpanProblem, mode: &Mode, pull: &[f64], length: f64) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        let parts = (length * fastest(mode, pull) / PART).ceil().max(1.0);
        let mut q: Vec<f64> = self.0.iter().flat_map(|kick| margins(problem, mode, kick)).collect();
        let mut sums = vec![0.0; q.len()];
        for _ in 0..parts as usize {
            runge_kutta(mode, pull, length / parts, &mut q, &mut sums);
        }
        settle(problem, mode, &sums, &mut self.0);
        ROUNDS + 4 * self.0.len() * parts as usize
    }
}

/// δ of one displacement.
fn margins(problem: &SpanProblem, mode: &Mode, kick: &Kick) -> Vec<f64> {
    let m = problem.network.width;
    let slope = |i: usize, j: usize| mode.parts[mode.groups.of[j]].slope(i);
    let margin = |(i, row): (usize, &[f64])| {
        let sum = (0..m).fold(0.0f64, |sum, j| (problem.network.output(j) * slope(i, j)).mul_add(row[j], sum));
        problem.labels[i] * sum
    };
    kick.moved.chunks_exact(m).enumerate().map(margin).collect()
}

/// The largest eigenvalue of `diag(p) H`, by power iteration, a little above.
fn fastest(mode: &Mode, pull: &[f64]) -> f64 {
    let mut v: Vec<f64> = pull.to_vec();
    let mut image = vec![0.0; v.len()];
    let mut rate = 1.0f64;
    for _ in 0..ROUNDS {
        let top = v.iter().fold(0.0f64, |top, v| top.max(v.abs()));
        if top == 0.0 || !top.is_finite() {
            break;
        }
        v.iter_mut().for_each(|v| *v /= top);
        mode.product().multiply(&v, &mut image);
        v.iter_mut().zip(&image).zip(pull).for_each(|((v, h), p)| *v = p * h);
        rate = rate.max(v.iter().fold(0.0f64, |top, v| top.max(v.abs())));
    }
    1.25 * rate
}

/// One part of a step of `dδ/du = −H (p∘δ)` for all δ, one after the other; the integrals of `p∘δ` are added to `sums`.
fn runge_kutta(mode: &Mode, pull: &[f64], length: f64, q: &mut [f64], sums: &mut [f64]) {
    let (mut images, mut part) = (vec![0.0; q.len()], vec![0.0; q.len()]);
    let pulled = || pull.iter().cycle();
    let mut stage: Vec<f64> = pulled().zip(&*q).map(|(p, q)| p * q).collect();
    for (weight, ahead) in [(1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (1.0, 0.0)] {
        part.iter_mut().zip(&stage).for_each(|(part, k)| *part += weight * k * length / 6.0);
        if ahead > 0.0 {
            mode.product().multiply_all(&stage, &mut images);
            let now = pulled().zip(&*q).zip(&images);
            stage.iter_mut().zip(now).for_each(|(k, ((p, q), image))| *k = p * (q - ahead * length * image));
        }
    }
    mode.product().multiply_all(&part, &mut images);
    q.iter_mut().zip(&images).for_each(|(q, v)| *q -= v);
    sums.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
}

/// What the integrals of `p∘δ` have moved the pre-activations by.
fn settle(problem: &SpanProblem, mode: &Mode, sums: &[f64], kicks: &mut [Kick]) {
    let (n, m) = (problem.n(), problem.network.width);
    let mut changes = vec![0.0; n * kicks.len()];
    for (g, part) in mode.parts.iter().enumerate() {
        let Some(coupling) = part.coupling() else { continue };
        let a = problem.network.output(part.first);
        let factors: Vec<f64> = (0..n).map(|l| a * problem.labels[l] * part.slope(l)).collect();
        let b: Vec<f64> = factors.iter().cycle().zip(sums).map(|(f, s)| f * s).collect();
        dense::combine_all(&b, n, coupling.values(), n, &mut changes); // K̃ is symmetric: its rows are its columns
        for (kick, change) in kicks.iter_mut().zip(changes.chunks_exact(n)) {
            for j in (0..m).filter(|&j| mode.groups.of[j] == g) {
                change.iter().enumerate().for_each(|(k, v)| kick.moved[k * m + j] -= v);
            }
        }
    }
}
