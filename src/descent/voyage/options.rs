//! How far to trust the flow.

/// How far to trust the flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Whether stretches in a fixed pattern may be warped at all.
    pub warp: bool,
    /// Relative error of the margins allowed to the first step of a flight, if that is less than what is allowed to each.
    pub tolerance: f64,
    /// Relative error of the margins that averages over chattering neurons may leave behind.
    pub sliding: f64,
    /// Whether settled steps read H in f32, while their drift allows it.
    pub mixed: bool,
    /// Gradient flow in place of steps, with its unit of time.
    pub flow: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { warp: true, tolerance: 1e-14, sliding: 1e-6, mixed: false, flow: None }
    }
}
