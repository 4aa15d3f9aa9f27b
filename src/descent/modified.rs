//! The flow that discrete gradient descent lies on: the modified equation of backward error analysis.
//!
//! In a fixed pattern a GD step is Euler's method with step 1 for `Ṡ = F(S)`, `F = αc e^{-q}`,
//! `q = q₀ + HS`. Its iterates are the values at integer times of the flow of
//!
//! ```text
//! F̃ = F − ½F'F + (1/12)F''(F,F) + (1/3)F'F'F
//!       − (1/12)F''(F,F'F) − (1/12)F'F''(F,F) − (1/4)F'F'F'F + …
//! ```
//!
//! (Hairer, Lubich, Wanner, *Geometric Numerical Integration*, IX; for GD, Barrett & Dherin 2021).
//! With `F'v = −F∘Hv` and `F''(v,w) = F∘Hv∘Hw`, and `p = HF`, `r = H(F∘p)`:
//!
//! ```text
//! F̃ = F ∘ [ 1 + ½p + p²/12 + r/3 + p∘r/12 + H(F∘p²/12 + F∘r/4) + … ]
//! ```
//!
//! one product with H for each further order. The term of order k is smaller than F by `ρ^{k-1}`,
//! `ρ = ‖diag(F)H‖ ≈ 1/t`. The first term left out, of order 5, has nine parts:
//!
//! ```text
//! F ∘ [ H(F∘(r_b/5 + 3r_a/40 + p∘r/10 + p³/180)) + r²/60 + p∘r_b/20 + p∘r_a/120 − p²∘r/120 − p⁴/720 ],
//! r_a = H(F∘p²),  r_b = H(F∘r)
//! ```
//!
//! (the pre-Lie Magnus expansion up to trees with five nodes). It measures what the field neglects.

use super::symmetric::Symmetric;

/// Terms below this relative size are left out of the field.
const NEGLIGIBLE: f64 = 1e-18;

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

    /// `out = t F̃` from `e = t F`, up to `order` ≤ 4.
    pub fn evaluate(&mut self, h: &Symmetric, e: &[f64], t: f64, order: usize, out: &mut [f64]) {
        let n = e.len();
        let step = 1.0 / t;
        out.copy_from_slice(e);
        if order < 2 {
            return;
        }
        self.first_products(h, e, step, order);
        if order < 4 {
            self.image.fill(0.0);
        } else {
            for k in 0..n {
                self.column[k] = step * e[k] * (self.p[k] * self.p[k] / 12.0 + self.r[k] / 4.0);
            }
            h.multiply(&self.column, &mut self.image);
        }
        for k in 0..n {
            let (p, r) = (self.p[k], self.r[k]);
            let third = if order < 3 { 0.0 } else { p * p / 12.0 + r / 3.0 };
            let fourth = if order < 4 { 0.0 } else { p * r / 12.0 + self.image[k] };
            out[k] = e[k] * (1.0 + (0.5 * p + (third + fourth)));
        }
    }

    /// `out = t` times the term of order 5.
    pub fn first_dropped(&mut self, h: &Symmetric, e: &[f64], t: f64, out: &mut [f64]) {
        let n = e.len();
        let step = 1.0 / t;
        self.first_products(h, e, step, ORDER);
        let (mut squares, mut chains) = (vec![0.0; n], vec![0.0; n]);
        for k in 0..n {
            self.column[k] = step * e[k] * self.p[k] * self.p[k];
        }
        h.multiply(&self.column, &mut squares);
        for k in 0..n {
            self.column[k] = step * e[k] * self.r[k];
        }
        h.multiply(&self.column, &mut chains);
        for k in 0..n {
            let (p, r) = (self.p[k], self.r[k]);
            self.column[k] = step * e[k] * (chains[k] / 5.0 + 0.075 * squares[k] + p * r / 10.0 + p * p * p / 180.0);
        }
        h.multiply(&self.column, &mut self.image);
        for k in 0..n {
            let (p, r) = (self.p[k], self.r[k]);
            let branches = r * r / 60.0 + p * chains[k] / 20.0 + p * squares[k] / 120.0;
            out[k] = e[k] * (self.image[k] + branches - p * p * r / 120.0 - (p * p) * (p * p) / 720.0);
        }
    }

    /// `p = HF` and, if the order asks for it, `r = H(F∘p)`.
    fn first_products(&mut self, h: &Symmetric, e: &[f64], step: f64, order: usize) {
        for k in 0..e.len() {
            self.column[k] = step * e[k];
        }
        h.multiply(&self.column, &mut self.p);
        if order > 2 {
            for k in 0..e.len() {
                self.column[k] *= self.p[k];
            }
            h.multiply(&self.column, &mut self.r);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// What one step `S + F(S)` misses of the flow of order 4 over one unit of time is, for small F, the
    /// first dropped term; the terms of order 6 add about ρ ≤ 0.1 of it, and more where signs cancel.
    #[test]
    fn one_step_lies_on_the_flow() {
        let h = Matrix::new(3, 3, vec![2.0, 0.3, -0.4, 0.3, 1.5, 0.6, -0.4, 0.6, 1.0]);
        let product = Symmetric::new(&h);
        for scale in [0.02, 0.01] {
            let f = [scale, 0.7 * scale, 1.4 * scale];
            let defect = defect_of_one_step(&product, &f);
            let mut dropped = [0.0; 3];
            Field::new(3).first_dropped(&product, &f, 1.0, &mut dropped);
            for k in 0..3 {
                assert!((defect[k] / dropped[k] - 1.0).abs() < 0.3, "{scale}: {defect:?} {dropped:?}");
            }
        }
    }

    /// `F(S) − (flow of order 4 over one unit of time − S)`, with classical Runge–Kutta on 64 substeps.
    fn defect_of_one_step(h: &Symmetric, f: &[f64; 3]) -> [f64; 3] {
        let mut field = Field::new(3);
        let mut slope = |s: &[f64; 3]| {
            let (mut hs, mut out) = ([0.0; 3], [0.0; 3]);
            h.multiply(s, &mut hs);
            let e: Vec<f64> = (0..3).map(|k| f[k] * libm::exp(-hs[k])).collect();
            field.evaluate(h, &e, 1.0, ORDER, &mut out);
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
