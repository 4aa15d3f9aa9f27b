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
//! far the phases and the number of steps still matter: their difference is the doubt of κ. Each number of ζ is a chain
//! over the kinks, many side by side; s² multiply-adds a step. Since
//! `cᵀK_σσc` stays bounded its growth vanishes on the average: `Σ_i a y_i e_i ⟨ρ_i⟩ = −½⟨ΔcᵀK_σσΔc⟩` for each
//! neuron, so the ripple makes the loss fall more slowly.

use super::mode::{Mode, Part};
use crate::descent::choose::whole;
use crate::descent::span::SpanProblem;
use crate::number::largest;
use farfield_kernels::dense;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::sync::Arc;

/// Numbers that run side by side: 512 bits.
const LANES: usize = 8;

/// Fewest and most steps of an average.
const STEPS: [f64; 2] = [128.0, 4096.0];

/// Steps over which the size of the ripple of one group is looked for.
const PART_STEPS: usize = 1024;

/// Every so many steps the ripple of samples off the kinks is looked at for its size,
const LOOK: usize = 8;

/// so many looks together, so that `K_σi` is read once for them.
const LOOKS: usize = dense::TOGETHER;

/// Seconds of a multiply-add.
const PRODUCT: f64 = 2e-10;

/// Seconds of a step however few the kinks are: the chain through its signs, and a share of the looks.
const CHAIN: f64 = 2.5e-8;

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

impl Ripple {
    /// None.
    pub fn none(n: usize) -> Self {
        Self { mean: vec![0.0; n], size: vec![0.0; n], doubt: vec![0.0; n] }
    }

    /// Of a mode whose neurons do this.
    pub fn of(problem: &SpanProblem, mode: &Mode, orbits: &Orbits) -> Self {
        let n = problem.n();
        let mut ripple = Self::none(n);
        for ((part, share), orbit) in mode.parts.iter().zip(&mode.groups.size).zip(&orbits.0) {
            let Some(Averages { rho: [first, second], size, .. }) = orbit.as_deref() else { continue };
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

/// What a neuron of a part does on its kinks, at certain weights.
#[derive(Debug)]
struct Averages {
    rho: [Vec<f64>; 2], // ⟨ρ⟩ from two sets of phases
    size: Vec<f64>,     // the largest |ρ|
}

/// That of each part of a mode that slides.
#[derive(Debug)]
pub struct Orbits(Vec<Option<Arc<Averages>>>, Vec<bool>); // and which of them were worked out here

/// Samples from which on parts are worked out on all threads.
const MANY: usize = 256;

impl Orbits {
    /// Of a mode at weights e, by averages over about `steps` steps; what is known of the same parts at the same weights is taken
    /// from there.
    pub fn find(problem: &SpanProblem, mode: &Mode, e: &[f64], steps: f64, known: Option<(&Mode, &Self)>) -> Self {
        let steps = steps.clamp(STEPS[0], STEPS[1]) as usize;
        let found = |part: &Part| {
            let (mode, orbits) = known?;
            let of_its_sign = |other: &Part| problem.network.sign(other.first) == problem.network.sign(part.first);
            let mut parts = mode.parts.iter().zip(&orbits.0);
            parts.find(|(other, _)| of_its_sign(other) && part.same(other)).and_then(|(_, averages)| averages.clone())
        };
        let found: Vec<_> = mode.parts.iter().map(found).collect();
        let fresh = |(part, found): (&Part, &Option<_>)| found.is_none() && !part.kinks.is_empty();
        let fresh: Vec<bool> = mode.parts.iter().zip(&found).map(fresh).collect();
        let work = |at: usize| match fresh[at] {
            true => Some(Arc::new(mode.parts[at].averages(problem, e, steps))),
            false => found[at].clone(),
        };
        let all = match problem.n() < MANY {
            true => (0..fresh.len()).map(work).collect(),
            false => (0..fresh.len()).into_par_iter().map(work).collect(),
        };
        Self(all, fresh)
    }

    /// Seconds of finding what was not known for n samples, by the cost model.
    pub fn price(&self, n: usize, mode: &Mode, steps: f64) -> f64 {
        let steps = 2.5 * steps.clamp(STEPS[0], STEPS[1]); // two averages, each with its start
        let of = |s: f64| s * (s + 8.0 + (n as f64 - s) / LOOK as f64) * PRODUCT + CHAIN;
        let parts = mode.parts.iter().zip(&self.1).filter(|(_, fresh)| **fresh);
        whole(steps * parts.map(|(part, _)| of(part.kinks.len() as f64)).sum::<f64>())
    }
}

impl Part {
    fn averages(&self, problem: &SpanProblem, e: &[f64], steps: usize) -> Averages {
        let mut size = vec![0.0; problem.n()];
        let rho = [0.0, 1.0].map(|phase| self.average(problem, e, steps, phase, &mut size));
        Averages { rho, size }
    }

    /// The largest deviation of the pre-activations of this group, times t (length n; off the kinks).
    pub fn ripple_size(&self, problem: &SpanProblem, e: &[f64]) -> Vec<f64> {
        let mut size = match self.kinks.is_empty() {
            true => vec![0.0; problem.n()],
            false => self.averages(problem, e, PART_STEPS).size,
        };
        self.outside().for_each(|i| size[i] /= self.slope(i));
        size
    }

    /// `⟨ρ⟩` (length n) over `steps` steps, after a quarter as many to forget where they began; `size` keeps the
    /// largest |ρ|.
    fn average(&self, problem: &SpanProblem, e: &[f64], steps: usize, phase: f64, size: &mut [f64]) -> Vec<f64> {
        let mut orbit = Orbit::new(self, problem, e, phase);
        Isa::current().dispatch(Average { orbit: &mut orbit, steps });
        let mut rho = vec![0.0; problem.n()];
        let steps = steps as f64;
        orbit.sums.iter_mut().for_each(|sum| *sum /= steps);
        let off = &mut orbit.rho[..orbit.outside.len()];
        dense::combine(&orbit.sums[..orbit.kinks], &orbit.outer, off.len(), off);
        for (at, i) in self.outside().enumerate() {
            rho[i] = orbit.outside[at] * orbit.rho[at];
            size[i] = size[i].max(orbit.far[at]);
        }
        for (r, i) in self.kinks.iter().enumerate() {
            rho[*i] = orbit.activations[r] / steps;
            size[*i] = size[*i].max(orbit.near[r]);
        }
        rho
    }
}

/// The way of c for one neuron with s kinks; vectors over the kinks are padded with zeros to p numbers, a multiple of
/// [`LANES`].
struct Orbit {
    kinks: usize,         // s
    inner: Vec<f64>,      // K_σσ (s×p)
    outer: Vec<f64>,      // K_σi, i off the kinks (s×(n−s))
    kicks: [Vec<f64>; 2], // of c, where ζ is below and above
    leak: f64,
    c: Vec<f64>,
    zeta: Vec<f64>,
    increment: Vec<f64>,
    sums: Vec<f64>,        // of c
    activations: Vec<f64>, // sums of φ(ζ)
    near: Vec<f64>,        // largest |φ(ζ)|
    outside: Vec<f64>,     // slopes off the kinks (n−s)
    rho: Vec<f64>,         // K_iσ c off the kinks, for each look
    far: Vec<f64>,         // largest |ρ| there
}

impl Orbit {
    /// At `c = 0`, or up to a kick away from it.
    fn new(part: &Part, problem: &SpanProblem, e: &[f64], phase: f64) -> Self {
        let (s, leak, k) = (part.kinks.len(), problem.network.leak, &problem.gram.0);
        let p = s.next_multiple_of(LANES);
        let padded = |numbers: Vec<f64>| [numbers, vec![0.0; p - s]].concat();
        let a = problem.network.output(part.first);
        let thetas = part.slopes_on_kinks(e);
        let kick = |slope: f64| {
            let of = |(k, theta): (&usize, &f64)| a * problem.labels[*k] * e[*k] * (slope - theta);
            padded(part.kinks.iter().zip(&thetas).map(of).collect())
        };
        let kicks = [kick(leak), kick(1.0)];
        let away = |r: usize| phase * ((r + 1) as f64 * GOLDEN).fract() * (kicks[1][r] - kicks[0][r]);
        let c = padded((0..s).map(away).collect());
        let outside: Vec<usize> = part.outside().collect();
        let rows = |columns: &[usize], width: usize| -> Vec<f64> {
            let row = |i: &usize| {
                let row = k.row(*i);
                columns
                    .iter()
                    .map(|c| row[*c])
                    .chain(std::iter::repeat_n(0.0, width - columns.len()))
                    .collect::<Vec<_>>()
            };
            part.kinks.iter().flat_map(row).collect()
        };
        let zeros = |n: usize| vec![0.0; n];
        let mut orbit = Self {
            kinks: s,
            inner: rows(&part.kinks, p),
            outer: rows(&outside, outside.len()),
            kicks,
            leak,
            increment: c.clone(),
            c,
            zeta: zeros(p),
            sums: zeros(p),
            activations: zeros(p),
            near: zeros(p),
            rho: zeros(LOOKS * outside.len()),
            far: zeros(outside.len()),
            outside: outside.iter().map(|i| part.slope(*i)).collect(),
        };
        Isa::current().dispatch(Shift { orbit: &mut orbit });
        orbit
    }

    /// `c += Δc`, `ζ += K_σσ Δc`.
    #[inline(always)]
    fn step(&mut self) {
        let [low, high] = &self.kicks;
        for r in 0..self.c.len().min(self.zeta.len()).min(self.increment.len()).min(low.len()).min(high.len()) {
            self.increment[r] = if self.zeta[r] > 0.0 { high[r] } else { low[r] };
            self.c[r] += self.increment[r];
        }
        self.shift();
    }

    /// `ζ += K_σσ Δc`, chains over the kinks for each number.
    #[inline(always)]
    fn shift(&mut self) {
        let p = self.zeta.len();
        let wide = p - p % (4 * LANES);
        for at in (0..wide).step_by(4 * LANES) {
            shift_block::<{ 4 * LANES }, 1>(&self.inner[at..], p, &self.increment[..self.kinks], &mut self.zeta[at..]);
        }
        for at in (wide..p).step_by(LANES) {
            shift_block::<LANES, 4>(&self.inner[at..], p, &self.increment[..self.kinks], &mut self.zeta[at..]);
        }
    }

    /// Keeps the largest |ρ| off the kinks at [`LOOKS`] values of c, one after the other in `seen`.
    #[inline(always)]
    fn look(&mut self, seen: &[f64]) {
        let n = self.outside.len();
        if n == 0 {
            return;
        }
        dense::combine_all(seen, self.kinks, &self.outer, n, &mut self.rho);
        let (slopes, far) = (&self.outside[..n], &mut self.far[..n]);
        for rho in self.rho.chunks_exact(n) {
            for i in 0..n {
                let size = (slopes[i] * rho[i]).abs();
                far[i] = if size > far[i] { size } else { far[i] };
            }
        }
    }

    /// Adds to the sums.
    #[inline(always)]
    fn note(&mut self) {
        let (p, leak) = (self.zeta.len(), self.leak);
        let (zeta, c) = (&self.zeta[..p], &self.c[..p]);
        let (sums, activations, near) = (&mut self.sums[..p], &mut self.activations[..p], &mut self.near[..p]);
        for r in 0..p {
            let phi = if zeta[r] > 0.0 { zeta[r] } else { leak * zeta[r] };
            sums[r] += c[r];
            activations[r] += phi;
            near[r] = if phi.abs() > near[r] { phi.abs() } else { near[r] };
        }
    }
}

/// N numbers of it, in WAYS chains each so that latencies overlap: row r goes to chain r mod WAYS.
#[inline(always)]
fn shift_block<const N: usize, const WAYS: usize>(rows: &[f64], p: usize, increments: &[f64], zeta: &mut [f64]) {
    let zeta = zeta.first_chunk_mut::<N>().expect("a whole block");
    let mut chains = [[0.0; N]; WAYS];
    let (whole, rest) = increments.as_chunks::<WAYS>();
    for (at, increments) in whole.iter().enumerate() {
        for (way, c) in increments.iter().enumerate() {
            add_row(&rows[(at * WAYS + way) * p..], *c, &mut chains[way]);
        }
    }
    for (way, c) in rest.iter().enumerate() {
        add_row(&rows[(whole.len() * WAYS + way) * p..], *c, &mut chains[way]);
    }
    for chain in chains {
        (0..N).for_each(|l| zeta[l] += chain[l]);
    }
}

#[inline(always)]
fn add_row<const N: usize>(row: &[f64], c: f64, sums: &mut [f64; N]) {
    let row = row.first_chunk::<N>().expect("a whole block");
    for l in 0..N {
        sums[l] = row[l].mul_add(c, sums[l]);
    }
}

struct Shift<'a> {
    orbit: &'a mut Orbit,
}

impl WithSimd for Shift<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.orbit.shift();
    }
}

struct Average<'a> {
    orbit: &'a mut Orbit,
    steps: usize,
}

impl WithSimd for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { orbit, steps } = self;
        for _ in 0..steps / 4 {
            orbit.step();
        }
        let (mut seen, mut looks) = (vec![0.0; LOOKS * orbit.kinks], 0);
        for step in 0..steps {
            orbit.step();
            orbit.note();
            if step % LOOK == 0 {
                seen[looks * orbit.kinks..][..orbit.kinks].copy_from_slice(&orbit.c[..orbit.kinks]);
                looks += 1;
            }
            if looks == LOOKS {
                orbit.look(&seen);
                looks = 0;
            }
        }
        if looks > 0 {
            orbit.look(&seen); // with some of the last ones again
        }
    }
}

/// Phases at different kinks that do not repeat each other.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

#[cfg(test)]
mod tests;
