//! Tying: the plain step, and the step of tied groups where it pays.
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

use super::core::{Core, Setup, Tie};
use crate::matrix::Matrix;
use crate::network::{Groups, Network};
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver, StateError};
use farfield_kernels::loss::stage::Tally;
use farfield_kernels::plan::{Nest, Plan};

/// Steps without a flip before groups form.
const CALM: u32 = 4;
/// Stretches shorter than this double the wait for the next one: forming and ending one costs
/// about two plain steps.
const SHORT: u32 = 32;
/// The longest wait.
const LONGEST_WAIT: u32 = 4096;

/// Tying of all neurons, or of their groups.
pub(super) struct Tying<C> {
    network: Network,
    core: C,
    tie: bool,
    tied: Option<Tied<C>>,
    calm: u32,
    wait: u32,
    pending: u64, // flips of the present pattern, not yet reported
    late: bool,   // flips of the present pattern that a sync has reported: the next step does not see them
    fresh: bool,  // whether Z is that of the present W
}

/// A stretch in tied groups.
struct Tied<C> {
    core: C,
    groups: Groups,
    steps: u32,
}

/// Tying in any number types.
pub(super) trait Stepper: Send {
    fn step(&mut self) -> Tally;
    fn sync(&mut self) -> u64;
    fn preactivations(&self) -> Vec<f64>;
    fn weights(&self) -> Matrix;
    fn plan(&self) -> &Plan;
    fn groups(&self) -> usize;
    fn judge(&self) -> Option<AnchorJudge>;
    /// Everything that later steps depend on but the samples; after a sync.
    fn save(&self, out: &mut Saver);
}

impl<C: Core> Tying<C> {
    /// Starts at the given weights. Computes Z.
    pub fn new(setup: &Setup, weights: &Matrix) -> Self {
        let shape = (setup.x.rows(), setup.x.cols(), setup.network.width);
        assert_eq!(
            (weights.rows(), weights.cols(), setup.y.len()),
            (shape.2, shape.1, shape.0),
            "W is m×d, y has n labels"
        );
        Self::with_core(setup, C::start(setup, weights))
    }

    fn with_core(setup: &Setup, core: C) -> Self {
        let (network, tie) = (*setup.network, setup.tie);
        Self { network, core, tie, tied: None, calm: 0, wait: CALM, pending: 0, late: false, fresh: true }
    }

    /// Goes on from what [`Stepper::save`] wrote.
    pub fn restore(setup: &Setup, from: &Reader) -> Result<Self> {
        let mut core = C::at_rest(setup);
        core.restore(from)?;
        let mut descent = Self::with_core(setup, core);
        (descent.calm, descent.wait) = (from.small_count("calm")?, from.small_count("wait")?);
        descent.late = from.flag("late")?;
        let stretch = from.within("tied");
        if stretch.has("steps") {
            let contradiction = StateError::Contradiction("tied.steps");
            let (groups, mut core) = descent.grouped().filter(|_| setup.tie).ok_or(contradiction)?;
            core.restore(&stretch)?;
            descent.tied = Some(Tied { core, groups, steps: stretch.small_count("steps")? });
        }
        Ok(descent)
    }

    /// A step of all neurons.
    fn plain(&mut self) -> Tally {
        let tally = self.core.step();
        self.core.commit();
        self.fresh = self.core.plan().nest == Nest::Panels;
        let late = std::mem::take(&mut self.late);
        self.calm = if !(self.flipped(&tally) || late) { self.calm + 1 } else { 0 };
        if self.tie && self.calm >= self.wait {
            self.pending += self.refresh();
            self.form_groups();
        }
        tally
    }

    /// Whether a step has changed slopes: changed sides of the linear model have not.
    fn flipped(&self, tally: &Tally) -> bool {
        tally.flips > 0 && !self.network.linear()
    }

    /// Z of the current W, if it is not known.
    fn refresh(&mut self) -> u64 {
        let stale = !std::mem::replace(&mut self.fresh, true);
        if stale { self.core.refresh().flips } else { 0 }
    }

    /// Starts a tied stretch at the current W, if there are notably fewer groups than neurons.
    fn form_groups(&mut self) {
        self.calm = 0;
        match self.grouped() {
            Some((groups, core)) => self.tied = Some(Tied { core, groups, steps: 0 }),
            None => self.wait = (self.wait * 2).min(LONGEST_WAIT),
        }
    }

    /// The groups of the current W, at rest; none if they are hardly fewer than neurons.
    fn grouped(&self) -> Option<(Groups, C)> {
        let (n, m) = (self.core.plan().shape.n, self.core.plan().shape.m);
        let z = self.core.preactivations();
        let groups = self.network.pattern(&z, n).groups(&self.network);
        let count = groups.len();
        if count * 4 > m * 3 {
            return None;
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
        let update: Vec<f64> = groups.first.iter().map(|&j| self.network.output(j)).collect();
        let output = update.iter().zip(&groups.size).map(|(a, size)| a * *size as f64).collect();
        let core = self.core.tied(&Tie { output, update, outputs, nearest });
        Some((groups, core))
    }

    /// Ends the tied stretch: its motion goes into W.
    fn end_groups(&mut self) {
        let Some(tied) = self.tied.take() else { return };
        self.core.join(&tied.core, &tied.groups.of);
        if let Some(judge) = tied.core.judge() {
            self.core.continue_judging(judge);
        }
        self.wait = if tied.steps < SHORT { (self.wait * 2).min(LONGEST_WAIT) } else { CALM };
        self.calm = 0;
        self.fresh = false;
    }

    /// A step of the groups; `None` if a bit changes that a step of all neurons must account for.
    fn together(&mut self) -> Option<Tally> {
        let tied = self.tied.as_mut()?;
        let tally = tied.core.step();
        tied.steps = tied.steps.saturating_add(1);
        let changed = tally.flips > 0 && !self.network.linear();
        match self.core.plan().nest {
            Nest::Panels if changed => {
                self.end_groups();
                self.fresh = true;
                return Some(self.core.refresh());
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

impl<C: Core> Stepper for Tying<C> {
    fn step(&mut self) -> Tally {
        // What is pending is of the pattern before this step, as is what a step of rows finds itself.
        let before = std::mem::take(&mut self.pending);
        let mut tally = match self.together() {
            Some(tally) => tally,
            None => self.plain(),
        };
        tally.flips += before;
        tally
    }

    fn sync(&mut self) -> u64 {
        if let Some(tied) = self.tied.as_mut().filter(|_| !self.fresh) {
            if tied.core.refresh().flips > 0 && !self.network.linear() {
                tied.steps = tied.steps.saturating_add(1); // the step that would have found out
                self.end_groups();
            } else {
                self.fresh = true;
            }
        }
        let flips = self.refresh();
        self.late |= flips > 0 && !self.network.linear();
        flips + std::mem::take(&mut self.pending)
    }

    fn preactivations(&self) -> Vec<f64> {
        let mut z = self.core.preactivations();
        if let Some(tied) = &self.tied {
            let (motion, count) = (tied.core.preactivations(), tied.groups.len());
            for (z, motion) in z.chunks_exact_mut(self.core.plan().shape.m).zip(motion.chunks_exact(count)) {
                z.iter_mut().zip(&tied.groups.of).for_each(|(z, &p)| *z += motion[p]);
            }
        }
        z
    }

    fn weights(&self) -> Matrix {
        let (m, d) = (self.core.plan().shape.m, self.core.plan().shape.d);
        let mut w = self.core.weights();
        if let Some(tied) = &self.tied {
            let motion = tied.core.weights();
            for (j, w) in w.chunks_exact_mut(d).enumerate() {
                w.iter_mut().zip(&motion[tied.groups.of[j] * d..]).for_each(|(w, u)| *w += u);
            }
        }
        Matrix::new(m, d, w)
    }

    fn plan(&self) -> &Plan {
        self.core.plan()
    }

    fn groups(&self) -> usize {
        self.tied.as_ref().map_or(self.core.plan().shape.m, |tied| tied.groups.len())
    }

    fn save(&self, out: &mut Saver) {
        debug_assert!(self.fresh && self.pending == 0, "a state is saved after a sync");
        out.count("calm", u64::from(self.calm));
        out.count("wait", u64::from(self.wait));
        out.flag("late", self.late);
        self.core.save(out);
        if let Some(tied) = &self.tied {
            let mut out = out.within("tied");
            out.count("steps", u64::from(tied.steps));
            tied.core.save(&mut out);
        }
    }

    fn judge(&self) -> Option<AnchorJudge> {
        match &self.tied {
            Some(tied) => tied.core.judge(),
            None => self.core.judge(),
        }
    }
}
