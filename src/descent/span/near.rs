//! Groups of neurons that differ in few bits.
//!
//! ```text
//! K s_g = K s_b + Σ_k (s_gk − s_bk) K_k     over the samples k whose bits differ: n·|k| multiply-adds in place of n²
//! ```
//!
//! While pairs chatter, neurons of one sign agree in nearly all bits, and every pair that is on its other side would make a
//! group, with a product of its own. The sum is off by as much as the product: each term once more by u.

use crate::network::{Groups, Network, Pattern};

/// A group of neurons whose bits are nearly those of one before it, with equal sign of a_j.
#[derive(Clone, Debug)]
pub struct Near {
    /// The other group, which is near none.
    pub group: usize,
    /// Samples with another bit.
    pub differs: Vec<usize>,
}

/// Part of the samples up to which two groups are near: a product with K reads half of its n² numbers, in better order.
const NEAR: usize = 8;

impl Near {
    /// Of all groups, in order: the first one before it that is near enough.
    pub fn all(pattern: &Pattern, groups: &Groups, network: &Network) -> Vec<Option<Self>> {
        let (most, mut all) = (pattern.samples() / NEAR, Vec::<Option<Self>>::with_capacity(groups.len()));
        for (g, &j) in groups.first.iter().enumerate() {
            let of_its_side = |&b: &usize| all[b].is_none() && network.sign(groups.first[b]) == network.sign(j);
            let near = (0..g).filter(of_its_side).find_map(|group| {
                let differs = || pattern.differences(j, pattern, groups.first[group]);
                (differs().take(most + 1).count() <= most).then(|| Self { group, differs: differs().collect() })
            });
            all.push(near);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Coefficients, SpanProblem, SpanStart};
    use crate::engine::Flips;
    use crate::gram::gram;
    use crate::inner_products::Gram;
    use crate::matrix::Matrix;
    use crate::network::Network;
    use farfield_kernels::loss::Loss;
    use std::sync::Arc;

    /// Z after an addition against sums over all samples, for columns of bits that are equal, near and far.
    #[test]
    fn groups_that_are_near_get_the_products_of_their_own() {
        let (n, m) = (50, 7);
        let number = |i: usize| ((i * 7919 + 31) % 1009) as f64 / 500.0 - 1.0;
        let x = Arc::new(Matrix::new(n, 9, (0..n * 9).map(number).collect()));
        let k = Arc::new(Gram(gram(&x)));
        let network = Network::new(m, 4, 0.25).expect("a network");
        // bits: neuron 0 and its like with 0, 1 and 6 others (n/8 is 6), and one with 25; then two of the other sign
        let others = [0, 1, 6, 25, 0, 3, 50];
        let z: Vec<f64> = (0..n * m)
            .map(|at| {
                let (i, j) = (at / m, at % m);
                let bit = (i % 3 == 0) != (i < others[j]);
                if bit { 0.5 } else { -0.5 }
            })
            .collect();
        let labels: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let start = SpanStart { preactivations: z.clone(), squared_norms: vec![1.0; m], weights: None };
        let problem = SpanProblem::new(k.clone(), None, labels.clone(), network, (Loss::Exponential, 0.1), start);
        let mut state = Coefficients::new(Arc::new(problem), 0.0, Flips::default());
        let found: Vec<Option<(usize, usize)>> =
            state.near.iter().map(|near| near.as_ref().map(|near| (near.group, near.differs.len()))).collect();
        assert_eq!(found, [None, Some((0, 1)), Some((0, 6)), None, None, Some((4, 3)), None]);
        let s: Vec<f64> = (0..n).map(|i| 1.0 + number(i)).collect();
        state.add(&s);
        for (at, after) in crate::engine::Iterate::preactivations(&state).iter().enumerate() {
            let (i, j) = (at / m, at % m);
            let slope = |l: usize| if z[l * m + j] > 0.0 { 1.0 } else { 0.25 };
            let terms = (0..n).map(|l| s[l] * labels[l] * network.output(j) * slope(l) * k.0[(i, l)]);
            let sizes: f64 = terms.clone().map(f64::abs).sum();
            // n products and sums, and as many again for the rows that are added
            let off = (after - (z[at] + terms.sum::<f64>())).abs();
            assert!(off <= 4.0 * n as f64 * f64::EPSILON * sizes, "{i} {j}: {off:e}");
        }
    }
}
