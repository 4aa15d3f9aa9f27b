//! Mixtures with flipped labels of many kinds, as settings of a configuration, and the runs of such a problem.

use farfield::config::Config;
use farfield::descent::Flips;
use farfield::descent::gram::{self, Start};
use farfield::descent::horizon::{Horizon, Options};
use farfield::geometry::preactivations;
use farfield::problem::Problem;
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
    pub span: Arc<gram::Problem>,
}

impl Case {
    /// The problem of some settings.
    pub fn new(settings: &[String]) -> Self {
        let config = Config::load(None, settings).expect("a valid configuration");
        let problem = Problem::build(&config).expect("a problem");
        let (data, weights) = (&problem.data, &problem.weights);
        let start = Start::new((**weights).clone(), preactivations(&data.x, weights));
        let gram = problem.gram.clone().expect("few samples");
        let (x, y) = (data.x.clone(), data.y.clone());
        let span = gram::Problem::new(gram, Some(x), y, problem.network, (problem.loss, problem.rate()), start);
        Self { span: Arc::new(span), problem }
    }

    /// A run at t = 0.
    pub fn engine(&self, warp: bool) -> Horizon {
        Horizon::new(self.span.clone(), 0.0, Flips::default(), Options { warp, ..Options::default() })
    }

    /// The margins of an iterate.
    pub fn margins(&self, state: &gram::Coefficients) -> Vec<f64> {
        self.problem.network.margins(state.compensated_preactivations().hi(), &self.problem.data.y)
    }
}
