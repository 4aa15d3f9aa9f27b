//! The flow that discrete gradient descent lies on: the modified equation of backward error analysis.
//!
//! In a fixed pattern a GD step is Euler's method with step 1 for `Ṡ = F(S)`, `F = αc s(q)`,
//! `q = q₀ + HS`, s the weight of the loss. Its iterates are the values at integer times of the flow of
//!
//! ```text
//! F̃ = F − ½F'F + (1/12)F''(F,F) + (1/3)F'F'F
//!       − (1/12)F''(F,F'F) − (1/12)F'F''(F,F) − (1/4)F'F'F'F + …
//! ```
//!
//! (Hairer, Lubich, Wanner, *Geometric Numerical Integration*, IX; for GD, Barrett & Dherin 2021), one term for each
//! rooted tree τ. Since F_i depends on S through q_i alone, the *elementary differential* of a tree whose root carries
//! the trees τ_1…τ_k is
//!
//! ```text
//! F(τ) = F ∘ σ_k ∘ HF(τ_1) ∘ … ∘ HF(τ_k),     σ_k = s⁽ᵏ⁾(q)/s(q)
//! ```
//!
//! so `F'v = F∘σ_1∘Hv`, `F''(v,w) = F∘σ_2∘Hv∘Hw`, and so on. With `p = HF`, `r = H(F∘σ_1 p)`:
//!
//! ```text
//! F̃ = F ∘ [ 1 − σ_1 p/2 + σ_2 p²/12 + σ_1 r/3 − σ_2 p r/12 − σ_1 H(F∘(σ_2 p²/12 + σ_1 r/4)) + … ]
//! ```
//!
//! one product with H for each further order. (The fourth tree of order 4, F'''(F,F,F), has the coefficient 0.) The
//! term of order k is smaller than F by `ρ^{k-1}`, `ρ = ‖diag(F σ_1)H‖ ≈ 1/t`. The first term left out, of order 5, has
//! nine parts, one for each tree:
//!
//! ```text
//! F ∘ [ σ_1 H(F∘(σ_1 r_b/5 + 3σ_1 r_a/40 + σ_2 p r/10 + σ_3 p³/180))
//!       + σ_2 (r²/60 + p r_b/20 + p r_a/120) − σ_3 p² r/120 − σ_4 p⁴/720 ],
//! r_a = H(F∘σ_2 p²),  r_b = H(F∘σ_1 r)
//! ```
//!
//! (the pre-Lie Magnus expansion up to trees with five nodes: with D the derivative along F̃, the flow over one step is
//! `S + F̃ + ½DF̃ + (1/6)D²F̃ + …`, which has to be `S + F`; solved order by order). It measures what the field
//! neglects. For the exponential loss `σ_k = (−1)ᵏ`: all factors σ are signs.

use super::symmetric::Symmetric;
use farfield_kernels::loss::Ratios;

/// Terms below this size, relative to F, are left out of the field. Term k falls like t^(1−k), so that all of what is left out
/// from then on adds less than this to `log ℓ` and to the margins: a fortieth of what a flight claims for rounding.
const NEGLIGIBLE: f64 = 1e-16;

/// The modified field of one reduced problem, with its scratch vectors.
#[derive(Clone, Debug)]
pub struct Field {
    p: Vec<f64>,
    r: Vec<f64>,
    image: Vec<f64>,
    column: Vec<f64>,
}

/// The highest order that the field carries.
pub const ORDER: usize = 4;

/// The order needed at a contraction ρ: the first dropped term is negligible, or the highest order.
pub fn order_needed(rho: f64) -> usize {
    (1..ORDER).find(|k| rho.powi(*k as i32) < NEGLIGIBLE).unwrap_or(ORDER)
}

impl Field {
    /// For n samples.
    pub fn new(n: usize) -> Self {
        let zeros = vec![0.0; n];
        Self { p: zeros.clone(), r: zeros.clone(), image: zeros.clone(), column: zeros }
    }

    /// `out = t F̃` from `e = t F` and the ratios σ of the loss, up to `order` ≤ 4.
    pub fn evaluate(&mut self, h: &Symmetric, (e, sigma): (&[f64], &[Ratios]), t: f64, order: usize, out: &mut [f64]) {
        let n = e.len();
        let step = 1.0 / t;
        out.copy_from_slice(e);
        if order < 2 {
            return;
        }
        self.first_products(h, (e, sigma), step, order);
        if order < 4 {
            self.image.fill(0.0);
        } else {
            for k in 0..n {
                let ([s1, s2, ..], p, r) = (sigma[k], self.p[k], self.r[k]);
                self.column[k] = step * e[k] * (s2 * p * p / 12.0 + s1 * r / 4.0);
            }
            h.multiply(&self.column, &mut self.image);
        }
        for k in 0..n {
            let ([s1, s2, ..], p, r) = (sigma[k], self.p[k], self.r[k]);
            let third = if order < 3 { 0.0 } else { s2 * p * p / 12.0 + s1 * r / 3.0 };
            let fourth = if order < 4 { 0.0 } else { -(s2 * p * r / 12.0) - s1 * self.image[k] };
            out[k] = e[k] * (1.0 + (-0.5 * s1 * p + (third + fourth)));
        }
    }

    /// `out = t` times the term of order 5.
    pub fn first_dropped(&mut self, h: &Symmetric, (e, sigma): (&[f64], &[Ratios]), t: f64, out: &mut [f64]) {
        let n = e.len();
        let step = 1.0 / t;
        self.first_products(h, (e, sigma), step, ORDER);
        let (mut squares, mut chains) = (vec![0.0; n], vec![0.0; n]);
        for k in 0..n {
            self.column[k] = sigma[k][1] * (step * e[k] * self.p[k] * self.p[k]);
        }
        h.multiply(&self.column, &mut squares);
        for k in 0..n {
            self.column[k] = sigma[k][0] * (step * e[k] * self.r[k]);
        }
        h.multiply(&self.column, &mut chains);
        for k in 0..n {
            let ([s1, s2, s3, _], p, r) = (sigma[k], self.p[k], self.r[k]);
            let inner = s1 * chains[k] / 5.0 + 0.075 * s1 * squares[k] + s2 * p * r / 10.0 + s3 * p * p * p / 180.0;
            self.column[k] = step * e[k] * inner;
        }
        h.multiply(&self.column, &mut self.image);
        for k in 0..n {
            let ([s1, s2, s3, s4], p, r) = (sigma[k], self.p[k], self.r[k]);
            let branches = s2 * (r * r / 60.0 + p * chains[k] / 20.0 + p * squares[k] / 120.0);
            out[k] =
                e[k] * (s1 * self.image[k] + branches - s3 * (p * p * r / 120.0) - s4 * ((p * p) * (p * p) / 720.0));
        }
    }

    /// `p = HF` and, if the order asks for it, `r = H(F∘σ_1 p)`.
    fn first_products(&mut self, h: &Symmetric, (e, sigma): (&[f64], &[Ratios]), step: f64, order: usize) {
        for k in 0..e.len() {
            self.column[k] = step * e[k];
        }
        h.multiply(&self.column, &mut self.p);
        if order > 2 {
            for k in 0..e.len() {
                self.column[k] *= sigma[k][0] * self.p[k];
            }
            h.multiply(&self.column, &mut self.r);
        }
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
            let fourth = 1.0 - 14.0 * v + 36.0 * v * v - 24.0 * v * v * v;
            [-u, u * (1.0 - 2.0 * v), -u * (1.0 - 6.0 * v + 6.0 * v * v), u * fourth]
        },
    );

    /// What one step `S + F(S)` misses of the flow of order 4 over one unit of time is, for small F, the
    /// first dropped term; the terms of order 6 add about ρ of it, and more where signs cancel: halving F halves
    /// the difference.
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
                    let (mut dropped, sigma) = ([0.0; 3], start.map(law.1));
                    Field::new(3).first_dropped(&product, (&f, &sigma), 1.0, &mut dropped);
                    let top = dropped.iter().fold(0.0f64, |top, v| top.max(v.abs()));
                    let off = (0..3).fold(0.0f64, |off, k| off.max((defect[k] - dropped[k]).abs())) / top;
                    assert!(off < 0.3 && off < 0.6 * last, "{start:?} {scale}: {defect:?} {dropped:?}");
                    last = off;
                }
            }
        }
    }

    /// `F(S) − (flow of order 4 over one unit of time − S)`, with classical Runge–Kutta on 64 substeps. F is `f` at
    /// the margins `q`.
    fn defect_of_one_step(h: &Symmetric, (log, ratios): Law, q: &[f64; 3], f: &[f64; 3]) -> [f64; 3] {
        let mut field = Field::new(3);
        let mut slope = |s: &[f64; 3]| {
            let (mut hs, mut out) = ([0.0; 3], [0.0; 3]);
            h.multiply(s, &mut hs);
            let e: Vec<f64> = (0..3).map(|k| f[k] * libm::exp(log(q[k] + hs[k]) - log(q[k]))).collect();
            let sigma: Vec<Ratios> = (0..3).map(|k| ratios(q[k] + hs[k])).collect();
            field.evaluate(h, (&e, &sigma), 1.0, ORDER, &mut out);
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
