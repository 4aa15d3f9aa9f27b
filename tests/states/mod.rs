//! Runs of every engine, precision, nest and kind of stretch, to be saved and resumed anywhere.
#![allow(dead_code)] // every test uses its own part

use super::problems::{Recipe, problem};
use farfield::descent::direct::Direct;
use farfield::descent::fused::{Nest, Options};
use farfield::descent::span;
use farfield::descent::voyage::{self, Voyage};
use farfield::engine::{Engine, Flips, Precision, Reached, Stop};
use farfield::state::{Result, State};
use farfield::{Data, Loss, Matrix, Monitor, Network, Problem, Reduction, StepSize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the iterate is moved.
#[derive(Clone, Copy)]
pub enum Way {
    Direct(Options),
    Voyage(voyage::Options),
}

/// One run: a problem and how it is travelled.
pub struct Run {
    pub name: String,
    pub problem: Arc<span::SpanProblem>,
    pub way: Way,
    /// The monitored t.
    pub targets: Vec<f64>,
}

impl Run {
    /// The engine at t = 0.
    pub fn begin(&self) -> Box<dyn Engine> {
        match &self.way {
            Way::Direct(options) => {
                let (p, start) = (&self.problem, self.problem.start.weights.as_ref().expect("weights"));
                let x = p.samples.clone().expect("samples");
                Box::new(Direct::new(x, &p.labels, &p.network, (p.loss, p.rate), start, options))
            }
            Way::Voyage(options) => Box::new(Voyage::new(self.problem.clone(), 0.0, Flips::default(), *options)),
        }
    }

    /// The engine that goes on from a state.
    pub fn resume(&self, state: &State) -> Result<Box<dyn Engine>> {
        Ok(match &self.way {
            Way::Direct(options) => {
                let p = &self.problem;
                let x = p.samples.clone().expect("samples");
                Box::new(Direct::restore(x, &p.labels, &p.network, (p.loss, p.rate), options, state)?)
            }
            Way::Voyage(options) => Box::new(Voyage::restore(self.problem.clone(), state, *options)?),
        })
    }

    /// What is seen of the engine at a monitored t, to the last bit, but for wall-clock times: the row of the trace,
    /// the diary and the digest. The monitor is a new one: limits that it solves depend on what it solved before.
    pub fn seen(&self, engine: &mut dyn Engine) -> String {
        let p = &self.problem;
        let x = p.samples.clone().expect("samples");
        let data = Data::new(x, p.labels.clone()).expect("samples");
        let step = StepSize::Fixed(p.rate);
        let mut monitor = Monitor::new(&Problem::with(&data, p.network, step, Reduction::Sum).expect("a problem"));
        let mut row = monitor.observe(engine);
        let mut diary = engine.diary().clone();
        row.rounding.iter_mut().chain(&mut diary.rounding).for_each(|rounding| rounding.anchor_seconds = 0.0);
        diary.segments.iter_mut().for_each(|segment| segment.seconds = 0.0);
        format!("{row:?} {diary:?} {}", engine.save().digest())
    }
}

/// A problem whose bits keep changing: flipped labels, many neurons, large initial weights.
fn restless(n: usize, d: usize) -> Arc<span::SpanProblem> {
    let (positive, negative) = (9, 7);
    problem(&Recipe {
        n,
        d,
        seed: 5,
        signal: 2.0,
        label_noise: 0.15,
        positive,
        negative,
        init: 0.03,
        ..Recipe::default()
    })
}

/// A problem whose pattern settles after a while.
fn calm(n: usize, d: usize) -> Arc<span::SpanProblem> {
    problem(&Recipe { n, d, signal: 8.0, positive: 5, negative: 6, init: 1e-4, ..Recipe::default() })
}

/// Large updates that cancel: what f32 leaves of the differences is not enough, and mixed steps go over to f64.
fn escalating() -> Arc<span::SpanProblem> {
    let (n, d) = (7, 6);
    let y: Vec<f64> = (0..n).map(|i| if i < 2 { 1.0 } else { -1.0 }).collect();
    let value = |i: usize, k: usize| 3e3 + y[i] + 0.3 * ((i * 7 + k * 5) % 11) as f64 / 11.0;
    let x = Matrix::new(n, d, (0..n * d).map(|at| value(at / d, at % d)).collect());
    let rate = 10.0 / x.values().iter().map(|x| x * x).sum::<f64>();
    let network = Network { width: 2, positive: 1, leak: 0.3 };
    let start = farfield::descent::span::SpanStart::new(Matrix::zeros(2, d), vec![0.0; n * 2]);
    let gram = Arc::new(farfield::inner_products::Gram(farfield::gram::gram(&x)));
    Arc::new(span::SpanProblem::new(gram, Some(x.into()), y, network, (Loss::Exponential, rate), start))
}

/// Steps on X: both nests, tied and not, in all precisions.
pub fn direct() -> Vec<Run> {
    let mut runs = Vec::new();
    for (kind, problem) in [("restless", restless(40, 30)), ("calm", calm(30, 90)), ("escalating", escalating())] {
        for precision in Precision::ALL {
            for nest in [Nest::Panels, Nest::Rows] {
                for tied in [true, false] {
                    runs.push(Run {
                        name: format!("{kind} {precision} {nest:?} tied {tied}"),
                        problem: problem.clone(),
                        way: Way::Direct(Options { precision, tied, nest: Some(nest) }),
                        targets: vec![1.0, 3.0, 10.0, 100.0, 700.0, 1500.0],
                    });
                }
            }
        }
    }
    runs
}

/// Steps, flights and averages in the span of the data.
pub fn horizon() -> Vec<Run> {
    let run = |name: &str, problem: &Arc<span::SpanProblem>, options, targets: &[f64]| Run {
        name: name.into(),
        problem: problem.clone(),
        way: Way::Voyage(options),
        targets: targets.to_vec(),
    };
    let all = voyage::Options::default();
    let mixed = voyage::Options { mixed: true, ..all };
    let steps = voyage::Options { warp: false, ..all };
    let mixed_steps = voyage::Options { warp: false, ..mixed };
    let chatter = problem(&Recipe { n: 30, d: 400, seed: 2, signal: 8.0, label_noise: 0.15, ..Recipe::default() });
    let (restless, calm) = (restless(30, 60), calm(30, 90));
    let wide = problem(&Recipe { name: "wide", n: 200, d: 900, signal: 12.0, ..Recipe::default() });
    vec![
        run("restless", &restless, all, &[2.0, 50.0, 3000.0]),
        run("restless steps", &restless, steps, &[2.0, 50.0, 3000.0]),
        run("calm", &calm, all, &[5.0, 300.0, 2000.0, 1e5, 1e12, 1e40]),
        run("calm steps", &calm, steps, &[5.0, 300.0, 30000.0]),
        run("calm mixed", &calm, mixed, &[5.0, 300.0, 2000.0, 1e5, 1e12, 1e40]),
        run("calm mixed steps", &calm, mixed_steps, &[5.0, 300.0, 30000.0]),
        run("wide", &wide, all, &[5.0, 300.0, 1e4, 1e7, 1e100]),
        run("wide mixed", &wide, mixed, &[5.0, 300.0, 1e4, 1e7, 1e100]),
        run("chatter", &chatter, all, &[10.0, 5000.0, 3e4, 1e5, 1e8, 1e20]),
        run("chatter mixed", &chatter, mixed, &[10.0, 5000.0, 3e4, 1e5, 1e8, 1e20]),
    ]
}

/// Advances towards a target until a thread raises the flag after some time.
pub fn interrupted(engine: &mut dyn Engine, target: f64, after: Duration) -> Reached {
    let stop = Stop::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            while start.elapsed() < after {
                std::hint::spin_loop();
            }
            stop.raise();
        });
        engine.advance(target, &stop)
    })
}

/// Numbers from 0 to 1 that look random.
pub struct Dice(pub u64);

impl Dice {
    pub fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
