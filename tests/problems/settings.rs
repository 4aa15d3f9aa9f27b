//! Problems by the settings that the command line has for them: `data.n=20`, `descent.steps=1e4`, …

use farfield::{
    Data, Descent, Draw, EngineChoice, Loss, Mixture, Network, Noise, Options, Precision, Problem, Reduction, Start,
    StepSize,
};

/// A mixture, a network, and how to run it; everything else is as the command line has it by default.
#[derive(Clone, Debug)]
pub struct Settings {
    pub draw: Draw,
    pub d: usize,
    pub signal: f64,
    pub width: usize,
    pub positive: Option<usize>,
    pub leak: f64,
    pub init_scale: f64,
    pub loss: Loss,
    pub reduction: Reduction,
    pub options: Options,
    pub steps: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            draw: Draw { n: 100, balance: 0.5, label_noise: 0.0, seed: 0 },
            d: 5000,
            signal: 10.0,
            width: 8,
            positive: None,
            leak: 0.1,
            init_scale: 1e-6,
            loss: Loss::Exponential,
            reduction: Reduction::Sum,
            options: Options { samples_per_decade: 4, ..Options::default() },
            steps: 1e6,
        }
    }
}

impl Settings {
    /// From `KEY=VALUE` settings.
    pub fn new(settings: &[impl AsRef<str>]) -> Self {
        let mut recipe = Self::default();
        for setting in settings {
            let (key, value) = setting.as_ref().split_once('=').expect("KEY=VALUE");
            recipe.set(key, value);
        }
        recipe.options.planned = recipe.steps;
        recipe
    }

    fn set(&mut self, key: &str, value: &str) {
        let number = || value.parse::<f64>().expect("a number");
        match key {
            "seed" => self.draw.seed = number() as u64,
            "data.n" => self.draw.n = number() as usize,
            "data.d" => self.d = number() as usize,
            "data.signal" => self.signal = number(),
            "data.label_noise" => self.draw.label_noise = number(),
            "network.width" => self.width = number() as usize,
            "network.positive" => self.positive = Some(number() as usize),
            "network.leak" => self.leak = number(),
            "network.init_scale" => self.init_scale = number(),
            "descent.loss" => self.loss = Loss::named(value).expect("a loss"),
            "descent.steps" => self.steps = number(),
            "descent.warp" => self.options.warp = value == "true",
            "descent.tied" => self.options.tied = value == "true",
            "descent.engine" => {
                self.options.engine = match value {
                    "direct" => EngineChoice::Direct,
                    "gram" => EngineChoice::Gram,
                    _ => EngineChoice::Auto,
                }
            }
            "descent.precision" => self.options.precision = Precision::named(value).expect("a precision"),
            "descent.reduction" => {
                self.reduction = if value == "mean" { Reduction::Mean } else { Reduction::Sum };
            }
            other => panic!("no setting {other}"),
        }
    }

    /// The problem and its start.
    pub fn problem(&self) -> (Problem, Start) {
        let mixture = Mixture::new(self.signal, vec![1.0; self.d], Noise::Gaussian);
        let data = Data::draw(mixture, &self.draw).expect("samples");
        let positive = self.positive.unwrap_or(self.width.div_ceil(2));
        let network = Network::new(self.width, positive, self.leak).expect("a network");
        let problem = Problem::with(&data, network, StepSize::Auto, self.reduction).expect("a problem");
        (problem.with_loss(self.loss), Start::gaussian(self.init_scale, self.draw.seed))
    }

    /// Gradient descent at t = 0.
    pub fn descent(&self) -> Descent {
        let (problem, start) = self.problem();
        Descent::with(&problem, &start, &self.options).expect("a descent")
    }
}
