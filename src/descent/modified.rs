//! The flow that discrete gradient descent lies on: the modified equation of backward error analysis.
//!
//! In a fixed pattern a GD step is Euler's method with step 1 for `Ṡ = F(S)`, `F = αc s(q)`,
//! `q = q₀ + HS`, s the weight of the loss. Its iterates are the values at integer times of the flow of
//!
//! ```text
//! F̃ = F − ½F'F + (1/12)F''(F,F) + (1/3)F'F'F − …
//! ```
//!
//! (Hairer, Lubich, Wanner, *Geometric Numerical Integration*, IX; for GD, Barrett & Dherin 2021), one term for each
//! rooted tree. Since F_i depends on S through q_i alone,
//!
//! ```text
//! F'v = F∘σ_1∘Hv,   F''(v,w) = F∘σ_2∘Hv∘Hw,     σ_k = s⁽ᵏ⁾(q)/s(q)
//! F̃ = F ∘ [ 1 − σ_1 p/2 + σ_2 p²/12 + σ_1 r/3 − … ],     p = HF,   r = H(F∘σ_1 p)
//! ```
//!
//! The term of order k is smaller than F by `ρ^{k-1}`, `ρ = ‖diag(F σ_1)H‖ ≈ 1/t`. Averages over chattering neurons
//! ([`super::sliding`]) follow the field of order 2; what they neglect themselves is of order 1/t.

use super::symmetric::Symmetric;
use farfield_kernels::loss::Ratios;

/// The modified field of one reduced problem, with its scratch vectors.
#[derive(Clone, Debug)]
pub struct Field {
    p: Vec<f64>,
    column: Vec<f64>,
}

impl Field {
    /// For n samples.
    pub fn new(n: usize) -> Self {
        Self { p: vec![0.0; n], column: vec![0.0; n] }
    }

    /// `out = t F̃` from `e = t F` and the ratios σ of the loss, up to `order` ≤ 2.
    pub fn evaluate(&mut self, h: &Symmetric, (e, sigma): (&[f64], &[Ratios]), t: f64, order: usize, out: &mut [f64]) {
        let (n, step) = (e.len(), 1.0 / t);
        out.copy_from_slice(e);
        if order < 2 {
            return;
        }
        (0..n).for_each(|k| self.column[k] = step * e[k]);
        h.multiply(&self.column, &mut self.p);
        (0..n).for_each(|k| out[k] = e[k] * (1.0 + -0.5 * sigma[k][0] * self.p[k]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// `log s(q)/s(0)` and the ratios of a loss, near q = 0.
    type Law = (fn(f64) -> f64, fn(f64) -> Ratios);

    const EXPONENTIAL: Law = (|q| -q, |_| [-1.0, 1.0, -1.0, 1.0]);

    /// `s = σ(−q)`: every ratio varies, so that each coefficient of the field is seen by itself.
    const LOGISTIC: Law = (
        |q| libm::log(2.0) - q - libm::log1p(libm::exp(-q)),
        |q| {
            let v = 1.0 / (1.0 + libm::exp(q)); // s, and s' = −s(1 − s)
            let u = 1.0 - v;
            [-u, u * (1.0 - 2.0 * v), 0.0, 0.0]
        },
    );

    /// What one step `S + F(S)` misses of the flow of order 2 over one unit of time is, for small F, the term of order 3;
    /// those of order 4 add about ρ of it, and more where signs cancel: halving F halves the difference.
    #[test]
    fn one_step_lies_on_the_flow() {
        let h = Matrix::new(3, 3, vec![2.0, 0.3, -0.4, 0.3, 1.5, 0.6, -0.4, 0.6, 1.0]);
        let product = Symmetric::new(&h);
        for law in [EXPONENTIAL, LOGISTIC] {
            for start in [[0.0, 0.0, 0.0], [0.3, -0.8, 1.1]] {
                let mut last = f64::INFINITY;
                for scale in [0.02, 0.01] {
                    let f = [scale, 0.7 * scale, 1.4 * scale];
                    let defect = defect_of_one_step(&product, law, &start, &f);
                    let dropped = third(&product, &f, &start.map(law.1));
                    let top = dropped.iter().fold(0.0f64, |top, v| top.max(v.abs()));
                    let off = (0..3).fold(0.0f64, |off, k| off.max((defect[k] - dropped[k]).abs())) / top;
                    assert!(off < 0.3 && off < 0.6 * last, "{start:?} {scale}: {defect:?} {dropped:?}");
                    last = off;
                }
            }
        }
    }

    /// The term of order 3.
    fn third(h: &Symmetric, f: &[f64; 3], sigma: &[Ratios; 3]) -> [f64; 3] {
        let (mut p, mut r) = ([0.0; 3], [0.0; 3]);
        h.multiply(f, &mut p);
        h.multiply(&std::array::from_fn::<f64, 3, _>(|k| f[k] * sigma[k][0] * p[k]), &mut r);
        std::array::from_fn(|k| f[k] * (sigma[k][1] * p[k] * p[k] / 12.0 + sigma[k][0] * r[k] / 3.0))
    }

    /// `F(S) − (flow of order 2 over one unit of time − S)`, with classical Runge–Kutta on 64 substeps. F is `f` at
    /// the margins `q`.
    fn defect_of_one_step(h: &Symmetric, (log, ratios): Law, q: &[f64; 3], f: &[f64; 3]) -> [f64; 3] {
        let mut field = Field::new(3);
        let mut slope = |s: &[f64; 3]| {
            let (mut hs, mut out) = ([0.0; 3], [0.0; 3]);
            h.multiply(s, &mut hs);
            let e: Vec<f64> = (0..3).map(|k| f[k] * libm::exp(log(q[k] + hs[k]) - log(q[k]))).collect();
            let sigma: Vec<Ratios> = (0..3).map(|k| ratios(q[k] + hs[k])).collect();
            field.evaluate(h, (&e, &sigma), 1.0, 2, &mut out);
            out
        };
        let (mut s, step) = ([0.0; 3], 1.0 / 64.0);
        for _ in 0..64 {
            let moved = |k: &[f64; 3], by: f64| std::array::from_fn(|i| s[i] + by * k[i]);
            let k1 = slope(&s);
            let k2 = slope(&moved(&k1, step / 2.0));
            let k3 = slope(&moved(&k2, step / 2.0));
            let k4 = slope(&moved(&k3, step));
            s = std::array::from_fn(|i| s[i] + step / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
        }
        std::array::from_fn(|k| f[k] - s[k])
    }
}
