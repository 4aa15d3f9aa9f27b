//! The sections and keys of a configuration, with their defaults.

use super::noise::NoiseName;
use super::paths;
use super::values::{class, count, loss, measures, seed, step_size, stream, text};
use crate::files::csv::Header;
use crate::files::format::Format;
use crate::files::svmlight::IndexBase;
use farfield::{EngineChoice, Loss, Measure, Noise, Precision, Reduction, Standardize, StepSize, Stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::{Path, PathBuf};

/// Everything that determines a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Seed of all random numbers.
    #[serde(with = "seed")]
    pub seed: u64,
    /// Where the samples come from.
    pub data: Data,
    /// The network and its initialization.
    pub network: Net,
    /// How gradient descent is run.
    pub descent: Descent,
    /// What is watched.
    pub monitor: Monitor,
    /// What is written.
    pub output: Output,
}

/// `[data]`: a mixture to draw from, or files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    /// `mixture`, or the path of a data file.
    pub source: Source,
    /// Labels of a data file: a path, or a column of it.
    #[serde(deserialize_with = "text")]
    pub labels: String,
    /// Samples that are not trained on: a file, read as the source; empty: none.
    pub test: String,
    /// Their labels: as `labels`; empty: the same column as there.
    #[serde(deserialize_with = "text")]
    pub test_labels: String,
    /// The share of the samples of a data file that is held out.
    pub holdout: f64,
    /// The class that is +1; empty: the larger number, or the later name.
    #[serde(deserialize_with = "class")]
    pub positive_class: String,
    /// The format of the source: auto (by its ending, or its content), npy, csv or svmlight.
    pub format: Format,
    /// Whether the first line of a table is its header: true, false or auto.
    pub header: Header,
    /// The index of the first feature of a sparse file: 0, 1 or auto (0 if an index 0 occurs).
    pub index_base: IndexBase,
    /// The number of features of a sparse file; 0: the largest index.
    #[serde(deserialize_with = "count")]
    pub features: u64,
    /// For data from files: the rows (samples) to take, such as `0:100,150`; empty: all.
    #[serde(deserialize_with = "text")]
    pub rows: String,
    /// For data from files: the columns (features) to take, such as `0:100,150`; empty: all.
    #[serde(deserialize_with = "text")]
    pub columns: String,
    /// For data from files: none, columns (mean 0, variance 1) or rows (unit norm).
    pub standardize: Standardize,
    /// Number of samples n.
    #[serde(deserialize_with = "count")]
    pub n: u64,
    /// Number of features d.
    #[serde(deserialize_with = "count")]
    pub d: u64,
    /// `‖μ‖₂`.
    pub signal: f64,
    /// How the clusters lie: two of them around ±μ, or the four of an xor.
    pub clusters: Clusters,
    /// Distribution of the noise coordinates: gaussian, rademacher, uniform, student-t, laplace, pareto:R, weibull:A.
    pub noise: NoiseName,
    /// Degrees of freedom of student-t noise.
    pub dof: f64,
    /// Eigenvalues of the covariance: identity, power:EXPONENT, spiked:COUNT:VALUE or a .npy file.
    pub spectrum: String,
    /// Whether the covariance is turned by a rotation that the seed draws.
    pub rotated: bool,
    /// Probability that a training label is flipped, or the share that is.
    pub label_noise: f64,
    /// Which labels are flipped.
    pub label_noise_kind: Flips,
    /// Probability of the label +1.
    pub balance: f64,
    /// How samples are drawn: rows, or gram.
    pub sampling: Sampling,
    /// The version of the stream of normal numbers: 1, or 2, in bulk.
    #[serde(with = "stream")]
    pub stream: Stream,
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Net {
    /// Number of neurons m.
    #[serde(deserialize_with = "count")]
    pub width: u64,
    /// Number of neurons with `a_j > 0`; -1 means half, rounded up.
    pub positive: i64,
    /// Slope γ of the leaky ReLU.
    pub leak: f64,
    /// Standard deviation of the initial weights.
    pub init_scale: f64,
    /// A .npy file with the initial weights (m×d), or empty.
    pub init: String,
}

/// `[descent]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Descent {
    /// exponential or logistic.
    #[serde(with = "loss")]
    pub loss: Loss,
    /// Step size α, or auto.
    #[serde(with = "step_size")]
    pub step_size: StepSize,
    /// `sum` or `mean` of the losses.
    pub reduction: Reduction,
    /// Horizon: number of steps, up to 1e300.
    pub steps: f64,
    /// auto, direct or gram.
    pub engine: EngineChoice,
    /// Jump once the pattern has settled.
    pub warp: bool,
    /// Share work between neurons that provably get the same update.
    pub tied: bool,
    /// Of the products: f64, f32, or mixed: f32 with the state in f64.
    pub precision: Precision,
    /// Relative error that averages over chattering neurons may leave in the margins; 0: no averages.
    pub sliding_tolerance: f64,
    /// End in an orderly way after so many seconds; 0: never.
    pub max_seconds: f64,
}

/// `[monitor]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Monitor {
    /// Monitored t per decade.
    #[serde(deserialize_with = "count")]
    pub samples_per_decade: u64,
    /// Stop when the certified angle (radians) is below; 0: never.
    pub angle_tolerance: f64,
    /// Missing the tolerance is exit code 4.
    pub require: bool,
    /// Further columns of trace.csv: all, or their names.
    #[serde(with = "measures")]
    pub columns: Vec<Measure>,
    /// The test error of W as columns of trace.csv, of a mixture.
    pub test_error: bool,
}

/// `[output]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// Also write a weights.npy of more than 4 MB.
    pub weights: bool,
    /// Points of a sampled test error; 0: as many as about a second allows, a function of the problem alone.
    #[serde(deserialize_with = "count")]
    pub test_points: u64,
    /// Minutes between checkpoints; 0: only on signals.
    pub checkpoint_minutes: f64,
}

impl Default for Output {
    fn default() -> Self {
        Self { weights: false, test_points: 0, checkpoint_minutes: 10.0 }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self {
            source: Source::Mixture,
            labels: String::new(),
            test: String::new(),
            test_labels: String::new(),
            holdout: 0.0,
            positive_class: String::new(),
            format: Format::Auto,
            header: Header::Auto,
            index_base: IndexBase::Auto,
            features: 0,
            rows: String::new(),
            columns: String::new(),
            standardize: Standardize::None,
            n: 100,
            d: 5000,
            signal: 10.0,
            clusters: Clusters::Two,
            noise: NoiseName::Gaussian,
            dof: 3.0,
            spectrum: "identity".into(),
            rotated: false,
            label_noise: 0.0,
            label_noise_kind: Flips::Random,
            balance: 0.5,
            sampling: Sampling::Rows,
            stream: Stream::Polar,
        }
    }
}

impl Default for Net {
    fn default() -> Self {
        Self { width: 8, positive: -1, leak: 0.1, init_scale: 1e-6, init: String::new() }
    }
}

impl Default for Descent {
    fn default() -> Self {
        Self {
            loss: Loss::Exponential,
            step_size: StepSize::Auto,
            reduction: Reduction::Sum,
            steps: 1e6,
            engine: EngineChoice::Auto,
            warp: true,
            tied: true,
            precision: Precision::F64,
            sliding_tolerance: 1e-6,
            max_seconds: 0.0,
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self { samples_per_decade: 4, angle_tolerance: 0.0, require: false, columns: Vec::new(), test_error: false }
    }
}

/// Where the samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Drawn from a mixture.
    Mixture,
    /// Read from the file of this path.
    File(String),
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(match self {
            Self::Mixture => "mixture",
            Self::File(path) => path,
        })
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Ok(if text == "mixture" { Self::Mixture } else { Self::File(text) })
    }
}

/// How the clusters of a mixture lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clusters {
    /// Class ±1 around ±μ.
    Two,
    /// Class +1 around μ and −μ, class −1 around μ₂ and −μ₂, ⟨μ,μ₂⟩ = 0.
    Xor,
}

/// Which training labels are flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flips {
    /// Each with the same probability, whatever the sample.
    Random,
    /// Those of the samples with the smallest margins against the mean.
    SmallestMargin,
}

/// How samples of a mixture are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Row by row.
    Rows,
    /// In coordinates that turn with the samples: any d at the cost of d = n, for Gaussian noise and Σ = I.
    Gram,
}

impl Data {
    /// The distribution of the noise coordinates.
    pub fn noise(&self) -> Noise {
        match self.noise {
            NoiseName::Gaussian => Noise::Gaussian,
            NoiseName::Rademacher => Noise::Rademacher,
            NoiseName::Uniform => Noise::Uniform,
            NoiseName::StudentT => Noise::StudentT { dof: self.dof },
            NoiseName::Laplace => Noise::Laplace,
            NoiseName::Pareto(index) => Noise::Pareto { index },
            NoiseName::Weibull(shape) => Noise::Weibull { shape },
        }
    }

    /// The format that `data.format` or the ending of the source says; [`Format::Auto`] if its content has to.
    pub fn format_by_name(&self) -> Format {
        match (&self.source, self.format) {
            (Source::File(source), Format::Auto) => Format::of_name(&paths::decode(source)),
            (_, format) => format,
        }
    }

    /// The same of the test samples.
    pub fn test_format_by_name(&self) -> Format {
        if self.format == Format::Auto { Format::of_name(&paths::decode(&self.test)) } else { self.format }
    }

    /// The file of the labels of the test samples, likewise.
    pub fn test_label_file(&self) -> Option<PathBuf> {
        let own = names_file(&self.test_labels, self.test_format_by_name(), Path::new(""));
        own.then(|| paths::decode(&self.test_labels))
    }

    /// The file of the labels, if they are not a column or the lines of the source.
    pub fn label_file(&self) -> Option<PathBuf> {
        names_file(&self.labels, self.format_by_name(), Path::new("")).then(|| paths::decode(&self.labels))
    }
}

/// Whether labels given like this, with a source of this format, are in a file of their own: an absolute or dotted
/// path, a name with an ending of data, one with a slash that is there below `base`; with an array anything but an
/// index.
pub(super) fn names_file(labels: &str, source: Format, base: &Path) -> bool {
    const ENDINGS: [&str; 8] = [".npy", ".csv", ".tsv", ".txt", ".data", ".dat", ".labels", ".gz"];
    let lower = labels.to_ascii_lowercase();
    let index = labels.parse::<i64>().is_ok();
    let path = paths::decode(labels);
    !labels.is_empty()
        && (ENDINGS.iter().any(|e| lower.ends_with(e))
            || path.is_absolute()
            || ["./", "../"].iter().any(|dots| labels.starts_with(dots))
            || labels.contains('/') && base.join(&path).is_file()
            || source == Format::Npy && !index)
}
