//! What a caller can get wrong. How a run *ended* is a [`Status`](crate::Status), not an error.

/// Errors of the library; each message is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array of another shape than the rest of the problem asks for.
    #[error("{what} is {found}, expected {expected}")]
    Shape {
        /// Which array: `X`, `y`, `W(0)`, …
        what: &'static str,
        /// Its shape, such as `3 x 4`.
        found: String,
        /// The shape that fits, with its meaning, such as `width x d = 8 x 5000`.
        expected: String,
    },
    /// A number outside its range.
    #[error("{name} = {value}: expected {expected}")]
    Range {
        /// Which number.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range in words.
        expected: &'static str,
    },
    /// A label that is neither −1 nor +1.
    #[error("the label of sample {sample} is {value}, expected -1 or +1")]
    Label {
        /// Index of the sample.
        sample: usize,
        /// The label.
        value: f64,
    },
    /// A number of X that is not finite.
    #[error("sample {sample}, feature {feature} is {value}, expected a finite number")]
    NotFinite {
        /// Index of the sample.
        sample: usize,
        /// Index of the feature.
        feature: usize,
        /// The number.
        value: f64,
    },
    /// A sample whose inner products, or products of two of these, leave the range of f64.
    #[error("sample {sample} has length {length:.1e}; expected 0, or {least:e} to {most:e}: choose another unit", least = LENGTHS.start(), most = LENGTHS.end())]
    Length {
        /// Index of the sample.
        sample: usize,
        /// `‖x_i‖`.
        length: f64,
    },
    /// Every sample is zero: there is no `1/λmax`.
    #[error("no automatic step size: every sample is zero")]
    NoStepSize,
    /// Something that needs `K = XXᵀ`, for more samples than K is formed for ([`Data::LARGEST`](crate::Data::LARGEST)).
    #[error("n = {n}: at most {most} samples for {what}")]
    TooManySamples {
        /// Number of samples.
        n: usize,
        /// The most.
        most: usize,
        /// What needs K.
        what: &'static str,
    },
    /// Two options that exclude each other.
    #[error("{0}")]
    Options(&'static str),
    /// A saved state that cannot be gone on from; [`StateError`](crate::state::StateError) in words.
    #[error("{0}")]
    State(String),
    /// A computation was asked to end ([`Watch`](crate::Watch)) before it had a result.
    #[error("stopped")]
    Stopped,
}

/// Lengths of samples between which products of inner products stay in the range of f64.
pub(crate) const LENGTHS: std::ops::RangeInclusive<f64> = 1e-70..=1e70;

/// Results of the library.
pub type Result<T> = std::result::Result<T, Error>;
