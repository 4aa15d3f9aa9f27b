//! Samples and labels, and what follows from them whatever the network: K, norms, λmax.
//!
//! ```text
//! K = XXᵀ  (n×n, up to 8192 samples),    ‖x_i‖ = √K_ii,    λmax(K) by Lanczos
//! ```
//!
//! They are computed once and shared by every problem that is made of the data: a [`Data`] is a handle, and
//! cloning it copies nothing.

mod checks;
mod held_out;
mod mixture;
mod noise;
pub mod random;
pub(crate) mod rotated;
pub mod slabs;
mod spectrum;
mod standardize;
pub mod streamed;
mod x;

use crate::digest::{self, Hasher};
use crate::error::{Error, Result};
use crate::inner_products::{Gram, InnerProducts};
use crate::lanczos::largest_eigenvalue_watched;
use crate::matrix::{Matrix, Single, View};
use crate::watch::Watch;
use checks::{check, check_lengths};
pub use held_out::{HeldOut, stratified};
pub use mixture::{Draw, Mixture, initial_weights};
pub use noise::{Noise, pareto_scale, weibull_scale};
pub use random::Stream;
pub use rotated::Axes;
use slabs::{Slabs, X};
pub use spectrum::Spectrum;
pub use standardize::Standardize;
use std::sync::Arc;
use streamed::Streamed;

/// n samples with their labels, and what every problem made of them shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Data(Arc<Shared>, Option<Arc<HeldOut>>);

#[derive(Debug)]
struct Shared {
    x: X,
    y: Vec<f64>,
    gram: Option<Arc<Gram>>,
    norms: Vec<f64>,
    lambda_max: f64,
    clean: Option<Vec<f64>>,
    mixture: Option<Mixture>,
    axes: Option<Axes>,
    placed: bool,
}

impl Data {
    /// The most samples for which K (8n² bytes, 0.5 GB) is held in memory and the limit, of cost n³, is
    /// solved. Beyond, steps are taken on X, and only certificates that need no limit are available.
    pub const LARGEST: usize = 8192;

    /// From samples X (n×d) and labels ±1 (length n). Computes K, norms and λmax: `n²d` flops, on the threads of
    /// the current rayon pool.
    ///
    /// # Errors
    /// [`Error::Shape`] for no samples, no features or another number of labels; [`Error::Label`];
    /// [`Error::NotFinite`]; [`Error::Length`].
    pub fn new(x: impl Into<Arc<Matrix>>, y: Vec<f64>) -> Result<Self> {
        Self::watched(x, y, &Watch::default())
    }

    /// [`Data::new`], seen from another thread.
    ///
    /// # Errors
    /// As [`Data::new`]; [`Error::Stopped`].
    pub fn watched(x: impl Into<Arc<Matrix>>, y: Vec<f64>, watch: &Watch) -> Result<Self> {
        Self::with(X::Here(x.into()), y, None, None, None, watch)
    }

    /// [`Data::watched`] for samples in `f32`, which are held so: at half the memory, with the same K, norms, λmax and digest
    /// as the same numbers in `f64`. What asks for all of X in `f64` widens it once ([`slabs::X::whole`]): steps on X,
    /// [`crate::Certificate::of_weights`], and everything beyond [`Data::LARGEST`] samples.
    ///
    /// # Errors
    /// As [`Data::watched`].
    pub fn single(x: Single, y: Vec<f64>, watch: &Watch) -> Result<Self> {
        Self::with(x.into(), y, None, None, None, watch)
    }

    /// From samples whose columns are shared out over processes, of which this is the root, with their labels ±1.
    ///
    /// # Errors
    /// As [`Data::watched`]; [`Error::TooManySamples`] beyond [`Data::LARGEST`].
    pub fn shared(slabs: Slabs, y: Vec<f64>, watch: &Watch) -> Result<Self> {
        Self::with(X::Apart(slabs.into()), y, None, None, None, watch)
    }

    /// [`Data::shared`] for slabs of what [`Data::draw`] draws, each by [`slabs::draw`].
    ///
    /// # Errors
    /// As [`Data::shared`].
    pub fn draw_shared(slabs: Slabs, mixture: Mixture, draw: &Draw, watch: &Watch) -> Result<Self> {
        let (clean, y) = mixture::labels(draw);
        Self::with(X::Apart(slabs.into()), y, Some(clean), Some(mixture), None, watch)
    }

    /// From samples that are read anew for every pass, with their labels ±1: K by one of them.
    ///
    /// # Errors
    /// As [`Data::watched`]; [`Error::TooManySamples`] beyond [`Data::LARGEST`].
    pub fn streamed(samples: Streamed, y: Vec<f64>, watch: &Watch) -> Result<Self> {
        Self::with(X::Streamed(samples.into()), y, None, None, None, watch)
    }

    /// What [`Data::draw`] draws, drawn anew for every pass, with so many bytes for samples at a time.
    ///
    /// # Errors
    /// As [`Data::draw`] and [`Data::streamed`].
    pub fn draw_streamed(mixture: Mixture, draw: &Draw, bytes: f64, watch: &Watch) -> Result<Self> {
        let (clean, y) = mixture::labels(draw);
        let source = mixture::Redrawn { mixture: mixture.clone(), seed: draw.seed, clean: clean.clone() };
        let samples = Streamed::new(Box::new(source), bytes);
        Self::with(X::Streamed(samples.into()), y, Some(clean), Some(mixture), None, watch)
    }

    /// Draws n samples of a mixture. The clean labels and the distribution stay known, so that test errors can be
    /// computed.
    ///
    /// # Errors
    /// As [`Data::new`]: a spectrum or a signal so large that lengths leave the range of f64.
    pub fn draw(mixture: Mixture, draw: &Draw) -> Result<Self> {
        Self::draw_watched(mixture, draw, &Watch::default())
    }

    /// [`Data::draw`], seen from another thread.
    ///
    /// # Errors
    /// As [`Data::draw`]; [`Error::Stopped`].
    pub fn draw_watched(mixture: Mixture, draw: &Draw, watch: &Watch) -> Result<Self> {
        Self::draw_into(Vec::new(), mixture, draw, watch)
    }

    /// [`Data::draw_watched`] into the room of samples that are not needed any more, from [`Data::into_room`]: for many problems, one after the other.
    ///
    /// # Errors
    /// As [`Data::draw_watched`].
    pub fn draw_into(room: Vec<f64>, mixture: Mixture, draw: &Draw, watch: &Watch) -> Result<Self> {
        let drawn = mixture.sample(draw, room, watch)?;
        Self::with(X::Here(drawn.x.into()), drawn.y, Some(drawn.clean), Some(mixture), None, watch)
    }

    /// Draws n samples of the Gaussian mixture with `‖μ‖ = signal` and Σ = I in d dimensions, up to 10¹², at the cost of
    /// d = n, for networks of up to `width` neurons.
    ///
    /// K, W(0), trajectories and errors have the distribution that they have for drawn rows. Samples and weights are
    /// held in coordinates that turn with the samples: [`Data::x`] and everything in the space of the weights has
    /// at most `1 + n + width` columns, and is no vector of the d original coordinates.
    ///
    /// # Errors
    /// [`Error::Range`] for d = 0 or above 10¹²; as [`Data::new`].
    pub fn draw_rotated(signal: f64, d: u64, width: usize, draw: &Draw, stream: Stream, watch: &Watch) -> Result<Self> {
        if !(1..=Self::WIDEST).contains(&d) {
            return Err(Error::Range { name: "d", value: d as f64, expected: "1 to 1e12" });
        }
        let axes = Axes::new(draw.n, d, width);
        let (drawn, mixture) = rotated::sample(signal, d, &axes, draw, stream);
        Self::with(X::Here(drawn.x.into()), drawn.y, Some(drawn.clean), Some(mixture), Some(axes), watch)
    }

    /// The room of the samples, if nothing else has a handle to them; else empty.
    pub fn into_room(self) -> Vec<f64> {
        let x = Arc::into_inner(self.0).map(|shared| shared.x);
        match x {
            Some(X::Here(x)) => Arc::into_inner(x).map_or_else(Vec::new, Matrix::into_values),
            _ => Vec::new(),
        }
    }

    /// The most dimensions of samples that are drawn in rotated coordinates: χ² numbers with as many degrees of freedom
    /// then still have ten digits of their spread.
    pub const WIDEST: u64 = 1_000_000_000_000;

    fn with(
        x: X,
        y: Vec<f64>,
        clean: Option<Vec<f64>>,
        mixture: Option<Mixture>,
        axes: Option<Axes>,
        watch: &Watch,
    ) -> Result<Self> {
        check(&x, &y)?;
        let n = x.rows();
        let product = || match (&x, x.held()) {
            (X::Apart(slabs), _) => slabs.gram(watch),
            (X::Streamed(stream), _) => stream.gram(watch),
            (_, held) => held.and_then(|x| crate::gram::gram_of(x, watch)).ok_or(Error::Stopped),
        };
        let gram = if n <= Self::LARGEST { Some(Arc::new(Gram(product()?))) } else { None };
        let apart =
            || Error::TooManySamples { n, most: Self::LARGEST, what: "samples that this process does not hold" };
        let norms: Vec<f64> = match &gram {
            Some(k) => (0..n).map(|i| k.0[(i, i)].sqrt()).collect(),
            None => {
                let x = x.view().ok_or_else(apart)?;
                (0..n).map(|i| crate::matrix::norm(&x.row(i))).collect()
            }
        };
        check_lengths(&norms, &x)?;
        let lambda_max = match &gram {
            Some(k) => largest_eigenvalue_watched(n, |v| k.apply(v), watch)?,
            None => {
                let x = x.here().ok_or_else(apart)?;
                largest_eigenvalue_watched(n, |v| x.apply(v), watch)?
            }
        };
        Ok(Self(Arc::new(Shared { x, y, gram, norms, lambda_max, clean, mixture, axes, placed: false }), None))
    }

    /// The same data with samples X' (p×d) and labels ±1 (length p) that are not trained on: what is found is tried on them,
    /// and nothing else depends on them. Where K is held, so is `X'Xᵀ` (p×n), of up to [`Data::LARGEST`]² numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] for no samples, another number of features or of labels, or data in rotated coordinates, which have
    /// no features; [`Error::Label`]; [`Error::NotFinite`]; [`Error::Length`]; [`Error::Stopped`].
    pub fn with_held_out(self, x: impl Into<Arc<Matrix>>, y: Vec<f64>, watch: &Watch) -> Result<Self> {
        let held_out = HeldOut::new(&self, x.into(), y, watch)?;
        Ok(Self(self.0, Some(Arc::new(held_out))))
    }

    /// The same samples of a mixture with the labels of an adversary, who flips those of the clean samples with the smallest margins `y⟨μ,x⟩`
    /// against the mean: of n the whole number that is nearest to `share·n` (a half counts up), and of equal margins those that come first.
    /// Labels that noise had flipped are as they were drawn before.
    ///
    /// # Errors
    /// [`Error::Range`] for a share outside [0, 1], for samples whose distribution is not known, and for an xor, which no direction sorts.
    pub fn with_smallest_margins_flipped(self, share: f64) -> Result<Self> {
        let range = |value| Error::Range {
            name: "the share of flipped labels",
            value,
            expected: "in [0, 1], of the samples of a mixture of two clusters",
        };
        let (Some(mixture), Some(clean)) = (self.mixture(), self.clean()) else { return Err(range(share)) };
        if !(0.0..=1.0).contains(&share) || mixture.second.is_some() {
            return Err(range(share));
        }
        let along = self.samples().preactivations(&Matrix::new(1, self.d(), mixture.mean.clone()));
        let margin = |i: &usize| clean[*i] * along[*i] + 0.0; // −0 is 0
        let mut order: Vec<usize> = (0..self.n()).collect();
        order.sort_by(|a, b| margin(a).total_cmp(&margin(b)));
        let mut y = clean.to_vec();
        let count = (share * self.n() as f64 + 0.5).floor() as usize;
        order[..count].iter().for_each(|i| y[*i] = -y[*i]);
        let shared = Shared {
            x: self.0.x.clone(),
            y,
            gram: self.0.gram.clone(),
            norms: self.0.norms.clone(),
            lambda_max: self.0.lambda_max,
            clean: self.0.clean.clone(),
            mixture: self.0.mixture.clone(),
            axes: self.0.axes,
            placed: count > 0,
        };
        Ok(Self(Arc::new(shared), self.1))
    }

    /// Whether flipped labels are where an adversary put them, and not independent of the samples.
    pub fn flips_are_placed(&self) -> bool {
        self.0.placed
    }

    /// The samples that are not trained on, where there are some.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.1.as_deref()
    }

    /// Number of samples n.
    pub fn n(&self) -> usize {
        self.0.y.len()
    }

    /// Number of dimensions of the samples' distribution: d, and for rotated coordinates those that are not held.
    pub fn dimensions(&self) -> u64 {
        self.d() as u64 + self.mixture().map_or(0, |m| m.further)
    }

    /// The rotated coordinates that the samples are held in; none for the original ones.
    pub fn axes(&self) -> Option<&Axes> {
        self.0.axes.as_ref()
    }

    /// Number of columns of X: the number of features d but for rotated coordinates.
    pub fn d(&self) -> usize {
        self.0.x.cols()
    }

    /// The samples X (n×d).
    ///
    /// # Panics
    /// If they are shared out and this process may not hold them: [`Data::samples`] knows.
    pub fn x(&self) -> &Arc<Matrix> {
        self.0.x.whole().expect("samples that this process may hold")
    }

    /// The samples, wherever they are.
    pub fn samples(&self) -> &X {
        &self.0.x
    }

    /// Training labels ±1 (length n).
    pub fn y(&self) -> &[f64] {
        &self.0.y
    }

    /// `K = XXᵀ` (n×n), up to [`Data::LARGEST`] samples.
    pub fn gram(&self) -> Option<&Arc<Gram>> {
        self.0.gram.as_ref()
    }

    /// K, where something cannot be done without it.
    pub(crate) fn gram_for(&self, what: &'static str) -> Result<&Arc<Gram>> {
        self.gram().ok_or(Error::TooManySamples { n: self.n(), most: Self::LARGEST, what })
    }

    /// `‖x_i‖` (length n).
    pub fn norms(&self) -> &[f64] {
        &self.0.norms
    }

    /// `λmax(XXᵀ)`.
    pub fn lambda_max(&self) -> f64 {
        self.0.lambda_max
    }

    /// Labels before label noise (length n), where they are known.
    pub fn clean(&self) -> Option<&[f64]> {
        self.0.clean.as_deref()
    }

    /// The number of labels that label noise has flipped; 0 where the clean ones are not known.
    pub fn flipped(&self) -> usize {
        self.clean().map_or(0, |clean| clean.iter().zip(self.y()).filter(|(a, b)| a != b).count())
    }

    /// The distribution that the samples were drawn from, where it is known.
    pub fn mixture(&self) -> Option<&Mixture> {
        self.0.mixture.as_ref()
    }

    /// Inner products of the samples: by K where it is held, by passes over X elsewhere.
    pub(crate) fn inner_products(&self) -> Arc<dyn InnerProducts + Send> {
        match self.gram() {
            Some(k) => k.clone(),
            None => Arc::new(self.samples().here().expect("samples of this process")),
        }
    }

    /// blake3 of shape, samples and labels, as hexadecimal digits.
    pub fn digest(&self) -> String {
        let x = self.samples();
        let mut hasher = Hasher::default();
        hasher.numbers(&[x.rows() as f64, x.cols() as f64]);
        if let Some(View::Double(x)) = x.view() {
            hasher.numbers(x.values());
        } else {
            x.each_row(|_, row| {
                hasher.numbers(row);
            });
        }
        digest::hex(&hasher.numbers(self.y()).finish())
    }
}
