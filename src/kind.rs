//! What moves the iterate, and in which numbers.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What moves the iterate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Steps on W and X.
    #[default]
    Direct,
    /// Steps in the span of the data, on `K = XXᵀ`.
    Gram,
    /// The flow that the steps lie on, in a settled pattern.
    Warp,
    /// Averages over neurons that chatter.
    Sliding,
    /// Gradient flow itself, in place of steps.
    Flow,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Direct, Self::Gram, Self::Warp, Self::Sliding, Self::Flow];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gram => "gram",
            Self::Warp => "warp",
            Self::Sliding => "sliding",
            Self::Flow => "flow",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The precision of the products of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Everything in f64.
    #[default]
    F64,
    /// Everything in f32.
    F32,
    /// Products in f32, weights and sums in f64.
    Mixed,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F64, Self::F32, Self::Mixed];

    /// The precision of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
    }

    /// The name in configurations and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::Mixed => "mixed",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
