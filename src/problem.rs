//! From a configuration to a problem: data, network, initial weights, step size.
//!
//! All checks that can refuse a problem happen here, before any long work starts.

use crate::config::{Config, StepSize};
use crate::data::{self, Dataset, mixture};
use crate::descent::choice::LARGEST;
use crate::error::Result;
use crate::geometry::{Geometry, Gram, Samples};
use crate::input_error;
use crate::lanczos::largest_eigenvalue;
use crate::matrix::Matrix;
use crate::monitor;
use crate::network::Network;
use std::path::Path;
use std::sync::Arc;

/// A problem, ready for descent.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Samples and labels.
    pub data: Dataset,
    /// The network.
    pub network: Network,
    /// W(0) (m×d).
    pub weights: Arc<Matrix>,
    /// `K = XXᵀ`, up to [`LARGEST`] samples.
    pub gram: Option<Arc<Gram>>,
    /// `‖x_i‖`.
    pub norms: Vec<f64>,
    /// `λmax(XXᵀ)`.
    pub lambda_max: f64,
    /// α.
    pub step_size: f64,
    /// c: 1 for the sum of the losses, 1/n for the mean.
    pub loss_constant: f64,
}

impl Problem {
    /// Reads or draws everything that the configuration names.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`]: files that cannot be read or do not fit together, a problem larger than memory.
    pub fn build(config: &Config) -> Result<Self> {
        let data = dataset(config)?;
        let (n, d) = (data.x.rows(), data.x.cols());
        let width = config.network.width as usize;
        let positive = usize::try_from(config.network.positive).unwrap_or(width.div_ceil(2));
        let network = Network { width, positive, leak: config.network.leak };
        let weights = weights(config, width, d)?;
        let gram = (n <= LARGEST).then(|| Arc::new(Gram(crate::product::gram(&data.x))));
        let norms: Vec<f64> = match &gram {
            Some(k) => (0..n).map(|i| k.0[(i, i)].sqrt()).collect(),
            None => (0..n).map(|i| crate::matrix::norm(data.x.row(i))).collect(),
        };
        check_lengths(&norms, &data.x)?;
        let lambda_max = match &gram {
            Some(k) => largest_eigenvalue(n, |v| k.apply(v)),
            None => largest_eigenvalue(n, |v| Samples(data.x.clone()).apply(v)),
        };
        let loss_constant = config.loss_constant(n);
        let step_size = match config.descent.step_size {
            StepSize::Fixed(v) => v,
            StepSize::Auto => round_down(1.0 / lambda_max / loss_constant),
        };
        if !(step_size > 0.0 && step_size.is_finite()) {
            return Err(input_error!("no automatic step size: every sample is zero; set descent.step_size"));
        }
        Ok(Self { data, network, weights, gram, norms, lambda_max, step_size, loss_constant })
    }

    /// `αc`, the factor of a sample's loss in the update.
    pub fn rate(&self) -> f64 {
        self.step_size * self.loss_constant
    }

    /// Inner products of the samples, by K where it is held.
    pub fn geometry(&self) -> Arc<dyn Geometry + Send> {
        match &self.gram {
            Some(k) => k.clone(),
            None => Arc::new(Samples(self.data.x.clone())),
        }
    }

    /// What a monitor must know.
    pub fn setting(&self) -> monitor::Setting {
        monitor::Setting {
            geometry: self.geometry(),
            gram: self.gram.clone(),
            x: Some(self.data.x.clone()),
            norms: self.norms.clone(),
            d: self.data.x.cols(),
            y: self.data.y.clone(),
            network: self.network,
            step_size: self.step_size,
            loss_constant: self.loss_constant,
        }
    }

    /// blake3 of shape, samples and labels.
    pub fn data_digest(&self) -> String {
        let x = &self.data.x;
        crate::record::digest([&[x.rows() as f64, x.cols() as f64], x.values(), &self.data.y])
    }
}

fn dataset(config: &Config) -> Result<Dataset> {
    if config.data.source != "mixture" {
        return data::read(&config.data);
    }
    let (n, d) = (config.data.n as usize, config.data.d as usize);
    fits(n, d, config.network.width as usize)?;
    let spectrum = data::spectrum::parse(&config.data.spectrum, d)?;
    let noise = data::noise(&config.data);
    let draw =
        mixture::Draw { n, balance: config.data.balance, label_noise: config.data.label_noise, seed: config.seed };
    Ok(data::Mixture::new(config.data.signal, spectrum, noise).sample(&draw))
}

fn weights(config: &Config, width: usize, d: usize) -> Result<Arc<Matrix>> {
    if config.network.init.is_empty() {
        return Ok(mixture::initial_weights(width, d, config.network.init_scale, config.seed).into());
    }
    let path = Path::new(&config.network.init);
    let w = data::npy::matrix(path)?;
    if (w.rows(), w.cols()) != (width, d) {
        let (r, c) = (w.rows(), w.cols());
        return Err(input_error!("{}: W(0) is {r} x {c}, expected width x d = {width} x {d}", path.display()));
    }
    Ok(w.into())
}

/// Refuses samples whose inner products, or the products of two of these, leave the range of f64.
fn check_lengths(norms: &[f64], x: &Matrix) -> Result<()> {
    const LENGTHS: std::ops::RangeInclusive<f64> = 1e-70..=1e70;
    let (least, most) = (LENGTHS.start(), LENGTHS.end());
    for (i, norm) in norms.iter().enumerate().filter(|(_, v)| !LENGTHS.contains(v)) {
        let length = crate::matrix::norm(x.row(i));
        if *norm != 0.0 || length != 0.0 {
            return Err(input_error!(
                "sample {i} has length {length:.1e}; expected 0, or {least:e} to {most:e}: choose another unit"
            ));
        }
    }
    Ok(())
}

/// Refuses a problem that would not fit: X twice (as read and packed), W twice, and K with its factor.
fn fits(n: usize, d: usize, m: usize) -> Result<()> {
    let (n, d, m) = (n as f64, d as f64, m as f64);
    let gram = if n <= LARGEST as f64 { 4.0 * n * n } else { 0.0 };
    let needed = 8.0 * (2.0 * n * d + 3.0 * m * d + 6.0 * n * m + gram);
    let Some(available) = available_memory() else { return Ok(()) };
    if needed <= available {
        return Ok(());
    }
    const GIB: f64 = (1u64 << 30) as f64;
    let (needed, available) = (needed / GIB, available / GIB);
    Err(input_error!(
        "n = {n}, d = {d}, width = {m} needs {needed:.1} GiB of memory, and {available:.1} GiB are available"
    ))
}

/// Bytes of memory that this process may still use: MemAvailable, or what a cgroup leaves of it.
fn available_memory() -> Option<f64> {
    let file = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = file.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let free = line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? * 1024.0;
    let number =
        |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<f64>().ok();
    match (number("memory.max"), number("memory.current")) {
        (Some(max), Some(current)) => Some(free.min(max - current)),
        _ => Some(free),
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
