//! From a configuration to a problem and its start.
//!
//! All checks that can refuse a problem happen here, before any long work starts.

use crate::config::{Clusters, Config, Flips, Sampling, Source, paths};
use crate::error::{Error, Result, input_error};
use crate::files::classes::Classes;
use crate::files::held_out::{self, Parts};
use crate::files::npy;
use crate::files::text::shown;
use crate::memory;
use crate::ranks;
use crate::streamed;
use farfield::data::slabs::X;
use farfield::{Data, Descent, Draw, Fresh, Mixture, Network, Options, Problem};
use farfield::{Sampling as Points, Spectrum, Start, Watch};

/// A problem, and where gradient descent starts.
pub struct Setup {
    /// Data, network, loss and step.
    pub problem: Problem,
    /// W(0).
    pub start: Start,
    /// Which class is +1, for data from files.
    pub classes: Option<Classes>,
    /// What was decided in reading files, a sentence each.
    pub notes: Vec<String>,
}

impl Setup {
    /// Reads or draws everything that the configuration names.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`]: files that cannot be read or do not fit together, a problem larger than memory.
    pub fn new(config: &Config, watch: &Watch) -> Result<Self> {
        Self::of(config, samples(config, watch)?)
    }

    /// The same for samples that were read or drawn before, for the same `[data]` and seed.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn of(config: &Config, samples: Samples) -> Result<Self> {
        let Samples { data, classes, notes } = samples;
        let network = network(config)?;
        if !matches!(data.samples(), X::Streamed(_)) {
            memory::network_fits(data.n(), data.d(), network.width, config.descent.precision)?;
        }
        let start = start(config, &data, network.width)?;
        let problem = Problem::with(&data, network, config.descent.step_size, config.descent.reduction)?;
        let problem = problem.with_loss(config.descent.loss);
        Ok(Self { problem, start, classes, notes })
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
        measures: config.monitor.columns.clone(),
        test_error: config.monitor.test_error.then(|| Fresh { seed: config.seed, points: points(config) }),
        angle_tolerance: config.monitor.angle_tolerance,
        max_seconds: config.descent.max_seconds,
    }
}

/// How test errors are sampled.
pub fn sampling(config: &Config, watch: Watch) -> Points {
    Points { seed: config.seed, points: points(config), watch }
}

fn points(config: &Config) -> Option<u64> {
    Some(config.output.test_points).filter(|points| *points > 0)
}

/// Refuses a start whose losses `exp(−q)` overflow: no step can be taken from it, however small.
///
/// # Errors
/// [`Error::Numerical`] with its least margin.
pub fn starts_in_range(descent: &mut Descent) -> Result<()> {
    let margins = descent.margins();
    let least = margins.iter().copied().fold(f64::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a });
    let loss = descent.problem().loss;
    if least.is_finite() && (loss.bounded() || (-least).exp().is_finite()) {
        return Ok(());
    }
    Err(Error::Numerical(format!(
        "the losses exp(-q) of W(0) overflow, its least margin is {least:.4e}; choose a smaller network.init_scale, or \
         another network.init"
    )))
}

/// The network of a configuration.
///
/// # Errors
/// [`crate::error::Error::Input`] for a leak or a width that no network has.
pub fn network(config: &Config) -> Result<Network> {
    let width = config.network.width as usize;
    let positive = usize::try_from(config.network.positive).unwrap_or(width.div_ceil(2));
    Ok(Network::new(width, positive, config.network.leak)?)
}

/// Samples, and what is to be said of them.
#[derive(Clone)]
pub struct Samples {
    /// Of samples and their labels.
    pub data: Data,
    /// Of files: what the labels were.
    pub classes: Option<Classes>,
    /// Of files: what was decided in reading them.
    pub notes: Vec<String>,
}

/// The samples that a configuration names.
///
/// # Errors
/// As [`Setup::new`].
pub fn samples(config: &Config, watch: &Watch) -> Result<Samples> {
    samples_into(Vec::new(), config, watch)
}

/// [`samples`], drawn into the room of others that are not needed any more: [`Data::draw_into`].
///
/// # Errors
/// As [`Setup::new`].
pub fn samples_into(room: Vec<f64>, config: &Config, watch: &Watch) -> Result<Samples> {
    if let Some(link) = ranks::link().filter(|_| has_rows(config)) {
        return ranks::samples(config, link, watch);
    }
    if let Some(samples) = streamed::samples(config, watch)? {
        return Ok(samples);
    }
    memory::plausible(config)?;
    let width = config.network.width as usize;
    let Source::File(path) = &config.data.source else {
        return Ok(Samples { data: labelled(drawn(room, config, watch)?, config)?, classes: None, notes: Vec::new() });
    };
    let room = |n: usize, d: usize| memory::fits(n, d, width, 8.0);
    let beside = |p: usize, n: usize, d: usize| memory::held_out_fits(p, n, d, width);
    let Parts { training, held_out } = held_out::read(&paths::decode(path), &config.data, config.seed, &room, &beside)?;
    memory::fits(training.x.rows(), training.x.cols(), width, 8.0)?;
    let data = Data::watched(training.x, training.y, watch)?;
    let data = match held_out {
        Some((x, y)) => data.with_held_out(x, y, watch).map_err(|e| match e {
            farfield::Error::Stopped => e.into(),
            e => input_error!("the held-out samples: {e}"),
        })?,
        None => data,
    };
    Ok(Samples { data, classes: Some(training.classes), notes: training.notes })
}

/// The probability of independent flips: none where an adversary places them.
pub fn random_flips(config: &Config) -> f64 {
    if config.data.label_noise_kind == Flips::Random { config.data.label_noise } else { 0.0 }
}

/// Samples of a mixture with the labels that an adversary leaves, if there is one.
///
/// # Errors
/// None for a configuration that is valid.
pub fn labelled(data: Data, config: &Config) -> Result<Data> {
    match config.data.label_noise_kind {
        Flips::Random => Ok(data),
        Flips::SmallestMargin => Ok(data.with_smallest_margins_flipped(config.data.label_noise)?),
    }
}

/// The mixture of a configuration, in its own coordinates.
///
/// # Errors
/// As [`spectrum`].
pub fn mixture(config: &Config) -> Result<Mixture> {
    let data = &config.data;
    let spectrum = spectrum(&data.spectrum, data.d as usize)?;
    let (signal, noise) = (data.signal, data.noise());
    let mixture = match (data.clusters, data.rotated) {
        (Clusters::Two, true) => Mixture::rotated(signal, spectrum, noise, config.seed),
        (Clusters::Two, false) => Mixture::new(signal, spectrum, noise),
        (Clusters::Xor, true) => Mixture::rotated_xor(signal, spectrum, noise, config.seed),
        (Clusters::Xor, false) => Mixture::xor(signal, spectrum, noise),
    };
    Ok(mixture.with_stream(data.stream))
}

/// What is drawn of the mixture of a configuration.
pub fn drawing(config: &Config) -> Draw {
    let (n, balance) = (config.data.n as usize, config.data.balance);
    Draw { n, balance, label_noise: random_flips(config), seed: config.seed }
}

/// Whether samples have rows of d numbers: those in rotated coordinates are as small as K.
pub fn has_rows(config: &Config) -> bool {
    !(config.data.source == Source::Mixture && config.data.sampling == Sampling::Gram)
}

fn drawn(room: Vec<f64>, config: &Config, watch: &Watch) -> Result<Data> {
    let draw = drawing(config);
    if config.data.sampling == Sampling::Gram {
        let width = config.network.width as usize;
        return Ok(Data::draw_rotated(config.data.signal, config.data.d, width, &draw, config.data.stream, watch)?);
    }
    Ok(Data::draw_into(room, mixture(config)?, &draw, watch)?)
}

fn start(config: &Config, data: &Data, width: usize) -> Result<Start> {
    if config.network.init.is_empty() {
        return Ok(Start::gaussian(config.network.init_scale, config.seed));
    }
    let path = paths::decode(&config.network.init);
    let w = npy::matrix(&path)?;
    if (w.rows(), w.cols()) != (width, data.d()) {
        let (r, c, d) = (w.rows(), w.cols(), data.d());
        return Err(input_error!("{}: W(0) is {r} x {c}, expected width x d = {width} x {d}", path.display()));
    }
    Ok(Start::weights(w))
}

/// The d eigenvalues that `data.spectrum` names: `identity`, `power:EXPONENT`, `spiked:COUNT:VALUE` or a .npy file.
///
/// # Errors
/// [`crate::error::Error::Input`] for another text, a file that cannot be read, values that are not positive.
pub fn spectrum(text: &str, d: usize) -> Result<Vec<f64>> {
    let unknown = || {
        let name = shown(text.as_bytes());
        input_error!("data.spectrum = {name}: expected identity, power:EXPONENT, spiked:COUNT:VALUE or a .npy file")
    };
    let number = |part: &str| part.parse::<f64>().map_err(|_| unknown());
    let parts: Vec<&str> = text.split(':').collect();
    let spectrum = match parts[..] {
        ["identity"] => Spectrum::Identity,
        ["power", exponent] => Spectrum::Power { exponent: number(exponent)? },
        ["spiked", count, value] => {
            Spectrum::Spiked { count: count.parse().map_err(|_| unknown())?, value: number(value)? }
        }
        _ if text.ends_with(".npy") => Spectrum::Listed(npy::vector(&paths::decode(text))?),
        _ => return Err(unknown()),
    };
    spectrum.eigenvalues(d).map_err(|e| input_error!("data.spectrum = {}: {e}", shown(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spectra_by_name() {
        assert_eq!(spectrum("identity", 3).unwrap(), [1.0; 3]);
        assert_eq!(spectrum("power:1", 2).unwrap(), [1.0, 0.5]);
        assert_eq!(spectrum("spiked:2:9.5", 3).unwrap(), [9.5, 9.5, 1.0]);
        for bad in [
            "",
            "power",
            "power:x",
            "spiked:1",
            "spiked:1:-2",
            "spiked:nan:3",
            "spiked:4:2",
            "flat",
            "a\nb",
            "none.npy",
        ] {
            let message = spectrum(bad, 3).expect_err(bad).to_string();
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
