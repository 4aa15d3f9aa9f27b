//! The edge of the step size against steps that share no code with the engines.

use farfield::{
    Data, Edge, EdgeSearch, EdgeTrial, EngineChoice, Error, Fate, Loss, Matrix, Network, Options, Problem, Start, Stop,
    Watch,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A problem with its numbers.
struct Case {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    w: Vec<Vec<f64>>,
    positive: usize,
    leak: f64,
    loss: Loss,
}

impl Case {
    fn new(seed: u64, loss: Loss) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut number = || 2.0 * random.random::<f64>() - 1.0;
        let (n, d, m) = (6 + seed as usize % 5, 2 + seed as usize % 4, 2 + seed as usize % 3);
        let y: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let x = y.iter().map(|y| (0..d).map(|k| number() + if k == 0 { 0.7 * y } else { 0.0 }).collect()).collect();
        let w = (0..m).map(|_| (0..d).map(|_| 0.3 * number()).collect()).collect();
        Self { x, y, w, positive: m.div_ceil(2), leak: 0.3, loss }
    }

    fn problem(&self) -> Problem {
        let data =
            Data::new(Matrix::new(self.x.len(), self.x[0].len(), self.x.concat()), self.y.clone()).expect("data");
        let network = Network::new(self.w.len(), self.positive, self.leak).expect("a network");
        Problem::new(&data, network).expect("a problem").with_loss(self.loss)
    }

    fn find(&self, search: &EdgeSearch, watch: &Watch) -> Result<Edge, Error> {
        let start = Start::Weights(Matrix::new(self.w.len(), self.x[0].len(), self.w.concat()).into());
        Edge::find(&self.problem(), &start, search, watch)
    }

    /// Plain steps with α: the fate, and the last t whose loss is above the one before.
    fn step(&self, alpha: f64, steps: u64) -> (Fate, u64) {
        let (mut w, a) = (self.w.clone(), 1.0 / (self.w.len() as f64).sqrt());
        let sign = |j: usize| if j < self.positive { a } else { -a };
        let (mut last, mut falls_from) = (f64::INFINITY, 0);
        for t in 0..=steps {
            let z = |i: usize, j: usize| self.x[i].iter().zip(&w[j]).map(|(x, w)| x * w).sum::<f64>();
            let z: Vec<Vec<f64>> = (0..self.x.len()).map(|i| (0..w.len()).map(|j| z(i, j)).collect()).collect();
            let phi = |z: f64| if z > 0.0 { z } else { self.leak * z };
            let f = |i: usize| (0..w.len()).map(|j| sign(j) * phi(z[i][j])).sum::<f64>();
            let q: Vec<f64> = (0..z.len()).map(|i| self.y[i] * f(i)).collect();
            let log_of = |q: f64| match self.loss {
                Loss::Exponential => -q,
                _ if q > 40.0 => -q,
                _ => ((-q).max(0.0) + (-q.abs()).exp().ln_1p()).ln(),
            };
            let top = q.iter().fold(f64::NEG_INFINITY, |top, q| top.max(log_of(*q)));
            let log_l = top + q.iter().map(|q| (log_of(*q) - top).exp()).sum::<f64>().ln();
            if !log_l.is_finite() {
                return (Fate::Diverges, falls_from);
            }
            if t > 0 && log_l - last > 2f64.powi(-40) * f64::max(1.0, f64::abs(last)) {
                falls_from = t;
            }
            last = log_l;
            let weight = |q: f64| if self.loss == Loss::Exponential { (-q).exp() } else { 1.0 / (1.0 + q.exp()) };
            for j in 0..w.len() {
                for i in 0..z.len() {
                    let slope = if z[i][j] > 0.0 { 1.0 } else { self.leak };
                    let s = alpha * weight(q[i]) * self.y[i] * sign(j) * slope;
                    (0..w[j].len()).for_each(|k| w[j][k] += s * self.x[i][k]);
                }
            }
        }
        (if falls_from > steps / 2 { Fate::Rises } else { Fate::Settles }, falls_from)
    }
}

fn search(steps: u64, engine: EngineChoice) -> EdgeSearch {
    EdgeSearch { steps, resolution: 0.01, options: Options { engine, ..Options::default() } }
}

/// What the edge says of both sides is what plain steps do, with either engine and loss. A rise that rounding decides would be
/// another in each; there is none among these.
#[test]
fn both_sides_of_the_edge() {
    let mut found = 0;
    for seed in 0..16 {
        for loss in [Loss::Exponential, Loss::Logistic] {
            let case = Case::new(seed, loss);
            for engine in [EngineChoice::Gram, EngineChoice::Direct] {
                let steps = 400;
                let edge = case.find(&search(steps, engine), &Watch::default()).expect("an edge");
                let same = |trial: &EdgeTrial| {
                    let (fate, falls_from) = case.step(trial.step_size, steps);
                    assert_eq!(fate, trial.fate, "{seed} {loss} {engine:?} {trial:?}");
                    if fate != Fate::Diverges {
                        assert_eq!(falls_from, trial.falls_from, "{seed} {loss} {engine:?} {trial:?}");
                    }
                };
                edge.edge.iter().chain(&edge.beyond).for_each(same);
                if let (Some(low), Some(high)) = (edge.edge, edge.beyond) {
                    assert!(low.fate == Fate::Settles && high.fate != Fate::Settles);
                    assert!(low.step_size < high.step_size && high.step_size <= 1.01 * low.step_size);
                    found += 1;
                }
            }
        }
    }
    assert!(found >= 12, "{found}");
}

/// One sample: every step makes its loss smaller, whatever its size.
#[test]
fn no_edge() {
    let case =
        Case { x: vec![vec![1.0]], y: vec![1.0], w: vec![vec![0.5]], positive: 1, ..Case::new(0, Loss::Logistic) };
    let edge = case.find(&search(50, EngineChoice::Auto), &Watch::default()).expect("trials");
    assert!(edge.edge.is_some() && edge.beyond.is_none() && edge.above().count() == 0, "{edge:?}");
}

#[test]
fn what_is_refused_and_stopped() {
    let case = Case::new(1, Loss::Exponential);
    let (usual, never) = (search(100, EngineChoice::Auto), Watch::default());
    assert!(matches!(case.find(&search(1, EngineChoice::Auto), &never), Err(Error::Range { .. })));
    assert!(matches!(case.find(&EdgeSearch { resolution: 0.0, ..usual.clone() }, &never), Err(Error::Range { .. })));
    let stop = Stop::default();
    stop.raise();
    assert_eq!(case.find(&usual, &Watch::new(&stop)).err(), Some(Error::Stopped));
}
