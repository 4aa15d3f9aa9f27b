//! Gradient descent on X itself: the fused step, which reads X once.
//!
//! ```text
//! z_ij = ⟨x_i,w_j⟩,  q_i = y_i Σ_j a_j φ(z_ij),  S_ij = αc s(q_i) y_i a_j φ'(z_ij),  s = −ℓ'
//! w_j ← w_j + Σ_i S_ij x_i
//! ```
//!
//! The kernels do the arithmetic on chunks of X ([`farfield_kernels::plan`] says which); here the
//! chunks go to the threads of the caller's rayon pool. Chunks, and the order in which their sums
//! are added, depend on the shape alone: any number of threads gives the same bits.

mod apart;
mod core;
mod master;
mod mixed;
mod plain;
mod tied;

pub use self::apart::serve;
use self::core::Setup;
use crate::data::slabs::X;
use crate::engine::Precision;
use crate::matrix::Matrix;
use crate::network::Network;
use crate::rounding::AnchorJudge;
use crate::state::{Reader, Result, Saver};
pub use farfield_kernels::isa::Isa;
use farfield_kernels::loss::Loss;
pub use farfield_kernels::plan::{Lanes, Nest};
use mixed::Mixed;
use plain::Plain;
use tied::{Stepper, Tying};

/// How to compute the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// All numbers in F64 or F32, or products in F32 and the state in F64: Mixed.
    pub precision: Precision,
    /// Share work between neurons that provably get the same update.
    pub tied: bool,
    /// The loop nest; `None` leaves the choice to the shape.
    pub nest: Option<Nest>,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bits `z_ij > 0` found changed. With [`Nest::Panels`] these are the changes from W(t) to
    /// W(t+1). With [`Nest::Rows`], which computes Z when it is needed, those from W(t-1) to W(t)
    /// that no [`Fused::sync`] has reported.
    pub flips: u64,
    /// Whether all margins and losses that the step saw are finite.
    pub finite: bool,
}

/// The iterate W(t) and all that a step needs.
pub struct Fused {
    stepper: Box<dyn Stepper>,
    isa: Isa,
}

impl Fused {
    /// Starts at `weights` (m×d) on samples `x` (n×d) with labels `y` (±1), a loss, and `rate = αc`. Computes Z.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub fn new(x: &X, y: &[f64], network: &Network, law: (Loss, f64), weights: &Matrix, options: &Options) -> Self {
        Self::on(Isa::current(), x, y, network, law, weights, options)
    }

    /// [`Self::new`] on a given instruction set of this machine.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub fn on(
        isa: Isa,
        x: &X,
        y: &[f64],
        network: &Network,
        (loss, rate): (Loss, f64),
        weights: &Matrix,
        options: &Options,
    ) -> Self {
        let setup = Setup { x, y, network, loss, rate, tie: options.tied, nest: options.nest, isa };
        let stepper: Box<dyn Stepper> = match options.precision {
            Precision::F32 => Box::new(Tying::<Plain<f32>>::new(&setup, weights)),
            Precision::F64 => Box::new(Tying::<Plain<f64>>::new(&setup, weights)),
            Precision::Mixed => Box::new(Tying::<Mixed>::new(&setup, weights)),
        };
        Self { stepper, isa }
    }

    /// Goes on from what [`Self::save`] wrote for the same samples, network, rate and options.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(
        x: &X,
        y: &[f64],
        network: &Network,
        (loss, rate): (Loss, f64),
        options: &Options,
        from: &Reader,
    ) -> Result<Self> {
        let isa = Isa::current();
        let setup = Setup { x, y, network, loss, rate, tie: options.tied, nest: options.nest, isa };
        let stepper: Box<dyn Stepper> = match options.precision {
            Precision::F32 => Box::new(Tying::<Plain<f32>>::restore(&setup, from)?),
            Precision::F64 => Box::new(Tying::<Plain<f64>>::restore(&setup, from)?),
            Precision::Mixed => Box::new(Tying::<Mixed>::restore(&setup, from)?),
        };
        Ok(Self { stepper, isa })
    }

    /// Everything that later steps depend on but the samples; to be asked for after a [`Self::sync`].
    pub fn save(&self, out: &mut Saver) {
        self.stepper.save(out);
    }

    /// One step W(t) → W(t+1), on the threads of the current rayon pool.
    pub fn step(&mut self) -> Step {
        let tally = self.stepper.step();
        Step { flips: tally.flips, finite: tally.finite }
    }

    /// Brings Z up to date with W, if it is not. Returns the flips that this found; no step reports
    /// them again.
    pub fn sync(&mut self) -> u64 {
        self.stepper.sync()
    }

    /// `Z = XWᵀ` (n×m, row-major) at the W of the last [`Self::sync`]. With [`Nest::Panels`] that is
    /// always the current W.
    pub fn preactivations(&self) -> Vec<f64> {
        self.stepper.preactivations()
    }

    /// W (m×d).
    pub fn weights(&self) -> Matrix {
        self.stepper.weights()
    }

    /// The loop nest in use.
    pub fn nest(&self) -> Nest {
        self.stepper.plan().nest
    }

    /// What the lanes of a vector hold.
    pub fn lanes(&self) -> Lanes {
        self.stepper.plan().lanes
    }

    /// Number of distinct motions in the present step: m, or the number of tied groups.
    pub fn groups(&self) -> usize {
        self.stepper.groups()
    }

    /// What mixed steps have seen of their rounding; none in one number type.
    pub fn judge(&self) -> Option<AnchorJudge> {
        self.stepper.judge()
    }

    /// The instruction set in use: scalar, avx2, avx512, neon.
    pub fn isa(&self) -> &'static str {
        self.isa.name()
    }
}

#[cfg(test)]
mod tests;
