//! From pre-activations to coefficients: margins, weights of the loss, slopes, and the activation pattern.
//!
//! ```text
//! q_i  = y_i Σ_j a_j φ(z_ij),  φ(z) = z for z > 0 and γz otherwise
//! S_ij = αc s(q_i) y_i a_j g_ij,  s = −ℓ',  g_ij = 1 for z_ij > 0 and γ otherwise
//! ```
//!
//! It works on blocks of samples. Where the lanes hold samples (or columns) a block is
//! `[neuron][sample]`, and q_i is one chain of fused multiply-adds in the order of the neurons.
//! Where they hold neurons it is `[group of neurons][sample][lane]`: one chain per lane, then the
//! sum of the lanes. Loops are straight-line code over slices, compiled for each instruction set.
//!
//! *Tied* neurons (equal sign of a_j, equal column of bits) share S_ij and hence every update. A
//! group p of m_p neurons is followed by the motion `D_ip = z_ij(t) - z_ij(t₀)` that they share:
//!
//! ```text
//! q_i = y_i (f_i(t₀) + Σ_p m_p a_p g_ip D_ip)
//! ```
//!
//! and the bits of all its neurons are unchanged as long as `D_ip + b_ip` keeps its sign, where b_ip
//! is the z_ij(t₀) of the group that is nearest to zero. Every loop is written once, for a b that is a number or
//! nothing (`Offset`).

use super::{Loss, LossFunction, WithLoss};
use crate::buffer::Buffer;
use crate::isa::Isa;
use crate::lane::{Lane, fold};
use crate::plan::{BLOCK, Lanes};
use pulp::{Simd, WithSimd, as_arrays, as_arrays_mut};

/// The constants of the loss stage.
#[derive(Debug)]
pub struct Rule<T> {
    /// What the lanes hold.
    pub lanes: Lanes,
    /// Lanes of a vector of the products: 8 or 16. They may be in another number type than T.
    pub width: usize,
    /// Weight of φ(z_ij) in the output: a_j, or m_p a_p for a group.
    pub output: Buffer<T>,
    /// Weight of S_ij: a_j, or a_p for a group.
    pub update: Buffer<T>,
    /// Slope γ of the leaky ReLU.
    pub leak: T,
    /// The loss.
    pub loss: Loss,
    /// αc.
    pub rate: T,
}

impl<T: Lane> Rule<T> {
    /// The rule of m neurons with the given weights; padded neurons weigh nothing.
    pub fn new(lanes: Lanes, output: &[f64], update: &[f64], leak: f64, (loss, rate): (Loss, f64)) -> Self {
        Self::beside::<T>(lanes, output, update, leak, (loss, rate))
    }

    /// [`Self::new`] for blocks laid out for products in P.
    pub fn beside<P: Lane>(lanes: Lanes, output: &[f64], update: &[f64], leak: f64, (loss, rate): (Loss, f64)) -> Self {
        let pad = |a: &[f64]| {
            let mut padding = Buffer::zeros(a.len().next_multiple_of(P::LANES));
            padding.iter_mut().zip(a).for_each(|(p, a)| *p = T::from_f64(*a));
            padding
        };
        let (output, update) = (pad(output), pad(update));
        let [leak, rate] = [leak, rate].map(T::from_f64);
        Self { lanes, width: P::LANES, output, update, leak, loss, rate }
    }
}

/// What a block, or several, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Bits that differ from the pattern of the step before.
    pub flips: u64,
    /// Whether all margins and weights of the loss are finite.
    pub finite: bool,
}

impl Tally {
    /// Nothing found.
    pub const NONE: Self = Self { flips: 0, finite: true };

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self { flips: self.flips + other.flips, finite: self.finite & other.finite }
    }
}

/// A block of samples: labels, pattern, and the state at t₀ of tied neurons.
#[derive(Debug)]
pub struct Samples<T> {
    y: Buffer<T>,
    bits: Vec<u64>,
    base: Option<Base<T>>,
}

/// State at t₀ of a block of samples in tied groups.
#[derive(Debug)]
pub struct Base<T> {
    /// `f_i(t₀)`, one per sample.
    pub output: Buffer<T>,
    /// b_ip, in the layout of the block.
    pub nearest: Buffer<T>,
}

impl<T: Lane> Samples<T> {
    /// The samples with labels `y`, whose block of Z holds `numbers` numbers.
    pub fn new(y: &[f64], lanes: Lanes, numbers: usize) -> Self {
        Self::beside::<T>(y, lanes, numbers)
    }

    /// [`Self::new`] for blocks laid out for products in P.
    pub fn beside<P: Lane>(y: &[f64], lanes: Lanes, numbers: usize) -> Self {
        let len = if lanes == Lanes::Neurons { y.len() } else { y.len().next_multiple_of(P::LANES) };
        let mut labels = Buffer::zeros(len); // a padded sample has label 0, hence S = 0
        labels.iter_mut().zip(y).for_each(|(p, y)| *p = T::from_f64(*y));
        Self { y: labels, bits: vec![0; numbers.div_ceil(64)], base: None }
    }

    /// Samples of the block, padding included.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether the block holds no samples.
    pub fn is_empty(&self) -> bool {
        self.y.len() == 0
    }

    /// Starts following tied groups from a state at t₀.
    pub fn follow(&mut self, base: Base<T>) {
        self.base = Some(base);
    }

    /// Compares the pattern of `z` with the last one and keeps it.
    pub fn observe(&mut self, isa: Isa, z: &[T]) -> u64 {
        isa.run(Observe { samples: self, z })
    }

    /// Coefficients S of the block from its Z, and what changed.
    pub fn coefficients(&mut self, isa: Isa, rule: &Rule<T>, z: &[T], s: &mut [T]) -> Tally {
        assert_eq!(z.len(), s.len(), "S is like Z");
        isa.run(Coefficients { samples: self, rule, z, s })
    }
}

/// b: what is added to a z before its sign is taken.
trait Offset<T: Lane>: Copy {
    /// As many as a vector has lanes.
    type V<S: Simd>: Copy;
    fn vectors<S: Simd>(b: &[Self]) -> &[Self::V<S>];
    fn shift(self, z: T) -> T;
    fn shift_vector<S: Simd>(simd: S, b: Self::V<S>, z: T::V<S>) -> T::V<S>;
}

impl<T: Lane> Offset<T> for T {
    type V<S: Simd> = T::V<S>;

    #[inline(always)]
    fn vectors<S: Simd>(b: &[T]) -> &[T::V<S>] {
        T::vectors::<S>(b)
    }

    #[inline(always)]
    fn shift(self, z: T) -> T {
        z + self
    }

    #[inline(always)]
    fn shift_vector<S: Simd>(simd: S, b: T::V<S>, z: T::V<S>) -> T::V<S> {
        T::plus(simd, z, b)
    }
}

/// b = 0 of neurons that are not tied: takes no memory and no time.
#[derive(Clone, Copy)]
struct Nothing;

impl<T: Lane> Offset<T> for Nothing {
    type V<S: Simd> = Nothing;

    #[inline(always)]
    fn vectors<S: Simd>(b: &[Nothing]) -> &[Nothing] {
        b
    }

    #[inline(always)]
    fn shift(self, z: T) -> T {
        z
    }

    #[inline(always)]
    fn shift_vector<S: Simd>(_: S, _: Nothing, z: T::V<S>) -> T::V<S> {
        z
    }
}

/// As many as anyone asks for.
const NOTHING: &[Nothing] = &[Nothing; isize::MAX as usize];

/// A block on its way from Z to S: margins, weights, coefficients.
struct Block<'a, T, B> {
    rule: &'a Rule<T>,
    y: &'a [T],
    base: Option<&'a [T]>, // f_i(t₀)
    b: &'a [B],
    z: &'a [T],
    s: &'a mut [T],
}

impl<T: Lane, B: Offset<T>> Block<'_, T, B> {
    /// Whether everything is finite.
    #[inline(always)]
    fn coefficients<L: LossFunction, S: Simd>(self, simd: S) -> bool {
        match self.rule.lanes {
            Lanes::Neurons if self.rule.width == T::LANES => self.by_neurons::<L, S, 1>(simd),
            Lanes::Neurons => self.by_neurons::<L, S, 2>(simd),
            _ => self.by_samples::<L>(),
        }
    }

    #[inline(always)]
    fn by_samples<L: LossFunction>(self) -> bool {
        let Self { rule, y, base, b, z, s } = self;
        let (len, leak) = (y.len(), rule.leak);
        let mut q = [T::default(); BLOCK];
        let q = &mut q[..len];
        for j in 0..z.len() / len {
            let (z, b, a) = (&z[j * len..][..len], &b[j * len..][..len], rule.output[j]);
            for ((q, &z), &b) in q.iter_mut().zip(z).zip(b) {
                *q = (z * slope(b.shift(z), leak)).fused(a, *q);
            }
        }
        let finite = weigh::<T, L>(rule, y, base, q);
        for j in 0..z.len() / len {
            let (z, b, a) = (&z[j * len..][..len], &b[j * len..][..len], rule.update[j]);
            for (((s, &z), &b), &c) in s[j * len..][..len].iter_mut().zip(z).zip(b).zip(&*q) {
                *s = c * a * slope(b.shift(z), leak);
            }
        }
        finite
    }

    /// K vectors to a group of neurons. Written with vectors: left to itself the compiler has samples, which lie far
    /// apart, in its lanes.
    #[inline(always)]
    fn by_neurons<L: LossFunction, S: Simd, const K: usize>(self, simd: S) -> bool {
        let Self { rule, y, base, b, z, s } = self;
        let len = y.len();
        let (z, b) = (as_arrays::<K, _>(T::vectors::<S>(z)).0, as_arrays::<K, _>(B::vectors::<S>(b)).0);
        let (zero, leak) = (T::splat(simd, T::default()), T::splat(simd, rule.leak));
        let mut q = [T::default(); BLOCK];
        let q = &mut q[..len];
        let output = as_arrays::<K, _>(T::vectors::<S>(&rule.output)).0;
        for i in 0..len {
            let mut sums = [zero; K];
            for (v, a) in output.iter().enumerate() {
                let (z, b) = (&z[v * len + i], &b[v * len + i]);
                for k in 0..K {
                    let slope = T::one_if_positive(simd, B::shift_vector(simd, b[k], z[k]), leak);
                    sums[k] = T::fma(simd, T::times(simd, z[k], slope), a[k], sums[k]);
                }
            }
            let mut lanes = [T::default(); 16];
            T::vectors_mut::<S>(&mut lanes[..K * T::LANES]).copy_from_slice(&sums);
            q[i] = if K * T::LANES == 16 { fold::<T, 16>(&lanes) } else { fold::<T, 8>(&lanes) };
        }
        let finite = weigh::<T, L>(rule, y, base, q);
        let update = as_arrays::<K, _>(T::vectors::<S>(&rule.update)).0;
        let s = as_arrays_mut::<K, _>(T::vectors_mut::<S>(s)).0;
        for (v, a) in update.iter().enumerate() {
            for i in 0..len {
                let (at, c) = (v * len + i, T::splat(simd, q[i]));
                for k in 0..K {
                    let slope = T::one_if_positive(simd, B::shift_vector(simd, b[at][k], z[at][k]), leak);
                    s[at][k] = T::times(simd, T::times(simd, c, a[k]), slope);
                }
            }
        }
        finite
    }
}

/// Turns outputs f_i (without those at t₀) into `αc s(y_i f_i) y_i`; whether all are finite.
#[inline(always)]
fn weigh<T: Lane, L: LossFunction>(rule: &Rule<T>, y: &[T], base: Option<&[T]>, q: &mut [T]) -> bool {
    if let Some(base) = base {
        for (q, b) in q.iter_mut().zip(base) {
            *q += *b;
        }
    }
    let mut finite = true;
    for (q, &y) in q.iter_mut().zip(y) {
        let margin = *q * y;
        let weight = L::weight(margin);
        finite &= (margin < T::INFINITY) & (weight < T::INFINITY);
        if L::BOUNDED {
            finite &= margin > -T::INFINITY;
        }
        *q = rule.rate * weight * y;
    }
    finite
}

struct Observe<'a, T> {
    samples: &'a mut Samples<T>,
    z: &'a [T],
}

impl<T: Lane> WithSimd for Observe<'_, T> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u64 {
        let Samples { bits, base, .. } = self.samples;
        match base {
            None => pattern(self.z, NOTHING, bits),
            Some(base) => pattern(self.z, &base.nearest[..], bits),
        }
    }
}

struct Coefficients<'a, T> {
    samples: &'a mut Samples<T>,
    rule: &'a Rule<T>,
    z: &'a [T],
    s: &'a mut [T],
}

impl<T: Lane> WithSimd for Coefficients<'_, T> {
    type Output = Tally;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Tally {
        self.rule.loss.run(On { simd, work: self })
    }
}

/// The same, the instruction set known.
struct On<'a, S, T> {
    simd: S,
    work: Coefficients<'a, T>,
}

impl<S: Simd, T: Lane> WithLoss for On<'_, S, T> {
    type Output = Tally;

    #[inline(always)]
    fn with_loss<L: LossFunction>(self) -> Tally {
        let Self { simd, work: Coefficients { samples: Samples { y, bits, base }, rule, z, s } } = self;
        match base {
            None => {
                let finite = Block { rule, y, base: None, b: NOTHING, z, s }.coefficients::<L, S>(simd);
                Tally { flips: pattern(z, NOTHING, bits), finite }
            }
            Some(Base { output, nearest }) => {
                let (base, b) = (Some(&output[..]), &nearest[..]);
                let finite = Block { rule, y, base, b, z, s }.coefficients::<L, S>(simd);
                Tally { flips: pattern(z, b, bits), finite }
            }
        }
    }
}

#[inline(always)]
fn slope<T: Lane>(z: T, leak: T) -> T {
    if z > T::default() { T::ONE } else { leak }
}

/// Replaces `bits` by those of `z + b > 0`; how many changed.
#[inline(always)]
fn pattern<T: Lane, B: Offset<T>>(z: &[T], b: &[B], bits: &mut [u64]) -> u64 {
    let mut flips = 0;
    for (w, bits) in bits.iter_mut().enumerate() {
        let range = w * 64..z.len().min(w * 64 + 64);
        let mut word = 0;
        for (bit, (z, b)) in z[range.clone()].iter().zip(&b[range]).enumerate() {
            word |= u64::from(b.shift(*z) > T::default()) << bit;
        }
        flips += u64::from((word ^ *bits).count_ones());
        *bits = word;
    }
    flips
}
