//! What events have added to the distance, each displacement with its direction.
//!
//! A displacement of neuron j along x̃_i is known but for its size, at most c: it is `ξ v` with |ξ| ≤ 1 and a known v, and to
//! first order it stays so, since both the flow and what happens at an event are linear in it. So v is carried along
//! with its signs. W_j moves by coefficients b on the samples off the kinks of its neuron, and by those on the kinks that keep it
//! there, so that its effect on the pre-activations is `v_j = K̃ b_j` (`K̃ = K − K_·σ K_σσ⁻¹ K_σ·` of each neuron, p = −e s'/s):
//!
//! ```text
//! at first:            b_ij = c
//! between events:      dδ/du = −H (p∘δ),   db_lj/du = −a_j y_l s_lj p_l δ_l,   δ_l = y_l Σ_j a_j s_lj v_lj
//! (i,j) comes to 0:    b_j ← b_j + (B⁺ − B⁻)_j v_ij/f⁻_ij
//! ```
//!
//! B⁻ and B⁺ the rates of the coefficients of neuron j before and after, f those dz/du of its pre-activations: the saltation
//! matrix of a piecewise smooth flow (Leine and
//! Nijmeijer, *Dynamics and Bifurcations of Non-Smooth Mechanical Systems*, 2004). An iterate that is ahead by v_ij comes there
//! `v_ij/f⁻_ij` earlier, and moves with f⁺ as long as that. Where (i,j) crosses and nothing else happens, f⁺ − f⁻ lies along x̃_i; where
//! it is caught, v_ij becomes 0; where others leave their kinks because of it, what they do is in f⁺. All displacements
//! together change z_ij by at most `Σ |v_ij|`, the margin by at most `Σ |δ_i|`: what couplings of different signs cancel, is
//! cancelled.
//!
//! *What is held.* δ, and `s = ∫ p∘δ du`, n numbers each: then `b_lj = c_lj − a_j y_l s_lj s_l`, and c_j changes at events of
//! neuron j alone. v is not held: an event asks for one number of it, a row of K̃ times b_j.
//!
//! Between events δ follows the classical Runge–Kutta method of order 4, or over short ones the midpoint rule, with the weights
//! of the step's mean. Loop order: part of the step, stage, a product with H for all displacements together.

use super::mode::{Mode, Part};
use crate::descent::span::SpanProblem;
use farfield_kernels::dense;

/// Most displacements that are followed.
pub const MOST: usize = 256;

/// Longest part of a step, as a part of the fastest time scale: by the method of order 4, to 3e-4 of what decays that fast,
const PART: f64 = 0.5;

/// and by the midpoint rule, to the same.
const SHORT: f64 = 0.125;

/// Weights of the stages, and how far behind the next one lies, in parts.
const FOURTH: [(f64, f64); 4] = [(1.0 / 6.0, 0.5), (1.0 / 3.0, 0.5), (1.0 / 3.0, 1.0), (1.0 / 6.0, 0.0)];
const MIDPOINT: [(f64, f64); 2] = [(0.0, 0.5), (1.0, 0.0)];

/// Rounds of the power iteration for that time scale.
const ROUNDS: usize = 8;

/// A pair that comes to zero.
#[derive(Clone, Copy, Debug)]
pub struct Crossing {
    /// Index of the sample.
    pub sample: usize,
    /// `dz/du` before.
    pub rate: f64,
    /// Whether the pair is an own-sign one.
    pub own: bool,
}

/// A neuron whose places change, and the rates that jump.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The neuron.
    pub neuron: usize,
    /// Its group before and after.
    pub parts: [&'a Part; 2],
    /// By what the rates of its coefficients change (length n),
    pub jump: &'a [f64],
    /// and those of its pre-activations.
    pub image: &'a [f64],
    /// The squared length of this change in W.
    pub squared: f64,
}

/// The displacements, the oldest first: W moves by at most each of these, either way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kicks {
    /// Bounds of their lengths in W.
    pub lengths: Vec<f64>,
    /// δ of each, what it does to the margins (n each).
    pub margins: Vec<f64>,
    /// The integral of `p∘δ` of each (n each).
    pub sums: Vec<f64>,
    /// c of each, neuron by neuron (m·n each).
    pub coefficients: Vec<f64>,
}

impl Kicks {
    /// Neuron j is displaced by up to `size` along coefficients on the samples, with this image and squared length, in this mode.
    /// Returns the length of the shortest of all displacements, and what it does to the pre-activations (n×m, row-major),
    /// where they are more than are followed.
    pub fn add(
        &mut self,
        problem: &SpanProblem,
        mode: &Mode,
        (j, size): (usize, f64),
        along: (&[f64], &[f64], f64),
    ) -> Option<(f64, Vec<f64>)> {
        let (n, m, a, part) = (problem.n(), problem.network.width, problem.network.output(j), mode.part_of(j));
        let (direction, image, squared) = along;
        self.lengths.push(size * squared.sqrt());
        self.margins.extend((0..n).map(|l| size * problem.labels[l] * a * part.slope(l) * image[l]));
        self.sums.extend(std::iter::repeat_n(0.0, n));
        let first = self.coefficients.len() + j * n;
        self.coefficients.extend(std::iter::repeat_n(0.0, m * n));
        part.off_kinks().for_each(|l| self.coefficients[first + l] = size * direction[l]);
        if self.lengths.len() <= MOST {
            return None;
        }
        let shortest = (0..self.lengths.len()).min_by(|&a, &b| self.lengths[a].total_cmp(&self.lengths[b]))?;
        let moved = self.moved(problem, mode, shortest);
        let of = |length: usize| shortest * length..(shortest + 1) * length;
        self.margins.drain(of(n));
        self.sums.drain(of(n));
        self.coefficients.drain(of(m * n));
        Some((self.lengths.remove(shortest), moved))
    }

    /// v of one of them (n×m, row-major).
    fn moved(&self, problem: &SpanProblem, mode: &Mode, of: usize) -> Vec<f64> {
        let (n, m) = (problem.n(), problem.network.width);
        let mut moved = vec![0.0; n * m];
        for j in 0..m {
            let (part, mut b, mut v) = (mode.part_of(j), vec![0.0; n], vec![0.0; n]);
            let (c, factors) = (&self.coefficients[(of * m + j) * n..][..n], factors(problem, part, j));
            part.off_kinks().for_each(|l| b[l] = c[l] - factors[l] * self.sums[of * n + l]);
            part.coupling().into_iter().for_each(|k| dense::combine(&b, k.values(), n, &mut v));
            v.iter().enumerate().for_each(|(i, v)| moved[i * m + j] = *v);
        }
        moved
    }

    /// `Σ_l r_l b_lj` of each displacement; r is 0 on the kinks of the part that neuron j is in.
    fn along(&self, problem: &SpanProblem, (j, part): (usize, &Part), r: &[f64]) -> Vec<f64> {
        let (n, m) = (problem.n(), problem.network.width);
        let pulled: Vec<f64> = r.iter().zip(factors(problem, part, j)).map(|(r, factor)| r * factor).collect();
        let one = |of: usize| {
            let (mut held, mut since) = ([0.0], [0.0]);
            dense::dots(r, &self.coefficients[(of * m + j) * n..][..n], &mut held);
            dense::dots(&pulled, &self.sums[of * n..][..n], &mut since);
            held[0] - since[0]
        };
        (0..self.lengths.len()).map(one).collect()
    }

    /// `v_ij` of each displacement, neuron j in this part.
    pub fn of_pair(&self, problem: &SpanProblem, (i, j): (usize, usize), part: &Part) -> Vec<f64> {
        self.along(problem, (j, part), &part.across_row(problem, i))
    }

    /// The places of a neuron change: pairs on the way come to zero, others leave their kinks.
    pub fn turn(&mut self, problem: &SpanProblem, turn: &Turn, ways: &[Crossing]) {
        if self.lengths.is_empty() {
            return;
        }
        let Turn { neuron: j, parts: [old, new], jump, image, squared } = *turn;
        let (n, m, a) = (problem.n(), problem.network.width, problem.network.output(j));
        let came: Vec<Vec<f64>> = ways.iter().map(|way| self.of_pair(problem, (way.sample, j), old)).collect();
        let left: Vec<usize> = old.kinks.iter().copied().filter(|k| !new.kinks.contains(k)).collect();
        let kept: Vec<Vec<f64>> =
            left.iter().map(|k| self.along(problem, (j, old), &old.keeping_row(problem, *k))).collect();
        let [before, after] = [old, new].map(|part| factors(problem, part, j));
        let pull: Vec<f64> = (0..n).map(|l| problem.labels[l] * a * new.slope(l) * image[l]).collect();
        for of in 0..self.lengths.len() {
            let sums = &self.sums[of * n..][..n];
            let (delta, c) = (&mut self.margins[of * n..][..n], &mut self.coefficients[(of * m + j) * n..][..n]);
            for (k, kept) in left.iter().zip(&kept) {
                c[*k] = kept[of] + after[*k] * sums[*k];
            }
            let mut ahead = 0.0;
            for (way, v) in ways.iter().zip(&came) {
                let i = way.sample;
                c[i] += (after[i] - before[i]) * sums[i];
                delta[i] += problem.labels[i] * a * (new.slope(i) - old.slope(i)) * v[of];
                ahead += v[of] / way.rate;
                self.lengths[of] += if way.own { (v[of] / way.rate).abs() * squared.sqrt() } else { 0.0 };
            }
            delta.iter_mut().zip(&pull).for_each(|(delta, pull)| *delta += ahead * pull);
            c.iter_mut().zip(jump).for_each(|(c, jump)| *c += ahead * jump);
        }
    }

    /// What all of them together change the margins by, at most (length n).
    pub fn of_margins(&self, n: usize) -> Vec<f64> {
        let mut sum = vec![0.0; n];
        self.margins.chunks_exact(n).for_each(|delta| sum.iter_mut().zip(delta).for_each(|(sum, q)| *sum += q.abs()));
        sum
    }

    /// The linearized flow over a length of log t; `pull` is p, in the mean. The number of products with H.
    pub fn follow(&mut self, mode: &Mode, pull: &[f64], length: f64) -> usize {
        if self.lengths.is_empty() {
            return 0;
        }
        let way = length * fastest(mode, pull);
        let (parts, stages) = if way <= SHORT { (1.0, &MIDPOINT[..]) } else { ((way / PART).ceil(), &FOURTH[..]) };
        for _ in 0..parts as usize {
            self.part(mode, pull, length / parts, stages);
        }
        ROUNDS + stages.len() * self.lengths.len() * parts as usize
    }

    /// One part of a step of `dδ/du = −H (p∘δ)` for all δ, one after the other; the integrals of `p∘δ` are added to the sums.
    fn part(&mut self, mode: &Mode, pull: &[f64], length: f64, stages: &[(f64, f64)]) {
        let (n, q) = (pull.len(), &mut self.margins);
        let (mut images, mut part, mut stage) = (vec![0.0; q.len()], vec![0.0; q.len()], vec![0.0; q.len()]);
        let pulled = |stage: &mut [f64], q: &[f64], images: &[f64], ahead: f64| {
            for ((stage, q), image) in stage.chunks_exact_mut(n).zip(q.chunks_exact(n)).zip(images.chunks_exact(n)) {
                (0..n).for_each(|k| stage[k] = pull[k] * (q[k] - ahead * image[k]));
            }
        };
        pulled(&mut stage, q, &images, 0.0);
        for &(weight, ahead) in stages {
            part.iter_mut().zip(&stage).for_each(|(part, k)| *part += weight * length * k);
            if ahead > 0.0 {
                mode.product().multiply_all(&stage, &mut images);
                pulled(&mut stage, q, &images, ahead * length);
            }
        }
        mode.product().multiply_all(&part, &mut images);
        q.iter_mut().zip(&images).for_each(|(q, v)| *q -= v);
        self.sums.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
    }
}

/// `a_j y_l s_lj` of neuron j in this part (length n).
fn factors(problem: &SpanProblem, part: &Part, j: usize) -> Vec<f64> {
    let a = problem.network.output(j);
    problem.labels.iter().enumerate().map(|(l, y)| a * y * part.slope(l)).collect()
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

#[cfg(test)]
mod tests {
    use super::super::mode::Place::{self, Above, Below, Kink};
    use super::*;
    use crate::descent::span::SpanStart;
    use crate::gram::gram;
    use crate::inner_products::Gram;
    use crate::matrix::Matrix;
    use crate::network::Network;
    use farfield_kernels::loss::Loss;
    use std::sync::Arc;

    const N: usize = 6;
    const M: usize = 3;

    fn problem() -> Arc<SpanProblem> {
        let x: Vec<f64> = (0..N * 9).map(|i| (1.0 + 0.7 * i as f64).sin() + (0.31 * (i * i) as f64).cos()).collect();
        let network = Network { width: M, positive: 2, leak: 0.2 };
        let start = SpanStart { preactivations: vec![1.0; N * M], squared_norms: vec![1.0; M], weights: None };
        let labels = (0..N).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let k = Arc::new(Gram(gram(&Matrix::new(N, 9, x))));
        Arc::new(SpanProblem::new(k, None, labels, network, (Loss::Exponential, 0.1), start))
    }

    /// What a displacement does, followed by v itself.
    struct Plain {
        v: Vec<f64>, // N×M
    }

    impl Plain {
        fn margins(&self, p: &SpanProblem, mode: &Mode) -> Vec<f64> {
            let term = |l: usize, j: usize| p.network.output(j) * mode.part_of(j).slope(l) * self.v[l * M + j];
            (0..N).map(|l| p.labels[l] * (0..M).map(|j| term(l, j)).sum::<f64>()).collect()
        }

        /// `dv_kj/du = −Σ_l K̃_kl a_j y_l s_lj p_l δ_l` by Euler's method in many steps.
        fn follow(&mut self, p: &SpanProblem, mode: &Mode, pull: &[f64], length: f64) {
            for _ in 0..10_000 {
                let delta = self.margins(p, mode);
                for j in 0..M {
                    let part = mode.part_of(j);
                    let grown = |l: usize| p.network.output(j) * p.labels[l] * part.slope(l) * pull[l] * delta[l];
                    for k in 0..N {
                        let coupling = part.coupling().expect("few samples").row(k);
                        self.v[k * M + j] -= 1e-4 * length * (0..N).map(|l| coupling[l] * grown(l)).sum::<f64>();
                    }
                }
            }
        }
    }

    /// Places with one change, at which the rates of a neuron jump; (i, j) comes to zero there, unless it leaves its kink.
    fn turn(
        p: &Arc<SpanProblem>,
        both: (&mut Kicks, &mut Plain),
        e: &[f64],
        before: &Mode,
        (i, j): (usize, usize),
        to: Place,
    ) -> Mode {
        let mut places = before.places.clone();
        places[i * M + j] = to;
        let after = Mode::new(p, places).expect("regular");
        let [was, is] = [before, &after].map(|mode| mode.part_of(j).column(p, e));
        let jump: Vec<f64> = is.iter().zip(&was).map(|(is, was)| is - was).collect();
        let (mut rates, mut image) = (vec![0.0; N], vec![0.0; N]);
        p.multiply(&was, &mut rates);
        p.multiply(&jump, &mut image);
        let came = before.places[i * M + j] != Kink;
        let ways = [Crossing { sample: i, rate: rates[i], own: p.network.sign(j) * p.labels[i] > 0.0 }];
        let parts = [before.part_of(j), after.part_of(j)];
        both.0.turn(
            p,
            &Turn { neuron: j, parts, jump: &jump, image: &image, squared: 1.0 },
            &ways[..usize::from(came)],
        );
        if came {
            let ahead = both.1.v[i * M + j] / rates[i];
            (0..N).for_each(|k| both.1.v[k * M + j] += ahead * image[k]);
        }
        after
    }

    /// Coefficients and what they do to margins against v followed by itself, past every kind of event: a pair is caught on its
    /// kink, crosses with either sign, and leaves its kink. The midpoint rule is off by `(hΛ)³/6` in each stretch, hΛ below
    /// 0.06 here, and Euler's method by half of `1e-4 (hΛ)²`.
    #[test]
    fn coefficients_do_what_displacements_do() {
        let p = problem();
        // own-sign pairs: even samples with neurons 0 and 1, odd ones with neuron 2
        let mut places = vec![Above; N * M];
        (places[M], places[3 * M + 1], places[2 * M + 2], places[4]) = (Kink, Below, Kink, Kink);
        let mut mode = Mode::new(&p, places).expect("regular");
        let e: Vec<f64> = (0..N).map(|i| 0.1 + 0.02 * i as f64).collect();
        let (mut kicks, mut plain) = (Kicks::default(), Plain { v: vec![0.0; N * M] });
        let (direction, squared) = mode.part_of(0).across(&p, 3);
        let mut image = vec![0.0; N];
        p.multiply(&direction, &mut image);
        assert!(kicks.add(&p, &mode, (0, 0.3), (&direction, &image, squared)).is_none());
        mode.part_of(0).off_kinks().for_each(|k| plain.v[k * M] = 0.3 * image[k]);
        let events =
            [((5, 0), Kink), ((2, 0), Below), ((3, 0), Below), ((1, 0), Above), ((0, 1), Below), ((5, 0), Below)];
        let top = |v: &[f64]| v.iter().fold(0.0f64, |top, v| top.max(v.abs()));
        for (pair, to) in events {
            let length = 0.04 / fastest(&mode, &e);
            kicks.follow(&mode, &e, length);
            plain.follow(&p, &mode, &e, length);
            mode = turn(&p, (&mut kicks, &mut plain), &e, &mode, pair, to);
            let (moved, margins) = (kicks.moved(&p, &mode, 0), plain.margins(&p, &mode));
            let off = |a: &[f64], b: &[f64]| top(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>()) / top(b);
            assert!(off(&moved, &plain.v) < 1e-4, "{pair:?} {to:?}: {moved:?} {:?}", plain.v);
            assert!(off(&kicks.margins, &margins) < 1e-4, "{pair:?} {to:?}: {:?} {margins:?}", kicks.margins);
        }
    }
}
