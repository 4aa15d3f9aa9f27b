//! The specification: one gradient-descent step in plain `f64`, written to be read.
//!
//! Data `x_i ∈ R^d`, labels `y_i = ±1`, network `f(x;W) = Σ_j a_j φ(⟨x,w_j⟩)` with `φ(u) = u` for
//! `u > 0` and `γu` otherwise. One step of gradient descent on `c Σ_i ℓ(y_i f(x_i;W))`:
//!
//! ```text
//! z_ij = ⟨x_i, w_j⟩                      forward
//! q_i  = y_i Σ_j a_j φ(z_ij)             margins
//! S_ij = αc s(q_i) y_i a_j g_ij          coefficients, s = −ℓ', g_ij = φ'(z_ij), φ'(0) = γ
//! w_j += Σ_i S_ij x_i                    step
//! ```
//!
//! Matrices are row-major: X is n×d, W is m×d, Z and S are n×m.

use crate::loss::Loss;

/// A problem, and the constants of the step.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// Number of features d.
    pub d: usize,
    /// The samples X (n×d).
    pub x: &'a [f64],
    /// Labels ±1 (n).
    pub y: &'a [f64],
    /// Output weights a (m).
    pub a: &'a [f64],
    /// Slope γ of the leaky ReLU for `u ≤ 0`.
    pub leak: f64,
    /// The loss ℓ.
    pub loss: Loss,
    /// `αc`: step size times the weight of one sample's loss.
    pub rate: f64,
}

impl Problem<'_> {
    /// `φ'(u)`.
    pub fn slope(&self, u: f64) -> f64 {
        if u > 0.0 { 1.0 } else { self.leak }
    }

    /// `Z = XWᵀ` (n×m).
    pub fn forward(&self, w: &[f64]) -> Vec<f64> {
        let dot = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
        self.x.chunks(self.d).flat_map(|x| w.chunks(self.d).map(move |w| dot(x, w))).collect()
    }

    /// `q_i = y_i Σ_j a_j φ(z_ij)` (n).
    pub fn margins(&self, z: &[f64]) -> Vec<f64> {
        let output = |z: &[f64]| z.iter().zip(self.a).map(|(&z, a)| a * z * self.slope(z)).sum::<f64>();
        z.chunks(self.a.len()).zip(self.y).map(|(z, y)| y * output(z)).collect()
    }

    /// `rate·Σ_i ℓ(q_i)`: `α` times the loss.
    pub fn scaled_loss(&self, w: &[f64]) -> f64 {
        self.rate * libm::exp(self.loss.log_sum(&self.margins(&self.forward(w))))
    }

    /// `S_ij = αc s(q_i) y_i a_j φ'(z_ij)` (n×m).
    pub fn coefficients(&self, z: &[f64]) -> Vec<f64> {
        let m = self.a.len();
        let weight = |(q, y): (&f64, &f64)| self.rate * self.loss.weight(*q) * y;
        let scale: Vec<f64> = self.margins(z).iter().zip(self.y).map(weight).collect();
        z.iter().enumerate().map(|(at, &z)| scale[at / m] * self.a[at % m] * self.slope(z)).collect()
    }

    /// `SᵀX` (m×d): minus the gradient of [`Self::scaled_loss`].
    pub fn update(&self, s: &[f64]) -> Vec<f64> {
        let (m, d) = (self.a.len(), self.d);
        let mut update = vec![0.0; m * d];
        for (x, s) in self.x.chunks(d).zip(s.chunks(m)) {
            for (row, s) in update.chunks_mut(d).zip(s) {
                row.iter_mut().zip(x).for_each(|(u, x)| *u += s * x);
            }
        }
        update
    }

    /// One step, in place.
    pub fn step(&self, w: &mut [f64]) {
        let update = self.update(&self.coefficients(&self.forward(w)));
        w.iter_mut().zip(update).for_each(|(w, u)| *w += u);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [-1, 1] from a linear congruential generator: enough for finite differences.
    fn numbers(count: usize, mut state: u64) -> Vec<f64> {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn the_update_is_minus_the_gradient_by_central_differences() {
        Loss::ALL.iter().for_each(|loss| differences(*loss));
    }

    fn differences(loss: Loss) {
        let (n, d, m) = (7, 5, 4);
        let x = numbers(n * d, 1);
        let y: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect();
        let problem = Problem { d, x: &x, y: &y, a: &[0.5, 0.5, -0.5, -0.5], leak: 0.1, loss, rate: 0.3 };
        let w = numbers(m * d, 2);
        let update = problem.update(&problem.coefficients(&problem.forward(&w)));
        // Truncation error h²|L'''|/6 and rounding error ε|L|/h balance near h = 1e-5.
        let h = 1e-5;
        for k in 0..w.len() {
            let mut moved = w.clone();
            moved[k] = w[k] + h;
            let up = problem.scaled_loss(&moved);
            moved[k] = w[k] - h;
            let down = problem.scaled_loss(&moved);
            let slope = (up - down) / (2.0 * h);
            let update = update[k];
            assert!((slope + update).abs() < 1e-9, "{loss}, component {k}: {slope} against {}", -update);
        }
    }

    #[test]
    fn the_slope_at_zero_is_the_leak() {
        let problem = Problem { d: 1, x: &[0.0], y: &[1.0], a: &[1.0], leak: 0.25, loss: Loss::Exponential, rate: 1.0 };
        assert_eq!(problem.coefficients(&problem.forward(&[3.0])), [0.25]);
    }
}
