//! The certified gap against the true one in numbers of 106 bits, for every precision and on data meant to
//! break it: norms of any size and mixed, duplicated and nearly opposite rows, tiny margins, many features.

mod exact;

use exact::{Double, cosine_gap, limit};
use farfield::descent::direct::Direct;
use farfield::descent::fused::Options;
use farfield::descent::span::{self, SpanStart};
use farfield::descent::voyage::{self, Voyage};
use farfield::engine::{Engine, Flips, Precision, Stop};
use farfield::inner_products::InnerProducts;
use farfield::inner_products::{Gram, preactivations};
use farfield::lanczos::largest_eigenvalue;
use farfield::limit::{Limit, Prediction};
use farfield::matrix::Matrix;
use farfield::monitor::Monitor;
use farfield::network::{Network, Pattern};
use farfield::{Data, Error, Loss, Problem, Reduction, StepSize};
use proptest::prelude::*;
use std::sync::Arc;

/// A small problem.
#[derive(Clone, Debug)]
struct Case {
    x: Arc<Matrix>,
    y: Vec<f64>,
    network: Network,
    rate: f64,
    start: Matrix,
}

/// How rows are bent to be hard.
#[derive(Clone, Copy, Debug)]
struct Bend {
    /// All samples times 10 to this power.
    scale: i32,
    /// Row i times 10^(−i·spread/n).
    spread: i32,
    /// The last row is a copy of the first.
    duplicate: bool,
    /// The last row but one is nearly the first, with the other label, at this distance: a tiny margin.
    near: Option<f64>,
}

/// Numbers in (-1, 1).
fn noise(mut state: u64) -> impl FnMut() -> f64 {
    state = state.wrapping_mul(6364136223846793005) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn case(n: usize, d: usize, m: usize, seed: u64, bend: Bend) -> Case {
    let mut next = noise(seed + 1);
    let mut y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let mut x = Matrix::new(n, d, (0..n * d).map(|_| next()).collect());
    (0..n).for_each(|i| x[(i, 0)] += y[i]);
    if let Some(distance) = bend.near.filter(|_| n > 2) {
        for k in 0..d {
            x[(n - 2, k)] = x[(0, k)] + distance * next();
        }
        y[n - 2] = -y[0];
    }
    if bend.duplicate && n > 1 {
        (0..d).for_each(|k| x[(n - 1, k)] = x[(0, k)]);
        y[n - 1] = y[0];
    }
    for i in 0..n {
        let size = 10f64.powi(bend.scale - (i as i32 * bend.spread) / n as i32);
        x.row_mut(i).iter_mut().for_each(|v| *v *= size);
    }
    let k = Gram(farfield::gram::gram(&x));
    let lambda = largest_eigenvalue(n, |v| k.apply(v));
    let network = Network { width: m, positive: m.div_ceil(2), leak: 0.2 };
    let start = Matrix::new(m, d, (0..m * d).map(|_| 1e-3 * next() / lambda.sqrt()).collect());
    Case { x: x.into(), y, network, rate: 1.0 / lambda, start }
}

impl Case {
    fn direct(&self, precision: Precision, start: &Matrix) -> Direct {
        let options = Options { precision, tied: true, nest: None };
        Direct::new(self.x.clone(), &self.y, &self.network, (Loss::Exponential, self.rate), start, &options)
    }

    fn horizon(&self, mixed: bool, start: &Matrix) -> Voyage {
        let k = Arc::new(Gram(farfield::gram::gram(&self.x)));
        let from = SpanStart::new(start.clone(), preactivations(&self.x, start));
        let problem = span::SpanProblem::new(
            k,
            Some(self.x.clone()),
            self.y.clone(),
            self.network,
            (Loss::Exponential, self.rate),
            from,
        );
        Voyage::new(Arc::new(problem), 0.0, Flips::default(), voyage::Options { mixed, ..Default::default() })
    }

    /// None for samples that are refused: products of them leave the range of f64.
    fn monitor(&self) -> Option<Monitor> {
        let data = Data::new(self.x.clone(), self.y.clone()).ok()?;
        let step = StepSize::Fixed(self.rate);
        Some(Monitor::new(&Problem::with(&data, self.network, step, Reduction::Sum).expect("a problem")))
    }

    /// Compares the certificate of an engine's iterate, whose exact weights `weights` knows, with the truth.
    /// Whether both were known.
    fn compare<E: Engine>(&self, engine: &mut E, weights: impl Fn(&mut E) -> Vec<Double>) -> bool {
        let Some(mut monitor) = self.monitor() else {
            return false;
        };
        let row = monitor.observe(engine);
        let Some(certified) = row.certified_cosine_gap else {
            return false;
        };
        let pattern = Pattern::of(engine.iterate().preactivations(), self.y.len(), self.network.width);
        let Some(Prediction::Limit(guess)) = monitor.prediction(&pattern) else {
            return false;
        };
        let Some(direction) = limit(&self.x, &self.y, &self.network, &pattern, &guess.lambda) else {
            return false;
        };
        let truth = cosine_gap(&weights(engine), &direction);
        let t = engine.t();
        assert!(certified >= truth.0, "t = {t}: certified {certified:e} below {:e} of {self:?}", truth.0);
        true
    }

    /// W of a view as it is.
    fn held(engine: &mut Direct) -> Vec<Double> {
        exact::exact(engine.iterate().weights().values())
    }

    /// `W(0) + CᵀX` exactly.
    fn spanned(&self, start: &Matrix, engine: &mut Voyage) -> Vec<Double> {
        let (m, c) = (self.network.width, engine.coefficients().coefficients().hi());
        let weight = |j: usize, k: usize| {
            let term = |i: usize| Double::from(c[i * m + j]) * Double::from(self.x[(i, k)]);
            (0..self.x.rows()).fold(Double::from(start[(j, k)]), |sum, i| sum + term(i))
        };
        (0..m).flat_map(|j| (0..self.x.cols()).map(move |k| weight(j, k)).collect::<Vec<_>>()).collect()
    }

    /// W after some steps times `boost`.
    fn stepped(&self, steps: f64, boost: f64) -> Matrix {
        let mut engine = self.direct(Precision::F64, &self.start);
        engine.advance(steps, &Stop::default());
        let weights = engine.iterate().weights();
        let values = weights.values().iter().map(|w| w * boost).collect();
        Matrix::new(weights.rows(), weights.cols(), values)
    }

    /// The limit of the activated pattern times `boost`, off by `noise` relative to its size: tiny gaps, and
    /// positive margins even where GD would take ages to get them.
    fn near_limit(&self, boost: f64, size: f64) -> Option<Matrix> {
        let gram = Gram(farfield::gram::gram(&self.x));
        let pattern = Pattern::activated(&self.network, &self.y);
        let prediction = Limit::of_pattern(&gram, Some(&self.x), &self.y, &self.network, &pattern, None);
        let Prediction::Limit(limit) = prediction else {
            return None;
        };
        let mut weights = limit.weights(&self.x);
        let (mut next, scale) = (noise(11), boost * size * weights.norm());
        let scale = scale / (weights.values().len() as f64).sqrt();
        weights.values_mut().iter_mut().for_each(|w| *w = w.mul_add(boost, scale * next()));
        Some(weights)
    }

    /// Every precision from these weights: how many certificates were compared.
    fn check(&self, start: &Matrix) -> usize {
        let mut compared = 0;
        for t in [0.0, 1.0, 150.0] {
            for precision in [Precision::F64, Precision::F32, Precision::Mixed] {
                let mut engine = self.direct(precision, start);
                engine.advance(t, &Stop::default());
                compared += usize::from(self.compare(&mut engine, Self::held));
            }
            for mixed in [false, true] {
                let mut engine = self.horizon(mixed, start);
                engine.advance(t, &Stop::default());
                compared += usize::from(self.compare(&mut engine, |engine| self.spanned(start, engine)));
            }
        }
        compared
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn certified_gaps_bound_the_true_ones(
        n in 1usize..8,
        d in 1usize..25,
        m in 1usize..5,
        seed in 0u64..100_000,
        scale in prop_oneof![Just(0), -30i32..30, Just(-120), Just(120)],
        spread in prop_oneof![Just(0), 0i32..8],
        duplicate in any::<bool>(),
        near in prop_oneof![Just(None), (-6.0f64..-1.0).prop_map(|e| Some(10f64.powf(e)))],
        steps in prop_oneof![Just(20.0), Just(300.0), Just(3000.0)],
        boost in prop_oneof![Just(1.0), Just(30.0), Just(1e4)],
        off in -17.0f64..-1.0,
    ) {
        let case = case(n, d, m, seed, Bend { scale, spread, duplicate, near });
        case.check(&case.stepped(steps, boost));
        if let Some(start) = case.near_limit(boost, 10f64.powf(off)) {
            case.check(&start);
        }
    }
}

/// The comparison above is made, and not vacuous: on plain problems for every precision at every t.
#[test]
fn plain_problems_are_all_compared() {
    let plain = Bend { scale: 0, spread: 0, duplicate: false, near: None };
    for seed in 0..5 {
        let case = case(5, 20, 4, seed, plain);
        assert_eq!(case.check(&case.stepped(300.0, 1.0)), 15);
    }
    let hard = Bend { scale: 25, spread: 3, duplicate: true, near: Some(1e-3) };
    let hard = |seed| {
        let case = case(6, 20, 1, seed, hard); // a single neuron: its limit is always activated
        case.near_limit(3.0, 1e-9).map_or(0, |start| case.check(&start))
    };
    let compared: usize = (0..20).map(hard).sum();
    assert!(compared > 150, "{compared} of 300");
}

/// A million features: sums of a million terms in each product.
#[test]
fn a_million_features() {
    let bend = Bend { scale: 0, spread: 1, duplicate: true, near: None };
    let case = case(4, 1_000_000, 1, 7, bend);
    for precision in [Precision::F64, Precision::F32, Precision::Mixed] {
        let mut engine = case.direct(precision, &case.start);
        engine.advance(40.0, &Stop::default());
        assert!(case.compare(&mut engine, Case::held), "{precision:?}");
    }
}

/// Data whose products leave the range of f64 are refused: no certificate is given of them.
#[test]
fn no_problem_beyond_the_range() {
    for scale in [-150, 148] {
        let case = case(3, 10, 2, 1, Bend { scale, spread: 0, duplicate: false, near: None });
        assert!(matches!(Data::new(case.x, case.y), Err(Error::Length { .. })), "{scale}");
    }
}
