//! Mixtures with flipped labels of many kinds, as settings of a configuration.

/// Number of mixtures.
pub const MIXTURES: usize = 20;

/// Mixture k: the settings run through their ranges with steps that have no common period.
pub fn mixture(k: usize) -> Vec<String> {
    let part = |step: f64| ((k as f64 + 0.5) * step).fract();
    let between = |low: f64, high: f64, step: f64| low * (high / low).powf(part(step));
    vec![
        format!("seed={k}"),
        format!("data.n={}", between(20.0, 200.0, 0.618).round()),
        format!("data.d={}", between(200.0, 5000.0, 0.414).round()),
        format!("data.signal={:.2}", between(2.0, 20.0, 0.732)),
        format!("data.label_noise={:.3}", between(0.05, 0.3, 0.236)),
        format!("network.width={}", 2 + k * 7 % 11),
        format!("network.init_scale={}", [1e-6, 1e-3, 0.03][k % 3]),
        format!("network.leak={}", [0.05, 0.1, 0.3, 0.5][k % 4]),
    ]
}
