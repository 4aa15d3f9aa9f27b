//! Mixtures with flipped labels of many kinds, as settings of a configuration, and the runs of such a problem.

use farfield::descent::span;
use farfield::descent::voyage::{Options, Voyage};
use farfield::engine::Flips;
use farfield::inner_products::preactivations;
use farfield::{Problem, Start};
use std::sync::Arc;

/// Number of mixtures.
pub const MIXTURES: usize = 20;

/// Mixture k: the settings run through their ranges with steps that have no common period.
pub fn mixture(k: usize) -> Vec<String> {
    let part = |step: f64| ((k as f64 + 0.5) * step).fract();
    let between = |low: f64, high: f64, step: f64| low * (high / low).powf(part(step));
    vec![
        format!("seed={k}"),
        format!("data.n={}", between(20.0, 200.0, 0.618).round()),
        format!("data.d={}", between(200.0, 5000.0, 0.414).round()),
        format!("data.signal={:.2}", between(2.0, 20.0, 0.732)),
        format!("data.label_noise={:.3}", between(0.05, 0.3, 0.236)),
        format!("network.width={}", 2 + k * 7 % 11),
        format!("network.init_scale={}", [1e-6, 1e-3, 0.03][k % 3]),
        format!("network.leak={}", [0.05, 0.1, 0.3, 0.5][k % 4]),
    ]
}

/// One problem under both ways of travelling.
pub struct Case {
    /// As the monitor sees it.
    pub problem: Problem,
    /// As the engines do.
    pub span: Arc<span::SpanProblem>,
}

impl Case {
    /// A problem and its start.
    pub fn new((problem, start): (Problem, Start)) -> Self {
        let (data, weights) = (&problem.data, start.matrix(&problem).expect("W(0)"));
        let z = preactivations(data.x(), &weights);
        let gram = data.gram().cloned().expect("few samples");
        let (x, y) = (data.x().clone(), data.y().to_vec());
        let start = span::SpanStart::new(weights, z);
        let span = span::SpanProblem::new(gram, Some(x), y, problem.network, problem.law(), start);
        Self { span: Arc::new(span), problem }
    }

    /// A run at t = 0.
    pub fn engine(&self, warp: bool) -> Voyage {
        Voyage::new(self.span.clone(), 0.0, Flips::default(), Options { warp, ..Options::default() })
    }

    /// The margins of an iterate.
    pub fn margins(&self, state: &span::Coefficients) -> Vec<f64> {
        self.problem.network.margins(state.compensated_preactivations().hi(), self.problem.data.y())
    }
}
