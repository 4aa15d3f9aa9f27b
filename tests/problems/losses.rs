//! Problems with other losses: plain steps written in nothing but f64, and every engine on the same problem.

use farfield::descent::direct::Direct;
use farfield::descent::fused::Options as Steps;
use farfield::descent::span::SpanProblem;
use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::{Engine, Flips, Precision, Reached, Stop};
use farfield::{Loss, Matrix, Network};
use std::sync::Arc;

/// The same data, W(0) and network with another loss and `factor` times the rate.
pub fn with_loss(p: &SpanProblem, loss: Loss, factor: f64) -> Arc<SpanProblem> {
    let (start, law) = (p.start.clone(), (loss, factor * p.rate));
    Arc::new(SpanProblem::new(p.gram.clone(), p.samples.clone(), p.labels.clone(), p.network, law, start))
}

/// Steps on X in plain f64: `w_j += Σ_i r s(q_i) y_i a_j φ'(z_ij) x_i`.
pub struct Plain<'a> {
    pub x: &'a Matrix,
    pub y: &'a [f64],
    pub network: Network,
    pub rate: f64,
    pub weight: fn(f64) -> f64,
    pub w: Matrix,
}

impl<'a> Plain<'a> {
    /// At W(0), with weights `s(q)`.
    pub fn new(p: &'a SpanProblem, weight: fn(f64) -> f64) -> Self {
        let w = Matrix::clone(p.start.weights.as_ref().expect("W(0)"));
        let x = p.samples.as_ref().expect("X");
        Self { x, y: &p.labels, network: p.network, rate: p.rate, weight, w }
    }

    pub fn preactivations(&self) -> Vec<f64> {
        let dot = |i: usize, j: usize| self.x.row(i).iter().zip(self.w.row(j)).map(|(x, w)| x * w).sum::<f64>();
        (0..self.y.len()).flat_map(|i| (0..self.network.width).map(move |j| dot(i, j))).collect()
    }

    pub fn margins(&self, z: &[f64]) -> Vec<f64> {
        let slope = |z: f64| if z > 0.0 { 1.0 } else { self.network.leak };
        let output = |z: &[f64]| z.iter().enumerate().map(|(j, z)| self.network.output(j) * z * slope(*z)).sum::<f64>();
        z.chunks(self.network.width).zip(self.y).map(|(z, y)| y * output(z)).collect()
    }

    pub fn step(&mut self) {
        let z = self.preactivations();
        let q = self.margins(&z);
        for j in 0..self.network.width {
            for i in 0..self.y.len() {
                let slope = if z[i * self.network.width + j] > 0.0 { 1.0 } else { self.network.leak };
                let s = self.rate * (self.weight)(q[i]) * self.y[i] * self.network.output(j) * slope;
                self.w.row_mut(j).iter_mut().zip(self.x.row(i)).for_each(|(w, x)| *w += s * x);
            }
        }
    }
}

pub fn direct(p: &SpanProblem, precision: Precision, tied: bool) -> Direct {
    let options = Steps { precision, tied, nest: None };
    let (x, w0) = (p.samples.clone().expect("X"), p.start.weights.as_ref().expect("W(0)"));
    Direct::new(x, &p.labels, &p.network, (p.loss, p.rate), w0, &options)
}

pub fn horizon(p: &Arc<SpanProblem>, warp: bool, mixed: bool) -> Voyage {
    let sliding = if warp { Options::default().sliding } else { 0.0 };
    Voyage::new(p.clone(), 0.0, Flips::default(), Options { warp, mixed, sliding, ..Options::default() })
}

pub fn margins(p: &SpanProblem, engine: &mut dyn Engine, t: f64) -> Vec<f64> {
    assert_eq!(engine.advance(t, &Stop::default()), Reached::Target);
    p.network.margins(engine.iterate().preactivations(), &p.labels)
}

/// What rounding may add, as warp counts it for itself: exact steps are rounded at other t in two engines.
pub const ROUNDING: f64 = 4e-15;

/// What the segments of a run claim as their error, together, and rounding.
pub fn claims(engine: &Voyage) -> f64 {
    engine.segments().iter().map(|s| s.error_estimate).sum::<f64>() + ROUNDING
}

/// `max |a − b| / max |a|`.
pub fn difference(a: &[f64], b: &[f64]) -> f64 {
    let top = a.iter().fold(0.0f64, |top, a| top.max(a.abs()));
    a.iter().zip(b).fold(0.0f64, |d, (a, b)| d.max((a - b).abs())) / top
}

/// What T steps leave in the margins, relative to the largest: each rounds sums of n + d + m terms and a
/// weight, whose exponent has as many digits as q; descent forgets errors of margins (it is a contraction of the
/// convex problem of its pattern), but not those of the update of W, which add up.
pub fn rounding(p: &SpanProblem, steps: f64, epsilon: f64) -> f64 {
    let (n, d) = (p.n(), p.samples.as_ref().expect("X").cols());
    steps * (n + d + p.network.width + 8) as f64 * epsilon
}

/// Plain steps against every engine, for 200 steps of a problem whose weights are `weight`.
pub fn engines_follow_plain_steps(name: &str, p: &Arc<SpanProblem>, weight: fn(f64) -> f64) {
    const STEPS: f64 = 200.0;
    let mut steps = Plain::new(p, weight);
    (0..STEPS as u64).for_each(|_| steps.step());
    let exact = steps.margins(&steps.preactivations());
    let (double, single) = (rounding(p, STEPS, f64::EPSILON), rounding(p, STEPS, f64::from(f32::EPSILON)));
    let engines: [(&str, Box<dyn Engine>, f64); 8] = [
        ("plain", Box::new(direct(p, Precision::F64, false)), double),
        ("tied", Box::new(direct(p, Precision::F64, true)), double),
        ("f32", Box::new(direct(p, Precision::F32, false)), single),
        ("tied f32", Box::new(direct(p, Precision::F32, true)), single),
        ("mixed", Box::new(direct(p, Precision::Mixed, true)), single),
        ("gram", Box::new(horizon(p, false, false)), double),
        ("gram, mixed", Box::new(horizon(p, false, true)), single),
        ("warp", Box::new(horizon(p, true, false)), double),
    ];
    for (what, mut engine, bound) in engines {
        let off = difference(&exact, &margins(p, engine.as_mut(), STEPS));
        assert!(off < bound, "{name}, {what}: {off:e} of {bound:e}");
    }
    assert!(exact.iter().all(|q| *q > 0.0), "{name} has come to separate");
}
