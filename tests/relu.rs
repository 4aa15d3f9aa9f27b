//! Leak 0, the ReLU: neurons and samples that die, against plain steps that share no code with the library.
//!
//! The plain steps are on X and W as one reads them, with W in two parts so that their sum loses nothing; they count the changes of
//! bits themselves. Engines round each step: the margins of two of them differ by no more than what `T` steps leave, and where
//! averages are in use by what these claim.

use farfield::{
    Data, Descent, EngineChoice, EngineKind, Loss, Matrix, Network, Noise, Options, Problem, Reduction, Start, StepSize,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::ops::ControlFlow::Continue;

/// A problem in plain arrays.
struct Case {
    name: &'static str,
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    a: Vec<f64>,
    w: Vec<Vec<f64>>,
    rate: f64,
    logistic: bool,
}

/// Samples about `±signal (1, …, 1)/√d` with flipped labels, `width` neurons of which `positive` are positive, W(0) of this size.
fn case(
    name: &'static str,
    seed: u64,
    (n, d): (usize, usize),
    (signal, flips): (f64, f64),
    net: (usize, usize, f64),
) -> Case {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut vector = |size: f64, d: usize| {
        let mut v = vec![0.0; d];
        Noise::Gaussian.fill(&mut random, &mut v);
        v.iter_mut().for_each(|v| *v *= size);
        v
    };
    let (width, positive, init) = net;
    let mut x: Vec<Vec<f64>> = (0..n).map(|_| vector(1.0, d)).collect();
    let w = (0..width).map(|_| vector(init, d)).collect();
    let clean = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    for (i, row) in x.iter_mut().enumerate() {
        row.iter_mut().for_each(|x| *x += clean(i) * signal / (d as f64).sqrt());
    }
    let y = (0..n).map(|i| if random.random::<f64>() < flips { -clean(i) } else { clean(i) }).collect();
    let a = (0..width).map(|j| if j < positive { 1.0 } else { -1.0 } / (width as f64).sqrt()).collect();
    let trace: f64 = x.iter().flatten().map(|x| x * x).sum();
    Case { name, x, y, a, w, rate: 1.0 / trace, logistic: seed % 2 == 1 }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("activated", 2, (8, 40), (4.0, 0.0), (4, 2, 1e-6)),
        case("a large start", 3, (6, 20), (2.0, 0.0), (6, 3, 0.5)),
        case("a dead neuron", 4, (5, 12), (3.0, 0.0), (4, 2, 1e-3)),
        case("one positive neuron", 6, (7, 15), (2.0, 0.0), (3, 1, 0.1)),
        case("one neuron", 7, (6, 9), (2.0, 0.0), (1, 1, 0.1)),
        case("flipped labels", 9, (10, 60), (5.0, 0.3), (6, 3, 1e-3)),
        case("weak signal", 10, (10, 60), (0.5, 0.2), (8, 4, 1e-2)),
        case("narrow", 12, (12, 6), (4.0, 0.1), (3, 2, 0.05)),
        case("one-sided", 13, (6, 30), (3.0, 0.0), (4, 4, 0.1)),
        case("nothing lives", 14, (4, 8), (1.0, 0.0), (2, 1, 0.1)),
    ];
    // against every sample
    let sum: Vec<f64> = (0..12).map(|k| cases[2].x.iter().map(|x| x[k]).sum()).collect();
    cases[2].w[0] = away(&cases[2].x, &sum);
    for j in 0..2 {
        let sum: Vec<f64> = (0..8).map(|k| cases[9].x.iter().map(|x| x[k]).sum()).collect();
        cases[9].w[j] = away(&cases[9].x, &sum);
    }
    cases
}

/// A vector that has a negative product with every sample, from −sum by the perceptron's rule.
fn away(x: &[Vec<f64>], sum: &[f64]) -> Vec<f64> {
    let mut w: Vec<f64> = sum.iter().map(|s| -s).collect();
    while let Some(worst) = x.iter().find(|x| product(x, &w) > -1e-3) {
        w.iter_mut().zip(worst).for_each(|(w, x)| *w -= 0.1 * x);
    }
    w
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// W in two parts, its bits, and their changes.
struct Plain<'a> {
    case: &'a Case,
    w: Vec<Vec<f64>>,
    low: Vec<Vec<f64>>,
    bits: Vec<Vec<bool>>,
    flips: u64,
}

impl<'a> Plain<'a> {
    fn new(case: &'a Case) -> Self {
        let low = case.w.iter().map(|w| vec![0.0; w.len()]).collect();
        let mut plain = Self { case, w: case.w.clone(), low, bits: Vec::new(), flips: 0 };
        plain.bits = plain.images().iter().map(|z| z.iter().map(|z| *z > 0.0).collect()).collect();
        plain
    }

    fn images(&self) -> Vec<Vec<f64>> {
        self.case.x.iter().map(|x| self.w.iter().map(|w| product(x, w)).collect()).collect()
    }

    fn margins(&self) -> Vec<f64> {
        let output = |z: &Vec<f64>| z.iter().zip(&self.case.a).map(|(z, a)| a * z.max(0.0)).sum::<f64>();
        self.images().iter().zip(&self.case.y).map(|(z, y)| y * output(z)).collect()
    }

    fn step(&mut self) {
        let Case { x, y, a, rate, logistic, .. } = self.case;
        let margins = self.margins();
        for j in 0..a.len() {
            for i in (0..y.len()).filter(|&i| self.bits[i][j]) {
                let pull = if *logistic { 1.0 / (1.0 + margins[i].exp()) } else { (-margins[i]).exp() };
                let s = rate * pull * y[i] * a[j];
                for k in 0..x[i].len() {
                    let (w, add) = (self.w[j][k], s * x[i][k]);
                    let sum = w + add;
                    let part = sum - w;
                    self.low[j][k] += (w - (sum - part)) + (add - part);
                    self.w[j][k] = sum;
                }
            }
            for (w, low) in self.w[j].iter_mut().zip(&mut self.low[j]) {
                let sum = *w + *low;
                (*w, *low) = (sum, *low - (sum - *w));
            }
        }
        let images = self.images();
        for (bits, z) in self.bits.iter_mut().zip(images) {
            for (bit, z) in bits.iter_mut().zip(z) {
                self.flips += u64::from(*bit != (z > 0.0));
                *bit = z > 0.0;
            }
        }
    }

    fn dead_samples(&self) -> usize {
        self.bits.iter().filter(|bits| bits.iter().all(|bit| !bit)).count()
    }

    fn dead_neurons(&self) -> Vec<usize> {
        (0..self.w.len()).filter(|&j| self.bits.iter().all(|bits| !bits[j])).collect()
    }
}

impl Case {
    fn problem(&self) -> (Problem, Start) {
        let (n, d) = (self.y.len(), self.x[0].len());
        let data = Data::new(Matrix::new(n, d, self.x.concat()), self.y.clone()).expect("samples");
        let positive = self.a.iter().filter(|a| **a > 0.0).count();
        let network = Network::new(self.a.len(), positive, 0.0).expect("a network");
        let step = StepSize::Fixed(self.rate);
        let problem = Problem::with(&data, network, step, Reduction::Sum).expect("a problem");
        let loss = if self.logistic { Loss::Logistic } else { Loss::Exponential };
        (problem.with_loss(loss), Start::Weights(Matrix::new(self.a.len(), d, self.w.concat()).into()))
    }

    fn descent(&self, engine: EngineChoice, warp: bool, tied: bool) -> Descent {
        let (problem, start) = self.problem();
        let sliding_tolerance = if warp { Options::default().sliding_tolerance } else { 0.0 };
        Descent::with(&problem, &start, &Options { engine, warp, tied, sliding_tolerance, ..Options::default() })
            .expect("a descent")
    }
}

/// Ten problems to 10⁵: margins, flips, what is dead, and that what is dead stands still.
#[test]
fn engines_follow_plain_steps() {
    let (mut dead_samples, mut dead_neurons, mut busy) = (0, 0, 0);
    for case in cases() {
        let mut plain = Plain::new(&case);
        let mut engines = [
            ("direct", case.descent(EngineChoice::Direct, false, false)),
            ("tied", case.descent(EngineChoice::Direct, false, true)),
            ("gram", case.descent(EngineChoice::Gram, false, true)),
            ("warp", case.descent(EngineChoice::Gram, true, true)),
        ];
        let size = (case.y.len() + case.x[0].len() + case.a.len() + 8) as f64;
        let mut t = 0.0;
        for until in [10.0, 1e2, 1e3, 1e4, 1e5] {
            while t < until {
                plain.step();
                t += 1.0;
            }
            let exact = plain.margins();
            let top = exact.iter().fold(0.0f64, |top, q| top.max(q.abs()));
            for (name, descent) in &mut engines {
                descent.run(until, |_| Continue(()));
                if descent.t() < until {
                    continue; // it has ended: nothing separates in its pattern
                }
                let off = descent.margins().iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                let segments = &descent.diary().segments;
                let averages = segments.iter().any(|s| s.engine == EngineKind::Sliding);
                let claimed: f64 = segments.iter().map(|s| s.error_estimate).sum();
                let bound = (until * size * f64::EPSILON + claimed) * top;
                assert!(off <= bound, "{}, {name}, t = {until}: {off:e} of {bound:e}", case.name);
                let seen = descent.outcome(0);
                if !averages {
                    assert_eq!(seen.pattern.flips, plain.flips, "{}, {name}, t = {until}", case.name);
                    assert_eq!(seen.pattern.dead_samples, Some(plain.dead_samples()), "{}, {name}", case.name);
                    assert_eq!(seen.pattern.dead_neurons, Some(plain.dead_neurons().len()), "{}, {name}", case.name);
                }
                let wrong = exact.iter().filter(|q| **q <= 0.0).count();
                assert_eq!(seen.train_error, 1.0 - (exact.len() - wrong) as f64 / exact.len() as f64, "{}", case.name);
            }
        }
        println!(
            "{}: {} flips, {} samples and {} neurons dead; {:?}",
            case.name,
            plain.flips,
            plain.dead_samples(),
            plain.dead_neurons().len(),
            engines.iter().map(|(_, descent)| descent.t()).collect::<Vec<f64>>()
        );
        dead_samples += usize::from(plain.dead_samples() > 0);
        dead_neurons += usize::from(!plain.dead_neurons().is_empty());
        busy += usize::from(plain.flips > 100);
        // what no sample has ever seen is as it was
        if case.name == "a dead neuron" {
            let weights = engines[3].1.iterate().weights();
            assert_eq!(weights.row(0), &case.w[0][..]);
        }
    }
    assert!(dead_samples >= 3 && dead_neurons >= 3 && busy >= 1, "{dead_samples} {dead_neurons} {busy}");
}

/// Nothing lives: no gradient, the loss stays ℓ(0) n, and the proof that nothing separates is that features are 0.
#[test]
fn where_nothing_lives_nothing_moves() {
    let case = cases().pop().expect("ten");
    let mut descent = case.descent(EngineChoice::Auto, true, true);
    let ended = descent.run(1e300, |_| Continue(())).clone();
    assert_eq!(ended.status, farfield::Status::NotSeparable);
    let seen = descent.outcome(0);
    assert_eq!((seen.gradient_norm, seen.farkas_value, seen.train_error), (0.0, Some(0.0), 1.0));
    assert_eq!((seen.certified_cosine_gap, seen.max_margin, seen.cosine_gap), (None, None, None));
    let ray = seen.ray.expect("a ray");
    assert_eq!((ray.bounded.len(), ray.max_margin, ray.offset_norm), (4, None, 0.0));
    assert!((seen.log_loss - ray.floor.ln()).abs() < 1e-15 * 4.0, "{} {}", seen.log_loss, ray.floor);
    assert_eq!(descent.iterate().weights().values(), &case.w.concat()[..]);
}

/// Saved and resumed, on the way and where something has died: the same bits.
#[test]
fn resumed_runs_end_in_the_same_bits() {
    for case in cases() {
        for engine in [EngineChoice::Direct, EngineChoice::Gram] {
            let mut whole = case.descent(engine, true, true);
            whole.run(3e3, |_| Continue(()));
            let mut first = case.descent(engine, true, true);
            first.run(700.0, |_| Continue(()));
            let ((problem, start), options) = (case.problem(), first.options().clone());
            let mut second = Descent::resume(&problem, &start, &options, &first.save()).expect("its own state");
            second.run(3e3, |_| Continue(()));
            assert_eq!(second.outcome(0).digest, whole.outcome(0).digest, "{} {engine:?}", case.name);
        }
    }
}
