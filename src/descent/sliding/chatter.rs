//! Persistent chatter, as stepping shows it, and whether sliding explains it.
//!
//! Over a window of steps, `min(t, 16384)` of them, every pair's changes of side and its time on the
//! positive side are counted. The chatter counts as sliding if
//!
//! - no own-sign pair (`a_j y_i > 0`) changed sides more than once;
//! - with σ the pairs that changed sides at least three times, the last time in the second half of the
//!   window, the slopes θ that keep `z_σ = 0` all lie in [γ, 1];
//! - each pair's time on the positive side is the fraction `(θ − γ)/(1 − γ)` of the window, to [`AGREEMENT`].

use super::mode::{Mode, Place};
use crate::descent::gram::Coefficients;
use crate::network::Pattern;

/// Longest window, in steps.
pub const WINDOW: f64 = 16384.0;

/// First t at which a window may end in a verdict.
pub const YOUNG: f64 = 1024.0;

/// Largest difference between a fraction observed and the one that its slope predicts.
pub const AGREEMENT: f64 = 0.05;

/// Fewest changes of side in a window that count as chatter.
const CHANGES: f64 = 3.0;

/// Counts since the window began.
#[derive(Clone, Debug)]
pub struct Chatter {
    start: f64,
    pattern: Pattern,
    since: Vec<f64>,   // n×m: t of the last change of side, or the start
    above: Vec<f64>,   // n×m: steps on the positive side, up to `since`
    changes: Vec<f64>, // n×m
    /// The fractions of the last complete window (n×m), or empty.
    fractions: Vec<f64>,
}

impl Chatter {
    /// A window that begins at the present t.
    pub fn new(state: &Coefficients) -> Self {
        let size = state.pattern().samples() * state.pattern().neurons();
        Self {
            start: state.t(),
            pattern: state.pattern().clone(),
            since: vec![state.t(); size],
            above: vec![0.0; size],
            changes: vec![0.0; size],
            fractions: Vec::new(),
        }
    }

    /// Takes notice of the present pattern.
    pub fn observe(&mut self, state: &Coefficients) {
        let (pattern, t) = (state.pattern(), state.t());
        let m = pattern.neurons();
        for j in 0..m {
            for word in 0..pattern.column(j).len() {
                let mut changed = pattern.column(j)[word] ^ self.pattern.column(j)[word];
                while changed != 0 {
                    let pair = (64 * word + changed.trailing_zeros() as usize) * m + j;
                    changed &= changed - 1;
                    if self.pattern.get(pair / m, j) {
                        self.above[pair] += t - self.since[pair];
                    }
                    self.since[pair] = t;
                    self.changes[pair] += 1.0;
                }
            }
        }
        self.pattern.clone_from(pattern);
    }

    /// Whether the window is complete at t.
    pub fn complete(&self, t: f64) -> bool {
        t >= YOUNG && t - self.start >= (0.5 * t).min(WINDOW)
    }

    /// Fractions of steps on the positive side (n×m, row-major), of the last complete window.
    pub fn fractions(&self) -> Option<&[f64]> {
        (!self.fractions.is_empty()).then_some(&self.fractions)
    }

    /// Ends the window at the present t and begins another. Returns the places of all pairs if something
    /// chatters and sliding explains it; `scaled` is `αc t ℓ` (length n).
    pub fn judge(&mut self, state: &Coefficients, scaled: &[f64]) -> Option<Vec<Place>> {
        let (t, m) = (state.t(), self.pattern.neurons());
        let fraction = |pair: usize| {
            let last = if self.pattern.get(pair / m, pair % m) { t - self.since[pair] } else { 0.0 };
            (self.above[pair] + last) / (t - self.start)
        };
        let fractions: Vec<f64> = (0..self.above.len()).map(fraction).collect();
        let places = self.explanation(state, scaled, &fractions);
        *self = Self { fractions, ..Self::new(state) };
        places
    }

    fn explanation(&self, state: &Coefficients, scaled: &[f64], fractions: &[f64]) -> Option<Vec<Place>> {
        let (problem, m) = (state.problem(), self.pattern.neurons());
        let own = |pair: usize| problem.network.sign(pair % m) * problem.labels[pair / m] > 0.0;
        if (0..self.changes.len()).any(|pair| own(pair) && self.changes[pair] > 1.0) {
            return None;
        }
        let half = 0.5 * (self.start + state.t());
        let place = |pair: usize| match self.pattern.get(pair / m, pair % m) {
            _ if self.changes[pair] >= CHANGES && self.since[pair] > half => Place::Kink,
            true => Place::Above,
            false => Place::Below,
        };
        let places: Vec<Place> = (0..self.changes.len()).map(place).collect();
        if !places.contains(&Place::Kink) {
            return None;
        }
        let leak = problem.network.leak;
        let slopes = Mode::new(problem, places.clone())?.slopes(problem, scaled);
        let agrees = |pair: usize| {
            places[pair] != Place::Kink || ((slopes[pair] - leak) / (1.0 - leak) - fractions[pair]).abs() <= AGREEMENT
        };
        (0..places.len()).all(agrees).then_some(places)
    }

    /// Everything that later verdicts depend on.
    pub fn memory(&self) -> Vec<f64> {
        let mut memory = vec![self.start, if self.fractions.is_empty() { 0.0 } else { 1.0 }];
        let (n, m) = (self.pattern.samples(), self.pattern.neurons());
        memory.extend((0..n * m).map(|pair| f64::from(u8::from(self.pattern.get(pair / m, pair % m)))));
        memory.extend(self.since.iter().chain(&self.above).chain(&self.changes));
        if self.fractions.is_empty() {
            memory.resize(memory.len() + n * m, 0.0);
        }
        memory.extend(&self.fractions);
        memory
    }

    /// Puts back what [`Chatter::memory`] returned, 2 + 5nm numbers.
    pub fn remember(&mut self, memory: &[f64]) {
        let (head, rest) = memory.split_at(2);
        let (n, m) = (self.pattern.samples(), self.pattern.neurons());
        let mut parts = rest.chunks_exact(n * m).map(<[f64]>::to_vec);
        let mut part = || parts.next().unwrap_or_default();
        self.start = head[0];
        self.pattern = Pattern::of(&part(), n, m);
        (self.since, self.above, self.changes) = (part(), part(), part());
        self.fractions = if head[1] == 1.0 { part() } else { Vec::new() };
    }
}
