//! What a step of a network of any width needs, whatever its number types, and the layout of Z.

use crate::data::slabs::X;
use crate::matrix::{Matrix, View};
use crate::network::Network;
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver};
use farfield_kernels::buffer::Buffer;
use farfield_kernels::data::Data;
use farfield_kernels::isa::Isa;
use farfield_kernels::lane::{Lane, padded};
use farfield_kernels::loss::Loss;
use farfield_kernels::loss::stage::{Base, Samples, Tally};
use farfield_kernels::plan::{Lanes, Nest, Plan};
use rayon::prelude::*;

/// A problem and how to step it.
pub(super) struct Setup<'a> {
    pub x: &'a X,
    pub y: &'a [f64],
    pub network: &'a Network,
    pub loss: Loss,
    pub rate: f64,
    pub tie: bool,
    pub nest: Option<Nest>,
    pub isa: Isa,
}

/// X in the chunks of a plan.
pub(super) fn packed<T: Lane>(x: &X, plan: &Plan) -> Vec<Data<T>> {
    match x.view().expect("samples of this process") {
        View::Double(x) => Data::pack(x.values(), plan),
        View::Single(x) => Data::pack(x.values(), plan),
    }
}

/// Tied groups of neurons at t₀ (see [`farfield_kernels::loss::stage`]).
pub(super) struct Tie {
    /// `m_p a_p` of each group.
    pub output: Vec<f64>,
    /// `a_p` of each group.
    pub update: Vec<f64>,
    /// `f_i(t₀)`, one per sample.
    pub outputs: Vec<f64>,
    /// The z of each sample and group that is nearest to zero (n×P, row-major).
    pub nearest: Vec<f64>,
}

/// Neurons, or groups of them, and how they step.
pub(super) trait Core: Send + Sized {
    /// The neurons of a network with weights 0; Z is unknown until a refresh.
    fn at_rest(setup: &Setup) -> Self;

    /// The neurons of a network at these weights (m×d), with Z known.
    fn start(setup: &Setup, weights: &Matrix) -> Self {
        let mut core = Self::at_rest(setup);
        core.add(|j, k| weights[(j, k)]);
        core.refresh();
        core
    }

    /// Groups of the same problem at rest, with their pattern known.
    fn tied(&self, tie: &Tie) -> Self;

    /// How the problem is cut.
    fn plan(&self) -> &Plan;

    /// Moves W by one step if the nest is panels, and finds the pattern and coefficients: those of
    /// the new W in panels, those of the present W in rows, where [`Self::commit`] then moves W.
    fn step(&mut self) -> Tally;

    /// Moves W by the step that [`Self::step`] prepared (rows only; panels have moved already).
    fn commit(&mut self);

    /// Z at the current weights, and what it shows against the last pattern seen.
    fn refresh(&mut self) -> Tally;

    /// Adds `update(j, k)` to the weight of neuron j and column k; Z is unknown until a refresh.
    fn add(&mut self, update: impl Fn(usize, usize) -> f64 + Sync);

    /// Adds what `groups` have moved to the weights of their neurons, `of[j]` the group of neuron j; Z is unknown until a
    /// refresh.
    fn join(&mut self, groups: &Self, of: &[usize]) {
        let (motion, d) = (groups.weights(), self.plan().shape.d);
        self.add(|j, k| motion[of[j] * d + k]);
    }

    /// Z (n×m, row-major), known after a refresh.
    fn preactivations(&self) -> Vec<f64>;

    /// The weights (m×d, row-major).
    fn weights(&self) -> Vec<f64>;

    /// What was seen of the rounding, where it is watched.
    fn judge(&self) -> Option<AnchorJudge> {
        None
    }

    /// Goes on from what others have seen.
    fn continue_judging(&mut self, _: AnchorJudge) {}

    /// Everything that later steps depend on but the samples, where Z is known.
    fn save(&self, out: &mut Saver);

    /// Takes back what [`Core::save`] wrote, at rest. Z is known then.
    fn restore(&mut self, from: &Reader) -> Result<()>;
}

/// Blocks of samples for Z in T and products in P.
pub(super) fn samples<P: Lane, T: Lane>(plan: &Plan, y: &[f64]) -> Vec<Samples<T>> {
    let m = plan.shape.m;
    let numbers = |n: usize| if plan.lanes == Lanes::Neurons { n * padded::<P>(m) } else { padded::<P>(n) * m };
    y.chunks(plan.block::<P>()).map(|y| Samples::beside::<P>(y, plan.lanes, numbers(y.len()))).collect()
}

/// Starts following tied groups.
pub(super) fn follow<P: Lane, T: Lane>(plan: &Plan, samples: &mut [Samples<T>], tie: &Tie) {
    let (m, block) = (plan.shape.m, plan.block::<P>());
    for (b, samples) in samples.iter_mut().enumerate() {
        let (first, len) = (b * block, samples.len());
        let used = len.min(plan.shape.n - first);
        let mut base = Base { output: Buffer::zeros(len), nearest: Buffer::zeros(numbers::<P>(plan, len)) };
        for i in 0..used {
            base.output[i] = T::from_f64(tie.outputs[first + i]);
            for j in 0..m {
                base.nearest[within::<P>(plan, len, i, j)] = T::from_f64(tie.nearest[(first + i) * m + j]);
            }
        }
        samples.follow(base);
    }
}

/// Shows where each element of Z (n×m) lies: `visit(at, i·m + j)`.
pub(super) fn visit<P: Lane, T: Lane>(plan: &Plan, samples: &[Samples<T>], mut visit: impl FnMut(usize, usize)) {
    let (n, m, block) = (plan.shape.n, plan.shape.m, plan.block::<P>());
    for (b, samples) in samples.iter().enumerate() {
        let (start, len) = (b * plan.block_numbers::<P>(), samples.len());
        for i in 0..len.min(n - b * block) {
            for j in 0..m {
                visit(start + within::<P>(plan, len, i, j), (b * block + i) * m + j);
            }
        }
    }
}

/// Numbers of Z of a block of `len` samples.
fn numbers<P: Lane>(plan: &Plan, len: usize) -> usize {
    len * if plan.lanes == Lanes::Neurons { padded::<P>(plan.shape.m) } else { plan.shape.m }
}

/// Where sample i and neuron j lie in a block of `len` samples.
fn within<P: Lane>(plan: &Plan, len: usize, i: usize, j: usize) -> usize {
    match plan.lanes {
        Lanes::Neurons => (j / P::LANES * len + i) * P::LANES + j % P::LANES,
        _ => j * len + i,
    }
}

/// Runs `work` on each item, on the threads of the current pool.
pub(super) fn each<I: Send>(items: &mut [I], work: impl Fn(usize, &mut I) + Sync) {
    if items.len() > 1 && rayon::current_num_threads() > 1 {
        items.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, item)| work(i, item));
    } else {
        items.iter_mut().enumerate().for_each(|(i, item)| work(i, item));
    }
}
