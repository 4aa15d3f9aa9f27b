//! The network `f(x;W) = Σ_j a_j φ(⟨x,w_j⟩)` and its activation pattern.
//!
//! `φ(u) = u` for `u > 0` and `leak·u` otherwise (so `φ'(0) = leak`, PyTorch's convention), leak in [0, 1]: 0 is the ReLU, 1
//! the linear model;
//! `a_j = +1/√m` for the first `positive` neurons and `-1/√m` for the rest.

use crate::error::{Error, Result};
use crate::number::larger;
use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::Hash;

/// The fixed part of the network: width, signs of the output weights, slope of the activation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Number of neurons m.
    pub width: usize,
    /// Number of neurons with `a_j = +1/√m`; they come first.
    pub positive: usize,
    /// Slope γ of the activation for `u ≤ 0`, in [0, 1]: 0 is the ReLU, 1 the linear model.
    pub leak: f64,
}

impl Network {
    /// m neurons, of which the first `positive` have `a_j > 0`, with slope `leak` for `u ≤ 0`.
    ///
    /// # Errors
    /// [`Error::Range`]: no neuron, more positive ones than neurons, a leak outside [0, 1].
    pub fn new(width: usize, positive: usize, leak: f64) -> Result<Self> {
        if width == 0 {
            return Err(Error::Range { name: "the width", value: 0.0, expected: "1 or more" });
        }
        if positive > width {
            let expected = "at most the width";
            return Err(Error::Range { name: "the number of positive neurons", value: positive as f64, expected });
        }
        if !(0.0..=1.0).contains(&leak) {
            return Err(Error::Range { name: "the leak", value: leak, expected: "a number from 0 to 1" });
        }
        Ok(Self { width, positive, leak })
    }

    /// m neurons, half of them (rounded up) with `a_j > 0`.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn balanced(width: usize, leak: f64) -> Result<Self> {
        Self::new(width, width.div_ceil(2), leak)
    }

    /// Whether both slopes are 1: f is linear in W, and nothing depends on the pattern.
    pub fn linear(&self) -> bool {
        self.leak == 1.0
    }

    /// Whether `φ` increases: the sign of a difference of two activations is then that of their arguments. Not for the ReLU.
    pub fn increasing(&self) -> bool {
        self.leak > 0.0
    }

    /// Whether the leak is strictly between 0 and 1, as most of the theory of leaky ReLU networks asks.
    pub fn leaky(&self) -> bool {
        self.increasing() && !self.linear()
    }

    /// The pattern that steps and limits go by: the bits `z_ij > 0` of pre-activations z (n×m, row-major), all of them set
    /// for the linear model, whose slopes have no kink between them: nothing flips there.
    pub fn pattern(&self, z: &[f64], n: usize) -> Pattern {
        match self.linear() {
            true => Pattern::of(&vec![1.0; z.len()], n, self.width),
            false => Pattern::of(z, n, self.width),
        }
    }

    /// The output weight `a_j`.
    pub fn output(&self, j: usize) -> f64 {
        self.sign(j) / (self.width as f64).sqrt()
    }

    /// The sign of `a_j`.
    pub fn sign(&self, j: usize) -> f64 {
        if j < self.positive { 1.0 } else { -1.0 }
    }

    /// All output weights, in order.
    pub fn outputs(&self) -> Vec<f64> {
        (0..self.width).map(|j| self.output(j)).collect()
    }

    /// `φ(u)`.
    pub fn activation(&self, u: f64) -> f64 {
        if u > 0.0 { u } else { self.leak * u }
    }

    /// Margins `q_i = y_i Σ_j a_j φ(z_ij)` from the pre-activations (n×m, row-major), summed in
    /// the order of j with fused multiply-adds.
    pub fn margins(&self, z: &[f64], y: &[f64]) -> Vec<f64> {
        let mut q = vec![0.0; y.len().min(z.len() / self.width)];
        Isa::current().dispatch(Margins { leak: self.leak, a: &self.outputs(), z, y, q: &mut q });
        q
    }

    /// `max_i Σ_j |a_j| |z_ij − z'_ij|` of two sets of pre-activations (n×m, row-major): no margin differs by
    /// more. Not a number if one of them is none.
    pub fn drift(&self, z: &[f64], other: &[f64]) -> f64 {
        let a = self.outputs();
        let row =
            |(z, o): (&[f64], &[f64])| (0..a.len()).fold(0.0, |sum, j| (z[j] - o[j]).abs().mul_add(a[j].abs(), sum));
        let rows = z.chunks_exact(self.width).zip(other.chunks_exact(self.width)).map(row);
        rows.fold(0.0, larger)
    }
}

/// [`Network::margins`], compiled for an instruction set: elsewhere a multiply-add is a call.
struct Margins<'a> {
    leak: f64,
    a: &'a [f64],
    z: &'a [f64],
    y: &'a [f64],
    q: &'a mut [f64],
}

impl WithSimd for Margins<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { leak, a, z, y, q } = self;
        for ((q, z), y) in q.iter_mut().zip(z.chunks_exact(a.len())).zip(y) {
            let mut sum = 0.0;
            for j in 0..a.len() {
                sum = (if z[j] > 0.0 { z[j] } else { leak * z[j] }).mul_add(a[j], sum);
            }
            *q = y * sum;
        }
    }
}

/// The bits `z_ij > 0` of n samples and m neurons, one column of packed bits per neuron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    n: usize,
    m: usize,
    words: usize,
    bits: Vec<u64>, // neuron j owns bits[j·words..(j+1)·words]
}

impl Pattern {
    /// The pattern of pre-activations `z` (n×m, row-major).
    pub fn of(z: &[f64], n: usize, m: usize) -> Self {
        assert_eq!(z.len(), n * m, "Z is n x m");
        let words = n.div_ceil(64);
        let (mut bits, mut word) = (vec![0; words * m], vec![0u64; m]);
        for (w, rows) in z.chunks((64 * m).max(1)).enumerate() {
            word.fill(0);
            for (i, row) in rows.chunks_exact(m).enumerate() {
                word.iter_mut().zip(row).for_each(|(word, z)| *word |= u64::from(*z > 0.0) << i);
            }
            word.iter().enumerate().for_each(|(j, word)| bits[j * words + w] = *word);
        }
        Self { n, m, words, bits }
    }

    /// The fully activated pattern of \[H, Thm 4.8\]: `z_ij > 0` exactly where `a_j y_i > 0`.
    pub fn activated(network: &Network, y: &[f64]) -> Self {
        let z: Vec<f64> = y.iter().flat_map(|y| (0..network.width).map(move |j| y * network.sign(j))).collect();
        Self::of(&z, y.len(), network.width)
    }

    /// Number of samples n.
    pub fn samples(&self) -> usize {
        self.n
    }

    /// Number of neurons m.
    pub fn neurons(&self) -> usize {
        self.m
    }

    /// Whether `z_ij > 0`.
    pub fn get(&self, i: usize, j: usize) -> bool {
        self.column(j)[i / 64] >> (i % 64) & 1 == 1
    }

    /// The bits as numbers 0 and 1 (n×m, row-major); [`Pattern::of`] reads them.
    pub fn bits(&self) -> Vec<f64> {
        let pairs = (0..self.n).flat_map(|i| (0..self.m).map(move |j| (i, j)));
        pairs.map(|(i, j)| f64::from(u8::from(self.get(i, j)))).collect()
    }

    /// Changes bit (i, j).
    pub fn flip(&mut self, i: usize, j: usize) {
        self.bits[j * self.words + i / 64] ^= 1 << (i % 64);
    }

    /// The packed bits of neuron j.
    pub fn column(&self, j: usize) -> &[u64] {
        &self.bits[j * self.words..(j + 1) * self.words]
    }

    /// `g_ij = φ'(z_ij)`: 1 or the leak.
    pub fn slope(&self, network: &Network, i: usize, j: usize) -> f64 {
        if self.get(i, j) { 1.0 } else { network.leak }
    }

    /// Number of bits in which two patterns of one shape differ.
    pub fn changes(&self, other: &Self) -> u64 {
        assert_eq!((self.n, self.m), (other.n, other.m), "patterns of one shape");
        self.bits.iter().zip(&other.bits).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
    }

    /// The samples in which the bits of neuron j differ from those of a neuron of another pattern, or of this one.
    pub fn differences<'a>(&'a self, j: usize, other: &'a Self, neuron: usize) -> impl Iterator<Item = usize> + 'a {
        let words = self.column(j).iter().zip(other.column(neuron)).map(|(a, b)| a ^ b).enumerate();
        words.flat_map(|(at, word)| {
            let rest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
            let bits = std::iter::successors(Some(word).filter(|word| *word != 0), rest);
            bits.map(move |word| 64 * at + word.trailing_zeros() as usize)
        })
    }

    /// The fraction of pairs that are activated in the sense of \[H\]: `a_j y_i z_ij > 0`; needs Z,
    /// since `z_ij = 0` is not activated for either sign.
    pub fn sign_agreement(z: &[f64], y: &[f64], network: &Network) -> f64 {
        let agree = |(z, y): (&[f64], &f64)| (0..network.width).filter(|&j| network.sign(j) * y * z[j] > 0.0).count();
        let activated: usize = z.chunks_exact(network.width).zip(y).map(agree).sum();
        activated as f64 / z.len() as f64
    }

    /// Groups of neurons that provably receive the same update: equal sign of `a_j` and equal
    /// column of bits; equal sign is enough for the linear model. In the order of their first neuron.
    pub fn groups(&self, network: &Network) -> Groups {
        Groups::by(network, |j| if network.linear() { &[] } else { self.column(j) })
    }
}

/// A partition of the m neurons into P groups with equal updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The first neuron of each group.
    pub first: Vec<usize>,
    /// The number of neurons of each group.
    pub size: Vec<usize>,
    /// The group of each neuron.
    pub of: Vec<usize>,
}

impl Groups {
    /// Neurons with equal sign of `a_j` and equal key, in the order of their first neuron.
    pub fn by<K: Eq + Hash>(network: &Network, key: impl Fn(usize) -> K) -> Self {
        let mut seen: HashMap<(bool, K), usize> = HashMap::new();
        let mut groups = Self { first: Vec::new(), size: Vec::new(), of: Vec::with_capacity(network.width) };
        for j in 0..network.width {
            let g = *seen.entry((j < network.positive, key(j))).or_insert(groups.first.len());
            if g == groups.first.len() {
                groups.first.push(j);
                groups.size.push(0);
            }
            groups.size[g] += 1;
            groups.of.push(g);
        }
        groups
    }

    /// Number of groups P.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there is no group (a network without neurons).
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Every neuron by itself.
    pub fn single(m: usize) -> Self {
        Self { first: (0..m).collect(), size: vec![1; m], of: (0..m).collect() }
    }
}
