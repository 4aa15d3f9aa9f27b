//! The explicit Runge–Kutta method of order 8 of Dormand and Prince, with error estimates of order 5
//! and 3 (DOP853).
//!
//! For `y' = f(u, y)` and a step h:
//!
//! ```text
//! k_i = f(u + c_i h, y + h Σ_{j<i} a_ij k_j),   y(u + h) = y + h Σ_i b_i k_i
//! ```
//!
//! Coefficients: Hairer, Nørsett, Wanner, *Solving Ordinary Differential Equations I*, 2nd edition,
//! II.5, II.6 and II.10, and the authors' code dop853.f, rounded to f64. Twelve evaluations a step, and no
//! memory from one step to the next.

use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};

/// Evaluations of the field per step.
pub const STAGES: usize = 12;

/// The nodes c_i.
pub const NODES: [f64; STAGES] = [
    0.0,
    0.05260015195876773,
    0.0789002279381516,
    0.1183503419072274,
    0.2816496580927726,
    0.3333333333333333,
    0.25,
    0.3076923076923077,
    0.6512820512820513,
    0.6,
    0.8571428571428571,
    1.0,
];

/// The coefficients a_ij that are not zero, as (j, a_ij), row by row.
const COEFFICIENTS: [&[(usize, f64)]; STAGES] = [
    &[],
    &[(0, 0.05260015195876773)],
    &[(0, 0.0197250569845379), (1, 0.0591751709536137)],
    &[(0, 0.02958758547680685), (2, 0.08876275643042054)],
    &[(0, 0.2413651341592667), (2, -0.8845494793282861), (3, 0.924834003261792)],
    &[(0, 0.037037037037037035), (3, 0.17082860872947386), (4, 0.12546768756682242)],
    &[(0, 0.037109375), (3, 0.17025221101954405), (4, 0.06021653898045596), (5, -0.017578125)],
    &[
        (0, 0.03709200011850479),
        (3, 0.17038392571223998),
        (4, 0.10726203044637328),
        (5, -0.015319437748624402),
        (6, 0.008273789163814023),
    ],
    &[
        (0, 0.6241109587160757),
        (3, -3.3608926294469414),
        (4, -0.868219346841726),
        (5, 27.59209969944671),
        (6, 20.154067550477894),
        (7, -43.48988418106996),
    ],
    &[
        (0, 0.47766253643826434),
        (3, -2.4881146199716677),
        (4, -0.590290826836843),
        (5, 21.230051448181193),
        (6, 15.279233632882423),
        (7, -33.28821096898486),
        (8, -0.020331201708508627),
    ],
    &[
        (0, -0.9371424300859873),
        (3, 5.186372428844064),
        (4, 1.0914373489967295),
        (5, -8.149787010746927),
        (6, -18.52006565999696),
        (7, 22.739487099350505),
        (8, 2.4936055526796523),
        (9, -3.0467644718982196),
    ],
    &[
        (0, 2.273310147516538),
        (3, -10.53449546673725),
        (4, -2.0008720582248625),
        (5, -17.9589318631188),
        (6, 27.94888452941996),
        (7, -2.8589982771350235),
        (8, -8.87285693353063),
        (9, 12.360567175794303),
        (10, 0.6433927460157636),
    ],
];

/// The weights b_i that are not zero: the result of order 8.
const WEIGHTS: &[(usize, f64)] = &[
    (0, 0.054293734116568765),
    (5, 4.450312892752409),
    (6, 1.8915178993145003),
    (7, -5.801203960010585),
    (8, 0.3111643669578199),
    (9, -0.1521609496625161),
    (10, 0.20136540080403034),
    (11, 0.04471061572777259),
];

/// Weights of the error estimate of order 5.
const FIFTH: &[(usize, f64)] = &[
    (0, 0.01312004499419488),
    (5, -1.2251564463762044),
    (6, -0.4957589496572502),
    (7, 1.6643771824549864),
    (8, -0.35032884874997366),
    (9, 0.3341791187130175),
    (10, 0.08192320648511571),
    (11, -0.022355307863886294),
];

/// Weights of the embedded formula of order 3, whose difference from the result is the second estimate.
const THIRD: &[(usize, f64)] = &[(0, 0.2440944881889764), (8, 0.7338466882816119), (11, 0.022058823529411766)];

/// `h Σ_j a_ij k_j`, what is added to y before the field is evaluated for stage i.
pub fn displacement(i: usize, h: f64, k: &[Vec<f64>], out: &mut [f64]) {
    combine(COEFFICIENTS[i], h, k, out);
}

/// `h Σ_i b_i k_i`, the change of y.
pub fn change(h: f64, k: &[Vec<f64>], out: &mut [f64]) {
    combine(WEIGHTS, h, k, out);
}

/// The two error estimates of the change, of order 5 and of order 3.
pub fn errors(h: f64, k: &[Vec<f64>], fifth: &mut [f64], third: &mut [f64]) {
    combine(FIFTH, h, k, fifth);
    let mut embedded = vec![0.0; third.len()];
    combine(THIRD, h, k, &mut embedded);
    combine(WEIGHTS, h, k, third);
    third.iter_mut().zip(&embedded).for_each(|(e, embedded)| *e -= embedded);
}

/// The error of a step from the sizes of its two estimates: `e₅²/√(e₅² + 0.01 e₃²)`, which behaves like h⁸.
pub fn combined_error(fifth: f64, third: f64) -> f64 {
    if fifth == 0.0 {
        return 0.0;
    }
    let ratio = 0.1 * third / fifth;
    fifth / ratio.mul_add(ratio, 1.0).sqrt()
}

fn combine(weights: &[(usize, f64)], h: f64, k: &[Vec<f64>], out: &mut [f64]) {
    Isa::current().dispatch(Combine { weights, h, k, out });
}

struct Combine<'a> {
    weights: &'a [(usize, f64)],
    h: f64,
    k: &'a [Vec<f64>],
    out: &'a mut [f64],
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weights, h, k, out } = self;
        out.fill(0.0);
        for &(j, weight) in weights {
            let k = &k[j][..out.len()];
            for i in 0..out.len() {
                out[i] = weight.mul_add(k[i], out[i]);
            }
        }
        for out in out {
            *out *= h;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Σ b_i c_i^{p-1} = 1/p` up to order 8, and the rows of A sum to the nodes.
    #[test]
    fn order_conditions() {
        for p in 1..=8 {
            let sum: f64 = WEIGHTS.iter().map(|&(i, b)| b * NODES[i].powi(p - 1)).sum();
            assert!((sum - 1.0 / f64::from(p)).abs() < 1e-14, "order {p}");
        }
        for (row, c) in COEFFICIENTS.iter().zip(NODES) {
            assert!((row.iter().map(|(_, a)| a).sum::<f64>() - c).abs() < 1e-13);
        }
    }

    /// `y' = |y|² (-y₂, y₁)` from (1, 0) to u = 3: the distance to (cos 3, sin 3).
    fn error_on_the_circle(steps: usize) -> f64 {
        let h = 3.0 / steps as f64;
        let (mut y, mut moved, mut k) = (vec![1.0, 0.0], vec![0.0; 2], vec![vec![0.0; 2]; STAGES]);
        for _ in 0..steps {
            for i in 0..STAGES {
                displacement(i, h, &k, &mut moved);
                let at = [y[0] + moved[0], y[1] + moved[1]];
                let speed = at[0] * at[0] + at[1] * at[1];
                k[i] = vec![-speed * at[1], speed * at[0]];
            }
            change(h, &k, &mut moved);
            y.iter_mut().zip(&moved).for_each(|(y, moved)| *y += moved);
        }
        (y[0] - libm::cos(3.0)).abs().max((y[1] - libm::sin(3.0)).abs())
    }

    /// Halving the step divides the error by about 2⁸.
    #[test]
    fn converges_with_order_eight() {
        let order = (error_on_the_circle(8) / error_on_the_circle(16)).log2();
        assert!((7.5..9.5).contains(&order), "order {order}");
    }
}
