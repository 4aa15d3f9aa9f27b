//! The loops of a general step, in vector code: columns of the groups, what is added to C and Z, rows of H.

use farfield_kernels::settled::Pair;
use farfield_kernels::two_sum::add;
use pulp::{Simd, WithSimd};

/// `s_g = f_g ∘ s` for each group, one column after the other.
pub(super) struct Columns<'a> {
    pub features: &'a [Vec<f64>],
    pub s: &'a [f64],
    pub out: &'a mut [f64],
}

impl WithSimd for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { features, s, out } = self;
        for (out, feature) in out.chunks_exact_mut(s.len()).zip(features) {
            for ((out, f), s) in out.iter_mut().zip(feature).zip(s) {
                *out = f * s;
            }
        }
    }
}

/// Adds its group's column to that of each neuron, in pairs `hi + lo` (n×m, row-major).
pub(super) struct Scatter<'a> {
    pub of: &'a [usize],
    pub added: &'a [f64],
    pub sums: Pair<'a>,
}

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const ROWS: usize = 64; // at a time: turned into rows first, then added in whole vectors
        let Self { of, added, sums } = self;
        let (m, n) = (of.len(), sums.hi.len() / of.len());
        let mut tile = vec![0.0; m * ROWS.min(n)];
        let parts = sums.hi.chunks_mut(m * ROWS).zip(sums.lo.chunks_mut(m * ROWS));
        for (first, (hi, lo)) in (0..n).step_by(ROWS).zip(parts) {
            let tile = &mut tile[..hi.len()];
            for (j, group) in of.iter().enumerate() {
                let column = &added[group * n + first..][..hi.len() / m];
                tile[j..].iter_mut().step_by(m).zip(column).for_each(|(v, x)| *v = *x);
            }
            for ((hi, lo), x) in hi.iter_mut().zip(lo).zip(tile) {
                (*hi, *lo) = add((*hi, *lo), *x);
            }
        }
    }
}

/// `Σ_g m_g f_gi f_gk` over a row k of the reduced matrix.
pub(super) struct Row<'a> {
    pub i: usize,
    pub features: &'a [Vec<f64>],
    pub sizes: &'a [usize],
    pub row: &'a mut [f64],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (feature, size) in self.features.iter().zip(self.sizes) {
            let (own, size) = (feature[self.i], *size as f64);
            for (h, f) in self.row.iter_mut().zip(feature) {
                *h = (own * f).mul_add(size, *h);
            }
        }
    }
}
