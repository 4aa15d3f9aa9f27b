//! Whether a step is clear of a flip.
//!
//! Each z is linear in S, and over a span of steps
//!
//! ```text
//! Δz_ij = a_j Σ_k K_ik y_k g_kj ΔS_k,     ΔS_k = Σ_τ e_k(τ)/τ,     e = αct s(q)
//! ```
//!
//! so bounds `|e_k − c_k| ≤ s_k` on the way leave `σ z_ij ≥ |z_ij| + (σ a_j (K (y g_j c))_i − |a_j| (|K|s)_i) Σ 1/τ`, σ the sign of z_ij. The interval
//! that the interpolated e of a step spans at five points, doubled in width, is taken to enclose it.
//!
//! *Window.* With `s = ε max(c, mean/8)` one product with |K| does for every ε. The ε is taken that promises the
//! longest way: until then a step is clear if its own intervals lie within these bounds, n comparisons in place of products, and
//! C and Z wait for what S has gained. Where no such step is clear, its own intervals decide: one product more.

use super::history::{Node, combined};
use super::sums::Span;
use super::{LONGEST, Warp};
use crate::descent::settled::Settled;
use crate::descent::span::Coefficients;
use crate::number::largest;
use crate::state::{Reader, Result, Saver, StateError};

/// Where between its ends the interpolated e of a step is looked at, as parts of it.
const LOOKS: [f64; 3] = [0.25, 0.5, 0.75];

/// The widest bounds of a window, relative to e.
const WIDEST: f64 = 0.5;

/// Bounds of e, and the t until which they keep every z on its side.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    pub until: f64,
}

/// What e spans over a step: the middle of each interval, and half of its doubled width.
struct Spanned {
    center: Vec<f64>,
    half: Vec<f64>,
}

impl Window {
    /// Writes it.
    pub fn save(&self, out: &mut Saver) {
        out.vector("low", &self.low[..]);
        out.vector("high", &self.high[..]);
        out.number("until", self.until);
    }

    /// Reads what [`Self::save`] wrote, for n samples or none.
    ///
    /// # Errors
    /// If a field is missing or cannot be.
    pub fn restore(from: &Reader, n: usize) -> Result<Self> {
        let low = from.any("low")?.to_vec();
        let high = from.vector("high", low.len())?;
        if !low.is_empty() && low.len() != n {
            return Err(StateError::Contradiction("warp.window"));
        }
        Ok(Self { low, high, until: from.number("until", f64::is_nan)? })
    }

    fn holds(&self, e: &Spanned, to: f64) -> bool {
        let bounds = self.low.iter().zip(&self.high);
        to <= self.until
            && bounds
                .zip(e.center.iter().zip(&e.half))
                .all(|((low, high), (c, half))| *low <= c - half && c + half <= *high)
    }
}

impl Warp {
    /// The part of the step during which no pre-activation can reach zero, 1 if that is all of it; None if a bit has changed
    /// already. C and Z are brought up to date if that has to be looked at.
    pub(super) fn clear(
        &mut self,
        (state, settled): (&mut Coefficients, &mut Settled),
        (span, order): (&Span, usize),
        end: &Node,
    ) -> Option<f64> {
        if state.problem().network.linear() {
            return Some(1.0); // no side matters
        }
        let e = self.spanned(span, order, end);
        if self.window.holds(&e, span.to) {
            return Some(1.0);
        }
        if settled.pending() && settled.sync(state, span.from) > 0 {
            return None;
        }
        let mean = e.center.iter().sum::<f64>() / e.center.len() as f64;
        let size: Vec<f64> = e.center.iter().map(|c| c.max(0.125 * mean)).collect();
        let least = e.half.iter().zip(&size).fold(0.0f64, |least, (half, size)| least.max(half / size));
        let (ways, mut reach) = (Ways::new(state, &e.center), vec![0.0; size.len()]);
        state.problem().reach(&size, &mut reach);
        let needed = span.length + 1.0 / span.from; // Σ 1/τ is at most this
        let (bound, way) = ways.widest(&reach, least, span.length);
        if way >= needed {
            let bounds = |sign: f64| e.center.iter().zip(&size).map(|(c, size)| c + sign * bound * size).collect();
            let until = span.from * libm::exp(way.min(LONGEST) - 1.0 / span.from);
            self.window = Window { low: bounds(-1.0), high: bounds(1.0), until };
            return Some(1.0);
        }
        self.window = Window::default();
        state.problem().reach(&e.half, &mut reach);
        Some((ways.length(&reach, 1.0) / needed).min(1.0))
    }

    fn spanned(&self, span: &Span, order: usize, end: &Node) -> Spanned {
        let nodes = &self.history[..order];
        let all: Vec<f64> = [end.x].into_iter().chain(nodes.iter().map(|node| node.x)).collect();
        let (mut low, mut high) = (end.e.clone(), end.e.clone());
        let mut see = |seen: &[f64]| {
            let bounds = low.iter_mut().zip(&mut high);
            bounds.zip(seen).for_each(|((low, high), e)| (*low, *high) = (low.min(*e), high.max(*e)));
        };
        see(&nodes[0].e);
        for part in LOOKS {
            let weights = lagrange(&all, part * span.length);
            see(&combined(&weights, [&end.e].into_iter().chain(nodes.iter().map(|node| &node.e))));
        }
        let center = low.iter().zip(&high).map(|(low, high)| 0.5 * (low + high)).collect();
        Spanned { center, half: low.iter().zip(&high).map(|(low, high)| high - low).collect() }
    }
}

/// The Lagrange polynomials on these nodes, at x.
fn lagrange(nodes: &[f64], x: f64) -> Vec<f64> {
    let of = |j: usize| {
        let others = (0..nodes.len()).filter(|i| *i != j);
        others.map(|i| (x - nodes[i]) / (nodes[j] - nodes[i])).product()
    };
    (0..nodes.len()).map(of).collect()
}

/// How far every z is from zero, and how fast it leaves it where e is in the middle of its bounds: (|z|, outward).
struct Ways {
    pairs: Vec<(f64, f64)>, // row-major
    width: usize,
    size: f64, // |a_j|
}

impl Ways {
    fn new(state: &Coefficients, center: &[f64]) -> Self {
        let (problem, groups, z) = (state.problem(), state.groups(), state.compensated_preactivations().hi());
        let (n, width) = (center.len(), problem.network.width);
        let columns: Vec<f64> =
            state.features().iter().flat_map(|feature| feature.iter().zip(center).map(|(f, c)| f * c)).collect();
        let mut images = vec![0.0; columns.len()];
        problem.multiply_all(&columns, &mut images);
        let pair = |at: usize| {
            let rate = images[groups.of[at % width] * n + at / width];
            (z[at].abs(), if z[at] > 0.0 { rate } else { -rate })
        };
        Self { pairs: (0..n * width).map(pair).collect(), width, size: problem.network.output(0).abs() }
    }

    /// The length in Σ 1/τ until the first z may reach zero, with bounds of `ε reach`.
    fn length(&self, reach: &[f64], bound: f64) -> f64 {
        let mut length = f64::INFINITY;
        for (pairs, reach) in self.pairs.chunks_exact(self.width).zip(reach) {
            let inward = bound * self.size * reach;
            for (distance, outward) in pairs {
                if inward > *outward {
                    length = length.min(distance / (inward - outward));
                }
            }
        }
        length
    }

    /// The ε from `least` on, doubled while that is worth it, and its length; a step over `length` needs the least.
    fn widest(&self, reach: &[f64], least: f64, length: f64) -> (f64, f64) {
        let (mut bound, mut way, mut lasts) = (least, self.length(reach, least), length);
        while lasts < way.min(LONGEST) && bound > 0.0 && 2.0 * bound <= WIDEST {
            let longer = self.length(reach, 2.0 * bound);
            if longer < lasts {
                break;
            }
            (bound, way, lasts) = (2.0 * bound, longer, 2.0 * lasts);
        }
        (bound, way)
    }
}

/// Whether all of them are numbers.
pub(super) fn finite(values: &[f64]) -> bool {
    largest(values).is_finite()
}
