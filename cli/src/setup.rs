//! From a configuration to a problem and its start.
//!
//! All checks that can refuse a problem happen here, before any long work starts.

use crate::config::{Config, Sampling, Source};
use crate::error::{Result, input_error};
use crate::files::{self, npy};
use crate::memory;
use farfield::{Axes, Data, Draw, Mixture, Network, Options, Problem, Spectrum, Start};
use std::path::Path;

/// A problem, and where gradient descent starts.
pub struct Setup {
    /// Data, network, loss and step.
    pub problem: Problem,
    /// W(0).
    pub start: Start,
}

impl Setup {
    /// Reads or draws everything that the configuration names.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`]: files that cannot be read or do not fit together, a problem larger than memory.
    pub fn new(config: &Config) -> Result<Self> {
        Self::of(config, data(config)?)
    }

    /// The same for data that were read or drawn before, for the same `[data]` and seed.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn of(config: &Config, data: Data) -> Result<Self> {
        let network = network(config)?;
        let start = start(config, &data, network.width)?;
        let problem = Problem::with(&data, network, config.descent.step_size, config.descent.reduction)?;
        Ok(Self { problem, start })
    }
}

/// How gradient descent is run.
pub fn options(config: &Config) -> Options {
    Options {
        engine: config.descent.engine,
        planned: config.descent.steps,
        warp: config.descent.warp,
        tied: config.descent.tied,
        precision: config.descent.precision,
        sliding_tolerance: config.descent.sliding_tolerance,
        samples_per_decade: config.monitor.samples_per_decade,
        angle_tolerance: config.monitor.angle_tolerance,
    }
}

fn network(config: &Config) -> Result<Network> {
    let width = config.network.width as usize;
    let positive = usize::try_from(config.network.positive).unwrap_or(width.div_ceil(2));
    Ok(Network::new(width, positive, config.network.leak)?)
}

/// The samples that a configuration names.
///
/// # Errors
/// As [`Setup::new`].
pub fn data(config: &Config) -> Result<Data> {
    let source = match &config.data.source {
        Source::File(path) => path,
        Source::Mixture => return draw(config),
    };
    let (x, y) = files::read(source, &config.data)?;
    Ok(Data::new(x, y)?)
}

fn draw(config: &Config) -> Result<Data> {
    let (n, width) = (config.data.n as usize, config.network.width as usize);
    if config.data.sampling == Sampling::Gram {
        let draw = Draw { n, balance: config.data.balance, label_noise: config.data.label_noise, seed: config.seed };
        memory::fits(n, Axes::new(n, config.data.d, width).columns(), width)?;
        return Ok(Data::draw_rotated(config.data.signal, config.data.d, width, &draw)?);
    }
    let d = config.data.d as usize;
    memory::fits(n, d, width)?;
    let spectrum = spectrum(&config.data.spectrum, d)?;
    let draw = Draw { n, balance: config.data.balance, label_noise: config.data.label_noise, seed: config.seed };
    Ok(Data::draw(Mixture::new(config.data.signal, spectrum, config.data.noise()), &draw)?)
}

fn start(config: &Config, data: &Data, width: usize) -> Result<Start> {
    if config.network.init.is_empty() {
        return Ok(Start::gaussian(config.network.init_scale, config.seed));
    }
    let path = Path::new(&config.network.init);
    let w = npy::matrix(path)?;
    if (w.rows(), w.cols()) != (width, data.d()) {
        let (r, c, d) = (w.rows(), w.cols(), data.d());
        return Err(input_error!("{}: W(0) is {r} x {c}, expected width x d = {width} x {d}", path.display()));
    }
    Ok(Start::weights(w))
}

/// The d eigenvalues that `data.spectrum` names: `identity`, `power:EXPONENT`, `spiked:COUNT:VALUE` or a .npy file.
fn spectrum(text: &str, d: usize) -> Result<Vec<f64>> {
    let unknown = || {
        input_error!("data.spectrum = \"{text}\": expected identity, power:EXPONENT, spiked:COUNT:VALUE or a .npy file")
    };
    let number = |part: &str| part.parse::<f64>().map_err(|_| unknown());
    let parts: Vec<&str> = text.split(':').collect();
    let spectrum = match parts[..] {
        ["identity"] => Spectrum::Identity,
        ["power", exponent] => Spectrum::Power { exponent: number(exponent)? },
        ["spiked", count, value] => {
            Spectrum::Spiked { count: count.parse().map_err(|_| unknown())?, value: number(value)? }
        }
        _ if text.ends_with(".npy") => Spectrum::Listed(npy::vector(Path::new(text))?),
        _ => return Err(unknown()),
    };
    spectrum.eigenvalues(d).map_err(|e| input_error!("data.spectrum = \"{text}\": {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spectra_by_name() {
        assert_eq!(spectrum("identity", 3).unwrap(), [1.0; 3]);
        assert_eq!(spectrum("power:1", 2).unwrap(), [1.0, 0.5]);
        assert_eq!(spectrum("spiked:2:9.5", 3).unwrap(), [9.5, 9.5, 1.0]);
        for bad in ["", "power", "power:x", "spiked:1", "spiked:1:-2", "spiked:nan:3", "spiked:4:2", "flat", "none.npy"]
        {
            let message = spectrum(bad, 3).expect_err(bad).to_string();
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
