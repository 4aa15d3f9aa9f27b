//! What others ask of a ray: its direction in the span of the samples, the sides that it shows, its price.

use super::Ray;
use crate::inner_products::{Direction, Gram, InnerProducts};
use crate::network::{Groups, Network};

/// Seconds of a multiply-add of 106 bits.
const SECONDS: f64 = 5e-9;

/// Searches of a ray: what cancels, whether more does, and the margin of the others.
const SEARCHES: f64 = 3.0;

/// Rounds of row generation where pairs may slide: a handful is typical.
const SLIDING: f64 = 5.0;

/// The part of its terms up to which a pre-activation of U counts as 0: their rounding, with room for coefficients that cancel.
const ZERO: f64 = 1e-12;

/// Gaps of the floor below this are rounding.
const GAP: f64 = 1e-14;

/// What a ray costs by a model, in seconds, for n samples of d features and P groups of neurons.
pub fn price(n: usize, d: usize, groups: usize, sliding: bool) -> f64 {
    let (n, size) = (n as f64, (groups * d.min(n)) as f64);
    let pivots = 2.0 * n.min(size + 1.0);
    let rounds = if sliding { SLIDING } else { 1.0 };
    SEARCHES * rounds * pivots * (n + 4.0 * n.min(size)) * size * SECONDS
}

impl Ray {
    /// U as coefficients on the samples; none if every sample is bounded.
    pub fn along(&self, network: &Network) -> Option<Direction> {
        (!self.direction.is_empty()).then(|| grouped(&self.direction, network))
    }

    /// V∞ in the same way.
    pub fn aside(&self, network: &Network) -> Direction {
        grouped(&self.offset, network)
    }

    /// Where `W/‖W‖` tends to from a small W(0), up to its length: U, or V∞ if every sample is bounded.
    pub fn goal(&self, network: &Network) -> Direction {
        self.along(network).unwrap_or_else(|| self.aside(network))
    }

    /// The pairs (sample, neuron) that τU, τ large, does not have on the side that `side` gives, if it gives one; with
    /// `offset` those that V∞ + τU does not have. Without: what W has across all features, from W(0) and from the patterns before,
    /// may outweigh V∞. Pairs whose side rounding hides are not among them.
    pub fn inconsistent(
        &self,
        k: &Gram,
        network: &Network,
        offset: bool,
        side: impl Fn(usize, usize) -> Option<bool>,
    ) -> Vec<(usize, usize)> {
        if network.linear() {
            return Vec::new();
        }
        let ahead = self.along(network).map(|u| signs(k, &u, 0.0));
        // a loss above its floor by g allows a margin with ℓ'' = 1 to be off by √2g (one of a small loss by more); margins are sums
        // of z/√m
        let unsure = (2.0 * self.floor_gap.max(GAP * self.floor) * network.width as f64).sqrt();
        let aside = signs(k, &self.aside(network), 8.0 * unsure);
        let shown = |i: usize, j: usize| match ahead.as_ref().map_or(0.0, |a| a[i][j]) {
            0.0 if offset => aside[i][j],
            sign => sign,
        };
        let wrong = |&(i, j): &(usize, usize)| side(i, j).is_some_and(|s| if s { -1.0 } else { 1.0 } == shown(i, j));
        (0..aside.len()).flat_map(|i| (0..network.width).map(move |j| (i, j))).filter(wrong).collect()
    }
}

/// Coefficients (n×m) by groups of neurons that share them.
fn grouped(coefficients: &[Vec<f64>], network: &Network) -> Direction {
    let bits = |j: usize| coefficients.iter().map(|c| c[j].to_bits()).collect::<Vec<_>>();
    let groups = Groups::by(network, bits);
    let column = |&j: &usize| coefficients.iter().map(|c| c[j]).collect();
    Direction { columns: groups.first.iter().map(column).collect(), groups }
}

/// The signs of z (n×m), 0 where z is at most `unsure`, or a part [`ZERO`] of its terms.
fn signs(k: &Gram, e: &Direction, unsure: f64) -> Vec<Vec<f64>> {
    let image = k.image(e);
    let size = |i: usize, p: usize| k.0.row(i).iter().zip(&e.columns[p]).map(|(k, c)| (k * c).abs()).sum::<f64>();
    let sign = |i: usize, p: usize| match image[p][i] {
        z if z.abs() <= unsure + ZERO * size(i, p) => 0.0,
        z => z.signum(),
    };
    let row = |i: usize| {
        let by_group: Vec<f64> = (0..e.groups.len()).map(|p| sign(i, p)).collect();
        e.groups.of.iter().map(|p| by_group[*p]).collect()
    };
    (0..k.0.rows()).map(row).collect()
}
