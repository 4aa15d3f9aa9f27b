//! Events of averaged descent at times known in closed form.
//!
//! Two neurons of opposite sign (`a = ±1/√2`) and mirror images: samples 1 and 3 with y = +1, samples 2 and 4 with
//! y = −1, the inner products unchanged under 1 ↔ 2, 3 ↔ 4, and so the losses and all that follows.
//!
//! *Two samples*, `K₁₁ = K₂₂ = 1, K₁₂ = c`. Sample 1 lies below the kink of the negative neuron, at z = −D, and sample 2
//! below that of the positive one. With own slopes g, and S the sum of `αcℓ`,
//!
//! ```text
//! dz_opposite/dS = a(cg − γ),   dq/dS = h = ½(g² − 2γgc + γ²),   e^q = e^{q₀} + hα(t − t₀)
//! ```
//!
//! and once both slide the slope is θ = cg.
//!
//! *Four samples*, pairs (1,−), (2,+) sliding, 3 and 4 below theirs, own slopes 1; `K₃₃ = k, K₃₄ = c', K₁₃ = p,
//! K₁₄ = r` with `p = r(c + γ)/(1 + γc)`, which makes the margins of 1 and 3 independent of each other:
//!
//! ```text
//! h₁ = ½(1 − c²),   h₃ = ½(k − r² + γ²(k − p²) − 2γ(c' − rp))
//! θ₁ = c + (r − γp) e₃/e₁,   dz₃ = a[(c' − pr − s(k − p²)) dS₃ + (r − pc) dS₁]     (s its slope)
//! ```
//!
//! All of it begins at t₀ = 10¹⁷, where averages differ from the flow by less than rounding. Events are located within 2·10⁻¹¹
//! of the largest z, or of a slope; the rates here are above a hundredth of that per unit of log t, so times
//! are right to 10⁻⁸ with room.

use farfield::descent::sliding::Sliding;
use farfield::descent::sliding::events::Event;
use farfield::descent::sliding::mode::Place::{self, Above, Below, Kink};
use farfield::descent::span::{Coefficients, SpanProblem, SpanStart};
use farfield::engine::{Flips, Reached, Stop};
use farfield::inner_products::Gram;
use farfield::matrix::Matrix;
use farfield::network::Network;
use farfield_kernels::loss::Loss;
use std::sync::Arc;

const START: f64 = 1e17;
const RATE: f64 = 0.25;
const LEAK: f64 = 0.1;

/// A problem on K with labels +, −, +, −, at t₀ with these pre-activations (n×m) on `positive` and `negative` neurons.
fn problem(k: Vec<f64>, z: Vec<f64>, positive: usize, negative: usize) -> Arc<SpanProblem> {
    let (width, n) = (positive + negative, z.len() / (positive + negative));
    let labels = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let start = SpanStart { preactivations: z, squared_norms: vec![1.0; width], weights: None };
    let network = Network { width, positive, leak: LEAK };
    Arc::new(SpanProblem::new(
        Arc::new(Gram(Matrix::new(n, n, k))),
        None,
        labels,
        network,
        (Loss::Exponential, RATE),
        start,
    ))
}

/// Follows the averages from t₀; pairs with z = 0 slide.
fn events(problem: &Arc<SpanProblem>, end: f64) -> Vec<Event> {
    let z = &problem.start.preactivations;
    let place = |z: &f64| match z {
        0.0 => Kink,
        z if *z > 0.0 => Above,
        _ => Below,
    };
    let state = Coefficients::new(problem.clone(), START, Flips::default());
    let mut sliding = Sliding::new(&state, z.iter().map(place).collect()).expect("slopes are determined");
    assert_eq!(sliding.advance(problem, end, f64::INFINITY, &Stop::default()), Reached::Target);
    sliding.events().to_vec()
}

/// The event of this pair from one place to another, alone of its kind, at t.
fn expect(events: &[Event], pair: (usize, usize), from: Place, to: Place, t: f64) {
    let found: Vec<&Event> =
        events.iter().filter(|e| (e.sample, e.neuron, e.from, e.to) == (pair.0, pair.1, from, to)).collect();
    assert_eq!(found.len(), 1, "{events:?}");
    assert!((found[0].t / t - 1.0).abs() < 1e-8, "{:?}, expected at {t:e}", found[0]);
}

/// The margin at t₀ from which `αct e^{-q}` is λ.
fn margin(lambda: f64) -> f64 {
    (RATE * START / lambda).ln()
}

/// The t at which S has grown by `sum` since t₀, while `dq/dS = h`.
fn time(sum: f64, q: f64, h: f64) -> f64 {
    START + (h * sum).exp_m1() * q.exp() / (h * RATE)
}

const A: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Two samples below their kinks at −D, with own pre-activations that give the margin of λ = 2.
fn two(c: f64, depth: f64) -> (Arc<SpanProblem>, f64) {
    let q = margin(2.0);
    let own = q / A - LEAK * depth;
    (problem(vec![1.0, c, c, 1.0], vec![own, -depth, -depth, own], 1, 1), q)
}

#[test]
fn two_pairs_enter_at_once() {
    let (c, depth) = (0.6, 1.5);
    let (p, q) = two(c, depth);
    let h = 0.5 * (1.0 - 2.0 * LEAK * c + LEAK * LEAK);
    let t = time(depth / (A * (c - LEAK)), q, h);
    let found = events(&p, 1e3 * t);
    assert_eq!((found.len(), found[0].t), (2, found[1].t), "{found:?}");
    expect(&found, (0, 1), Below, Kink, t);
    expect(&found, (1, 0), Below, Kink, t);
}

/// Own-sign pairs on the wrong side, at −D: they rise by `a(γ − cγ)` and cross; then nothing pulls the
/// others to their kinks, since c < γ.
#[test]
fn own_sign_pairs_cross() {
    let (c, depth) = (0.05, 0.75);
    let q = margin(2.0);
    // q = a(γ(−D) + γ·deep)
    let deep = q / (A * LEAK) + depth;
    let p = problem(vec![1.0, c, c, 1.0], vec![-depth, -deep, -deep, -depth], 1, 1);
    let h = 0.5 * (LEAK * LEAK) * (2.0 - 2.0 * c);
    let t = time(depth / (A * LEAK * (1.0 - c)), q, h);
    let found = events(&p, 1e3 * t);
    assert_eq!(found.len(), 2, "{found:?}");
    expect(&found, (0, 0), Below, Above, t);
    expect(&found, (1, 1), Below, Above, t);
}

/// Four samples with pairs (1,−) and (2,+) sliding, one or more neurons of each sign.
struct Four {
    c: f64,
    k: f64,
    other: f64, // c'
    p: f64,
    r: f64,
    margins: [f64; 2],
}

impl Four {
    /// With c, k, c', r, and λ of samples 1 and 3 at t₀.
    fn new([c, k, other, r]: [f64; 4], lambda: [f64; 2]) -> Self {
        Self { c, k, other, p: r * (c + LEAK) / (1.0 + LEAK * c), r, margins: lambda.map(margin) }
    }

    /// One neuron of each sign for each depth of (3, −).
    fn problem(&self, depths: &[f64]) -> Arc<SpanProblem> {
        let Self { c, k, other, p, r, margins: [q1, q3] } = *self;
        let (size, a) = (depths.len(), output(depths));
        let own1 = q1 / (a * size as f64);
        let own3 = (q3 / a - LEAK * depths.iter().sum::<f64>()) / size as f64;
        let (below, zero) = (depths.iter().map(|d| -d), std::iter::repeat_n(0.0, size));
        let (own1, own3) = (std::iter::repeat_n(own1, size), std::iter::repeat_n(own3, size));
        let z = own1.clone().chain(zero.clone()).chain(zero).chain(own1);
        let z = z.chain(own3.clone()).chain(below.clone()).chain(below).chain(own3);
        let gram = vec![1.0, c, p, r, c, 1.0, r, p, p, r, k, other, r, p, other, k];
        problem(gram, z.collect(), size, size)
    }

    fn rates(&self) -> [f64; 2] {
        let Self { c, k, other, p, r, .. } = *self;
        let h3 = k - r * r + LEAK * LEAK * (k - p * p) - 2.0 * LEAK * (other - r * p);
        [0.5 * (1.0 - c * c), 0.5 * h3]
    }

    /// The t at which θ₁ reaches a value: `e₃/e₁ = (E₁ + h₁ατ)/(E₃ + h₃ατ)`, `E = e^q` at t₀, τ = t − t₀.
    fn time_of_slope(&self, theta: f64) -> f64 {
        let ([h1, h3], [e1, e3]) = (self.rates(), self.margins.map(f64::exp));
        let ratio = (theta - self.c) / (self.r - LEAK * self.p);
        START + (ratio * e3 - e1) / (RATE * (h1 - ratio * h3))
    }

    /// The t at which (3, −) has risen by `depth` if nothing else happens, with `S = (q − q₀)/h`.
    fn time_of_rise(&self, depth: f64, a: f64) -> f64 {
        let Self { c, k, other, p, r, .. } = *self;
        let sum = |i: usize, t: f64| {
            let h = self.rates()[i];
            (h * RATE * (t - START) * (-self.margins[i]).exp()).ln_1p() / h
        };
        let rise = |t: f64| a * ((other - p * r - LEAK * (k - p * p)) * sum(1, t) + (r - p * c) * sum(0, t));
        let (mut before, mut after) = (START, 1e6 * START);
        for _ in 0..100 {
            let t = 0.5 * (before + after);
            if rise(t) < depth { before = t } else { after = t }
        }
        after
    }
}

/// |a| with one neuron of each sign for each depth.
fn output(depths: &[f64]) -> f64 {
    1.0 / ((2 * depths.len()) as f64).sqrt()
}

#[test]
fn pairs_leave_their_kinks() {
    // e₃/e₁ grows from ¼ towards h₁/h₃, about 1
    for (values, to, theta) in [([0.3, 1.0, 0.2, -0.25], Below, LEAK), ([0.6, 0.9, 0.2, 0.5], Above, 1.0)] {
        let four = Four::new(values, [2.0, 0.5]);
        let t = four.time_of_slope(theta);
        assert!(t > START && t < 1e3 * START, "{t:e}");
        let found = events(&four.problem(&[100.0]), 1.01 * t);
        assert_eq!(found.len(), 2, "{found:?}");
        expect(&found, (0, 1), Kink, to, t);
        expect(&found, (1, 0), Kink, to, t);
    }
}

#[test]
fn pairs_enter_beside_others() {
    let four = Four::new([0.5, 1.0, 0.5, 0.2], [2.0, 2.0]);
    let t = four.time_of_rise(0.5, output(&[0.5]));
    let found = events(&four.problem(&[0.5]), 1e3 * t);
    assert_eq!(found.len(), 2, "{found:?}");
    expect(&found, (2, 1), Below, Kink, t);
    expect(&found, (3, 0), Below, Kink, t);
}

/// Sample 1 is far heavier, and pulls neurons across the kink of sample 3.
#[test]
fn pairs_cross_without_sliding() {
    let four = Four::new([0.3, 1.0, 0.5, 0.5], [2.0, 0.2]);
    let t = four.time_of_rise(0.1, output(&[0.1]));
    let found = events(&four.problem(&[0.1]), 1.01 * t);
    assert_eq!(found.len(), 2, "{found:?}");
    expect(&found, (2, 1), Below, Above, t);
    expect(&found, (3, 0), Below, Above, t);
}

/// Neurons that began at other depths come to a kink one after the other: their group splits, and the neurons left
/// behind enter later.
#[test]
fn groups_split() {
    let (four, depths) = (Four::new([0.5, 1.0, 0.5, 0.2], [2.0, 2.0]), [0.5, 0.75]);
    let t = four.time_of_rise(0.5, output(&depths));
    let found = events(&four.problem(&depths), 1e3 * t);
    assert_eq!(found.len(), 4, "{found:?}");
    expect(&found, (2, 2), Below, Kink, t);
    expect(&found, (3, 0), Below, Kink, t);
    assert!(found[2..].iter().all(|e| e.to == Kink && e.t > 1.01 * t), "{found:?}");
}
