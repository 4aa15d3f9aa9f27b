//! What is measured besides is what X and W say by plain loops, on every engine, and moves no bit of a run.

use farfield::{Data, Descent, Draw, EngineChoice, Loss, Matrix, Measure, Mixture, Network, Noise, Options, Problem};
use farfield::{EngineKind, Reduction, Row, Start, StepSize};
use std::ops::ControlFlow::Continue;

const N: usize = 12;
const D: usize = 30;
const M: usize = 5;

fn problem(loss: Loss, leak: f64, step_size: StepSize) -> Problem {
    let draw = Draw { n: N, balance: 0.5, label_noise: 0.0, seed: 5 };
    let data = Data::draw(Mixture::new(2.0, vec![1.0; D], Noise::Gaussian), &draw).unwrap();
    let network = Network::new(M, 2, leak).unwrap();
    Problem::with(&data, network, step_size, Reduction::Mean).unwrap().with_loss(loss)
}

fn options(engine: EngineChoice, horizon: f64) -> Options {
    Options { engine, planned: horizon, measures: Measure::ALL.to_vec(), samples_per_decade: 1, ..Options::default() }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A problem and a W, and everything about them from X and W by plain loops.
struct Plain<'a> {
    problem: &'a Problem,
    x: &'a Matrix,
    w: &'a Matrix,
}

impl Plain<'_> {
    fn slope(&self, i: usize, j: usize, w: &Matrix) -> f64 {
        if dot(self.x.row(i), w.row(j)) > 0.0 { 1.0 } else { self.problem.network.leak }
    }

    fn margins(&self, w: &Matrix) -> Vec<f64> {
        let (network, y) = (&self.problem.network, self.problem.data.y());
        let z = |i: usize, j: usize| dot(self.x.row(i), w.row(j)) * self.slope(i, j, w);
        (0..N).map(|i| y[i] * (0..M).map(|j| network.output(j) * z(i, j)).sum::<f64>()).collect()
    }

    /// `∇_W q_i`, length m·d.
    fn gradient_of_margin(&self, i: usize, w: &Matrix) -> Vec<f64> {
        let factor = |j: usize| self.problem.data.y()[i] * self.problem.network.output(j) * self.slope(i, j, w);
        (0..M).flat_map(|j| self.x.row(i).iter().map(move |x| factor(j) * x)).collect()
    }

    /// `−ℓ'(q)` and `ℓ''(q)`.
    fn derivatives(&self, q: f64) -> (f64, f64) {
        match self.problem.loss {
            Loss::Exponential => ((-q).exp(), (-q).exp()),
            Loss::Logistic => (1.0 / (1.0 + q.exp()), 1.0 / (1.0 + q.exp()) / (1.0 + (-q).exp())),
            other => panic!("{other}"),
        }
    }

    fn gradient_of_loss(&self, w: &Matrix) -> Vec<f64> {
        let mut sum = vec![0.0; M * D];
        for (i, q) in self.margins(w).iter().enumerate() {
            let factor = -self.derivatives(*q).0 / N as f64;
            sum.iter_mut().zip(self.gradient_of_margin(i, w)).for_each(|(s, g)| *s += factor * g);
        }
        sum
    }

    fn stable_rank(&self) -> f64 {
        let w = faer::Mat::from_fn(M, D, |j, k| self.w[(j, k)]);
        let values = w.singular_values().unwrap();
        values.iter().map(|s| s * s).sum::<f64>() / (values[0] * values[0])
    }

    fn margin_ratio(&self) -> Option<f64> {
        let q = self.margins(self.w);
        let (low, high) = q.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), q| (l.min(*q), h.max(*q)));
        (low > 0.0).then(|| high / low)
    }

    fn smoothed_margin(&self) -> f64 {
        let value = |q: &f64| if self.problem.loss == Loss::Exponential { (-q).exp() } else { (-q).exp().ln_1p() };
        let loss = self.margins(self.w).iter().map(value).sum::<f64>() / N as f64;
        (1.0 / loss).ln() / dot(self.w.values(), self.w.values()).sqrt()
    }

    fn mean_cosine(&self) -> f64 {
        let (network, y) = (&self.problem.network, self.problem.data.y());
        let boundary: Vec<f64> = (0..D).map(|k| (0..M).map(|j| network.output(j) * self.w[(j, k)]).sum()).collect();
        let mean: Vec<f64> = (0..D).map(|k| (0..N).map(|i| y[i] * self.x[(i, k)]).sum()).collect();
        dot(&boundary, &mean) / (dot(&boundary, &boundary) * dot(&mean, &mean)).sqrt()
    }

    /// α times the largest eigenvalue of the Hessian (md×md), and the eigenvector.
    fn sharpness(&self) -> (f64, Vec<f64>) {
        let mut hessian = faer::Mat::<f64>::zeros(M * D, M * D);
        for (i, q) in self.margins(self.w).iter().enumerate() {
            let (g, curvature) = (self.gradient_of_margin(i, self.w), self.derivatives(*q).1 / N as f64);
            for a in 0..M * D {
                for b in 0..M * D {
                    hessian[(a, b)] += curvature * g[a] * g[b];
                }
            }
        }
        let eigen = hessian.self_adjoint_eigen(faer::Side::Lower).unwrap();
        let last = M * D - 1;
        (self.problem.step_size * eigen.S()[last], (0..M * D).map(|a| eigen.U()[(a, last)]).collect())
    }

    /// The λ of the limit in the pattern of W, by coordinate ascent on its dual until it stands still.
    fn dual(&self) -> Vec<f64> {
        let rows: Vec<Vec<f64>> = (0..N).map(|i| self.gradient_of_margin(i, self.w)).collect();
        let (mut lambda, mut sum) = (vec![0.0f64; N], vec![0.0; M * D]);
        for _ in 0..20_000 {
            for i in 0..N {
                let next = (lambda[i] + (1.0 - dot(&rows[i], &sum)) / dot(&rows[i], &rows[i])).max(0.0);
                let by = next - lambda[i];
                sum.iter_mut().zip(&rows[i]).for_each(|(s, r)| *s += by * r);
                lambda[i] = next;
            }
        }
        lambda
    }
}

/// Margins of size q are known to some units in the last place of q, and so are the relative sizes of `exp(−q)`; an eigenvalue
/// by Lanczos is known to the square of 1e-7.
fn near(measure: Measure, found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-11, "{}: {found} {expected}", measure.name());
}

fn compare(descent: &mut Descent, row: &Row) {
    let w = descent.iterate().weights();
    let problem = descent.problem().clone();
    let plain = Plain { problem: &problem, x: problem.data.x(), w: &w };
    let found = |measure: Measure| row.measures.get(&measure).copied();
    near(Measure::StableRank, found(Measure::StableRank).unwrap(), plain.stable_rank());
    near(Measure::SmoothedMargin, found(Measure::SmoothedMargin).unwrap(), plain.smoothed_margin());
    near(Measure::MeanCosine, found(Measure::MeanCosine).unwrap(), plain.mean_cosine());
    let ratio = plain.margin_ratio();
    assert_eq!(found(Measure::MarginRatio).is_some(), ratio.is_some());
    ratio.into_iter().for_each(|r| near(Measure::MarginRatio, found(Measure::MarginRatio).unwrap(), r));
    let (sharpness, v) = plain.sharpness();
    near(Measure::Sharpness, found(Measure::Sharpness).unwrap(), sharpness);
    // The Hessian moves the gradient: a step of 1e-5 of ‖W‖ leaves squares of it, and the roundings of the gradient over it.
    let step = 1e-5 * row.weight_norm.min(1.0);
    let moved = |s: f64| {
        let values = w.values().iter().zip(&v).map(|(w, v)| w + s * step * v).collect();
        plain.gradient_of_loss(&Matrix::new(M, D, values))
    };
    let slope = moved(1.0).iter().zip(moved(-1.0)).zip(&v).map(|((a, b), v)| (a - b) * v).sum::<f64>() / (2.0 * step);
    assert!((problem.step_size * slope / sharpness - 1.0).abs() < 1e-5, "{slope}");
    if row.cosine_gap.is_some() {
        let support: Vec<usize> = plain.dual().iter().enumerate().filter(|(_, l)| **l > 0.0).map(|(i, _)| i).collect();
        assert_eq!(found(Measure::SupportCount), Some(support.len() as f64));
        let q = plain.margins(&w);
        let weights: Vec<f64> = support.iter().map(|&i| plain.derivatives(q[i]).0).collect();
        let (low, high) = weights.iter().fold((f64::INFINITY, 0.0f64), |(l, h), s| (l.min(*s), h.max(*s)));
        near(Measure::SupportRatio, found(Measure::SupportRatio).unwrap(), high / low);
    } else {
        assert_eq!((found(Measure::SupportCount), found(Measure::SupportRatio)), (None, None));
    }
}

#[test]
fn every_measure_is_that_of_x_and_w() {
    let mut limits = 0;
    for loss in [Loss::Exponential, Loss::Logistic] {
        for leak in [0.5, 1.0] {
            let problem = problem(loss, leak, StepSize::Auto);
            for (engine, horizons) in [(EngineChoice::Direct, [1.0, 3e3]), (EngineChoice::Gram, [100.0, 1e8])] {
                for horizon in horizons {
                    let start = Start::gaussian(1e-3, 2);
                    let mut descent = Descent::with(&problem, &start, &options(engine, horizon)).unwrap();
                    let row = descent.run(horizon, |_| Continue(())).row.clone();
                    assert_eq!(row.segment == EngineKind::Warp, horizon == 1e8);
                    limits += usize::from(row.cosine_gap.is_some());
                    compare(&mut descent, &row);
                }
            }
        }
    }
    assert!(limits >= 8, "{limits}"); // the support is compared, too
}

#[test]
fn the_start_is_measured_too() {
    let problem = problem(Loss::Exponential, 0.5, StepSize::Auto);
    let mut descent = Descent::with(&problem, &Start::gaussian(0.3, 4), &options(EngineChoice::Gram, 1.0)).unwrap();
    let row = descent.run(0.0, |_| Continue(())).row.clone();
    compare(&mut descent, &row);
    assert!(row.min_margin < 0.0 && !row.measures.contains_key(&Measure::MarginRatio));
}

/// A quadratic is divided by a step of α when α λmax is 2; here the first steps do what the sharpness says at once: for n = m = 1
/// it is `α ℓ(q) ‖∇q‖²`.
#[test]
fn sharpness_of_one_sample() {
    let data = Data::new(Matrix::new(1, 2, vec![3.0, 4.0]), vec![1.0]).unwrap();
    let problem =
        Problem::with(&data, Network::new(1, 1, 0.5).unwrap(), StepSize::Fixed(0.25), Reduction::Sum).unwrap();
    let start = Start::weights(Matrix::new(1, 2, vec![0.0, 0.5]));
    let options = options(EngineChoice::Gram, 1.0);
    let row = Descent::with(&problem, &start, &options).unwrap().run(0.0, |_| Continue(())).row.clone();
    near(Measure::Sharpness, row.measures[&Measure::Sharpness], 0.25 * 25.0 * (-2.0f64).exp());
}

#[test]
fn no_bit_depends_on_what_is_measured() {
    let problem = problem(Loss::Logistic, 0.1, StepSize::Auto);
    let run = |measures: &[Measure]| {
        let options = Options { measures: measures.to_vec(), ..options(EngineChoice::Auto, 1e9) };
        let mut descent = Descent::with(&problem, &Start::gaussian(1e-6, 1), &options).unwrap();
        let mut rows = Vec::new();
        descent.run(1e9, |row| {
            rows.push(row.clone());
            Continue(())
        });
        (rows, descent.outcome(0).digest)
    };
    let (bare, digest) = run(&[]);
    assert!(bare.iter().all(|row| row.measures.is_empty()));
    for asked in [&Measure::ALL[..], &[Measure::Sharpness]] {
        let (mut rows, same) = run(asked);
        assert!(rows.iter().all(|row| row.measures.contains_key(&Measure::Sharpness)));
        rows.iter_mut().for_each(|row| row.measures.clear());
        assert_eq!((&rows, &same), (&bare, &digest));
    }
}
