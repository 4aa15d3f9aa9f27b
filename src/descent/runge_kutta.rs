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
//!
//! *Dense output.* With the field at the end of the step, k₁₃, and three stages more, the polynomial of order 7
//!
//! ```text
//! y(u + xh) − y(u) = x (F₀ + x̄ (F₁ + x (F₂ + x̄ (F₃ + x (F₄ + x̄ (F₅ + x F₆)))))),     x̄ = 1 − x
//! F₀ = y(u + h) − y(u),   F₁ = h k₁ − F₀,   F₂ = 2F₀ − h (k₁ + k₁₃),   F₃₊ᵢ = h Σ_j d_ij k_j
//! ```
//!
//! follows y between the two ends.

use farfield_kernels::isa::Isa;
use pulp::{Simd, WithSimd};

/// Evaluations of the field per step.
pub const STAGES: usize = 12;

/// Evaluations per step where it is followed densely.
pub const EXTENDED: usize = 16;

/// Terms of the dense polynomial.
pub const TERMS: usize = 7;

/// The nodes c_i.
pub const NODES: [f64; EXTENDED] = [
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
    1.0,
    0.1,
    0.2,
    0.7777777777777778,
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

/// The coefficients a_ij of the last three stages.
const EXTENSION: [&[(usize, f64)]; EXTENDED - STAGES - 1] = [
    &[
        (0, 0.056167502283047954),
        (6, 0.25350021021662483),
        (7, -0.2462390374708025),
        (8, -0.12419142326381637),
        (9, 0.15329179827876568),
        (10, 0.00820105229563469),
        (11, 0.007567897660545699),
        (12, -0.008298),
    ],
    &[
        (0, 0.03183464816350214),
        (5, 0.028300909672366776),
        (6, 0.053541988307438566),
        (7, -0.05492374857139099),
        (10, -0.00010834732869724932),
        (11, 0.0003825710908356584),
        (12, -0.00034046500868740456),
        (13, 0.1413124436746325),
    ],
    &[
        (0, -0.42889630158379194),
        (5, -4.697621415361164),
        (6, 7.683421196062599),
        (7, 4.06898981839711),
        (8, 0.3567271874552811),
        (12, -0.0013990241651590145),
        (13, 2.9475147891527724),
        (14, -9.15095847217987),
    ],
];

/// The coefficients d_ij of the dense polynomial.
const DENSE: [&[(usize, f64)]; TERMS - 3] = [
    &[
        (0, -8.428938276109013),
        (5, 0.5667149535193777),
        (6, -3.0689499459498917),
        (7, 2.38466765651207),
        (8, 2.117034582445028),
        (9, -0.871391583777973),
        (10, 2.2404374302607883),
        (11, 0.6315787787694688),
        (12, -0.08899033645133331),
        (13, 18.148505520854727),
        (14, -9.194632392478356),
        (15, -4.436036387594894),
    ],
    &[
        (0, 10.427508642579134),
        (5, 242.28349177525817),
        (6, 165.20045171727028),
        (7, -374.5467547226902),
        (8, -22.113666853125306),
        (9, 7.733432668472264),
        (10, -30.674084731089398),
        (11, -9.332130526430229),
        (12, 15.697238121770845),
        (13, -31.139403219565178),
        (14, -9.35292435884448),
        (15, 35.81684148639408),
    ],
    &[
        (0, 19.985053242002433),
        (5, -387.0373087493518),
        (6, -189.17813819516758),
        (7, 527.8081592054236),
        (8, -11.57390253995963),
        (9, 6.8812326946963),
        (10, -1.0006050966910838),
        (11, 0.7777137798053443),
        (12, -2.778205752353508),
        (13, -60.19669523126412),
        (14, 84.32040550667716),
        (15, 11.99229113618279),
    ],
    &[
        (0, -25.69393346270375),
        (5, -154.18974869023643),
        (6, -231.5293791760455),
        (7, 357.6391179106141),
        (8, 93.40532418362432),
        (9, -37.45832313645163),
        (10, 104.0996495089623),
        (11, 29.8402934266605),
        (12, -43.53345659001114),
        (13, 96.32455395918828),
        (14, -39.17726167561544),
        (15, -149.72683625798564),
    ],
];

/// `h Σ_j a_ij k_j`, what is added to y before the field is evaluated for stage i.
pub fn displacement(i: usize, h: f64, k: &[Vec<f64>], out: &mut [f64]) {
    let weights = match i {
        ..STAGES => COEFFICIENTS[i],
        STAGES => WEIGHTS,
        _ => EXTENSION[i - STAGES - 1],
    };
    combine(weights, h, k, out);
}

/// The terms F of the dense polynomial, from all stages. The weights of each term but F₀ add up to 0 (those of F₁ and F₂
/// with the ends): what they weigh is `k_j − k₁`, so that where y is nearly straight nothing cancels.
pub fn dense(h: f64, k: &[Vec<f64>]) -> [Vec<f64>; TERMS] {
    let bent: Vec<Vec<f64>> = k.iter().map(|k_j| k_j.iter().zip(&k[0]).map(|(k_j, k_0)| k_j - k_0).collect()).collect();
    let of = |weights: &[(usize, f64)]| {
        let mut out = vec![0.0; k[0].len()];
        combine(weights, h, &bent, &mut out);
        out
    };
    let (rest, end) = (of(WEIGHTS), of(&[(STAGES, 1.0)]));
    let change = rest.iter().zip(&k[0]).map(|(rest, k_0)| h * k_0 + rest).collect();
    let first = rest.iter().map(|rest| -rest).collect();
    let second = rest.iter().zip(&end).map(|(rest, end)| 2.0 * rest - end).collect();
    let [third, fourth, fifth, sixth] = DENSE.map(of);
    [change, first, second, third, fourth, fifth, sixth]
}

/// The dense polynomial at the part x of the step: the change of y up to there.
pub fn dense_change(terms: &[Vec<f64>; TERMS], x: f64, out: &mut [f64]) {
    out.fill(0.0);
    for (term, factor) in terms.iter().rev().zip([x, 1.0 - x].into_iter().cycle()) {
        out.iter_mut().zip(term).for_each(|(out, term)| *out = (*out + term) * factor);
    }
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
        for row in DENSE {
            assert!(row.iter().map(|(_, d)| d).sum::<f64>().abs() < 2e-13); // of numbers up to 500
        }
        let rows = COEFFICIENTS.iter().chain([&WEIGHTS]).chain(&EXTENSION);
        for (row, c) in rows.zip(NODES) {
            assert!((row.iter().map(|(_, a)| a).sum::<f64>() - c).abs() < 1e-13);
        }
    }

    /// For `y' = p u^{p-1}`, whose stages are known, the dense polynomial is `u^p` up to order 7.
    #[test]
    fn dense_order_conditions() {
        for p in 1..=7 {
            let k: Vec<Vec<f64>> = NODES.iter().map(|c| vec![f64::from(p) * c.powi(p - 1)]).collect();
            let (terms, mut out) = (dense(1.0, &k), [0.0]);
            for x in [0.0, 0.03, 0.25, 0.5, 0.8, 1.0] {
                dense_change(&terms, x, &mut out);
                assert!((out[0] - f64::powi(x, p)).abs() < 1e-13, "order {p} at {x}");
            }
        }
    }

    /// `y' = |y|² (-y₂, y₁)` from (1, 0) to u = 3: the distance to (cos 3, sin 3), and the largest to the circle between
    /// the ends of the steps.
    fn errors_on_the_circle(steps: usize) -> (f64, f64) {
        let (h, mut between) = (3.0 / steps as f64, 0.0f64);
        let (mut y, mut moved, mut k) = (vec![1.0, 0.0], vec![0.0; 2], vec![vec![0.0; 2]; EXTENDED]);
        let distance = |y: &[f64], u: f64| (y[0] - libm::cos(u)).abs().max((y[1] - libm::sin(u)).abs());
        for step in 0..steps {
            for i in 0..EXTENDED {
                displacement(i, h, &k, &mut moved);
                let at = [y[0] + moved[0], y[1] + moved[1]];
                let speed = at[0] * at[0] + at[1] * at[1];
                k[i] = vec![-speed * at[1], speed * at[0]];
            }
            let terms = dense(h, &k);
            for x in [0.2, 0.4, 0.6, 0.8] {
                dense_change(&terms, x, &mut moved);
                let at = [y[0] + moved[0], y[1] + moved[1]];
                between = between.max(distance(&at, (step as f64 + x) * h));
            }
            change(h, &k, &mut moved);
            y.iter_mut().zip(&moved).for_each(|(y, moved)| *y += moved);
        }
        (distance(&y, 3.0), between)
    }

    /// Halving the step divides the error by about 2⁸, and by no less than 2⁷ between the ends.
    #[test]
    fn converges_with_order_eight() {
        let ((whole, whole_between), (half, half_between)) = (errors_on_the_circle(8), errors_on_the_circle(16));
        let (order, between) = ((whole / half).log2(), (whole_between / half_between).log2());
        assert!((7.5..9.5).contains(&order), "order {order}");
        assert!((6.5..9.5).contains(&between), "order {between} between the ends");
    }
}
