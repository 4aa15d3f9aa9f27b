//! The ripple: how the margins of chattering neurons move about those of the iterate on its kinks.
//!
//! Let a neuron of a group slide on σ, with slopes θ, and let the weights `e = αc t ℓ` stand still. Its
//! excess over the projected iterate is `Σ_σ c_k x_k / t`, and a step adds to c what the slope of the moment has
//! more than θ:
//!
//! ```text
//! c_k ← c_k + a y_k e_k (s(ζ_k) − θ_k),   ζ = K_σσ c,   s = 1 if ζ_k > 0, γ otherwise
//! ```
//!
//! a translation that depends on the signs of ζ; with one kink, a rotation of a circle. Its average over many
//! steps gives the mean ripple of the margins,
//!
//! ```text
//! κ_i = Σ_g m_g a_g y_i ⟨ρ_i⟩,   ρ_i = s_i K_iσ c  off σ,   φ(ζ_i)  on σ
//! ```
//!
//! whatever the phases of the neurons are against each other. Two averages from different phases show how
//! far the phases and the number of steps still matter: their difference is the doubt of κ. Since
//! `cᵀK_σσc` stays bounded its growth vanishes on the average: `Σ_i a y_i e_i ⟨ρ_i⟩ = −½⟨ΔcᵀK_σσΔc⟩` for each
//! neuron, so the ripple makes the loss fall more slowly.

use super::mode::{Mode, Part};
use crate::descent::span::SpanProblem;
use crate::number::largest;

/// Fewest and most steps of an average.
const STEPS: [f64; 2] = [128.0, 4096.0];

/// Steps over which the size of the ripple of one group is looked for.
const PART_STEPS: usize = 1024;

/// Every so many steps the ripple of samples off the kinks is looked at for its size.
const LOOK: usize = 8;

/// The ripple at one moment, times t; vectors of length n.
#[derive(Clone, Debug, PartialEq)]
pub struct Ripple {
    /// κ, the mean.
    pub mean: Vec<f64>,
    /// The largest deviation of the margins themselves, all neurons of a group in phase.
    pub size: Vec<f64>,
    /// Difference of two averages.
    pub doubt: Vec<f64>,
}

/// Sums over the steps of one neuron.
struct Orbit {
    c: Vec<f64>,
    zeta: Vec<f64>,
    increment: Vec<f64>,
    kicks: Vec<[f64; 2]>, // of c_k below and above
}

impl Ripple {
    /// None.
    pub fn none(n: usize) -> Self {
        Self { mean: vec![0.0; n], size: vec![0.0; n], doubt: vec![0.0; n] }
    }

    /// Of a mode at weights e, by averages over about `steps` steps.
    pub fn measure(problem: &SpanProblem, mode: &Mode, e: &[f64], steps: f64) -> Self {
        let n = problem.n();
        let steps = steps.clamp(STEPS[0], STEPS[1]) as usize;
        let mut ripple = Self::none(n);
        for (part, share) in mode.parts.iter().zip(&mode.groups.size).filter(|(part, _)| !part.kinks.is_empty()) {
            let mut size = vec![0.0; n];
            let [first, second] = [0.0, 1.0].map(|phase| part.average(problem, e, steps, phase, &mut size));
            for i in 0..n {
                let factor = *share as f64 * problem.network.output(part.first) * problem.labels[i];
                ripple.mean[i] += 0.5 * factor * (first[i] + second[i]);
                ripple.doubt[i] += (factor * (first[i] - second[i])).abs();
                ripple.size[i] += factor.abs() * size[i];
            }
        }
        ripple
    }

    /// The largest size.
    pub fn largest(&self) -> f64 {
        largest(&self.size)
    }
}

impl Part {
    /// The largest deviation of the pre-activations of this group, times t (length n; off the kinks).
    pub fn ripple_size(&self, problem: &SpanProblem, e: &[f64]) -> Vec<f64> {
        let mut size = vec![0.0; problem.n()];
        if !self.kinks.is_empty() {
            for phase in [0.0, 1.0] {
                self.average(problem, e, PART_STEPS, phase, &mut size);
            }
        }
        self.outside().for_each(|i| size[i] /= self.slope(i));
        size
    }

    /// `⟨ρ⟩` (length n) over `steps` steps, after a quarter as many to forget where they began; `size` keeps the
    /// largest |ρ|.
    fn average(&self, problem: &SpanProblem, e: &[f64], steps: usize, phase: f64, size: &mut [f64]) -> Vec<f64> {
        let (n, s, leak) = (problem.n(), self.kinks.len(), problem.network.leak);
        let mut orbit = Orbit::new(self, problem, e, phase);
        let (mut c, mut activation) = (vec![0.0; s], vec![0.0; s]);
        for _ in 0..steps / 4 {
            orbit.step(self, problem);
        }
        let mut rho = vec![0.0; n];
        for step in 0..steps {
            orbit.step(self, problem);
            for r in 0..s {
                c[r] += orbit.c[r];
                let phi = if orbit.zeta[r] > 0.0 { orbit.zeta[r] } else { leak * orbit.zeta[r] };
                activation[r] += phi;
                size[self.kinks[r]] = size[self.kinks[r]].max(phi.abs());
            }
            if step % LOOK == 0 {
                self.off_kinks(problem, &orbit.c, &mut rho);
                self.outside().for_each(|i| size[i] = size[i].max(rho[i].abs()));
            }
        }
        c.iter_mut().chain(&mut activation).for_each(|sum| *sum /= steps as f64);
        self.off_kinks(problem, &c, &mut rho);
        self.kinks.iter().zip(&activation).for_each(|(i, phi)| rho[*i] = *phi);
        rho
    }

    /// `s_i K_iσ c` off σ.
    fn off_kinks(&self, problem: &SpanProblem, c: &[f64], rho: &mut [f64]) {
        for i in self.outside() {
            let row = problem.gram.0.row(i);
            rho[i] = self.slope(i) * self.kinks.iter().zip(c).fold(0.0, |sum: f64, (k, c)| row[*k].mul_add(*c, sum));
        }
    }
}

impl Orbit {
    /// At `c = 0`, or up to a kick away from it.
    fn new(part: &Part, problem: &SpanProblem, e: &[f64], phase: f64) -> Self {
        let (s, leak) = (part.kinks.len(), problem.network.leak);
        let a = problem.network.output(part.first);
        let kick =
            |(k, theta): (&usize, f64)| [leak, 1.0].map(|slope| a * problem.labels[*k] * e[*k] * (slope - theta));
        let kicks: Vec<[f64; 2]> = part.kinks.iter().zip(part.slopes_on_kinks(e)).map(kick).collect();
        let away = |(r, kick): (usize, &[f64; 2])| phase * ((r + 1) as f64 * GOLDEN).fract() * (kick[1] - kick[0]);
        let c: Vec<f64> = kicks.iter().enumerate().map(away).collect();
        let mut orbit = Self { increment: c.clone(), c, zeta: vec![0.0; s], kicks };
        orbit.shift(part, problem);
        orbit
    }

    fn step(&mut self, part: &Part, problem: &SpanProblem) {
        for (r, kick) in self.kicks.iter().enumerate() {
            self.increment[r] = kick[usize::from(self.zeta[r] > 0.0)];
            self.c[r] += self.increment[r];
        }
        self.shift(part, problem);
    }

    /// `ζ += K_σσ Δc`.
    fn shift(&mut self, part: &Part, problem: &SpanProblem) {
        for (zeta, i) in self.zeta.iter_mut().zip(&part.kinks) {
            let row = problem.gram.0.row(*i);
            *zeta = part.kinks.iter().zip(&self.increment).fold(*zeta, |sum, (k, c)| row[*k].mul_add(*c, sum));
        }
    }
}

/// Phases at different kinks that do not repeat each other.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

#[cfg(test)]
mod tests {
    use super::super::mode::Place::{Above, Kink};
    use super::*;
    use crate::descent::span::SpanStart;
    use crate::inner_products::Gram;
    use crate::matrix::Matrix;
    use crate::network::Network;
    use farfield_kernels::loss::Loss;
    use std::sync::Arc;

    /// Two samples that mirror each other, each sliding on the neuron of the other sign with θ = c: ζ is a rotation,
    /// even on (−B, A] with `A = a(c − γ)`, `B = a(1 − c)`, so `⟨ζ⟩ = (A − B)/2` and `⟨φ(ζ)⟩ = (A² − γB²)/2(A + B)`. The
    /// rotation number A/(A + B) is the golden section squared: N points deviate from the mean of a function of
    /// variation V by less than `V (3 + 2 log N)/N` (Koksma; Niederreiter 1978 for this rotation).
    #[test]
    fn one_kink_rotates() {
        let leak = 0.1;
        let c = leak + 0.9 * (1.0 - GOLDEN);
        let network = Network { width: 2, positive: 1, leak };
        let start = SpanStart { preactivations: vec![9.0, 0.0, 0.0, 9.0], squared_norms: vec![1.0; 2], weights: None };
        let gram = Arc::new(Gram(Matrix::new(2, 2, vec![1.0, c, c, 1.0])));
        let problem = Arc::new(SpanProblem::new(gram, None, vec![1.0, -1.0], network, (Loss::Exponential, 0.5), start));
        let mode = Mode::new(&problem, vec![Above, Kink, Kink, Above]).expect("regular");
        let ripple = Ripple::measure(&problem, &mode, &[1.0, 1.0], f64::INFINITY);
        let a = std::f64::consts::FRAC_1_SQRT_2;
        let (up, down) = (a * (c - leak), a * (1.0 - c));
        let phi = (up * up - leak * down * down) / (2.0 * (up + down));
        let mean = a * (c * (up - down) / 2.0 - phi);
        let steps = STEPS[1];
        let bound = a * (1.0 + c) * (up + down) * (3.0 + 2.0 * libm::log(steps)) / steps;
        for i in 0..2 {
            assert!((ripple.mean[i] - mean).abs() < bound, "{ripple:?}, expected {mean}");
            assert!(ripple.doubt[i] < 2.0 * bound && ripple.mean[i] < 0.0, "{ripple:?}");
            assert!(ripple.size[i] <= a * (up.max(leak * down) + c * up.max(down)), "{ripple:?}");
        }
    }
}
