//! Losses: what a margin costs, and how hard it pulls.
//!
//! Gradient descent on `c Σ_i ℓ(q_i)` sees of a loss only its *weight*
//!
//! ```text
//! s(q) = −ℓ'(q) > 0,     w_j ← w_j + αc Σ_i s(q_i) y_i a_j g_ij x_i
//! ```
//!
//! and the flow that the steps lie on sees the ratios `s⁽ᵏ⁾/s`. A loss is a file with one type that
//! implements [`LossFunction`], and one line in the list of [`Loss`] below. Kernels are generic over the type and
//! dispatched once per block of samples by [`Loss::run`]; elsewhere a [`Loss`] is asked, margin by margin.
//!
//! Where t is large s(q) is below every number of f64, and `log(αc t s(q))`, which is what counts, is a
//! small difference of large ones. So logarithms of weights are given from an *offset*, both as pairs `hi + lo`,
//! and changes of the logarithm by themselves.

pub mod stage;

use crate::isa::Isa;
use crate::lane::Lane;
use pulp::{Simd, WithSimd};
use std::fmt;

/// The ratios `s⁽ᵏ⁾(q)/s(q)`, k = 1…4.
pub type Ratios = [f64; 4];

/// A number as an unevaluated sum `hi + lo`.
pub type Parts = (f64, f64);

/// A loss ℓ, convex and decreasing, as a type. Every method is `#[inline(always)]`, as the kernels need it.
pub trait LossFunction: Copy + fmt::Debug + 'static {
    /// Its name in configurations and results.
    const NAME: &'static str;

    /// κ such that `s(q) e^{κq}` tends to a positive number as q grows. Then `κ αct s(q_i) → λ_i`, the
    /// dual variables of the limit.
    const TAIL: f64;

    /// k such that `|s⁽ʲ⁾(q)| ≤ kʲ s(q)` for j = 1…4 and all q.
    const STEEPNESS: f64;

    /// The largest `ℓ''(q) = −s'(q)` at q ≥ 0: what step sizes are measured against.
    const CURVATURE: f64;

    /// Whether s has a bound. Then a margin of −∞ does not show in its weight, and is looked for by itself.
    const BOUNDED: bool;

    /// `s(q)`, in straight-line code with fused multiply-adds: it is on the path to the digest.
    fn weight<T: Lane>(q: T) -> T;

    /// `offset + log s(q)`, accurate where the two nearly cancel.
    fn log_weight(offset: Parts, q: Parts) -> f64;

    /// `log s(q + by) − log s(q)`.
    fn log_change(q: f64, by: f64) -> f64;

    /// `log ℓ(q)`.
    fn log_value(q: f64) -> f64;

    /// `s⁽ᵏ⁾(q)/s(q)`, k = 1…4.
    fn ratios(q: f64) -> Ratios;

    /// `min_q ℓ(q) + pq` for p > 0, the least value on a line of that slope; not a number where there is none.
    fn least_tilted(p: f64) -> f64;

    /// The least `s/ℓ` and the least `ℓ e^q` over all q with `ℓ(q) ≤ value`, to a few roundings, if `s ≤ ℓ`, `ℓ'' ≤ ℓ`
    /// and `ℓ ≤ e^{−q}` for all q: how near such a loss is to the exponential one, for which both are 1.
    fn shares(value: f64) -> Option<[f64; 2]>;
}

/// Work that is generic over the loss.
pub trait WithLoss {
    /// What it gives.
    type Output;

    /// Does the work for the loss L.
    fn with_loss<L: LossFunction>(self) -> Self::Output;
}

/// The enum of all losses, and what it forwards to their types.
macro_rules! losses {
    ($($(#[$attribute:meta])* $file:ident::$name:ident,)*) => {
        $($(#[$attribute])* mod $file; $(#[$attribute])* pub use $file::$name;)*

        /// A loss, as a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Loss {
            $(#[doc = concat!("See the type [`", stringify!($name), "`](struct@", stringify!($name), ").")]
            $(#[$attribute])* $name,)*
        }

        impl Loss {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(#[$attribute])* Self::$name,)*];

            /// Runs `work` compiled for this loss.
            #[inline(always)]
            pub fn run<W: WithLoss>(self, work: W) -> W::Output {
                match self { $($(#[$attribute])* Self::$name => work.with_loss::<$name>(),)* }
            }

            /// [`LossFunction::NAME`].
            pub fn name(self) -> &'static str {
                match self { $($(#[$attribute])* Self::$name => $name::NAME,)* }
            }

            /// [`LossFunction::TAIL`].
            pub fn tail(self) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::TAIL,)* }
            }

            /// [`LossFunction::STEEPNESS`].
            pub fn steepness(self) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::STEEPNESS,)* }
            }

            /// [`LossFunction::CURVATURE`].
            pub fn curvature_bound(self) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::CURVATURE,)* }
            }

            /// [`LossFunction::BOUNDED`].
            pub fn bounded(self) -> bool {
                match self { $($(#[$attribute])* Self::$name => $name::BOUNDED,)* }
            }

            /// [`LossFunction::log_weight`].
            #[inline]
            pub fn log_weight(self, offset: Parts, q: Parts) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::log_weight(offset, q),)* }
            }

            /// [`LossFunction::log_change`].
            #[inline]
            pub fn log_change(self, q: f64, by: f64) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::log_change(q, by),)* }
            }

            /// [`LossFunction::log_value`].
            #[inline]
            pub fn log_value(self, q: f64) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::log_value(q),)* }
            }

            /// [`LossFunction::ratios`].
            #[inline]
            pub fn ratios(self, q: f64) -> Ratios {
                match self { $($(#[$attribute])* Self::$name => $name::ratios(q),)* }
            }

            /// [`LossFunction::least_tilted`].
            pub fn least_tilted(self, p: f64) -> f64 {
                match self { $($(#[$attribute])* Self::$name => $name::least_tilted(p),)* }
            }

            /// [`LossFunction::shares`].
            pub fn shares(self, value: f64) -> Option<[f64; 2]> {
                match self { $($(#[$attribute])* Self::$name => $name::shares(value),)* }
            }
        }
    };
}

losses! {
    exponential::Exponential,
    logistic::Logistic,
    #[cfg(feature = "steep-loss")]
    steep::Steep,
}

impl Loss {
    /// The loss of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|loss| loss.name() == name)
    }

    /// `out_i = rate·s(q_i)`: the increments of a step, with the same bits on every machine.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn increments(self, q: &[f64], rate: f64, out: &mut [f64]) {
        assert_eq!(q.len(), out.len(), "one increment per margin");
        Isa::current().run(Increments { loss: self, q, rate, out });
    }

    /// `s(q)`, to an ulp or two; for diagnostics ([`Loss::increments`] is what steps use).
    pub fn weight(self, q: f64) -> f64 {
        libm::exp(self.log_weight((0.0, 0.0), (q, 0.0)))
    }

    /// `ℓ(q)`, to a few ulp of it and of its logarithm.
    pub fn value(self, q: f64) -> f64 {
        libm::exp(self.log_value(q))
    }

    /// `ℓ''(q) = −s'(q)`.
    pub fn curvature(self, q: f64) -> f64 {
        -self.ratios(q)[0] * self.weight(q)
    }

    /// `s(q_i)` relative to the largest of them, and the logarithm of that one: no margin is too large for them.
    pub fn relative_weights(self, q: &[f64]) -> (Vec<f64>, f64) {
        let logs = q.iter().map(|q| self.log_weight((0.0, 0.0), (*q, 0.0)));
        relative(logs.collect())
    }

    /// `log Σ_i ℓ(q_i)`.
    pub fn log_sum(self, q: &[f64]) -> f64 {
        let (values, largest) = relative(q.iter().map(|q| self.log_value(*q)).collect());
        libm::log(values.iter().sum()) + largest
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The numbers with these logarithms relative to the largest, and its logarithm.
fn relative(mut logs: Vec<f64>) -> (Vec<f64>, f64) {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logs.iter_mut().for_each(|log| *log = libm::exp(*log - largest));
    (logs, largest)
}

/// `out_i = rate·s(q_i)`, to be run within the work of an instruction set or by itself.
pub(crate) struct Increments<'a> {
    pub loss: Loss,
    pub q: &'a [f64],
    pub rate: f64,
    pub out: &'a mut [f64],
}

impl WithSimd for Increments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.loss.run(self);
    }
}

impl WithLoss for Increments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_loss<L: LossFunction>(self) {
        for (out, q) in self.out.iter_mut().zip(self.q) {
            *out = self.rate * L::weight(*q);
        }
    }
}

#[cfg(test)]
mod tests;
