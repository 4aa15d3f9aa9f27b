//! Trajectories computed in 60-digit arithmetic, and runs to compare with them.
#![allow(dead_code)] // each test file uses its part

use farfield::inner_products::Gram;
use farfield::matrix::Matrix;
use farfield::monitor::Monitor;
use farfield::network::Network;
use farfield::{Data, Loss, Problem, Reduction, StepSize};
use serde::Deserialize;
use std::sync::Arc;

/// One file of tests/vectors.
#[derive(Deserialize)]
pub struct Trajectory {
    pub name: String,
    pub positive: usize,
    pub negative: usize,
    pub leak: f64,
    pub step_size: f64,
    pub reduction: String,
    /// The exponential loss where it is not said.
    pub loss: Option<String>,
    pub steps: u64,
    #[serde(rename = "X")]
    pub x: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    #[serde(rename = "W0")]
    pub weights: Vec<Vec<f64>>,
    pub checkpoints: Vec<Checkpoint>,
    pub last_flip: u64,
    pub limit: Option<KnownLimit>,
}

/// The state at one t; numbers are decimal strings.
#[derive(Deserialize)]
pub struct Checkpoint {
    pub t: u64,
    pub log_loss: String,
    pub margins: Vec<String>,
    pub weight_norm: String,
    pub gradient_norm: String,
    pub sign_agreement: String,
    pub pattern_flips: u64,
}

/// The limit of the final pattern.
#[derive(Deserialize)]
pub struct KnownLimit {
    pub dual: Vec<String>,
    pub max_margin: String,
    pub cosine_at_end: String,
    pub boundary: Vec<String>,
}

/// A decimal string as the nearest f64.
pub fn number(text: &str) -> f64 {
    text.parse().expect("a decimal number")
}

/// `|a − b| ≤ tolerance·|b|`.
pub fn assert_close(what: &str, a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs(), "{what}: {a:e} instead of {b:e}, off by {:e}", (a / b - 1.0).abs());
}

impl Trajectory {
    /// All files.
    pub fn all() -> Vec<Self> {
        ["activated", "chattering", "late_flips", "odd_width_mean", "logistic", "logistic_flips", "logistic_mean"]
            .map(Self::load)
            .into()
    }

    /// One file by name.
    pub fn load(name: &str) -> Self {
        let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).expect("the file is there")).expect("it has the format")
    }

    pub fn network(&self) -> Network {
        Network { width: self.positive + self.negative, positive: self.positive, leak: self.leak }
    }

    pub fn samples(&self) -> Arc<Matrix> {
        Matrix::new(self.x.len(), self.x[0].len(), self.x.concat()).into()
    }

    pub fn initial(&self) -> Matrix {
        Matrix::new(self.weights.len(), self.x[0].len(), self.weights.concat())
    }

    pub fn loss_constant(&self) -> f64 {
        if self.reduction == "mean" { 1.0 / self.y.len() as f64 } else { 1.0 }
    }

    pub fn loss(&self) -> Loss {
        self.loss.as_ref().map_or(Loss::Exponential, |name| Loss::named(name).expect("a loss"))
    }

    pub fn law(&self) -> (Loss, f64) {
        (self.loss(), self.step_size * self.loss_constant())
    }

    pub fn gram(&self) -> Arc<Gram> {
        Arc::new(Gram(farfield::gram::gram(&self.samples())))
    }

    pub fn monitor(&self) -> Monitor {
        Monitor::new(&self.problem())
    }

    pub fn problem(&self) -> Problem {
        let data = Data::new(self.samples(), self.y.clone()).expect("samples");
        let reduction = if self.reduction == "mean" { Reduction::Mean } else { Reduction::Sum };
        let step = StepSize::Fixed(self.step_size);
        Problem::with(&data, self.network(), step, reduction).expect("a problem").with_loss(self.loss())
    }
}
