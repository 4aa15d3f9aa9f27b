//! How far to trust the flow, and why steps are taken instead.

/// How far to trust the flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Whether stretches in a fixed pattern may be warped at all.
    pub warp: bool,
    /// Relative error of the margins allowed to the terms that the modified field neglects, from the
    /// start of warp to the end of time.
    pub tolerance: f64,
    /// Relative error of the margins that averages over chattering neurons may leave behind.
    pub sliding: f64,
    /// Whether settled steps read H in f32, while their drift allows it.
    pub mixed: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { warp: true, tolerance: 1e-14, sliding: 1e-6, mixed: false }
    }
}

/// Why steps are being taken one by one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hold {
    /// Warp is switched off.
    Off,
    /// Bits of the pattern changed a few steps ago, or keep changing.
    Flips,
    /// The step size times the curvature is still too large for the modified field.
    Early,
    /// A pre-activation is about to reach zero, or may be.
    Near,
    /// Neurons chatter as sliding predicts, but averages are not yet exact enough; they will be at about this t, if
    /// their error falls like 1/t.
    Rough(f64),
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const CHATTER: &str = "neurons change sides every few steps";
        match self {
            Hold::Off => f.write_str("warp is off"),
            Hold::Flips => f.write_str(CHATTER),
            Hold::Early => f.write_str("too early for warp"),
            Hold::Near => f.write_str("a neuron is about to change sides"),
            Hold::Rough(t) => write!(f, "{CHATTER}, and it is too early for their averages before t ≈ {t:.0e}"),
        }
    }
}
