//! The problem: data, network, loss and step.
//!
//! ```text
//! L(W) = c Σ_i ℓ(q_i),   w_j ← w_j − α ∂L/∂w_j,     c = 1 (sum) or 1/n (mean)
//! ```

use crate::data::Data;
use crate::error::{Error, Result};
use crate::network::Network;
use farfield_kernels::loss::Loss;
use serde::{Deserialize, Serialize};

/// The step size α.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum StepSize {
    /// `1/λmax(XXᵀ)/c`, rounded down to 3 significant digits.
    #[default]
    Auto,
    /// As given.
    Fixed(f64),
    /// Gradient flow, `dW/dt = −∇L(W)`: no step at all.
    Flow,
}

/// How the losses of the samples make up L.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// `c = 1`.
    #[default]
    Sum,
    /// `c = 1/n`.
    Mean,
}

/// Everything that gradient descent depends on but its start. Cheap to clone: the data are shared.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Samples, labels, and what follows from them.
    pub data: Data,
    /// The network.
    pub network: Network,
    /// The loss.
    pub loss: Loss,
    /// Step size α; 1 for gradient flow, where t is time, so that `α c t s(q)` is what it is for steps.
    pub step_size: f64,
    /// Loss constant c.
    pub loss_constant: f64,
    /// Gradient flow in place of steps, with its natural unit of time: the automatic step size. None: steps.
    pub flow: Option<f64>,
}

impl Problem {
    /// The sum of the losses with the automatic step size.
    ///
    /// # Errors
    /// [`Error::NoStepSize`] if every sample is zero.
    pub fn new(data: &Data, network: Network) -> Result<Self> {
        Self::with(data, network, StepSize::Auto, Reduction::Sum)
    }

    /// With a given step size and reduction.
    ///
    /// # Errors
    /// [`Error::NoStepSize`] for an automatic step, or for gradient flow, if every sample is zero; [`Error::Range`] for a step that is not
    /// positive and finite.
    pub fn with(data: &Data, network: Network, step_size: StepSize, reduction: Reduction) -> Result<Self> {
        let loss_constant = match reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / data.n() as f64,
        };
        let flows = step_size == StepSize::Flow;
        let step_size = match step_size {
            StepSize::Fixed(v) if v > 0.0 && v.is_finite() => v,
            StepSize::Fixed(value) => {
                return Err(Error::Range { name: "the step size", value, expected: "a finite number above 0" });
            }
            StepSize::Auto | StepSize::Flow => round_down(1.0 / data.lambda_max() / loss_constant),
        };
        if !(step_size > 0.0 && step_size.is_finite()) {
            return Err(Error::NoStepSize);
        }
        let (step_size, flow) = if flows { (1.0, Some(step_size)) } else { (step_size, None) };
        Ok(Self { data: data.clone(), network, loss: Loss::Exponential, step_size, loss_constant, flow })
    }

    /// The same with steps: of the automatic size in place of gradient flow.
    pub fn stepping(&self) -> Self {
        Self { step_size: self.flow.unwrap_or(self.step_size), flow: None, ..self.clone() }
    }

    /// The same with another loss.
    pub fn with_loss(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// The loss with the factor `αc` of a sample's weight in the update.
    pub fn law(&self) -> (Loss, f64) {
        (self.loss, self.rate())
    }

    /// `αc`, the factor of a sample's weight in the update.
    pub fn rate(&self) -> f64 {
        self.step_size * self.loss_constant
    }
}

/// Rounds a positive number down to 3 significant digits, in decimal.
fn round_down(v: f64) -> f64 {
    let text = format!("{v:.17e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let kept: String = digits.chars().take(4).collect();
    format!("{kept}e{exponent}").parse().unwrap_or(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_rounded_down_to_three_digits() {
        let cases = [(0.00012399999, 0.000123), (1.999, 1.99), (2.0, 2.0), (9.9999e-9, 9.99e-9), (123456.0, 123000.0)];
        cases.iter().for_each(|(v, rounded)| assert_eq!(round_down(*v), *rounded));
    }
}
