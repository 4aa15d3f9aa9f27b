//! The product of a symmetric matrix, held as a packed half, with a vector.

/// A symmetric n×n matrix of which one half is kept.
#[derive(Clone, Debug)]
pub struct PackedSymmetric {
    n: usize,
    lower: Vec<f64>,
}

impl PackedSymmetric {
    /// Packs the lower triangle of `h` (n×n, row-major, symmetric).
    ///
    /// # Panics
    /// If `h.len() != n²`.
    pub fn pack(h: &[f64], n: usize) -> Self {
        assert_eq!(h.len(), n * n, "H is n x n");
        Self { n, lower: (0..n).flat_map(|i| h[i * n..=i * n + i].iter().copied()).collect() }
    }

    /// `out = H·v`.
    ///
    /// # Panics
    /// If `v` or `out` is not of length n.
    pub fn multiply(&self, v: &[f64], out: &mut [f64]) {
        assert_eq!((v.len(), out.len()), (self.n, self.n), "vectors of length n");
        out.fill(0.0);
        let mut at = 0;
        for i in 0..self.n {
            let row = &self.lower[at..at + i];
            let mut sum = 0.0;
            for ((h, v_k), out) in row.iter().zip(v).zip(out.iter_mut()) {
                sum = h.mul_add(*v_k, sum);
                *out = h.mul_add(v[i], *out);
            }
            out[i] = self.lower[at + i].mul_add(v[i], sum);
            at += i + 1;
        }
    }
}
