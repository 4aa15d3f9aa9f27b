//! Descent in one number type: the plain step, and the step of tied groups where it pays.
//!
//! Neurons with equal sign of a_j and equal column of bits receive the same update, so as long as
//! no bit changes only P distinct motions exist, P the number of groups. The motion of a group,
//! `U_p = w_j(t) - w_j(t₀)`, descends like one neuron that starts at zero; its image `D = XU` is
//! computed from U at every step, so nothing drifts. The first step that shows a changed bit ends
//! the stretch: `w_j ← w_j + U_p`, and Z = XWᵀ is computed afresh (the re-anchoring), from which the
//! exact flips follow.
//!
//! Groups form after a number of steps without flips, at least [`CALM`]; a stretch that ends early
//! doubles that number, so that a chattering pattern costs nothing.

use super::core::Core;
use crate::matrix::Matrix;
use crate::network::{Groups, Network, Pattern};
use farfield_kernels::data::Data;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::Lane;
use farfield_kernels::loss::{Rule, Tally};
use farfield_kernels::plan::{Nest, Plan, Shape};

/// Steps without a flip before groups form.
const CALM: u32 = 4;
/// Stretches shorter than this double the wait for the next one: forming and ending one costs
/// about two plain steps.
const SHORT: u32 = 32;
/// The longest wait.
const LONGEST_WAIT: u32 = 4096;

/// Descent with all work in T.
pub(super) struct Descent<T> {
    isa: Isa,
    network: Network,
    rate: f64,
    y: Vec<f64>,
    plan: Plan,
    data: Vec<Data<T>>,
    core: Core<T>,
    tie: bool,
    tied: Option<Tied<T>>,
    calm: u32,
    wait: u32,
    pending: u64,
    fresh: bool,
}

/// A stretch in tied groups.
struct Tied<T> {
    core: Core<T>,
    groups: Groups,
    steps: u32,
}

/// Descent in any number type.
pub(super) trait Stepper: Send {
    fn step(&mut self) -> Tally;
    fn sync(&mut self) -> u64;
    fn preactivations(&self) -> Vec<f64>;
    fn weights(&self) -> Matrix;
    fn plan(&self) -> &Plan;
    fn isa(&self) -> Isa;
    fn groups(&self) -> usize;
}

/// A problem and how to step it.
pub(super) struct Setup<'a> {
    pub x: &'a Matrix,
    pub y: &'a [f64],
    pub network: &'a Network,
    pub rate: f64,
    pub weights: &'a Matrix,
    pub tie: bool,
    pub nest: Option<Nest>,
    pub isa: Isa,
}

impl<T: Lane> Descent<T> {
    pub fn new(setup: &Setup) -> Self {
        let Setup { x, y, network, rate, weights, tie, nest, isa } = *setup;
        let shape = Shape { n: x.rows(), d: x.cols(), m: network.width };
        assert_eq!((weights.rows(), weights.cols(), y.len()), (shape.m, shape.d, shape.n), "W is m×d, y has n labels");
        let plan = Plan::new::<T>(shape, nest);
        let data = Data::<T>::pack(x.values(), &plan);
        let a = network.outputs();
        let rule = Rule::new(plan.lanes, &a, &a, network.leak, rate);
        let mut core = Core::new(plan.clone(), &data, y, rule);
        core.add(&data, |j, k| weights[(j, k)]);
        core.refresh(isa, &data);
        let (network, y) = (*network, y.to_vec());
        let (tied, calm, wait, pending, fresh) = (None, 0, CALM, 0, true);
        Self { isa, network, rate, y, plan, data, core, tie, tied, calm, wait, pending, fresh }
    }

    /// A step of all neurons.
    fn plain(&mut self) -> Tally {
        let tally = self.core.step(self.isa, &self.data);
        self.core.commit();
        self.fresh = self.plan.nest == Nest::Panels;
        self.calm = if tally.flips == 0 { self.calm + 1 } else { 0 };
        if self.tie && self.calm >= self.wait {
            self.pending += self.refresh();
            self.form_groups();
        }
        tally
    }

    /// Z of the current W, if it is not known.
    fn refresh(&mut self) -> u64 {
        let stale = !std::mem::replace(&mut self.fresh, true);
        if stale { self.core.refresh(self.isa, &self.data).flips } else { 0 }
    }

    /// Starts a tied stretch at the current W, if there are notably fewer groups than neurons.
    fn form_groups(&mut self) {
        self.calm = 0;
        let (n, m) = (self.plan.shape.n, self.plan.shape.m);
        let z = self.core.preactivations();
        let groups = Pattern::of(&z, n, m).groups(&self.network);
        let count = groups.len();
        if count * 4 > m * 3 {
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
            return;
        }
        let output = |row: &[f64]| -> f64 {
            (0..m).fold(0.0, |f, j| self.network.activation(row[j]).mul_add(self.network.output(j), f))
        };
        let outputs: Vec<f64> = z.chunks_exact(m).map(output).collect();
        let mut nearest = vec![f64::INFINITY; n * count];
        for (nearest, z) in nearest.chunks_exact_mut(count).zip(z.chunks_exact(m)) {
            for (z, &p) in z.iter().zip(&groups.of) {
                if z.abs() < nearest[p].abs() {
                    nearest[p] = *z;
                }
            }
        }
        let a: Vec<f64> = groups.first.iter().map(|&j| self.network.output(j)).collect();
        let weight: Vec<f64> = a.iter().zip(&groups.size).map(|(a, size)| a * *size as f64).collect();
        let plan = self.plan.for_neurons::<T>(count);
        let rule = Rule::new(plan.lanes, &weight, &a, self.network.leak, self.rate);
        let mut core = Core::new(plan, &self.data, &self.y, rule);
        core.follow(&outputs, &nearest);
        core.refresh(self.isa, &self.data);
        self.tied = Some(Tied { core, groups, steps: 0 });
    }

    /// Ends the tied stretch: its motion goes into W.
    fn end_groups(&mut self) {
        let Some(tied) = self.tied.take() else { return };
        let (motion, d) = (tied.core.weights(&self.data), self.plan.shape.d);
        self.core.add(&self.data, |j, k| motion[tied.groups.of[j] * d + k]);
        self.wait = if tied.steps < SHORT { (self.wait * 2).min(LONGEST_WAIT) } else { CALM };
        self.calm = 0;
        self.fresh = false;
    }

    /// A step of the groups; `None` if a bit changes that a step of all neurons must account for.
    fn together(&mut self) -> Option<Tally> {
        let tied = self.tied.as_mut()?;
        let tally = tied.core.step(self.isa, &self.data);
        tied.steps = tied.steps.saturating_add(1);
        let changed = tally.flips > 0;
        match self.plan.nest {
            Nest::Panels if changed => {
                self.end_groups();
                self.fresh = true;
                return Some(self.core.refresh(self.isa, &self.data));
            }
            Nest::Rows if changed => {
                self.end_groups();
                return None;
            }
            Nest::Panels => {}
            Nest::Rows => {
                tied.core.commit();
                self.fresh = false;
            }
        }
        Some(tally)
    }
}

impl<T: Lane> Stepper for Descent<T> {
    fn step(&mut self) -> Tally {
        let mut tally = match self.together() {
            Some(tally) => tally,
            None => self.plain(),
        };
        tally.flips += std::mem::take(&mut self.pending);
        tally
    }

    fn sync(&mut self) -> u64 {
        if !self.fresh && self.tied.is_some() {
            let tied = self.tied.as_mut().expect("a tied stretch");
            let changed = tied.core.refresh(self.isa, &self.data).flips > 0;
            if changed {
                self.end_groups();
            } else {
                self.fresh = true;
            }
        }
        self.refresh() + std::mem::take(&mut self.pending)
    }

    fn preactivations(&self) -> Vec<f64> {
        let mut z = self.core.preactivations();
        if let Some(tied) = &self.tied {
            let (motion, count) = (tied.core.preactivations(), tied.groups.len());
            for (z, motion) in z.chunks_exact_mut(self.plan.shape.m).zip(motion.chunks_exact(count)) {
                z.iter_mut().zip(&tied.groups.of).for_each(|(z, &p)| *z += motion[p]);
            }
        }
        z
    }

    fn weights(&self) -> Matrix {
        let (m, d) = (self.plan.shape.m, self.plan.shape.d);
        let mut w = self.core.weights(&self.data);
        if let Some(tied) = &self.tied {
            let motion = tied.core.weights(&self.data);
            for (j, w) in w.chunks_exact_mut(d).enumerate() {
                w.iter_mut().zip(&motion[tied.groups.of[j] * d..]).for_each(|(w, u)| *w += u);
            }
        }
        Matrix::new(m, d, w)
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn isa(&self) -> Isa {
        self.isa
    }

    fn groups(&self) -> usize {
        self.tied.as_ref().map_or(self.plan.shape.m, |tied| tied.groups.len())
    }
}
